package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"csync/sync/fault"
)

// newRoot makes the command with all its verbs. It is made anew for every run,
// because flags keep their values. Without a verb it is sync, so skopeo's global
// flags may come before the verb.
func newRoot() *cobra.Command {
	root := newSync()
	root.Use = "csync [VERB] [FLAGS]"
	root.Long = "csync copies container images to where they must be, and says what it did."
	root.Args = cobra.ArbitraryArgs // a word that is no verb is this command's to refuse
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.Version = fmt.Sprintf("%s (commit %s, %s)", version, commit, runtime.Version())
	root.RunE = withoutVerb(root.RunE)
	root.AddCommand(newSync(), newPlan(), newVerify(), newPromote(), newRetag(), newAssemble(), newMerge(), newPrune(), newCopy(), newLint(),
		newInspect(), newListTags(), newListRepos(), newSnapshot(), newLogin(), newLogout(), newSchema(), newCompletion())
	root.SetVersionTemplate("csync {{.Version}}\n")
	root.SetFlagErrorFunc(wrongFlag)
	setHelp(root)
	for _, c := range append(root.Commands(), root) {
		c.Version = root.Version // any verb takes --version
		c.RunE = withoutUserinfo(c.RunE)
		describeDefaults(c)
		completeValues(c)
	}
	return root
}

// describeDefaults adds what cobra adds to every command, only later than a verb
// is looked for behind it, and with other words.
func describeDefaults(c *cobra.Command) {
	c.InitDefaultHelpFlag()
	c.Flags().Lookup("help").Hidden = true // who reads it has found it
	c.InitDefaultVersionFlag()
	c.Flags().Lookup("version").Usage = "print version, commit and Go version"
}

// newVerb makes the command of a verb: usage is what stands after "csync", does
// what it does in a line, example a command line that works.
func newVerb(usage, does, example string) *cobra.Command {
	c := &cobra.Command{
		Use: usage, Short: does, Long: strings.ToUpper(does[:1]) + does[1:] + ".", Example: "  " + example,
		DisableFlagsInUseLine: true, ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.Flags().SortFlags = false
	return c
}

// runner is what cobra calls.
type runner = func(*cobra.Command, []string) error

// withoutVerb is sync where no verb was named, which may have been an oversight.
func withoutVerb(sync runner) runner {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == 0 && c.Flags().NFlag() == 0:
			c.SetOut(c.ErrOrStderr())
			return errors.Join(c.Help(), &exitError{code: exitNoRun})
		case len(args) > 0 && !c.Flags().Changed("dest"):
			remedy := "csync --help"
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				remedy = "csync " + slices.Min(near) + " was meant, or see csync --help"
			}
			return fault.WithRemedy(fault.Input, fmt.Errorf("%q is neither a verb nor a flag's value", args[0]), remedy)
		}
		return sync(c, args)
	}
}

// wrongFlag says what is wrong with the flags, without the words of package
// strconv.
func wrongFlag(c *cobra.Command, err error) error {
	wanted := map[string]string{"int": "a whole number", "duration": "a duration such as 90s", "bool": "true or false"}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) && wanted[invalid.GetFlag().Value.Type()] != "" {
		err = fmt.Errorf("--%s %q is not %s", invalid.GetFlag().Name, invalid.GetValue(), wanted[invalid.GetFlag().Value.Type()])
	}
	name := "sync"
	if c.HasParent() {
		name = c.Name()
	}
	return usageError(name, "%w", err)
}

// usageError is a mistake on the command line.
func usageError(verb, format string, args ...any) error {
	return fault.WithRemedy(fault.Input, fmt.Errorf(format, args...), "csync "+verb+" --help")
}
