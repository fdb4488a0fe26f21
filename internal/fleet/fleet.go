package fleet

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/autotask-go/autotask"
)

// Config is what an adapter is configured with.
type Config struct {
	Name     string // of the adapter, in errors and log records
	Places   int    // on each endpoint
	Fallback time.Duration
	Logger   *slog.Logger // slog.Default() if it is nil
}

// Checked returns the configuration with its defaults.
func (c Config) Checked() (Config, error) {
	if c.Places < 0 || c.Fallback < 0 {
		return c, fmt.Errorf("neither Places (%d) nor Fallback (%v) may be negative", c.Places, c.Fallback)
	}
	c.Places = cmp.Or(c.Places, 3)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c, nil
}

// Stats are counts since the start of the process.
type Stats struct {
	Failures  int64 // exchanges with the store that failed
	Fallbacks int64 // of these, calls that went by the process's own limits instead
	Lost      int64 // places and locks that were lost while they were held
}

// Errors, to be tested with errors.Is.
var (
	ErrStore  = errors.New("the store of the shared limits does not answer")
	ErrLost   = errors.New("the lease has run out or was lost")
	errClosed = errors.New("it is closed")
)

// Limits is one process's view of a Store.
type Limits struct {
	store  Store
	config Config
	owner  string
	runs   sync.WaitGroup // of queues

	mu      sync.Mutex
	queues  map[string]*queue
	tickets int64
	closed  bool
	downAt  time.Time // of the first failure after the last success; zero if there is none
	downErr error     // the last one
	lastAt  time.Time // of the last one
	down    effort    // the greatest that failed
	stats   Stats
	hour    ownHour
}

// New returns the view of a process of its own.
func New(store Store, config Config) *Limits {
	return &Limits{store: store, config: config, owner: rand.Text()[:12], queues: make(map[string]*queue)}
}

// Stats returns the counts.
func (l *Limits) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// Close lets nobody in any more, whoever waits included, and waits until all places are
// given back.
func (l *Limits) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	for _, q := range l.queues {
		q.refuse(l.closedError())
		q.stir()
	}
	l.mu.Unlock()
	done := make(chan struct{})
	go func() {
		l.runs.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Acquire waits for a place on an endpoint.
func (l *Limits) Acquire(ctx context.Context, endpoint string) (release func(), held context.Context, err error) {
	return l.enter(ctx, "endpoint:"+endpoint, l.config.Places)
}

// Lock waits for a key.
func (l *Limits) Lock(ctx context.Context, key string) (unlock func(), held context.Context, err error) {
	return l.enter(ctx, "lock:"+key, 1)
}

func (l *Limits) enter(ctx context.Context, name string, places int) (release func(), held context.Context, err error) {
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	q, t, err := l.join(name, places)
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-t.decided:
	case <-ctx.Done():
		q.leave(t)
		return nil, nil, ctx.Err()
	}
	if t.err != nil {
		return nil, nil, t.err
	}
	held = t.hold(ctx)
	return func() {
		t.end(nil)
		q.leave(t)
	}, held, nil
}

// join puts a ticket into the queue of a name, which runs as long as it has any.
func (l *Limits) join(name string, places int) (*queue, *ticket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, l.closedError()
	}
	l.tickets++
	t := &ticket{id: l.owner + "-" + strconv.FormatInt(l.tickets, 36), decided: make(chan struct{})}
	q, ok := l.queues[name]
	if !ok {
		q = &queue{limits: l, name: name, places: places, wake: make(chan struct{}, 1), renewed: time.Now()}
		l.queues[name] = q
		l.runs.Go(q.run)
	}
	q.waiting = append(q.waiting, t)
	q.stir()
	return q, t, nil
}

func (l *Limits) closedError() error { return fmt.Errorf("%s: %w", l.config.Name, errClosed) }

// effort is what a call takes of the store. A replica answers what only reads, and a
// server that is full has no room for what is new.
type effort int

const (
	reads effort = iota // and writes only at times
	changes
	adds
)

// calm is after what time without a failure any answer shows that the store works:
// some calls are made so seldom that nobody would wait for their like.
const calm = time.Minute

// worked notes that the store has answered. An answer that takes less than what has
// failed does not show that the store works again.
func (l *Limits) worked(e effort) {
	l.mu.Lock()
	if e < l.down && time.Since(l.lastAt) < calm {
		l.mu.Unlock()
		return
	}
	downAt := l.downAt
	l.downAt, l.down = time.Time{}, reads
	l.mu.Unlock()
	if !downAt.IsZero() {
		l.config.Logger.Info(l.config.Name+": the store of the shared limits answers again", slog.Duration("after", time.Since(downAt)))
	}
}

// failed notes that the store has not answered, and returns instead.
func (l *Limits) failed(e effort, err error) (instead error) {
	l.mu.Lock()
	l.stats.Failures++
	l.down = max(l.down, e)
	first := l.downAt.IsZero()
	if first {
		l.downAt = time.Now()
	}
	l.downErr, l.lastAt = err, time.Now()
	instead = l.instead()
	l.mu.Unlock()
	if first {
		l.config.Logger.Warn(l.config.Name+": "+ErrStore.Error(), slog.String("error", err.Error()), slog.Duration("fallback", l.config.Fallback))
	}
	return instead
}

// instead is nil if the process goes by its own limits while the store is down, or the
// error. It is called with the lock held.
func (l *Limits) instead() error {
	if time.Since(l.downAt) < l.config.Fallback {
		return nil
	}
	return storeError{fmt.Errorf("%s: %w: %w", l.config.Name, ErrStore, l.downErr)}
}

// storeError hides the end of the store's own contexts, which is not the caller's.
type storeError struct{ error }

func (e storeError) Is(target error) bool {
	return target != context.Canceled && target != context.DeadlineExceeded && errors.Is(e.error, target)
}

func (l *Limits) count(stat func(*Stats)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stat(&l.stats)
}

// exchange makes a call whose context is the caller's. fallback is what to do without
// the store; nil means that there is nothing.
func (l *Limits) exchange(ctx context.Context, e effort, call func(context.Context) error, fallback func() error) error {
	limited, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := call(limited)
	if err == nil {
		l.worked(e)
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if instead := l.failed(e, err); instead != nil {
		return instead
	}
	if fallback == nil {
		return storeError{fmt.Errorf("%s: %w: %w", l.config.Name, ErrStore, err)}
	}
	l.count(func(s *Stats) { s.Fallbacks++ })
	return fallback()
}

// Remember keeps a value. It has no fallback: the caller knows the value itself.
func (l *Limits) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return l.exchange(ctx, adds, func(ctx context.Context) error { return l.store.Remember(ctx, key, value, ttl) }, nil)
}

// Recall returns a value.
func (l *Limits) Recall(ctx context.Context, key string) (value []byte, left time.Duration, err error) {
	err = l.exchange(ctx, reads, func(ctx context.Context) (err error) {
		value, left, err = l.store.Recall(ctx, key)
		return err
	}, func() error {
		value = nil
		return nil
	})
	return value, left, err
}

// Forget empties a value.
func (l *Limits) Forget(ctx context.Context, key string, value []byte) (was bool, err error) {
	err = l.exchange(ctx, reads, func(ctx context.Context) (err error) {
		was, err = l.store.Forget(ctx, key, value)
		return err
	}, nil)
	return was, err
}

// ownHour is what a process knows of the hour, for the time without a store.
type ownHour struct {
	mu           sync.Mutex
	known        autotask.Spent
	at           time.Time // when it was known
	begun, ended int64     // not reported
}

// Spend counts requests.
func (l *Limits) Spend(ctx context.Context, begun, ended int64) (s autotask.Spent, err error) {
	h := &l.hour
	h.mu.Lock()
	owedBegun, owedEnded := h.begun, h.ended
	h.begun, h.ended = 0, 0
	h.mu.Unlock()
	reported := false
	err = l.exchange(ctx, adds, func(ctx context.Context) (err error) {
		s, err = l.store.Spend(ctx, begun+owedBegun, ended+owedEnded)
		reported = err == nil
		return err
	}, func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.begun, h.ended = h.begun+begun, h.ended+ended
		h.known.Since += begun
		s = h.known
		s.Age += time.Since(h.at)
		return nil
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if reported {
		h.known, h.at = s, time.Now()
	} else {
		h.begun, h.ended = h.begun+owedBegun, h.ended+owedEnded
	}
	return s, err
}

// Refresh lets one process at a time read the limit.
func (l *Limits) Refresh(ctx context.Context, maxAge time.Duration, read func(context.Context) (*autotask.Threshold, error)) error {
	token, own := "", false
	err := l.exchange(ctx, reads, func(ctx context.Context) (err error) {
		token, err = l.store.Claim(ctx, maxAge)
		return err
	}, func() error {
		own = true
		return nil
	})
	switch {
	case err != nil:
		return err
	case own:
		return l.hour.refresh(ctx, maxAge, read)
	case token == "":
		return nil
	}
	t, err := read(ctx)
	if err != nil {
		return err
	}
	return l.exchange(ctx, adds, func(ctx context.Context) error { return l.store.Report(ctx, token, *t) }, func() error { return nil })
}

func (h *ownHour) refresh(ctx context.Context, maxAge time.Duration, read func(context.Context) (*autotask.Threshold, error)) error {
	h.mu.Lock()
	fresh := h.known.Limit > 0 && h.known.Age+time.Since(h.at) < maxAge
	h.mu.Unlock()
	if fresh {
		return nil
	}
	t, err := read(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known, h.at = autotask.Spent{Threshold: *t}, time.Now()
	return nil
}
