// Command csync brings the images that a source file names to their
// destinations. See the README, and "csync --help".
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"go.podman.io/storage/pkg/reexec"

	"csync/sync/log"
)

// version and commit are set when csync is built.
var (
	version = "unknown"
	commit  = "unknown"
)

// Exit codes. 2 is left to the Go runtime, which exits with it on a panic; only
// the skopeo form uses it, as skopeo does.
const (
	exitDone        = 0   // everything is in place
	exitNoRun       = 1   // nothing was attempted: usage, input file, credentials file
	exitNotFound    = 2   // skopeo form: the image is not there
	exitFailures    = 3   // it ran, and the report names what failed
	exitInterrupted = 130 // stopped by a signal; the report says how far it came
)

// exitError ends the program with a code. Its text, if any, is still to be said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	if reexec.Init() { // containers-storage unpacks layers in a process of its own
		return
	}
	cobra.EnableCommandSorting = false // help has verbs in the order in which they are needed
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop) // a second signal ends what does not heed the first
	code := program(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// streams are the process's: the result goes to out, everything else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// streamsOf are those of a command.
func streamsOf(c *cobra.Command) streams {
	return streams{in: c.InOrStdin(), out: c.OutOrStdout(), err: c.ErrOrStderr()}
}

// program is the whole program: arguments in, exit code out.
func program(ctx context.Context, args []string, io streams) int {
	root := newRoot()
	root.SetArgs(append([]string{}, args...)) // nil would be the process's own
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	err := root.ExecuteContext(log.With(ctx, logrus.StandardLogger()))
	if err == nil {
		return exitDone
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{code: exitNoRun, err: err}
	}
	if exit.err != nil {
		_, _ = fmt.Fprintf(io.err, "csync: %s\n", printableLines(exit.err.Error()))
	}
	return exit.code
}

// printableLines keeps what a registry wrote from moving the cursor about.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}
