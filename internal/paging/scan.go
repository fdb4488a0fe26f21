package paging

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Span is a range of ids: those greater than After, up to and including Last. It is
// open if Last is NoEnd.
type Span struct{ After, Last int64 }

// Sort puts spans in order, and refuses those that overlap.
func Sort(spans []Span) error {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.After, b.After) })
	for i, sp := range spans {
		if i > 0 && sp.After < spans[i-1].Last {
			return fmt.Errorf("the ranges to read overlap: one goes up to %d, another begins after %d", spans[i-1].Last, sp.After)
		}
	}
	return nil
}

// Scan reads spans of ids with several workers. Each worker reads a span; one that has
// none takes a part of another's.
type Scan struct {
	// Open returns the source of a span. Rows after the span's end are left out.
	Open func(Span) (Source, error)
	// Count returns the number of rows after an id, if that is known.
	Count func(ctx context.Context, after int64) (n int64, ok bool)
}

// Result is what one request of a Scan brought, and what is still to be read.
type Result struct {
	Rows []Row
	Rest []Span
	Last bool // everything has been read
}

// Run reads spans, which are in order, with a number of workers. It holds each result
// back until the next one is there, or the end: only then is it known whether it is
// the last. The last result has no rows if nothing was left to read.
func (c Scan) Run(ctx context.Context, workers int, spans []Span) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		s := newScan(c, workers, spans)
		ctx, cancel := context.WithCancel(ctx)
		defer s.wait() // last: for the workers to have ended
		defer cancel()
		s.start(ctx, cancel, workers)
		var held Result
		for r := range s.results {
			s.rest = without(s.rest, r.span)
			if len(r.rows) == 0 {
				continue
			}
			if held.Rows != nil && !yield(held, nil) {
				return
			}
			held = Result{Rows: r.rows, Rest: s.rest}
		}
		if err := s.outcome(); err != nil {
			if held.Rows == nil || yield(held, nil) {
				yield(Result{}, err)
			}
			return
		}
		yield(Result{Rows: held.Rows, Last: true}, nil)
	}
}

// scan is a Scan under way.
type scan struct {
	Scan
	results chan scanned
	group   *errgroup.Group
	rest    []Span      // what has not been given out; the caller's goroutine has it
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

func newScan(c Scan, workers int, spans []Span) *scan {
	s := &scan{Scan: c, results: make(chan scanned, workers), rest: spans, open: NoEnd, total: -1}
	s.changed = sync.NewCond(&s.mu)
	for _, sp := range spans {
		s.shares = append(s.shares, &share{Span: sp, began: sp.After})
		if sp.Last == NoEnd {
			s.open = sp.After
		}
	}
	return s
}

// outcome waits for the workers, and returns what went wrong.
func (s *scan) outcome() error {
	err := s.group.Wait()
	if s.exited.Load() {
		err = errors.New("a worker was ended by runtime.Goexit; the result is incomplete")
	}
	return err
}

// share is a span that a worker reads. Its end moves when another worker takes
// a part of it.
type share struct {
	Span
	began int64
	first int64 // id that was read
	rows  int64 // read so far
	taken bool  // by a worker
}

// scanned is what one request brought: the items of a span, and that there are
// no others in it.
type scanned struct {
	rows []Row
	span Span
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
	if s.open != NoEnd && workers > 1 {
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

// count finds out how many items the open range holds. Where that is not known, one
// worker reads the range.
func (s *scan) count(ctx context.Context) {
	n, ok := s.Count(ctx, s.open)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total = n
	s.changed.Broadcast()
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

func (s *scan) source(mine *share) (Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Open(mine.Span)
}

// settle takes what was read of a share off it. Rows beyond its end are
// another worker's by now.
func (s *scan) settle(mine *share, rows []Row) (r scanned, done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := Ascending(rows, mine.After); err != nil {
		return scanned{}, false, err
	}
	n, atEnd := slices.BinarySearchFunc(rows, Row{ID: mine.Last}, byID)
	if atEnd {
		n++
	}
	done = atEnd || n < len(rows) || len(rows) == 0
	r = scanned{rows: rows[:n], span: Span{mine.After, mine.Last}}
	if !done {
		r.span.Last = rows[n-1].ID
	}
	if mine.rows == 0 && n > 0 {
		mine.first = rows[0].ID
	}
	mine.After = r.span.Last
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
	pages := (most + PageSize - 1) / PageSize
	if pages < 2 {
		return nil
	}
	sharers := int64(s.idle) + 1
	kept := (pages + sharers - 1) / sharers * PageSize
	middle := largest.After + max(1, int64(float64(kept)/s.density(largest)))
	if middle <= largest.After || middle >= largest.Last {
		return nil
	}
	part := &share{Span: Span{middle, largest.Last}, began: middle, taken: true}
	largest.Last = middle
	return part
}

// left is how many items a share still has, as far as can be told.
func (s *scan) left(sh *share) int64 {
	if sh.Last != NoEnd {
		return int64(float64(sh.Last-sh.After) * s.density(sh))
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
	return s.After - s.first + 1
}

// without takes a span, which lies within one of them, from spans in order.
func without(spans []Span, taken Span) []Span {
	var left []Span
	for _, sp := range spans {
		if taken.Last <= sp.After || sp.Last <= taken.After {
			left = append(left, sp)
			continue
		}
		if sp.After < taken.After {
			left = append(left, Span{sp.After, taken.After})
		}
		if taken.Last < sp.Last {
			left = append(left, Span{taken.Last, sp.Last})
		}
	}
	return left
}
