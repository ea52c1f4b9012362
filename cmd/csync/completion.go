package main

import (
	"github.com/spf13/cobra"
)

// newCompletion makes the verb that prints what teaches a shell to complete
// csync's command lines.
func newCompletion() *cobra.Command {
	c := newVerb("completion bash|zsh|fish", "print what lets a shell complete verbs and flags", `source <(csync completion bash)`)
	c.ValidArgs, c.ValidArgsFunction = []string{"bash", "zsh", "fish"}, nil
	c.RunE = func(c *cobra.Command, args []string) error {
		shell, err := one("completion", "the name of a shell", args)
		if err != nil {
			return err
		}
		root, out := c.Root(), c.OutOrStdout()
		switch shell {
		case "bash":
			return root.GenBashCompletionV2(out, true)
		case "zsh":
			return root.GenZshCompletion(out)
		case "fish":
			return root.GenFishCompletion(out, true)
		}
		return usageError("completion", "%q is not bash, zsh or fish", shell)
	}
	return c
}

// completeValues knows the values of flags that have few.
func completeValues(c *cobra.Command) {
	if c.Name() == "snapshot" {
		_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"yaml", "csv"}, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
	}
	formats := []string{"oci", "v2s1", "v2s2"}
	if c.Name() == "assemble" {
		formats = []string{"oci", "docker"}
	}
	for name, values := range map[string][]string{
		"output": {"json", "text"}, "format": formats,
		"dest-path": {"name", "path", "full", "flat", "nested"}, "tag-policy": {"allow", "deny"}, "latest-by": {"name", "created"},
		"log-level": {"error", "warn", "info", "debug", "trace"}, "log-format": {"text", "json"},
	} {
		if c.Flags().Lookup(name) != nil {
			_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
		}
	}
}
