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
	"path/filepath"
	"strings"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/examples/internal/connect"
	"github.com/autotask-go/autotask/examples/internal/progress"
)

func main() { connect.Main("resolveall", resolveAll) }

// options are the settings from the command line.
type options struct {
	in, out   string
	separator rune
	dryRun    bool
	demo      bool // the result file is not kept
	reserve   float64
	status    int64
	title     string
	noteType  int64
	publish   int64
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
	rows, err := readFile(o)
	if err != nil {
		return err
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
	flags.Int64Var(&o.status, "status", autotask.StatusComplete, "status `id` for tickets without time entries; 0 keeps the status")
	flags.StringVar(&o.title, "title", "", "the `title` of notes without one in FILE")
	flags.Int64Var(&o.noteType, "note-type", 0, "the notes' type, an `id` of the tenant's picklist")
	flags.Int64Var(&o.publish, "publish", 0, "who sees the notes, an `id` of the tenant's picklist; there is no safe default")
	flags.Float64Var(&o.reserve, "reserve", 0, "the `share` of the tenant's hourly limit to leave to its other integrations")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		help(flags, stderr)
		return o, err
	} else if err != nil {
		return o, connect.Usage("%w", err)
	}
	if o.in = flags.Arg(0); isStandardInput(o.in) {
		o.in = standardInput
	}
	characters := []rune(*separator)
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
	case o.in == standardInput && o.out == "" && !o.dryRun:
		return o, connect.Usage("-out is missing: standard input has no name to derive one from")
	case len(characters) != 1 || strings.ContainsAny(*separator, "\"\r\n\uFFFD"):
		return o, connect.Usage("-separator %q is not valid: give one character, such as ;", *separator)
	case o.status < 0:
		return o, connect.Usage("-status %d is not a status", o.status)
	}
	o.separator = characters[0]
	if o.out == "" {
		o.out = strings.TrimSuffix(o.in, filepath.Ext(o.in)) + ".results.csv"
	}
	if filepath.Clean(o.out) == filepath.Clean(o.in) {
		return o, connect.Usage("-out must be a different file from %s", o.in)
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
func resolveRows(ctx context.Context, client *autotask.Client, rows []row, o options, stdout, stderr io.Writer) error {
	results, err := openResults(o.out)
	if err != nil {
		return err
	}
	defer func() { _ = results.Close() }() // each line is on the disk already
	left := results.pending(rows)
	if done := len(rows) - len(left); done > 0 {
		fmt.Fprintf(stdout, "%s: %s of %s tickets are already done.\n", o.out, progress.Thousands(done), progress.Thousands(len(rows)))
	}
	if len(left) == 0 {
		return nil
	}
	if err := results.begin(left); err != nil {
		return err
	}

	// Some failures would repeat for every ticket: then it is better to stop, and
	// resume later.
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sum := summary{tickets: len(left)}
	show := newBar(stderr)
	work := func(yield func(autotask.ResolveItem) bool) {
		for _, r := range left {
			w := autotask.ResolveItem{Number: r.number, Key: r, Resolution: r.resolution(o)}
			w.StartedAt = results.begun(r)
			if !yield(w) {
				return
			}
		}
	}
	all := autotask.ResolveAllOptions{Total: len(left), Progress: func(p autotask.ResolveProgress) {
		sum.progress = p
		show.show(p)
	}}
	for outcome, err := range client.ResolveAll(ctx, work, all) {
		r := outcome.Item.Key.(row)
		if notBegun(ctx, outcome, err) {
			continue
		}
		state := stateOf(outcome, err)
		sum.count(state)
		if err != nil {
			show.Clear()
			fmt.Fprintf(stderr, "line %d, %s: %v\n", r.line, r.number, err)
		}
		if err := results.end(r, state, outcome, err); err != nil {
			return fmt.Errorf("stopped, because the result file cannot be written: %w", err)
		}
		if hopeless(err) {
			stop(err)
		}
	}
	show.Clear()
	sum.print(stdout)
	if !o.demo {
		fmt.Fprintf(stdout, "Results: %s\n", o.out)
	}
	return sum.verdict(context.Cause(ctx))
}

// hopeless reports whether the other tickets would fail in the same way.
func hopeless(err error) bool {
	return errors.Is(err, autotask.ErrUnauthorized) || errors.Is(err, autotask.ErrRateLimited) && !errors.Is(err, autotask.ErrThreadLimit)
}

// notBegun reports whether a ticket was not touched because the run was stopped: it
// was never started, or its number was looked up together with that of the ticket
// that stopped the run.
func notBegun(ctx context.Context, o *autotask.Outcome, err error) bool {
	if ctx.Err() != nil && hopeless(err) {
		return o.TicketID == 0
	}
	return errors.Is(err, context.Canceled) && o.Steps[0].State == autotask.StateSkipped
}

// The states of a ticket in the result file.
const (
	stateBegun    = "begun" // the line before the work; its time is the work's StartedAt
	stateResolved = "resolved"
	stateLeftOpen = "left open" // time is booked on it
	stateWritten  = "written"   // no status was given
	stateFailed   = "failed"
)

func stateOf(o *autotask.Outcome, err error) string {
	switch {
	case err != nil:
		return stateFailed
	case o.Resolved:
		return stateResolved
	case o.HasTimeEntries:
		return stateLeftOpen
	}
	return stateWritten
}

// resolution returns what to do with the ticket of a row.
func (r row) resolution(o options) autotask.Resolution {
	work := autotask.Resolution{Text: r.text, Status: o.status}
	if r.note != "" {
		work.Note = &autotask.TicketNote{Title: r.title, Description: r.note, NoteType: o.noteType, Publish: o.publish}
	}
	return work
}
