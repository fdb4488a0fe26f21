package autotask_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestAll_PagesAreReadAsTheyAreReached(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1001)
	tickets := client.Tickets.All(t.Context(), autotask.Query{Filter: autotask.Contains("title", "ticket")})
	for range 2 {
		srv.ResetRequests()
		var got []int64
		for ticket, err := range tickets {
			require.NoError(t, err)
			got = append(got, ticket.ID)
		}
		require.Equal(t, ids, got, "ranging again gives the same rows")
		require.Equal(t, []string{"POST Tickets/query", "POST Tickets/query/next", "POST Tickets/query/next"}, ops(srv))
		for _, r := range srv.Requests() {
			assert.Equal(t, string(srv.Requests()[0].Body), string(r.Body), "every page is POSTed with the same body")
		}
	}
	srv.ResetRequests()
	for ticket, err := range tickets {
		require.NoError(t, err)
		require.NotNil(t, ticket)
		break
	}
	assert.Equal(t, []string{"POST Tickets/query"}, ops(srv), "leaving the loop ends the reading")
}

func TestAll_DamagedAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"null item":           `{"items":[{"id":1},null],"pageDetails":{}}`,
		"no items":            `{"pageDetails":{"count":0}}`,
		"wrong type":          `{"items":[{"id":"one"}],"pageDetails":{}}`,
		"not JSON":            `<!DOCTYPE html>`,
		"more than an answer": `{"items":[]}{"items":[]}`,
	} {
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodPost, testBase+"/Tickets/query", httpmock.NewStringResponder(200, body))
		_, err := client.Tickets.List(t.Context(), autotask.Query{})
		require.Error(t, err, name)
	}
}

func TestAll_BadQueryIsRefused(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	for name, q := range map[string]autotask.Query{
		"nil value":      {Filter: autotask.Eq("status", nil)},
		"negative limit": {Limit: -1},
	} {
		_, err := client.Tickets.List(t.Context(), q)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
	}
	_, err := client.Tickets.Count(t.Context(), autotask.Query{Filter: autotask.Or()})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, srv.Requests())
}

func TestCount(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	seedTickets(srv, 3)
	n, err := client.Tickets.Count(t.Context(), autotask.Query{Fields: []string{"title"}, Limit: 1})
	require.NoError(t, err)
	assert.Equal(t, int64(3), n)
	assert.Equal(t, []string{"POST Tickets/query/count"}, ops(srv))
	assert.JSONEq(t, `{"filter":[{"op":"exist","field":"id"}]}`, string(srv.Requests()[0].Body))

	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodPost, testBase+"/Tickets/query/count", httpmock.NewStringResponder(200, `{"count":7}`))
	_, err = client.Tickets.Count(t.Context(), autotask.Query{})
	require.Error(t, err, "a missing queryCount is not zero")
}

func TestGetMany(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 600)
	wanted := append([]int64{ids[5], 999999999}, ids...)
	found, err := client.Tickets.GetMany(t.Context(), wanted)
	require.NoError(t, err)
	assert.Len(t, found, 600, "repeats and unknown ids aside")
	assert.Equal(t, "ticket 5", found[ids[5]].Title)
	assert.Len(t, srv.Requests(), 2, "500 in a request")

	srv.ResetRequests()
	found, err = client.Tickets.GetMany(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Empty(t, srv.Requests())

	srv.Inject(autotasktest.Fault{Op: "POST Tickets/query", Skip: 1, Status: 500, Body: `{"errors":["no"]}`})
	found, err = client.Tickets.GetMany(t.Context(), ids)
	require.Error(t, err)
	assert.Len(t, found, 500, "what was found until then")
}

func TestGet_ImpossibleIDsAreRefused(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	for _, id := range []int64{0, -1} {
		_, err := client.Tickets.Get(t.Context(), id)
		require.ErrorIs(t, err, autotask.ErrInvalid)
		_, err = client.TimeEntries.Get(t.Context(), id)
		require.ErrorIs(t, err, autotask.ErrInvalid)
		_, err = client.TimeEntries.Exist(t.Context(), id)
		require.ErrorIs(t, err, autotask.ErrInvalid)
	}
	assert.Empty(t, srv.Requests())
}

func TestOwnEntityTypeWorksWithTheGenericFunctions(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	own, err := autotask.Get[company](t.Context(), client, 0)
	require.NoError(t, err, "company 0 is the tenant's own")
	assert.Zero(t, own.ID)
	own, err = autotask.Update(t.Context(), client, 0, func(c *company) error {
		c.Phone.Set("+49 30 1234")
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, "+49 30 1234", own.Phone.Or(""))
	assert.JSONEq(t, `{"id":0,"phone":"+49 30 1234"}`, string(bodies(srv, "PATCH Companies")[0]))
	n, err := autotask.Count[company](t.Context(), client, autotask.Query{})
	require.NoError(t, err)
	assert.Positive(t, n)
}

func TestTimeEntries_WholeLife(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	id, err := client.TimeEntries.Create(t.Context(), &autotask.TimeEntry{
		ResourceID: autotask.Int(autotasktest.TechnicianID), RoleID: autotask.Int(autotasktest.TechnicianRoleID),
		TicketID: autotask.Int(ticket), HoursWorked: autotask.Value(0.25), SummaryNotes: autotask.Value("Looked into it"),
	})
	require.NoError(t, err)
	entry, err := client.TimeEntries.Get(t.Context(), id)
	require.NoError(t, err)
	assert.InDelta(t, 0.25, entry.HoursWorked.Or(0), 1e-9)
	n, err := client.TimeEntries.Count(t.Context(), autotask.Query{Filter: autotask.Eq("ticketID", ticket)})
	require.NoError(t, err)
	assert.Equal(t, int64(1), n)
	for e, err := range client.TimeEntries.All(t.Context(), autotask.Query{Filter: autotask.Eq("ticketID", ticket)}) {
		require.NoError(t, err)
		assert.Equal(t, id, e.ID)
	}
	require.NoError(t, client.TimeEntries.Delete(t.Context(), id))
	_, err = client.TimeEntries.Get(t.Context(), id)
	require.ErrorIs(t, err, autotask.ErrNotFound)
}

func TestNotes_AreQueried(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	srv.Seed("TicketNotes", map[string]any{"ticketID": ticket})
	srv.Seed("TicketNotes", map[string]any{"ticketID": srv.Seed("Tickets", nil)})
	q := autotask.Query{Filter: autotask.Eq("ticketID", ticket)}
	list, err := client.Notes.List(t.Context(), q)
	require.NoError(t, err)
	assert.Len(t, list, 1)
	n, err := client.Notes.Count(t.Context(), q)
	require.NoError(t, err)
	assert.Equal(t, int64(1), n)
	assert.True(t, strings.HasPrefix(ops(srv)[0], "POST TicketNotes/query"))
}

func TestEveryLimitedEndpointKeepsToThreeAtATime(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t, autotask.WithMaxRetries(0))
	ids := seedTickets(srv, 60)
	errs := make(chan error, len(ids))
	for _, id := range ids {
		go func() {
			_, err := client.Tickets.Get(t.Context(), id)
			errs <- err
		}()
	}
	for range ids {
		require.NoError(t, <-errs)
	}
	assert.LessOrEqual(t, srv.MaxInFlight("Tickets"), 3)
}
