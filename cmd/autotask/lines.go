package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/autotask-go/autotask/changes"
	"github.com/autotask-go/autotask/internal/english"
	"github.com/autotask-go/autotask/mirror"
)

// unescaped undoes the percent encoding of a URL as far as it is valid.
func unescaped(s string) string {
	if out, err := url.PathUnescape(s); err == nil {
		return out
	}
	return s
}

// lines writes changes as JSON to a file, or to the standard output.
func (f *follower) lines(ctx context.Context, path string) error {
	state := f.state
	if path != "" {
		state = path + ".state"
	}
	for _, file := range []string{path, state} {
		if f.demo && file != "" && exists(file) {
			return notOverDemo(file)
		}
	}
	isNew := !exists(state)
	p, err := openPosition(ctx, state)
	if err != nil {
		return err
	}
	defer func() { _ = p.db.Close() }() // each batch is on the disk already
	feed, err := changes.Open(f.client, changes.Options{Collections: f.collections, State: p.feed, Known: p, Budget: f.budget})
	if err != nil {
		return usageError{err}
	}
	out := &sink{f: f, p: p}
	if path != "" {
		if err := out.open(path, isNew); err != nil {
			return err
		}
		defer func() { _ = out.file.Close() }() // each batch is on the disk already
	}
	for {
		if err := f.runLines(ctx, feed, out); err != nil || f.watch == 0 {
			return err
		}
		timer := time.NewTimer(f.watch)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// runLines makes one run. A run that did not come to its end goes on in the next one.
func (f *follower) runLines(ctx context.Context, feed *changes.Feed, out *sink) error {
	began, requests := f.now(), f.requests.n.Load()
	var l sumLine
	caughtUp := false
	for batch, err := range feed.Run(ctx) {
		if err != nil {
			return err
		}
		fresh, err := out.batch(ctx, batch)
		if err != nil {
			return err
		}
		for _, c := range fresh {
			switch c.Kind {
			case changes.Upserted:
				l.Written++
			case changes.Gone:
				l.Deleted++
			default: // no row
			}
		}
		caughtUp = batch.CaughtUp
		f.progress.show("%s written", english.Plural(l.Written, "row", "rows"))
	}
	f.progress.clear()
	l.Requests, l.Seconds = f.requests.n.Load()-requests, max(f.now().Sub(began), 0).Seconds()
	f.say("%s", l)
	if !caughtUp {
		f.say("The budget is spent; the next run goes on there.")
	}
	return nil
}

// sink is where lines go.
type sink struct {
	f    *follower
	p    *position
	file *os.File // nil is the standard output
}

// open opens a file, and cuts off what a killed run has written behind its position.
func (s *sink) open(path string, isNew bool) (err error) {
	s.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the user names it
	if err != nil {
		return usagef("-to: %w", err)
	}
	info, err := s.file.Stat()
	switch {
	case err != nil:
	case info.Size() < s.p.size:
		err = usagef("%s is shorter than its position in %s says: put it back, or remove both to begin anew", path, s.p.path)
	case info.Size() > 0 && isNew:
		err = usagef("%s is there, and its position %s is not: name another file", path, s.p.path)
		_ = os.Remove(s.p.path)
	default:
		if err = s.file.Truncate(s.p.size); err == nil {
			_, err = s.file.Seek(s.p.size, io.SeekStart)
		}
	}
	if err != nil {
		_ = s.file.Close()
	}
	return err
}

// batch writes what is new in a batch, and saves the position behind it when it is on
// the disk, or with the reader. It returns what it wrote.
func (s *sink) batch(ctx context.Context, batch *changes.Batch) (fresh []changes.Change, err error) {
	tx, err := s.p.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // nothing, after the commit
	if fresh, err = freshOf(ctx, tx, batch.Changes); err != nil {
		return nil, err
	}
	size, err := s.write(fresh)
	if err != nil {
		return nil, err
	}
	if err := save(ctx, tx, batch.State, size); err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.p.path, err)
	}
	s.p.size, s.p.feed = size, batch.State
	return fresh, nil
}

// write writes changes, and returns the size of the file then.
func (s *sink) write(all []changes.Change) (size int64, err error) {
	if s.file == nil {
		if err := mirror.WriteJSONLines(s.f.out, all); err != nil {
			return 0, err
		}
		return 0, s.f.out.Flush()
	}
	if len(all) == 0 {
		return s.p.size, nil
	}
	// What a failed batch has left behind is overwritten.
	if _, err := s.file.Seek(s.p.size, io.SeekStart); err != nil {
		return 0, err
	}
	n := &countingWriter{w: s.file}
	if err := mirror.WriteJSONLines(n, all); err != nil {
		return 0, err
	}
	return s.p.size + n.n, s.file.Sync()
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
