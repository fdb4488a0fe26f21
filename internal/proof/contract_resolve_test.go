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

func TestContract_5_Status5SetsBothTimestamps(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Status: autotask.StatusComplete})
	require.NoError(t, err)
	assert.True(t, outcome.Resolved)
	assert.Equal(t, int64(5), outcome.Ticket.Status)
	assert.NotNil(t, srv.Get("Tickets", id)["completedDate"])
	assert.NotNil(t, srv.Get("Tickets", id)["resolvedDateTime"])
}

func TestContract_5_AStatusThatSetsNoTimestampsIsNotAResolution(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	for _, run := range []string{"first", "repeated"} {
		outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Status: 8})
		require.ErrorIs(t, err, autotask.ErrNotApplied, run)
		assert.Contains(t, err.Error(), "status 8", run)
		assert.Contains(t, err.Error(), "completedDate is null", run)
		assert.False(t, outcome.Resolved, run)
		assert.Equal(t, int64(8), outcome.Ticket.Status, run)
		assert.Equal(t, autotask.StateFailed, kit.StepStates(outcome)[autotask.StepStatus], run)
	}
}

func TestContract_8_ResolutionHoldsAtMost32000Characters(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	tooLong := strings.Repeat("ü", 32001)
	_, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: tooLong})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Contains(t, err.Error(), "32001")
	assert.Empty(t, srv.Requests(), "nothing was sent")
	_, err = client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.Resolution.Set(tooLong)
		return nil
	})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, kit.Writes(srv))

	longest := strings.Repeat("ü", 32000)
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: longest})
	require.NoError(t, err)
	assert.Equal(t, longest, outcome.Ticket.Resolution.Or(""))
}

func TestContract_8_ResolutionUpdateKeepsTheStabilisingFields(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 9, "priority": 2})
	before := srv.Get("Tickets", id)
	_, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done"})
	require.NoError(t, err)
	sent := kit.Object(t, kit.Bodies(srv, "PUT Tickets")[0])
	for _, name := range stabilisingFields {
		assert.Contains(t, sent, name)
		assert.Equal(t, before[name], srv.Get("Tickets", id)[name], name)
	}
	assert.Equal(t, "done", srv.Get("Tickets", id)["resolution"])
}

func TestContract_9_Test1_ResolutionWithoutStatusChange(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Note: kit.Note()})
	require.NoError(t, err)
	assert.Equal(t, []string{"POST Tickets/Notes", "PUT Tickets"}, kit.Writes(srv))
	row := srv.Get("Tickets", id)
	assert.Equal(t, "done", row["resolution"])
	assert.Equal(t, "1", kit.IDOf(row["status"]))
	assert.Nil(t, row["completedDate"])
	assert.Nil(t, row["resolvedDateTime"])
	assert.False(t, outcome.Resolved)
	assert.Equal(t, autotask.StateSkipped, kit.StepStates(outcome)[autotask.StepStatus])
}

func TestContract_9_Test2_NoTimeEntries_StatusIsSet(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Note: kit.Note(), Status: autotask.StatusComplete})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"GET Tickets",
		"POST Tickets/Notes",
		"GET Tickets", "PUT Tickets",
		"POST TimeEntries/query",
		"GET Tickets", "PUT Tickets", "GET Tickets",
	}, kit.Ops(srv))
	row := srv.Get("Tickets", id)
	assert.Equal(t, "done", row["resolution"])
	assert.Equal(t, "5", kit.IDOf(row["status"]))
	assert.NotNil(t, row["completedDate"])
	assert.NotNil(t, row["resolvedDateTime"])
	assert.True(t, outcome.Resolved)
	assert.False(t, outcome.HasTimeEntries)
	require.Len(t, srv.Rows("TicketNotes"), 1)
	assert.Equal(t, kit.IDText(outcome.NoteID), kit.IDOf(srv.Rows("TicketNotes")[0]["id"]))
}

func TestContract_9_Test2_TimeEntries_StatusStays(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 9})
	srv.Seed("TimeEntries", map[string]any{"ticketID": id})
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Note: kit.Note(), Status: autotask.StatusComplete})
	require.NoError(t, err)
	assert.Equal(t, []string{"POST Tickets/Notes", "PUT Tickets"}, kit.Writes(srv), "one PUT, for the resolution")
	row := srv.Get("Tickets", id)
	assert.Equal(t, "done", row["resolution"])
	assert.Equal(t, "9", kit.IDOf(row["status"]))
	assert.Nil(t, row["completedDate"])
	assert.True(t, outcome.HasTimeEntries)
	assert.False(t, outcome.Resolved)
	assert.Equal(t, autotask.StateSkipped, kit.StepStates(outcome)[autotask.StepStatus])
}

func TestContract_9_StatusNeverChangesImplicitly(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 9})
	_, err := client.Notes.Create(t.Context(), id, kit.Note())
	require.NoError(t, err)
	_, err = client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.Resolution.Set("done")
		return nil
	})
	require.NoError(t, err)
	_, err = client.Resolve(t.Context(), id, autotask.Resolution{Text: "done again", Note: kit.Note()})
	require.NoError(t, err)
	for _, body := range kit.Bodies(srv, "PUT Tickets") {
		assert.Equal(t, "9", kit.IDOf(kit.Object(t, body)["status"]))
	}
}

func TestContract_9_NoteResolutionAndStatusAreIndependent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		work   autotask.Resolution
		writes []string
	}{
		"note only":       {autotask.Resolution{Note: kit.Note()}, []string{"POST Tickets/Notes"}},
		"resolution only": {autotask.Resolution{Text: "done"}, []string{"PUT Tickets"}},
		"status only":     {autotask.Resolution{Status: 5}, []string{"PUT Tickets"}},
	} {
		srv, client := kit.Tenant(t)
		id := srv.Seed("Tickets", map[string]any{"status": 1, "resolution": "before"})
		_, err := client.Resolve(t.Context(), id, test.work)
		require.NoError(t, err, name)
		assert.Equal(t, test.writes, kit.Writes(srv), name)
		row := srv.Get("Tickets", id)
		assert.Equal(t, test.work.Text == "done", row["resolution"] == "done", name)
		assert.Equal(t, test.work.Status == 5, kit.IDOf(row["status"]) == "5", name)
	}
}

func TestContract_10_NoCallEverPATCHesATicket(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	_, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Note: kit.Note(), Status: 5})
	require.NoError(t, err)
	_, err = client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error { t.Title = "x"; return nil })
	require.NoError(t, err)
	for _, r := range srv.Requests() {
		assert.NotEqual(t, http.MethodPatch, r.Method)
	}
}

func TestContract_10_TimestampEvidenceIsReadPerTenant(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	srv.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{
		{Value: "1", Label: "New"},
		{Value: "5", Label: "Complete"},
		{Value: "8", Label: "Completed"},
		{Value: "12", Label: "Never used", Inactive: true},
		{Value: "13", Label: "Closed by migration"},
	})
	for _, status := range []int{1, 5, 5, 8, 13} {
		srv.Seed("Tickets", map[string]any{"status": status})
	}
	srv.Seed("Tickets", map[string]any{"status": 13, "completedDate": "2026-01-02T03:04:05Z", "resolvedDateTime": "2026-01-02T03:04:05Z"})
	semantics, err := client.Tickets.StatusSemantics(t.Context())
	require.NoError(t, err)
	got := map[int64]autotask.StatusSemantics{}
	for _, s := range semantics {
		got[s.Status] = s
	}
	require.Len(t, got, 5)
	assert.Equal(t, autotask.EvidenceDoesNotSet, got[1].SetsTimestamps)
	assert.Equal(t, autotask.EvidenceSets, got[5].SetsTimestamps)
	assert.Equal(t, autotask.EvidenceDoesNotSet, got[8].SetsTimestamps)
	assert.Equal(t, autotask.EvidenceNone, got[12].SetsTimestamps)
	assert.False(t, got[12].Active)
	assert.Equal(t, autotask.EvidenceMixed, got[13].SetsTimestamps)
	assert.Equal(t, int64(2), got[5].WithResolvedDateTime)
	assert.Equal(t, 5*3, kit.Count(srv, "POST Tickets/query/count"), "three counts a status")
	assert.Empty(t, kit.Writes(srv))
}
