package fault

import (
	"context"
	"errors"
	"strings"
)

// Kind is the class of a failure, as the report's error.kind gives it.
type Kind string

// The kinds of failure. A report has no others.
const (
	Input          Kind = "input"
	NotFound       Kind = "not-found"
	Unauthorized   Kind = "unauthorized"
	Denied         Kind = "denied"
	RateLimited    Kind = "rate-limited"
	Network        Kind = "network"
	TLS            Kind = "tls"
	DigestMismatch Kind = "digest-mismatch"
	Conflict       Kind = "conflict"
	Policy         Kind = "policy"
	Unsupported    Kind = "unsupported"
	Cancelled      Kind = "cancelled"
	Internal       Kind = "internal"
)

// Side is where a failure happened, as the report's error.side gives it.
type Side string

// The sides of a step.
const (
	InputSide   Side = "input"
	Source      Side = "source"
	Destination Side = "destination"
)

// Error is a failure with its kind, and with its side and reference once they
// are known.
type Error struct {
	Kind      Kind   // empty: that of the wrapped error
	Side      Side   // empty: not known at this layer
	Reference string // what it happened to, "docker://q.io/a/b:1"; may be empty
	Remedy    string // what the user can do, "csync login q.io"; may be empty
	Err       error
}

// New says that err is a failure of the given kind.
func New(kind Kind, err error) *Error { return &Error{Kind: kind, Err: err} }

// WithRemedy says that err is a failure of the given kind, and what to do.
func WithRemedy(kind Kind, err error, remedy string) *Error {
	return &Error{Kind: kind, Err: err, Remedy: remedy}
}

// At says on which side and to which reference err happened. It returns nil
// for nil, and leaves an error alone that already has a side.
func At(side Side, reference string, err error) error {
	if err == nil || SideOf(err) != "" {
		return err
	}
	return &Error{Side: side, Reference: reference, Err: err}
}

// Error reads "source docker://q.io/a/b:1: reading manifest: unauthorized;
// csync login q.io".
func (e *Error) Error() string {
	var text strings.Builder
	if e.Side != "" && e.Side != InputSide {
		text.WriteString(string(e.Side) + " ")
	}
	if e.Reference != "" {
		text.WriteString(e.Reference + ": ")
	}
	text.WriteString(e.Err.Error())
	if e.Remedy != "" {
		text.WriteString("; " + e.Remedy)
	}
	return text.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the outermost Error of err's chain that has one,
// Cancelled for a context that has ended, and Internal for everything else.
func KindOf(err error) Kind {
	if kind := first(err, func(e *Error) string { return string(e.Kind) }); kind != "" {
		return Kind(kind)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Cancelled
	}
	return Internal
}

// Is reports whether err is a failure of the given kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// SideOf is the side of the outermost Error of err's chain that has one.
func SideOf(err error) Side {
	return Side(first(err, func(e *Error) string { return string(e.Side) }))
}

// first walks err's chain from the outside and returns the first value that
// field gives.
func first(err error, field func(*Error) string) string {
	var e *Error
	for errors.As(err, &e) {
		if value := field(e); value != "" {
			return value
		}
		err = e.Err
	}
	return ""
}
