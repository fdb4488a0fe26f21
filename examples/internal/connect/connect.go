// Package connect is what the examples have in common: the environment that
// names a tenant, and the ways in which a program ends.
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

	"github.com/autotask-go/autotask"
)

// Variables is the part of a usage text that names the environment.
const Variables = `AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE
(and AUTOTASK_BASE_URL, if the zone is not to be discovered, or AUTOTASK_ZONE_URL,
if it is to be asked for elsewhere)`

// Exit codes.
const (
	ExitFailure     = 1
	ExitUsage       = 2
	ExitInterrupted = 130 // as shells have it: 128 and the number of the signal
)

// UsageError is a wrong call, as against one that failed.
type UsageError struct{ error }

// Usage makes a UsageError.
func Usage(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// Run is a program without its surroundings, so that tests can call it.
type Run func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error

// Main runs a program and ends it with the code of Exit. Ctrl-C ends the
// context; a second one ends the program on the spot.
func Main(name string, run Run) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	code := Exit(ctx, name, run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr), os.Stderr)
	stop()
	os.Exit(code)
}

// Exit prints the error that a program ended with, if any, and returns its exit
// code.
func Exit(ctx context.Context, name string, err error, stderr io.Writer) int {
	var usage UsageError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "%s: %v\nRun it with -h for help.\n", name, usage.error)
		return ExitUsage
	case ctx.Err() != nil:
		// The error says whether a write was under way.
		fmt.Fprintf(stderr, "%s: interrupted: %v\n", name, err)
		return ExitInterrupted
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	return ExitFailure
}

// Tenant is the tenant that the environment names. Its credentials are inside
// a function, where no way of printing finds them.
type Tenant struct {
	client func(opts []autotask.Option) (*autotask.Client, error)
}

// FromEnvironment reads AUTOTASK_USERNAME, AUTOTASK_SECRET and
// AUTOTASK_INTEGRATION_CODE, all three or none of them, and AUTOTASK_BASE_URL
// and AUTOTASK_ZONE_URL, which may be there beside them. Without any it returns
// nil. Errors name variables, never their values.
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

// Client returns a client of the tenant. What NewClient finds wrong with it is
// a UsageError.
func (t *Tenant) Client(opts ...autotask.Option) (*autotask.Client, error) {
	client, err := t.client(opts)
	if err != nil {
		return nil, UsageError{err}
	}
	return client, nil
}
