package autotasktest

import (
	"cmp"
	"compress/gzip"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// Transport returns a transport that carries requests to the tenant without a socket,
// on the goroutine of the caller. A client sees what it would see over a network:
// only the tenant's own hosts can be reached, answers and headers arrive completely
// or are cut off, and the end of the request's context ends everything at once. It
// waits only on timers, channels and contexts, so it works inside a bubble of
// [testing/synctest] with a tenant created there.
//
//	autotask.WithHTTPClient(&http.Client{Transport: srv.Transport()})
//
// A request counts as in flight (see MaxInFlight) until its client has read or closed
// the body of the answer.
func (s *Server) Transport() http.RoundTripper { return s.Wrap(inProcess{s}) }

// inProcess carries requests to the tenant.
type inProcess struct{ server *Server }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := p.server.receive(r)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	a := p.server.answerTo(c)
	body := p.server.stream(c, a)
	if err := c.lossOf(r, a); err != nil {
		_ = body.Close()
		return nil, err
	}
	traceOf(r).gotAnswer()
	return a.response(r, body), nil
}

// receive converts a request to what it is after passing through the network.
func (s *Server) receive(r *http.Request) (*call, error) {
	trace := traceOf(r)
	trace.wantConnection(r.URL)
	zone := s.zoneOf(r.URL)
	switch {
	case r.Context().Err() != nil:
		return nil, context.Cause(r.Context())
	case zone < 0:
		return nil, unknownHost(r.URL)
	case s.life.isOver():
		return nil, connectionRefused(r.URL)
	}
	trace.gotConnection()
	arrived, err := inbound(r)
	if err != nil {
		return nil, err
	}
	c := newCall(arrived, zone)
	c.dialled = true
	if c.body, c.broken = readBody(nil, r.Body); c.broken != nil && !tooLarge(c.broken) {
		return nil, c.broken
	}
	trace.wroteRequest()
	return c, nil
}

// inbound is a client's request as a server has it.
func inbound(r *http.Request) (*http.Request, error) {
	in := r.WithContext(r.Context())
	in.Method = cmp.Or(r.Method, http.MethodGet)
	in.Host = cmp.Or(r.Host, r.URL.Host)
	in.RequestURI = r.URL.RequestURI()
	var err error
	if in.URL, err = url.ParseRequestURI(in.RequestURI); err != nil {
		return nil, err
	}
	in.Header = maps.Clone(r.Header)
	if in.Header == nil {
		in.Header = make(http.Header)
	}
	if in.UserAgent() == "" {
		in.Header.Set("User-Agent", "Go-http-client/1.1")
	}
	if asksForGzip(r) {
		in.Header.Set("Accept-Encoding", "gzip")
	}
	if r.ContentLength > 0 {
		in.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	return in, nil
}

// asksForGzip reports whether the transport itself asks for a compressed answer, as
// net/http does unless the client sets the header, and therefore decompresses it.
func asksForGzip(r *http.Request) bool {
	return r.Header.Get("Accept-Encoding") == "" && r.Header.Get("Range") == "" && r.Method != http.MethodHead
}

// lossOf is the error of a request that has no answer, nil if it has one.
func (c *call) lossOf(r *http.Request, a answer) error {
	switch {
	case r.Context().Err() != nil:
		return context.Cause(r.Context())
	case a.delivery != none:
		return nil
	case a.reset != 0:
		return streamError{a.reset}
	case c.fault.DropRequest:
		return connectionReset(r.URL)
	}
	return io.ErrUnexpectedEOF
}

// response is the answer as net/http hands it to a client.
func (a answer) response(r *http.Request, body *stream) *http.Response {
	resp := &http.Response{
		Status:        strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header.Clone(),
		Body:          body,
		ContentLength: a.length(),
		Request:       r,
	}
	if a.length() == 0 {
		resp.Body = http.NoBody
	}
	if resp.Header.Get("Date") == "" {
		resp.Header.Del("Date")
	}
	if a.compressed && asksForGzip(r) {
		resp.Body = &unzipped{stream: body}
		resp.Header.Del("Content-Encoding")
		resp.Uncompressed = true
	}
	return resp
}

// unzipped takes the compression off a body. It begins with the first Read, so
// that a slow body does not keep its headers waiting.
type unzipped struct {
	*stream

	zip *gzip.Reader
	err error
}

func (u *unzipped) Read(p []byte) (int, error) {
	if u.zip == nil && u.err == nil {
		u.zip, u.err = gzip.NewReader(u.stream)
	}
	if u.err != nil {
		return 0, u.err
	}
	return u.zip.Read(p)
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
