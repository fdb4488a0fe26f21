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
