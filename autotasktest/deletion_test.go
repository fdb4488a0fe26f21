package autotasktest_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/autotasktest"
)

// logged returns the rows of a deletion log without what they all have.
func (x *tenant) logged(log string) []map[string]any {
	x.t.Helper()
	rows := x.post(log+"/query", `{"filter":[{"op":"exist","field":"id"}]}`).ok().items()
	for _, row := range rows {
		assert.Equal(x.t, "2026-11-23T12:00:00.12Z", row["deletedDateTime"])
		delete(row, "id")
		delete(row, "deletedDateTime")
		for name, v := range row {
			if v == nil {
				delete(row, name)
			}
		}
	}
	return rows
}

func TestRemoveIsWhatAPersonDoes(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	x.webhook("Ticket", "https://example.com/hook", "status", "title")
	ticket := x.Seed("Tickets", map[string]any{"title": "Backup failed", "ticketNumber": "T1"})
	note := x.Seed("TicketNotes", map[string]any{"ticketID": ticket, "title": "Checked", "createDateTime": "2026-11-01T00:00:00Z"})
	x.Remove("Tickets", ticket)
	assert.Nil(t, x.item(path("Tickets/%d", ticket)))
	assert.Equal(t, 1, x.PendingWebhooks())
	who := json.Number(text(autotasktest.TechnicianID))
	assert.Equal(t, []map[string]any{{
		"ticketID": json.Number(text(ticket)), "ticketNumber": "T1", "ticketTitle": "Backup failed", "deletedByResourceID": who,
	}}, x.logged("DeletedTicketLogs"))

	x.Remove("TicketNotes", note)
	assert.Empty(t, x.Rows("TicketNotes"))
	logged := x.logged("DeletedTicketActivityLogs")
	assert.Equal(t, []map[string]any{{
		"typeID": json.Number("1"), "ticketID": json.Number(text(ticket)), "noteOrAttachmentTitle": "Checked",
		"createdByResourceID": json.Number(text(autotasktest.APIUserID)), "activityDateTime": "2026-11-01T00:00:00Z", "deletedByResourceID": who,
	}}, logged, "the ticket is gone, and its number with it")

	company := x.Seed("Companies", nil)
	x.Remove("Companies", company)
	assert.Nil(t, x.Get("Companies", company))
}

// What the API deletes is logged as well; general time is not.
func TestDeletionLogs(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	ticket := x.Seed("Tickets", map[string]any{"ticketNumber": "T1"})
	task := x.Seed("Tasks", map[string]any{"taskNumber": "T2"})
	gone := func(fields map[string]any) {
		id := x.Seed("TimeEntries", fields)
		x.do("DELETE", path("TimeEntries/%d", id), "").ok()
	}
	gone(map[string]any{"ticketID": ticket, "hoursWorked": 2, "startDateTime": "2026-11-01T08:00:00Z", "endDateTime": "2026-11-01T10:00:00Z"})
	gone(map[string]any{"taskID": task, "hoursWorked": 3})
	gone(nil)
	attachment := x.Seed("TicketAttachments", map[string]any{"ticketID": ticket, "title": "screen.png"})
	x.do("DELETE", path("Tickets/%d/Attachments/%d", ticket, attachment), "").ok()
	x.Inject(autotasktest.Fault{Op: "DELETE TimeEntries", IgnoreWrite: true})
	gone(map[string]any{"ticketID": ticket})

	of := x.logged("DeletedTicketActivityLogs")
	if assert.Len(t, of, 2) {
		assert.Equal(t, "2", text(of[0]["typeID"]))
		assert.Equal(t, "T1", of[0]["ticketNumber"])
		assert.Equal(t, "2", text(of[0]["hoursWorked"]))
		assert.Equal(t, "2026-11-01T08:00:00Z", of[0]["startDateTime"])
		assert.Equal(t, text(autotasktest.APIUserID), text(of[0]["deletedByResourceID"]))
		assert.Equal(t, "screen.png", of[1]["noteOrAttachmentTitle"])
	}
	of = x.logged("DeletedTaskActivityLogs")
	if assert.Len(t, of, 1) {
		assert.Equal(t, "T2", of[0]["taskNumber"])
		assert.Equal(t, text(task), text(of[0]["taskID"]))
	}
	assert.Empty(t, x.logged("DeletedTicketLogs"))
}

func TestDuplicateTickets(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	const udf = `"userDefinedFields":[{"name":"Probe Ticket ID","value":"A7"}]`
	old := x.Seed("Tickets", map[string]any{"companyID": 175, "ticketNumber": "T20260101.0001", "rmmAlertID": "alert-7",
		"userDefinedFields": []map[string]any{{"name": "Probe Ticket ID", "value": "a7"}, {"name": "Other", "value": "x"}}})
	assert.NotEqual(t, old, x.post("Tickets", newTicket(udf)).itemID(), "off at first")
	for _, row := range x.Rows("Tickets")[1:] {
		x.Remove("Tickets", toID(t, row["id"]))
	}

	x.SetDuplicateTickets(true)
	for _, same := range []string{udf, `"ticketNumber":"T20260101.0001"`, `"rmmAlertID":"alert-7"`} {
		assert.Equal(t, old, x.post("Tickets", newTicket(same)).itemID(), same)
	}
	assert.Len(t, x.Rows("Tickets"), 1)
	for _, other := range []string{"", `"companyID":0,"rmmAlertID":"alert-7"`, `"rmmAlertID":"alert-8"`, `"userDefinedFields":[{"name":"Other","value":"x"}]`, `"title":"alert-7"`} {
		assert.NotEqual(t, old, x.post("Tickets", newTicket(other)).itemID(), other)
	}
}

func TestAnyFieldMayBecomeAPicklist(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	one := []autotasktest.PicklistValue{{Value: "1", Label: "All", Default: true}}
	x.SetPicklist("Companies", "companyType", one)
	x.SetPicklist("TicketAttachments", "publish", one)
	x.SetPicklist("Companies", "city", []autotasktest.PicklistValue{{Value: "Ghent", Label: "Ghent"}})
	company := x.Seed("Companies", nil)
	assert.Equal(t, "Ghent", x.Get("Companies", company)["city"], "the first entry is plausible")
	for _, f := range x.get("Companies/entityInformation/fields").ok().json()["fields"].([]any) {
		field := f.(map[string]any)
		if field["name"] == "companyType" {
			assert.Equal(t, true, field["isPickList"])
			assert.Len(t, field["picklistValues"], 1)
		}
	}
	x.do("PATCH", "Companies", path(`{"id":%d,"companyType":2}`, company)).refused("Picklist value [2] does not exist for companyType.")
	x.do("PATCH", "Companies", path(`{"id":%d,"city":"Bruges"}`, company)).refused("Picklist value [Bruges] does not exist for city.")
	attach := func(publish int) answer {
		return x.post(path("Tickets/%d/Attachments", x.Seed("Tickets", nil)),
			path(`{"attachmentType":"URL","fullPath":"https://example.com/","title":"x","publish":%d}`, publish))
	}
	attach(2).refused("Picklist value [2] does not exist for publish.")
	attach(1).ok()

	x.SetPicklist("Companies", "companyType", nil)
	x.do("PATCH", "Companies", path(`{"id":%d,"companyType":2}`, company)).ok()
	assert.NotContains(t, x.get("Companies/entityInformation/fields").body, `"name":"companyType","dataType":"integer","length":0,"isRequired":true,"isReadOnly":false,"isQueryable":true,"isReference":false,"referenceEntityType":"","isPickList":true`)
	x.SetPicklist("Tickets", "subIssueType", []autotasktest.PicklistValue{{Value: "1", Label: "a", Parent: "10"}, {Value: "1", Label: "a", Parent: "11"}})
}
