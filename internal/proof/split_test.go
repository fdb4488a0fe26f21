package proof_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

func TestIn_PartsOfIDsAreReadOneAfterTheOther(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := kit.SeedTickets(srv, 1200)
	shuffled := slices.Concat(ids, ids[:300])
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] }) //nolint:gosec // no secret
	n := 0
	for ticket, err := range client.Tickets.All(t.Context(), autotask.Query{
		Filter: autotask.And(autotask.Exist("title"), autotask.In("ID", shuffled...)), Fields: []string{"title"},
	}) {
		require.NoError(t, err)
		require.Equal(t, ids[n], ticket.ID)
		n++
		assert.Equal(t, (n+499)/500, kit.Count(srv, "POST Tickets/query"), "a part is read when it is reached")
	}
	assert.Len(t, ids, n)
	for _, body := range kit.Bodies(srv, "POST Tickets/query") {
		assert.LessOrEqual(t, len(weigh(kit.Object(t, body)["filter"].([]any)[0].(map[string]any)).longest), 500)
	}
}

// A full page names a next one. Behind a part whose ids were all found that is
// an empty page.
func TestIn_NoPageIsReadBehindAPartWhoseIDsWereAllFound(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := kit.SeedTickets(srv, 1000)
	list, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.In("id", append([]int64{1}, ids...)...)})
	require.NoError(t, err)
	assert.Len(t, list, 1000)
	assert.Len(t, srv.Requests(), 3)

	for n, requests := range map[int]int{500: 1, 1000: 2} {
		srv.ResetRequests()
		found, err := client.Tickets.GetMany(t.Context(), ids[:n])
		require.NoError(t, err)
		assert.Len(t, found, n)
		assert.Len(t, srv.Requests(), requests)
	}
}

// A page as long as the list of ids that has one of them twice lacks another.
func TestIn_APageThatHasAnIDTwiceIsNotTakenForAllOfThem(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	page := func(next string, ids ...int64) string {
		var items []string
		for _, id := range ids {
			items = append(items, fmt.Sprintf(`{"id":%d}`, id))
		}
		return `{"items":[` + strings.Join(items, ",") + `],"pageDetails":{"nextPageUrl":` + next + `}}`
	}
	doubled := kit.Numbers(500)
	doubled[499] = 499
	mock.RegisterResponder(http.MethodPost, kit.TicketsQuery, func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if strings.Contains(string(body), "501") {
			return httpmock.NewStringResponse(200, page("null", 501)), err
		}
		return httpmock.NewStringResponse(200, page(`"`+kit.TicketsQuery+`/next?paging=1"`, doubled...)), err
	})
	mock.RegisterResponder(http.MethodPost, kit.TicketsQuery+"/next", httpmock.NewStringResponder(200, page("null", 500)))
	for _, n := range []int{500, 501} {
		found, err := client.Tickets.GetMany(t.Context(), kit.Numbers(n))
		require.NoError(t, err)
		assert.Len(t, found, n)
	}
}

func TestIn_PartsMakeRoomForOtherConditions(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := kit.SeedTickets(srv, 700)
	kit.Spread(srv, ids)
	got, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.And(
		kit.LongIn(),
		autotask.NotIn("status", kit.Numbers(97)[90:]...),
		autotask.Or(autotask.Exist("title"), autotask.Eq("status", 1), autotask.In("status", kit.Numbers(90)...)),
	)})
	require.NoError(t, err)
	assert.Len(t, got, 700)
	sent := kit.Bodies(srv, "POST Tickets/query")
	assert.Len(t, sent, 3, "1001 values by 400")
	for _, body := range sent {
		assert.LessOrEqual(t, weigh(kit.Object(t, body)["filter"].([]any)[0].(map[string]any)).ors, 500)
	}
}

func TestIn_DuplicatesAreNoReasonToSplit(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := kit.SeedTickets(srv, 500)
	_, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.In("id", slices.Concat(ids, ids)...), Limit: 1})
	require.NoError(t, err)
	assert.Len(t, srv.Requests(), 1)
}

func TestIn_SplitBeneathAnOrGivesEachRowOnce(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := kit.SeedTickets(srv, 1200)
	// The second alternative lets every ticket into every part.
	f := autotask.Or(autotask.In("id", ids...), autotask.Exist("title"))
	for _, way := range kit.Ways {
		assert.Equal(t, ids, kit.Collect(t, way(t.Context(), client, autotask.Query{Filter: f, Fields: []string{"title"}})))
	}
	n, err := client.Tickets.Count(t.Context(), autotask.Query{Filter: f})
	require.NoError(t, err)
	assert.EqualValues(t, 1200, n)
}

func TestIn_RowsOutOfOrderAreAnErrorWhereMergingGoesByIt(t *testing.T) {
	t.Parallel()
	client := kit.Answering(t, 200, []byte(`{"items":[{"id":5},{"id":4}],"pageDetails":{}}`))
	list, err := client.Tickets.List(t.Context(), autotask.Query{Filter: kit.LongIn()})
	require.ErrorIs(t, err, autotask.ErrServer)
	assert.Nil(t, list)
	list, err = client.Tickets.List(t.Context(), autotask.Query{})
	require.NoError(t, err, "one query is as Autotask answers it")
	assert.Len(t, list, 2)
	// Also from one page of a part to its next.
	client, mock := kit.Mocked(t)
	mock.RegisterResponder(http.MethodPost, kit.TicketsQuery,
		httpmock.NewStringResponder(200, `{"items":[{"id":5}],"pageDetails":{"nextPageUrl":"`+kit.TicketsQuery+`/next?paging=1"}}`))
	mock.RegisterResponder(http.MethodPost, kit.TicketsQuery+"/next", httpmock.NewStringResponder(200, `{"items":[{"id":4}],"pageDetails":{}}`))
	_, err = client.Tickets.List(t.Context(), autotask.Query{Filter: kit.LongIn()})
	require.ErrorIs(t, err, autotask.ErrServer)
}

func TestIn_RowsOfAnotherPartOfTheIDsAreAnError(t *testing.T) {
	t.Parallel()
	client := kit.Answering(t, 200, []byte(`{"items":[{"id":7},{"id":501}],"pageDetails":{}}`))
	_, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.In("id", kit.Numbers(600)...)})
	require.ErrorIs(t, err, autotask.ErrServer)
	assert.Contains(t, err.Error(), "from 1 to 500 with the item 501")
}

func TestIn_ATypeWithoutAnIDIsRefusedWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	kit.SeedTickets(srv, 2)
	_, err := autotask.List[kit.Bare](t.Context(), client, autotask.Query{})
	require.NoError(t, err)
	srv.ResetRequests()
	_, err = autotask.List[kit.Bare](t.Context(), client, autotask.Query{Filter: kit.LongIn()})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	for page, err := range autotask.Pages[kit.Bare](t.Context(), client, autotask.Query{}) {
		require.ErrorIs(t, err, autotask.ErrInvalid)
		assert.Nil(t, page)
	}
	for page, err := range autotask.Scan[kit.Bare](t.Context(), client, autotask.Query{}, autotask.ScanOptions{Workers: 3}) {
		require.ErrorIs(t, err, autotask.ErrInvalid)
		assert.Nil(t, page)
	}
	_, err = autotask.GetMany[kit.Bare](t.Context(), client, []int64{1})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	_, err = autotask.Get[kit.Bare](t.Context(), client, 1)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, srv.Requests())
}

func TestCount_OfASplitIn(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := kit.SeedTickets(srv, 1100)
	kit.Spread(srv, ids)
	titles := make([]string, 1100)
	var both []any // each number as a number and as a text, which Autotask takes for the same
	for i := range titles {
		titles[i] = fmt.Sprintf("Ticket %d", i)
		both = append(both, i+1)
	}
	for i := range titles {
		both = append(both, fmt.Sprint(i+1))
	}
	for _, c := range []struct {
		name   string
		filter autotask.Filter
		want   int64
		read   bool // instead of counted
	}{
		{"ids", autotask.In("id", ids...), 1100, false},
		{"numbers", kit.LongIn(), 1100, false},
		{"numbers and more", autotask.And(kit.LongIn(), autotask.Lte("id", ids[49])), 50, false},
		{"texts", autotask.In("title", titles...), 1100, true},
		{"beneath an Or", autotask.Or(kit.LongIn(), autotask.Exist("id")), 1100, true},
		{"numbers and texts", autotask.In("contactID", both...), 1100, true},
	} {
		srv.ResetRequests()
		n, err := client.Tickets.Count(t.Context(), autotask.Query{Filter: c.filter, Limit: 3})
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, n, c.name)
		for _, r := range srv.Requests() {
			assert.Equal(t, !c.read, r.Op == "POST Tickets/query/count", c.name)
			if c.read {
				assert.JSONEq(t, `["id"]`, kit.ParseItem(t, r.Body).Values["IncludeFields"], c.name)
			}
		}
	}
}

func TestIn_PartsOfIDsBeforeThePositionAreNotAskedFor(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := kit.SeedTickets(srv, 1100)
	for behind, parts := range map[int]int{0: 3, 498: 3, 499: 2, 998: 2, 999: 1, 1049: 1, 1099: 0} {
		srv.ResetRequests()
		q := autotask.Query{Filter: autotask.In("id", ids...), After: autotask.Int(ids[behind]), Fields: []string{"title"}}
		n, err := client.Tickets.Count(t.Context(), q)
		require.NoError(t, err)
		assert.EqualValues(t, 1099-behind, n)
		assert.Equal(t, append([]int64(nil), ids[behind+1:]...), kit.Collect(t, kit.AllIDs(t.Context(), client, q)))
		assert.Equal(t, parts, kit.Count(srv, "POST Tickets/query/count"), "behind %d", behind)
		assert.Equal(t, parts, kit.Count(srv, "POST Tickets/query"), "behind %d", behind)
	}
}

func TestIn_OnAUserDefinedFieldCalledIDIsNotOneOnTheID(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	var want []int64
	for i := range 30 { // against the order of the ids
		want = append(want, srv.Seed("Tickets", map[string]any{
			"userDefinedFields": []any{map[string]any{"name": "ID", "value": fmt.Sprint(1000 - 30*i)}},
		}))
	}
	f := autotask.UDF(autotask.In("ID", kit.Numbers(1000)...))
	assert.Equal(t, want, kit.Collect(t, kit.AllIDs(t.Context(), client, autotask.Query{Filter: f})))
	srv.ResetRequests()
	n, err := client.Tickets.Count(t.Context(), autotask.Query{Filter: f})
	require.NoError(t, err)
	assert.EqualValues(t, 30, n)
	assert.Equal(t, []string{"POST Tickets/query", "POST Tickets/query"}, kit.Ops(srv), "what a user-defined field compares as is not known")
}

func TestCount_OfASplitInFailsWhole(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t, autotask.WithMaxRetries(0))
	ids := kit.SeedTickets(srv, 600)
	for op, f := range map[string]autotask.Filter{
		"POST Tickets/query/count": autotask.In("id", ids...),
		"POST Tickets/query":       autotask.Or(autotask.Exist("id"), kit.LongIn()),
	} {
		srv.Inject(autotasktest.Fault{Op: op, Skip: 1, Status: 500, Body: `{"errors":["no"]}`})
		n, err := client.Tickets.Count(t.Context(), autotask.Query{Filter: f})
		require.ErrorIs(t, err, autotask.ErrInvalid, op)
		assert.Zero(t, n)
	}
}

func TestGetMany_IDsThatAreNotThereOrCameTwice(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := kit.SeedTickets(srv, 1300)
	wanted := slices.Concat(ids[:700], kit.Numbers(300), ids[:1200]) // in disorder
	found, err := client.Tickets.GetMany(t.Context(), wanted)
	require.NoError(t, err)
	want := map[int64]bool{}
	for _, id := range wanted {
		want[id] = srv.Get("Tickets", id) != nil
	}
	for id, there := range want {
		_, ok := found[id]
		assert.Equal(t, there, ok, id)
	}
	assert.Equal(t, 3, kit.Count(srv, "POST Tickets/query"))
}

// FuzzSplitIn holds what a split In finds to what filtering all rows by hand
// finds, under random groups and with random rows.
func FuzzSplitIn(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // no secret
		srv := autotasktest.NewInProcess(t)
		client := srv.InProcessClient()
		rows := make([]sample, 100+r.IntN(playedPart(900, 300)))
		for i := range rows {
			rows[i] = sample{contact: r.Int64N(1500), status: 1 + r.Int64N(5), plan: fmt.Sprintf("plan %d", r.IntN(1200))}
			values := map[string]any{
				"title": rows[i].title(), "status": rows[i].status, "contactID": nil,
				"userDefinedFields": []any{map[string]any{"name": "Plan", "value": rows[i].plan}},
			}
			if rows[i].contact > 0 {
				values["contactID"] = rows[i].contact
			}
			rows[i].id = srv.Seed("Tickets", values)
		}
		g := conditions{r: r, rows: rows}
		filter, holds := g.nested(r.IntN(4))
		q := autotask.Query{Filter: filter, Fields: []string{"title"}, Prefetch: r.IntN(2) == 0}
		if r.IntN(3) == 0 {
			q.After = autotask.Int(rows[r.IntN(len(rows))].id)
		}
		var want []int64
		for _, row := range rows {
			if holds(row) && row.id > q.After.Or(0) {
				want = append(want, row.id)
			}
		}
		assert.Equal(t, want, kit.Collect(t, kit.AllIDs(t.Context(), client, q)))
		n, err := client.Tickets.Count(t.Context(), q)
		require.NoError(t, err)
		assert.EqualValues(t, len(want), n)
		assert.Equal(t, want, kit.Collect(t, kit.PageIDs(t.Context(), client, q)))
		q.Limit = 1 + r.IntN(len(rows))
		assert.Equal(t, want[:min(len(want), q.Limit)], kit.Collect(t, kit.AllIDs(t.Context(), client, q)))
	})
}

// sample is what the test knows of a ticket.
type sample struct {
	id, contact, status int64 // contact 0: none
	plan                string
}

func (s sample) title() string { return fmt.Sprintf("About %d", s.contact) }

// conditions makes filters, and functions that judge as they should.
type conditions struct {
	r    *rand.Rand
	rows []sample
}

// nested hangs a long In into random groups.
func (g conditions) nested(depth int) (autotask.Filter, func(sample) bool) {
	if depth == 0 {
		return g.long()
	}
	filter, holds := g.nested(depth - 1)
	filters, tests := []autotask.Filter{filter}, []func(sample) bool{holds}
	for range g.r.IntN(3) {
		f, h := g.short()
		if at := g.r.IntN(len(filters) + 1); at < len(filters) {
			filters, tests = slices.Insert(filters, at, f), slices.Insert(tests, at, h)
		} else {
			filters, tests = append(filters, f), append(tests, h)
		}
	}
	if g.r.IntN(2) == 0 {
		return autotask.And(filters...), func(s sample) bool {
			return !slices.ContainsFunc(tests, func(h func(sample) bool) bool { return !h(s) })
		}
	}
	return autotask.Or(filters...), func(s sample) bool {
		return slices.ContainsFunc(tests, func(h func(sample) bool) bool { return h(s) })
	}
}

func (g conditions) long() (autotask.Filter, func(sample) bool) {
	n := 501 + g.r.IntN(1500)
	among := map[string]bool{}
	texts := make([]string, n)
	values := make([]int64, n)
	switch g.r.IntN(4) {
	case 0: // ids that are there, and some that are not
		for i := range values {
			values[i] = g.rows[0].id + g.r.Int64N(2000)
			among[kit.IDText(values[i])] = true
		}
		return autotask.In("id", values...), func(s sample) bool { return among[kit.IDText(s.id)] }
	case 1: // numbers, which null is none of
		for i := range values {
			values[i] = g.r.Int64N(1500)
			among[kit.IDText(values[i])] = true
		}
		return autotask.In("contactID", values...), func(s sample) bool { return s.contact > 0 && among[kit.IDText(s.contact)] }
	case 2: // texts in any casing
		for i := range texts {
			texts[i] = sample{contact: g.r.Int64N(1500)}.title()
			among[texts[i]] = true
			if g.r.IntN(2) == 0 {
				texts[i] = strings.ToUpper(texts[i])
			}
		}
		return autotask.In("title", texts...), func(s sample) bool { return among[s.title()] }
	}
	for i := range texts {
		texts[i] = fmt.Sprintf("plan %d", g.r.IntN(1200))
		among[texts[i]] = true
	}
	return autotask.UDF(autotask.In("Plan", texts...)), func(s sample) bool { return among[s.plan] }
}

func (g conditions) short() (autotask.Filter, func(sample) bool) {
	status, contact, id := 1+g.r.Int64N(5), g.r.Int64N(1500), g.rows[g.r.IntN(len(g.rows))].id
	switch g.r.IntN(6) {
	case 0:
		return autotask.Eq("status", status), func(s sample) bool { return s.status == status }
	case 1:
		return autotask.NotIn("status", status, 1), func(s sample) bool { return s.status != status && s.status != 1 }
	case 2:
		return autotask.In("status", status, 1), func(s sample) bool { return s.status == status || s.status == 1 }
	case 3:
		return autotask.Lt("contactID", contact), func(s sample) bool { return s.contact > 0 && s.contact < contact }
	case 4:
		return autotask.Gte("id", id), func(s sample) bool { return s.id >= id }
	}
	return autotask.NotExist("contactID"), func(s sample) bool { return s.contact == 0 }
}
