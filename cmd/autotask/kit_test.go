package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// asProgram makes the test binary be the program itself.
const asProgram = "AUTOTASK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

var noon = time.Date(2026, time.November, 27, 12, 0, 0, 0, time.UTC)

// result is what a run of the program left.
type result struct {
	stdout, stderr string
	code           int
}

// setting is the world of a run.
type setting struct {
	env     map[string]string
	stdin   string
	columns int
	real    bool // the fake tenant of -demo has the real time
	stdout  io.Writer
}

func (s setting) run(ctx context.Context, args ...string) result {
	var stdout, stderr bytes.Buffer
	w := &world{
		getenv: func(name string) string { return s.env[name] },
		stdin:  strings.NewReader(s.stdin), stdout: &stdout, stderr: &stderr,
		columns: func() int { return s.columns }, errColumns: func() int { return s.columns },
		now: time.Now,
	}
	if !s.real {
		w.now = func() time.Time { return noon }
		w.fakeClock = w.now
	}
	if s.stdout != nil {
		w.stdout = s.stdout
	}
	code := w.run(ctx, args)
	return result{stdout.String(), stderr.String(), code}
}

// on returns the world of a run on a tenant.
func on(srv *autotasktest.Server) setting {
	creds := srv.Credentials()
	return setting{real: true, env: map[string]string{
		varUser: creds.UserName, varSecret: creds.Secret, varCode: creds.IntegrationCode, varBaseURL: srv.BaseURL(),
	}}
}

// want runs the program and fails the test if it ends with another code.
func (s setting) want(t *testing.T, code int, args ...string) result {
	t.Helper()
	r := s.run(t.Context(), args...)
	require.Equal(t, code, r.code, "autotask %s\n%s%s", strings.Join(args, " "), r.stdout, r.stderr)
	return r
}

// writes returns the writes that a tenant received.
func writes(srv *autotasktest.Server) (ops []string) {
	for _, r := range srv.Requests() {
		if r.Method != "GET" && !strings.Contains(r.Op, "/query") {
			ops = append(ops, r.Op)
		}
	}
	return ops
}

func shop(t *testing.T) (*autotasktest.Server, string, int64) {
	t.Helper()
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed", "status": 1, "resolution": nil, "ticketNumber": "T20261101.0077"})
	return srv, "T20261101.0077", id
}
