package proof_test

import (
	"net/http"
	"strings"
	"testing"

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
