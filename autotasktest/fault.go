package autotasktest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Fault makes something go wrong. The zero value of every kind is off; kinds
// may be combined where that makes sense, such as Delay with any other.
type Fault struct {
	// Op is the operation that goes wrong, as in Request.Op. Empty is every
	// request but zone discovery.
	Op string
	// Times is how often it goes wrong: 0 means once, less than 0 always.
	Times int
	// Skip is how many matching requests pass first. Every one of them counts,
	// also where another fault strikes it: Fault{Skip: 2} and Fault{Skip: 5}
	// strike the third and the sixth of all requests. Those that the thread
	// limit turns away, or that do not arrive whole, count for no fault.
	Skip int

	// Refuse refuses the connection, after Delay: the request never arrives,
	// and Requests does not list it. This takes the transport of Client,
	// InProcessClient, Transport or Wrap. For any other client it is
	// DropRequest.
	Refuse bool
	// Delay passes before the request is carried out. A client that goes away
	// meanwhile has asked for nothing.
	Delay time.Duration
	// Hang never answers: the client waits until the request's context ends or
	// the Server is closed. Nothing is carried out, except with DropResponse,
	// where the answer is what never comes, and with Truncate, where it is the
	// second half of it. With Refuse it is the connection that never comes about.
	Hang bool
	// DropRequest closes the connection; nothing is carried out.
	DropRequest bool
	// ResetStream reads the whole request, carries it out, unless DropRequest
	// says that it is not, and resets the stream with that code in place of an
	// answer. It takes a tenant of NewHTTP2; in process the error is the one that
	// a client of HTTP/2 has for it.
	ResetStream StreamReset
	// Redirect is answered with 307 as the place to go to, with Header; nothing
	// is carried out.
	Redirect string
	// Status, with Body and Header, is answered; nothing is carried out, unless
	// ApplyAfter or Lands says that it is later.
	Status int
	Body   string
	Header http.Header

	// IgnoreWrite answers a write as if it had been done. Nothing changes.
	IgnoreWrite bool
	// Revert carries a write out and then takes it back, as a workflow rule
	// does. That somebody was there still shows in lastActivityDate and its like.
	Revert bool
	// Edit changes the row that a request for one item was about, once the
	// answer is ready: what another user does between a client's read and
	// write. Numbers are json.Number; a member taken out is absent afterwards.
	// Edit must not call the Server.
	Edit func(row map[string]any)
	// HideFromQueries keeps the row that a create makes from the next so many queries,
	// counts and lists of its entity, every page being one; GET of its id shows
	// it. It is a number and no time, so that it takes no clock to get past it.
	HideFromQueries int
	// Lag keeps that row from them for a time, by the tenant's clock. See
	// SetQueryLag, which does so with every row.
	Lag time.Duration

	// ApplyAfter carries the request out after its client has lost it: as the next
	// so many requests have arrived, just before the last of them is carried
	// out, but no later than five minutes after it came, by the tenant's clock,
	// which is when Autotask gives up any request. The connection is cut at
	// once; with Hang the client waits until its context ends; with Status that
	// is answered at once, as a gateway does that has lost patience. Zone
	// discovery and requests that the thread limit turns away do not count.
	// Until then the fault is pending. ApplyPending does not wait for it.
	ApplyAfter int
	// Lands carries the request out that long after it arrived, by the tenant's
	// clock, five minutes at the most; otherwise it is like ApplyAfter. Of both, what
	// comes first counts. Nothing waits for the time: what is due lands before
	// the next request is carried out, or when Get, Rows, Raw, Snapshot and
	// their like look at the tenant, and is stamped as of when it was due.
	Lands time.Duration

	// RepeatNextPage makes the page that was asked for its own next page.
	RepeatNextPage bool
	// ForeignNextPage is the origin, such as "https://example.com", to which
	// the next page of a query's answer leads, also where there is none.
	ForeignNextPage string
	// Garbage carries the request out and answers 200 with what is not JSON.
	Garbage bool
	// HTML carries the request out and answers 200 with a web page.
	HTML bool

	// DropResponse carries the request out and closes the connection.
	DropResponse bool
	// Truncate carries the request out and closes the connection after half of
	// the answer's body.
	Truncate bool
	// SlowBody carries the request out and sends the answer's body byte by byte,
	// with this time before each.
	SlowBody time.Duration
	// Oversize carries the request out and swells the answer's body to that
	// many bytes, without a Content-Length. The body is made as it is read. It
	// stays valid JSON if the size leaves room for that.
	Oversize int64
	// GzipBomb compresses what Oversize sends, if the client accepts that.
	GzipBomb bool
}

// armed is a fault with what is left of it.
type armed struct {
	Fault
	skip, left int // left is negative for ever
	struck     bool
}

// Inject adds a fault. Faults are kept in order: of those that are due at a
// request, the first that was injected strikes, and no other. The others stay
// due.
func (s *Server) Inject(f Fault) {
	s.t.Helper()
	err := f.check()
	if err == nil && f.ResetStream != 0 && !s.http2 && !s.unlisted {
		err = errors.New("ResetStream takes a tenant of NewHTTP2 or NewInProcess")
	}
	if err != nil {
		s.fail("Inject: %v", err)
		return
	}
	left := f.Times
	if left == 0 {
		left = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armed{Fault: f, skip: f.Skip, left: left})
}

// check refuses what cannot happen: a fault that never does makes a test pass
// for nothing.
func (f Fault) check() error {
	if err := checkOp(f.Op); err != nil {
		return err
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 999) {
		return fmt.Errorf("%d is no status of an answer", f.Status)
	}
	if f.GzipBomb && f.Oversize <= 0 {
		return errors.New("a GzipBomb needs an Oversize")
	}
	if err := f.checkNumbers(); err != nil {
		return err
	}
	if f.Lands > maxExecution {
		return fmt.Errorf("%v is no time to land: Autotask ends a request after %v", f.Lands, maxExecution)
	}
	if u, err := url.Parse(f.ForeignNextPage); f.ForeignNextPage != "" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
		return fmt.Errorf(`%q is no origin such as "https://example.com"`, f.ForeignNextPage)
	}
	return f.checkKinds()
}

// PendingFaults returns how many faults have not happened as often as they
// should, requests that are still to land included. Faults that happen always are not
// counted.
func (s *Server) PendingFaults() int {
	s.look()
	defer s.mu.Unlock()
	n := 0
	for _, l := range s.lingering {
		if l.late == nil {
			n++
		}
	}
	for _, f := range s.faults {
		if f.left > 0 {
			n++
		}
	}
	return n
}

// strike returns the fault that befalls a request, the zero value for none,
// and counts the request for all others.
func (s *Server) strike(c *call) Fault {
	due := s.due(c)
	for _, f := range s.faults {
		if f.skip > 0 && f.left != 0 && f.matches(c) {
			f.skip--
		}
	}
	if due == nil {
		return Fault{}
	}
	due.struck = true
	if due.left > 0 {
		due.left--
	}
	return due.Fault
}

// due returns the fault that is to befall a request, nil for none.
func (s *Server) due(c *call) *armed {
	for _, f := range s.faults {
		if f.skip <= 0 && f.left != 0 && f.matches(c) && !(f.Refuse && c.dialled) {
			return f
		}
	}
	return nil
}

// strikeRefusal is strike for a request that is not sent yet. If no connection
// is to be refused, it counts nothing: the request counts when it arrives.
func (s *Server) strikeRefusal(r *http.Request) (Fault, bool) {
	c := newCall(r, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if due := s.due(c); due == nil || !due.Refuse {
		return Fault{}, false
	}
	return s.strike(c), true
}

func (f *armed) matches(c *call) bool {
	if f.Op == "" {
		return !c.isDiscovery()
	}
	return f.Op == c.op
}

// instead is the answer of a fault that keeps a request from being carried out.
func (f Fault) instead() (answer, bool) {
	var a answer
	switch {
	case f.DropRequest, f.Refuse, f.Hang && !f.DropResponse && !f.Truncate && !f.landsLater():
		return lost, true
	case f.Redirect != "":
		a = reply(http.StatusTemporaryRedirect, htmlType, nil)
		a.header.Set("Location", f.Redirect)
	case f.Status != 0:
		a = reply(f.Status, jsonType, []byte(f.Body))
	case f.landsLater():
		return lost, true
	default:
		return answer{}, false
	}
	for name, values := range f.Header {
		a.header[http.CanonicalHeaderKey(name)] = values
	}
	return a, true
}

// spoil does to the content of an answer what the fault does.
func (f Fault) spoil(a answer) answer {
	switch {
	case f.Garbage:
		return ok([]byte("\x1f\x8b{\"item\": what is this"))
	case f.HTML:
		return reply(http.StatusOK, htmlType, htmlPage("One moment", "This is a web page and not an answer."))
	}
	return a
}

// deliver does to an answer on its way what the fault does.
func (f Fault) deliver(a answer, r *http.Request) answer {
	switch {
	case a.delivery == none, f.ResetStream != 0:
		return answer{delivery: none, reset: f.ResetStream}
	case f.DropResponse:
		return lost
	case f.Truncate:
		a.delivery = half
	}
	a.drip = f.SlowBody
	a.oversize = f.Oversize
	a.compressed = f.GzipBomb && acceptsGzip(r)
	a.stalls = f.Hang
	return a
}
