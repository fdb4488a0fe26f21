package alert_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestKeysOfAnyScriptShareNoTicket(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	keys := []string{
		"a", "A", "á", "a ", " a", "a  b", "a b", "a_b", "a&amp;b", "a&b", "<a>", "\"a\"", "a\nb", "a\tb", "#", "#a", "!storm 2026-11-27T10h", "!", "~",
		"バックアップ", "バックアッブ", "резервная копия", "نسخة احتياطية", "גיבוי", "👩‍💻", "👩💻", "e\u0301", "\u00e9", "a\u200bb", "ab", "[a]", "alert:a", "storm",
		strings.Repeat("x", 44), strings.Repeat("x", 45), strings.Repeat("x", 50), strings.Repeat("x", 51), strings.Repeat("x", 5_000),
		strings.Repeat("x", 4_999) + "y", strings.Repeat("語", 5_000), strings.Repeat("👾", 5_000), strings.Repeat("👾", 4_999),
	}
	tickets := make(map[int64]string)
	for round := range 2 { // the second finds what the first has made
		for _, k := range keys {
			a := failed(fmt.Sprintf("run-%d", round))
			a.Key = k
			out := upsert(t, client, a, alert.Policy{})
			assert.Equal(t, round == 0, out.Created, "%q", k)
			if other, taken := tickets[out.TicketID]; taken && other != k {
				t.Errorf("%q and %q share ticket %d", k, other, out.TicketID)
			}
			tickets[out.TicketID] = k
			external := textOf(srv.Get("Tickets", out.TicketID)["externalID"])
			assert.LessOrEqual(t, len(external), 50)
			assert.True(t, strings.HasPrefix(external, "alert:"), external)
		}
	}
	assert.Len(t, tickets, len(keys))
}

// FuzzKeys holds two keys to the rule that they share no ticket.
func FuzzKeys(f *testing.F) {
	f.Add("a", "A")
	f.Add("backup/MAIL-02", "backup/MAIL-02 ")
	f.Add("#x", "x")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := alert.ExternalID(a), alert.ExternalID(b)
		if (x == y) != (a == b) {
			t.Errorf("%q is %q, %q is %q", a, x, b, y)
		}
		for _, id := range []string{x, y} {
			if len(id) > 50 || !utf8.ValidString(id) || strings.TrimSpace(id) != id || strings.HasPrefix(id, "alert:!storm") {
				t.Errorf("%q is no externalID", id)
			}
		}
	})
}

func TestStorm(t *testing.T) {
	t.Parallel()
	const keys, alerts, workers = 1_000, 10_000, 4
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	p := alert.Policy{NoteEvery: time.Hour, Storm: alert.Storm{Keys: 10, Within: time.Hour}}
	work := make(chan int)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range work {
				a := failed(fmt.Sprintf("run-%d", i))
				a.Key = fmt.Sprintf("ping/host-%04d", i%keys)
				_, err := alert.Upsert(t.Context(), client, a, p)
				assert.NoError(t, err)
			}
		})
	}
	for i := range alerts {
		work <- i
	}
	close(work)
	all.Wait()

	tickets := srv.Rows("Tickets")
	assert.Len(t, tickets, 11, "ten of keys, and the storm's")
	named := make(map[string]int)
	for _, row := range tickets {
		if external := textOf(row["externalID"]); !strings.HasPrefix(external, "alert:!storm ") {
			named[strings.TrimPrefix(external, "alert:")]++
		}
	}
	for _, row := range srv.Rows("TicketNotes") {
		if line, _, ok := strings.Cut(textOf(row["description"]), "\n"); ok && strings.HasPrefix(line, "Alert key: ") {
			named[strings.TrimPrefix(line, "Alert key: ")]++
		}
	}
	assert.Len(t, named, keys)
	for k, n := range named {
		assert.Equal(t, 1, n, k)
	}
	assert.Less(t, len(srv.Requests()), 3_000)
	t.Logf("%d alerts, %d requests, %d tickets", alerts, len(srv.Requests()), len(tickets))
}

func TestStormsOfOtherProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		p := alert.Policy{Storm: alert.Storm{Keys: 2, Within: 30 * time.Minute}}
		raise := func(k int, event string) *alert.Outcome {
			a := failed(event)
			a.Key = fmt.Sprintf("ping/host-%d", k)
			return upsert(t, srv.InProcessClient(), a, p) // a new process each time
		}
		assert.True(t, raise(1, "a").Created)
		assert.True(t, raise(2, "a").Created)
		third := raise(3, "a")
		assert.True(t, third.Storm && third.Noted)
		assert.Equal(t, third.TicketID, raise(4, "a").TicketID)
		again := raise(3, "b")
		assert.True(t, again.Storm && again.Suppressed, "it is named already")
		assert.True(t, raise(1, "b").Noted, "it has a ticket of its own")

		pass(90 * time.Minute) // the storm's hour is over, its ticket is open
		again = raise(3, "c")
		assert.True(t, again.Suppressed)
		assert.Equal(t, third.TicketID, again.TicketID)
		assert.True(t, raise(5, "a").Created, "a new key has a ticket of its own again")

		srv.Change("Tickets", third.TicketID, map[string]any{"status": 5})
		assert.True(t, raise(3, "d").Created, "the storm's ticket is closed")
		other := raise(6, "a")
		assert.True(t, other.Storm && other.Noted)
		assert.NotEqual(t, third.TicketID, other.TicketID)
	})
}

func TestReopening(t *testing.T) {
	t.Parallel()
	within := alert.Policy{Reopen: time.Hour, ReopenStatus: 10}
	ours := within
	ours.OnlyOurs = true
	byClear := func(t *testing.T, srv *autotasktest.Server, _ int64) {
		t.Helper()
		_, err := alert.Clear(t.Context(), srv.InProcessClient(), company, key, over())
		require.NoError(t, err)
	}
	byPerson := func(_ *testing.T, srv *autotasktest.Server, id int64) {
		srv.Change("Tickets", id, map[string]any{"status": 5})
	}
	merged := func(t *testing.T, srv *autotasktest.Server, id int64) {
		t.Helper()
		byPerson(t, srv, id)
		srv.Seed("TicketNotes", map[string]any{"ticketID": id, "title": "Ticket Merged", "description": "This ticket was merged into T20261127.0099."})
	}
	mergedLater := func(t *testing.T, srv *autotasktest.Server, id int64) {
		t.Helper()
		byPerson(t, srv, id)
		pass(20 * time.Minute)
		merged(t, srv, id)
	}
	moved := func(t *testing.T, srv *autotasktest.Server, id int64) {
		t.Helper()
		srv.Change("Tickets", id, map[string]any{"companyID": autotasktest.OwnCompanyID})
	}
	for name, test := range map[string]struct {
		policy   alert.Policy
		closed   func(*testing.T, *autotasktest.Server, int64)
		after    time.Duration
		reopened bool
	}{
		"cleared":                        {within, byClear, 10 * time.Minute, true},
		"cleared, ours only":             {ours, byClear, 10 * time.Minute, true},
		"cleared, never reopened":        {alert.Policy{}, byClear, 10 * time.Minute, false},
		"cleared long ago":               {within, byClear, 2 * time.Hour, false},
		"by a person":                    {within, byPerson, 10 * time.Minute, true},
		"by a person, ours only":         {ours, byPerson, 10 * time.Minute, false},
		"merged into another":            {within, merged, 10 * time.Minute, false},
		"merged later":                   {within, mergedLater, 10 * time.Minute, false},
		"moved to another company":       {within, moved, 10 * time.Minute, false},
		"closed, then moved":             {within, func(t *testing.T, s *autotasktest.Server, id int64) { t.Helper(); byPerson(t, s, id); moved(t, s, id) }, 10 * time.Minute, false},
		"merged into another, ours only": {ours, merged, 10 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client := srv.Client()
				first := upsert(t, client, failed("run-1"), test.policy)
				pass(time.Minute)
				test.closed(t, srv, first.TicketID)
				before := srv.Get("Tickets", first.TicketID)
				pass(test.after)
				next := upsert(t, client, failed("run-2"), test.policy)
				assert.Equal(t, test.reopened, next.Reopened, "%v", next.Steps)
				assert.Equal(t, test.reopened, next.TicketID == first.TicketID)
				if test.reopened {
					assert.True(t, next.Noted)
					assert.Equal(t, "10", fmt.Sprint(srv.Get("Tickets", first.TicketID)["status"]))
				} else {
					assert.True(t, next.Created)
					assert.Equal(t, before, srv.Get("Tickets", first.TicketID), "it is left alone")
				}
				open := 0
				for _, row := range openOf(srv, "alert:"+key) {
					if fmt.Sprint(row["companyID"]) == fmt.Sprint(company) {
						open++
					}
				}
				assert.Equal(t, 1, open)
				pass(time.Minute)
				assert.Equal(t, next.TicketID, upsert(t, client, failed("run-3"), test.policy).TicketID)
			})
		})
	}
}

func TestDuplicatesWithTimeStayOpen(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	row := map[string]any{"companyID": company, "externalID": "alert:" + key, "status": 1}
	first, second, third := srv.Seed("Tickets", row), srv.Seed("Tickets", row), srv.Seed("Tickets", row)
	srv.Seed("TimeEntries", map[string]any{"ticketID": third})
	out := upsert(t, srv.Client(), failed("run-1"), alert.Policy{})
	assert.Equal(t, first, out.TicketID)
	assert.Equal(t, []int64{second}, out.Duplicates)
	assert.Contains(t, srv.Get("Tickets", second)["resolution"], "Duplicate of ticket "+textOf(srv.Get("Tickets", first)["ticketNumber"]))
	assert.Nil(t, srv.Get("Tickets", third)["completedDate"])
}

func TestClearLeavesATicketWithTimeOpen(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	made := upsert(t, client, failed("run-1"), alert.Policy{})
	srv.Seed("TimeEntries", map[string]any{"ticketID": made.TicketID})
	for range 2 {
		out, err := alert.Clear(t.Context(), client, company, key, over())
		require.NoError(t, err)
		assert.False(t, out.Cleared || out.AlreadyClear)
		assert.Equal(t, "The backup succeeded.", srv.Get("Tickets", made.TicketID)["resolution"])
	}
	assert.Equal(t, 1, count(srv, "POST Tickets/Notes"), "the Ref tells the note")
}

func TestDuplicateTicketHandling(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	srv.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Monitor Ticket ID"})
	srv.SetDuplicateTickets(true)
	old := srv.Seed("Tickets", map[string]any{
		"companyID": company, "status": 10, "createDate": "2026-01-02T03:04:05Z",
		"userDefinedFields": []any{map[string]any{"name": "Monitor Ticket ID", "value": "77"}},
	})
	a := failed("run-1")
	a.Ticket = func(t *autotask.Ticket) {
		t.Priority = 1
		t.UserDefinedFields.Set("Monitor Ticket ID", autotask.Value("77"))
	}
	for range 2 {
		out := upsert(t, srv.Client(), a, alert.Policy{})
		assert.True(t, out.Appended && !out.Created)
		assert.Equal(t, old, out.TicketID)
		assert.LessOrEqual(t, out.Requests, 4)
		assert.Contains(t, out.Steps[len(out.Steps)-1].Reason, "2026-01-02")
	}
	assert.Len(t, srv.Rows("Tickets"), 1)
}

// TestOpenIsToldByEvidence uses tickets that hold timestamps although their
// status is another one.
func TestOpenIsToldByEvidence(t *testing.T) {
	t.Parallel()
	both := map[string]any{"completedDate": "2026-11-01T00:00:00Z", "resolvedDateTime": "2026-11-01T00:00:00Z"}
	for name, test := range map[string]struct {
		status   int
		dates    map[string]any
		evidence []map[string]any
		open     bool
		says     bool
	}{
		"Completed, which sets nothing":     {status: 8, open: true},
		"complete":                          {status: 5, open: false},
		"a status that closes":              {status: 7, dates: both, open: false, evidence: []map[string]any{{"status": 7, "completedDate": "2026-11-01T00:00:00Z", "resolvedDateTime": "2026-11-01T00:00:00Z"}}},
		"reopened, with one date left":      {status: 7, dates: map[string]any{"resolvedDateTime": "2026-11-01T00:00:00Z"}, open: true, evidence: []map[string]any{{"status": 5, "completedDate": "2026-11-01T00:00:00Z", "resolvedDateTime": "2026-11-01T00:00:00Z"}}},
		"no evidence of any closing status": {status: 10, dates: both, open: true, says: true, evidence: []map[string]any{{"status": 10}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := autotasktest.NewInProcess(t)
			for _, row := range test.evidence {
				srv.Seed("Tickets", row)
			}
			row := map[string]any{"companyID": company, "externalID": "alert:" + key, "status": test.status}
			for name, value := range test.dates {
				row[name] = value
			}
			id := srv.Seed("Tickets", row)
			out := upsert(t, srv.Client(), failed("run-1"), alert.Policy{})
			assert.Equal(t, test.open, out.TicketID == id, "%v", out.Steps)
			assert.Equal(t, test.says, out.OnlyComplete)
		})
	}
}

func TestBadInputIsRefused(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	for name, change := range map[string]func(*alert.Alert, *alert.Policy){
		"Key is empty":                     func(a *alert.Alert, _ *alert.Policy) { a.Key = "" },
		"Key has 5001 characters":          func(a *alert.Alert, _ *alert.Policy) { a.Key = strings.Repeat("語", 5_001) },
		"Key is not valid UTF-8":           func(a *alert.Alert, _ *alert.Policy) { a.Key = "\xff" },
		"Event is empty":                   func(a *alert.Alert, _ *alert.Policy) { a.Event = " " },
		"Title is empty":                   func(a *alert.Alert, _ *alert.Policy) { a.Title = "" },
		"Text is not valid UTF-8":          func(a *alert.Alert, _ *alert.Policy) { a.Text = "\xff" },
		"CompanyID -1":                     func(a *alert.Alert, _ *alert.Policy) { a.CompanyID = -1 },
		"Note needs NoteType":              func(a *alert.Alert, _ *alert.Policy) { a.Note.NoteType = 0 },
		"Publish, ids of":                  func(a *alert.Alert, _ *alert.Policy) { a.Note.Publish = 0 },
		"Note must not name a ticket":      func(a *alert.Alert, _ *alert.Policy) { a.Note.TicketID = 7 },
		"negative number":                  func(_ *alert.Alert, p *alert.Policy) { p.NoteEvery = -1 },
		"Reopen needs a ReopenStatus":      func(_ *alert.Alert, p *alert.Policy) { p.Reopen = 1 },
		"ReopenStatus, the id of an open":  func(_ *alert.Alert, p *alert.Policy) { p.Reopen, p.ReopenStatus = 1, 5 },
		"Storm needs both Keys and Within": func(_ *alert.Alert, p *alert.Policy) { p.Storm.Keys = 1 },
	} {
		a, p := failed("run-1"), alert.Policy{}
		change(&a, &p)
		out, err := alert.Upsert(t.Context(), client, a, p)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		require.ErrorContains(t, err, name)
		assert.NotNil(t, out)
	}
	_, err := alert.Clear(t.Context(), client, company, "", over())
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, srv.Requests())
}

func TestLongTextsAreCut(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	a := failed(strings.Repeat("événement ", 100))
	a.Title, a.Text, a.Key = strings.Repeat("👾", 300), strings.Repeat("👾 ", 20_000), strings.Repeat("語", 5_000)
	out := upsert(t, client, a, alert.Policy{})
	assert.True(t, out.Created)
	assert.True(t, upsert(t, srv.Client(), a, alert.Policy{}).Created, "the mark is not cut off")
	a.Event += "2"
	assert.True(t, upsert(t, client, a, alert.Policy{}).Noted)
	assert.True(t, upsert(t, srv.Client(), a, alert.Policy{}).Noted)
	assert.Equal(t, 1, count(srv, "POST Tickets/Notes"))
}

func TestFindCompany(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	acme := srv.Seed("Companies", map[string]any{"companyName": "Acme Ltd", "webAddress": "https://www.acme.example/start"})
	srv.Seed("Companies", map[string]any{"companyName": "Bad Acme", "webAddress": "badacme.example"})
	srv.Seed("Companies", map[string]any{"companyName": "Acme Ltd", "isActive": false})
	twin := srv.Seed("Companies", map[string]any{"companyName": "Twin"})
	other := srv.Seed("Companies", map[string]any{"companyName": "twin"})
	srv.Seed("Contacts", map[string]any{"companyID": acme, "emailAddress2": "ops@mail.example", "isActive": 1})
	srv.Seed("Contacts", map[string]any{"companyID": twin, "emailAddress": "ops@mail.example", "isActive": 0})
	for _, who := range []string{"Acme Ltd", " acme ltd ", "acme.example", "www.ACME.example", "https://acme.example", "ops@mail.example", "nobody@acme.example"} {
		id, err := alert.FindCompany(t.Context(), client, who)
		require.NoError(t, err, who)
		assert.Equal(t, acme, id, who)
	}
	for _, who := range []string{"Nobody", "me.example", "a@nowhere.example", "@", "http://", "not a.domain"} {
		_, err := alert.FindCompany(t.Context(), client, who)
		require.ErrorIs(t, err, autotask.ErrNotFound, who)
	}
	_, err := alert.FindCompany(t.Context(), client, " ")
	require.ErrorIs(t, err, autotask.ErrInvalid)
	_, err = alert.FindCompany(t.Context(), client, "TWIN")
	var several *autotask.AmbiguousError
	require.ErrorAs(t, err, &several)
	assert.Equal(t, []int64{twin, other}, several.IDs())
}

// TestNotesThatMoveNothing is a tenant where lastActivityDate stays what it was
// as a note comes.
func TestNotesThatMoveNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.SetLatency(50 * time.Millisecond)
		activity := regexp.MustCompile(`"lastActivityDate":"[^"]*"`)
		newClient := func() *autotask.Client {
			return srv.InProcessClient(autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					resp, err := next.RoundTrip(r)
					if err != nil || !strings.HasSuffix(r.URL.Path, "/Tickets/query") {
						return resp, err
					}
					body, err := io.ReadAll(resp.Body)
					body = activity.ReplaceAll(body, []byte(`"lastActivityDate":"1999-12-31T00:00:00Z"`))
					resp.Body = io.NopCloser(bytes.NewReader(body))
					resp.ContentLength = int64(len(body))
					resp.Header.Del("Content-Length")
					return resp, err
				})
			}))
		}
		client := newClient()
		upsert(t, client, failed("run-0"), alert.Policy{})
		pass(time.Minute)
		assert.True(t, upsert(t, newClient(), failed("run-x"), alert.Policy{}).Noted)
		assert.True(t, upsert(t, client, failed("run-x"), alert.Policy{}).Noted, "the queue gives it to another process")
		assert.Equal(t, 1, timesOn(srv, "run-x"))
		events := 6
		for i := range events {
			a := failed(fmt.Sprintf("run-%d", i+1))
			for range 2 { // by processes that know nothing of each other
				assert.True(t, upsert(t, client, a, alert.Policy{}).Noted)
				assert.True(t, upsert(t, newClient(), a, alert.Policy{}).Noted)
				pass(10 * time.Minute)
			}
		}
		for i := range events {
			assert.Equal(t, 1, timesOn(srv, fmt.Sprintf("run-%d", i+1)))
		}
	})
}

// TestLostAnswers lets a write land four minutes after its answer was lost.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"POST Tickets", "POST Tickets/Notes"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client := srv.Client()
				if op != "POST Tickets" {
					upsert(t, client, failed("run-0"), alert.Policy{})
				}
				srv.Inject(autotasktest.Fault{Op: op, Status: 504, Lands: 4 * time.Minute})
				a := failed("run-1")
				var wait time.Duration
				for range 2 {
					out, err := alert.Upsert(t.Context(), client, a, alert.Policy{})
					require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
					require.NotNil(t, out)
					var unknown *autotask.Error
					require.ErrorAs(t, err, &unknown)
					wait = unknown.RetryAfter
					assert.Positive(t, wait)
				}
				assert.Equal(t, 1, count(srv, op), "it is sent once")
				pass(wait)
				for _, c := range []*autotask.Client{client, srv.Client()} { // or another process
					out := upsert(t, c, a, alert.Policy{})
					assert.True(t, out.Created || out.Noted)
				}
				assert.Equal(t, 1, timesOn(srv, "run-1"))
				assert.Len(t, srv.Rows("Tickets"), 1)
			})
		})
	}
}

// TestTurns lets many workers of one client report the same key at once.
func TestTurns(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			_, err := alert.Upsert(t.Context(), client, failed(fmt.Sprintf("run-%d", i%10)), alert.Policy{})
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Len(t, srv.Rows("Tickets"), 1)
	for i := range 10 {
		assert.Equal(t, 1, timesOn(srv, fmt.Sprintf("run-%d", i)))
	}
}
