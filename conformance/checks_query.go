package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
			ID: "notes/3.2/alternatives", Section: "notes 3.2", Evidence: "DOC", Requests: 2,
			Title: "in has at most 500 values",
			Asks:  "id in 500 values, then in 501", Expects: "200, then 500 with errors", Fake: "the same",
			run: alternatives,
		},
		{
			ID: "notes/3.3/unknown-field", Section: "notes 3.3", Evidence: "LIVE", Requests: 1,
			Title: "A filter on a field that does not exist is 500",
			Asks:  "POST Tickets/query, conformanceNoSuchField eq 1", Expects: "500 with errors", Fake: "the same",
			run: refuses(filter(condition("eq", "conformanceNoSuchField", 1))),
		},
		{
			ID: "notes/4.1/errors", Section: "notes 4.1", Evidence: "DOC, LIVE", Requests: 1,
			Title: "A refusal is an object with errors, an array of texts",
			Asks:  "the same", Expects: `{"errors":["…"]}`, Fake: "the same",
			run: errorForm,
		},
		{
			ID: "notes/3.3/wrong-type", Section: "notes 3.3", Evidence: "LIVE", Requests: 1,
			Title: "A value of a wrong type in a filter is 500",
			Asks:  "POST Tickets/query, createDate gt “conformance”", Expects: "500", Fake: "500 with errors",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.postQuery(ctx, "Tickets", filter(condition("gt", "createDate", "conformance")))
				if err == nil && a.status != http.StatusInternalServerError {
					err = failf("not 500: %s", a.describe())
				}
				return "", err
			},
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
			ID: "notes/3.4/max-records", Section: "notes 3.4", Evidence: "LIVE", Requests: 2,
			Title: "MaxRecords is 1 to 500; outside of that is 500",
			Asks:  "POST Tickets/query with MaxRecords 501, and 0", Expects: "500 with errors, twice", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
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
			},
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

// expects asks for some of the first n tickets, and demands exactly those at the
// given places.
func expects(n int, ask func(id []int64) obj, want ...int) func(context.Context, *run) (string, error) {
	return func(ctx context.Context, r *run) (string, error) {
		rows, err := r.sample(ctx, n)
		if err != nil {
			return "", err
		}
		id := ids(rows)
		got, _, err := r.query(ctx, "Tickets", with(ask(id), obj{"IncludeFields": []string{"id", "status"}}))
		if err != nil {
			return "", err
		}
		wanted := make([]int64, 0, len(want))
		for _, i := range want {
			wanted = append(wanted, id[i])
		}
		if !slices.Equal(sorted(ids(got)), wanted) {
			return "", failf("%d tickets came, not the %d that match", len(got), len(wanted))
		}
		return "", nil
	}
}

// refuses demands a refusal of a query of tickets.
func refuses(query obj) func(context.Context, *run) (string, error) {
	return func(ctx context.Context, r *run) (string, error) {
		a, err := r.postQuery(ctx, "Tickets", query)
		if err != nil {
			return "", err
		}
		return "", refused(a)
	}
}

// found describes the answer to a question by a query.
func found(a *answer, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if rows, ok := objects(a.data["items"]); ok {
		return fmt.Sprintf("status %d with %d rows", a.status, len(rows)), nil
	}
	return a.describe(), nil
}

func (r *run) partOfNumber(ctx context.Context, op string, part func(string) string, of func(s, part string) bool) (string, error) {
	rows, err := r.sample(ctx, 3)
	if err != nil {
		return "", err
	}
	number := text(rows[0]["ticketNumber"])
	if len(number) < 4 {
		return "", skip("the ticket has no number")
	}
	var wanted []int64
	for _, row := range rows[:3] {
		if of(strings.ToLower(text(row["ticketNumber"])), strings.ToLower(part(number))) {
			wanted = append(wanted, ids([]obj{row})...)
		}
	}
	got, _, err := r.query(ctx, "Tickets", with(filter(condition("in", "id", ids(rows)[:3]), condition(op, "ticketNumber", part(number))), obj{"IncludeFields": []string{"id"}}))
	if err != nil {
		return "", err
	}
	if !slices.Equal(sorted(ids(got)), wanted) {
		return "", failf("%d tickets came, not the %d that match", len(got), len(wanted))
	}
	return "", nil
}

func counts(ctx context.Context, r *run) (string, error) {
	rows, err := r.sample(ctx, 1)
	if err != nil {
		return "", err
	}
	some := ids(rows)[:min(3, len(rows))]
	for _, q := range []struct {
		filter obj
		want   int
	}{
		{filter(condition("in", "id", some)), len(some)},
		{filter(condition("eq", "id", some[0])), 1},
	} {
		n, err := r.queryCount(ctx, "Tickets", q.filter)
		if err != nil {
			return "", err
		}
		if n != int64(q.want) {
			return "", failf("%d, not %d", n, q.want)
		}
	}
	return "", nil
}

func searchByGet(ctx context.Context, r *run) (string, error) {
	rows, err := r.sample(ctx, 1)
	if err != nil {
		return "", err
	}
	id := ids(rows)[0]
	a, err := r.get(ctx, "Tickets/query?search="+url.QueryEscape(fmt.Sprintf(`{"IncludeFields":["id"],"filter":[{"op":"eq","field":"id","value":%d}]}`, id)))
	if err != nil {
		return "", err
	}
	if err := granted(a, "query Tickets"); err != nil {
		return "", err
	}
	if got, _ := objects(a.data["items"]); !slices.Equal(ids(got), []int64{id}) {
		return "", failf("%d tickets came", len(got))
	}
	return "", nil
}

func operatorCase(ctx context.Context, r *run) (string, error) {
	rows, err := r.sample(ctx, 2)
	if err != nil {
		return "", err
	}
	id := ids(rows)[:2]
	a, err := r.postQuery(ctx, "Tickets", with(filter(condition("in", "id", id), condition("EQ", "id", id[0])), obj{"IncludeFields": []string{"id"}}))
	if err != nil {
		return "", err
	}
	got, ok := objects(a.data["items"])
	switch {
	case !ok:
		return "EQ is refused: " + a.describe(), nil
	case len(got) == 1:
		return "no: EQ works as eq", nil
	case len(got) == 2:
		return "yes: EQ is dropped as an unknown operator", nil
	}
	return fmt.Sprintf("EQ finds %d rows of two", len(got)), nil
}

func alternatives(ctx context.Context, r *run) (string, error) {
	values := make([]int64, 501)
	for i := range values {
		values[i] = tooBig - int64(i)
	}
	if _, _, err := r.query(ctx, "Tickets", filter(condition("in", "id", values[:500]))); err != nil {
		return "", err
	}
	a, err := r.postQuery(ctx, "Tickets", filter(condition("in", "id", values)))
	if err != nil {
		return "", err
	}
	return "", refused(a)
}

func errorForm(ctx context.Context, r *run) (string, error) {
	a, err := r.postQuery(ctx, "Tickets", filter(condition("eq", "conformanceNoSuchField", 1)))
	if err != nil {
		return "", err
	}
	list, ok := a.data["errors"].([]any)
	if !ok || len(list) == 0 {
		return "", failf("there is no array errors: %s", a.describe())
	}
	if len(a.errors()) != len(list) {
		return "", failf("errors holds something that is no text")
	}
	return "", nil
}

func textCase(ctx context.Context, r *run) (string, error) {
	id, number, err := r.ticket(ctx)
	if err != nil {
		return "", err
	}
	if strings.ToLower(number) == number {
		return "", skip("the ticket's number has no capital")
	}
	rows, _, err := r.query(ctx, "Tickets", with(filter(condition("eq", "ticketNumber", strings.ToLower(number))), obj{"IncludeFields": []string{"id"}}))
	if err != nil {
		return "", err
	}
	if slices.Contains(ids(rows), id) {
		return "yes", nil
	}
	return "no", nil
}

func history(ctx context.Context, r *run) (string, error) {
	id, _, err := r.ticket(ctx)
	if err != nil {
		return "", err
	}
	rows, _, err := r.query(ctx, "TicketHistory", filter(condition("eq", "ticketID", id)))
	if err != nil {
		return "", err
	}
	for _, row := range rows {
		if got, ok := whole(row["ticketID"]); !ok || got != id {
			return "", failf("history of another ticket came")
		}
	}
	a, err := r.postQuery(ctx, "TicketHistory", with(filter(condition("exist", "id", nil)), obj{"MaxRecords": 1}))
	if err != nil {
		return "", err
	}
	if a.status < 400 {
		return "", failf("another condition is accepted: %s", a.describe())
	}
	return a.describe(), nil
}

func fullPage(ctx context.Context, r *run) (string, error) {
	rows, a, err := r.query(ctx, "Tickets", with(filter(condition("exist", "id", nil)), obj{"IncludeFields": []string{"id"}}))
	if err != nil {
		return "", err
	}
	details, _ := a.data["pageDetails"].(obj)
	switch {
	case len(rows) > 500:
		return "", failf("%d rows came", len(rows))
	case len(rows) < 500 && details["nextPageUrl"] != nil:
		return "", failf("a page of %d rows has a nextPageUrl", len(rows))
	case len(rows) < 500:
		return "this user sees fewer than 500 tickets", nil
	}
	return "", nil
}

// firstOfTwo asks for two tickets by pages of one, and returns the body and the
// address of the second page.
func (r *run) firstOfTwo(ctx context.Context) (query obj, next string, err error) {
	rows, err := r.sample(ctx, 2)
	if err != nil {
		return nil, "", err
	}
	id := ids(rows)[:2]
	query = with(filter(condition("in", "id", id)), obj{"MaxRecords": 1, "IncludeFields": []string{"id"}})
	got, a, err := r.query(ctx, "Tickets", query)
	if err != nil {
		return nil, "", err
	}
	if !slices.Equal(ids(got), id[:1]) {
		return nil, "", failf("the first page has %d rows, not the first ticket", len(got))
	}
	details, _ := a.data["pageDetails"].(obj)
	next = text(details["nextPageUrl"])
	if u, err := url.Parse(next); err != nil || !u.IsAbs() {
		return nil, "", failf("nextPageUrl is no absolute address")
	}
	if _, err := r.wire.address(next); err != nil {
		return nil, "", failf("nextPageUrl has another origin; it is not followed")
	}
	return query, next, nil
}

func nextPage(ctx context.Context, r *run) (string, error) {
	query, next, err := r.firstOfTwo(ctx)
	if err != nil {
		return "", err
	}
	rows, err := r.sample(ctx, 2)
	if err != nil {
		return "", err
	}
	a, err := r.send(ctx, request{method: http.MethodPost, path: next, body: query})
	if err != nil {
		return "", err
	}
	if err := granted(a, "read the next page"); err != nil {
		return "", err
	}
	if got, _ := objects(a.data["items"]); !slices.Equal(ids(got), ids(rows)[1:2]) {
		return "", failf("the next page has %d rows, not the second ticket", len(got))
	}
	return "", nil
}

func order(ctx context.Context, r *run) (string, error) {
	rows, err := r.sample(ctx, 2)
	if err != nil {
		return "", err
	}
	id := ids(rows)
	if !r.samples.ordered {
		return "", failf("they are not in order")
	}
	got, _, err := r.query(ctx, "Tickets", with(filter(condition("gt", "id", id[0])), obj{"MaxRecords": 1, "IncludeFields": []string{"id"}}))
	if err != nil {
		return "", err
	}
	if !slices.Equal(ids(got), id[1:2]) {
		return "", failf("id gt the first did not find the second")
	}
	return "", nil
}
