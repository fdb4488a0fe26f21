package autotasktest_test

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// hold sends GETs that the tenant keeps waiting, and returns once all have
// arrived. Release gives them up.
func (x *tenant) hold(paths ...string) (release func()) {
	x.t.Helper()
	ctx, cancel := context.WithCancel(x.t.Context())
	before := len(x.Requests())
	var wg sync.WaitGroup
	for _, p := range paths {
		x.Inject(autotasktest.Fault{Delay: time.Hour})
		r := x.request("GET", p, "").WithContext(ctx)
		wg.Go(func() {
			_, err := x.send(r)
			assert.ErrorIs(x.t, err, context.Canceled)
		})
	}
	require.Eventually(x.t, func() bool { return len(x.Requests()) == before+len(paths) }, time.Minute, time.Millisecond)
	return func() {
		cancel()
		wg.Wait()
	}
}

func TestThreadLimit(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		release := x.hold("Tickets/1", "Tickets/entityInformation", "Tickets/1/Notes")
		a := x.get("Tickets/1")
		assert.Equal(t, 429, a.status)
		assert.JSONEq(t, `{"errors":["The Autotask API thread threshold of 3 threads has been exceeded."]}`, a.body)
		assert.Equal(t, 4, x.MaxInFlight("Tickets"))
		x.get("Companies/0").ok()
		assert.Equal(t, 1, x.MaxInFlight("Companies"))
		release()
		require.Eventually(t, func() bool { return x.get("Tickets/1").status == 200 }, time.Minute, time.Millisecond)
	})
}

func TestThreadLimitSparesDiscovery(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.SetThreadLimit(1)
		release := x.hold("Tickets/1")
		defer release()
		assert.Equal(t, 429, x.get("Tickets/1").status)
		x.get("zoneInformation").refused("Zone information could not be determined")
		assert.Zero(t, x.MaxInFlight("zoneInformation"))

		x.SetThreadLimit(0)
		x.get("Tickets/1").ok()
		x.ResetRequests()
		assert.Zero(t, x.MaxInFlight("Tickets"))
		x.get("Tickets/1").ok()
		assert.Equal(t, 2, x.MaxInFlight("Tickets"))
	})
}

// An answer is never on its way while its request still counts: a client that
// keeps to the limit is never refused.
func TestAnsweredRequestsDoNotCount(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for range 50 {
					a, err := x.send(x.request("GET", "Companies/0", ""))
					if err != nil || a.status != 200 {
						t.Errorf("refused: %d %v", a.status, err)
					}
				}
			})
		}
		wg.Wait()
	})
}

// A request that breaks off on its way is recorded, and no more.
func TestBrokenRequestsAreRecorded(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", hostOf(t, x.BaseURL()))
	require.NoError(t, err)
	_, err = conn.Write([]byte("POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool { return len(x.Requests()) == 1 }, time.Minute, time.Millisecond)
	assert.Empty(t, x.Rows("Tickets"))
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.at(noon)
		information := func() string { return x.get("ThresholdInformation").ok().body }
		assert.JSONEq(t, `{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":1}`, information())
		x.get("Companies/0").ok()
		x.get("zoneInformation")
		x.get("Nothing").notFound()
		assert.JSONEq(t, `{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":3}`, information())

		x.SetThreshold(20, 18)
		x.at(noon.Add(30 * time.Minute))
		assert.JSONEq(t, `{"externalRequestThreshold":20,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":19}`, information())
		x.get("Companies/0").ok()
		for _, p := range []string{"Companies/0", "ThresholdInformation"} {
			a := x.get(p)
			assert.Equal(t, 429, a.status)
			assert.Contains(t, a.json(), "errors")
		}
		x.at(noon.Add(time.Hour))
		assert.JSONEq(t, `{"externalRequestThreshold":20,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":3}`, information())
	})
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.SetThreadLimit(0)
		id := x.Seed("Tickets", nil)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				note, err := x.send(x.request("POST", path("Tickets/%d/Notes", id), noteBody))
				if assert.NoError(t, err) {
					assert.Equal(t, 200, note.status)
				}
				for _, r := range []*struct{ method, path, body string }{
					{"GET", path("Tickets/%d", id), ""},
					{"POST", "TicketNotes/query", `{"filter":[{"op":"exist","field":"id"}]}`},
					{"PUT", "Tickets", x.changed(id)},
					{"GET", "Tickets/entityInformation/fields", ""},
				} {
					if _, err := x.send(x.request(r.method, r.path, r.body)); err != nil {
						t.Error(err)
					}
				}
				x.Seed("Tickets", nil)
				x.Inject(autotasktest.Fault{Op: "POST Companies", Status: 500})
				x.SetClock(nil)
				x.SetLatency(0)
				x.SetPicklist("Tickets", "source", nil)
				_, _, _ = x.Rows("TicketNotes"), x.MaxInFlight("Tickets"), x.PendingFaults()
			})
		}
		wg.Wait()
		assert.Len(t, x.Rows("TicketNotes"), 20)
		assert.Len(t, x.Rows("Tickets"), 21)
		assert.Len(t, x.Requests(), 100)
		numbers := map[any]bool{}
		for _, row := range x.Rows("Tickets") {
			numbers[row["ticketNumber"]] = true
		}
		assert.Len(t, numbers, 21)
	})
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Host
}
