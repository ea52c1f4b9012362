package registrytest

import (
	"crypto/subtle"
	"fmt"
	"net/http"
)

// authenticator decides about requests.
type authenticator interface {
	// admit reports whether the request may go on; if not, it has answered.
	admit(w http.ResponseWriter, req *http.Request) bool
}

// open admits everybody.
type open struct{}

func (open) admit(http.ResponseWriter, *http.Request) bool { return true }

type basicAuth struct{ user, password string }

func (a basicAuth) admit(w http.ResponseWriter, req *http.Request) bool {
	if a.knows(req) {
		return true
	}
	refuse(w, `Basic realm="registrytest"`)
	return false
}

func (a basicAuth) knows(req *http.Request) bool {
	user, password, given := req.BasicAuth()
	return given && a.match(user, password)
}

func (a basicAuth) match(user, password string) bool {
	return subtle.ConstantTimeCompare([]byte(user+":"+password), []byte(a.user+":"+a.password)) == 1
}

// refuse answers 401 with a challenge and the error body of the OCI
// distribution specification 1.1, "Error Codes".
func refuse(w http.ResponseWriter, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
}
