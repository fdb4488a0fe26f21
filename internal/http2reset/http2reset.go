// Package http2reset serves HTTP/2 to tests and ends aborted streams with the
// error code that a test chooses, which net/http's own server does not offer.
package http2reset

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// The codes of RFC 9113, section 7, that matter to a client.
const (
	Protocol      uint32 = 0x1 // net/http sends the request again
	Internal      uint32 = 0x2
	RefusedStream uint32 = 0x7 // net/http sends the request again
	Cancel        uint32 = 0x8
)

// Server is an HTTPS server on loopback that speaks HTTP/2 only.
type Server struct {
	URL string
	// Config is what a client needs to trust it.
	Config *tls.Config
}

// Serve starts a server that closes with the test. A handler that panics with
// http.ErrAbortHandler resets its stream; code returns the error code.
func Serve(t testing.TB, handler http.Handler, code func() uint32) *Server {
	t.Helper()
	lender := httptest.NewTLSServer(handler) // of a certificate
	defer lender.Close()
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())

	behind := listen(t)
	unencrypted := new(http.Protocols)
	unencrypted.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: handler, Protocols: unencrypted, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(behind) }()
	t.Cleanup(func() { _ = server.Close() })

	front := listen(t)
	secured := tls.NewListener(front, &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: lender.TLS.Certificates, NextProtos: []string{"h2"},
	})
	t.Cleanup(func() { _ = front.Close() })
	go func() {
		for {
			conn, err := secured.Accept()
			if err != nil {
				return
			}
			go relay(conn, behind.Addr().String(), code)
		}
	}()
	return &Server{
		URL:    "https://" + front.Addr().String(),
		Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
	}
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Transport returns a network transport that trusts the server and keeps its
// connections to itself.
func (s *Server) Transport(t testing.TB) *http.Transport {
	t.Helper()
	rt := &http.Transport{TLSClientConfig: s.Config.Clone(), ForceAttemptHTTP2: true}
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

func relay(client net.Conn, server string, code func() uint32) {
	defer func() { _ = client.Close() }()
	behind, err := net.Dial("tcp", server) //nolint:noctx // it ends with the client's connection
	if err != nil {
		return
	}
	defer func() { _ = behind.Close() }()
	go func() {
		_, _ = io.Copy(behind, client)
		_ = behind.Close()
	}()
	_ = copyFrames(client, behind, code)
}

// copyFrames copies frames and replaces the codes in those that reset a stream: nine
// bytes of header, of which three are the length and the fourth is the type, then the
// payload.
func copyFrames(to io.Writer, from io.Reader, code func() uint32) error {
	const header, resets = 9, 0x3
	for {
		frame := make([]byte, header)
		if _, err := io.ReadFull(from, frame); err != nil {
			return err
		}
		length := int(frame[0])<<16 | int(frame[1])<<8 | int(frame[2])
		frame = append(frame, make([]byte, length)...)
		if _, err := io.ReadFull(from, frame[header:]); err != nil {
			return err
		}
		if frame[3] == resets && length == 4 {
			binary.BigEndian.PutUint32(frame[header:], code())
		}
		if _, err := to.Write(frame); err != nil {
			return err
		}
	}
}
