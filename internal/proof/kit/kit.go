// Package kit holds what the tests of the root package and of internal/proof
// share: clients on a fake tenant or on a mock, and what they do with them. It
// is for tests only.
package kit

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// Base is the base URL of a mocked client.
const Base = "https://webservices19.autotask.net/ATServicesRest/V1.0"

// TicketsQuery is where a mocked client searches for tickets.
const TicketsQuery = Base + "/Tickets/query"

// The operations of a ticket's attachments, as the fake tenant names them.
const (
	UploadOp = "POST Tickets/Attachments"
	SearchOp = "POST TicketAttachments/query"
)

// MaxFile is the size of the largest file that a ticket takes.
const MaxFile = 6_000_000

// ZoneRequest is the path of the request that asks for an account's zone.
var ZoneRequest = regexp.MustCompile(`zoneInformation`)

// Sized returns content of n bytes.
func Sized(n int) []byte { return bytes.Repeat([]byte("autotask"), n/8+1)[:n] }

// EmptyPage answers a search as if there were nothing.
const EmptyPage = `{"items":[],"pageDetails":{"count":0,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}}`

// Credentials returns those of a mocked client.
func Credentials() autotask.Credentials {
	return autotask.Credentials{ //nolint:gosec // invented ones
		UserName:        "api-user-4f1c@example.com",
		Secret:          "s3cr3t-d41d8cd9",
		IntegrationCode: "TRACKINGIDENTIFIER7",
	}
}

// Mocked returns a client on a transport of its own, which repeats nothing.
func Mocked(t testing.TB, opts ...autotask.Option) (*autotask.Client, *httpmock.MockTransport) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	opts = append([]autotask.Option{
		autotask.WithBaseURL(Base),
		autotask.WithHTTPClient(&http.Client{Transport: mock}),
		autotask.WithMaxRetries(0),
	}, opts...)
	client, err := autotask.NewClient(Credentials(), opts...)
	require.NoError(t, err)
	return client, mock
}

// Answering returns a client whose every request gets the same answer.
func Answering(t testing.TB, status int, body []byte) *autotask.Client {
	t.Helper()
	client, mock := Mocked(t)
	mock.RegisterNoResponder(httpmock.NewBytesResponder(status, body))
	return client
}

// Tenant returns a fake tenant and a client on it.
func Tenant(t testing.TB, opts ...autotask.Option) (*autotasktest.Server, *autotask.Client) {
	t.Helper()
	srv := autotasktest.NewServer(t)
	return srv, srv.Client(opts...)
}

// RoundTripper makes a transport of a function.
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f RoundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Root returns the directory of the module, which a test's own lies in.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return dir
		}
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.NotEqual(t, filepath.Dir(dir), dir, errors.New("no go.mod above the test"))
		dir = filepath.Dir(dir)
	}
}

// Fixture returns a file of the module's testdata.
func Fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(Root(t), "testdata", name)) //nolint:gosec // a name that a test gives
	require.NoError(t, err)
	return b
}

// Pass lets virtual time pass, in a bubble.
func Pass(d time.Duration) { <-time.After(d) }
