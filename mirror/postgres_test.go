//go:build postgres

package mirror_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/mirror"
)

// MIRROR_TEST_DATABASE_URL names the Postgres server in which each test makes a schema
// of its own. See .ci/postgres.
func init() {
	databases["postgres"] = func(t *testing.T) (name, schema string) {
		t.Helper()
		name = os.Getenv("MIRROR_TEST_DATABASE_URL")
		require.NotEmpty(t, name, "MIRROR_TEST_DATABASE_URL names no server: see .ci/postgres")
		return name, strings.ToLower(fmt.Sprintf("test %s %d", t.Name(), os.Getpid()))
	}
}

// Views that people build on those of the mirror outlive new columns.
func TestAViewOnAViewStays(t *testing.T) {
	t.Parallel()
	name, schema := databases["postgres"](t)
	m, err := mirror.OpenSchema(t.Context(), name, schema, true)
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	x := newTenant(t)
	x.Seed("Tickets", map[string]any{"status": 5})
	x.mirror(m)
	_, err = m.DB().ExecContext(t.Context(), "CREATE VIEW mine AS SELECT title, status_label FROM tickets_view")
	require.NoError(t, err)
	x.Seed("Tickets", map[string]any{"userDefinedFields": []map[string]any{{"name": "Backup Plan", "value": "Gold"}}})
	x.mirror(m)
	assert.Equal(t, []string{"Complete", "Gold"}, query(t, m, "SELECT status_label FROM mine WHERE status_label = 'Complete' UNION ALL SELECT udf_backup_plan FROM tickets_view WHERE udf_backup_plan IS NOT NULL"))
}
