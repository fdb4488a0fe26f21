package autotasktest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// newTicket is the body of a create with one member changed or added.
func newTicket(member string) string {
	body := map[string]any{"companyID": 175, "title": "Backup failed", "status": 1, "priority": 2}
	if member != "" {
		var change map[string]any
		if err := json.Unmarshal([]byte("{"+member+"}"), &change); err != nil {
			panic(err)
		}
		for name, v := range change {
			body[name] = v
		}
	}
	return text(body)
}

func TestCreateTicket(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	id := x.post("Tickets", `{"Title":"Backup failed","COMPANYID":"0","status":"1","priority":2,"queueID":5,
		"estimatedHours":"3.50","isVisibleToComanaged":"True","externalID":77,"dueDateTime":"2026-11-17T12:13:14.00","contactID":"",
		"id":4,"ticketNumber":"T1","createDate":"2000-01-01","completedDate":"2000-01-01","creatorResourceID":1,"unheardOf":1}`).itemID()
	row := x.Get("Tickets", id)
	assert.NotEqualValues(t, 4, id)
	for name, want := range map[string]any{
		"id": json.Number(text(id)), "title": "Backup failed", "companyID": json.Number("0"), "status": json.Number("1"),
		"estimatedHours": json.Number("3.50"), "isVisibleToComanaged": true, "isAssignedToComanaged": false,
		"externalID": "77", "dueDateTime": "2026-11-17T12:13:14Z", "contactID": nil, "description": nil,
		"ticketNumber": "T20261123.0001", "createDate": "2026-11-23T12:00:00.12Z", "lastActivityDate": "2026-11-23T12:00:00.12Z",
		"completedDate": nil, "creatorResourceID": json.Number(text(autotasktest.APIUserID)), "userDefinedFields": []any{},
	} {
		assert.Equal(t, want, row[name], name)
	}
	assert.NotContains(t, row, "unheardOf")
	assert.Equal(t, "T20261123.0002", x.Get("Tickets", x.post("Tickets", newTicket("")).itemID())["ticketNumber"])
	x.at(noon.AddDate(0, 0, 1))
	assert.Equal(t, "T20261124.0001", x.Get("Tickets", x.post("Tickets", newTicket("")).itemID())["ticketNumber"])
}

func TestCreatesThatAreRefused(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	for body, message := range map[string]string{
		``:                                       "not a JSON object",
		`[]`:                                     "not a JSON object",
		`{"title":"x"`:                           "not a JSON object",
		`{"title":}`:                             "not a JSON object",
		`{"title":"x"} x`:                        "not a JSON object",
		`{"item":` + newTicket("") + `}`:         "must be at the root",
		`{}`:                                     "Missing Required Field: companyID. ; on record number [1]",
		newTicket(`"title":""`):                  "Missing Required Field: title. ; on record number [1]",
		newTicket(`"title":null`):                "Missing Required Field: title. ; on record number [1]",
		newTicket(`"priority":99`):               "Picklist value [99] does not exist for priority. ; on record number [1].",
		newTicket(`"companyID":4711`):            "Reference value on field: companyID of type: Company does not exist or is invalid.",
		newTicket(`"status":"New"`):              "Conversion failed when converting the varchar value 'New' to data type int.",
		newTicket(`"status":true`):               "Unexpected character encountered while parsing value: t",
		newTicket(`"estimatedHours":"much"`):     "data type decimal",
		newTicket(`"estimatedHours":[1]`):        "Unexpected character encountered while parsing value: [",
		newTicket(`"dueDateTime":"soon"`):        "Conversion failed when converting date",
		newTicket(`"description":{}`):            "Unexpected character encountered while parsing value: {",
		newTicket(`"isVisibleToComanaged":null`): "Error converting value {null} to type 'System.Boolean'",
		newTicket(`"isVisibleToComanaged":"x"`):  "data type bit",
		newTicket(`"title":"` + strings.Repeat("ä", 256) + `"`): "title must be less than or equal to 255 characters",
		newTicket(`"userDefinedFields":{}`):                     "userDefinedFields must be an array",
		newTicket(`"userDefinedFields":[{"value":"x"}]`):        "userDefinedFields must be an array",
		newTicket(`"userDefinedFields":["x"]`):                  "userDefinedFields must be an array",
	} {
		x.post("Tickets", body).refused(message)
	}
	assert.Empty(t, x.Rows("Tickets"))
	x.post("Tickets", newTicket(`"title":"`+strings.Repeat("ä", 255)+`"`)).ok()
}

func TestPicklistsWithoutEntriesTakeAnyValue(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.SetPicklist("Tickets", "priority", nil)
	x.post("Tickets", newTicket(`"priority":99,"changeApprovalType":12`)).ok()
	x.post("Tickets", newTicket(`"status":9`)).ok() // an inactive entry
}

func TestCreateChildren(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	a, b := x.Seed("Tickets", nil), x.Seed("Tickets", nil)
	id := x.post(path("Tickets/%d/Notes", a), path(`{"ticketID":%d,"title":"Checked","description":"Well.","noteType":1,"publish":1}`, b)).itemID()
	assert.EqualValues(t, text(a), x.Get("TicketNotes", id)["ticketID"])
	assert.NotNil(t, x.Get("TicketNotes", id)["createDateTime"])
	x.post("Tickets/99/Notes", noteBody).refused("Reference value on field: ticketID of type: Ticket does not exist")
	for _, name := range []string{"title", "description", "noteType", "publish"} {
		x.post(path("Tickets/%d/Notes", a), strings.Replace(noteBody, `"`+name+`"`, `"x"`, 1)).refused("Missing Required Field: " + name)
	}
	contact := x.post("Companies/0/Contacts", `{"firstName":"Ann","lastName":"Other","isActive":1}`).itemID()
	assert.Equal(t, json.Number("0"), x.Get("Contacts", contact)["companyID"])
	x.post("Companies/0/Contacts", `{"firstName":"Ann","lastName":"Other","isActive":true}`).refused("parsing value: t")
	// The parent of a checklist item is a read-only field, and set all the same.
	item := x.post(path("Tickets/%d/ChecklistItems", a), `{"itemName":"Reboot"}`).itemID()
	assert.EqualValues(t, text(a), x.Get("TicketChecklistItems", item)["ticketID"])
	company := x.post("Companies", path(`{"companyName":"New","companyType":1,"ownerResourceID":%d,"phone":"1"}`, autotasktest.APIUserID)).itemID()
	assert.Equal(t, true, x.Get("Companies", company)["isActive"])
}

func TestTimeEntries(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	ticket := x.Seed("Tickets", nil)
	id := x.post("TimeEntries", timeOn(ticket, `"dateWorked":"2026-11-23T09:30:00Z"`)).itemID()
	row := x.Get("TimeEntries", id)
	assert.Equal(t, json.Number("2"), row["timeEntryType"])
	assert.Equal(t, "2026-11-23T00:00:00Z", row["dateWorked"])
	assert.EqualValues(t, text(autotasktest.APIUserID), row["creatorUserID"])
	x.post("TimeEntries", `{"resourceID":1,"ticketID":99}`).refused("Reference value on field: ticketID of type: Ticket")
	x.post("TimeEntries", path(`{"ticketID":%d}`, ticket)).refused("Missing Required Field: resourceID")
	for field, want := range map[string]string{"taskID": "6", "internalBillingCodeID": "5"} {
		id := x.post("TimeEntries", `{"resourceID":1,"`+field+`":7}`).itemID()
		assert.Equal(t, json.Number(want), x.Get("TimeEntries", id)["timeEntryType"])
	}

	x.do("PATCH", "TimeEntries", path(`{"id":%d,"summaryNotes":"Done","dateWorked":"2026-11-22"}`, id)).ok()
	assert.Equal(t, "2026-11-22T00:00:00Z", x.Get("TimeEntries", id)["dateWorked"])
	assert.Equal(t, json.Number("0.5"), x.Get("TimeEntries", id)["hoursWorked"])
	assert.Equal(t, id, x.do("DELETE", path("TimeEntries/%d", id), "").itemID())
	assert.Nil(t, x.Get("TimeEntries", id))
	x.do("DELETE", path("TimeEntries/%d", id), "").
		refused("No message. No matching records found. The logged in Resource may not have the required permissions to delete the data.")
}

func TestPUTReplaces(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	id := x.Seed("Companies", map[string]any{"companyName": "Old", "city": "Ghent", "fax": "1", "createDate": "2020-01-01T00:00:00Z",
		"userDefinedFields": []map[string]any{{"name": "Site", "value": "North"}, {"name": "Seats", "value": "9"}}})
	x.at(noon.Add(time.Hour))
	item := x.item(path("Companies/%d", id))
	delete(item, "city")
	delete(item, "createDate")
	item["companyName"], item["fax"] = "New", nil
	item["userDefinedFields"] = []map[string]any{{"name": "seats", "value": 10}, {"name": "Colour", "value": nil}}
	item["unheardOf"] = 1
	assert.Equal(t, id, x.do("PUT", "Companies", text(item)).itemID())
	row := x.Get("Companies", id)
	assert.Equal(t, "New", row["companyName"])
	assert.Nil(t, row["city"])
	assert.Nil(t, row["fax"])
	assert.Equal(t, "2020-01-01T00:00:00Z", row["createDate"])
	assert.Equal(t, "2026-11-23T13:00:00.12Z", row["lastActivityDate"])
	assert.NotContains(t, row, "unheardOf")
	assert.JSONEq(t, `[{"name":"Site","value":null},{"name":"seats","value":"10"},{"name":"Colour","value":null}]`, text(row["userDefinedFields"]))

	delete(item, "userDefinedFields")
	x.do("PUT", "Companies", text(item)).ok()
	assert.JSONEq(t, `[{"name":"Site","value":null},{"name":"seats","value":null},{"name":"Colour","value":null}]`, text(x.Get("Companies", id)["userDefinedFields"]))

	for _, name := range []string{"companyName", "id"} {
		without := x.item(path("Companies/%d", id))
		delete(without, name)
		x.do("PUT", "Companies", text(without)).refused("Missing Required Field: " + name)
	}
	item["isActive"] = nil
	x.do("PUT", "Companies", text(item)).refused("System.Boolean")
	item["isActive"], item["id"] = true, 4711
	x.do("PUT", "Companies", text(item)).refused("No matching records found")
	x.do("PUT", "Companies", `{"item":`+text(item)+`}`).refused("at the root")
	x.do("PUT", "Companies", "x").refused("not a JSON object")
}

func TestPATCHMerges(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Companies", map[string]any{"companyName": "Old", "city": "Ghent", "fax": "1", "isTaxExempt": true,
		"userDefinedFields": []map[string]any{{"name": "Site", "value": "North"}, {"name": "Seats", "value": "9"}}})
	assert.Equal(t, id, x.do("PATCH", "Companies", path(`{"Id":"%d","Fax":null,"phone":"2","companyNumber":"C1",
		"userDefinedFields":[{"name":"Seats","value":null}]}`, id)).itemID())
	row := x.Get("Companies", id)
	assert.Equal(t, "Old", row["companyName"])
	assert.Equal(t, "Ghent", row["city"])
	assert.Nil(t, row["fax"])
	assert.Equal(t, "2", row["phone"])
	assert.Equal(t, true, row["isTaxExempt"])
	assert.JSONEq(t, `[{"name":"Site","value":"North"},{"name":"Seats","value":null}]`, text(row["userDefinedFields"]))
	for body, message := range map[string]string{
		`{"phone":"2"}`:                             "Missing Required Field: id",
		`{"id":4711}`:                               "No matching records found",
		path(`{"id":%d,"companyName":null}`, id):    "Missing Required Field: companyName",
		path(`{"id":%d,"isTaxExempt":null}`, id):    "System.Boolean",
		path(`{"id":%d,"phone":{}}`, id):            "Unexpected character",
		path(`{"id":%d,"userDefinedFields":1}`, id): "userDefinedFields must be an array",
		path(`{"item":{"id":%d,"phone":"2"}}`, id):  "at the root",
	} {
		x.do("PATCH", "Companies", body).refused(message)
	}
}

func TestChildrenAreWrittenThroughTheirParent(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	a, b := x.Seed("Tickets", nil), x.Seed("Tickets", nil)
	note := x.Seed("TicketNotes", map[string]any{"ticketID": a, "title": "Old"})
	charge := x.Seed("TicketCharges", map[string]any{"ticketID": a})
	body := path(`{"id":%d,"ticketID":%d,"title":"New","noteType":1,"publish":1}`, note, b)

	x.do("PATCH", path("Tickets/%d/Notes", b), body).refused("No matching records found")
	x.do("PATCH", path("Tickets/%d/Notes", a), body).ok()
	row := x.Get("TicketNotes", note)
	assert.Equal(t, "New", row["title"])
	assert.EqualValues(t, text(a), row["ticketID"])
	row["title"] = "Newer"
	x.do("PUT", path("Tickets/%d/Notes", b), text(row)).refused("No matching records found")
	x.do("PUT", path("Tickets/%d/Notes", a), text(row)).ok()
	assert.Equal(t, "Newer", x.Get("TicketNotes", note)["title"])

	x.do("DELETE", path("Tickets/%d/Charges/%d", b, charge), "").refused("No matching records found")
	assert.Equal(t, charge, x.do("DELETE", path("Tickets/%d/Charges/%d", a, charge), "").itemID())
	assert.Empty(t, x.Rows("TicketCharges"))
}

func TestRowsSeededRawLoseOnlyWhatAWriteLeavesOut(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.SeedRaw("Tickets", []byte(`{"id":7,"companyID":0,"queueID":5,"title":"Caf\u00e9","priority":77,"status":1,
		"dueDateTime":"2026-01-01T00:00:00.1000","ticketCategory":3,"issueType":10,"subIssueType":136,"source":2,
		"organizationalLevelAssociationID":null,"monitorID":12345678901234567890,"shoeSize":47.10,"hat":{ "a" : 1 },
		"userDefinedFields":[{"name":"Site","value":"North","extra":1}]}`))
	item, err := x.send(x.request("GET", "Tickets/7", ""))
	require.NoError(t, err)
	body := strings.TrimSuffix(strings.TrimPrefix(item.body, `{"item":`), "}")
	x.do("PUT", "Tickets", body).ok()
	raw := string(x.Raw("Tickets", id))
	for _, part := range []string{
		`"title":"Caf\u00e9"`, `"priority":77`, `"dueDateTime":"2026-01-01T00:00:00.1000"`, `"monitorID":12345678901234567890`,
		`"shoeSize":47.10`, `"hat":{ "a" : 1 }`, `"userDefinedFields":[{"name":"Site","value":"North","extra":1}]`, `"isVisibleToComanaged":null`,
	} {
		assert.Contains(t, raw, part)
	}
	x.do("PUT", "Tickets", strings.Replace(body, `"shoeSize":47.10,`, "", 1)).ok()
	assert.NotContains(t, x.Get("Tickets", id), "shoeSize")
	assert.Contains(t, x.Get("Tickets", id), "hat")

	x.SeedRaw("Companies", []byte(`{"id":8,"companyName":"Old","shoeSize":47.10,"hat":1}`))
	x.do("PATCH", "Companies", `{"id":8,"hat":2}`).ok()
	assert.Equal(t, json.Number("47.10"), x.Get("Companies", 8)["shoeSize"])
	assert.Equal(t, json.Number("2"), x.Get("Companies", 8)["hat"])
	x.SeedRaw("Companies", []byte(`{"id":9,"userDefinedFields":{}}`))
	x.do("PATCH", "Companies", `{"id":9,"userDefinedFields":[]}`).refused("userDefinedFields must be an array")
}
