package registrytest

// Option changes how a registry is started.
type Option func(*options)

type options struct {
	tls               bool
	expired           bool
	clientCertificate bool
	auth              func(url string) authenticator // nil: everything is allowed
	basic             bool
	user, password    string
	expiresIn         int
	anonymousPull     bool
	directory         string
	noReferrers       bool
	catalog           bool
	singlePost        bool
	noDelete          bool
	version3          bool
}

func newOptions(given []Option) options {
	o := options{expiresIn: 300}
	for _, option := range given {
		option(&o)
	}
	return o
}

// TLS serves HTTPS, HTTP/2 included, with a certificate of the registry's own
// authority, which is in [Registry.CertDir].
func TLS() Option { return func(o *options) { o.tls = true } }

// ExpiredCertificate is TLS with a certificate that is no longer valid.
func ExpiredCertificate() Option {
	return func(o *options) { o.tls, o.expired = true, true }
}

// ClientCertificate is TLS that admits only clients with the certificate in
// [Registry.CertDir].
func ClientCertificate() Option {
	return func(o *options) { o.tls, o.clientCertificate = true, true }
}

// Basic asks every request for user and password (RFC 7617).
func Basic(user, password string) Option {
	return func(o *options) {
		o.basic, o.user, o.password = true, user, password
		o.auth = func(string) authenticator { return basicAuth{user, password} }
	}
}

// Token asks every request for a bearer token, which /token on the same host
// gives to user and password: one token for the scopes that are asked for,
// good for these only (distribution's "Token Authentication Specification").
func Token(user, password string) Option {
	return func(o *options) {
		o.basic, o.user, o.password = false, user, password
		o.auth = func(url string) authenticator { return newTokenAuth(url, *o) }
	}
}

// ExpiresIn lets tokens live for that many seconds instead of 300. With 0 the
// answer leaves expires_in out, which means 60 seconds.
func ExpiresIn(seconds int) Option { return func(o *options) { o.expiresIn = seconds } }

// AnonymousPull gives a token for pulling to those without credentials.
func AnonymousPull() Option { return func(o *options) { o.anonymousPull = true } }

// Directory keeps the content below a directory instead of in memory.
func Directory(path string) Option { return func(o *options) { o.directory = path } }

// NoReferrersAPI answers 404 where referrers are listed, as registries do that
// know version 1.0 of the distribution specification only.
func NoReferrersAPI() Option { return func(o *options) { o.noReferrers = true } }

// Catalog serves /v2/_catalog, in pages. Without it the answer is 404, as at
// registries that do not show their repositories.
func Catalog() Option { return func(o *options) { o.catalog = true } }

// SinglePost takes a blob with the POST that starts its upload, where the
// request has it (OCI distribution 1.1, "Single POST"). Without it the answer
// is a session, as at distribution.
func SinglePost() Option { return func(o *options) { o.singlePost = true } }

// NoDelete refuses to delete anything, as distribution does unless it is
// configured otherwise.
func NoDelete() Option { return func(o *options) { o.noDelete = true } }
