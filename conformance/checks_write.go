package conformance

import (
	"context"
	"slices"
	"strings"
)

// What is asked of the run's own ticket: contract 4 to 9, notes 2.4, 3.7, 6.3, 7
// and 8.

// createChecks come first, so that the checks that read can read this ticket.
func createChecks() []Check {
	return write([]Check{
		{
			ID: createID, Section: "notes 2.4", Evidence: "DOC, LIVE", Requests: 8,
			Title: "A create is answered by 200 with itemId alone",
			Asks:  "POST Tickets, with values of the tenant's own metadata", Expects: `{"itemId":…}, the id of that ticket`, Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.create(ctx)
				if err != nil {
					return "", err
				}
				if len(a.data) != 1 {
					return "", failf("the answer has %d members", len(a.data))
				}
				return "", nil
			},
		},
		{
			ID: "notes/7.1/number", Section: "notes 7.1", Evidence: "LIVE",
			Title: "Autotask assigns the ticket number",
			Asks:  "GET Tickets/{id} of the new ticket", Expects: "ticketNumber is not empty", Fake: "the same",
			run: func(_ context.Context, r *run) (string, error) {
				if r.own.number == "" {
					return "", failf("it is empty")
				}
				return "", nil
			},
		},
		{
			ID: "question/6.4/stored", Section: "notes 6.4", Evidence: "LIVE", Question: true,
			Title: "Is a new ticket stored as it was sent?",
			Asks:  "GET Tickets/{id} of the new ticket", Fake: "yes",
			run: storedAsSent,
		},
		{
			ID: "question/3.7/lag", Section: "notes 3.7", Evidence: "LIVE", Question: true, Requests: pollRequests,
			Title: "How soon do queries find a new ticket?",
			Asks:  "POST Tickets/query, id eq the new ticket, until it is found", Fake: "at once, unless told otherwise",
			run: func(ctx context.Context, r *run) (string, error) {
				l, err := r.poll(ctx, "Tickets", with(filter(condition("eq", "id", r.own.id)), obj{"IncludeFields": []string{"id"}}), r.own.id)
				r.own.hidden = !l.found
				return l.String(), err
			},
		},
	})
}

// write marks checks as those that write, and need the run's own ticket.
func write(checks []Check) []Check {
	for i := range checks {
		checks[i].Writes, checks[i].own = true, checks[i].ID != createID
	}
	return checks
}

const createID = "notes/2.4/create"

func writeChecks() []Check {
	return write(slices.Concat(noteChecks(), putChecks(), statusChecks()))
}

func storedAsSent(_ context.Context, r *run) (string, error) {
	var sent []string
	for _, name := range keysOf(r.own.sent) {
		if slices.Contains(ticketFields, name) {
			sent = append(sent, name)
		}
	}
	if names := changed(r.own.sent, r.own.item, sent); len(names) > 0 {
		return "other values in " + strings.Join(names, ", "), nil
	}
	return "yes", nil
}

// unresolved demands that the status, the timestamps and some more fields are as
// before, and that the ticket is open.
func (r *run) unresolved(before, after obj, more ...string) error {
	if names := changed(before, after, append(more, "status")); len(names) > 0 {
		return failf("changed: %s", strings.Join(names, ", "))
	}
	if !empty(after["completedDate"]) || !empty(after["resolvedDateTime"]) {
		return failf("completedDate or resolvedDateTime is set")
	}
	return nil
}
