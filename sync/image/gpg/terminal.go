package gpg

import (
	"fmt"
	"os"
	"strings"
)

const terminalVariable = "GPG_TTY"

// environment is csync's own. gpg-agent shows a pinentry on the terminal that
// GPG_TTY names, which gpg would else find out from its standard input; that is
// a pipe here.
func environment() []string {
	own := os.Environ()
	if os.Getenv(terminalVariable) != "" {
		return own
	}
	if name := terminal(os.Stdin.Fd(), os.Stderr.Fd()); name != "" {
		return append(own, terminalVariable+"="+name)
	}
	return own
}

// terminal is the name of the first terminal among the descriptors, on Linux.
func terminal(descriptors ...uintptr) string {
	for _, descriptor := range descriptors {
		name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", descriptor))
		if err == nil && (strings.HasPrefix(name, "/dev/pts/") || strings.HasPrefix(name, "/dev/tty")) {
			return name
		}
	}
	return ""
}
