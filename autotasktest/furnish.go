package autotasktest

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/autotask-go/autotask/internal/schema"
)

// firstID is the first id of new rows, above every initial id.
const firstID = 29684000

// Companies that every tenant starts with.
const (
	// OwnCompanyID is the tenant's own company: 0 is an id like any other.
	OwnCompanyID int64 = 0
	// CustomerID is a customer.
	CustomerID int64 = 175
)

// furnish adds what a ticket needs to a new tenant: people, companies and picklists.
func (s *Server) furnish() {
	f := furnishing()
	s.picklists = f.picklists
	s.tables = make(map[*schema.Entity]*table)
	now := s.stamp()
	for _, m := range f.rows {
		s.table(m.entity).put(m.row(now))
	}
}

// furniture is the initial content of every tenant. It is built once and shared, so
// that a test can create thousands of tenants; nobody may change it.
type furniture struct {
	picklists map[*schema.Field][]PicklistValue
	rows      []model
}

// model is a row without its dates.
type model struct {
	entity *schema.Entity
	id     int64
	fields object
	dates  []int // fields that hold the moment at which the tenant came to be
}

func (m model) row(now json.RawMessage) *row {
	fields := slices.Clone(m.fields)
	for _, i := range m.dates {
		fields[i].value = now
	}
	return &row{id: m.id, fields: fields}
}

var furnishing = sync.OnceValue(func() *furniture {
	f := &furniture{picklists: make(map[*schema.Field][]PicklistValue)}
	for name, values := range picklists {
		f.picklists[schema.Lookup(name.collection).Entity.Field(name.field)] = values
	}
	fieldPicklists(f.picklists)
	// A tenant of its own, with a clock that stands still, seeds the rows. What
	// shows its time is a date to fill in.
	made := time.Unix(0, 0)
	s := &Server{
		picklists: f.picklists,
		tables:    make(map[*schema.Entity]*table),
		clock:     func() time.Time { return made },
	}
	for _, start := range firstRows {
		e := schema.Lookup(start.collection).Entity
		given, err := givenFields(e, start.fields)
		if err != nil {
			panic(err)
		}
		id := s.seed(e, given)
		f.rows = append(f.rows, modelOf(e, s.table(e).rows[id], formatDate(made)))
	}
	return f
})

func modelOf(e *schema.Entity, r *row, made json.RawMessage) model {
	m := model{entity: e, id: r.id, fields: r.fields}
	for i, f := range r.fields {
		if bytes.Equal(f.value, made) {
			m.dates = append(m.dates, i)
		}
	}
	return m
}

// firstRows are the rows that a tenant starts with.
var firstRows = []struct {
	collection string
	fields     map[string]any
}{
	{"Resources", map[string]any{"id": APIUserID, "firstName": "API", "lastName": "User", "isActive": true}},
	{"Resources", map[string]any{"id": TechnicianID, "firstName": "Tess", "lastName": "Technician", "isActive": true}},
	{"Roles", map[string]any{"id": TechnicianRoleID, "name": "Technician", "isActive": true}},
	{"ResourceRoles", map[string]any{"id": 29683004, "resourceID": TechnicianID, "roleID": TechnicianRoleID, "isActive": true}},
	{"Companies", map[string]any{"id": OwnCompanyID, "companyName": "Fake Service Provider"}},
	{"Companies", map[string]any{"id": CustomerID, "companyName": "First Customer"}},
}

type picklistName struct{ collection, field string }

// picklists are the initial picklists. The statuses contain the trap of
// docs/api-notes.md, section 7.6: 8 is labelled Completed and completes nothing.
var picklists = map[picklistName][]PicklistValue{
	{"Tickets", "status"}: {
		{Value: "1", Label: "New", Default: true, System: true},
		{Value: "5", Label: "Complete", System: true},
		{Value: "7", Label: "Waiting Vendor"},
		{Value: "8", Label: "Completed"},
		{Value: "9", Label: "Waiting Customer", Inactive: true},
		{Value: "10", Label: "In Progress"},
	},
	{"Tickets", "priority"}: {
		{Value: "4", Label: "Critical"},
		{Value: "1", Label: "High"},
		{Value: "2", Label: "Medium", Default: true},
		{Value: "3", Label: "Low"},
	},
	{"Tickets", "queueID"}: {
		{Value: "5", Label: "Client Portal", System: true},
		{Value: "8", Label: "Monitoring Alert", System: true},
		{Value: "29683354", Label: "Service Desk", Default: true},
	},
	{"Tickets", "issueType"}: {
		{Value: "10", Label: "Computer", Default: true},
		{Value: "11", Label: "Network"},
	},
	{"Tickets", "subIssueType"}: {
		{Value: "136", Label: "Backup", Parent: "10"},
		{Value: "137", Label: "Hardware", Parent: "10"},
		{Value: "147", Label: "Hardware", Parent: "11"},
		{Value: "148", Label: "Slow Network", Parent: "11"},
	},
	{"Tickets", "source"}: {
		{Value: "2", Label: "Phone", Default: true},
		{Value: "4", Label: "Email"},
		{Value: "8", Label: "Monitoring Alert"},
	},
	{"Tickets", "ticketCategory"}: {
		{Value: "3", Label: "Standard", Default: true, System: true},
		{Value: "2", Label: "AEM Alert", System: true},
	},
	{"Tickets", "ticketType"}: {
		{Value: "1", Label: "Service Request", Default: true, System: true},
		{Value: "2", Label: "Incident", System: true},
		{Value: "3", Label: "Problem", System: true},
		{Value: "4", Label: "Change Request", System: true},
		{Value: "5", Label: "Alert", System: true},
	},
	{"TicketNotes", "noteType"}: {
		{Value: "1", Label: "Task Summary", Default: true},
		{Value: "2", Label: "Task Detail"},
		{Value: "3", Label: "Task Notes"},
		{Value: "13", Label: "Workflow Rule Note", System: true},
	},
	{"TicketNotes", "publish"}: {
		{Value: "1", Label: "All Autotask Users", Default: true, System: true},
		{Value: "2", Label: "Internal Project Team", System: true},
	},
	{"TimeEntries", "timeEntryType"}: {
		{Value: "2", Label: "Ticket", System: true},
		{Value: "5", Label: "Internal", System: true},
		{Value: "6", Label: "Task", System: true},
	},
}
