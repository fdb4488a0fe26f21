package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
)

// desk turns reports into tickets.
type desk struct {
	client *autotask.Client
	options

	mu        sync.Mutex
	companies map[string]int64
}

func newDesk(client *autotask.Client, o options) *desk {
	return &desk{client: client, options: o, companies: make(map[string]int64)}
}

// takeAll handles reports in order, and continues after one that fails: the others
// are no less urgent.
func (d *desk) takeAll(ctx context.Context, reports []report, stdout io.Writer) error {
	var failures []error
	for _, r := range reports {
		out, err := d.take(ctx, r)
		fmt.Fprintln(stdout, line(r, out, err))
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", r.Key, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failures...)
}

func (d *desk) take(ctx context.Context, r report) (*alert.Outcome, error) {
	companyID, err := d.company(ctx, r.Company)
	if err != nil {
		return nil, err
	}
	if r.Over {
		return d.policy.Clear(ctx, d.client, companyID, r.Key, autotask.Resolution{Text: d.resolution, Status: autotask.StatusComplete})
	}
	return alert.Upsert(ctx, d.client, alert.Alert{
		CompanyID: companyID, Key: r.Key, Event: r.Event, At: r.At, Title: r.Title, Text: r.Text, Severity: r.Severity,
		Ticket: func(t *autotask.Ticket) { t.Priority = d.priority },
		Note:   autotask.TicketNote{NoteType: d.noteType, Publish: d.publish},
	}, d.policy)
}

// company looks a company up once.
func (d *desk) company(ctx context.Context, who string) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id, ok := d.companies[who]; ok {
		return id, nil
	}
	id, err := alert.FindCompany(ctx, d.client, who)
	if err == nil {
		d.companies[who] = id
	}
	return id, err
}

// line describes what was done with a report.
func line(r report, out *alert.Outcome, err error) string {
	const longest = 36
	key := []rune(r.Key)
	if len(key) > longest {
		key = append(key[:longest-1], '…')
	}
	number := "-"
	if out != nil && out.Ticket != nil {
		number = out.Ticket.TicketNumber.Or("-")
	}
	return fmt.Sprintf("%-*s %-16s %s", longest, string(key), number, word(out, err))
}

// word names an outcome.
func word(out *alert.Outcome, err error) string {
	switch {
	case errors.Is(err, autotask.ErrOutcomeUnknown):
		return "UNKNOWN: repeat it later"
	case err != nil:
		return "FAILED"
	case out.Storm && out.Suppressed:
		return "in the storm already"
	case out.Storm:
		return "joined the storm"
	case out.Reopened:
		return "reopened"
	case out.Created:
		return "created"
	case out.Noted:
		return "noted"
	case out.Suppressed:
		return "suppressed"
	case out.Appended:
		return "appended"
	case out.Cleared:
		return "cleared"
	case out.AlreadyClear:
		return "clear already"
	}
	return "stays open: time booked"
}
