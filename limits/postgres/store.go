package postgres

import (
	"context"
	crypto "crypto/rand"
	_ "embed" // the schema
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/fleet"
)

//go:embed schema.sql
var schema string

// Migrate makes the tables and the function, all of whose names begin with
// autotask_limits_, in the first schema of the search path, or brings them up to date.
// It takes the right to create in that schema, and may be called at each start, by all
// processes at one time. What uses them needs no more than SELECT, INSERT, UPDATE and
// DELETE.
func Migrate(ctx context.Context, db DB) error {
	// Statements that are sent together are one transaction.
	if _, err := db.Exec(ctx, schema, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("limits/postgres: making the tables: %w", err)
	}
	return nil
}

// store is a fleet.Store in a database. Each exchange is one statement, which is a
// transaction of its own: a process that is stopped holds no lock.
type store struct {
	db    DB
	scope string // of all names
}

// mode neither prepares nor describes a statement, which takes one round trip, and
// leaves nothing in the session.
const mode = pgx.QueryExecModeExec

// query makes a statement that returns one row. In databases whose transactions have
// one snapshot by default, it is made again until nobody comes between.
func (s *store) query(ctx context.Context, sql string, args []any, into ...any) error {
	for {
		err := s.db.QueryRow(ctx, sql, append([]any{mode}, args...)...).Scan(into...)
		if failure, ok := errors.AsType[*pgconn.PgError](err); !ok || failure.Code != serializationFailure {
			return err
		}
		select {
		case <-time.After(time.Millisecond + rand.N(20*time.Millisecond)): //nolint:gosec // jitter needs no secrecy
		case <-ctx.Done():
			return err
		}
	}
}

const serializationFailure = "40001"

func (s *store) Step(ctx context.Context, st fleet.Step) (out fleet.Outcome, err error) {
	err = s.query(ctx,
		`SELECT granted, lost, ahead FROM autotask_limits_step_1($1::text, $2::int, $3::text, $4::text[], $5::text[], $6::text[], $7::text::interval, $8::text::interval, $9::text::interval)`,
		[]any{
			s.scope + "/" + st.Queue, st.Places, st.Owner, all(st.Leave), all(st.Renew), all(st.Wait),
			interval(fleet.LeaseTime), interval(fleet.Silence), interval(fleet.DeadAfter),
		}, &out.Granted, &out.Lost, &out.Ahead)
	return out, err
}

// all is a list that is not NULL.
func all(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}

func interval(d time.Duration) string { return fmt.Sprintf("%d milliseconds", d.Milliseconds()) }

func (s *store) Spend(ctx context.Context, begun, ended int64) (spent autotask.Spent, err error) {
	var window, age float64
	err = s.query(ctx, `
		INSERT INTO autotask_limits_hours AS h (name, begun, ended) VALUES ($1::text, $2::bigint, $3::bigint)
		ON CONFLICT (name) DO UPDATE SET begun = h.begun + excluded.begun, ended = h.ended + excluded.ended
		RETURNING quota, span::float8, used, coalesce(extract(epoch FROM clock_timestamp() - read_at), 0)::float8, greatest(0, h.begun - base)`,
		[]any{s.scope, begun, ended}, &spent.Limit, &window, &spent.Used, &age, &spent.Since)
	spent.Window = time.Duration(window) * time.Millisecond
	spent.Age = time.Duration(age * float64(time.Second))
	if spent.Age < 0 { // the server's clock was set back
		spent.Age = time.Hour
	}
	return spent, err
}

func (s *store) Claim(ctx context.Context, maxAge time.Duration) (token string, err error) {
	token = crypto.Text()
	err = s.query(ctx, `
		INSERT INTO autotask_limits_hours AS h (name, token, claimed_at) VALUES ($1::text, $2::text, clock_timestamp())
		ON CONFLICT (name) DO UPDATE SET token = excluded.token, claimed_at = clock_timestamp(), mark_begun = h.begun, mark_ended = h.ended
		WHERE (h.read_at IS NULL OR clock_timestamp() - h.read_at >= $3::text::interval OR h.read_at > clock_timestamp())
			AND (h.claimed_at IS NULL OR clock_timestamp() - h.claimed_at >= $4::text::interval OR h.claimed_at > clock_timestamp())
		RETURNING token`,
		[]any{s.scope, token, interval(maxAge), interval(fleet.ClaimTime)}, &token)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return token, err
}

func (s *store) Report(ctx context.Context, token string, t autotask.Threshold) error {
	_, err := s.db.Exec(ctx, `
		UPDATE autotask_limits_hours SET quota = $3::bigint, span = $4::bigint, used = $5::bigint, read_at = claimed_at,
			base = greatest(mark_ended, last), last = mark_begun, token = NULL, claimed_at = NULL
		WHERE name = $1::text AND token = $2::text`,
		mode, s.scope, token, t.Limit, t.Window.Milliseconds(), t.Used)
	return err
}

func (s *store) write(key string) string { return s.scope + "/write:" + key }

func (s *store) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO autotask_limits_writes (name, value, until) VALUES ($1::text, $2::bytea, clock_timestamp() + $3::text::interval)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, until = excluded.until`,
		mode, s.write(key), value, interval(ttl))
	return err
}

func (s *store) Recall(ctx context.Context, key string) (value []byte, left time.Duration, err error) {
	var seconds float64
	err = s.query(ctx, `
		SELECT value, extract(epoch FROM until - clock_timestamp())::float8 FROM autotask_limits_writes
		WHERE name = $1::text AND until > clock_timestamp()`, []any{s.write(key)}, &value, &seconds)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	case value == nil:
		value = []byte{}
	}
	return value, time.Duration(seconds * float64(time.Second)), nil
}

func (s *store) Forget(ctx context.Context, key string, value []byte) (bool, error) {
	tag, err := s.db.Exec(ctx, `
		UPDATE autotask_limits_writes SET value = ''
		WHERE name = $1::text AND value = $2::bytea AND value <> '' AND until > clock_timestamp()`, mode, s.write(key), value)
	return err == nil && tag.RowsAffected() == 1, err
}
