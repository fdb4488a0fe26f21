package main

import (
	"database/sql"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

const manyTickets = 20_000

// many returns a tenant of many tickets, a few of which were changed just now.
func many(t *testing.T, tickets int) (srv *autotasktest.Server, ids []int64) {
	t.Helper()
	srv = autotasktest.NewServer(t)
	old := time.Now().UTC().AddDate(0, -2, 0).Truncate(time.Second)
	for i := range tickets {
		at := old
		if i%(tickets/10) == 0 {
			at = time.Now().UTC().Truncate(time.Second)
		}
		ids = append(ids, srv.Seed("Tickets", map[string]any{
			"title": fmt.Sprintf("Ticket %d", i), "createDate": old, "lastActivityDate": at, "lastTrackedModificationDateTime": at,
		}))
	}
	return srv, ids
}

func TestChangesIntoSQLiteTwice(t *testing.T) {
	t.Parallel()
	srv, ids := many(t, manyTickets)
	to := filepath.Join(t.TempDir(), "autotask.db")
	run := func() sumLine {
		var l sumLine
		require.NoError(t, json.Unmarshal([]byte(on(srv).want(t, exitOK, "changes", "-to", "sqlite:"+to, "-collections", "Tickets", "-json").stdout), &l))
		return l
	}
	first := run()
	assert.Equal(t, manyTickets, first.Written)
	t.Logf("%d tickets: %d requests in %.1f s", first.Written, first.Requests, first.Seconds)
	assert.Equal(t, manyTickets, rowsIn(t, to, "SELECT count(*) FROM Tickets_view"))
	assert.Equal(t, manyTickets, rowsIn(t, to, "SELECT count(DISTINCT id) FROM Tickets"))

	stamps := rowsIn(t, to, "SELECT count(*) FROM Tickets WHERE _changed >= (SELECT max(_changed) FROM Tickets)")
	second := run()
	t.Logf("again: %d written, %d requests", second.Written, second.Requests)
	assert.LessOrEqual(t, second.Written, 10, "what was changed a moment ago may be read again")
	assert.Less(t, second.Requests, int64(10))
	assert.Equal(t, manyTickets, rowsIn(t, to, "SELECT count(*) FROM Tickets"))
	assert.Positive(t, stamps)

	srv.Change("Tickets", ids[7], map[string]any{"title": "Changed"})
	srv.Remove("Tickets", ids[8])
	third := run()
	assert.Equal(t, 1, third.Deleted)
	assert.Equal(t, manyTickets-1, rowsIn(t, to, "SELECT count(*) FROM Tickets_view"))
	assert.Equal(t, 1, rowsIn(t, to, "SELECT count(*) FROM Tickets WHERE title = 'Changed'"))
	assert.Contains(t, on(srv).want(t, exitOK, "changes", "-to", "sqlite:"+to, "-collections", "Tickets", "-compare", "-json").stdout, `"equal":true`)
	assert.Empty(t, writes(srv))
}

func rowsIn(t *testing.T, path, query string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

// lineOfChange is what the test reads of a line.
type lineOfChange struct {
	Kind string `json:"kind"`
	ID   int64  `json:"id"`
}

func upserted(t *testing.T, text string) (ids []int64) {
	t.Helper()
	for line := range strings.Lines(text) {
		var l lineOfChange
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		if l.Kind == "Upserted" {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// Rows that the feed brings again as they were are not written again, to a file or to
// the standard output.
func TestChangesAsLinesTwice(t *testing.T) {
	t.Parallel()
	srv, ids := many(t, 1_200)
	dir := t.TempDir()
	file, state := filepath.Join(dir, "changes.jsonl"), filepath.Join(dir, "state")
	for place, run := range map[string]func() string{
		"file": func() string {
			before, _ := os.ReadFile(file)
			on(srv).want(t, exitOK, "changes", "-to", "jsonl:"+file, "-collections", "Tickets")
			after, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(before), string(after[:len(before)]), "lines are only added")
			return string(after[len(before):])
		},
		"stdout": func() string {
			return on(srv).want(t, exitOK, "changes", "-to", "jsonl", "-state", state, "-collections", "Tickets").stdout
		},
	} {
		assert.Len(t, upserted(t, run()), len(ids), place)
		assert.Empty(t, run(), place)
		srv.Change("Tickets", ids[5], map[string]any{"title": place})
		assert.Equal(t, []int64{ids[5]}, upserted(t, run()), place)
		assert.Empty(t, run(), place)
	}
	srv.Remove("Tickets", ids[9])
	assert.Contains(t, on(srv).want(t, exitOK, "changes", "-to", "jsonl", "-state", state, "-collections", "Tickets").stdout, `"Gone"`)
	assert.Len(t, upserted(t, on(srv).want(t, exitOK, "changes", "-to", "jsonl", "-collections", "Tickets").stdout), len(ids)-1, "without a position it begins anew")
}

// A run that was killed between writing lines and saving the position leaves lines
// behind it, which the next run replaces. A budget ends a run like that, too.
func TestChangesAsLinesGoOn(t *testing.T) {
	t.Parallel()
	srv, ids := many(t, 1_200)
	file := filepath.Join(t.TempDir(), "changes.jsonl")
	args := []string{"changes", "-to", "jsonl:" + file, "-collections", "Tickets"}
	on(srv).want(t, exitOK, append(args, "-budget", "3")...)
	part, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Less(t, len(upserted(t, string(part))), len(ids))
	require.NotEmpty(t, upserted(t, string(part)))
	require.NoError(t, os.WriteFile(file, append(part, `{"kind":"Upserted","id":1,"ro`...), 0o600))
	on(srv).want(t, exitOK, args...)
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, ids, upserted(t, string(whole)))

	require.NoError(t, os.Truncate(file, 10))
	assert.Contains(t, on(srv).want(t, exitUsage, args...).stderr, "shorter than its position")
	require.NoError(t, os.Remove(file+".state"))
	assert.Contains(t, on(srv).want(t, exitUsage, args...).stderr, "name another file")
	on(srv).want(t, exitUsage, args...) // and it does not leave a position behind
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Len(t, kept, 10, "a file that is not ours is left alone")
}

func TestChangesAsCSV(t *testing.T) {
	t.Parallel()
	srv, ids := many(t, 30)
	dir := filepath.Join(t.TempDir(), "out")
	for range 2 {
		on(srv).want(t, exitOK, "changes", "-to", "csv:"+dir, "-collections", "Tickets,Companies")
		f, err := os.Open(filepath.Join(dir, "Tickets.csv"))
		require.NoError(t, err)
		records, err := csv.NewReader(f).ReadAll()
		require.NoError(t, err)
		require.NoError(t, f.Close())
		assert.Len(t, records, len(ids)+1)
	}
	assert.FileExists(t, filepath.Join(dir, "Companies.csv"))
	r := on(srv).want(t, exitOK, "changes", "-to", "csv", "-collections", "Tickets", "-state", filepath.Join(dir, "state.db"))
	assert.Equal(t, len(ids)+1, strings.Count(r.stdout, "\n"))
	on(srv).want(t, exitUsage, "changes", "-to", "csv", "-collections", "Tickets,Companies")
}

// A password in a URL is refused without being shown, whatever the form.
func TestPostgresPassword(t *testing.T) {
	t.Parallel()
	for _, place := range []string{
		"postgres://u:hunter2@h/db", "postgresql://u:hunter2@h/db", "postgres://u:@h/hunter2", "postgres://h/db?password=hunter2", "postgres:host=h password=hunter2",
		"postgres:host=h PASSWORD = 'hunter2'", "postgres://h/db?sslpassword=hunter2", "postgres://h/db?pass%77ord=hunter2", "postgres://u%3Ax:hunter2@h/db",
		"postgres://u:hun@ter2@h/db", "postgres://u:hunter2@h:port/db", "postgres:u:hunter2@h/db", "postgres:/u:hunter2@h/db",
		"postgres://u:hun#ter2@h/db", "postgres://u:hun?ter2@h/db",
	} {
		r := on(autotasktest.NewServer(t)).want(t, exitUsage, "changes", "-to", place)
		assert.Contains(t, r.stderr, "PGPASSFILE", place)
		assert.NotContains(t, r.stdout+r.stderr, "ter2", place)
	}
	for _, place := range []string{"postgres://127.0.0.1:1/db?connect_timeout=1&application_name=me@home", "postgres://u@127.0.0.1:1/db?connect_timeout=1", "postgres:host=127.0.0.1 port=1 user=u"} {
		r := on(autotasktest.NewServer(t)).run(t.Context(), "changes", "-to", place)
		assert.Equal(t, exitFailed, r.code, r.stderr)
	}
	s := on(autotasktest.NewServer(t))
	s.env[databaseVariable] = "postgres://u:hunter2@127.0.0.1:1/db?connect_timeout=1"
	r := s.want(t, exitFailed, "changes", "-to", "postgres")
	assert.NotContains(t, r.stdout+r.stderr, "hunter2")
	s.env[databaseVariable] = "hunter2"
	r = s.want(t, exitUsage, "changes", "-to", "postgres")
	assert.NotContains(t, r.stdout+r.stderr, "hunter2")
}

// A fake tenant is never mixed with what is there.
func TestDemoIsNotMixed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "real.db")
	for _, to := range []string{"sqlite:" + path, "jsonl:" + path} {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		setting{}.want(t, exitUsage, "-demo", "changes", "-to", to)
		require.NoError(t, os.Remove(path))
		setting{}.want(t, exitOK, "-demo", "changes", "-to", to, "-collections", "Tickets")
		setting{}.want(t, exitUsage, "-demo", "changes", "-to", to)
		require.NoError(t, os.Remove(path))
		_ = os.Remove(path + ".state")
	}
}
