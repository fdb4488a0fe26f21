package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/autotask-go/autotask"
)

// The library, held to the same contract on the same tenant.

func libraryChecks() []Check {
	checks := []Check{
		{
			ID: "library/1/number", Section: "contract 1", Evidence: "CONTRACT", Requests: 2,
			Title: "Tickets.IDByNumber finds the ticket's id",
			Asks:  "the library, for the number of a ticket", Expects: "the id", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				id, number, err := r.ticket(ctx)
				if err != nil {
					return "", err
				}
				if number == "" {
					return "", skip("the ticket has no number")
				}
				got, err := r.library.Tickets.IDByNumber(ctx, number)
				if err == nil && got != id {
					err = failf("another id")
				}
				return "", said(ctx, err)
			},
		},
		{
			ID: "library/2/get", Section: "contract 2", Evidence: "CONTRACT", Requests: 3,
			Title: "Tickets.Get reads what a GET answers under item",
			Asks:  "the library, and GET Tickets/{id}", Expects: "the same id, status and company", Fake: "the same",
			run: libraryGet,
		},
		{
			ID: "library/2/missing", Section: "notes 2.1", Evidence: "LIVE", Requests: 1,
			Title: "Tickets.Get of a ticket that does not exist is ErrNotFound",
			Asks:  "the library, for ticket 2147483647", Expects: "ErrNotFound", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				_, err := r.library.Tickets.Get(ctx, tooBig)
				switch {
				case errors.Is(err, autotask.ErrNotFound):
					return "", nil
				case err == nil:
					return "", failf("a ticket came")
				}
				return "", said(ctx, err)
			},
		},
		{
			ID: "library/3/picklist", Section: "contract 3", Evidence: "CONTRACT", Requests: 2,
			Title: "Picklists.Values has every status of the metadata",
			Asks:  "the library, for Tickets and status", Expects: "the same ids and labels", Fake: "the same",
			run: libraryPicklist,
		},
		{
			ID: "library/6/exist", Section: "contract 6", Evidence: "CONTRACT", Requests: 1,
			Title: "TimeEntries.Exist is false for a ticket that does not exist",
			Asks:  "the library, for ticket 2147483647", Expects: "false", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				some, err := r.library.TimeEntries.Exist(ctx, tooBig)
				if err == nil && some {
					err = failf("true")
				}
				return "", said(ctx, err)
			},
		},
		{
			ID: "library/3.4/pages", Section: "notes 3.4", Evidence: "LIVE", Requests: 3,
			Title: "Tickets.List and Count find the same tickets as the checks above",
			Asks:  "the library: id in up to five tickets", Expects: "these, in order", Fake: "the same",
			run: libraryList,
		},
	}
	return append(checks, write([]Check{{
		ID: "library/9/resolve", Section: "contract 9", Evidence: "CONTRACT", Requests: 24,
		Title: "Resolve posts a note, sets the resolution, looks for time entries and resolves the own ticket",
		Asks:  "the library, for the own ticket, with note, text and status 5", Expects: "Resolved, without an error", Fake: "the same",
		run: libraryResolve,
	}, {
		ID: "library/10/rules", Section: "contract 10", Evidence: "CONTRACT",
		Title: "Resolve keeps the rules: a GET stands before every PUT, notes go to the ticket, nothing is PATCHed, time entries are asked for before the status",
		Asks:  "what the library has just sent", Expects: "nothing but these requests, in this order", Fake: "the same",
		run: libraryRules,
	}})...)
}

// said turns an error of the library into one that quotes nothing.
func said(ctx context.Context, err error) error {
	var (
		wrong mismatch
		not   unsent
	)
	switch {
	case err == nil, errors.As(err, &wrong):
		return err
	case errors.Is(err, autotask.ErrUnauthorized):
		return ErrLogin
	case errors.As(err, &not):
		return skip(not)
	case errors.Is(err, autotask.ErrOutcomeUnknown):
		return lost("the answer of a write of the library was lost")
	case ctx.Err() != nil: // a time-out of one request looks like the end of a context
		return ctx.Err()
	case errors.Is(err, autotask.ErrPermission):
		return skip("this user may not do it")
	case errors.Is(err, autotask.ErrRateLimited), errors.Is(err, autotask.ErrThreadLimit):
		return skip("the tenant refused it for its limits")
	}
	names := map[string]error{
		"ErrAmbiguous": autotask.ErrAmbiguous, "ErrInvalid": autotask.ErrInvalid, "ErrMissingField": autotask.ErrMissingField,
		"ErrNotApplied": autotask.ErrNotApplied, "ErrNotFound": autotask.ErrNotFound, "ErrServer": autotask.ErrServer, "ErrUnsupported": autotask.ErrUnsupported,
	}
	for name, sentinel := range names {
		if !errors.Is(err, sentinel) {
			delete(names, name)
		}
	}
	if len(names) == 0 {
		return failf("an error of no known kind")
	}
	return failf("%s", strings.Join(keysOf(names), ", "))
}

func libraryGet(ctx context.Context, r *run) (string, error) {
	item, _, err := r.oneTicket(ctx)
	if err != nil {
		return "", err
	}
	id, _ := whole(item["id"])
	t, err := r.library.Tickets.Get(ctx, id)
	if err != nil {
		return "", said(ctx, err)
	}
	if t.ID != id || !same(item["status"], t.Status) || !same(item["companyID"], t.CompanyID) {
		return "", failf("another id, status or company")
	}
	return "", nil
}

func libraryPicklist(ctx context.Context, r *run) (string, error) {
	f, err := r.status(ctx)
	if err != nil {
		return "", err
	}
	list, err := r.library.Picklists.Values(ctx, "Tickets", "status")
	if err != nil {
		return "", said(ctx, err)
	}
	for _, v := range f.values {
		id, _ := whole(v["value"])
		if label, ok := list.Label(id); !ok || label != text(v["label"]) {
			return "", failf("status %d has no label, or another", id)
		}
	}
	return fmt.Sprintf("%d values", len(f.values)), nil
}

func libraryList(ctx context.Context, r *run) (string, error) {
	rows, err := r.sample(ctx, 1)
	if err != nil {
		return "", err
	}
	q := autotask.Query{Filter: autotask.In("id", ids(rows)...), Fields: []string{"id"}}
	tickets, err := r.library.Tickets.List(ctx, q)
	if err != nil {
		return "", said(ctx, err)
	}
	got := make([]int64, 0, len(tickets))
	for _, t := range tickets {
		got = append(got, t.ID)
	}
	n, err := r.library.Tickets.Count(ctx, q)
	if err != nil {
		return "", said(ctx, err)
	}
	if !slices.Equal(got, ids(rows)) || n != int64(len(rows)) {
		return "", failf("%d of %d tickets, counted %d", len(got), len(rows), n)
	}
	return "", nil
}

func libraryResolve(ctx context.Context, r *run) (string, error) {
	note, err := r.note(ctx)
	if err != nil {
		return "", err
	}
	noteType, _ := whole(note["noteType"])
	publish, _ := whole(note["publish"])
	work := autotask.Resolution{
		Text:   "API conformance check: resolved by the library.",
		Note:   &autotask.TicketNote{Title: "API conformance check", Description: ownDescription, NoteType: noteType, Publish: publish},
		Status: complete,
		Ref:    r.own.mark,
	}
	detail := ""
	if r.own.notesLag {
		// With Ref, a note that cannot be found after it was posted is an error.
		work.Ref, detail = "", "without Ref, since queries are late in finding notes"
	}
	r.wire.library = nil
	out, err := r.library.Resolve(ctx, r.own.id, work)
	if err != nil {
		return "", said(ctx, err)
	}
	if !out.Resolved || out.HasTimeEntries {
		return "", failf("not resolved, or time entries that nobody has made")
	}
	r.own.library = true
	return detail, nil
}

func libraryRules(_ context.Context, r *run) (string, error) {
	if !r.own.library {
		return "", skip("the library has not resolved the ticket")
	}
	sent := r.wire.library
	puts, last := 0, 0
	for i, op := range sent {
		switch op {
		case "GET Tickets", "POST Tickets/Notes", "POST TicketNotes/query", "POST TimeEntries/query", "POST TicketHistory/query",
			"GET TicketNotes", "GET Tickets/entityInformation/fields", "GET TicketNotes/entityInformation/fields":
		case "PUT Tickets":
			if i == 0 || sent[i-1] != "GET Tickets" {
				return "", failf("a PUT without a GET before it")
			}
			puts, last = puts+1, i
		default:
			return "", failf("the library sent something else")
		}
	}
	if puts == 0 {
		return "", failf("the library has not written the ticket")
	}
	if puts > 1 && !slices.Contains(sent[:last], "POST TimeEntries/query") {
		return "", failf("the status was written without asking for time entries")
	}
	return fmt.Sprintf("%d requests, %d PUTs", len(sent), puts), nil
}
