package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpTemplate is a screen that ends with an example. That of csync itself has
// the verbs, that of a verb its flags.
const helpTemplate = `{{.Long}}

Usage: {{if .HasParent}}csync {{end}}{{.Use}}
{{- if .HasParent}}{{if .LocalFlags.FlagUsages}}

{{.LocalFlags.FlagUsages | trimRightSpace}}{{end}}
{{- if index .Annotations "left"}}

More flags, skopeo's among them: csync {{.Name}} --help-all.{{end}}
{{- else}}

Without a verb, sync. Verbs:
{{- range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}

Exit codes: 0 everything is in place, 1 nothing was attempted, 3 the report names
failures, 130 interrupted. "csync VERB --help" says more of each.{{end}}

Example:
{{.Example}}
`

// inLongHelp marks a flag that only --help-all shows.
const inLongHelp = "in-long-help"

// leaveToLongHelp keeps flags off the screen that help is.
func leaveToLongHelp(c *cobra.Command, names []string) {
	for _, name := range names {
		_ = c.Flags().SetAnnotation(name, inLongHelp, nil) // it exists
	}
}

// setHelp makes help as helpTemplate has it, in a short and a long form.
func setHelp(root *cobra.Command) {
	long := root.PersistentFlags().Bool("help-all", false, "show all flags")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if *long {
			return pflag.ErrHelp
		}
		return nil
	}
	root.SetHelpTemplate(helpTemplate)
	show := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if *long && !c.HasParent() {
			c, _, _ = c.Find([]string{"sync"}) // which it is
		}
		hide(c, *long)
		show(c, args)
	})
}

// hide hides what the form of help leaves out, and remembers whether that is
// anything.
func hide(c *cobra.Command, long bool) {
	c.Annotations = map[string]string{}
	c.Flags().SortFlags = long
	c.Flags().VisitAll(func(flag *pflag.Flag) {
		if _, marked := flag.Annotations[inLongHelp]; marked && !long {
			flag.Hidden = true
			c.Annotations["left"] = "some"
		}
	})
}
