package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// Reading rows: contract 0.1, 1, 2, 6, 7 and notes 2, 3.6, 3.8, 4, 9, 12.

var (
	// stabilising are the fields that every PUT of a ticket must have.
	stabilising = []string{
		"id", "companyID", "queueID", "title", "priority", "status", "dueDateTime", "ticketCategory",
		"issueType", "subIssueType", "source", "organizationalLevelAssociationID",
	}
	// commonly are those and the ones that a caller needs besides.
	commonly = append(slices.Clone(stabilising), "ticketNumber", "completedDate", "resolvedDateTime", "lastTrackedModificationDateTime")

	// ticketFields are the names of ticket fields that a report may show: every
	// tenant has them.
	ticketFields = slices.Compact(slices.Sorted(slices.Values(slices.Concat(commonly, setByAutotask,
		[]string{"billingCodeID", "contactID", "contractID", "description", "estimatedHours", "resolution", "ticketType"}))))
)

func rowChecks() []Check {
	return []Check{
		{
			ID: "contract/1/number", Section: "contract 1", Evidence: "CONTRACT", Requests: 2,
			Title: "A ticket number leads to the ticket's id",
			Asks:  "POST Tickets/query, ticketNumber eq the number of a ticket", Expects: "items[0].id is its id", Fake: "the same",
			run: numberToID,
		},
		{
			ID: "contract/1/no-number", Section: "contract 1", Evidence: "CONTRACT", Requests: 1,
			Title: "A ticket number that does not exist leads to no ticket",
			Asks:  "POST Tickets/query, ticketNumber eq an invented number", Expects: "200 with items empty", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				rows, _, err := r.query(ctx, "Tickets", filter(condition("eq", "ticketNumber", "T19000101.9999")))
				if err == nil && len(rows) > 0 {
					err = failf("%d tickets came", len(rows))
				}
				return "", err
			},
		},
		{
			ID: "contract/0.1/id-only", Section: "contract 0.1", Evidence: "CONTRACT", Requests: 2,
			Title: "A ticket number does not identify a ticket in a call for one ticket",
			Asks:  "GET Tickets/{ticketNumber}", Expects: "no ticket", Fake: "404",
			run: numberIsNoID,
		},
		{
			ID: "contract/2/get", Section: "contract 2", Evidence: "CONTRACT", Requests: 2,
			Title: "GET Tickets/{id} answers that ticket",
			Asks:  "GET Tickets/{id}", Expects: "200, with the id that was asked for", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				_, a, err := r.oneTicket(ctx)
				if err != nil {
					return "", err
				}
				id, _, err := r.ticket(ctx)
				if err != nil {
					return "", err
				}
				item := itemOf(a)
				if got, ok := whole(item["id"]); !ok || got != id {
					return "", failf("another id, or none")
				}
				return "", nil
			},
		},
		{
			ID: "contract/2.1/item", Section: "contract 2.1", Evidence: "CONTRACT, LIVE", Requests: 2,
			Title: "One ticket is under item, and nothing of it at the root",
			Asks:  "GET Tickets/{id}", Expects: `{"item":{…}}, with issueType, subIssueType and source in it`, Fake: "the same",
			run: itemWrapper,
		},
		{
			ID: "contract/2.1/fields", Section: "contract 2.1", Evidence: "CONTRACT", Requests: 2,
			Title: "A ticket has the sixteen fields that are commonly required",
			Asks:  "GET Tickets/{id}", Expects: "all sixteen, null or not", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				item, _, err := r.oneTicket(ctx)
				if err != nil {
					return "", err
				}
				if gone := missing(item, commonly...); len(gone) > 0 {
					return "", failf("without %s", strings.Join(gone, ", "))
				}
				return "", nil
			},
		},
		{
			ID: "contract/6/none", Section: "contract 6", Evidence: "CONTRACT", Requests: 1,
			Title: "The time entries of a ticket that does not exist are none",
			Asks:  "POST TimeEntries/query, ticketID eq 2147483647", Expects: "200, items empty, count 0", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) { return r.noTimeEntries(ctx, tooBig) },
		},
		{
			ID: "contract/6/some", Section: "contract 6", Evidence: "CONTRACT", Requests: 2,
			Title: "The time entries of a ticket are those of that ticket and no other",
			Asks:  "POST TimeEntries/query, ticketID eq the ticket of a time entry", Expects: "at least one, all of that ticket; count their number", Fake: "the same",
			run: timeEntriesOf,
		},
		{
			ID: "contract/7/query", Section: "contract 7", Evidence: "CONTRACT", Requests: 1,
			Title: "POST TicketNotes/query works",
			Asks:  "POST TicketNotes/query, ticketID eq 2147483647", Expects: "200 with items", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				rows, _, err := r.query(ctx, "TicketNotes", filter(condition("eq", "ticketID", tooBig)))
				if err == nil && len(rows) > 0 {
					err = failf("%d notes of a ticket that does not exist", len(rows))
				}
				return "", err
			},
		},
		{
			ID: "notes/2.1/missing", Section: "notes 2.1", Evidence: "LIVE", Requests: 1,
			Title: "A ticket that does not exist is 200 with item null",
			Asks:  "GET Tickets/2147483647", Expects: `200 {"item":null}`, Fake: "the same",
			run: missingItem,
		},
		{
			ID: "notes/2.2/envelope", Section: "notes 2.2", Evidence: "LIVE, SWAGGER", Requests: 1,
			Title: "A query answers items and pageDetails; count is that of the page",
			Asks:  "POST Tickets/query, exist id, MaxRecords 5", Expects: "pageDetails with count, requestCount, prevPageUrl and nextPageUrl; count is the number of items", Fake: "the same",
			run: envelope,
		},
		{
			ID: "notes/2.5/names", Section: "notes 2.5", Evidence: "LIVE", Requests: 1,
			Title: "The fields of a ticket begin with a small letter",
			Asks:  "POST Tickets/query, exist id, MaxRecords 5", Expects: "camelCase", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				rows, err := r.sample(ctx, 1)
				if err != nil {
					return "", err
				}
				for name := range rows[0] {
					if unicode.IsUpper([]rune(name + "x")[0]) {
						return "", failf("a name begins with a capital")
					}
				}
				return fmt.Sprintf("%d fields", len(rows[0])), nil
			},
		},
		{
			ID: "notes/2.5/all-fields", Section: "notes 2.5", Evidence: "LIVE", Requests: 2,
			Title: "Without IncludeFields a query has all fields of a ticket, empty ones too",
			Asks:  "POST Tickets/query, exist id, MaxRecords 5, and GET Tickets/entityInformation/fields", Expects: "every field that is described", Fake: "the same",
			run: allFields,
		},
		{
			ID: "notes/2.5/some-fields", Section: "notes 2.5", Evidence: "LIVE", Requests: 1,
			Title: "With IncludeFields the others are absent",
			Asks:  "POST Tickets/query, IncludeFields id and status", Expects: "these two, and at most an empty userDefinedFields besides", Fake: "the same",
			run: someFields,
		},
		{
			ID: "notes/3.6/children", Section: "notes 3.6", Evidence: "SWAGGER", Requests: 2,
			Title: "GET Tickets/{id}/Notes lists the notes of that ticket",
			Asks:  "GET Tickets/{id}/Notes", Expects: "items and pageDetails, all of that ticket", Fake: "the same",
			run: children,
		},
		{
			ID: "notes/3.6/no-child-query", Section: "notes 3.6", Evidence: "LIVE", Requests: 2,
			Title: "A child's path has no query",
			Asks:  "POST Tickets/{id}/Notes/query", Expects: "404", Fake: "404",
			run: func(ctx context.Context, r *run) (string, error) {
				id, _, err := r.ticket(ctx)
				if err != nil {
					return "", err
				}
				return r.notFound(ctx, request{method: http.MethodPost, path: fmt.Sprintf("Tickets/%d/Notes/query", id), body: filter(condition("exist", "id", nil))})
			},
		},
		{
			ID: "notes/3.8/no-query", Section: "notes 3.8", Evidence: "SWAGGER", Requests: 1,
			Title: "TicketChecklistLibraries cannot be queried",
			Asks:  "POST TicketChecklistLibraries/query", Expects: "404 or 405", Fake: "404",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.postQuery(ctx, "TicketChecklistLibraries", filter(condition("exist", "id", nil)))
				if err != nil {
					return "", err
				}
				if a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
					return "", failf("there is such a route: %s", a.describe())
				}
				return fmt.Sprintf("status %d", a.status), nil
			},
		},
		{
			ID: "notes/4.2/no-route", Section: "notes 4.2", Evidence: "LIVE", Requests: 1,
			Title: "A route that does not exist is 404, without errors",
			Asks:  "GET ConformanceNoSuchEntities/1", Expects: "404, no errors", Fake: "404 with a web page",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.get(ctx, "ConformanceNoSuchEntities/1")
				switch {
				case err != nil:
					return "", err
				case a.status != http.StatusNotFound || len(a.errors()) > 0:
					return "", failf("not a 404 without errors: %s", a.describe())
				}
				return "", nil
			},
		},
		{
			ID: "question/4.4/headers", Section: "notes 4.4", Evidence: "LIVE", Question: true,
			Title: "Do answers have Retry-After, ETag or a rate limit's headers?",
			Asks:  "the headers of all answers so far", Fake: "none",
			run: func(_ context.Context, r *run) (string, error) {
				if len(r.wire.headers) == 0 {
					return "none of them so far", nil
				}
				return "seen: " + strings.Join(keysOf(r.wire.headers), ", "), nil
			},
		},
		{
			ID: "notes/9/no-child", Section: "notes 9", Evidence: "LIVE, SWAGGER", Requests: 2,
			Title: "Time entries have no path below a ticket",
			Asks:  "GET Tickets/{id}/TimeEntries", Expects: "404", Fake: "404",
			run: func(ctx context.Context, r *run) (string, error) {
				id, _, err := r.ticket(ctx)
				if err != nil {
					return "", err
				}
				return r.notFound(ctx, request{method: http.MethodGet, path: fmt.Sprintf("Tickets/%d/TimeEntries", id)})
			},
		},
		{
			ID: "notes/12.1/dates", Section: "notes 12.1", Evidence: "LIVE", Requests: 2,
			Title: "Dates are written as 2006-01-02T15:04:05, with any fraction, with Z or without",
			Asks:  "the dates of up to five tickets", Expects: "all datetime fields in this form or null", Fake: "with Z, unless told otherwise",
			run: dateForm,
		},
		{
			ID: "question/12.3/days", Section: "notes 12.3", Evidence: "DOC, LIVE", Question: true, Requests: 1,
			Title: "Does dateWorked of time entries have a time of day?",
			Asks:  "POST TimeEntries/query, exist id", Fake: "midnight",
			run: daysOfEntries,
		},
		{
			ID: "notes/12.4/numbers", Section: "notes 12.4", Evidence: "LIVE", Requests: 1,
			Title: "Ids, statuses and priorities of tickets are JSON numbers",
			Asks:  "up to five tickets", Expects: "numbers", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				rows, err := r.sample(ctx, 1)
				if err != nil {
					return "", err
				}
				for _, row := range rows {
					for _, name := range []string{"id", "companyID", "status", "priority"} {
						if !isNumber(row[name]) {
							return "", failf("%s is no number", name)
						}
					}
				}
				return "", nil
			},
		},
		{
			ID: "notes/12.6/udfs", Section: "notes 12.6", Evidence: "SWAGGER, LIVE", Requests: 1,
			Title: "userDefinedFields is an array of name and value, the value a text or null",
			Asks:  "up to five tickets", Expects: "this form", Fake: "the same",
			run: udfForm,
		},
	}
}
