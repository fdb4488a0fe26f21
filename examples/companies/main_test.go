package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

// call runs the program with an environment, and returns its exit code and output.
func call(ctx context.Context, env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	err := companies(ctx, args, func(name string) string { return env[name] }, &out, &errs)
	code = connect.Exit(ctx, "companies", err, &errs)
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

func operations(srv *autotasktest.Server) []string {
	var ops []string
	for _, r := range srv.Requests() {
		if strings.Contains(r.Op, "Companies") {
			ops = append(ops, r.Op)
		}
	}
	return ops
}

func TestWithoutVariablesItRunsOnTheFakeTenant(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := call(t.Context(), nil)
	require.Zero(t, code, stderr)
	assert.Equal(t, "companies: 0 of 1,202\ncompanies: 500 of 1,202\ncompanies: 1,000 of 1,202\n", stderr)
	assert.Contains(t, stdout, "embedded fake tenant")
	assert.Contains(t, stdout, "     and 1,197 more\n    sent: POST Companies/query/count, POST Companies/query, POST Companies/query/next, POST Companies/query/next\n")
	assert.Contains(t, stdout, "ACME Rockets GmbH")
	assert.Contains(t, stdout, "Pacmedia AG")
	assert.Contains(t, stdout, "  phone: 030 901820 → +49 30 901820 would be the change; only reads were sent\n    sent: GET Companies\n")
	assert.Contains(t, stdout, "  phone: 030 901820 → +49 30 901820\n    sent: GET Companies, PATCH Companies, GET Companies\n")
}

func TestFlagsWorkOnTheFakeTenant(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := call(t.Context(), nil, "-search", "acme")
	require.Zero(t, code, stderr)
	assert.Equal(t, 1, strings.Count(stdout, "ACME Rockets GmbH"))
	assert.Equal(t, 1, strings.Count(stdout, "\n")-strings.Count(stdout, "Pacmedia"))
	code, stdout, stderr = call(t.Context(), nil, "-id", "0", "-phone", "030 9")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "→ 030 9\n")
}

func TestList(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	before := len(srv.Rows("Companies"))
	for i := range 501 {
		srv.Seed("Companies", map[string]any{"companyName": fmt.Sprintf("Customer %d", i), "phone": "1", "isActive": true})
	}
	srv.Seed("Companies", map[string]any{"companyName": "Closed Ltd", "isActive": false})
	total := before + 501
	code, stdout, stderr := call(t.Context(), env)
	require.Zero(t, code, stderr)
	assert.Equal(t, total, strings.Count(stdout, "\n"), "a line for each")
	assert.Contains(t, stdout, "Customer 500")
	assert.NotContains(t, stdout, "Closed Ltd", "only active ones")
	assert.Equal(t, fmt.Sprintf("companies: 0 of %d\ncompanies: 500 of %[1]d\n", total), stderr)
	assert.Equal(t, []string{"POST Companies/query/count", "POST Companies/query", "POST Companies/query/next"}, operations(srv))
}

func TestSearch(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	id := srv.Seed("Companies", map[string]any{"companyName": "ACME\x1b[2J\nRockets", "phone": "030 1", "city": nil, "isActive": true})
	srv.Seed("Companies", map[string]any{"companyName": "Bolt Ltd", "isActive": true})
	code, stdout, stderr := call(t.Context(), env, "-search", "acme")
	require.Zero(t, code, stderr)
	assert.Empty(t, stderr, "a short list needs no progress")
	assert.Equal(t, 1, strings.Count(stdout, "\n"))
	assert.Contains(t, stdout, fmt.Sprintf("%d  ACME [2J Rockets ", id), "nothing that steers a terminal")
	assert.Contains(t, stdout, "  030 1                 -  ")

	code, stdout, stderr = call(t.Context(), env, "-search", "nobody")
	require.Zero(t, code, stderr)
	assert.Equal(t, "There is no such company.\n", stdout)
}

func TestShowAndChangeOne(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	row := map[string]any{"companyName": "ACME", "phone": "030 1", "fax": "030 2"}
	id := srv.Seed("Companies", row)
	idFlag := fmt.Sprint("-id=", id)

	code, stdout, stderr := call(t.Context(), env, idFlag)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "030 1")
	code, stdout, stderr = call(t.Context(), env, "-id", "0")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "       0  Fake Service Provider", "the tenant's own company")

	before := string(srv.Raw("Companies", id))
	code, stdout, stderr = call(t.Context(), env, idFlag, "-phone", "030 9", "-dry-run")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "phone: 030 1 → 030 9 would be the change; only reads were sent")
	assert.Equal(t, before, string(srv.Raw("Companies", id)))
	assert.NotContains(t, operations(srv), "PATCH Companies")

	code, stdout, stderr = call(t.Context(), env, idFlag, "-phone", "030 9")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "  phone: 030 1 → 030 9\n")
	assert.Equal(t, "030 9", srv.Get("Companies", id)["phone"])
	assert.Equal(t, "030 2", srv.Get("Companies", id)["fax"])

	srv.ResetRequests()
	code, stdout, stderr = call(t.Context(), env, idFlag, "-phone", "030 9")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "phone: unchanged")
	assert.Equal(t, []string{"GET Companies"}, operations(srv))
}

func TestWrongCallsGetAClearMessageAndExitCode2(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	for name, test := range map[string]struct {
		env  map[string]string
		args []string
		says string
	}{
		"unknown flag":          {env, []string{"-nosuch"}, "nosuch"},
		"an argument":           {env, []string{"acme"}, "-search \"acme\""},
		"empty search":          {env, []string{"-search", ""}, "-search is empty"},
		"search and id":         {env, []string{"-search", "acme", "-id", "0"}, "exclude each other"},
		"phone without id":      {env, []string{"-phone", "1"}, "-id of one company"},
		"empty phone":           {env, []string{"-id", "0", "-phone", ""}, "-phone is empty"},
		"dry run of a read":     {env, []string{"-dry-run"}, "-dry-run is for -phone"},
		"bad id":                {env, []string{"-id", "acme"}, "acme"},
		"half of the variables": {map[string]string{"AUTOTASK_SECRET": "geheim"}, nil, "AUTOTASK_USERNAME and AUTOTASK_INTEGRATION_CODE missing"},
	} {
		code, stdout, stderr := call(t.Context(), test.env, test.args...)
		assert.Equal(t, connect.ExitUsage, code, name)
		assert.Contains(t, stderr, test.says, name)
		assert.NotContains(t, stderr, "geheim", name)
		assert.Empty(t, stdout, name)
	}
	assert.Empty(t, srv.Requests(), "nothing is asked for")
}

func TestHelp(t *testing.T) {
	t.Parallel()
	code, _, stderr := call(t.Context(), nil, "-h")
	assert.Zero(t, code)
	assert.Contains(t, stderr, "-dry-run")
	assert.Contains(t, stderr, "AUTOTASK_INTEGRATION_CODE")
}

func TestFailureIsExitCode1(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	id := srv.Seed("Companies", map[string]any{"phone": "030 1"})
	idFlag := fmt.Sprint("-id=", id)
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no such company":           {[]string{"-id", "999"}, "not found"},
		"no such company to change": {[]string{"-id", "999", "-phone", "1"}, "not found"},
		"phone too long":            {[]string{idFlag, "-phone", strings.Repeat("9", 26)}, "25"},
	} {
		code, stdout, stderr := call(t.Context(), env, test.args...)
		assert.Equal(t, connect.ExitFailure, code, name)
		assert.Contains(t, stderr, test.says, name)
		assert.Empty(t, stdout, name)
	}
	assert.Equal(t, "030 1", srv.Get("Companies", id)["phone"])

	srv.Inject(autotasktest.Fault{Op: "PATCH Companies", IgnoreWrite: true})
	code, stdout, stderr := call(t.Context(), env, idFlag, "-phone", "030 9")
	assert.Equal(t, connect.ExitFailure, code)
	assert.Contains(t, stderr, "not applied")
	assert.Empty(t, stdout, "nothing is said to have changed")

	srv.Inject(autotasktest.Fault{Op: "POST Companies/query/count", Status: 403, Body: "{}"})
	code, _, _ = call(t.Context(), env)
	assert.Equal(t, connect.ExitFailure, code)
	assert.NotContains(t, stderr, env["AUTOTASK_SECRET"])
}

func TestInterruptionEndsItAndKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	for range 600 {
		srv.Seed("Companies", map[string]any{"isActive": true})
	}
	ctx, interrupt := context.WithCancel(t.Context())
	srv.Inject(autotasktest.Fault{Op: "POST Companies/query/next", Hang: true})
	var out bytes.Buffer
	atFirstPage := writerFunc(func(p []byte) (int, error) {
		interrupt()
		return out.Write(p)
	})
	var errs bytes.Buffer
	err := companies(ctx, nil, func(name string) string { return env[name] }, atFirstPage, &errs)
	assert.Equal(t, connect.ExitInterrupted, connect.Exit(ctx, "companies", err, &errs))
	assert.Contains(t, errs.String(), "companies: interrupted: ")
	assert.Equal(t, 500, strings.Count(out.String(), "\n"), "the page that came is printed")
}

// writerFunc is a writer made of a function.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestBrokenOutputIsAFailure(t *testing.T) {
	t.Parallel()
	_, env := tenant(t)
	full := errors.New("disk full")
	broken := writerFunc(func([]byte) (int, error) { return 0, full })
	for _, args := range [][]string{nil, {"-id", "0"}} {
		err := companies(t.Context(), args, func(name string) string { return env[name] }, broken, &bytes.Buffer{})
		require.ErrorIs(t, err, full)
	}
}

func TestProgressOnATerminalIsOneLineWrittenAnew(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	found(srv)
	var screen bytes.Buffer // list and progress on the same terminal
	p := newReading(&screen)
	p.Terminal = true
	require.NoError(t, list(t.Context(), srv.Client(), named(""), &screen, p))
	shown, blank := "companies: 0 of 1,202", strings.Repeat(" ", len("companies: 0 of 1,202"))
	assert.True(t, strings.HasPrefix(screen.String(), "\r"+shown+"\r"+blank+"\r       0  "), "no row on the line of the progress")
	for _, line := range strings.Split(screen.String(), "\n") {
		assert.LessOrEqual(t, strings.Count(line, "companies: "), 1)
		_, row, isProgress := strings.Cut(line, "companies: ")
		if isProgress {
			assert.Regexp(t, `^[\d,]+ of 1,202\r {21,}\r *\d+  `, row, "taken off before the next row")
		}
	}
	assert.Equal(t, 3, strings.Count(screen.String(), "companies: "))
}

func TestProgressGrowsWithTheTenant(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	p := newReading(&w)
	p.begin(500)
	assert.Empty(t, w.String(), "one page needs no progress")
	p.show(1000)
	assert.Equal(t, "companies: 1,000 of 1,000\n", w.String())
}
