package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// These tests need real connections: what a lost one looks like is for the
// network to say.

// counted is a server on loopback that counts the requests that reach it.
type counted struct {
	*httptest.Server
	base string
	hits atomic.Int32
}

func serve(t *testing.T, handler http.HandlerFunc) *counted {
	t.Helper()
	return start(t, handler, (*httptest.Server).Start)
}

func start(t *testing.T, handler http.HandlerFunc, run func(*httptest.Server)) *counted {
	t.Helper()
	c := &counted{}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.hits.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		handler(w, r)
	}))
	c.Config.ErrorLog = log.New(io.Discard, "", 0)
	run(c.Server)
	t.Cleanup(c.Close)
	c.base = c.URL + "/ATServicesRest/V1.0"
	return c
}

// ownPool is a network transport that shares no connections with other tests.
func ownPool(t *testing.T) *http.Transport {
	t.Helper()
	rt := pooled(nil, DefaultMaxConcurrency)
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

func say(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

// hijack takes the connection over, writes to it what is given and closes it.
func hijack(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = buffered.WriteString(raw)
		_ = buffered.Flush()
		_ = conn.Close()
	}
}

// brokenGzip says that it is compressed, and is not.
func brokenGzip(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = io.WriteString(w, good)
}

func TestLostAnswersAreAskedForAgainOnlyIfReads(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"connection closed before the header": hijack(""),
		"header cut short":                    hijack("HTTP/1.1 200 OK\r\nContent-Len"),
		"no HTTP":                             hijack("SSH-2.0-OpenSSH_9.6\r\n"),
		"body shorter than its length":        hijack("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + good),
		"chunks without an end":               hijack("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n" + good + "\r\n"),
		"500 whose body is cut short":         hijack("HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n{\"errors\":[\"no\"]}"),
		"gzip that is none":                   brokenGzip,
		"handler gave up":                     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, handler)
			c := config(ownPool(t))
			c.MaxRetries = retries
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
				server.hits.Store(0)
				f := fail(t, quick(c), request(server.base, method, "Things"))
				wantHits, wantKind := once, OutcomeUnknown
				if method == http.MethodGet {
					wantHits, wantKind = maxAttempts, 0
				}
				assert.EqualValues(t, wantHits, server.hits.Load(), "%s: requests that arrived", method)
				assert.Equal(t, wantKind, f.Kind, method)
				assert.Zero(t, f.StatusCode, "%s: there was no whole answer", method)
			}
		})
	}
}

func TestHTTP2WriteThatLostItsAnswerIsUnknown(t *testing.T) {
	t.Parallel()
	proto := make(chan string, 10)
	server := start(t, func(_ http.ResponseWriter, r *http.Request) {
		proto <- r.Proto
		panic(http.ErrAbortHandler)
	}, func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.StartTLS()
	})
	f := fail(t, quick(config(server.Client().Transport)), create(server.base))
	assert.Equal(t, OutcomeUnknown, f.Kind)
	assert.EqualValues(t, 1, server.hits.Load())
	assert.Equal(t, "HTTP/2.0", <-proto)
}

func TestClientErrorWithABrokenBodyIsFinal(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]Kind{401: Unauthorized, 403: Permission, 404: NotFound, 400: Invalid} {
		server := serve(t, hijack("HTTP/1.1 "+strconv.Itoa(status)+" No\r\nContent-Length: 100\r\n\r\n<ht"))
		for _, r := range []*Request{get(server.base), create(server.base)} {
			server.hits.Store(0)
			f := fail(t, quick(config(ownPool(t))), r)
			assert.EqualValues(t, 1, server.hits.Load(), "%d %s", status, r.Method)
			assert.Equal(t, status, f.StatusCode)
			assert.Equal(t, kind, f.Kind)
		}
	}
}

// cutOff is a body whose reading is cut off.
type cutOff func()

func (c cutOff) Read([]byte) (int, error) {
	c()
	return 0, io.ErrUnexpectedEOF
}

func (cutOff) Close() error { return nil }

func TestEndOfTheContextIsToldBehindAStatus(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	network := scripted(func(*http.Request) (*http.Response, error) {
		resp := answer(http.StatusBadRequest, "")
		resp.Body = cutOff(cancel)
		return resp, nil
	})
	require.ErrorIs(t, failWith(ctx, t, quick(config(network)), get(fakeBase)), context.Canceled)
}

func TestRefusedPortIsNeverSent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	require.NoError(t, err)
	require.NoError(t, l.Close())
	c := config(ownPool(t))
	c.MaxRetries = retries
	for _, r := range []*Request{get("http://" + l.Addr().String()), create("http://" + l.Addr().String())} {
		f := fail(t, quick(c), r)
		assert.Equal(t, maxAttempts, f.Attempts, r.Method)
		assert.Zero(t, f.Kind, r.Method)
		assert.True(t, f.NoConnection, r.Method)
	}
}

func TestFailedRequestWithAConnectionHadOne(t *testing.T) {
	t.Parallel()
	server := serve(t, hijack(""))
	for _, r := range []*Request{get(server.base), create(server.base)} {
		assert.False(t, fail(t, quick(config(ownPool(t))), r).NoConnection, r.Method)
	}
	c := config(nil)
	c.Limiter = limiter(func(context.Context, string) (func(), error) { return nil, dialError })
	assert.False(t, fail(t, quick(c), create(fakeBase)).NoConnection, "it is the limiter that has none")
}

// What net/http makes of a proxy's address that is wrong shows the address.
func TestPasswordOfAProxyIsNotShown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`invalid proxy address "user:hush-hush@proxy.example:3128": parse "user:hush-hush@proxy.example:3128": first path segment in URL cannot contain colon`,
		`proxyconnect tcp: parse "http://user:hush-hush@proxy.example:%zz": invalid port`,
		`unknown scheme in socks://user:hu/sh-hush@hush-hush@proxy.example`,
		`http://:hush-hush@proxy.example is down`,
	} {
		own := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New(text) }}
		for name, rt := range map[string]*http.Transport{"the default": pooled(own, 3), "the caller's": own} {
			var log lockedBuffer
			c := config(rt)
			c.MaxRetries = 0
			c.Log = LogTo(slog.New(slog.NewTextHandler(&log, nil)))
			for _, r := range []*Request{get(fakeBase), create(fakeBase)} {
				f := fail(t, quick(c), r)
				assert.Contains(t, f.Error(), "prox", name)
				for _, shown := range []string{f.Error(), fmt.Sprintf("%+v", f.Cause), log.String()} {
					assert.NotContains(t, shown, "hush", name)
				}
			}
		}
	}
}

func TestFailedHandshakeIsNeverSent(t *testing.T) {
	t.Parallel()
	stranger := start(t, say(good), (*httptest.Server).StartTLS)
	plain := serve(t, say(good))
	for name, base := range map[string]string{
		"a certificate of nobody": stranger.base,
		"no TLS at all":           strings.Replace(plain.base, "http:", "https:", 1),
	} {
		c := config(ownPool(t))
		c.MaxRetries = retries
		for _, r := range []*Request{get(base), create(base)} {
			f := fail(t, quick(c), r)
			assert.Equal(t, maxAttempts, f.Attempts, "%s %s", name, r.Method)
			assert.Zero(t, f.Kind, "%s %s", name, r.Method)
		}
	}
	assert.Zero(t, stranger.hits.Load())
}

// pipes is a network of pipes: HTTP as it is, in the time of a bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (*pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial goes on when its request has ended, as net/http wants it to.
func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func TestTimeOutIsOfOneAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		hits := 0
		server := &http.Server{
			ReadHeaderTimeout: time.Hour,
			Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				hits++
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done() // it never answers
			}),
		}
		go func() { _ = server.Serve(network) }()
		rt := &http.Transport{DialContext: network.dial}
		c := config(rt)
		c.MaxRetries = retries
		c.HTTPClient.Timeout = 10 * time.Second

		f := fail(t, quick(c), get("http://zone.example"))
		synctest.Wait()
		assert.Equal(t, maxAttempts, f.Attempts)
		assert.Equal(t, maxAttempts, hits)
		require.ErrorIs(t, f, context.DeadlineExceeded)
		assert.Contains(t, f.Error(), "no complete answer within 10s")

		hits = 0
		began := time.Now()
		f = fail(t, quick(c), create("http://zone.example"))
		synctest.Wait()
		elapsed(t, began, 10*time.Second, "a write is not repeated")
		assert.Equal(t, OutcomeUnknown, f.Kind)
		require.ErrorIs(t, f, context.DeadlineExceeded)
		assert.Equal(t, 1, hits)

		rt.CloseIdleConnections()
		_ = server.Close()
	})
}

func TestWriteThatTimesOutBeforeItHasAConnectionIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		c := config(&http.Transport{DialContext: network.dial})
		c.MaxRetries = retries
		c.HTTPClient.Timeout = 10 * time.Second
		f := fail(t, quick(c), create("http://zone.example")) // nobody accepts
		require.NoError(t, network.Close())
		assert.Equal(t, maxAttempts, f.Attempts)
		assert.Zero(t, f.Kind)
		require.ErrorIs(t, f, context.DeadlineExceeded)
	})
}

func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	thief := serve(t, say(good))
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", thief.URL+"/?token=abc")
			w.WriteHeader(status)
		})
		for _, r := range []*Request{get(server.base), create(server.base), request(server.base, "POST", "Tickets/query")} {
			server.hits.Store(0)
			c := config(ownPool(t))
			c.HTTPClient.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
			f := fail(t, quick(c), r)
			assert.Equal(t, status, f.StatusCode)
			assert.EqualValues(t, 1, server.hits.Load(), "%d %s", status, r.Method)
			assert.NotZero(t, f.Kind&Server)
			assert.Equal(t, ClassOf(r.Method, r.Path) == Write, f.Kind&OutcomeUnknown != 0)
			assert.Contains(t, f.Error(), "redirect to "+thief.Listener.Addr().String())
			assert.NotContains(t, f.Error(), "token=abc")
		}
	}
	assert.Zero(t, thief.hits.Load(), "the target of the redirects saw a request")
}

func TestRedirectsWithoutATargetAreReported(t *testing.T) {
	t.Parallel()
	f := fail(t, quick(config(scripted(gives(302, "")))), get(fakeBase))
	assert.Equal(t, 302, f.StatusCode)
	assert.Contains(t, f.Error(), "the answer is a redirect; it is not followed")

	// net/http makes an error of a target that cannot be read.
	f = fail(t, quick(config(scripted(gives(302, "", "Location", "https://%zz/?"+secret)))), create(fakeBase))
	assert.Equal(t, OutcomeUnknown, f.Kind)
	assert.NotContains(t, f.Error(), secret)
}

func TestWrapperCannotTurnCredentialsElsewhere(t *testing.T) {
	t.Parallel()
	thief := serve(t, say(good))
	server := serve(t, say(good))
	c := config(ownPool(t))
	c.Wrap = []func(http.RoundTripper) http.RoundTripper{func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.URL.Host = thief.Listener.Addr().String()
			return next.RoundTrip(req)
		})
	}}
	for _, r := range []*Request{get(server.base), create(server.base)} {
		f := fail(t, quick(c), r)
		require.ErrorIs(t, f, errOrigin)
		assert.Contains(t, f.Error(), "credentials are sent to the configured origin only")
		assert.Equal(t, 1, f.Attempts, "it would be refused again")
		assert.Zero(t, f.Kind, "a write that was kept back did not happen")
	}
	assert.Zero(t, thief.hits.Load())
	assert.Zero(t, server.hits.Load())
}

func TestWrappersNeverSeeCredentials(t *testing.T) {
	t.Parallel()
	var received http.Header
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		received = r.Header
		_, _ = io.WriteString(w, good)
	})
	var sight strings.Builder
	look := func(h http.Header) { _ = h.Write(&sight) }
	wroteOthers := false
	c := config(ownPool(t))
	c.Wrap = []func(http.RoundTripper) http.RoundTripper{func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			look(req.Header)
			traced := req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
				WroteHeaderField: func(name string, values []string) { look(http.Header{name: values}) },
				WroteRequest:     func(httptrace.WroteRequestInfo) { wroteOthers = true },
			}))
			resp, err := next.RoundTrip(traced)
			look(req.Header)
			look(traced.Header)
			if assert.NoError(t, err) {
				look(resp.Request.Header)
			}
			return resp, err
		})
	}}
	_, err := quick(c).Do(t.Context(), create(server.base))
	require.NoError(t, err)

	assert.Equal(t, secret, received.Get("Secret"))
	assert.Equal(t, userName, received.Get("UserName"))
	assert.Equal(t, integrationCode, received.Get("ApiIntegrationCode"))
	assert.Equal(t, "application/json", received.Get("Content-Type"))
	assert.Equal(t, "test/1", received.Get("User-Agent"))
	assert.Contains(t, sight.String(), "User-Agent: test/1", "the wrapper did look")
	for _, s := range []string{secret, userName, integrationCode} {
		assert.NotContains(t, sight.String(), s)
	}
	assert.True(t, wroteOthers, "the other hooks of a trace still run")
}

// The caller's own context may hold a trace, too, and then there is no wrapper between.
func TestATraceOfTheCallerSeesNoCredentials(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, good) })
	for _, r := range []*Request{get(server.base), create(server.base)} {
		var fields, hooks []string
		wrote := make(chan struct{}) // which may be after the answer
		hook := func(name string) { hooks = append(hooks, name) }
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GetConn:          func(string) { hook("GetConn") },
			GotConn:          func(httptrace.GotConnInfo) { hook("GotConn") },
			WroteHeaderField: func(name string, _ []string) { fields = append(fields, name) },
			WroteHeaders:     func() { hook("WroteHeaders") },
			WroteRequest:     func(httptrace.WroteRequestInfo) { hook("WroteRequest"); close(wrote) },
		})
		c := config(ownPool(t))
		_, err := quick(c).Do(ctx, r)
		require.NoError(t, err, r.Method)
		<-wrote
		assert.Empty(t, fields, r.Method)
		assert.Equal(t, []string{"GetConn", "GotConn", "WroteHeaders", "WroteRequest"}, hooks, r.Method)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	const limit = 1000
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, good+strings.Repeat(" ", n-len(good)))
	})
	ask := func(method, query string) *Request {
		r := request(server.base, method, "Tickets/5")
		r.URL += "?" + query
		return r
	}
	c := config(ownPool(t))
	c.MaxResponseBytes = limit

	_, err := quick(c).Do(t.Context(), ask("GET", "status=200&n=1000"))
	require.NoError(t, err, "the limit itself is allowed")

	server.hits.Store(0)
	f := fail(t, quick(c), ask("GET", "status=200&n=1001"))
	require.ErrorIs(t, f, errTooLarge)
	assert.Contains(t, f.Error(), "larger than the limit of 1000 bytes")
	assert.EqualValues(t, 1, server.hits.Load(), "it would be too large again")

	f = fail(t, quick(c), ask("DELETE", "status=200&n=1001"))
	assert.Equal(t, OutcomeUnknown, f.Kind)

	f = fail(t, quick(c), ask("GET", "status=404&n=1001"))
	assert.Equal(t, 404, f.StatusCode)
	assert.Equal(t, NotFound, f.Kind)
}

func TestCompressedBodiesAreBoundedByWhatTheyUnpackTo(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(make([]byte, 4<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.Less(t, bomb.Len(), 1<<18, "it passes the limit only when it is unpacked")
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	c := config(ownPool(t))
	c.MaxResponseBytes = 1 << 18
	f := fail(t, quick(c), get(server.base))
	require.ErrorIs(t, f, errTooLarge)
	assert.EqualValues(t, 1, server.hits.Load())
}

func TestNoMoreIsReadThanTheLimit(t *testing.T) {
	t.Parallel()
	body := bytes.NewReader(make([]byte, 1<<20))
	c := config(roundTrip(func(*http.Request) (*http.Response, error) {
		resp := answer(200, "")
		resp.Body = io.NopCloser(body)
		return resp, nil
	}))
	c.MaxResponseBytes = 1000
	f := fail(t, quick(c), get(fakeBase))
	require.ErrorIs(t, f, errTooLarge)
	assert.Equal(t, 1001, int(body.Size())-body.Len(), "one byte more, to know")
}

func TestLargestLimitIsNoLimit(t *testing.T) {
	t.Parallel()
	c := config(scripted(gives(200, good)))
	c.MaxResponseBytes = math.MaxInt64
	_, err := quick(c).Do(t.Context(), get(fakeBase))
	require.NoError(t, err)
}

func TestContentLengthIsNotBelieved(t *testing.T) {
	t.Parallel()
	c := config(scripted(func(*http.Request) (*http.Response, error) {
		resp := answer(200, good)
		resp.ContentLength = 1 << 50
		return resp, nil
	}))
	c.MaxResponseBytes = 1 << 60
	_, err := quick(c).Do(t.Context(), get(fakeBase))
	require.NoError(t, err, "room is made for what comes, not for what is announced")
}

func TestLargeAnswersAreReadWhole(t *testing.T) {
	t.Parallel()
	server := serve(t, say(good+strings.Repeat(" ", maxPooledBuffer+1)))
	size := 0
	r := get(server.base)
	r.Decode = func(b []byte) error {
		size = len(b)
		return nil
	}
	_, err := quick(config(ownPool(t))).Do(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, maxPooledBuffer+1+len(good), size)
}

// endless is a body without an end, of zero bytes.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, blank[:]), nil }

var blank = [32 << 10]byte{}

// An answer is read in two ways, up to 4 MiB and beyond: in neither may one
// that is too large pass for one that is whole.
func TestBodies_NoneIsCutInSilence(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{100, maxPooledBuffer - 1, maxPooledBuffer, maxPooledBuffer + 1, maxPooledBuffer + 3<<19} {
		for _, over := range []int64{0, 1, 1 << 20} {
			for _, known := range []bool{true, false} {
				size := max(limit+over, int64(len(good)))
				c := config(roundTrip(func(*http.Request) (*http.Response, error) {
					resp := answer(200, "")
					resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(good), io.LimitReader(endless{}, size-int64(len(good)))))
					if known {
						resp.ContentLength = size
					}
					return resp, nil
				}))
				c.MaxResponseBytes = limit
				r := get(fakeBase)
				read := int64(-1)
				r.Decode = func(b []byte) error {
					read = int64(len(b))
					return nil
				}
				_, err := quick(c).Do(t.Context(), r)
				if size > limit {
					require.ErrorIs(t, err, errTooLarge, "%d bytes, limit %d", size, limit)
					assert.EqualValues(t, -1, read, "%d bytes, limit %d: what was cut was decoded", size, limit)
					continue
				}
				require.NoError(t, err, "%d bytes, limit %d", size, limit)
				assert.Equal(t, size, read, "limit %d", limit)
			}
		}
	}
}

func TestDefaultNetworkTransport(t *testing.T) {
	t.Parallel()
	replaced := pooled(roundTrip(nil), 3) // http.DefaultTransport may be anything
	for _, rt := range []*http.Transport{pooled(http.DefaultTransport, 3), replaced} {
		assert.EqualValues(t, 0x0303, rt.TLSClientConfig.MinVersion, "TLS 1.2")
		assert.True(t, rt.ForceAttemptHTTP2)
		assert.NotNil(t, rt.Proxy)
		assert.NotZero(t, rt.IdleConnTimeout)
		assert.Equal(t, 24, rt.MaxIdleConnsPerHost)
		assert.GreaterOrEqual(t, rt.MaxIdleConns, 24)
	}
	assert.NotSame(t, http.DefaultTransport, pooled(http.DefaultTransport, 3))

	// What the program has set in it counts, but for old versions of TLS.
	own := pooled(&http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS10, ServerName: "own"}}, 3) //nolint:gosec // that is the point
	assert.Equal(t, "own", own.TLSClientConfig.ServerName)
	assert.EqualValues(t, tls.VersionTLS12, own.TLSClientConfig.MinVersion)
	own = pooled(&http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13}}, 3)
	assert.EqualValues(t, tls.VersionTLS13, own.TLSClientConfig.MinVersion)
}

func TestConfigOfTheClientIsCopied(t *testing.T) {
	t.Parallel()
	hc := &http.Client{Transport: scripted(gives(200, good)), Timeout: time.Minute}
	c := config(nil)
	c.HTTPClient = hc
	tr := New(c)
	assert.Equal(t, time.Minute, hc.Timeout)
	assert.Nil(t, hc.CheckRedirect)
	assert.IsType(t, &script{}, hc.Transport)
	assert.NotSame(t, hc, tr.client.HTTPClient)

	c.HTTPClient = nil
	tr = New(c)
	assert.Equal(t, DefaultTimeout, tr.client.HTTPClient.Transport.(*attempts).timeout)
	assert.Equal(t, DefaultMaxConcurrency, tr.config.MaxConcurrency)
	assert.EqualValues(t, DefaultMaxResponseBytes, tr.config.MaxResponseBytes)
	assert.Nil(t, tr.client.Logger, "retryablehttp logs URLs")
}

func TestCookiesOfTheClientAreKept(t *testing.T) {
	t.Parallel()
	server := serve(t, say(good))
	var jar recordingJar
	c := config(ownPool(t))
	c.HTTPClient.Jar = &jar
	_, err := quick(c).Do(t.Context(), get(server.base))
	require.NoError(t, err)
	assert.EqualValues(t, 1, jar.asked.Load())
}

type recordingJar struct{ asked atomic.Int32 }

func (*recordingJar) SetCookies(*url.URL, []*http.Cookie) {}

func (j *recordingJar) Cookies(*url.URL) []*http.Cookie {
	j.asked.Add(1)
	return nil
}

// What a network layer reports when our own time limit ends its request may be
// anything.
func TestTimeOutIsNamedWhateverTheNetworkReports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		step := func(req *http.Request) (*http.Response, error) {
			_ = pause(req.Context(), time.Hour)
			return nil, errors.New("broken pipe")
		}
		c := config(scripted(step))
		c.HTTPClient.Timeout = 10 * time.Second
		f := fail(t, New(c), create(fakeBase))
		require.ErrorIs(t, f, context.DeadlineExceeded)
		assert.Contains(t, f.Error(), "no complete answer within 10s")

		c.HTTPClient.Timeout = 0
		began := time.Now()
		f = fail(t, New(c), create(fakeBase))
		assert.Equal(t, 2*time.Minute, time.Since(began), "the default")
		require.ErrorIs(t, f, context.DeadlineExceeded)
	})
}

func TestNoMoreOfALargeBodyIsReadThanTheLimit(t *testing.T) {
	t.Parallel()
	const limit = maxPooledBuffer + 1<<20 + 100
	body := bytes.NewReader(make([]byte, limit+4<<20))
	c := config(roundTrip(func(*http.Request) (*http.Response, error) {
		resp := answer(200, "")
		resp.Body = io.NopCloser(body)
		return resp, nil
	}))
	c.MaxResponseBytes = limit
	f := fail(t, quick(c), get(fakeBase))
	require.ErrorIs(t, f, errTooLarge)
	assert.Equal(t, limit+1, int(body.Size())-body.Len(), "one byte more, to know")
}

func TestProxyOfTheDefaultNetworkTransport(t *testing.T) {
	t.Parallel()
	broken := errors.New("hush-hush is no port")
	_, err := pooled(&http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, broken }}, 3).Proxy(nil)
	require.ErrorIs(t, err, errProxy)
	require.NotErrorIs(t, err, broken)
	assert.Nil(t, pooled(&http.Transport{}, 3).Proxy, "no proxy stays none")
	assert.Equal(t, 10*time.Second, pooled(roundTrip(nil), 3).TLSHandshakeTimeout)
	assert.Equal(t, 90*time.Second, pooled(roundTrip(nil), 3).IdleConnTimeout)
}
