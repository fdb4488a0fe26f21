package autotasktest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/schema"
)

// contractFields are the twelve fields of the validated update.
var contractFields = []string{
	"id", "companyID", "queueID", "title", "priority", "status", "dueDateTime", "ticketCategory",
	"issueType", "subIssueType", "source", "organizationalLevelAssociationID",
}

// The update that is proven against a tenant, sent by hand.
func TestTheContractsOwnPUTIsAccepted(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", map[string]any{"isVisibleToComanaged": true})
	item := x.item(path("Tickets/%d", id))
	body := map[string]any{"resolution": "Cable replaced."}
	for _, name := range contractFields {
		body[name] = item[name]
	}
	assert.Equal(t, id, x.do("PUT", "Tickets", text(body)).itemID())
	after := x.item(path("Tickets/%d", id))
	assert.Equal(t, "Cable replaced.", after["resolution"])
	for _, name := range contractFields {
		assert.Equal(t, item[name], after[name], name)
	}
	assert.Equal(t, false, after["isVisibleToComanaged"], "a boolean that is left out is false")
	assert.Equal(t, false, after["isAssignedToComanaged"])
	assert.Nil(t, after["completedDate"])
	body["isVisibleToComanaged"] = nil
	x.do("PUT", "Tickets", text(body)).refused("System.Boolean")
}

func TestBooleansThatAPUTLeavesOut(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Companies", map[string]any{"isTaxExempt": true})
	item := x.item(path("Companies/%d", id))
	delete(item, "isTaxExempt")
	delete(item, "isActive")
	x.do("PUT", "Companies", text(item)).ok()
	assert.Equal(t, false, x.Get("Companies", id)["isTaxExempt"])
	assert.Equal(t, false, x.Get("Companies", id)["isActive"])
}

func TestWritesWithoutAnID(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	n := 0
	for _, c := range schema.All() {
		if !c.Verbs.Has(schema.Create) || !c.Entity.Field("id").NoID {
			continue
		}
		n++
		at := c.Path
		if c.Parent != "" {
			at = path("%s/%d/%s", c.Parent, x.Seed(c.Parent, nil), c.Segment)
		}
		row := x.Raw(c.Path, x.Seed(c.Path, nil))
		before := len(x.Rows(c.Path))
		assert.JSONEq(t, `{"itemId":null}`, x.post(at, string(row)).ok().body, c.Path)
		assert.Len(t, x.Rows(c.Path), before+1)
	}
	assert.Equal(t, 12, n)
}

// A day is kept as it is written, whatever the zone says.
func TestDaysLoseTheirTime(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	n := 0
	for _, c := range schema.All() {
		if c.Parent != "" || !c.Verbs.Has(schema.Patch) {
			continue
		}
		for _, f := range c.Entity.Fields {
			if !f.Day || f.ReadOnly {
				continue
			}
			n++
			id := x.Seed(c.Path, nil)
			x.do("PATCH", c.Path, path(`{"id":%d,"%s":"2026-12-31T23:30:00-05:00"}`, id, f.Name)).ok()
			assert.Equal(t, "2026-12-31T00:00:00Z", x.Get(c.Path, id)[f.Name], c.Path+" "+f.Name)
			x.do("PATCH", c.Path, path(`{"id":%d,"%s":"soon"}`, id, f.Name)).refused("Conversion failed")
		}
	}
	assert.Greater(t, n, 8)
	note := x.item(path("Tickets/%d", x.post("Tickets", newTicket(`"dueDateTime":"2026-12-31T23:30:00-05:00"`)).itemID()))
	assert.Equal(t, "2027-01-01T04:30:00Z", note["dueDateTime"], "a moment is none")
}

func TestOverlongTextsThatAreThereAlready(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	long := strings.Repeat("x", 10_800)
	id := x.Seed("Tickets", map[string]any{"description": long})
	change := func() answer {
		return x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["resolution"] = "Done." }))
	}
	change().refused("String value exceeds maximum length")
	note := x.Seed("TicketNotes", map[string]any{"ticketID": id, "title": strings.Repeat("x", 251)})
	patch := path(`{"id":%d,"description":"New","noteType":1,"publish":1}`, note)
	x.do("PATCH", path("Tickets/%d/Notes", id), patch).refused("String value exceeds maximum length. Field: title")

	x.SetOverlongTexts(true)
	change().ok()
	x.do("PATCH", path("Tickets/%d/Notes", id), patch).ok()
	assert.Equal(t, long, x.Get("Tickets", id)["description"])
}

func TestLengthsCountAsInUTF16(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.post("Tickets", newTicket(`"externalID":"`+strings.Repeat("😀", 25)+`"`)).ok()
	x.post("Tickets", newTicket(`"externalID":"`+strings.Repeat("😀", 26)+`"`)).refused("externalID must be less than or equal to 50 characters")
	x.post("Tickets", newTicket(`"externalID":"`+strings.Repeat("é", 50)+`"`)).ok()
}

func TestTheNoteOfATicketAttachmentIsDropped(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	ticket := x.Seed("Tickets", nil)
	note := x.Seed("TicketNotes", map[string]any{"ticketID": ticket})
	id := x.post(path("Tickets/%d/Attachments", ticket),
		path(`{"attachmentType":"URL","fullPath":"https://example.com/","title":"x","publish":1,"ticketNoteID":%d}`, note)).itemID()
	assert.Nil(t, x.Get("TicketAttachments", id)["ticketNoteID"])
}

func TestAssignments(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	const both = "Data violation: When assigning a Resource, you must assign both a assignedResourceID and assignedResourceRoleID."
	const combination = "combination is not currently defined"
	assigned := func(resource, role any) string {
		return newTicket(path(`"assignedResourceID":%s,"assignedResourceRoleID":%s`, text(resource), text(role)))
	}
	inactive := x.Seed("Resources", map[string]any{"isActive": false})
	x.Seed("ResourceRoles", map[string]any{"resourceID": inactive, "roleID": autotasktest.TechnicianRoleID, "isActive": true})
	left := x.Seed("Roles", nil)
	x.Seed("ResourceRoles", map[string]any{"resourceID": autotasktest.TechnicianID, "roleID": left, "isActive": false})
	x.post("Tickets", assigned(autotasktest.TechnicianID, nil)).refused(both)
	x.post("Tickets", assigned(nil, autotasktest.TechnicianRoleID)).refused(both)
	x.post("Tickets", assigned(autotasktest.APIUserID, autotasktest.TechnicianRoleID)).refused(combination)
	x.post("Tickets", assigned(inactive, autotasktest.TechnicianRoleID)).refused(combination)
	x.post("Tickets", assigned(autotasktest.TechnicianID, left)).refused(combination)
	x.post("Tickets", assigned(4711, 4712)).refused(combination)
	id := x.post("Tickets", assigned(autotasktest.TechnicianID, autotasktest.TechnicianRoleID)).itemID()
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["assignedResourceRoleID"] = nil })).refused(both)

	old := x.Seed("Tickets", map[string]any{"assignedResourceID": 4711})
	x.do("PUT", "Tickets", x.ticket(old, func(m map[string]any) { m["status"] = 5 })).ok() // as it was
}

func TestContactsOfATicket(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	parent := x.Seed("Companies", nil)
	company := x.Seed("Companies", map[string]any{"parentCompanyID": parent})
	of := func(company int64) int64 { return x.Seed("Contacts", map[string]any{"companyID": company}) }
	with := func(contact int64) answer {
		return x.post("Tickets", newTicket(path(`"companyID":%d,"contactID":%d`, company, contact)))
	}
	with(of(autotasktest.CustomerID)).refused("Data violation: contactID is not associated to the companyID or its Parent Company..")
	with(4711).refused("Reference value on field: contactID of type: Contact does not exist or is invalid.")
	with(of(parent)).ok()
	contact := of(company)
	ticket := with(contact).itemID()

	// The whole ticket cannot be written any more once its contact has left.
	x.Change("Contacts", contact, map[string]any{"isActive": 0})
	x.do("PUT", "Tickets", x.ticket(ticket, func(m map[string]any) { m["status"] = 5 })).refused("contactID of type: Contact does not exist or is invalid")
	x.do("PUT", "Tickets", x.ticket(ticket, func(m map[string]any) { m["status"], m["contactID"] = 5, nil })).ok()

	moved := with(of(company)).itemID()
	x.do("PUT", "Tickets", x.ticket(moved, func(m map[string]any) { m["companyID"] = 0 })).refused("contactID is not associated")
}

func TestLocationsAndContractsOfATicket(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	own := map[string]any{"companyID": autotasktest.CustomerID}
	foreign := map[string]any{"companyID": autotasktest.OwnCompanyID}
	for _, c := range []struct{ collection, field, text string }{
		{"CompanyLocations", "companyLocationID", "cannot be associated with the Ticket"},
		{"Contracts", "contractID", "is not associated to companyID [175] or its parent."},
	} {
		with := func(id int64) answer {
			return x.post("Tickets", newTicket(path(`"companyID":%d,"%s":%d`, autotasktest.CustomerID, c.field, id)))
		}
		with(x.Seed(c.collection, own)).ok()
		with(x.Seed(c.collection, foreign)).refused(c.text)
		with(4711).refused("Reference value on field: " + c.field)
	}
}

func TestTimeEntriesThatAreRefused(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	ticket := x.Seed("Tickets", nil)
	for member, message := range map[string]string{
		`"roleID":null`:        "TimeEntries for Tickets must have a roleID",
		`"roleID":4711`:        "Reference value on field: roleID of type: Role does not exist or is invalid.",
		`"ticketID":null`:      "One of ticketID, taskID and internalBillingCodeID is required.",
		`"taskID":7`:           "Only one of ticketID,taskID and InternallAllocationCodeID can be used at once",
		`"hoursWorked":0`:      "hoursWorked must be greater than 0 and less than or equal to 24",
		`"hoursWorked":-1`:     "hoursWorked must be greater than 0",
		`"hoursWorked":24.01`:  "hoursWorked must be greater than 0",
		`"summaryNotes":" \n"`: "Missing Required Field: summaryNotes",
		`"summaryNotes":null`:  "Missing Required Field: summaryNotes",
		path(`"resourceID":%d`, autotasktest.APIUserID): "An API-only resource cannot have time entries",
	} {
		x.post("TimeEntries", timeOn(ticket, member)).refused(message)
	}
	assert.Empty(t, x.Rows("TimeEntries"))
	id := x.post("TimeEntries", timeOn(ticket, `"hoursWorked":24`)).itemID()
	x.do("PATCH", "TimeEntries", path(`{"id":%d,"hoursWorked":25}`, id)).refused("hoursWorked")
	x.do("PATCH", "TimeEntries", path(`{"id":%d,"roleID":null}`, id)).refused("roleID")
	x.post("TimeEntries", timeOn(ticket, `"ticketID":null,"internalBillingCodeID":7,"roleID":null,"summaryNotes":null`)).ok()

	x.SetStartAndStopTimes(true)
	x.post("TimeEntries", timeOn(ticket, "")).refused("TimeEntries for Service tickets require a start and stop time.")
	x.post("TimeEntries", timeOn(ticket, `"startDateTime":"2026-11-23T09:00:00Z","endDateTime":"2026-11-23T09:30:00Z"`)).ok()
}

func TestNamesOfContactGroupsAreUnique(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	first := x.post("ContactGroups", `{"name":"Board","isActive":true}`).itemID()
	x.post("ContactGroups", `{"name":"board","isActive":true}`).refused("A ContactGroup already exists with Name [board]. ContactGroup names must be unique.")
	other := x.post("ContactGroups", `{"name":"Staff","isActive":true}`).itemID()
	x.do("PATCH", "ContactGroups", path(`{"id":%d,"name":"Board"}`, other)).refused("must be unique")
	x.do("PATCH", "ContactGroups", path(`{"id":%d,"name":"BOARD"}`, first)).ok()
}

func TestWhoCanBeActedForAndOnWhat(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	inactive := x.Seed("Resources", map[string]any{"isActive": false})
	as := func(person any, method, path, body string) answer {
		r := x.request(method, path, body)
		r.Header.Set("ImpersonationResourceId", text(person))
		a, err := x.send(r)
		require.NoError(t, err)
		return a
	}
	const no = "The logged in Resource does not have the adequate permissions to %s this entity type."
	for _, person := range []any{autotasktest.APIUserID, inactive, 4711} {
		as(person, "POST", "Tickets", newTicket("")).refused(fmt.Sprintf(no, "create"))
	}
	group := `{"name":"Board","isActive":true}`
	as(autotasktest.TechnicianID, "POST", "ContactGroups", group).refused(fmt.Sprintf(no, "create"))
	id := x.post("ContactGroups", group).itemID()
	as(autotasktest.TechnicianID, "PATCH", "ContactGroups", path(`{"id":%d,"name":"x"}`, id)).refused(fmt.Sprintf(no, "update"))
	as(autotasktest.TechnicianID, "DELETE", path("ContactGroups/%d", id), "").refused(fmt.Sprintf(no, "delete"))

	ticket := as(autotasktest.TechnicianID, "POST", "Tickets", newTicket("")).itemID()
	as(autotasktest.TechnicianID, "POST", path("Tickets/%d/Attachments", ticket),
		`{"attachmentType":"URL","fullPath":"https://example.com/","title":"x","publish":1}`).ok()
}

// Whoever compresses a body, or only says so, gets 500.
func TestBodiesWithAContentEncoding(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	var compressed bytes.Buffer
	zip := gzip.NewWriter(&compressed)
	_, err := zip.Write([]byte(newTicket("")))
	require.NoError(t, err)
	require.NoError(t, zip.Close())
	for _, body := range []string{newTicket(""), compressed.String()} {
		r := x.request("POST", "Tickets", body)
		r.Header.Set("Content-Encoding", "gzip")
		a, err := x.send(r)
		require.NoError(t, err)
		assert.Equal(t, http.StatusInternalServerError, a.status)
	}
	r := x.request("POST", "Tickets", newTicket(""))
	r.Header.Set("Content-Encoding", "identity")
	a, err := x.send(r)
	require.NoError(t, err)
	a.ok()
	assert.Len(t, x.Rows("Tickets"), 1)
}

// A patch of a note repeats what the API demands in each.
func TestPatchesThatRepeat(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	ticket := x.Seed("Tickets", nil)
	note := x.Seed("TicketNotes", map[string]any{"ticketID": ticket})
	body := map[string]any{"id": note, "title": "x", "noteType": 1, "publish": 1}
	for _, name := range []string{"noteType", "publish"} {
		without := map[string]any{"id": note, "title": "x", "noteType": 1, "publish": 1}
		delete(without, name)
		x.do("PATCH", path("Tickets/%d/Notes", ticket), text(without)).refused("Missing Required Field: " + name)
	}
	x.do("PATCH", path("Tickets/%d/Notes", ticket), text(body)).ok()
}

// Only the first of several missing fields is named, in the words recorded.
func TestTextsOfMissingFields(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	a := x.post("Companies/0/Contacts", `{}`)
	assert.JSONEq(t, `{"errors":["Missing Required Field: firstName. ; on record number [1]"]}`, a.body)
	a = x.post("TicketWebhooks", `{"name":"`+strings.Repeat("x", 51)+`","webhookUrl":"https://example.com/","deactivationUrl":"https://example.com/"}`)
	assert.JSONEq(t, `{"errors":["name must be less than or equal to 50 characters"]}`, a.body)
}
