package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

const (
	userName        = "robot@tenant.example"
	secret          = "hunter2-is-not-it"
	integrationCode = "CODE0123456789"

	fakeOrigin = "https://zone.example"
	fakeBase   = fakeOrigin + "/ATServicesRest/V1.0"
)

// config is a Config with credentials over the network transport next, which
// may be nil.
func config(next http.RoundTripper) Config {
	return Config{
		Credentials: func() Credentials {
			return Credentials{UserName: userName, Secret: secret, IntegrationCode: integrationCode}
		},
		HTTPClient: &http.Client{Transport: next},
		UserAgent:  "test/1",
		MaxRetries: DefaultMaxRetries,
	}
}

// quick builds a Transport that backs off for a millisecond only. Where the
// length of the wait matters, New and a synctest bubble do.
func quick(c Config) *Transport {
	t := New(c)
	t.client.RetryWaitMin, t.client.RetryWaitMax = 1, 1
	return t
}

// roundTrip is a network made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answer is a response with pairs of header names and values.
func answer(status int, body string, headers ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}
	for i := 0; i < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp
}

// script is a network that gives one answer after the other, the last one again
// and again, and keeps what it was sent.
type script struct {
	mu    sync.Mutex
	steps []roundTrip
	seen  []*http.Request
	at    []time.Time
}

func scripted(steps ...roundTrip) *script { return &script{steps: steps} }

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	step := s.steps[min(len(s.seen), len(s.steps)-1)]
	s.seen = append(s.seen, req)
	s.at = append(s.at, time.Now())
	s.mu.Unlock()
	return step(req)
}

func (s *script) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// gives is a step that answers.
func gives(status int, body string, headers ...string) roundTrip {
	return func(*http.Request) (*http.Response, error) { return answer(status, body, headers...), nil }
}

// fails is a step that brings no answer.
func fails(err error) roundTrip {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// takes is a step that answers well after a while, unless the context ends.
func takes(d time.Duration) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		if err := pause(req.Context(), d); err != nil {
			return nil, err
		}
		return answer(200, good), nil
	}
}

// pause reports an end of the context as the network does: by its cause.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// good is an answer that every request of the tests can read.
const good = `{"itemId":7}`

func decode(b []byte) error {
	var v struct {
		ItemID int64 `json:"itemId"`
	}
	return json.Unmarshal(b, &v)
}

// request is a call below base, which begins with the origin.
func request(base, method, path string) *Request {
	r := &Request{
		Method: method,
		URL:    base + "/" + path,
		Path:   path,
		Origin: strings.TrimSuffix(base, "/ATServicesRest/V1.0"),
		Decode: decode,
	}
	if method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
		r.Body = []byte(`{"id":7}`)
	}
	return r
}

func get(base string) *Request    { return request(base, http.MethodGet, "Tickets/5") }
func create(base string) *Request { return request(base, http.MethodPost, "Tickets") }

// fail carries out a call that must fail and returns the failure.
func fail(t *testing.T, tr *Transport, r *Request) *Failure {
	t.Helper()
	return failWith(t.Context(), t, tr, r)
}

func failWith(ctx context.Context, t *testing.T, tr *Transport, r *Request) *Failure {
	t.Helper()
	_, err := tr.Do(ctx, r)
	var f *Failure
	require.ErrorAs(t, err, &f)
	return f
}

// reader and writer are the requests of each class, by a readable name.
var (
	readers = map[string]*Request{
		"GET item":         get(fakeBase),
		"POST query":       request(fakeBase, http.MethodPost, "Tickets/query"),
		"POST query/count": request(fakeBase, http.MethodPost, "Tickets/query/count"),
		"POST query/next":  request(fakeBase, http.MethodPost, "Tickets/query/next"),
	}
	writers = map[string]*Request{
		"POST item":  create(fakeBase),
		"POST child": request(fakeBase, http.MethodPost, "Tickets/5/Notes"),
		"PUT":        request(fakeBase, http.MethodPut, "Tickets"),
		"PATCH":      request(fakeBase, http.MethodPatch, "Companies"),
		"DELETE":     request(fakeBase, http.MethodDelete, "TimeEntries/5"),
	}
)

// lockedBuffer takes the log of concurrent requests.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// dialError is what the network says of a host that it cannot reach.
var dialError = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
