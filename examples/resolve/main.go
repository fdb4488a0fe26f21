// Resolve resolves tickets as a nightly backup checker does: it posts a note, writes
// the resolution, and completes the ticket if no time is booked on it.
//
// Without AUTOTASK_* variables it runs on an embedded fake tenant with two invented
// tickets:
//
//	go run ./examples/resolve
//
// With them it resolves one ticket of a real tenant:
//
//	export AUTOTASK_USERNAME=… AUTOTASK_SECRET=… AUTOTASK_INTEGRATION_CODE=…
//	go run ./examples/resolve -dry-run -text "Backup succeeded." T20261123.0001
//	go run ./examples/resolve -text "Backup succeeded." T20261123.0001
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

func main() { connect.Main("resolve", resolve) }

// options are the settings from the command line.
type options struct {
	number string
	dryRun bool
	work   autotask.Resolution
}

func resolve(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	tenant, err := connect.FromEnvironment(getenv)
	if err != nil {
		return err
	}
	o, err := parse(args, tenant != nil, stderr)
	if err != nil {
		return err
	}
	switch {
	case tenant == nil:
		return demonstrate(ctx, stdout)
	case o.dryRun:
		return rehearse(ctx, tenant, o, stdout)
	}
	client, err := tenant.Client(application, tracing(stdout))
	if err != nil {
		return err
	}
	return resolveNumber(ctx, client, o.number, o.work, stdout)
}

var application = autotask.WithApplication("autotask-go-example-resolve", "")

func parse(args []string, onTenant bool, stderr io.Writer) (options, error) {
	var o options
	var title, description string
	var noteType, publish int64
	flags := flag.NewFlagSet("resolve", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by run
	flags.Usage = func() {}
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would be sent, and send reads only")
	flags.StringVar(&o.work.Text, "text", "", "the resolution `text`")
	flags.Int64Var(&o.work.Status, "status", autotask.StatusComplete, "status `id` for a ticket without time entries; 0 keeps the status")
	flags.StringVar(&description, "note", "", "the `text` of a note to post first; needs -note-title, -note-type and -publish")
	flags.StringVar(&title, "note-title", "", "the note's `title`")
	flags.Int64Var(&noteType, "note-type", 0, "the note's type, an `id` of the tenant's picklist")
	flags.Int64Var(&publish, "publish", 0, "who sees the note, an `id` of the tenant's picklist; there is no safe default")
	begun := flags.String("begun", "", "`time` when this work first began, such as 2026-11-23T02:00:00Z, to make a repeat safe")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		help(flags, stderr)
		return o, err
	} else if err != nil {
		return o, connect.Usage("%w", err)
	}
	if description != "" || title != "" || noteType != 0 || publish != 0 {
		o.work.Note = &autotask.TicketNote{Title: title, Description: description, NoteType: noteType, Publish: publish}
	}
	if *begun != "" {
		var err error
		if o.work.StartedAt, err = time.Parse(time.RFC3339, *begun); err != nil {
			return o, connect.Usage("-begun %q is not a time such as 2026-11-23T02:00:00Z", *begun)
		}
	}
	switch {
	case !onTenant && len(args) > 0:
		return o, connect.Usage("flags and a ticket number are for a real tenant: set AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE")
	case onTenant && flags.NArg() != 1:
		return o, connect.Usage("name one ticket by its number, after the flags; %d arguments given", flags.NArg())
	case onTenant && o.work.Text == "":
		return o, connect.Usage("-text is missing: a resolution is never invented")
	}
	o.number = flags.Arg(0)
	return o, nil
}

func help(flags *flag.FlagSet, w io.Writer) {
	fmt.Fprint(w, `Usage:
  resolve                            on an embedded fake tenant, without AUTOTASK_* variables
  resolve [flags] TICKET-NUMBER      on a real tenant, with
                                     AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE
                                     (and AUTOTASK_BASE_URL, to skip zone discovery)

`)
	flags.SetOutput(w)
	flags.PrintDefaults()
}

// resolveNumber does the main job: it looks up the number's id, calls Resolve and
// prints a report.
func resolveNumber(ctx context.Context, client *autotask.Client, number string, work autotask.Resolution, stdout io.Writer) error {
	id, err := client.Tickets.IDByNumber(ctx, number)
	if err != nil {
		return err
	}
	outcome, err := client.Resolve(ctx, id, work)
	report(stdout, number, outcome)
	return err
}
