package limit

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/autotask-go/autotask/internal/cache"
)

// Reading is the state of the tenant's limit.
type Reading struct {
	Limit  int64
	Window time.Duration
	Used   int64
}

// What a budget goes by.
const (
	budgetMaxAge  = 5 * time.Minute  // of a reading, since others use the limit, too
	budgetRecheck = 30 * time.Second // between readings while nothing is left
	budgetStep    = 0.05             // of the limit, spent by ourselves, asks for a new reading
	budgetSlow    = 0.8              // of what we may use: from here on requests are spread out
)

// Hour lets requests through as long as the tenant's use of its limit stays
// below what reserve leaves.
type Hour struct {
	// Reserve is the share of the limit that is left to others.
	Reserve float64
	// Read reads the state of the limit, which is a request itself.
	Read func(context.Context) (Reading, error)
	// Free are the endpoints whose requests never wait: those of reading the limit,
	// and of zone discovery, which reading may need.
	Free []string

	readings cache.Cache[struct{}] // for its one flight at a time; nothing is kept in it
	mu       sync.Mutex
	last     *Reading // nil before the first reading
	readAt   time.Time
	own      int64     // our requests since then
	nextAt   time.Time // when the next request may go, once they are spread out
}

// Enter waits as long as the state of the limit demands, and counts the request.
func (h *Hour) Enter(ctx context.Context, endpoint string) (leave func(), held context.Context, err error) {
	if slices.Contains(h.Free, endpoint) {
		h.count()
		return nil, nil, nil
	}
	if err := h.refresh(ctx); err != nil {
		return nil, nil, err
	}
	wait, interval, err := h.spend()
	if err != nil || wait == 0 {
		return nil, nil, err
	}
	if !pause(ctx, wait) {
		h.giveBack(interval)
		return nil, nil, ctx.Err()
	}
	return nil, nil, nil
}

// pause is false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// giveBack takes a request back that will not be made.
func (h *Hour) giveBack(interval time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.own = max(0, h.own-1)
	h.nextAt = h.nextAt.Add(-interval)
}

func (h *Hour) count() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.own++
}

// refresh takes a new reading if one is due. If that fails, an earlier reading
// and our own count have to do.
func (h *Hour) refresh(ctx context.Context) error {
	if !h.due() {
		return nil
	}
	_, err := h.readings.Get(ctx, "", func(ctx context.Context) (struct{}, error) {
		// Another flight may have brought it since the look above.
		if !h.due() {
			return struct{}{}, nil
		}
		t, err := h.Read(ctx)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.readAt = time.Now()
		if err == nil {
			h.last, h.own = &t, 0
		}
		return struct{}{}, err
	})
	h.readings.Forget("")
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil && err != nil {
		return fmt.Errorf("reading the tenant's request limit, which WithHourlyReserve goes by: %w", err)
	}
	return ctx.Err()
}

// Left returns how many requests may still be made in the window, if that is known.
func (h *Hour) Left() (n int64, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil {
		return 0, false
	}
	return max(0, int64(h.allowed()-h.used())), true
}

func (h *Hour) due() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil {
		return true
	}
	age := time.Since(h.readAt)
	return age >= budgetMaxAge ||
		float64(h.own) >= budgetStep*float64(h.last.Limit) ||
		h.used() >= h.allowed() && age >= budgetRecheck
}

// used and allowed are called with the lock held.
func (h *Hour) used() float64    { return float64(h.last.Used + h.own) }
func (h *Hour) allowed() float64 { return float64(h.last.Limit) * (1 - h.Reserve) }

// spend counts one request and returns how long it has to wait, and by how much it
// puts off the next. Towards the end of what is allowed, requests go out ever more slowly, until they come no faster
// than old ones leave the rolling window.
func (h *Hour) spend() (wait, interval time.Duration, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	used, allowed := h.used(), h.allowed()
	if used >= allowed {
		return 0, 0, &Refusal{
			RetryAfter: max(0, budgetRecheck-time.Since(h.readAt)),
			Message: fmt.Sprintf("the tenant has used %d of its %d requests in %v, and %.0f %% are reserved for its other integrations: nothing was sent",
				h.last.Used+h.own, h.last.Limit, h.last.Window, 100*h.Reserve),
		}
	}
	h.own++
	pressure := (used/allowed - budgetSlow) / (1 - budgetSlow)
	if pressure <= 0 {
		return 0, 0, nil
	}
	now := time.Now()
	at := now
	if h.nextAt.After(now) {
		at = h.nextAt
	}
	interval = time.Duration(pressure * float64(h.last.Window) / allowed)
	h.nextAt = at.Add(interval)
	return at.Sub(now), interval, nil
}
