package mirror

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/changes"
)

// ErrBusy is the error of a Run during which another program has mirrored into the
// same database. Nothing of the batch at which it was noticed was saved.
var ErrBusy = errors.New("mirror: another program mirrors into this database")

// Mirror is a database that holds a copy of rows. It is for one tenant. Only one Run
// may be under way at a time, in all programs together.
type Mirror struct {
	db      *sql.DB
	dialect dialect

	version int64 // of the saved state
	state   changes.State
	tables  map[string]*table
}

// Options say what a Run mirrors, and how.
type Options struct {
	// Feed has the collections, and all that changes.Open can be told. State, Known
	// and Stored are the mirror's own, and what they hold is ignored.
	Feed changes.Options
	// Watch makes Run go on for ever, with that time between the end of a run and the
	// beginning of the next; 0 makes one run.
	Watch time.Duration
	// Progress is called after each batch that was saved, and after each run.
	Progress func(Progress)
}

// Progress reports how far a Run has come.
type Progress struct {
	Collection string // of the batch
	Written    int    // rows since the Run began that were new or not as they were here
	Deleted    int    // rows that were seen to be gone since then
	CaughtUp   bool   // everything is known that had happened when the run began
	// Err is why a run ended early that Watch will make again.
	Err error
}

// Open opens a mirror, and creates what is missing of it. Its name is
//
//   - sqlite:FILE,
//   - postgres://…, or postgres: and whatever else pgx reads, such as "postgres:host=/run/pg dbname=autotask".
//
// The search_path of a Postgres URL says in which schema the tables are.
func Open(ctx context.Context, name string) (*Mirror, error) { return OpenSchema(ctx, name, "", false) }

// OpenSchema opens a mirror in a schema of a Postgres database, which is created if
// it does not exist, and with empty is dropped first with all that is in it.
func OpenSchema(ctx context.Context, name, schema string, empty bool) (*Mirror, error) {
	db, d, err := open(name, schema)
	if err != nil {
		return nil, fmt.Errorf("mirror: %w: %w", autotask.ErrInvalid, err)
	}
	if err := createSchema(ctx, db, schema, empty); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("mirror: %w", err)
	}
	m := &Mirror{db: db, dialect: d, tables: make(map[string]*table)}
	err = m.createOwn(ctx)
	if err == nil {
		err = m.load(ctx)
	}
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("mirror: %w", err)
	}
	return m, nil
}

// Close closes the database.
func (m *Mirror) Close() error { return m.db.Close() }

// DB returns the database, for reports. It is closed by Close.
func (m *Mirror) DB() *sql.DB { return m.db }

// State returns the position that was saved last.
func (m *Mirror) State() changes.State { return m.state }

// Run mirrors what has changed since the last Run. It returns when everything is
// known that had happened when it began, when Feed.Budget is spent, or with an error.
// With Watch it returns only with an error, the end of ctx included; what is wrong for
// a while, such as a server that does not answer, is told by Progress.
func (m *Mirror) Run(ctx context.Context, client *autotask.Client, o Options) error {
	if err := m.load(ctx); err != nil { // what another program may have saved
		return fmt.Errorf("mirror: %w", err)
	}
	o.Feed.State, o.Feed.Known, o.Feed.Stored = m.state, known{m}, m.stored
	feed, err := changes.Open(client, o.Feed)
	if err != nil {
		return err
	}
	var p Progress
	for {
		err := m.run(ctx, feed, &p, o.Progress)
		passing := errors.Is(err, autotask.ErrServer) || errors.Is(err, autotask.ErrRateLimited)
		if o.Watch <= 0 || err != nil && (!passing || ctx.Err() != nil) {
			return err
		}
		if p.Err = err; err != nil && o.Progress != nil {
			o.Progress(p)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.Watch):
		}
	}
}

// run makes one run of the feed.
func (m *Mirror) run(ctx context.Context, feed *changes.Feed, p *Progress, progress func(Progress)) error {
	p.CaughtUp, p.Err = false, nil
	for batch, err := range feed.Run(ctx) {
		if err != nil {
			return err
		}
		if err := m.save(ctx, batch, p); err != nil {
			return fmt.Errorf("mirror: %w", err)
		}
		if progress != nil {
			progress(*p)
		}
	}
	return nil
}

// save writes a batch and the state behind it.
func (m *Mirror) save(ctx context.Context, batch *changes.Batch, p *Progress) error {
	state, err := json.Marshal(batch.State)
	if err != nil {
		return err
	}
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	w := &writer{Mirror: m, tx: tx, now: time.Now()}
	// The state first: its row keeps other programs waiting, and then away.
	if err = w.saveState(ctx, state); err == nil {
		err = w.apply(ctx, batch.Changes)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		_ = tx.Rollback()
		// Tables may be as they were again: what is known of them is read anew.
		return errors.Join(err, m.load(context.WithoutCancel(ctx)))
	}
	m.version++
	m.state = batch.State
	p.Written += w.written
	p.Deleted += w.deleted
	p.CaughtUp = batch.CaughtUp
	if n := len(batch.Changes); n > 0 {
		p.Collection = batch.Changes[n-1].Collection
	}
	return nil
}

func (w *writer) saveState(ctx context.Context, state []byte) error {
	result, err := w.exec(ctx, "UPDATE mirror_state SET version = version + 1, state = ? WHERE id = 1 AND version = ?", string(state), w.version)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(ErrBusy, err)
	}
	return nil
}

// load reads the state and what tables there are.
func (m *Mirror) load(ctx context.Context) error {
	var text string
	if err := m.db.QueryRowContext(ctx, "SELECT version, state FROM mirror_state WHERE id = 1").Scan(&m.version, &text); err != nil {
		return err
	}
	var state changes.State
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		return err
	}
	m.state = state
	return m.loadTables(ctx)
}

func createSchema(ctx context.Context, db *sql.DB, schema string, empty bool) error {
	if schema == "" {
		return nil
	}
	if empty {
		if _, err := db.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+quote(schema)+" CASCADE"); err != nil {
			return err
		}
	}
	_, err := db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+quote(schema))
	return err
}

// createOwn creates the mirror's own tables.
func (m *Mirror) createOwn(ctx context.Context) error {
	for statement := range strings.SplitSeq(ownTables, ";") {
		if _, err := m.db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

const ownTables = `
CREATE TABLE IF NOT EXISTS mirror_state (
	id      INTEGER PRIMARY KEY,
	version BIGINT NOT NULL,
	state   TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS mirror_columns (
	collection TEXT NOT NULL,
	position   INTEGER NOT NULL,
	source     TEXT NOT NULL,
	type       TEXT NOT NULL,
	name       TEXT NOT NULL,
	PRIMARY KEY (collection, position)
);
CREATE TABLE IF NOT EXISTS mirror_picklists (
	collection TEXT NOT NULL,
	field      TEXT NOT NULL,
	value      TEXT NOT NULL,
	label      TEXT NOT NULL,
	PRIMARY KEY (collection, field, value)
);
INSERT INTO mirror_state (id, version, state) VALUES (1, 0, '{}') ON CONFLICT DO NOTHING
`
