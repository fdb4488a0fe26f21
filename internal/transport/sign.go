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
	credentials func() Credentials
}

func (s *signer) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	if x == nil {
		return s.next.RoundTrip(req)
	}
	signed, err := s.sign(x, req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := s.send(x, signed, onceOf(req.Context()))
	if resp != nil {
		resp.Request = req // not the signed one: wrappers can see it
	}
	return resp, err
}

// sign refuses requests that must not be sent, and returns the request with the
// credentials.
func (s *signer) sign(x *exchange, req *http.Request) (*http.Request, error) {
	origin := x.request.Origin
	if origin == "" {
		return req, nil
	}
	if !hasOrigin(req.URL, origin) {
		return nil, fmt.Errorf("%w: refused to send to %s instead of %s", errOrigin, Origin(req.URL), origin)
	}
	if err := x.refuseChanged(req); err != nil {
		return nil, err
	}
	// A RoundTripper must not change the request it was given.
	signed := req.WithContext(untraced{req.Context()}) //nolint:contextcheck // it is the request's own, but for one hook
	signed.Header = make(http.Header, max(8, len(req.Header)+3))
	maps.Copy(signed.Header, req.Header)
	c := s.credentials()
	values := headerValues{free: make([]string, 3)}
	values.set(signed.Header, "Apiintegrationcode", c.IntegrationCode)
	values.set(signed.Header, "Username", c.UserName)
	values.set(signed.Header, "Secret", c.Secret)
	return signed, nil
}

// send hands a request to the network; a write, which has a single, only once.
//
// A process that was stopped may hold a request whose place is long lost, and go on
// before any timer of its own has run. So the place is looked at directly before.
func (s *signer) send(x *exchange, req *http.Request, o *single) (*http.Response, error) {
	if o == nil {
		if err := x.placeLost(); err != nil {
			closeBody(req)
			return nil, err
		}
		return s.next.RoundTrip(req)
	}
	if err := o.begin(); err != nil {
		closeBody(req)
		return nil, err
	}
	if err := x.placeLost(); err != nil {
		o.keepBack()
		closeBody(req)
		return nil, err
	}
	h := newHandover(o, s.next)
	status, failed := 0, errPanicked
	defer func() { o.end(h, status, failed) }()
	resp, err := s.next.RoundTrip(h.guard(req))
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

// untraced hides the headers from an httptrace that a wrapper has installed: its
// WroteHeaderField would see the credentials.
type untraced struct{ context.Context }

func (u untraced) Value(key any) any {
	v := u.Context.Value(key)
	trace, ok := v.(*httptrace.ClientTrace)
	if !ok {
		return v
	}
	blind := *trace
	blind.WroteHeaderField = nil
	return &blind
}
