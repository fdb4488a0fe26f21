package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// source is one way to give credentials to the command.
type source struct {
	env   map[string]string // what the user sets
	args  []string
	stdin string
}

// sources returns each way to give the command the credentials of a tenant.
func sources(t *testing.T, srv *autotasktest.Server) map[string]source {
	t.Helper()
	env := on(srv).env
	var lines strings.Builder
	for name, value := range env {
		fmt.Fprintf(&lines, "%s=%s\n", name, value)
	}
	file := filepath.Join(t.TempDir(), "credentials")
	require.NoError(t, os.WriteFile(file, []byte(lines.String()), 0o600))
	return map[string]source{
		"the environment":    {env: env},
		"a file":             {args: []string{"-credentials", file}},
		"the standard input": {args: []string{"-credentials", "-"}, stdin: lines.String()},
	}
}

// secretsOf returns what must not be seen of a tenant.
func secretsOf(srv *autotasktest.Server) []string {
	creds := srv.Credentials()
	return []string{creds.UserName, creds.Secret, creds.IntegrationCode}
}

// proc reads a file of a process, whose entries end with a NUL.
func proc(t *testing.T, pid int, name string) []string {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	require.NoError(t, err)
	require.NotEmpty(t, data)
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
}

// childrenOf returns the processes that a process has started and that still run.
func childrenOf(t *testing.T, pid int) (children []string) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	require.NotEmpty(t, stats)
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil { // it has ended
			continue
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			children = append(children, string(data))
		}
	}
	return children
}

// requireHidden fails if entries hold a secret, except in variables that the user set.
func requireHidden(t *testing.T, secrets []string, set map[string]string, entries []string) {
	t.Helper()
	for _, entry := range entries {
		name, value, _ := strings.Cut(entry, "=")
		if given, ok := set[name]; ok && given == value {
			continue
		}
		for _, s := range secrets {
			require.NotContains(t, entry, s)
		}
	}
}

// Others can see the arguments of a process, and its children inherit its environment.
// While a request is in flight, no secret is in either, but where the user put it.
func TestNoSecretIsAnArgument(t *testing.T) {
	t.Parallel()
	rows := filepath.Join(t.TempDir(), "tickets.csv")
	require.NoError(t, os.WriteFile(rows, []byte("number,text\nT20261127.0001,done\n"), 0o600))
	for _, args := range [][]string{
		{"count", "Tickets"}, {"doctor"}, {"verify"}, {"resolve", "7", "-text", "x"}, {"resolve-all", rows, "-out", rows + ".out"},
		{"changes", "-to", "jsonl", "-collections", "Roles"}, {"open", "T20261127.0001", "-browser"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			srv := autotasktest.NewServer(t)
			srv.Inject(autotasktest.Fault{Hang: true, Times: -1})
			for name, from := range sources(t, srv) {
				srv.ResetRequests()
				cmd := program(t, from.env, append(args, from.args...)...)
				cmd.Stdin = strings.NewReader(from.stdin)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				require.NoError(t, cmd.Start())
				require.Eventually(t, func() bool { return len(srv.Requests()) > 0 }, time.Minute, time.Millisecond, name)
				arguments := proc(t, cmd.Process.Pid, "cmdline")
				assert.Equal(t, cmd.Args[1:], arguments[1:], name)
				requireHidden(t, secretsOf(srv), nil, arguments)
				requireHidden(t, secretsOf(srv), from.env, proc(t, cmd.Process.Pid, "environ"))
				assert.Empty(t, childrenOf(t, cmd.Process.Pid), name)
				require.NoError(t, cmd.Process.Kill())
				require.Error(t, cmd.Wait(), name)
				for _, s := range secretsOf(srv) {
					assert.NotContains(t, stderr.String(), s)
				}
			}
		})
	}
}

// The browser is the only program that the command starts. It gets the address, and
// none of the secrets.
func TestTheBrowserGetsNoSecret(t *testing.T) {
	t.Parallel()
	srv, number, _ := shop(t)
	for name, from := range sources(t, srv) {
		dir := t.TempDir()
		seen := filepath.Join(dir, "seen")
		script := "#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ >" + seen + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700))
		set := map[string]string{"PATH": dir + ":" + os.Getenv("PATH"), databaseVariable: "postgres://u:hunter2@h/db", "PGPASSWORD": "hunter2"}
		for variable, value := range from.env {
			set[variable] = value
		}
		cmd := program(t, set, append([]string{"open", number, "-browser"}, from.args...)...)
		cmd.Stdin = strings.NewReader(from.stdin)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
		data, err := os.ReadFile(seen)
		require.NoError(t, err, name)
		entries := strings.Split(string(data), "\x00")
		assert.Contains(t, entries, strings.TrimSpace(string(out)), "%s: the address", name)
		assert.Contains(t, entries, "PATH="+set["PATH"], "%s: its environment", name)
		requireHidden(t, append(secretsOf(srv), "hunter2"), nil, entries)
	}
}
