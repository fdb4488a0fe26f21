package changes

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// counted is a tenant whose requests are counted.
type counted struct {
	srv    *autotasktest.Server
	client *autotask.Client
	ops    []string
	denied bool
}

func newCounted(t *testing.T) *counted {
	t.Helper()
	c := &counted{srv: autotasktest.NewInProcess(t)}
	c.client = c.srv.Client(autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			_, path, _ := strings.Cut(r.URL.Path, "/V1.0/")
			c.ops = append(c.ops, r.Method+" "+path)
			if c.denied {
				return denial(r, time.Now()), nil
			}
			return next.RoundTrip(r)
		})
	}))
	return c
}

// run makes a run, and returns what it told and the requests it took.
func (c *counted) run(t *testing.T, f *Feed) (told map[Kind][]Change, ops []string) {
	t.Helper()
	told, ops, err := c.try(t.Context(), f)
	require.NoError(t, err)
	return told, ops
}

func (c *counted) try(ctx context.Context, f *Feed) (told map[Kind][]Change, ops []string, err error) {
	told = make(map[Kind][]Change)
	c.ops = nil
	for batch, e := range f.Run(ctx) {
		if e != nil {
			return told, c.ops, e
		}
		for _, change := range batch.Changes {
			told[change.Kind] = append(told[change.Kind], change)
		}
	}
	return told, c.ops, nil
}

func (c *counted) open(t *testing.T, o Options) *Feed {
	t.Helper()
	f, err := Open(c.client, o)
	require.NoError(t, err)
	return f
}

func TestARunInWhichNothingChangedCostsOneRequestAndOneCount(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	for range 3 {
		c.srv.Seed("Tickets", nil)
		c.srv.Seed("TicketNotes", nil)
		c.srv.Seed("Companies", nil)
	}
	f := c.open(t, Options{Collections: []string{"Tickets", "TicketNotes", "Companies"}, DeletionsOf: map[string]Deletions{"Companies": Never}})
	c.run(t, f)
	_, ops := c.run(t, f)
	assert.Equal(t, []string{
		"POST Tickets/query", "POST Tickets/query/count",
		"POST TicketNotes/query", "POST TicketNotes/query/count",
		"POST Companies/query",
	}, ops)
}

// rowsOf is a tenant of tickets that last changed long ago. It has their ids and
// makes each row when it is asked for.
type rowsOf struct {
	ids  []int64
	ops  int
	gone bool // the right to read is
}

type idQuery struct {
	MaxRecords    int
	IncludeFields []string
	Filter        []idCondition `json:"filter"`
}

type idCondition struct {
	Op    string         `json:"op"`
	Field string         `json:"field"`
	Value jsontext.Value `json:"value"`
	Items []idCondition  `json:"items"`
}

func (s *rowsOf) client(t *testing.T) *autotask.Client {
	t.Helper()
	c, err := autotask.NewClient(autotask.Credentials{UserName: "u", Secret: "s", IntegrationCode: "c"},
		autotask.WithBaseURL("https://localhost/ATServicesRest/V1.0"), autotask.WithHTTPClient(&http.Client{Transport: s}))
	require.NoError(t, err)
	return c
}

func (s *rowsOf) RoundTrip(r *http.Request) (*http.Response, error) {
	s.ops++
	path := r.URL.Path
	switch {
	case strings.HasSuffix(path, "/fields"):
		return answerOf(r, `{"fields":[{"name":"id","dataType":"long","isQueryable":true},{"name":"createDate","dataType":"datetime","isQueryable":true},`+
			`{"name":"lastActivityDate","dataType":"datetime","isQueryable":true}]}`), nil
	case s.gone:
		return denial(r, time.Now()), nil
	case r.Method == http.MethodGet:
		id, err := strconv.ParseInt(path[strings.LastIndex(path, "/")+1:], 10, 64)
		if _, found := slices.BinarySearch(s.ids, id); !found || err != nil {
			return answerOf(r, `{"item":null}`), err
		}
		return answerOf(r, `{"item":`+string(ticketRow(nil, id))+`}`), nil
	}
	var q idQuery
	if err := json.UnmarshalRead(r.Body, &q, json.MatchCaseInsensitiveNames(true)); err != nil {
		return nil, err
	}
	q.MaxRecords = cmp.Or(q.MaxRecords, 500)
	ids, err := s.matching(q.Filter)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, "/count") {
		return answerOf(r, fmt.Sprintf(`{"queryCount":%d}`, len(ids))), nil
	}
	body := []byte(`{"items":[`)
	full := len(ids) > q.MaxRecords
	for i, id := range ids[:min(len(ids), q.MaxRecords)] {
		if i > 0 {
			body = append(body, ',')
		}
		body = ticketRow(body, id)
	}
	next := "null"
	if full {
		next = `"https://localhost/ATServicesRest/V1.0/Tickets/query/next?paging=x"`
	}
	return answerOf(r, string(body)+`],"pageDetails":{"nextPageUrl":`+next+`}}`), nil
}

func ticketRow(b []byte, id int64) []byte {
	return fmt.Appendf(b, `{"id":%d,"title":"Backup failed","createDate":"2020-01-01T00:00:00Z","lastActivityDate":"2020-01-01T00:00:00Z","userDefinedFields":[]}`, id)
}

// matching returns the ids that match. Nothing has changed since any time.
func (s *rowsOf) matching(filter []idCondition) ([]int64, error) {
	ids := s.ids
	for _, c := range filter {
		var one int64
		var many []int64
		switch c.Op {
		case "or":
			witness := c.Items[len(c.Items)-1]
			ids, err := s.matching(filter[1:])
			if witness.Op != "eq" || err != nil {
				return nil, err
			}
			err = json.Unmarshal(witness.Value, &one)
			return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return id != one }), err
		case "and":
			return s.matching(append(c.Items, filter[1:]...))
		case "exist":
			continue
		case "in":
			if err := json.Unmarshal(c.Value, &many); err != nil {
				return nil, err
			}
			return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return !slices.Contains(many, id) }), nil
		}
		if err := json.Unmarshal(c.Value, &one); err != nil || c.Field != "id" {
			return nil, fmt.Errorf("%v: %w", c, err)
		}
		switch n := upTo(ids, one); c.Op {
		case "gt":
			ids = ids[n:]
		case "lte":
			ids = ids[:n]
		default:
			return nil, fmt.Errorf("an operator %q", c.Op)
		}
	}
	return ids, nil
}

// denial is what a user is answered who may not see anything of a collection.
func denial(r *http.Request, date time.Time) *http.Response {
	body := `{"items":[],"pageDetails":{"count":0,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}}`
	switch {
	case strings.HasSuffix(r.URL.Path, "/count"):
		body = `{"queryCount":0}`
	case r.Method == http.MethodGet:
		body = `{"item":null}`
	}
	header := http.Header{"Content-Type": {"application/json"}, "Date": {date.UTC().Format(http.TimeFormat)}}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

func answerOf(r *http.Request, body string) *http.Response {
	resp := denial(r, time.Now())
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return resp
}

func (s *rowsOf) remove(ids ...int64) {
	set := idSet{}
	set.add(s.ids)
	set.remove(order(ids))
	s.ids = set.ids(beforeAll, math.MaxInt64, math.MaxInt)
}

func ticketIDs(n int) []int64 {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = 1000 + 3*int64(i)
	}
	return ids
}

// runs counts what a run tells, by kinds, and its requests.
func (s *rowsOf) run(t *testing.T, f *Feed) (told map[Kind]int, ops int, err error) {
	t.Helper()
	s.ops = 0
	told = make(map[Kind]int)
	for batch, err := range f.Run(t.Context()) {
		if err != nil {
			return told, s.ops, err
		}
		for _, c := range batch.Changes {
			told[c.Kind]++
		}
	}
	return told, s.ops, nil
}

func TestAHundredThousandTickets(t *testing.T) {
	t.Parallel()
	const many = 100_000
	s := &rowsOf{ids: ticketIDs(many)}
	f, err := Open(s.client(t), Options{Collections: []string{"Tickets"}})
	require.NoError(t, err)
	check := func(what string, most int, kind Kind, n int) {
		t.Helper()
		told, ops, err := s.run(t, f)
		require.NoError(t, err, what)
		assert.Equal(t, n, told[kind], what)
		assert.LessOrEqual(t, ops, most, what)
		t.Logf("%s: %d requests", what, ops)
	}
	check("a first run", 202, Upserted, many)
	check("nothing changed", 2, Upserted, 0)

	s.remove(s.ids[61_234])
	check("one gone", 20, Gone, 1)
	s.remove(s.ids[0])
	check("the first gone", 20, Gone, 1)
	s.remove(s.ids[len(s.ids)-1])
	check("the last gone", 20, Gone, 1)

	var ten, thousand []int64
	for i := range 10 {
		ten = append(ten, s.ids[4321+9777*i])
	}
	s.remove(ten...)
	check("ten gone", 100, Gone, 10)
	for i := range 1000 {
		thousand = append(thousand, s.ids[17+97*i])
	}
	s.remove(thousand...)
	check("a thousand gone, which are swept", 220, Gone, 1000)
	check("nothing changed again", 2, Gone, 0)

	s.gone = true
	told, ops, err := s.run(t, f)
	require.ErrorIs(t, err, ErrMissing)
	assert.Empty(t, told)
	assert.Equal(t, 2, ops)
	s.gone = false
	check("the right is back", 2, Gone, 0)

	s.remove(s.ids[:len(s.ids)/5]...)
	_, _, err = s.run(t, f)
	require.ErrorIs(t, err, ErrMissing, "a fifth at once is not believed")
}

// A first run that is killed at any page goes on there.
func TestAFirstRunGoesOnAtAnyPage(t *testing.T) {
	t.Parallel()
	s := &rowsOf{ids: ticketIDs(500 * 12)}
	state, copied, saves := State{}, make(map[int64]bool), 0
	for ended := false; !ended; {
		b, err := json.Marshal(state)
		require.NoError(t, err)
		var saved State
		require.NoError(t, json.Unmarshal(b, &saved))
		f, err := Open(s.client(t), Options{Collections: []string{"Tickets"}, State: saved})
		require.NoError(t, err)
		batches := 0
		for batch, err := range f.Run(t.Context()) {
			require.NoError(t, err)
			for _, c := range batch.Changes {
				require.False(t, copied[c.ID], "%d comes again", c.ID)
				if c.Kind == Upserted {
					copied[c.ID] = true
				}
			}
			state, ended = batch.State, batch.CaughtUp
			saves++
			if batches++; batches == 2 {
				break // the second was saved; the program is killed
			}
		}
	}
	assert.Len(t, copied, len(s.ids))
	assert.LessOrEqual(t, s.ops, 13+1+saves)
}

func TestAFirstRunNeedsNoMoreMemoryForMoreRows(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	s := &rowsOf{ids: ticketIDs(100_000)}
	f, err := Open(s.client(t), Options{Collections: []string{"Tickets"}})
	require.NoError(t, err)
	var early, late uint64
	pages := 0
	for _, err := range f.Run(t.Context()) {
		require.NoError(t, err)
		switch pages++; pages {
		case 20:
			early = heap()
		case 195:
			late = heap()
		}
	}
	require.NotZero(t, late)
	t.Logf("in use after 20 pages %d KB, after 195 %d KB", early/1024, late/1024)
	assert.Less(t, late, early+3<<20, "eight bytes for each id, and nothing of the rows")
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
