package proof_test

import (
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// timeOff is read through its resource only.
type timeOff struct {
	ID         int64                    `json:"id,omitzero"`
	ResourceID autotask.Optional[int64] `json:"resourceID,omitzero" autotask:"parent"`
}

func (timeOff) Collection() string { return "ResourceTimeOffAdditional" }
func (timeOff) CanList()           {}
func (o timeOff) Parent() autotask.Parent {
	return autotask.Parent{Collection: "Resources", ID: o.ResourceID, Segment: "TimeOffAdditional"}
}

func TestListOf_ReadsTheItemsOfOneParent(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	one, other := srv.Seed("Resources", nil), srv.Seed("Resources", nil)
	mine := srv.Seed("ResourceTimeOffAdditional", map[string]any{"resourceID": one})
	srv.Seed("ResourceTimeOffAdditional", map[string]any{"resourceID": other})
	found, err := autotask.ListChildren[timeOff](t.Context(), client, one)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, mine, found[0].ID)
	assert.Equal(t, []string{"GET Resources/TimeOffAdditional"}, kit.Ops(srv))
}

func TestListOf_FollowsThePagesWithGET(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	path := kit.Base + "/Resources/7/TimeOffAdditional"
	mock.RegisterResponder(http.MethodGet, path, httpmock.NewStringResponder(200,
		`{"items":[{"id":1}],"pageDetails":{"count":1,"nextPageUrl":"`+path+`?paging=2"}}`))
	mock.RegisterResponder(http.MethodGet, path+"?paging=2", httpmock.NewStringResponder(200,
		`{"items":[{"id":2}],"pageDetails":{"count":1,"nextPageUrl":null}}`))
	found, err := autotask.ListChildren[timeOff](t.Context(), client, 7)
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.EqualValues(t, 2, found[1].ID)
}

func TestListOf_RepeatedNextPageIsAnErrorNotALoop(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	path := kit.Base + "/Resources/7/TimeOffAdditional"
	mock.RegisterResponder(http.MethodGet, path, httpmock.NewStringResponder(200,
		`{"items":[{"id":1}],"pageDetails":{"count":1,"nextPageUrl":"`+path+`?paging=2"}}`))
	mock.RegisterResponder(http.MethodGet, path+"?paging=2", httpmock.NewStringResponder(200,
		`{"items":[{"id":2}],"pageDetails":{"count":1,"nextPageUrl":"`+path+`?paging=2"}}`))
	_, err := autotask.ListChildren[timeOff](t.Context(), client, 7)
	require.ErrorIs(t, err, autotask.ErrServer)
	assert.Equal(t, 2, mock.GetTotalCallCount())
}

func TestListOf_RefusesImpossibleParents(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	_, err := autotask.ListChildren[timeOff](t.Context(), client, -1)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, srv.Requests())
}
