package proof_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// layOut seeds tickets and returns their ids in order.
func layOut(srv *autotasktest.Server, ids ...int64) []int64 {
	for _, id := range ids {
		srv.Seed("Tickets", map[string]any{"id": id, "status": 1})
	}
	slices.Sort(ids)
	return ids
}

// consecutive are n ids from 29,684,001 on, as a tenant gives them.
func consecutive(n int) []int64 {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = 29_684_001 + int64(i)
	}
	return ids
}

// clustered are ids with gaps of all sizes.
func clustered(n int) []int64 {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same gaps in every run
	ids := make([]int64, n)
	for i, id := 0, int64(3); i < n; i++ {
		if id++; random.IntN(100) == 0 {
			id += random.Int64N(1_000_000)
		}
		ids[i] = id
	}
	return ids
}

// scannedIDs collects the ids of a Scan, which must ascend within each page.
func scannedIDs(ctx context.Context, t *testing.T, client *autotask.Client, q autotask.Query, workers int, rest ...autotask.IDRange) []int64 {
	t.Helper()
	var got []int64
	for page, err := range client.Tickets.Scan(ctx, q, autotask.ScanOptions{Workers: workers, Resume: rest}) {
		require.NoError(t, err)
		require.True(t, len(page.Items) > 0 || page.Done)
		got = append(got, idsOfPage(t, page)...)
	}
	slices.Sort(got)
	return got
}

func idsOfPage(t *testing.T, page *autotask.ScanPage[autotask.Ticket]) []int64 {
	t.Helper()
	var ids []int64
	for _, ticket := range page.Items {
		ids = append(ids, ticket.ID)
	}
	require.True(t, slices.IsSorted(ids))
	return ids
}

func TestScan_ReadsEveryItemOnce(t *testing.T) {
	t.Parallel()
	for name, ids := range map[string][]int64{
		"none":        nil,
		"one":         consecutive(1),
		"a page":      consecutive(500),
		"consecutive": consecutive(4001),
		"clustered":   clustered(4001),
	} {
		for _, workers := range []int{1, 2, 3, 8} {
			t.Run(fmt.Sprintf("%s, %d workers", name, workers), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := autotasktest.NewInProcess(t)
					srv.SetLatency(50 * time.Millisecond)
					want := layOut(srv, slices.Clone(ids)...)
					got := scannedIDs(t.Context(), t, srv.Client(), autotask.Query{Fields: []string{"title"}}, workers)
					assert.Equal(t, want, slices.Clip(got))
					assert.LessOrEqual(t, srv.MaxInFlight("Tickets"), 3)
				})
			})
		}
	}
}

// The whole point: with three workers, nearly three times as fast as All.
func TestScan_ThreeWorkersAreNearlyThreeTimesAsFast(t *testing.T) {
	t.Parallel()
	for name, ids := range map[string][]int64{"consecutive": consecutive(30_000), "clustered": clustered(30_000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				srv.SetLatency(50 * time.Millisecond)
				layOut(srv, ids...)
				client, q := srv.Client(), autotask.Query{Fields: []string{"id"}}
				began := time.Now()
				all, err := client.Tickets.List(t.Context(), q)
				require.NoError(t, err)
				one := time.Since(began)
				began = time.Now()
				got := scannedIDs(t.Context(), t, client, q, 3)
				three := time.Since(began)
				assert.Len(t, got, len(all))
				t.Logf("%d tickets: All %v, Scan %v: %.2f times as fast", len(ids), one, three, float64(one)/float64(three))
				assert.GreaterOrEqual(t, float64(one)/float64(three), 2.7)
			})
		})
	}
}

func TestScan_GoesOnFromWhatWasLeft(t *testing.T) {
	t.Parallel()
	for pages := 0; pages < 9; pages += playedPart(1, 4) {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			srv.SetLatency(50 * time.Millisecond)
			want := layOut(srv, clustered(4001)...)
			q := autotask.Query{Filter: autotask.Eq("status", 1), Fields: []string{"id"}}
			var got []int64
			var kept []byte
			left := pages
			for page, err := range srv.Client().Tickets.Scan(t.Context(), q, autotask.ScanOptions{Workers: 3}) {
				require.NoError(t, err)
				got = append(got, idsOfPage(t, page)...)
				kept, err = json.Marshal(page.Remaining)
				require.NoError(t, err)
				if left--; left < 0 {
					break
				}
			}
			// Another run of the program has nothing but what was kept.
			var rest []autotask.IDRange
			require.NoError(t, json.Unmarshal(kept, &rest))
			got = append(got, scannedIDs(t.Context(), t, srv.Client(), q, 3, rest...)...)
			slices.Sort(got)
			assert.Equal(t, want, got, "nothing lost, nothing twice")
		})
	}
}

func TestScan_TheLastPageSaysSo(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 1, 499, 500, 501, 1200} {
		srv := autotasktest.NewInProcess(t)
		want := layOut(srv, consecutive(rows)...)
		var got []int64
		var last *autotask.ScanPage[autotask.Ticket]
		pages := 0
		for page, err := range srv.Client().Tickets.Scan(t.Context(), autotask.Query{}, autotask.ScanOptions{}) {
			require.NoError(t, err)
			require.False(t, last != nil && last.Done, "%d rows: nothing comes after the last page", rows)
			got, last = append(got, idsOfPage(t, page)...), page
			pages++
		}
		require.NotNil(t, last, "%d rows", rows)
		assert.True(t, last.Done, "%d rows", rows)
		assert.Empty(t, last.Remaining, "%d rows", rows)
		if rows > 0 {
			assert.NotEmpty(t, last.Items, "%d rows", rows)
		}
		assert.ElementsMatch(t, want, got, "%d rows", rows)
	}
}

func TestScan_NilAndEmptyResumeReadEverything(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	want := layOut(srv, consecutive(7)...)
	for _, stored := range []string{"null", "[]"} {
		var resume []autotask.IDRange
		require.NoError(t, json.Unmarshal([]byte(stored), &resume))
		assert.Equal(t, want, scannedIDs(t.Context(), t, client, autotask.Query{}, 3, resume...), stored)
	}
}

func TestScan_WithoutACountOneWorkerReadsOn(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	want := layOut(srv, consecutive(2100)...)
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/count", Status: 500, Body: `{"errors":["no"]}`, Times: -1})
	assert.Equal(t, want, scannedIDs(t.Context(), t, client, autotask.Query{}, 3))
}

func TestScan_HonoursFilterAndAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		ids := layOut(srv, consecutive(2100)...)
		srv.Seed("Tickets", map[string]any{"id": ids[2000], "status": 5})
		q := autotask.Query{Filter: autotask.Or(autotask.Eq("status", 1), autotask.Eq("status", 8)), After: autotask.Int(ids[99])}
		got := scannedIDs(t.Context(), t, srv.Client(), q, 3)
		assert.Equal(t, slices.Concat(ids[100:2000], ids[2001:]), got)
	})
}

// Read by one worker from one range with an end, so that no count and no other
// range can make up for a filter that is lost, or a range that is not kept to.
func TestScan_HonoursFilterAndAfterWithinARange(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := layOut(srv, consecutive(10)...)
	srv.Seed("Tickets", map[string]any{"id": ids[4], "status": 5})
	until := autotask.IDRange{Last: autotask.Int(ids[6])}
	q := autotask.Query{Filter: autotask.Eq("status", 1)}
	assert.Equal(t, slices.Concat(ids[:4], ids[5:7]), scannedIDs(t.Context(), t, client, q, 1, until))
	q.After = autotask.Int(ids[1])
	assert.Equal(t, slices.Concat(ids[2:4], ids[5:7]), scannedIDs(t.Context(), t, client, q, 1, until))
	assert.Equal(t, ids[8:], scannedIDs(t.Context(), t, client, q, 1, autotask.IDRange{After: autotask.Int(ids[7])}))
}

// Company 0 is the tenant's own.
func TestScan_BeginsBeforeZero(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	srv.Seed("Companies", map[string]any{"id": 0, "companyName": "Us"})
	var names []string
	for page, err := range autotask.Scan[entity.Company](t.Context(), client, autotask.Query{}, autotask.ScanOptions{Workers: 2}) {
		require.NoError(t, err)
		for _, company := range page.Items {
			names = append(names, company.CompanyName.Or(""))
		}
	}
	assert.Contains(t, names, "Us")
}

func TestScan_CountsNothingThatHasAnEnd(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := layOut(srv, consecutive(10)...)
	assert.Equal(t, ids, scannedIDs(t.Context(), t, client, autotask.Query{}, 3, autotask.IDRange{Last: autotask.Int(ids[9])}))
	assert.Equal(t, ids, scannedIDs(t.Context(), t, client, autotask.Query{}, 1))
	assert.Zero(t, kit.Count(srv, "POST Tickets/query/count"), "one worker shares with nobody")
}

// Nobody waits for a count that comes too late to be of use.
func TestScan_EndsWithoutTheCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		ids := layOut(srv, consecutive(10)...)
		srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/count", Delay: time.Minute})
		began := time.Now()
		assert.Equal(t, ids, scannedIDs(t.Context(), t, srv.Client(), autotask.Query{}, 3))
		assert.Less(t, time.Since(began), time.Minute)
	})
}

func TestScan_StartsNoMoreWorkersThanRequestsMayRun(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	ids := layOut(srv, consecutive(1200)...)
	assert.Equal(t, ids, scannedIDs(t.Context(), t, client, autotask.Query{}, math.MaxInt))
}

func TestScan_SplitFiltersAreReadToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		ids := layOut(srv, consecutive(1600)...)
		for name, filter := range map[string]autotask.Filter{
			"on ids":           autotask.In("id", ids...),
			"on another field": autotask.In("status", make([]int64, 1)...),
		} {
			if name != "on ids" {
				values := make([]int64, 900)
				for i := range values {
					values[i] = int64(i)
				}
				filter = autotask.In("status", values...)
			}
			assert.Equal(t, ids, scannedIDs(t.Context(), t, srv.Client(), autotask.Query{Filter: filter}, 3), name)
		}
	})
}

func TestScan_AFailureEndsItBehindWhatWasRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.SetLatency(50 * time.Millisecond)
		want := layOut(srv, consecutive(4001)...)
		srv.Inject(autotasktest.Fault{Op: "POST Tickets/query", Skip: 2, Times: 1, Status: 500, Body: `{"errors":["no"]}`})
		var got []int64
		var rest []autotask.IDRange
		var failure error
		for page, err := range srv.Client().Tickets.Scan(t.Context(), autotask.Query{}, autotask.ScanOptions{Workers: 3}) {
			if err != nil {
				require.NoError(t, failure, "one error, and then the end")
				assert.Nil(t, page)
				failure = err
				continue
			}
			got, rest = append(got, idsOfPage(t, page)...), page.Remaining
		}
		require.ErrorIs(t, failure, autotask.ErrInvalid)
		got = append(got, scannedIDs(t.Context(), t, srv.Client(), autotask.Query{}, 3, rest...)...)
		slices.Sort(got)
		assert.Equal(t, want, got)
	})
}

// A failure while the others have nothing to read must wake them.
func TestScan_AFailureEndsThoseWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.SetLatency(50 * time.Millisecond)
		layOut(srv, consecutive(600)...)
		srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/next", Status: 500, Body: `{"errors":["no"]}`})
		var failure error
		for _, err := range srv.Client().Tickets.Scan(t.Context(), autotask.Query{}, autotask.ScanOptions{Workers: 3}) {
			failure = errors.Join(failure, err)
		}
		require.ErrorIs(t, failure, autotask.ErrInvalid)
	})
}

func TestScan_CancelEndsIt(t *testing.T) {
	t.Parallel()
	for range playedPart(10, 4) { // whatever the workers are at
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			srv.SetLatency(50 * time.Millisecond)
			layOut(srv, consecutive(2001)...)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var failure error
			for _, err := range srv.Client().Tickets.Scan(ctx, autotask.Query{}, autotask.ScanOptions{Workers: 3}) {
				failure = err
				cancel()
			}
			require.ErrorIs(t, failure, context.Canceled)
			var e *autotask.Error
			require.ErrorAs(t, failure, &e)
		})
	}
}

// ending counts the requests that are under way, and ends one of them without an
// answer, as FailNow in a test's transport would.
type ending struct {
	http.RoundTripper

	nth      int64 // which one, counts aside
	made     atomic.Int64
	underWay atomic.Int64
}

func (e *ending) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/count") && e.made.Add(1) == e.nth {
		runtime.Goexit()
	}
	e.underWay.Add(1)
	defer e.underWay.Add(-1)
	return e.RoundTripper.RoundTrip(r)
}

func endingThe(nth int64, srv *autotasktest.Server) (*ending, *autotask.Client) {
	e := &ending{nth: nth}
	return e, srv.Client(autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		e.RoundTripper = next
		return e
	}))
}

func TestScan_AWorkerThatDoesNotReturnIsAFailure(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			srv.SetLatency(50 * time.Millisecond)
			layOut(srv, consecutive(4001)...)
			_, client := endingThe(4, srv)
			var failure error
			for _, err := range client.Tickets.Scan(t.Context(), autotask.Query{}, autotask.ScanOptions{Workers: workers}) {
				failure = errors.Join(failure, err)
			}
			require.ErrorContains(t, failure, "Goexit")
		})
	}
}

func TestScan_LeavingTheLoopEndsTheWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.SetLatency(50 * time.Millisecond)
		layOut(srv, consecutive(4001)...)
		requests, client := endingThe(0, srv)
		pages := 0
		for _, err := range client.Tickets.Scan(t.Context(), autotask.Query{}, autotask.ScanOptions{Workers: 3}) {
			require.NoError(t, err)
			if pages++; pages == 2 {
				synctest.Wait() // the others are reading
				require.Positive(t, requests.underWay.Load())
				break
			}
		}
		assert.Zero(t, requests.underWay.Load())
	})
}

func TestScan_RefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	for name, pages := range map[string]func(func(*autotask.ScanPage[autotask.Ticket], error) bool){
		"no workers": client.Tickets.Scan(t.Context(), autotask.Query{}, autotask.ScanOptions{Workers: -1}),
		"a limit":    client.Tickets.Scan(t.Context(), autotask.Query{Limit: 10}, autotask.ScanOptions{Workers: 3}),
		"a filter":   client.Tickets.Scan(t.Context(), autotask.Query{Filter: autotask.Eq("id", nil)}, autotask.ScanOptions{Workers: 3}),
		"overlapping ranges": client.Tickets.Scan(t.Context(), autotask.Query{}, autotask.ScanOptions{Workers: 3, Resume: []autotask.IDRange{
			{Last: autotask.Int(20)}, {After: autotask.Int(10)}}}),
	} {
		var failure error
		for _, err := range pages {
			failure = errors.Join(failure, err)
		}
		require.ErrorIs(t, failure, autotask.ErrInvalid, name)
	}
	assert.Empty(t, srv.Requests())
}

func TestScan_WhatDoesNotAscendIsAnError(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/query", Status: 200, Body: `{"items":[{"id":9},{"id":8}],"pageDetails":{"count":2}}`})
	var failure error
	for _, err := range client.Tickets.Scan(t.Context(), autotask.Query{}, autotask.ScanOptions{Workers: 1}) {
		failure = errors.Join(failure, err)
	}
	require.ErrorIs(t, failure, autotask.ErrServer)
}
