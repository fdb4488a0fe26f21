package schema

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kinds of collections that the counts below are about.
func isRoot(c *Collection) bool  { return c.Parent == "" }
func isChild(c *Collection) bool { return c.Parent != "" }

func count(belongs func(*Collection) bool, v Verb) int {
	n := 0
	for _, c := range All() {
		if belongs(c) && c.Verbs.Has(v) {
			n++
		}
	}
	return n
}

// The numbers are those of the vendor's Swagger of June 2026. Tickets loses its
// PATCH, which does not work.
func TestCounts(t *testing.T) {
	t.Parallel()
	assert.Equal(t, map[string]int{
		"roots": 232, "roots with query": 221, "with count": 221, "with get": 221, "with create": 61,
		"with put": 72, "with patch": 72 - 1, "with delete": 27, "with list": 0,
		"with info": 232, "with fields": 232, "with udfs": 213,
	}, map[string]int{
		"roots": count(isRoot, 0), "roots with query": count(isRoot, Query), "with count": count(isRoot, Count),
		"with get": count(isRoot, Get), "with create": count(isRoot, Create), "with put": count(isRoot, Put),
		"with patch": count(isRoot, Patch), "with delete": count(isRoot, Delete), "with list": count(isRoot, List),
		"with info": count(isRoot, Info), "with fields": count(isRoot, FieldInfo), "with udfs": count(isRoot, UDFInfo),
	})
	assert.Equal(t, map[string]int{
		"children": 142, "with list": 133, "with get": 131, "with create": 122, "with put": 67, "with patch": 67,
		"with delete": 88, "with query": 0, "with count": 0, "with info": 123, "with fields": 123, "with udfs": 123,
	}, map[string]int{
		"children": count(isChild, 0), "with list": count(isChild, List), "with get": count(isChild, Get),
		"with create": count(isChild, Create), "with put": count(isChild, Put), "with patch": count(isChild, Patch),
		"with delete": count(isChild, Delete), "with query": count(isChild, Query), "with count": count(isChild, Count),
		"with info": count(isChild, Info), "with fields": count(isChild, FieldInfo), "with udfs": count(isChild, UDFInfo),
	})
	assert.Len(t, Entities(), 231)
	assert.Len(t, Services(), 18)
}

// requests lists what a verb stands for, to count back to the Swagger.
var requests = map[Verb][]string{
	Query:     {"GET /query", "POST /query"},
	Count:     {"GET /query/count", "POST /query/count"},
	Get:       {"GET /{id}"},
	List:      {"GET "},
	Create:    {"POST "},
	Put:       {"PUT "},
	Patch:     {"PATCH "},
	Delete:    {"DELETE /{id}"},
	Info:      {"GET /entityInformation"},
	FieldInfo: {"GET /entityInformation/fields"},
	UDFInfo:   {"GET /entityInformation/userDefinedFields"},
}

func TestNothingOfTheSwaggerIsLost(t *testing.T) {
	t.Parallel()
	operations := make(map[string]bool)
	paths := make(map[string]bool)
	add := func(method, path string) {
		operations[method+" "+path] = true
		paths[path] = true
	}
	for _, c := range All() {
		for verb, list := range requests {
			if !c.Verbs.Has(verb) {
				continue
			}
			for _, request := range list {
				method, rest, _ := strings.Cut(request, " ")
				add(method, strings.Replace(c.Path, "/", "/{parentId}/", 1)+rest)
			}
		}
	}
	for _, s := range Services() {
		add(s.Method, s.Path)
	}
	assert.Len(t, paths, 2077)
	assert.Len(t, operations, 3009-1, "all but PATCH on Tickets")
}

func TestServices(t *testing.T) {
	t.Parallel()
	services := Services()
	for _, s := range []Service{
		{Method: "GET", Path: "ZoneInformation"},
		{Method: "GET", Path: "ThresholdInformation"},
		{Method: "GET", Path: "VersionInformation", Unversioned: true},
		{Method: "GET", Path: "Invoices/{id}/InvoicePdf"},
		{Method: "PUT", Path: "Companies/{id}/invoiceSettings"},
		{Method: "GET", Path: "Resources/{parentId}/TimeOffBalances/{year}"},
		{Method: "GET", Path: "TimeOffRequests/{parentId}/Approve"},
	} {
		assert.Contains(t, services, s)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	const described = Info | FieldInfo | UDFInfo
	tests := map[string]struct {
		entity      string
		verbs       Verb
		parent      string
		segment     string
		parentField string
		root        string
	}{
		"Tickets":     {"Ticket", Query | Count | Get | Create | Put | described, "", "Tickets", "", "Tickets"},
		"TicketNotes": {"TicketNote", Query | Count | Get | described, "", "TicketNotes", "", "TicketNotes"},
		"Tickets/Notes": {
			"TicketNote", List | Get | Create | Put | Patch | described,
			"Tickets", "Notes", "ticketID", "TicketNotes",
		},
		"TimeEntries": {
			"TimeEntry", Query | Count | Get | Create | Put | Patch | Delete | described,
			"", "TimeEntries", "", "TimeEntries",
		},
		"Companies": {
			"Company", Query | Count | Get | Create | Put | Patch | described,
			"", "Companies", "", "Companies",
		},
		"Contacts": {"Contact", Query | Count | Get | described, "", "Contacts", "", "Contacts"},
		"Companies/Contacts": {
			"Contact", List | Get | Create | Put | Patch | Delete | described,
			"Companies", "Contacts", "companyID", "Contacts",
		},
		"Tickets/Attachments": {
			"TicketAttachment", List | Get | Create | Delete,
			"Tickets", "Attachments", "ticketID", "TicketAttachments",
		},
		"TicketWebhooks/Fields": {
			"TicketWebhookField", List | Get | Create | Put | Patch | Delete | described,
			"TicketWebhooks", "Fields", "webhookID", "TicketWebhookFields",
		},
		"InventoryProducts/StockedItemsAdd": {
			"InventoryStockedItemAdd", Create | described,
			"InventoryProducts", "StockedItemsAdd", "inventoryProductID", "InventoryStockedItemsAdd",
		},
	}
	for path, tt := range tests {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			c := Lookup(path)
			require.NotNil(t, c)
			assert.Equal(t, path, c.Path)
			assert.Equal(t, tt.entity, c.Entity.Name)
			assert.Equal(t, tt.verbs.String(), c.Verbs.String())
			assert.Equal(t, tt.parent, c.Parent)
			assert.Equal(t, tt.segment, c.Segment)
			assert.Equal(t, tt.parentField, c.ParentField)
			assert.Same(t, Lookup(tt.root), c.Root())
		})
	}
}

func TestLookupIsExact(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "tickets", "TICKETS", "Ticket", "TicketNote", "Tickets/", "/Tickets", "Tickets/TimeEntries", "ZoneInformation"} {
		assert.Nil(t, Lookup(path), path)
	}
}

func TestContractRoutes(t *testing.T) {
	t.Parallel()
	assert.False(t, Lookup("Tickets").Verbs.Has(Patch), "section 4: not supported")
	assert.False(t, Lookup("TicketNotes").Verbs.Has(Create), "section 7: not found")
	assert.True(t, Lookup("Tickets/Notes").Verbs.Has(Create), "section 7: the only way")
}

func TestCollectionWithoutRows(t *testing.T) {
	t.Parallel()
	approve := Lookup("TimeOffRequests/Approve")
	assert.Nil(t, approve.Entity)
	assert.Nil(t, approve.Root())
	assert.Equal(t, "info fields udfs", approve.Verbs.String())
}

func TestAllIsSortedAndOwned(t *testing.T) {
	t.Parallel()
	all := All()
	assert.True(t, slices.IsSortedFunc(all, func(a, b *Collection) int { return strings.Compare(a.Path, b.Path) }))
	all[0] = nil
	assert.NotNil(t, All()[0], "a caller's changes stay with the caller")
}

func TestEntities(t *testing.T) {
	t.Parallel()
	all := Entities()
	assert.True(t, slices.IsSortedFunc(all, func(a, b *Entity) int { return strings.Compare(a.Name, b.Name) }))
	withUDFs := 0
	for _, e := range all {
		assert.Equal(t, "id", e.Fields[0].Name, e.Name)
		assert.Nil(t, e.Field("soapParentPropertyId"), e.Name)
		assert.NotEmpty(t, e.Collections(), e.Name)
		if e.HasUDFs() {
			withUDFs++
		}
	}
	assert.Equal(t, 14, withUDFs)
	assert.Equal(t, "Account", Lookup("Companies").Entity.Legacy)
	assert.Equal(t, "TicketCost", Lookup("TicketCharges").Entity.Legacy)
	assert.Empty(t, Lookup("Tickets").Entity.Legacy)
}

func TestTicketFields(t *testing.T) {
	t.Parallel()
	ticket := Lookup("Tickets").Entity
	assert.Len(t, ticket.Fields, 76)
	assert.True(t, ticket.HasUDFs())
	assert.Equal(t, &Field{Name: "companyID", Kind: Integer, Bits: 32, Required: true, Stabilising: true, ZeroIsValue: true, References: "Company"}, ticket.Field("CompanyID"))
	assert.Equal(t, &Field{Name: "resolution", Kind: String, MaxLength: 32000}, ticket.Field("resolution"))
	assert.Equal(t, &Field{Name: "subIssueType", Kind: Integer, Bits: 32, Picklist: true, Stabilising: true, PicklistParent: "issueType"}, ticket.Field("subIssueType"))
	assert.Equal(t, &Field{Name: "completedDate", Kind: DateTime, ReadOnly: true}, ticket.Field("completedDate"))
	assert.Equal(t, &Field{Name: "problemTicketId", Kind: Integer, Bits: 32, References: "Ticket"}, ticket.Field("problemTicketID"))
	assert.Nil(t, ticket.Field("nothing"))

	assert.Equal(t, []string{"companyID", "priority", "status", "title"},
		namesWhere(ticket, func(f *Field) bool { return f.Required }))
	assert.ElementsMatch(t, strings.Fields(`companyID queueID title priority status dueDateTime ticketCategory issueType
		subIssueType source organizationalLevelAssociationID`),
		namesWhere(ticket, func(f *Field) bool { return f.Stabilising }))
}

func TestNoteAndTimeEntryFields(t *testing.T) {
	t.Parallel()
	required := func(f *Field) bool { return f.Required }
	assert.Equal(t, []string{"description", "noteType", "publish", "ticketID", "title"},
		namesWhere(Lookup("TicketNotes").Entity, required))
	assert.Equal(t, []string{"resourceID"}, namesWhere(Lookup("TimeEntries").Entity, required))
}

func TestStabilisingIsForTicketsOnly(t *testing.T) {
	t.Parallel()
	for _, e := range Entities() {
		if e.Name != "Ticket" {
			assert.Empty(t, namesWhere(e, func(f *Field) bool { return f.Stabilising }), e.Name)
		}
	}
}

func namesWhere(e *Entity, wanted func(*Field) bool) []string {
	var names []string
	for _, f := range e.Fields {
		if wanted(f) {
			names = append(names, f.Name)
		}
	}
	return names
}

func TestKindString(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "integer", Integer.String())
	assert.Equal(t, "udfs", UDFs.String())
	assert.Empty(t, Kind(0).String())
	assert.Empty(t, Kind(200).String())
}

func TestMustParsePanicsOnABadTable(t *testing.T) {
	t.Parallel()
	assert.PanicsWithError(t, `schema: embedded table: line 1: "ship" is neither entity, collection nor service`,
		func() { mustParse("ship") })
}
