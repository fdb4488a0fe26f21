package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/autotask-go/autotask"
)

// counter counts requests.
type counter struct{ n atomic.Int64 }

func (c *counter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		c.n.Add(1)
		return next.RoundTrip(r)
	})
}

func (c *counter) option() autotask.Option { return autotask.WithMiddleware(c.wrap) }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// line is a line that shows how far it has come, on a terminal only.
type line struct {
	w     io.Writer
	last  time.Time
	shown bool
}

func newLine(w io.Writer) *line {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &line{w: w}
		}
	}
	return &line{w: io.Discard}
}

// show replaces the line, ten times a second at most.
func (l *line) show(format string, args ...any) {
	if time.Since(l.last) < 100*time.Millisecond {
		return
	}
	fmt.Fprintf(l.w, "\r\x1b[K"+format, args...)
	l.last, l.shown = time.Now(), true
}

// end takes the line away.
func (l *line) end() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
	l.shown = false
}
