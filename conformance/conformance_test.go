package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/conformance"
)

func TestFakeReads(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	for range 3 {
		id := srv.Seed("Tickets", nil)
		srv.Seed("TimeEntries", map[string]any{"ticketID": id})
	}
	report, err := conformance.Run(t.Context(), conformance.Tenant{Credentials: srv.Credentials(), BaseURL: srv.BaseURL(), HTTPClient: srv.HTTPClient()}, conformance.Options{Plan: func(s string) { t.Log(s) }})
	require.NoError(t, err)
	for _, r := range report.Results {
		t.Log(r.ID, r.Outcome, r.Detail)
	}
	require.Zero(t, report.Failed())
}

func TestFakeWrites(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	for range 3 {
		id := srv.Seed("Tickets", nil)
		srv.Seed("TimeEntries", map[string]any{"ticketID": id})
	}
	report, err := conformance.Run(t.Context(), conformance.Tenant{Credentials: srv.Credentials(), BaseURL: srv.BaseURL(), HTTPClient: srv.HTTPClient()}, conformance.Options{Write: true, CompanyID: autotasktest.CustomerID, Plan: func(s string) { t.Log(s) }})
	for _, r := range report.Results {
		t.Log(r.ID, r.Outcome, r.Detail)
	}
	require.NoError(t, err)
	require.Zero(t, report.Failed())
}
