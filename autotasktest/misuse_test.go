package autotasktest_test

import (
	"bytes"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// misuses are ways to use the Server wrongly, and what it says of them.
var misuses = map[string]func(*autotasktest.Server){
	`the API has no collection "Tickets/Note"`:                            func(s *autotasktest.Server) { s.Seed("Tickets/Note", nil) },
	`the API has no collection "ticketnotes"; it is called "TicketNotes"`: func(s *autotasktest.Server) { s.Rows("ticketnotes") },
	`the API has no collection "Nothing"`:                                 func(s *autotasktest.Server) { s.Get("Nothing", 1) },
	`the API has no collection ""`:                                        func(s *autotasktest.Server) { s.SeedRaw("", nil) },
	`the API has no collection "TimeOffRequests/Approve"`:                 func(s *autotasktest.Server) { s.SetPicklist("TimeOffRequests/Approve", "x", nil) },
	`Seed: Tickets: Ticket has no field "tilte"; SeedRaw accepts any`:     func(s *autotasktest.Server) { s.Seed("Tickets", map[string]any{"tilte": "x"}) },
	`Seed: Tickets: status: Conversion failed`:                            func(s *autotasktest.Server) { s.Seed("Tickets", map[string]any{"status": "New"}) },
	`Seed: Tickets: title: json: unsupported type`:                        func(s *autotasktest.Server) { s.Seed("Tickets", map[string]any{"title": make(chan int)}) },
	`SeedRaw: Tickets: the item is not a JSON object`:                     func(s *autotasktest.Server) { s.SeedRaw("Tickets", []byte(`[]`)) },
	`SeedRaw: Tickets: the item has no id`:                                func(s *autotasktest.Server) { s.SeedRaw("Tickets", []byte(`{}`)) },
	`SetPicklist: Tickets: "tilte": Ticket has no such field`:             func(s *autotasktest.Server) { s.SetPicklist("Tickets", "tilte", nil) },
	`SetPicklist: Tickets: "id": the field can have no picklist`:          func(s *autotasktest.Server) { s.SetPicklist("Tickets", "id", nil) },
	`SetPicklist: Tickets: "dueDateTime": the field can have no picklist`: func(s *autotasktest.Server) { s.SetPicklist("Tickets", "dueDateTime", nil) },
	`SetPicklist: Tickets: "status": "New" is not a value for an integer field`: func(s *autotasktest.Server) {
		s.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{{Value: "New", Label: "New"}})
	},
	`SetPicklist: Tickets: "status": the value "1" is in the list twice`: func(s *autotasktest.Server) {
		s.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{{Value: "1", Label: "New"}, {Value: "1", Label: "Open"}})
	},
	`SetUDFs: Ticket: "site" is defined twice`: func(s *autotasktest.Server) {
		s.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Site"}, autotasktest.UDFDefinition{Name: "site"})
	},
	`SetUDFs: Ticket: "Site": the value "a" is in the list twice`: func(s *autotasktest.Server) {
		s.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Site", Picklist: []autotasktest.PicklistValue{{Value: "a"}, {Value: "a"}}})
	},
	`Seed: Tickets: status: "1" does not fit: the field is of the kind integer`:        func(s *autotasktest.Server) { s.Seed("Tickets", map[string]any{"status": "1"}) },
	`Seed: Tickets: status: Conversion failed when converting the varchar value '1.5'`: func(s *autotasktest.Server) { s.Seed("Tickets", map[string]any{"status": 1.5}) },
	`Seed: Tickets: title: 5 does not fit: the field is of the kind string`:            func(s *autotasktest.Server) { s.Seed("Tickets", map[string]any{"title": 5}) },
	`Seed: Companies: isActive: "true" does not fit: the field is of the kind boolean`: func(s *autotasktest.Server) { s.Seed("Companies", map[string]any{"isActive": "true"}) },
	`Seed: Companies: isActive: 1 does not fit`:                                        func(s *autotasktest.Server) { s.Seed("Companies", map[string]any{"isActive": 1}) },
	`Seed: Tickets: userDefinedFields: {"Site":"North"} does not fit: the field is of the kind udfs`: func(s *autotasktest.Server) {
		s.Seed("Tickets", map[string]any{"userDefinedFields": map[string]any{"Site": "North"}})
	},
	`SetReadAccess: 3 is no ReadAccess`:               func(s *autotasktest.Server) { s.SetReadAccess("Tickets", 3) },
	`ChangeLate: there is no Ticket 1`:                func(s *autotasktest.Server) { s.ChangeLate("Tickets", 1, nil, time.Second) },
	`ChangeLate: a change that shows after 0s is not`: func(s *autotasktest.Server) { s.ChangeLate("Tickets", 1, nil, 0) },
	`ChangeLate: Tickets: Ticket has no field "tilte"`: func(s *autotasktest.Server) {
		s.ChangeLate("Tickets", 1, map[string]any{"tilte": "x"}, time.Second)
	},
	`Merge: there is no Ticket 1`: func(s *autotasktest.Server) { s.Merge(1, s.Seed("Tickets", nil)) },
	`Merge: there is no Ticket 2`: func(s *autotasktest.Server) { s.Merge(s.Seed("Tickets", nil), 2) },
	`Merge: Ticket 7 cannot be merged with itself`: func(s *autotasktest.Server) {
		s.Seed("Tickets", map[string]any{"id": 7})
		s.Merge(7, 7)
	},
	`Merge: Ticket 7 is a problem or a change request`: func(s *autotasktest.Server) {
		s.Merge(s.Seed("Tickets", map[string]any{"id": 7, "ticketType": 4}), s.Seed("Tickets", nil))
	},
	`Seed: Tickets: id: -1 is not an id`:  func(s *autotasktest.Server) { s.Seed("Tickets", map[string]any{"id": -1}) },
	`Seed: Tickets: title is given twice`: func(s *autotasktest.Server) { s.Seed("Tickets", map[string]any{"title": "a", "Title": "b"}) },
	`Inject: the API has no operation "POST Ticket/Notes"; did you mean "POST Tickets/Notes"?`: func(s *autotasktest.Server) {
		s.Inject(autotasktest.Fault{Op: "POST Ticket/Notes", DropResponse: true})
	},
	`Inject: the API has no operation "POST tickets"; did you mean "POST Tickets"?`:     func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Op: "POST tickets", Hang: true}) },
	`Inject: the API has no operation "GET TimeEntry"; did you mean "GET TimeEntries"?`: func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Op: "GET TimeEntry", Hang: true}) },
	`Inject: the API has no operation "PATCH Tickets"`:                                  func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Op: "PATCH Tickets", Hang: true}) },
	`Inject: the API has no operation "POST TicketNotes"`:                               func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Op: "POST TicketNotes", Hang: true}) },
	`Inject: the fault does nothing`:                                                    func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Op: "GET Tickets", Times: 3}) },
	`Inject: Skip is less than 0`:                                                       func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Skip: -1, Hang: true}) },
	`Inject: without a Status, Body does nothing`:                                       func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Hang: true, Body: "{}"}) },
	`Inject: without a Status or a Redirect, Header does nothing`: func(s *autotasktest.Server) {
		s.Inject(autotasktest.Fault{Hang: true, Header: http.Header{"Retry-After": {"5"}}})
	},
	`Inject: "POST Tickets/5" is not an operation such as "POST Tickets/Notes"`: func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Op: "POST Tickets/5"}) },
	`Inject: "Tickets" is not an operation`:                                     func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Op: "Tickets"}) },
	`Inject: "post Tickets" is not an operation`:                                func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Op: "post Tickets"}) },
	`Inject: 99 is not a status of an answer`:                                   func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Status: 99}) },
	`Inject: a GzipBomb needs an Oversize`:                                      func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{GzipBomb: true}) },
	`Inject: "example.com" is not an origin such as "https://example.com"`:      func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{ForeignNextPage: "example.com"}) },
	`Inject: "https://example.com/x" is not an origin`:                          func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{ForeignNextPage: "https://example.com/x"}) },
	`Inject: with Refuse, ApplyAfter does nothing`:                              func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{ApplyAfter: 1, Refuse: true}) },
	`Inject: 5m0.000000001s is not a valid Lands`:                               func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Lands: 5*time.Minute + 1}) },
	`Inject: Lands is less than 0`:                                              func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{Lands: -1}) },
	`Inject: ResetStream needs a tenant of NewHTTP2 or NewInProcess`:            func(s *autotasktest.Server) { s.Inject(autotasktest.Fault{ResetStream: 1}) },
	`Remove: there is no Ticket 1`:                                              func(s *autotasktest.Server) { s.Remove("Tickets", 1) },
	`the API has no collection "Y"`:                                             func(s *autotasktest.Server) { s.Remove("Y", 1) },
	`Change: there is no Ticket 1`:                                              func(s *autotasktest.Server) { s.Change("Tickets", 1, nil) },
	`Change: Tickets: Ticket has no field "x"`:                                  func(s *autotasktest.Server) { s.Change("Tickets", 1, map[string]any{"x": 1}) },
	`the API has no collection "X"`:                                             func(s *autotasktest.Server) { s.Change("X", 1, nil) },
	`SetUDFs: TimeEntry has no user-defined fields`:                             func(s *autotasktest.Server) { s.SetUDFs("TimeEntries", autotasktest.UDFDefinition{Name: "x"}) },
	`SetUDFs: Ticket: a definition has no name`:                                 func(s *autotasktest.Server) { s.SetUDFs("Tickets", autotasktest.UDFDefinition{}) },
	`FireWebhooks: there are no webhooks for "Create" of Resource`:              func(s *autotasktest.Server) { s.FireWebhooks("Create", "Resources", autotasktest.APIUserID) },
	`FireWebhooks: there are no webhooks for "Deactivated" of Ticket`:           func(s *autotasktest.Server) { s.FireWebhooks("Deactivated", "Tickets", 1) },
	`FireWebhooks: there is no Ticket 1`:                                        func(s *autotasktest.Server) { s.FireWebhooks("Create", "Tickets", 1) },
	`WebhookFieldID: no webhook reports "nothing" of Ticket`:                    func(s *autotasktest.Server) { s.WebhookFieldID("Tickets", "nothing") },
	`WebhookFieldID: no webhook reports "name" of Resource`:                     func(s *autotasktest.Server) { s.WebhookFieldID("Resources", "name") },
	`Client: `: func(s *autotasktest.Server) { s.Client(autotask.WithBaseURL("nonsense")) },
}

func TestWrongUsePanicsInAProgram(t *testing.T) {
	t.Parallel()
	srv := autotasktest.Start()
	defer srv.Close()
	for message, misuse := range misuses {
		assert.Contains(t, panicOf(func() { misuse(srv) }), "autotasktest: "+message)
	}
	assert.NotNil(t, srv.Client())
}

func panicOf(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return ""
}

// fakeT is a test that only takes note of its failures.
type fakeT struct {
	testing.TB
	mu             sync.Mutex
	fatals, errors []string
}

func (t *fakeT) Helper() {}

func (t *fakeT) Fatalf(format string, args ...any) {
	t.fatals = append(t.fatals, fmt.Sprintf(format, args...))
}

func (t *fakeT) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}

func (t *fakeT) reported() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.errors...)
}

func TestWrongUseFailsATest(t *testing.T) {
	t.Parallel()
	for message, misuse := range misuses {
		fake := &fakeT{TB: t}
		misuse(autotasktest.NewServer(fake))
		require.Len(t, fake.fatals, 1, message)
		assert.Contains(t, fake.fatals[0], "autotasktest: "+message)
	}
}

func TestTroubleInAHandlerIsReported(t *testing.T) {
	t.Parallel()
	fake := &fakeT{TB: t}
	x := newTenant(t)
	x.Server = autotasktest.NewServer(fake)
	id := x.Seed("Tickets", nil)

	x.Inject(autotasktest.Fault{Edit: func(map[string]any) { panic("out of order") }})
	_, err := x.send(x.request("POST", "Tickets", newTicket("")))
	require.Error(t, err)
	assert.Equal(t, []string{"autotasktest: panic in a handler: out of order"}, fake.reported())

	x.Inject(autotasktest.Fault{Times: 2, Edit: func(map[string]any) {}})
	x.post("Tickets/query", `{"filter":[]}`).ok()
	x.get("Tickets/4711").ok()
	assert.Contains(t, fake.reported()[1], "POST Tickets/query was not about one that exists")
	assert.Contains(t, fake.reported()[2], "GET Tickets was not about one that exists")

	x.Inject(autotasktest.Fault{Edit: func(row map[string]any) { row["title"] = make(chan int) }})
	x.get(path("Tickets/%d", id)).ok()
	assert.Contains(t, fake.reported()[3], "title: json: unsupported type")
}

func TestTroubleInAProgramIsLogged(t *testing.T) { //nolint:paralleltest // it replaces the standard logger
	var logged bytes.Buffer
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	x := newTenant(t)
	x.Server = autotasktest.Start()
	x.Inject(autotasktest.Fault{Edit: func(map[string]any) {}})
	x.get("Tickets/1").ok()
	x.Server.Close()
	assert.Contains(t, logged.String(), "autotasktest: the Edit of a fault has no row to edit")
}
