package autotasktest

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Request is one request that arrived.
type Request struct {
	Method   string
	Path     string        // complete, as it was sent
	Op       string        // the method and the path below V1.0 without ids: "POST Tickets/Notes"
	Query    url.Values    // parameters of the URL
	Header   http.Header   // with the credentials replaced by "REDACTED"
	Body     []byte        // as it was sent
	Status   int           // of the answer; 0 if there was none, or not yet
	Began    time.Time     // by this machine's clock, whatever the tenant's says
	Duration time.Duration // until the answer was ready; 0 before
}

const redacted = "REDACTED"

// Headers with the credentials and the impersonated resource.
const (
	headerUserName        = "UserName"
	headerSecret          = "Secret"
	headerIntegrationCode = "ApiIntegrationCode"
	headerImpersonation   = "ImpersonationResourceId"
)

func newRequest(r *http.Request, op string, body []byte) *Request {
	header := r.Header.Clone()
	for _, name := range [...]string{headerUserName, headerSecret, headerIntegrationCode} {
		if header.Get(name) != "" {
			header.Set(name, redacted)
		}
	}
	return &Request{
		Method: r.Method,
		Path:   r.URL.Path,
		Op:     op,
		Query:  r.URL.Query(),
		Header: header,
		Body:   body,
		Began:  time.Now(),
	}
}

func (r *Request) clone() Request {
	c := *r
	c.Header = r.Header.Clone()
	c.Query = url.Values(http.Header(r.Query).Clone())
	c.Body = bytes.Clone(r.Body)
	return c
}

// Requests returns every request so far, in order of arrival, including those in
// flight.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, len(s.requests))
	for i, r := range s.requests {
		requests[i] = r.clone()
	}
	return requests
}

// ResetRequests clears the list of requests, and the highest numbers that MaxInFlight
// reports.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
	s.threads.forgetHighest()
}

// opOf names a request without its ids.
func opOf(method, path string) string {
	op := append(make([]byte, 0, len(method)+1+len(path)), method...)
	op = append(op, ' ')
	separator := ""
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if isID(segment) {
			continue
		}
		op = append(append(op, separator...), segment...)
		separator = "/"
	}
	return string(op)
}

func isID(segment string) bool {
	// Most segments are names; ParseInt would make an error of each.
	if segment == "" || segment[0] > '9' {
		return false
	}
	_, err := strconv.ParseInt(segment, 10, 64)
	return err == nil
}
