package image

import (
	"cmp"
	"os"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/types"
)

// SystemChoosing is base looking for the instance of an index that is for the
// platform; the zero platform leaves what base looks for.
func SystemChoosing(base *types.SystemContext, platform v1.Platform) *types.SystemContext {
	sys := types.SystemContext{}
	if base != nil {
		sys = *base
	}
	if platform.OS != "" || platform.Architecture != "" || platform.Variant != "" {
		sys.OSChoice, sys.ArchitectureChoice, sys.VariantChoice = platform.OS, platform.Architecture, platform.Variant
	}
	return &sys
}

// varTemporary is for big files. The directory for small ones may be memory (file
// system hierarchy standard, "/var/tmp").
const varTemporary = "/var/tmp"

// Temporary is the directory for big temporary files: the one that sys names,
// else $TMPDIR, else /var/tmp where there is one.
func Temporary(sys *types.SystemContext) string {
	directory := os.Getenv("TMPDIR")
	if sys != nil {
		directory = cmp.Or(sys.BigFilesTemporaryDir, directory)
	}
	if _, err := os.Stat(varTemporary); directory == "" && err == nil {
		return varTemporary
	}
	return cmp.Or(directory, os.TempDir())
}
