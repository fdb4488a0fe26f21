package conformance_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/conformance"
)

// fault makes a tenant that departs from the contract in one point.
type fault struct {
	name  string
	fails []string // the checks that find it, and no others
	many  bool     // others, too: nearly everything depends on it
	wrap  func(t *testing.T, srv *autotasktest.Server, next http.RoundTripper) http.RoundTripper
}

var faults = []fault{
	{
		name: "another casing of ATServicesRest is accepted", fails: []string{"contract/0/casing"},
		wrap: asking(func(r *request) {
			r.URL.Path = regexp.MustCompile(`(?i)atservicesrest`).ReplaceAllString(r.URL.Path, "ATServicesRest")
		}),
	},
	{
		name: "a request without a login is accepted", fails: []string{"notes/1.2/headers"},
		wrap: answering(func(r *request) *http.Response {
			if r.Header.Get("Secret") == "" && r.op == "GET Tickets/entityInformation" {
				return reply(r, 200, `{"info":{}}`)
			}
			return nil
		}),
	},
	{
		name: "zone information without url", fails: []string{"notes/1.4/zone"},
		wrap: editing(func(r *request, o obj, _ *http.Response) {
			if r.op == "GET zoneInformation" {
				delete(o, "url")
			}
		}),
	},
	{
		name: "the use of the limit does not count", fails: []string{"notes/5.1/threshold"},
		wrap: editing(func(_ *request, o obj, _ *http.Response) {
			if _, ok := o["currentTimeframeRequestCount"]; ok {
				o["currentTimeframeRequestCount"] = 7
			}
		}),
	},
	{
		name: "the number of a ticket leads to another one", fails: []string{"contract/1/number", "library/1/number"},
		wrap: editing(func(r *request, o obj, _ *http.Response) {
			if items, _ := o["items"].([]any); r.op == "POST Tickets/query" && len(items) == 1 && strings.Contains(fmt.Sprint(r.body), "field:ticketNumber op:eq") {
				items[0].(obj)["id"] = 1
			}
		}),
	},
	{
		name: "one ticket is not wrapped in item", fails: []string{"contract/2/get", "contract/2.1/item", "contract/2.1/fields", "library/2/get"},
		wrap: editing(func(r *request, o obj, _ *http.Response) {
			if item, ok := o["item"].(obj); ok && r.op == "GET Tickets/{id}" {
				delete(o, "item")
				for name, v := range item {
					o[name] = v
				}
			}
		}),
	},
	{
		name: "fields of a ticket at the root, too", fails: []string{"contract/2.1/item"},
		wrap: editing(func(r *request, o obj, _ *http.Response) {
			if item, ok := o["item"].(obj); ok && r.op == "GET Tickets/{id}" {
				o["issueType"] = item["issueType"]
			}
		}),
	},
	{
		name: "a ticket without its organisation", fails: []string{"contract/2.1/fields", "notes/2.5/all-fields", "contract/8/twelve", "library/9/resolve"},
		wrap: tickets(func(ticket obj) { delete(ticket, "organizationalLevelAssociationID") }),
	},
	{
		name: "the status has no values", fails: []string{"contract/3/status"},
		wrap: field("status", func(f obj) { f["picklistValues"] = nil }),
	},
	{
		name: "two statuses with one id", fails: []string{"contract/3/labels"},
		wrap: field("status", func(f obj) { v := f["picklistValues"].([]any); f["picklistValues"] = append(v, v[0]) }),
	},
	{
		name: "values of picklists are numbers", fails: []string{"notes/11.2/values"},
		wrap: field("priority", func(f obj) {
			for _, v := range f["picklistValues"].([]any) {
				v.(obj)["value"] = json.Number(v.(obj)["value"].(string))
			}
		}),
	},
	{
		name: "the resolution is read-only", fails: []string{"contract/8/resolution-field"},
		wrap: field("resolution", func(f obj) { f["isReadOnly"] = true }),
	},
	{
		name: "the query of time entries ignores its filter", fails: []string{"contract/6/none", "contract/6/some", "contract/6/own", "contract/9/if-none", "library/6/exist", "library/9/resolve"},
		wrap: conditions("POST TimeEntries/query", func(obj) any { return nil }),
	},
	{
		name: "queries by GET only", fails: []string{"contract/1/number", "contract/6/none", "contract/7/query"}, many: true,
		wrap: answering(func(r *request) *http.Response {
			if strings.HasSuffix(r.op, "/query") && r.Method == http.MethodPost {
				return reply(r, 405, `{"Message":"The requested resource does not support http method 'POST'."}`)
			}
			return nil
		}),
	},
	{
		name: "in is ignored", fails: []string{"notes/3.2/in"}, many: true,
		wrap: conditions("POST Tickets/query", func(c obj) any {
			if c["op"] == "in" {
				return nil
			}
			return c
		}),
	},
	{
		name: "notIn is in", fails: []string{"notes/3.2/notIn"},
		wrap: conditions("POST Tickets/query", func(c obj) any {
			if c["op"] == "notIn" {
				c["op"] = "in"
			}
			return c
		}),
	},
	{
		name: "an unknown operator is refused", fails: []string{"notes/3.2/unknown"},
		wrap: answering(func(r *request) *http.Response {
			if strings.Contains(fmt.Sprint(r.body), "conformanceUnknown") {
				return reply(r, 500, `{"errors":["Unknown operator"]}`)
			}
			return nil
		}),
	},
	{
		name: "an unknown field is ignored", fails: []string{"notes/3.3/unknown-field", "notes/4.1/errors"},
		wrap: conditions("POST Tickets/query", func(c obj) any {
			if c["field"] == "conformanceNoSuchField" {
				return nil
			}
			return c
		}),
	},
	{
		name: "a count that is one too high", fails: []string{"notes/2.3/count", "library/3.4/pages"},
		wrap: editing(func(_ *request, o obj, _ *http.Response) {
			if n, ok := o["queryCount"].(json.Number); ok {
				i, _ := n.Int64()
				o["queryCount"] = i + 1
			}
		}),
	},
	{
		name: "a missing ticket is 404", fails: []string{"notes/2.1/missing"},
		wrap: editing(func(r *request, o obj, resp *http.Response) {
			if item, ok := o["item"]; ok && item == nil && r.op == "GET Tickets/{id}" {
				delete(o, "item")
				resp.StatusCode = 404
			}
		}),
	},
	{
		name: "errors is a text", fails: []string{"notes/4.1/errors"}, many: true,
		wrap: editing(func(_ *request, o obj, _ *http.Response) {
			if list, ok := o["errors"].([]any); ok {
				o["errors"] = list[0]
			}
		}),
	},
	{
		name: "dates in another form", fails: []string{"notes/12.1/dates", "library/2/get", "library/9/resolve"},
		wrap: tickets(func(ticket obj) {
			if ticket["createDate"] != nil {
				ticket["createDate"] = "11/27/2026 14:05:00"
			}
		}),
	},
	{
		name: "more than 500 rows a page", fails: []string{"notes/3.4/max-records"},
		wrap: asking(func(r *request) {
			if r.body != nil && fmt.Sprint(r.body["MaxRecords"]) == "501" {
				r.body["MaxRecords"] = 500
			}
		}),
	},
	{
		name: "the count of a page is that of the result", fails: []string{"notes/2.2/envelope", "library/1/number", "library/3.4/pages"},
		wrap: editing(func(r *request, o obj, _ *http.Response) {
			if details, ok := o["pageDetails"].(obj); ok && r.op == "POST Tickets/query" {
				details["count"] = 1000
			}
		}),
	},
	{
		name: "the next page is the first again", fails: []string{"notes/3.4/next-page"},
		wrap: asking(repeatPage),
	},
	{
		name: "the next page at another origin", fails: []string{"notes/3.4/next-page", "notes/3.4/next-page-get"},
		wrap: editing(func(_ *request, o obj, _ *http.Response) {
			if details, ok := o["pageDetails"].(obj); ok && details["nextPageUrl"] != nil {
				details["nextPageUrl"] = "https://webservices1.autotask.net.example/ATServicesRest/V1.0/Tickets/query/next"
			}
		}),
	},
	{
		name: "the next page answers a GET", fails: []string{"notes/3.4/next-page-get"},
		wrap: answering(func(r *request) *http.Response {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/query/next") {
				return reply(r, 200, `{"items":[],"pageDetails":{}}`)
			}
			return nil
		}),
	},
	{
		name: "rows in descending order", fails: []string{"notes/3.5/order", "library/3.4/pages"},
		wrap: editing(func(r *request, o obj, _ *http.Response) {
			if items, ok := o["items"].([]any); ok && r.op == "POST Tickets/query" {
				slices.Reverse(items)
			}
		}),
	},
	{
		name: "IncludeFields is ignored", fails: []string{"notes/2.5/some-fields"},
		wrap: asking(func(r *request) { delete(r.body, "IncludeFields") }),
	},
	{
		name: "POST TicketNotes is accepted", fails: []string{"contract/7/no-ticketnotes"},
		wrap: answering(func(r *request) *http.Response {
			if r.op == "POST TicketNotes" {
				return reply(r, 200, `{"itemId":1}`)
			}
			return nil
		}),
	},
	{
		name: "POST TicketNote is accepted", fails: []string{"contract/7/no-ticketnote"},
		wrap: answering(func(r *request) *http.Response {
			if r.op == "POST TicketNote" {
				return reply(r, 200, `{"itemId":1}`)
			}
			return nil
		}),
	},
	{
		name: "a note is answered without itemId", fails: []string{"contract/7/note"},
		wrap: editing(func(r *request, o obj, _ *http.Response) {
			if id, ok := o["itemId"]; ok && r.op == "POST Tickets/{id}/Notes" {
				delete(o, "itemId")
				o["id"] = id
			}
		}),
	},
	{
		name: "a note without publish is accepted", fails: []string{"contract/7/without-publish"},
		wrap: asking(func(r *request) {
			if r.op == "POST Tickets/{id}/Notes" && r.body["publish"] == nil {
				r.body["publish"] = 1
			}
		}),
	},
	{
		name: "a note cannot be read", fails: []string{"contract/7/visible"},
		wrap: editing(func(r *request, o obj, _ *http.Response) {
			if r.op == "GET TicketNotes/{id}" {
				o["item"] = nil
			}
		}),
	},
	{
		name: "notes are not found by their ticket", fails: []string{"contract/7/found"},
		wrap: editing(func(r *request, o obj, _ *http.Response) {
			if r.op == "POST TicketNotes/query" {
				o["items"] = []any{}
			}
		}),
	},
	{
		name: "a note changes the status", fails: []string{"contract/9/note-alone"},
		wrap: func(t *testing.T, srv *autotasktest.Server, next http.RoundTripper) http.RoundTripper {
			return tamper(t, next, nil, func(r *request, o obj, _ *http.Response) {
				if r.op == "POST Tickets/{id}/Notes" && o["itemId"] != nil {
					srv.Change("Tickets", idOf(r), map[string]any{"status": 8})
				}
			})
		},
	},
	{
		name: "a PUT merges", fails: []string{"notes/6.3/replaces", "contract/4/partial", "contract/4/without-title", "contract/4/without-status", "contract/4/without-priority", "contract/4/without-companyid", "contract/8/incomplete"},
		wrap: merging,
	},
	{
		name: "a PUT without a title is accepted", fails: []string{"contract/4/without-title"},
		wrap: asking(func(r *request) {
			if isPut(r) && r.body["title"] == nil && r.body["status"] != nil {
				r.body["title"] = "untitled"
			}
		}),
	},
	{
		name: "a PUT of the resolution reroutes the ticket", fails: []string{"contract/8/kept"},
		wrap: asking(func(r *request) {
			if isPut(r) && r.body["queueID"] != nil {
				r.body["queueID"] = 8
			}
		}),
	},
	{
		name: "a resolution resolves", fails: []string{"contract/8/kept", "contract/9/text-alone"},
		wrap: asking(func(r *request) {
			if isPut(r) && r.body["resolution"] != nil && fmt.Sprint(r.body["status"]) == "1" {
				r.body["status"] = 5
			}
		}),
	},
	{
		name: "the twelve fields are not enough", fails: []string{"contract/8/twelve"},
		wrap: answering(func(r *request) *http.Response {
			if _, ok := r.body["description"]; isPut(r) && !ok {
				return reply(r, 500, `{"errors":["description is required.; on record number [1]."]}`)
			}
			return nil
		}),
	},
	{
		name: "the resolution is truncated", fails: []string{"contract/8/longest"},
		wrap: asking(func(r *request) {
			if s, _ := r.body["resolution"].(string); isPut(r) && len(s) > 8000 && len(s) <= 32000 {
				r.body["resolution"] = s[:8000]
			}
		}),
	},
	{
		name: "a resolution that is too long is cut", fails: []string{"notes/7.5/too-long"},
		wrap: asking(func(r *request) {
			if s, _ := r.body["resolution"].(string); isPut(r) && len(s) > 32000 {
				r.body["resolution"] = s[:32000]
			}
		}),
	},
	{
		name: "any priority is accepted", fails: []string{"notes/4.3/picklist"},
		wrap: asking(func(r *request) {
			if isPut(r) && fmt.Sprint(r.body["priority"]) == "2147483647" {
				r.body["priority"] = 3
			}
		}),
	},
	{
		name: "status 5 sets no timestamps", fails: []string{"contract/5/five", "library/9/resolve"},
		wrap: tickets(func(ticket obj) {
			if ticket["completedDate"] != nil {
				ticket["completedDate"], ticket["resolvedDateTime"] = nil, nil
			}
		}),
	},
	{
		name: "status 5 clears the resolution", fails: []string{"contract/9/if-none", "library/9/resolve"},
		wrap: asking(func(r *request) {
			if isPut(r) && fmt.Sprint(r.body["status"]) == "5" {
				r.body["resolution"] = nil
			}
		}),
	},
	{
		name: "a create is answered by the ticket", fails: []string{"notes/2.4/create"},
		wrap: editing(func(r *request, o obj, _ *http.Response) {
			if r.op == "POST Tickets" && o["itemId"] != nil {
				o["item"] = obj{"id": o["itemId"]}
			}
		}),
	},
	{
		name: "PUT of Tickets/{id} works", fails: []string{"notes/4.2/put-id"},
		wrap: answering(func(r *request) *http.Response {
			if r.op == "PUT Tickets/{id}" {
				return reply(r, 200, `{"itemId":1}`)
			}
			return nil
		}),
	},
}

func repeatPage(r *request) {
	if strings.Contains(r.URL.Path, "/query/next") && r.Method == http.MethodPost && r.body["filter"] != nil {
		r.URL.Path, _, _ = strings.Cut(r.URL.Path, "/next")
		r.URL.RawQuery = ""
	}
}

func idOf(r *request) int64 {
	var id int64
	_, _ = fmt.Sscanf(regexp.MustCompile(`\d+/Notes`).FindString(r.URL.Path), "%d/Notes", &id)
	return id
}

// TestFaults plants one fault after the other and demands that the right check
// fails.
func TestFaults(t *testing.T) {
	t.Parallel()
	var found atomic.Int64
	t.Cleanup(func() {
		t.Logf("conformance: %d checks, %d of %d faults found", len(conformance.Checks()), found.Load(), len(faults))
	})
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := seeded(t)
				report, err := conformance.Run(t.Context(), conformance.Tenant{
					Credentials: srv.Credentials(), BaseURL: srv.BaseURL(),
					HTTPClient: &http.Client{Transport: f.wrap(t, srv, srv.Transport())},
				}, conformance.Options{Write: true, CompanyID: autotasktest.CustomerID})
				require.NotNil(t, report, "%v", err)
				ok := f.many && assert.Subset(t, failures(t, report), f.fails, "%v", err) ||
					!f.many && assert.ElementsMatch(t, f.fails, failures(t, report), "%v", err)
				if ok {
					found.Add(1)
				}
			})
		})
	}
}

func failures(t *testing.T, report *conformance.Report) []string {
	t.Helper()
	var all []string
	for _, r := range report.Results {
		assert.NotContains(t, r.Detail, "the check itself", r.ID)
		if r.Outcome == conformance.Failed {
			all = append(all, r.ID)
		}
	}
	return all
}

// seeded is a tenant with a few tickets of a customer, and time on each.
func seeded(t *testing.T) *autotasktest.Server {
	srv := autotasktest.NewInProcess(t)
	for i := range 4 {
		id := srv.Seed("Tickets", map[string]any{"title": fmt.Sprintf("Ticket %d", i)})
		srv.Seed("TimeEntries", map[string]any{"ticketID": id})
	}
	srv.Seed("Contacts", map[string]any{"companyID": autotasktest.CustomerID})
	return srv
}
