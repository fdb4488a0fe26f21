package alert_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestOneTicketForAnAlert(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()

	first := upsert(t, client, failed("run-1"), alert.Policy{})
	assert.True(t, first.Created)
	row := srv.Get("Tickets", first.TicketID)
	assert.Equal(t, "alert:"+key, row["externalID"])
	assert.Equal(t, "Backup failed: MAIL-02", row["title"])
	assert.Contains(t, row["description"], "Severity: critical\n\nVSS writer timed out.\n\nAlert key: "+key)

	second := upsert(t, client, failed("run-2"), alert.Policy{})
	assert.True(t, second.Noted)
	assert.Equal(t, first.TicketID, second.TicketID)
	note := srv.Get("TicketNotes", second.NoteID)
	assert.Equal(t, "Backup failed: MAIL-02 [run-2]", note["title"])
	assert.Contains(t, note["description"], "VSS writer timed out.")

	for _, again := range []*autotask.Client{client, srv.Client()} {
		out := upsert(t, again, failed("run-1"), alert.Policy{})
		assert.True(t, out.Created)
		out = upsert(t, again, failed("run-2"), alert.Policy{})
		assert.True(t, out.Noted)
	}
	assert.Equal(t, 1, count(srv, "POST Tickets"))
	assert.Equal(t, 1, count(srv, "POST Tickets/Notes"))

	cleared, err := alert.Clear(t.Context(), client, company, key, over())
	require.NoError(t, err)
	assert.True(t, cleared.Cleared)
	assert.NotNil(t, srv.Get("Tickets", first.TicketID)["completedDate"])
	again, err := alert.Clear(t.Context(), client, company, key, over())
	require.NoError(t, err)
	assert.True(t, again.AlreadyClear)

	late := upsert(t, srv.Client(), failed("run-2"), alert.Policy{})
	assert.True(t, late.Noted, "a repeat that comes after the end opens nothing")
	late = upsert(t, srv.Client(), failed("run-1"), alert.Policy{})
	assert.True(t, late.Created)
	assert.Empty(t, openOf(srv, "alert:"+key))

	next := upsert(t, client, failed("run-3"), alert.Policy{})
	assert.True(t, next.Created)
	assert.NotEqual(t, first.TicketID, next.TicketID)
}

// TestRequests holds the number of requests to the table in
// docs/performance.md.
func TestRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.SetLatency(50 * time.Millisecond)
		for i := range 30 { // of other alerts, closed and open
			srv.Seed("Tickets", map[string]any{"companyID": company, "status": []int{1, 5, 10}[i%3], "externalID": "other"})
		}
		srv.Seed("Tickets", map[string]any{"companyID": company, "status": 1, "externalID": "alert:seeded"})
		client := srv.Client()
		costs := func(most int, out *alert.Outcome) *alert.Outcome {
			t.Helper()
			assert.LessOrEqual(t, out.Requests, most, "%v", out.Steps)
			assert.Len(t, srv.Requests(), out.Requests, "all of them are counted")
			srv.ResetRequests()
			return out
		}
		hourly := alert.Policy{NoteEvery: time.Hour, Storm: alert.Storm{Keys: 10, Within: time.Hour}}
		srv.ResetRequests()

		assert.True(t, costs(3, upsert(t, client, failed("run-1"), alert.Policy{})).Created)
		for _, event := range []string{"run-2", "run-3", "run-4"} { // on the heels of each other
			assert.True(t, costs(2, upsert(t, client, failed(event), alert.Policy{})).Noted, event)
		}
		assert.True(t, costs(1, upsert(t, client, failed("run-4"), alert.Policy{})).Noted, "a repeat of the queue, to the same process")
		pass(10 * time.Minute)
		assert.True(t, costs(2, upsert(t, client, failed("run-5"), alert.Policy{})).Noted)
		pass(10 * time.Minute)

		shared := alert.Policy{Locker: new(autotask.LocalLocker)} // other processes may have noted the event
		other := failed("run-1")
		other.Key = "disk/FILE-09"
		maker := srv.Client()
		assert.True(t, costs(3, upsert(t, maker, other, shared)).Created)
		other.Event = "run-2"
		assert.Equal(t, 3, costs(3, upsert(t, maker, other, shared)).Requests)
		pass(10 * time.Minute)
		other.Event, other.At = "run-3", time.Now()
		assert.Equal(t, 3, costs(3, upsert(t, maker, other, shared)).Requests, "it sees what notes do")
		pass(10 * time.Minute)
		other.Event, other.At = "run-4", time.Now()
		assert.Equal(t, 2, costs(2, upsert(t, maker, other, shared)).Requests, "nothing was active since")

		seen := srv.Client() // sees another process, and is as careful as with a Locker
		other = failed("run-1")
		other.Key = "disk/FILE-10"
		assert.True(t, costs(3, upsert(t, seen, other, alert.Policy{})).Created)
		pass(time.Second)
		other.Event = "run-2"
		assert.True(t, costs(3, upsert(t, srv.Client(), other, alert.Policy{})).Noted)
		pass(time.Second)
		for _, event := range []string{"run-3", "run-4"} {
			other.Event = event
			assert.Equal(t, 3, costs(3, upsert(t, seen, other, alert.Policy{})).Requests)
		}

		young := srv.Client()
		assert.True(t, costs(3, upsert(t, young, failed("run-6"), alert.Policy{})).Noted, "a process that knows nothing")
		assert.True(t, costs(2, upsert(t, srv.Client(), failed("run-6"), alert.Policy{})).Noted, "a repeat of the queue")
		pass(10 * time.Minute)
		assert.True(t, costs(2, upsert(t, young, failed("run-6b"), alert.Policy{})).Noted)
		other = failed("run-0") // of a ticket that it has not seen
		other.Key = "seeded"
		pass(10 * time.Minute)
		assert.True(t, costs(2, upsert(t, young, other, alert.Policy{})).Noted)

		assert.True(t, costs(1, upsert(t, client, failed("run-7"), hourly)).Suppressed)
		assert.True(t, costs(0, upsert(t, client, failed("run-8"), hourly)).Suppressed)
		pass(2 * time.Minute)
		assert.True(t, costs(1, upsert(t, srv.Client(), failed("run-9"), hourly)).Suppressed)

		other = failed("run-1")
		other.Key = "disk/FILE-01"
		assert.True(t, costs(4, upsert(t, client, other, hourly)).Created)

		out, err := alert.Clear(t.Context(), client, company, key, over())
		require.NoError(t, err)
		assert.True(t, costs(11, out).Cleared, "a search and the ten of Resolve")
		out, err = alert.Clear(t.Context(), client, company, key, over())
		require.NoError(t, err)
		assert.True(t, costs(1, out).AlreadyClear)
	})
}
