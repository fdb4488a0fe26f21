package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/fleet"
)

// The Limits of processes meet at the store.
var (
	_ autotask.Limiter    = (*fleet.Limits)(nil)
	_ autotask.Locker     = (*fleet.Limits)(nil)
	_ autotask.Budget     = (*fleet.Limits)(nil)
	_ autotask.Unanswered = (*fleet.Limits)(nil)
)

func open(t *testing.T, m *memory, c fleet.Config) *fleet.Limits {
	t.Helper()
	c.Name = "limits/test"
	c, err := c.Checked()
	require.NoError(t, err)
	l := fleet.New(m, c)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		assert.NoError(t, l.Close(ctx))
	})
	return l
}

// after waits, by the clock of the bubble.
func after(d time.Duration) { <-time.After(d) }

func TestPlaces_AreSharedInTheOrderOfTheWaiters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		one, two := open(t, m, fleet.Config{Places: 1}), open(t, m, fleet.Config{Places: 1})
		release, held, err := one.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		var served []int
		var all sync.WaitGroup
		for i, l := range []*fleet.Limits{two, one, two, one} {
			all.Go(func() {
				release, _, err := l.Acquire(t.Context(), "Tickets")
				if err != nil {
					t.Error(err)
					return
				}
				served = append(served, i)
				assert.Equal(t, 1, m.held())
				after(50 * time.Millisecond)
				release()
			})
			after(10 * time.Millisecond)
		}
		release()
		release()
		require.ErrorIs(t, held.Err(), context.Canceled)
		require.NotErrorIs(t, context.Cause(held), fleet.ErrLost)
		began := time.Now()
		all.Wait()
		assert.Equal(t, []int{0, 1, 2, 3}, served)
		assert.Less(t, time.Since(began), time.Second)
		require.NoError(t, one.Close(t.Context()))
		require.NoError(t, two.Close(t.Context()))
		assert.Zero(t, m.held())
	})
}

func TestPlaces_AnAcquireAndAReleaseTakeTwoExchanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := open(t, m, fleet.Config{})
		release, _, err := l.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		release()
		synctest.Wait()
		assert.Equal(t, 2, m.exchanges())
	})
}

func TestPlaces_AreHeldAsLongAsTheyAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := open(t, m, fleet.Config{Places: 1})
		release, held, err := l.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		after(time.Minute)
		require.NoError(t, held.Err())
		assert.Equal(t, 1, m.held())
		assert.InDelta(t, 21, m.exchanges(), 1, "one, and one every three seconds")
		release()
	})
}

func TestPlaces_OneThatIsLostEndsItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		one, two := open(t, m, fleet.Config{Places: 1}), open(t, m, fleet.Config{Places: 1})
		release, held, err := one.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		m.set(func() { clear(m.queues) })
		after(4 * time.Second)
		require.NoError(t, held.Err(), "the store forgot it, but nobody else has it")
		m.set(func() { clear(m.queues) })
		taken, _, err := two.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		after(4 * time.Second)
		require.ErrorIs(t, held.Err(), context.Canceled)
		require.ErrorIs(t, context.Cause(held), fleet.ErrLost)
		assert.Equal(t, int64(1), one.Stats().Lost)
		release()
		taken()
	})
}

func TestPlaces_ALeaseEndsByOurClockWhileTheStoreHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := open(t, m, fleet.Config{Logger: slog.New(slog.DiscardHandler)})
		release, held, err := l.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		m.set(func() { m.hangs = true })
		after(fleet.LeaseTime - time.Millisecond)
		require.NoError(t, held.Err())
		after(time.Millisecond)
		require.Error(t, held.Err())
		require.ErrorIs(t, context.Cause(held), fleet.ErrLost)
		m.set(func() { m.hangs = false })
		after(4 * time.Second) // it is not renewed
		assert.Zero(t, m.held())
		release()
	})
}

func TestPlaces_WhoGivesUpLeavesTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := open(t, m, fleet.Config{Places: 1})
		release, _, err := l.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err = l.Acquire(ctx, "Tickets")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, _, err = l.Acquire(ctx, "Tickets")
		require.ErrorIs(t, err, context.DeadlineExceeded, "it was over before")
		synctest.Wait()
		m.set(func() { assert.Empty(t, m.queues["endpoint:Tickets"].waiting) })
		release()
		require.NoError(t, l.Close(t.Context()))
		_, _, err = l.Acquire(t.Context(), "Tickets")
		require.ErrorContains(t, err, "closed")
	})
}

func TestPlaces_ThoseOfAProcessThatSaysNothingArePassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		_, err := m.Step(t.Context(), fleet.Step{Queue: "lock:a key", Places: 1, Owner: "dead", Wait: []string{"dead-1", "dead-2"}})
		require.NoError(t, err)
		l := open(t, m, fleet.Config{})
		began := time.Now()
		unlock, _, err := l.Lock(t.Context(), "a key")
		require.NoError(t, err)
		assert.InDelta(t, fleet.LeaseTime, time.Since(began), float64(time.Second), "dead-1 had a place, dead-2 waited")
		unlock()
	})
}

func TestLock_WaitingForLongAsksSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		one, two := open(t, m, fleet.Config{}), open(t, m, fleet.Config{})
		unlock, _, err := one.Lock(t.Context(), "a key")
		require.NoError(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			unlock, _, err := two.Lock(t.Context(), "a key")
			assert.NoError(t, err)
			unlock()
		}()
		after(time.Minute)
		assert.Less(t, m.exchanges(), 400, "about four a second")
		unlock()
		<-done
	})
}

func TestClose_DoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := open(t, newMemory(), fleet.Config{})
		release, _, err := l.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, l.Close(ctx), context.DeadlineExceeded)
		release()
	})
}

// records is a log.
type records struct {
	mu sync.Mutex
	bytes.Buffer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Buffer.Write(p)
}

func (r *records) count(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.String(), text)
}

func calls(ctx context.Context, l *fleet.Limits) map[string]func() error {
	return map[string]func() error{
		"Acquire":  func() error { release, _, err := l.Acquire(ctx, "Companies"); done(release); return err },
		"Lock":     func() error { unlock, _, err := l.Lock(ctx, "a key"); done(unlock); return err },
		"Spend":    func() error { _, err := l.Spend(ctx, 1, 1); return err },
		"Refresh":  func() error { return l.Refresh(ctx, time.Minute, reading(500)) },
		"Remember": func() error { return l.Remember(ctx, "k", []byte("v"), time.Minute) },
		"Recall":   func() error { _, _, err := l.Recall(ctx, "k"); return err },
		"Forget":   func() error { _, err := l.Forget(ctx, "k", []byte("v")); return err },
	}
}

func done(release func()) {
	if release != nil {
		release()
	}
}

func reading(used int64) func(context.Context) (*autotask.Threshold, error) {
	return func(context.Context) (*autotask.Threshold, error) {
		return &autotask.Threshold{Limit: 1000, Window: time.Hour, Used: used}, nil
	}
}

func TestDown_IsAClearErrorAndOneRecord(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*memory){
		"refuses": func(m *memory) { m.down = errDown },
		"hangs":   func(m *memory) { m.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory()
				var log records
				l := open(t, m, fleet.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
				m.set(func() { breakIt(m) })
				for call, do := range calls(t.Context(), l) {
					err := do()
					require.ErrorIs(t, err, fleet.ErrStore, call)
					require.ErrorContains(t, err, "limits/test: ", call)
					require.NotErrorIs(t, err, context.DeadlineExceeded, call)
				}
				assert.Equal(t, 1, log.count("level=WARN"))
				assert.GreaterOrEqual(t, l.Stats().Failures, int64(7))
				assert.Zero(t, l.Stats().Fallbacks)
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				_, err := l.Spend(ctx, 1, 0)
				require.ErrorIs(t, err, context.Canceled, "that is no failure of the store")

				m.set(func() { m.down, m.hangs = nil, false })
				after(time.Second)
				for call, do := range calls(t.Context(), l) {
					require.NoError(t, do(), call)
				}
				assert.Positive(t, log.count("level=INFO"))
			})
		})
	}
}

func TestFallback_GoesByTheProcessesOwnLimitsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var log records
		l := open(t, m, fleet.Config{Places: 2, Fallback: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		leased, held, err := l.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		m.set(func() { m.down = errDown })
		own, ownHeld, err := l.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, _, err = l.Acquire(ctx, "Tickets")
		require.ErrorIs(t, err, context.DeadlineExceeded, "there are two places")
		require.NoError(t, held.Err(), "the lease ran out, but it is one of our own now")
		require.NoError(t, ownHeld.Err())
		assert.Equal(t, 1, log.count("level=WARN"))
		assert.Positive(t, l.Stats().Fallbacks)

		m.set(func() { m.down = nil })
		after(4 * time.Second)
		assert.Equal(t, 2, m.held(), "the store knows of both")
		require.NoError(t, held.Err())
		leased()
		own()
		after(time.Second)
		assert.Zero(t, m.held())

		m.set(func() { m.down = errDown })
		release, _, err := l.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		release()
		after(time.Minute)
		_, _, err = l.Acquire(t.Context(), "Tickets")
		require.ErrorIs(t, err, fleet.ErrStore, "the while is over")
	})
}

func TestFallback_OnesOwnPlaceIsNotTakenAwayAfterwards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		quiet := slog.New(slog.DiscardHandler)
		one := open(t, m, fleet.Config{Places: 1, Fallback: time.Minute, Logger: quiet})
		m.set(func() { m.down = errDown })
		own, held, err := one.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		m.set(func() { m.down = nil })
		two := open(t, m, fleet.Config{Places: 1})
		taken, _, err := two.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		after(5 * time.Second)
		require.NoError(t, held.Err(), "nobody promised that it would be alone")
		assert.Zero(t, one.Stats().Lost)
		own()
		taken()
	})
}

func TestFallback_TheHourIsCountedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := open(t, m, fleet.Config{Fallback: time.Hour, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, l.Refresh(t.Context(), time.Minute, reading(100)))
		s, err := l.Spend(t.Context(), 2, 0)
		require.NoError(t, err)
		assert.Equal(t, int64(2), s.Since)
		m.set(func() { m.down = errDown })
		after(30 * time.Second)
		s, err = l.Spend(t.Context(), 3, 1)
		require.NoError(t, err)
		assert.Equal(t, autotask.Spent{Threshold: s.Threshold, Age: 30 * time.Second, Since: 5}, s)
		require.NoError(t, l.Refresh(t.Context(), time.Minute, func(context.Context) (*autotask.Threshold, error) {
			t.Error("it is not due")
			return nil, nil
		}))
		after(31 * time.Second)
		failure := errors.New("no")
		require.ErrorIs(t, l.Refresh(t.Context(), time.Minute, func(context.Context) (*autotask.Threshold, error) { return nil, failure }), failure)
		require.NoError(t, l.Refresh(t.Context(), time.Minute, reading(200)))
		s, err = l.Spend(t.Context(), 1, 0)
		require.NoError(t, err)
		assert.Equal(t, int64(200), s.Used)
		assert.Equal(t, int64(1), s.Since)

		m.set(func() { m.down = nil })
		s, err = l.Spend(t.Context(), 1, 0)
		require.NoError(t, err)
		assert.Equal(t, int64(7), s.Since, "the store hears of all")
		require.Error(t, l.Refresh(t.Context(), 0, func(context.Context) (*autotask.Threshold, error) { return nil, failure }))
		require.NoError(t, l.Refresh(t.Context(), 0, reading(0)), "somebody else's turn is no error")
	})
}

func TestScope_HoldsNoSecret(t *testing.T) {
	t.Parallel()
	a, err := fleet.Scope("https://WebServices19.autotask.net/ATServicesRest/V1.0", "CODE-OF-THE-INTEGRATION", "")
	require.NoError(t, err)
	assert.Regexp(t, `^webservices19\.autotask\.net/[0-9a-f]{32}$`, a)
	b, err := fleet.Scope("webservices19.autotask.net", "CODE-OF-THE-INTEGRATION", "acme")
	require.NoError(t, err)
	assert.Equal(t, a+"/acme", b)
	other, err := fleet.Scope("webservices19.autotask.net", "ANOTHER", "")
	require.NoError(t, err)
	assert.NotEqual(t, a, other)
	for _, bad := range [][3]string{{"", "code", ""}, {"zone", " ", ""}, {"zone", "code", "a b"}, {"zo{ne", "code", ""}} {
		_, err := fleet.Scope(bad[0], bad[1], bad[2])
		require.Error(t, err)
	}
	_, err = fleet.Config{Fallback: -1}.Checked()
	require.Error(t, err)
}

// Those that wait when the limits are closed are not let in later.
func TestClose_LetsNobodyInWhoWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := open(t, m, fleet.Config{Places: 1})
		release, held, err := l.Acquire(t.Context(), "Tickets")
		require.NoError(t, err)
		waited := make(chan error, 1)
		go func() {
			_, _, err := l.Acquire(t.Context(), "Tickets")
			waited <- err
		}()
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- l.Close(t.Context()) }()
		synctest.Wait()
		require.ErrorContains(t, <-waited, "closed")
		require.NoError(t, held.Err(), "what is held may end")
		release()
		require.NoError(t, <-closed)
		m.set(func() { assert.Empty(t, m.queues["endpoint:Tickets"].waiting) })
		assert.Zero(t, m.held())
	})
}

// A replica answers what only reads, and a server that is full what needs no room. That
// is not the end of a failure.
func TestDown_AStoreThatAnswersSomeCallsIsDown(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]string{"a replica": "Step Spend", "a full server": "Spend"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory()
				var log records
				l := open(t, m, fleet.Config{Fallback: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil))})
				m.set(func() { m.failing = failing })
				for range 12 {
					_, err := l.Spend(t.Context(), 1, 0)
					require.NoError(t, err)
					release, _, err := l.Acquire(t.Context(), "Tickets")
					require.NoError(t, err)
					_, _, err = l.Recall(t.Context(), "k")
					require.NoError(t, err)
					release()
					after(5 * time.Second)
				}
				assert.Equal(t, 1, log.count("level=WARN"))
				assert.Zero(t, log.count("level=INFO"))
				_, err := l.Spend(t.Context(), 1, 0)
				require.ErrorIs(t, err, fleet.ErrStore, "the time of the fallback is over")

				m.set(func() { m.failing = "" })
				_, err = l.Spend(t.Context(), 1, 0)
				require.NoError(t, err)
				assert.Equal(t, 1, log.count("level=INFO"))
			})
		})
	}
}

// What failed once and is seldom called does not keep the store down.
func TestDown_EndsWithAnyAnswerAfterAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := open(t, m, fleet.Config{Fallback: time.Minute, Logger: slog.New(slog.DiscardHandler)})
		m.set(func() { m.failing = "Remember" })
		require.ErrorIs(t, l.Remember(t.Context(), "k", []byte("v"), time.Minute), fleet.ErrStore)
		after(time.Minute)
		_, _, err := l.Recall(t.Context(), "k")
		require.NoError(t, err)
		m.set(func() { m.down = errDown })
		_, _, err = l.Recall(t.Context(), "k")
		require.NoError(t, err, "a failure of its own, with a fallback of its own")
	})
}
