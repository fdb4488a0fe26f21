// Package transport carries out one exchange with the Autotask REST API: it signs the
// request for one origin only, respects the thread limit, bounds and reads the
// answer, and retries what may be retried.
//
// Its layers, from the outside in: Transport.Do builds the request and turns the
// result into a Failure; go-retryablehttp retries it as judge says; attempt holds a
// place in the gate while one attempt runs and reads the body; the caller's own
// wrappers observe the attempt; signer adds the credentials last, before the network,
// and hands a write to it only once.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/autotask-go/autotask/internal/limit"
)

// Defaults of Config.
const (
	DefaultMaxRetries       = 4
	DefaultMaxConcurrency   = 3
	DefaultMaxResponseBytes = 32 << 20
	// DefaultTimeout bounds one attempt. Autotask itself ends a query after about
	// five minutes.
	DefaultTimeout = 2 * time.Minute
)

// Config configures a Transport. Zero values mean the defaults.
type Config struct {
	Credentials      func() Credentials // a func, so that no %+v shows them
	HTTPClient       *http.Client
	Wrap             []func(http.RoundTripper) http.RoundTripper
	Log              Log // or nil
	UserAgent        string
	MaxRetries       int // 0 means no retry
	MaxConcurrency   int
	MaxResponseBytes int64
	ReadOnly         bool          // writes are refused
	Limiter          limit.Limiter // the caller's, or nil
	Hour             limit.Gate    // the tenant's limit, or nil
	Logins           limit.Gate    // refused logins, or nil; it does not wait
}

// Credentials are the three headers that sign a request.
type Credentials struct{ UserName, Secret, IntegrationCode string }

// Transport is safe for concurrent use.
type Transport struct {
	client *retryablehttp.Client
	config Config
	host   atomic.Pointer[host] // of the last URL
}

// New returns a Transport. It copies the HTTP client and uses its Transport, Jar and
// Timeout, but never its CheckRedirect.
func New(config Config) *Transport {
	if config.MaxConcurrency == 0 {
		config.MaxConcurrency = DefaultMaxConcurrency
	}
	if config.MaxResponseBytes == 0 {
		config.MaxResponseBytes = DefaultMaxResponseBytes
	}
	// One byte more than the limit is read, to detect answers that exceed it.
	config.MaxResponseBytes = min(config.MaxResponseBytes, math.MaxInt64-1)
	t := &Transport{config: config}

	hc := http.Client{}
	if config.HTTPClient != nil {
		hc = *config.HTTPClient
	}
	// The limit applies to one attempt, from the moment it has its place in the gate:
	// http.Client would count the waiting, too.
	timeout := hc.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	hc.Timeout = 0
	// net/http would send the three credential headers to another host.
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	hc.Transport = t.layers(hc.Transport, timeout)

	t.client = &retryablehttp.Client{
		HTTPClient:   &hc,
		RetryMax:     config.MaxRetries,
		RetryWaitMin: backoffBase,
		RetryWaitMax: backoffMax,
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return t
}

// layers assembles what a request goes through, from the network up. Above all of it
// is go-retryablehttp, whose back-off holds no place in any gate.
func (t *Transport) layers(base http.RoundTripper, timeout time.Duration) http.RoundTripper {
	if base == nil {
		base = pooled(http.DefaultTransport, t.config.MaxConcurrency)
	}
	// Next to the network, so that the caller's wrappers never see credentials.
	sign := &signer{next: base, alone: len(t.config.Wrap) == 0, credentials: t.config.Credentials}
	var rt http.RoundTripper = sign
	// The caller's wrappers: the last one given sees a request first.
	for _, wrap := range t.config.Wrap {
		rt = wrap(rt)
	}
	a := &attempts{
		next:    rt,
		gates:   t.config.gates(),
		timeout: timeout,
		late:    fmt.Errorf("no complete answer within %v: %w", timeout, context.DeadlineExceeded),
		max:     t.config.MaxResponseBytes,
		log:     t.config.Log,
	}
	if sign.alone {
		a.signer = sign
	}
	return a
}

// gates lists what keeps an attempt waiting, in the order in which it is passed.
func (c *Config) gates() []limit.Gate {
	gates := []limit.Gate{
		c.Hour,                             // first, since it may wait long, and holds no place meanwhile
		limit.NewThreads(c.MaxConcurrency), // this client's places on the endpoint
		c.Logins,                           // when the attempt could begin: others may just have been refused
	}
	if c.Limiter != nil {
		gates = append(gates, limit.Shared(c.Limiter)) // last: a place that others wait for is held the shortest
	}
	return slices.DeleteFunc(gates, func(g limit.Gate) bool { return g == nil })
}

// pooled is the default network transport: HTTP/2, the proxy of the
// environment, TLS 1.2 and up, and idle connections enough for several full
// endpoints at once. A program may have put something else in the place of
// http.DefaultTransport.
func pooled(standard http.RoundTripper, maxConcurrency int) *http.Transport {
	rt := &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second}
	if t, ok := standard.(*http.Transport); ok {
		rt = t.Clone()
	}
	if rt.TLSClientConfig == nil {
		rt.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	rt.TLSClientConfig.MinVersion = max(rt.TLSClientConfig.MinVersion, tls.VersionTLS12)
	if proxy := rt.Proxy; proxy != nil {
		rt.Proxy = func(req *http.Request) (*url.URL, error) {
			u, err := proxy(req)
			if err != nil {
				err = errProxy // its own text shows the address, and the password in it
			}
			return u, err
		}
	}
	rt.ForceAttemptHTTP2 = true
	rt.MaxIdleConnsPerHost = 8 * maxConcurrency
	rt.MaxIdleConns = max(rt.MaxIdleConns, rt.MaxIdleConnsPerHost)
	return rt
}

var errProxy = errors.New("the address of the proxy, as the environment has it, is not valid")

// Request is one call of the API.
type Request struct {
	Method string
	URL    string // absolute
	Path   string // below the base URL, without a query: "Tickets/5/Notes"
	Origin string // the only scheme://host that may see the credentials; "" sends none
	Body   []byte // JSON, or nil
	// ImpersonateID, if not 0, is sent with writes only: Autotask answers a
	// read that carries it with a permission error.
	ImpersonateID int64
	// NotAfter, if not zero, is when the request becomes too old to be sent: no
	// attempt is sent after it, whatever it had to wait for. The Failure then has the
	// kind Stale, and nothing was sent.
	NotAfter time.Time
	// Decode reads the body of a successful answer. It runs once per attempt, inside
	// the retries, and must not keep the bytes. A JSON syntax error or ErrUnreadable
	// means that the answer arrived damaged.
	Decode func(body []byte) error
}

// Answer describes the exchange that succeeded.
type Answer struct {
	Attempts int
	date     string
	// Received is our clock when the header of the answer arrived; its body may have
	// taken longer.
	Received time.Time
}

// Date returns the server's clock, from the Date header; zero if there was none.
func (a Answer) Date() time.Time {
	date, err := http.ParseTime(a.date)
	if err != nil {
		return time.Time{}
	}
	return date
}

// DatedAs reports whether two answers have the same Date header.
func (a Answer) DatedAs(b Answer) bool { return a.date != "" && a.date == b.date }

// Do carries out one call, retrying it as its class allows. The error is always a
// *Failure.
func (t *Transport) Do(ctx context.Context, r *Request) (Answer, error) {
	x := t.exchange(ctx, r)
	if err := x.refuse(); err != nil {
		return Answer{}, err
	}
	req, err := t.newRequest(x) //nolint:contextcheck // the exchange is made of ctx
	if err != nil {
		return Answer{}, x.fail(0, err)
	}
	_, err = t.client.Do(req) //nolint:bodyclose // attempts has read and closed it
	x.releaseBody()
	switch {
	case x.failure != nil && x.again && ctx.Err() != nil:
		// Cancelled while waiting for a retry.
		x.failure.Cause = ctx.Err()
		return Answer{}, x.failure
	case x.failure != nil:
		return Answer{}, x.failure
	case err != nil:
		return Answer{}, x.fail(0, withoutURL(err))
	}
	return Answer{Attempts: x.attempt, date: x.date, Received: x.answered}, nil
}

func (t *Transport) newRequest(x *exchange) (*retryablehttp.Request, error) {
	r := x.request
	var body any // a nil []byte would still count as a body
	if r.Body != nil {
		body = r.Body
	}
	req, err := retryablehttp.NewRequestWithContext(x, r.Method, "", body)
	if err != nil {
		return nil, errors.New("the method of the request is not valid")
	}
	if req.URL, err = t.parse(r.URL); err != nil {
		return nil, errors.New("the URL of the request is not valid")
	}
	req.Host = req.URL.Host
	req.SetResponseHandler(x.decode)
	return req, nil
}

// Refuses returns why a request must never be sent, whatever its body: a PATCH of a
// ticket, or a write when only reads may be sent.
func (t *Transport) Refuses(ctx context.Context, method, path string) error {
	if !patchesTicket(method, path) && (!t.config.ReadOnly || ClassOf(method, path) == Read) {
		return nil
	}
	return t.exchange(ctx, &Request{Method: method, Path: path}).refuse()
}

func (t *Transport) exchange(ctx context.Context, r *Request) *exchange {
	return &exchange{request: r, class: ClassOf(r.Method, r.Path), Context: ctx, of: t}
}

// scrub removes the credentials from a text that a server sent.
func (t *Transport) scrub(s string) string {
	c := t.config.Credentials()
	for _, secret := range []string{c.Secret, c.IntegrationCode, c.UserName} {
		// Replacing very short values would break words and protect nobody.
		if len(secret) < 4 {
			continue
		}
		quoted, _ := jsontext.AppendQuote(nil, secret) // it may be part of a JSON string
		for _, spelling := range []string{secret, url.QueryEscape(secret), string(quoted[1 : len(quoted)-1])} {
			s = strings.ReplaceAll(s, spelling, "REDACTED")
		}
	}
	return s
}
