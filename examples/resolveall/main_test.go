package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/examples/internal/connect"
	"github.com/autotask-go/autotask/internal/worklist"
)

// programVariable makes the test binary the program itself.
const programVariable = "RESOLVEALL_TEST_IS_THE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

// call runs the program with an environment, and returns its exit code and output.
func call(ctx context.Context, env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	err := resolveAll(ctx, args, func(name string) string { return env[name] }, &out, &errs)
	code = connect.Exit(ctx, "resolveall", err, &errs)
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

// list makes tickets and a file of them; time is booked on every fourth.
func list(t *testing.T, srv *autotasktest.Server, n int) (path string, ids []int64) {
	t.Helper()
	text := "\uFEFFnumber,title,text,note\r\n"
	for i := range n {
		id := srv.Seed("Tickets", map[string]any{"status": 1, "resolution": nil})
		if i%4 == 3 {
			srv.Seed("TimeEntries", map[string]any{"ticketID": id})
		}
		ids = append(ids, id)
		text += fmt.Sprintf("%v,Checked,\"done, \"\"%d\"\"\",\"first line\r\nof %d\"\r\n", srv.Get("Tickets", id)["ticketNumber"], i, i)
	}
	return file(t, text), ids
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tickets.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

var noteFlags = []string{"-note-type", "1", "-publish", "2"}

// requireResolved checks that the tenant holds what the list says, once.
func requireResolved(t *testing.T, srv *autotasktest.Server, ids []int64) {
	t.Helper()
	notes := map[string]int{}
	for _, row := range srv.Rows("TicketNotes") {
		notes[fmt.Sprint(row["ticketID"])]++
	}
	for i, id := range ids {
		row := srv.Get("Tickets", id)
		require.Equal(t, fmt.Sprintf("done, \"%d\"", i), row["resolution"])
		require.Equal(t, 1, notes[fmt.Sprint(id)], "notes of ticket %d", i)
		want := "5"
		if i%4 == 3 {
			want = "1"
		}
		require.Equal(t, want, fmt.Sprint(row["status"]))
	}
	require.Len(t, notes, len(ids))
}

// header is the first line of a result file.
const header = "time,number,work,state,ticket id,note id,requests,message"

// states counts the states in a result file.
func states(t *testing.T, path string) map[string]int {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	lines, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, strings.Split(header, ","), lines[0])
	counts := map[string]int{}
	for _, cells := range lines[1:] {
		counts[cells[3]]++
	}
	return counts
}

func resultsOf(path string) string { return strings.TrimSuffix(path, ".csv") + ".results.csv" }

func TestWithoutVariablesItRunsOnTheFakeTenant(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.NoError(t, demonstrate(t.Context(), 20, time.Millisecond, &stdout, &stderr))
	assert.Contains(t, stdout.String(), "embedded fake tenant")
	assert.Contains(t, stdout.String(), "20 tickets: 18 resolved, 2 left open, because time is booked on them.\n")
	assert.Equal(t, 10, strings.Count(stderr.String(), "\n"), "a line for every tenth: %s", stderr.String())
	assert.Contains(t, stderr.String(), "20 of 20 tickets, 0 failed")
}

func TestOnATenant(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	path, ids := list(t, srv, 8)
	code, stdout, stderr := call(t.Context(), env, append(noteFlags, path)...)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "8 tickets: 6 resolved, 2 left open")
	requireResolved(t, srv, ids)
	assert.Equal(t, map[string]int{"begun": 8, "resolved": 6, "left open": 2}, states(t, resultsOf(path)))
	results, err := os.ReadFile(resultsOf(path))
	require.NoError(t, err)
	assert.NotContains(t, stdout+stderr+string(results), env["AUTOTASK_SECRET"])

	srv.ResetRequests()
	code, stdout, _ = call(t.Context(), env, append(noteFlags, path)...)
	assert.Zero(t, code)
	assert.Contains(t, stdout, "8 of 8 tickets are already done")
	assert.Empty(t, srv.Requests())
}

func TestWhatFailedIsTriedAgainAndWhatIsNewIsDone(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"ticketNumber": "T1", "status": 1})
	path := file(t, "T1,one\nT2,two\n")
	code, stdout, stderr := call(t.Context(), env, path)
	assert.Equal(t, connect.ExitFailure, code)
	assert.Contains(t, stdout, "2 tickets: 1 resolved, 1 failed.")
	assert.Contains(t, stderr, "line 2, T2: autotask: POST Tickets/query: 200: not found")
	assert.Contains(t, stderr, "1 of 2 tickets failed")

	second := srv.Seed("Tickets", map[string]any{"ticketNumber": "T2", "status": 1})
	require.NoError(t, os.WriteFile(path, []byte("T1,another text\nT2,two\n"), 0o600))
	code, stdout, stderr = call(t.Context(), env, "-status", "0", path)
	require.Zero(t, code, stderr)
	assert.Equal(t, "another text", srv.Get("Tickets", id)["resolution"])
	assert.Equal(t, "two", srv.Get("Tickets", second)["resolution"])
	assert.Contains(t, stdout, "1 resolved, 1 written, with the status left alone")
	assert.Equal(t, map[string]int{"begun": 3, "resolved": 2, "failed": 1, "written": 1}, states(t, resultsOf(path)))
}

func TestBadLinesAreNamedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	for name, test := range map[string]struct {
		text  string
		flags []string
		says  string
	}{
		"text":              {"number,text\nT1,ok\nT2,\n", nil, "line 3: the text is empty"},
		"other separator":   {"number,text\nT1,x\n", []string{"-separator", ";"}, "line 1: 1 columns"},
		"note, no title":    {"T1,x,,y\n", noteFlags, "line 1: the note has no title: add the column title, or -title for all"},
		"note, no audience": {"T1,x,y,z\n", []string{"-note-type", "1"}, "-note-type and -publish"},
		"note, no type":     {"T1,x,y,z\n", []string{"-publish", "1"}, "-note-type and -publish"},
	} {
		code, _, stderr := call(t.Context(), env, append(test.flags, file(t, test.text))...)
		assert.Equal(t, connect.ExitUsage, code, name)
		assert.Contains(t, stderr, test.says, name)
	}
	assert.Empty(t, srv.Requests())
}

func TestWrongCallsGetAClearMessageAndExitCode2(t *testing.T) {
	t.Parallel()
	_, env := tenant(t)
	ours, foreign := file(t, "T1,x\n"), file(t, "T1,x\n")
	require.NoError(t, os.WriteFile(resultsOf(foreign), []byte("my own file\n"), 0o600))
	damaged := file(t, "T1,x\n")
	require.NoError(t, os.WriteFile(resultsOf(damaged), []byte(header+"\nyesterday,T1,x,begun,,,,\n"), 0o600))
	for name, test := range map[string]struct {
		env  map[string]string
		args []string
		says string
	}{
		"unknown flag":          {env, []string{"-nosuch"}, "nosuch"},
		"no file":               {env, nil, "name one file"},
		"two files":             {env, []string{ours, ours}, "2 arguments"},
		"a missing file":        {env, []string{"no/such/file.csv"}, "no such file"},
		"a file, but no tenant": {nil, []string{ours}, "AUTOTASK_USERNAME"},
		"a dry run of a file":   {nil, []string{"-dry-run", ours}, "real tenant, which -dry-run reads, too: set AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE"},
		"flags, but no tenant":  {nil, []string{"-status", "5"}, "only the flag -dry-run"},
		"more flags":            {nil, []string{"-dry-run", "-status", "5"}, "only the flag -dry-run"},
		"standard input":        {env, []string{"-"}, "-out is missing"},
		"/dev/stdin":            {env, []string{"/dev/stdin"}, "-out is missing"},
		"in is out":             {env, []string{"-out", ours, ours}, "a different file"},
		"separator":             {env, []string{"-separator", "ab", ours}, "is not valid"},
		"status":                {env, []string{"-status", "-1", ours}, "not a status"},
		"reserve":               {env, []string{"-reserve", "2", ours}, "not a share"},
		"another's file":        {env, []string{foreign}, "not a result file"},
		"a damaged file":        {env, []string{damaged}, "is not a time"},
		"an impossible file":    {env, []string{"-out", "no/such/dir/x.csv", ours}, "no such file"},
	} {
		code, _, stderr := call(t.Context(), test.env, test.args...)
		assert.Equal(t, connect.ExitUsage, code, name)
		assert.Contains(t, stderr, test.says, name)
	}
	kept, err := os.ReadFile(resultsOf(foreign))
	require.NoError(t, err)
	assert.Equal(t, "my own file\n", string(kept))
}

func TestHelp(t *testing.T) {
	t.Parallel()
	code, _, stderr := call(t.Context(), nil, "-h")
	assert.Zero(t, code)
	assert.Contains(t, stderr, "-dry-run")
	for _, says := range []string{"AUTOTASK_INTEGRATION_CODE", "AUTOTASK_BASE_URL", "/dev/stdin", "resolveall -dry-run"} {
		assert.Contains(t, stderr, says)
	}
}

func TestDryRunWithoutVariables(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := call(t.Context(), nil, "-dry-run")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "embedded fake tenant")
	assert.Equal(t, dryRunTickets-2, strings.Count(stdout, "change the status from 1 to 5"))
	assert.Equal(t, 2, strings.Count(stdout, "because time is booked on it"))
}

// The standard input is read by either name, as a pipe and as a file.
func TestStandardInput(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	for _, name := range []string{"-", "/dev/stdin"} {
		srv, env := tenant(t)
		path, ids := list(t, srv, 4)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		out := filepath.Join(t.TempDir(), "results.csv")
		process := exec.CommandContext(t.Context(), exe, append(noteFlags, "-out", out, name)...) //nolint:gosec // it is this very binary
		process.Env = append(os.Environ(), programVariable+"=yes")
		for name, value := range env {
			process.Env = append(process.Env, name+"="+value)
		}
		process.Stdin = bytes.NewReader(text)
		output, err := process.CombinedOutput()
		require.NoError(t, err, "%s: %s", name, output)
		requireResolved(t, srv, ids)
		assert.Contains(t, string(output), "Results: "+out, name)
		assert.NotContains(t, string(output), "\r", "through a pipe there are plain lines")
	}
}

func TestDryRunSendsNothingButReads(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	path, _ := list(t, srv, 4)
	before := srv.Snapshot()
	code, stdout, stderr := call(t.Context(), env, append(noteFlags, "-dry-run", path)...)
	require.Zero(t, code, stderr)
	assert.Equal(t, before, srv.Snapshot())
	assert.Equal(t, 3, strings.Count(stdout, "change the status from 1 to 5"))
	assert.Equal(t, 1, strings.Count(stdout, "keep the status 1, because time is booked on it"))
	assert.Equal(t, 4, strings.Count(stdout, `post the note "Checked", write a resolution of 9 characters`))
	for _, r := range srv.Requests() {
		assert.True(t, r.Method == "GET" || strings.HasSuffix(r.Op, "/query"), r.Op)
	}
	assert.NoFileExists(t, resultsOf(path))

	code, stdout, _ = call(t.Context(), env, "-dry-run", "-status", "0", file(t, "T19990101.0001,x\n"))
	assert.Equal(t, connect.ExitFailure, code)
	assert.Contains(t, stdout, "there is no ticket")
}

func TestRefusedCredentialsEndIt(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	path, ids := list(t, srv, 50)
	good := env["AUTOTASK_SECRET"]
	env["AUTOTASK_SECRET"] = "wrong-password"
	code, stdout, stderr := call(t.Context(), env, append(noteFlags, path)...)
	assert.Equal(t, connect.ExitFailure, code)
	assert.Contains(t, stderr, "stopped before the end; run it again to resume")
	assert.Contains(t, stdout, "not started")
	assert.Less(t, len(srv.Requests()), 10)
	assert.NotContains(t, stderr, "wrong-password")

	env["AUTOTASK_SECRET"] = good
	code, _, stderr = call(t.Context(), env, append(noteFlags, path)...)
	require.Zero(t, code, stderr)
	requireResolved(t, srv, ids)
}

func TestInterruptedItGoesOnLater(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	path, ids := list(t, srv, 60)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	srv.Inject(autotasktest.Fault{Op: "GET Tickets", Skip: 60, Edit: func(map[string]any) { cancel() }})
	code, _, stderr := call(ctx, env, append(noteFlags, path)...)
	assert.Equal(t, connect.ExitInterrupted, code)
	assert.Contains(t, stderr, "interrupted: stopped before the end")
	assert.Zero(t, states(t, resultsOf(path))["failed"])
	for _, id := range ids {
		row := srv.Get("Tickets", id)
		assert.Equal(t, row["resolution"] == nil, fmt.Sprint(row["status"]) == "1" && !booked(srv, id), "none is left half-way")
	}
	code, _, stderr = call(t.Context(), env, append(noteFlags, path)...)
	require.Zero(t, code, stderr)
	requireResolved(t, srv, ids)
}

func booked(srv *autotasktest.Server, id int64) bool {
	for _, row := range srv.Rows("TimeEntries") {
		if fmt.Sprint(row["ticketID"]) == fmt.Sprint(id) {
			return srv.Get("Tickets", id)["resolution"] != nil
		}
	}
	return false
}

func TestATornResultFileIsTakenUp(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	srv.SetThreshold(1_000_000, 0)
	path, ids := list(t, srv, 4)
	code, _, stderr := call(t.Context(), env, append(noteFlags, path)...)
	require.Zero(t, code, stderr)
	whole, err := os.ReadFile(resultsOf(path))
	require.NoError(t, err)
	begun := bytes.LastIndex(whole, []byte(",begun,,,,\n")) + len(",begun,,,,\n")
	require.Greater(t, begun, len(header))
	for cut := begun; cut < len(whole); cut += 7 {
		require.NoError(t, os.WriteFile(resultsOf(path), whole[:cut], 0o600))
		code, _, stderr := call(t.Context(), env, append(noteFlags, path)...)
		require.Zero(t, code, stderr)
		requireResolved(t, srv, ids)
		require.Equal(t, map[string]int{"begun": 4, "resolved": 3, "left open": 1}, states(t, resultsOf(path)))
	}
}

// TestKilledAtAnyMoment kills the program at random moments, and starts it
// again on its own result file until it is done.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	srv, env := tenant(t)
	srv.SetThreshold(1_000_000, 0)
	path, ids := list(t, srv, 100)
	exe, err := os.Executable()
	require.NoError(t, err)
	kills := 0
	for patience := 100 * time.Millisecond; ; patience += patience / 10 { // grows, so that it ends
		process := exec.CommandContext(t.Context(), exe, append(noteFlags, path)...) //nolint:gosec // it is this very binary
		process.Env = append(os.Environ(), programVariable+"=yes")
		for name, value := range env {
			process.Env = append(process.Env, name+"="+value)
		}
		var output bytes.Buffer
		process.Stdout, process.Stderr = &output, &output
		require.NoError(t, process.Start())
		ended := make(chan error, 1)
		go func() { ended <- process.Wait() }()
		killer := time.NewTimer(rand.N(patience)) //nolint:gosec // any moment will do
		select {
		case err = <-ended:
			killer.Stop()
		case <-killer.C:
			_ = process.Process.Kill()
			if err = <-ended; err != nil {
				kills++
				continue
			}
		}
		require.NoError(t, err, "it must not fail, only be killed: %s", output.String())
		break
	}
	t.Logf("killed %d times", kills)
	assert.Positive(t, kills)
	requireResolved(t, srv, ids)
	got := states(t, resultsOf(path))
	assert.Equal(t, 100, got["begun"])
	assert.Equal(t, 100, got["resolved"]+got["left open"], "each is done once")
	assert.Equal(t, 2, len(got)-1)
}

// From 40 columns up the line says how many tickets are done, how many failed, and
// how long it takes, in less than the width; with more room it says more.
func TestProgressFitsAnyWidth(t *testing.T) {
	t.Parallel()
	for _, now := range []autotask.ResolveProgress{
		{Done: 1, Pending: 9, Requests: 11, Remaining: 9 * time.Second},
		{Done: 998, Failed: 1, Pending: 1, Requests: 9_990, RequestsLeft: autotask.Int(9_999), Remaining: time.Minute},
		{Done: 49_999, Failed: 9, Pending: 49_991, Requests: 500_000, RequestsLeft: autotask.Int(10_000), Remaining: 9*time.Hour + 59*time.Minute},
		{Done: 99_999, Requests: 1_000_000, RequestsLeft: autotask.Int(0)},
		{Failed: 3, Pending: 2, Remaining: time.Hour},
	} {
		longest := 0
		for columns := 40; columns <= 200; columns++ {
			var w bytes.Buffer
			p := newBar(&w)
			p.Terminal, p.Columns = true, func() int { return columns }
			p.show(now)
			line := strings.TrimPrefix(w.String(), "\r")
			require.Less(t, len(line), columns)
			require.NotContains(t, line, "…")
			require.Regexp(t, `^(\[[#.]+\] )?[\d,]+( of |/)[\d,]+( tickets)?, [\d,]+ failed`, line)
			require.Equal(t, now.Pending > 0, strings.HasSuffix(line, " to go"), line)
			require.GreaterOrEqual(t, len(line), longest-shortGauge, "more room, less text: %s", line)
			longest = max(longest, len(line))
		}
		var plain bytes.Buffer
		newBar(&plain).show(autotask.ResolveProgress{Done: 1, Requests: 11, RequestsLeft: autotask.Int(5)})
		assert.Equal(t, "1 of 1 tickets, 0 failed, 11 requests, 5 left in the hour\n", plain.String(), "through a pipe")
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	p := newBar(&w)
	p.Terminal, p.Columns = true, func() int { return 120 }
	p.show(autotask.ResolveProgress{Done: 1234, Failed: 1, Pending: 1235, Requests: 12_345, RequestsLeft: autotask.Int(99), Remaining: 3725 * time.Second})
	assert.Equal(t, "\r[##########..........] 1,235 of 2,470 tickets, 1 failed, 12,345 requests, 99 left in the hour, 1:02:05 to go", w.String())
	w.Reset()
	p.show(autotask.ResolveProgress{Done: 2, Requests: 22})
	assert.Equal(t, "[####################] 2 of 2 tickets, 0 failed, 22 requests", strings.TrimSpace(w.String()))
	w.Reset()
	p.Clear()
	p.Clear()
	assert.Empty(t, strings.Trim(w.String(), " \r"))
	assert.Equal(t, 2, strings.Count(w.String(), "\r"))

	s := worklist.Summary{Tickets: 3, Resolved: 1, Stopped: &autotask.Error{StatusCode: 429, RetryAfter: 90 * time.Second}}
	require.ErrorContains(t, verdict(&s), "run it again to resume in 1m30s, or later")
	require.NoError(t, verdict(&worklist.Summary{Tickets: 1, Resolved: 1, Stopped: errors.New("too late")}))
}
