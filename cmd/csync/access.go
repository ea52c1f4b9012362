package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry/transport"
)

// accessFlags say how one side of a run reaches its registries.
type accessFlags struct {
	prefix                                     string // "src-", "dest-" or ""
	flags                                      *pflag.FlagSet
	authFile, creds, username, password, token string
	certDir                                    string
	noCreds, tlsVerify                         bool
}

// addAccess adds the flags of one side; alias is skopeo's hidden name for its
// creds.
func addAccess(flags *pflag.FlagSet, prefix, alias string) *accessFlags {
	f := &accessFlags{prefix: prefix, flags: flags}
	flags.StringVar(&f.authFile, prefix+"authfile", "", "credentials `FILE`, instead of podman's and docker's")
	flags.StringVar(&f.creds, prefix+"creds", "", "`USERNAME[:PASSWORD]`; others can see it")
	if alias != "" {
		flags.StringVar(&f.creds, alias, "", "the same as --"+prefix+"creds")
		_ = flags.MarkHidden(alias) // it exists
	}
	flags.StringVar(&f.username, prefix+"username", "", "`USERNAME`, with --"+prefix+"password")
	flags.StringVar(&f.password, prefix+"password", "", "`PASSWORD`; others can see it")
	flags.StringVar(&f.token, prefix+"registry-token", "", "bearer `TOKEN` to send as it is")
	flags.BoolVar(&f.noCreds, prefix+"no-creds", false, "use no credentials")
	flags.StringVar(&f.certDir, prefix+"cert-dir", "", "`DIR` with *.crt, *.cert and *.key for the registry")
	flags.BoolVar(&f.tlsVerify, prefix+"tls-verify", true, "require HTTPS and check certificates")
	return f
}

// names are the flags, for help to hide.
func (f *accessFlags) names() []string {
	var names []string
	for _, name := range []string{"authfile", "creds", "username", "password", "registry-token", "no-creds", "cert-dir", "tls-verify"} {
		names = append(names, f.prefix+name)
	}
	return names
}

// access checks the flags as skopeo does. shared are the flags without a prefix,
// which hold where those of the side say nothing.
func (f *accessFlags) access(shared *sharedAccess) (transport.Access, error) {
	access := transport.Access{
		AuthFile: cmp.Or(f.authFile, shared.authFile, os.Getenv("REGISTRY_AUTH_FILE")),
		CertDir:  f.certDir, Anonymous: f.noCreds, RegistryToken: transport.Secret(f.token),
	}
	for _, clash := range []struct {
		both        bool
		first, with string
	}{
		{f.creds != "" && f.noCreds, "creds", "no-creds"},
		{f.username != "" && f.noCreds, "username", "no-creds"},
		{f.creds != "" && f.username != "", "creds", "username"},
	} {
		if clash.both {
			return access, fault.New(fault.Input, fmt.Errorf("--%s%s and --%s%s cannot be used at the same time", f.prefix, clash.first, f.prefix, clash.with))
		}
	}
	if (f.username == "") != (f.password == "") {
		return access, fault.New(fault.Input, fmt.Errorf("--%susername and --%spassword must come together", f.prefix, f.prefix))
	}
	access.Username, access.Password = f.username, transport.Secret(f.password)
	if f.creds != "" {
		username, password, _ := strings.Cut(f.creds, ":")
		if username == "" {
			return access, fault.New(fault.Input, fmt.Errorf("--%screds names no user", f.prefix))
		}
		access.Username, access.Password = username, transport.Secret(password)
	}
	access.TLSVerify = f.verify(shared)
	return access, nil
}

// verify is what the flags say about TLS, or undefined.
func (f *accessFlags) verify(shared *sharedAccess) types.OptionalBool {
	if f.flags.Changed(f.prefix + "tls-verify") {
		return types.NewOptionalBool(f.tlsVerify)
	}
	if shared.flags != nil && shared.flags.Changed("tls-verify") {
		return types.NewOptionalBool(shared.tlsVerify)
	}
	return types.OptionalBoolUndefined
}

// sharedAccess are the flags that hold for both sides.
type sharedAccess struct {
	flags     *pflag.FlagSet
	authFile  string
	tlsVerify bool
}

func addSharedAccess(flags *pflag.FlagSet) *sharedAccess {
	f := &sharedAccess{flags: flags}
	flags.StringVar(&f.authFile, "authfile", "", "credentials `FILE`, instead of podman's and docker's")
	flags.BoolVar(&f.tlsVerify, "tls-verify", true, "require HTTPS and check certificates, at both sides")
	_ = flags.MarkHidden("tls-verify") // it exists
	return f
}

// check refuses a credentials file that cannot be read, before anything else.
func (f *sharedAccess) check(accesses ...transport.Access) error {
	if f.flags.Changed("tls-verify") {
		logrus.Warn("--tls-verify is deprecated, use --src-tls-verify and --dest-tls-verify")
	}
	for _, access := range accesses {
		if access.AuthFile == "" {
			continue
		}
		if _, err := os.Stat(access.AuthFile); err != nil {
			return fault.WithRemedy(fault.Input, fmt.Errorf("reading credentials file: %w", err), "csync login --authfile "+access.AuthFile+" REGISTRY makes it")
		}
	}
	return nil
}
