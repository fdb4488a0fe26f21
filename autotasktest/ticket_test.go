package autotasktest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/autotasktest"
)

// stabilising are the fields of docs/api-notes.md, section 7.4, in the order in which
// the API has them.
var stabilising = []string{
	"id", "companyID", "dueDateTime", "issueType", "organizationalLevelAssociationID", "priority", "queueID",
	"source", "status", "subIssueType", "ticketCategory", "title",
}

func TestPUTOfATicketNeedsEveryStabilisingField(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", map[string]any{"description": "Old"})
	for i, name := range stabilising {
		body := x.ticket(id, func(m map[string]any) {
			m["description"] = "New"
			for _, absent := range stabilising[i:] {
				delete(m, absent)
			}
		})
		x.do("PUT", "Tickets", body).refused("Missing Required Field: " + name + ". ; on record number [1]")
	}
	assert.Equal(t, "Old", x.Get("Tickets", id)["description"])

	// Null is a value, where the field may be null at all.
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) {
		m["queueID"], m["issueType"], m["subIssueType"], m["dueDateTime"] = nil, nil, nil, nil
	})).ok()
	assert.Nil(t, x.Get("Tickets", id)["queueID"])
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["title"] = nil })).refused("Missing Required Field: title")
}

func TestPUTOfATicketReplaces(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", map[string]any{"description": "Old", "companyID": autotasktest.CustomerID, "contactID": x.Seed("Contacts", map[string]any{"companyID": autotasktest.CustomerID})})
	number := x.Get("Tickets", id)["ticketNumber"]
	answer := x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) {
		m["resolution"] = "Solved"
		delete(m, "description")
		delete(m, "contactID")
		delete(m, "ticketNumber")
	}))
	assert.Equal(t, id, answer.itemID())
	row := x.Get("Tickets", id)
	assert.Equal(t, "Solved", row["resolution"])
	assert.Nil(t, row["description"])
	assert.Nil(t, row["contactID"])
	assert.Equal(t, number, row["ticketNumber"])
	assert.Equal(t, json.Number("1"), row["status"])
	assert.Nil(t, row["completedDate"])

	x.do("PUT", "Tickets", `{"item":`+x.ticket(id, nil)+`}`).refused("must be at the root")
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["id"] = 4711 })).refused("No matching records found")
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["companyID"] = 4711 })).refused("companyID of type: Company")
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["status"] = 4711 })).refused("Picklist value [4711] does not exist for status.")
}

func TestOnlyStatus5Resolves(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	id := x.Seed("Tickets", nil)
	setStatus := func(status int) map[string]any {
		x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["status"] = status })).ok()
		return x.Get("Tickets", id)
	}
	unresolved := func(row map[string]any) {
		t.Helper()
		for _, name := range []string{"completedDate", "resolvedDateTime", "completedByResourceID"} {
			assert.Nil(t, row[name], name)
		}
	}
	for _, status := range []int{8, 10} {
		unresolved(setStatus(status))
	}
	x.at(noon.Add(time.Hour))
	row := setStatus(5)
	const then = "2026-11-23T13:00:00.12Z"
	assert.Equal(t, then, row["completedDate"])
	assert.Equal(t, then, row["resolvedDateTime"])
	assert.EqualValues(t, text(autotasktest.APIUserID), row["completedByResourceID"])
	x.at(noon.Add(2 * time.Hour))
	assert.Equal(t, then, setStatus(5)["completedDate"])
	unresolved(setStatus(1))

	created := x.Get("Tickets", x.post("Tickets", newTicket(`"status":"5"`)).itemID())
	assert.Equal(t, "2026-11-23T14:00:00.12Z", created["completedDate"])
	assert.Equal(t, "2026-11-23T14:00:00.12Z", created["resolvedDateTime"])
	unresolved(x.Get("Tickets", x.post("Tickets", newTicket(`"status":8`)).itemID()))
	assert.NotNil(t, x.Get("Tickets", x.Seed("Tickets", map[string]any{"status": 5}))["resolvedDateTime"])
}

func TestNotesAndTimeMoveTheirTicketsActivity(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", map[string]any{"lastActivityDate": "2020-01-01T00:00:00Z", "lastTrackedModificationDateTime": "2020-01-01T00:00:00Z"})
	before := x.Get("Tickets", id)
	moved := func(at time.Time) {
		t.Helper()
		after := x.Get("Tickets", id)
		assert.Equal(t, at.Format("2006-01-02T15:04:05.99Z"), after["lastActivityDate"])
		after["lastActivityDate"], after["lastActivityResourceID"] = before["lastActivityDate"], before["lastActivityResourceID"]
		assert.Equal(t, before, after, "nothing else changes")
	}
	at := noon
	for _, write := range []func(){
		func() { x.post(path("Tickets/%d/Notes", id), noteBody).ok() },
		func() { x.post("TimeEntries", timeOn(id, "")).ok() },
		func() {
			x.do("PATCH", "TimeEntries", path(`{"id":%s,"hoursWorked":2}`, text(x.Rows("TimeEntries")[0]["id"]))).ok()
		},
	} {
		at = at.Add(time.Minute)
		x.at(at)
		write()
		moved(at)
	}
	x.at(at.Add(time.Minute))
	x.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", IgnoreWrite: true})
	x.post(path("Tickets/%d/Notes", id), noteBody).ok()
	moved(at)
}
