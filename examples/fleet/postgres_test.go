//go:build postgres

package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FLEET_TEST_DATABASE_URL names a Postgres server, and FLEET_TEST_RESTART is a command
// that restarts it. See .ci/postgres.
func variable(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	require.NotEmpty(t, value, name+" is not set: see .ci/postgres")
	return value
}

// 2,000 jobs, while workers are killed at random and the server is restarted.
//
//nolint:paralleltest // no other test may use the server meanwhile
func TestFleetOnPostgres(t *testing.T) {
	restart := strings.Fields(variable(t, "FLEET_TEST_RESTART"))
	out := &text{}
	restarts := 0
	d := &demo{
		tenants: demoTenants, jobs: demoJobs, workers: usualWorkers, kills: 4, latency: demoLatency,
		db:    database{Name: variable(t, "FLEET_TEST_DATABASE_URL"), Schema: "fleet_test_" + random()},
		locks: t.TempDir(), stdout: out, stderr: out, verbose: true,
		step: func(ctx context.Context, over int) error {
			if restarts > 0 || over < demoJobs/2 {
				return nil
			}
			restarts++
			//nolint:gosec // the tester names it
			said, err := exec.CommandContext(ctx, restart[0], restart[1:]...).CombinedOutput()
			assert.NoError(t, err, string(said))
			return err
		},
	}
	require.NoError(t, d.run(t.Context()), out)
	t.Log(out)
	assert.Equal(t, 1, restarts)
	assert.True(t, strings.HasSuffix(out.String(), "\nfleet: 2000 jobs, 0 lost, 0 doubled\n"), out)
	assert.Contains(t, out.String(), "Workers killed: 4\n")
}
