package main

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.podman.io/common/pkg/auth"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
)

// loginFlags are what login and logout have besides those of podman and skopeo.
type loginFlags struct {
	flags     *pflag.FlagSet
	system    systemFlags
	tlsVerify bool
}

func (f *loginFlags) add(flags *pflag.FlagSet, shared *pflag.FlagSet) {
	f.flags = flags
	flags.AddFlagSet(shared)
	flags.BoolVar(&f.tlsVerify, "tls-verify", true, "require HTTPS and check certificates")
	f.system.add(flags)
}

func (f *loginFlags) compatible() []string {
	return append([]string{"command-timeout", "log-level", "log-format", "retry-times"}, systemFlagNames...)
}

// context sets up logging and containers/image.
func (f *loginFlags) context(logs io.Writer) (*types.SystemContext, error) {
	if err := f.system.setUpLogging(logs); err != nil {
		return nil, err
	}
	sys, err := f.system.context()
	if err == nil && f.flags.Changed("tls-verify") {
		sys.DockerInsecureSkipTLSVerify = types.NewOptionalBool(!f.tlsVerify)
	}
	return sys, err
}

// newLogin makes the verb that checks credentials and stores them where podman
// and skopeo look.
func newLogin() *cobra.Command {
	f, options := &loginFlags{}, &auth.LoginOptions{AcceptRepositories: true}
	c := newVerb("login [FLAGS] REGISTRY[/REPOSITORY]", "store credentials for a registry where podman and skopeo find them too",
		`pass quay | csync login --username ci --password-stdin quay.io`)
	f.add(c.Flags(), auth.GetLoginFlags(options))
	leaveToLongHelp(c, f.compatible())
	c.RunE = func(c *cobra.Command, args []string) error {
		registry, err := one("login", "REGISTRY", args)
		if err != nil {
			return err
		}
		sys, err := f.context(c.ErrOrStderr())
		if err != nil {
			return err
		}
		ctx, stop := f.system.deadline(c.Context())
		defer stop()
		options.Stdin, options.Stdout = c.InOrStdin(), c.OutOrStdout()
		err = auth.Login(ctx, sys, options, []string{withoutTransport(registry)})
		if errors.As(err, new(auth.ErrNewCredentialsInvalid)) {
			return fault.New(fault.Unauthorized, err)
		}
		return err
	}
	return c
}

// newLogout makes the verb that forgets what login stored.
func newLogout() *cobra.Command {
	f, options := &loginFlags{}, &auth.LogoutOptions{AcceptRepositories: true}
	c := newVerb("logout [FLAGS] REGISTRY[/REPOSITORY]", "forget the credentials for a registry",
		"csync logout quay.io")
	f.add(c.Flags(), auth.GetLogoutFlags(options))
	leaveToLongHelp(c, f.compatible())
	c.RunE = func(c *cobra.Command, args []string) error {
		if !options.All {
			registry, err := one("logout", "REGISTRY", args)
			if err != nil {
				return err
			}
			args = []string{withoutTransport(registry)}
		}
		sys, err := f.context(c.ErrOrStderr())
		if err != nil {
			return err
		}
		options.Stdout = c.OutOrStdout()
		return auth.Logout(sys, options, args)
	}
	return c
}

func withoutTransport(registry string) string { return strings.TrimPrefix(registry, "docker://") }
