package autotask_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestWithReadOnly(t *testing.T) {
	t.Parallel()
	srv, _ := tenant(t)
	id := srv.Seed("Tickets", nil)
	client, err := autotask.NewClient(srv.Credentials(), autotask.WithZoneURL(srv.ZoneURL()), autotask.WithReadOnly())
	require.NoError(t, err)
	writes := map[string]func() error{
		"Create": func() error {
			_, err := autotask.Create(t.Context(), client, &autotask.TimeEntry{ResourceID: autotask.Int(4), TicketID: autotask.Int(id)})
			return err
		},
		"Patch": func() error {
			return autotask.Patch(t.Context(), client, 5, &autotask.TimeEntry{SummaryNotes: autotask.Value("x")})
		},
		"Delete": func() error { return autotask.Delete[autotask.TimeEntry](t.Context(), client, 5) },
		"Update": func() error {
			_, err := client.Tickets.Update(t.Context(), id, retitle)
			return err
		},
		"note": func() error {
			_, err := client.Notes.Create(t.Context(), id, note())
			return err
		},
		"Resolve": func() error {
			_, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Status: 5})
			return err
		},
		"Upload": func() error {
			_, err := autotask.Upload(t.Context(), client, report(id), strings.NewReader("x"))
			return err
		},
		"as somebody": func() error {
			_, err := client.As(4711).Notes.Create(t.Context(), id, note())
			return err
		},
	}
	for name, write := range writes {
		err := write()
		require.ErrorIs(t, err, autotask.ErrReadOnly, name)
		var e *autotask.Error
		require.ErrorAs(t, err, &e, name)
		assert.Zero(t, e.StatusCode, name)
		assert.Zero(t, e.Attempts, name)
		assert.True(t, autotask.SafeToRetry(err), name)
	}
	for _, r := range srv.Requests() {
		assert.False(t, isWrite(r.Op), "%s left the client", r.Op)
	}
	_, err = client.Tickets.Get(t.Context(), id)
	require.NoError(t, err)
	_, err = client.Tickets.List(t.Context(), autotask.Query{})
	require.NoError(t, err)
	_, err = client.Tickets.Count(t.Context(), autotask.Query{})
	require.NoError(t, err)
	require.NoError(t, client.Ping(t.Context()))
}

func TestWithReadOnly_AsksNotEvenForTheZone(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	client, err := autotask.NewClient(testCredentials, autotask.WithHTTPClient(&http.Client{Transport: mock}), autotask.WithReadOnly())
	require.NoError(t, err)
	err = autotask.Patch(t.Context(), client, 5, &autotask.TimeEntry{SummaryNotes: autotask.Value("x")})
	require.ErrorIs(t, err, autotask.ErrReadOnly)
	assert.Zero(t, mock.GetTotalCallCount())
}

// A middleware can change a request; what leaves is looked at once more.
func TestWithReadOnly_HoldsBelowAMiddleware(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		client, mock := mocked(t, autotask.WithReadOnly(), autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				req = req.Clone(req.Context())
				req.Method = method
				return next.RoundTrip(req)
			})
		}))
		_, err := client.Tickets.Get(t.Context(), 5)
		require.ErrorIs(t, err, autotask.ErrReadOnly, method)
		assert.Zero(t, mock.GetTotalCallCount(), method)
	}
}

func TestWithHTTPClient_RefusesOneThatRepeats(t *testing.T) {
	t.Parallel()
	_, err := autotask.NewClient(testCredentials, autotask.WithHTTPClient(retryablehttp.NewClient().StandardClient()))
	require.ErrorContains(t, err, "repeats writes")
	_, err = autotask.NewClient(testCredentials, autotask.WithHTTPClient(&http.Client{Transport: &retryablehttp.RoundTripper{}}))
	require.Error(t, err)
}
func TestLimiter_SharesTheThreadLimitBetweenClients(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", nil)
	slots := slotFiles{dir: t.TempDir(), places: 3}
	var wg sync.WaitGroup
	for range 3 { // clients, as three processes would have
		client := srv.Client(autotask.WithLimiter(slots), autotask.WithMaxRetries(0))
		for range 10 {
			wg.Go(func() {
				_, err := client.Tickets.Get(t.Context(), id)
				assert.NoError(t, err)
			})
		}
	}
	wg.Wait()
	assert.LessOrEqual(t, srv.MaxInFlight("Tickets"), 3)
	left, err := os.ReadDir(slots.dir)
	require.NoError(t, err)
	assert.Empty(t, left, "every place was given back")
}

// givesUp is full from the second request on, until its caller gives up.
type givesUp struct{ asked int }

func (l *givesUp) Acquire(ctx context.Context, _ string) (release func(), held context.Context, err error) {
	if l.asked++; l.asked == 1 {
		return nil, nil, nil
	}
	<-ctx.Done()
	return nil, nil, fmt.Errorf("waiting: %w", ctx.Err())
}

func TestLimiter_EndOfTheContextIsNoFailureOfTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.Inject(autotasktest.Fault{Op: "GET Tickets", Status: 503, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := srv.Client(autotask.WithLimiter(&givesUp{})).Tickets.Get(ctx, 5)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, autotask.ErrServer)
	})
}
