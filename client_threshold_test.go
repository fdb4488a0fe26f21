package autotask_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
)

// limited is a tenant's request limit in memory: requests are free, and the
// others' use is what the test says it is.
type limited struct {
	limit, used int64
	readings    int
	failReading bool
}

func (l *limited) RoundTrip(req *http.Request) (*http.Response, error) {
	l.used++
	if !strings.HasSuffix(req.URL.Path, "/ThresholdInformation") {
		return httpmock.NewStringResponse(200, `{"item":{"id":7}}`), nil
	}
	l.readings++
	if l.failReading {
		return httpmock.NewStringResponse(500, `{"errors":["The logged in Resource does not have the adequate permissions to query this entity type."]}`), nil
	}
	return httpmock.NewJsonResponse(200, map[string]any{
		"externalRequestThreshold": l.limit, "requestThresholdTimeframe": 60, "currentTimeframeRequestCount": l.used,
	})
}

func (l *limited) client(t *testing.T, reserve float64) *autotask.Client {
	t.Helper()
	client, err := autotask.NewClient(testCredentials, autotask.WithBaseURL(testBase), autotask.WithHourlyReserve(reserve),
		autotask.WithHTTPClient(&http.Client{Transport: l}))
	require.NoError(t, err)
	return client
}

func TestReserve_StopsBeforeTheLimitAndLeavesAShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limited{limit: 10000, used: 5000}
		client := l.client(t, 0.25)
		began := time.Now()
		var err error
		sent := 0
		for ; err == nil && sent < 10000; sent++ {
			_, err = client.Tickets.Get(t.Context(), 7)
		}
		require.ErrorIs(t, err, autotask.ErrRateLimited)
		assert.InDelta(t, 7500, l.used, 1, "a quarter is left to others")
		assert.Less(t, l.readings, 10, "readings are sparse")
		assert.Greater(t, time.Since(began), time.Minute, "it slowed down before it stopped")

		var e *autotask.Error
		require.ErrorAs(t, err, &e)
		assert.Zero(t, e.Attempts, "it was not sent")
		assert.Positive(t, e.RetryAfter)
		before := l.used
		_, err = client.Tickets.Get(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrRateLimited)
		assert.Equal(t, before, l.used, "nothing more is sent, not even readings")

		l.used = 1000            // the window has rolled on
		time.Sleep(e.RetryAfter) //nolint:forbidigo // virtual time
		_, err = client.Tickets.Get(t.Context(), 7)
		require.NoError(t, err)
	})
}

func TestReserve_OthersUseIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limited{limit: 10000}
		client := l.client(t, 0.5)
		_, err := client.Tickets.Get(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, 1, l.readings)
		l.used = 6000
		time.Sleep(6 * time.Minute) //nolint:forbidigo // virtual time
		_, err = client.Tickets.Get(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrRateLimited)
		assert.Equal(t, 2, l.readings)
	})
}

func TestReserve_AReadingThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limited{limit: 10000, failReading: true}
		client := l.client(t, 0.5)
		_, err := client.Tickets.Get(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrPermission, "without any reading there is nothing to go by")

		l.failReading = false
		_, err = client.Tickets.Get(t.Context(), 7)
		require.NoError(t, err)
		l.failReading = true
		time.Sleep(6 * time.Minute) //nolint:forbidigo // virtual time
		for range 10 {
			_, err = client.Tickets.Get(t.Context(), 7)
			require.NoError(t, err, "an earlier reading has to do")
		}
		assert.Equal(t, 3, l.readings, "and a failing one is not asked for at every call")
	})
}

func TestReserve_WaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limited{limit: 1000, used: 900}
		client := l.client(t, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		var err error
		for err == nil {
			_, err = client.Tickets.Get(ctx, 7)
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, time.Since(began))
	})
}

func TestReserve_MustBeAShare(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{-0.1, 1, 2} {
		_, err := autotask.NewClient(testCredentials, autotask.WithHourlyReserve(share))
		require.Error(t, err)
	}
}
