package autotask_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
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
)

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
			assert.Equal(t, p.Elapsed/time.Duration(i+1)*time.Duration(p.Pending), p.Remaining, "at the pace so far")
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

// workWithoutEnd yields the items again and again, and reports how many were taken.
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

// A work that waits for another on its ticket when the context ends is not begun.
func TestResolveAll_WhatWaitsForItsTurnIsNotBegunAfterTheEnd(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			work := seedWork(srv, 1)
			if named {
				byNumber(&work[0], srv)
			}
			work = append(work, work[0])
			ctx, cancel := context.WithCancel(t.Context())
			work[0].If = func(*autotask.Ticket) error {
				pass(time.Second) // the other one is taken by now
				cancel()
				return nil
			}
			work[1].Key, work[1].Text = 1, "not to be written"
			outcomes := map[any]error{}
			for outcome, err := range srv.InProcessClient().ResolveAll(ctx, slices.Values(work), autotask.ResolveAllOptions{Workers: 2}) {
				outcomes[outcome.Item.Key] = err
				if err != nil {
					var e *autotask.Error
					require.ErrorAs(t, err, &e)
					assert.Equal(t, "Tickets/"+idText(outcome.TicketID), e.Path)
				}
			}
			require.Len(t, outcomes, 2)
			require.NoError(t, outcomes[0], "it ends within the grace")
			require.ErrorIs(t, outcomes[1], autotask.ErrNotStarted)
			require.ErrorIs(t, outcomes[1], context.Canceled)
			assert.Equal(t, "done 0", srv.Rows("Tickets")[0]["resolution"])
		})
	}
}

// Numbers that are looked up together and refused are looked up one by one.
func TestResolveAll_NumbersThatAreRefusedTogetherAreLookedUpSingly(t *testing.T) {
	t.Parallel()
	const search = "POST Tickets/query"
	for works, searches := range map[int]int{1: 1, 2: 3, 5: 6} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			work := seedWork(srv, works)
			for i := range work {
				byNumber(&work[i], srv)
			}
			srv.Inject(autotasktest.Fault{Op: search, Status: 500, Body: `{"errors":["One of them is no number."]}`})
			_, errs := all(t, srv.InProcessClient(), work, autotask.ResolveAllOptions{})
			assert.Equal(t, searches, count(srv, search))
			for key, err := range errs {
				if works == 1 {
					require.ErrorIs(t, err, autotask.ErrInvalid, key)
					continue
				}
				require.NoError(t, err, key)
			}
		})
	}
}

func TestResolveAll_LooksUpFiftyNumbersAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		work := seedWork(srv, 60)
		for i := range work {
			byNumber(&work[i], srv)
		}
		all(t, srv.InProcessClient(), work, autotask.ResolveAllOptions{})
		most := 0
		for _, body := range bodies(srv, "POST Tickets/query") {
			most = max(most, strings.Count(string(body), `"T`))
		}
		assert.Equal(t, 50, most)
	})
}

// A work that is taken up again knows the note that it has posted, with or
// without a start time.
func TestResolveAll_ANoteIsNotPostedAgainWithTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		work := seedWork(srv, 1)
		work[0].StartedAt = time.Time{}
		srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropRequest: true})
		_, errs := all(t, srv.InProcessClient(), work, autotask.ResolveAllOptions{})
		require.NoError(t, errs[0])
		assert.Len(t, srv.Rows("TicketNotes"), 1)
		assert.Equal(t, 1, count(srv, notesOp))
	})
}

// What somebody else has made of a field meanwhile is not overwritten when a lost
// write is taken up again.
func TestResolveAll_WhatSomebodyElseHasChangedIsNotOverwritten(t *testing.T) {
	t.Parallel()
	for field, theirs := range map[string]any{"resolution": "theirs", "title": "theirs"} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			work := seedWork(srv, 1)
			srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropRequest: true})
			time.AfterFunc(time.Minute, func() { srv.Change("Tickets", work[0].TicketID, map[string]any{field: theirs}) })
			_, errs := all(t, srv.InProcessClient(), work, autotask.ResolveAllOptions{})
			row := srv.Get("Tickets", work[0].TicketID)
			assert.Equal(t, theirs, row[field])
			if field == "title" {
				require.NoError(t, errs[0], "another field is no concern of it")
				assert.Equal(t, "done 0", row["resolution"])
				return
			}
			require.ErrorIs(t, errs[0], autotask.ErrNotApplied)
			assert.Contains(t, errs[0].Error(), "somebody else has changed the ticket since")
			assert.Equal(t, "1", idOf(row["status"]))
		})
	}
}
