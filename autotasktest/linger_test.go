package autotasktest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestWritesThatLandLater(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		id := x.Seed("Tickets", nil)
		notes := path("Tickets/%d/Notes", id)
		all := path(`[{"op":"eq","field":"ticketID","value":%d}]`, id)
		for _, hang := range []bool{false, true} {
			before := len(x.Rows("TicketNotes"))
			x.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", ApplyAfter: 2, Hang: hang})
			if hang {
				x.giveUp("POST", notes, noteBody, func() bool { return x.PendingFaults() == 1 && len(x.Requests()) > 0 && x.MaxInFlight("Tickets") > 0 })
			} else {
				x.lost("POST", notes, noteBody)
			}
			assert.Equal(t, 1, x.PendingFaults())
			assert.Len(t, x.query("TicketNotes", all), before)
			assert.Equal(t, 1, x.PendingFaults())
			assert.Len(t, x.query("TicketNotes", all), before+1, "the second request finds it")
			assert.Zero(t, x.PendingFaults())
			x.ResetRequests()
		}

		x.Inject(autotasktest.Fault{Op: "PUT Tickets", ApplyAfter: 100})
		x.lost("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["status"] = 5 }))
		x.Inject(autotasktest.Fault{Op: "PUT Tickets", ApplyAfter: 100})
		x.lost("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["status"] = 7 }))
		assert.Equal(t, "1", text(x.Get("Tickets", id)["status"]))
		assert.Equal(t, 2, x.ApplyPending())
		assert.Equal(t, "7", text(x.Get("Tickets", id)["status"]))
		assert.Zero(t, x.ApplyPending())
	})
}

func TestNothingLandsAfterFiveMinutes(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	now := noon
	x.SetClock(func() time.Time { return now })
	x.Inject(autotasktest.Fault{Op: "POST Tickets", ApplyAfter: 100})
	x.lost("POST", "Tickets", newTicket(""))
	now = now.Add(5*time.Minute - time.Second)
	x.get("Companies/0").ok()
	assert.Empty(t, x.Rows("Tickets"))
	now = now.Add(time.Second)
	x.get("Companies/0").ok()
	assert.Len(t, x.Rows("Tickets"), 1)
}

// The client's own time-out ends the wait, and the note is found after all.
func TestTheClientMeetsALateLanding(t *testing.T) {
	t.Parallel()
	for linger, want := range map[int]error{1: nil, 2: autotask.ErrOutcomeUnknown} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			id := srv.Seed("Tickets", nil)
			srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", ApplyAfter: linger, Hang: true})
			client := srv.Client(autotask.WithHTTPClient(&http.Client{Transport: srv.Transport(), Timeout: time.Minute}))
			_, err := client.Notes.Create(t.Context(), id, &autotask.TicketNote{Title: "Checked", Description: "No errors.", NoteType: 1, Publish: 2})
			require.ErrorIs(t, err, want)
			srv.ApplyPending()
			assert.Len(t, srv.Rows("TicketNotes"), 1)
		})
	}
}
