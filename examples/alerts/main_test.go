package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

// call runs the program with an environment and a standard input, and returns its
// exit code and output.
func call(t *testing.T, env map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	err := from(strings.NewReader(stdin))(t.Context(), args, func(name string) string { return env[name] }, &out, &errs)
	code = connect.Exit(t.Context(), "alerts", err, &errs)
	for _, line := range strings.Split(out.String(), "\n") {
		assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
	}
	assert.NotContains(t, out.String(), "\x1b", "plain through a pipe")
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
		"AUTOTASK_BASE_URL":         srv.BaseURL(),
	}
}

var ids = []string{"-priority", "1", "-note-type", "1", "-publish", "2", "-note-every", "0"}

func TestDemo(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := call(t, nil, "")
	assert.Zero(t, code, stderr)
	for _, want := range []string{"created                   10", "joined the storm          50", "Alert storm: many"} {
		assert.Contains(t, stdout, want)
	}
	assert.Equal(t, 3, strings.Count(stdout, "closed "))
}

func TestLinesOfJSON(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	long := strings.Repeat("long/", 20)
	code, stdout, stderr := call(t, env, fmt.Sprintf(`{"company":"First Customer","key":"disk","event":"1","title":"Disk full","text":"C: 99 %%"}

{"company":"First Customer","key":"disk","event":"2","title":"Disk full"}
{"company":"First Customer","key":"disk","event":"2","title":"Disk full"}
{"company":"Nobody","key":"disk","event":"1","title":"Disk full"}
{"company":"First Customer","key":"%s","event":"1","title":"x"}
{"company":"First Customer","key":"disk","over":true}
{"company":"First Customer","key":"disk","over":true}
`, long), ids...)
	assert.Equal(t, connect.ExitFailure, code, "one failed")
	assert.Contains(t, stderr, "Nobody")
	var words []string
	for _, line := range strings.Split(strings.TrimSpace(stdout), "\n") {
		words = append(words, strings.TrimSpace(string([]rune(line)[53:])))
	}
	assert.Equal(t, []string{"created", "noted", "noted", "FAILED", "created", "cleared", "clear already"}, words)
	assert.Len(t, srv.Rows("TicketNotes"), 1)
}

func TestAlertmanager(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	const firing = `{"version":"4","status":"firing","receiver":"autotask","alerts":[
		{"status":"firing","labels":{"alertname":"DiskFull","instance":"file-01","severity":"%s"},
		 "annotations":{"summary":"Disk of file-01 is full","description":"99 %%"},
		 "startsAt":"2026-11-27T03:00:00.5Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"c0ffee"},
		{"status":"firing","labels":{"alertname":"Down","instance":"file-02","company":"Fake Service Provider"},"startsAt":"2026-11-27T03:00:00Z"}]}`
	args := append([]string{"-alertmanager", "-company", "First Customer"}, ids...)
	for _, severity := range []string{"warning", "critical"} { // Alertmanager repeats what still fires
		code, _, stderr := call(t, env, fmt.Sprintf(firing, severity), args...)
		require.Zero(t, code, stderr)
	}
	rows := srv.Rows("Tickets")
	require.Len(t, rows, 2)
	assert.Empty(t, srv.Rows("TicketNotes"))
	assert.Equal(t, "Disk of file-01 is full", rows[0]["title"])
	assert.Equal(t, "Down file-02", rows[1]["title"])
	assert.Equal(t, fmt.Sprint(autotasktest.OwnCompanyID), fmt.Sprint(rows[1]["companyID"]))

	code, stdout, stderr := call(t, env, strings.ReplaceAll(fmt.Sprintf(firing, "critical"), `"status":"firing"`, `"status":"resolved"`), args...)
	require.Zero(t, code, stderr)
	assert.Equal(t, 2, strings.Count(stdout, "cleared"))
}

func TestNagios(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	args := append([]string{"-nagios", "-company", "First Customer"}, ids...)
	for _, test := range []struct{ state, time, want string }{
		{"CRITICAL", "1795780800", "created"},
		{"CRITICAL", "1795780800", "created"},
		{"WARNING", "1795780860", "noted"},
		{"OK", "1795780920", "cleared"},
	} {
		code, stdout, stderr := call(t, env, "", append(args, "file-01", "Disk C", test.state, test.time, "99 % full")...)
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, test.want)
	}
	assert.Len(t, srv.Rows("Tickets"), 1)
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	with := func(args ...string) []string { return append(args, ids...) }
	for name, test := range map[string]struct {
		env   map[string]string
		stdin string
		args  []string
		says  string
	}{
		"flags, but no tenant":    {nil, "", []string{"-nagios"}, "AUTOTASK_USERNAME"},
		"half an environment":     {map[string]string{"AUTOTASK_SECRET": "x"}, "", nil, "missing"},
		"unknown flag":            {env, "", []string{"-nosuch"}, "nosuch"},
		"no ids":                  {env, "", nil, "have no defaults"},
		"two kinds":               {env, "", with("-nagios", "-alertmanager"), "exclude each other"},
		"arguments":               {env, "", append(with(), "x"), "-nagios"},
		"no JSON":                 {env, "x", with(), "line 1"},
		"unknown member":          {env, "\n" + `{"kye":"x"}`, with(), "line 2"},
		"no event":                {env, `{"key":"x","title":"x"}`, with(), "required"},
		"no company":              {env, `{"key":"x","title":"x","event":"x"}`, with(), "names no company"},
		"another version":         {env, `{"version":"3"}`, with("-alertmanager"), "version"},
		"no body":                 {env, "", with("-alertmanager"), "webhook"},
		"too few Nagios":          {env, "", append(with("-nagios"), "h"), "HOST SERVICE STATE TIME OUTPUT"},
		"no time":                 {env, "", append(with("-nagios"), "h", "s", "OK", "noon", "o"), "TIMET"},
		"reopen without a status": {env, `{"key":"x","title":"x","event":"x","company":"First Customer"}`, with("-reopen", "1h"), "ReopenStatus"},
	} {
		code, _, stderr := call(t, test.env, test.stdin, test.args...)
		assert.NotZero(t, code, name)
		assert.Contains(t, stderr, test.says, name)
	}
	assert.Empty(t, srv.Rows("Tickets"))
	code, _, stderr := call(t, nil, "", "-h")
	assert.Zero(t, code)
	assert.Contains(t, stderr, "-alertmanager")
}
