package proof_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// ownTicket is a caller's type for tickets with too few fields.
type ownTicket struct {
	ID    int64  `json:"id"`
	Title string `json:"title"`
}

func (ownTicket) Collection() string { return "Tickets" }

func (ownTicket) CanGet() {}

func (ownTicket) CanUpdate() {}

func TestOwnTicketTypeKeepsToTheContract(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"title": "before", "description": "kept"})
	_, err := autotask.Update(t.Context(), client, id, func(t *ownTicket) error {
		t.Title = "after"
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, "kept", srv.Get("Tickets", id)["description"], "what the type does not know is sent back")
	sent := kit.Object(t, kit.Bodies(srv, "PUT Tickets")[0])
	for name := range kit.ReadOnlyTicketFields {
		assert.NotContains(t, sent, name)
	}

	client = kit.Answering(t, 200, []byte(`{"item":{"id":7,"title":"before"}}`))
	_, err = autotask.Update(t.Context(), client, 7, func(t *ownTicket) error {
		t.Title = "after"
		return nil
	})
	require.ErrorIs(t, err, autotask.ErrMissingField)
}

// crooked is a type whose collection is none.
type crooked struct{ smuggler }

func (crooked) Collection() string { return "Tickets#" }

func (crooked) CanQuery() {}

func (crooked) CanCreate() {}

func (crooked) CanDelete() {}

func TestOwnTypeMustNameACollection(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	_, getErr := autotask.Get[crooked](t.Context(), client, 7)
	_, listErr := autotask.List[crooked](t.Context(), client, autotask.Query{})
	_, countErr := autotask.Count[crooked](t.Context(), client, autotask.Query{})
	_, createErr := autotask.Create(t.Context(), client, &crooked{})
	for name, err := range map[string]error{
		"get": getErr, "list": listErr, "count": countErr, "create": createErr,
		"patch":  autotask.Patch(t.Context(), client, 7, &crooked{smuggler{Title: autotask.Value("x")}}),
		"delete": autotask.Delete[crooked](t.Context(), client, 7),
	} {
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
	}
	assert.Empty(t, srv.Requests())
}

func TestPATCHOfTicketsIsStoppedBehindAWrapperToo(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t, autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return kit.RoundTripper(func(req *http.Request) (*http.Response, error) {
			twisted := req.Clone(req.Context())
			twisted.Method = http.MethodPatch
			twisted.URL.Path = strings.Replace(twisted.URL.Path, "/TimeEntries", "/Tickets", 1)
			return next.RoundTrip(twisted)
		})
	}))
	_, err := client.TimeEntries.Create(t.Context(), &autotask.TimeEntry{ResourceID: autotask.Int(4)})
	require.ErrorIs(t, err, autotask.ErrUnsupported)
	assert.Empty(t, srv.Requests())
}

func TestPatch_PlainFieldsOfAnOwnTypeAreNotBlanked(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	err := autotask.Patch(t.Context(), client, autotasktest.CustomerID, &plainCompany{Phone: "+49 30 1"})
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":175,"phone":"+49 30 1"}`, string(kit.Bodies(srv, "PATCH Companies")[0]))
}

// table is an entity that is no struct: it has no field ID.
type table map[string]any

func (table) Collection() string { return "Tables" }

func (table) CanQuery() {}

func (table) CanGet() {}

func TestOwnTypeThatIsNoStruct(t *testing.T) {
	t.Parallel()
	client := kit.Answering(t, 200, []byte(`{"items":[{"id":1,"title":"a"},{"id":2}],"pageDetails":{"count":2,"nextPageUrl":null}}`))
	all, err := autotask.List[table](t.Context(), client, autotask.Query{})
	require.NoError(t, err)
	assert.Equal(t, table{"id": 1.0, "title": "a"}, *all[0])
	_, err = autotask.One[table](t.Context(), client, autotask.Query{})
	require.ErrorIs(t, err, autotask.ErrAmbiguous)

	_, getErr := autotask.Get[table](t.Context(), client, 1)
	_, manyErr := autotask.GetMany[table](t.Context(), client, []int64{1, 2})
	for _, err := range []error{getErr, manyErr} {
		require.ErrorIs(t, err, autotask.ErrInvalid)
		require.ErrorContains(t, err, "has no field ID")
	}
	for _, err := range autotask.Pages[table](t.Context(), client, autotask.Query{}) {
		require.ErrorIs(t, err, autotask.ErrInvalid)
	}
}

type (
	// Common is embedded in the types of a caller.
	Common struct {
		ID int64 `json:"id"`
	}
	embedding struct {
		*Common

		lastName string
		Changed  stamp `json:"changed,omitzero"`
	}
	stamp struct{ time.Time }
)

func (embedding) Collection() string { return "Tables" }

func (embedding) CanQuery() {}

func (embedding) CanGet() {}

func (embedding) CanUpdate() {}

func (embedding) CanPatch() {}

func TestOwnTypeThatEmbeds(t *testing.T) {
	t.Parallel()
	client := kit.Answering(t, 200, []byte(`{"items":[{"id":1},{"id":2}],"pageDetails":{"count":2,"nextPageUrl":null}}`))
	_, err := autotask.One[embedding](t.Context(), client, autotask.Query{})
	var ambiguous *autotask.AmbiguousError
	require.ErrorAs(t, err, &ambiguous)
	assert.Equal(t, []int64{1, 2}, ambiguous.IDs())

	client = kit.Answering(t, 200, []byte(`{"items":[{}],"itemId":7}`))
	_, err = autotask.List[embedding](t.Context(), client, autotask.Query{})
	require.ErrorContains(t, err, "has no id")
	require.NoError(t, autotask.Patch(t.Context(), client, 7, &embedding{lastName: "not sent", Changed: stamp{time.Unix(1, 0)}}))
}

func TestUpdate_AnOwnTypeForTimes(t *testing.T) {
	t.Parallel()
	client := kit.Answering(t, 200, []byte(`{"item":{"id":7,"changed":"2026-01-02T03:04:05.123Z"},"itemId":7}`))
	_, err := autotask.Update(t.Context(), client, 7, func(item *embedding) error {
		item.Changed.Time = item.Changed.Add(456789 * time.Nanosecond)
		return nil
	})
	require.NoError(t, err, "Autotask keeps milliseconds")
}
