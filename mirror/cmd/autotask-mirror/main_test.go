package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/mirror"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// The fake tenant is mirrored while it changes, and both sides are the same in the
// end. The queries of the README work on the file.
func TestFakeTenant(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fake.db")
	var out bytes.Buffer
	o, err := parse([]string{"-to", "sqlite:" + file}, environment(nil), io.Discard)
	require.NoError(t, err)
	assert.Equal(t, 20_000, o.size)
	o.size = 1_500
	require.NoError(t, o.run(t.Context(), environment(nil), &out, io.Discard))
	said := out.String()
	assert.Contains(t, said, "a fake tenant of 1500 tickets")
	assert.Regexp(t, `meanwhile [1-9]\d* tickets were changed, [1-9]\d* made and [1-9]\d* deleted`, said)
	assert.Contains(t, said, "\nTickets: 1500 rows, the same on both sides\n")
	assert.Regexp(t, `(?m)^\d+ rows written, [1-9]\d* deleted, \d+ requests, \d+ rows/s in`, said)

	m, err := mirror.Open(t.Context(), "sqlite:"+file)
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	for _, q := range queries(t) {
		rows, columns := count(t, m.DB(), q)
		assert.Positive(t, rows, q)
		assert.Greater(t, columns, 1, q)
	}

	err = o.run(t.Context(), environment(nil), io.Discard, io.Discard)
	require.ErrorIs(t, err, errUsage, "what is there is not mixed with a fake tenant")
}

// queries are those of the README.
func queries(t *testing.T) (all []string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for _, found := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		all = append(all, found[1])
	}
	require.Len(t, all, 3)
	return all
}

func count(t *testing.T, db *sql.DB, query string) (n, columns int) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err, query)
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		n++
	}
	require.NoError(t, rows.Err())
	return n, len(names)
}

// A tenant that the environment names is read, and never written.
func TestTenant(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	srv.Seed("Tickets", map[string]any{"title": "Backup failed"})
	creds := srv.Credentials()
	getenv := environment(map[string]string{
		"AUTOTASK_USERNAME": creds.UserName, "AUTOTASK_SECRET": creds.Secret, "AUTOTASK_INTEGRATION_CODE": creds.IntegrationCode,
		"AUTOTASK_BASE_URL": srv.BaseURL(), "DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "real.db"),
	})
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-collections", "Tickets,Companies", "-compare"}, getenv, &out, io.Discard))
	assert.Contains(t, out.String(), "3 rows written, 0 deleted, 4 requests")
	assert.Contains(t, out.String(), "Tickets: 1 rows, the same on both sides")
	for _, r := range srv.Requests() {
		assert.True(t, r.Method == "GET" || strings.Contains(r.Op, "/query"), r.Op)
	}

	ctx, cancel := context.WithCancel(t.Context())
	saw := &watcher{after: 2, do: cancel}
	err := run(ctx, []string{"-collections", "Tickets", "-watch", "1ms"}, getenv, saw, io.Discard)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 2, saw.lines)
}

// watcher does something after so many lines.
type watcher struct {
	lines, after int
	do           func()
}

func (w *watcher) Write(b []byte) (int, error) {
	if w.lines += bytes.Count(b, []byte("\n")); w.lines == w.after {
		w.do()
	}
	return len(b), nil
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-nonsense"}, {"Tickets"}, {"-watch", "-1s"}, {"-budget", "-1"}} {
		require.ErrorIs(t, run(t.Context(), args, environment(nil), io.Discard, io.Discard), errUsage, args)
	}
	var help bytes.Buffer
	err := run(t.Context(), []string{"-h"}, environment(nil), io.Discard, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	assert.Contains(t, help.String(), "AUTOTASK_INTEGRATION_CODE")
	require.ErrorIs(t, run(t.Context(), nil, environment(map[string]string{"AUTOTASK_SECRET": "hunter2"}), io.Discard, io.Discard), errUsage)
	creds := map[string]string{"AUTOTASK_USERNAME": "u", "AUTOTASK_SECRET": "hunter2", "AUTOTASK_INTEGRATION_CODE": "c"}
	creds["AUTOTASK_BASE_URL"] = "http://example.com"
	err = run(t.Context(), nil, environment(creds), io.Discard, io.Discard)
	require.ErrorIs(t, err, errUsage)
	assert.NotContains(t, err.Error(), "hunter2")
}
