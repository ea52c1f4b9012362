package main

import (
	"context"
	"errors"
	"strings"

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
func (f *loginFlags) context(io streams) (*types.SystemContext, error) {
	if err := f.system.setUpLogging(io.err); err != nil {
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
func newLogin() *verb {
	f, options := &loginFlags{}, &auth.LoginOptions{AcceptRepositories: true}
	v := &verb{
		name: "login", does: "store credentials for a registry where podman and skopeo find them too",
		usage:   "login [FLAGS] REGISTRY[/REPOSITORY]",
		example: `pass quay | csync login --username ci --password-stdin quay.io`,
		flags:   pflag.NewFlagSet("login", pflag.ContinueOnError),
	}
	f.add(v.flags, auth.GetLoginFlags(options))
	v.compatible = f.compatible()
	v.run = func(ctx context.Context, args []string, io streams) error {
		registry, err := one("login", "REGISTRY", args)
		if err != nil {
			return err
		}
		sys, err := f.context(io)
		if err != nil {
			return err
		}
		ctx, stop := f.system.deadline(ctx)
		defer stop()
		options.Stdin, options.Stdout = io.in, io.out
		err = auth.Login(ctx, sys, options, []string{withoutTransport(registry)})
		if errors.As(err, new(auth.ErrNewCredentialsInvalid)) {
			return fault.New(fault.Unauthorized, err)
		}
		return err
	}
	return v
}

// newLogout makes the verb that forgets what login stored.
func newLogout() *verb {
	f, options := &loginFlags{}, &auth.LogoutOptions{AcceptRepositories: true}
	v := &verb{
		name: "logout", does: "forget the credentials for a registry",
		usage:   "logout [FLAGS] REGISTRY[/REPOSITORY]",
		example: "csync logout quay.io",
		flags:   pflag.NewFlagSet("logout", pflag.ContinueOnError),
	}
	f.add(v.flags, auth.GetLogoutFlags(options))
	v.compatible = f.compatible()
	v.run = func(_ context.Context, args []string, io streams) error {
		if !options.All {
			registry, err := one("logout", "REGISTRY", args)
			if err != nil {
				return err
			}
			args = []string{withoutTransport(registry)}
		}
		sys, err := f.context(io)
		if err != nil {
			return err
		}
		options.Stdout = io.out
		return auth.Logout(sys, options, args)
	}
	return v
}

func withoutTransport(registry string) string { return strings.TrimPrefix(registry, "docker://") }
