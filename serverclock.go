package autotask

import (
	"context"
	"sync"
	"time"

	"github.com/autotask-go/autotask/internal/transport"
)

// WatchServerTime returns a context under which the first answered call notes
// Autotask's clock, and a function that returns what it noted: a time that
// Autotask's clock had reached before that call was made, at the latest. It is
// the Date header, which has whole seconds, less the time that the call took on
// this machine. It is zero until a call is answered, and if the answer has no
// Date header.
//
// A program that reads what has changed since its last run needs it as the
// beginning of the run: its own clock may differ from Autotask's by minutes. The
// stamps of rows come from the database, whose clock may differ a little again.
func WatchServerTime(ctx context.Context) (watched context.Context, earliest func() time.Time) {
	w := new(serverTime)
	return context.WithValue(ctx, serverTimeKey{}, w), w.get
}

type serverTimeKey struct{}

type serverTime struct {
	mu       sync.Mutex
	answered bool
	earliest time.Time
}

func (w *serverTime) get() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.earliest
}

// noteServerTime takes note of an answer to a call that began at a time of our
// clock, for whoever watches.
func noteServerTime(ctx context.Context, began time.Time, answer transport.Answer) {
	w, ok := ctx.Value(serverTimeKey{}).(*serverTime)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answered {
		return
	}
	w.answered = true
	if !answer.Date.IsZero() {
		w.earliest = answer.Date.Add(-answer.Received.Sub(began)).Truncate(time.Second).UTC()
	}
}
