package autotasktest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/autotasktest"
)

// history returns what the API tells of a ticket's history.
func (x *tenant) history(ticket int64) (details []string) {
	x.t.Helper()
	for _, item := range x.post("TicketHistory/query", path(`{"filter":[{"op":"eq","field":"ticketID","value":%d}]}`, ticket)).ok().items() {
		details = append(details, path("%v: %v", item["resourceID"], item["detail"]))
	}
	return details
}

func TestChangesOfATicketMakeItsHistory(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	x.at(noon)
	id := x.Seed("Tickets", map[string]any{"status": 1, "priority": 2, "resolution": nil})
	other := x.Seed("Tickets", nil)
	assert.Empty(t, x.history(id))

	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["status"], m["resolution"] = 5, "Done." })).ok()
	x.do("PUT", "Tickets", x.ticket(id, nil)).ok()
	api := path("%d: ", autotasktest.APIUserID)
	want := []string{api + "Resolution changed from nothing to Done.", api + "Status changed from New to Complete"}
	assert.Equal(t, want, x.history(id))
	assert.Equal(t, "2026-11-23T12:00:00.12Z", x.Rows("TicketHistory")[0]["date"])

	x.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(row map[string]any) { row["priority"] = 1 }})
	x.item(path("Tickets/%d", id))
	want = append(want, path("%d: Priority changed from Medium to High", autotasktest.TechnicianID))
	assert.Equal(t, want, x.history(id))

	x.Inject(autotasktest.Fault{Op: "PUT Tickets", IgnoreWrite: true})
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["status"] = 1 })).ok()
	assert.Equal(t, want, x.history(id), "what was ignored has not happened")

	x.Inject(autotasktest.Fault{Op: "PUT Tickets", Revert: true})
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["status"] = 8 })).ok()
	want = append(want, api+"Status changed from Complete to Completed", "4: Status changed from Completed to Complete")
	assert.Equal(t, want, x.history(id), "a workflow rule is the system's")
	assert.Empty(t, x.history(other))
}

func TestChangeIsWhatAPersonDoes(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	x.webhook("Ticket", "https://example.com/hook", "status", "title")
	x.at(noon)
	id := x.Seed("Tickets", map[string]any{"status": 1})
	x.Change("Tickets", id, map[string]any{"status": 5})
	row := x.Get("Tickets", id)
	assert.NotNil(t, row["completedDate"])
	assert.NotNil(t, row["resolvedDateTime"])
	assert.Equal(t, "2026-11-23T12:00:00.12Z", row["lastActivityDate"])
	assert.Equal(t, text(autotasktest.TechnicianID), text(row["lastActivityResourceID"]))
	assert.Equal(t, 1, x.PendingWebhooks())

	x.Change("Tickets", id, map[string]any{"status": 10})
	row = x.Get("Tickets", id)
	assert.Nil(t, row["completedDate"])
	assert.Nil(t, row["completedByResourceID"])
	assert.Nil(t, row["resolvedDateTime"])
	who := path("%d: ", autotasktest.TechnicianID)
	assert.Equal(t, []string{who + "Status changed from New to Complete", who + "Status changed from Complete to In Progress"}, x.history(id))

	note := x.Seed("TicketNotes", map[string]any{"ticketID": id})
	x.Change("TicketNotes", note, map[string]any{"title": "read"})
	assert.Equal(t, "read", x.Get("TicketNotes", note)["title"])
}
