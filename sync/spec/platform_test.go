package spec

import (
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

func TestParsePlatform(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]v1.Platform{
		"amd64":            {OS: "linux", Architecture: "amd64"},
		"386":              {OS: "linux", Architecture: "386"},
		"linux/ppc64le":    {OS: "linux", Architecture: "ppc64le"},
		"linux/arm/v7":     {OS: "linux", Architecture: "arm", Variant: "v7"},
		"linux/arm64/v8":   {OS: "linux", Architecture: "arm64", Variant: "v8"},
		"windows/amd64":    {OS: "windows", Architecture: "amd64"},
		"linux/arm64/v9.2": {OS: "linux", Architecture: "arm64", Variant: "v9.2"},
	} {
		platform, err := ParsePlatform(text)
		require.NoError(t, err)
		require.Equal(t, want, platform)
	}
}

func TestParsePlatformSaysWhatWasMeant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                 `platform "" has an unknown architecture`,
		"aarch64":          `platform "aarch64" has an unknown architecture; "arm64" was meant`,
		"linux/X86_64":     `platform "linux/X86_64" has an unknown architecture; "amd64" was meant`,
		"linux/armv7l":     `platform "linux/armv7l" has an unknown architecture; "arm/v7" was meant`,
		"Linux/amd64":      `platform "Linux/amd64" has an unknown operating system; "linux" was meant`,
		"arm64/v8":         `platform "arm64/v8" has no operating system; "linux/arm64/v8" was meant`,
		"linux/":           `platform "linux/" has an unknown architecture`,
		"linux/arm/":       `platform "linux/arm/" has no proper variant; one such as v7 was meant`,
		"linux/arm/v7/x":   `"linux/arm/v7/x" is not a platform: os/architecture[/variant], such as linux/arm/v7`,
		"windows":          `"windows" is not a platform: os/architecture[/variant], such as linux/arm/v7`,
		"everything/amd64": `platform "everything/amd64" has an unknown operating system`,
	} {
		_, err := ParsePlatform(text)
		require.EqualError(t, err, want)
	}
}
