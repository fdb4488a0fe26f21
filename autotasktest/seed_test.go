package autotasktest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/schema"
)

func TestSeedFillsATicketPlausibly(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	id := x.Seed("Tickets", map[string]any{"title": "Backup failed", "DESCRIPTION": nil})
	row := x.Get("Tickets", id)

	for _, f := range schema.Lookup("Tickets").Entity.Fields {
		assert.Contains(t, row, f.Name)
	}
	assert.Equal(t, "Backup failed", row["title"])
	assert.Equal(t, "T20261123.0001", row["ticketNumber"])
	assert.Equal(t, "2026-11-24T12:00:00.12Z", row["dueDateTime"])
	assert.Equal(t, "2026-11-23T12:00:00.12Z", row["createDate"])
	assert.Equal(t, []any{}, row["userDefinedFields"])
	assert.Equal(t, false, row["isVisibleToComanaged"])
	for name, want := range map[string]string{
		"status": "1", "priority": "2", "queueID": "29683354", "issueType": "10", "subIssueType": "136",
		"source": "2", "ticketCategory": "3", "ticketType": "1", "companyID": "0",
		"creatorResourceID": fmt.Sprint(autotasktest.APIUserID),
	} {
		assert.Equal(t, json.Number(want), row[name], name)
	}
	for _, name := range []string{"description", "completedDate", "resolvedDateTime", "contactID", "organizationalLevelAssociationID"} {
		assert.Nil(t, row[name], name)
	}
	assert.Equal(t, "T20261123.0002", x.Get("Tickets", x.Seed("Tickets", nil))["ticketNumber"])
}

func TestSeedKeepsWhatIsGiven(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", map[string]any{
		"id": 12, "status": 5, "completedDate": noon, "resolvedDateTime": "2026-01-02T03:04:05",
		"ticketNumber": "T1", "estimatedHours": json.Number("3.5000"), "lastActivityDate": nil,
		"userDefinedFields": []map[string]any{{"name": "Site", "value": "North"}},
	})
	assert.EqualValues(t, 12, id)
	row := x.Get("Tickets", 12)
	assert.Equal(t, "2026-11-23T12:00:00.12Z", row["completedDate"])
	assert.Equal(t, "2026-01-02T03:04:05Z", row["resolvedDateTime"])
	assert.Equal(t, "T1", row["ticketNumber"])
	assert.Equal(t, json.Number("3.5000"), row["estimatedHours"])
	assert.Nil(t, row["lastActivityDate"])
	assert.NotNil(t, row["completedByResourceID"])

	x.Seed("Tickets", map[string]any{"id": 12, "title": "Another"})
	assert.Len(t, x.Rows("Tickets"), 1)
	assert.Equal(t, "Another", x.Get("Tickets", 12)["title"])
}

func TestSeedPicksASubIssueTypeOfTheIssueType(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", map[string]any{"issueType": 11})
	assert.Equal(t, json.Number("147"), x.Get("Tickets", id)["subIssueType"])
	x.SetPicklist("Tickets", "subIssueType", nil)
	id = x.Seed("Tickets", map[string]any{"issueType": 11})
	assert.Nil(t, x.Get("Tickets", id)["subIssueType"])
}

func TestSeedChildrenRefersToWhatIsThere(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	first := x.Get("TicketNotes", x.Seed("TicketNotes", nil))
	require.Len(t, x.Rows("Tickets"), 1)
	ticket := x.Seed("Tickets", map[string]any{"id": 1})
	assert.Equal(t, x.Rows("Tickets")[1]["id"], first["ticketID"])
	id := x.Seed("TicketNotes", map[string]any{"title": "Seen"})
	note := x.Get("Tickets/Notes", id)
	assert.EqualValues(t, text(ticket), note["ticketID"])
	assert.Equal(t, json.Number("1"), note["noteType"])
	entry := x.Get("TimeEntries", x.Seed("TimeEntries", map[string]any{"ticketID": ticket}))
	assert.Equal(t, json.Number("2"), entry["timeEntryType"])
	assert.EqualValues(t, text(autotasktest.TechnicianID), entry["resourceID"])
	contact := x.Get("Contacts", x.Seed("Contacts", nil))
	assert.Equal(t, json.Number("1"), contact["isActive"])
	assert.Equal(t, json.Number("0"), contact["companyID"])
	contract := x.Get("Contracts", x.Seed("Contracts", nil))
	assert.NotNil(t, contract["startDate"])
	resource := x.Get("Resources", autotasktest.TechnicianID)
	assert.Equal(t, true, resource["isActive"])
}

func TestIDsAreUniqueInTheTenant(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	ticket, note := x.Seed("Tickets", nil), x.Seed("TicketNotes", nil)
	assert.NotEqual(t, ticket, note)
	x.Seed("Tickets", map[string]any{"id": note + 1})
	assert.Equal(t, note+2, x.Seed("Tickets", nil))
}

func TestSeedRawIsServedByteForByte(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		raw := `{ "id": 29296,"title":"Caf\u00e9 <b>", "monitorID": 12345678901234567890, "shoeSize" : 47.10, "createDate":"2020-09-24T09:40:14.1130" }`
		assert.EqualValues(t, 29296, x.SeedRaw("Tickets", []byte(raw)))
		x.SetZonelessDates(true)
		assert.Equal(t, raw, string(x.Raw("Tickets", 29296)))
		assert.Equal(t, `{"item":`+raw+`}`, x.get("Tickets/29296").ok().body)
		assert.Contains(t, x.post("Tickets/query", `{"filter":[{"op":"eq","field":"title","value":"café <b>"}]}`).ok().body, raw)
		assert.Equal(t, json.Number("47.10"), x.Get("Tickets", 29296)["shoeSize"])
		assert.JSONEq(t, `{"items":[{"title":"Café <b>","userDefinedFields":[]}],"pageDetails":{"count":1,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}}`,
			x.post("Tickets/query", `{"IncludeFields":["title","queueID"],"filter":[{"op":"exist","field":"id"}]}`).ok().body)
	})
}

func TestGetOfNothing(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	assert.Nil(t, x.Get("Tickets", 1))
	assert.Nil(t, x.Raw("Tickets", 1))
	assert.Empty(t, x.Rows("Tickets"))
	assert.JSONEq(t, `{"item":null}`, x.get("Tickets/1").ok().body)
	ticket, other := x.Seed("Tickets", nil), x.Seed("Tickets", nil)
	note := x.Seed("TicketNotes", map[string]any{"ticketID": ticket})
	assert.NotNil(t, x.item(path("TicketNotes/%d", note)))
	assert.NotNil(t, x.item(path("Tickets/%d/Notes/%d", ticket, note)))
	assert.JSONEq(t, `{"item":null}`, x.get(path("Tickets/%d/Notes/%d", other, note)).ok().body)
}

func TestCopiesAreCopies(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", map[string]any{"title": "Mine"})
	x.Get("Tickets", id)["title"] = "Yours"
	x.Rows("Tickets")[0]["title"] = "Yours"
	clear(x.Raw("Tickets", id))
	assert.Equal(t, "Mine", x.Get("Tickets", id)["title"])
	x.post("Tickets/query", `{"filter":[]}`)
	r := x.Requests()[0]
	clear(r.Body)
	r.Header.Set("Content-Type", "none")
	assert.JSONEq(t, `{"filter":[]}`, string(x.Requests()[0].Body))
	assert.Equal(t, "application/json", x.Requests()[0].Header.Get("Content-Type"))
}

func TestDatesAndTheClock(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.at(time.Date(2026, 11, 23, 13, 0, 0, 500_000_000, time.FixedZone("", 3600)))
		id := x.Seed("Tickets", map[string]any{"dueDateTime": "2026-11-30T17:00:00+01:00"})
		a := x.get(path("Tickets/%d", id))
		assert.Equal(t, "Mon, 23 Nov 2026 12:00:00 GMT", a.header.Get("Date"))
		item := a.ok().json()["item"].(map[string]any)
		assert.Equal(t, "2026-11-23T12:00:00.5Z", item["createDate"])
		assert.Equal(t, "2026-11-30T16:00:00Z", item["dueDateTime"])

		x.SetZonelessDates(true)
		item = x.item(path("Tickets/%d", id))
		assert.Equal(t, "2026-11-23T12:00:00.5", item["createDate"])
		assert.Equal(t, "2026-11-30T16:00:00", item["dueDateTime"])
		page := x.post("Tickets/query", `{"IncludeFields":["createDate"],"filter":[{"op":"eq","field":"createDate","value":"2026-11-23T12:00:00.500Z"}]}`).ok()
		assert.Equal(t, "2026-11-23T12:00:00.5", page.items()[0]["createDate"])

		x.SetClock(nil)
		date, err := time.Parse(time.RFC1123, x.get("Companies/0").header.Get("Date"))
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), date, time.Minute)
	})
}

func TestRequestsAreRecorded(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		id := x.Seed("Tickets", nil)
		before := time.Now()
		x.get(path("Tickets/%d", id))
		x.post("Tickets/query", `{"filter":[]}`)
		x.post(path("Tickets/%d/Notes", id), noteBody)
		x.get("Tickets/entityInformation/fields")
		x.do("DELETE", "TimeEntries/77", "")
		x.get("zoneInformation?user=me")
		x.get(strings.Replace(x.BaseURL(), "/ATServicesRest/V1.0", "/else/where", 1))
		var got []string
		for _, r := range x.Requests() {
			got = append(got, fmt.Sprint(r.Op, " ", r.Status))
			assert.Equal(t, r.Method, r.Op[:len(r.Method)])
			assert.False(t, r.Began.Before(before))
			assert.Positive(t, r.Duration)
		}
		assert.Equal(t, []string{
			"GET Tickets 200", "POST Tickets/query 200", "POST Tickets/Notes 200", "GET Tickets/entityInformation/fields 200",
			"DELETE TimeEntries 500", "GET zoneInformation 500", "GET else/where 404",
		}, got)
		zone := x.Requests()[5]
		assert.Equal(t, "/ATServicesRest/V1.0/zoneInformation", zone.Path)
		assert.Equal(t, "me", zone.Query.Get("user"))
		x.ResetRequests()
		assert.Empty(t, x.Requests())
	})
}
