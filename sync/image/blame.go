package image

import (
	"crypto/tls"
	"errors"
	"net/http"

	"github.com/docker/distribution/registry/api/errcode"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/docker/reference"

	"csync/sync/fault"
)

// destinationFault says that copy.Image failed at the destination, unless the
// source has said that it was there.
func destinationFault(destination Location, err error) error {
	return fault.At(fault.Destination, destination.String(), kindOf(destination, err))
}

// kindOf is err with the kind that one of the library's transports implies, where
// it has none.
func kindOf(l Location, err error) error {
	var status docker.UnexpectedHTTPStatusError
	var answer errcode.Error
	switch {
	case err == nil || fault.KindOf(err) != fault.Internal:
		return err
	case errors.As(err, new(docker.ErrUnauthorizedForCredentials)):
		return kindOfStatus(l, http.StatusUnauthorized, err)
	case errors.Is(err, docker.ErrTooManyRequests):
		return fault.New(fault.RateLimited, err)
	case errors.As(err, &status):
		return kindOfStatus(l, status.StatusCode, err)
	case errors.As(err, &answer):
		return kindOfStatus(l, answer.Code.Descriptor().HTTPStatusCode, err)
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return fault.New(fault.TLS, err)
	case unreachable(err):
		return fault.New(fault.Network, err)
	case missing(err):
		return fault.New(fault.NotFound, err)
	}
	return storageFault(err)
}

// kindOfStatus is err with the kind of an answer of a registry (RFC 9110 §15).
func kindOfStatus(l Location, status int, err error) error {
	switch {
	case status == http.StatusUnauthorized:
		return fault.WithRemedy(fault.Unauthorized, err, "csync login "+reference.Domain(l.Reference.DockerReference()))
	case status == http.StatusForbidden:
		return fault.New(fault.Denied, err)
	case status == http.StatusNotFound:
		return fault.New(fault.NotFound, err)
	case status == http.StatusTooManyRequests:
		return fault.New(fault.RateLimited, err)
	case status >= http.StatusInternalServerError:
		return fault.New(fault.Network, err)
	}
	return err
}
