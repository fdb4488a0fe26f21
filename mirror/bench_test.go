package mirror_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/changes"
	"github.com/autotask-go/autotask/mirror"
)

// A first run over 5,000 tickets with two user-defined fields.
func BenchmarkFirstRun(b *testing.B) {
	const tickets = 5_000
	srv := autotasktest.NewInProcess(b)
	srv.SetThreshold(1_000_000_000, 0)
	for i := range tickets {
		srv.Seed("Tickets", map[string]any{"title": "Backup failed", "userDefinedFields": []map[string]any{{"name": "Backup Plan", "value": "Gold"}, {"name": "Devices", "value": fmt.Sprint(i)}}})
	}
	client := srv.InProcessClient()
	n := 0
	for b.Loop() {
		m, err := mirror.Open(b.Context(), fmt.Sprintf("sqlite:%s/%d.db", b.TempDir(), n))
		require.NoError(b, err)
		require.NoError(b, m.Run(b.Context(), client, mirror.Options{Feed: changes.Options{Collections: []string{"Tickets"}}}))
		require.NoError(b, m.Close())
		n++
	}
	b.ReportMetric(float64(tickets*n)/b.Elapsed().Seconds(), "rows/s")
}
