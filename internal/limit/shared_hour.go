package limit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Budget is the count of a tenant's requests by all processes that share it.
type Budget interface {
	// Spend adds requests begun and ended to the count and returns it.
	Spend(ctx context.Context, begun, ended int64) (Spent, error)
	// Refresh keeps what read returns, unless there is a reading that is not older, or
	// somebody else is reading.
	Refresh(ctx context.Context, maxAge time.Duration, read func(context.Context) (Reading, error)) error
}

// Spent is the state of a Budget.
type Spent struct {
	Reading               // zero if there was none yet
	Age     time.Duration // of the reading
	Since   int64         // requests that the reading may not have counted
}

// What a shared budget goes by.
const (
	sharedMaxAge  = time.Minute      // of a reading
	firstReading  = 15 * time.Second // the wait for another process's, while there is none
	sharedGoBack  = 2 * time.Second  // for taking a request back after its context has ended
	leastPollWait = 50 * time.Millisecond
)

// SharedHour is Hour for a Budget: it goes by everybody's requests.
type SharedHour struct {
	Reserve float64
	Budget  Budget
	Read    func(context.Context) (Reading, error)
	Free    []string // see Hour

	ended   atomic.Int64 // requests, not yet reported
	reading atomic.Bool  // by this process
	mu      sync.Mutex
	last    Spent
}

// Enter counts the request, and waits as long as the state of the limit demands.
func (h *SharedHour) Enter(ctx context.Context, endpoint string) (leave func(), held context.Context, err error) {
	s, err := h.spend(ctx, 1)
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(h.Free, endpoint) {
		if err := h.wait(ctx, s); err != nil {
			// Even if its context has ended: the others count on it.
			back, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedGoBack)
			defer cancel()
			_, _ = h.spend(back, -1)
			return nil, nil, err
		}
	}
	return func() { h.ended.Add(1) }, nil, nil
}

// spend counts requests, and reports those that have ended meanwhile.
func (h *SharedHour) spend(ctx context.Context, begun int64) (Spent, error) {
	ended := h.ended.Swap(0)
	s, err := h.Budget.Spend(ctx, begun, ended)
	if err != nil {
		h.ended.Add(ended)
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		return s, fmt.Errorf("the count of the tenant's requests, which WithBudget shares: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = s
	return s, nil
}

// wait keeps a request that is counted waiting until it may be made, or refuses it.
func (h *SharedHour) wait(ctx context.Context, s Spent) (err error) {
	if s, err = h.current(ctx, s); err != nil {
		return err
	}
	used, allowed := s.Used+s.Since, h.allowed(s)
	if used > allowed {
		return &Refusal{
			RetryAfter: max(time.Second, sharedMaxAge-s.Age),
			Message: fmt.Sprintf("the tenant has used %d of its %d requests in %v, and %.0f %% are reserved for its other integrations: nothing was sent",
				used-1, s.Limit, s.Window, 100*h.Reserve),
		}
	}
	if d := slot(s, used, allowed) - s.Age; d > 0 && !pause(ctx, d) {
		return ctx.Err()
	}
	return nil
}

// current returns a state with a reading, which is renewed if it is due.
func (h *SharedHour) current(ctx context.Context, s Spent) (Spent, error) {
	began := time.Now()
	for {
		if s.Limit > 0 && s.Age < sharedMaxAge {
			return s, nil
		}
		readErr := h.refresh(ctx)
		now, err := h.spend(ctx, 0)
		switch {
		case err != nil:
			return s, err
		case now.Limit > 0:
			return now, nil // an earlier reading has to do, if there is no new one
		case readErr != nil:
			return s, fmt.Errorf("reading the tenant's request limit, which WithHourlyReserve goes by: %w", readErr)
		case time.Since(began) > firstReading:
			return s, &Refusal{RetryAfter: firstReading, Message: "no process has managed to read the tenant's request limit: nothing was sent"}
		}
		s = now
		if !pause(ctx, leastPollWait+rand.N(3*leastPollWait)) { //nolint:gosec // jitter needs no secrecy
			return s, ctx.Err()
		}
	}
}

// refresh lets one call of this process at a time ask for the turn to read.
func (h *SharedHour) refresh(ctx context.Context) error {
	if !h.reading.CompareAndSwap(false, true) {
		return nil
	}
	defer h.reading.Store(false)
	return h.Budget.Refresh(ctx, sharedMaxAge, h.Read)
}

func (h *SharedHour) allowed(s Spent) int64 {
	return int64(math.Floor(float64(s.Limit) * (1 - h.Reserve)))
}

// slot is how long after the reading the request goes that is the used-th of the
// window. Like Hour it spreads the requests out towards the end of what is allowed.
// As each has a number of its own, no two processes choose the same moment.
func slot(s Spent, used, allowed int64) time.Duration {
	from := budgetSlow * float64(allowed)
	since := func(n int64) float64 { // the sum of the intervals up to the n-th
		above := max(0, float64(n)-from)
		return float64(s.Window) / float64(allowed) * above * above / (2 * (float64(allowed) - from))
	}
	return time.Duration(since(used) - since(s.Used))
}

// Left returns how many requests may still be made in the window, if that is known.
func (h *SharedHour) Left() (n int64, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last.Limit == 0 {
		return 0, false
	}
	return max(0, h.allowed(h.last)-h.last.Used-h.last.Since), true
}
