// Package postgres shares Autotask's limits between processes, through a PostgreSQL database:
// the places on an endpoint, locks, the tenant's hour, and the memory of writes whose
// answers were lost.
//
//	err := postgres.Migrate(ctx, pool) // once, as after each new version
//	shared, err := postgres.New(pool, postgres.Config{Zone: zone, IntegrationCode: creds.IntegrationCode})
//	client, err := autotask.NewClient(creds,
//		autotask.WithLimiter(shared), autotask.WithUnanswered(shared),
//		autotask.WithBudget(shared), autotask.WithHourlyReserve(0.2))
//
// A place is a lease of ten seconds on the server's clock, renewed every three. When it
// is lost, the context of its request ends. Waiters are served in the order in which
// they came; one that has said nothing for a second is passed over until it does.
//
// No key holds a credential: see [Config]. It takes PostgreSQL 12 or newer, and works
// behind a pooler in transaction mode, such as PgBouncer: each call is one statement of
// its own, without a prepared statement, LISTEN, or a lock that outlives it.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/fleet"
)

// Config says what is shared, and what happens without the server. All processes of a
// fleet use the same Zone, IntegrationCode, Tenant and Places.
type Config struct {
	// Zone is the zone's base URL, or any other name of it. Of a URL the host becomes
	// part of every key.
	Zone string
	// IntegrationCode is the one of the credentials. Half of its SHA-256, with a domain
	// of its own, becomes part of every key; the code itself goes nowhere.
	IntegrationCode string
	// Tenant tells tenants apart that share a zone and an integration code, as the
	// customers of one vendor do. It becomes part of every key as it is.
	Tenant string
	// Places is the number of requests at one time on an endpoint; the default is 3.
	Places int
	// Fallback is how long the process goes by its own limits when the server does not
	// answer: as many places on an endpoint as if it were alone, its own count of the
	// hour, its own memory. After that, and by default at once, requests fail with
	// ErrStore before they are sent.
	Fallback time.Duration
	// Logger gets a record when the server stops answering (Warn), and when it answers
	// again (Info). The default is slog.Default().
	Logger *slog.Logger
}

// Errors, to be tested with errors.Is.
var (
	// ErrStore means that the server did not answer.
	ErrStore = fleet.ErrStore
	// ErrLost is the context.Cause of a place or lock that was lost.
	ErrLost = fleet.ErrLost
)

// Stats are counts since New.
type Stats struct {
	Failures  int64 // exchanges with the server that failed
	Fallbacks int64 // calls that went by the process's own limits instead
	Lost      int64 // places and locks that the server gave to somebody else meanwhile
}

// DB is a *pgxpool.Pool, or what has its methods. Calls run concurrently, so a single
// *pgx.Conn will not do. Whatever its default is, statements are sent with
// pgx.QueryExecModeExec or the simple protocol.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Limits implements [autotask.Limiter], [autotask.Locker], [autotask.Budget] and
// [autotask.Unanswered]. It may be used by any number of clients of one tenant.
type Limits struct{ shared *fleet.Limits }

// New returns limits that are shared through a database, in which
// [Migrate] has made the tables. It sends nothing.
func New(db DB, c Config) (*Limits, error) {
	if db == nil {
		return nil, errors.New("limits/postgres: the database is nil")
	}
	scope, err := fleet.Scope(c.Zone, c.IntegrationCode, c.Tenant)
	if err != nil {
		return nil, fmt.Errorf("limits/postgres: %w", err)
	}
	config, err := fleet.Config{Name: "limits/postgres", Places: c.Places, Fallback: c.Fallback, Logger: c.Logger}.Checked()
	if err != nil {
		return nil, fmt.Errorf("limits/postgres: %w", err)
	}
	return &Limits{fleet.New(&store{db, scope}, config)}, nil
}

// Acquire waits for a place on an endpoint, as [autotask.WithLimiter] wants it. It and
// release take one round trip each; waiting takes more. release does not wait for its
// own: see Close.
func (l *Limits) Acquire(ctx context.Context, endpoint string) (release func(), held context.Context, err error) {
	return l.shared.Acquire(ctx, endpoint)
}

// Lock waits until nobody else holds the key. held ends when the lock is lost, with
// the cause ErrLost.
func (l *Limits) Lock(ctx context.Context, key string) (unlock func(), held context.Context, err error) {
	return l.shared.Lock(ctx, key)
}

// Spend counts requests, as [autotask.WithBudget] wants it.
func (l *Limits) Spend(ctx context.Context, begun, ended int64) (autotask.Spent, error) {
	return l.shared.Spend(ctx, begun, ended)
}

// Refresh lets one process at a time read the tenant's limit.
func (l *Limits) Refresh(ctx context.Context, maxAge time.Duration, read func(context.Context) (*autotask.Threshold, error)) error {
	return l.shared.Refresh(ctx, maxAge, read)
}

// Remember keeps a value, as [autotask.WithUnanswered] wants it.
func (l *Limits) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return l.shared.Remember(ctx, key, value, ttl)
}

// Recall returns a value, and how much of its ttl is left.
func (l *Limits) Recall(ctx context.Context, key string) (value []byte, left time.Duration, err error) {
	return l.shared.Recall(ctx, key)
}

// Forget empties a value that is still the given one, and reports whether it was.
func (l *Limits) Forget(ctx context.Context, key string, value []byte) (bool, error) {
	return l.shared.Forget(ctx, key, value)
}

// Stats returns counts, for a program's metrics.
func (l *Limits) Stats() Stats { return Stats(l.shared.Stats()) }

// Close lets nobody in any more, whoever waits included, and waits until the server
// knows of all places that were given back. What a process does not give back is free
// after ten seconds.
func (l *Limits) Close(ctx context.Context) error { return l.shared.Close(ctx) }
