package autotasktest_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func BenchmarkNewInProcess(b *testing.B) {
	for b.Loop() {
		autotasktest.NewInProcess(b)
	}
}

func BenchmarkSeedTicket(b *testing.B) {
	srv := autotasktest.NewInProcess(b)
	for b.Loop() {
		srv.Seed("Tickets", map[string]any{"id": 1})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	srv := autotasktest.NewInProcess(b)
	srv.Seed("Tickets", nil)
	for b.Loop() {
		srv.Snapshot()
	}
}

// A GET of a ticket, without the library.
func BenchmarkGetInProcess(b *testing.B) {
	srv := autotasktest.NewInProcess(b)
	srv.SetThreshold(1<<40, 0)
	id := srv.Seed("Tickets", nil)
	r := signed(b, srv, http.MethodGet, srv.BaseURL()+path("/Tickets/%d", id), "")
	transport := srv.Transport()
	for b.Loop() {
		resp, err := transport.RoundTrip(r)
		require.NoError(b, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

// A whole case of a fault matrix: a tenant, a ticket, a client that resolves it.
func BenchmarkResolveInProcess(b *testing.B) {
	for b.Loop() {
		srv := autotasktest.NewInProcess(b)
		id := srv.Seed("Tickets", nil)
		_, err := srv.Client().Resolve(b.Context(), id, autotask.Resolution{
			Text:   "Done.",
			Note:   &autotask.TicketNote{Title: "Checked", Description: "No errors.", NoteType: 1, Publish: 2},
			Status: autotask.StatusComplete,
		})
		require.NoError(b, err)
	}
}

// A tenant with many rows: what a request costs must not grow with them.
func BenchmarkLargeTenant(b *testing.B) {
	for _, size := range []int{100, 100_000} {
		srv := autotasktest.NewInProcess(b)
		srv.SetThreshold(1<<40, 0)
		const first = 1_000_000
		for i := range size {
			srv.Seed("Tickets", map[string]any{"id": first + i, "ticketNumber": path("T20261123.%06d", i)})
			srv.Seed("TicketNotes", map[string]any{"ticketID": first + i})
			srv.Seed("TimeEntries", map[string]any{"ticketID": first + i})
		}
		transport := srv.Transport()
		middle := first + size/2
		for name, request := range map[string][2]string{
			"GET Tickets":              {path("Tickets/%d", middle)},
			"GET Tickets/Notes":        {path("Tickets/%d/Notes", middle)},
			"Tickets by number":        {"Tickets/query", `{"filter":[{"op":"eq","field":"ticketNumber","value":"` + path("T20261123.%06d", size/2) + `"}]}`},
			"Tickets by ids":           {"Tickets/query", path(`{"filter":[{"op":"in","field":"id","value":[%d,%d]}]}`, middle, middle+1)},
			"TicketNotes by ticket":    {"TicketNotes/query", path(`{"filter":[{"op":"eq","field":"ticketID","value":%d}]}`, middle)},
			"TimeEntries by ticket":    {"TimeEntries/query", path(`{"filter":[{"op":"and","items":[{"op":"eq","field":"ticketID","value":%d}]}]}`, middle)},
			"count TimeEntries":        {"TimeEntries/query/count", path(`{"filter":[{"op":"eq","field":"ticketID","value":%d}]}`, middle)},
			"POST Tickets/Notes":       {path("Tickets/%d/Notes", first), noteBody},
			"a page of all of them":    {"Tickets/query", `{"MaxRecords":1,"filter":[{"op":"exist","field":"id"}]}`},
			"GET of what is not there": {"Tickets/1"},
		} {
			b.Run(path("%d/%s", size, name), func(b *testing.B) {
				method := http.MethodPost
				if request[1] == "" {
					method = http.MethodGet
				}
				ask := func() {
					r := signed(b, srv, method, srv.BaseURL()+"/"+request[0], request[1])
					resp, err := transport.RoundTrip(r)
					require.NoError(b, err)
					require.Equal(b, http.StatusOK, resp.StatusCode)
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				ask() // which makes the index, if there is to be one
				for b.Loop() {
					ask()
				}
				srv.ResetRequests()
			})
		}
	}
}
