package autotasktest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seedTickets seeds four tickets that filters can tell apart.
func seedTickets(x *tenant) {
	x.at(noon)
	for i, fields := range []map[string]any{
		{"title": "Backup failed", "status": 1, "dueDateTime": "2026-11-01T00:00:00Z", "estimatedHours": 1.5, "companyID": 0},
		{"title": "backup OK", "status": 5, "dueDateTime": "2026-11-02T08:30:00.5Z", "estimatedHours": 10, "companyID": 175, "isVisibleToComanaged": true},
		{"title": "Printer", "status": 8, "dueDateTime": nil, "description": "", "externalID": "77"},
		{"title": "", "status": 8, "dueDateTime": "2026-11-03T00:00:00Z", "monitorID": 9007199254740993,
			"userDefinedFields": []map[string]any{{"name": "Site", "value": "North"}, {"name": "Seats", "value": "9"}, {"name": "Since", "value": "2026-01-02T00:00:00Z"}}},
	} {
		fields["id"] = i + 1
		x.Seed("Tickets", fields)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	seedTickets(x)
	for filter, want := range map[string][]int64{
		`{"op":"eq","field":"status","value":8}`:                                    {3, 4},
		`{"op":"eq","field":"STATUS","value":"8"}`:                                  {3, 4},
		`{"Op":"eq","Field":"status","VALUE":8}`:                                    {3, 4},
		`{"op":"noteq","field":"status","value":8}`:                                 {1, 2},
		`{"op":"gt","field":"id","value":2}`:                                        {3, 4},
		`{"op":"gte","field":"id","value":2}`:                                       {2, 3, 4},
		`{"op":"lt","field":"estimatedHours","value":10}`:                           {1},
		`{"op":"lte","field":"estimatedHours","value":"10.0"}`:                      {1, 2},
		`{"op":"eq","field":"monitorID","value":9007199254740993}`:                  {4},
		`{"op":"eq","field":"monitorID","value":9007199254740992}`:                  nil,
		`{"op":"eq","field":"title","value":"BACKUP failed"}`:                       {1},
		`{"op":"beginsWith","field":"title","value":"Backup"}`:                      {1, 2},
		`{"op":"endsWith","field":"title","value":"ok"}`:                            {2},
		`{"op":"contains","field":"title","value":"INT"}`:                           {3},
		`{"op":"gt","field":"title","value":"c"}`:                                   {3},
		`{"op":"eq","field":"externalID","value":77}`:                               {3},
		`{"op":"exist","field":"title"}`:                                            {1, 2, 3},
		`{"op":"notExist","field":"title"}`:                                         {4},
		`{"op":"notExist","field":"dueDateTime"}`:                                   {3},
		`{"op":"notExist","field":"description"}`:                                   {1, 2, 3, 4},
		`{"op":"in","field":"status","value":[1,"5",null]}`:                         {1, 2},
		`{"op":"notIn","field":"status","value":[1,5]}`:                             {3, 4},
		`{"op":"notIn","field":"estimatedHours","value":[10]}`:                      {1},
		`{"op":"eq","field":"companyID","value":0}`:                                 {1, 3, 4},
		`{"op":"eq","field":"dueDateTime","value":"2026-11-02T08:30:00.500"}`:       {2},
		`{"op":"eq","field":"dueDateTime","value":"2026-11-02T10:30:00.5+02:00"}`:   {2},
		`{"op":"gt","field":"dueDateTime","value":"2026-11-01"}`:                    {2, 4},
		`{"op":"eq","field":"isVisibleToComanaged","value":true}`:                   {2},
		`{"op":"eq","field":"isVisibleToComanaged","value":"false"}`:                {1, 3, 4},
		`{"op":"eq","field":"isVisibleToComanaged","value":1}`:                      {2},
		`{"op":"eq","field":"dueDateTime","value":null}`:                            nil,
		`{"op":"noteq","field":"dueDateTime","value":null}`:                         nil,
		`{"op":"contains","field":"title","value":null}`:                            nil,
		`{"op":"noteq","field":"dueDateTime","value":"2026-11-01"}`:                 {2, 4},
		`{"op":"eq","field":"title"}`:                                               nil,
		`{"op":"eq","field":"Site","udf":true,"value":"north"}`:                     {4},
		`{"op":"gt","field":"Seats","udf":true,"value":"10"}`:                       nil,
		`{"op":"lt","field":"seats","udf":true,"value":10}`:                         {4},
		`{"op":"eq","field":"Since","udf":true,"value":"2026-01-02"}`:               {4},
		`{"op":"notExist","field":"Site","udf":true}`:                               {1, 2, 3},
		`{"op":"ne","field":"status","value":1}`:                                    {1, 2, 3, 4},
		`{"op":"EQ","field":"nothing","value":1}`:                                   {1, 2, 3, 4},
		`{"op":"ne","field":"status","value":1},{"op":"eq","field":"id","value":3}`: {3},
		`{"op":"or","items":[{"op":"eq","field":"id","value":1},{"op":"and","items":[{"op":"gt","field":"id","value":2},{"op":"lt","field":"id","value":4}]}]}`: {1, 3},
		`{"op":"or","items":[{"op":"eq","field":"id","value":1},{"op":"is","field":"id","value":2}]}`:                                                           {1},
		`{"op":"or","items":[{"op":"is","field":"id","value":2}]}`:                                                                                              {1, 2, 3, 4},
		`{"op":"and","items":[]}`: {1, 2, 3, 4},
		``:                        nil,
	} {
		assert.Equal(t, want, x.query("Tickets", "["+filter+"]"), filter)
		count := x.post("Tickets/query/count", `{"filter":[`+filter+`]}`).ok()
		assert.JSONEq(t, fmt.Sprintf(`{"queryCount":%d}`, len(want)), count.body, filter)
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	seedTickets(x)
	alternatives := func(n int) string {
		return strings.TrimSuffix(strings.Repeat(`{"op":"eq","field":"id","value":1},`, n), ",")
	}
	values := func(n int) string { return strings.TrimSuffix(strings.Repeat("1,", n), ",") }
	const tooMany = "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions."
	for query, message := range map[string]string{
		``:                                   "must be a JSON object",
		`[]`:                                 "must be a JSON object",
		`{"filter":[]} {}`:                   "must be a JSON object",
		`{}`:                                 "filter must be an array",
		`{"filter":null}`:                    "filter must be an array",
		`{"filter":{}}`:                      "filter must be an array",
		`{"filter":["x"]}`:                   "must be an object",
		`{"filter":[{"op":"or","items":5}]}`: "filter must be an array",
		`{"filter":[{"op":"or","items":[{"op":"eq","field":"x"}]}]}`:                                                          "Unable to find x in the Ticket Entity",
		`{"filter":[{"op":"eq","field":"projectNo","value":1}]}`:                                                              "Unable to find projectNo in the Ticket Entity",
		`{"filter":[{"op":"eq","field":"status","value":"material"}]}`:                                                        "Conversion failed when converting the varchar value 'material' to data type int.",
		`{"filter":[{"op":"eq","field":"status","value":true}]}`:                                                              "Unexpected character encountered while parsing value: t",
		`{"filter":[{"op":"eq","field":"title","value":["x"]}]}`:                                                              "Unexpected character encountered while parsing value: [",
		`{"filter":[{"op":"eq","field":"dueDateTime","value":"soon"}]}`:                                                       "Conversion failed when converting date",
		`{"filter":[{"op":"eq","field":"isVisibleToComanaged","value":"soon"}]}`:                                              "data type bit",
		`{"filter":[{"op":"in","field":"status","value":1}]}`:                                                                 "must be an array",
		`{"filter":[{"op":"in","field":"status","value":[1,"x"]}]}`:                                                           "Conversion failed",
		`{"filter":[{"op":"eq","field":"Site","value":"North"}]}`:                                                             "Unable to find Site",
		`{"filter":[{"op":"eq","field":"Nothing","udf":true,"value":"North"}]}`:                                               "Unable to find Nothing",
		`{"filter":[{"op":"exist","field":"Site","udf":true},{"op":"exist","field":"Seats","udf":true}]}`:                     "only query by one user-defined field",
		`{"filter":[{"op":"or","items":[` + alternatives(501) + `]}]}`:                                                        tooMany,
		`{"filter":[{"op":"in","field":"id","value":[` + values(501) + `]}]}`:                                                 tooMany,
		`{"filter":[{"op":"notIn","field":"id","value":[` + values(501) + `]}]}`:                                              tooMany,
		`{"filter":[{"op":"in","field":"id","value":[` + values(300) + `]},{"op":"or","items":[` + alternatives(201) + `]}]}`: tooMany,
		`{"MaxRecords":0,"filter":[]}`:                                                                                        "maxCountOfRecordsToReturn must be between 1 and 500",
		`{"MaxRecords":501,"filter":[]}`:                                                                                      "maxCountOfRecordsToReturn must be between 1 and 500",
		`{"maxrecords":"many","filter":[]}`:                                                                                   "maxCountOfRecordsToReturn must be between 1 and 500",
		`{"IncludeFields":["no"],"filter":[]}`:                                                                                "Unable to find no in the Ticket Entity",
		`{"IncludeFields":"id","filter":[]}`:                                                                                  "must be an array",
	} {
		x.post("Tickets/query", query).refused(message)
		x.post("Tickets/query/count", query).refused(message)
	}
	x.post("Tickets/query", `{"filter":[`+alternatives(600)+`]}`).ok()
	x.post("Tickets/query", `{"filter":[{"op":"in","field":"id","value":[`+values(500)+`]}]}`).ok()
	x.post("TimeEntries/query", `{"filter":[{"op":"eq","field":"projectID","value":1}]}`).refused("Unable to find projectID in the TimeEntry Entity")
}

func TestQueryMembers(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	seedTickets(x)
	all := `[{"op":"gte","field":"id","value":0}]`
	page := x.post("Tickets/query", `{"maxRECORDS":"3","includeFields":["ID","title"],"Filter":`+all+`,"pageSize":1}`).ok()
	assert.Equal(t, []int64{1, 2, 3}, page.ids())
	assert.JSONEq(t, `{"id":1,"title":"Backup failed","userDefinedFields":[]}`, text(page.items()[0]))
	page = x.post("Tickets/query", `{"IncludeFields":["title","userDefinedFields"],"filter":[{"op":"eq","field":"id","value":4}]}`).ok()
	assert.Len(t, page.items()[0]["userDefinedFields"], 3)
	assert.NotContains(t, page.items()[0], "id")
	page = x.post("TimeEntries/query", `{"IncludeFields":["id"],"filter":`+all+`}`).ok()
	assert.JSONEq(t, `{"items":[],"pageDetails":{"count":0,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}}`, page.body)
	x.Seed("TimeEntries", map[string]any{"id": 9})
	page = x.post("TimeEntries/query", `{"IncludeFields":["id"],"filter":`+all+`}`).ok()
	assert.JSONEq(t, `{"id":9}`, text(page.items()[0]))
}

func TestQueryByGET(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	seedTickets(x)
	query := search(`{"MaxRecords":3,"filter":[{"op":"exist","field":"id"}]}`)
	assert.JSONEq(t, `{"queryCount":4}`, x.get("Tickets/query/count?"+query).ok().body)
	first := x.get("Tickets/query?" + query).ok()
	assert.Equal(t, []int64{1, 2, 3}, first.ids())
	second := x.get(first.pageDetails()["nextPageUrl"].(string)).ok()
	assert.Equal(t, []int64{4}, second.ids())
	assert.Nil(t, second.pageDetails()["nextPageUrl"])
	assert.Equal(t, first.ids(), x.get(second.pageDetails()["prevPageUrl"].(string)).ok().ids())
	x.get("Tickets/query").refused("must be a JSON object")
}

func TestPaging(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	for id := range 7 {
		x.Seed("Tickets", map[string]any{"id": 10 - id, "status": 1 + 4*(id%2)})
	}
	body := `{"MaxRecords":2,"IncludeFields":["id"],"filter":[{"op":"eq","field":"status","value":1}]}`
	first := x.post("Tickets/query", body).ok()
	assert.Equal(t, []int64{4, 6}, first.ids())
	assert.Equal(t, json.Number("2"), first.pageDetails()["count"])
	assert.Equal(t, json.Number("2"), first.pageDetails()["requestCount"])
	assert.Nil(t, first.pageDetails()["prevPageUrl"])
	next := first.pageDetails()["nextPageUrl"].(string)
	assert.True(t, strings.HasPrefix(next, x.BaseURL()+"/Tickets/query/next?paging=%7B%22"), next)

	x.get(next).notAllowed("GET")
	x.post(next, "").refused("must be a JSON object")
	x.post(next, "{}").refused("filter must be an array")
	x.post("Tickets/query/next", body).refused("page to go to is missing")
	x.post("Tickets/query/next?paging=nonsense", body).refused("cannot be read")
	x.post("Tickets/query/next?paging=%7B%22pageSize%22%3A501%7D", body).refused("cannot be read")

	second := x.post(next, body).ok()
	assert.Equal(t, []int64{8, 10}, second.ids())
	assert.JSONEq(t, `{"id":8,"userDefinedFields":[]}`, text(second.items()[0]))
	prev := second.pageDetails()["prevPageUrl"].(string)
	assert.Equal(t, []int64{4, 6}, x.post(prev, body).ok().ids())

	// The page was full, so there is one more, and it is empty.
	last := x.post(second.pageDetails()["nextPageUrl"].(string), body).ok()
	assert.Empty(t, last.items())
	assert.Nil(t, last.pageDetails()["nextPageUrl"])
}

func TestPagesHoldAtMost500(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	ticket := x.Seed("Tickets", nil)
	var want []int64
	for range 500 {
		want = append(want, x.Seed("TicketNotes", map[string]any{"ticketID": ticket}))
	}
	x.Seed("Tickets", nil)
	body := path(`{"filter":[{"op":"eq","field":"ticketID","value":%d}]}`, ticket)
	first := x.post("TicketNotes/query", body).ok()
	assert.Equal(t, want, first.ids())
	require.NotNil(t, first.pageDetails()["nextPageUrl"])
	assert.Empty(t, x.post(first.pageDetails()["nextPageUrl"].(string), body).ok().items())

	extra := x.Seed("TicketNotes", map[string]any{"ticketID": ticket})
	list := x.get(path("Tickets/%d/Notes", ticket)).ok()
	assert.Equal(t, want, list.ids())
	assert.Equal(t, []int64{extra}, x.get(list.pageDetails()["nextPageUrl"].(string)).ok().ids())
	x.get(path("Tickets/%d/Notes?paging=x", ticket)).refused("cannot be read")
}

func TestListsOfChildren(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	a, b := x.Seed("Tickets", nil), x.Seed("Tickets", nil)
	x.Seed("TicketNotes", map[string]any{"id": 1, "ticketID": a})
	x.Seed("TicketNotes", map[string]any{"id": 2, "ticketID": b})
	x.Seed("TicketNotes", map[string]any{"id": 3, "ticketID": a})
	assert.Equal(t, []int64{1, 3}, x.get(path("Tickets/%d/Notes", a)).ok().ids())
	assert.Equal(t, []int64{2}, x.get(path("Tickets/%d/Notes", b)).ok().ids())
	assert.Empty(t, x.get("Tickets/99/Notes").ok().items())
	assert.Equal(t, []int64{1, 2, 3}, x.query("TicketNotes", `[{"op":"exist","field":"id"}]`))

	// No field of a text is known to hold its article.
	x.Seed("ArticlePlainTextContent", map[string]any{"id": 4})
	assert.Equal(t, []int64{4}, x.get("KnowledgeBaseArticles/1/PlainTextContent").ok().ids())
}

func TestRowsSeededRawOfAnotherTypeMatchNothing(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.SeedRaw("Tickets", []byte(`{"id":1,"status":"open","userDefinedFields":{}}`))
	x.SeedRaw("Tickets", []byte(`{"id":2,"status":5,"userDefinedFields":[{"name":"Site","value":"North"}]}`))
	assert.Equal(t, []int64{2}, x.query("Tickets", `[{"op":"gt","field":"status","value":0}]`))
	assert.Equal(t, []int64{2}, x.query("Tickets", `[{"op":"exist","field":"Site","udf":true}]`))
}
