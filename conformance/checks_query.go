package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Queries: notes 2.3, 3, 4.1, 12.4. All of them search tickets, and most among
// the first three, so that the right answer is known.

func queryChecks() []Check {
	checks := []Check{
		{
			ID: "notes/2.3/count", Section: "notes 2.3", Evidence: "LIVE, SWAGGER", Requests: 3,
			Title: "A count answers queryCount, the number of rows that match",
			Asks:  "POST Tickets/query/count, id in up to three tickets, and id eq one", Expects: "their number, and 1", Fake: "the same",
			run: counts,
		},
		{
			ID: "notes/3.1/get", Section: "notes 3.1", Evidence: "DOC, LIVE", Requests: 2,
			Title: "GET of a query's search does the same as a POST",
			Asks:  "GET Tickets/query?search=, id eq a ticket", Expects: "that ticket", Fake: "the same",
			run: searchByGet,
		},
		{
			ID: "notes/3.1/long-address", Section: "notes 3.1", Evidence: "DOC, LIVE", Requests: 1,
			Title: "An address of over 2,048 characters is 404",
			Asks:  "GET Tickets/query?search= with 3,000 characters", Expects: "404, or 414", Fake: "404",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.get(ctx, "Tickets/query?search="+url.QueryEscape(`{"filter":[{"op":"eq","field":"ticketNumber","value":"`+strings.Repeat("T", 3000)+`"}]}`))
				if err != nil {
					return "", err
				}
				if a.status != http.StatusNotFound && a.status != http.StatusRequestURITooLong {
					return "", failf("accepted: %s", a.describe())
				}
				return fmt.Sprintf("status %d", a.status), nil
			},
		},
		{
			ID: "notes/3.1/unknown-member", Section: "notes 3.1", Evidence: "LIVE", Requests: 2,
			Title: "A member of a query that the server does not know is ignored",
			Asks:  "two tickets by id, with pageSize 1", Expects: "both", Fake: "both",
			run: expects(2, func(id []int64) obj { return with(filter(condition("in", "id", id[:2])), obj{"pageSize": 1}) }, 0, 1),
		},
		{
			ID: "notes/3.1/member-casing", Section: "notes 3.1", Evidence: "LIVE", Requests: 2,
			Title: "Names of members and fields are accepted in any casing",
			Asks:  `{"FILTER":[{"OP":"eq","Field":"ID","Value":…}]}`, Expects: "that ticket", Fake: "the same",
			run: expects(1, func(id []int64) obj { return obj{"FILTER": []obj{{"OP": "eq", "Field": "ID", "Value": id[0]}}} }, 0),
		},
		{
			ID: "notes/3.1/and", Section: "notes 3.1", Evidence: "DOC", Requests: 2,
			Title: "The conditions of a filter are joined by and",
			Asks:  "id in two tickets, id eq the second", Expects: "the second", Fake: "the same",
			run: expects(2, func(id []int64) obj { return filter(condition("in", "id", id[:2]), condition("eq", "id", id[1])) }, 1),
		},
		{
			ID: "notes/3.1/or", Section: "notes 3.1", Evidence: "DOC", Requests: 2,
			Title: "A group joins its items by or, and groups nest",
			Asks:  "or of id eq the first and an and-group with id eq the third", Expects: "the two", Fake: "the same",
			run: expects(3, func(id []int64) obj {
				return filter(obj{"op": "or", "items": []obj{
					condition("eq", "id", id[0]),
					{"op": "and", "items": []obj{condition("eq", "id", id[2]), condition("exist", "status", nil)}},
				}})
			}, 0, 2),
		},
		{
			ID: "question/3.1/empty-filter", Section: "notes 3.1", Evidence: "DOC", Question: true, Requests: 1,
			Title: "What does an empty filter find?", Asks: `POST Tickets/query, {"filter":[],"MaxRecords":1}`, Fake: "nothing",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.postQuery(ctx, "Tickets", obj{"filter": []obj{}, "MaxRecords": 1, "IncludeFields": []string{"id"}})
				return found(a, err)
			},
		},
		{
			ID: "notes/3.2/unknown", Section: "notes 3.2", Evidence: "LIVE", Requests: 2,
			Title: "A condition whose operator is unknown is dropped",
			Asks:  "id in two tickets, and id conformanceUnknown the first", Expects: "200 with both", Fake: "the same",
			run: expects(2, func(id []int64) obj {
				return filter(condition("in", "id", id[:2]), condition("conformanceUnknown", "id", id[0]))
			}, 0, 1),
		},
		{
			ID: "question/18/operator-case", Section: "notes 18", Evidence: "none", Question: true, Requests: 2,
			Title: "Are operators case-sensitive?", Asks: "id in two tickets, and id EQ the first", Fake: "yes: the condition is dropped",
			run: operatorCase,
		},
		{
			ID: "notes/3.2/alternatives", Section: "notes 3.2", Evidence: "DOC", Requests: 3,
			Title: "in has at most 500 values",
			Asks:  "id in 500 values, then in 501", Expects: "200, then 500 with errors", Fake: "the same",
			run: seeing(alternatives),
		},
		{
			ID: "notes/3.3/unknown-field", Section: "notes 3.3", Evidence: "LIVE", Requests: 2,
			Title: "A filter on a field that does not exist is 500",
			Asks:  "POST Tickets/query, conformanceNoSuchField eq 1", Expects: "500 with errors", Fake: "the same",
			run: seeing(refuses(filter(condition("eq", "conformanceNoSuchField", 1)))),
		},
		{
			ID: "notes/4.1/errors", Section: "notes 4.1", Evidence: "DOC, LIVE", Requests: 2,
			Title: "A refusal is an object with errors, an array of texts",
			Asks:  "POST Tickets/query, conformanceNoSuchField eq 1", Expects: `{"errors":["…"]}`, Fake: "the same",
			run: seeing(errorForm),
		},
		{
			ID: "notes/3.3/wrong-type", Section: "notes 3.3", Evidence: "LIVE", Requests: 2,
			Title: "A value of a wrong type in a filter is 500",
			Asks:  "POST Tickets/query, createDate gt “conformance”", Expects: "500", Fake: "500 with errors",
			run: seeing(func(ctx context.Context, r *run) (string, error) {
				a, err := r.postQuery(ctx, "Tickets", filter(condition("gt", "createDate", "conformance")))
				if err == nil && a.status != http.StatusInternalServerError {
					err = failf("not 500: %s", a.describe())
				}
				return "", err
			}),
		},
		{
			ID: "notes/3.3/label", Section: "notes 3.3", Evidence: "LIVE", Requests: 1,
			Title: "A label where an id belongs finds nothing, or is 500",
			Asks:  "POST Tickets/query, status eq “New”", Expects: "no row", Fake: "500",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.postQuery(ctx, "Tickets", with(filter(condition("eq", "status", "New")), obj{"MaxRecords": 1, "IncludeFields": []string{"id"}}))
				if err != nil {
					return "", err
				}
				if rows, _ := objects(a.data["items"]); len(rows) > 0 || a.status != http.StatusOK && a.status != http.StatusInternalServerError {
					return "", failf("rows came, or another status: %s", a.describe())
				}
				return fmt.Sprintf("status %d", a.status), nil
			},
		},
		{
			ID: "notes/3.3/null", Section: "notes 3.3", Evidence: "LIVE", Requests: 1,
			Title: "eq with null matches nothing",
			Asks:  "POST Tickets/query, id exist, completedDate eq null", Expects: "no row", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				rows, _, err := r.query(ctx, "Tickets", obj{"MaxRecords": 1, "IncludeFields": []string{"id"},
					"filter": []obj{condition("exist", "id", nil), {"op": "eq", "field": "completedDate", "value": nil}}})
				if err == nil && len(rows) > 0 {
					err = failf("rows came")
				}
				return "", err
			},
		},
		{
			ID: "question/3.3/text-case", Section: "notes 3.3", Evidence: "INFER", Question: true, Requests: 2,
			Title: "Do comparisons of texts ignore case?", Asks: "ticketNumber eq a ticket's number in small letters", Fake: "yes",
			run: textCase,
		},
		{
			ID: "notes/3.3/history", Section: "notes 3.3", Evidence: "DOC, LIVE", Requests: 3,
			Title: "TicketHistory is searched by ticketID eq alone",
			Asks:  "POST TicketHistory/query with ticketID eq a ticket, and with id exist", Expects: "200, and a refusal", Fake: "the same",
			run: history,
		},
		{
			ID: "notes/3.4/max-records", Section: "notes 3.4", Evidence: "LIVE", Requests: 3,
			Title: "MaxRecords is 1 to 500; outside of that is 500",
			Asks:  "POST Tickets/query with MaxRecords 501, and 0", Expects: "500 with errors, twice", Fake: "the same",
			run: seeing(func(ctx context.Context, r *run) (string, error) {
				for _, n := range []int{501, 0} {
					a, err := r.postQuery(ctx, "Tickets", with(filter(condition("eq", "id", tooBig)), obj{"MaxRecords": n}))
					if err != nil {
						return "", err
					}
					if err := refused(a); err != nil {
						return "", failf("MaxRecords %d: %v", n, err)
					}
				}
				return "", nil
			}),
		},
		{
			ID: "notes/3.4/full-page", Section: "notes 3.4", Evidence: "LIVE", Requests: 1,
			Title: "A page has at most 500 rows, and names the next one if there are more",
			Asks:  "POST Tickets/query, exist id, without MaxRecords", Expects: "at most 500; with 500, possibly a nextPageUrl", Fake: "the same",
			run: fullPage,
		},
		{
			ID: "notes/3.4/next-page", Section: "notes 3.4", Evidence: "LIVE", Requests: 3,
			Title: "nextPageUrl is an absolute address at this origin; POSTed with the same body it is the next page",
			Asks:  "two tickets, MaxRecords 1; POST of nextPageUrl with the same body", Expects: "the first, then the second", Fake: "the same",
			run: nextPage,
		},
		{
			ID: "notes/3.4/next-page-get", Section: "notes 3.4", Evidence: "LIVE", Requests: 3,
			Title: "GET of a POSTed query's nextPageUrl is 405",
			Asks:  "GET of nextPageUrl", Expects: "405", Fake: "405",
			run: func(ctx context.Context, r *run) (string, error) {
				_, next, err := r.firstOfTwo(ctx)
				if err != nil {
					return "", err
				}
				a, err := r.get(ctx, next)
				if err == nil && a.status != http.StatusMethodNotAllowed {
					err = failf("not 405: %s", a.describe())
				}
				return "", err
			},
		},
		{
			ID: "question/18/next-page-body", Section: "notes 18", Evidence: "none", Question: true, Requests: 3,
			Title: "Does the next page need the body of the query?", Asks: "POST of nextPageUrl with an empty object", Fake: "yes",
			run: func(ctx context.Context, r *run) (string, error) {
				_, next, err := r.firstOfTwo(ctx)
				if err != nil {
					return "", err
				}
				return found(r.send(ctx, request{method: http.MethodPost, path: next, body: obj{}}))
			},
		},
		{
			ID: "notes/3.5/order", Section: "notes 3.5", Evidence: "LIVE, DOC", Requests: 2,
			Title: "Rows come in ascending order of their ids, and id gt the last one resumes",
			Asks:  "up to five tickets; then id gt the first", Expects: "ascending, the second first", Fake: "the same",
			run: order,
		},
		{
			ID: "notes/4.4/gzip", Section: "notes 4.4", Evidence: "LIVE", Requests: 1,
			Title: "A body that claims to be gzip and is not is 500",
			Asks:  "POST Tickets/query with Content-Encoding gzip, and JSON", Expects: "no rows, status 4xx or 500", Fake: "500",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.send(ctx, request{method: http.MethodPost, path: "Tickets/query", body: filter(condition("eq", "id", tooBig)),
					header: http.Header{"Content-Encoding": {"gzip"}}})
				if err != nil {
					return "", err
				}
				if a.status < 400 {
					return "", failf("accepted: %s", a.describe())
				}
				return fmt.Sprintf("status %d", a.status), nil
			},
		},
		{
			ID: "notes/12.4/text-number", Section: "notes 12.4", Evidence: "DOC, LIVE", Requests: 2,
			Title: "A number in a filter is accepted as a text",
			Asks:  "id eq a ticket's id, as a text", Expects: "that ticket", Fake: "the same",
			run: expects(1, func(id []int64) obj { return filter(condition("eq", "id", fmt.Sprint(id[0]))) }, 0),
		},
		{
			ID: "question/12.5/lenient", Section: "notes 12.5", Evidence: "DOC", Question: true, Requests: 1,
			Title: "Is JSON with a trailing comma accepted?", Asks: "POST Tickets/query with a comma behind the last member", Fake: "yes",
			run: func(ctx context.Context, r *run) (string, error) {
				return found(r.postQuery(ctx, "Tickets", []byte(`{"filter":[{"op":"eq","field":"id","value":2147483647},],}`)))
			},
		},
	}
	return append(checks, operatorChecks()...)
}

// operatorChecks ask each operator among the first three tickets.
func operatorChecks() []Check {
	among := func(op string, value func(id []int64) any) func(id []int64) obj {
		return func(id []int64) obj {
			var v any
			if value != nil {
				v = value(id)
			}
			return filter(condition("in", "id", id[:3]), condition(op, "id", v))
		}
	}
	second := func(id []int64) any { return id[1] }
	var checks []Check
	for _, o := range []struct {
		op   string
		ask  func(id []int64) obj
		want []int
	}{
		{"eq", among("eq", second), []int{1}},
		{"noteq", among("noteq", second), []int{0, 2}},
		{"gt", among("gt", second), []int{2}},
		{"gte", among("gte", second), []int{1, 2}},
		{"lt", among("lt", second), []int{0}},
		{"lte", among("lte", second), []int{0, 1}},
		{"in", func(id []int64) obj { return filter(condition("in", "id", []int64{id[0], id[2]})) }, []int{0, 2}},
		{"notIn", among("notIn", func(id []int64) any { return []int64{id[0], id[2]} }), []int{1}},
		{"exist", among("exist", nil), []int{0, 1, 2}},
		{"notExist", among("notExist", nil), nil},
	} {
		checks = append(checks, Check{
			ID: "notes/3.2/" + o.op, Section: "notes 3.2", Evidence: "DOC", Requests: 2,
			Title: "The operator " + o.op + " does what its name says",
			Asks:  "id " + o.op + ", among three tickets", Expects: fmt.Sprintf("%d of the three", len(o.want)), Fake: "the same",
			run: expects(3, o.ask, o.want...),
		})
	}
	for _, o := range []struct {
		op   string
		part func(number string) string
		of   func(s, part string) bool
	}{
		{"beginsWith", func(n string) string { return n[:len(n)-1] }, strings.HasPrefix},
		{"endsWith", func(n string) string { return n[1:] }, strings.HasSuffix},
		{"contains", func(n string) string { return n[1 : len(n)-1] }, strings.Contains},
	} {
		checks = append(checks, Check{
			ID: "notes/3.2/" + o.op, Section: "notes 3.2", Evidence: "DOC", Requests: 2,
			Title: "The operator " + o.op + " does what its name says",
			Asks:  "ticketNumber " + o.op + " a part of a number, among three tickets", Expects: "the tickets whose number has that part", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) { return r.partOfNumber(ctx, o.op, o.part, o.of) },
		})
	}
	return checks
}
