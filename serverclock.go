package autotask

import (
	"context"
	"sync"
	"time"

	"github.com/autotask-go/autotask/internal/transport"
)

// WatchServerTime returns a context whose first answered call notes Autotask's
// clock, and a function that returns a time the clock had reached before it, or
// zero: where a sync of changes begins, since one's own clock may differ.
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

// noteServerTime notes an answer to a call that began at a time of our
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
