package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// repositoryList is what list-repos shows.
type repositoryList struct {
	Registry     string // with the namespace, if one was asked for
	Repositories []string
}

// newListRepos makes the verb that lists the repositories of a registry.
func newListRepos() *verb {
	f := &readFlags{verb: "list-repos"}
	v := &verb{
		name: "list-repos", does: "list the repositories of a registry",
		usage:   "list-repos [FLAGS] REGISTRY[/NAMESPACE]",
		example: "csync list-repos docker://quay.io/podman",
		flags:   pflag.NewFlagSet("list-repos", pflag.ContinueOnError),
	}
	f.add(v.flags)
	v.compatible = f.compatible()
	v.run = func(ctx context.Context, args []string, io streams) error {
		registry, err := one("list-repos", "REGISTRY", args)
		if err != nil {
			return err
		}
		registry = strings.TrimSuffix(withoutTransport(registry), "/")
		return f.run(ctx, io, func(ctx context.Context, r *reading) error { return r.listRepos(ctx, registry) })
	}
	return v
}

func (r *reading) listRepos(ctx context.Context, registry string) error {
	names, err := r.client.Repositories(ctx, registry, r.access)
	if err != nil {
		return err
	}
	return r.show(repositoryList{registry, append([]string{}, names...)}, func(out *bufio.Writer) {
		for _, name := range names {
			fmt.Fprintln(out, printable(name))
		}
	})
}
