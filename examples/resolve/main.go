// Resolve resolves tickets the way a backup checker does at night: it writes
// the resolution, posts a note, and completes the ticket if nobody has booked
// time on it.
//
// Without AUTOTASK_* variables it runs on an embedded fake tenant, with two
// tickets made for the occasion:
//
//	go run ./examples/resolve
//
// With them it resolves one ticket of a real tenant:
//
//	export AUTOTASK_USERNAME=… AUTOTASK_SECRET=… AUTOTASK_INTEGRATION_CODE=…
//	go run ./examples/resolve -dry-run -text "Backup ran through." T20261123.0001
//	go run ./examples/resolve -text "Backup ran through." T20261123.0001
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
)

// Exit codes: 1 is a failure, 2 a wrong call.
const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are what the command line asks for.
type options struct {
	number string
	dryRun bool
	work   autotask.Resolution
}

// usageError is a wrong call, as against one that failed.
type usageError struct{ error }

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	err := resolve(ctx, args, getenv, stdout, stderr)
	var usage usageError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "resolve: %v\nRun it with -h for help.\n", usage.error)
		return exitUsage
	}
	fmt.Fprintf(stderr, "resolve: %v\n", err)
	return exitFailure
}

func resolve(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	creds, err := credentials(getenv)
	if err != nil {
		return err
	}
	onTenant := creds != (autotask.Credentials{})
	o, err := parse(args, onTenant, stderr)
	if err != nil {
		return err
	}
	if !onTenant {
		return demonstrate(ctx, stdout)
	}
	var opts []autotask.Option
	if base := getenv("AUTOTASK_BASE_URL"); base != "" {
		opts = append(opts, autotask.WithBaseURL(base))
	}
	if zone := getenv("AUTOTASK_ZONE_URL"); zone != "" {
		opts = append(opts, autotask.WithZoneURL(zone))
	}
	if o.dryRun {
		return rehearse(ctx, creds, opts, o, stdout)
	}
	client, err := autotask.NewClient(creds, append(opts, application, tracing(stdout))...)
	if err != nil {
		return usageError{err}
	}
	return resolveNumber(ctx, client, o.number, o.work, stdout)
}

var application = autotask.WithApplication("autotask-go-example-resolve", "")

// credentials reads the environment: all three variables, or none of them.
func credentials(getenv func(string) string) (autotask.Credentials, error) {
	var creds autotask.Credentials
	var missing, given []string
	for _, v := range []struct {
		name string
		into *string
	}{
		{"AUTOTASK_USERNAME", &creds.UserName},
		{"AUTOTASK_SECRET", &creds.Secret},
		{"AUTOTASK_INTEGRATION_CODE", &creds.IntegrationCode},
	} {
		if *v.into = getenv(v.name); *v.into == "" {
			missing = append(missing, v.name)
		} else {
			given = append(given, v.name)
		}
	}
	if len(given) > 0 && len(missing) > 0 {
		return autotask.Credentials{}, usageError{fmt.Errorf("%s set, but %s missing: set all three for a real tenant, or none for the fake one",
			strings.Join(given, " and "), strings.Join(missing, " and "))}
	}
	return creds, nil
}

func parse(args []string, onTenant bool, stderr io.Writer) (options, error) {
	var o options
	var title, description string
	var noteType, publish int64
	flags := flag.NewFlagSet("resolve", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by run
	flags.Usage = func() {}
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would be sent, and send nothing but reads")
	flags.StringVar(&o.work.Text, "text", "", "the resolution `text`")
	flags.Int64Var(&o.work.Status, "status", autotask.StatusComplete, "status `id` for a ticket without time entries; 0 leaves the status alone")
	flags.StringVar(&description, "note", "", "the `text` of a note to post first; needs -note-title, -note-type and -publish")
	flags.StringVar(&title, "note-title", "", "the note's `title`")
	flags.Int64Var(&noteType, "note-type", 0, "the note's type, an `id` of the tenant's picklist")
	flags.Int64Var(&publish, "publish", 0, "who sees the note, an `id` of the tenant's picklist; there is no safe default")
	begun := flags.String("begun", "", "`time` this work first began, such as 2026-11-23T02:00:00Z, to make a repeat safe")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		help(flags, stderr)
		return o, err
	} else if err != nil {
		return o, usageError{err}
	}
	if description != "" || title != "" || noteType != 0 || publish != 0 {
		o.work.Note = &autotask.TicketNote{Title: title, Description: description, NoteType: noteType, Publish: publish}
	}
	if *begun != "" {
		var err error
		if o.work.Begun, err = time.Parse(time.RFC3339, *begun); err != nil {
			return o, usageError{fmt.Errorf("-begun %q is not a time such as 2026-11-23T02:00:00Z", *begun)}
		}
	}
	switch {
	case !onTenant && len(args) > 0:
		return o, usageError{errors.New("flags and a ticket number are for a real tenant: set AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE")}
	case onTenant && flags.NArg() != 1:
		return o, usageError{fmt.Errorf("name one ticket by its number, after the flags; %d arguments given", flags.NArg())}
	case onTenant && o.work.Text == "":
		return o, usageError{errors.New("-text is missing: the resolution is never made up")}
	}
	o.number = flags.Arg(0)
	return o, nil
}

func help(flags *flag.FlagSet, w io.Writer) {
	fmt.Fprint(w, `Usage:
  resolve                            on an embedded fake tenant, without AUTOTASK_* variables
  resolve [flags] TICKET-NUMBER      on a real tenant, with
                                     AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE
                                     (and AUTOTASK_BASE_URL, if the zone is not to be discovered)

`)
	flags.SetOutput(w)
	flags.PrintDefaults()
}

// resolveNumber is the main job: the number's id, then Resolve, then a report.
func resolveNumber(ctx context.Context, client *autotask.Client, number string, work autotask.Resolution, stdout io.Writer) error {
	id, err := client.Tickets.ResolveNumber(ctx, number)
	if err != nil {
		return err
	}
	outcome, err := client.Resolve(ctx, id, work)
	report(stdout, number, outcome)
	return err
}
