package autotasktest

import (
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
)

// trace tells a client that watches its request through [httptrace] what a
// network would. It may be nil.
type trace httptrace.ClientTrace

func traceOf(r *http.Request) *trace { return (*trace)(httptrace.ContextClientTrace(r.Context())) }

func (t *trace) wantConnection(u *url.URL) {
	if t != nil && t.GetConn != nil {
		t.GetConn(addressOf(u).String())
	}
}

func (t *trace) gotConnection() {
	if t != nil && t.GotConn != nil {
		conn, _ := net.Pipe() // carries nothing; only its addresses are asked for
		t.GotConn(httptrace.GotConnInfo{Conn: conn})
	}
}

func (t *trace) wroteRequest() {
	if t != nil && t.WroteRequest != nil {
		t.WroteRequest(httptrace.WroteRequestInfo{})
	}
}

func (t *trace) gotAnswer() {
	if t != nil && t.GotFirstResponseByte != nil {
		t.GotFirstResponseByte()
	}
}
