package autotasktest

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
)

// Wrap returns next with Fault.Refuse added, which a server cannot do by itself: a
// connection is refused before there is a request. Client and Transport already have
// it.
func (s *Server) Wrap(next http.RoundTripper) http.RoundTripper { return gatekeeper{s, next} }

// gatekeeper refuses connections.
type gatekeeper struct {
	server *Server
	next   http.RoundTripper
}

func (g gatekeeper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Context().Err() != nil {
		return g.next.RoundTrip(r) // which ends it without having tried
	}
	if err := g.server.refuseConnection(r); err != nil {
		closeBody(r)
		return nil, err
	}
	return g.next.RoundTrip(r)
}

// refuseConnection fails a request to the tenant that a fault has refused.
func (s *Server) refuseConnection(r *http.Request) error {
	if s.zoneOf(r.URL) < 0 {
		return nil
	}
	f, struck := s.strikeRefusal(r)
	if !struck {
		return nil
	}
	traceOf(r).wantConnection(r.URL)
	delay := f.Delay
	if f.Hang {
		delay = forever
	}
	if err := s.life.wait(r, delay, nil); err != nil && r.Context().Err() != nil {
		return err
	}
	return connectionRefused(r.URL)
}

// The errors of the network.

func connectionRefused(u *url.URL) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: addressOf(u), Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

func connectionReset(u *url.URL) error {
	return &net.OpError{Op: "read", Net: "tcp", Addr: addressOf(u), Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

func unknownHost(u *url.URL) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: u.Hostname(), IsNotFound: true}}
}

// address is where a connection leads.
type address string

func addressOf(u *url.URL) address {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return address(net.JoinHostPort(u.Hostname(), port))
}

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }
