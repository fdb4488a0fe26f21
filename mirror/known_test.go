package mirror

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A million rows, of which every tenth is deleted.
func TestAMillionKnownRows(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m, err := Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "million.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	k := known{m}
	n, err := k.Count(ctx, "Tickets", -1, math.MaxInt64)
	require.NoError(t, err)
	assert.Zero(t, n, "there is no table yet")
	ids, err := k.IDs(ctx, "Tickets", -1, math.MaxInt64, 7)
	require.NoError(t, err)
	assert.Empty(t, ids)
	_, err = k.Nth(ctx, "Tickets", -1, 0)
	require.Error(t, err)

	tx, err := m.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	w := &writer{Mirror: m, tx: tx, now: time.Now()}
	require.NoError(t, w.create(ctx, "Tickets"))
	_, err = tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
		INSERT INTO Tickets (id, _json, _changed, _deleted) SELECT 3 * i, '{}', '', CASE WHEN i % 10 = 9 THEN '' END FROM n`)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())

	count := func(after, last int64) int {
		t.Helper()
		n, err := k.Count(ctx, "Tickets", after, last)
		require.NoError(t, err)
		return n
	}
	assert.Equal(t, 900_000, count(-1, math.MaxInt64))
	assert.Equal(t, 9, count(-1, 29), "0, 3, … 24; 27 is deleted")
	assert.Equal(t, 2, count(0, 6))
	assert.Zero(t, count(6, 6))
	for _, at := range []int{0, 8, 9, 123_456, 899_999} {
		id, err := k.Nth(ctx, "Tickets", -1, at)
		require.NoError(t, err)
		assert.Equal(t, int64(3*(at/9*10+at%9)), id)
		assert.Equal(t, at, count(-1, id-1), "so many are before it")
	}
	ids, err = k.IDs(ctx, "Tickets", 21, 300, 4)
	require.NoError(t, err)
	assert.Equal(t, []int64{24, 30, 33, 36}, ids)
}
