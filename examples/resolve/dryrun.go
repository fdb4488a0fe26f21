package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

// rehearse plans a resolution on a real tenant and prints what would be sent. Reads
// are sent; every write is held back.
func rehearse(ctx context.Context, tenant *connect.Tenant, o options, stdout io.Writer) error {
	fmt.Fprintln(stdout, "Dry run: only reads are sent.")
	client, err := tenant.Client(application, holdBackWrites(stdout), tracing(stdout))
	if err != nil {
		return err
	}
	t, err := client.Tickets.GetByNumber(ctx, o.number)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n  Ticket %s (id %d) has status %d.\n\n", o.number, t.ID, t.Status)
	if o.work.Note != nil {
		if err := heldBack(client.Notes.Create(ctx, t.ID, o.work.Note)); err != nil {
			return err
		}
	}
	if err := heldBack(client.Tickets.Update(ctx, t.ID, func(t *autotask.Ticket) error {
		t.Resolution.Set(o.work.Text)
		return nil
	})); err != nil {
		return err
	}
	booked, err := client.TimeEntries.Exist(ctx, t.ID)
	switch {
	case err != nil:
		return err
	case o.work.Status == 0:
		fmt.Fprintln(stdout, "\n  The status would stay: none was given.")
		return nil
	case booked:
		fmt.Fprintln(stdout, "\n  The status would stay: time is booked on the ticket.")
		return nil
	}
	fmt.Fprintln(stdout, "\n  No time is booked on the ticket, so its status would be set, too:")
	return heldBack(client.Tickets.Update(ctx, t.ID, func(t *autotask.Ticket) error {
		t.Resolution.Set(o.work.Text)
		t.Status = o.work.Status
		return nil
	}))
}

// notSent is the answer to a write that was held back. It has the form of a refusal
// by Autotask, so it ends the call at once.
const notSent = "dry run: not sent"

// holdBackWrites answers writes in place of Autotask, and prints them.
func holdBackWrites(stdout io.Writer) autotask.Option {
	return autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			if isRead(req) {
				return next.RoundTrip(req)
			}
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(stdout, "\n  Would send %s %s\n      %s\n", req.Method, shortPath(req), indented(body))
			return &http.Response{
				Status:     notSent,
				StatusCode: http.StatusInternalServerError,
				Header:     http.Header{},
				Body:       io.NopCloser(strings.NewReader(`{"errors":["` + notSent + `"]}`)),
				Request:    req,
			}, nil
		})
	})
}

func isRead(req *http.Request) bool {
	return req.Method == http.MethodGet ||
		req.Method == http.MethodPost && strings.Contains(req.URL.Path, "/query")
}

// heldBack ignores the refusal of holdBackWrites. A call without an error found
// nothing to write.
func heldBack[T any](_ T, err error) error {
	var e *autotask.Error
	if errors.As(err, &e) && len(e.Messages) == 1 && e.Messages[0] == notSent {
		return nil
	}
	return err
}
