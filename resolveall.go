package autotask

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/autotask-go/autotask/internal/transport"
)

// Work is one ticket that ResolveAll is to resolve, and how. The ticket is
// named by its id or by its number, not by both.
type Work struct {
	TicketID int64
	Number   string // is looked up as by TicketsService.ResolveNumber
	Resolution
	// Key is the caller's own, such as the number of a line. The library does
	// not look at it.
	Key any
}

// ResolveAllOptions are the settings of ResolveAll. The zero value is good.
type ResolveAllOptions struct {
	// Workers is how many tickets are in work at a time. 0 is as many as it
	// takes to keep the busiest endpoint full: three times WithMaxConcurrency,
	// hence 9. More of them only wait for each other.
	Workers int
	// Total is how many works there are, if that is known; Progress goes by it.
	Total int
	// Grace is how long the works that are begun may go on after the context or
	// the loop has ended. 0 is 30 seconds; less than 0 is not at all.
	Grace time.Duration
	// Progress, if not nil, is called for each work that has ended, before its
	// outcome is handed out, on the goroutine of the loop.
	Progress func(Progress)
}

const defaultGrace = 30 * time.Second

// Progress tells how far ResolveAll has come.
type Progress struct {
	Done     int // works that ended without an error
	Failed   int // works that ended with one
	Waiting  int // the rest of Total; without that, those in work
	Requests int // HTTP requests made for the works that have ended
	// RequestsLeft is how many requests the client may still make in this hour,
	// as far as WithReserve knows; absent without it.
	RequestsLeft Optional[int64]
	Elapsed      time.Duration
	ToGo         time.Duration // at the pace so far; 0 without Total
}

// ResolveAll resolves many tickets, several at a time, each in the steps of
// Resolve. It ranges over an outcome and an error for each work, in the order
// in which they end; the outcome is never nil, and its Work says which one it
// belongs to. One failure does not stop the others: not even credentials that
// are refused or an hour's limit that is used up, with which all the rest fail
// without being sent. A caller who sees ErrUnauthorized or ErrRateLimited may
// want to break; ErrRateLimited has the time to wait in the RetryAfter of its
// *Error.
//
// Give each work the Begun that was kept with it, and a run that was killed can
// be repeated: what is done already is found to be done.
//
// What is wrong with a work is the error of that work, before anything is sent
// for it. Two works on one ticket never run at the same time, since Autotask has
// no version check; those that name the ticket in the same way keep their order.
//
// work is ranged over on one goroutine of its own, and never is ahead of the
// outcomes by more than the workers. A panic in it comes through, after the
// outcomes of what was begun.
//
// Once ctx ends no work is begun. Those that are begun may end within Grace, so
// that no write is left with an unknown outcome; their outcomes still come. A
// work that was taken from the sequence and not begun comes with an error that
// matches the context's and says so. Leaving the loop does the same, and waits
// for what is begun; its outcomes are lost, but a repeat finds what was done.
// Both wait for the sequence: one that may block should end with ctx.
func (c *Client) ResolveAll(ctx context.Context, work iter.Seq[Work], opts ResolveAllOptions) iter.Seq2[*Outcome, error] {
	return func(yield func(*Outcome, error) bool) {
		// running outlives ctx, by Grace.
		running, halt := context.WithCancel(context.WithoutCancel(ctx))
		defer halt()
		ctx, stop := context.WithCancel(ctx)
		defer context.AfterFunc(ctx, func() { haltAfter(running, opts.Grace, halt) })()

		b := &bulk{
			client:  c,
			running: running,
			slots:   make(chan struct{}, opts.workers(c)),
			results: make(chan result),
		}
		go b.feed(ctx, work)
		defer b.end(stop)
		began := time.Now()
		var p Progress
		for r := range b.results {
			if opts.Progress != nil {
				p.add(r, time.Since(began), max(opts.Total, int(b.taken.Load())))
				if opts.Total <= 0 {
					p.ToGo = 0
				}
				p.RequestsLeft = c.core.budget.left()
				opts.Progress(p)
			}
			if !yield(r.outcome, r.err) {
				return
			}
		}
	}
}

func (o ResolveAllOptions) workers(c *Client) int {
	if o.Workers > 0 {
		return o.Workers
	}
	// Of the three endpoints that a resolution uses, Tickets gets most requests.
	// Twice as many as fit there keep it full as long as all answer equally fast,
	// three times even when the searches on the others are slower.
	return 3 * c.core.concurrency
}

// haltAfter is halt after the grace, unless all is over before.
func haltAfter(running context.Context, grace time.Duration, halt func()) {
	timer := time.NewTimer(cmp.Or(grace, defaultGrace))
	defer timer.Stop()
	select {
	case <-timer.C:
		halt()
	case <-running.Done():
	}
}

// add counts a work that has ended.
func (p *Progress) add(r result, elapsed time.Duration, total int) {
	if r.err == nil {
		p.Done++
	} else {
		p.Failed++
	}
	ended := p.Done + p.Failed
	p.Waiting = total - ended
	p.Requests += r.outcome.Requests
	p.Elapsed = elapsed
	p.ToGo = elapsed / time.Duration(ended) * time.Duration(p.Waiting)
}

// bulk is one run of ResolveAll.
type bulk struct {
	client   *Client
	running  context.Context // of what is begun
	slots    chan struct{}   // one for each work between being taken and being handed out
	results  chan result     // closed once all is over
	turns    turns
	taken    atomic.Int64
	panicked any         // what the sequence panicked with
	exited   atomic.Bool // a goroutine ended by runtime.Goexit, say in a test's transport
}

type result struct {
	outcome *Outcome
	err     error
}

// feed takes works from the sequence as there is room, and begins them.
func (b *bulk) feed(ctx context.Context, work iter.Seq[Work]) {
	var begun sync.WaitGroup
	defer close(b.results)
	defer begun.Wait()
	returned := false
	defer func() {
		b.panicked = recover()
		if !returned && b.panicked == nil {
			b.exited.Store(true)
		}
	}()
	b.take(ctx, work, &begun)
	returned = true
}

func (b *bulk) take(ctx context.Context, work iter.Seq[Work], begun *sync.WaitGroup) {
	if !b.room(ctx) {
		return
	}
	for w := range work {
		b.taken.Add(1)
		myTurn, done := b.turns.take(w.key())
		begun.Go(func() {
			var r *result
			defer func() {
				done()
				if r == nil {
					b.exited.Store(true)
				} else {
					b.results <- *r
				}
				<-b.slots
			}()
			<-myTurn
			outcome, err := b.resolve(ctx, &w)
			r = &result{outcome, err}
		})
		if !b.room(ctx) {
			return
		}
	}
}

// room waits until another work may be taken; false means that none may.
func (b *bulk) room(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case b.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// end waits until nothing runs any more.
func (b *bulk) end(stop func()) {
	stop()
	for range b.results {
	}
	if b.panicked != nil {
		panic(b.panicked)
	}
	if b.exited.Load() {
		runtime.Goexit() // half a result must not look whole
	}
}

// resolve carries out one work. It is not begun once ctx has ended.
func (b *bulk) resolve(ctx context.Context, w *Work) (*Outcome, error) {
	r := b.client.newResolve(w.TicketID, w.Resolution)
	r.out.Work = w
	if err := w.check(r); err != nil {
		return r.out, err
	}
	running, attempts := countAttempts(b.running)
	err := b.resolveCounted(ctx, running, r)
	r.out.Requests = int(attempts.Load())
	return r.out, err
}

func (b *bulk) resolveCounted(ctx, running context.Context, r *resolve) error {
	if err := notBegun(ctx, r, "nothing was sent"); err != nil {
		return err
	}
	if r.id == 0 {
		id, err := b.client.Tickets.ResolveNumber(running, r.out.Work.Number)
		if err != nil {
			r.record(StepGet, StepFailed, err.Error())
			return err
		}
		r.id, r.out.TicketID = id, id
		if err := r.check(); err != nil { // the note may be for another ticket
			return err
		}
		// Another work may name the same ticket by its id.
		myTurn, done := b.turns.take(id)
		defer done()
		<-myTurn
		if err := notBegun(ctx, r, "its number was looked up, nothing was written"); err != nil {
			return err
		}
	}
	return r.do(running)
}

// notBegun is the error of a work that came too late.
func notBegun(ctx context.Context, r *resolve, so string) error {
	if ctx.Err() == nil {
		return nil
	}
	path := collection[Ticket]()
	if r.id != 0 {
		path = itemPath[Ticket](r.id)
	}
	e := refusal(0, http.MethodPut, path, "not begun: "+so)
	e.cause = ctx.Err()
	return e
}

// key is what two works on one ticket have in common, if they name it alike.
func (w *Work) key() any {
	if w.TicketID != 0 {
		return w.TicketID
	}
	return strings.ToLower(strings.TrimSpace(w.Number))
}

// check refuses what can be seen to be wrong before the number is looked up.
func (w *Work) check(r *resolve) error {
	named := strings.TrimSpace(w.Number) != ""
	switch {
	case named && w.TicketID != 0:
		return invalid(http.MethodPut, itemPath[Ticket](w.TicketID), "the work names its ticket twice, by TicketID %d and by Number %q: give one", w.TicketID, excerpt(w.Number))
	case !named && w.TicketID == 0:
		return invalid(http.MethodPut, collection[Ticket](), "the work names no ticket: give a TicketID or a Number")
	case w.TicketID != 0:
		return r.check()
	}
	id := int64(1) // any will do
	if w.Note != nil {
		id = cmp.Or(w.Note.TicketID, id)
	}
	if problems := r.problems(id); len(problems) > 0 {
		return refusal(transport.Invalid, http.MethodPut, collection[Ticket](), append([]string{fmt.Sprintf("ticket number %q", excerpt(w.Number))}, problems...)...)
	}
	return nil
}
