package transport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
)

// Origin returns the scheme and host of a URL in one spelling: lower case, without
// the port that the scheme implies. It returns "" for a URL without a host, or with a
// user.
func Origin(u *url.URL) string {
	if u.Scheme == "" || u.Host == "" || u.User != nil {
		return ""
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return scheme + "://" + host
}

// hasOrigin reports whether Origin(u) is origin, which is spelled as Origin does.
func hasOrigin(u *url.URL, origin string) bool {
	scheme, host, ok := strings.Cut(origin, "://")
	if !ok || scheme == "" || host == "" || u.User != nil {
		return false
	}
	return u.Scheme == scheme && u.Host == host || Origin(u) == origin
}

// host is what plain URLs of one server have in common.
type host struct {
	prefix       string // scheme://host
	scheme, name string
}

// parse is url.Parse. It is faster for a plain path on the host of the last URL.
func (t *Transport) parse(raw string) (*url.URL, error) {
	if h := t.host.Load(); h != nil {
		if path, ok := strings.CutPrefix(raw, h.prefix); ok && isPlainPath(path) {
			return &url.URL{Scheme: h.scheme, Host: h.name, Path: path}, nil
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	u.Host = strings.TrimSuffix(u.Host, ":") // as http.NewRequest does
	if prefix := u.Scheme + "://" + u.Host; u.User == nil && strings.HasPrefix(raw, prefix+"/") {
		t.host.Store(&host{prefix: prefix, scheme: u.Scheme, name: u.Host})
	}
	return u, nil
}

// isPlainPath reports whether a path is the same before and after it is escaped, and
// nothing follows it.
func isPlainPath(path string) bool {
	for i := range len(path) {
		c := path[i]
		if c != '/' && c != '.' && c != '-' && c != '_' && !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z') {
			return false
		}
	}
	return strings.HasPrefix(path, "/")
}

// belowVersion returns the part of a URL's path that names a collection.
func belowVersion(path string) string {
	const version = "/v1.0/"
	for i := len(path) - len(version); i >= 0; i-- {
		if path[i] == '/' && strings.EqualFold(path[i:i+len(version)], version) {
			return path[i+len(version):]
		}
	}
	return path
}

// errOrigin marks a request that was kept back from a foreign host.
var errOrigin = errors.New("credentials are sent to the configured origin only")

// signer adds the credentials. It is the innermost layer, so neither a caller's
// tracing nor a logging wrapper ever sees them. It checks the address again, since a
// wrapper may have changed it.
type signer struct {
	next        http.RoundTripper
	alone       bool // there are no wrappers: nobody else has the request
	credentials func() Credentials
}

func (s *signer) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	if x == nil {
		return s.next.RoundTrip(req)
	}
	resp, err := s.send(req.Context(), x, req, onceOf(req.Context()))
	if resp != nil {
		resp.Request = req // not the signed one: wrappers can see it
	}
	return resp, err
}

// refuseForeign refuses a request that middleware has turned into one that must not be
// sent.
func (x *exchange) refuseForeign(req *http.Request) error {
	origin := x.request.Origin
	if origin == "" {
		return nil
	}
	if !hasOrigin(req.URL, origin) {
		return fmt.Errorf("%w: refused to send to %s instead of %s", errOrigin, Origin(req.URL), origin)
	}
	return x.refuseChanged(req)
}

// signed returns a copy of the request with the credentials and another context. If there
// are wrappers, they have seen the other headers.
func (s *signer) signed(ctx context.Context, x *exchange, req *http.Request) *http.Request {
	signed := req.WithContext(ctx)
	values := headerValues{free: make([]string, 7)}
	if s.alone {
		signed.Header = x.header(req.Header, &values)
	} else {
		signed.Header = make(http.Header, max(8, len(req.Header)+3))
		maps.Copy(signed.Header, req.Header)
	}
	if x.request.Origin == "" {
		return signed
	}
	c := s.credentials()
	values.set(signed.Header, "Apiintegrationcode", c.IntegrationCode)
	values.set(signed.Header, "Username", c.UserName)
	values.set(signed.Header, "Secret", c.Secret)
	return signed
}

// send signs a request and hands it to the network; a write, which has a single, only
// once.
//
// A process that was stopped may hold a request whose place is long lost, and go on
// before any timer of its own has run. So the place is looked at directly before.
func (s *signer) send(ctx context.Context, x *exchange, req *http.Request, o *single) (*http.Response, error) {
	if err := x.refuseForeign(req); err != nil {
		closeBody(req)
		return nil, err
	}
	if o == nil {
		signed := s.signed(untraced(ctx), x, req)
		if err := x.placeLost(); err != nil {
			closeBody(req)
			return nil, err
		}
		return s.next.RoundTrip(signed)
	}
	if err := o.begin(); err != nil {
		closeBody(req)
		return nil, err
	}
	h := newHandover(ctx, o, s.next)
	signed := s.signed(h, x, req) //nolint:contextcheck // a handover is made of the request's own
	h.guard(signed)
	if err := x.placeLost(); err != nil {
		o.keepBack(h)
		closeBody(req)
		return nil, err
	}
	status, failed := 0, errPanicked
	defer func() { o.end(h, status, failed) }()
	resp, err := s.next.RoundTrip(signed)
	if failed = err; err == nil && resp != nil {
		status = resp.StatusCode
	}
	return resp, err
}

// errPanicked is the error of a network layer that did not return.
var errPanicked = errors.New("the HTTP transport panicked")

// headerValues sets headers, whose names must be canonical, from one allocation.
type headerValues struct{ free []string }

func (v *headerValues) set(h http.Header, canonical, value string) {
	v.free[0] = value
	h[canonical] = v.free[:1:1]
	v.free = v.free[1:]
}

// traceKey is the key under which a context holds its httptrace. Package httptrace does
// not export it, but shows it to every context that it asks.
var traceKey = func() any {
	var asked keyCatcher
	httptrace.ContextClientTrace(&asked)
	return asked.key
}()

type keyCatcher struct {
	context.Context
	key any
}

func (c *keyCatcher) Value(key any) any {
	c.key = key
	return nil
}

// untraced hides the headers from an httptrace that a wrapper has installed: its
// WroteHeaderField would see the credentials.
func untraced(ctx context.Context) context.Context {
	if blind := blindTrace(ctx); blind != nil {
		return context.WithValue(ctx, traceKey, blind)
	}
	return ctx
}

// blindTrace returns the httptrace of a context without the hook that sees headers, or
// nil if there is none.
func blindTrace(ctx context.Context) *httptrace.ClientTrace {
	trace := httptrace.ContextClientTrace(ctx)
	if trace == nil {
		return nil
	}
	blind := *trace
	blind.WroteHeaderField = nil
	return &blind
}
