package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// demonstrate resolves two tickets of a fake tenant, one of them with time booked on it.
func demonstrate(ctx context.Context, stdout io.Writer) error {
	fmt.Fprintln(stdout, "No AUTOTASK_* variables: running on an embedded fake tenant. Nothing leaves this machine.")
	srv := autotasktest.Start()
	defer srv.Close()

	open := srv.Seed("Tickets", map[string]any{"title": "Backup failed: FILESRV-01", "status": 1, "resolution": nil})
	worked := srv.Seed("Tickets", map[string]any{"title": "Backup failed: MAIL-02", "status": 1, "resolution": nil})
	srv.Seed("TimeEntries", map[string]any{"ticketID": worked, "hoursWorked": 0.5, "summaryNotes": "Looked at the log."})

	client := srv.Client(application, tracing(stdout))
	var failures []error
	for _, id := range []int64{open, worked} {
		number := fmt.Sprint(srv.Get("Tickets", id)["ticketNumber"])
		fmt.Fprintf(stdout, "\nResolving %s\n", number)
		failures = append(failures, resolveNumber(ctx, client, number, autotask.Resolution{
			Text:      "Last night's backup succeeded on the second attempt.",
			Note:      &autotask.TicketNote{Title: "Backup checked", Description: "Second run: 0 errors, 214 GB.", NoteType: 1, Publish: 1},
			Status:    autotask.StatusComplete,
			StartedAt: time.Now(),
		}, stdout))
	}
	return errors.Join(failures...)
}
