package alert_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/autotasktest"
)

// playAll makes the test play every interleaving. It is a step of its own in CI.
const playAll = "AUTOTASK_ALERTS"

// fate is what becomes of one request.
type fate int

const (
	answered   fate = iota
	lostAnswer      // carried out, and the connection breaks
	lost            // the connection breaks before it arrives
	killed          // the worker is killed before it is sent
	killedLate      // the worker is killed after it is carried out
	stale           // a query, answered with what was there before the last write
)

// choice is whose request is let through next, and what becomes of it.
type choice struct {
	worker int
	fate   fate
}

// waiting is a request that waits to be let through.
type waiting struct {
	worker int
	read   bool
	decide chan fate
}

// plan decides what happens next. false ends the run.
type plan interface {
	next(options []choice, reads map[int]bool) (choice, bool)
}

// world is a tenant with workers that upsert the same key, each as a queue does:
// again and again, until it is done.
type world struct {
	scene  scene
	srv    *autotasktest.Server
	behind *autotasktest.Server // one write behind; nil if queries are never stale
	locker autotask.Locker
	plan   plan
	faults int

	mu      sync.Mutex
	queue   []*waiting
	arrived chan struct{}
	unsent  *http.Request // the write that the tenant behind has not seen
	body    []byte
}

// scene is what the workers find, and what may go wrong.
type scene struct {
	name    string
	workers int
	faults  int
	locked  bool
	stale   bool
	same    bool // all workers have the same event
	policy  alert.Policy
	tickets []map[string]any
	closed  bool // a ticket of the key is closed at first
}

var scenes = []scene{
	{name: "new", workers: 2, faults: 1},
	{name: "new, locked", workers: 2, faults: 3, locked: true},
	{name: "the same event, locked", workers: 2, faults: 4, locked: true, same: true},
	{name: "open", workers: 2, faults: 3, tickets: []map[string]any{{"status": 1}}},
	{name: "open, locked", workers: 2, faults: 3, locked: true, tickets: []map[string]any{{"status": 1}}},
	{name: "two open", workers: 2, faults: 1, tickets: []map[string]any{{"status": 1}, {"status": 10}}},
	{name: "reopened, locked", workers: 2, faults: 2, locked: true, closed: true, policy: alert.Policy{Reopen: time.Hour, ReopenStatus: 10}},
}

func (s scene) play(t *testing.T, p plan) (v verdict, finished bool) {
	t.Helper()
	w := &world{scene: s, plan: p, faults: s.faults, arrived: make(chan struct{}, 1), srv: autotasktest.NewInProcess(t), locker: unlocked{}}
	if s.locked {
		w.locker = new(autotask.LocalLocker)
	}
	if s.stale {
		w.behind = autotasktest.NewInProcess(t)
	}
	for _, row := range s.tickets {
		seed := map[string]any{"companyID": company, "externalID": "alert:" + key, "title": "Backup failed: MAIL-02"}
		for name, value := range row {
			seed[name] = value
		}
		w.srv.Seed("Tickets", seed)
		if w.behind != nil {
			w.behind.Seed("Tickets", seed)
		}
	}
	if s.closed {
		client := w.srv.Client()
		upsert(t, client, failed("run-0"), alert.Policy{})
		_, err := alert.Clear(t.Context(), client, company, key, over())
		require.NoError(t, err)
	}
	w.srv.ResetRequests()
	pass(10 * time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ends := make([]error, s.workers)
	done := make([]chan struct{}, s.workers)
	for i := range s.workers {
		done[i] = make(chan struct{})
		go func() {
			defer close(done[i])
			ends[i] = w.work(ctx, i)
			w.wake()
		}()
		synctest.Wait() // they ask for the lock in this order
	}
	finished = w.direct(done)
	cancel()
	for i := range done {
		<-done[i]
	}
	if !finished {
		return verdict{}, false
	}
	return w.judge(t, errors.Join(ends...)), true
}

// direct lets the requests through, one at a time.
func (w *world) direct(done []chan struct{}) bool {
	for {
		synctest.Wait()
		w.mu.Lock()
		slices.SortFunc(w.queue, func(a, b *waiting) int { return a.worker - b.worker })
		queue := slices.Clone(w.queue)
		w.mu.Unlock()
		if len(queue) == 0 {
			if !slices.ContainsFunc(done, isOpenChannel) {
				return true
			}
			<-w.arrived // time passes
			continue
		}
		options, reads := w.options(queue)
		chosen, ok := w.plan.next(options, reads)
		if !ok {
			return false
		}
		if chosen.fate != answered && chosen.fate != stale {
			w.faults--
		}
		pass(20 * time.Millisecond) // no two requests at the same time
		at := slices.IndexFunc(queue, func(q *waiting) bool { return q.worker == chosen.worker })
		w.mu.Lock()
		w.queue = slices.DeleteFunc(w.queue, func(q *waiting) bool { return q == queue[at] })
		w.mu.Unlock()
		queue[at].decide <- chosen.fate
	}
}

func isOpenChannel(c chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}

func (w *world) options(queue []*waiting) (options []choice, reads map[int]bool) {
	reads = make(map[int]bool)
	for _, q := range queue {
		reads[q.worker] = q.read
		fates := []fate{answered}
		if q.read && w.behind != nil {
			fates = append(fates, stale)
		}
		if w.faults > 0 {
			fates = append(fates, lost, killed)
			if !q.read {
				fates = append(fates, lostAnswer, killedLate)
			}
		}
		for _, f := range fates {
			options = append(options, choice{q.worker, f})
		}
	}
	return options, reads
}

// work is one worker of a queue.
func (w *world) work(ctx context.Context, worker int) error {
	event := "run-0a"
	if !w.scene.same {
		event = fmt.Sprintf("run-%d", worker+1)
	}
	a := failed(event)
	p := w.scene.policy
	p.Locker = w.locker
	var client *autotask.Client
	for attempts := 1; ; attempts++ {
		life, die := context.WithCancelCause(ctx)
		if client == nil {
			client = w.newClient(worker, func() { die(errKilled) })
		}
		_, failure := alert.Upsert(life, client, a, p)
		dead := context.Cause(life) == errKilled //nolint:errorlint // it is this very error
		die(nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failure == nil && !dead {
			return nil
		}
		if attempts == 12 {
			return fmt.Errorf("worker %d never ends: %w", worker, failure)
		}
		wait := time.Second
		if dead {
			client = nil // another process
		} else if e, ok := errors.AsType[*autotask.Error](failure); ok {
			wait = max(wait, e.RetryAfter)
		}
		pass(wait)
	}
}

var errKilled = errors.New("killed")

func (w *world) newClient(worker int, die func()) *autotask.Client {
	return w.srv.InProcessClient(autotask.WithMaxRetries(0), autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { return w.carry(next, r, worker, die) })
	}))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (w *world) wake() {
	select {
	case w.arrived <- struct{}{}:
	default:
	}
}

// carry waits until the request is let through.
func (w *world) carry(next http.RoundTripper, r *http.Request, worker int, die func()) (*http.Response, error) {
	isRead := r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/query")
	q := &waiting{worker: worker, read: isRead, decide: make(chan fate)}
	w.mu.Lock()
	w.queue = append(w.queue, q)
	w.mu.Unlock()
	w.wake()
	var decided fate
	select {
	case decided = <-q.decide:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	switch decided {
	case killed:
		die()
		return nil, r.Context().Err()
	case lost:
		return nil, io.ErrUnexpectedEOF
	case stale:
		if r.Method == http.MethodPost {
			next, r = w.behind.Transport(), w.signed(r)
		}
	case answered, lostAnswer, killedLate:
	}
	resp, err := w.send(next, r, isRead)
	if err == nil && (decided == lostAnswer || decided == killedLate) {
		_ = resp.Body.Close()
		resp, err = nil, io.ErrUnexpectedEOF
	}
	if decided == killedLate {
		die()
	}
	return resp, err
}

// signed is a request with the credentials, which a client adds beneath its
// middleware.
func (w *world) signed(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	c := w.srv.Credentials()
	r.Header.Set("UserName", c.UserName)
	r.Header.Set("Secret", c.Secret)
	r.Header.Set("ApiIntegrationCode", c.IntegrationCode)
	return r
}

// send carries a request out, and keeps the tenant that lags one write behind.
func (w *world) send(next http.RoundTripper, r *http.Request, isRead bool) (*http.Response, error) {
	if w.behind == nil || isRead {
		return next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if w.unsent != nil {
		late := w.signed(w.unsent)
		late.Body = io.NopCloser(strings.NewReader(string(w.body)))
		resp, err := w.behind.Transport().RoundTrip(late)
		if err != nil || resp.StatusCode != http.StatusOK {
			panic(fmt.Sprint("the tenant behind refuses a write: ", err))
		}
		_ = resp.Body.Close()
	}
	w.unsent, w.body = r.Clone(context.WithoutCancel(r.Context())), body
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return next.RoundTrip(r)
}

// verdict is what is wrong in the end.
type verdict struct{ doubled, lost []string }

func (w *world) judge(t *testing.T, err error) (v verdict) {
	t.Helper()
	if err != nil {
		v.lost = append(v.lost, err.Error())
	}
	if w.scene.stale { // at rest, after the next occurrence
		p := w.scene.policy
		p.Locker = unlocked{}
		upsert(t, w.srv.InProcessClient(), failed("run-9"), p)
		w.srv.ResetRequests()
	}
	open := openOf(w.srv, "alert:"+key)
	switch {
	case len(open) == 0:
		v.lost = append(v.lost, "no open ticket")
	case len(open) > 1:
		v.doubled = append(v.doubled, fmt.Sprintf("%d open tickets", len(open)))
	}
	if w.scene.stale {
		return v
	}
	for i := range w.scene.workers {
		event := fmt.Sprintf("run-%d", i+1)
		if w.scene.same {
			event = "run-0a"
		}
		switch n := timesOn(w.srv, event); {
		case n == 0:
			v.lost = append(v.lost, event)
		case n > 1:
			v.doubled = append(v.doubled, fmt.Sprintf("%s %d times", event, n))
		}
	}
	creates, allowed := 0, w.scene.workers
	for _, row := range w.srv.Rows("Tickets") {
		if row["externalID"] == "alert:"+key {
			creates++
		}
	}
	creates -= len(w.scene.tickets)
	switch {
	case len(w.scene.tickets) > 0:
		allowed = 0
	case w.scene.locked || w.scene.closed:
		allowed = 1
	}
	if creates > allowed {
		v.doubled = append(v.doubled, fmt.Sprintf("%d tickets made, %d allowed", creates, allowed))
	}
	return v
}

// node is a point at which a run may go on in several ways.
type node struct {
	options []choice
	reads   map[int]bool
	asleep  map[choice]bool
	at      int
}

// explorer plays every interleaving, depth first. Of two reads of different
// workers that follow each other it plays one order only: they change nothing,
// so that the other order is the same run (Godefroid's sleep sets).
type explorer struct {
	path  []*node
	depth int
}

func (e *explorer) next(options []choice, reads map[int]bool) (choice, bool) {
	if e.depth == len(e.path) {
		n := &node{options: options, reads: reads, asleep: e.asleep()}
		e.path = append(e.path, n)
		n.at = -1
		if !n.advance() {
			e.path = e.path[:len(e.path)-1]
			return choice{}, false
		}
	}
	n := e.path[e.depth]
	e.depth++
	if n.at >= len(options) || n.options[n.at] != options[n.at] {
		panic(fmt.Sprintf("a run is not repeatable: %v, then %v", n.options, options))
	}
	return n.options[n.at], true
}

// advance goes to the next option that is not asleep.
func (n *node) advance() bool {
	for n.at++; n.at < len(n.options); n.at++ {
		if !n.asleep[n.options[n.at]] {
			return true
		}
	}
	return false
}

// asleep are the choices that the node after the last one need not play.
func (e *explorer) asleep() map[choice]bool {
	if len(e.path) == 0 {
		return nil
	}
	last := e.path[len(e.path)-1]
	chosen := last.options[last.at]
	if !last.reads[chosen.worker] || chosen.fate != answered {
		return nil
	}
	asleep := make(map[choice]bool)
	add := func(c choice) {
		if c.worker != chosen.worker && last.reads[c.worker] && c.fate == answered {
			asleep[c] = true
		}
	}
	for c := range last.asleep {
		add(c)
	}
	for _, c := range last.options[:last.at] {
		add(c)
	}
	return asleep
}

// again reports whether there is another run to play.
func (e *explorer) again() bool {
	e.depth = 0
	for len(e.path) > 0 {
		if e.path[len(e.path)-1].advance() {
			return true
		}
		e.path = e.path[:len(e.path)-1]
	}
	return false
}

// sampler plays a random run.
type sampler struct{ *rand.Rand }

func (s sampler) next(options []choice, _ map[int]bool) (choice, bool) {
	c := options[s.IntN(len(options))]
	if c.fate != answered && c.fate != stale && s.IntN(3) > 0 { // faults come later, too
		c.fate = answered
	}
	return c, true
}

// tally adds up what was played.
type tally struct {
	mu                    sync.Mutex
	played, doubled, lost int
}

// play plays one run. It reports whether the run is one of its own: the explorer
// ends those that are like an earlier one.
func (n *tally) play(t *testing.T, s scene, p plan) bool {
	t.Helper()
	var v verdict
	finished := false
	synctest.Test(t, func(t *testing.T) { v, finished = s.play(t, p) })
	if !finished {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.played++
	if len(v.doubled) > 0 {
		n.doubled++
	}
	if len(v.lost) > 0 {
		n.lost++
	}
	if len(v.doubled)+len(v.lost) > 0 && n.doubled+n.lost <= 5 {
		how := ""
		if e, ok := p.(*explorer); ok {
			for _, node := range e.path {
				how += fmt.Sprint(node.options[node.at])
			}
		}
		t.Errorf("%s: doubled %v, lost %v; %s", s.name, v.doubled, v.lost, how)
	}
	return true
}

// TestInterleavings lets workers upsert the same key in every order of their
// requests, kills them and loses their answers, repeats the calls until all are
// done, and looks at what is left. With AUTOTASK_ALERTS=all it plays every
// interleaving of two workers; otherwise a sample.
func TestInterleavings(t *testing.T) {
	t.Parallel()
	var n tally
	all := os.Getenv(playAll) == "all"
	if all {
		n.playScenes(t)
		assert.GreaterOrEqual(t, n.played, 20_000)
	}
	n.sample(t, all)
	_, err := fmt.Fprintf(t.Output(), "alerts: %d interleavings, %d doubled, %d lost\n", n.played, n.doubled, n.lost)
	require.NoError(t, err)
}

// playScenes plays every interleaving of each scene, two scenes at a time.
func (n *tally) playScenes(t *testing.T) {
	t.Helper()
	var players sync.WaitGroup
	left := make(chan scene)
	for range 2 {
		players.Go(func() {
			for s := range left {
				runs := 0
				for e := (&explorer{}); ; {
					if n.play(t, s, e) {
						runs++
					}
					if !e.again() {
						break
					}
				}
				t.Logf("%s, %d faults: %d", s.name, s.faults, runs)
			}
		})
	}
	for _, s := range scenes {
		left <- s
	}
	close(left)
	players.Wait()
}

// TestStaleQueries lets two and three workers upsert the same key without a lock,
// while any query may miss the last write. At rest, after the next occurrence,
// one ticket is open.
func TestStaleQueries(t *testing.T) {
	t.Parallel()
	var n tally
	runs := 100
	switch {
	case os.Getenv(playAll) == "all":
		runs = 2_000
	case raceDetector:
		runs = 10
	}
	for _, workers := range []int{2, 3} {
		for k := range runs {
			s := scene{name: "stale", workers: workers, faults: k % 3, stale: true}
			n.play(t, s, sampler{rand.New(rand.NewPCG(1, uint64(k)))}) //nolint:gosec // it must be the same every time
		}
	}
	assert.Equal(t, 2*runs, n.played)
	t.Logf("%d interleavings with stale queries, %d doubled, %d lost", n.played, n.doubled, n.lost)
}

// sample plays random runs, of three workers as well.
func (n *tally) sample(t *testing.T, all bool) {
	t.Helper()
	runs := 16
	switch {
	case all:
		runs = 300
	case raceDetector:
		runs = 5
	}
	for i, s := range scenes {
		for _, workers := range []int{2, 3} {
			s.workers, s.faults = workers, 3
			for k := range runs {
				n.play(t, s, sampler{rand.New(rand.NewPCG(uint64(i), uint64(k)))}) //nolint:gosec // it must be the same every time
			}
		}
	}
}
