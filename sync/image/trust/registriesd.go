package trust

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage/pkg/configfile"
	"go.podman.io/storage/pkg/unshare"
	"go.yaml.in/yaml/v3"

	"csync/sync/fault"
)

// registriesD is what containers-registries.d(5) says of where signatures are.
// It is read once: the library reads all files again for every reference.
type registriesD struct {
	scopes   map[string]scope // by name
	other    scope            // the default
	standard *url.URL         // where they are if nothing is said
}

type scope struct {
	Lookaside        string `yaml:"lookaside"`
	LookasideStaging string `yaml:"lookaside-staging"`
	Sigstore         string `yaml:"sigstore"`         // lookaside's old name
	SigstoreStaging  string `yaml:"sigstore-staging"` // the same
	Attachments      *bool  `yaml:"use-sigstore-attachments"`
}

// readRegistriesD has the library check the files, before it reads them itself:
// the library does not tell about attachments.
func readRegistriesD(sys *types.SystemContext) (*registriesD, error) {
	if err := check(sys); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("reading registries.d: %w", err))
	}
	d := &registriesD{scopes: map[string]scope{}, standard: standardLookaside()}
	files := configfile.File{
		Name: "registries", Extension: "yaml", DoNotLoadMainFiles: true, DoNotUseExtensionForConfigName: true,
		UserId: unshare.GetRootlessUID(),
	}
	if sys != nil {
		files.RootForImplicitAbsolutePaths = sys.RootForImplicitAbsolutePaths
		files.CustomConfigFileDropInDirectory = sys.RegistriesDirPath
	}
	for file, err := range configfile.Read(&files) {
		if err != nil {
			return nil, fault.New(fault.Input, fmt.Errorf("reading registries.d: %w", err))
		}
		if err := d.add(file.Reader); err != nil {
			return nil, fault.New(fault.Input, fmt.Errorf("reading %s: %w", file.Name, err))
		}
	}
	return d, nil
}

// add takes the scopes of a file.
func (d *registriesD) add(file io.Reader) error {
	var content struct {
		Default *scope           `yaml:"default-docker"`
		Docker  map[string]scope `yaml:"docker"`
	}
	if err := yaml.NewDecoder(file).Decode(&content); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for name, settings := range content.Docker {
		d.scopes[name] = settings
	}
	if content.Default != nil {
		d.other = *content.Default
	}
	return nil
}

// check has the library read the files, which knows more of what is wrong with
// them than is read here.
func check(sys *types.SystemContext) error {
	ref, err := docker.ParseReference("//csync.invalid/x")
	if err == nil {
		_, err = docker.SignatureStorageBaseURL(sys, ref, false)
	}
	return err
}

// standardLookaside is the directory of the user, or of the system for root.
func standardLookaside() *url.URL {
	path := "/var/lib/containers/sigstore"
	if unshare.GetRootlessUID() != 0 {
		path = filepath.Join(os.Getenv("HOME"), ".local/share/containers/sigstore")
	}
	return &url.URL{Scheme: "file", Path: path}
}

// lookaside is where the signatures of the reference's repository are read or, with
// write, written.
func (d *registriesD) lookaside(ref types.ImageReference, write bool) (l lookaside, err error) {
	base := *d.standard
	for s := range d.matching(ref) {
		configured := cmp.Or(s.Lookaside, s.Sigstore)
		if write {
			configured = cmp.Or(s.LookasideStaging, s.SigstoreStaging, configured)
		}
		if configured == "" {
			continue
		}
		parsed, err := url.Parse(configured)
		if err != nil {
			return l, fault.New(fault.Input, errors.New("reading registries.d: lookaside is no URL"))
		}
		base = *parsed
		break
	}
	base.Path += "/" + reference.Path(ref.DockerReference())
	return lookaside{base: &base}, nil
}

// attachments reports whether sigstore's signatures are kept beside the image.
func (d *registriesD) attachments(ref types.ImageReference) bool {
	for s := range d.matching(ref) {
		if s.Attachments != nil {
			return *s.Attachments
		}
	}
	return false
}

// matching are the scopes that the reference is in, the closest first.
func (d *registriesD) matching(ref types.ImageReference) func(yield func(scope) bool) {
	return func(yield func(scope) bool) {
		if len(d.scopes) > 0 {
			for _, name := range append([]string{ref.PolicyConfigurationIdentity()}, ref.PolicyConfigurationNamespaces()...) {
				if s, known := d.scopes[name]; known && !yield(s) {
					return
				}
			}
		}
		yield(d.other)
	}
}
