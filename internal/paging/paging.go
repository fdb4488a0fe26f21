// Package paging reads results by rows: it follows pages, limits, chains, merges,
// reads ahead and scans. It knows neither the types of the items nor how a page is
// requested, so a program links it once, however many entities it reads.
//
// Every source gives out each row once. Autotask's pages can overlap while somebody
// changes what they list.
package paging

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
)

const (
	// PageSize is the most rows that Autotask puts into a page.
	PageSize = 500
	// BeforeAll is the position before the first row: no id is below 0.
	BeforeAll = -1
	// NoEnd is the last id of a span that is open at its end.
	NoEnd = math.MaxInt64
)

// Row is an item with its id at hand.
type Row struct {
	ID   int64
	Item any
}

func byID(a, b Row) int { return cmp.Compare(a.ID, b.ID) }

// Page is one answer.
type Page struct {
	Rows []Row
	Next string // address of the next page; "" if there is none
	Told bool   // the answer says whether there is a next one
}

// Nonsense is an answer that does not fit the question.
type Nonsense string

func (n Nonsense) Error() string { return string(n) }

func nonsense(format string, args ...any) error { return Nonsense(fmt.Sprintf(format, args...)) }

// Source returns the next rows of a result: at least one, unless the result is at
// its end. It gives out what it has before it makes the next request, so that an
// error comes after all rows that were read before. It is for one goroutine at a
// time, and must not be called again after an error.
type Source func(ctx context.Context) ([]Row, error)

// Route is the way from the first page of a result to the last.
type Route struct {
	// Read makes one request: for the first page if next is "", else for the page at
	// the address that the page before has named.
	Read func(ctx context.Context, next string) (Page, error)
	// Full is the number of rows of a page that others may follow.
	Full int
	// After is the position after which the result begins. Rows up to it have been
	// read before; BeforeAll if there are none.
	After int64
	// Resume makes Read ask for the rows after an id from now on. It is nil if they
	// cannot be asked for.
	Resume func(id int64) error
}

// Follow is the one loop that follows the addresses of next pages.
func Follow(way Route) Source {
	var visited visits
	var seen idSet
	var failed error
	next, ended := "", false
	return func(ctx context.Context) ([]Row, error) {
		for !ended {
			if failed != nil {
				return nil, failed
			}
			if next != "" && !visited.add(next) {
				return nil, nonsense("Autotask named a page again that was read already; the result is incomplete")
			}
			p, err := way.Read(ctx, next)
			if err != nil {
				return nil, err
			}
			n, inOrder := len(p.Rows), slices.IsSortedFunc(p.Rows, byID)
			rows := seen.fresh(p.Rows, way.After)
			next = p.Next
			switch {
			case next != "":
			case p.Told || n < way.Full:
				ended = true
			case inOrder && len(rows) > 0 && way.Resume != nil:
				failed = way.Resume(rows[len(rows)-1].ID)
			default:
				failed = nonsense("Autotask answered with a full page and does not say whether it is the last; the result may be incomplete")
			}
			if len(rows) > 0 {
				return rows, nil
			}
		}
		return nil, nil
	}
}

// Limit ends a source after a number of rows, and then asks it for nothing more. 0 is
// no limit.
func Limit(next Source, limit int) Source {
	if limit == 0 {
		return next
	}
	return func(ctx context.Context) ([]Row, error) {
		if limit == 0 {
			return nil, nil
		}
		rows, err := next(ctx)
		rows = rows[:min(limit, len(rows))]
		limit -= len(rows)
		return rows, err
	}
}

// Ascending reports rows that are not in the order of their ids, or not after the id
// that came before them. Each row is given out once, so equal ids are an error, too.
func Ascending(rows []Row, last int64) error {
	for _, r := range rows {
		if r.ID <= last {
			return nonsense("Autotask answered with the item %d after %d; continuing by the order of the ids would lose items", r.ID, last)
		}
		last = r.ID
	}
	return nil
}

// Part is one of several queries that together make one result.
type Part struct {
	Open func() Source
	// Count is the number of ids that the part asks for, from First to Last. Chain
	// needs them.
	Count       int
	First, Last int64
}

// Chain reads parts one after the other, whose ids do not interleave. Each is held to
// its own ids: what belongs to another part would be lost there, or come twice.
func Chain(parts []Part) Source {
	var next Source
	found := 0
	return func(ctx context.Context) ([]Row, error) {
		for len(parts) > 0 {
			if next == nil {
				next, found = parts[0].Open(), 0
			}
			rows, err := next(ctx)
			if err == nil {
				err = parts[0].owns(rows)
			}
			if err != nil {
				return nil, err
			}
			found += len(rows)
			if len(rows) == 0 || found == parts[0].Count {
				// That is all there can be, although a full page names a next one.
				next, parts = nil, parts[1:]
			}
			if len(rows) > 0 {
				return rows, nil
			}
		}
		return nil, nil
	}
}

func (p Part) owns(rows []Row) error {
	for _, r := range rows {
		if r.ID < p.First || r.ID > p.Last {
			return nonsense("Autotask answered a search for ids from %d to %d with the item %d", p.First, p.Last, r.ID)
		}
	}
	return nil
}

// stream is a part while it is merged with others.
type stream struct {
	next Source
	rows []Row // read, and not yet given out
	last int64 // the last id that was read
}

// fill reads on. Merging goes by the order of the ids.
func (s *stream) fill(ctx context.Context) error {
	rows, err := s.next(ctx)
	if err != nil {
		return err
	}
	if err := Ascending(rows, s.last); err != nil {
		return err
	}
	s.rows = append(s.rows, rows...)
	if len(rows) > 0 {
		s.last = rows[len(rows)-1].ID
	}
	return nil
}

// take gives out the rows up to an id.
func (s *stream) take(bound int64) []Row {
	n, found := slices.BinarySearchFunc(s.rows, Row{ID: bound}, byID)
	if found {
		n++
	}
	taken := s.rows[:n]
	s.rows = s.rows[n:]
	return taken
}

// Merge reads parts side by side, all from after the same id: their rows in the order
// of the ids, each once. Whatever lies up to the least of the last ids that were read
// can be given out: no part has more to come that belongs before it.
func Merge(parts []Part, after int64) Source {
	streams := make([]*stream, len(parts))
	for i, p := range parts {
		streams[i] = &stream{next: p.Open(), last: after}
	}
	var ready []Row
	return func(ctx context.Context) ([]Row, error) {
		if len(ready) == 0 {
			var left []*stream
			for _, s := range streams {
				if len(s.rows) == 0 {
					if err := s.fill(ctx); err != nil {
						return nil, err
					}
				}
				if len(s.rows) > 0 {
					left = append(left, s)
				}
			}
			streams = left
			ready = takeAll(streams)
		}
		batch := ready[:min(PageSize, len(ready))]
		ready = ready[len(batch):]
		return batch, nil
	}
}

// takeAll gives out the rows that no part can add anything before, or among.
func takeAll(streams []*stream) []Row {
	if len(streams) == 0 {
		return nil
	}
	first := slices.MinFunc(streams, func(a, b *stream) int { return cmp.Compare(a.last, b.last) })
	bound := first.last
	var rows []Row
	for _, s := range streams {
		rows = append(rows, s.take(bound)...)
	}
	slices.SortFunc(rows, byID)
	return slices.CompactFunc(rows, func(a, b Row) bool { return a.ID == b.ID })
}

// ReadAhead makes a source read what comes next while the caller works on what came
// before. stop ends that, and waits for it to have ended.
func ReadAhead(ctx context.Context, next Source) (ahead Source, stop func()) {
	type answer struct {
		rows []Row
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	var reading chan answer
	read := func() {
		reading = make(chan answer, 1) // nobody need be there to take it
		go func(done chan<- answer) {
			defer close(done)
			rows, err := next(ctx)
			done <- answer{rows, err}
		}(reading)
	}
	ahead = func(context.Context) ([]Row, error) {
		if reading == nil {
			read()
		}
		a, ok := <-reading
		if !ok {
			runtime.Goexit() // as the reading did, say in a test's transport
		}
		if len(a.rows) > 0 {
			read()
		}
		return a.rows, a.err
	}
	stop = func() {
		cancel()
		if reading == nil {
			return
		}
		for range reading { // to its end
		}
	}
	return ahead, stop
}
