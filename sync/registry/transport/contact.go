package transport

import (
	"context"
	"errors"
	"time"
)

// contact is the trial of a host: from the answer to the first request the
// others know how to authenticate and whether to speak TLS, and a host that
// cannot be reached is not tried once for every image.
type contact struct{ trial }

// outage is how long a host that could not be reached is not tried again.
const outage = 10 * time.Second

// enter returns when the caller may send its request. The caller reports the
// outcome, once, which matters only when it went first.
func (c *contact) enter(ctx context.Context) (report func(error), err error) {
	settle, err := c.trial.enter(ctx)
	if err != nil {
		return nil, err
	}
	return func(err error) {
		v := verdict{passed: err == nil}
		failed, silent := errors.AsType[*transportError](err)
		if silent && failed.unreachable() && ctx.Err() == nil {
			v.failed, v.until = failed.ofHost(), time.Now().Add(outage)
		}
		settle(v)
	}, nil
}
