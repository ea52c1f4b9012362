package transport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"csync/sync/log"
)

const (
	firstDelay    = time.Second      // between attempts, where neither user nor registry names a time
	maxDelay      = 30 * time.Second // the same
	maxRetryAfter = 2 * time.Minute  // where it does
)

// exchange sends a request once and gives the answer to it.
type exchange func(*http.Request) (*http.Response, error)

// persist repeats send until its answer is final: a success, a refusal that
// would not change, or the last of the attempts.
func (h *host) persist(req *http.Request, send exchange) (*http.Response, error) {
	return h.repeat(req, send, h.transport.options.Retries)
}

// repeat is persist with so many repetitions at most.
func (h *host) repeat(req *http.Request, send exchange, repetitions int) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		if turn := h.traffic.turn(); turn > 0 {
			if err := h.transport.wait(req.Context(), turn); err != nil {
				return nil, err
			}
		}
		resp, err := send(req)
		if attempt >= repetitions || req.Context().Err() != nil || !h.temporary(resp, err) {
			return resp, err
		}
		next := replay(req)
		if next == nil {
			return resp, err
		}
		delay := h.delay(resp, attempt)
		log.From(req.Context()).WithError(reason(resp, err)).Warnf("trying again in %s", delay.Round(time.Millisecond))
		if resp != nil {
			drain(resp.Body)
		}
		if err := h.transport.wait(req.Context(), delay); err != nil {
			return nil, err
		}
		req = next
	}
}

// replay is req to be sent again, or nil if its body was used up.
func replay(req *http.Request) *http.Request {
	again := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return again
	}
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	again.Body = body
	return again
}

// temporary reports whether the same request may have another answer soon. A
// host that could not be reached at all had its chances when it was dialled.
func (h *host) temporary(resp *http.Response, err error) bool {
	if err != nil {
		failed, ok := errors.AsType[*transportError](err)
		return ok && !failed.permanent() && (h.contact.made() || !failed.unreachable())
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// delay is the time to the next attempt: what the registry asks for, else what
// the user does. Where that is so for many requests, it holds back the others as
// well.
func (h *host) delay(resp *http.Response, attempt int) time.Duration {
	delay := h.transport.options.RetryDelay
	if delay <= 0 {
		delay = backoff(attempt)
	}
	if resp == nil {
		return delay
	}
	if asked, ok := retryAfter(resp.Header.Get("Retry-After"), time.Now()); ok {
		delay = asked
	}
	if resp.StatusCode == http.StatusTooManyRequests && h.traffic.wave() {
		h.traffic.pause(delay)
	}
	return delay
}

// backoff doubles with each attempt, with up to a fifth added so that clients
// spread.
func backoff(attempt int) time.Duration {
	delay := min(firstDelay<<min(attempt, 16), maxDelay)
	return delay + rand.N(delay/5+1)
}

// retryAfter reads a Retry-After header, seconds or a date (RFC 9110, section
// 10.2.3), as a wait from now on of at most maxRetryAfter.
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseUint(header, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second, true
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter), true
	}
	return 0, false
}

// reason is why an attempt is not the last.
func reason(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s %s: %s", resp.Request.Method, place(resp.Request.URL), resp.Status)
}

// pauseBefore waits a moment before a quick second try.
func (t *Transport) pauseBefore(ctx context.Context, try int) error {
	delay := firstDelay
	if given := t.options.RetryDelay; given > 0 {
		delay = min(given, delay)
	}
	return t.wait(ctx, delay/4<<try)
}
