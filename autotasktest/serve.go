package autotasktest

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// maxBody limits a request's body: an attachment of 7 MB, the largest that Autotask
// accepts, has 10 MB in base64.
const maxBody = 16 << 20

// call is one request on its way through the tenant.
type call struct {
	request *http.Request
	zone    int    // the host it was sent to
	path    string // below V1.0; whole if it is not below it
	inAPI   bool   // the path is below V1.0
	op      string
	body    []byte
	broken  error // why the body could not be read whole
	dialled bool  // its connection was not refused: no fault can do that any more
	record  *Request
	fault   Fault
	latency time.Duration
	arrived time.Time   // by the tenant's clock
	left    atomic.Bool // no longer counts as in flight

	route
	actor        int64 // the resource that a write counts for
	impersonator int64 // the resource behind it, 0 for none

	// What the request was about, for faults that meddle with it.
	table  *table
	rowID  int64
	before *row // as it was before a write; nil if it did not exist
	wrote  bool
}

func newCall(r *http.Request, zone int) *call {
	c := &call{request: r, zone: zone}
	c.path, c.inAPI = belowVersion(r.URL.Path)
	c.op = opOf(cmp.Or(r.Method, http.MethodGet), c.path)
	return c
}

// endpoint returns what the thread limit applies to.
func (c *call) endpoint() string {
	endpoint, _, _ := strings.Cut(c.path, "/")
	return endpoint
}

// isDiscovery reports whether the request is zone discovery. That needs no
// credentials and is subject to no limit.
func (c *call) isDiscovery() bool {
	return c.inAPI && strings.EqualFold(c.path, "zoneInformation")
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, zone int) {
	c := newCall(r, zone)
	c.body, c.broken = readBody(w, r.Body)
	s.send(w, c, s.answerTo(c))
}

// readBody reads the body of a request. The ResponseWriter is nil in process.
func readBody(w http.ResponseWriter, body io.ReadCloser) ([]byte, error) {
	if body == nil || body == http.NoBody {
		return nil, nil
	}
	defer body.Close()
	return io.ReadAll(http.MaxBytesReader(w, body, maxBody))
}

func tooLarge(err error) bool {
	var e *http.MaxBytesError
	return errors.As(err, &e)
}

// answerTo records a request whose body has been read, carries it out, and records
// the result.
func (s *Server) answerTo(c *call) answer {
	a, admitted := s.arrive(c)
	if admitted {
		a = s.handle(c)
	}
	s.depart(c, &a)
	return a
}

// arrive records the request, and reports whether it may continue.
func (s *Server) arrive(c *call) (refusal answer, admitted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.record = newRequest(c.request, c.op, c.body)
	s.requests = append(s.requests, c.record)
	switch {
	case !c.isDiscovery() && !s.threads.enter(c.endpoint()):
		return s.threads.refusal(), false
	case tooLarge(c.broken):
		return frameworkError(http.StatusRequestEntityTooLarge, "The request is too large."), false
	case c.broken != nil:
		return lost, false
	}
	c.arrived = s.now()
	if !c.isDiscovery() {
		s.landAsOneArrives()
	}
	c.fault = s.strike(c)
	c.latency = s.latency + c.fault.Delay
	return answer{}, true
}

// handle waits as long as it should and finds the answer.
func (s *Server) handle(c *call) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			s.report("panic in a handler: %v", p)
			a = lost
		}
	}()
	if s.life.wait(c.request, c.latency, nil) != nil {
		return lost
	}
	a, done := c.fault.instead()
	switch {
	case c.fault.landsLater():
		s.keepForLater(c)
	case !done:
		a = s.carryOutFaultily(c)
	}
	a = c.fault.deliver(a, c.request)
	if c.fault.Hang && a.delivery == none {
		_ = s.life.wait(c.request, forever, nil) // whatever it ends with, there is no answer
	}
	return a
}

// carryOutFaultily carries a request out with all that its fault does to rows
// and to the answer's content.
func (s *Server) carryOutFaultily(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.land(false) // what was due while this one waited
	a := s.carryOut(c)
	s.meddle(c)
	s.announce(c)
	return c.fault.spoil(a)
}

// depart takes note of how it went, and gives the answer its last form.
func (s *Server) depart(c *call, a *answer) {
	s.mu.Lock()
	c.record.Duration = time.Since(c.record.Began)
	if a.delivery != none {
		c.record.Status = a.status
	}
	a.complete(c.request.Method)
	s.date(a)
	s.mu.Unlock()
	if a.delivery == none {
		s.leave(c)
	}
}

// leave stops counting the request as in flight, once.
func (s *Server) leave(c *call) {
	if c.left.Swap(true) || c.isDiscovery() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.threads.leave(c.endpoint())
}
