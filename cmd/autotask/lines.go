package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/autotask-go/autotask/changes"
	"github.com/autotask-go/autotask/mirror"
)

// unescaped undoes the percent encoding of a URL as far as it is valid.
func unescaped(s string) string {
	if out, err := url.PathUnescape(s); err == nil {
		return out
	}
	return s
}

// position is where changes to lines has come. The feed looks back a few minutes in
// each run, and brings rows again: those that a run brings as the one before has
// written them are left out.
type position struct {
	Version int           `json:"version"`
	Feed    changes.State `json:"feed"`
	// Size is the length of the file that belongs to Feed; what is behind it was
	// written by a run that was killed.
	Size int64 `json:"size,omitzero"`
	// Written has digests of the rows of the last complete run, Now of the one under
	// way, by collection and id.
	Written digests `json:"written,omitempty"`
	Now     digests `json:"now,omitempty"`

	path string // "" is nowhere
}

type digests map[string]string

const positionVersion = 1

func readPosition(path string) (*position, error) {
	p := &position{Version: positionVersion, path: path}
	if path == "" {
		return p, nil
	}
	b, err := os.ReadFile(path) //nolint:gosec // the user names it
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(b, p)
	}
	if err != nil {
		return nil, usagef("%s is not a position: %w", path, err)
	}
	if p.Version != positionVersion {
		return nil, usagef("%s was written by another version of this program", path)
	}
	return p, nil
}

func (p *position) save() error {
	if p.path == "" {
		return nil
	}
	return replace(p.path, func(w io.Writer) error { return json.MarshalWrite(w, p, json.Deterministic(true)) })
}

// fresh returns the changes that were not written before as they are, and remembers
// them.
func (p *position) fresh(all []changes.Change, now time.Time) (out []changes.Change) {
	if p.Now == nil {
		p.Now = make(digests)
	}
	for _, c := range all {
		if c.Kind != changes.Upserted && c.Kind != changes.Gone {
			out = append(out, c)
			continue
		}
		sum := sha256.Sum256(append([]byte(c.Kind), c.JSON...))
		key, digest := c.Collection+"/"+strconv.FormatInt(c.ID, 10), fmt.Sprintf("%x", sum[:8])
		last, known := p.Now[key]
		if !known {
			last = p.Written[key]
		}
		if last != digest {
			out = append(out, c)
		}
		if c.How != changes.ByCursor || mayReturn(c.JSON, now) {
			p.Now[key] = digest
		}
	}
	return out
}

// stamp matches a time as Autotask writes it.
var stamp = regexp.MustCompile(`"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)`)

// mayReturn reports whether a row that was found by its cursor may be found again by
// the next run: if any of its times is not long past. A day leaves room for clocks that
// differ, and for the few minutes that the feed looks back.
func mayReturn(row []byte, now time.Time) bool {
	for _, m := range stamp.FindAllSubmatch(row, -1) {
		t, err := time.Parse("2006-01-02T15:04:05", string(m[1]))
		if err == nil && t.After(now.Add(-24*time.Hour)) {
			return true
		}
	}
	return false
}

// caughtUp ends a run.
func (p *position) caughtUp() { p.Written, p.Now = p.Now, nil }

// lines writes changes as JSON to a file, or to the standard output.
func (f *follower) lines(ctx context.Context, path string) error {
	state := f.state
	if path != "" {
		state = path + ".state"
	}
	p, err := readPosition(state)
	if err != nil {
		return err
	}
	feed, err := changes.Open(f.client, changes.Options{Collections: f.collections, State: p.Feed, Budget: f.budget})
	if err != nil {
		return usageError{err}
	}
	out := &sink{f: f, p: p}
	if path != "" {
		if err := out.open(path); err != nil {
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
		fresh := out.p.fresh(batch.Changes, began)
		for _, c := range fresh {
			switch c.Kind {
			case changes.Upserted:
				l.Written++
			case changes.Gone:
				l.Deleted++
			}
		}
		out.p.Feed = batch.State
		if caughtUp = batch.CaughtUp; caughtUp {
			out.p.caughtUp()
		}
		if err := out.write(fresh); err != nil {
			return err
		}
		f.progress.show("%s written", plural(l.Written, "row", "rows"))
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
func (s *sink) open(path string) (err error) {
	s.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the user names it
	if err != nil {
		return usagef("-to: %w", err)
	}
	info, err := s.file.Stat()
	switch {
	case err != nil:
	case info.Size() < s.p.Size:
		err = usagef("%s is shorter than its position in %s says: put it back, or remove both to begin anew", path, s.p.path)
	case info.Size() > 0 && !exists(s.p.path):
		err = usagef("%s is there, and its position %s is not: name another file", path, s.p.path)
	default:
		if err = s.file.Truncate(s.p.Size); err == nil {
			_, err = s.file.Seek(s.p.Size, io.SeekStart)
		}
		if err == nil {
			err = s.p.save() // so that a file without a position is never ours
		}
	}
	if err != nil {
		_ = s.file.Close()
	}
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// write writes changes, and saves the position behind them when they are on the disk
// or with the reader.
func (s *sink) write(all []changes.Change) error {
	if s.file == nil {
		if err := mirror.WriteJSONLines(s.f.out, all); err != nil {
			return err
		}
		if err := s.f.out.Flush(); err != nil {
			return err
		}
		return s.p.save()
	}
	if len(all) > 0 {
		n := &countingWriter{w: s.file}
		if err := mirror.WriteJSONLines(n, all); err != nil {
			return err
		}
		if err := s.file.Sync(); err != nil {
			return err
		}
		s.p.Size += n.n
	}
	return s.p.save()
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
