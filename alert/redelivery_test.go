package alert_test

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/autotasktest"
)

// beforeOne returns a client that calls do, once, before it sends a request.
func beforeOne(srv *autotasktest.Server, method, suffix string, do func()) *autotask.Client {
	return srv.InProcessClient(autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if do != nil && r.Method == method && strings.HasSuffix(r.URL.Path, suffix) {
				now := do
				do = nil
				now()
			}
			return next.RoundTrip(r)
		})
	}))
}

// TestNotedInAMoment lets another process note an event while this one is between its
// search and its own note, which hides that in the ticket's activity.
func TestNotedInAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		var other alert.Alert
		interrupted := false
		several := alert.Policy{Locker: unlocked{}} // as one whose lease was lost
		client := beforeOne(srv, http.MethodPost, "/Notes", func() {
			interrupted = true
			assert.True(t, upsert(t, srv.Client(), other, several).Noted)
			pass(20 * time.Millisecond)
		})
		upsert(t, client, failed("run-1"), several)
		pass(30 * time.Second)
		other = failed("run-2")
		assert.True(t, upsert(t, client, failed("run-3"), several).Noted)
		assert.True(t, interrupted)
		for range 3 {
			pass(time.Minute)
			assert.True(t, upsert(t, client, other, several).Noted)
			assert.Equal(t, 1, timesOn(srv, "run-2"))
		}
	})
}

// TestRepeatsOfAnOlderTicket repeats calls whose events are on a ticket that has been
// closed since, while another one is open.
func TestRepeatsOfAnOlderTicket(t *testing.T) {
	t.Parallel()
	for name, timed := range map[string]bool{"with a time": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client := srv.Client()
				events := []alert.Alert{failed("run-1"), failed("run-2")}
				for i := range events {
					if !timed {
						events[i].At = time.Time{}
					}
					upsert(t, client, events[i], alert.Policy{})
				}
				pass(time.Minute)
				_, err := alert.Clear(t.Context(), client, company, key, over())
				require.NoError(t, err)
				pass(20 * time.Minute)
				repeat := func() {
					for _, c := range []*autotask.Client{client, srv.Client()} {
						assert.True(t, upsert(t, c, events[0], alert.Policy{}).Created)
						assert.True(t, upsert(t, c, events[1], alert.Policy{}).Noted)
					}
					assert.Equal(t, 1, timesOn(srv, "run-1"))
					assert.Equal(t, 1, timesOn(srv, "run-2"))
				}
				repeat()
				assert.Empty(t, openOf(srv, "alert:"+key))
				next := upsert(t, srv.Client(), failed("run-3"), alert.Policy{})
				assert.True(t, next.Created)
				assert.LessOrEqual(t, next.Requests, 4)
				repeat()
				assert.Len(t, openOf(srv, "alert:"+key), 1)
			})
		})
	}
}

// TestRepeatsOnADuplicate repeats an event that was noted on a ticket which became
// the duplicate of one that a person has reopened.
func TestRepeatsOnADuplicate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client := srv.Client()
		first := upsert(t, client, failed("run-1"), alert.Policy{})
		pass(time.Minute)
		_, err := alert.Clear(t.Context(), client, company, key, over())
		require.NoError(t, err)
		pass(10 * time.Minute)
		second := upsert(t, client, failed("run-2"), alert.Policy{})
		third := failed("run-3")
		upsert(t, client, third, alert.Policy{})
		srv.Change("Tickets", first.TicketID, map[string]any{"status": 8})
		pass(time.Minute)
		out := upsert(t, srv.Client(), failed("run-4"), alert.Policy{})
		assert.Equal(t, first.TicketID, out.TicketID)
		assert.Equal(t, []int64{second.TicketID}, out.Duplicates)
		for _, c := range []*autotask.Client{client, srv.Client()} {
			pass(time.Minute)
			assert.True(t, upsert(t, c, third, alert.Policy{}).Noted)
			assert.Equal(t, 1, timesOn(srv, "run-3"))
		}
	})
}

// TestEscapedTexts is a tenant that stores texts as HTML.
func TestEscapedTexts(t *testing.T) {
	t.Parallel()
	for name, filter := range map[string]func(string) string{
		"brackets":        strings.NewReplacer("[", "&#91;", "]", "&#93;").Replace,
		"hexadecimal":     strings.NewReplacer("[", "&#x5B;", "]", "&#x5D;").Replace,
		"HTML":            html.EscapeString,
		"blanks":          strings.NewReplacer(" [", "\u00a0[", "\n", "\r\n").Replace,
		"trailing spaces": func(s string) string { return strings.Replace(s+"  ", "alert:"+key+"  ", "alert:"+key, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := autotasktest.NewInProcess(t)
			srv.SetTextFilter(filter)
			for range 3 { // by processes that know nothing of each other
				assert.True(t, upsert(t, srv.Client(), failed("run-1"), alert.Policy{}).Created)
				assert.True(t, upsert(t, srv.Client(), failed("run & <2>"), alert.Policy{}).Noted)
				assert.True(t, upsert(t, srv.Client(), failed("run-3"), alert.Policy{}).Noted)
			}
			assert.Len(t, srv.Rows("Tickets"), 1)
			assert.Equal(t, 2, count(srv, "POST Tickets/Notes"))
		})
	}
}

// TestReopeningRacesAPerson lets a person change the closed ticket just before it
// would be reopened.
func TestReopeningRacesAPerson(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status  int
		created bool
	}{
		"reopened":                     {status: 8},
		"reopened and completed again": {status: 5, created: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				p := alert.Policy{Reopen: time.Hour, ReopenStatus: 10, OnlyOurs: true}
				first := upsert(t, srv.Client(), failed("run-1"), p)
				_, err := alert.Clear(t.Context(), srv.Client(), company, key, over())
				require.NoError(t, err)
				pass(10 * time.Minute)
				raced := false
				client := beforeOne(srv, http.MethodGet, fmt.Sprintf("/Tickets/%d", first.TicketID), func() {
					raced = true
					srv.Change("Tickets", first.TicketID, map[string]any{"status": 8})
					srv.Change("Tickets", first.TicketID, map[string]any{"status": test.status})
				})
				out := upsert(t, client, failed("run-2"), p)
				assert.True(t, raced)
				assert.Equal(t, test.created, out.Created, "%v", out.Steps)
				assert.NotEqual(t, test.created, out.Noted)
				assert.False(t, out.Reopened)
				assert.Equal(t, fmt.Sprint(test.status), fmt.Sprint(srv.Get("Tickets", first.TicketID)["status"]))
				assert.Len(t, openOf(srv, "alert:"+key), 1)
				assert.Equal(t, 1, timesOn(srv, "run-2"))
			})
		})
	}
}

// TestClearIsRepeated lets the alert come back before a queue repeats its end.
func TestClearIsRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client := srv.Client()
		upsert(t, client, failed("run-1"), alert.Policy{})
		pass(10 * time.Minute)
		res := over()
		res.StartedAt = time.Now()
		out, err := alert.Clear(t.Context(), client, company, key, res)
		require.NoError(t, err)
		assert.True(t, out.Cleared)
		pass(10 * time.Minute)
		assert.True(t, upsert(t, client, failed("run-2"), alert.Policy{}).Created)
		for _, c := range []*autotask.Client{client, srv.Client()} {
			out, err = alert.Clear(t.Context(), c, company, key, res)
			require.NoError(t, err)
			assert.True(t, out.AlreadyClear)
			assert.Len(t, openOf(srv, "alert:"+key), 1)
		}
		pass(10 * time.Minute)
		res.StartedAt = time.Now()
		out, err = alert.Clear(t.Context(), client, company, key, res)
		require.NoError(t, err)
		assert.True(t, out.Cleared)
	})
}

// TestClearRacesAPerson lets a person complete the ticket while it is being cleared.
func TestClearRacesAPerson(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	first := upsert(t, srv.Client(), failed("run-1"), alert.Policy{})
	client := beforeOne(srv, http.MethodGet, fmt.Sprintf("/Tickets/%d", first.TicketID), func() {
		srv.Change("Tickets", first.TicketID, map[string]any{"status": 5, "resolution": "I replaced the disk."})
	})
	out, err := alert.Clear(t.Context(), client, company, key, over())
	require.NoError(t, err)
	assert.True(t, out.AlreadyClear, "%v", out.Steps)
	assert.Equal(t, "I replaced the disk.", srv.Get("Tickets", first.TicketID)["resolution"])
	assert.Equal(t, 0, count(srv, "POST Tickets/Notes"))
}

// TestRepeatsAfterAStorm repeats an event of a key that a storm ticket names, after
// that was closed.
func TestRepeatsAfterAStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		p := alert.Policy{Storm: alert.Storm{Keys: 1, Within: time.Hour}}
		client := srv.Client()
		one, other := failed("run-1"), failed("run-1")
		other.Key = "ping/host-2"
		upsert(t, client, one, p)
		storm := upsert(t, client, other, p)
		assert.True(t, storm.Storm && storm.Noted)
		cleared, err := p.Clear(t.Context(), client, company, other.Key, over())
		require.NoError(t, err)
		assert.True(t, cleared.AlreadyClear, "it has no ticket of its own")
		pass(2 * time.Minute)
		srv.Change("Tickets", storm.TicketID, map[string]any{"status": 5})
		for _, c := range []*autotask.Client{client, srv.Client()} {
			again := upsert(t, c, other, p)
			assert.True(t, again.Noted && again.Storm, "%v", again.Steps)
			assert.Equal(t, storm.TicketID, again.TicketID)
		}
		assert.Empty(t, openOf(srv, "alert:"+other.Key))
		next := other
		next.Event, next.At = "run-2", time.Now()
		pass(time.Hour)
		assert.True(t, upsert(t, srv.Client(), next, p).Created)
	})
}

// TestNamedByAnotherProcess lets a process that has read which keys a storm ticket
// names get one that another process has named since, just after the storm's hour.
func TestNamedByAnotherProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client := srv.Client()
		p := alert.Policy{Storm: alert.Storm{Keys: 1, Within: time.Hour}}
		raise := func(client *autotask.Client, k, event string) *alert.Outcome {
			a := failed(event)
			a.Key = k
			return upsert(t, client, a, p)
		}
		raise(srv.Client(), "a", "run-1")
		storm := raise(srv.Client(), "b", "run-1")
		assert.True(t, raise(client, "b", "run-2").Suppressed)
		pass(30 * time.Minute)
		assert.Equal(t, storm.TicketID, raise(srv.Client(), "c", "run-1").TicketID)
		pass(32 * time.Minute)
		assert.True(t, raise(client, "c", "run-2").Suppressed)
		assert.Len(t, srv.Rows("Tickets"), 2)
	})
}

// TestARuleChangesTheExternalID is a tenant whose workflow rule gives every new ticket
// another externalID.
func TestARuleChangesTheExternalID(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	rule := autotasktest.Fault{Op: "POST Tickets", Edit: func(row map[string]any) { row["externalID"] = "RMM-7" }}
	srv.Inject(rule)
	for range 3 {
		out, err := alert.Upsert(t.Context(), client, failed("run-1"), alert.Policy{})
		require.ErrorIs(t, err, autotask.ErrNotApplied)
		require.ErrorContains(t, err, "RMM-7")
		assert.NotZero(t, out.TicketID)
	}
	assert.Len(t, srv.Rows("Tickets"), 1)
	srv.Change("Tickets", idOf(srv.Rows("Tickets")[0]), map[string]any{"status": 5})
	assert.True(t, upsert(t, client, failed("run-2"), alert.Policy{}).Created, "it is closed, and the rule is gone")
}

// TestTheResultOfALostCreate lets a person close the ticket of a create whose answer
// was lost, before the next occurrence.
func TestTheResultOfALostCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client := srv.Client()
		srv.Inject(autotasktest.Fault{Op: "POST Tickets", Status: http.StatusGatewayTimeout, Lands: time.Minute})
		_, err := alert.Upsert(t.Context(), client, failed("run-1"), alert.Policy{})
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		pass(2 * time.Minute)
		srv.Change("Tickets", idOf(srv.Rows("Tickets")[0]), map[string]any{"status": 5})
		pass(20 * time.Minute)
		next := upsert(t, client, failed("run-2"), alert.Policy{})
		assert.True(t, next.Created, "%v", next.Steps)
		assert.Len(t, openOf(srv, "alert:"+key), 1)
		assert.Equal(t, 1, timesOn(srv, "run-2"))
	})
}

// TestALateNoteIsRemembered repeats an event with another text, long after its note had
// been lost. It had landed between the search for the next event and that one's note,
// which hides it in the ticket's activity.
func TestALateNoteIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		upsert(t, srv.Client(), failed("run-0"), alert.Policy{})
		posts := 0
		client := srv.Client(autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Notes") {
					if posts++; posts == 2 {
						assert.Equal(t, 1, srv.ApplyPending())
						pass(20 * time.Millisecond)
					}
				}
				return next.RoundTrip(r)
			})
		}))
		other := failed("run-0")
		other.Key = "disk/FILE-01"
		upsert(t, client, other, alert.Policy{}) // the process begins
		pass(10 * time.Minute)

		srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", Status: 504, Lands: 4 * time.Minute})
		lost := failed("run-1")
		_, err := alert.Upsert(t.Context(), client, lost, alert.Policy{})
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		for i := range 40 {
			pass(time.Minute)
			next := failed(fmt.Sprintf("run-%d", i+2))
			if i == 0 {
				next.At = lost.At.Add(-time.Minute) // the queue had kept it back
			}
			upsert(t, client, next, alert.Policy{})
		}
		lost.Text += " And again."
		assert.True(t, upsert(t, client, lost, alert.Policy{}).Noted)
		assert.Equal(t, 1, timesOn(srv, "run-1"))
	})
}

// TestOwnWorkIsNotThatOfOthers counts the requests of a process that comes back to a
// ticket of its own.
func TestOwnWorkIsNotThatOfOthers(t *testing.T) {
	t.Parallel()
	policy := alert.Policy{Reopen: time.Hour, ReopenStatus: 10}
	for name, between := range map[string]func(*testing.T, *autotasktest.Server, *autotask.Client){
		"reopened": func(t *testing.T, _ *autotasktest.Server, client *autotask.Client) {
			t.Helper()
			out, err := policy.Clear(t.Context(), client, company, key, over())
			require.NoError(t, err)
			assert.True(t, out.Cleared)
		},
		"after a failure": func(t *testing.T, srv *autotasktest.Server, client *autotask.Client) {
			t.Helper()
			srv.Inject(autotasktest.Fault{Op: "POST Tickets/query", Status: 400})
			_, err := alert.Upsert(t.Context(), client, failed("run-x"), policy)
			require.Error(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client := srv.Client()
				upsert(t, client, failed("run-1"), policy)
				pass(10 * time.Minute)
				between(t, srv, client)
				pass(time.Minute)
				upsert(t, client, failed("run-2"), policy)
				pass(time.Minute)
				upsert(t, client, failed("run-3"), policy)
				assert.Equal(t, 2, upsert(t, client, failed("run-4"), policy).Requests)
			})
		})
	}
}
