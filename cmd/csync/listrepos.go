package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// repositoryList is what list-repos shows.
type repositoryList struct {
	Registry     string // with the namespace, if one was asked for
	Repositories []string
}

// newListRepos makes the verb that lists the repositories of a registry.
func newListRepos() *cobra.Command {
	f := &readFlags{verb: "list-repos"}
	c := newVerb("list-repos [FLAGS] REGISTRY[/NAMESPACE]", "list the repositories of a registry",
		"csync list-repos docker://quay.io/podman")
	f.add(c.Flags())
	leaveToLongHelp(c, f.compatible())
	c.RunE = func(c *cobra.Command, args []string) error {
		registry, err := one("list-repos", "REGISTRY", args)
		if err != nil {
			return err
		}
		registry = strings.TrimSuffix(withoutTransport(registry), "/")
		return f.run(c, func(ctx context.Context, r *reading) error { return r.listRepos(ctx, registry) })
	}
	return c
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
