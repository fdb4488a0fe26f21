package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

// call runs the program with an environment, and returns its exit code and output.
func call(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	err := resolve(t.Context(), args, func(name string) string { return env[name] }, &out, &errs)
	code = connect.Exit(t.Context(), "resolve", err, &errs)
	return code, out.String(), errs.String()
}

// tenant is a fake one, used as a real one would be.
func tenant(t *testing.T) (*autotasktest.Server, map[string]string) {
	t.Helper()
	srv := autotasktest.NewServer(t)
	creds := srv.Credentials()
	return srv, map[string]string{
		"AUTOTASK_USERNAME":         creds.UserName,
		"AUTOTASK_SECRET":           creds.Secret,
		"AUTOTASK_INTEGRATION_CODE": creds.IntegrationCode,
		"AUTOTASK_ZONE_URL":         srv.ZoneURL(),
	}
}

func TestWithoutVariablesItRunsOnTheFakeTenant(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := call(t, nil)
	require.Zero(t, code, stderr)
	assert.Empty(t, stderr)
	assert.Contains(t, stdout, "embedded fake tenant")
	assert.Equal(t, 1, strings.Count(stdout, ": resolved\n"))
	assert.Equal(t, 1, strings.Count(stdout, ": left open, because time is booked on it\n"))
	assert.Equal(t, 3, strings.Count(stdout, "PUT   /Tickets"))
}

func TestOnATenant(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261123.0042", "status": 1})
	code, stdout, stderr := call(t, env, "-text", "Backup succeeded.",
		"-note", "No errors.", "-note-title", "Checked", "-note-type", "1", "-publish", "2", "-begun", "2026-11-23T02:00:00Z", "T20261123.0042")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "Ticket T20261123.0042")
	assert.Contains(t, stdout, ": resolved\n")
	assert.Equal(t, "Backup succeeded.", srv.Get("Tickets", id)["resolution"])
	assert.Len(t, srv.Rows("TicketNotes"), 1)
	assert.NotContains(t, stdout+stderr, env["AUTOTASK_SECRET"])
}

func TestDryRunSendsNothingButReads(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261123.0042", "status": 1, "resolution": "before"})
	before := string(srv.Raw("Tickets", id))
	args := []string{"-dry-run", "-text", "Backup succeeded.", "-note", "No errors.", "-note-title", "Checked", "-note-type", "1", "-publish", "2"}
	code, stdout, stderr := call(t, env, append(args, "T20261123.0042")...)
	require.Zero(t, code, stderr)
	assert.Equal(t, before, string(srv.Raw("Tickets", id)))
	assert.Empty(t, srv.Rows("TicketNotes"))
	for _, r := range srv.Requests() {
		assert.True(t, r.Method == "GET" || strings.HasSuffix(r.Op, "/query"), r.Op)
	}
	assert.Contains(t, stdout, "Would send POST /Tickets/")
	assert.Equal(t, 2, strings.Count(stdout, "Would send PUT /Tickets"))
	assert.Equal(t, 2, strings.Count(stdout, `"resolution": "Backup succeeded."`))
	assert.Contains(t, stdout, `"status": 1`)
	assert.Contains(t, stdout, `"status": 5`)

	srv.Seed("TimeEntries", map[string]any{"ticketID": id})
	_, stdout, _ = call(t, env, append(args, "T20261123.0042")...)
	assert.Contains(t, stdout, "would stay: time is booked")
	_, stdout, _ = call(t, env, append(args, "-status", "0", "T20261123.0042")...)
	assert.Contains(t, stdout, "would stay: none was given")
}

func TestWrongCallsGetAClearMessageAndExitCode2(t *testing.T) {
	t.Parallel()
	_, env := tenant(t)
	partial := map[string]string{"AUTOTASK_USERNAME": "x"}
	wrongBase := map[string]string{"AUTOTASK_BASE_URL": "https://h.example/atservicesrest/v1.0"}
	for name, value := range env {
		wrongBase[name] = value
	}
	for name, test := range map[string]struct {
		env  map[string]string
		args []string
		says string
	}{
		"missing variables":       {partial, nil, "AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE missing"},
		"unknown flag":            {env, []string{"-nosuch"}, "nosuch"},
		"no ticket":               {env, []string{"-text", "x"}, "name one ticket"},
		"two tickets":             {env, []string{"-text", "x", "T1", "T2"}, "2 arguments"},
		"no text":                 {env, []string{"T1"}, "-text is missing"},
		"bad status":              {env, []string{"-status", "five", "T1"}, "five"},
		"bad time":                {env, []string{"-text", "x", "-begun", "yesterday", "T1"}, "yesterday"},
		"a ticket, but no tenant": {nil, []string{"T1"}, "AUTOTASK_USERNAME"},
		"dry run, but no tenant":  {nil, []string{"-dry-run"}, "AUTOTASK_USERNAME"},
		"wrong base URL":          {wrongBase, []string{"-text", "x", "T1"}, "ATServicesRest/V1.0"},
		"wrong base URL, dry run": {wrongBase, []string{"-dry-run", "-text", "x", "T1"}, "ATServicesRest/V1.0"},
	} {
		code, stdout, stderr := call(t, test.env, test.args...)
		assert.Equal(t, connect.ExitUsage, code, name)
		assert.Contains(t, stderr, test.says, name)
		assert.NotContains(t, stdout, "Would send", name)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	code, _, stderr := call(t, nil, "-h")
	assert.Zero(t, code)
	assert.Contains(t, stderr, "-dry-run")
	assert.Contains(t, stderr, "AUTOTASK_INTEGRATION_CODE")
}

func TestFailureIsExitCode1(t *testing.T) {
	t.Parallel()
	_, env := tenant(t)
	for _, args := range [][]string{
		{"-text", "x", "T19990101.0001"},
		{"-dry-run", "-text", "x", "T19990101.0001"},
	} {
		code, _, stderr := call(t, env, args...)
		assert.Equal(t, connect.ExitFailure, code)
		assert.Contains(t, stderr, "there is no ticket")
	}
	srv, env := tenant(t)
	srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261123.0042", "status": 1})
	code, stdout, stderr := call(t, env, "-text", "x", "-status", "8", "T20261123.0042")
	assert.Equal(t, connect.ExitFailure, code)
	assert.Contains(t, stdout, "FAILED in step status")
	assert.Contains(t, stderr, "did not set both timestamps")
}
