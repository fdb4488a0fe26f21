package autotask_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestPicklists_OneFetchForConcurrentCallersAndLaterOnes(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := client.Picklists.Values(t.Context(), "Tickets", "priority")
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	fields, err := client.As(7).Metadata.Fields(t.Context(), "Tickets")
	require.NoError(t, err)
	assert.Len(t, srv.Requests(), 1)

	// A caller who changes what it got changes nobody else's.
	for i := range fields {
		fields[i].Name = "spoilt"
		clear(fields[i].PicklistValues)
	}
	_, err = client.Picklists.Values(t.Context(), "Tickets", "priority")
	require.NoError(t, err)
}

func TestPicklists_FailureIsNotKept(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	srv.Inject(autotasktest.Fault{Op: "GET Tickets/entityInformation/fields", Status: 500, Body: `{"errors":["no"]}`})
	_, err := client.Metadata.Fields(t.Context(), "Tickets")
	require.Error(t, err)
	_, err = client.Metadata.Fields(t.Context(), "Tickets")
	require.NoError(t, err)
}

func TestPicklists_ParentAndChild(t *testing.T) {
	t.Parallel()
	_, client := tenant(t)
	sub, err := client.Picklists.Values(t.Context(), "Tickets", "SubIssueType")
	require.NoError(t, err)
	assert.Equal(t, "subIssueType", sub.Field)
	assert.Equal(t, "issueType", sub.ParentField)
	issues, err := client.Picklists.Values(t.Context(), "Tickets", "issueType")
	require.NoError(t, err)
	total := 0
	for _, issue := range issues.Values {
		under := sub.Under(issue.ID)
		for _, v := range under.Values {
			assert.Equal(t, autotask.Int(issue.ID), v.Parent)
		}
		total += len(under.Values)
	}
	assert.Equal(t, len(sub.Values), total)
	assert.Positive(t, total)
}

func TestPicklists_InactiveValuesAreKeptAndMarked(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	srv.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{
		{Value: "1", Label: "New"}, {Value: "40", Label: "Retired", Inactive: true},
	})
	statuses, err := client.Picklists.Values(t.Context(), "Tickets", "status")
	require.NoError(t, err)
	require.Len(t, statuses.Values, 2)
	assert.False(t, statuses.Values[1].Active)
	id, err := statuses.ID("Retired")
	require.NoError(t, err)
	assert.Equal(t, int64(40), id)
}

func TestPicklist_ID(t *testing.T) {
	t.Parallel()
	p := autotask.Picklist{Entity: "Tickets", Field: "status", Values: []autotask.PicklistValue{
		{Value: "0", ID: 0, Label: "Zero", Active: true},
		{Value: "7", ID: 7, Label: "Waiting", Active: true},
		{Value: "6", ID: 6, Label: "waiting", Active: true},
		{Value: "8", ID: 8, Label: "Closed", Active: false},
		{Value: "9", ID: 9, Label: "CLOSED", Active: true},
		{Value: "11", ID: 11, Label: "Twin", Active: true},
		{Value: "10", ID: 10, Label: "Twin", Active: true},
		{Value: "MM/dd", ID: 0, Label: "American", Active: true},
	}}
	for label, want := range map[string]int64{"zero": 0, " Waiting ": -1, "Waiting": 7, "waiting": 6, "closed": 9, "Closed": 8} {
		got, err := p.ID(label)
		if want < 0 {
			require.ErrorIs(t, err, autotask.ErrAmbiguous, label)
			continue
		}
		require.NoError(t, err, label)
		assert.Equal(t, want, got, label)
	}
	_, err := p.ID("Nothing like it")
	require.ErrorIs(t, err, autotask.ErrInvalid)
	var ambiguous *autotask.AmbiguousError
	_, err = p.ID("Twin")
	require.ErrorAs(t, err, &ambiguous)
	assert.Equal(t, []int64{10, 11}, ambiguous.IDs())
	assert.Contains(t, err.Error(), "10 (Twin)")
	_, err = p.ID("American")
	require.ErrorIs(t, err, autotask.ErrInvalid, "it has no number")

	label, ok := p.Label(0)
	assert.True(t, ok)
	assert.Equal(t, "Zero", label)
	_, ok = p.Label(99)
	assert.False(t, ok)
}

func TestPicklists_BadInput(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	for _, entity := range []string{"", "Tickets/5", "../Tickets", "Tickets?x"} {
		_, err := client.Metadata.Fields(t.Context(), entity)
		require.ErrorIs(t, err, autotask.ErrInvalid, entity)
	}
	assert.Empty(t, srv.Requests())
	_, err := client.Picklists.Values(t.Context(), "Tickets", "title")
	require.ErrorIs(t, err, autotask.ErrInvalid, "not a picklist")
	_, err = client.Picklists.Values(t.Context(), "Tickets", "nosuchfield")
	require.ErrorIs(t, err, autotask.ErrInvalid)
	var e *autotask.Error
	require.ErrorAs(t, err, &e)
	assert.Zero(t, e.StatusCode, "it was found in what is kept")
	assert.Zero(t, e.Attempts)
}

func TestPicklists_ValuesThatAreNoNumbersHaveNoID(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/Things/entityInformation/fields", httpmock.NewStringResponder(200,
		`{"fields":[{"name":"Kind","isPickList":true,"picklistValues":[{"value":"dd/MM","label":"Day"},{"value":"99999999999999999999","label":"Long"}]}]}`))
	p, err := client.Picklists.Values(t.Context(), "Things", "kind")
	require.NoError(t, err)
	for _, v := range p.Values {
		assert.Zero(t, v.ID, v.Label)
		_, err := p.ID(v.Label)
		require.ErrorIs(t, err, autotask.ErrInvalid, v.Label)
	}
}

func TestPicklists_RecordedShape(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/entityInformation/fields", httpmock.NewBytesResponder(200, fixture(t, "ticket_fields.json")))
	fields, err := client.Metadata.Fields(t.Context(), "Tickets")
	require.NoError(t, err)
	assert.NotEmpty(t, fields)
	statuses, err := client.Picklists.Values(t.Context(), "Tickets", "status")
	require.NoError(t, err)
	for _, v := range statuses.Values {
		assert.Equal(t, v.Value, idText(v.ID), "texts on the wire, ids in Go")
	}
	mock.RegisterResponder(http.MethodGet, testBase+"/Contacts/entityInformation/fields", httpmock.NewStringResponder(200, `{}`))
	_, err = client.Metadata.Fields(t.Context(), "Contacts")
	require.Error(t, err, "an answer without fields is not an entity without fields")
}

func TestStatusSemantics_FailsAsAWhole(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/count", Skip: 4, Status: 500, Body: `{"errors":["no"]}`})
	_, err := client.Tickets.StatusSemantics(t.Context())
	require.Error(t, err)
	srv, client = tenant(t)
	srv.Inject(autotasktest.Fault{Op: "GET Tickets/entityInformation/fields", Status: 500, Body: `{"errors":["no"]}`})
	_, err = client.Tickets.StatusSemantics(t.Context())
	require.Error(t, err)
}
