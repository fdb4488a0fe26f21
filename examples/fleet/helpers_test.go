package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/examples/internal/connect"
)

// The test program is also the worker process that a crew starts.
func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		connect.Main("fleet worker", child(os.Stdin))
	}
	os.Exit(run(m))
}

// run runs the tests with the locks of this machine in a directory of their own.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME"} { // os.UserCacheDir's, here and on macOS
		if err := os.Setenv(name, dir); err != nil { // t.Setenv needs a test, and there is none yet
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// text is a writer that may be read at any time.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// openSQLite opens a new database with the fleet's tables.
func openSQLite(t *testing.T) (database, *engine) {
	t.Helper()
	db := database{Name: "sqlite:" + filepath.Join(t.TempDir(), "a b%c?#.db")}
	return db, open(t, db)
}

func open(t *testing.T, db database) *engine {
	t.Helper()
	e, err := db.open(t.Context(), &river.Config{Logger: quiet, MaxAttempts: maxAttempts})
	require.NoError(t, err)
	t.Cleanup(e.close)
	require.NoError(t, e.migrate(t.Context()))
	return e
}

// startWorker works in this process until the test ends or stop is called.
func startWorker(t *testing.T, s settings) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.work(ctx, quiet) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-ended)
		})
	}
	t.Cleanup(stop)
	return stop
}
