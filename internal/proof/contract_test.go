package proof_test

// One test, at least, for each fact of the class CONTRACT in docs/api-notes.md.
// The numbers in the names are the sections of the contract that the facts were
// written down in.

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

func TestContract_0_ATServicesRestIsCaseSensitive(t *testing.T) {
	t.Parallel()
	for _, other := range []string{"atservicesrest", "AtServicesRest", "ATSERVICESREST"} {
		_, err := autotask.NewClient(kit.Credentials(), autotask.WithBaseURL("https://webservices19.autotask.net/"+other+"/V1.0"))
		require.Error(t, err, other)
		assert.Contains(t, err.Error(), kit.Base, "the message gives the right spelling")
	}
	_, err := autotask.NewClient(kit.Credentials(), autotask.WithBaseURL(kit.Base))
	require.NoError(t, err)

	// The spelling reaches the wire as it is.
	srv, client := kit.Tenant(t)
	_, err = client.Tickets.Get(t.Context(), srv.Seed("Tickets", nil))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(srv.Requests()[0].Path, "/ATServicesRest/V1.0/"), srv.Requests()[0].Path)
}

func TestContract_0_1_TicketIDIsTheOnlyIdentifierOfSingleTicketCalls(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261123.0042"})
	ticket, err := client.Tickets.GetByNumber(t.Context(), "T20261123.0042")
	require.NoError(t, err)
	assert.Equal(t, id, ticket.ID)
	assert.Equal(t, []string{"POST Tickets/query", "GET Tickets"}, kit.Ops(srv), "the number is resolved first")
}

func TestContract_0_1_PATCHOfTicketsIsImpossible(t *testing.T) {
	t.Parallel()
	// The generic door: Ticket lacks the method that Patch demands.
	_, patchable := any(autotask.Ticket{}).(autotask.Patchable)
	assert.False(t, patchable)
	_, updatable := any(autotask.Ticket{}).(autotask.Updatable)
	assert.True(t, updatable)

	// A caller's own type for the same collection is stopped before the network.
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	err := autotask.Patch(t.Context(), client, id, &smuggler{Title: autotask.Value("changed")})
	require.ErrorIs(t, err, autotask.ErrUnsupported)
	_, err = autotask.Update(t.Context(), client, id, func(s *smuggler) error {
		s.Title.Set("changed")
		return nil
	})
	require.ErrorIs(t, err, autotask.ErrUnsupported)
	assert.Empty(t, kit.Writes(srv))
}

// smuggler is a type that claims tickets could be PATCHed.
type smuggler struct {
	ID    int64                     `json:"id,omitzero"`
	Title autotask.Optional[string] `json:"title,omitzero"`
}

func (smuggler) Collection() string { return "Tickets" }
func (smuggler) CanGet()            {}
func (smuggler) CanUpdate()         {}
func (smuggler) CanPatch()          {}

// shouter is a type that spells the collection in another casing.
type shouter struct {
	ID    int64                     `json:"id,omitzero"`
	Title autotask.Optional[string] `json:"title,omitzero"`
}

func (shouter) Collection() string { return "TICKETS" }
func (shouter) CanGet()            {}
func (shouter) CanUpdate()         {}

func TestContract_4_NoCasingLeadsRoundTheStabilisingFields(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	mock.RegisterResponder(http.MethodGet, kit.Base+"/TICKETS/5", httpmock.NewStringResponder(200, `{"item":{"id":5,"title":"a"}}`))
	_, err := autotask.Update(t.Context(), client, 5, func(s *shouter) error { s.Title.Set("b"); return nil })
	require.ErrorIs(t, err, autotask.ErrMissingField)
	assert.Equal(t, 1, mock.GetTotalCallCount())
}

func TestContract_0_1_PUTIsAlwaysAFullUpdate(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	before := srv.Get("Tickets", id)
	_, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.Title = "Another title"
		return nil
	})
	require.NoError(t, err)
	sent := kit.Object(t, kit.Bodies(srv, "PUT Tickets")[0])
	for name := range before {
		if !kit.ReadOnlyTicketFields[name] {
			assert.Contains(t, sent, name)
		}
	}
}

func TestContract_0_1_FieldsAndValuesAreNeverGuessed(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	for name, create := range map[string]func() error{
		"ticket without a status": func() error {
			_, err := client.Tickets.Create(t.Context(), &autotask.Ticket{Title: "x", Priority: 1})
			return err
		},
		"note without publish": func() error {
			n := kit.Note()
			n.Publish = 0
			_, err := client.Notes.Create(t.Context(), id, n)
			return err
		},
		"resolution without anything to do": func() error {
			_, err := client.Resolve(t.Context(), id, autotask.Resolution{})
			return err
		},
	} {
		require.ErrorIs(t, create(), autotask.ErrInvalid, name)
	}
	assert.Empty(t, srv.Requests(), "nothing was sent")
}

func TestContract_1_TicketNumberIsResolvedByQuery(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261123.0001"})
	recurring := srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261123.0001.002"})
	id, err := client.Tickets.IDByNumber(t.Context(), "T20261123.0001.002")
	require.NoError(t, err)
	assert.Equal(t, recurring, id)
	require.Equal(t, []string{"POST Tickets/query"}, kit.Ops(srv))
	sent := kit.Object(t, srv.Requests()[0].Body)
	assert.Equal(t, []any{map[string]any{"op": "eq", "field": "ticketNumber", "value": "T20261123.0001.002"}}, sent["filter"])
}

func TestContract_1_UnknownTicketNumberIsNotFound(t *testing.T) {
	t.Parallel()
	_, client := kit.Tenant(t)
	_, err := client.Tickets.IDByNumber(t.Context(), "T19990101.0001")
	require.ErrorIs(t, err, autotask.ErrNotFound)
	_, err = client.Tickets.IDByNumber(t.Context(), " ")
	require.ErrorIs(t, err, autotask.ErrInvalid)
}

func TestContract_1_AmbiguousTicketNumberNamesTheTickets(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	first := srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261123.0007"})
	second := srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261123.0007"})
	_, err := client.Tickets.IDByNumber(t.Context(), "T20261123.0007")
	require.ErrorIs(t, err, autotask.ErrAmbiguous)
	var ambiguous *autotask.AmbiguousError
	require.ErrorAs(t, err, &ambiguous)
	assert.Equal(t, []int64{first, second}, ambiguous.IDs())
}

func TestContract_1_AnUnfilteredAnswerIsNotTakenForTheTicket(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	mock.RegisterResponder(http.MethodPost, kit.Base+"/Tickets/query", httpmock.NewStringResponder(200,
		`{"items":[{"id":5,"ticketNumber":"T20260101.0099"}],"pageDetails":{"count":1,"nextPageUrl":null}}`))
	_, err := client.Tickets.IDByNumber(t.Context(), "T20261123.0001")
	require.Error(t, err)
	require.NotErrorIs(t, err, autotask.ErrNotFound)
}

func TestContract_2_TicketIsReadBeforeAnyUpdate(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	for range 2 {
		srv.ResetRequests()
		_, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
			t.Title += "!"
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, []string{"GET Tickets", "PUT Tickets", "GET Tickets"}, kit.Ops(srv), "each update reads anew")
	}
}

func TestContract_2_1_FieldsAreReadFromItem(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	mock.RegisterResponder(http.MethodGet, kit.Base+"/Tickets/7", httpmock.NewStringResponder(200,
		`{"issueType":1,"subIssueType":2,"source":3,"item":{"id":7,"title":"t","issueType":11,"subIssueType":12,"source":13}}`))
	ticket, err := client.Tickets.Get(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, autotask.Int(11), ticket.IssueType)
	assert.Equal(t, autotask.Int(12), ticket.SubIssueType)
	assert.Equal(t, autotask.Int(13), ticket.Source)
}

func TestContract_2_1_AnAnswerWithoutItemIsNotATicket(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	mock.RegisterResponder(http.MethodGet, kit.Base+"/Tickets/7", httpmock.NewStringResponder(200, `{"id":7,"title":"t"}`))
	mock.RegisterResponder(http.MethodGet, kit.Base+"/Tickets/8", httpmock.NewStringResponder(200, `{"item":null}`))
	_, err := client.Tickets.Get(t.Context(), 7)
	require.Error(t, err)
	require.NotErrorIs(t, err, autotask.ErrNotFound)
	_, err = client.Tickets.Get(t.Context(), 8)
	require.ErrorIs(t, err, autotask.ErrNotFound)
}

func TestContract_2_1_PUTBodyIsNotWrappedInItem(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	_, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.Resolution.Set("done")
		return nil
	})
	require.NoError(t, err)
	sent := kit.Object(t, kit.Bodies(srv, "PUT Tickets")[0])
	assert.NotContains(t, sent, "item")
	assert.Contains(t, sent, "id")
	assert.Equal(t, "done", sent["resolution"])
}

func TestContract_3_StatusPicklistGivesIDsAndLabels(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	srv.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{
		{Value: "1", Label: "New"}, {Value: "29683", Label: "Waiting Parts"},
	})
	statuses, err := client.Picklists.Values(t.Context(), "Tickets", "status")
	require.NoError(t, err)
	assert.Equal(t, []string{"GET Tickets/entityInformation/fields"}, kit.Ops(srv))
	label, ok := statuses.Label(29683)
	assert.True(t, ok)
	assert.Equal(t, "Waiting Parts", label)
	id, err := statuses.ID("waiting parts")
	require.NoError(t, err)
	assert.Equal(t, int64(29683), id)
}

func TestContract_3_NothingIsConcludedFromALabel(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	srv.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{
		{Value: "1", Label: "Complete"}, {Value: "5", Label: "In Progress"},
	})
	srv.Seed("Tickets", map[string]any{"status": 1})
	closed := srv.Seed("Tickets", map[string]any{"status": 1})
	_, err := client.Tickets.Update(t.Context(), closed, func(t *autotask.Ticket) error {
		t.Status = 5
		return nil
	})
	require.NoError(t, err)
	semantics, err := client.Tickets.StatusSemantics(t.Context())
	require.NoError(t, err)
	evidence := map[string]autotask.Evidence{}
	for _, s := range semantics {
		evidence[s.Label] = s.SetsTimestamps
	}
	assert.Equal(t, map[string]autotask.Evidence{
		"Complete": autotask.EvidenceDoesNotSet, "In Progress": autotask.EvidenceSets,
	}, evidence)
}

func TestContract_4_MissingStabilisingFieldStopsTheUpdate(t *testing.T) {
	t.Parallel()
	for _, name := range stabilisingFields {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, _ := kit.Tenant(t)
			id := srv.Seed("Tickets", nil)
			item := srv.Get("Tickets", id)
			delete(item, name)
			client, mock := kit.Mocked(t)
			mock.RegisterResponder(http.MethodGet, kit.Base+"/Tickets/"+kit.IDText(id), httpmock.NewJsonResponderOrPanic(200, map[string]any{"item": item}))
			_, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
				t.Resolution.Set("done")
				return nil
			})
			require.ErrorIs(t, err, autotask.ErrMissingField)
			assert.Contains(t, err.Error(), name)
			assert.Equal(t, 1, mock.GetTotalCallCount(), "nothing but the read was sent")
		})
	}
}

func TestContract_4_NullStabilisingFieldIsAValue(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"subIssueType": nil, "organizationalLevelAssociationID": nil, "queueID": nil})
	_, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.Resolution.Set("done")
		return nil
	})
	require.NoError(t, err)
	sent := kit.Object(t, kit.Bodies(srv, "PUT Tickets")[0])
	for _, name := range []string{"subIssueType", "organizationalLevelAssociationID", "queueID"} {
		value, there := sent[name]
		assert.True(t, there, name)
		assert.Nil(t, value, name)
	}
}

func TestContract_4_OnlyTheIntendedFieldsChange(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"description": "as it was", "estimatedHours": 3.5, "purchaseOrderNumber": "PO-7"})
	before := srv.Get("Tickets", id)
	_, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.QueueID.SetNull()
		return nil
	})
	require.NoError(t, err)
	after := srv.Get("Tickets", id)
	for name, was := range before {
		switch {
		case name == "queueID":
			assert.Nil(t, after[name])
		case !kit.ReadOnlyTicketFields[name]:
			assert.Equal(t, was, after[name], name)
		}
	}
}

func TestContract_6_TimeEntriesAreFoundByQuery(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	without := srv.Seed("Tickets", nil)
	with := srv.Seed("Tickets", nil)
	srv.Seed("TimeEntries", map[string]any{"ticketID": with})
	for id, want := range map[int64]bool{without: false, with: true} {
		srv.ResetRequests()
		exist, err := client.TimeEntries.Exist(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, want, exist)
		require.Equal(t, []string{"POST TimeEntries/query"}, kit.Ops(srv))
		sent := kit.Object(t, srv.Requests()[0].Body)
		require.Len(t, sent["filter"], 1)
		condition := sent["filter"].([]any)[0].(map[string]any)
		assert.Equal(t, "eq", condition["op"])
		assert.Equal(t, "ticketID", condition["field"])
		assert.Equal(t, kit.IDText(id), condition["value"].(interface{ String() string }).String())
	}
}

func TestContract_6_AFailedCheckNeverReadsAsNoTimeEntries(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no items":              `{"pageDetails":{"count":0}}`,
		"items is null":         `{"items":null,"pageDetails":{"count":0}}`,
		"another ticket's":      `{"items":[{"id":1,"ticketID":999}],"pageDetails":{"count":1}}`,
		"not JSON":              `<html>sign in</html>`,
		"empty":                 ``,
		"an error in a 200":     `{"errors":["no"]}`,
		"cut off in the middle": `{"items":[`,
	} {
		client, mock := kit.Mocked(t)
		mock.RegisterResponder(http.MethodPost, kit.Base+"/TimeEntries/query", httpmock.NewStringResponder(200, body))
		_, err := client.TimeEntries.Exist(t.Context(), 7)
		require.Error(t, err, name)
	}
}

func TestContract_7_NotesAreCreatedThroughTheTicketOnly(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	created := map[string]func() (int64, error){
		"service": func() (int64, error) { return client.Notes.Create(t.Context(), id, kit.Note()) },
		"generic function": func() (int64, error) {
			n := kit.Note()
			n.TicketID = id
			return autotask.Create(t.Context(), client, n)
		},
	}
	for name, create := range created {
		srv.ResetRequests()
		noteID, err := create()
		require.NoError(t, err, name)
		assert.Equal(t, []string{"POST Tickets/Notes"}, kit.Ops(srv), name)
		assert.Equal(t, "/ATServicesRest/V1.0/Tickets/"+kit.IDText(id)+"/Notes", srv.Requests()[0].Path)

		// It is visible at once, through the query that works.
		found, err := client.Notes.List(t.Context(), autotask.Query{Filter: autotask.Eq("id", noteID)})
		require.NoError(t, err, name)
		require.Len(t, found, 1, name)
		assert.Equal(t, "POST TicketNotes/query", kit.Ops(srv)[1])
		assert.Equal(t, id, found[0].TicketID)
	}
}

// looseNote is a type that claims notes could be created in their own collection.
type looseNote struct {
	ID    int64                     `json:"id,omitzero"`
	Title autotask.Optional[string] `json:"title,omitzero"`
}

func (looseNote) Collection() string { return "TicketNotes" }
func (looseNote) CanCreate()         {}

// strayNote goes the right way, under another name and without what a note needs.
type strayNote struct {
	ID       int64                     `json:"id,omitzero"`
	TicketID autotask.Optional[int64]  `json:"ticketID,omitzero"`
	Title    autotask.Optional[string] `json:"title,omitzero"`
}

func (strayNote) Collection() string { return "StrayNotes" }
func (strayNote) CanCreate()         {}
func (n strayNote) Parent() autotask.Parent {
	return autotask.Parent{Collection: "Tickets", ID: n.TicketID, Segment: "Notes"}
}

func TestContract_7_NoTypeOfACallersLeadsRoundTheRulesOfNotes(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	_, err := autotask.Create(t.Context(), client, &looseNote{Title: autotask.Value("x")})
	require.ErrorIs(t, err, autotask.ErrUnsupported)
	require.ErrorContains(t, err, "POST /Tickets/{id}/Notes")
	_, err = autotask.Create(t.Context(), client, &strayNote{TicketID: autotask.Int(id), Title: autotask.Value("x")})
	require.ErrorIs(t, err, autotask.ErrMissingField)
	for _, field := range []string{"description", "noteType", "publish"} {
		require.ErrorContains(t, err, field+" is required")
	}
	assert.Empty(t, kit.Writes(srv))
}

func TestContract_7_RequiredFieldsOfANoteAreCheckedBeforeSending(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	for field, omit := range map[string]func(*autotask.TicketNote){
		"title":       func(n *autotask.TicketNote) { n.Title = " " },
		"description": func(n *autotask.TicketNote) { n.Description = "" },
		"noteType":    func(n *autotask.TicketNote) { n.NoteType = 0 },
		"publish":     func(n *autotask.TicketNote) { n.Publish = 0 },
	} {
		n := kit.Note()
		omit(n)
		_, err := client.Notes.Create(t.Context(), id, n)
		require.ErrorIs(t, err, autotask.ErrInvalid, field)
		require.ErrorIs(t, err, autotask.ErrMissingField, field)
		assert.Contains(t, err.Error(), field)
		_, err = client.Resolve(t.Context(), id, autotask.Resolution{Note: n})
		require.ErrorIs(t, err, autotask.ErrInvalid, field)
	}
	assert.Empty(t, srv.Requests(), "nothing was sent")
}

// The stabilising fields of docs/api-notes.md, section 7.4, except the id.
var stabilisingFields = []string{
	"companyID", "queueID", "title", "priority", "status", "dueDateTime", "ticketCategory",
	"issueType", "subIssueType", "source", "organizationalLevelAssociationID",
}
