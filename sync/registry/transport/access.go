package transport

import (
	"fmt"

	"go.podman.io/image/v5/types"
)

// Secret is a string that never shows: printed, logged or marshalled it is "***".
type Secret string

const hidden = "***"

// String is "***".
func (Secret) String() string { return hidden }

// GoString is "***".
func (Secret) GoString() string { return hidden }

// Format writes "***" whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, hidden) }

// MarshalText gives "***", for JSON, YAML and logs alike.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Access is how one side of a run reaches a registry. Its zero value takes
// everything from the system's configuration.
type Access struct {
	Username      string
	Password      Secret
	IdentityToken Secret // an OAuth2 refresh token
	RegistryToken Secret // a bearer token that is sent as it is

	// Anonymous sends no credentials, also where some are configured.
	Anonymous bool
	// TLSVerify false tries unverified HTTPS, then HTTP; undefined leaves it to
	// registries.conf, where certificates are verified unless it says insecure.
	TLSVerify types.OptionalBool
	// CertDir holds *.crt, *.cert and *.key as containers-certs.d(5) has it for
	// one host, and replaces the system's directory.
	CertDir string
	// AuthFile replaces the system's credentials file.
	AuthFile string
}

// explicit reports whether credentials were given, so that none are looked up.
func (a Access) explicit() bool {
	return a.Anonymous || a.Username != "" || a.Password != "" || a.IdentityToken != "" || a.RegistryToken != ""
}

// Elsewhere is the access to a host other than the one that credentials were
// given for, a mirror: everything but them.
func (a Access) Elsewhere() Access {
	a.Username, a.Password, a.IdentityToken, a.RegistryToken = "", "", "", ""
	return a
}
