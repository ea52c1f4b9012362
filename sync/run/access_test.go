package run_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

func TestCredentialsOfTheFileAreSent(t *testing.T) {
	t.Setenv("LAB_USER", "ci")
	t.Setenv("LAB_PASSWORD", "s3cret")
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte("s3cret\n"), 0o600))
	ways := map[string]string{
		"plain":                "credentials: {username: ci, password: s3cret}",
		"from the environment": "csync: {username-env: LAB_USER, password-env: LAB_PASSWORD}",
		"from a file":          "credentials: {username: ci}\ncsync: {password-file: " + password + "}",
	}
	registries := map[string]registrytest.Option{
		"Basic": registrytest.Basic("ci", "s3cret"), "Token": registrytest.Token("ci", "s3cret"),
	}
	for way, lines := range ways {
		for scheme, option := range registries {
			t.Run(way+" by "+scheme, func(t *testing.T) {
				source, destination := registrytest.Start(t, option), registrytest.Start(t)
				source.Push(t, "team/app", "1.0", registrytest.RandomImage(1))

				results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "team/app", "1.0", lines))

				requireAll(t, report.Done, results)
			})
		}
	}
}

func TestDestinationCredentialsComeFromTheCredentialsFile(t *testing.T) {
	t.Parallel()
	for scheme, option := range map[string]registrytest.Option{
		"Basic": registrytest.Basic("ci", "s3cret"), "Token": registrytest.Token("ci", "s3cret"),
	} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t, option)
			source.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
			l := newLab(t, "docker://"+destination.Host())
			require.NoError(t, os.WriteFile(l.system.AuthFilePath, fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`,
				destination.Host(), base64.StdEncoding.EncodeToString([]byte("ci:s3cret"))), 0o600))

			requireAll(t, report.Done, l.sync(oneOf(source, "team/app", "1.0")))
		})
	}
}

func TestWrongCredentialsAreUnauthorizedAtTheirSide(t *testing.T) {
	t.Parallel()
	for scheme, option := range map[string]registrytest.Option{
		"Basic": registrytest.Basic("ci", "s3cret"), "Token": registrytest.Token("ci", "s3cret"),
	} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			closed, open, destination := registrytest.Start(t, option), registrytest.Start(t), registrytest.Start(t)
			closed.Push(t, "app", "1.0", registrytest.RandomImage(1))
			open.Push(t, "web", "1.0", registrytest.RandomImage(2))
			const wrong = "credentials: {username: ci, password: pa55word}"

			results := newLab(t, "docker://"+destination.Host()).sync(oneOf(closed, "app", "1.0", wrong) + oneOf(open, "web", "1.0"))

			requireFailure(t, results[0], fault.Unauthorized, fault.Source, "csync login "+closed.Host())
			require.NotContains(t, results[0].Error.Message, "pa55word")
			require.Equal(t, report.Done, results[1].Status)
			results = newLab(t, "docker://"+closed.Host()).sync(oneOf(open, "web", "1.0"))
			requireFailure(t, results[0], fault.Unauthorized, fault.Destination, "csync login "+closed.Host())
			require.Empty(t, closed.Tags(t, "web"))
		})
	}
}

func TestTLSVerifyAndCertDirOfTheFileAreHeeded(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		option registrytest.Option
		lines  func(*registrytest.Registry) string
		kind   fault.Kind // "": it works
		word   string
	}{
		"tls-verify false takes any certificate":   {registrytest.TLS(), func(*registrytest.Registry) string { return "tls-verify: false" }, "", ""},
		"an unknown authority is refused":          {registrytest.TLS(), func(*registrytest.Registry) string { return "" }, fault.TLS, "certs.d"},
		"cert-dir has the authority":               {registrytest.TLS(), certDir, "", ""},
		"cert-dir has the client's certificate":    {registrytest.ClientCertificate(), certDir, "", ""},
		"an expired certificate is refused":        {registrytest.ExpiredCertificate(), certDir, fault.TLS, "expired"},
		"HTTP is refused where TLS is expected":    {registrytest.AnonymousPull(), func(*registrytest.Registry) string { return "" }, fault.TLS, "tls-verify: false"},
		"HTTP is fine where tls-verify says false": {registrytest.AnonymousPull(), func(*registrytest.Registry) string { return "tls-verify: false" }, "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, open, directory := registrytest.Start(t, c.option), registrytest.Start(t), t.TempDir()
			source.Push(t, "app", "1.0", registrytest.RandomImage(1))
			open.Push(t, "web", "1.0", registrytest.RandomImage(2))
			l := newLab(t, "dir:"+directory)
			l.access = transport.Access{}

			results := l.sync(oneOf(source, "app", "1.0", c.lines(source)) + oneOf(open, "web", "1.0", "tls-verify: false"))

			require.Len(t, results, 2)
			require.Equal(t, report.Done, results[1].Status, "the rest goes on")
			if c.kind == "" {
				require.Equal(t, report.Done, results[0].Status, "%+v", results[0].Error)
				return
			}
			requireFailure(t, results[0], c.kind, fault.Source, source.Host(), c.word)
			require.Equal(t, []string{"web:1.0"}, entriesOf(t, directory))
		})
	}
}

func TestAClientCertificateThatIsMissingIsAFailure(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t, registrytest.ClientCertificate()), t.TempDir()
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "dir:"+directory)
	l.access = transport.Access{}

	results := l.sync(oneOf(source, "app", "1.0", caOnly(source)))

	// With TLS 1.3 the server refuses after its part of the handshake: the client
	// sees the alert, or a connection that is closed.
	require.Equal(t, report.Failed, results[0].Status)
	require.Contains(t, []fault.Kind{fault.TLS, fault.Network}, results[0].Error.Kind, results[0].Error.Message)
	require.Equal(t, fault.Source, results[0].Error.Side)
	require.Empty(t, entriesOf(t, directory))
}

func certDir(r *registrytest.Registry) string { return "cert-dir: " + r.CertDir }

// caOnly is a cert-dir without the client's certificate.
func caOnly(r *registrytest.Registry) string {
	_ = os.Remove(filepath.Join(r.CertDir, "client.cert"))
	_ = os.Remove(filepath.Join(r.CertDir, "client.key"))
	return certDir(r)
}

func TestADestinationIsReachedAsTheCommandLineSays(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t, registrytest.ClientCertificate(), registrytest.Basic("ci", "s3cret"))
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	l := newLab(t)
	l.access = transport.Access{Username: "ci", Password: "s3cret", CertDir: destination.CertDir}
	l.places = append(l.places, l.place("docker://"+destination.Host()))
	l.access = transport.Access{TLSVerify: types.OptionalBoolFalse}

	requireAll(t, report.Done, l.sync(oneOf(source, "app", "1.0")))
}
