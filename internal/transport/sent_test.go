package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/http2reset"
)

// resetting is an HTTP/2 server that takes requests whole and then resets their
// streams, as long as lose is true.
type resetting struct {
	*http2reset.Server
	base string
	lose atomic.Bool
	// loseOne makes the next request the last one that is lost.
	loseOne atomic.Bool
	whole   atomic.Int32 // requests that arrived with their whole bodies
}

func startResetting(t *testing.T, code uint32) *resetting {
	t.Helper()
	r := &resetting{}
	r.lose.Store(true)
	r.Server = http2reset.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, err := io.Copy(io.Discard, req.Body); err == nil {
			r.whole.Add(1)
		}
		lose := r.lose.Load()
		if r.loseOne.Load() {
			r.lose.Store(false)
		}
		if lose {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, good)
	}), func() uint32 { return code })
	r.base = r.URL + "/ATServicesRest/V1.0"
	return r
}

// wrapped is a Config with a middleware over the network transport next.
func wrapped(next http.RoundTripper, wrap func(req *http.Request, next http.RoundTripper) (*http.Response, error)) Config {
	c := config(next)
	c.Wrap = []func(http.RoundTripper) http.RoundTripper{func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) { return wrap(req, next) })
	}}
	return c
}

// writes are requests of the class to a server at base.
func writes(base string) map[string]*Request {
	return map[string]*Request{
		"POST":    request(base, http.MethodPost, "Tickets/5/Notes"),
		"PUT":     request(base, http.MethodPut, "Tickets"),
		"PATCH":   request(base, http.MethodPatch, "Companies"),
		"DELETE":  request(base, http.MethodDelete, "TimeEntries/5"),
		"approve": request(base, http.MethodGet, "TimeOffRequests/5/Approve"),
	}
}

func TestSentOnce_HTTP2Resets(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]uint32{
		"PROTOCOL_ERROR": http2reset.Protocol, "REFUSED_STREAM": http2reset.RefusedStream,
		"INTERNAL_ERROR": http2reset.Internal, "CANCEL": http2reset.Cancel,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startResetting(t, code)
			for method, r := range writes(server.base) {
				server.whole.Store(0)
				f := fail(t, quick(config(server.Transport(t))), r)
				assert.EqualValues(t, 1, server.whole.Load(), "%s: requests that arrived whole", method)
				assert.Equal(t, OutcomeUnknown, f.Kind, method)
				assert.Equal(t, 1, f.Attempts, method)
			}
		})
	}
}

// A network transport of somebody else's over HTTP/2, whose inner workings are
// not known, gets no second copy either.
func TestSentOnce_HTTP2ResetsBelowALayer(t *testing.T) {
	t.Parallel()
	server := startResetting(t, http2reset.Protocol)
	inner := server.Transport(t)
	layer := roundTrip(func(req *http.Request) (*http.Response, error) { return inner.RoundTrip(req) })
	for method, r := range writes(server.base) {
		server.whole.Store(0)
		f := fail(t, quick(config(layer)), r)
		assert.EqualValues(t, 1, server.whole.Load(), method)
		assert.Equal(t, OutcomeUnknown, f.Kind, method)
	}
}

func TestSentOnce_ReadsAreStillRepeatedOverHTTP2(t *testing.T) {
	t.Parallel()
	server := startResetting(t, http2reset.Protocol)
	server.loseOne.Store(true)
	_, err := quick(config(server.Transport(t))).Do(t.Context(), request(server.base, http.MethodPost, "Tickets/query"))
	require.NoError(t, err)
	assert.EqualValues(t, 2, server.whole.Load())
}

func TestSentOnce_ARefusedDialAfterItWasWritten(t *testing.T) {
	t.Parallel()
	// The server takes the request and goes away: net/http would dial anew.
	server := startResetting(t, http2reset.Protocol)
	rt := server.Transport(t)
	dials := 0
	rt.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials > 1 {
			return nil, dialError
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return closingOn{conn, &server.whole}, err
	}
	f := fail(t, quick(config(rt)), create(server.base))
	assert.EqualValues(t, 1, server.whole.Load())
	assert.Equal(t, OutcomeUnknown, f.Kind)
	assert.False(t, f.Sent.IsZero())
}

// closingOn is a connection that fails as soon as a request has arrived.
type closingOn struct {
	net.Conn
	arrived *atomic.Int32
}

func (c closingOn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.arrived.Load() > 0 {
		return 0, dialError
	}
	return n, err
}

func TestSentOnce_IdempotencyHeadersOverHTTP1(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		var hits atomic.Int32
		var seen sync.Map
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ATServicesRest/V1.0/Warm/1" {
				_, _ = io.WriteString(w, good)
				return
			}
			hits.Add(1)
			seen.Store(r.Header.Get(header), true)
			hijack("")(w, r)
		})
		for method, r := range writes(server.base) {
			hits.Store(0)
			c := wrapped(ownPool(t), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				req = req.Clone(req.Context())
				req.Header.Set(header, "k1")
				return next.RoundTrip(req)
			})
			tr := quick(c)
			_, err := tr.Do(t.Context(), request(server.base, http.MethodGet, "Warm/1")) // a connection to be reused
			require.NoError(t, err)
			f := fail(t, tr, r)
			assert.EqualValues(t, 1, hits.Load(), "%s %s: requests that arrived", header, method)
			assert.Equal(t, OutcomeUnknown, f.Kind, "%s %s", header, method)
		}
		_, ok := seen.Load("k1")
		assert.True(t, ok, "the header still arrives")
	}
}

// idleGone is a connection that the server has closed, which shows when the
// next request is written.
type idleGone struct {
	net.Conn
	gone *atomic.Bool
}

func (c idleGone) Write(p []byte) (int, error) {
	if c.gone.Load() {
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: errors.New("broken pipe")}
	}
	return c.Conn.Write(p)
}

func TestSentOnce_AWriteThatNeverLeftAStaleConnectionGoesOutOnANewOne(t *testing.T) {
	t.Parallel()
	server := serve(t, say(good))
	for method, r := range writes(server.base) {
		var gone atomic.Bool
		dials := 0
		rt := ownPool(t)
		rt.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials++
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if dials > 1 {
				return conn, err
			}
			return idleGone{conn, &gone}, err
		}
		tr := quick(config(rt))
		_, err := tr.Do(t.Context(), get(server.base))
		require.NoError(t, err)
		gone.Store(true)
		server.hits.Store(0)
		a, err := tr.Do(t.Context(), r)
		if method == "approve" { // it has no body to be had again
			require.Error(t, err)
			continue
		}
		require.NoError(t, err, method)
		assert.Equal(t, 1, a.Attempts, method)
		assert.EqualValues(t, 1, server.hits.Load(), method)
	}
}

func TestSentOnce_AStaleConnectionAndThenNoneIsNeverSent(t *testing.T) {
	t.Parallel()
	server := serve(t, say(good))
	var gone atomic.Bool
	rt := ownPool(t)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if gone.Load() {
			return nil, dialError
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return idleGone{conn, &gone}, err
	}
	rt.DialContext = dial
	c := config(rt)
	c.MaxRetries = retries
	tr := quick(c)
	for _, r := range []*Request{create(server.base), request(server.base, http.MethodDelete, "TimeEntries/5")} {
		gone.Store(false)
		_, err := tr.Do(t.Context(), get(server.base))
		require.NoError(t, err)
		gone.Store(true)
		server.hits.Store(0)
		f := fail(t, tr, r)
		assert.Zero(t, f.Kind&OutcomeUnknown, r.Method)
		assert.Equal(t, maxAttempts, f.Attempts, r.Method)
		assert.True(t, f.Sent.IsZero(), r.Method)
		assert.Zero(t, server.hits.Load())
	}
}

func TestSentOnce_MiddlewareThatRepeats(t *testing.T) {
	t.Parallel()
	twice := func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil && resp.StatusCode < 500 {
			return resp, nil
		}
		again := req.Clone(req.Context())
		if req.GetBody != nil {
			again.Body, _ = req.GetBody()
		}
		return next.RoundTrip(again)
	}
	for name, step := range map[string]roundTrip{
		"lost answer": fails(io.ErrUnexpectedEOF),
		"502":         gives(502, ""),
		"504":         gives(504, "gateway"),
	} {
		for method, r := range writers {
			network := scripted(step)
			f := fail(t, quick(wrapped(network, twice)), r)
			assert.Len(t, network.requests(), 1, "%s %s", name, method)
			assert.Equal(t, OutcomeUnknown, f.Kind, "%s %s", name, method)
			assert.Contains(t, f.Error(), "it is not sent again", "%s %s", name, method)
		}
		for _, r := range readers {
			network := scripted(step, gives(200, good))
			_, err := quick(wrapped(network, twice)).Do(t.Context(), r)
			require.NoError(t, err, "a read may be repeated by whom it will")
			assert.Len(t, network.requests(), 2)
		}
	}
	// One that never had a connection may be handed over again.
	network := scripted(fails(dialError), gives(200, good))
	_, err := quick(wrapped(network, twice)).Do(t.Context(), create(fakeBase))
	require.NoError(t, err)
}

func TestSentOnce_MiddlewareThatSendsTwoAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := scripted(takes(time.Second))
		c := wrapped(network, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			type result struct {
				resp *http.Response
				err  error
			}
			results := make(chan result, 2)
			for range 2 {
				go func() {
					resp, err := next.RoundTrip(req.Clone(req.Context())) //nolint:bodyclose // it is the caller's
					results <- result{resp, err}
				}()
			}
			r := <-results
			return r.resp, r.err
		})
		f := fail(t, quick(c), create(fakeBase))
		synctest.Wait()
		assert.Len(t, network.requests(), 1)
		assert.Equal(t, OutcomeUnknown, f.Kind)
	})
}

func TestSentOnce_WhatEndsAfterTheAttemptChangesNothing(t *testing.T) {
	t.Parallel()
	o := sendOnce(context.WithCancel(t.Context()))
	require.NoError(t, o.begin())
	o.close()
	assert.True(t, o.maybe, "it is still under way")
	o.end(newHandover(o, o, http.DefaultTransport), 0, dialError)
	assert.True(t, o.maybe, "what was reported as unknown stays so")
	require.ErrorIs(t, o.begin(), errSentOnce)
}

func TestSentOnce_MiddlewareThatComesLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := scripted(gives(200, good))
		c := wrapped(network, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			go func() {
				_ = pause(context.WithoutCancel(req.Context()), time.Minute)
				_, _ = next.RoundTrip(req) //nolint:bodyclose // nothing comes back
			}()
			return nil, dialError
		})
		f := fail(t, quick(c), create(fakeBase))
		require.NoError(t, pause(t.Context(), 2*time.Minute))
		synctest.Wait()
		assert.Empty(t, network.requests(), "what had been reported as not sent was sent")
		assert.Zero(t, f.Kind&OutcomeUnknown)
		assert.Equal(t, 1, f.Attempts, "it did not reach the network: there is nothing to repeat")
	})
}

func TestSentOnce_MiddlewareThatMakesUpAnError(t *testing.T) {
	t.Parallel()
	for _, made := range []error{dialError, &net.DNSError{Err: "no such host"}, errOrigin, &Failure{Kind: Invalid}, context.Canceled} {
		for method, r := range writers {
			network := scripted(gives(200, good))
			f := fail(t, quick(wrapped(network, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				_, _ = next.RoundTrip(req)
				return nil, made
			})), r)
			assert.Len(t, network.requests(), 1, "%s %v", method, made)
			assert.Equal(t, OutcomeUnknown, f.Kind, "%s %v", method, made)
		}
	}
}

func TestSentOnce_MiddlewareThatMakesUpAnAnswer(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]roundTrip{"lost": fails(io.ErrUnexpectedEOF), "502": gives(502, "")} {
		for _, status := range []int{429, 404, 500, 200} {
			network := scripted(step)
			f := fail(t, quick(wrapped(network, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				_, _ = next.RoundTrip(req)
				return answer(status, `{"errors":["`+threadText+`"]}`), nil
			})), create(fakeBase))
			assert.Len(t, network.requests(), 1, "%s %d", name, status)
			assert.Equal(t, OutcomeUnknown, f.Kind, "%s %d", name, status)
		}
	}
}

func TestSentOnce_MiddlewareThatMakesAWriteOfARead(t *testing.T) {
	t.Parallel()
	network := scripted(fails(io.ErrUnexpectedEOF))
	f := fail(t, quick(wrapped(network, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.Method = http.MethodDelete
		return next.RoundTrip(req)
	})), get(fakeBase))
	assert.Empty(t, network.requests(), "as a read it would have been repeated")
	assert.Equal(t, 1, f.Attempts)
}

// A custom network transport without httptrace: what it was given may be out.
func TestSentOnce_NetworkThatTellsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		kind Kind
	}{
		"anything":                {errors.New("pipe"), OutcomeUnknown},
		"a wrapped EOF":           {fmt.Errorf("x: %w", io.EOF), OutcomeUnknown},
		"a panic's last words":    {errors.New("dial tcp: connection refused"), OutcomeUnknown},
		"a dial that was refused": {dialError, 0},
	} {
		f := fail(t, quick(config(scripted(fails(c.err)))), create(fakeBase))
		assert.Equal(t, c.kind, f.Kind&OutcomeUnknown, name)
	}
}

// slow is a connection that takes so much and then breaks.
type slow struct {
	net.Conn
	left *atomic.Int64
}

func (c slow) Write(p []byte) (int, error) {
	left := c.left.Add(-int64(len(p)))
	if left < 0 {
		n, _ := c.Conn.Write(p[:max(0, int64(len(p))+left)])
		_ = c.Close()
		return n, &net.OpError{Op: "write", Net: "tcp", Err: errors.New("connection reset by peer")}
	}
	return c.Conn.Write(p)
}

func TestSentOnce_AWriteCutInItsBodyDidNotReachAutotask(t *testing.T) {
	t.Parallel()
	plain := serve(t, say(good))
	secure := startResetting(t, http2reset.Internal)
	secure.lose.Store(false)
	for name, c := range map[string]struct {
		base  string
		rt    *http.Transport
		whole func() int32
	}{
		"HTTP/1": {plain.base, ownPool(t), func() int32 { return 0 }},
		"HTTP/2": {secure.base, secure.Transport(t), secure.whole.Load},
	} {
		left := new(atomic.Int64)
		c.rt.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			left.Store(64 << 10)
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return slow{conn, left}, err
		}
		conf := config(c.rt)
		conf.MaxRetries = retries
		r := create(c.base)
		r.Body = bytes.Repeat([]byte(" "), 1<<20)
		f := fail(t, quick(conf), r)
		assert.Zero(t, f.Kind&OutcomeUnknown, name)
		assert.Equal(t, maxAttempts, f.Attempts, name)
		assert.Zero(t, c.whole(), name)
		assert.True(t, f.Sent.IsZero(), name)
		assert.Contains(t, f.Error(), "before all of it was sent", name)
		assert.False(t, f.NoConnection, name)
		c.rt.CloseIdleConnections()
	}
}

func counting(h *handover, body io.ReadCloser, length int64) io.ReadCloser {
	b := h.counted(body, length)
	return &b
}

func TestSentOnce_ABodyIsHandedOutNoFurtherOnceItIsJudged(t *testing.T) {
	t.Parallel()
	h := &handover{native: true, got: true, hasBody: true}
	body := counting(h, io.NopCloser(strings.NewReader("0123456789")), 10)
	part := make([]byte, 4)
	_, err := io.ReadFull(body, part)
	require.NoError(t, err)
	maybe, _, _ := h.judge(io.ErrUnexpectedEOF)
	assert.False(t, maybe)
	_, err = body.Read(part)
	require.ErrorIs(t, err, errEnded)

	h = &handover{native: true, got: true, hasBody: true}
	body = counting(h, io.NopCloser(strings.NewReader("0123456789")), 10)
	_, err = io.ReadFull(body, make([]byte, 10))
	require.NoError(t, err)
	maybe, _, _ = h.judge(io.ErrUnexpectedEOF)
	assert.True(t, maybe, "it was all out, by its length")

	h = &handover{native: true, got: true, hasBody: true}
	_, err = io.ReadAll(counting(h, io.NopCloser(strings.NewReader("0123456789")), -1))
	require.NoError(t, err)
	maybe, _, _ = h.judge(io.ErrUnexpectedEOF)
	assert.True(t, maybe, "it was all out, by its end")
}

// net/http takes 0 for a body of unknown length, too.
func TestSentOnce_ABodyOfUnknownLengthEndsWithItsEnd(t *testing.T) {
	t.Parallel()
	for _, length := range []int64{0, -1} {
		h := &handover{native: true, got: true, hasBody: true}
		_, err := io.ReadFull(counting(h, io.NopCloser(strings.NewReader("0123456789")), length), make([]byte, 4))
		require.NoError(t, err)
		maybe, partly, _ := h.judge(io.ErrUnexpectedEOF)
		assert.False(t, maybe, length)
		assert.True(t, partly, length)
	}
}

func TestSentOnce_ABodyThatWasSentIsNotHandedOutAgain(t *testing.T) {
	t.Parallel()
	o := sendOnce(context.WithCancel(t.Context()))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fakeBase, strings.NewReader("0123456789"))
	require.NoError(t, err)
	again := req.GetBody

	h := newHandover(o, o, roundTrip(nil))
	h.guard(req)
	body, err := req.GetBody()
	require.NoError(t, err, "nothing has gone out")
	_, err = io.ReadAll(body)
	require.NoError(t, err)
	assert.True(t, h.whole, "what is handed out again is counted, too")
	_, err = req.GetBody()
	require.ErrorIs(t, err, errSentOnce)

	req.GetBody = nil
	newHandover(o, o, roundTrip(nil)).guard(req)
	assert.Nil(t, req.GetBody, "a body that cannot be had again")
	req.GetBody = again
	newHandover(o, o, roundTrip(nil)).guard(req)
	require.NotNil(t, req.GetBody)
}

func TestSentOnce_PanicOfTheNetworkLeavesTheWriteUnknown(t *testing.T) {
	t.Parallel()
	network := scripted(func(*http.Request) (*http.Response, error) { panic("broken") })
	f := fail(t, quick(wrapped(network, func(req *http.Request, next http.RoundTripper) (resp *http.Response, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("recovered: %v", p)
			}
		}()
		return next.RoundTrip(req)
	})), create(fakeBase))
	assert.Equal(t, OutcomeUnknown, f.Kind)
}

func TestSent_IsWhenTheRequestHadBeenWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		network := func(writes bool) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				trace := httptrace.ContextClientTrace(req.Context())
				_ = pause(req.Context(), 10*time.Second)
				if writes {
					trace.GetConn("zone.example:443")
					trace.GotConn(httptrace.GotConnInfo{})
					trace.WroteRequest(httptrace.WroteRequestInfo{})
				}
				_ = pause(req.Context(), 20*time.Second)
				return nil, io.ErrUnexpectedEOF
			})
		}
		f := fail(t, quick(config(network(true))), create(fakeBase))
		assert.Equal(t, began.Add(10*time.Second), f.Sent, "when it had been written")
		began = time.Now()
		f = fail(t, quick(config(network(false))), create(fakeBase))
		assert.Equal(t, began.Add(30*time.Second), f.Sent, "when the attempt ended")
		f = fail(t, quick(config(scripted(fails(dialError)))), create(fakeBase))
		assert.True(t, f.Sent.IsZero(), "it never went out")
	})
}
