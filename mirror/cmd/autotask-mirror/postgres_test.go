//go:build postgres

package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/mirror"
)

// The fake tenant in Postgres, and the queries of the README there.
func TestFakeTenantInPostgres(t *testing.T) {
	t.Parallel()
	name := os.Getenv("MIRROR_TEST_DATABASE_URL")
	require.NotEmpty(t, name, "MIRROR_TEST_DATABASE_URL names no server: see .ci/postgres")
	getenv := environment(map[string]string{"DATABASE_URL": name})
	var out bytes.Buffer
	o, err := parse(nil, getenv, io.Discard)
	require.NoError(t, err)
	o.size = 1_500
	for range 2 { // the second begins with an empty schema
		require.NoError(t, o.run(t.Context(), getenv, &out, io.Discard))
	}
	assert.Equal(t, 2, strings.Count(out.String(), "\nTickets: 1500 rows, the same on both sides\n"))

	m, err := mirror.OpenSchema(t.Context(), name, fakeSchema, false)
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	for _, q := range queries(t) {
		rows, columns := count(t, m.DB(), strings.Replace(q, "strftime('%Y-%m', e.dateWorked)", "to_char(e.dateWorked, 'YYYY-MM')", 1))
		assert.Positive(t, rows, q)
		assert.Greater(t, columns, 1, q)
	}
}
