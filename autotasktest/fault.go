package autotasktest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Fault is something that goes wrong. The zero value of every kind is off; kinds may
// be combined where that makes sense, such as Delay with any other.
type Fault struct {
	// Op is the operation that goes wrong, as in Request.Op. "" matches every request
	// except zone discovery.
	Op string
	// Times is how often it goes wrong: 0 means once, less than 0 always.
	Times int
	// Skip is the number of matching requests that pass first. Every request counts,
	// even one that another fault strikes: Fault{Skip: 2} and Fault{Skip: 5} strike
	// the third and the sixth of all requests. Requests that the thread limit
	// rejects, or that do not arrive complete, do not count.
	Skip int

	// Refuse refuses the connection, after Delay: the request never arrives, and
	// Requests does not list it. It needs the transport of Client, InProcessClient,
	// Transport or Wrap. For any other client it acts as DropRequest.
	Refuse bool
	// Delay passes before the request is carried out. If the client gives up
	// meanwhile, nothing is carried out.
	Delay time.Duration
	// Hang never answers: the client waits until the request's context ends or the
	// Server is closed. Nothing is carried out, except with DropResponse, where the
	// answer never arrives, and with Truncate, where its second half never does. With
	// Refuse the connection is never made.
	Hang bool
	// DropRequest closes the connection; nothing is carried out.
	DropRequest bool
	// ResetStream reads the whole request, carries it out (not with DropRequest), and
	// resets the stream with that code instead of answering. It needs a tenant of
	// NewHTTP2; in process, the client gets the error that an HTTP/2 client would
	// get.
	ResetStream StreamReset
	// Redirect answers 307 with that location, and with Header; nothing is carried
	// out.
	Redirect string
	// Status is answered, with Body and Header. Nothing is carried out, except later
	// with ApplyAfter or Lands.
	Status int
	Body   string
	Header http.Header

	// IgnoreWrite answers a write as if it had been done, but changes nothing.
	IgnoreWrite bool
	// Revert carries a write out and then undoes it, as a workflow rule does. The
	// activity still shows in lastActivityDate and similar fields.
	Revert bool
	// Edit changes the row of a request for one item, once the answer is ready: what
	// another user does between a client's read and write. Numbers are json.Number; a
	// member that it deletes is absent afterwards. Edit must not call the Server.
	Edit func(row map[string]any)
	// HideFromQueries hides the created row from that many queries, counts and lists
	// of its entity, every page counting as one; GET of its id shows it. It is a
	// count, not a duration, so tests need no clock to get past it.
	HideFromQueries int
	// Lag hides the created row for a duration, by the tenant's clock. SetQueryLag
	// does so for every row.
	Lag time.Duration

	// ApplyAfter carries the request out after its client has lost it: once that many
	// further requests have arrived, just before the last of them is carried out, but
	// no later than five minutes after it arrived, by the tenant's clock, since
	// Autotask ends a request by then. Zone discovery and requests that the thread
	// limit rejects do not count. Until then the fault is pending. ApplyPending does
	// not wait for it.
	//
	// The connection is cut at once. With Hang the client waits until its context
	// ends; with Status that is answered at once, as a gateway does that times out.
	ApplyAfter int
	// Lands carries the request out that long after it arrived, by the tenant's
	// clock, at most five minutes; otherwise it is like ApplyAfter. With both, the
	// earlier one counts. Nothing waits for the time: a request that is due is
	// carried out before the next request, or when Get, Rows, Raw, Snapshot and the
	// like look at the tenant, and is stamped with the time when it was due.
	Lands time.Duration

	// RepeatNextPage makes a page its own next page.
	RepeatNextPage bool
	// ForeignNextPage is the origin, such as "https://example.com", of the next page
	// of a query's answer, even if there is no next page.
	ForeignNextPage string
	// Garbage carries the request out and answers 200 with a body that is not JSON.
	Garbage bool
	// HTML carries the request out and answers 200 with a web page.
	HTML bool

	// DropResponse carries the request out and closes the connection.
	DropResponse bool
	// Truncate carries the request out and closes the connection after half of
	// the answer's body.
	Truncate bool
	// SlowBody carries the request out and sends the answer's body byte by byte,
	// waiting that long before each byte.
	SlowBody time.Duration
	// Oversize carries the request out and pads the answer's body to that many bytes,
	// without a Content-Length. The body is generated as it is read. It stays valid
	// JSON if the size leaves room for that.
	Oversize int64
	// GzipBomb compresses what Oversize sends, if the client accepts that.
	GzipBomb bool
}

// armed is a fault with what is left of it.
type armed struct {
	Fault
	skip, left int // a negative left never ends
	struck     bool
}

// Inject adds a fault. Faults are kept in order: of those due at a request, only the
// first injected strikes. The others stay due.
func (s *Server) Inject(f Fault) {
	s.t.Helper()
	err := f.check()
	if err == nil && f.ResetStream != 0 && !s.http2 && !s.unlisted {
		err = errors.New("ResetStream needs a tenant of NewHTTP2 or NewInProcess")
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

// check refuses a fault that cannot happen: a test that relies on it would pass for
// the wrong reason.
func (f Fault) check() error {
	if err := checkOp(f.Op); err != nil {
		return err
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 999) {
		return fmt.Errorf("%d is not a status of an answer", f.Status)
	}
	if f.GzipBomb && f.Oversize <= 0 {
		return errors.New("a GzipBomb needs an Oversize")
	}
	if err := f.checkNumbers(); err != nil {
		return err
	}
	if f.Lands > maxExecution {
		return fmt.Errorf("%v is not a valid Lands: Autotask ends a request after %v", f.Lands, maxExecution)
	}
	if u, err := url.Parse(f.ForeignNextPage); f.ForeignNextPage != "" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
		return fmt.Errorf(`%q is not an origin such as "https://example.com"`, f.ForeignNextPage)
	}
	return f.checkKinds()
}

// PendingFaults returns how many faults have not happened as often as they should,
// including requests still to be carried out. Faults that always happen are not
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

// strike returns the fault for a request, the zero value for none, and counts the
// request for all others.
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

// due returns the fault for a request, nil for none.
func (s *Server) due(c *call) *armed {
	for _, f := range s.faults {
		if f.skip <= 0 && f.left != 0 && f.matches(c) && !(f.Refuse && c.dialled) {
			return f
		}
	}
	return nil
}

// strikeRefusal is strike for a request that is not sent yet. If no connection is to
// be refused, it counts nothing: the request counts when it arrives.
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

// instead returns the answer of a fault that keeps a request from being carried out.
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

// spoil applies the fault to the content of an answer.
func (f Fault) spoil(a answer) answer {
	switch {
	case f.Garbage:
		return ok([]byte("\x1f\x8b{\"item\": what is this"))
	case f.HTML:
		return reply(http.StatusOK, htmlType, htmlPage("One moment", "This is a web page and not an answer."))
	}
	return a
}

// deliver applies the fault to the delivery of an answer.
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
