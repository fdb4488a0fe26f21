// Record makes a cassette of a tenant's answers, without credentials, names, mails,
// phones or texts, and plays it back. It is a module of its own, so that go-vcr never
// becomes a dependency of the library. Package vcr does the work, and can be used in
// tests of other programs.
//
// Without AUTOTASK_* variables it records an embedded fake tenant:
//
//	cd examples/record && go run .
//
// With them it records a real tenant. It sends reads only:
//
//	go run . -out tickets.yaml -limit 1200
//
// Read the cassette before you give it to anybody: numbers, dates and ids are the
// tenant's own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
	"github.com/autotask-go/autotask/examples/internal/connect"
	"github.com/autotask-go/autotask/examples/record/vcr"
)

func main() { connect.Main("record", run) }

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("record", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by connect.Exit
	out := flags.String("out", "", "write the cassette to this `file`, which ends in .yaml; by default it is deleted at the end")
	limit := flags.Int("limit", 1200, "record at most this `number` of tickets, and of contacts")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, "Usage: record [-out FILE.yaml] [-limit N]\n\nOn a real tenant with "+connect.Variables+",\nwithout them on an embedded fake tenant.\n\n")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return err
	} else if err != nil {
		return connect.Usage("%w", err)
	}
	if flags.NArg() > 0 || *limit < 1 {
		return connect.Usage("there are no arguments but flags, and -limit is at least 1")
	}
	tenant, err := connect.FromEnvironment(getenv)
	if err != nil {
		return err
	}
	file := *out
	if file == "" {
		dir, err := os.MkdirTemp("", "autotask-record-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		file = filepath.Join(dir, "cassette.yaml")
	}
	return recordAndReplay(ctx, tenant, file, *limit, stdout)
}

// recordAndReplay reads rows of a tenant, and reads them once more from the cassette.
func recordAndReplay(ctx context.Context, tenant *connect.Tenant, file string, limit int, stdout io.Writer) error {
	recorder, err := vcr.Record(file)
	if err != nil {
		return connect.Usage("%w", err)
	}
	opts := []autotask.Option{
		autotask.WithReadOnly(),
		autotask.WithApplication("autotask-go-example-record", ""),
		autotask.WithMiddleware(recorder.Middleware),
	}
	client, end, err := connected(tenant, stdout, opts)
	if err != nil {
		return err
	}
	defer end()
	recorded, err := read(ctx, client, limit)
	if err != nil {
		return err
	}
	if err := recorder.Save(); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Recorded %s to %s; %d different values were replaced.\n", recorded, filepath.Base(file), recorder.Replaced())

	player, err := vcr.Replay(file)
	if err != nil {
		return err
	}
	if client, err = player.Client(); err != nil {
		return err
	}
	replayed, err := read(ctx, client, limit)
	if err != nil {
		return err
	}
	if replayed.counts != recorded.counts {
		return fmt.Errorf("the cassette played back %s", replayed)
	}
	fmt.Fprintf(stdout, "Played back %s. The first ticket: %d, %s, %q.\n", replayed, replayed.first.ID, replayed.first.TicketNumber.Or("no number"), replayed.first.Title)
	return nil
}

func connected(tenant *connect.Tenant, stdout io.Writer, opts []autotask.Option) (client *autotask.Client, end func(), err error) {
	if tenant == nil {
		fmt.Fprintln(stdout, "No AUTOTASK_* variables: recording an embedded fake tenant. Nothing leaves this machine.")
		srv := autotasktest.Start()
		seed(srv)
		return srv.Client(opts...), srv.Close, nil
	}
	client, err = tenant.Client(opts...)
	return client, func() {}, err
}

func seed(srv *autotasktest.Server) {
	for i := range 40 {
		srv.Seed("Contacts", map[string]any{
			"firstName": "Erika", "lastName": fmt.Sprintf("Mustermann %d", i), "emailAddress": fmt.Sprintf("erika%d@acme.example", i), "phone": "030 901820",
		})
	}
	for i := range 1100 {
		srv.Seed("Tickets", map[string]any{
			"title":       fmt.Sprintf("Erika Mustermann cannot print on floor %d", i%12),
			"description": "Please call 030 901820.",
		})
	}
}

type counts struct{ tickets, contacts int }

type result struct {
	counts

	first autotask.Ticket
}

func (r result) String() string {
	return fmt.Sprintf("%d tickets and %d contacts", r.tickets, r.contacts)
}

func read(ctx context.Context, client *autotask.Client, limit int) (result, error) {
	var r result
	tickets, err := client.Tickets.List(ctx, autotask.Query{Limit: limit})
	if err != nil {
		return r, err
	}
	contacts, err := autotask.List[entity.Contact](ctx, client, autotask.Query{Limit: limit})
	if err != nil {
		return r, err
	}
	r.counts = counts{len(tickets), len(contacts)}
	if len(tickets) > 0 {
		r.first = *tickets[0]
	}
	return r, nil
}
