package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// world is what the program sees of the system, so that tests can replace it.
type world struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	// columns and errColumns are the widths of the terminals; 0 if it is none.
	columns, errColumns func() int
	progress            bool // progress is shown on stderr
	now                 func() time.Time
	// fakeClock is the clock of a fake tenant; nil is the real one.
	fakeClock func() time.Time
}

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	w := &world{
		getenv: os.Getenv, stdin: stdin, stdout: stdout, stderr: stderr, now: time.Now,
		columns:    func() int { return columnsOf(stdout, os.Getenv) },
		errColumns: func() int { return columnsOf(stderr, os.Getenv) },
	}
	w.progress = w.errColumns() > 0
	return w.run(ctx, args)
}

// run runs the program. What is printed is the data of the command on stdout, and
// everything else on stderr.
func (w *world) run(ctx context.Context, args []string) int {
	out := bufio.NewWriterSize(output{w.stdout}, 64<<10)
	a := &app{world: w, out: out, ended: ctx}
	root := a.root() //nolint:contextcheck // cobra hands the context to the commands
	root.SetArgs(normalise(root, args))
	root.SetIn(w.stdin)
	root.SetErr(w.stderr)
	err := root.ExecuteContext(ctx)
	a.close()
	// What was printed before a failure is shown before it.
	if flushed := out.Flush(); flushed != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = fmt.Errorf("the output cannot be written: %w", flushed)
	}
	code := codeOf(ctx, err)
	if err == nil {
		return code
	}
	for _, said := range explain(err, code) {
		w.say("%s", said)
	}
	return code
}

// say prints a line for people.
func (w *world) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for paragraph := range strings.SplitSeq(text, "\n") {
		for _, line := range wrap(clean(paragraph), w.errColumns()) {
			fmt.Fprintln(w.stderr, line)
		}
	}
}

const (
	usualColumns = 80
	leastColumns = 20
)

// columnsOf returns the width of a terminal, and 0 if it is none. COLUMNS makes a
// terminal narrower.
func columnsOf(w io.Writer, getenv func(string) string) int {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 {
		columns = usualColumns
	}
	if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
		columns = min(columns, n)
	}
	return max(columns, leastColumns)
}

// output is where data goes. Its errors are told from those of the network.
type output struct{ io.Writer }

func (o output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if err != nil {
		err = outputError{err}
	}
	return n, err
}

// outputError is an error of the program's own output.
type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

// input is the standard input of a run: a signal ends it, also while it waits.
type input struct {
	io.Reader

	ended context.Context
}

func (i input) Read(b []byte) (n int, err error) {
	done := make(chan struct{})
	buffer := make([]byte, len(b)) // b is the caller's again once this has returned
	var got int
	var failed error
	go func() {
		got, failed = i.Reader.Read(buffer)
		close(done)
	}()
	select {
	case <-done:
		return copy(b, buffer[:got]), failed
	case <-i.ended.Done():
		return 0, context.Cause(i.ended)
	}
}

// app is one run of the program.
type app struct {
	*world

	out     *bufio.Writer // what is printed as data; flush it where the reader waits
	closers []func()
	stdinBy string // what reads the standard input
	ended   context.Context

	demo, json, verbose bool
	credentials         string
}

// readStdin gives the standard input to one reader.
func (a *app) readStdin(who string) (io.Reader, error) {
	if a.stdinBy != "" {
		return nil, usagef("the standard input is read by %s: %s cannot read it, too", a.stdinBy, who)
	}
	a.stdinBy = who
	return input{a.stdin, a.ended}, nil
}

func (a *app) close() {
	for i := range a.closers {
		a.closers[len(a.closers)-1-i]()
	}
	a.closers = nil
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "autotask",
		Short: "Work with the Autotask PSA REST API",
		Long: "autotask checks a tenant, reads and counts rows, resolves tickets, reports alerts, and copies changes into files and databases.\n\n" +
			"Credentials come from " + variables + ", or from -credentials FILE. Every command runs with -demo, on a fake tenant in this process, without any.\n\n" +
			"Flags may be written with one dash or two. Data is printed on the standard output, everything else on the standard error.",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(cmd, args[0])
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return noneEmpty(cmd.Flags()) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(a.out) // before the command completion is made, which notes it
	flags := root.PersistentFlags()
	flags.BoolVar(&a.demo, "demo", false, "use a fake tenant in this process; nothing leaves the machine")
	flags.BoolVar(&a.json, "json", false, "print JSON, one object in a line")
	flags.BoolVar(&a.verbose, "verbose", false, "report each request on the standard error")
	flags.StringVar(&a.credentials, "credentials", "", "read the credentials from `FILE`, or from the standard input (-)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{oneDash(err)} })
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { a.help(cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { a.help(cmd); return nil })
	root.SetVersionTemplate("autotask " + version() + "\n")
	root.SuggestionsMinimumDistance = 2
	root.AddGroup(&cobra.Group{ID: "read", Title: "Reading"}, &cobra.Group{ID: "write", Title: "Writing"}, &cobra.Group{ID: "test", Title: "Tests"})
	for group, commands := range map[string][]*cobra.Command{
		"read": {
			a.doctorCommand(), a.getCommand(), a.queryCommand(), a.countCommand(), a.fieldsCommand(), a.picklistCommand(),
			a.statusesCommand(), a.openCommand(), a.changesCommand(),
		},
		"write": {a.resolveCommand(), a.resolveAllCommand(), a.alertCommand(), a.clearCommand()},
		"test":  {a.verifyCommand(), a.fakeCommand()},
	} {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	root.AddCommand(exitCodesTopic())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

func unknownCommand(cmd *cobra.Command, name string) error {
	text := fmt.Sprintf("there is no command %q", name)
	if similar := cmd.SuggestionsFor(name); len(similar) > 0 {
		text += "; did you mean " + strings.Join(similar, " or ") + "?"
	}
	return usagef("%s", text)
}

// exactly returns a check of the number of arguments. what names them.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("give %s; %d arguments given", what, len(args))
		}
		return nil
	}
}

func atLeast(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return usagef("give %s; %d arguments given", what, len(args))
		}
		return nil
	}
}
