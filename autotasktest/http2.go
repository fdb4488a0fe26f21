package autotasktest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// StreamReset is the code with which an HTTP/2 server resets a stream.
type StreamReset uint32

// Codes of RFC 9113, section 7. Any other number may be given as well.
const (
	ResetProtocolError   StreamReset = 0x1
	ResetInternalError   StreamReset = 0x2
	ResetRefusedStream   StreamReset = 0x7
	ResetCancel          StreamReset = 0x8
	ResetEnhanceYourCalm StreamReset = 0xb
)

// String returns the code's name in the RFC.
func (r StreamReset) String() string {
	switch r {
	case ResetProtocolError:
		return "PROTOCOL_ERROR"
	case ResetInternalError:
		return "INTERNAL_ERROR"
	case ResetRefusedStream:
		return "REFUSED_STREAM"
	case ResetCancel:
		return "CANCEL"
	case ResetEnhanceYourCalm:
		return "ENHANCE_YOUR_CALM"
	}
	return fmt.Sprintf("code %#x", uint32(r))
}

// NewHTTP2 starts a tenant that serves HTTP/2 over TLS on loopback, and closes with
// the test. It has its own certificate, which Client and HTTPClient trust.
// Fault.ResetStream needs this tenant. If another fault closes a connection, all
// requests in flight on it are lost, too.
func NewHTTP2(t testing.TB) *Server {
	t.Helper()
	s := newServer(t)
	t.Cleanup(s.life.end)
	s.http2 = true
	s.openZone()
	return s
}

// HTTPClient returns a plain client that reaches the tenant by whichever protocol it
// serves. It adds no credentials and follows no redirect.
func (s *Server) HTTPClient() *http.Client {
	return &http.Client{
		Transport:     s.transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport is a new transport that reaches the tenant. Its connections end
// with the tenant.
func (s *Server) transport() http.RoundTripper {
	if s.unlisted {
		return s.Transport()
	}
	transport := &http.Transport{ForceAttemptHTTP2: true}
	if s.http2 {
		pool := x509.NewCertPool()
		pool.AddCert(certificate().Leaf)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	s.life.keep(transport)
	return s.Wrap(transport)
}

// certificate is that of every tenant with TLS. It is good for loopback alone.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "fake tenant"},
		NotBefore:             time.Unix(0, 0),
		NotAfter:              time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})

// listenHTTP2 starts a host with TLS and returns its origin. The server speaks
// HTTP/2 inside of connections that see to TLS themselves: so they can change
// the frames that it sends.
func (l *life) listenHTTP2(h http.Handler) string {
	host := httptest.NewUnstartedServer(h)
	host.Listener = resetListener{host.Listener}
	host.Config.Protocols = new(http.Protocols)
	host.Config.Protocols.SetHTTP1(true)
	host.Config.Protocols.SetUnencryptedHTTP2(true)
	host.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}
	host.Start()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts = append(l.hosts, host)
	return "https://" + host.Listener.Addr().String()
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

func connOf(r *http.Request) *resetConn {
	c, _ := r.Context().Value(connKey{}).(*resetConn)
	return c
}

type resetListener struct{ net.Listener }

func (l resetListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &resetConn{Conn: tls.Server(conn, &tls.Config{
		Certificates: []tls.Certificate{certificate()},
		NextProtos:   []string{"h2", "http/1.1"},
		MinVersion:   tls.VersionTLS12,
	}), turn: make(chan struct{}, 1)}, nil
}

// resetConn is a connection whose server can reset a stream with any code.
// net/http lets a handler reset its stream with one code alone: this replaces
// it in the frame that goes out. Handlers take turns, so that each frame gets
// the code of its own stream.
type resetConn struct {
	net.Conn

	turn chan struct{} // full while a code waits for its frame

	mu      sync.Mutex
	code    StreamReset // for the next reset, 0 for none
	pending []byte      // the beginning of a frame that is not there yet
	skip    int         // bytes of a frame's payload that are still to come
}

func (c *resetConn) isHTTP2() bool {
	conn, ok := c.Conn.(*tls.Conn)
	return ok && conn.ConnectionState().NegotiatedProtocol == "h2"
}

// staleReset is when a code without a frame is given up: the client has reset the
// stream itself meanwhile.
const staleReset = 5 * time.Second

// resetWith makes the next reset have that code.
func (c *resetConn) resetWith(ctx context.Context, code StreamReset) {
	stale := time.NewTimer(staleReset)
	defer stale.Stop()
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return // nobody waits for the frame
	case <-stale.C:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.code = code
}

const (
	frameHeader    = 9
	frameRSTStream = 0x3
	resetFrame     = frameHeader + 4
)

// Write passes frames on, each as soon as it is known what it is.
func (c *resetConn) Write(p []byte) (int, error) {
	if !c.isHTTP2() {
		return c.Conn.Write(p)
	}
	c.mu.Lock()
	out := c.rewrite(p)
	c.mu.Unlock()
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *resetConn) rewrite(p []byte) (out []byte) {
	in := append(c.pending, p...)
	c.pending = nil
	for len(in) > 0 {
		if c.skip > 0 {
			n := min(c.skip, len(in))
			out, in, c.skip = append(out, in[:n]...), in[n:], c.skip-n
			continue
		}
		if len(in) < frameHeader || in[3] == frameRSTStream && len(in) < resetFrame {
			c.pending = in
			break
		}
		if in[3] == frameRSTStream {
			c.replaceCode(in[frameHeader:resetFrame])
		}
		out = append(out, in[:frameHeader]...)
		c.skip = int(in[0])<<16 | int(in[1])<<8 | int(in[2])
		in = in[frameHeader:]
	}
	return out
}

// replaceCode puts the code that waits into the reset of a handler's stream.
func (c *resetConn) replaceCode(code []byte) {
	if c.code == 0 || StreamReset(binary.BigEndian.Uint32(code)) != ResetInternalError {
		return
	}
	binary.BigEndian.PutUint32(code, uint32(c.code))
	c.code = 0
	<-c.turn
}

// streamError is what a client of HTTP/2 makes of a reset.
type streamError struct{ code StreamReset }

func (e streamError) Error() string {
	return fmt.Sprintf("stream error: stream ID 1; %v; received from peer", e.code)
}
