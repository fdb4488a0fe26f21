// Mcp is an MCP server for an Autotask tenant, over standard input and output: a
// language model reads tickets through it and, if it may, resolves them and raises
// alerts. It is a module of its own, so that the MCP SDK never becomes a dependency of
// the library.
//
// Without AUTOTASK_* variables it serves an embedded fake tenant:
//
//	cd examples/mcp && go run .
//
// It only reads: autotask.WithReadOnly refuses every write in the transport. With
// -write there are three tools more: plan_resolve and plan_alert say what would
// change, and confirm does it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

func main() { connect.Main("mcp", run) }

// run serves one client. Nothing but the protocol goes to the standard output.
func run(ctx context.Context, args []string, getenv func(string) string, _, stderr io.Writer) error {
	flags := flag.NewFlagSet("mcp", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by connect.Exit
	write := flags.Bool("write", false, "offer to resolve tickets and to raise alerts, each in two steps: plan and confirm")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, "Usage: mcp [-write]\n\nServes MCP on standard input and output, for a real tenant with\n"+connect.Variables+",\nwithout them for an embedded fake tenant.\n\n")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return err
	} else if err != nil {
		return connect.Usage("%w", err)
	}
	if flags.NArg() > 0 {
		return connect.Usage("there are no arguments but -write")
	}
	tenant, err := connect.FromEnvironment(getenv)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	connected := func(opts ...autotask.Option) (*autotask.Client, error) { return tenant.Client(opts...) }
	if tenant == nil {
		srv := autotasktest.Start()
		defer srv.Close()
		seed(srv)
		logger.InfoContext(ctx, "no AUTOTASK_* variables: this is an embedded fake tenant")
		connected = func(opts ...autotask.Option) (*autotask.Client, error) { return srv.Client(opts...), nil }
	}
	d, err := newDesk(connected, *write, logger)
	if err != nil {
		return err
	}
	err = d.server().Run(ctx, &mcp.StdioTransport{})
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil // the client has gone, or Ctrl-C, which is how a server ends
	}
	return err
}

// newDesk makes a client that cannot write and, only if writes are wanted, another
// one that confirm alone uses. Together they keep to the limit of three requests at a
// time.
func newDesk(connected func(...autotask.Option) (*autotask.Client, error), write bool, logger *slog.Logger) (*desk, error) {
	common := []autotask.Option{autotask.WithApplication("autotask-go-example-mcp", ""), autotask.WithLogger(logger)}
	read := 3
	d := &desk{plans: newPlans()}
	var err error
	if write {
		read = 2
		if d.writer, err = connected(slices.Concat(common, []autotask.Option{autotask.WithMaxConcurrency(1)})...); err != nil {
			return nil, err
		}
	}
	d.reader, err = connected(slices.Concat(common, []autotask.Option{autotask.WithMaxConcurrency(read), autotask.WithReadOnly()})...)
	return d, err
}

func seed(srv *autotasktest.Server) {
	company := srv.Seed("Companies", map[string]any{"companyName": "Acme Ltd"})
	for _, title := range []string{"Backup failed", "Printer offline", "Disk almost full"} {
		id := srv.Seed("Tickets", map[string]any{"title": title, "companyID": company, "status": 1})
		srv.Seed("TicketNotes", map[string]any{"ticketID": id, "title": "Seen", "description": "We are looking into it."})
	}
}
