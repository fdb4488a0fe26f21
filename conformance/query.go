package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// How the checks of queries ask.

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

// seeing skips a check if this user sees no ticket: a tenant may answer such a user
// without looking at the query.
func seeing(check func(context.Context, *run) (string, error)) func(context.Context, *run) (string, error) {
	return func(ctx context.Context, r *run) (string, error) {
		if _, err := r.sample(ctx, 1); err != nil {
			return "", err
		}
		return check(ctx, r)
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
