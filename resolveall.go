package autotask

import (
	"cmp"
	"context"
	"errors"
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

// ResolveItem is a ticket for [Client.ResolveAll], by its id or its number.
type ResolveItem struct {
	TicketID int64
	Number   string // looked up as by TicketsService.IDByNumber
	Resolution
	Key any // the caller's own, such as the number of a line; the library ignores it
}

// ResolveAllOptions are the settings of [Client.ResolveAll]; all may be zero.
type ResolveAllOptions struct {
	Workers  int                   // tickets resolved concurrently; 0 is three times WithMaxConcurrency, which keeps the busiest endpoint full
	Total    int                   // the number of items, if known, for Progress
	Grace    time.Duration         // how long items already begun may go on after ctx or the loop has ended; 0 is 30 seconds, negative is not at all
	Progress func(ResolveProgress) // if not nil, called for each finished item before its outcome is yielded, on the loop's goroutine
}

const defaultGrace = 30 * time.Second

// ResolveProgress reports how far [Client.ResolveAll] has come.
type ResolveProgress struct {
	Done         int             // items finished without an error
	Failed       int             // items finished with an error
	Pending      int             // the rest of Total, or else the items begun
	Requests     int             // HTTP requests made for finished items
	RequestsLeft Optional[int64] // requests left to the client in this hour; absent without WithHourlyReserve
	Elapsed      time.Duration
	Remaining    time.Duration // at the pace so far; 0 without Total
}

// ResolveAll resolves many tickets concurrently, like [Client.Resolve], and
// yields an outcome, never nil, and an error for each as it finishes. No failure
// stops the others, not even [ErrUnauthorized]: the caller may want to break. An
// item whose outcome is unknown is tried again after RetryAfter. A run that was
// killed can be repeated if each item has its StartedAt or Ref.
//
// work is read on another goroutine, ahead by at most the workers and 50 items.
// Once ctx ends or the loop is left, nothing is begun, and what is begun may
// take Grace to end. An item read but not begun gets [ErrNotStarted].
func (c *Client) ResolveAll(ctx context.Context, work iter.Seq[ResolveItem], opts ResolveAllOptions) iter.Seq2[*Outcome, error] {
	return func(yield func(*Outcome, error) bool) {
		// running outlives ctx, by Grace.
		running, halt := context.WithCancel(context.WithoutCancel(ctx))
		defer halt()
		ctx, stop := context.WithCancel(ctx)
		defer context.AfterFunc(ctx, func() { haltAfter(running, opts.Grace, halt) })()

		b := &bulk{
			client:  c,
			begin:   ctx,
			running: running,
			slots:   make(chan struct{}, opts.workers(c)),
			parked:  make(chan struct{}, maxParked),
			want:    make(chan struct{}),
			ahead:   make(chan *job),
			results: make(chan result),
		}
		go b.feed(work)
		go b.dispatch() //nolint:contextcheck // its requests run under running, which outlives ctx
		defer b.end(stop)
		began := time.Now()
		var p ResolveProgress
		for r := range b.results {
			if opts.Progress != nil {
				p.add(r, time.Since(began), max(opts.Total, int(b.taken.Load())))
				if opts.Total <= 0 {
					p.Remaining = 0
				}
				p.RequestsLeft = c.core.requestsLeft()
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

// add counts an item that has finished.
func (p *ResolveProgress) add(r result, elapsed time.Duration, total int) {
	if r.err == nil {
		p.Done++
	} else {
		p.Failed++
	}
	ended := p.Done + p.Failed
	p.Pending = total - ended
	p.Requests += r.outcome.Requests
	p.Elapsed = elapsed
	p.Remaining = elapsed / time.Duration(ended) * time.Duration(p.Pending)
}

// bulk is one run of ResolveAll.
type bulk struct {
	client   *Client
	begin    context.Context // nothing is begun once it has ended
	running  context.Context // of what is begun
	slots    chan struct{}   // one for each item that is begun, until it ends or is parked
	parked   chan struct{}   // one for each item that waits for a lost write without a slot
	want     chan struct{}   // requests another item
	asked    bool            // and there was no answer yet
	ahead    chan *job       // taken from the sequence
	results  chan result     // closed once all is over
	turns    turns[any]      // of items that name a ticket alike
	taken    atomic.Int64    // items that are begun or have ended
	panicked any             // what the sequence panicked with
	exited   atomic.Bool     // a goroutine ended by runtime.Goexit, say in a test's transport
}

const (
	// lookUpAtOnce is how many ticket numbers are looked up in one request, and so
	// how many items are read ahead of those that are begun.
	lookUpAtOnce = 50
	// lookUpDelay is how long a look-up waits for more numbers to come with it.
	lookUpDelay = 10 * time.Millisecond
	// maxParked bounds what waits for lost writes. Beyond it such an item keeps its
	// slot, and a server that answers no write at all stops the run.
	maxParked = 1000
)

// job is one item on its way.
type job struct {
	work     ResolveItem
	resolve  *resolve
	err      error // found before it began
	requests int64 // made before it began
	myTurn   <-chan struct{}
	done     func()
}

type result struct {
	outcome *Outcome
	err     error
}

// feed reads items from the sequence as there is room.
func (b *bulk) feed(work iter.Seq[ResolveItem]) {
	defer close(b.ahead)
	returned := false
	defer func() {
		b.panicked = recover()
		if !returned && b.panicked == nil {
			b.exited.Store(true)
		}
	}()
	b.take(work)
	returned = true
}

// take hands out items as they are requested, until begin ends.
func (b *bulk) take(work iter.Seq[ResolveItem]) {
	if !b.wanted() {
		return
	}
	for w := range work {
		j := &job{work: w}
		j.resolve = b.client.newResolve(w.TicketID, w.Resolution)
		j.resolve.out.Item = &j.work
		j.myTurn, j.done = b.turns.take(w.key())
		b.ahead <- j
		if !b.wanted() {
			return
		}
	}
}

// wanted waits until another item is requested. None is once begin has ended.
func (b *bulk) wanted() bool {
	if b.begin.Err() != nil {
		return false
	}
	select {
	case <-b.want:
		return true
	case <-b.begin.Done():
		return false
	}
}

// dispatch begins the items in their order.
func (b *bulk) dispatch() {
	var begun sync.WaitGroup
	defer close(b.results)
	defer begun.Wait()
	for {
		b.slots <- struct{}{} // frees up even when begin has ended
		batch := b.next()
		if batch == nil {
			return
		}
		b.check(batch)
		for i, j := range batch {
			if i > 0 {
				b.slots <- struct{}{}
			}
			b.taken.Add(1)
			begun.Go(func() { b.run(j) })
		}
	}
}

// next returns the items to begin next: one, or as many as have their numbers
// looked up together. There are no more if it is empty.
func (b *bulk) next() []*job {
	first := b.ask(nil)
	if first == nil {
		return nil
	}
	batch := []*job{first}
	timer := time.NewTimer(lookUpDelay)
	defer timer.Stop()
	for len(batch) < lookUpAtOnce && batch[len(batch)-1].work.Number != "" {
		j := b.ask(timer.C)
		if j == nil {
			break
		}
		batch = append(batch, j)
		timer.Reset(lookUpDelay)
	}
	return batch
}

// ask takes another item. It returns nil if there is none, or none in time: then
// the answer is for the next to ask.
func (b *bulk) ask(late <-chan time.Time) *job {
	want := b.want
	if b.asked {
		want = nil
	}
	for {
		select {
		case want <- struct{}{}:
			b.asked, want = true, nil
		case j := <-b.ahead:
			b.asked = false
			return j
		case <-late:
			return nil
		}
	}
}

// check finds what is wrong with items before anything is sent for them, and
// looks up the numbers of the others.
func (b *bulk) check(batch []*job) {
	var named []*job
	var numbers []string
	for _, j := range batch {
		j.err = j.work.check(j.resolve)
		if j.err == nil && j.work.TicketID == 0 {
			named = append(named, j)
			numbers = append(numbers, j.work.Number)
		}
	}
	if len(named) == 0 || b.begin.Err() != nil {
		return
	}
	lookUp, attempts := countAttempts(b.running)
	ids, err := b.client.Tickets.idsOf(lookUp, numbers)
	named[0].requests = attempts.Load()
	if errors.Is(err, ErrInvalid) && len(named) > 1 {
		b.lookUpSingly(named) // one of them may be to blame
		return
	}
	for _, j := range named {
		found, err := ids[keyOfNumber(j.work.Number)], err
		if err == nil {
			err = found.err
		}
		j.named(found.id, err)
	}
}

func (b *bulk) lookUpSingly(named []*job) {
	for _, j := range named {
		ctx, attempts := countAttempts(b.running)
		id, err := b.client.Tickets.IDByNumber(ctx, j.work.Number)
		j.requests += attempts.Load()
		j.named(id, err)
	}
}

// named gives a job the id that its number belongs to.
func (j *job) named(id int64, err error) {
	r := j.resolve
	if err != nil {
		j.err = err
		r.record(StepGet, StateFailed, err.Error())
		return
	}
	r.id, r.out.TicketID = id, id
	j.err = r.check() // the note may be for another ticket
}

// run resolves one item and hands out its outcome.
func (b *bulk) run(j *job) {
	release := sync.OnceFunc(func() { <-b.slots })
	var r *result
	defer func() {
		j.done()
		if r == nil {
			b.exited.Store(true)
		} else {
			b.results <- *r
		}
		release()
	}()
	<-j.myTurn
	outcome, err := b.resolve(j, release)
	r = &result{outcome, err}
}

// resolve resolves one item, again if its outcome is unknown and the time has
// come. It is not begun once begin has ended.
func (b *bulk) resolve(j *job, release func()) (*Outcome, error) {
	r, err := j.resolve, j.err
	if err == nil && b.begin.Err() != nil {
		err = j.notStarted(b.begin.Err())
	}
	if err != nil {
		r.out.Requests = int(j.requests)
		return r.out, err
	}
	running, attempts := countAttempts(b.running)
	err = r.do(running)
	for again := 0; again < b.client.core.maxRetries && errors.Is(err, ErrOutcomeUnknown); again++ {
		if !b.park(retryAfterOf(err), release) {
			break
		}
		r = b.client.again(r)
		err = r.do(running)
	}
	r.out.Requests = int(j.requests + attempts.Load())
	return r.out, err
}

// again is a resolve that continues where another stopped.
func (c *Client) again(r *resolve) *resolve {
	next := c.newResolve(r.id, r.Resolution)
	next.out.Item, next.again = r.out.Item, true
	if r.out.NoteID != 0 {
		next.NoteID = r.out.NoteID
	}
	return next
}

// park waits until a lost write cannot be carried out any more, and lets another
// item take the slot meanwhile. It is false if begin ended, or if the wait is longer
// than a lost write accounts for.
func (b *bulk) park(wait time.Duration, release func()) bool {
	if wait > landing {
		return false
	}
	select {
	case b.parked <- struct{}{}:
		defer func() { <-b.parked }()
		release()
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-b.begin.Done():
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

// notStarted is the error of an item that came too late.
func (j *job) notStarted(cause error) error {
	path := collection[Ticket]()
	if j.resolve.id != 0 {
		path = itemPath[Ticket](j.resolve.id)
	}
	e := refusal(transport.NotStarted, http.MethodPut, path, "not started: nothing was written")
	e.cause = cause
	return e
}

// key is what two items for one ticket have in common, if they name it alike.
func (w *ResolveItem) key() any {
	if w.TicketID != 0 {
		return w.TicketID
	}
	return keyOfNumber(w.Number)
}

// check refuses what can be seen to be wrong before the number is looked up.
func (w *ResolveItem) check(r *resolve) error {
	named := strings.TrimSpace(w.Number) != ""
	switch {
	case named && w.TicketID != 0:
		return invalid(http.MethodPut, itemPath[Ticket](w.TicketID), "the item names its ticket twice, by TicketID %d and by Number %q: give one", w.TicketID, excerpt(w.Number))
	case !named && w.TicketID == 0:
		return invalid(http.MethodPut, collection[Ticket](), "the item names no ticket: give a TicketID or a Number")
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
