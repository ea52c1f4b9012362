package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"
	"go.podman.io/image/v5/pkg/tlsclientconfig"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage/pkg/configfile"
	"go.podman.io/storage/pkg/unshare"

	"csync/sync/fault"
)

// tlsConfig is how TLS is spoken with a host: as the system says, with the
// certificates of containers-certs.d(5).
func tlsConfig(system *types.SystemContext, host string) (*tls.Config, error) {
	config := &tls.Config{}
	if system.BaseTLSConfig != nil {
		config = system.BaseTLSConfig.Clone()
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	directory, err := certificateDir(system, host)
	if err == nil && directory != "" {
		err = tlsclientconfig.SetupCertificates(directory, config)
	}
	if err != nil {
		return nil, fault.New(fault.TLS, fmt.Errorf("loading certificates for %s: %w", host, err))
	}
	return config, nil
}

// certificateDir finds the directory with a host's certificates where
// containers/image does, whose own search is not exported.
func certificateDir(system *types.SystemContext, host string) (string, error) {
	if system.DockerCertPath != "" {
		return system.DockerCertPath, nil
	}
	if system.DockerPerHostCertDirPath != "" {
		return filepath.Join(system.DockerPerHostCertDirPath, host), nil
	}
	paths, err := configfile.GetSearchPaths(&configfile.File{
		Name:                           "certs",
		Extension:                      "d",
		DoNotUseExtensionForConfigName: true,
		UserId:                         unshare.GetRootlessUID(),
		RootForImplicitAbsolutePaths:   system.RootForImplicitAbsolutePaths,
	})
	if err != nil {
		return "", err
	}
	docker := filepath.Join(system.RootForImplicitAbsolutePaths, "/etc/docker/certs.d")
	for _, parent := range append(paths.DropInDirectories, docker) {
		directory := filepath.Join(parent, host)
		switch _, err := os.Stat(directory); {
		case err == nil:
			return directory, nil
		case errors.Is(err, fs.ErrPermission):
			logrus.Debugf("not reading certificates of %s: %v", host, err)
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	return "", nil
}
