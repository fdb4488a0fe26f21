package autotask_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// ways are those in which tickets can be ranged over; each gives their ids.
var ways = map[string]func(context.Context, *autotask.Client, autotask.Query) iter.Seq2[int64, error]{
	"All": allIDs,
	"All with Prefetch": func(ctx context.Context, c *autotask.Client, q autotask.Query) iter.Seq2[int64, error] {
		q.Prefetch = true
		return allIDs(ctx, c, q)
	},
	"Pages": pageIDs,
	"Pages with Prefetch": func(ctx context.Context, c *autotask.Client, q autotask.Query) iter.Seq2[int64, error] {
		q.Prefetch = true
		return pageIDs(ctx, c, q)
	},
}

func allIDs(ctx context.Context, c *autotask.Client, q autotask.Query) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for ticket, err := range c.Tickets.All(ctx, q) {
			var id int64
			if err == nil {
				id = ticket.ID
			}
			if !yield(id, err) {
				return
			}
		}
	}
}

func pageIDs(ctx context.Context, c *autotask.Client, q autotask.Query) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for page, err := range c.Tickets.Pages(ctx, q) {
			if err != nil {
				if !yield(0, err) {
					return
				}
				continue
			}
			for _, ticket := range page.Items {
				if !yield(ticket.ID, nil) {
					return
				}
			}
		}
	}
}

// eachWay runs a test for every way of ranging, on an in-process tenant of its
// own within a bubble, which fails if a goroutine is left.
func eachWay(t *testing.T, tickets int, test func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error])) {
	t.Helper()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				ids := seedTickets(srv, tickets)
				client := srv.InProcessClient(autotask.WithMaxRetries(0))
				test(t, srv, ids, func(q autotask.Query) iter.Seq2[int64, error] {
					q.Fields = []string{"title"} // whole tickets take their time
					return way(t.Context(), client, q)
				})
			})
		})
	}
}

func collect(t *testing.T, seq iter.Seq2[int64, error]) []int64 {
	t.Helper()
	var ids []int64
	for id, err := range seq {
		require.NoError(t, err)
		ids = append(ids, id)
	}
	return ids
}

// longIn is a condition on "contactID" that lets every ticket of seedTickets
// through and is sent in three parts.
func longIn() autotask.Filter { return autotask.In("contactID", numbers(1001)...) }

// spread gives the tickets contacts by turns, so that the parts of longIn lie
// across each other.
func spread(srv *autotasktest.Server, ids []int64) {
	for i, id := range ids {
		srv.Seed("Tickets", map[string]any{"id": id, "title": fmt.Sprintf("ticket %d", i), "contactID": 1 + i*7%1001})
	}
}

func TestPaging_RangingTwiceGivesTheSameRows(t *testing.T) {
	t.Parallel()
	eachWay(t, 1001, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		spread(srv, ids)
		for _, q := range []autotask.Query{{}, {Filter: longIn()}, {Filter: autotask.In("id", ids...)}} {
			seq := read(q)
			assert.Equal(t, ids, collect(t, seq))
			assert.Equal(t, ids, collect(t, seq))
		}
	})
}

func TestPaging_LeavingTheLoopEndsTheReading(t *testing.T) {
	t.Parallel()
	eachWay(t, 1001, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		ahead := 0
		if strings.Contains(t.Name(), "Prefetch") {
			ahead = 1
		}
		spread(srv, ids)
		for n, q := range map[int]autotask.Query{
			1: {}, 3: {Filter: longIn()}, -1: {Filter: autotask.In("id", ids...)},
		} {
			srv.ResetRequests()
			for _, err := range read(q) {
				require.NoError(t, err)
				break
			}
			synctest.Wait()
			// The page ahead may have been cancelled before it was sent; of a merge it
			// may be the page of more than one part.
			assert.GreaterOrEqual(t, len(srv.Requests()), max(n, -n))
			assert.LessOrEqual(t, len(srv.Requests()), max(n, -n)*(1+ahead))
		}
	})
}

func TestPaging_AnErrorOnPageTwoComesAfterPageOne(t *testing.T) {
	t.Parallel()
	eachWay(t, 1001, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		spread(srv, ids)
		for _, c := range []struct {
			fault autotasktest.Fault
			q     autotask.Query
		}{
			{autotasktest.Fault{Op: "POST Tickets/query/next"}, autotask.Query{}},
			{autotasktest.Fault{Op: "POST Tickets/query", Skip: 1}, autotask.Query{Filter: autotask.In("id", ids...)}},
		} {
			c.fault.Status, c.fault.Body = 500, `{"errors":["no"]}`
			srv.Inject(c.fault)
			var got []int64
			var failures []error
			for id, err := range read(c.q) {
				if err != nil {
					failures = append(failures, err)
					continue // the loop must end by itself
				}
				got = append(got, id)
			}
			assert.Equal(t, ids[:500], got)
			require.Len(t, failures, 1)
			require.ErrorIs(t, failures[0], autotask.ErrInvalid)
		}
	})
}

func TestPaging_AnErrorInAPartComesAfterWhatWasReadBefore(t *testing.T) {
	t.Parallel()
	eachWay(t, 2000, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		spread(srv, ids) // of the first 500 contacts, about 1000 tickets: two pages
		srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/next", Status: 500, Body: `{"errors":["no"]}`})
		var got []int64
		var failure error
		for id, err := range read(autotask.Query{Filter: longIn()}) {
			if failure = err; err == nil {
				got = append(got, id)
			}
		}
		require.ErrorIs(t, failure, autotask.ErrInvalid)
		assert.GreaterOrEqual(t, len(got), 500, "a page of each part was read")
		assert.Equal(t, ids[:len(got)], got)
	})
}

func TestPaging_AnEmptyLastPageIsTheEnd(t *testing.T) {
	t.Parallel()
	eachWay(t, 500, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		assert.Equal(t, ids, collect(t, read(autotask.Query{})))
		assert.Len(t, srv.Requests(), 2)
		assert.Equal(t, ids, collect(t, read(autotask.Query{Filter: autotask.In("id", slices.Concat(ids, []int64{1e9})...)})))
		assert.Empty(t, collect(t, read(autotask.Query{Filter: autotask.Eq("title", "none has it")})))
	})
	srv, client := tenant(t)
	seedTickets(srv, 500)
	pages := 0
	for page, err := range client.Tickets.Pages(t.Context(), autotask.Query{}) {
		require.NoError(t, err)
		assert.Len(t, page.Items, 500)
		pages++
	}
	assert.Equal(t, 1, pages, "an empty page has no position")
}

func TestPaging_AnEmptyPageInBetweenIsNotTheEnd(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodPost, ticketsQuery,
			httpmock.NewStringResponder(200, `{"items":[],"pageDetails":{"count":0,"nextPageUrl":"`+ticketsQuery+`/next?paging=1"}}`))
		mock.RegisterResponder(http.MethodPost, ticketsQuery+"/next", httpmock.NewStringResponder(200, `{"items":[{"id":3}],"pageDetails":{"count":1}}`))
		assert.Equal(t, []int64{3}, collect(t, way(t.Context(), client, autotask.Query{})), name)
	}
}

func TestPaging_ARepeatedNextPageIsAnErrorNotALoop(t *testing.T) {
	t.Parallel()
	eachWay(t, 501, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/next", RepeatNextPage: true, Times: -1})
		var got []int64
		var failure error
		for id, err := range read(autotask.Query{}) {
			if failure = err; err == nil {
				got = append(got, id)
			}
		}
		require.ErrorIs(t, failure, autotask.ErrServer)
		assert.Contains(t, failure.Error(), "again")
		assert.Equal(t, ids, got)
		assert.Len(t, srv.Requests(), 2)
	})
}

func TestPaging_LimitIsTheTotalAndNoNeedlessPageIsRead(t *testing.T) {
	t.Parallel()
	eachWay(t, 1600, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		spread(srv, ids)
		for _, c := range []struct{ limit, pages int }{
			{1, 1}, {499, 1}, {500, 1}, {501, 2}, {999, 2}, {1000, 2}, {1001, 3}, {1499, 3}, {1500, 3}, {1501, 4}, {1600, 4},
		} {
			srv.ResetRequests()
			assert.Equal(t, ids[:c.limit], collect(t, read(autotask.Query{Limit: c.limit})))
			assert.Len(t, srv.Requests(), c.pages, "limit %d", c.limit)

			srv.ResetRequests()
			assert.Equal(t, ids[:c.limit], collect(t, read(autotask.Query{Limit: c.limit, Filter: autotask.In("id", ids...)})))
			assert.Len(t, srv.Requests(), c.pages, "limit %d", c.limit)

			srv.ResetRequests()
			assert.Equal(t, ids[:c.limit], collect(t, read(autotask.Query{Limit: c.limit, Filter: longIn()})))
			assert.Equal(t, 3, count(srv, "POST Tickets/query"), "limit %d", c.limit)
			if c.limit < 500 {
				assert.Zero(t, count(srv, "POST Tickets/query/next"), "limit %d", c.limit)
			}
		}
		assert.Equal(t, ids, collect(t, read(autotask.Query{Limit: 5000})))
	})
}

func TestPaging_ListGoesTheSameWay(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1100)
	for _, prefetch := range []bool{false, true} {
		list, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.In("id", ids...), Limit: 600, After: autotask.Int(ids[99]), Prefetch: prefetch})
		require.NoError(t, err)
		require.Len(t, list, 600)
		assert.Equal(t, ids[100], list[0].ID)
		assert.Equal(t, ids[699], list[599].ID)
	}
}

// In, split.

func TestIn_PartsOfIDsAreReadOneAfterTheOther(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1200)
	shuffled := slices.Concat(ids, ids[:300])
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] }) //nolint:gosec // no secret
	n := 0
	for ticket, err := range client.Tickets.All(t.Context(), autotask.Query{
		Filter: autotask.And(autotask.Exist("title"), autotask.In("ID", shuffled...)), Fields: []string{"title"},
	}) {
		require.NoError(t, err)
		require.Equal(t, ids[n], ticket.ID)
		n++
		assert.Equal(t, (n+499)/500, count(srv, "POST Tickets/query"), "a part is read when it is reached")
	}
	assert.Len(t, ids, n)
	for _, body := range bodies(srv, "POST Tickets/query") {
		assert.LessOrEqual(t, len(weigh(object(t, body)["filter"].([]any)[0].(map[string]any)).longest), 500)
	}
}

// A full page names a next one. Behind a part whose ids were all found that is
// an empty page.
func TestIn_NoPageIsReadBehindAPartWhoseIDsWereAllFound(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1000)
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
	client, mock := mocked(t)
	page := func(next string, ids ...int64) string {
		var items []string
		for _, id := range ids {
			items = append(items, fmt.Sprintf(`{"id":%d}`, id))
		}
		return `{"items":[` + strings.Join(items, ",") + `],"pageDetails":{"nextPageUrl":` + next + `}}`
	}
	doubled := numbers(500)
	doubled[499] = 499
	mock.RegisterResponder(http.MethodPost, ticketsQuery, func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if strings.Contains(string(body), "501") {
			return httpmock.NewStringResponse(200, page("null", 501)), err
		}
		return httpmock.NewStringResponse(200, page(`"`+ticketsQuery+`/next?paging=1"`, doubled...)), err
	})
	mock.RegisterResponder(http.MethodPost, ticketsQuery+"/next", httpmock.NewStringResponder(200, page("null", 500)))
	for _, n := range []int{500, 501} {
		found, err := client.Tickets.GetMany(t.Context(), numbers(n))
		require.NoError(t, err)
		assert.Len(t, found, n)
	}
}

func TestIn_PartsMakeRoomForOtherConditions(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 700)
	spread(srv, ids)
	got, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.And(
		longIn(),
		autotask.NotIn("status", numbers(97)[90:]...),
		autotask.Or(autotask.Exist("title"), autotask.Eq("status", 1), autotask.In("status", numbers(90)...)),
	)})
	require.NoError(t, err)
	assert.Len(t, got, 700)
	sent := bodies(srv, "POST Tickets/query")
	assert.Len(t, sent, 3, "1001 values by 400")
	for _, body := range sent {
		assert.LessOrEqual(t, weigh(object(t, body)["filter"].([]any)[0].(map[string]any)).ors, 500)
	}
}

func TestIn_DuplicatesAreNoReasonToSplit(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 500)
	_, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.In("id", slices.Concat(ids, ids)...), Limit: 1})
	require.NoError(t, err)
	assert.Len(t, srv.Requests(), 1)
}

func TestIn_SplitBeneathAnOrGivesEachRowOnce(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1200)
	// The second alternative lets every ticket into every part.
	f := autotask.Or(autotask.In("id", ids...), autotask.Exist("title"))
	for _, way := range ways {
		assert.Equal(t, ids, collect(t, way(t.Context(), client, autotask.Query{Filter: f, Fields: []string{"title"}})))
	}
	n, err := client.Tickets.Count(t.Context(), autotask.Query{Filter: f})
	require.NoError(t, err)
	assert.EqualValues(t, 1200, n)
}

func TestIn_RowsOutOfOrderAreAnErrorWhereMergingGoesByIt(t *testing.T) {
	t.Parallel()
	client := answering(t, 200, []byte(`{"items":[{"id":5},{"id":4}],"pageDetails":{}}`))
	list, err := client.Tickets.List(t.Context(), autotask.Query{Filter: longIn()})
	require.ErrorIs(t, err, autotask.ErrServer)
	assert.Nil(t, list)
	list, err = client.Tickets.List(t.Context(), autotask.Query{})
	require.NoError(t, err, "one query is as Autotask answers it")
	assert.Len(t, list, 2)
	// Also from one page of a part to its next.
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodPost, ticketsQuery,
		httpmock.NewStringResponder(200, `{"items":[{"id":5}],"pageDetails":{"nextPageUrl":"`+ticketsQuery+`/next?paging=1"}}`))
	mock.RegisterResponder(http.MethodPost, ticketsQuery+"/next", httpmock.NewStringResponder(200, `{"items":[{"id":4}],"pageDetails":{}}`))
	_, err = client.Tickets.List(t.Context(), autotask.Query{Filter: longIn()})
	require.ErrorIs(t, err, autotask.ErrServer)
}

func TestIn_RowsOfAnotherPartOfTheIDsAreAnError(t *testing.T) {
	t.Parallel()
	client := answering(t, 200, []byte(`{"items":[{"id":7},{"id":501}],"pageDetails":{}}`))
	_, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.In("id", numbers(600)...)})
	require.ErrorIs(t, err, autotask.ErrServer)
	assert.Contains(t, err.Error(), "from 1 to 500 with the item 501")
}

// bare is an entity whose type leaves the id out.
type bare struct {
	Title string `json:"title"`
}

func (bare) Collection() string { return "Tickets" }
func (bare) CanQuery()          {}
func (bare) CanGet()            {}

func TestIn_ATypeWithoutAnIDIsRefusedWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	seedTickets(srv, 2)
	_, err := autotask.List[bare](t.Context(), client, autotask.Query{})
	require.NoError(t, err)
	srv.ResetRequests()
	_, err = autotask.List[bare](t.Context(), client, autotask.Query{Filter: longIn()})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	for page, err := range autotask.Pages[bare](t.Context(), client, autotask.Query{}) {
		require.ErrorIs(t, err, autotask.ErrInvalid)
		assert.Nil(t, page)
	}
	for page, err := range autotask.Scan[bare](t.Context(), client, autotask.Query{}, autotask.ScanOptions{Workers: 3}) {
		require.ErrorIs(t, err, autotask.ErrInvalid)
		assert.Nil(t, page)
	}
	_, err = autotask.GetMany[bare](t.Context(), client, []int64{1})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	_, err = autotask.Get[bare](t.Context(), client, 1)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, srv.Requests())
}

func TestCount_OfASplitIn(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1100)
	spread(srv, ids)
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
		{"numbers", longIn(), 1100, false},
		{"numbers and more", autotask.And(longIn(), autotask.Lte("id", ids[49])), 50, false},
		{"texts", autotask.In("title", titles...), 1100, true},
		{"beneath an Or", autotask.Or(longIn(), autotask.Exist("id")), 1100, true},
		{"numbers and texts", autotask.In("contactID", both...), 1100, true},
	} {
		srv.ResetRequests()
		n, err := client.Tickets.Count(t.Context(), autotask.Query{Filter: c.filter, Limit: 3})
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, n, c.name)
		for _, r := range srv.Requests() {
			assert.Equal(t, !c.read, r.Op == "POST Tickets/query/count", c.name)
			if c.read {
				assert.JSONEq(t, `["id"]`, parseItem(t, r.Body).values["IncludeFields"], c.name)
			}
		}
	}
}

func TestIn_PartsOfIDsBeforeThePositionAreNotAskedFor(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1100)
	for behind, parts := range map[int]int{0: 3, 498: 3, 499: 2, 998: 2, 999: 1, 1049: 1, 1099: 0} {
		srv.ResetRequests()
		q := autotask.Query{Filter: autotask.In("id", ids...), After: autotask.Int(ids[behind]), Fields: []string{"title"}}
		n, err := client.Tickets.Count(t.Context(), q)
		require.NoError(t, err)
		assert.EqualValues(t, 1099-behind, n)
		assert.Equal(t, append([]int64(nil), ids[behind+1:]...), collect(t, allIDs(t.Context(), client, q)))
		assert.Equal(t, parts, count(srv, "POST Tickets/query/count"), "behind %d", behind)
		assert.Equal(t, parts, count(srv, "POST Tickets/query"), "behind %d", behind)
	}
}

func TestIn_OnAUserDefinedFieldCalledIDIsNotOneOnTheID(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	var want []int64
	for i := range 30 { // against the order of the ids
		want = append(want, srv.Seed("Tickets", map[string]any{
			"userDefinedFields": []any{map[string]any{"name": "ID", "value": fmt.Sprint(1000 - 30*i)}},
		}))
	}
	f := autotask.UDF(autotask.In("ID", numbers(1000)...))
	assert.Equal(t, want, collect(t, allIDs(t.Context(), client, autotask.Query{Filter: f})))
	srv.ResetRequests()
	n, err := client.Tickets.Count(t.Context(), autotask.Query{Filter: f})
	require.NoError(t, err)
	assert.EqualValues(t, 30, n)
	assert.Equal(t, []string{"POST Tickets/query", "POST Tickets/query"}, ops(srv), "what a user-defined field compares as is not known")
}

func TestCount_OfASplitInFailsWhole(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t, autotask.WithMaxRetries(0))
	ids := seedTickets(srv, 600)
	for op, f := range map[string]autotask.Filter{
		"POST Tickets/query/count": autotask.In("id", ids...),
		"POST Tickets/query":       autotask.Or(autotask.Exist("id"), longIn()),
	} {
		srv.Inject(autotasktest.Fault{Op: op, Skip: 1, Status: 500, Body: `{"errors":["no"]}`})
		n, err := client.Tickets.Count(t.Context(), autotask.Query{Filter: f})
		require.ErrorIs(t, err, autotask.ErrInvalid, op)
		assert.Zero(t, n)
	}
}

func TestGetMany_IDsThatAreNotThereOrCameTwice(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1300)
	wanted := slices.Concat(ids[:700], numbers(300), ids[:1200]) // in disorder
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
	assert.Equal(t, 3, count(srv, "POST Tickets/query"))
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
		rows := make([]sample, 100+r.IntN(900))
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
		assert.Equal(t, want, collect(t, allIDs(t.Context(), client, q)))
		n, err := client.Tickets.Count(t.Context(), q)
		require.NoError(t, err)
		assert.EqualValues(t, len(want), n)
		assert.Equal(t, want, collect(t, pageIDs(t.Context(), client, q)))
		q.Limit = 1 + r.IntN(len(rows))
		assert.Equal(t, want[:min(len(want), q.Limit)], collect(t, allIDs(t.Context(), client, q)))
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
			among[idText(values[i])] = true
		}
		return autotask.In("id", values...), func(s sample) bool { return among[idText(s.id)] }
	case 1: // numbers, which null is none of
		for i := range values {
			values[i] = g.r.Int64N(1500)
			among[idText(values[i])] = true
		}
		return autotask.In("contactID", values...), func(s sample) bool { return s.contact > 0 && among[idText(s.contact)] }
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

// Pages and positions.

func TestPages_ALaterRunGoesOnBehindAnyPage(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1200)
	spread(srv, ids)
	for name, f := range map[string]autotask.Filter{
		"no filter": {}, "ids": autotask.In("id", ids...), "numbers": longIn(), "beneath an Or": autotask.Or(longIn(), autotask.Exist("title")),
	} {
		read := 0
		for page, err := range client.Tickets.Pages(t.Context(), autotask.Query{Filter: f, Fields: []string{"title"}}) {
			require.NoError(t, err, name)
			require.NotEmpty(t, page.Items)
			assert.LessOrEqual(t, len(page.Items), 500)
			read += len(page.Items)
			assert.Equal(t, autotask.Int(ids[read-1]), page.After, name)

			// As another run of the program would have it, from a file.
			kept, err := json.Marshal(page.After)
			require.NoError(t, err)
			later := autotask.Query{Filter: f, Fields: []string{"title"}}
			require.NoError(t, json.Unmarshal(kept, &later.After))
			assert.Equal(t, append([]int64(nil), ids[read:]...), collect(t, allIDs(t.Context(), client, later)), name)
			n, err := client.Tickets.Count(t.Context(), later)
			require.NoError(t, err)
			assert.EqualValues(t, len(ids)-read, n, name)
		}
		assert.Equal(t, len(ids), read, name)
	}
}

func TestPages_TheIDZeroIsAPositionLikeAnyOther(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	other := srv.Seed("Companies", nil)
	read := func(after autotask.Optional[int64]) []int64 {
		var ids []int64
		for page, err := range autotask.Pages[company](t.Context(), client, autotask.Query{After: after, Limit: 10}) {
			require.NoError(t, err)
			for _, c := range page.Items {
				ids = append(ids, c.ID)
			}
		}
		return ids
	}
	all := read(autotask.Optional[int64]{})
	assert.Equal(t, autotasktest.OwnCompanyID, all[0])
	assert.Contains(t, all, other)
	assert.Equal(t, all, read(autotask.Null[int64]()), "nothing was read yet")
	assert.Equal(t, all[1:], read(autotask.Int(0)))
	for page, err := range autotask.Pages[company](t.Context(), client, autotask.Query{Limit: 1}) {
		require.NoError(t, err)
		after, ok := page.After.Get()
		assert.True(t, ok)
		assert.Zero(t, after)
	}
}

func TestPages_RowsOutOfOrderHaveNoPosition(t *testing.T) {
	t.Parallel()
	for items, after := range map[string]autotask.Optional[int64]{
		`[{"id":2},{"id":1}]`: {},
		`[{"id":9},{"id":8}]`: autotask.Int(7),
	} {
		client := answering(t, 200, []byte(`{"items":`+items+`,"pageDetails":{}}`))
		runs := 0
		for page, err := range client.Tickets.Pages(t.Context(), autotask.Query{After: after}) {
			require.ErrorIs(t, err, autotask.ErrServer, items)
			assert.Nil(t, page)
			runs++
		}
		assert.Equal(t, 1, runs)
		for _, err := range client.Tickets.All(t.Context(), autotask.Query{After: after}) {
			require.NoError(t, err, "All needs no position")
		}
	}
}

func TestPages_OfNotesAndTimeEntries(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	noteID := srv.Seed("TicketNotes", map[string]any{"ticketID": ticket})
	entryID := srv.Seed("TimeEntries", map[string]any{"ticketID": ticket})
	q := autotask.Query{Filter: autotask.Eq("ticketID", ticket)}
	for page, err := range client.Notes.Pages(t.Context(), q) {
		require.NoError(t, err)
		assert.Equal(t, autotask.Int(noteID), page.After)
	}
	for page, err := range client.TimeEntries.Pages(t.Context(), q) {
		require.NoError(t, err)
		assert.Equal(t, autotask.Int(entryID), page.After)
	}
	assert.Equal(t, []string{"POST TicketNotes/query", "POST TimeEntries/query"}, ops(srv))
}

// Prefetch.

func TestPrefetch_ReadsOnePageWhileTheCallerWorks(t *testing.T) {
	t.Parallel()
	for prefetch, want := range map[bool]time.Duration{
		false: 6 * time.Second,
		true:  4 * time.Second, // a page, and then the work on three
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			seedTickets(srv, 1001)
			srv.SetLatency(time.Second)
			client := srv.InProcessClient()
			began := time.Now()
			read := 0
			for _, err := range client.Tickets.Pages(t.Context(), autotask.Query{Prefetch: prefetch}) {
				require.NoError(t, err)
				read++
				time.Sleep(time.Second) //nolint:forbidigo // virtual time
				synctest.Wait()
				if prefetch {
					assert.Len(t, srv.Requests(), min(read+1, 3), "one page ahead, and no more")
				} else {
					assert.Len(t, srv.Requests(), read)
				}
			}
			assert.Equal(t, 3, read)
			assert.Equal(t, want, time.Since(began))
			assert.Equal(t, 1, srv.MaxInFlight("Tickets"))
		})
	}
}

// hanging is a tenant whose second page never comes.
func hanging(t *testing.T) (*autotasktest.Server, *autotask.Client) {
	t.Helper()
	srv := autotasktest.NewInProcess(t)
	seedTickets(srv, 1001)
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/next", Hang: true, Times: -1})
	return srv, srv.InProcessClient()
}

func TestPrefetch_LeavingTheLoopEndsTheReadAhead(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*testing.T, iter.Seq2[*autotask.Ticket, error]){
		"by break": func(t *testing.T, tickets iter.Seq2[*autotask.Ticket, error]) {
			for _, err := range tickets {
				require.NoError(t, err)
				synctest.Wait() // the page is being read
				break
			}
		},
		"by a panic": func(t *testing.T, tickets iter.Seq2[*autotask.Ticket, error]) {
			defer func() { _ = recover() }()
			for _, err := range tickets {
				require.NoError(t, err)
				synctest.Wait()
				panic("in the body of the loop")
			}
		},
		"by Goexit": func(t *testing.T, tickets iter.Seq2[*autotask.Ticket, error]) {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for _, err := range tickets {
					assert.NoError(t, err)
					synctest.Wait()
					runtime.Goexit()
				}
			}()
			<-ended
		},
		"by pulling and stopping": func(t *testing.T, tickets iter.Seq2[*autotask.Ticket, error]) {
			next, stop := iter.Pull2(tickets)
			_, err, _ := next()
			require.NoError(t, err)
			synctest.Wait()
			stop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
				srv, client := hanging(t)
				began := time.Now()
				leave(t, client.Tickets.All(t.Context(), autotask.Query{Prefetch: true}))
				assert.Zero(t, time.Since(began), "the request was cancelled, not waited for")
				assert.Len(t, srv.Requests(), 2, "the page was being read")
			})
		})
	}
}

func TestPrefetch_TheLoopWaitsForTheReadAheadToEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		seedTickets(srv, 1001)
		underWay := 0
		client := srv.InProcessClient(autotask.WithMiddleware(func(inner http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				underWay++
				defer func() { underWay-- }()
				if underWay == 1 && strings.HasSuffix(req.URL.Path, "/next") {
					<-req.Context().Done()
					time.Sleep(time.Minute) //nolint:forbidigo // virtual time: a transport that is slow to give up
				}
				return inner.RoundTrip(req)
			})
		}))
		began := time.Now()
		for _, err := range client.Tickets.All(t.Context(), autotask.Query{Prefetch: true}) {
			require.NoError(t, err)
			synctest.Wait()
			break
		}
		assert.Equal(t, time.Minute, time.Since(began))
		assert.Zero(t, underWay)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestPrefetch_KeepsToTheCallersContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		srv, _ := hanging(t)
		var seen []any
		client := srv.InProcessClient(autotask.WithMiddleware(func(inner http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				seen = append(seen, req.Context().Value(key{}))
				return inner.RoundTrip(req)
			})
		}))
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "mine"))
		defer cancel()
		var failure error
		read := 0
		for _, err := range client.Tickets.All(ctx, autotask.Query{Prefetch: true}) {
			if failure = err; err == nil {
				read++
			}
			if read == 500 {
				synctest.Wait() // the next page is being read
				cancel()
			}
		}
		require.ErrorIs(t, failure, context.Canceled)
		assert.Equal(t, 500, read)
		assert.Equal(t, []any{"mine", "mine"}, seen)
	})
}

func TestPrefetch_GoexitInTheTransportEndsTheCallerNotTheProgram(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		seedTickets(srv, 501)
		client := srv.InProcessClient(autotask.WithMiddleware(func(inner http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				if strings.HasSuffix(req.URL.Path, "/next") {
					runtime.Goexit() // as t.FailNow does
				}
				return inner.RoundTrip(req)
			})
		}))
		read, over := 0, false
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for _, err := range client.Tickets.All(t.Context(), autotask.Query{Prefetch: true}) {
				assert.NoError(t, err)
				read++
			}
			over = true
		}()
		<-ended
		assert.Equal(t, 500, read)
		assert.False(t, over, "half a result must not look whole")
	})
}

// A sync keeps the position of the last page that it has dealt with, and reads
// on from there when it is started again.
func ExampleTicketsService_Pages() {
	srv := autotasktest.Start()
	defer srv.Close()
	lastRun := time.Now().Add(-time.Hour)
	for range 1200 {
		srv.Seed("Tickets", nil)
	}
	client := srv.Client()

	var position autotask.Optional[int64] // in a file or a database
	sync := func(most int) {
		q := autotask.Query{Filter: autotask.Since("lastActivityDate", lastRun), After: position, Prefetch: true}
		for page, err := range client.Tickets.Pages(context.Background(), q) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(len(page.Items), "tickets stored")
			position = page.After
			if most--; most == 0 {
				fmt.Println("interrupted")
				return
			}
		}
		fmt.Println("done")
	}
	sync(1)
	sync(10)
	// Output:
	// 500 tickets stored
	// interrupted
	// 500 tickets stored
	// 200 tickets stored
	// done
}

func TestPaging_EmptyErrorsBesideItemsAreNone(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	for errorsMember, fine := range map[string]bool{"[]": true, "null": true, `["no"]`: false, `"no"`: false} {
		mock.RegisterResponder(http.MethodPost, testBase+"/Tickets/query", httpmock.NewStringResponder(200,
			`{"items":[{"id":5}],"errors":`+errorsMember+`,"pageDetails":{"count":1}}`))
		_, err := client.Tickets.List(t.Context(), autotask.Query{})
		assert.Equal(t, fine, err == nil, errorsMember)
	}
}

// A consumer that takes as long as the network waits for it once only.
func TestPrefetch_OverlapsTheWaitWithTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		const latency = 50 * time.Millisecond
		srv.SetLatency(latency)
		seedTickets(srv, 20*500)
		client := srv.Client()
		run := func(prefetch bool) time.Duration {
			began := time.Now()
			n := 0
			for page, err := range client.Tickets.Pages(t.Context(), autotask.Query{Fields: []string{"id"}, Prefetch: prefetch}) {
				require.NoError(t, err)
				n += len(page.Items)
				<-time.After(latency) // the work on this page
			}
			require.Equal(t, 20*500, n)
			return time.Since(began)
		}
		without, with := run(false), run(true)
		t.Logf("20 pages: %v without, %v with Prefetch", without, with)
		assert.GreaterOrEqual(t, float64(without)/float64(with), 1.8)
	})
}
