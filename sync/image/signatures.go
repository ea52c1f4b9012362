package image

import (
	"fmt"
	"io"
	"net/url"
	"os"

	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage/pkg/configfile"
	"go.podman.io/storage/pkg/unshare"
	"go.yaml.in/yaml/v3"
)

// hasSignatures reports whether registries.d, containers-registries.d(5), names
// a place where signatures of the source may be: a lookaside server, a
// lookaside directory that exists, or sigstore attachments beside the image.
// The library's own transport is the only one that can read those.
func hasSignatures(source Location) (bool, error) {
	lookaside, err := docker.SignatureStorageBaseURL(source.System, source.Reference, false)
	if err != nil {
		return false, fmt.Errorf("reading registries.d: %w", err)
	}
	if exists(lookaside) {
		return true, nil
	}
	return sigstoreAttachments(source.System, source.Reference)
}

func exists(lookaside *url.URL) bool {
	if lookaside.Scheme != "file" {
		return true
	}
	_, err := os.Stat(lookaside.Path)
	return err == nil
}

// signatureScopes is the part of a registries.d file that the library does not
// tell about.
type signatureScopes struct {
	Default *signatureScope            `yaml:"default-docker"`
	Docker  map[string]*signatureScope `yaml:"docker"`
}

type signatureScope struct {
	Attachments *bool `yaml:"use-sigstore-attachments"`
}

// sigstoreAttachments is what registries.d says of use-sigstore-attachments,
// for the reference or the closest namespace above it.
func sigstoreAttachments(sys *types.SystemContext, ref types.ImageReference) (bool, error) {
	files := configfile.File{
		Name: "registries", Extension: "yaml", DoNotLoadMainFiles: true, DoNotUseExtensionForConfigName: true,
		UserId: unshare.GetRootlessUID(),
	}
	if sys != nil {
		files.RootForImplicitAbsolutePaths = sys.RootForImplicitAbsolutePaths
		files.CustomConfigFileDropInDirectory = sys.RegistriesDirPath
	}
	configured := map[string]*signatureScope{}
	for file, err := range configfile.Read(&files) {
		if err != nil {
			return false, fmt.Errorf("reading registries.d: %w", err)
		}
		content, err := io.ReadAll(file.Reader)
		if err != nil {
			return false, fmt.Errorf("reading %s: %w", file.Name, err)
		}
		var scopes signatureScopes
		if err := yaml.Unmarshal(content, &scopes); err != nil {
			return false, fmt.Errorf("parsing %s: %w", file.Name, err)
		}
		for scope, settings := range scopes.Docker {
			configured[scope] = settings
		}
		if scopes.Default != nil {
			configured[""] = scopes.Default
		}
	}
	names := append([]string{ref.PolicyConfigurationIdentity()}, ref.PolicyConfigurationNamespaces()...)
	for _, name := range append(names, "") {
		if settings := configured[name]; settings != nil && settings.Attachments != nil {
			return *settings.Attachments, nil
		}
	}
	return false, nil
}
