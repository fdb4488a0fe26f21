package autotask

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/autotask-go/autotask/internal/limit"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/transport"
	"github.com/autotask-go/autotask/internal/zone"
)

// Option configures a Client.
type Option func(*settings) error

type settings struct {
	transport.Config
	baseURL     string
	zoneURL     string
	application string
	reserve     *float64
	hour        hourGate
	budget      Budget
	unanswered  Unanswered
}

// WithBaseURL sets the zone's address, instead of discovery, such as
// "https://webservices19.autotask.net/ATServicesRest/V1.0", in this casing.
func WithBaseURL(baseURL string) Option {
	return func(s *settings) (err error) {
		s.baseURL, err = zone.CheckBase(baseURL)
		return err
	}
}

// WithHTTPClient makes the client use hc's Transport, Jar and Timeout (two minutes
// by default) for each attempt. The Transport sees the credentials and must not
// repeat requests. Wrap an *http.Transport by [WithMiddleware].
func WithHTTPClient(hc *http.Client) Option {
	return func(s *settings) error {
		if hc == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		if _, repeats := hc.Transport.(*retryablehttp.RoundTripper); repeats {
			return errors.New("WithHTTPClient: the transport is one of go-retryablehttp, which repeats writes whose answers were lost; the client retries by itself, see WithMaxRetries")
		}
		s.HTTPClient = hc
		return nil
	}
}

// WithReadOnly makes every write fail with [ErrReadOnly] before it is sent.
func WithReadOnly() Option {
	return func(s *settings) error {
		s.ReadOnly = true
		return nil
	}
}

// WithMiddleware wraps the HTTP transport, the last outermost. It sees each attempt
// without credentials, and must send through what it wraps.
func WithMiddleware(wrap func(http.RoundTripper) http.RoundTripper) Option {
	return func(s *settings) error {
		if wrap == nil {
			return errors.New("WithMiddleware: the function is nil")
		}
		s.Wrap = append(s.Wrap, wrap)
		return nil
	}
}

// WithLogger logs each attempt (Debug, or Warn on failure), never its content.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) error {
		if l == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		s.Log = transport.LogTo(l)
		return nil
	}
}

// WithApplication puts "name/version" of the program first in the User-Agent.
func WithApplication(name, version string) Option {
	return func(s *settings) error {
		product := name
		if version != "" {
			product += "/" + version
		}
		if name == "" || strings.ContainsFunc(product, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return fmt.Errorf("WithApplication: %q is not a User-Agent product: use visible ASCII without spaces", product)
		}
		s.application = product
		return nil
	}
}

// WithMaxRetries sets the maximum number of retries per request, by default 4.
func WithMaxRetries(n int) Option {
	return func(s *settings) error {
		if n < 0 {
			return fmt.Errorf("WithMaxRetries: %d is negative", n)
		}
		s.MaxRetries = n
		return nil
	}
}

// WithMaxConcurrency sets how many requests run concurrently on one endpoint:
// by default 3, Autotask's limit. Divide that among processes.
func WithMaxConcurrency(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithMaxConcurrency: %d is less than one", n)
		}
		s.MaxConcurrency = n
		return nil
	}
}

// WithHourlyReserve leaves a share of the tenant's hourly requests, 0 to below
// 1, to others: with 0.25 the client slows down as three quarters are used, then
// fails with [ErrRateLimited]. It calls [Client.Threshold] now and then.
func WithHourlyReserve(share float64) Option {
	return func(s *settings) error {
		if !(share >= 0 && share < 1) {
			return fmt.Errorf("WithHourlyReserve: %v is not a share between 0 and 1", share)
		}
		s.reserve = &share
		if s.hour == nil {
			s.hour = ownHour
		}
		return nil
	}
}

// WithMaxResponseBytes bounds a decompressed answer; by default 32 MiB.
func WithMaxResponseBytes(n int64) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithMaxResponseBytes: %d is less than one", n)
		}
		s.MaxResponseBytes = n
		return nil
	}
}

// WithZoneURL sets the address of zone discovery, ".../zoneInformation".
func WithZoneURL(zoneURL string) Option {
	return func(s *settings) (err error) {
		s.zoneURL, err = zone.CheckDiscovery(zoneURL)
		return err
	}
}

// WatchServerTime returns a context whose first answered call notes Autotask's
// clock, and a function that returns a time it had reached before, or zero.
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

// watchIn returns a function that notes the answer to a call that begins now, or nil if
// nobody watches.
func watchIn(ctx context.Context) func(transport.Answer) {
	w, ok := ctx.Value(serverTimeKey{}).(*serverTime)
	if !ok {
		return nil
	}
	began := time.Now()
	return func(a transport.Answer) { w.note(began, a) }
}

func (w *serverTime) note(began time.Time, answer transport.Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answered {
		return
	}
	w.answered = true
	if date := answer.Date(); !date.IsZero() {
		w.earliest = date.Add(-answer.Received.Sub(began)).Truncate(time.Second).UTC()
	}
}

// Limiter shares the places on an endpoint between processes. Acquire blocks until
// a request on the endpoint ("Tickets", the first segment of its path) may be sent.
// release, if not nil, is called when the answer has been read. held, if not nil,
// ends when the place is lost before: so does the attempt.
type Limiter interface {
	Acquire(ctx context.Context, endpoint string) (release func(), held context.Context, err error)
}

// Locker lets one caller at a time work on what a key names, in turn. held ends
// with ctx, with unlock (callable twice), and when the lock is lost.
type Locker interface {
	Lock(ctx context.Context, key string) (unlock func(), held context.Context, err error)
}

// Budget counts the requests of all processes that share a tenant.
type Budget interface {
	// Spend adds requests begun (-1 takes one back) and ended, and returns the sum.
	Spend(ctx context.Context, begun, ended int64) (Spent, error)
	// Refresh keeps what read returns, unless the last one is younger than maxAge or under way.
	Refresh(ctx context.Context, maxAge time.Duration, read func(context.Context) (*Threshold, error)) error
}

// Spent is the state of a [Budget].
type Spent struct {
	Threshold               // as last read; zero before the first reading
	Age       time.Duration // of the reading
	Since     int64         // requests that had not ended when it began, or came later
}

// Unanswered remembers writes whose answers were lost, so that other processes
// wait for them. A value holds written fields, for 70 minutes at most.
type Unanswered interface {
	Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Recall returns the value and its remaining ttl: nil if unknown, empty if forgotten.
	Recall(ctx context.Context, key string) (value []byte, left time.Duration, err error)
	// Forget empties a value that is still the given one, and reports whether it was.
	Forget(ctx context.Context, key string, value []byte) (bool, error)
}

// WithLimiter adds a limit that is shared beyond this client.
func WithLimiter(l Limiter) Option {
	return func(s *settings) error {
		if l == nil {
			return errors.New("WithLimiter: the limiter is nil")
		}
		s.Limiter = l
		return nil
	}
}

// WithBudget makes [WithHourlyReserve] go by the requests of all processes that
// share b, by one reading of [Client.Threshold] a minute for them all.
func WithBudget(b Budget) Option {
	return func(s *settings) error {
		if b == nil {
			return errors.New("WithBudget: the budget is nil")
		}
		s.budget, s.hour = b, sharedHour
		return nil
	}
}

// WithUnanswered shares the memory of writes whose answers were lost. If it
// fails, writes fail before they are sent.
func WithUnanswered(u Unanswered) Option {
	return func(s *settings) error {
		if u == nil {
			return errors.New("WithUnanswered: the memory is nil")
		}
		s.unanswered = u
		return nil
	}
}

// LocalLocker is a [Locker] within one process; the zero value is ready to use.
type LocalLocker struct{ turns turns[string] }

// Lock waits until nobody else holds the key, or until ctx ends.
func (l *LocalLocker) Lock(ctx context.Context, key string) (unlock func(), held context.Context, err error) {
	done, err := l.turns.wait(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	held, cancel := context.WithCancel(ctx)
	var once sync.Once
	return func() {
		once.Do(func() {
			cancel()
			done()
		})
	}, held, nil
}

// hourGate makes the gate of WithHourlyReserve, and says how to ask it what is left.
// Only the options name these functions, so that a program without them links none.
type hourGate func(s *settings, client func() *Client) (gate limit.Gate, left func() (int64, bool))

// hourOf returns the gate of WithHourlyReserve, nil without it. client is called
// later.
func (s *settings) hourOf(client func() *Client) (gate limit.Gate, left func() (int64, bool), err error) {
	switch {
	case s.reserve == nil && s.budget != nil:
		return nil, nil, errors.New("WithBudget: it needs WithHourlyReserve, if only of 0")
	case s.reserve == nil:
		return nil, nil, nil
	}
	gate, left = s.hour(s, client)
	return gate, left, nil
}

func ownHour(s *settings, client func() *Client) (gate limit.Gate, left func() (int64, bool)) {
	h := &limit.Hour{Reserve: *s.reserve, Free: freeOfLimit(), Read: readingOf(client)}
	return h, h.Left
}

func sharedHour(s *settings, client func() *Client) (gate limit.Gate, left func() (int64, bool)) {
	h := &limit.SharedHour{Reserve: *s.reserve, Free: freeOfLimit(), Read: readingOf(client), Budget: budget{s.budget}}
	return h, h.Left
}

// freeOfLimit are the paths that the limit does not keep waiting: reading it, and
// finding the zone.
func freeOfLimit() []string { return []string{thresholdPath, zone.Path} }

func readingOf(client func() *Client) func(context.Context) (limit.Reading, error) {
	return func(ctx context.Context) (limit.Reading, error) {
		t, err := client().Threshold(ctx)
		if err != nil {
			return limit.Reading{}, err
		}
		return limit.Reading(*t), nil
	}
}

// budget is a Budget in the words of internal/limit.
type budget struct{ Budget }

func (b budget) Spend(ctx context.Context, begun, ended int64) (limit.Spent, error) {
	s, err := b.Budget.Spend(ctx, begun, ended)
	return limit.Spent{Reading: limit.Reading(s.Threshold), Age: s.Age, Since: s.Since}, err
}

func (b budget) Refresh(ctx context.Context, maxAge time.Duration, read func(context.Context) (limit.Reading, error)) error {
	return b.Budget.Refresh(ctx, maxAge, func(ctx context.Context) (*Threshold, error) {
		r, err := read(ctx)
		return (*Threshold)(&r), err
	})
}

// storeWait bounds what the shared memory may take to hear of a write. Its answer
// may have been lost because the caller's context has ended: others must know all
// the same.
const storeWait = 5 * time.Second

// tell and untell make other processes know what this client does not know the
// outcome of. Their contexts are no caller's: an answer may be lost because the
// caller's has ended, and others must know of it all the same.
//
//nolint:contextcheck,nolintlint // see above; the first is heeded, but counted as unused
func (u *unanswered) tell(key string, value []byte, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	return u.shared.Remember(ctx, key, value, ttl)
}

// untell reports whether the write is this client's to settle.
//
//nolint:contextcheck,nolintlint // see tell
func (u *unanswered) untell(key writeKey, stored []byte) (mine bool) {
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	if was, err := u.shared.Forget(ctx, key.shared(), stored); was || err != nil {
		return true
	}
	value, left, err := u.shared.Recall(ctx, key.shared())
	if newer, err := decodeLost(key, value, left); err == nil {
		u.put(key, newer)
	}
	return err != nil || value == nil // the store has lost it
}

// shared is the key of a write in a memory that processes share.
func (k writeKey) shared() string {
	if k.made == (digest{}) {
		return k.collection + "/" + strconv.FormatInt(k.id, 10)
	}
	return fmt.Sprintf("%s/%x/%d", k.collection, k.made, k.actor)
}

// share tells other processes of a write, and returns what they know. If the store
// fails, which it says itself, this client remembers it alone.
func (u *unanswered) share(key writeKey, w lostWrite) (stored []byte) {
	if u.shared == nil {
		return nil
	}
	value, ttl, err := w.encode()
	if err != nil || u.tell(key.shared(), value, ttl) != nil {
		return nil
	}
	return value
}

// learn takes over what other processes know of a key.
func (u *unanswered) learn(ctx context.Context, key writeKey) error {
	if u.shared == nil {
		return nil
	}
	value, left, err := u.shared.Recall(ctx, key.shared())
	if err != nil {
		return fmt.Errorf("the memory of unanswered writes, which WithUnanswered shares: %w", err)
	}
	own, known := u.get(key)
	switch {
	case value == nil: // or the store has lost it
		return nil
	case len(value) == 0:
		if known && own.stored != nil {
			u.drop(key) // another process has settled it
		}
		return nil
	}
	w, err := decodeLost(key, value, left)
	switch {
	case err != nil:
		return err
	case known && own.stored == nil && !own.until.Before(w.until):
		u.keep(key, own) // a later write, of which the store did not hear
	default:
		u.put(key, w)
	}
	return nil
}

// remove settles a write. It is false if another process has settled it before, which
// may have lost another one meanwhile: that is known, then.
func (u *unanswered) remove(key writeKey) bool {
	w, ok := u.drop(key)
	return !ok || w.stored == nil || u.untell(key, w.stored)
}

// sharedWrite is a lostWrite as it is stored. Clocks differ between processes, so it
// holds no times, but how long ago they were or will be, in nanoseconds.
type sharedWrite struct {
	Which   string         `json:"which"` // of two that are else the same
	TTL     int64          `json:"ttl"`
	Left    int64          `json:"left"`
	Changes []sharedChange `json:"changes,omitzero"`
	Deleted bool           `json:"deleted,omitzero"`
	Created *sharedCreate  `json:"created,omitzero"`
}

// sharedChange is a merge.Change. What is absent is not null.
type sharedChange struct {
	Name   string         `json:"name"`
	Old    jsontext.Value `json:"old,omitzero"`
	New    jsontext.Value `json:"new,omitzero"`
	Unread bool           `json:"unread,omitzero"`
}

type sharedCreate struct {
	Age   int64   `json:"age"`
	Seen  []int64 `json:"seen,omitzero"`
	Known bool    `json:"known,omitzero"`
	ID    int64   `json:"id,omitzero"`
	Named bool    `json:"named,omitzero"`
}

func (w lostWrite) encode() (value []byte, ttl time.Duration, err error) {
	ttl = w.left() + pastLanding
	stored := sharedWrite{Which: rand.Text(), TTL: int64(ttl), Left: int64(w.left()), Deleted: w.deleted}
	for _, ch := range w.changes {
		stored.Changes = append(stored.Changes, sharedChange(ch))
	}
	if c := w.created; c != nil {
		stored.Created = &sharedCreate{Age: int64(time.Since(c.since)), Seen: c.seen, Known: c.known, ID: c.id, Named: c.named}
	}
	value, err = json.Marshal(stored)
	return value, ttl, err
}

func decodeLost(key writeKey, value []byte, left time.Duration) (lostWrite, error) {
	var stored sharedWrite
	err := json.Unmarshal(value, &stored)
	if err == nil && (stored.Created != nil) != (key.made != digest{}) {
		err = errors.New("it is about something else")
	}
	if err != nil {
		return lostWrite{}, fmt.Errorf("what is remembered of a write that was not answered cannot be read: %w", err)
	}
	now, ago := time.Now(), max(0, time.Duration(stored.TTL)-left)
	w := lostWrite{until: now.Add(time.Duration(stored.Left) - ago), deleted: stored.Deleted, stored: value}
	for _, ch := range stored.Changes {
		w.changes = append(w.changes, merge.Change(ch))
	}
	if c := stored.Created; c != nil {
		w.created = &lostCreate{since: now.Add(-time.Duration(c.Age) - ago), seen: c.Seen, known: c.Known, id: c.ID, named: c.Named}
	}
	return w, nil
}
