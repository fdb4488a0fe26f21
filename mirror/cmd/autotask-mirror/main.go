// Autotask-mirror copies collections of Autotask into SQLite or Postgres, and keeps
// the copy up to date.
//
// Without AUTOTASK_* variables it mirrors an embedded fake tenant of 20,000 tickets,
// changes and deletes some of them while it runs, and compares both sides in the end:
//
//	go run ./cmd/autotask-mirror
//
// With them it mirrors a real tenant. It reads only:
//
//	export AUTOTASK_USERNAME=… AUTOTASK_SECRET=… AUTOTASK_INTEGRATION_CODE=…
//	autotask-mirror                                  # into autotask.db
//	autotask-mirror -to sqlite:reports.db -watch 5m  # goes on until Ctrl-C
//	DATABASE_URL=postgres://… autotask-mirror        # into Postgres
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
	"github.com/autotask-go/autotask/changes"
	"github.com/autotask-go/autotask/mirror"
)

const usage = `usage: autotask-mirror [flags]

Mirrors the tenant of AUTOTASK_USERNAME, AUTOTASK_SECRET and
AUTOTASK_INTEGRATION_CODE (and AUTOTASK_BASE_URL, if the zone is not to be
discovered); without them an embedded fake tenant, into a file or a Postgres schema
of its own, which is emptied first.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it on the spot
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "autotask-mirror: %v\nRun it with -h for help.\n", err)
		os.Exit(2)
	case interrupted:
		fmt.Fprintln(os.Stderr, "autotask-mirror: interrupted; the next run goes on behind the last page that was saved")
		os.Exit(130)
	default:
		fmt.Fprintf(os.Stderr, "autotask-mirror: %v\n", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("wrong use")

// options are what the command line asks for.
type options struct {
	to          string
	collections []string
	watch       time.Duration
	budget      int
	compare     bool
	size        int // of the fake tenant
}

func parse(args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	o := options{size: 20_000}
	flags := flag.NewFlagSet("autotask-mirror", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.to, "to", "", "the `database`: sqlite:FILE or postgres://…; DATABASE_URL, or else sqlite:autotask.db")
	collections := flags.String("collections", "Companies,Contacts,Resources,Tickets,TicketNotes,TimeEntries", "`names`, with commas between them")
	flags.DurationVar(&o.watch, "watch", 0, "go on, with this `time` between two runs")
	flags.IntVar(&o.budget, "budget", 0, "the most `requests` of a run; the next one goes on there (not on the fake tenant)")
	flags.BoolVar(&o.compare, "compare", false, "read all rows again in the end, and compare them")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%w: what is %q?", errUsage, flags.Arg(0))
	}
	if o.watch < 0 || o.budget < 0 {
		return o, fmt.Errorf("%w: -watch and -budget are not negative", errUsage)
	}
	if o.to == "" {
		o.to = getenv("DATABASE_URL")
	}
	o.collections = strings.Split(*collections, ",")
	return o, nil
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	o, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	return o.run(ctx, getenv, stdout, stderr)
}

func (o options) run(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer) error {
	creds := autotask.Credentials{
		UserName: getenv("AUTOTASK_USERNAME"), Secret: getenv("AUTOTASK_SECRET"), IntegrationCode: getenv("AUTOTASK_INTEGRATION_CODE"),
	}
	given := 0
	for _, value := range []string{creds.UserName, creds.Secret, creds.IntegrationCode} {
		if value != "" {
			given++
		}
	}
	requests := &counter{}
	settings := []autotask.Option{autotask.WithReadOnly(), autotask.WithMiddleware(requests.wrap)}
	if base := getenv("AUTOTASK_BASE_URL"); base != "" {
		settings = append(settings, autotask.WithBaseURL(base))
	}
	switch given {
	case 0:
		return demonstrate(ctx, o, requests, stdout, stderr)
	case 3:
	default:
		return fmt.Errorf("%w: set all of AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE, or none for the fake tenant", errUsage)
	}
	client, err := autotask.NewClient(creds, settings...)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if o.to == "" {
		o.to = "sqlite:autotask.db"
	}
	m, err := mirror.Open(ctx, o.to)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	job := &job{options: o, mirror: m, client: client, requests: requests, stdout: stdout, line: newLine(stderr)}
	if err := job.run(ctx, o.watch, nil); err != nil || !o.compare {
		return err
	}
	_, err = job.compare(ctx)
	return err
}

// job is a mirror at work.
type job struct {
	options

	mirror   *mirror.Mirror
	client   *autotask.Client
	requests *counter
	stdout   io.Writer
	line     *line
}

// run makes a run, or runs until ctx ends, and says what each one did.
func (j *job) run(ctx context.Context, watch time.Duration, saved func()) error {
	began, requests, before := time.Now(), j.requests.n.Load(), mirror.Progress{}
	err := j.mirror.Run(ctx, j.client, mirror.Options{
		Feed:  changes.Options{Collections: j.collections, Budget: j.budget},
		Watch: watch,
		Progress: func(p mirror.Progress) {
			took := time.Since(began)
			written, deleted, made := p.Written-before.Written, p.Deleted-before.Deleted, j.requests.n.Load()-requests
			sum := fmt.Sprintf("%d rows written, %d deleted, %d requests, %.0f rows/s", written, deleted, made, float64(written)/max(took.Seconds(), 1e-9))
			switch {
			case p.Err != nil:
				j.line.end()
				fmt.Fprintf(j.stdout, "%s, and then: %v\n", sum, p.Err)
			case p.CaughtUp:
				j.line.end()
				fmt.Fprintf(j.stdout, "%s in %v\n", sum, took.Round(time.Millisecond))
			default:
				j.line.show("%s: %s", p.Collection, sum)
			}
			if p.CaughtUp || p.Err != nil {
				began, requests, before = time.Now().Add(watch), j.requests.n.Load(), p
			}
			if saved != nil {
				saved()
			}
		},
	})
	j.line.end()
	return err
}

// compare reads everything again, and reports whether both sides are the same.
func (j *job) compare(ctx context.Context) (equal bool, err error) {
	equal = true
	for _, name := range j.collections {
		d, err := j.mirror.Compare(ctx, j.client, name)
		if err != nil {
			return false, err
		}
		fmt.Fprintln(j.stdout, d)
		equal = equal && d.Equal()
	}
	return equal, nil
}
