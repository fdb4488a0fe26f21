package proof_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// itemID is the id of the item that a fixture holds.
func itemID(t *testing.T, name string) int64 {
	t.Helper()
	id, err := strconv.ParseInt(kit.ParseItem(t, []byte(kit.ParseItem(t, kit.Fixture(t, name)).Values["item"])).Values["id"], 10, 64)
	require.NoError(t, err)
	return id
}

// serving returns a client whose every request is answered with one fixture.
func serving(t *testing.T, name string) *autotask.Client {
	t.Helper()
	client, mock := kit.Mocked(t)
	mock.RegisterNoResponder(httpmock.NewBytesResponder(http.StatusOK, kit.Fixture(t, name)))
	return client
}

func TestFixtures_TicketItem(t *testing.T) {
	t.Parallel()
	raw := kit.ParseItem(t, []byte(kit.ParseItem(t, kit.Fixture(t, "ticket_item.json")).Values["item"]))
	require.Len(t, raw.Names, 76, "75 fields and the user-defined ones")
	ticket, err := serving(t, "ticket_item.json").Tickets.Get(t.Context(), itemID(t, "ticket_item.json"))
	require.NoError(t, err)
	assert.Equal(t, raw.Values["id"], kit.IDText(ticket.ID))
	assert.JSONEq(t, raw.Values["title"], `"`+ticket.Title+`"`)
	assert.Len(t, ticket.UserDefinedFields, 5)
	due, ok := ticket.DueDateTime.Get()
	require.True(t, ok)
	assert.Equal(t, time.UTC, due.Location())
}

func TestFixtures_RichTicketItem(t *testing.T) {
	t.Parallel()
	ticket, err := serving(t, "ticket_item_rich.json").Tickets.Get(t.Context(), itemID(t, "ticket_item_rich.json"))
	require.NoError(t, err)
	assert.Len(t, ticket.UserDefinedFields, 40)
}

func TestFixtures_Items(t *testing.T) {
	t.Parallel()
	entry, err := serving(t, "time_entry_item.json").TimeEntries.Get(t.Context(), itemID(t, "time_entry_item.json"))
	require.NoError(t, err)
	assert.Positive(t, entry.ID)
	n, err := autotask.Get[autotask.TicketNote](t.Context(), serving(t, "ticket_note_item.json"), itemID(t, "ticket_note_item.json"))
	require.NoError(t, err)
	assert.Positive(t, n.TicketID)
	own, err := autotask.Get[kit.Company](t.Context(), serving(t, "company_item.json"), 0)
	require.NoError(t, err)
	assert.Zero(t, own.ID)
	_, err = serving(t, "item_null.json").Tickets.Get(t.Context(), 7)
	require.ErrorIs(t, err, autotask.ErrNotFound)
}

func TestFixtures_Pages(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tickets_page.json", "tickets_page_fields.json", "tickets_page_last.json"} {
		list, err := serving(t, name).Tickets.List(t.Context(), autotask.Query{})
		require.NoError(t, err, name)
		assert.NotEmpty(t, list, name)
	}
	list, err := serving(t, "tickets_page_empty.json").Tickets.List(t.Context(), autotask.Query{})
	require.NoError(t, err)
	assert.Empty(t, list)
	notes, err := serving(t, "ticket_notes_page.json").Notes.List(t.Context(), autotask.Query{})
	require.NoError(t, err)
	assert.NotEmpty(t, notes)
	entries, err := serving(t, "time_entries_page.json").TimeEntries.List(t.Context(), autotask.Query{})
	require.NoError(t, err)
	assert.NotEmpty(t, entries)
}

func TestFixtures_NextPage(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	mock.RegisterResponder(http.MethodPost, kit.Base+"/Tickets/query", httpmock.NewBytesResponder(200, kit.Fixture(t, "tickets_page_first.json")))
	mock.RegisterResponder(http.MethodPost, kit.Base+"/Tickets/query/next", httpmock.NewBytesResponder(200, kit.Fixture(t, "tickets_page_last.json")))
	list, err := client.Tickets.List(t.Context(), autotask.Query{})
	require.NoError(t, err)
	assert.Equal(t, 2, mock.GetTotalCallCount())
	assert.Greater(t, len(list), 1)
}

func TestFixtures_Rest(t *testing.T) {
	t.Parallel()
	n, err := serving(t, "count.json").Tickets.Count(t.Context(), autotask.Query{})
	require.NoError(t, err)
	assert.Positive(t, n)
	threshold, err := serving(t, "threshold_information.json").Threshold(t.Context())
	require.NoError(t, err)
	assert.Equal(t, time.Hour, threshold.Window)
	fields, err := serving(t, "udf_fields.json").Metadata.Fields(t.Context(), "Tickets")
	require.NoError(t, err)
	assert.NotEmpty(t, fields)
}

func TestFixtures_Zone(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	client, err := autotask.NewClient(kit.Credentials(), autotask.WithHTTPClient(&http.Client{Transport: mock}))
	require.NoError(t, err)
	mock.RegisterRegexpResponder(http.MethodGet, kit.ZoneRequest, httpmock.NewBytesResponder(200, kit.Fixture(t, "zone_information.json")))
	mock.RegisterNoResponder(httpmock.NewBytesResponder(200, kit.Fixture(t, "threshold_information.json")))
	require.NoError(t, client.Ping(t.Context()))
	assert.Contains(t, client.String(), "/ATServicesRest/V1.0")
}
