package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(t.Context(), nil, func(string) string { return "" }, &stdout, &stderr))
	assert.Contains(t, stdout.String(), "Recorded 1100 tickets and 40 contacts to cassette.yaml")
	assert.Contains(t, stdout.String(), "Played back 1100 tickets and 40 contacts")
	assert.Empty(t, stderr.String())
}

func TestTenantIsOnlyRead(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	seed(srv)
	creds := srv.Credentials()
	env := map[string]string{
		"AUTOTASK_USERNAME": creds.UserName, "AUTOTASK_SECRET": creds.Secret, "AUTOTASK_INTEGRATION_CODE": creds.IntegrationCode,
		"AUTOTASK_BASE_URL": srv.BaseURL(),
	}
	before := srv.Snapshot()
	file := filepath.Join(t.TempDir(), "cassette.yaml")
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-out", file, "-limit", "700"}, func(name string) string { return env[name] }, &stdout, &stderr))
	assert.Contains(t, stdout.String(), "Played back 700 tickets")
	assert.Equal(t, before, srv.Snapshot())
	cassette, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, secret := range []string{creds.UserName, creds.Secret, creds.IntegrationCode, "Mustermann", "901820", "acme"} {
		assert.NotContains(t, string(cassette), secret)
		assert.NotContains(t, stdout.String()+stderr.String(), secret)
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-limit", "0"}, {"tickets"}, {"-nonsense"}, {"-out", "file.txt"}} {
		var stdout, stderr bytes.Buffer
		var usage connect.UsageError
		require.ErrorAs(t, run(t.Context(), args, func(string) string { return "" }, &stdout, &stderr), &usage, args)
	}
}
