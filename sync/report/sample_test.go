package report

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"csync/sync/fault"

	"github.com/opencontainers/go-digest"
)

const (
	indexType = "application/vnd.oci.image.index.v1+json"
	imageType = "application/vnd.docker.distribution.manifest.v2+json"
)

var start = time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)

// samples are the reports of the golden files, by name.
func samples() map[string]*Report {
	return map[string]*Report{
		"done":        finished("sync", false, doneResults()),
		"dry-run":     finished("plan", true, plannedResults()),
		"failures":    finished("sync", false, failedResults()),
		"interrupted": finished("sync", false, interruptedResults()),
		"rolled-back": finished("promote", false, rolledBackResults()),
	}
}

func finished(verb string, dryRun bool, results []Result) *Report {
	r := New(verb, "1.2.0", dryRun, start)
	requests := map[string]int64{"registry.example.com": 21, "mirror.example.net:5000": 34}
	r.Finish(results, requests, start.Add(4200*time.Millisecond))
	return r
}

// sum is a digest that is easy to tell from others.
func sum(pattern string) digest.Digest {
	return digest.NewDigestFromEncoded(digest.SHA256, strings.Repeat(pattern, 64/len(pattern)))
}

func copied(repository, tag string) Result {
	return Result{
		Action: Copy, Status: Done,
		Source:      fmt.Sprintf("docker://registry.example.com/library/%s:%s", repository, tag),
		Destination: fmt.Sprintf("docker://mirror.example.net:5000/library/%s:%s", repository, tag),
		Attempts:    1,
	}
}

func doneResults() []Result {
	redis := copied("redis", "7.4")
	redis.SourceDigest, redis.Digest, redis.PreviousDigest = sum("7a"), sum("7a"), sum("72")
	redis.MediaType, redis.Platforms, redis.Verified = indexType, []string{"linux/amd64", "linux/arm/v7"}, true
	redis.BytesRead, redis.BytesWritten, redis.BytesReused = 41_500_000, 41_500_000, 12_800_000
	redis.Attempts, redis.DurationMS = 2, 3100

	stable := copied("redis", "stable")
	stable.Action, stable.Source = Retag, redis.Destination
	stable.SourceDigest, stable.Digest = sum("7a"), sum("7a")
	stable.MediaType, stable.Platforms, stable.Verified = indexType, redis.Platforms, true
	stable.DurationMS = 40

	nginx := copied("nginx", "1.28.0")
	nginx.Status, nginx.MediaType, nginx.Platforms, nginx.Verified = Unchanged, imageType, []string{"linux/amd64"}, true
	nginx.SourceDigest, nginx.Digest, nginx.DurationMS = sum("12"), sum("12"), 25

	legacy := copied("legacy", "2")
	legacy.Status, legacy.Reason, legacy.DurationMS = Skipped, "its only platform is linux/s390x", 31
	return []Result{redis, stable, nginx, legacy}
}

func plannedResults() []Result {
	alpine := copied("alpine", "3.20.1")
	alpine.Status, alpine.SourceDigest, alpine.PreviousDigest = Planned, sum("a1"), sum("b2")
	alpine.MediaType, alpine.Platforms, alpine.DurationMS = indexType, []string{"linux/amd64", "linux/ppc64le"}, 55
	busybox := copied("busybox", "1.37")
	busybox.Status, busybox.Verified, busybox.DurationMS = Unchanged, true, 20
	busybox.SourceDigest, busybox.Digest, busybox.MediaType = sum("c3"), sum("c3"), imageType
	return []Result{alpine, busybox}
}

// failedResults has one failure of each kind.
func failedResults() []Result {
	failures := map[string]error{
		"bad-reference": fault.New(fault.Input, errors.New(`parsing "Bad:Ref:": invalid reference format`)),
		"absent":        fault.New(fault.NotFound, errors.New("reading manifest: no such tag")),
		"private":       fault.WithRemedy(fault.Unauthorized, errors.New("reading manifest: no credentials"), "csync login registry.example.com"),
		"forbidden":     fault.New(fault.Denied, errors.New("pushing blob: denied: requested access to the resource is denied")),
		"busy":          fault.New(fault.RateLimited, errors.New("reading manifest: too many requests after 5 attempts")),
		"unreachable":   fault.New(fault.Network, errors.New("dial tcp 192.0.2.1:443: connect: connection refused")),
		"untrusted":     fault.New(fault.TLS, errors.New("x509: certificate signed by unknown authority")),
		"damaged":       fault.New(fault.DigestMismatch, fmt.Errorf("reading blob: it is %s, not %s", sum("e5"), sum("d4"))),
		"protected":     fault.New(fault.Conflict, errors.New("writing manifest: tag is immutable")),
		"unsigned":      fault.New(fault.Policy, errors.New("a signature was required, but no signature exists")),
		"odd":           fault.New(fault.Unsupported, errors.New(`media type "application/x-odd" is not an image's`)),
		"stopped":       fmt.Errorf("reading blob: %w", context.Canceled),
		"surprising":    errors.New("unexpected <state> & no more"),
	}
	destinationSide := map[string]bool{"forbidden": true, "protected": true}
	var results []Result
	for repository, err := range failures {
		result := copied(repository, "1")
		if destinationSide[repository] {
			err = fault.At(fault.Destination, result.Destination, err)
		} else if repository != "bad-reference" && repository != "stopped" && repository != "surprising" {
			err = fault.At(fault.Source, result.Source, err)
		}
		result.Status, result.Error = Failed, Failure(err)
		results = append(results, result)
	}
	return append(results, unlisted())
}

// unlisted is the result of a repository whose tags cannot be listed: no
// destination is known.
func unlisted() Result {
	source := "docker://registry.example.com/library/gone"
	err := fault.At(fault.Source, source, fault.New(fault.NotFound, errors.New("listing tags: repository does not exist")))
	return Result{Action: Copy, Status: Failed, Source: source, Attempts: 1, Error: Failure(err)}
}

func interruptedResults() []Result {
	results := doneResults()[:1]
	for _, tag := range []string{"1.27.4", "1.28.0"} {
		result := copied("nginx", tag)
		result.Attempts = 0
		result.Status, result.Error = Failed, Failure(fault.New(fault.Cancelled, errors.New("interrupted before it began")))
		results = append(results, result)
	}
	return results
}

// rolledBackResults are labels that went back, because one could not be moved.
func rolledBackResults() []Result {
	moved, refused, deleted := copied("base", "current"), copied("nova", "current"), copied("swift", "current")
	for _, label := range []*Result{&moved, &refused, &deleted} {
		label.Action, label.Digest, label.SourceDigest = Retag, sum("7a"), sum("7a")
		label.Status, label.PreviousDigest, label.Verified = RolledBack, sum("72"), true
	}
	deleted.PreviousDigest = "" // there was no such tag
	refused.Status, refused.Verified = Failed, false
	refused.Error = Failure(fault.At(fault.Destination, refused.Destination, fault.New(fault.Denied, errors.New("pushing is not allowed"))))
	return []Result{moved, refused, deleted}
}
