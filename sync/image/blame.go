package image

import (
	"crypto/tls"
	"errors"
	"net/http"
	"strings"

	"github.com/docker/distribution/registry/api/errcode"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/signature"

	"csync/sync/fault"
)

// libraryFault finds the side and the kind of an error of copy.Image.
func libraryFault(request Request, err error) error {
	if err == nil {
		return nil
	}
	side, location := fault.Source, request.Source
	if writing(err, request) {
		side, location = fault.Destination, request.Destination
	}
	return fault.At(side, location.String(), kindOf(location, err))
}

func destinationFault(destination Location, err error) error {
	return fault.At(fault.Destination, destination.String(), kindOf(destination, err))
}

// rejected reports whether the policy does not allow the copy.
func rejected(err error) bool { return errors.As(err, new(signature.PolicyRequirementError)) }

// writing reports whether copy.Image failed at the destination. A transport that
// is wrapped to say so itself would lose what only the library's own have, sigstore's
// signatures for one. So the library's words tell, without those of the user.
func writing(err error, request Request) bool {
	text := strings.NewReplacer(request.Source.String(), "", request.Destination.String(), "").Replace(err.Error())
	if rejected(err) || strings.Contains(text, "happened during read: ") {
		return false
	}
	for _, words := range []string{
		"initializing destination ", "writing ", "Uploading manifest", "trying to reuse blob", "committing the finished image",
		"destination transport", "destination reference", "Can not copy signatures to",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// kindOf is err with the kind that one of the library's transports implies, where
// it has none.
func kindOf(l Location, err error) error {
	var status docker.UnexpectedHTTPStatusError
	var answer errcode.Error
	switch {
	case err == nil || fault.KindOf(err) != fault.Internal:
		return err
	case rejected(err):
		return fault.New(fault.Policy, err)
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
