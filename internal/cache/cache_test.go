package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// source counts what is fetched from it. Each fetch takes so long.
type source struct {
	fetches atomic.Int32
	takes   time.Duration
	err     error
}

func (s *source) fetch(ctx context.Context) (string, error) {
	n := s.fetches.Add(1)
	timer := time.NewTimer(s.takes)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("fetch %d: %w", n, ctx.Err())
	case <-timer.C:
	}
	return fmt.Sprintf("fetch %d", n), s.err
}

func TestValueIsFetchedOnce(t *testing.T) {
	t.Parallel()
	var c Cache[string]
	var s source
	for range 3 {
		v, err := c.Get(t.Context(), "a", s.fetch)
		require.NoError(t, err)
		assert.Equal(t, "fetch 1", v)
	}
	v, err := c.Get(t.Context(), "b", s.fetch)
	require.NoError(t, err)
	assert.Equal(t, "fetch 2", v, "keys have values of their own")
}

func TestFetchThatDoesNotReturnIsAFailure(t *testing.T) {
	t.Parallel()
	var c Cache[string]
	_, err := c.Get(t.Context(), "a", func(context.Context) (string, error) {
		runtime.Goexit()
		return "", nil
	})
	require.ErrorContains(t, err, "Goexit")
	var s source
	v, err := c.Get(t.Context(), "a", s.fetch)
	require.NoError(t, err)
	assert.Equal(t, "fetch 1", v)
}

func TestConcurrentCallersShareOneFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Cache[string]
		s := source{takes: time.Second}
		began := time.Now()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				v, err := c.Get(t.Context(), "a", s.fetch)
				if assert.NoError(t, err) {
					assert.Equal(t, "fetch 1", v)
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, s.fetches.Load())
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestKeysDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Cache[string]
		s := source{takes: time.Second}
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() { _, _ = c.Get(t.Context(), fmt.Sprint(i), s.fetch) })
		}
		wg.Wait()
		assert.EqualValues(t, 10, s.fetches.Load())
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestFailureIsSharedButNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Cache[string]
		broken := errors.New("broken")
		s := source{takes: time.Second, err: broken}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := c.Get(t.Context(), "a", s.fetch)
				assert.ErrorIs(t, err, broken)
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, s.fetches.Load())
		_, ok := c.Peek("a")
		assert.False(t, ok)

		s.err = nil
		v, err := c.Get(t.Context(), "a", s.fetch)
		require.NoError(t, err)
		assert.Equal(t, "fetch 2", v)
	})
}

func TestValueOutlivesAFailureOfAnotherKey(t *testing.T) {
	t.Parallel()
	var c Cache[string]
	var s source
	_, err := c.Get(t.Context(), "a", s.fetch)
	require.NoError(t, err)
	s.err = errors.New("broken")
	_, err = c.Get(t.Context(), "b", s.fetch)
	require.Error(t, err)
	v, ok := c.Peek("a")
	assert.True(t, ok)
	assert.Equal(t, "fetch 1", v)
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Cache[string]{Lifetime: time.Minute}
		var s source
		get := func() string {
			v, err := c.Get(t.Context(), "a", s.fetch)
			require.NoError(t, err)
			return v
		}
		assert.Equal(t, "fetch 1", get())
		wait(t, 59*time.Second)
		assert.Equal(t, "fetch 1", get(), "reading does not lengthen it")
		wait(t, 2*time.Second)
		_, ok := c.Peek("a")
		assert.False(t, ok, "too old")
		assert.Equal(t, "fetch 2", get())
		wait(t, 59*time.Second)
		assert.Equal(t, "fetch 2", get(), "the new value has its own lifetime")
	})
}

func TestNoLifetimeIsForever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Cache[string]
		var s source
		_, err := c.Get(t.Context(), "a", s.fetch)
		require.NoError(t, err)
		wait(t, 50*365*24*time.Hour)
		_, ok := c.Peek("a")
		assert.True(t, ok)
	})
}

// wait lets the clock of a bubble go on.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func TestLeaderThatGivesUpDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		},
		"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c Cache[string]
				s := source{takes: time.Minute}
				began := time.Now()
				leader, cancel := end(t.Context())
				defer cancel()
				var wg sync.WaitGroup
				wg.Go(func() {
					_, err := c.Get(leader, "a", s.fetch)
					if assert.ErrorIs(t, err, leader.Err()) {
						assert.Equal(t, time.Second, time.Since(began), "the leader itself returns at once")
					}
				})
				synctest.Wait() // the leader's fetch is under way
				for range 10 {
					wg.Go(func() {
						v, err := c.Get(t.Context(), "a", s.fetch)
						if assert.NoError(t, err) {
							assert.Equal(t, "fetch 2", v)
						}
					})
				}
				wg.Wait()
				assert.EqualValues(t, 2, s.fetches.Load(), "the others share the second")
			})
		})
	}
}

func TestFollowerThatGivesUpReturnsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Cache[string]
		s := source{takes: time.Minute}
		began := time.Now()
		leader := make(chan error)
		go func() {
			_, err := c.Get(t.Context(), "a", s.fetch)
			leader <- err
		}()
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		v, err := c.Get(ctx, "a", s.fetch)
		require.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, v)
		assert.Equal(t, time.Second, time.Since(began))

		require.NoError(t, <-leader, "the leader goes on")
		assert.Equal(t, time.Minute, time.Since(began))
		assert.EqualValues(t, 1, s.fetches.Load())
	})
}

func TestContextErrorOfTheFetchItselfIsAFailure(t *testing.T) {
	t.Parallel()
	// Nobody gave up: what was cancelled, or ran out of time, lies beneath.
	// Fetching again and again would bring nothing else.
	for _, beneath := range []error{context.Canceled, context.DeadlineExceeded} {
		var c Cache[string]
		s := source{err: fmt.Errorf("limiter: %w", beneath)}
		_, err := c.Get(t.Context(), "a", s.fetch)
		require.ErrorIs(t, err, beneath)
		assert.EqualValues(t, 1, s.fetches.Load())
	}
}

// slowToTell is a context that has ended, and whose Done has not closed yet.
type slowToTell struct{ context.Context }

func (slowToTell) Err() error { return context.Canceled }

func TestLeaderThatGaveUpSeesWhatTheFetchSaid(t *testing.T) {
	t.Parallel()
	// The fetch may notice the end of the context before its caller does.
	var c Cache[string]
	_, err := c.Get(slowToTell{t.Context()}, "a", func(ctx context.Context) (string, error) {
		return "", fmt.Errorf("fetch: %w", ctx.Err())
	})
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, "fetch: context canceled")
}

func TestForget(t *testing.T) {
	t.Parallel()
	var c Cache[string]
	var s source
	c.Forget("never there")
	for _, key := range []string{"a", "b"} {
		_, err := c.Get(t.Context(), key, s.fetch)
		require.NoError(t, err)
	}
	c.Forget("a")
	_, ok := c.Peek("a")
	assert.False(t, ok)
	_, ok = c.Peek("b")
	assert.True(t, ok, "others stay")
	v, err := c.Get(t.Context(), "a", s.fetch)
	require.NoError(t, err)
	assert.Equal(t, "fetch 3", v)
}

func TestPeekNeverFetches(t *testing.T) {
	t.Parallel()
	var c Cache[[]int]
	v, ok := c.Peek("a")
	assert.False(t, ok)
	assert.Nil(t, v)
	_, err := c.Get(t.Context(), "a", func(context.Context) ([]int, error) { return nil, nil })
	require.NoError(t, err)
	v, ok = c.Peek("a")
	assert.True(t, ok, "a nil value is a value")
	assert.Nil(t, v)
}
