package autotasktest_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestReadAccess(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		t.Helper()
		ticket := x.Seed("Tickets", nil)
		note := x.Seed("TicketNotes", map[string]any{"ticketID": ticket})
		count := func() string { return x.post("TicketNotes/query/count", `{"filter":`+everything+`}`).ok().body }

		x.SetReadAccess("TicketNotes", autotasktest.ReadNothing)
		assert.Empty(t, x.query("TicketNotes", everything))
		assert.JSONEq(t, `{"queryCount":0}`, count())
		assert.Nil(t, x.item(path("TicketNotes/%d", note)))
		assert.Empty(t, x.get(path("Tickets/%d/Notes", ticket)).ok().ids(), "the same rows under another path")
		assert.Equal(t, []int64{ticket}, x.query("Tickets", everything), "other collections are there")
		written := x.post(path("Tickets/%d/Notes", ticket), noteBody).itemID()
		assert.NotNil(t, x.Get("TicketNotes", written), "writes are not affected")
		x.get("TicketNotes/entityInformation/fields").ok()

		x.SetReadAccess("TicketNotes", autotasktest.ReadRefused)
		refused := x.post("TicketNotes/query", `{"filter":`+everything+`}`)
		assert.Equal(t, 500, refused.status)
		assert.Contains(t, refused.body, "adequate permissions")
		_, err := autotask.Get[autotask.TicketNote](t.Context(), x.Client(), note)
		require.ErrorIs(t, err, autotask.ErrPermission)

		x.SetReadAccess("TicketNotes", autotasktest.ReadAll)
		assert.Equal(t, []int64{note, written}, x.query("TicketNotes", everything))
	})
}

func TestChangeLate(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	now := noon
	x.SetClock(func() time.Time { return now })
	x.SetDatabaseClock(func() time.Time { return now.Add(time.Second) })
	ticket, other := x.Seed("Tickets", map[string]any{"title": "Backup failed"}), x.Seed("Tickets", nil)
	was := string(x.Raw("Tickets", ticket))
	x.ChangeLate("Tickets", ticket, map[string]any{"title": "Printer on fire"}, time.Minute)
	x.ChangeLate("Tickets", other, map[string]any{"title": "x"}, time.Minute)
	x.Remove("Tickets", other)
	assert.Zero(t, x.PendingFaults(), "it is no fault")

	now = now.Add(time.Minute - 1)
	assert.Equal(t, was, string(x.Raw("Tickets", ticket)))
	assert.Empty(t, x.query("Tickets", `[{"op":"eq","field":"title","value":"Printer on fire"}]`))
	now = now.Add(1)
	assert.Equal(t, []int64{ticket}, x.query("Tickets", `[{"op":"eq","field":"title","value":"Printer on fire"}]`))
	assert.Equal(t, "2026-11-23T12:00:01.12Z", x.Get("Tickets", ticket)["lastActivityDate"], "the database's time of the change")
	assert.Nil(t, x.Get("Tickets", other))

	x.ChangeLate("Tickets", ticket, map[string]any{"title": "y"}, time.Hour)
	assert.Equal(t, 1, x.ApplyPending())
	assert.Equal(t, "y", x.Get("Tickets", ticket)["title"])
}

// What is due while a request waits is there when the request is carried out.
func TestALateChangeShowsToASlowRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		id := srv.Seed("Tickets", nil)
		srv.SetLatency(100 * time.Second)
		srv.ChangeLate("Tickets", id, map[string]any{"title": "Printer on fire"}, time.Minute)
		ticket, err := srv.Client().Tickets.Get(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, "Printer on fire", ticket.Title)
	})
}

func TestMerge(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	x.webhook("TicketNote", "https://example.com/hook", "title", "title")
	source := x.Seed("Tickets", map[string]any{"ticketNumber": "T1", "status": 1, "lastActivityDate": "2020-01-01T00:00:00Z"})
	target := x.Seed("Tickets", map[string]any{"ticketNumber": "T2", "status": 1, "lastActivityDate": "2020-01-01T00:00:00Z"})
	before := x.Get("Tickets", target)
	x.at(noon)
	x.Merge(source, target)
	merged := x.Get("Tickets", source)
	assert.Equal(t, json.Number("5"), merged["status"])
	assert.Equal(t, "2026-11-23T12:00:00.12Z", merged["completedDate"])
	after := x.Get("Tickets", target)
	assert.Equal(t, "2026-11-23T12:00:00.12Z", after["lastActivityDate"])
	assert.Equal(t, before["status"], after["status"])
	var notes []string
	for _, row := range x.Rows("TicketNotes") {
		notes = append(notes, fmt.Sprint(row["ticketID"], " ", row["title"]))
		assert.Equal(t, text(autotasktest.TechnicianID), text(row["creatorResourceID"]))
	}
	assert.Equal(t, []string{text(source) + " Merged into T2", text(target) + " Merged from T1"}, notes)
	assert.Equal(t, 2, x.PendingWebhooks())
	assert.Empty(t, x.Rows("DeletedTicketLogs"))
}

// The database's stamps tick in 1/300 s: their milliseconds end in 0, 3 or 7.
func TestStampsTick(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	second := noon.Truncate(time.Second)
	for ms, want := range map[int]string{
		0: "12:00:00Z", 1: "12:00:00Z", 2: "12:00:00.003Z", 4: "12:00:00.003Z", 5: "12:00:00.007Z", 8: "12:00:00.007Z",
		9: "12:00:00.01Z", 564: "12:00:00.563Z", 998: "12:00:00.997Z", 999: "12:00:01Z",
	} {
		x.at(second.Add(time.Duration(ms) * time.Millisecond))
		id := x.post("Tickets", `{"companyID":175,"status":1,"priority":1,"title":"x","dueDateTime":"2030-01-01T00:00:00Z"}`).itemID()
		assert.Equal(t, "2026-11-23T"+want, x.Get("Tickets", id)["createDate"], ms)
	}
}
