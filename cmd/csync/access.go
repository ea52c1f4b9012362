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
	prefix, alias                              string // "src-", "dest-" or ""; of creds, or ""
	flags                                      *pflag.FlagSet
	authFile, creds, username, password, token string
	certDir                                    string
	noCreds, tlsVerify                         bool
}

// addAccess adds the flags of one side; alias is skopeo's hidden name for its
// creds.
func addAccess(flags *pflag.FlagSet, prefix, alias string) *accessFlags {
	f := &accessFlags{prefix: prefix, alias: alias, flags: flags}
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
		{f.given("creds") && f.noCreds, "creds", "no-creds"},
		{f.given("username") && f.noCreds, "username", "no-creds"},
		{f.given("creds") && f.given("username"), "creds", "username"},
	} {
		if clash.both {
			return access, fault.New(fault.Input, fmt.Errorf("--%s%s and --%s%s cannot be used at the same time", f.prefix, clash.first, f.prefix, clash.with))
		}
	}
	if f.given("username") != f.given("password") {
		return access, fault.New(fault.Input, fmt.Errorf("--%susername and --%spassword must come together", f.prefix, f.prefix))
	}
	if err := f.user(&access); err != nil {
		return access, fault.New(fault.Input, err)
	}
	access.TLSVerify = f.verify(shared)
	return access, nil
}

// user is who the flags say is asking. What is given empty is a mistake, mostly
// of a variable that is not set, and does not mean nobody. A password may be
// empty.
func (f *accessFlags) user(access *transport.Access) error {
	username, password, flag := f.username, f.password, "username"
	switch {
	case f.given("creds"):
		if f.creds == "" {
			return fmt.Errorf("--%screds: credentials can't be empty", f.prefix)
		}
		flag = "creds"
		username, password, _ = strings.Cut(f.creds, ":")
	case !f.given("username"):
		return nil
	}
	if username == "" {
		return fmt.Errorf("--%s%s names no user", f.prefix, flag)
	}
	access.Username, access.Password = username, transport.Secret(password)
	return nil
}

// given reports whether the side has the flag on the command line, by any name.
func (f *accessFlags) given(name string) bool {
	return f.flags.Changed(f.prefix+name) || name == "creds" && f.alias != "" && f.flags.Changed(f.alias)
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

// check refuses a credentials file that cannot be used, before anything else.
func (f *sharedAccess) check(accesses ...transport.Access) error {
	if f.flags.Changed("tls-verify") {
		logrus.Warn("--tls-verify is deprecated, use --src-tls-verify and --dest-tls-verify")
	}
	for _, access := range accesses {
		if access.AuthFile == "" {
			continue
		}
		if err := checkAuthFile(access.AuthFile); err != nil {
			return err
		}
	}
	return nil
}
