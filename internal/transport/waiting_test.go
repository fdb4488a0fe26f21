package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// elapsed asserts how long something took by the clock of the bubble.
func elapsed(t *testing.T, since time.Time, want time.Duration, what string) {
	t.Helper()
	assert.Equal(t, want, time.Since(since), what)
}

func TestBackoffWaitsBetweenAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := scripted(gives(503, ""))
		c := config(network)
		c.MaxRetries = 9
		assert.Equal(t, 10, fail(t, New(c), get(fakeBase)).Attempts)
		require.Len(t, network.at, 10)
		for i := range network.at[1:] {
			gap := network.at[i+1].Sub(network.at[i])
			assert.GreaterOrEqual(t, gap, time.Millisecond)
			assert.LessOrEqual(t, gap, min(backoffMax, backoffBase<<i)+time.Millisecond, "wait %d", i+1)
		}
	})
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string][]string{
		"seconds":               {"Retry-After", "40"},
		"date by our clock":     {"Retry-After", "Sat, 01 Jan 2000 00:00:40 GMT"},
		"date by another clock": {"Retry-After", "Mon, 23 Nov 2026 18:00:40 GMT", "Date", "Mon, 23 Nov 2026 18:00:00 GMT"},
	} {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					network := scripted(gives(status, "", headers...), gives(200, good))
					_, err := New(config(network)).Do(t.Context(), get(fakeBase))
					require.NoError(t, err)
					gap := network.at[1].Sub(network.at[0])
					assert.Greater(t, gap, 40*time.Second, "not before the server asked for")
					assert.LessOrEqual(t, gap, 40*time.Second+backoffBase+time.Millisecond, "and not much later")
				})
			})
		}
	}
}

func TestRetryAfterOfTheCapIsStillWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for status, r := range map[int]*Request{429: create(fakeBase), 503: get(fakeBase)} {
			network := scripted(gives(status, "", "Retry-After", "60"), gives(200, good))
			_, err := New(config(network)).Do(t.Context(), r)
			require.NoError(t, err, status)
			assert.Greater(t, network.at[1].Sub(network.at[0]), time.Minute)
		}
		c := config(scripted(gives(503, "", "Retry-After", "60")))
		c.MaxRetries = 0
		assert.Equal(t, Server, fail(t, New(c), get(fakeBase)).Kind, "a wait of the cap is no limit")
	})
}

func TestRetryAfterBeyondTheCapIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		status      int
		retryAfter  string
		want        time.Duration
		read, write Kind
	}{
		{"429", 429, "61", 61 * time.Second, RateLimited, RateLimited},
		{"429 with a date", 429, "Sat, 01 Jan 2000 01:00:00 GMT", time.Hour, RateLimited, RateLimited},
		{"429 with a huge number", 429, "999999999999999999999", (1<<31 - 1) * time.Second, RateLimited, RateLimited},
		{"500", 500, "61", 61 * time.Second, RateLimited | Server, Server | OutcomeUnknown},
		{"503", 503, "3600", time.Hour, RateLimited | Server, Server | OutcomeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for r, kind := range map[*Request]Kind{get(fakeBase): c.read, create(fakeBase): c.write} {
					began := time.Now()
					f := fail(t, New(config(scripted(gives(c.status, "", "Retry-After", c.retryAfter)))), r)
					elapsed(t, began, 0, "at once")
					assert.Equal(t, 1, f.Attempts)
					assert.Equal(t, c.want, f.RetryAfter)
					assert.Equal(t, kind, f.Kind, r.Method)
				}
			})
		})
	}
}

func TestRetryAfterIsReportedWhenRetriesAreUsedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(scripted(gives(429, "", "Retry-After", "5")))
		c.MaxRetries = 1
		f := fail(t, New(c), get(fakeBase))
		assert.Equal(t, 2, f.Attempts)
		assert.Equal(t, 5*time.Second, f.RetryAfter)
	})
}

func TestBackoffEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first roundTrip
		kind  Kind
	}{
		"after 429":            {gives(429, "", "Retry-After", "30"), RateLimited},
		"after a failed dial":  {fails(dialError), 0},
		"after a thread limit": {gives(500, `{"errors":["`+threadText+`"]}`, "Retry-After", "30"), threads},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, r := range []*Request{get(fakeBase), create(fakeBase)} {
					tr := New(config(scripted(c.first)))
					tr.client.RetryWaitMin = time.Hour // nothing but the context ends it
					tr.client.RetryWaitMax = time.Hour
					began := time.Now()

					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(100*time.Microsecond, cancel)
					f := failWith(ctx, t, tr, r)
					elapsed(t, began, 100*time.Microsecond, "at once")
					require.ErrorIs(t, f, context.Canceled)
					assert.Equal(t, c.kind, f.Kind, "a write that was turned away is no unknown outcome")
					assert.Equal(t, 1, f.Attempts)

					ctx, cancel = context.WithTimeout(t.Context(), 100*time.Microsecond)
					f = failWith(ctx, t, tr, r)
					elapsed(t, began, 200*time.Microsecond, "at once")
					require.ErrorIs(t, f, context.DeadlineExceeded)
					cancel()
				}
			})
		})
	}
}

func TestRequestInFlightEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("the user closed the window")
		for r, kind := range map[*Request]Kind{get(fakeBase): 0, create(fakeBase): OutcomeUnknown} {
			for _, step := range []roundTrip{takes(time.Minute), slowBody(time.Minute)} {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(reason) })
				began := time.Now()
				f := failWith(ctx, t, New(config(scripted(step))), r)
				elapsed(t, began, time.Second, "at once")
				require.ErrorIs(t, f, context.Canceled)
				assert.Equal(t, kind, f.Kind, r.Method)
				assert.Equal(t, 1, f.Attempts)
			}
		}
	})
}

func TestDialThatTheContextEndsIsAContextError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("the user closed the window")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(reason) })
		// The network reports what it was told as the reason.
		network := roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, fmt.Errorf("%w: %w", dialError, context.Cause(req.Context()))
		})
		f := failWith(ctx, t, New(config(network)), create(fakeBase))
		require.ErrorIs(t, f, context.Canceled)
		assert.Equal(t, context.Canceled, f.Cause, "in no other words")
		assert.Zero(t, f.Kind, "it was never sent")
	})
}

func TestContextThatHasEndedSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	network := scripted(gives(200, good))
	for _, r := range []*Request{get(fakeBase), create(fakeBase)} {
		f := failWith(ctx, t, New(config(network)), r)
		require.ErrorIs(t, f, context.Canceled)
		assert.Zero(t, f.Kind)
		assert.Zero(t, f.Attempts)
	}
	assert.Empty(t, network.requests())
}

// slowBody answers at once; the body comes after a while, unless the context
// ends.
func slowBody(d time.Duration) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		resp := answer(200, "")
		resp.Body = &lateBody{ctx: req.Context(), wait: d}
		return resp, nil
	}
}

type lateBody struct {
	ctx  context.Context //nolint:containedctx // a body belongs to its request
	wait time.Duration
	done bool
}

func (b *lateBody) Read(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF
	}
	if err := pause(b.ctx, b.wait); err != nil {
		return 0, err
	}
	b.done = true
	return copy(p, good), nil
}

func (*lateBody) Close() error { return nil }

func TestTimeOutCoversTheBodyAndRepeatsReads(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]roundTrip{"header": takes(time.Minute), "body": slowBody(time.Minute)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := scripted(step, step, gives(200, good))
				c := config(network)
				c.HTTPClient.Timeout = 10 * time.Second
				_, err := New(c).Do(t.Context(), get(fakeBase))
				require.NoError(t, err)
				assert.Len(t, network.requests(), 3)
				assert.GreaterOrEqual(t, network.at[1].Sub(network.at[0]), 10*time.Second)

				c.HTTPClient.Transport = step
				began := time.Now()
				f := fail(t, New(c), create(fakeBase))
				elapsed(t, began, 10*time.Second, "a write is not repeated")
				assert.Equal(t, OutcomeUnknown, f.Kind)
				require.ErrorIs(t, f, context.DeadlineExceeded)
			})
		})
	}
}

func TestTimeOutDoesNotCountTheGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(takes(40 * time.Second))
		c.HTTPClient.Timeout = time.Minute
		c.MaxConcurrency = 1
		tr := New(c)
		began := time.Now()
		errs := concurrently(5, func() error {
			_, err := tr.Do(t.Context(), create(fakeBase))
			return err
		})
		assert.Empty(t, errs, "each had its minute from when its turn came")
		elapsed(t, began, 200*time.Second, "one after the other")
	})
}

func TestTimeOutDoesNotCountTheLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(takes(40 * time.Second))
		c.HTTPClient.Timeout = time.Minute
		c.Limiter = limiter(func(ctx context.Context, _ string) (func(), error) { return nil, pause(ctx, time.Hour) })
		_, err := New(c).Do(t.Context(), create(fakeBase))
		require.NoError(t, err)
	})
}

// concurrently runs f n times at once and returns the errors.
func concurrently(n int, f func() error) []error {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for range n {
		wg.Go(func() {
			if err := f(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return errs
}

// crowd is a network that takes a second a request and notes how many it had
// at a time.
type crowd struct{ now, most atomic.Int32 }

func (c *crowd) RoundTrip(req *http.Request) (*http.Response, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for {
		most := c.most.Load()
		if n <= most || c.most.CompareAndSwap(most, n) {
			break
		}
	}
	return takes(time.Second)(req)
}

func TestGateLetsSoManyThroughAtATime(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3, 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := &crowd{}
				c := config(network)
				c.MaxConcurrency = n
				tr := New(c)
				began := time.Now()
				paths := []string{"Tickets/5", "Tickets/query", "Tickets/5/Notes"}
				var next atomic.Int32
				errs := concurrently(15, func() error {
					path := paths[int(next.Add(1))%len(paths)]
					_, err := tr.Do(t.Context(), request(fakeBase, http.MethodPost, path))
					return err
				})
				assert.Empty(t, errs)
				assert.EqualValues(t, n, network.most.Load())
				elapsed(t, began, time.Duration(15/n)*time.Second, "and no slower than need be")
			})
		})
	}
}

func TestGateIsThreeByDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &crowd{}
		tr := New(config(network))
		concurrently(9, func() error {
			_, err := tr.Do(t.Context(), get(fakeBase))
			return err
		})
		assert.EqualValues(t, 3, network.most.Load())
	})
}

func TestEndpointsHaveGatesOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(takes(time.Second))
		c.MaxConcurrency = 1
		tr := New(c)
		began := time.Now()
		var next atomic.Int32
		errs := concurrently(10, func() error {
			_, err := tr.Do(t.Context(), request(fakeBase, http.MethodGet, fmt.Sprintf("Things%d/5", next.Add(1))))
			return err
		})
		assert.Empty(t, errs)
		elapsed(t, began, time.Second, "all at once")
	})
}

func TestGateIsHeldUntilTheBodyHasBeenRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := scripted(slowBody(time.Minute), gives(200, good))
		c := config(network)
		c.MaxConcurrency = 1
		tr := New(c)
		errs := concurrently(2, func() error {
			_, err := tr.Do(t.Context(), get(fakeBase))
			return err
		})
		assert.Empty(t, errs)
		assert.Equal(t, time.Minute, network.at[1].Sub(network.at[0]))
	})
}

func TestBackoffHoldsNoPlaceInTheGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := scripted(gives(429, "", "Retry-After", "50"), gives(200, good))
		c := config(network)
		c.MaxConcurrency = 1
		tr := New(c)
		began := time.Now()
		done := make(chan error)
		go func() {
			_, err := tr.Do(t.Context(), get(fakeBase))
			done <- err
		}()
		synctest.Wait() // it backs off
		_, err := tr.Do(t.Context(), get(fakeBase))
		require.NoError(t, err)
		elapsed(t, began, 0, "the second did not wait for the first")
		require.NoError(t, <-done)
		assert.Greater(t, time.Since(began), 50*time.Second)
	})
}

func TestWaitingForTheGateEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := scripted(takes(time.Minute))
		c := config(network)
		c.MaxConcurrency = 1
		tr := New(c)
		first := make(chan error)
		go func() {
			_, err := tr.Do(t.Context(), get(fakeBase))
			first <- err
		}()
		synctest.Wait()

		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		f := failWith(ctx, t, tr, create(fakeBase))
		elapsed(t, began, time.Second, "at once")
		require.ErrorIs(t, f, context.Canceled)
		assert.Zero(t, f.Kind, "it was never sent, so its outcome is known")
		assert.Zero(t, f.Attempts)

		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f = failWith(ctx, t, tr, create(fakeBase))
		elapsed(t, began, 2*time.Second, "at once")
		require.ErrorIs(t, f, context.DeadlineExceeded)

		require.NoError(t, <-first)
		assert.Len(t, network.requests(), 1)
		_, err := tr.Do(t.Context(), get(fakeBase))
		require.NoError(t, err, "those who gave up hold no place")
	})
}

// gateFunc is a gate made of a function.
type gateFunc func(ctx context.Context, endpoint string) error

func (g gateFunc) Enter(ctx context.Context, endpoint string) (leave func(), held context.Context, err error) {
	return nil, nil, g(ctx, endpoint)
}

// limiter is a Limiter made of a function.
type limiter func(ctx context.Context, endpoint string) (func(), error)

func (l limiter) Acquire(ctx context.Context, endpoint string) (release func(), held context.Context, err error) {
	release, err = l(ctx, endpoint)
	return release, nil, err
}

func TestLimiterIsAskedAndReleasedAroundEachAttempt(t *testing.T) {
	t.Parallel()
	var events []string
	note := func(s string) { events = append(events, s) }
	body := func(*http.Request) (*http.Response, error) {
		note("send")
		resp := answer(503, "")
		resp.Body = closer(func() { note("close") })
		return resp, nil
	}
	c := config(scripted(body))
	c.MaxRetries = 1
	c.Limiter = limiter(func(_ context.Context, endpoint string) (func(), error) {
		note("acquire " + endpoint)
		return func() { note("release") }, nil
	})
	f := fail(t, quick(c), request(fakeBase, http.MethodPost, "Tickets/5/Notes/query"))
	assert.Equal(t, 2, f.Attempts)
	attempt := []string{"acquire Tickets", "send", "close", "release"}
	assert.Equal(t, append(attempt, attempt...), events)
}

// closer is an empty body that tells when it is closed.
type closer func()

func (closer) Read([]byte) (int, error) { return 0, io.EOF }

func (c closer) Close() error {
	c()
	return nil
}

func TestLimiterErrorEndsTheRequestUnsent(t *testing.T) {
	t.Parallel()
	full := errors.New("no more for today")
	network := scripted(gives(200, good))
	c := config(network)
	c.MaxConcurrency = 1
	refuse, asked := true, 0
	c.Limiter = limiter(func(context.Context, string) (func(), error) {
		asked++
		if refuse {
			return nil, full
		}
		return nil, nil // no release is fine
	})
	tr := quick(c)
	for _, r := range []*Request{get(fakeBase), create(fakeBase)} {
		f := fail(t, tr, r)
		require.ErrorIs(t, f, full)
		assert.Equal(t, r.Method+" "+r.Path+": limiter: no more for today", f.Error())
		assert.Zero(t, f.Kind)
		assert.Zero(t, f.Attempts)
	}
	assert.Equal(t, 2, asked, "once for each request")
	assert.Empty(t, network.requests())

	refuse = false
	_, err := tr.Do(t.Context(), get(fakeBase))
	require.NoError(t, err, "the place in the gate was given back")
}

func TestLimiterErrorAfterAnAttemptCountsThatOne(t *testing.T) {
	t.Parallel()
	full := errors.New("no more for today")
	asked := 0
	c := config(scripted(gives(429, "")))
	c.Limiter = limiter(func(context.Context, string) (func(), error) {
		if asked++; asked > 1 {
			return nil, full
		}
		return func() {}, nil
	})
	f := fail(t, quick(c), create(fakeBase))
	require.ErrorIs(t, f, full)
	assert.Equal(t, 1, f.Attempts)
	assert.Zero(t, f.Kind)
}

func TestAdmitIsAskedBeforeEachAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		network := scripted(gives(503, ""), takes(time.Minute))
		c := config(network)
		c.MaxConcurrency = 1
		c.HTTPClient.Timeout = time.Minute + time.Second
		c.Hour = gateFunc(func(ctx context.Context, endpoint string) error {
			asked = append(asked, endpoint)
			return pause(ctx, time.Hour)
		})
		tr := quick(c)
		_, err := tr.Do(t.Context(), request(fakeBase, http.MethodPost, "Tickets/5/Notes/query"))
		require.NoError(t, err, "waiting for it is no part of the attempt's time")
		assert.Equal(t, []string{"Tickets", "Tickets"}, asked)
	})
}

func TestAdmitHoldsNoPlaceInTheGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(scripted(gives(200, good)))
		c.MaxConcurrency = 1
		first := true
		c.Hour = gateFunc(func(ctx context.Context, _ string) error {
			if first {
				first = false
				return pause(ctx, time.Hour)
			}
			return nil
		})
		tr := New(c)
		began := time.Now()
		go func() { _, _ = tr.Do(t.Context(), get(fakeBase)) }()
		synctest.Wait()
		_, err := tr.Do(t.Context(), get(fakeBase))
		require.NoError(t, err)
		elapsed(t, began, 0, "the second did not wait for the first")
	})
}

func TestAdmitThatRefusesEndsTheRequestUnsent(t *testing.T) {
	t.Parallel()
	used := &Failure{Kind: RateLimited, RetryAfter: time.Minute, Messages: []string{"all used up"}, Cause: io.EOF}
	for _, r := range []*Request{get(fakeBase), create(fakeBase)} {
		network := scripted(gives(200, good))
		c := config(network)
		c.Hour = gateFunc(func(context.Context, string) error { return fmt.Errorf("budget: %w", used) })
		f := fail(t, quick(c), r)
		assert.Equal(t, RateLimited, f.Kind)
		assert.Equal(t, time.Minute, f.RetryAfter)
		assert.Equal(t, []string{"all used up"}, f.Messages)
		assert.Equal(t, r.Method, f.Method, "of this call, not of what refused it")
		assert.Zero(t, f.Attempts)
		require.ErrorIs(t, f, io.EOF)

		plain := errors.New("closed")
		c.Hour = gateFunc(func(context.Context, string) error { return plain })
		f = fail(t, quick(c), r)
		require.ErrorIs(t, f, plain)
		assert.Zero(t, f.Kind)
		assert.Empty(t, network.requests())
	}
}

func TestPauseIsAsLongAsARepeatedRequestWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := New(config(nil))
		for n := range DefaultMaxRetries {
			began := time.Now()
			assert.True(t, tr.Pause(t.Context(), n, 10*time.Second))
			assert.Greater(t, time.Since(began), 10*time.Second)
			assert.LessOrEqual(t, time.Since(began), 10*time.Second+backoffBase<<n+time.Millisecond)
		}
		began := time.Now()
		assert.True(t, tr.Pause(t.Context(), 0, maxRetryAfter))
		assert.Greater(t, time.Since(began), maxRetryAfter)
	})
}

func TestPauseIsOverAtOnceWhereThereMustBeNoRepeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := New(config(nil))
		began := time.Now()
		assert.False(t, tr.Pause(t.Context(), DefaultMaxRetries, 0), "retries are used up")
		assert.False(t, tr.Pause(t.Context(), 0, maxRetryAfter+1), "the server asked for more than is honoured")
		elapsed(t, began, 0, "at once")

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		assert.False(t, tr.Pause(ctx, 0, 30*time.Second))
		elapsed(t, began, time.Second, "the context ended")
	})
}

// outcome is how a call in a goroutine of its own ended: by a panic's value, by
// runtime.Goexit, or by returning.
func outcome(call func()) any {
	ended := make(chan any)
	go func() {
		var end any = "Goexit"
		defer func() { ended <- end }()
		defer func() {
			if p := recover(); p != nil {
				end = p
			}
		}()
		call()
		end = "returned"
	}()
	return <-ended
}

// breaking is a Config of one place in the gate, in which all code that is not
// the library's calls hook with the name of where it stands.
func breaking(hook func(where string)) Config {
	network := roundTrip(func(*http.Request) (*http.Response, error) {
		hook("network")
		resp := answer(200, good)
		body := resp.Body
		resp.Body = struct {
			io.Reader
			io.Closer
		}{body, closer(func() { hook("body") })}
		return resp, nil
	})
	c := wrapped(network, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		hook("middleware")
		resp, err := next.RoundTrip(req)
		hook("middleware, after")
		return resp, err
	})
	c.MaxConcurrency, c.MaxRetries = 1, 0
	c.Hour = gateFunc(func(context.Context, string) error {
		hook("Admit")
		return nil
	})
	c.Logins = gateFunc(func(context.Context, string) error {
		hook("Ready")
		return nil
	})
	c.Limiter = limiter(func(context.Context, string) (func(), error) {
		hook("Acquire")
		return func() { hook("release") }, nil
	})
	return c
}

func TestGate_PlaceComesBackHoweverAnAttemptEnds(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(){"panic": func() { panic("panic") }, "Goexit": runtime.Goexit} {
		for _, where := range []string{"Admit", "Ready", "Acquire", "release", "middleware", "middleware, after", "network", "body"} {
			t.Run(how+" in "+where, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					armed := true
					tr := New(breaking(func(at string) {
						if armed && at == where {
							armed = false
							end()
						}
					}))
					assert.Equal(t, how, outcome(func() { _, _ = tr.Do(t.Context(), create(fakeBase)) }))
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					_, err := tr.Do(ctx, create(fakeBase))
					require.NoError(t, err, "the place was given back")
				})
			})
		}
	}
}

func TestGate_ALockoutLeaksNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		locked := true
		released := 0
		c := config(scripted(gives(200, good)))
		c.MaxConcurrency = 2
		c.Limiter = limiter(func(context.Context, string) (func(), error) { return func() { released++ }, nil })
		c.Logins = gateFunc(func(context.Context, string) error {
			if locked {
				return &Failure{Kind: Unauthorized, Messages: []string{"locked out"}}
			}
			return nil
		})
		tr := New(c)
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			assert.Equal(t, Unauthorized, failWith(ctx, t, tr, get(fakeBase)).Kind)
			cancel()
		}
		assert.Zero(t, released, "the limiter was not asked")
		locked = false
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, err := tr.Do(ctx, get(fakeBase))
			require.NoError(t, err)
			cancel()
		}
	})
}
