// Package connect is what the examples share: reading the environment that names a
// tenant, and exit codes.
package connect

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
)

// Variables is the part of a usage text that names the environment.
const Variables = `AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE
(and AUTOTASK_BASE_URL, to skip zone discovery, or AUTOTASK_ZONE_URL, to discover
the zone elsewhere)`

// Exit codes.
const (
	ExitFailure     = 1
	ExitUsage       = 2
	ExitInterrupted = 130 // as in shells: 128 plus the number of the signal
)

// UsageError is an error in how the program was called.
type UsageError struct{ error }

// Usage makes a UsageError.
func Usage(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// Run is a program with its environment as parameters, so that tests can call it.
type Run func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error

// Main runs a program and exits with the code of Exit. Ctrl-C cancels the context; a
// second one ends the program at once.
func Main(name string, run Run) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, func() {
		stop()
		time.AfterFunc(time.Second, func() { // most programs end within it
			fmt.Fprintf(os.Stderr, "%s: finishing what was begun; Ctrl-C again ends the program at once\n", name)
		})
	})
	code := Exit(ctx, name, run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr), os.Stderr)
	stop()
	os.Exit(code)
}

// Exit prints the program's error, if any, and returns the exit code.
func Exit(ctx context.Context, name string, err error, stderr io.Writer) int {
	var usage UsageError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "%s: %v\nRun it with -h for help.\n", name, usage.error)
		return ExitUsage
	case ctx.Err() != nil:
		// The error says whether a write was in flight.
		fmt.Fprintf(stderr, "%s: interrupted: %v\n", name, err)
		return ExitInterrupted
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	return ExitFailure
}

// Tenant is the tenant that the environment names. Its credentials are inside a
// function, so that printing cannot show them.
type Tenant struct {
	client func(opts []autotask.Option) (*autotask.Client, error)
}

// FromEnvironment reads AUTOTASK_USERNAME, AUTOTASK_SECRET and
// AUTOTASK_INTEGRATION_CODE, all three or none, and the optional AUTOTASK_BASE_URL
// and AUTOTASK_ZONE_URL. It returns nil if none is set. Errors name variables, never
// their values.
func FromEnvironment(getenv func(string) string) (*Tenant, error) {
	var creds autotask.Credentials
	var missing, given []string
	for _, v := range []struct {
		name string
		into *string
	}{
		{"AUTOTASK_USERNAME", &creds.UserName},
		{"AUTOTASK_SECRET", &creds.Secret},
		{"AUTOTASK_INTEGRATION_CODE", &creds.IntegrationCode},
	} {
		if *v.into = getenv(v.name); *v.into == "" {
			missing = append(missing, v.name)
		} else {
			given = append(given, v.name)
		}
	}
	var where []autotask.Option
	for _, v := range []struct {
		name   string
		option func(string) autotask.Option
	}{
		{"AUTOTASK_BASE_URL", autotask.WithBaseURL},
		{"AUTOTASK_ZONE_URL", autotask.WithZoneURL},
	} {
		if value := getenv(v.name); value != "" {
			given = append(given, v.name)
			where = append(where, v.option(value))
		}
	}
	switch {
	case len(given) == 0:
		return nil, nil
	case len(missing) > 0:
		return nil, Usage("%s set, but %s missing: set all three for a real tenant, or none for the fake one",
			strings.Join(given, " and "), strings.Join(missing, " and "))
	}
	return &Tenant{func(opts []autotask.Option) (*autotask.Client, error) {
		return autotask.NewClient(creds, slices.Concat(where, opts)...)
	}}, nil
}

// Client returns a client of the tenant. An error of NewClient is returned as a
// UsageError.
func (t *Tenant) Client(opts ...autotask.Option) (*autotask.Client, error) {
	client, err := t.client(opts)
	if err != nil {
		return nil, UsageError{err}
	}
	return client, nil
}
