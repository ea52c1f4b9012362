// Package log carries the log of a run in its context, so that what several runs
// share, a transport say, tells each what concerns it.
package log

import (
	"context"
	"io"

	"github.com/sirupsen/logrus"
)

type key struct{}

// With gives what is done under the context that it returns a log.
func With(ctx context.Context, logger *logrus.Logger) context.Context {
	return context.WithValue(ctx, key{}, logger)
}

// From is the log of what is done under ctx. Without one nobody is told.
func From(ctx context.Context) *logrus.Logger {
	if logger, given := ctx.Value(key{}).(*logrus.Logger); given {
		return logger
	}
	silent := logrus.New()
	silent.SetOutput(io.Discard)
	return silent
}
