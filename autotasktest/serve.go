package autotasktest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxBody bounds a request's body: an attachment of 7 MB, the largest that
// Autotask takes, has 10 MB in base64.
const maxBody = 16 << 20

// call is one request on its way through the tenant.
type call struct {
	request *http.Request
	zone    int    // the host it was sent to
	path    string // below V1.0; whole if it is not below it
	inAPI   bool   // the path is below V1.0
	op      string
	body    []byte
	record  *Request
	fault   Fault
	latency time.Duration

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
	c.path, c.inAPI = strings.CutPrefix(r.URL.Path, versionPath)
	c.op = opOf(r.Method, c.path)
	return c
}

// endpoint is what the thread limit goes by.
func (c *call) endpoint() string {
	endpoint, _, _ := strings.Cut(c.path, "/")
	return endpoint
}

// isDiscovery reports whether the request asks for the zone. That needs no
// credentials and is subject to no limit.
func (c *call) isDiscovery() bool {
	return c.inAPI && strings.EqualFold(c.path, "zoneInformation")
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, zone int) {
	defer s.reportPanic()
	c := newCall(r, zone)
	a, admitted := s.arrive(w, c)
	if admitted {
		a = s.handle(c)
	}
	s.depart(w, c, a)
	a.send(w)
}

// arrive takes note of the request, and reports whether it may go on.
func (s *Server) arrive(w http.ResponseWriter, c *call) (refusal answer, admitted bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, c.request.Body, maxBody))
	c.body = body

	s.mu.Lock()
	defer s.mu.Unlock()
	c.record = newRequest(c.request, c.op, c.body)
	s.requests = append(s.requests, c.record)
	if !c.isDiscovery() && !s.threads.enter(c.endpoint()) {
		return s.threads.refusal(), false
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return frameworkError(http.StatusRequestEntityTooLarge, "The request is too large."), false
	case err != nil:
		return lost, false
	}
	c.fault = s.strike(c)
	c.latency = s.latency + c.fault.Delay
	return answer{}, true
}

// handle waits as long as it should and finds the answer.
func (s *Server) handle(c *call) answer {
	if !s.wait(c) {
		return lost
	}
	if a, ok := c.fault.instead(); ok {
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.carryOut(c)
	s.meddle(c)
	return c.fault.spoil(a)
}

// wait reports whether the client and the tenant are both still there.
func (s *Server) wait(c *call) bool {
	if c.latency <= 0 {
		return true
	}
	timer := time.NewTimer(c.latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.request.Context().Done():
	case <-s.closing:
	}
	return false
}

// depart takes note of how it went. That happens before the answer is sent: a
// client that has its answer may send the next request at once, and must
// neither find the last one still counted nor its record unfinished.
func (s *Server) depart(w http.ResponseWriter, c *call, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.isDiscovery() {
		s.threads.leave(c.endpoint())
	}
	c.record.Duration = time.Since(c.record.Began)
	if a.delivery != none {
		c.record.Status = a.status
	}
	w.Header().Set("Date", s.clock().UTC().Format(http.TimeFormat))
}
