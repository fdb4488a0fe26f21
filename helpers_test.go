package autotask_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

const testBase = "https://webservices19.autotask.net/ATServicesRest/V1.0"

var testCredentials = autotask.Credentials{
	UserName:        "api-user-4f1c@example.com",
	Secret:          "s3cr3t-d41d8cd9",
	IntegrationCode: "TRACKINGIDENTIFIER7",
}

// mocked returns a client on a transport of its own.
func mocked(t *testing.T, opts ...autotask.Option) (*autotask.Client, *httpmock.MockTransport) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	opts = append([]autotask.Option{
		autotask.WithBaseURL(testBase),
		autotask.WithHTTPClient(&http.Client{Transport: mock}),
		autotask.WithMaxRetries(0),
	}, opts...)
	client, err := autotask.NewClient(testCredentials, opts...)
	require.NoError(t, err)
	return client, mock
}

// tenant returns a fake tenant and a client on it.
func tenant(t *testing.T, opts ...autotask.Option) (*autotasktest.Server, *autotask.Client) {
	t.Helper()
	srv := autotasktest.NewServer(t)
	return srv, srv.Client(opts...)
}

// ops lists the operations that the tenant was asked for.
func ops(srv *autotasktest.Server) []string {
	var all []string
	for _, r := range srv.Requests() {
		all = append(all, r.Op)
	}
	return all
}

// bodies lists the bodies of the requests of one operation.
func bodies(srv *autotasktest.Server, op string) [][]byte {
	var all [][]byte
	for _, r := range srv.Requests() {
		if r.Op == op {
			all = append(all, r.Body)
		}
	}
	return all
}

func count(srv *autotasktest.Server, op string) int { return len(bodies(srv, op)) }

// object decodes a JSON object, numbers as written.
func object(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	require.NoError(t, d.Decode(&m), "%s", body)
	return m
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return b
}

func isWrite(op string) bool {
	return !strings.HasPrefix(op, "GET ") && !strings.Contains(op, "/query")
}

func writes(srv *autotasktest.Server) []string {
	return slices.DeleteFunc(ops(srv), func(op string) bool { return !isWrite(op) })
}

func note() *autotask.TicketNote {
	return &autotask.TicketNote{Title: "Backup checked", Description: "Second run: no errors.", NoteType: 1, Publish: 2}
}

func stepStates(o *autotask.Outcome) map[autotask.StepName]autotask.StepState {
	states := map[autotask.StepName]autotask.StepState{}
	for _, s := range o.Steps {
		states[s.Name] = s.State
	}
	return states
}

var begun = time.Now().Add(-time.Minute)

var regexpZone = regexp.MustCompile(`zoneInformation`)

func idText(id int64) string { return strconv.FormatInt(id, 10) }

// idOf is a number of a row as text.
func idOf(v any) string { return fmt.Sprint(v) }

// retryAfter is the wait that an error asks for.
func retryAfter(t *testing.T, err error) time.Duration {
	t.Helper()
	var e *autotask.Error
	require.ErrorAs(t, err, &e)
	return e.RetryAfter
}

// pass lets virtual time pass, in a bubble.
func pass(d time.Duration) { <-time.After(d) }
