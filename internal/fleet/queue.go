package fleet

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// callTimeout bounds one exchange: three fit into a lease.
	callTimeout = 3 * time.Second
	// probeTimeout bounds an exchange with a store that was down: others wait meanwhile.
	probeTimeout = 500 * time.Millisecond
	// The first of a queue asks again after leastPoll, and less often as long as nothing
	// changes, so that it waits for a fifth longer than it must. Those behind it ask
	// less often, and nobody so seldom that it would count as silent.
	leastPoll  = 10 * time.Millisecond
	mostPoll   = 250 * time.Millisecond
	pollGrowth = 1.2
	// retryAfter is the time between attempts to reach a store that is down.
	retryAfter = 500 * time.Millisecond
)

// ticket is a waiter, and then a holder of a place.
type ticket struct {
	id      string
	decided chan struct{} // closed when the ticket has a place, or an error
	err     error

	mu    sync.Mutex
	until time.Time // the end of the lease by our clock; zero: it has none, see own
	own   bool      // a place by the process's own limits
	timer *time.Timer
	over  func(error) // ends the holder's context
}

// hold returns the holder's context.
func (t *ticket) hold(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = cancel
	if !t.until.IsZero() {
		t.timer = time.AfterFunc(time.Until(t.until), t.check)
	}
	return heldContext{ctx, t}
}

// heldContext looks at the clock itself: a process that was stopped goes on before its
// timers do.
type heldContext struct {
	context.Context
	ticket *ticket
}

func (h heldContext) Err() error {
	h.ticket.check()
	return h.Context.Err()
}

// check ends a lease that has run out.
func (t *ticket) check() {
	t.mu.Lock()
	ranOut := t.ranOut()
	t.mu.Unlock()
	if ranOut {
		t.end(ErrLost)
	}
}

// ranOut is called with the lock held. It goes by the wall clock as well: the other one
// stands still while a machine is suspended.
func (t *ticket) ranOut() bool {
	now := time.Now()
	return !t.until.IsZero() && !(now.Before(t.until) && now.Round(0).Before(t.until.Round(0)))
}

// end ends the holder's context.
func (t *ticket) end(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
	}
	if t.over != nil {
		t.over(cause)
	}
}

// lease gives the ticket a place, or prolongs it. It is false if the place was lost
// before that.
func (t *ticket) lease(until time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ranOut() {
		return false
	}
	t.until, t.own = until, false
	if t.timer != nil {
		t.timer.Reset(time.Until(until))
	} else if t.over != nil {
		t.timer = time.AfterFunc(time.Until(until), t.check)
	}
	return true
}

// disown turns a lease into a place by the process's own limits.
func (t *ticket) disown() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ranOut() {
		return
	}
	t.until, t.own = time.Time{}, true
	if t.timer != nil {
		t.timer.Stop()
	}
}

func (t *ticket) isOwn() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.own
}

// queue is what a process has to do with one queue of the store. One goroutine speaks
// for all its tickets, so that they cost one exchange together. Its fields are guarded
// by the lock of Limits.
type queue struct {
	limits *Limits
	name   string
	places int
	wake   chan struct{}

	waiting, holding []*ticket
	leaving          []departure
	told             []departure // in the step that is on its way
	news             bool        // of tickets that came or left
	ahead            int
	poll             time.Duration // the last wait between two questions
	asked, renewed   time.Time
	failed           bool // the last exchange
}

// departure is a ticket whose place or position is given back.
type departure struct {
	id string
	at time.Time // of no interest to the store once a lease would have run out
}

// stir wakes the goroutine. It is called with the lock held.
func (q *queue) stir() {
	q.news = true
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// leave gives a place or a position back, once.
func (q *queue) leave(t *ticket) {
	q.limits.mu.Lock()
	defer q.limits.mu.Unlock()
	isIt := func(other *ticket) bool { return other == t }
	if !slices.ContainsFunc(q.waiting, isIt) && !slices.ContainsFunc(q.holding, isIt) {
		return
	}
	q.waiting, q.holding = slices.DeleteFunc(q.waiting, isIt), slices.DeleteFunc(q.holding, isIt)
	q.leaving = append(q.leaving, departure{t.id, time.Now()})
	q.stir()
}

func (q *queue) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		step, at, done := q.next()
		if done {
			return
		}
		if wait := time.Until(at); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-q.wake:
			}
			continue
		}
		sent := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), q.timeout())
		out, err := q.limits.store.Step(ctx, step)
		cancel()
		if err == nil {
			q.limits.worked(changes)
			q.take(step, out, sent)
			continue
		}
		q.miss(q.limits.failed(changes, err))
	}
}

// next returns what there is to say to the store, and when. done is true if there is
// nothing left to do: the queue is no more.
func (q *queue) next() (step Step, at time.Time, done bool) {
	q.limits.mu.Lock()
	defer q.limits.mu.Unlock()
	now := time.Now()
	q.leaving = slices.DeleteFunc(q.leaving, func(d departure) bool { return now.Sub(d.at) >= LeaseTime })
	if len(q.waiting)+len(q.holding)+len(q.leaving) == 0 {
		delete(q.limits.queues, q.name)
		return Step{}, time.Time{}, true
	}
	at = q.renewed.Add(renewal)
	switch {
	case q.failed && q.limits.downAt.IsZero(): // others were luckier
		at = now
	case q.failed:
		if at = q.asked.Add(retryAfter); at.After(now) {
			q.manage(q.limits.instead())
		}
	case q.news:
		at = now
	case len(q.waiting) > 0:
		at = earlier(at, q.asked.Add(q.poll))
	}
	if at.After(now) {
		return Step{}, at, false
	}
	q.news, q.asked = false, now
	step = Step{Queue: q.name, Places: q.places, Owner: q.limits.owner}
	for _, d := range q.leaving {
		step.Leave = append(step.Leave, d.id)
	}
	q.told, q.leaving = q.leaving, nil
	for _, t := range q.waiting {
		step.Wait = append(step.Wait, t.id)
	}
	if q.failed || now.Sub(q.renewed) >= renewal {
		for _, t := range q.holding {
			step.Renew = append(step.Renew, t.id)
		}
		q.renewed = now
	}
	return step, now, false
}

func (q *queue) timeout() time.Duration {
	q.limits.mu.Lock()
	defer q.limits.mu.Unlock()
	if q.failed {
		return probeTimeout
	}
	return callTimeout
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// take does what the store has answered to a step that was sent at a time.
func (q *queue) take(step Step, out Outcome, sent time.Time) {
	q.limits.mu.Lock()
	defer q.limits.mu.Unlock()
	q.failed = false
	for _, id := range out.Granted {
		i := indexOf(q.waiting, id)
		if i < 0 { // it has given up meanwhile, which it says in the next step
			continue
		}
		if !time.Now().Before(sent.Add(LeaseTime)) { // the process was stopped
			q.news = true
			continue
		}
		t := q.waiting[i]
		q.waiting = slices.Delete(q.waiting, i, i+1)
		t.lease(sent.Add(LeaseTime))
		q.holding = append(q.holding, t)
		close(t.decided)
	}
	for _, id := range step.Renew {
		i := indexOf(q.holding, id)
		if i < 0 {
			continue
		}
		t := q.holding[i]
		isLost := slices.Contains(out.Lost, id)
		if isLost && t.isOwn() || !isLost && t.lease(sent.Add(LeaseTime)) {
			continue
		}
		q.limits.stats.Lost++
		q.holding = slices.Delete(q.holding, i, i+1)
		if !isLost {
			q.leaving = append(q.leaving, departure{id, time.Now()})
			q.news = true
		}
		t.end(ErrLost)
	}
	q.pace(len(out.Granted) > 0, out.Ahead)
}

func indexOf(tickets []*ticket, id string) int {
	return slices.IndexFunc(tickets, func(t *ticket) bool { return t.id == id })
}

// pace sets the time of the next question.
func (q *queue) pace(granted bool, ahead int) {
	next := time.Duration(float64(q.poll) * pollGrowth)
	if granted || ahead != q.ahead || next == 0 {
		next = leastPoll + leastPoll*time.Duration(ahead)/time.Duration(q.places)
	}
	q.ahead = ahead
	q.poll = min(next, mostPoll)
	q.poll += rand.N(q.poll/5 + 1) //nolint:gosec // jitter needs no secrecy
}

// miss does without the answer to a step.
func (q *queue) miss(instead error) {
	q.limits.mu.Lock()
	defer q.limits.mu.Unlock()
	q.failed = true
	q.leaving = append(q.told, q.leaving...)
	q.manage(instead)
}

// manage decides on tickets without the store: by the process's own limits, or if
// instead is an error, by that. It is called with the lock held.
func (q *queue) manage(instead error) {
	if instead != nil {
		q.refuse(instead)
		return
	}
	for _, t := range q.holding {
		t.disown()
	}
	for len(q.waiting) > 0 && len(q.holding) < q.places {
		t := q.waiting[0]
		q.waiting = q.waiting[1:]
		t.disown()
		q.limits.stats.Fallbacks++
		q.holding = append(q.holding, t)
		close(t.decided)
	}
}

// refuse sends all that wait away. It is called with the lock held.
func (q *queue) refuse(err error) {
	for _, t := range q.waiting {
		t.err = err
		close(t.decided)
		q.leaving = append(q.leaving, departure{t.id, time.Now()})
	}
	q.waiting = nil
}
