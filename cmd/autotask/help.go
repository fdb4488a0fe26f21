package main

import (
	"fmt"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// version returns the version of the module, as go install has set it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// entry matches a line of a list: what is explained, and the explanation.
var entry = regexp.MustCompile(`^(\s+\S+\s{2,})(\S.*)$`)

// help prints the help of a command, as wide as the terminal.
func (a *app) help(cmd *cobra.Command) {
	columns := a.columns()
	p := func(prefix, text string) {
		for _, line := range wrapAfter(prefix, strings.Repeat(" ", widthOf(prefix)), strings.Fields(text), columns) {
			fmt.Fprintln(a.out, strings.TrimRight(line, " "))
		}
	}
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	for paragraph := range strings.SplitSeq(text, "\n") {
		indent := paragraph[:len(paragraph)-len(strings.TrimLeft(paragraph, " "))]
		if m := entry.FindStringSubmatch(paragraph); m != nil {
			p(m[1], m[2])
		} else {
			p(indent, paragraph)
		}
	}
	if cmd.Runnable() && !cmd.HasSubCommands() {
		fmt.Fprintln(a.out, "\nUsage:")
		p("  ", cmd.CommandPath()+strings.TrimPrefix(cmd.Use, cmd.Name())+" [flags]")
	} else if cmd.HasSubCommands() {
		fmt.Fprintln(a.out, "\nUsage:")
		p("  ", cmd.CommandPath()+" COMMAND [flags]")
	}
	if cmd.Example != "" {
		fmt.Fprintln(a.out, "\nExamples:")
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			p("  ", line)
		}
	}
	a.commands(cmd, p)
	printFlags(cmd.LocalNonPersistentFlags(), "Flags", p, a)
	printFlags(cmd.InheritedFlags(), "Flags of every command", p, a)
	if !cmd.HasParent() {
		printFlags(cmd.PersistentFlags(), "Flags of every command", p, a)
		fmt.Fprintln(a.out)
		p("", "`autotask help COMMAND` has more about a command, `autotask help exit-codes` the exit codes.")
	}
}

func (a *app) commands(cmd *cobra.Command, p func(prefix, text string)) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	widest := 0
	for _, c := range cmd.Commands() {
		widest = max(widest, len(c.Name()))
	}
	groups := append(cmd.Groups(), &cobra.Group{Title: "Commands"})
	for _, group := range groups {
		title := "\n" + group.Title + ":"
		for _, c := range cmd.Commands() {
			if c.GroupID != group.ID || c.Hidden || !c.IsAvailableCommand() && c.Name() != "help" {
				continue
			}
			if title != "" {
				fmt.Fprintln(a.out, title)
				title = ""
			}
			p("  "+pad(c.Name(), widest+gap), c.Short)
		}
	}
}

func printFlags(flags *pflag.FlagSet, title string, p func(prefix, text string), a *app) {
	first := true
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if first {
			fmt.Fprintf(a.out, "\n%s:\n", title)
			first = false
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "  -" + f.Name
		if kind != "" {
			name += " " + kind
		}
		switch f.DefValue {
		case "", "false", "0", "0s", "[]":
		default:
			usage += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		fmt.Fprintln(a.out, name)
		p("      ", usage)
	})
}

func exitCodesTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("autotask ends with one of these exit codes:\n\n")
	for _, c := range exitCodes {
		fmt.Fprintf(&b, "%5d  %s\n", c.code, c.meaning)
	}
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: strings.TrimRight(b.String(), "\n")}
}
