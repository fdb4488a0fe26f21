//go:build unix

package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/limits/internal/fleettest"
	"github.com/autotask-go/autotask/limits/postgres"
)

const (
	zone = "https://webservices19.autotask.net/ATServicesRest/V1.0"
	code = "ABCDEFGHIJKLMNOPQRSTUVWXYZ1"
)

// AUTOTASK_TEST_POSTGRES names the server of the tests. See .ci/postgres.
var adapter = fleettest.Adapter{
	Variable:   "AUTOTASK_TEST_POSTGRES",
	Help:       "it is a URL such as postgres://postgres@127.0.0.1:5432/postgres; .ci/postgres starts a server",
	RoundTrips: 3,
	Lost:       postgres.ErrLost,
	Down:       postgres.ErrStore,
	Open: func(ctx context.Context, o fleettest.Options) (fleettest.Shared, func() fleettest.Stats, error) {
		db, err := connect(ctx, o.Server)
		if err != nil {
			return nil, nil, err
		}
		l, err := postgres.New(db, postgres.Config{
			Zone: zone, IntegrationCode: code, Tenant: o.Tenant, Places: o.Places, Fallback: o.Fallback, Logger: o.Logger,
		})
		if err != nil {
			return nil, nil, err
		}
		return l, func() fleettest.Stats { return fleettest.Stats(l.Stats()) }, nil
	},
	Wipe: func(ctx context.Context, o fleettest.Options) error {
		db, err := connect(ctx, o.Server)
		if err != nil {
			return err
		}
		defer db.Close()
		for _, table := range []string{"leases", "waiters", "owners"} {
			if _, err := db.Exec(ctx, "DELETE FROM autotask_limits_"+table+" WHERE queue LIKE '%/' || $1 || '/%'", o.Tenant); err != nil {
				return err
			}
		}
		_, err = db.Exec(ctx, "DELETE FROM autotask_limits_queues WHERE name LIKE '%/' || $1 || '/%'", o.Tenant)
		return err
	},
	Ahead: func(ctx context.Context, o fleettest.Options) error {
		db, err := connect(ctx, o.Server)
		if err != nil {
			return err
		}
		defer db.Close()
		for table, stamp := range map[string]string{"leases": "until", "owners": "seen"} {
			if _, err := db.Exec(ctx, "UPDATE autotask_limits_"+table+" SET "+stamp+" = "+stamp+" + interval '1 hour' WHERE queue LIKE '%/' || $1 || '/%'", o.Tenant); err != nil {
				return err
			}
		}
		return nil
	},
}

// migrated is done once in each process.
var migrated sync.Once

func connect(ctx context.Context, url string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = 4
	db, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	migrated.Do(func() { err = postgres.Migrate(ctx, db) })
	return db, err
}

func TestMain(m *testing.M) { fleettest.Main(m, adapter) }

// The tests that measure run alone, one after another.

func TestPlacesOfEightProcesses(t *testing.T) { fleettest.Places(t, adapter) }     //nolint:paralleltest // it measures
func TestHourOfTwelveProcesses(t *testing.T)  { fleettest.Hour(t, adapter) }       //nolint:paralleltest // it measures
func TestRoundTrips(t *testing.T)             { fleettest.RoundTrips(t, adapter) } //nolint:paralleltest // it measures

func TestUnanswered(t *testing.T) { t.Parallel(); fleettest.Unanswered(t, adapter) }
func TestLock(t *testing.T)       { t.Parallel(); fleettest.Lock(t, adapter) }
func TestLockLost(t *testing.T)   { t.Parallel(); fleettest.LockLost(t, adapter) }
func TestOrder(t *testing.T)      { t.Parallel(); fleettest.Order(t, adapter) }
func TestBudget(t *testing.T)     { t.Parallel(); fleettest.Budget(t, adapter) }
func TestMemory(t *testing.T)     { t.Parallel(); fleettest.Memory(t, adapter) }
func TestDown(t *testing.T)       { t.Parallel(); fleettest.Down(t, adapter) }
func TestFallback(t *testing.T)   { t.Parallel(); fleettest.Fallback(t, adapter) }
func TestWiped(t *testing.T)      { t.Parallel(); fleettest.Wiped(t, adapter) }

func TestClockSetBack(t *testing.T) { t.Parallel(); fleettest.SetBack(t, adapter) }

func TestMigrate_MayRunAgainAndByAll(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			db, err := pgxpool.New(t.Context(), fleettest.Server(t, adapter))
			if assert.NoError(t, err) {
				defer db.Close()
				assert.NoError(t, postgres.Migrate(t.Context(), db))
			}
		})
	}
	all.Wait()
}

func TestNoRowHoldsASecret(t *testing.T) {
	t.Parallel()
	o := fleettest.Options{Server: fleettest.Server(t, adapter), Tenant: "no-secrets"}
	l, _, err := adapter.Open(t.Context(), o)
	require.NoError(t, err)
	release, _, err := l.Acquire(t.Context(), "Tickets")
	require.NoError(t, err)
	defer release()
	_, err = l.Spend(t.Context(), 1, 0)
	require.NoError(t, err)
	require.NoError(t, l.Remember(t.Context(), "tickets/5", []byte("x"), 1e9))
	db, err := connect(t.Context(), o.Server)
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.Query(t.Context(), `
		SELECT name FROM autotask_limits_queues UNION SELECT name FROM autotask_limits_hours UNION SELECT name FROM autotask_limits_writes
		UNION SELECT queue FROM autotask_limits_leases UNION SELECT queue FROM autotask_limits_owners`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	found := 0
	for _, name := range names {
		assert.NotContains(t, name, code)
		if strings.Contains(name, "no-secrets") {
			assert.Regexp(t, `^webservices19\.autotask\.net/[0-9a-f]{32}/no-secrets(/endpoint:Tickets|/write:tickets/5|)$`, name)
			found++
		}
	}
	assert.Equal(t, 3, found)
}

// A user who may only read and write what Migrate has made can do all.
func TestNoSuperuserIsNeeded(t *testing.T) {
	t.Parallel()
	server := fleettest.Server(t, adapter)
	admin, err := connect(t.Context(), server)
	require.NoError(t, err)
	defer admin.Close()
	_, err = admin.Exec(t.Context(), `
		DO $$ BEGIN
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'limits_worker') THEN CREATE ROLE limits_worker LOGIN; END IF;
		END $$;
		GRANT SELECT, INSERT, UPDATE, DELETE ON autotask_limits_queues, autotask_limits_leases, autotask_limits_waiters,
			autotask_limits_owners, autotask_limits_hours, autotask_limits_writes TO limits_worker`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	config, err := pgxpool.ParseConfig(server)
	require.NoError(t, err)
	config.ConnConfig.User, config.ConnConfig.Password = "limits_worker", ""
	db, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer db.Close()
	useAll(t, db)
}

// useAll makes each kind of call once.
func useAll(t *testing.T, db postgres.DB) {
	t.Helper()
	l, err := postgres.New(db, postgres.Config{Zone: zone, IntegrationCode: code, Tenant: t.Name()})
	require.NoError(t, err)
	release, held, err := l.Acquire(t.Context(), "Tickets")
	require.NoError(t, err)
	require.NoError(t, held.Err())
	release()
	unlock, _, err := l.Lock(t.Context(), "a key")
	require.NoError(t, err)
	unlock()
	_, err = l.Spend(t.Context(), 1, 0)
	require.NoError(t, err)
	require.NoError(t, l.Refresh(t.Context(), 0, fleettest.Reads(1000, 1)))
	require.NoError(t, l.Remember(t.Context(), "k", []byte("v"), 1e10))
	value, _, err := l.Recall(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, "v", string(value))
	was, err := l.Forget(t.Context(), "k", value)
	require.NoError(t, err)
	assert.True(t, was)
	require.NoError(t, l.Close(t.Context()))
	assert.Zero(t, l.Stats())
}

// strangers is what a pooler in transaction mode looks like at its worst: each
// statement meets another session, in which whatever it had prepared would be missing.
type strangers struct {
	postgres.DB
	t   *testing.T
	url string
}

func (s strangers) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	conn, err := pgx.Connect(ctx, s.url)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(ctx)) })
	return once{conn.QueryRow(ctx, sql, args...), conn, s.t}
}

// once looks at what a statement has left in its session.
type once struct {
	pgx.Row
	conn *pgx.Conn
	t    *testing.T
}

func (o once) Scan(into ...any) error {
	err := o.Row.Scan(into...)
	var left int
	require.NoError(o.t, o.conn.QueryRow(o.t.Context(), `SELECT
		(SELECT count(*) FROM pg_prepared_statements) +
		(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) +
		(SELECT count(*) FROM pg_listening_channels())`, pgx.QueryExecModeExec).Scan(&left))
	assert.Zero(o.t, left, "prepared statements, locks or channels are left")
	return err
}

func TestNothingIsLeftInASession(t *testing.T) {
	t.Parallel()
	server := fleettest.Server(t, adapter)
	db, err := connect(t.Context(), server)
	require.NoError(t, err)
	defer db.Close()
	useAll(t, strangers{db, t, server})
}

// In a database whose transactions have one snapshot, nothing is decided by what was
// true before.
func TestOneSnapshotATransaction(t *testing.T) {
	t.Parallel()
	config, err := pgxpool.ParseConfig(fleettest.Server(t, adapter))
	require.NoError(t, err)
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	config.MaxConns = 20
	db, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer db.Close()
	migrated.Do(func() { require.NoError(t, postgres.Migrate(t.Context(), db)) })
	var mu sync.Mutex
	inside, highest := 0, 0
	var all sync.WaitGroup
	for range 8 {
		l, err := postgres.New(db, postgres.Config{Zone: zone, IntegrationCode: code, Tenant: t.Name(), Places: 2})
		require.NoError(t, err)
		all.Go(func() {
			for range 10 {
				release, _, err := l.Acquire(t.Context(), "Tickets")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				inside++
				highest = max(highest, inside)
				mu.Unlock()
				mu.Lock()
				inside--
				mu.Unlock()
				release()
			}
		})
	}
	all.Wait()
	assert.LessOrEqual(t, highest, 2)
}

func TestNew_RefusesAConfigThatIsWrong(t *testing.T) {
	t.Parallel()
	db := &pgxpool.Pool{}
	for text, c := range map[string]postgres.Config{
		"no Zone":              {IntegrationCode: code},
		"no IntegrationCode":   {Zone: zone},
		"has a space, a brace": {Zone: zone, IntegrationCode: code, Tenant: "a b"},
		"may be negative":      {Zone: zone, IntegrationCode: code, Fallback: -1},
	} {
		_, err := postgres.New(db, c)
		require.ErrorContains(t, err, text)
		assert.NotContains(t, err.Error(), code)
	}
	_, err := postgres.New(nil, postgres.Config{Zone: zone, IntegrationCode: code})
	require.ErrorContains(t, err, "the database is nil")
}
