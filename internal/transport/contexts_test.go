package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/http2reset"
)

// changed is a context of a middleware's own kind, which cannot be compared.
type changed struct {
	context.Context
	_ []int
}

// Whatever context a middleware sends a write with, net/http does not send it again.
func TestSentOnce_ContextsOfMiddleware(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(context.Context) context.Context{
		"without cancel": context.WithoutCancel,
		"another cancel": func(ctx context.Context) context.Context { return changed{Context: context.WithoutCancel(ctx)} },
		"a value":        func(ctx context.Context) context.Context { return context.WithValue(ctx, t, t) },
		"not comparable": func(ctx context.Context) context.Context { return changed{Context: ctx} },
		"traced, without": func(ctx context.Context) context.Context {
			return httptrace.WithClientTrace(context.WithoutCancel(ctx), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, code := range []uint32{http2reset.Protocol, http2reset.RefusedStream} {
				server := startResetting(t, code)
				for method, r := range writes(server.base) {
					server.whole.Store(0)
					f := fail(t, quick(wrapped(server.Transport(t), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
						return next.RoundTrip(req.WithContext(change(req.Context())))
					})), r)
					assert.EqualValues(t, 1, server.whole.Load(), "%s: requests that arrived whole", method)
					assert.Equal(t, OutcomeUnknown, f.Kind, method)
				}
			}
		})
	}
}

// lasting is a context of a middleware's own kind that does not end.
type lasting struct {
	context.Context
	done chan struct{}
}

func (l lasting) Done() <-chan struct{} { return l.done }
func (lasting) Err() error              { return nil }

// Watching a context of a kind that package context does not know takes a goroutine.
func TestSentOnce_ContextsThatLastLeaveNoGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		for _, step := range []roundTrip{gives(200, good), gives(500, ""), fails(io.ErrUnexpectedEOF), fails(dialError)} {
			network := scripted(step)
			tr := quick(wrapped(network, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				return next.RoundTrip(req.WithContext(lasting{req.Context(), done})) //nolint:contextcheck // it is made of the request's own
			}))
			for _, r := range writers {
				_, _ = tr.Do(t.Context(), r)
			}
			assert.GreaterOrEqual(t, len(network.requests()), len(writers))
		}
		synctest.Wait()
		// The bubble fails if a goroutine is left in it.
	})
}

// What a middleware detached from the attempt is not ended with it.
func TestSentOnce_ADetachedAnswerIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	c := wrapped(ownPool(t), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		return next.RoundTrip(req.WithContext(context.WithoutCancel(req.Context())))
	})
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, good)
	})
	_, err := quick(c).Do(t.Context(), create(server.base))
	require.NoError(t, err)
}

// A middleware may read with the client that it belongs to, and with the context of the
// write that it holds.
func TestSentOnce_AReadWithinAWriteIsNoSecondWrite(t *testing.T) {
	t.Parallel()
	var tr *Transport
	network := scripted(gives(200, good))
	tr = quick(wrapped(network, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		if req.Method != http.MethodGet {
			if _, err := tr.Do(req.Context(), get(fakeBase)); err != nil {
				return nil, err
			}
		}
		return next.RoundTrip(req)
	}))
	_, err := tr.Do(t.Context(), create(fakeBase))
	require.NoError(t, err)
	assert.Len(t, network.requests(), 2)
}

// A network layer may try two connections at a time, and write on the first when it has
// the second one in mind.
func TestSentOnce_NetworkThatMixesConnections(t *testing.T) {
	t.Parallel()
	network := scripted(func(req *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(req.Context())
		trace.GetConn("a:443")
		trace.GotConn(httptrace.GotConnInfo{})
		trace.GetConn("b:443")
		_, _ = io.Copy(io.Discard, req.Body)
		trace.WroteHeaders()
		return nil, dialError
	})
	f := fail(t, quick(config(network)), create(fakeBase))
	assert.Equal(t, OutcomeUnknown, f.Kind)
	assert.Len(t, network.requests(), 1)
}

// Of several ends of an attempt, the first is its cause.
func TestSentOnce_ARepetitionAfterTheEndIsNotItsCause(t *testing.T) {
	t.Parallel()
	c := config(scripted(func(req *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(req.Context())
		trace.GetConn("a:443")
		trace.GotConn(httptrace.GotConnInfo{})
		trace.WroteHeaders()
		<-req.Context().Done()
		trace.GetConn("a:443")
		return nil, errors.New("broken")
	}))
	c.HTTPClient.Timeout = 1
	f := fail(t, quick(c), create(fakeBase))
	assert.Equal(t, OutcomeUnknown, f.Kind)
	require.ErrorIs(t, f, context.DeadlineExceeded)
}

// Loggers and mocks print contexts, and may do so at any time.
func TestContextsOfWritesCanBePrinted(t *testing.T) {
	t.Parallel()
	var printed sync.Map
	c := wrapped(roundTrip(func(req *http.Request) (*http.Response, error) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			printed.Store(fmt.Sprint(req.Context()), true)
		}()
		httptrace.ContextClientTrace(req.Context()).WroteHeaders()
		<-done
		return answer(200, good), nil
	}), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			printed.Store(fmt.Sprint(req.Context()), true)
		}()
		defer func() { <-done }()
		return next.RoundTrip(req)
	})
	_, err := quick(c).Do(t.Context(), create(fakeBase))
	require.NoError(t, err)
	for _, name := range []string{"transport.single", "transport.handover"} {
		_, ok := printed.Load(name)
		assert.True(t, ok, name)
	}
}
