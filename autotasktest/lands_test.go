package autotasktest_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

func TestWritesThatLandAfterATime(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		now := noon
		x.SetClock(func() time.Time { return now })
		id := x.Seed("Tickets", nil)
		notes := path("Tickets/%d/Notes", id)

		x.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", Lands: 4 * time.Minute})
		x.lost("POST", notes, noteBody)
		now = noon.Add(4*time.Minute - 1)
		x.get("Companies/0").ok()
		assert.Empty(t, x.Rows("TicketNotes"))
		assert.Equal(t, 1, x.PendingFaults())
		now = noon.Add(10 * time.Minute)
		require.Len(t, x.Rows("TicketNotes"), 1, "whoever looks finds it")
		assert.Zero(t, x.PendingFaults())
		assert.Equal(t, "2026-11-23T12:04:00.12Z", x.Rows("TicketNotes")[0]["createDateTime"], "stamped as of when it was due")
	})
}

// A request is carried out on rows that what landed before it has changed.
func TestWhatIsDueLandsBeforeTheNextRequest(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	now := noon
	x.SetClock(func() time.Time { return now })
	id := x.Seed("Tickets", nil)
	for _, c := range []struct {
		status int
		lands  time.Duration
	}{{7, 3 * time.Minute}, {8, time.Minute}, {10, 2 * time.Minute}} {
		x.Inject(autotasktest.Fault{Op: "PUT Tickets", Lands: c.lands})
		x.lost("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["status"] = c.status }))
	}
	now = noon.Add(2 * time.Minute)
	assert.Equal(t, "10", text(x.item(path("Tickets/%d", id))["status"]))
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["status"] = 1 })).ok()
	now = noon.Add(time.Hour)
	assert.Equal(t, "7", text(x.item(path("Tickets/%d", id))["status"]), "the last to land undoes what was done")
}

// The first of both counts.
func TestLandsAndLinger(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	now := noon
	x.SetClock(func() time.Time { return now })
	both := autotasktest.Fault{Op: "POST Tickets", Lands: time.Minute, ApplyAfter: 2}
	x.Inject(both)
	x.lost("POST", "Tickets", newTicket(""))
	x.get("Companies/0").ok()
	assert.Empty(t, x.Rows("Tickets"))
	x.get("Companies/0").ok()
	assert.Len(t, x.Rows("Tickets"), 1)

	x.Inject(both)
	x.lost("POST", "Tickets", newTicket(""))
	now = now.Add(time.Minute)
	assert.Len(t, x.Rows("Tickets"), 2)

	x.Inject(autotasktest.Fault{Op: "POST Tickets", Lands: 5 * time.Minute})
	x.lost("POST", "Tickets", newTicket(""))
	assert.Equal(t, 1, x.ApplyPending(), "ApplyPending does not wait")
	assert.Len(t, x.Rows("Tickets"), 3)
}

// A gateway gives up, and what is behind it does not.
func TestAGatewayAnswersAndTheWriteLands(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		now := noon
		x.SetClock(func() time.Time { return now })
		id := x.Seed("Tickets", nil)
		gateway := autotasktest.Fault{
			Op: "POST Tickets/Notes", Status: http.StatusGatewayTimeout, Body: "<html>", Header: http.Header{"content-type": {"text/html"}},
		}
		for i, f := range []autotasktest.Fault{{Lands: time.Minute}, {ApplyAfter: 2}} {
			f.Op, f.Status, f.Body, f.Header = gateway.Op, gateway.Status, gateway.Body, gateway.Header
			x.Inject(f)
			a := x.post(path("Tickets/%d/Notes", id), noteBody)
			assert.Equal(t, http.StatusGatewayTimeout, a.status)
			assert.Equal(t, "<html>", a.body)
			assert.Equal(t, "text/html", a.header.Get("Content-Type"))
			assert.Len(t, x.Rows("TicketNotes"), i)
			x.get("Companies/0").ok()
			assert.Len(t, x.Rows("TicketNotes"), i)
			now = now.Add(time.Minute)
			x.get("Companies/0").ok()
			assert.Len(t, x.Rows("TicketNotes"), i+1)
		}
	})
}

// The clock of a bubble is as good as any.
func TestLandingsInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := newInProcessTenant(t)
		id := x.Seed("Tickets", nil)
		began := time.Now()
		x.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", Hang: true, Lands: 4 * time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := x.send(x.request("POST", path("Tickets/%d/Notes", id), noteBody).WithContext(ctx))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(began))
		assert.Empty(t, x.Rows("TicketNotes"))
		time.Sleep(3 * time.Minute) //nolint:forbidigo // the bubble's time
		require.Len(t, x.Snapshot(), 8)
		assert.Len(t, x.Rows("TicketNotes"), 1)
	})
}

func TestAPanicInALandingIsReported(t *testing.T) {
	t.Parallel()
	fake := &fakeT{TB: t}
	x := newInProcessTenant(t)
	x.Server = autotasktest.NewInProcess(fake)
	x.http.Transport = x.Transport()
	id := x.Seed("Tickets", nil)
	x.Inject(autotasktest.Fault{ApplyAfter: 9, Edit: func(map[string]any) { panic("out of order") }})
	x.lost("GET", path("Tickets/%d", id), "")
	assert.Equal(t, 1, x.ApplyPending())
	assert.Equal(t, []string{"autotasktest: panic as a request landed: out of order"}, fake.reported())
}

func TestWebhooksTellOfWhatLanded(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	now := noon
	x.SetClock(func() time.Time { return now })
	x.Inject(autotasktest.Fault{Op: "POST Tickets", Lands: time.Minute})
	x.webhook("Ticket", "https://example.com/hook", "status", "title")
	x.lost("POST", "Tickets", newTicket(""))
	assert.Zero(t, x.PendingWebhooks())
	now = now.Add(time.Minute)
	assert.Equal(t, 1, x.PendingWebhooks())
}
