package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.podman.io/image/v5/types"

	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/registry/transport"
)

// readsAtOnce bounds the requests in flight at a registry.
const readsAtOnce = 32

// readFlags are those of the verbs that only look.
type readFlags struct {
	verb, output string
	system       systemFlags
	access       *accessFlags
}

func (f *readFlags) add(flags *pflag.FlagSet) {
	flags.StringVarP(&f.output, "output", "o", "", "write json or text (default text on a terminal, else json)")
	f.addAccess(flags)
}

// addAccess adds those that all of these verbs have.
func (f *readFlags) addAccess(flags *pflag.FlagSet) {
	f.access = addAccess(flags, "", "")
	f.system.add(flags)
}

// compatible are the flags that help leaves to its long form.
func (f *readFlags) compatible() []string {
	return append(slices.Clone(systemFlagNames), "log-format", "retry-times", "registry-token", "no-creds")
}

// reading is one run of a verb that only looks.
type reading struct {
	io     streams
	text   bool
	client *registry.Client
	close  func()
	access transport.Access
	system *types.SystemContext
}

// run sets up what look needs. An end by a signal has the code for it.
func (f *readFlags) run(c *cobra.Command, look func(context.Context, *reading) error) error {
	r, err := f.open(streamsOf(c))
	if err != nil {
		return err
	}
	defer r.close()
	ctx, stop := f.system.deadline(c.Context())
	defer stop()
	err = look(ctx, r)
	if err != nil && interrupted(ctx) {
		return &exitError{code: exitInterrupted, err: err}
	}
	return err
}

func (f *readFlags) open(io streams) (*reading, error) {
	if err := f.system.setUpLogging(io.err); err != nil {
		return nil, err
	}
	if f.output != "" && f.output != "json" && f.output != "text" {
		return nil, usageError(f.verb, "--output %q is neither json nor text", f.output)
	}
	r := &reading{io: io, text: f.output == "text" || f.output == "" && isTerminal(io.out)}
	connect, err := f.system.registry(readsAtOnce)
	if err != nil {
		return nil, err
	}
	r.system = connect.System
	unshared := &sharedAccess{flags: pflag.NewFlagSet(f.verb, pflag.ContinueOnError)}
	if r.access, err = f.access.access(unshared); err != nil {
		return nil, err
	}
	if err := unshared.check(r.access); err != nil {
		return nil, err
	}
	way := transport.New(connect)
	r.client, r.close = registry.NewClient(way, registry.Options{ReadOnly: true}), way.Close
	return r, nil
}

// locate finds the image of a name.
func (r *reading) locate(name string) (image.Location, error) {
	return image.Locate(name, image.Access{Client: r.client, Registry: r.access, System: r.system})
}

// show writes the result: document as JSON, or what text writes.
func (r *reading) show(document any, text func(*bufio.Writer)) error {
	out := bufio.NewWriter(r.io.out)
	if r.text {
		text(out)
		return out.Flush() // the first error of all writes
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("writing result: %w", err)
	}
	return out.Flush()
}

// one is the only argument of a verb, called what in its usage.
func one(verb, what string, args []string) (string, error) {
	switch {
	case len(args) == 0:
		return "", usageError(verb, "%s is missing", what)
	case len(args) > 1:
		return "", usageError(verb, "one %s is taken, not %d", what, len(args))
	}
	return args[0], nil
}
