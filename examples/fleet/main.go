// Fleet works on the jobs of many Autotask tenants with many processes, on one machine
// or on several. River is its queue.
//
// Without variables it shows itself on SQLite and 20 fake tenants: 2,000 jobs, four
// worker processes of which one is killed, and the proof that nothing was lost and
// nothing done twice:
//
//	cd examples/fleet && go run .
//
// See README.md for the rest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/autotask-go/autotask/examples/internal/connect"
)

func main() {
	if os.Getenv(workerVariable) != "" {
		connect.Main("fleet worker", child(os.Stdin))
	}
	connect.Main("fleet", from(os.Stdin))
}

// options are the settings from the command line.
type options struct {
	tenants     string
	workersOnly bool
	workers     int
	schema      string
	ui          string
	jobs, kills int
	verbose     bool
}

const (
	demoTenants  = 20
	demoJobs     = 2000
	usualWorkers = 4
	usualSchema  = "fleet"
)

// from returns the program with its standard input.
func from(stdin io.Reader) connect.Run {
	return func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
		o, err := parse(args, stderr)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM) // as a service is stopped
		defer stop()
		db := database{Name: getenv("DATABASE_URL"), Schema: o.schema}
		if o.tenants == "" {
			return demonstrate(ctx, o, db, getenv, stdout, stderr)
		}
		if db.Name == "" {
			return connect.Usage("DATABASE_URL is missing: postgres://…, or sqlite:FILE for one machine")
		}
		if err := db.check(); err != nil {
			return connect.Usage("DATABASE_URL: %w", err)
		}
		tenants, err := readTenants(o.tenants, getenv)
		if err != nil {
			return err
		}
		if o.workersOnly {
			return workOnly(ctx, o, db, tenants, stdout, stderr)
		}
		jobs, err := readJobs(stdin, tenants)
		if err != nil {
			return err
		}
		return workAll(ctx, o, db, tenants, jobs, stdout, stderr)
	}
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by connect.Exit
	flags.Usage = func() {}
	flags.StringVar(&o.tenants, "tenants", "", "the JSON `file` that lists the tenants; without it, fake ones")
	flags.BoolVar(&o.workersOnly, "workers-only", false, "insert no jobs: be one worker more, until Ctrl-C")
	flags.IntVar(&o.workers, "workers", usualWorkers, "the `number` of worker processes")
	flags.StringVar(&o.schema, "schema", usualSchema, "the `schema` of the Postgres database")
	flags.StringVar(&o.ui, "ui", "", "serve River's own UI at this loopback `address`, such as 127.0.0.1:8080")
	flags.IntVar(&o.jobs, "jobs", demoJobs, "the `number` of jobs for the fake tenants")
	flags.IntVar(&o.kills, "kills", 1, "the `number` of workers to kill while the fake tenants' jobs are done")
	flags.BoolVar(&o.verbose, "v", false, "show what the workers log")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		help(flags, stderr)
		return o, err
	} else if err != nil {
		return o, connect.Usage("%w", err)
	}
	given := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return o, o.check(given, flags.Args())
}

// check checks the flags, and what they mean together.
func (o options) check(given map[string]bool, rest []string) error {
	switch {
	case len(rest) > 0:
		return connect.Usage("unexpected argument %q: jobs come from standard input", rest[0])
	case o.tenants == "" && (o.workersOnly || given["schema"]):
		return connect.Usage("-workers-only and -schema are for real tenants: name their list with -tenants")
	case o.tenants != "" && (given["jobs"] || given["kills"]):
		return connect.Usage("-jobs and -kills are for the fake tenants; real ones have their jobs from standard input")
	case o.workersOnly && given["workers"]:
		return connect.Usage("-workers-only is one worker: start the program as often as you want workers")
	case o.workers < 1 || o.workers > 64:
		return connect.Usage("-workers %d is not valid: 1 to 64", o.workers)
	case o.jobs < demoTenants || o.jobs > 100_000:
		return connect.Usage("-jobs %d is not valid: %d to 100000", o.jobs, demoTenants)
	case o.kills < 0 || o.kills > o.jobs:
		return connect.Usage("-kills %d is not valid", o.kills)
	}
	if o.ui == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(o.ui)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return connect.Usage("-ui %q is not valid: the UI asks for no password, so it is served on loopback only, as at 127.0.0.1:8080", o.ui)
	}
	return nil
}

func help(flags *flag.FlagSet, w io.Writer) {
	fmt.Fprint(w, `Usage:
  fleet [-jobs N] [-kills N]                  20 fake tenants, on SQLite, or on Postgres
                                              with DATABASE_URL
  fleet -tenants FILE < jobs                  real tenants: insert jobs, and work until
                                              none is left
  fleet -tenants FILE -workers-only           one worker more, on this or another machine

DATABASE_URL is postgres://…, or sqlite:FILE for one machine. Exit codes: 0 all jobs are
done; 1 one is not, or was done twice; 2 wrong call; 130 Ctrl-C.

`)
	flags.SetOutput(w)
	flags.PrintDefaults()
}

// refuseTenant refuses variables that name a tenant, since the user will expect it to
// be used.
func refuseTenant(getenv func(string) string) error {
	for _, name := range []string{"AUTOTASK_USERNAME", "AUTOTASK_SECRET", "AUTOTASK_INTEGRATION_CODE"} {
		if getenv(name) != "" {
			return connect.Usage("%s is set, but a fleet has its tenants from a file: name it with -tenants, or unset AUTOTASK_* for the fake ones", name)
		}
	}
	return nil
}

// shown is the name of a database for people, without a password.
func (d database) shown() string {
	if d.isSQLite() {
		return "SQLite"
	}
	return "Postgres, schema " + d.Schema
}
