package autotask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// IDRange is a span of ids: those greater than After, up to and including Last.
// An absent end is open.
type IDRange struct {
	After Optional[int64] `json:"after,omitzero"`
	Last  Optional[int64] `json:"last,omitzero"`
}

// ScanOptions are the settings of Scan. The zero value reads everything with as
// many workers as there may be requests in flight on one endpoint.
type ScanOptions struct {
	// Workers is the number of ranges read concurrently: at most, and by default,
	// that of WithMaxConcurrency, which is three.
	Workers int
	// Resume is the Remaining of the last page that an earlier Scan of the same
	// query dealt with. Without any, all is read.
	Resume []IDRange
}

// ScanPage is a part of the result of a Scan, and what is still to be read.
type ScanPage[T any] struct {
	// Items are 1 to 500 items in the order of their ids. The last page has none
	// if nothing was left to read.
	Items []*T
	// Remaining is what is still to be read once this page has been dealt with.
	Remaining []IDRange
	// Done reports that this is the last page: everything has been read.
	Done bool
}

// Scan reads one large result with several workers, each in a range of ids of its
// own, so that as many requests are in flight as Autotask allows on one endpoint.
// Pages arrive as they are ready, in no particular order; within a page the ids
// ascend. Every item comes once.
//
// A program that stores page.Remaining with the items can go on from there after a
// restart, by ScanOptions.Resume. The page whose Done is set is the last one, after
// which there is nothing to resume.
//
// It is meant for results of many pages. The first is read alone, since the
// ranges are laid out by it and by a count of the items (without a count, one
// worker reads on alone). The count is one request, and each range costs about
// one beyond what All would. Filters that are sent in parts (see In) are read by
// one worker for each range, and a collection that is searched by one condition
// alone, such as TicketHistory, by one worker. q.Prefetch has no effect. A q.Limit
// is an error, since there is no order to count in. A failure ends the other
// workers, too.
func Scan[T Queryable](ctx context.Context, c *Client, q Query, opts ScanOptions) iter.Seq2[*ScanPage[T], error] {
	return scanPages[T](ctx, c, kindOf[T](), q, opts)
}

func scanPages[T any](ctx context.Context, c *Client, k *kind, q Query, opts ScanOptions) iter.Seq2[*ScanPage[T], error] {
	return func(yield func(*ScanPage[T], error) bool) {
		for r, err := range k.scan(ctx, c, q, opts) {
			if err != nil {
				yield(nil, err)
				return
			}
			page := &ScanPage[T]{Items: itemsOf[T](r.rows), Remaining: ranges(r.rest), Done: r.last}
			if !yield(page, nil) {
				return
			}
		}
	}
}

// scannedPage is a ScanPage of any entity.
type scannedPage struct {
	rows []row
	rest []span
	last bool
}

// scan holds each page back until the next one is there, or the end: only then is
// it known whether the page is the last.
func (k *kind) scan(ctx context.Context, c *Client, q Query, opts ScanOptions) iter.Seq2[scannedPage, error] {
	return func(yield func(scannedPage, error) bool) {
		workers := opts.workers(c)
		if k.single() {
			workers = min(workers, 1) // ranges of ids cannot be asked for
		}
		s, err := k.newScan(c, q, workers, opts.Resume)
		if err != nil {
			yield(scannedPage{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer s.wait() // last: for the workers to have ended
		defer cancel()
		s.start(ctx, cancel, workers)
		var held scannedPage
		for r := range s.results {
			s.rest = without(s.rest, r.span)
			if len(r.rows) == 0 {
				continue
			}
			if held.rows != nil && !yield(held, nil) {
				return
			}
			held = scannedPage{rows: r.rows, rest: s.rest}
		}
		if err := s.outcome(); err != nil {
			if held.rows == nil || yield(held, nil) {
				yield(scannedPage{}, asError(http.MethodPost, k.path(), err))
			}
			return
		}
		yield(scannedPage{rows: held.rows, last: true}, nil)
	}
}

func (o ScanOptions) workers(c *Client) int {
	if o.Workers == 0 {
		return c.core.concurrency
	}
	return min(o.Workers, c.core.concurrency)
}

// outcome waits for the workers, and says what went wrong.
func (s *scan) outcome() error {
	err := s.group.Wait()
	if s.exited.Load() {
		err = errors.New("a worker was ended by runtime.Goexit; the result is incomplete")
	}
	return err
}

// scan is a Scan under way.
type scan struct {
	kind    *kind
	client  *Client
	query   Query
	results chan scanned
	group   *errgroup.Group
	rest    []span      // what has not been given out; the caller's goroutine has it
	exited  atomic.Bool // a worker did not return

	mu      sync.Mutex
	changed *sync.Cond
	shares  []*share // that are not read to their ends
	idle    int      // workers without a share
	// What is known of the items of the open range, whose end nobody knows.
	open  int64 // it began after this id
	total int64 // -1 until they are counted
	read  int64
}

// span is an IDRange with its ends filled in: no id is below 0.
type span struct{ after, last int64 }

const (
	beforeAll = -1
	noEnd     = math.MaxInt64
)

// share is a span that a worker reads. Its end moves when another worker takes
// a part of it.
type share struct {
	span
	began int64
	first int64 // id that was read
	rows  int64 // read so far
	taken bool  // by a worker
}

// scanned is what one request brought: the items of a span, and that there are
// no others in it.
type scanned struct {
	rows []row
	span span
}

func (k *kind) newScan(c *Client, q Query, workers int, rest []IDRange) (*scan, error) {
	path := k.path()
	spans, err := spansOf(q, rest)
	switch {
	case err != nil:
		return nil, invalid(http.MethodPost, path, "%v", err)
	case workers < 1:
		return nil, invalid(http.MethodPost, path, "a Scan by %d workers", workers)
	case q.Limit != 0:
		return nil, invalid(http.MethodPost, path, "a Scan with a Limit: items come in no order, so that it would not say which; use All")
	}
	q.After, q.Prefetch = Optional[int64]{}, false
	if _, err := k.open(c, q); err != nil {
		return nil, err
	}
	if err := k.needsID(http.MethodPost); err != nil {
		return nil, err
	}
	s := &scan{kind: k, client: c, query: q, results: make(chan scanned, workers), rest: spans, open: noEnd, total: -1}
	s.changed = sync.NewCond(&s.mu)
	for _, sp := range spans {
		s.shares = append(s.shares, &share{span: sp, began: sp.after})
		if sp.last == noEnd {
			s.open = sp.after
		}
	}
	return s, nil
}

// spansOf returns what is to be read, in the order of the ids.
func spansOf(q Query, rest []IDRange) ([]span, error) {
	if len(rest) == 0 {
		return []span{{q.After.Or(beforeAll), noEnd}}, nil
	}
	var spans []span
	for _, r := range rest {
		sp := span{max(r.After.Or(beforeAll), q.After.Or(beforeAll)), r.Last.Or(noEnd)}
		if sp.after < sp.last {
			spans = append(spans, sp)
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.after, b.after) })
	for i, sp := range spans {
		if i > 0 && sp.after < spans[i-1].last {
			return nil, fmt.Errorf("the ranges to read overlap: one goes up to %d, another begins after %d", spans[i-1].last, sp.after)
		}
	}
	return spans, nil
}

func (s *scan) start(ctx context.Context, cancel func(), workers int) {
	s.group, ctx = errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, s.wake)
	for range workers {
		s.group.Go(func() error {
			returned := false
			defer func() {
				if !returned {
					s.exited.Store(true)
					cancel() // the others would wait for it
				}
			}()
			err := s.work(ctx)
			returned = true
			return err
		})
	}
	var counting sync.WaitGroup
	if s.open != noEnd && workers > 1 {
		counting.Go(func() { s.count(ctx) })
	}
	go func() {
		defer close(s.results)
		defer stop()
		_ = s.group.Wait() // which ends the counting, too; the caller's goroutine asks what came of it
		counting.Wait()
	}()
}

// wait lets the workers end, who may still want to give out what they have.
func (s *scan) wait() {
	for range s.results {
	}
}

func (s *scan) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
}

// count finds out how many items the open range holds. If that fails, or would
// mean reading them, it stays unknown, and one worker reads the range.
func (s *scan) count(ctx context.Context) {
	q := s.query
	q.After = position(s.open)
	if p, err := s.kind.split(q); err != nil || len(p.all) > 1 {
		return
	}
	n, err := s.kind.count(ctx, s.client, q)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total = n
	s.changed.Broadcast()
}

func position(after int64) Optional[int64] {
	if after == beforeAll {
		return Optional[int64]{}
	}
	return Value(after)
}

// work reads one share after the other.
func (s *scan) work(ctx context.Context) error {
	for {
		mine, err := s.claim(ctx)
		if mine == nil {
			return err
		}
		if err := s.readShare(ctx, mine); err != nil {
			return err
		}
	}
}

// claim finds a worker something to read: a share that nobody has, or else a
// part of another worker's. It waits while neither can be had, and returns nil
// when all is read.
func (s *scan) claim(ctx context.Context) (*share, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle++
	defer func() { s.idle-- }()
	for len(s.shares) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		i := slices.IndexFunc(s.shares, func(sh *share) bool { return !sh.taken })
		if i >= 0 {
			s.shares[i].taken = true
			return s.shares[i], nil
		}
		if part := s.part(); part != nil {
			s.shares = append(s.shares, part)
			return part, nil
		}
		s.changed.Wait()
	}
	return nil, nil
}

// readShare reads a share up to its end, wherever that is by then.
func (s *scan) readShare(ctx context.Context, mine *share) error {
	next, err := s.source(mine)
	if err != nil {
		return err
	}
	for done := false; !done; {
		rows, err := next(ctx)
		if err != nil {
			return err
		}
		var r scanned
		if r, done, err = s.settle(mine, rows); err != nil {
			return err
		}
		select {
		case s.results <- r:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *scan) source(mine *share) (source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.query
	q.After = position(mine.after)
	if mine.last != noEnd && !s.kind.single() { // else settle keeps to it
		within := Lte("id", mine.last)
		if q.Filter.op != "" {
			within = And(q.Filter, within)
		}
		q.Filter = within
	}
	return s.kind.open(s.client, q)
}

// settle takes what was read of a share off it. Rows beyond its end are
// another worker's by now.
func (s *scan) settle(mine *share, rows []row) (r scanned, done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.kind.ascending(rows, position(mine.after)); err != nil {
		return scanned{}, false, err
	}
	n, atEnd := slices.BinarySearchFunc(rows, row{id: mine.last}, byID)
	if atEnd {
		n++
	}
	done = atEnd || n < len(rows) || len(rows) == 0
	r = scanned{rows: rows[:n], span: span{mine.after, mine.last}}
	if !done {
		r.span.last = rows[n-1].id
	}
	if mine.rows == 0 && n > 0 {
		mine.first = rows[0].id
	}
	mine.after = r.span.last
	mine.rows += int64(n)
	if mine.began >= s.open {
		s.read += int64(n)
	}
	if done {
		s.shares = slices.DeleteFunc(s.shares, func(sh *share) bool { return sh == mine })
	}
	s.changed.Broadcast()
	return r, done, nil
}

// part takes a part off the share that has the most to read, for a worker that
// has none; nil if no share is worth it. Its reader keeps the page that it is
// at, and as much of the rest as comes to each of those who share it.
func (s *scan) part() *share {
	var largest *share
	var most int64
	for _, sh := range s.shares {
		if left := s.left(sh); left > most {
			largest, most = sh, left
		}
	}
	pages := (most + maxPageSize - 1) / maxPageSize
	if pages < 2 {
		return nil
	}
	sharers := int64(s.idle) + 1
	kept := (pages + sharers - 1) / sharers * maxPageSize
	middle := largest.after + max(1, int64(float64(kept)/s.density(largest)))
	if middle <= largest.after || middle >= largest.last {
		return nil
	}
	part := &share{span: span{middle, largest.last}, began: middle, taken: true}
	largest.last = middle
	return part
}

// left is how many items a share still has, as far as can be told.
func (s *scan) left(sh *share) int64 {
	if sh.last != noEnd {
		return int64(float64(sh.last-sh.after) * s.density(sh))
	}
	if s.total < 0 || s.density(sh) == 0 {
		return 0
	}
	left := s.total - s.read
	for _, other := range s.shares {
		if other != sh && other.began >= s.open {
			left -= s.left(other)
		}
	}
	return left
}

// density is how many items there are to an id: in the share where some were
// read, or else in all of them.
func (s *scan) density(sh *share) float64 {
	rows, ids := sh.rows, sh.spread()
	if rows == 0 {
		for _, other := range s.shares {
			rows += other.rows
			ids += other.spread()
		}
	}
	if rows == 0 {
		return 0
	}
	return float64(rows) / float64(ids)
}

// spread is the number of ids among which the items read so far lay.
func (s *share) spread() int64 {
	if s.rows == 0 {
		return 0
	}
	return s.after - s.first + 1
}

// without takes a span, which lies within one of them, from spans in order.
func without(spans []span, taken span) []span {
	var left []span
	for _, sp := range spans {
		if taken.last <= sp.after || sp.last <= taken.after {
			left = append(left, sp)
			continue
		}
		if sp.after < taken.after {
			left = append(left, span{sp.after, taken.after})
		}
		if taken.last < sp.last {
			left = append(left, span{taken.last, sp.last})
		}
	}
	return left
}

func ranges(spans []span) []IDRange {
	if len(spans) == 0 {
		return nil
	}
	all := make([]IDRange, len(spans))
	for i, sp := range spans {
		all[i].After = position(sp.after)
		if sp.last != noEnd {
			all[i].Last = Value(sp.last)
		}
	}
	return all
}
