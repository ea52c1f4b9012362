package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"csync/docs/schema"
)

// newSchema makes the verb that prints the JSON Schema of a file.
func newSchema() *cobra.Command {
	c := newVerb("schema [NAME]", "print the JSON Schema of a file that csync reads or writes",
		"csync schema source")
	c.ValidArgs, c.ValidArgsFunction = schema.Names(), nil
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			_, err := fmt.Fprintln(c.OutOrStdout(), strings.Join(schema.Names(), "\n"))
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
		_, err = c.OutOrStdout().Write(content)
		return err
	}
	return c
}
