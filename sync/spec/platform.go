package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// The values of GOOS and GOARCH, which are those of a platform by the OCI image
// index §Platform.
var (
	systems = strings.Fields("aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd" +
		" plan9 solaris wasip1 windows zos")
	architectures = strings.Fields("386 amd64 amd64p32 arm arm64 arm64be armbe loong64 mips mips64 mips64le mips64p32" +
		" mips64p32le mipsle ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm")
)

// architectureNames are what kernels and distributions call architectures.
var architectureNames = map[string]string{
	"aarch64": "arm64", "armhf": "arm/v7", "armv6l": "arm/v6", "armv7l": "arm/v7", "i386": "386", "i686": "386",
	"loongarch64": "loong64", "ppc64el": "ppc64le", "x64": "amd64", "x86": "386", "x86-64": "amd64", "x86_64": "amd64",
}

var variantForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.]*$`)

// ParsePlatform reads os/architecture[/variant], in the values of GOOS and
// GOARCH as the OCI image index §Platform wants them. A bare architecture means
// linux on it. The error says what is wrong and what was meant.
func ParsePlatform(s string) (v1.Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) == 1 && !slices.Contains(systems, s) {
		parts = []string{"linux", s}
	}
	if len(parts) < 2 || len(parts) > 3 {
		return v1.Platform{}, fmt.Errorf("%q is not a platform: os/architecture[/variant], such as linux/arm/v7", s)
	}
	system, architecture, variant := parts[0], parts[1], ""
	if !slices.Contains(systems, system) {
		if slices.Contains(architectures, system) {
			return v1.Platform{}, fmt.Errorf("platform %q has no operating system; %q was meant", s, "linux/"+s)
		}
		return v1.Platform{}, fmt.Errorf("platform %q has an unknown operating system%s", s, didYouMean(system, systems))
	}
	if !slices.Contains(architectures, architecture) {
		return v1.Platform{}, fmt.Errorf("platform %q has an unknown architecture%s", s, meantArchitecture(architecture))
	}
	if len(parts) == 3 {
		if variant = parts[2]; !variantForm.MatchString(variant) {
			return v1.Platform{}, fmt.Errorf("platform %q has no proper variant; one such as v7 was meant", s)
		}
	}
	return v1.Platform{OS: system, Architecture: architecture, Variant: variant}, nil
}

func meantArchitecture(architecture string) string {
	if name, known := architectureNames[strings.ToLower(architecture)]; known {
		return fmt.Sprintf("; %q was meant", name)
	}
	return didYouMean(architecture, architectures)
}
