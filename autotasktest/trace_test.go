package autotasktest_test

import (
	"net/http"
	"net/http/httptrace"
)

// countingConns counts the connections that requests did not find open.
type countingConns struct {
	next   http.RoundTripper
	opened *int
}

func (c countingConns) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if !i.Reused {
			*c.opened++
		}
	}}
	return c.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
}
