package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// The variables that name a tenant, in the environment and in a credentials file.
const (
	varUser    = "AUTOTASK_USERNAME"
	varSecret  = "AUTOTASK_SECRET"
	varCode    = "AUTOTASK_INTEGRATION_CODE"
	varBaseURL = "AUTOTASK_BASE_URL"
	varZoneURL = "AUTOTASK_ZONE_URL"
)

const variables = varUser + ", " + varSecret + " and " + varCode + " (and " + varBaseURL + ", to skip zone discovery, or " + varZoneURL +
	", to discover the zone elsewhere)"

const maxCredentials = 64 << 10

// tenant is where a command works. It prints without what it holds.
type tenant struct {
	connect func(opts ...autotask.Option) (*autotask.Client, error)
	from    string               // where the credentials come from, for people
	fake    *autotasktest.Server // of -demo
	creds   autotask.Credentials // which print without a value
	base    string               // the zone's address; "" if it is to be discovered
}

// tenant returns the tenant that the command line and the environment name.
func (a *app) tenant() (*tenant, error) {
	if a.demo {
		srv := autotasktest.Start()
		a.closers = append(a.closers, srv.Close)
		furnish(srv, a.fakeClock)
		connect := func(opts ...autotask.Option) (*autotask.Client, error) { return srv.InProcessClient(opts...), nil }
		return &tenant{connect: connect, from: "the fake tenant of -demo", fake: srv, creds: srv.Credentials(), base: srv.BaseURL()}, nil
	}
	get, from, err := a.source()
	if err != nil {
		return nil, err
	}
	creds := autotask.Credentials{UserName: get(varUser), Secret: get(varSecret), IntegrationCode: get(varCode)}
	var missing []string
	for _, v := range []struct{ name, value string }{{varUser, creds.UserName}, {varSecret, creds.Secret}, {varCode, creds.IntegrationCode}} {
		if v.value == "" {
			missing = append(missing, v.name)
		}
	}
	if len(missing) > 0 {
		return nil, hintError{
			usagef("no credentials: %s missing in %s", and(missing), from),
			"Set them, or name a file by -credentials FILE, or try -demo, which needs none.",
		}
	}
	var where []autotask.Option
	if base := get(varBaseURL); base != "" {
		where = append(where, autotask.WithBaseURL(base))
	} else if zone := get(varZoneURL); zone != "" {
		where = append(where, autotask.WithZoneURL(zone))
	}
	connect := func(opts ...autotask.Option) (*autotask.Client, error) {
		client, err := autotask.NewClient(creds, slices.Concat(where, opts)...)
		if err != nil { // whoever runs the program knows the variables, not the options
			return nil, usagef("%s", strings.NewReplacer("WithBaseURL", varBaseURL, "WithZoneURL", varZoneURL).Replace(err.Error()))
		}
		return client, nil
	}
	return &tenant{connect: connect, from: from, creds: creds, base: get(varBaseURL)}, nil
}

func (t *tenant) String() string { return t.from }

// client returns a client of the tenant for a command.
func (a *app) client(opts ...autotask.Option) (*autotask.Client, error) {
	t, err := a.tenant()
	if err != nil {
		return nil, err
	}
	return a.connect(t, opts...)
}

func (a *app) connect(t *tenant, opts ...autotask.Option) (*autotask.Client, error) {
	opts = append(opts, autotask.WithApplication("autotask-cmd", ""))
	if a.verbose {
		opts = append(opts, autotask.WithLogger(slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	}
	return t.connect(opts...)
}

// reader returns a client that writes nothing.
func (a *app) reader() (*autotask.Client, error) { return a.client(autotask.WithReadOnly()) }

// source returns what looks up the variables, and its name for people. A file is not
// completed from the environment: half of one login with half of another locks an
// account.
func (a *app) source() (get func(string) string, name string, err error) {
	var from io.Reader
	switch a.credentials {
	case "":
		return a.getenv, "the environment", nil
	case "-":
		name = "the standard input"
		from, err = a.readStdin("-credentials")
	default:
		name = a.credentials
		var f *os.File
		if f, err = openPrivate(a.credentials); err == nil {
			defer func() { _ = f.Close() }()
			from = f
		}
	}
	if err != nil {
		return nil, name, err
	}
	values, err := readVariables(from)
	if err != nil {
		return nil, name, usagef("-credentials: %s: %w", name, err)
	}
	return func(variable string) string { return values[variable] }, name, nil
}

// openPrivate opens a file that only its owner, and perhaps a group, can read.
func openPrivate(path string) (*os.File, error) {
	f, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, usagef("-credentials: %w", err)
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		_ = f.Close()
		return nil, usagef("-credentials: %s is not a file", path)
	}
	const others, groupWrite = 0o007, 0o020
	if mode := info.Mode(); runtime.GOOS != "windows" && mode.IsRegular() && mode.Perm()&(others|groupWrite) != 0 {
		_ = f.Close()
		return nil, hintError{
			usagef("-credentials: %s has mode %04o: others can read or change it", path, mode.Perm()),
			"Make it private: chmod 600 " + path,
		}
	}
	return f, nil
}

// readVariables reads lines such as AUTOTASK_SECRET=…, in the form that shells read.
// Errors name lines, never what they hold.
func readVariables(r io.Reader) (map[string]string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxCredentials+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxCredentials {
		return nil, errors.New("it is too long for a file of credentials")
	}
	values := make(map[string]string)
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\uFEFF")) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "=")
		if name = strings.TrimSpace(name); !ok || !slices.Contains([]string{varUser, varSecret, varCode, varBaseURL, varZoneURL}, name) {
			return nil, fmt.Errorf("line %d is not NAME=VALUE, with one of the names %s", n, and([]string{varUser, varSecret, varCode, varBaseURL, varZoneURL}))
		}
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("line %d: %s is given twice", n, name)
		}
		values[name] = unquoted(strings.TrimSpace(value))
	}
	return values, nil
}

func unquoted(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// and joins names for people.
func and(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// ticketID returns the id of a ticket that is given by its id or its number.
func ticketID(ctx context.Context, client *autotask.Client, ticket string) (int64, error) {
	if id, ok := asID(ticket); ok {
		return id, nil
	}
	return client.Tickets.IDByNumber(ctx, ticket)
}
