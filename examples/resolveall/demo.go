package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/english"
	"github.com/autotask-go/autotask/internal/worklist"
)

const (
	demoTickets   = 1000
	dryRunTickets = 20
	demoLatency   = 5 * time.Millisecond // a tenth of a real one
	demoHour      = 20_000               // requests; twice as many as a real tenant allows
)

const onFake = "No AUTOTASK_* variables: running on an embedded fake tenant. Nothing leaves this machine.\n"

// demonstrate resolves tickets of a fake tenant.
func demonstrate(ctx context.Context, tickets int, latency time.Duration, stdout, stderr io.Writer) error {
	fmt.Fprint(stdout, onFake)
	fmt.Fprintf(stdout, "It answers after %v, accepts three requests in flight on one endpoint, and allows %s requests an hour.\n", latency, english.Thousands(demoHour))
	fmt.Fprintln(stdout, "A real one allows 10,000; tickets beyond that wait for a later run.")
	srv := autotasktest.Start()
	defer srv.Close()
	srv.SetThreshold(demoHour, 0)
	rows := seed(srv, tickets)
	dir, err := os.MkdirTemp("", "resolveall")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	srv.SetLatency(latency)
	o := demoOptions
	o.out = filepath.Join(dir, "tickets.results.csv")
	return resolveRows(ctx, srv.Client(application, autotask.WithHourlyReserve(0)), rows, o, stdout, stderr)
}

// demonstrateDryRun shows what demonstrate would do.
func demonstrateDryRun(ctx context.Context, tickets int, stdout io.Writer) error {
	fmt.Fprint(stdout, onFake)
	srv := autotasktest.Start()
	defer srv.Close()
	return rehearse(ctx, srv.Client(application), seed(srv, tickets), demoOptions, stdout)
}

var demoOptions = options{demo: true, work: worklist.Work{Status: autotask.StatusComplete, NoteType: 1, Publish: 1}}

// seed seeds tickets of the fake tenant, and returns the rows of a file of them. Time
// is booked on every tenth.
func seed(srv *autotasktest.Server, tickets int) []worklist.Row {
	rows := make([]worklist.Row, tickets)
	for i := range rows {
		id := srv.Seed("Tickets", map[string]any{"title": fmt.Sprintf("Backup failed: HOST-%04d", i), "status": 1, "resolution": nil})
		if i%10 == 9 {
			srv.Seed("TimeEntries", map[string]any{"ticketID": id, "hoursWorked": 0.5, "summaryNotes": "Looked at the log."})
		}
		rows[i] = worklist.Row{
			Line: i + 2, Number: fmt.Sprint(srv.Get("Tickets", id)["ticketNumber"]), Text: "The backup succeeded on the second attempt.",
			Title: "Backup checked", Note: fmt.Sprintf("HOST-%04d: second run without errors.", i),
		}
	}
	return rows
}
