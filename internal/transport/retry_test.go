package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	retries           = 2
	once, maxAttempts = 1, 1 + retries
	threadText        = "The Autotask API thread threshold of 3 threads has been exceeded."
	threads           = ThreadLimit | RateLimited
	unknown           = OutcomeUnknown
)

// attemptsOf sends every request of a class at a network and checks how often
// it arrived and how it was judged.
func attemptsOf(t *testing.T, requests map[string]*Request, respond httpmock.Responder, attempts int, status int, kind Kind) {
	t.Helper()
	for name, r := range requests {
		network := httpmock.NewMockTransport()
		network.RegisterNoResponder(respond)
		c := config(network)
		c.MaxRetries = retries
		f := fail(t, quick(c), r)
		assert.Equal(t, attempts, network.GetTotalCallCount(), "%s: requests that arrived", name)
		assert.Equal(t, attempts, f.Attempts, "%s: Attempts", name)
		assert.Equal(t, status, f.StatusCode, "%s: StatusCode", name)
		assert.Equal(t, kind, f.Kind, "%s: Kind", name)
		assert.Equal(t, r.Method, f.Method)
		assert.Equal(t, r.Path, f.Path)
	}
}

func TestRetriesByAnswer(t *testing.T) {
	t.Parallel()
	const applicationError = `{"errors":["Picklist value [99] does not exist for priority."]}`
	for _, c := range []struct {
		name                 string
		status               int
		body                 string
		reads, writes        int
		readKind, writeKinds Kind
	}{
		{"429", 429, "", maxAttempts, maxAttempts, RateLimited, RateLimited},
		{"429 with the thread limit", 429, `{"errors":["` + threadText + `"]}`, maxAttempts, maxAttempts, threads, threads},
		{"thread limit under 500", 500, `{"errors":["` + threadText + `"]}`, maxAttempts, maxAttempts, threads, threads},
		{"thread limit under 500 as an object", 500, `{"title":"Thread Threshold Exceeded","code":"Itgenatr005"}`, maxAttempts, maxAttempts, threads, threads},
		{"thread limit under 400", 400, `{"errors":["` + threadText + `"]}`, maxAttempts, maxAttempts, threads, threads},
		{"thread limit under 503", 503, threadText, maxAttempts, maxAttempts, threads, threads},

		{"200 with HTML", 200, "<html><title>Maintenance</title></html>", maxAttempts, once, 0, unknown},
		{"200 with garbage", 200, "\x00\x01", maxAttempts, once, 0, unknown},
		{"200 with half of the JSON", 200, `{"itemId":`, maxAttempts, once, 0, unknown},
		{"200 with nothing", 200, "", maxAttempts, once, 0, unknown},
		{"200 with two values", 200, good + good, maxAttempts, once, 0, unknown},
		// It is whole; it would be the same again.
		{"200 with JSON of another shape", 200, `{"itemId":"seven"}`, once, once, 0, unknown},

		{"500 without a body", 500, "", maxAttempts, once, Server, Server | unknown},
		{"500 with HTML", 500, "<html><title>Oops</title></html>", maxAttempts, once, Server, Server | unknown},
		{"500 with a Message", 500, `{"Message":"An error has occurred."}`, maxAttempts, once, Server, Server | unknown},
		{"500 with errors null", 500, `{"errors":null}`, maxAttempts, once, Server, Server | unknown},
		{"500 with broken JSON", 500, `{"errors":["Pickl`, maxAttempts, once, Server, Server | unknown},
		{"502", 502, "Bad Gateway", maxAttempts, once, Server, Server | unknown},
		{"503", 503, "", maxAttempts, once, Server, Server | unknown},
		{"503 with errors", 503, applicationError, maxAttempts, once, Server, Server | unknown},
		{"504", 504, "", maxAttempts, once, Server, Server | unknown},

		{"500 with errors", 500, applicationError, once, once, Invalid, Invalid},
		{"500 with no errors in the array", 500, `{"errors":[]}`, maxAttempts, once, Server, Server | unknown},
		{"500 with errors and a numeric code", 500, `{"code":7,"title":{"a":1},"errors":["no"]}`, once, once, Invalid, Invalid},
		{"500 with the limit of the hour", 500, `{"errors":["The request threshold is exceeded."]}`, once, once, RateLimited, RateLimited},
		{"400", 400, applicationError, once, once, Invalid, Invalid},
		{"400 without a body", 400, "", once, once, Invalid, Invalid},
		{"403", 403, "", once, once, Permission, Permission},
		{"404", 404, `{"errors":["no"]}`, once, once, NotFound, NotFound},
		{"405", 405, "", once, once, Unsupported, Unsupported},
		{"409", 409, "", once, once, Invalid, Invalid},
		{"415", 415, "", once, once, Invalid, Invalid},

		{"401", 401, "", once, once, Unauthorized, Unauthorized},
		{"401 with HTML", 401, "<html></html>", once, once, Unauthorized, Unauthorized},
		{"500 for a bad integration code", 500, `{"errors":["IntegrationCode is invalid"]}`, once, once, Unauthorized, Unauthorized},

		{"304", 304, "", once, once, Server, Server | unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			respond := httpmock.NewStringResponder(c.status, c.body)
			attemptsOf(t, readers, respond, c.reads, c.status, c.readKind)
			attemptsOf(t, writers, respond, c.writes, c.status, c.writeKinds)
		})
	}
}

func TestRetriesByNetworkError(t *testing.T) {
	t.Parallel()
	dial := func(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }
	for _, c := range []struct {
		name   string
		err    error
		writes int
		kind   Kind
	}{
		{"dial", dial("dial", errors.New("connection refused")), maxAttempts, 0},
		{"proxy", dial("proxyconnect", errors.New("connection refused")), maxAttempts, 0},
		{"SOCKS proxy", dial("socks connect", errors.New("connection refused")), maxAttempts, 0},
		{"DNS", dial("dial", &net.DNSError{Err: "no such host", Name: "zone.example"}), maxAttempts, 0},
		{"DNS alone", &net.DNSError{Err: "no such host", Name: "zone.example"}, maxAttempts, 0},
		{"DNS in a wrapper's words", fmt.Errorf("tracing: %w", &net.DNSError{Err: "no such host"}), maxAttempts, 0},
		{"no TLS", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, maxAttempts, 0},
		{"certificate", &tls.CertificateVerificationError{Err: errors.New("expired")}, maxAttempts, 0},
		{"authority", x509.UnknownAuthorityError{}, maxAttempts, 0},
		{"host name", x509.HostnameError{Host: "zone.example", Certificate: &x509.Certificate{}}, maxAttempts, 0},

		{"reset", dial("read", errors.New("connection reset by peer")), once, unknown},
		{"write", dial("write", errors.New("broken pipe")), once, unknown},
		{"EOF", io.ErrUnexpectedEOF, once, unknown},
		{"time-out", context.DeadlineExceeded, once, unknown},
		{"not known", errors.New("the dog ate it"), once, unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			respond := httpmock.NewErrorResponder(c.err)
			attemptsOf(t, readers, respond, maxAttempts, 0, 0)
			attemptsOf(t, writers, respond, c.writes, 0, c.kind)
		})
	}
}

// A layer that calls the hooks of the connection, as the network does.
func TestWriteIsNeverSentOnlyBeforeItHasAConnection(t *testing.T) {
	t.Parallel()
	record := tls.RecordHeaderError{Msg: "oversized record received"}
	for _, c := range []struct {
		name     string
		got      bool
		err      error
		attempts int
		kind     Kind
	}{
		{"no connection, any error", false, errors.New("something with TLS"), maxAttempts, 0},
		{"connection, any error", true, errors.New("something"), once, unknown},
		{"connection, then a TLS record that is wrong", true, record, once, unknown},
		{"connection, then a failed dial", true, &net.OpError{Op: "dial", Err: errors.New("refused")}, once, unknown},
		{"connection, then a DNS error", true, &net.DNSError{Err: "no such host"}, once, unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			attemptsOf(t, writers, func(req *http.Request) (*http.Response, error) {
				trace := httptrace.ContextClientTrace(req.Context())
				trace.GetConn("zone.example:443")
				if c.got {
					trace.GotConn(httptrace.GotConnInfo{})
				}
				return nil, c.err
			}, c.attempts, 0, c.kind)
		})
	}
}

func TestConnectionOfAnEarlierAttemptSaysNothing(t *testing.T) {
	t.Parallel()
	network := scripted(
		func(req *http.Request) (*http.Response, error) {
			trace := httptrace.ContextClientTrace(req.Context())
			trace.GetConn("zone.example:443")
			trace.GotConn(httptrace.GotConnInfo{})
			return answer(429, ""), nil
		},
		func(req *http.Request) (*http.Response, error) {
			httptrace.ContextClientTrace(req.Context()).GetConn("zone.example:443")
			return nil, errors.New("handshake")
		},
		gives(200, good))
	_, err := quick(config(network)).Do(t.Context(), create(fakeBase))
	require.NoError(t, err)
	assert.Len(t, network.requests(), 3)
}

func TestSuccessAfterFailuresIsASuccess(t *testing.T) {
	t.Parallel()
	date := time.Date(2026, 11, 23, 18, 0, 1, 0, time.UTC)
	network := scripted(
		gives(503, "", "Date", "Mon, 23 Nov 2026 17:00:00 GMT"),
		fails(io.ErrUnexpectedEOF),
		gives(200, "<html>"),
		gives(200, good, "Date", date.Format(http.TimeFormat)))
	before := time.Now()
	r := request(fakeBase, http.MethodPost, "Tickets/query")
	var got string
	r.Decode = func(b []byte) error {
		got = string(b)
		return decode(b)
	}
	a, err := quick(config(network)).Do(t.Context(), r)
	require.NoError(t, err)
	assert.Len(t, network.requests(), 4)
	assert.True(t, a.Date().Equal(date), "the Date of the last answer, not %v", a.Date())
	assert.False(t, a.Received.Before(before))
	assert.False(t, a.Received.After(time.Now()))
	assert.Equal(t, good, got)
	for _, req := range network.requests() {
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		assert.Equal(t, `{"id":7}`, string(body), "the body goes out whole each time")
	}
}

func TestDateOfAnAnswerWithoutOneIsZero(t *testing.T) {
	t.Parallel()
	network := scripted(
		gives(503, "", "Date", "Mon, 23 Nov 2026 17:00:00 GMT"),
		gives(200, good, "Date", "yesterday"))
	a, err := quick(config(network)).Do(t.Context(), get(fakeBase))
	require.NoError(t, err)
	assert.Zero(t, a.Date())
}

func TestLastFailureIsReported(t *testing.T) {
	t.Parallel()
	network := scripted(gives(503, ""), fails(io.ErrUnexpectedEOF), gives(500, `{"errors":["no"]}`))
	f := fail(t, quick(config(network)), get(fakeBase))
	assert.Equal(t, 500, f.StatusCode)
	assert.Equal(t, []string{"no"}, f.Messages)
	assert.Equal(t, 3, f.Attempts)
	assert.NoError(t, f.Cause)
}

func TestMaxRetries(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 4} {
		network := scripted(gives(503, ""))
		c := config(network)
		c.MaxRetries = n
		f := fail(t, quick(c), get(fakeBase))
		assert.Equal(t, n+1, f.Attempts)
		assert.Len(t, network.requests(), n+1)
	}
}

func TestUnreadableAsTheCallerSaysIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err      error
		attempts int
	}{
		"damaged":   {fmt.Errorf("%w: it has no item", ErrUnreadable), 5},
		"unfitting": {errors.New("it is about another ticket"), 1},
	} {
		network := scripted(gives(200, good))
		r := get(fakeBase)
		r.Decode = func([]byte) error { return c.err }
		f := fail(t, quick(config(network)), r)
		assert.Equal(t, c.attempts, f.Attempts, name)
		assert.Equal(t, 200, f.StatusCode, "there was an answer")
		require.ErrorIs(t, f, c.err)
		assert.Contains(t, f.Error(), "the answer could not be read: ")
	}
}

// What a good status hides: the thread limit turns a request away at the door,
// and nothing else does.
func TestThreadLimitIsKnownBehindAGoodStatus(t *testing.T) {
	t.Parallel()
	for method, r := range map[string]*Request{"GET": get(fakeBase), "POST": create(fakeBase)} {
		r.Decode = func([]byte) error { return errors.New("it is not what it should be") }
		f := fail(t, quick(config(scripted(gives(200, `{"errors":["`+threadText+`"]}`)))), r)
		assert.Equal(t, threads, f.Kind, method)
		assert.Equal(t, 1+DefaultMaxRetries, f.Attempts, method)

		f = fail(t, quick(config(scripted(gives(200, `{"errors":["the request threshold is near"]}`)))), r)
		assert.Zero(t, f.Kind&RateLimited, method)
		assert.Equal(t, 1, f.Attempts, method)
	}
}

func TestAnswerThatNobodyDecodesIsASuccess(t *testing.T) {
	t.Parallel()
	r := get(fakeBase)
	r.Decode = nil
	_, err := quick(config(scripted(gives(204, "")))).Do(t.Context(), r)
	assert.NoError(t, err)
}

func TestBrokenNetworkLayersAreErrors(t *testing.T) {
	t.Parallel()
	nothing := func(*http.Request) (*http.Response, error) { return nil, nil }
	f := fail(t, quick(config(scripted(nothing))), create(fakeBase))
	assert.Equal(t, OutcomeUnknown, f.Kind)
	assert.Contains(t, f.Error(), "neither an answer nor an error")

	bodiless := func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 404}, nil }
	f = fail(t, quick(config(scripted(bodiless))), get(fakeBase))
	assert.Equal(t, 404, f.StatusCode)
	assert.Equal(t, 1, f.Attempts)
}

func TestURLThatIsNoneIsNotSent(t *testing.T) {
	t.Parallel()
	network := scripted(gives(200, good))
	r := get(fakeBase)
	r.URL = "https://zone.example/\x7f?user=" + userName
	f := fail(t, quick(config(network)), r)
	assert.Zero(t, f.Attempts)
	assert.NotContains(t, f.Error(), userName)
	assert.Empty(t, network.requests())

	r = get("gopher://zone.example/ATServicesRest/V1.0")
	f = fail(t, quick(config(nil)), r)
	assert.Contains(t, f.Error(), "unsupported protocol scheme")

	r = get(fakeBase)
	r.Method = "B AD"
	f = fail(t, quick(config(network)), r)
	assert.Zero(t, f.Attempts)
	assert.Empty(t, network.requests())
}

func TestCausesLoseTheirURLs(t *testing.T) {
	t.Parallel()
	inner := &url.Error{Op: "Get", URL: "https://zone.example/zoneInformation?user=someone", Err: io.ErrUnexpectedEOF}
	f := fail(t, quick(config(scripted(fails(inner)))), get(fakeBase))
	require.ErrorIs(t, f, io.ErrUnexpectedEOF)
	assert.NotContains(t, f.Error(), "someone")
	assert.NotContains(t, f.Error(), "zone.example")
}

func TestBackoffIsFullJitterUnderAnExponentialCeiling(t *testing.T) {
	t.Parallel()
	for attempt, ceiling := range map[int]time.Duration{
		0: 500 * time.Millisecond, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second,
		6: 20 * time.Second, 15: 20 * time.Second, 16: 20 * time.Second, 1000: 20 * time.Second,
	} {
		least, most := time.Hour, time.Duration(0)
		for range 500 {
			wait := backoff(backoffBase, backoffMax, attempt, nil)
			least, most = min(least, wait), max(most, wait)
		}
		assert.GreaterOrEqual(t, least, time.Millisecond)
		assert.Less(t, least, ceiling/4, "attempt %d: jitter reaches down to nothing", attempt)
		assert.Greater(t, most, ceiling*3/4, "attempt %d: and up to the ceiling", attempt)
		assert.LessOrEqual(t, most, ceiling+time.Millisecond, "attempt %d", attempt)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		name, value, date string
		want              time.Duration
	}{
		{"none", "", "", 0},
		{"seconds", "7", "", 7 * time.Second},
		{"no seconds", "0", "", 0},
		{"more seconds than fit", "99999999999999999999999", "", (1<<31 - 1) * time.Second},
		{"negative", "-7", "", 0},
		{"a fraction", "7.5", "", 0},
		{"words", "soon", "", 0},
		{"a date", in(90 * time.Second), "", 90 * time.Second},
		{"a date in the past", in(-time.Hour), "", 0},
		{"a date by a clock that is an hour ahead", in(time.Hour + 5*time.Second), in(time.Hour), 5 * time.Second},
		{"a date by a clock that is an hour behind", in(5*time.Second - time.Hour), in(-time.Hour), 5 * time.Second},
		{"a date beside a Date that is none", in(5 * time.Second), "noon", 5 * time.Second},
	} {
		h := http.Header{}
		h.Set("Retry-After", c.value)
		h.Set("Date", c.date)
		assert.Equal(t, c.want, retryAfter(h, now), c.name)
	}
}

func TestFailureShowsItsParts(t *testing.T) {
	t.Parallel()
	f := &Failure{Method: "PUT", Path: "Tickets", Messages: []string{"one", "two"}, Cause: io.EOF}
	assert.Equal(t, "PUT Tickets: one: two: EOF", f.Error())
	require.ErrorIs(t, f, io.EOF)
	assert.Equal(t, "GET x", strings.TrimSpace((&Failure{Method: "GET", Path: "x"}).Error()))
}
