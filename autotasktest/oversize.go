package autotasktest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// swollen is a body with so much filler in its last member that it has the
// size, made while it is read. It stays valid JSON where it is an object and
// the size leaves room for that.
func swollen(body []byte, size int64) io.Reader {
	head, isObject := bytes.CutSuffix(body, []byte("}"))
	opening, closing := "", ""
	if isObject {
		opening, closing = `,"filler":"`, `"}`
		if string(head) == "{" {
			opening = opening[1:]
		}
	}
	filling := max(0, size-int64(len(head)+len(opening)+len(closing)))
	return io.LimitReader(io.MultiReader(
		bytes.NewReader(head),
		strings.NewReader(opening),
		io.LimitReader(filler{}, filling),
		strings.NewReader(closing),
	), size)
}

// filler never ends.
type filler struct{}

func (filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// acceptsGzip reads only the form that clients send who know nothing else.
func acceptsGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

// compressor compresses what it is read from, piece by piece and on the
// reader's goroutine: nothing is left behind by a reader that stops.
type compressor struct {
	content io.Reader
	err     error // what the content ended with
	zip     *gzip.Writer
	out     bytes.Buffer
	piece   [32 << 10]byte
}

func newCompressor(content io.Reader) *compressor {
	c := &compressor{content: content}
	c.zip, _ = gzip.NewWriterLevel(&c.out, gzip.BestSpeed) // fails for unknown levels only
	return c
}

func (c *compressor) Read(p []byte) (int, error) {
	for c.out.Len() == 0 && c.err == nil {
		c.compress()
	}
	if c.out.Len() == 0 {
		return 0, c.err
	}
	return c.out.Read(p)
}

// compress takes in one more piece. Writing to a buffer does not fail.
func (c *compressor) compress() {
	n, err := c.content.Read(c.piece[:])
	_, _ = c.zip.Write(c.piece[:n])
	switch {
	case errors.Is(err, io.EOF):
		_ = c.zip.Close()
	case err != nil:
		_ = c.zip.Flush()
	}
	c.err = err
}
