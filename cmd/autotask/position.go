package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	_ "modernc.org/sqlite" // mirror registers it, too

	"github.com/autotask-go/autotask/changes"
)

// position is how far changes to lines have come, in an SQLite file. The feed looks
// back a few minutes in each run, and reads some collections as a whole, so rows come
// again: a digest of each row as it was written last tells which of them to leave out.
type position struct {
	db   *sql.DB
	path string // "" is nowhere: the position ends with the run
	feed changes.State
	// size is the length of the file of lines that belongs to feed. What is behind it
	// was written by a run that was killed.
	size int64
}

const positionTables = `
CREATE TABLE IF NOT EXISTS position (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, state TEXT NOT NULL, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS written (
	collection TEXT NOT NULL, id INTEGER NOT NULL, digest BLOB NOT NULL, gone INTEGER NOT NULL, PRIMARY KEY (collection, id)
) WITHOUT ROWID`

const positionVersion = 1

func openPosition(ctx context.Context, path string) (*position, error) {
	name := ":memory:"
	if path != "" {
		escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
		name = "file:" + escaped + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(1000)&_txlock=immediate"
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	p := &position{db: db, path: path}
	if err := p.read(ctx); err != nil {
		_ = db.Close()
		return nil, usagef("the position %s cannot be read: %w", path, err)
	}
	return p, nil
}

func (p *position) read(ctx context.Context) error {
	if _, err := p.db.ExecContext(ctx, positionTables); err != nil {
		return err
	}
	var version int
	var state string
	err := p.db.QueryRowContext(ctx, "SELECT version, state, size FROM position").Scan(&version, &state, &p.size)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return save(ctx, p.db, p.feed, 0) // so that a file without a position is never taken for ours
	case err != nil:
		return err
	case version != positionVersion:
		return fmt.Errorf("it has version %d, and this program reads %d", version, positionVersion)
	}
	return json.Unmarshal([]byte(state), &p.feed)
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func save(ctx context.Context, db execer, state changes.State, size int64) error {
	b, err := json.Marshal(state)
	if err == nil {
		_, err = db.ExecContext(ctx, "INSERT OR REPLACE INTO position VALUES (1, ?, ?, ?)", positionVersion, string(b), size)
	}
	return err
}

// freshOf returns the changes that were not written before as they are, and notes them
// as written.
func freshOf(ctx context.Context, tx *sql.Tx, all []changes.Change) (out []changes.Change, err error) {
	look, err := tx.PrepareContext(ctx, "SELECT digest FROM written WHERE collection = ? AND id = ?")
	if err != nil {
		return nil, err
	}
	defer func() { _ = look.Close() }()
	note, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO written VALUES (?, ?, ?, ?)")
	if err != nil {
		return nil, err
	}
	defer func() { _ = note.Close() }()
	for _, c := range all {
		if c.Kind != changes.Upserted && c.Kind != changes.Gone {
			out = append(out, c)
			continue
		}
		sum := sha256.Sum256(append([]byte(c.Kind), c.JSON...))
		digest := sum[:12]
		var last []byte
		err := look.QueryRowContext(ctx, c.Collection, c.ID).Scan(&last)
		switch {
		case err == nil && string(last) == string(digest):
			continue
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return nil, err
		}
		if _, err := note.ExecContext(ctx, c.Collection, c.ID, digest, c.Kind == changes.Gone); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

const knownRows = " FROM written WHERE collection = ? AND gone = 0 AND id > ? "

// Count is part of changes.Known.
func (p *position) Count(ctx context.Context, collection string, after, last int64) (n int, err error) {
	err = p.db.QueryRowContext(ctx, "SELECT count(*)"+knownRows+"AND id <= ?", collection, after, last).Scan(&n)
	return n, err
}

// Nth is part of changes.Known.
func (p *position) Nth(ctx context.Context, collection string, after int64, n int) (id int64, err error) {
	err = p.db.QueryRowContext(ctx, "SELECT id"+knownRows+"ORDER BY id LIMIT 1 OFFSET ?", collection, after, n).Scan(&id)
	return id, err
}

// IDs is part of changes.Known.
func (p *position) IDs(ctx context.Context, collection string, after, last int64, limit int) (ids []int64, err error) {
	rows, err := p.db.QueryContext(ctx, "SELECT id"+knownRows+"AND id <= ? ORDER BY id LIMIT ?", collection, after, last, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
