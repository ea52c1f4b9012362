package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"csync/docs/schema"
)

// newSchema makes the verb that prints the JSON Schema of a file.
func newSchema() *verb {
	v := &verb{
		name: "schema", does: "print the JSON Schema of a file that csync reads or writes",
		usage:   "schema [NAME]",
		example: "csync schema source",
		flags:   pflag.NewFlagSet("schema", pflag.ContinueOnError),
	}
	v.run = func(_ context.Context, args []string, io streams) error {
		if len(args) == 0 {
			_, err := fmt.Fprintln(io.out, strings.Join(schema.Names(), "\n"))
			return err
		}
		name, err := one("schema", "NAME", args)
		if err != nil {
			return err
		}
		content, ok := schema.Get(name)
		if !ok {
			return usageError("schema", "%q: there are schemas for %s", name, strings.Join(schema.Names(), ", "))
		}
		_, err = io.out.Write(content)
		return err
	}
	return v
}
