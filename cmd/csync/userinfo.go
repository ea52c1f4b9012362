package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"csync/sync/fault"
)

// errUserinfo does not say what was given: it would end in logs and reports.
var errUserinfo = errors.New("a reference has a user name or a password in it, which is not sent and not repeated here")

// withoutUserinfo refuses references such as user:password@host before anything
// can repeat them.
func withoutUserinfo(run runner) runner {
	return func(c *cobra.Command, args []string) error {
		given := slices.Clone(args)
		for _, name := range []string{"src", "dest"} {
			if values, err := c.Flags().GetStringArray(name); err == nil { // not every verb has them
				given = append(given, values...)
			}
		}
		if slices.ContainsFunc(given, hasUserinfo) {
			return fault.WithRemedy(fault.Input, errUserinfo, "csync login HOST, or --authfile")
		}
		return run(c, args)
	}
}

// hasUserinfo reports whether what may be a reference names a user. Paths may
// have colons and at signs.
func hasUserinfo(text string) bool {
	rest := text
	for _, scheme := range []string{"docker://", "https://", "http://"} {
		rest = strings.TrimPrefix(rest, scheme)
	}
	whole := rest != text
	transport, _, _ := strings.Cut(rest, ":")
	local := []string{"dir", "oci", "oci-archive", "docker-archive", "containers-storage", "docker-daemon"}
	if !whole && (strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, ".") || slices.Contains(local, transport)) {
		return false
	}
	before, after, found := cutLast(rest)
	if found && (strings.HasPrefix(after, "sha256:") || strings.HasPrefix(after, "sha512:")) {
		before, _, found = cutLast(before)
	}
	return found && (whole || strings.Contains(before, ":"))
}

// cutLast cuts at the last at sign.
func cutLast(text string) (before, after string, found bool) {
	i := strings.LastIndex(text, "@")
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}
