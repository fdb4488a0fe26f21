package proof_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// TestPerformance_RequestsOfAResolution measures the table in docs/performance.md.
func TestPerformance_RequestsOfAResolution(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(kit.Root(t), "docs", "performance.md"))
	require.NoError(t, err)
	whole := autotask.Resolution{Text: "done", Note: kit.Note(), Status: autotask.StatusComplete, StartedAt: kit.Begun}
	table := []string{"| a resolution with | requests | by number | in an hour |", "|---|---|---|---|"}
	for _, test := range []struct {
		name  string
		work  func(*autotask.Resolution)
		setUp func(srv *autotasktest.Server, client *autotask.Client, id int64)
	}{
		{"text, note, status and `StartedAt`", nil, nil},
		{"the same, when time is booked on the ticket", nil, func(srv *autotasktest.Server, _ *autotask.Client, id int64) {
			srv.Seed("TimeEntries", map[string]any{"ticketID": id})
		}},
		{"the same, repeated after everything is done", nil, func(_ *autotasktest.Server, client *autotask.Client, id int64) {
			_, err := client.Resolve(t.Context(), id, whole)
			require.NoError(t, err)
		}},
		{"text, note and status", func(r *autotask.Resolution) { r.StartedAt = time.Time{} }, nil},
		{"text, note and `StartedAt`", func(r *autotask.Resolution) { r.Status = 0 }, nil},
		{"text and status", func(r *autotask.Resolution) { r.Note = nil }, nil},
		{"text", func(r *autotask.Resolution) { r.Note, r.Status = nil, 0 }, nil},
	} {
		var requests [2]int
		for i, by := range []func(*autotask.ResolveItem, *autotasktest.Server){func(*autotask.ResolveItem, *autotasktest.Server) {}, kit.ByNumber} {
			srv := autotasktest.NewInProcess(t)
			client := srv.Client()
			w := autotask.ResolveItem{TicketID: srv.Seed("Tickets", map[string]any{"status": 1, "resolution": nil}), Resolution: whole}
			if test.work != nil {
				test.work(&w.Resolution)
			}
			if test.setUp != nil {
				test.setUp(srv, client, w.TicketID)
			}
			by(&w, srv)
			srv.ResetRequests()
			for outcome, err := range client.ResolveAll(t.Context(), func(yield func(autotask.ResolveItem) bool) { yield(w) }, autotask.ResolveAllOptions{}) {
				require.NoError(t, err)
				requests[i] = outcome.Requests
			}
			assert.Len(t, srv.Requests(), requests[i], "all of them are counted")
		}
		table = append(table, fmt.Sprintf("| %s | %d | %d | %s |", test.name, requests[0], requests[1], thousands(10_000/requests[1])))
	}
	want := strings.Join(table, "\n") + "\n"
	assert.True(t, strings.Contains(string(page), want), "docs/performance.md has another table; replace it with:\n%s", want) //nolint:testifylint // which would print the whole page
}

// TestREADME_TellsWhatAResolutionCosts holds the README to the table that the test
// above measures.
func TestREADME_TellsWhatAResolutionCosts(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(kit.Root(t), "docs", "performance.md"))
	require.NoError(t, err)
	readme, err := os.ReadFile(filepath.Join(kit.Root(t), "README.md"))
	require.NoError(t, err)
	row := func(name string) []string {
		_, rest, found := strings.Cut(string(page), "| "+name+" | ")
		require.True(t, found, name)
		cells := strings.SplitN(rest, " | ", 3)
		require.Len(t, cells, 3)
		return cells
	}
	whole, text := row("text, note, status and `StartedAt`"), row("text")
	fits, _, _ := strings.Cut(whole[2], " ")
	prose := strings.Join(strings.Fields(string(readme)), " ")
	assert.Contains(t, prose, fmt.Sprintf("A full resolution makes %s requests by id and %s by number, so %s fit in the hour; one of a text alone makes %s.",
		whole[0], whole[1], fits, text[0]))
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

func TestResolve_CountsEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		id := srv.Seed("Tickets", map[string]any{"status": 1, "resolution": nil})
		srv.Inject(autotasktest.Fault{Op: "GET Tickets", Status: 503, Times: 2})
		srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropResponse: true})
		client, err := autotask.NewClient(srv.Credentials(), autotask.WithZoneURL(srv.ZoneURL()), autotask.WithHourlyReserve(0),
			autotask.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
		require.NoError(t, err)
		first, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done"})
		require.NoError(t, err)
		assert.Equal(t, 3+2+1+1, first.Requests, "with two repeats, the discovery of the zone and a reading of the limit")
		assert.Len(t, srv.Requests(), first.Requests)

		srv.ResetRequests()
		srv.Inject(autotasktest.Fault{Op: "GET Tickets", Status: 503, Times: -1})
		failed, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done"})
		require.ErrorIs(t, err, autotask.ErrServer)
		assert.Equal(t, 5, failed.Requests)
		assert.Len(t, srv.Requests(), 5)

		refused, err := client.Resolve(t.Context(), id, autotask.Resolution{})
		require.ErrorIs(t, err, autotask.ErrInvalid)
		assert.Zero(t, refused.Requests)
	})
}

// TestResolve_ReadsOnceBeforeAWrite: every PUT of a ticket follows a GET of it,
// with nothing in between.
func TestResolve_ReadsOnceBeforeAWrite(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1, "resolution": nil})
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Status: autotask.StatusComplete})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"GET Tickets", "PUT Tickets",
		"POST TimeEntries/query",
		"GET Tickets", "PUT Tickets", "GET Tickets",
	}, kit.Ops(srv))
	assert.True(t, outcome.Resolved)

	// What Outcome shows was read, not hoped for.
	id = srv.Seed("Tickets", map[string]any{"status": 1, "resolution": "before"})
	srv.Inject(autotasktest.Fault{Op: "PUT Tickets", Status: 500, Body: `{"errors":["no"]}`})
	outcome, err = client.Resolve(t.Context(), id, autotask.Resolution{Text: "done"})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Equal(t, "before", outcome.Ticket.Resolution.Or(""))
}
