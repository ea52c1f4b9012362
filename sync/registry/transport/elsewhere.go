package transport

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"

	"go.podman.io/image/v5/pkg/sysregistriesv2"
	"go.podman.io/image/v5/pkg/tlsclientconfig"

	"csync/sync/fault"
)

// elsewhere is what tells the connections of a pool apart that are not to its
// own host.
type elsewhere struct {
	certificates string // their directory, "" without one
	insecure     bool
}

// owns reports whether a request to host is one to the registry's own.
func (h *host) owns(host string) bool {
	return strings.EqualFold(strings.TrimSuffix(host, ":443"), strings.TrimSuffix(h.address, ":443"))
}

// to gives the connections to another host that the registry leads to: for
// tokens, or by a redirect. The client certificate and the leave not to verify
// were given for the registry alone, so there the system's settings for that
// host hold. An authority that vouches for the registry vouches for where it
// leads to as well: whoever has its key could stand in for the registry.
func (h *host) to(name string) (*http.Transport, error) {
	system := systemFor(h.transport.options.System, Access{})
	system.DockerCertPath = ""
	configured, err := sysregistriesv2.FindRegistry(system, name)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("reading registries.conf: %w", err))
	}
	directory, err := certificateDir(system, name)
	if err != nil {
		return nil, fault.New(fault.TLS, fmt.Errorf("loading certificates for %s: %w", name, err))
	}
	key := elsewhere{directory, configured != nil && configured.Insecure}
	h.mu.Lock()
	defer h.mu.Unlock()
	if there, ok := h.others[key]; ok {
		return there, nil
	}
	config, err := h.tlsConfigElsewhere(key)
	if err != nil {
		return nil, fault.New(fault.TLS, fmt.Errorf("loading certificates for %s: %w", name, err))
	}
	there := h.newHTTP(config)
	h.others[key] = there
	return there, nil
}

func (h *host) tlsConfigElsewhere(key elsewhere) (*tls.Config, error) {
	config, err := tlsConfig(h.system, h.name)
	if err != nil {
		return nil, err
	}
	config.Certificates, config.InsecureSkipVerify = nil, key.insecure
	if base := h.system.BaseTLSConfig; base != nil {
		config.Certificates = base.Certificates
	}
	if key.certificates != "" {
		err = tlsclientconfig.SetupCertificates(key.certificates, config)
	}
	return config, err
}
