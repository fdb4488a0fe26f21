package connect_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	none, err := connect.FromEnvironment(environment(nil))
	require.NoError(t, err)
	assert.Nil(t, none)

	srv := autotasktest.NewServer(t)
	creds := srv.Credentials()
	given := map[string]string{
		"AUTOTASK_USERNAME":         creds.UserName,
		"AUTOTASK_SECRET":           creds.Secret,
		"AUTOTASK_INTEGRATION_CODE": creds.IntegrationCode,
	}
	for _, where := range []map[string]string{
		{"AUTOTASK_ZONE_URL": srv.ZoneURL()},
		{"AUTOTASK_BASE_URL": srv.BaseURL()},
	} {
		tenant, err := connect.FromEnvironment(func(name string) string { return given[name] + where[name] })
		require.NoError(t, err)
		client, err := tenant.Client(autotask.WithApplication("test", ""))
		require.NoError(t, err)
		require.NoError(t, client.Ping(t.Context()))
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", tenant, tenant, *tenant), creds.Secret)
	}
}

func TestHalfAnEnvironmentIsAUsageError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  map[string]string
		want string
	}{
		"user name only": {
			map[string]string{"AUTOTASK_USERNAME": "secret-1"},
			"AUTOTASK_USERNAME set, but AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE missing",
		},
		"no integration code": {
			map[string]string{"AUTOTASK_USERNAME": "secret-1", "AUTOTASK_SECRET": "secret-2"},
			"AUTOTASK_USERNAME and AUTOTASK_SECRET set, but AUTOTASK_INTEGRATION_CODE missing",
		},
		"a place, but nobody to go there": {
			map[string]string{"AUTOTASK_BASE_URL": "https://secret-3.example/ATServicesRest/V1.0"},
			"AUTOTASK_BASE_URL set, but AUTOTASK_USERNAME and AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE missing",
		},
	} {
		_, err := connect.FromEnvironment(environment(test.env))
		require.ErrorContains(t, err, test.want, name)
		assert.NotContains(t, err.Error(), "secret-", name)
		var usage connect.UsageError
		assert.ErrorAs(t, err, &usage, name)
	}
}

func TestWrongAddressIsAUsageError(t *testing.T) {
	t.Parallel()
	tenant, err := connect.FromEnvironment(environment(map[string]string{
		"AUTOTASK_USERNAME": "secret-1", "AUTOTASK_SECRET": "secret-2", "AUTOTASK_INTEGRATION_CODE": "secret-3",
		"AUTOTASK_BASE_URL": "https://h.example/atservicesrest/v1.0",
	}))
	require.NoError(t, err)
	_, err = tenant.Client()
	var usage connect.UsageError
	require.ErrorAs(t, err, &usage)
	assert.NotContains(t, err.Error(), "secret-")
}

func TestExit(t *testing.T) {
	t.Parallel()
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	for name, test := range map[string]struct {
		ctx  context.Context
		err  error
		code int
		says string
	}{
		"success":             {t.Context(), nil, 0, ""},
		"success at the last": {interrupted, nil, 0, ""},
		"help":                {t.Context(), flag.ErrHelp, 0, ""},
		"wrong call":          {t.Context(), connect.Usage("no %s", "ticket"), connect.ExitUsage, "job: no ticket\nRun it with -h for help.\n"},
		"failure":             {t.Context(), errors.New("no answer"), connect.ExitFailure, "job: no answer\n"},
		"interruption":        {interrupted, autotask.ErrOutcomeUnknown, connect.ExitInterrupted, "job: interrupted: autotask: outcome unknown\n"},
	} {
		var stderr bytes.Buffer
		assert.Equal(t, test.code, connect.Exit(test.ctx, "job", test.err, &stderr), name)
		assert.Equal(t, test.says, stderr.String(), name)
	}
}
