package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"csync/sync/fault"
)

// verb is one thing that csync does.
type verb struct {
	name    string
	does    string // one line for csync --help
	usage   string // what stands after "csync"
	example string // a command line that works
	flags   *pflag.FlagSet
	// compatible are flags that help leaves to its long form.
	compatible []string
	run        func(ctx context.Context, args []string, io streams) error
}

// verbs are made anew for every run, because each holds its flags.
func verbs() []*verb {
	return []*verb{
		newSync("sync"), newSync("plan"), newVerify(), newLint(),
		newInspect(), newListTags(), newListRepos(),
		newLogin(), newLogout(), newSchema(),
	}
}

// runVerb finds the verb among the arguments, reads its flags and runs it.
func runVerb(ctx context.Context, args []string, io streams) error {
	all := verbs()
	v, rest, named := find(all, args)
	long := v.flags.Bool("help-all", false, "show all flags")
	version := v.flags.Bool("version", false, "print version, commit and Go version")
	v.flags.SetOutput(io.err)
	v.flags.Usage = func() {}
	err := v.flags.Parse(rest)
	switch {
	case errors.Is(err, pflag.ErrHelp) && !named:
		return help(io.out, all)
	case errors.Is(err, pflag.ErrHelp) || *long:
		return v.help(io.out, *long)
	case err != nil:
		return fault.WithRemedy(fault.Input, err, "csync "+v.name+" --help")
	case *version:
		return printVersion(io.out)
	case !named && v.flags.NArg() > 0 && !v.flags.Changed("dest"):
		return fault.WithRemedy(fault.Input, fmt.Errorf("%q is neither a verb nor a flag's value", v.flags.Arg(0)), "csync --help")
	case !named && len(args) == 0:
		return errors.Join(help(io.err, all), &exitError{code: exitNoRun})
	}
	return v.run(ctx, v.flags.Args(), io)
}

// find takes the first argument that is no flag, nor the value of one, for the
// verb, so that skopeo's global flags may come before it. Without a verb it is
// sync.
func find(all []*verb, args []string) (v *verb, rest []string, named bool) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			break
		}
		if strings.HasPrefix(arg, "-") && arg != "-" {
			if takesValue(all, arg) {
				i++
			}
			continue
		}
		for _, v := range all {
			if v.name == arg {
				return v, append(args[:i:i], args[i+1:]...), true
			}
		}
		break
	}
	return all[0], args, false
}

// takesValue reports whether the flag is known to any verb and its value is the
// next argument.
func takesValue(all []*verb, arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	for _, v := range all {
		flag := v.flags.Lookup(strings.TrimPrefix(arg, "--"))
		if !strings.HasPrefix(arg, "--") && len(arg) == 2 {
			flag = v.flags.ShorthandLookup(arg[1:])
		}
		if flag != nil {
			return flag.NoOptDefVal == ""
		}
	}
	return false
}

func printVersion(out io.Writer) error {
	_, err := fmt.Fprintf(out, "csync %s (commit %s, %s)\n", version, commit, runtime.Version())
	return err
}

// help is that of csync itself.
func help(out io.Writer, all []*verb) error {
	var text strings.Builder
	text.WriteString("csync copies container images to where they must be, and says what it did.\n\n" +
		"Usage: csync [VERB] [FLAGS]\n\nWithout a verb, sync. Verbs:\n")
	for _, v := range all {
		fmt.Fprintf(&text, "  %-11s %s\n", v.name, v.does)
	}
	text.WriteString("\nExit codes: 0 everything is in place, 1 nothing was attempted, 3 the report names\n" +
		"failures, 130 interrupted. \"csync VERB --help\" says more of each.\n\n" +
		"Example:\n  csync --src-yaml images.yaml --dest docker://registry.example.com/mirror\n")
	_, err := io.WriteString(out, text.String())
	return err
}

// help is that of the verb; long has all flags.
func (v *verb) help(out io.Writer, long bool) error {
	hidden := append([]string{"help-all"}, v.compatible...)
	for _, name := range hidden {
		if flag := v.flags.Lookup(name); flag != nil && !long {
			flag.Hidden = true
		}
	}
	v.flags.SortFlags = long
	var text strings.Builder
	fmt.Fprintf(&text, "%s.\n\nUsage: csync %s\n", upper(v.does), v.usage)
	if usages := v.flags.FlagUsages(); usages != "" {
		text.WriteString("\n" + usages)
	}
	if len(v.compatible) > 0 && !long {
		fmt.Fprintf(&text, "\nMore flags, skopeo's among them: csync %s --help-all.\n", v.name)
	}
	fmt.Fprintf(&text, "\nExample:\n  %s\n", v.example)
	_, err := io.WriteString(out, text.String())
	return err
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// usageError is a mistake on the command line.
func usageError(v, format string, args ...any) error {
	return fault.WithRemedy(fault.Input, fmt.Errorf(format, args...), "csync "+v+" --help")
}
