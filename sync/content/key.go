package content

import (
	"cmp"
	"runtime"
	"strings"
)

// Key is equal for selections that make the same of every manifest, in every run
// on a system. It is empty, or begins with a space.
func (s Selection) Key() string {
	var key strings.Builder
	for _, platform := range s.Platforms {
		key.WriteString(" " + PlatformName(platform))
	}
	if s.AllowMissing {
		key.WriteString(" or fewer")
	}
	if s.System != nil {
		key.WriteString(" for " + strings.Join([]string{
			cmp.Or(s.System.OSChoice, runtime.GOOS), cmp.Or(s.System.ArchitectureChoice, runtime.GOARCH), s.System.VariantChoice,
		}, "/"))
	}
	return key.String()
}
