package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestFlagsWithOneDashOrTwo(t *testing.T) {
	t.Parallel()
	want := setting{}.want(t, exitOK, "--demo", "query", "--json", "--limit", "2", "Tickets", "--", "status", "eq", "New")
	require.NotEmpty(t, want.stdout)
	for _, line := range []string{
		"-demo query -json -limit 2 Tickets status eq New",
		"query Tickets status eq New -limit=2 -json -demo",
		"-json -demo query Tickets --limit=2 status eq New",
		"query -demo=true Tickets status -json eq New --limit 2",
	} {
		assert.Equal(t, want, setting{}.run(t.Context(), strings.Fields(line)...), line)
	}
}

// What looks like a flag and is a value or an argument stays as it is.
func TestNormalise(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"query Tickets id gt -5":                 "query -- Tickets id gt -5",
		"query Tickets createDate gte -7d -json": "query --json -- Tickets createDate gte -7d",
		"resolve 1 -text -demo":                  "resolve --text -demo -- 1",
		"resolve 1 -text=-demo -dry-run":         "resolve --text=-demo --dry-run -- 1",
		"alert -set a=b -set c=-d":               "alert --set a=b --set c=-d",
		"resolve-all - -out x":                   "resolve-all --out x -- -",
		"query Tickets -h":                       "query --help -- Tickets",
		"-h":                                     "--help",
		"query -- Tickets -json":                 "query -- Tickets -json",
		"-credentials - count Tickets":           "count --credentials - -- Tickets",
		"nonsense -json":                         "nonsense --json",
		"completion bash -no-descriptions":       "completion bash --no-descriptions",
		"query query status eq count":            "query -- query status eq count",
		"__complete -demo query -fields id Tick": "__complete --demo query --fields id Tick",
		"help query":                             "help -- query",
	} {
		assert.Equal(t, strings.Fields(want), normalise((&app{world: &world{}}).root(), strings.Fields(line)), line)
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		assert.Contains(t, setting{}.want(t, exitOK, "completion", shell).stdout, "autotask", shell)
	}
	assert.Contains(t, setting{}.want(t, exitOK, "__complete", "query", "Tick").stdout, "Tickets\n")
	assert.Contains(t, setting{}.want(t, exitOK, "__complete", "re").stdout, "resolve-all")
	assert.Contains(t, setting{}.want(t, exitOK, "__complete", "query", "--li").stdout, "--limit")
}

func TestMissingCredentials(t *testing.T) {
	t.Parallel()
	r := setting{}.want(t, exitUsage, "doctor")
	assert.Empty(t, r.stdout)
	assert.Equal(t, "autotask: no credentials: AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE missing in the environment\n"+
		"Set them, or name a file by -credentials FILE, or try -demo, which needs none.\n", r.stderr)
	half := setting{env: map[string]string{varUser: "u", varSecret: "top"}}.want(t, exitUsage, "count", "Tickets")
	assert.Contains(t, half.stderr, "AUTOTASK_INTEGRATION_CODE missing")
	assert.NotContains(t, half.stderr, "top")
}

func credentialsText(srv *autotasktest.Server) string {
	c := srv.Credentials()
	return fmt.Sprintf("# a tenant\nexport %s=%s\n%s=\"%s\"\r\n%s = '%s'\n\n%s=%s\n", varUser, c.UserName, varSecret, c.Secret, varCode, c.IntegrationCode, varBaseURL, srv.BaseURL())
}

func TestCredentialsFromAFileOrStandardInput(t *testing.T) {
	t.Parallel()
	srv, _, _ := shop(t)
	path := filepath.Join(t.TempDir(), "tenant env")
	for mode, code := range map[os.FileMode]int{0o600: 0, 0o400: 0, 0o640: 0, 0o644: 2, 0o604: 2, 0o660: 2, 0o602: 2} {
		require.NoError(t, os.WriteFile(path, []byte(credentialsText(srv)), 0o600))
		require.NoError(t, os.Chmod(path, mode))
		r := setting{real: true}.want(t, code, "count", "Tickets", "-credentials", path)
		if code == 0 {
			assert.Equal(t, "1\n", r.stdout)
		} else {
			assert.Contains(t, r.stderr, "chmod 600")
		}
		require.NoError(t, os.Remove(path))
	}
	r := setting{real: true, stdin: credentialsText(srv)}.want(t, exitOK, "count", "Tickets", "-credentials", "-")
	assert.Equal(t, "1\n", r.stdout)
	r = setting{real: true, stdin: credentialsText(srv)}.want(t, exitUsage, "-credentials", "-", "resolve", "1", "-text", "-")
	assert.Contains(t, r.stderr, "standard input")
}

// A file that is none of credentials may well be one of other secrets.
func TestWrongCredentialsFileShowsNothingOfIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"hunter2\n", "AUTOTASK_SECRET: hunter2\n", "PASSWORD=hunter2\n", varSecret + "=hunter2\n" + varSecret + "=hunter2\n", varSecret + "=hunter2\n",
		strings.Repeat("hunter2", 20_000),
	} {
		r := setting{stdin: text, real: true}.want(t, exitUsage, "doctor", "-credentials", "-")
		assert.NotContains(t, r.stdout+r.stderr, "hunter2", text[:8])
	}
	setting{}.want(t, exitUsage, "doctor", "-credentials", filepath.Join(t.TempDir(), "none"))
	setting{}.want(t, exitUsage, "doctor", "-credentials", t.TempDir())
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code int
		args string
		with func(*autotasktest.Server)
		says string
	}{
		"done":             {exitOK, "get Tickets NUMBER", nil, ""},
		"not found":        {exitNotFound, "get Tickets 1", nil, "not found"},
		"partial":          {exitPartial, "get Tickets 1 NUMBER", nil, "1 row was not found"},
		"no ticket":        {exitNotFound, "open T20200101.0001", nil, "no ticket with the number"},
		"wrong collection": {exitUsage, "query Tikets", nil, "Tickets"},
		"wrong field":      {exitUsage, "query Tickets titel eq x", nil, "has no field"},
		"wrong operator":   {exitUsage, "query Tickets title is x", nil, "beginsWith"},
		"no value":         {exitUsage, "query Tickets title eq", nil, "a value is missing"},
		"not a number":     {exitUsage, "query Tickets id eq x", nil, "whole number"},
		"not a time":       {exitUsage, "query Tickets createDate gt yesterday", nil, "-24h"},
		"not a picklist":   {exitUsage, "picklist Tickets title", nil, "not a picklist"},
		"negative":         {exitUsage, "query Tickets -limit -3", nil, "must not be negative"},
		"csv and json":     {exitUsage, "query Tickets -csv -json", nil, "not both"},
		"nothing to do":    {exitUsage, "resolve NUMBER -status 0", nil, "nothing to write"},
		"half a note":      {exitUsage, "resolve NUMBER -note x", nil, "-publish"},
		"no company":       {exitUsage, "clear -key k", nil, "-company"},
		"no -to":           {exitUsage, "changes", nil, "-to is missing"},
		"unknown place":    {exitUsage, "changes -to ftp:x", nil, "sqlite:FILE"},
		"no such folder":   {exitUsage, "changes -to sqlite:no/such/folder.db", nil, "no such file"},
		"verify alone":     {exitUsage, "verify -write", nil, "-company-id"},
		"too many":         {exitUsage, "statuses now", nil, "no arguments"},
		"refused": {exitRefused, "count Tickets", func(srv *autotasktest.Server) {
			srv.Inject(autotasktest.Fault{Status: http.StatusUnauthorized, Times: -1})
		}, "credentials refused"},
		"refused doctor": {exitRefused, "doctor", func(srv *autotasktest.Server) {
			srv.Inject(autotasktest.Fault{Status: http.StatusUnauthorized, Times: -1})
		}, "the login failed"},
		"no permission": {exitRefused, "count Tickets", func(srv *autotasktest.Server) {
			srv.SetReadAccess("Tickets", autotasktest.ReadRefused)
		}, "permission"},
		"rate limited": {exitRateLimited, "count Tickets", func(srv *autotasktest.Server) {
			srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/count", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"600"}}, Times: -1})
		}, "Repeat it in 10m"},
		"outcome unknown": {exitUnknown, "resolve NUMBER -text done", func(srv *autotasktest.Server) {
			srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropRequest: true})
		}, "-started-at"},
		"outcome of an alert": {exitUnknown, "alert -company-id 0 -key k -event e -title t -set priority=1 -note-type 1 -publish 1", func(srv *autotasktest.Server) {
			srv.Inject(autotasktest.Fault{Op: "POST Tickets", DropRequest: true})
		}, "-event included"},
		"a check failed": {exitFailed, "doctor", func(srv *autotasktest.Server) { srv.SetReadAccess("Tickets", autotasktest.ReadRefused) }, "failed"},
		"verify refused": {exitRefused, "verify", func(srv *autotasktest.Server) {
			srv.Inject(autotasktest.Fault{Status: http.StatusUnauthorized, Times: -1})
		}, "autotask: conformance: the login was refused"},
		"verify's budget": {exitRateLimited, "verify", func(srv *autotasktest.Server) { srv.SetThreshold(1000, 900) }, "autotask: conformance: too few requests"},
		"verify failed": {exitFailed, "verify", func(srv *autotasktest.Server) {
			srv.Inject(autotasktest.Fault{Op: "GET Tickets", HTML: true, Times: -1})
		}, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, number, _ := shop(t)
			if test.with != nil {
				test.with(srv)
			}
			r := on(srv).want(t, test.code, strings.Fields(strings.ReplaceAll(test.args, "NUMBER", number))...)
			assert.Contains(t, r.stderr, test.says)
			if name != "verify failed" { // it names each check
				assert.LessOrEqual(t, strings.Count(r.stderr, "\n"), 4, "a short message: %s", r.stderr)
			}
		})
	}
}

// Nobody listens on the port.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	srv := autotasktest.Start()
	s := on(srv)
	srv.Close()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	r := s.run(ctx, "count", "Tickets")
	assert.Equal(t, exitServer, r.code, r.stderr)
}

func TestExitCodesAreDocumented(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	help := setting{}.want(t, exitOK, "help", "exit-codes").stdout
	for _, c := range exitCodes {
		assert.Contains(t, string(readme), fmt.Sprintf("| %d | %s |", c.code, c.meaning))
		assert.Contains(t, help, fmt.Sprintf("%5d  %s\n", c.code, c.meaning))
	}
	for _, c := range (&app{world: &world{}}).root().Commands() {
		if c.GroupID != "" {
			assert.Contains(t, string(readme), "| `"+c.Name(), c.Name())
		}
	}
}

// A dry run of each write sends reads only, and says what it would send.
func TestDryRunSendsNoWrite(t *testing.T) {
	t.Parallel()
	srv, number, id := shop(t)
	file := filepath.Join(t.TempDir(), "tickets.csv")
	require.NoError(t, os.WriteFile(file, []byte("number,text\n"+number+",done\n"), 0o600))
	srv.Seed("Tickets", map[string]any{"companyID": 0, "externalID": "alert:k", "status": 1})
	before := srv.Snapshot()
	for _, args := range [][]string{
		{"resolve", number, "-text", "done", "-note", "n", "-note-title", "t", "-note-type", "1", "-publish", "1"},
		{"resolve", fmt.Sprint(id), "-text", "done", "-json"},
		{"resolve-all", file},
		{"alert", "-company-id", "175", "-key", "new", "-event", "e", "-title", "t", "-set", "priority=1", "-note-type", "1", "-publish", "1"},
		{"alert", "-company-id", "0", "-key", "k", "-event", "e", "-title", "t", "-set", "priority=1", "-note-type", "1", "-publish", "1"},
		{"clear", "-company-id", "0", "-key", "k", "-text", "over"},
	} {
		r := on(srv).want(t, exitOK, append(args, "-dry-run")...)
		assert.Regexp(t, "[Ww]ould", r.stdout, args)
	}
	assert.NotEmpty(t, srv.Requests())
	assert.Empty(t, writes(srv))
	assert.Equal(t, before, srv.Snapshot())
	assert.NoFileExists(t, strings.TrimSuffix(file, ".csv")+".results.csv")
}

// The same commands without -dry-run do write: the test above is not about nothing.
func TestWrites(t *testing.T) {
	t.Parallel()
	srv, number, id := shop(t)
	r := on(srv).want(t, exitOK, "resolve", number, "-text", "done", "-note", "n", "-note-title", "t", "-note-type", "1", "-publish", "1", "-ref", "job-1", "-json")
	assert.Contains(t, r.stdout, `"resolved":true`)
	assert.Equal(t, "done", srv.Get("Tickets", id)["resolution"])
	on(srv).want(t, exitOK, "resolve", number, "-text", "done", "-note", "n", "-note-title", "t", "-note-type", "1", "-publish", "1", "-ref", "job-1")
	assert.Len(t, srv.Rows("TicketNotes"), 1, "a repeat with -ref posts nothing")

	args := []string{"alert", "-company-id", "175", "-key", "k", "-event", "e1", "-title", "Bad", "-set", "priority=High", "-set", "queueID=Service Desk", "-note-type", "1", "-publish", "1"}
	assert.Contains(t, on(srv).want(t, exitOK, args...).stdout, "created: ")
	assert.Contains(t, on(srv).want(t, exitOK, args...).stdout, "created: ", "the same event changes nothing")
	args[6] = "e2"
	assert.Contains(t, on(srv).want(t, exitOK, args...).stdout, "noted: ")
	assert.Contains(t, on(srv).want(t, exitOK, "clear", "-company-id", "175", "-key", "k").stdout, "cleared: ")
	assert.Contains(t, on(srv).want(t, exitOK, "clear", "-company-id", "175", "-key", "k").stdout, "clear already")
	assert.Len(t, srv.Rows("Tickets"), 2)
}

func TestResolveAllResumes(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	var file strings.Builder
	file.WriteString("number,text\n")
	for i := range 6 {
		number := fmt.Sprintf("T20261127.%04d", i+1)
		if i < 5 {
			srv.Seed("Tickets", map[string]any{"ticketNumber": number, "status": 1, "resolution": nil})
		}
		file.WriteString(number + ",It works.\n")
	}
	path := filepath.Join(t.TempDir(), "tickets.csv")
	require.NoError(t, os.WriteFile(path, []byte(file.String()), 0o600))
	r := on(srv).want(t, exitPartial, "resolve-all", path)
	assert.Contains(t, r.stdout, "6 tickets: 5 resolved, 1 failed")
	srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261127.0006", "status": 1, "resolution": nil})
	srv.ResetRequests()
	r = on(srv).want(t, exitOK, "resolve-all", path, "-json")
	assert.Contains(t, r.stdout, `"state":"resolved"`)
	assert.Equal(t, 1, strings.Count(r.stdout, "\n"))
	assert.Len(t, writes(srv), 2, "the resolution and the status of the ticket that was left")
	r = setting{real: true, env: on(srv).env, stdin: file.String()}.want(t, exitUsage, "resolve-all", "-")
	assert.Contains(t, r.stderr, "-out")
	require.NoError(t, os.WriteFile(path, []byte("number,text\nT20261127.0001,\n"), 0o600))
	assert.Contains(t, on(srv).want(t, exitUsage, "resolve-all", path).stderr, "the text is empty")
}

// A flag whose shell variable is not set must not look like one that is left out.
func TestEmptyFlags(t *testing.T) {
	t.Parallel()
	srv, number, _ := shop(t)
	for _, args := range [][]string{
		{"resolve", number, "-text", ""},
		{"resolve", number, "-text", "done", "-note", ""},
		{"resolve", number, "-text", "done", "-started-at="},
		{"alert", "-company-id", "0", "-key", "k", "-event", "", "-title", "t", "-set", "priority=1", "-note-type", "1", "-publish", "1"},
		{"clear", "-company-id", "0", "-key", "k", "-status", ""},
		{"count", "Tickets", "-credentials", ""},
	} {
		assert.Contains(t, on(srv).want(t, exitUsage, args...).stderr, " is empty: give a value", args)
	}
	assert.Empty(t, srv.Requests())
}

func TestResolveAllRefuses(t *testing.T) {
	t.Parallel()
	srv, number, _ := shop(t)
	path := filepath.Join(t.TempDir(), "tickets.csv")
	for name, test := range map[string]struct{ file, flags, says string }{
		"CR alone":           {number + ",x\rT20261101.0078,y\rT20261101.0079,z\r", "-note-type 1 -publish 1", "CR alone"},
		"a note's title":     {number + ",x,,note\n", "-note-type 1 -publish 1", "-note-title"},
		"a share of nothing": {number + ",x\n", "-reserve NaN", "-reserve must be a share"},
	} {
		require.NoError(t, os.WriteFile(path, []byte(test.file), 0o600))
		r := on(srv).want(t, exitUsage, append([]string{"resolve-all", path}, strings.Fields(test.flags)...)...)
		assert.Contains(t, r.stderr, test.says, name)
	}
	assert.Empty(t, srv.Requests())
}

// What is wrong with an address is said by the name of its variable.
func TestWrongAddress(t *testing.T) {
	t.Parallel()
	for variable, address := range map[string]string{varBaseURL: "https://u:hunter2@h/ATServicesRest/V1.0", varZoneURL: "https://u:hunter2@h"} {
		s := setting{env: map[string]string{varUser: "u", varSecret: "s", varCode: "c", variable: address}}
		r := s.want(t, exitUsage, "count", "Tickets")
		assert.Contains(t, r.stderr, "autotask: "+variable+": ")
		assert.NotContains(t, r.stderr, "hunter2")
	}
}

// program returns the program in a process of its own.
func program(t *testing.T, env map[string]string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...) //nolint:gosec // it is this program
	cmd.Env = append(os.Environ(), asProgram+"=1")
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

func codeOfProcess(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err == nil {
		return 0
	}
	require.ErrorAs(t, err, &exit)
	return exit.ExitCode()
}

// A reader that goes away ends the command at once, and quietly.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	for range 5_000 {
		srv.Seed("Tickets", nil)
	}
	for _, form := range []string{"-json", "-csv"} {
		srv.ResetRequests()
		var stderr bytes.Buffer
		cmd := program(t, on(srv).env, "query", "Tickets", form)
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		_, err = bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		require.NoError(t, out.Close())
		assert.Equal(t, exitPipe, codeOfProcess(t, cmd.Wait()))
		assert.Empty(t, stderr.String())
		assert.Less(t, len(srv.Requests()), 8, "of more than 10 pages")
	}
	var stderr bytes.Buffer
	r, w := io.Pipe()
	require.NoError(t, r.Close())
	got := setting{real: true, env: on(srv).env, stdout: w}.run(t.Context(), "query", "Tickets", "-json")
	assert.Equal(t, exitPipe, got.code)
	assert.Empty(t, got.stderr+stderr.String())
}

// A table that is printed at the end, and help, meet the closed pipe only there.
func TestClosedPipeAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-demo", "query", "Tickets"}, {"help"}, {"-demo", "doctor"}, {"-demo", "verify"}, {"completion", "bash"}} {
		r, w := io.Pipe()
		require.NoError(t, r.Close())
		got := setting{stdout: w}.run(t.Context(), args...)
		assert.Equal(t, exitPipe, got.code, args)
		assert.NotContains(t, got.stderr, "autotask:", args)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestFullDiskIsAnError(t *testing.T) {
	t.Parallel()
	got := setting{stdout: full{}}.run(t.Context(), "-demo", "count", "Tickets")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "no space left")
}

func TestSignals(t *testing.T) {
	t.Parallel()
	for signal, want := range map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		for _, args := range [][]string{
			{"count", "Tickets"}, {"query", "Tickets"}, {"doctor"}, {"statuses"}, {"verify"}, {"resolve", "7", "-text", "x"},
			{"changes", "-to", "jsonl", "-collections", "Roles"},
		} {
			srv := autotasktest.NewServer(t)
			srv.Inject(autotasktest.Fault{Hang: true, Times: -1})
			var stderr bytes.Buffer
			cmd := program(t, on(srv).env, args...)
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			require.Eventually(t, func() bool { return len(srv.Requests()) > 0 }, time.Minute, time.Millisecond)
			require.NoError(t, cmd.Process.Signal(signal))
			assert.Equal(t, want, codeOfProcess(t, cmd.Wait()), "%v: %s", args, stderr.String())
			assert.Regexp(t, "^autotask: (interrupted|terminated)", stderr.String())
			assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
		}
	}
}

// The message of an interruption says that a write is in the air.
func TestInterruptionDuringAWrite(t *testing.T) {
	t.Parallel()
	srv, number, _ := shop(t)
	srv.Inject(autotasktest.Fault{Op: "PUT Tickets", Hang: true, Times: -1})
	var stderr bytes.Buffer
	cmd := program(t, on(srv).env, "resolve", number, "-text", "done")
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return len(writes(srv)) > 0 }, time.Minute, time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.Equal(t, exitInterrupted, codeOfProcess(t, cmd.Wait()))
	assert.Contains(t, stderr.String(), "outcome unknown")
	assert.Contains(t, stderr.String(), "-started-at")
}

// Ctrl-C ends a command that waits for its standard input.
func TestInterruptionWhileReading(t *testing.T) {
	t.Parallel()
	cmd := program(t, nil, "-demo", "resolve", "1", "-text", "-")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = io.WriteString(in, strings.Repeat("more than a pipe holds, so that it is being read\n", 4_000))
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.Equal(t, exitInterrupted, codeOfProcess(t, cmd.Wait()))
	assert.Equal(t, "autotask: interrupted\n", stderr.String())
}

// A connection that broke is not a reader that has gone.
func TestBrokenConnectionIsNoClosedPipe(t *testing.T) {
	t.Parallel()
	assert.Equal(t, exitFailed, codeOf(t.Context(), fmt.Errorf("write tcp: %w", syscall.EPIPE)))
	assert.Equal(t, exitPipe, codeOf(t.Context(), fmt.Errorf("row: %w", outputError{syscall.EPIPE})))
}

func TestHintsOfErrors(t *testing.T) {
	t.Parallel()
	err := hintError{usagef("wrong"), "Do it right."}
	assert.Equal(t, []string{"autotask: wrong", "Do it right."}, explain(err, codeOf(t.Context(), err)))
	assert.Nil(t, explain(syscall.EPIPE, exitPipe))
	assert.Equal(t, exitUnknown, codeOf(t.Context(), errors.Join(nil, fmt.Errorf("x: %w", autotask.ErrOutcomeUnknown))))
}
