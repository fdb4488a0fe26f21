package autotasktest

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// life is what ends with a tenant. It is apart from the Server so that a test
// which makes thousands of tenants in process keeps only their lives until its
// end, and not their rows.
type life struct {
	over chan struct{} // closed in the end
	once sync.Once

	mu    sync.Mutex
	hosts []*httptest.Server
	kept  []*http.Transport
}

func newLife() *life { return &life{over: make(chan struct{})} }

// listen starts a host and returns its origin.
func (l *life) listen(h http.Handler) string {
	host := httptest.NewServer(h)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts = append(l.hosts, host)
	return host.URL
}

// keep notes a transport whose idle connections are to be closed in the end.
func (l *life) keep(t *http.Transport) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, t)
}

// end ends all that waits, then the hosts. Their connections are closed first:
// a handler may be writing a large answer to a client that does not read.
func (l *life) end() {
	l.once.Do(func() {
		close(l.over)
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, host := range l.hosts {
			host.CloseClientConnections()
			host.Close()
		}
		for _, transport := range l.kept {
			transport.CloseIdleConnections()
		}
	})
}

func (l *life) isOver() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// forever is a time that never passes, not even in a synctest bubble.
const forever time.Duration = math.MaxInt64

// wait lets the time pass for a request. It fails at once when the request's
// context ends, with its cause; when the tenant does, or when it is given up,
// with the errors that net/http has for that.
func (l *life) wait(r *http.Request, d time.Duration, givenUp <-chan struct{}) error {
	if d <= 0 {
		return nil
	}
	var passed <-chan time.Time
	if d != forever {
		timer := time.NewTimer(d)
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case <-passed:
		return nil
	case <-r.Context().Done():
		return context.Cause(r.Context())
	case <-l.over:
		return io.ErrUnexpectedEOF
	case <-givenUp:
		return http.ErrBodyReadAfterClose
	}
}
