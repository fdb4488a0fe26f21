package autotask_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// seedWork makes tickets and a work for each of them, with its index as the key.
func seedWork(srv *autotasktest.Server, n int) []autotask.ResolveItem {
	all := make([]autotask.ResolveItem, n)
	for i := range all {
		id := srv.Seed("Tickets", map[string]any{"title": fmt.Sprintf("backup %d", i), "status": 1, "resolution": nil})
		all[i] = autotask.ResolveItem{TicketID: id, Key: i, Resolution: autotask.Resolution{
			Text: fmt.Sprintf("done %d", i), Note: note(), Status: autotask.StatusComplete, StartedAt: time.Now(),
		}}
	}
	return all
}

// all runs ResolveAll to its end, and returns outcomes and errors by the keys.
func all(t *testing.T, client *autotask.Client, work []autotask.ResolveItem, opts autotask.ResolveAllOptions) (map[int]*autotask.Outcome, map[int]error) {
	t.Helper()
	outcomes, errs := map[int]*autotask.Outcome{}, map[int]error{}
	for outcome, err := range client.ResolveAll(t.Context(), slices.Values(work), opts) {
		require.NotNil(t, outcome)
		key := outcome.Item.Key.(int)
		require.NotContains(t, outcomes, key, "handed out twice")
		outcomes[key], errs[key] = outcome, err
	}
	require.Len(t, outcomes, len(work))
	return outcomes, errs
}

// requireResolved holds the tenant to one note, the text and the status a work.
func requireResolved(t *testing.T, srv *autotasktest.Server, work []autotask.ResolveItem) {
	t.Helper()
	notes := map[string]int{}
	for _, row := range srv.Rows("TicketNotes") {
		notes[idOf(row["ticketID"])]++
	}
	for _, w := range work {
		row := srv.Get("Tickets", w.TicketID)
		require.Equal(t, w.Text, row["resolution"])
		require.Equal(t, "5", idOf(row["status"]))
		require.Equal(t, 1, notes[idText(w.TicketID)], "notes of ticket %d", w.TicketID)
	}
	require.Len(t, notes, len(work))
}

func TestResolveAll_KeepsTheBusiestEndpointFull(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*autotask.ResolveItem, *autotasktest.Server)
		limit  int
	}{
		"whole, by id":      {func(*autotask.ResolveItem, *autotasktest.Server) {}, 3},
		"whole, by number":  {byNumber, 3},
		"without a note":    {func(w *autotask.ResolveItem, _ *autotasktest.Server) { w.Note = nil }, 3},
		"without StartedAt": {func(w *autotask.ResolveItem, _ *autotasktest.Server) { w.StartedAt = time.Time{} }, 3},
		"the text alone": {func(w *autotask.ResolveItem, _ *autotasktest.Server) {
			w.Resolution = autotask.Resolution{Text: "done"}
		}, 3},
		"one at a time": {func(*autotask.ResolveItem, *autotasktest.Server) {}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const latency = 50 * time.Millisecond
				srv := autotasktest.NewInProcess(t)
				work := seedWork(srv, 300)
				for i := range work {
					test.change(&work[i], srv)
				}
				srv.SetLatency(latency)
				client := srv.Client(autotask.WithMaxConcurrency(test.limit), autotask.WithMaxRetries(0))
				began := time.Now()
				outcomes, errs := all(t, client, work, autotask.ResolveAllOptions{})
				took := time.Since(began)
				sum := 0
				for key, err := range errs {
					require.NoError(t, err)
					sum += outcomes[key].Requests
				}
				endpoints := map[string]int{}
				for _, r := range srv.Requests() {
					_, path, _ := strings.Cut(r.Op, " ")
					endpoint, _, _ := strings.Cut(path, "/")
					endpoints[endpoint]++
				}
				assert.Len(t, srv.Requests(), sum, "every request is one of an outcome's")
				busiest := endpoints["Tickets"]
				bound := time.Duration(busiest) * latency / time.Duration(test.limit)
				share := float64(bound) / float64(took)
				t.Logf("%d requests, %d of them on Tickets; %v, at the least %v: %.1f %%", sum, busiest, took, bound, 100*share)
				assert.GreaterOrEqual(t, share, 0.9)
				for endpoint := range endpoints {
					assert.LessOrEqual(t, srv.MaxInFlight(endpoint), test.limit, endpoint)
				}
			})
		})
	}
}

func byNumber(w *autotask.ResolveItem, srv *autotasktest.Server) {
	w.Number = fmt.Sprint(srv.Get("Tickets", w.TicketID)["ticketNumber"])
	w.TicketID = 0
}

func TestResolveAll_OneFailureStopsNoOther(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	work := seedWork(srv, 12)
	byNumber(&work[1], srv)
	bad := map[int]error{}
	spoil := func(i int, change func(*autotask.ResolveItem), kind error) {
		change(&work[i])
		bad[i] = kind
	}
	spoil(2, func(w *autotask.ResolveItem) { w.TicketID = 999_999 }, autotask.ErrNotFound)
	spoil(3, func(w *autotask.ResolveItem) {
		*w = autotask.ResolveItem{Number: "T19990101.0001", Resolution: w.Resolution, Key: w.Key}
	}, autotask.ErrNotFound)
	spoil(4, func(w *autotask.ResolveItem) { w.Number = "T1" }, autotask.ErrInvalid)
	spoil(5, func(w *autotask.ResolveItem) { w.TicketID = 0 }, autotask.ErrInvalid)
	spoil(6, func(w *autotask.ResolveItem) { w.Resolution = autotask.Resolution{} }, autotask.ErrInvalid)
	spoil(7, func(w *autotask.ResolveItem) { byNumber(w, srv); w.Text = " " }, autotask.ErrInvalid)
	spoil(8, func(w *autotask.ResolveItem) { w.Status = 8 }, autotask.ErrNotApplied)
	spoil(9, func(w *autotask.ResolveItem) { byNumber(w, srv); w.Note.TicketID = work[0].TicketID }, autotask.ErrInvalid)
	spoil(10, func(w *autotask.ResolveItem) { w.TicketID = -3 }, autotask.ErrInvalid)

	outcomes, errs := all(t, client, work, autotask.ResolveAllOptions{})
	for i := range work {
		kind, isBad := bad[i]
		o := outcomes[i]
		require.Len(t, o.Steps, 5, i)
		assert.Equal(t, work[i], *o.Item)
		if !isBad {
			require.NoError(t, errs[i], i)
			assert.True(t, o.Resolved)
			continue
		}
		require.ErrorIs(t, errs[i], kind, i)
		if errors.Is(kind, autotask.ErrInvalid) && i != 9 { // whose ticket was looked up
			assert.Zero(t, o.Requests, i)
			assert.Equal(t, work[i].TicketID, o.TicketID)
		}
	}
	assert.Contains(t, errs[4].Error(), "names its ticket twice")
	assert.Contains(t, errs[5].Error(), "names no ticket")
	assert.NotZero(t, outcomes[1].TicketID, "found by its number")
	assert.Equal(t, 11, outcomes[1].Requests)
	assert.Equal(t, 10, outcomes[0].Requests)
	assert.Len(t, srv.Rows("TicketNotes"), 4, "of 0, 1, 8 and 11")
}

func TestResolveAll_TwoWorksOnOneTicketGoOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.SetLatency(50 * time.Millisecond)
		id := srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261123.0042", "status": 1, "resolution": nil})
		var atWork, most atomic.Int32
		client := srv.Client(autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				if isWrite(req.Method + " " + req.URL.Path) {
					most.Store(max(most.Load(), atWork.Add(1)))
					defer atWork.Add(-1)
				}
				return next.RoundTrip(req)
			})
		}))
		var work []autotask.ResolveItem
		for i := range 6 {
			w := autotask.ResolveItem{TicketID: id, Key: i, Resolution: autotask.Resolution{Text: fmt.Sprintf("text %d", i)}}
			if i%2 == 1 {
				w.TicketID, w.Number = 0, []string{"T20261123.0042", " t20261123.0042"}[i/2%2]
			}
			work = append(work, w)
		}
		var order []int
		for outcome, err := range client.ResolveAll(t.Context(), slices.Values(work), autotask.ResolveAllOptions{}) {
			require.NoError(t, err, "each reads back its own text")
			order = append(order, outcome.Item.Key.(int))
		}
		assert.Equal(t, int32(1), most.Load())
		for parity := range 2 {
			mine := slices.DeleteFunc(slices.Clone(order), func(key int) bool { return key%2 != parity })
			assert.True(t, slices.IsSorted(mine), "named alike, they keep their order: %v", order)
		}
	})
}

func TestResolveAll_Progress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		work := seedWork(srv, 20)
		work[7].TicketID = 999_999
		srv.SetLatency(50 * time.Millisecond)
		srv.SetThreshold(10_000, 1_000)
		var seen []autotask.ResolveProgress
		outcomes, _ := all(t, srv.Client(autotask.WithHourlyReserve(0.25)), work, autotask.ResolveAllOptions{
			Total: 20, Progress: func(p autotask.ResolveProgress) { seen = append(seen, p) },
		})
		require.Len(t, seen, 20)
		requests := 0
		for _, o := range outcomes {
			requests += o.Requests
		}
		for i, p := range seen {
			assert.Equal(t, i+1, p.Done+p.Failed)
			assert.Equal(t, 20-i-1, p.Pending)
			left, known := p.RequestsLeft.Get()
			assert.True(t, known)
			assert.Less(t, left, int64(6_500))
			assert.Equal(t, i < 19, p.Remaining > 0)
		}
		last := seen[19]
		assert.Equal(t, 1, last.Failed)
		assert.Equal(t, requests, last.Requests)
		assert.Len(t, srv.Requests(), requests, "the reading of the limit included")
		// The reading itself, which counts, is in the tenant's figure already.
		assert.InDelta(t, 7_500-1_000-requests, last.RequestsLeft.Or(0), 1)
		assert.Positive(t, last.Elapsed)

		seen = nil
		for _, err := range srv.Client().ResolveAll(t.Context(), slices.Values(work[:3]), autotask.ResolveAllOptions{
			Progress: func(p autotask.ResolveProgress) { seen = append(seen, p) },
		}) {
			require.NoError(t, err)
		}
		assert.Equal(t, 2, seen[0].Pending, "in work")
		assert.Zero(t, seen[0].Remaining, "nobody knows without a total")
		assert.Equal(t, autotask.Optional[int64]{}, seen[0].RequestsLeft, "nor without WithHourlyReserve")
	})
}

// workWithoutEnd yields the works again and again, and tells how many were taken.
func workWithoutEnd(work []autotask.ResolveItem, taken *int) iter.Seq[autotask.ResolveItem] {
	return func(yield func(autotask.ResolveItem) bool) {
		for {
			for _, w := range work {
				*taken++
				if !yield(w) {
					return
				}
			}
		}
	}
}

func TestResolveAll_IsNeverAheadByMoreThanTheWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		taken, ended := 0, 0
		source := workWithoutEnd(seedWork(srv, 100), &taken)
		for _, err := range srv.Client().ResolveAll(t.Context(), source, autotask.ResolveAllOptions{Workers: 4}) {
			require.NoError(t, err)
			synctest.Wait() // the loop is slow
			assert.LessOrEqual(t, taken-ended, 4+1, "the workers, and the one in hand")
			if ended++; ended == 40 {
				break
			}
		}
		before := taken
		synctest.Wait()
		assert.Equal(t, before, taken, "nothing runs after the loop")
	})
}

func TestResolveAll_CancelledInTheMiddleNothingIsHalfKnown(t *testing.T) {
	t.Parallel()
	// Whenever it is cancelled.
	for at := 10 * time.Millisecond; at < 1200*time.Millisecond; at += 97 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			work := seedWork(srv, 30)
			for i := range 10 {
				byNumber(&work[3*i], srv)
			}
			work[20].TicketID = work[19].TicketID // and waits for it
			srv.SetLatency(20 * time.Millisecond)
			client := srv.Client()
			ctx, cancel := context.WithTimeout(t.Context(), at)
			defer cancel()
			whole, late := 0, 0
			for outcome, err := range client.ResolveAll(ctx, slices.Values(work), autotask.ResolveAllOptions{}) {
				if err == nil {
					whole++
					assert.Equal(t, autotask.StateDone, stepStates(outcome)[autotask.StepResolution])
				} else {
					late++
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.NotErrorIs(t, err, autotask.ErrOutcomeUnknown)
					assert.Contains(t, err.Error(), "not started")
					assert.LessOrEqual(t, outcome.Requests, 1, "a number may have been looked up")
					for _, s := range outcome.Steps {
						assert.Equal(t, autotask.StateSkipped, s.State)
					}
				}
			}
			assert.LessOrEqual(t, whole+late, 30)
			touched := 0
			for _, row := range srv.Rows("Tickets") {
				if row["resolution"] != nil {
					touched++
					assert.Equal(t, "5", idOf(row["status"]), "none is left half-way")
				}
			}
			assert.InDelta(t, whole, touched, 1, "two works were on one ticket")
			assert.Less(t, late, 9, "the workers")
		})
	}
}

func TestResolveAll_AnEndedContextBeginsNothing(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for outcome, err := range client.ResolveAll(ctx, slices.Values(seedWork(srv, 3)), autotask.ResolveAllOptions{}) {
		t.Errorf("%+v, %v", outcome, err)
	}
	assert.Empty(t, srv.Requests())
}

func TestResolveAll_GraceIsBounded(t *testing.T) {
	t.Parallel()
	for grace, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 5 * time.Second: 5 * time.Second, -1: 0} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			work := seedWork(srv, 1)
			srv.Inject(autotasktest.Fault{Op: "PUT Tickets", Hang: true})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			for outcome, err := range srv.Client().ResolveAll(ctx, slices.Values(work), autotask.ResolveAllOptions{Grace: grace}) {
				require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
				require.ErrorIs(t, err, context.Canceled)
				assert.Equal(t, autotask.StateDone, stepStates(outcome)[autotask.StepNote])
				assert.Equal(t, autotask.StateFailed, stepStates(outcome)[autotask.StepResolution])
			}
			assert.Equal(t, time.Second+want, time.Since(began))
		})
	}
}

func TestResolveAll_LeavingTheLoopWaitsForWhatIsBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		work := seedWork(srv, 100)
		srv.SetLatency(20 * time.Millisecond)
		client := srv.Client()
		for outcome, err := range client.ResolveAll(t.Context(), slices.Values(work), autotask.ResolveAllOptions{}) {
			require.NoError(t, err)
			if outcome.Item.Key.(int) > 10 {
				break
			}
		}
		sent := len(srv.Requests())
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		assert.Len(t, srv.Requests(), sent, "nothing runs after the loop")
		for _, row := range srv.Rows("Tickets") {
			if row["resolution"] != nil {
				assert.Equal(t, "5", idOf(row["status"]), "none is left half-way")
			}
		}
		// A repeat finds what was done.
		_, errs := all(t, client, work, autotask.ResolveAllOptions{})
		for _, err := range errs {
			require.NoError(t, err)
		}
		requireResolved(t, srv, work)
	})
}

func TestResolveAll_APanicOfTheSequenceComesThrough(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	work := seedWork(srv, 2)
	ended := 0
	assert.PanicsWithValue(t, "line 3", func() {
		for _, err := range client.ResolveAll(t.Context(), func(yield func(autotask.ResolveItem) bool) {
			_ = yield(work[0]) && yield(work[1])
			panic("line 3")
		}, autotask.ResolveAllOptions{}) {
			require.NoError(t, err)
			ended++
		}
	})
	assert.Equal(t, 2, ended)
	requireResolved(t, srv, work)
}

func TestResolveAll_APanicInTheLoopWaitsForWhatIsBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.SetLatency(20 * time.Millisecond)
		work := seedWork(srv, 5)
		assert.PanicsWithValue(t, "in the loop, error <nil>", func() {
			for _, err := range srv.Client().ResolveAll(t.Context(), slices.Values(work), autotask.ResolveAllOptions{}) {
				panic(fmt.Sprintf("in the loop, error %v", err))
			}
		})
		requireResolved(t, srv, work)
	})
}

func TestResolveAll_RefusedCredentialsAreNotTriedWithEachTicket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		work := seedWork(srv, 200)
		srv.Inject(autotasktest.Fault{Status: 401, Times: -1})
		client := srv.Client()
		_, errs := all(t, client, work, autotask.ResolveAllOptions{})
		for _, err := range errs {
			require.ErrorIs(t, err, autotask.ErrUnauthorized)
		}
		assert.LessOrEqual(t, len(srv.Requests()), 5, "three in a row, and those under way by then")
	})
}

func TestResolveAll_ASpentHourIsTheErrorOfTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.SetThreshold(1_000, 0)
		work := seedWork(srv, 100)
		client := srv.Client(autotask.WithHourlyReserve(0.5))
		_, errs := all(t, client, work, autotask.ResolveAllOptions{})
		limited := 0
		for _, err := range errs {
			if err != nil {
				// Nor can a write be read back any more, which is said.
				if !errors.Is(err, autotask.ErrOutcomeUnknown) {
					require.ErrorIs(t, err, autotask.ErrRateLimited)
				}
				require.ErrorContains(t, err, "rate limited")
				limited++
			}
		}
		assert.InDelta(t, 100-500/11, limited, 10)
		// What is under way while the limit is read is in nobody's count.
		assert.InDelta(t, 500, len(srv.Requests()), 20)

		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		srv.SetThreshold(10_000, 0)
		_, errs = all(t, client, work, autotask.ResolveAllOptions{})
		for _, err := range errs {
			require.NoError(t, err)
		}
		requireResolved(t, srv, work)
	})
}

// TestResolveAll_RandomFaults lets single faults befall a bulk of 50, and
// repeats what failed until it ends: none is lost, none is doubled.
func TestResolveAll_RandomFaults(t *testing.T) {
	t.Parallel()
	skip := map[string]bool{ // which a single run rightly ends with otherwise
		"note shows late": true, "note shows later": true, "lost, and shows late": true, "edited by somebody else": true,
		"write reverted": true, // a repeat keeps to what a person or a rule has made of the status
	}
	bulks := uint64(15)
	if raceDetector {
		bulks = 4 // the detector makes it ten times as slow
	}
	for seed := range bulks {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // any will do
			srv := autotasktest.NewInProcess(t)
			work := seedWork(srv, 50)
			numbered := slices.Clone(work)
			for i := range numbered {
				if i%3 == 0 {
					byNumber(&numbered[i], srv)
				}
			}
			srv.SetLatency(50 * time.Millisecond)
			client := srv.Client(autotask.WithMaxResponseBytes(256 << 10))
			for range 5 {
				f := matrixFaults[random.IntN(len(matrixFaults))]
				if !skip[f.name] && f.name != "write ignored" || f.fault.Op != "" {
					f.fault.Skip = random.IntN(500)
					srv.Inject(f.fault)
				}
			}
			pending := numbered
			var lastErrs []error
			for runs := 1; len(pending) > 0; runs++ {
				require.Less(t, runs, 10, "it never ends: %v", lastErrs)
				outcomes, errs := all(t, client, pending, autotask.ResolveAllOptions{})
				lastErrs = slices.Collect(maps.Values(errs))
				pending = slices.DeleteFunc(slices.Clone(pending), func(w autotask.ResolveItem) bool {
					key := w.Key.(int)
					return errs[key] == nil && outcomes[key].Resolved
				})
				time.Sleep(10 * time.Minute) //nolint:forbidigo // virtual time
			}
			requireResolved(t, srv, work)
		})
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below the limit
}

// TestResolveAll_NotesWithoutAnAnswerTakeNoRoom: what is remembered of them is
// not their text.
func TestResolveAll_NotesWithoutAnAnswerTakeNoRoom(t *testing.T) { //nolint:paralleltest // it measures memory
	client, err := autotask.NewClient(testCredentials, autotask.WithBaseURL(testBase), autotask.WithMaxRetries(0),
		autotask.WithHTTPClient(&http.Client{Transport: &ledger{notes: map[string]string{}, mute: true}}))
	require.NoError(t, err)
	const works, first = 600, 100
	source := func(yield func(autotask.ResolveItem) bool) {
		for i := range works {
			n := note()
			n.Description = strings.Repeat(strconv.Itoa(i%10), 30_000)
			if !yield(autotask.ResolveItem{TicketID: int64(i + 1), Resolution: autotask.Resolution{Note: n}}) {
				return
			}
		}
	}
	var atFirst int64
	ended := 0
	for _, err := range client.ResolveAll(t.Context(), source, autotask.ResolveAllOptions{}) {
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		if ended++; ended == first {
			atFirst = heapInUse()
		}
	}
	assert.Equal(t, works, ended)
	assert.Less(t, heapInUse()-atFirst, int64(5<<20), "their texts are 15 MB")
	runtime.KeepAlive(client)
}

// ledger is a tenant that keeps nothing: it answers as if each ticket were
// resolved but for its note, and knows a ticket's note only until it has been
// searched for the second time.
type ledger struct {
	mu    sync.Mutex
	notes map[string]string // by ticket
	sent  int
	mute  bool // does not say what became of a note
}

func (l *ledger) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	_, path, _ := strings.Cut(req.URL.Path, "/V1.0/")
	segments := strings.Split(path, "/")
	switch {
	case path == "TimeEntries/query":
		return answered(req, emptyPage), nil
	case path == "TicketNotes/query":
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		ticket := ticketInFilter.FindStringSubmatch(string(body))[1]
		posted := l.notes[ticket]
		if posted == "" {
			return answered(req, emptyPage), nil
		}
		delete(l.notes, ticket)
		return answered(req, `{"items":[`+posted+`],"pageDetails":{"count":1,"requestCount":500,"nextPageUrl":null}}`), nil
	case req.Method == http.MethodGet:
		return answered(req, `{"item":{"id":`+segments[1]+`,"status":5,"title":"x","resolution":"done","completedDate":"2026-11-23T02:00:00Z","resolvedDateTime":"2026-11-23T02:00:00Z"}}`), nil
	case len(segments) == 3 && l.mute:
		return answered(req, "<html>"), nil
	case len(segments) == 3:
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		l.notes[segments[1]] = fmt.Sprintf(`{"id":%d,`, l.sent) + strings.TrimPrefix(string(body), "{")
		return answered(req, fmt.Sprintf(`{"itemId":%d}`, l.sent)), nil
	}
	return nil, fmt.Errorf("unexpected %s %s", req.Method, path)
}

var ticketInFilter = regexp.MustCompile(`"value":(\d+)`)

func answered(req *http.Request, body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}
}

// TestResolveAll_MemoryIsFlat: what 100,000 works leave behind is no more than
// what 10,000 do.
func TestResolveAll_MemoryIsFlat(t *testing.T) { //nolint:paralleltest // it measures memory
	first, last := 10_000, 100_000
	if raceDetector {
		first, last = 500, 5_000 // the detector makes it ten times as slow
	}
	tenant := &ledger{notes: map[string]string{}}
	client, err := autotask.NewClient(testCredentials, autotask.WithBaseURL(testBase), autotask.WithHTTPClient(&http.Client{Transport: tenant}))
	require.NoError(t, err)
	work := func(yield func(autotask.ResolveItem) bool) {
		for i := range last {
			w := autotask.ResolveItem{TicketID: int64(i + 1), Resolution: autotask.Resolution{Text: "done", Status: autotask.StatusComplete, StartedAt: begun}}
			if i%5 == 0 {
				w.Note = note()
				w.Note.Description = strings.Repeat(strconv.Itoa(i), 200)
			}
			if !yield(w) {
				return
			}
		}
	}
	var atFirst, atLast int64
	ended := 0
	for _, err := range client.ResolveAll(t.Context(), work, autotask.ResolveAllOptions{}) {
		require.NoError(t, err)
		switch ended++; ended {
		case first:
			atFirst = heapInUse()
		case last:
			atLast = heapInUse()
		}
	}
	assert.Equal(t, last, ended)
	t.Logf("heap: %d kB after %d works, %d kB after %d; %d requests", atFirst>>10, first, atLast>>10, last, tenant.sent)
	assert.Less(t, atLast-atFirst, int64(10<<20))
}

// A test's FailNow, in the sequence or in a transport, ends the goroutine that
// it is called on. The loop must neither hang nor look complete.
func TestResolveAll_GoexitEndsTheLoopsGoroutine(t *testing.T) {
	t.Parallel()
	exit := autotask.WithMiddleware(func(http.RoundTripper) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil })
	})
	for name, work := range map[string]iter.Seq[autotask.ResolveItem]{
		"in the sequence": func(func(autotask.ResolveItem) bool) { runtime.Goexit() },
		"in a transport":  slices.Values([]autotask.ResolveItem{{TicketID: 5, Resolution: autotask.Resolution{Text: "x"}}, {TicketID: 5, Resolution: autotask.Resolution{Text: "y"}}}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := autotasktest.NewInProcess(t)
			client := srv.Client(exit)
			complete := false
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for _, err := range client.ResolveAll(t.Context(), work, autotask.ResolveAllOptions{}) {
					assert.NoError(t, err)
				}
				complete = true
			}()
			<-ended
			assert.False(t, complete)
		})
	}
}

func TestResolveAll_AFailedLookUpIsAFailedStep(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	work := slices.Values([]autotask.ResolveItem{{Number: "T20261123.9999", Resolution: autotask.Resolution{Text: "x"}}})
	for outcome, err := range srv.Client().ResolveAll(t.Context(), work, autotask.ResolveAllOptions{}) {
		require.ErrorIs(t, err, autotask.ErrNotFound)
		require.NotEmpty(t, outcome.Steps)
		assert.Equal(t, autotask.StepGet, outcome.Steps[0].Name)
		assert.Equal(t, autotask.StateFailed, outcome.Steps[0].State)
		assert.Contains(t, outcome.Steps[0].Reason, "T20261123.9999")
	}
}
