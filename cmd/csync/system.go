package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.podman.io/image/v5/pkg/cli/basetls/tlsdetails"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry/transport"
)

// systemFlags are skopeo's global flags: where the system's configuration is,
// and what it is called.
type systemFlags struct {
	policy, registriesDir, registriesConf, temporary string
	insecurePolicy, requireSigned                    bool
	arch, os, variant                                string
	userAgentPrefix, tlsDetails                      string
	timeout                                          time.Duration
	debug                                            bool
	logLevel, logFormat                              string
	retries                                          int
	retryDelay                                       time.Duration
	maxRequests                                      int
	rates                                            []string
}

func (f *systemFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.policy, "policy", "", "signature policy `FILE`, instead of the system's policy.json")
	flags.BoolVar(&f.insecurePolicy, "insecure-policy", false, "accept images whatever the policy says")
	flags.BoolVar(&f.requireSigned, "require-signed", false, "refuse what the policy accepts unsigned")
	flags.StringVar(&f.registriesDir, "registries.d", "", "directory `DIR` with registries.d's signature settings")
	flags.StringVar(&f.registriesConf, "registries-conf", "", "registries.conf `FILE`")
	flags.StringVar(&f.temporary, "tmpdir", "", "directory `DIR` for large temporary files")
	flags.StringVar(&f.arch, "override-arch", "", "use `ARCH` instead of this machine's to choose an instance")
	flags.StringVar(&f.os, "override-os", "", "use `OS` instead of this machine's to choose an instance")
	flags.StringVar(&f.variant, "override-variant", "", "use `VARIANT` instead of this machine's to choose an instance")
	flags.StringVar(&f.userAgentPrefix, "user-agent-prefix", "", "put `TEXT` before csync's User-Agent")
	flags.StringVar(&f.tlsDetails, "tls-details", "", "TLS versions and ciphers from `FILE`, containers-tls-details.yaml(5)")
	flags.DurationVar(&f.timeout, "command-timeout", 0, "give up after `DURATION`")
	flags.BoolVar(&f.debug, "debug", false, "the same as --log-level debug")
	flags.StringVar(&f.logLevel, "log-level", "info", "log error, warn, info, debug or trace to standard error")
	flags.StringVar(&f.logFormat, "log-format", "text", "log as text or json")
	flags.IntVar(&f.retries, "retry-times", 5, "repeat a request that fails on its way so many times")
	flags.IntVar(&f.maxRequests, "max-requests-per-registry", 0, "requests at a registry at the same time (default as many as jobs)")
	flags.StringArrayVar(&f.rates, "rate", nil, "at most N requests a second, or a minute, to a registry: `HOST=N/s`, HOST=N/m")
	flags.DurationVar(&f.retryDelay, "retry-delay", 0, "wait `DURATION` between repetitions, instead of longer each time")
}

// systemFlagNames are those that help leaves to its long form.
var systemFlagNames = []string{
	"policy", "insecure-policy", "require-signed", "registries.d", "registries-conf", "tmpdir",
	"override-arch", "override-os", "override-variant", "user-agent-prefix", "tls-details", "debug", "retry-delay", "max-requests-per-registry", "rate",
}

// context is containers/image's configuration. Signals and --command-timeout
// are the caller's.
func (f *systemFlags) context() (*types.SystemContext, error) {
	if err := f.checkNumbers(); err != nil {
		return nil, fault.New(fault.Input, err)
	}
	sys := &types.SystemContext{
		SignaturePolicyPath: f.policy, RegistriesDirPath: f.registriesDir, SystemRegistriesConfPath: f.registriesConf,
		ArchitectureChoice: f.arch, OSChoice: f.os, VariantChoice: f.variant,
		BigFilesTemporaryDir: f.temporary, DockerRegistryUserAgent: f.userAgent(),
	}
	if f.tlsDetails != "" {
		base, err := tlsdetails.BaseTLSFromFile(f.tlsDetails)
		if err != nil {
			return nil, fault.New(fault.Input, fmt.Errorf("reading --tls-details: %w", err))
		}
		sys.BaseTLSConfig = base.TLSConfig()
	}
	return sys, nil
}

func (f *systemFlags) userAgent() string {
	agent := "csync/" + version + " (" + runtime.GOOS + "/" + runtime.GOARCH + ")"
	if f.userAgentPrefix != "" {
		agent = f.userAgentPrefix + " " + agent
	}
	return agent
}

// registry is how a client reaches registries, for so many requests at a time.
func (f *systemFlags) registry(requests int) (transport.Options, error) {
	sys, err := f.context()
	if err != nil {
		return transport.Options{}, err
	}
	rates := map[string]float64{}
	for _, rate := range f.rates {
		host, perSecond, err := parseRate(rate)
		if err != nil {
			return transport.Options{}, fault.New(fault.Input, fmt.Errorf("--rate: %w", err))
		}
		rates[host] = perSecond
	}
	retries := f.retries
	if retries == 0 {
		retries = -1 // in Options, 0 is the default
	}
	return transport.Options{
		MaxRequests: cmp.Or(f.maxRequests, requests), Rates: rates,
		Retries: retries, RetryDelay: f.retryDelay, UserAgent: f.userAgent(), System: sys,
	}, nil
}

// checkNumbers refuses what is less than nothing.
func (f *systemFlags) checkNumbers() error {
	for _, flag := range []struct {
		name  string
		value any
		wrong bool
	}{
		{"retry-times", f.retries, f.retries < 0},
		{"retry-delay", f.retryDelay, f.retryDelay < 0},
		{"command-timeout", f.timeout, f.timeout < 0},
		{"max-requests-per-registry", f.maxRequests, f.maxRequests < 0},
	} {
		if flag.wrong {
			return fmt.Errorf("--%s %v is negative", flag.name, flag.value)
		}
	}
	return nil
}

// parseRate reads HOST=N/s or HOST=N/m as requests a second.
func parseRate(s string) (host string, perSecond float64, err error) {
	units := map[string]float64{"s": 1, "m": 60}
	host, rate, _ := strings.Cut(s, "=")
	count, unit, _ := strings.Cut(rate, "/")
	perSecond, err = strconv.ParseFloat(count, 64)
	if err != nil || host == "" || perSecond <= 0 || units[unit] == 0 {
		return "", 0, fmt.Errorf("%q is not HOST=N/s, or HOST=N/m", s)
	}
	return host, perSecond / units[unit], nil
}

// setUpLogging is what --debug, --log-level and --log-format ask for.
func (f *systemFlags) setUpLogging(out io.Writer) error {
	level := f.logLevel
	if f.debug {
		level = "debug"
	}
	return setUpLogging(out, level, f.logFormat)
}

// deadline is what --command-timeout asks for.
func (f *systemFlags) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.timeout <= 0 {
		return ctx, func() {}
	}
	cause := fault.New(fault.Cancelled, fmt.Errorf("--command-timeout %s has passed", f.timeout))
	return context.WithTimeoutCause(ctx, f.timeout, cause)
}
