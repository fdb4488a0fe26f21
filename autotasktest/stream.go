package autotasktest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// stream is the body of an answer on its way to the client: over a socket what
// is written to it, in process what the client reads.
type stream struct {
	life    *life
	request *http.Request // the stream ends with its context
	drip    time.Duration // passes before each byte
	stalls  bool          // falls silent where it should break off

	content   io.Reader
	remaining int64 // bytes to the end; negative if nobody knows
	ended     error // what the content ended with

	last   func() // called as the last piece is handed out, or nothing more will be
	once   sync.Once
	closed chan struct{}
}

// stream returns the body of an answer. The request counts as in flight exactly until
// the last piece is handed out: a client that has the whole answer may send the next
// request at once, and must not find this one still counted.
func (s *Server) stream(c *call, a answer) *stream {
	b := &stream{
		life:      s.life,
		request:   c.request,
		drip:      a.drip,
		stalls:    a.stalls,
		content:   a.content(),
		remaining: a.length(),
		last:      func() { s.leave(c) },
		closed:    make(chan struct{}),
	}
	if b.remaining == 0 {
		b.end(io.EOF)
	}
	return b
}

// Read fails as a body from the network would.
func (b *stream) Read(p []byte) (int, error) {
	select {
	case <-b.closed:
		return 0, http.ErrBodyReadAfterClose
	default:
	}
	if b.ended != nil || len(p) == 0 {
		return 0, b.ended
	}
	if ctx := b.request.Context(); ctx.Err() != nil {
		b.end(context.Cause(ctx))
		return 0, b.ended
	}
	if b.drip > 0 {
		if err := b.life.wait(b.request, b.drip, b.closed); err != nil {
			b.end(err)
			return 0, err
		}
		p = p[:1]
	}
	return b.next(p)
}

func (b *stream) next(p []byte) (int, error) {
	n, err := b.content.Read(p)
	b.remaining -= int64(n)
	switch {
	case err == nil && b.remaining == 0:
		err = io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF) && b.stalls:
		err = b.life.wait(b.request, forever, b.closed)
	}
	if err != nil {
		b.end(err)
	}
	return n, err
}

// end notes what the stream ended with.
func (b *stream) end(err error) {
	b.ended = err
	b.last()
}

// Close ends a Read in progress, and all later ones.
func (b *stream) Close() error {
	b.once.Do(func() { close(b.closed) })
	b.last()
	return nil
}

// content is the body of an answer as it goes out.
func (a answer) content() io.Reader {
	var r io.Reader = bytes.NewReader(a.body)
	size := int64(len(a.body))
	if a.oversize > 0 {
		r, size = swollen(a.body, a.oversize), a.oversize
	}
	if a.delivery == half {
		r = &cutShort{io.LimitReader(r, size/2)}
	}
	if a.compressed {
		r = newCompressor(r)
	}
	return r
}

// length returns the number of bytes that a client is told to expect, -1 for none.
func (a answer) length() int64 {
	if a.oversize > 0 {
		return -1
	}
	return int64(len(a.body))
}

// cutShort breaks off where its content ends.
type cutShort struct{ content io.Reader }

func (c *cutShort) Read(p []byte) (int, error) {
	n, err := c.content.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
