package autotask

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/autotask-go/autotask/internal/cache"
	"github.com/autotask-go/autotask/internal/transport"
)

// Threshold is how much of the tenant's request limit is used: by all its
// integrations together, in a rolling window.
type Threshold struct {
	Limit  int64         // requests in a window, usually 10,000
	Window time.Duration // usually an hour
	Used   int64         // requests in the window that ends now
}

// Fraction is the used part of the limit; 1 is all of it. From 0.5 Autotask
// delays every request.
func (t *Threshold) Fraction() float64 {
	if t.Limit <= 0 {
		return 0
	}
	return float64(t.Used) / float64(t.Limit)
}

// Threshold reports how much of the tenant's request limit is used (GET
// ThresholdInformation). The call itself counts.
func (c *Client) Threshold(ctx context.Context) (*Threshold, error) {
	type wireThreshold struct {
		Limit  Optional[int64] `json:"externalRequestThreshold"`
		Window Optional[int64] `json:"requestThresholdTimeframe"` // minutes
		Used   Optional[int64] `json:"currentTimeframeRequestCount"`
	}
	var body wireThreshold
	err := c.send(ctx, call{method: http.MethodGet, path: thresholdPath, decode: func(b []byte) error {
		body = wireThreshold{} // nothing of an earlier attempt
		if err := decode(b, &body); err != nil {
			return err
		}
		for name, part := range map[string]Optional[int64]{
			"externalRequestThreshold": body.Limit, "requestThresholdTimeframe": body.Window, "currentTimeframeRequestCount": body.Used,
		} {
			if _, ok := part.Get(); !ok {
				return fmt.Errorf("%w: it has no %s", transport.ErrUnreadable, name)
			}
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return &Threshold{
		Limit:  body.Limit.Or(0),
		Window: time.Duration(body.Window.Or(0)) * time.Minute,
		Used:   body.Used.Or(0),
	}, nil
}

const thresholdPath = "ThresholdInformation"

// What a budget goes by.
const (
	budgetMaxAge  = 5 * time.Minute  // of a reading, since others use the limit, too
	budgetRecheck = 30 * time.Second // between readings while nothing is left
	budgetStep    = 0.05             // of the limit, spent by ourselves, asks for a new reading
	budgetSlow    = 0.8              // of what we may use: from here on requests are spread out
)

// budget lets requests through as long as the tenant's use of its limit stays
// below what reserve leaves.
type budget struct {
	reserve float64
	read    func(context.Context) (*Threshold, error)

	readings cache.Cache[struct{}] // for its one flight at a time; nothing is kept in it
	mu       sync.Mutex
	last     *Threshold // nil before the first reading
	readAt   time.Time
	own      int64     // our requests since then
	nextAt   time.Time // when the next request may go, once they are spread out
}

// admit waits as long as the state of the limit demands, and counts the request.
func (b *budget) admit(ctx context.Context, endpoint string) error {
	// Neither asking for the limit itself nor for the zone may wait for it.
	if endpoint == thresholdPath || endpoint == zonePath {
		b.count()
		return nil
	}
	if err := b.refresh(ctx); err != nil {
		return err
	}
	wait, interval, err := b.spend()
	if err != nil || wait == 0 {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		b.giveBack(interval)
		return ctx.Err()
	}
}

// giveBack takes a request back that will not be made.
func (b *budget) giveBack(interval time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.own = max(0, b.own-1)
	b.nextAt = b.nextAt.Add(-interval)
}

func (b *budget) count() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.own++
}

// refresh takes a new reading if one is due. If that fails, an earlier reading
// and our own count have to do.
func (b *budget) refresh(ctx context.Context) error {
	if !b.due() {
		return nil
	}
	_, err := b.readings.Get(ctx, "", func(ctx context.Context) (struct{}, error) {
		// Another flight may have brought it since the look above.
		if !b.due() {
			return struct{}{}, nil
		}
		t, err := b.read(ctx)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.readAt = time.Now()
		if err == nil {
			b.last, b.own = t, 0
		}
		return struct{}{}, err
	})
	b.readings.Forget("")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil && err != nil {
		return fmt.Errorf("reading the tenant's request limit, which WithHourlyReserve goes by: %w", err)
	}
	return ctx.Err()
}

// left is how many requests we may still make in the window, as far as is
// known; a nil budget knows nothing.
func (b *budget) left() Optional[int64] {
	if b == nil {
		return Optional[int64]{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil {
		return Optional[int64]{}
	}
	return Value(max(0, int64(b.allowed()-b.used())))
}

func (b *budget) due() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil {
		return true
	}
	age := time.Since(b.readAt)
	return age >= budgetMaxAge ||
		float64(b.own) >= budgetStep*float64(b.last.Limit) ||
		b.used() >= b.allowed() && age >= budgetRecheck
}

// used and allowed are called with the lock held.
func (b *budget) used() float64    { return float64(b.last.Used + b.own) }
func (b *budget) allowed() float64 { return float64(b.last.Limit) * (1 - b.reserve) }

// spend counts one request and tells how long it has to wait, and by how much
// it puts off the next. Towards the end
// of what is allowed requests go out ever more slowly, until they come no faster
// than old ones leave the rolling window.
func (b *budget) spend() (wait, interval time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	used, allowed := b.used(), b.allowed()
	if used >= allowed {
		return 0, 0, &transport.Failure{
			Kind:       transport.RateLimited,
			RetryAfter: max(0, budgetRecheck-time.Since(b.readAt)),
			Messages: []string{fmt.Sprintf("the tenant has used %d of its %d requests in %v, and %.0f %% are reserved for its other integrations: nothing was sent",
				b.last.Used+b.own, b.last.Limit, b.last.Window, 100*b.reserve)},
		}
	}
	b.own++
	pressure := (used/allowed - budgetSlow) / (1 - budgetSlow)
	if pressure <= 0 {
		return 0, 0, nil
	}
	now := time.Now()
	at := now
	if b.nextAt.After(now) {
		at = b.nextAt
	}
	interval = time.Duration(pressure * float64(b.last.Window) / allowed)
	b.nextAt = at.Add(interval)
	return at.Sub(now), interval, nil
}
