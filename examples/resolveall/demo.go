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
	"github.com/autotask-go/autotask/examples/internal/progress"
)

const (
	demoTickets = 1000
	demoLatency = 5 * time.Millisecond // a tenth of a real one
	demoHour    = 20_000               // requests; twice as many as a real tenant allows
)

// demonstrate resolves tickets of a fake tenant. Time is booked on every tenth.
func demonstrate(ctx context.Context, tickets int, latency time.Duration, stdout, stderr io.Writer) error {
	fmt.Fprintln(stdout, "No AUTOTASK_* variables: running on an embedded fake tenant. Nothing leaves this machine.")
	fmt.Fprintf(stdout, "It answers after %v, three requests at a time on one endpoint, and allows %s requests an hour.\n", latency, progress.Thousands(demoHour))
	fmt.Fprintln(stdout, "A real one allows 10,000, which is enough for 833 tickets with notes; the rest wait for a later run.")
	srv := autotasktest.Start()
	defer srv.Close()
	srv.SetThreshold(demoHour, 0)
	rows := make([]row, tickets)
	for i := range rows {
		id := srv.Seed("Tickets", map[string]any{"title": fmt.Sprintf("Backup failed: HOST-%04d", i), "status": 1, "resolution": nil})
		if i%10 == 9 {
			srv.Seed("TimeEntries", map[string]any{"ticketID": id, "hoursWorked": 0.5, "summaryNotes": "Looked at the log."})
		}
		rows[i] = row{
			line: i + 2, number: fmt.Sprint(srv.Get("Tickets", id)["ticketNumber"]), text: "The backup of last night ran through at the second try.",
			title: "Backup checked", note: fmt.Sprintf("HOST-%04d: second run without errors.", i),
		}
	}
	dir, err := os.MkdirTemp("", "resolveall")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	srv.SetLatency(latency)
	o := options{demo: true, out: filepath.Join(dir, "tickets.results.csv"), status: autotask.StatusComplete, noteType: 1, publish: 1}
	return resolveRows(ctx, srv.Client(application, autotask.WithReserve(0)), rows, o, stdout, stderr)
}
