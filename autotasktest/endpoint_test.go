package autotasktest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/schema"
)

func TestInvoiceSettings(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	const settings = "Companies/175/invoiceSettings"
	assert.JSONEq(t, `{"taxExempt":false,"taxRegionId":null,"taxId":null,"invoiceEmailingEnabled":false,
		"contactRecipients":[],"resourceRecipients":[],"otherEmails":null}`, x.get(settings).ok().body)
	assert.EqualValues(t, 175, x.do("PUT", settings, `{"taxExempt":true,"taxId":"DE1","contactRecipients":[9]}`).itemID())
	assert.JSONEq(t, `{"contactRecipients":[4,5]}`, x.post(settings+"/contactRecipients", `{"items":[5,4,5]}`).ok().body)
	assert.JSONEq(t, `{"resourceRecipients":[7]}`, x.post(settings+"/resourceRecipients", `{"items":[7]}`).ok().body)
	assert.EqualValues(t, 4, x.do("DELETE", settings+"/contactRecipients/4", "").itemID())
	assert.EqualValues(t, 7, x.do("DELETE", settings+"/resourceRecipients/7", "").itemID())
	x.do("DELETE", settings+"/contactRecipients/4", "").refused("No matching records")
	assert.JSONEq(t, `{"taxExempt":true,"taxRegionId":null,"taxId":"DE1","invoiceEmailingEnabled":null,
		"contactRecipients":[5],"resourceRecipients":[],"otherEmails":null}`, x.get(settings).ok().body)
	x.post(settings+"/contactRecipients", `{}`).refused("array of ids")
	x.get("Companies/1/invoiceSettings").refused("No matching records")
	x.do("PUT", "Companies/1/invoiceSettings", "{}").refused("No matching records")
	x.do("DELETE", settings, "").notAllowed("DELETE")
	x.get(settings + "/others").notFound()
}

func TestInvoicesAsFiles(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Invoices", map[string]any{"invoiceNumber": "2026-1"})
	pdf := x.get(path("Invoices/%d/InvoicePdf", id)).ok().json()
	assert.Equal(t, id, toID(t, pdf["id"]))
	assert.Equal(t, "application/pdf", pdf["contentType"])
	assert.NotEmpty(t, pdf["data"])
	assert.Contains(t, x.get(path("Invoices/%d/InvoiceMarkupHtml", id)).ok().json()["invoiceMarkup"], "Invoice 2026-1")
	assert.Contains(t, x.get(path("Invoices/%d/InvoiceMarkupXml", id)).ok().json()["invoiceMarkup"], "<Number>2026-1<")
	for _, file := range []string{"InvoicePdf", "InvoiceMarkupHtml", "InvoiceMarkupXml"} {
		x.get("Invoices/1/" + file).refused("No matching records")
		x.post(path("Invoices/%d/%s", id, file), "").notAllowed("POST")
	}
}

func TestTimeOff(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	x.Seed("ResourceTimeOffBalances", map[string]any{"resourceID": autotasktest.TechnicianID, "year": 2026, "vacationTimeBalance": 12.5})
	balances := path("Resources/%d/TimeOffBalances", autotasktest.TechnicianID)
	assert.Equal(t, "12.5", text(x.item(balances + "/2026")["vacationTimeBalance"]))
	assert.Nil(t, x.item(balances+"/2025"))
	assert.Len(t, x.get(balances).ok().items(), 1)

	id := x.Seed("TimeOffRequests", map[string]any{"resourceID": autotasktest.TechnicianID})
	r := x.request("GET", path("TimeOffRequests/%d/Approve", id), "")
	r.Header.Set("ImpersonationResourceId", text(autotasktest.TechnicianID))
	a, err := x.send(r)
	require.NoError(t, err)
	assert.Equal(t, id, a.itemID())
	item := x.item(path("TimeOffRequests/%d", id))
	assert.Equal(t, "2026-11-23T12:00:00.12Z", item["approvedDateTime"])
	assert.Equal(t, autotasktest.TechnicianID, toID(t, item["approveRejectResourceID"]))
	assert.Equal(t, autotasktest.APIUserID, toID(t, item["impersonatorApproveRejectResourceID"]))
	x.get("TimeOffRequests/1/Approve").refused("No matching records")
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	assert.JSONEq(t, `{"authToken":"fake-token","expiration":"2026-11-23T13:00:00.12Z"}`, x.get("Authenticate").ok().body)
	r := x.request("GET", "Authenticate", "")
	r.Header.Set("Secret", "wrong")
	a, err := x.send(r)
	require.NoError(t, err)
	assert.Equal(t, 401, a.status)
}

// Every child that the table has is seeded with a parent, and is found there.
func TestEveryChildIsSeededBelowAParent(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	for _, c := range schema.All() {
		if c.Parent == "" || c.ParentField == "" || !c.Verbs.Has(schema.List) {
			continue
		}
		parents := c.Parent
		switch parents { // which are only parts of paths
		case "Expenses":
			parents = "ExpenseReports"
		case "UserDefinedFields":
			parents = "UserDefinedFieldDefinitions"
		}
		parent := x.Seed(parents, nil)
		id := x.Seed(c.Path, map[string]any{c.ParentField: parent})
		assert.Contains(t, x.get(path("%s/%d/%s", c.Parent, parent, c.Segment)).ok().ids(), id, c.Path)

		fresh := newInProcessTenant(t)
		id = fresh.Seed(c.Path, nil)
		found := 0
		for _, other := range c.Entity.Collections() {
			if given := fresh.Get(c.Path, id)[other.ParentField]; given != nil && other.Parent != "" {
				if other == c {
					assert.NotNil(t, fresh.Get(parents, toID(t, given)), c.Path)
				}
				found++
			}
		}
		assert.Positive(t, found, c.Path)
	}
}

// What a query finds does not depend on whether an index leads to it.
func TestIndexesChangeNothing(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	a, b := x.Seed("Tickets", map[string]any{"ticketNumber": "T1"}), x.Seed("Tickets", map[string]any{"ticketNumber": "t2"})
	x.SeedRaw("TicketNotes", []byte(path(`{"id":1,"ticketID":"%d"}`, a)))
	x.SeedRaw("TicketNotes", []byte(`{"id":2,"ticketID":"none"}`))
	x.SeedRaw("TicketNotes", []byte(`{"id":3}`))
	x.Seed("TicketNotes", map[string]any{"id": 4, "ticketID": b})
	x.Seed("TicketNotes", map[string]any{"id": 5, "ticketID": a})
	check := func(filter string, want ...int64) {
		t.Helper()
		assert.Equal(t, want, x.query("TicketNotes", "["+filter+"]"), filter)
		// The same in the form that no index helps with.
		assert.Equal(t, want, x.query("TicketNotes", `[{"op":"or","items":[`+filter+`]}]`), filter)
	}
	of := func(op string, value any) string {
		return path(`{"op":"%s","field":"TICKETID","value":%s}`, op, text(value))
	}
	for range 2 {
		check(of("eq", a), 1, 5)
		check(of("eq", text(a)+".0"), 1, 5)
		check(of("eq", nil))
		check(of("eq", 7))
		check(of("in", []int64{b, a, b}), 1, 4, 5)
		check(of("in", []int64{}))
		check(of("noteq", a), 4)
		check(`{"op":"and","items":[`+of("eq", a)+`,{"op":"gt","field":"id","value":1}]}`, 5)
		check(`{"op":"in","field":"id","value":[5,3,99,3]}`, 3, 5)
		check(`{"op":"eq","field":"id","value":4.0}`, 4)
	}
	assert.Equal(t, []int64{b}, x.query("Tickets", `[{"op":"eq","field":"ticketNumber","value":"T2"}]`))

	// Rows move, come and go.
	x.Seed("TicketNotes", map[string]any{"id": 4, "ticketID": a})
	check(of("eq", a), 1, 4, 5)
	check(of("eq", b))
	x.Inject(autotasktest.Fault{Revert: true})
	x.post(path("Tickets/%d/Notes", b), noteBody).ok()
	check(of("eq", b))
	id := x.post(path("Tickets/%d/Notes", b), noteBody).itemID()
	check(of("eq", b), id)
	assert.Equal(t, []int64{1, 4, 5}, x.get(path("Tickets/%d/Notes", a)).ok().ids())
	entry := x.Seed("TimeEntries", map[string]any{"ticketID": a})
	entries := path(`[{"op":"eq","field":"ticketID","value":%d}]`, a)
	assert.Equal(t, []int64{entry}, x.query("TimeEntries", entries))
	x.do("DELETE", path("TimeEntries/%d", entry), "").ok()
	assert.Empty(t, x.query("TimeEntries", entries))
}

func TestPagingThroughAnIndex(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	ticket, other := x.Seed("Tickets", nil), x.Seed("Tickets", nil)
	var want, got []int64
	for range 7 {
		want = append(want, x.Seed("TicketNotes", map[string]any{"ticketID": ticket}))
		x.Seed("TicketNotes", map[string]any{"ticketID": other})
	}
	body := path(`{"MaxRecords":3,"filter":[{"op":"eq","field":"ticketID","value":%d}]}`, ticket)
	page := x.post("TicketNotes/query", body).ok()
	got = page.ids()
	for page.pageDetails()["nextPageUrl"] != nil {
		page = x.post(page.pageDetails()["nextPageUrl"].(string), body).ok()
		got = append(got, page.ids()...)
	}
	assert.Equal(t, want, got)
	page = x.post(page.pageDetails()["prevPageUrl"].(string), body).ok()
	assert.Equal(t, want[3:6], page.ids())

	// Without the id, the first page is the last one to be had.
	body = path(`{"MaxRecords":3,"IncludeFields":["title"],"filter":[{"op":"eq","field":"ticketID","value":%d}]}`, ticket)
	page = x.post("TicketNotes/query", body).ok()
	assert.Len(t, page.items(), 3)
	x.post(page.pageDetails()["nextPageUrl"].(string), body).refused("IncludeFields must contain id")
}

func TestFieldsAndEntitiesThatTakeFewQueries(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	ticket := x.Seed("Tickets", nil)
	history := x.Seed("TicketHistory", map[string]any{"ticketID": ticket, "action": "Created"})
	assert.Equal(t, []int64{history}, x.query("TicketHistory", path(`[{"op":"eq","field":"ticketID","value":%d}]`, ticket)))
	for _, filter := range []string{
		`{"op":"exist","field":"id"}`,
		`{"op":"in","field":"ticketID","value":[1]}`,
		`{"op":"eq","field":"ticketID","value":1},{"op":"gt","field":"id","value":0}`,
		`{"op":"and","items":[{"op":"eq","field":"ticketID","value":1}]}`,
	} {
		x.post("TicketHistory/query", `{"filter":[`+filter+`]}`).refused("TicketHistory can only be queried by")
		x.post("TicketHistory/query/count", `{"filter":[`+filter+`]}`).refused("TicketHistory can only be queried by")
	}
	for _, field := range []string{"Tickets creatorType", "Tickets lastActivityPersonType", "AttachmentInfo fileSize"} {
		collection, name, _ := strings.Cut(field, " ")
		x.post(collection+"/query", `{"filter":[{"op":"exist","field":"`+name+`"}]}`).refused("cannot be queried")
		assert.Equal(t, false, x.fields(collection)[name]["isQueryable"])
	}
}
