package proof_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/entity"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// readers are all that reads many items; each gives the ids of its result.
var readers = map[string]func(context.Context, *autotask.Client, autotask.Query) ([]int64, error){
	"All":                 ranged(kit.AllIDs),
	"All with Prefetch":   ranged(kit.Ways["All with Prefetch"]),
	"Pages":               ranged(kit.PageIDs),
	"Pages with Prefetch": ranged(kit.Ways["Pages with Prefetch"]),
	"List": func(ctx context.Context, c *autotask.Client, q autotask.Query) ([]int64, error) {
		list, err := c.Tickets.List(ctx, q)
		var ids []int64
		for _, ticket := range list {
			ids = append(ids, ticket.ID)
		}
		return ids, err
	},
	"Scan": func(ctx context.Context, c *autotask.Client, q autotask.Query) ([]int64, error) {
		var ids []int64
		limit := q.Limit
		q.Limit = 0 // which Scan refuses
		for page, err := range c.Tickets.Scan(ctx, q, autotask.ScanOptions{Workers: 1}) {
			if err != nil {
				return ids, err
			}
			for _, ticket := range page.Items {
				ids = append(ids, ticket.ID)
			}
		}
		if limit > 0 {
			ids = ids[:min(limit, len(ids))]
		}
		return ids, nil
	},
	"a type without an ID": ranged(func(ctx context.Context, c *autotask.Client, q autotask.Query) iter.Seq2[int64, error] {
		return func(yield func(int64, error) bool) {
			for item, err := range autotask.All[kit.Bare](ctx, c, q) {
				var id int64
				if err == nil {
					_, err = fmt.Sscan(item.Title, &id)
				}
				if !yield(id, err) {
					return
				}
			}
		}
	}),
	"rows": ranged(func(ctx context.Context, c *autotask.Client, q autotask.Query) iter.Seq2[int64, error] {
		return rowIDs(c.Collection("Tickets").All(ctx, q))
	}),
	"pages of rows": ranged(func(ctx context.Context, c *autotask.Client, q autotask.Query) iter.Seq2[int64, error] {
		return func(yield func(int64, error) bool) {
			for page, err := range c.Collection("Tickets").Pages(ctx, q) {
				if err != nil {
					yield(0, err)
					return
				}
				for _, row := range page.Items {
					if !yield(row.ID, nil) {
						return
					}
				}
			}
		}
	}),
}

func ranged(way func(context.Context, *autotask.Client, autotask.Query) iter.Seq2[int64, error]) func(context.Context, *autotask.Client, autotask.Query) ([]int64, error) {
	return func(ctx context.Context, c *autotask.Client, q autotask.Query) ([]int64, error) {
		var ids []int64
		for id, err := range way(ctx, c, q) {
			if err != nil {
				return ids, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	}
}

func rowIDs(rows iter.Seq2[*autotask.Row, error]) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for row, err := range rows {
			if err != nil {
				yield(0, err)
				return
			}
			if !yield(row.ID, nil) {
				return
			}
		}
	}
}

// ticketsJSON are rows of these ids; their titles are their ids as well.
func ticketsJSON(ids ...int64) string {
	items := make([]string, len(ids))
	for i, id := range ids {
		items[i] = fmt.Sprintf(`{"id":%d,"title":"%d"}`, id, id)
	}
	return "[" + strings.Join(items, ",") + "]"
}

// paged serves one page after the other.
func paged(mock *httpmock.MockTransport, pages ...[]int64) {
	for i, ids := range pages {
		path, next := kit.TicketsQuery, "null"
		if i > 0 {
			path += fmt.Sprintf("/next?paging=%d", i)
		}
		if i < len(pages)-1 {
			next = fmt.Sprintf(`"%s/next?paging=%d"`, kit.TicketsQuery, i+1)
		}
		mock.RegisterResponder(http.MethodPost, path, httpmock.NewStringResponder(200,
			`{"items":`+ticketsJSON(ids...)+`,"pageDetails":{"count":`+fmt.Sprint(len(ids))+`,"nextPageUrl":`+next+`}}`))
	}
	mock.RegisterResponder(http.MethodPost, kit.TicketsQuery+"/count", httpmock.NewStringResponder(200, `{"queryCount":5}`))
}

func span(from, to int64) []int64 {
	var ids []int64
	for id := from; id <= to; id++ {
		ids = append(ids, id)
	}
	return ids
}

func TestReaders_GiveEveryRowOnceAlthoughPagesOverlap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pages [][]int64
		limit int
		want  []int64
	}{
		"one row again":              {[][]int64{{1, 2, 3}, {3, 4, 5}}, 0, span(1, 5)},
		"several pages again":        {[][]int64{{1, 2, 3}, {1, 2, 4}, {2, 4, 5}}, 0, span(1, 5)},
		"a whole page again":         {[][]int64{{1, 2, 3}, {1, 2, 3}, {4, 5}}, 0, span(1, 5)},
		"the last page again":        {[][]int64{{1, 2, 3}, {4, 5}, {4, 5}}, 0, span(1, 5)},
		"within a page":              {[][]int64{{1, 2, 2, 3}, {4, 5, 5}}, 0, span(1, 5)},
		"a limit counts once":        {[][]int64{{1, 2, 3}, {3, 4, 5}, {5, 6}}, 5, span(1, 5)},
		"a limit within the overlap": {[][]int64{{1, 2, 3}, {2, 3, 4}}, 4, span(1, 4)},
		"runs of any length":         {[][]int64{span(1, 900), span(300, 1700), span(1650, 1651), span(2, 1800)}, 0, span(1, 1800)},
		"and gaps":                   {[][]int64{{1, 300, 1 << 40}, {300, 1<<40 + 1}}, 0, []int64{1, 300, 1 << 40, 1<<40 + 1}},
	} {
		for way, read := range readers {
			client, mock := kit.Mocked(t)
			paged(mock, c.pages...)
			got, err := read(t.Context(), client, autotask.Query{Limit: c.limit})
			require.NoError(t, err, "%s: %s", way, name)
			assert.Equal(t, c.want, got, "%s: %s", way, name)
		}
	}
}

// What comes behind a greater id, and was not seen before, is neither lost nor
// given out twice where no position depends on it.
func TestReaders_RowsInAnyOrderAreAllThere(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same order in every run
	for range 20 {
		ids := span(1, 700)
		random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		pages := [][]int64{ids[:400], ids[200:500], ids[100:700]}
		for _, way := range []string{"All", "List", "a type without an ID", "rows"} {
			client, mock := kit.Mocked(t)
			paged(mock, pages...)
			got, err := readers[way](t.Context(), client, autotask.Query{})
			require.NoError(t, err, way)
			assert.Equal(t, ids, got, way)
		}
	}
}

func TestReaders_LeaveOutWhatWasReadBeforeThePosition(t *testing.T) {
	t.Parallel()
	for way, read := range readers {
		client, mock := kit.Mocked(t)
		paged(mock, []int64{6, 7, 8}, []int64{7, 9})
		got, err := read(t.Context(), client, autotask.Query{After: autotask.Int(7)})
		require.NoError(t, err, way)
		assert.Equal(t, []int64{8, 9}, got, way)
	}
}

func TestListOf_GivesEveryRowOnce(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	path := kit.Base + "/Resources/7/TimeOffAdditional"
	mock.RegisterResponder(http.MethodGet, path, httpmock.NewStringResponder(200,
		`{"items":[{"id":1},{"id":2}],"pageDetails":{"count":2,"nextPageUrl":"`+path+`?paging=2"}}`))
	mock.RegisterResponder(http.MethodGet, path+"?paging=2", httpmock.NewStringResponder(200,
		`{"items":[{"id":2},{"id":3}],"pageDetails":{"count":2,"nextPageUrl":null}}`))
	found, err := autotask.ListChildren[timeOff](t.Context(), client, 7)
	require.NoError(t, err)
	require.Len(t, found, 3)
}

func TestReaders_ARowWithoutAnIDIsUnreadable(t *testing.T) {
	t.Parallel()
	for _, items := range []string{`[{"title":"1"}]`, `[{"id":null,"title":"1"}]`, `[{"id":4,"title":"4"},{"title":"5"}]`, `[{"id":"","title":"1"}]`, `[{"id":-3,"title":"1"}]`} {
		for way, read := range readers {
			client := kit.Answering(t, 200, []byte(`{"items":`+items+`,"pageDetails":{"nextPageUrl":null},"queryCount":1}`))
			got, err := read(t.Context(), client, autotask.Query{})
			require.ErrorIs(t, err, autotask.ErrServer, "%s: %s", way, items)
			assert.Empty(t, got, "%s: %s", way, items)
		}
		client := kit.Answering(t, 200, []byte(`{"items":`+items+`,"pageDetails":{"nextPageUrl":null}}`))
		_, err := client.Tickets.GetMany(t.Context(), []int64{1, 4, 5})
		require.ErrorIs(t, err, autotask.ErrServer, items)
		_, err = autotask.ListChildren[timeOff](t.Context(), client, 7)
		require.ErrorIs(t, err, autotask.ErrServer, items)
		_, err = autotask.List[entity.Company](t.Context(), client, autotask.Query{})
		require.ErrorIs(t, err, autotask.ErrServer, items)
	}
}

// 0 is the id of the tenant's own company, and of no ticket.
func TestReaders_TheIDZero(t *testing.T) {
	t.Parallel()
	client := kit.Answering(t, 200, []byte(`{"items":[{"id":0,"title":"0"},{"id":1,"title":"1"}],"pageDetails":{"nextPageUrl":null}}`))
	companies, err := autotask.List[entity.Company](t.Context(), client, autotask.Query{})
	require.NoError(t, err)
	require.Len(t, companies, 2)
	assert.Zero(t, companies[0].ID)
	rows, err := readers["rows"](t.Context(), client, autotask.Query{})
	require.NoError(t, err)
	assert.Equal(t, []int64{0, 1}, rows)
	_, err = client.Tickets.List(t.Context(), autotask.Query{})
	require.ErrorIs(t, err, autotask.ErrServer)
}

// keyset answers searches without a word about further pages: details is what
// stands in their place.
func keyset(mock *httpmock.MockTransport, details string, ids []int64) *[]string {
	var sent []string
	mock.RegisterResponder(http.MethodPost, kit.TicketsQuery, func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		sent = append(sent, string(body))
		var q struct {
			MaxRecords int `json:"MaxRecords"`
			Filter     []struct {
				Op    string `json:"op"`
				Value any    `json:"value"`
			} `json:"filter"`
		}
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, err
		}
		size := 500
		if q.MaxRecords > 0 {
			size = q.MaxRecords
		}
		var page []int64
		for _, id := range ids {
			last := q.Filter[len(q.Filter)-1]
			if last.Op == "gt" && id <= int64(last.Value.(float64)) {
				continue
			}
			if len(page) < size {
				page = append(page, id)
			}
		}
		return httpmock.NewStringResponse(200, `{"items":`+ticketsJSON(page...)+details+`}`), nil
	})
	mock.RegisterResponder(http.MethodPost, kit.TicketsQuery+"/count", httpmock.NewStringResponder(200, fmt.Sprintf(`{"queryCount":%d}`, len(ids))))
	return &sent
}

func TestReaders_AFullPageThatDoesNotSayItIsTheLastIsNot(t *testing.T) {
	t.Parallel()
	for _, details := range []string{``, `,"pageDetails":null`, `,"pageDetails":{}`, `,"pageDetails":{"count":null}`} {
		for _, n := range []int64{0, 1, 499, 500, 501, 1000, 1234} {
			for way, read := range readers {
				client, mock := kit.Mocked(t)
				sent := keyset(mock, details, span(1, n))
				got, err := read(t.Context(), client, autotask.Query{Filter: autotask.Exist("title")})
				require.NoError(t, err, way)
				assert.Len(t, got, int(n), "%s: %q", way, details)
				assert.LessOrEqual(t, len(*sent), int(n/500)+2, way)
				assert.Contains(t, (*sent)[len(*sent)-1], `"exist"`, "the condition goes along")
			}
		}
	}
}

func TestReaders_AFullPageThatSaysItIsTheLastIs(t *testing.T) {
	t.Parallel()
	for _, end := range []string{`null`, `""`} {
		for way, read := range readers {
			client, mock := kit.Mocked(t)
			sent := keyset(mock, `,"pageDetails":{"nextPageUrl":`+end+`}`, span(1, 500))
			got, err := read(t.Context(), client, autotask.Query{})
			require.NoError(t, err, way)
			assert.Len(t, got, 500, way)
			assert.LessOrEqual(t, len(*sent), 2, way) // Scan looks behind the last id
		}
	}
}

func TestReaders_AFullPageOfASmallLimitIsEnough(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	sent := keyset(mock, ``, span(1, 100))
	got, err := client.Tickets.List(t.Context(), autotask.Query{Limit: 10})
	require.NoError(t, err)
	assert.Len(t, got, 10)
	assert.Len(t, *sent, 1)
}

// Behind such a page it can only go on by the order of the ids.
func TestReaders_AFullPageWithoutAnEndIsAnErrorWhereNothingCanBeAskedForBehindIt(t *testing.T) {
	t.Parallel()
	disorder := span(1, 500)
	disorder[7], disorder[8] = disorder[8], disorder[7]
	client := kit.Answering(t, 200, []byte(`{"items":`+ticketsJSON(disorder...)+`}`))
	list, err := client.Tickets.List(t.Context(), autotask.Query{})
	require.ErrorIs(t, err, autotask.ErrServer)
	assert.Contains(t, err.Error(), "incomplete")
	assert.Nil(t, list)

	// A server that ignores the condition on the id answers with the same page.
	client = kit.Answering(t, 200, []byte(`{"items":`+ticketsJSON(span(1, 500)...)+`}`))
	got, err := readers["All"](t.Context(), client, autotask.Query{})
	require.ErrorIs(t, err, autotask.ErrServer)
	assert.Len(t, got, 500, "the error comes behind what was read")

	_, err = autotask.ListChildren[timeOff](t.Context(), client, 7)
	require.ErrorIs(t, err, autotask.ErrServer)
	_, err = autotask.List[entity.TicketHistory](t.Context(), client, autotask.Query{Filter: autotask.Eq("ticketID", 7)})
	require.ErrorIs(t, err, autotask.ErrServer)
}

// An address of a page can be repeated at any distance.
func TestReaders_ANextPageThatLeadsBackIsAnError(t *testing.T) {
	t.Parallel()
	for back := range 4 {
		client, mock := kit.Mocked(t)
		paged(mock, []int64{1}, []int64{2}, []int64{3}, []int64{4}, []int64{5})
		next := fmt.Sprintf("%s/next?paging=%d", kit.TicketsQuery, back+1)
		mock.RegisterResponder(http.MethodPost, kit.TicketsQuery+"/next?paging=4", httpmock.NewStringResponder(200,
			`{"items":[{"id":5,"title":"5"}],"pageDetails":{"nextPageUrl":"`+next+`"}}`))
		got, err := readers["All"](t.Context(), client, autotask.Query{})
		require.ErrorIs(t, err, autotask.ErrServer)
		assert.Equal(t, span(1, 5), got)
		assert.Equal(t, 5, mock.GetTotalCallCount())
	}
}

// BenchmarkAll_MemoryOfAMillionRows reports what is kept of the pages that were
// read. Their addresses are 10 KB each: Autotask's name the ids of a page.
func BenchmarkAll_MemoryOfAMillionRows(b *testing.B) {
	const pages, size = 2000, 500
	page := 0
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(*http.Request) (*http.Response, error) {
		items := make([]string, size)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":%d}`, page*size*2+2*i+1)
		}
		next := "null"
		if page++; page < pages {
			next = fmt.Sprintf(`"%s/next?paging=%d-%s"`, kit.TicketsQuery, page, strings.Repeat("0123456789", 1000))
		}
		return httpmock.NewStringResponse(200, `{"items":[`+strings.Join(items, ",")+`],"pageDetails":{"nextPageUrl":`+next+`}}`), nil
	})
	client, err := autotask.NewClient(kit.Credentials(), autotask.WithBaseURL(kit.Base), autotask.WithHTTPClient(&http.Client{Transport: mock}))
	require.NoError(b, err)
	for b.Loop() {
		page = 0
		before := heap()
		rows := 0
		for _, err := range client.Tickets.All(b.Context(), autotask.Query{}) {
			require.NoError(b, err)
			if rows++; rows == pages*size {
				b.ReportMetric(float64(heap()-before)/1e6, "MB-kept")
			}
		}
		require.Equal(b, pages*size, rows)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // it fits
}
