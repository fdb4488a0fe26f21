package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// normalise makes arguments out of what the command line says: flags with one dash or
// two, before or after the other arguments, which may begin with a dash, as the value
// -5 of a filter does, or -7d. pflag reads -demo as five flags of one letter.
func normalise(root *cobra.Command, args []string) []string {
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		return completing(args)
	}
	cmd := root
	var path, flags, others []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		name, isFlag := flagName(arg)
		if arg == "--" {
			others = append(others, args[i+1:]...)
			break
		}
		if !isFlag {
			if next := child(cmd, arg); next != nil && len(others) == 0 {
				cmd = next
				path = append(path, arg)
				continue
			}
			others = append(others, arg)
			continue
		}
		if name == "h" {
			arg = "help"
		}
		flags = append(flags, "--"+strings.TrimLeft(arg, "-"))
		if f := lookup(cmd, name); f != nil && f.NoOptDefVal == "" && !strings.Contains(arg, "=") && i+1 < len(args) {
			i++
			flags = append(flags, args[i])
		}
	}
	if len(others) == 0 {
		return append(path, flags...)
	}
	if cmd == root { // cobra looks for the command among the arguments before the "--"
		return slices.Concat(path, others, flags)
	}
	return slices.Concat(path, flags, []string{"--"}, others)
}

// noneEmpty refuses a flag whose value is empty, as that of -text "$TEXT" is where the
// variable is not set: a ticket would be resolved without its text.
func noneEmpty(flags *pflag.FlagSet) error {
	var err error
	flags.Visit(func(f *pflag.Flag) {
		if err == nil && f.Value.Type() == "string" && f.Value.String() == "" {
			err = usagef("-%s is empty: give a value, or leave it out", f.Name)
		}
	})
	return err
}

// completing writes the flags of a line that a shell wants completed in pflag's form.
// The last argument is what is being typed.
func completing(args []string) []string {
	args = slices.Clone(args)
	for i := 1; i < len(args)-1; i++ {
		if _, isFlag := flagName(args[i]); isFlag {
			args[i] = "--" + strings.TrimLeft(args[i], "-")
		}
	}
	return args
}

// flagName returns the name of a flag. "-" is the standard input, and what goes on
// with a digit is a number.
func flagName(arg string) (name string, isFlag bool) {
	name, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
	if !strings.HasPrefix(arg, "-") || name == "" || strings.ContainsAny(name[:1], "0123456789.-") {
		return "", false
	}
	return name, true
}

func child(cmd *cobra.Command, name string) *cobra.Command {
	for _, c := range cmd.Commands() {
		if c.Name() == name || c.HasAlias(name) {
			return c
		}
	}
	return nil
}

func lookup(cmd *cobra.Command, name string) *pflag.Flag {
	if f := cmd.Flags().Lookup(name); f != nil {
		return f
	}
	if f := cmd.PersistentFlags().Lookup(name); f != nil {
		return f
	}
	return cmd.InheritedFlags().Lookup(name)
}

// oneDash writes the flags of pflag's messages as the README writes them.
func oneDash(err error) error {
	text, _, _ := strings.Cut(err.Error(), ": strconv.")
	return errors.New(strings.NewReplacer(" --", " -", `"--`, `"-`).Replace(text))
}
