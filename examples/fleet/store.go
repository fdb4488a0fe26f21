package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
	"riverqueue.com/riverui"
	"riverqueue.com/riverui/uiendpoints"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/changes"
	"github.com/autotask-go/autotask/limits/postgres"
)

// engine is River on one of its databases.
type engine struct {
	client
	db     *sql.DB       // the same database, for what is not River's
	pool   *pgxpool.Pool // the same; nil on SQLite
	schema string
	counts func(ctx context.Context) (map[rivertype.JobState]int, error)
	ui     func() uiendpoints.Bundle
	close  func()

	migrateRiver func(ctx context.Context) error
}

// client is what a river.Client has for this program, whatever its database.
type client interface {
	Start(ctx context.Context) error
	Stopped() <-chan struct{}
	InsertMany(ctx context.Context, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
	JobList(ctx context.Context, params *river.JobListParams) (*river.JobListResult, error)
	QueueList(ctx context.Context, params *river.QueueListParams) (*river.QueueListResult, error)
	QueuePause(ctx context.Context, name string, opts *river.QueuePauseOpts) error
}

// database names a database: sqlite:FILE or postgres://…, and a schema of the latter.
type database struct {
	Name   string `json:"name"`
	Schema string `json:"schema"`
}

func (d database) isSQLite() bool { return strings.HasPrefix(d.Name, "sqlite:") }

// schemaName needs no quotes in any statement.
var schemaName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// check returns what is wrong with the name, and never a password in it.
func (d database) check() error {
	switch {
	case d.isSQLite():
		if d.Name == "sqlite:" {
			return errors.New("the database sqlite: has no file")
		}
		return nil
	case !strings.HasPrefix(d.Name, "postgres://") && !strings.HasPrefix(d.Name, "postgresql://"):
		return errors.New("the database is sqlite:FILE or postgres://…")
	case !schemaName.MatchString(d.Schema):
		return fmt.Errorf("the schema %q is not valid: a letter, then a-z, 0-9 and _, 41 at most", d.Schema)
	}
	_, err := pgx.ParseConfig(d.Name) // its errors have no password
	return err
}

// open opens River. An engine that is not started inserts and lists jobs.
func (d database) open(ctx context.Context, config *river.Config) (*engine, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if d.isSQLite() {
		db, err := sql.Open("sqlite", sqliteName(strings.TrimPrefix(d.Name, "sqlite:")))
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(1) // as River's driver recommends
		e, err := newEngine(riversqlite.New(db), config)
		if err != nil {
			_ = db.Close()
			return nil, err
		}
		e.db, e.close = db, func() { _ = db.Close() }
		return e, nil
	}
	poolConfig, err := pgxpool.ParseConfig(d.Name)
	if err != nil {
		return nil, err
	}
	poolConfig.ConnConfig.RuntimeParams["search_path"] = d.Schema // of the tables that are not River's
	pool, err := pgxpool.NewWithConfig(ctx, poolConfig)
	if err != nil {
		return nil, err
	}
	config.Schema = d.Schema
	e, err := newEngine(riverpgxv5.New(pool), config)
	if err != nil {
		pool.Close()
		return nil, err
	}
	e.db, e.pool, e.schema = stdlib.OpenDBFromPool(pool), pool, d.Schema
	e.close = func() {
		_ = e.db.Close()
		pool.Close()
	}
	return e, nil
}

func newEngine[TTx any](driver riverdriver.Driver[TTx], config *river.Config) (*engine, error) {
	c, err := river.NewClient(driver, config)
	if err != nil {
		return nil, err
	}
	return &engine{
		client: c,
		counts: func(ctx context.Context) (map[rivertype.JobState]int, error) {
			return driver.GetExecutor().JobCountByAllStates(ctx, &riverdriver.JobCountByAllStatesParams{Schema: config.Schema})
		},
		ui: func() uiendpoints.Bundle { return riverui.NewEndpoints(c, nil) },
		migrateRiver: func(ctx context.Context) error {
			m, err := rivermigrate.New(driver, &rivermigrate.Config{Schema: config.Schema, Logger: config.Logger})
			if err != nil {
				return err
			}
			_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
			return err
		},
	}, nil
}

// migrate creates the tables of River and the fleet's own, or brings them up to date.
func (e *engine) migrate(ctx context.Context) error {
	if e.schema != "" {
		if _, err := e.db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+e.schema); err != nil {
			return err
		}
	}
	if err := e.migrateRiver(ctx); err != nil {
		return err
	}
	if e.pool != nil {
		if err := postgres.Migrate(ctx, e.pool); err != nil {
			return err
		}
	}
	return createFeeds(ctx, e.db)
}

// drop removes the schema with all that is in it.
func (e *engine) drop(ctx context.Context) error {
	if e.schema == "" {
		return nil
	}
	_, err := e.db.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+e.schema+" CASCADE")
	return err
}

// sqliteName is the URI of a file. A transaction takes the lock to write when it
// begins, and waits for that of other processes.
func sqliteName(file string) string {
	path := filepath.ToSlash(file)
	if filepath.VolumeName(file) != "" {
		path = "/" + path
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(20000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate"
}

// feeds keeps, for each tenant, the position of its change feed and the rows that the
// feed has told of. Module mirror makes tables with columns of them.
type feeds struct{ db *sql.DB }

func createFeeds(ctx context.Context, db *sql.DB) error {
	for _, table := range []string{
		"fleet_feed (tenant TEXT PRIMARY KEY, version BIGINT NOT NULL, state TEXT NOT NULL)",
		"fleet_row (tenant TEXT, collection TEXT, id BIGINT, json TEXT NOT NULL, PRIMARY KEY (tenant, collection, id))",
	} {
		if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+table); err != nil {
			return err
		}
	}
	return nil
}

// run makes one run of a tenant's feed, and saves each batch of rows together with
// the position behind it.
func (f *feeds) run(ctx context.Context, client *autotask.Client, tenant string, collections []string) (caughtUp bool, err error) {
	version, state, err := f.load(ctx, tenant)
	if err != nil {
		return false, err
	}
	feed, err := changes.Open(client, changes.Options{Collections: collections, State: state, Budget: runBudget})
	if err != nil {
		return false, err
	}
	for batch, err := range feed.Run(ctx) {
		if err != nil {
			return false, err
		}
		if err := f.save(ctx, tenant, version, batch); err != nil {
			return false, err
		}
		version++
		caughtUp = batch.CaughtUp
	}
	return caughtUp, nil
}

func (f *feeds) load(ctx context.Context, tenant string) (version int64, state changes.State, err error) {
	var text string
	err = f.db.QueryRowContext(ctx, "SELECT version, state FROM fleet_feed WHERE tenant = $1", tenant).Scan(&version, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, changes.State{}, nil
	}
	if err != nil {
		return 0, changes.State{}, err
	}
	return version, state, json.Unmarshal([]byte(text), &state)
}

// save saves a batch, unless another worker has saved one since the position was
// loaded: that worker has taken this one, which was stopped for long, for dead.
func (f *feeds) save(ctx context.Context, tenant string, version int64, batch *changes.Batch) error {
	state, err := json.Marshal(batch.State)
	if err != nil {
		return err
	}
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	saved, err := tx.ExecContext(ctx, "INSERT INTO fleet_feed AS old (tenant, version, state) VALUES ($1, $2, $3)"+
		" ON CONFLICT (tenant) DO UPDATE SET version = excluded.version, state = excluded.state WHERE old.version = excluded.version - 1",
		tenant, version+1, string(state))
	if err != nil {
		return err
	}
	if n, err := saved.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, errors.New("another worker has moved the feed's position"))
	}
	for _, c := range batch.Changes {
		if err := f.apply(ctx, tx, tenant, c); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (f *feeds) apply(ctx context.Context, tx *sql.Tx, tenant string, c changes.Change) (err error) {
	switch c.Kind {
	case changes.Upserted:
		_, err = tx.ExecContext(ctx, "INSERT INTO fleet_row (tenant, collection, id, json) VALUES ($1, $2, $3, $4)"+
			" ON CONFLICT (tenant, collection, id) DO UPDATE SET json = excluded.json", tenant, c.Collection, c.ID, string(c.JSON))
	case changes.Gone:
		_, err = tx.ExecContext(ctx, "DELETE FROM fleet_row WHERE tenant = $1 AND collection = $2 AND id = $3", tenant, c.Collection, c.ID)
	case changes.Recheck, changes.SchemaChanged: // the former comes only of deletion logs, which this feed does not read
	}
	return err
}

// rows returns the ids of a collection's rows that a tenant's feed has told of.
func (f *feeds) rows(ctx context.Context, tenant, collection string) (map[int64]bool, error) {
	rows, err := f.db.QueryContext(ctx, "SELECT id FROM fleet_row WHERE tenant = $1 AND collection = $2", tenant, collection)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	ids := make(map[int64]bool)
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids[id] = true
	}
	return ids, rows.Err()
}

// The time that a job may take, and that River waits before it takes a running job
// for one of a worker that was killed. What such a worker had sent can land until
// Autotask ends it, after five minutes (docs/reliability.md), and nobody is left who
// remembers it: so the next try must not look before.
const (
	jobTimeout = 10 * time.Minute
	landing    = 5 * time.Minute
	rescue     = jobTimeout + landing + time.Minute
)
