//go:build unix

package fleettest

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

const (
	processes  = 8
	ticketID   = 4711
	clients    = 24
	leaseTime  = 10 * time.Second
	slack      = 2 * time.Second // of a machine that has other things to do as well
	shareSlack = 0.2
)

// beClients makes requests with many clients until the process is ended.
func beClients(ctx context.Context, p self) error {
	var all sync.WaitGroup
	for range clients {
		w := &watched{Limiter: p.shared, lost: p.lost}
		client, err := p.client(autotask.WithLimiter(w), autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				r = r.Clone(r.Context())
				r.Header.Set(processHeader, strconv.Itoa(p.number))
				r.Header.Set(waitedHeader, strconv.FormatInt(int64(w.waited), 10))
				r.Header.Set(sentHeader, strconv.FormatInt(time.Now().UnixNano(), 10))
				return next.RoundTrip(r)
			})
		}))
		if err != nil {
			return err
		}
		all.Go(func() {
			// Those of one process do not come in one go, or they would be served so for ever.
			pause(rand.N(3 * time.Second)) //nolint:gosec // it needs no secrecy
			for ctx.Err() == nil {
				if _, err := client.Tickets.Get(ctx, ticketID); err != nil && ctx.Err() == nil {
					say("error: %v", err)
				}
			}
		})
	}
	all.Wait()
	return p.shared.Close(context.WithoutCancel(ctx))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// watched is a limiter of a client that makes one request at a time.
type watched struct {
	autotask.Limiter
	lost   error
	waited time.Duration
}

func (w *watched) Acquire(ctx context.Context, endpoint string) (release func(), held context.Context, err error) {
	began := time.Now()
	giveBack, held, err := w.Limiter.Acquire(ctx, endpoint)
	w.waited = time.Since(began)
	if err != nil {
		return nil, nil, err
	}
	return func() {
		if held.Err() != nil && context.Cause(held) == w.lost { //nolint:errorlint // it is not wrapped
			say("lost")
		}
		giveBack()
	}, held, nil
}

// life is a time in which a process takes part.
type life struct{ from, to time.Time }

// watch is what a test sees of its processes.
type watch struct {
	mu       sync.Mutex
	began    time.Time // all are there
	arrivals []arrival
	lives    [processes][]life
	// What is to be done at the next moment at which all places are known to be in use.
	// Then a process that has one request in flight holds one place, and one that has
	// none holds none.
	due      strike
	struckAt time.Time
	stopped  [processes]life
	over     bool // the test is
	late     int  // requests that a process had begun before it was stopped
}

// strike hits a process.
type strike struct {
	signal  syscall.Signal // 0: nothing is due
	process int
	holds   int // how many places it must hold
}

// Places runs eight processes with 24 clients each on one endpoint. Some are killed,
// one is stopped for longer than a lease.
func Places(t *testing.T, a Adapter) {
	srv := autotasktest.NewServer(t)
	srv.SetThreadLimit(0) // the front counts
	srv.SetThreshold(1_000_000, 0)
	srv.Seed("Tickets", map[string]any{"id": ticketID})
	f := newFront(t, srv)
	f.latency = 50 * time.Millisecond
	w := &watch{}
	var all [processes]*process
	f.arrives = func(arrived arrival, inFlight map[int]int) bool { return w.arrive(all[:], arrived, inFlight) }
	w.mu.Lock() // the first requests wait until all are started
	for i := range all {
		all[i] = a.start(t, "clients", i, f.base())
	}
	w.mu.Unlock()
	w.await(t, func() bool { return !slices.ContainsFunc(w.lives[:], func(l []life) bool { return len(l) == 0 }) })
	w.set(func() { w.began = time.Now() })

	pause(time.Second)
	killed := w.strike(t, strike{syscall.SIGKILL, 7, 1})
	pause(5 * time.Second)
	w.strike(t, strike{syscall.SIGKILL, 5, 0})
	pause(time.Until(killed.Add(leaseTime + time.Second)))
	stopped := w.strike(t, strike{syscall.SIGSTOP, 6, 1})
	pause(time.Until(stopped.Add(leaseTime + slack)))
	w.set(func() { w.stopped[6].to = time.Now() })
	all[6].signal(syscall.SIGCONT)
	pause(time.Second + slack)
	// What is broken off at the end gives its place back, but is still in flight.
	end, highest := time.Now(), f.most()
	w.set(func() {
		w.over = true
		for i := range all {
			w.die(i, end)
		}
	})
	lost := 0
	for i, p := range all {
		for _, line := range p.end(t) {
			switch {
			case line == "lost" && i == 6:
				lost++
			default:
				t.Errorf("process %d: %s", i, line)
			}
		}
	}
	w.judge(t, f, highest, lost, killed, stopped)
}

// arrive notes a request, and strikes its process if it is due.
func (w *watch) arrive(all []*process, a arrival, inFlight map[int]int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := a.process
	stop := w.stopped[i]
	switch {
	case w.over:
		return true
	case !stop.from.IsZero() && a.sent.Before(stop.from):
		// It had its place when it was stopped. Nobody can call back what is on its way.
		w.late++
		return false
	case !stop.from.IsZero() && stop.to.IsZero():
		return false
	}
	if n := len(w.lives[i]); n == 0 || !w.lives[i][n-1].to.IsZero() {
		w.lives[i] = append(w.lives[i], life{from: a.at})
	}
	w.arrivals = append(w.arrivals, a)
	total := 0
	for _, n := range inFlight {
		total += n
	}
	if d := w.due; d.signal != 0 && total == 3 && inFlight[d.process] == d.holds {
		all[d.process].signal(d.signal)
		w.due, w.struckAt = strike{}, a.at
		w.die(d.process, a.at)
		if d.signal == syscall.SIGSTOP {
			w.stopped[d.process].from = a.at
			return i != d.process
		}
	}
	return true
}

// die ends the life of a process. It is called with the lock held.
func (w *watch) die(i int, at time.Time) {
	if n := len(w.lives[i]); n > 0 && w.lives[i][n-1].to.IsZero() {
		w.lives[i][n-1].to = at
	}
}

func (w *watch) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// strike waits until a process has been struck.
func (w *watch) strike(t *testing.T, s strike) (at time.Time) {
	t.Helper()
	w.set(func() { w.due, w.struckAt = s, time.Time{} })
	w.await(t, func() bool { return !w.struckAt.IsZero() })
	w.set(func() { at = w.struckAt })
	return at
}

func (w *watch) await(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for done := false; !done; {
		if time.Now().After(deadline) {
			t.Fatal("the processes do not come to it within a minute")
		}
		pause(10 * time.Millisecond)
		w.set(func() { done = cond() })
	}
}

func pause(d time.Duration) { <-time.After(d) }

func (w *watch) judge(t *testing.T, f *front, highest, lost int, killed, stopped time.Time) {
	t.Helper()
	over := max(0, highest-3)
	if over > 0 {
		t.Errorf("%d requests at a time", highest)
	}
	if lost == 0 {
		t.Error("the process that was stopped has not lost its place, or does not know it")
	}
	for what, at := range map[string]time.Time{"killed": killed, "stopped": stopped} {
		i, _ := slices.BinarySearchFunc(f.fullAt, at.Add(100*time.Millisecond), time.Time.Compare)
		if i == len(f.fullAt) || f.fullAt[i].Sub(at) > leaseTime+slack {
			t.Errorf("the place of a process that was %s did not come back within %v", what, leaseTime+slack)
		} else {
			t.Logf("the place of the process that was %s was back after %v", what, f.fullAt[i].Sub(at).Round(time.Millisecond))
		}
	}
	w.judgeShares(t)
	w.judgeWaits(t, over)
}

// judgeShares compares how often each process had a place with its share: of each
// place that is given, as much as of any other process that takes part at that
// time. The waiters of a process that goes on come in one go, so it is left out then.
// One that was not there all the time has one turn of its clients more or less, as
// they begin at the end of the queue.
func (w *watch) judgeShares(t *testing.T) {
	t.Helper()
	var had, due [processes]float64
	for _, a := range w.arrivals {
		if stop := w.stopped[a.process]; !stop.to.IsZero() && a.at.After(stop.to) {
			continue
		}
		var living []int
		for i, lives := range w.lives {
			if stop := w.stopped[i]; !stop.to.IsZero() && a.at.After(stop.to) {
				continue
			}
			if slices.ContainsFunc(lives, func(l life) bool { return !a.at.Before(l.from) && !a.at.After(l.to) }) {
				living = append(living, i)
			}
		}
		had[a.process]++
		for _, i := range living {
			due[i] += 1 / float64(len(living))
		}
	}
	whole := slices.Max(due[:])
	for i := range had {
		t.Logf("process %d: %.0f places, its share is %.0f", i, had[i], due[i])
		allowed := shareSlack * due[i]
		if due[i] < 0.9*whole {
			allowed += clients
		}
		if math.Abs(had[i]-due[i]) > allowed {
			t.Errorf("process %d had %.0f places, but its share is %.0f", i, had[i], due[i])
		}
	}
}

// judgeWaits leaves out the waits during which a process was stopped itself.
func (w *watch) judgeWaits(t *testing.T, over int) {
	t.Helper()
	var waits []time.Duration
	var sum time.Duration
	for _, a := range w.arrivals {
		stop := w.stopped[a.process]
		if a.at.Before(w.began) || !stop.to.IsZero() && a.sent.After(stop.to) && a.sent.Add(-a.waited).Before(stop.to) {
			continue
		}
		waits = append(waits, a.waited)
		sum += a.waited
	}
	slices.SortFunc(waits, cmp.Compare[time.Duration])
	mean, p99 := sum/time.Duration(len(waits)), waits[len(waits)*99/100]
	if p99 > 2*mean {
		t.Errorf("99 %% of the waits took up to %v, the mean is %v", p99, mean)
	}
	t.Logf("mean wait %v, p99 %v; %d requests were on their way when their process was stopped",
		mean.Round(time.Millisecond), p99.Round(time.Millisecond), w.late)
	t.Logf("limits: %d holds, %d over, max wait %v", len(w.arrivals), over, waits[len(waits)-1].Round(time.Millisecond))
}
