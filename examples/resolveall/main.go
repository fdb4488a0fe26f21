// Resolveall resolves a list of tickets, as examples/resolve does for one.
//
// Without AUTOTASK_* variables it resolves 1,000 tickets of an embedded fake
// tenant:
//
//	go run ./examples/resolveall
//
// With them it resolves the tickets of a CSV file on a real tenant:
//
//	export AUTOTASK_USERNAME=… AUTOTASK_SECRET=… AUTOTASK_INTEGRATION_CODE=…
//	go run ./examples/resolveall -dry-run tickets.csv
//	go run ./examples/resolveall tickets.csv
//
// Set AUTOTASK_BASE_URL to skip zone discovery.
//
// The file has the columns number and text, and optionally title and note. The result
// of each ticket is written to a result file, here tickets.results.csv. If the
// program is stopped or killed at any moment and started again, it resumes from that
// file: completed tickets are skipped, and no note is posted twice.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/examples/internal/connect"
	"github.com/autotask-go/autotask/internal/english"
	"github.com/autotask-go/autotask/internal/worklist"
)

func main() { connect.Main("resolveall", resolveAll) }

// options are the settings from the command line.
type options struct {
	in, out   string
	separator rune
	dryRun    bool
	demo      bool // the result file is not kept
	reserve   float64
	title     string
	work      worklist.Work
}

func resolveAll(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	tenant, err := connect.FromEnvironment(getenv)
	if err != nil {
		return err
	}
	o, err := parse(args, tenant != nil, stderr)
	if err != nil {
		return err
	}
	if tenant == nil && o.dryRun {
		return demonstrateDryRun(ctx, dryRunTickets, stdout)
	}
	if tenant == nil {
		return demonstrate(ctx, demoTickets, demoLatency, stdout, stderr)
	}
	form := worklist.Form{Separator: o.separator, Title: o.title, TitleFlag: "-title", Notes: o.work.NoteType != 0 && o.work.Publish != 0}
	rows, err := worklist.Read(o.in, func() (io.Reader, error) { return os.Stdin, nil }, form)
	if err != nil {
		return connect.Usage("%w", err)
	}
	client, err := tenant.Client(application, autotask.WithHourlyReserve(o.reserve))
	if err != nil {
		return err
	}
	if o.dryRun {
		return rehearse(ctx, client, rows, o, stdout)
	}
	return resolveRows(ctx, client, rows, o, stdout, stderr)
}

var application = autotask.WithApplication("autotask-go-example-resolveall", "")

func parse(args []string, onTenant bool, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("resolveall", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by connect.Exit
	flags.Usage = func() {}
	flags.StringVar(&o.out, "out", "", "the result `file`; a run that finds one resumes from it (FILE.results.csv for FILE.csv)")
	separator := flags.String("separator", ",", "the `character` between columns of FILE")
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would be done, and send reads only")
	flags.Int64Var(&o.work.Status, "status", autotask.StatusComplete, "status `id` for tickets without time entries; 0 keeps the status")
	flags.StringVar(&o.title, "title", "", "the `title` of notes without one in FILE")
	flags.Int64Var(&o.work.NoteType, "note-type", 0, "the notes' type, an `id` of the tenant's picklist")
	flags.Int64Var(&o.work.Publish, "publish", 0, "who sees the notes, an `id` of the tenant's picklist; there is no safe default")
	flags.Float64Var(&o.reserve, "reserve", 0, "the `share` of the tenant's hourly limit to leave to its other integrations")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		help(flags, stderr)
		return o, err
	} else if err != nil {
		return o, connect.Usage("%w", err)
	}
	if o.in = flags.Arg(0); worklist.IsStandardInput(o.in) {
		o.in = worklist.StandardInput
	}
	character, wrong := worklist.Separator(*separator)
	switch {
	case !onTenant && o.in != "":
		return o, connect.Usage("the tickets of %s are on a real tenant, which -dry-run reads, too: set AUTOTASK_USERNAME, AUTOTASK_SECRET and"+
			" AUTOTASK_INTEGRATION_CODE. Without them there is only the fake tenant, which has its own tickets: give no file", o.in)
	case !onTenant && (len(args) > 1 || len(args) == 1 && !o.dryRun):
		return o, connect.Usage("the fake tenant accepts only the flag -dry-run: set AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE for a real one")
	case !onTenant:
		return o, nil
	case flags.NArg() != 1:
		return o, connect.Usage("name one file after the flags, - for standard input; %d arguments given", flags.NArg())
	case o.in == worklist.StandardInput && o.out == "" && !o.dryRun:
		return o, connect.Usage("-out is missing: standard input has no name to derive one from")
	case wrong != nil:
		return o, connect.Usage("%w", wrong)
	case o.work.Status < 0:
		return o, connect.Usage("-status %d is not a status", o.work.Status)
	}
	o.separator = character
	var err error
	if o.out, err = worklist.ResultPath(o.in, o.out); err != nil {
		return o, connect.Usage("%w", err)
	}
	return o, nil
}

func help(flags *flag.FlagSet, w io.Writer) {
	fmt.Fprint(w, `Usage:
  resolveall                   1,000 tickets of an embedded fake tenant, without AUTOTASK_* variables
  resolveall -dry-run          what it would do with some of them
  resolveall [flags] FILE      on a real tenant, with
                               `+strings.ReplaceAll(connect.Variables, "\n", "\n"+strings.Repeat(" ", 31))+`

FILE is CSV in UTF-8, with the columns number, text and, if there are to be notes, title and note.
A first line of these names may put them in another order. A FILE of - or /dev/stdin is the standard input, and
needs -out. Only one process may use a result file at once.

`)
	flags.SetOutput(w)
	flags.PrintDefaults()
}

// resolveRows resolves the rows that the result file does not show as done.
func resolveRows(ctx context.Context, client *autotask.Client, rows []worklist.Row, o options, stdout, stderr io.Writer) error {
	results, err := worklist.Open(o.out)
	if err != nil {
		return connect.Usage("%w", err)
	}
	defer func() { _ = results.Close() }() // each line is on the disk already
	left := results.Pending(rows)
	if done := len(rows) - len(left); done > 0 {
		fmt.Fprintf(stdout, "%s: %s of %s already done.\n", o.out, english.Thousands(done), english.Plural(len(rows), "ticket is", "tickets are"))
	}
	if len(left) == 0 {
		return nil
	}
	show := newBar(stderr)
	sum, err := results.Resolve(ctx, client, left, o.work, worklist.Events{
		Progress: show.show,
		Failed: func(r worklist.Row, err error) {
			show.Clear()
			fmt.Fprintf(stderr, "line %d, %s: %v\n", r.Line, r.Number, err)
		},
	})
	if err != nil {
		return err
	}
	show.Clear()
	printSummary(stdout, &sum)
	if !o.demo {
		fmt.Fprintf(stdout, "Results: %s\n", o.out)
	}
	return verdict(&sum)
}

// rehearse prints what would be done with each ticket, as soon as it is known.
func rehearse(ctx context.Context, client *autotask.Client, rows []worklist.Row, o options, stdout io.Writer) error {
	fmt.Fprintln(stdout, "Dry run: only reads are sent.")
	failed, err := worklist.Rehearse(ctx, client, rows, o.work, func(i int, plan string, err error) {
		if err != nil {
			plan = err.Error()
		}
		fmt.Fprintf(stdout, "line %d, %s: %s\n", rows[i].Line, rows[i].Number, plan)
	})
	if err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%s of %s would fail", english.Thousands(failed), english.Plural(len(rows), "ticket", "tickets"))
	}
	return nil
}
