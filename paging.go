package autotask

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"runtime"
	"slices"

	"github.com/autotask-go/autotask/internal/transport"
)

// List returns all items that match q. See All.
func List[T Queryable](ctx context.Context, c *Client, q Query) ([]*T, error) {
	var all []*T
	for rows, err := range kindOf[T]().pages(ctx, c, q) {
		if err != nil {
			return nil, err
		}
		all = append(all, itemsOf[T](rows)...)
	}
	return all, nil
}

// All iterates over the items that match q, in the order of their ids (POST
// {collection}/query). Pages of up to 500 are read as they are reached; leaving
// the loop ends the reading. A failure ends the loop with a nil item and the
// error. Ranging again reads again.
//
// Every item comes once, and q.Limit counts it once: pages can overlap while
// somebody changes what they list. An item without an id is an error that matches
// ErrServer. So is a full page that does not say whether it is the last, unless
// the rest can be asked for by id. All functions that read many items keep to this.
func All[T Queryable](ctx context.Context, c *Client, q Query) iter.Seq2[*T, error] {
	return all[T](ctx, c, kindOf[T](), q)
}

func all[T any](ctx context.Context, c *Client, k *kind, q Query) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for rows, err := range k.pages(ctx, c, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, r := range rows {
				if !yield(r.item.(*T), nil) {
					return
				}
			}
		}
	}
}

// Page is a part of a result, and the position behind it.
type Page[T any] struct {
	// Items are 1 to 500 items, in the order of their ids.
	Items []*T
	// After is the id of the last of them. A query that is the same but for its
	// After goes on from there, also in another run of the program:
	//
	//	q.After = page.After
	After Optional[int64]
}

// Pages iterates over the items that match q one page at a time, each with the
// position from which a later run can go on once the page has been dealt with:
// an interrupted sync of a million items loses at most one page of work.
// Otherwise it is like All. Items that do not come in the order of their ids are
// an error that matches ErrServer, since no position would stand for what has
// been read.
func Pages[T Queryable](ctx context.Context, c *Client, q Query) iter.Seq2[*Page[T], error] {
	return positions[T](ctx, c, kindOf[T](), q)
}

func positions[T any](ctx context.Context, c *Client, k *kind, q Query) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		if err := k.needsID(http.MethodPost); err != nil {
			yield(nil, err)
			return
		}
		after := q.After
		for rows, err := range k.pages(ctx, c, q) {
			if err == nil {
				err = k.ascending(rows, after)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			after = Value(rows[len(rows)-1].id)
			if !yield(&Page[T]{Items: itemsOf[T](rows), After: after}, nil) {
				return
			}
		}
	}
}

// pages ranges over the rows that q asks for, some at a time and never none.
func (k *kind) pages(ctx context.Context, c *Client, q Query) iter.Seq2[[]row, error] {
	return func(yield func([]row, error) bool) {
		next, err := k.open(c, q)
		if err != nil {
			yield(nil, err)
			return
		}
		if q.Prefetch {
			var stop func()
			next, stop = readAhead(ctx, next)
			defer stop()
		}
		for {
			rows, err := next(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(rows) == 0 || !yield(rows, nil) {
				return
			}
		}
	}
}

// ListChildren returns all items of one parent (GET {parent}/{id}/{children}), for the
// few entities that have no search of their own, such as a resource's time-off
// balances. Such a list takes no filter.
func ListChildren[T ParentListable](ctx context.Context, c *Client, parentID int64) ([]*T, error) {
	if err := checkCollection[T](); err != nil {
		return nil, invalid(http.MethodGet, collection[T](), "%v", err)
	}
	parent := (*new(T)).Parent()
	parent.ID = Int(parentID)
	path, err := parent.path(http.MethodGet, collection[T]())
	if err != nil {
		return nil, err
	}
	k := kindOf[T]()
	k.leastID, k.exists = 1, true
	next := k.follow(c, route{first: call{method: http.MethodGet, path: path}, next: path, full: maxPageSize})
	var all []*T
	for {
		rows, err := next(ctx)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return all, nil
		}
		all = append(all, itemsOf[T](rows)...)
	}
}

// needsID refuses entities of a caller's own whose ids cannot be told, where
// ids are what tells items apart.
func needsID[T Entity](method string) error {
	switch any((*T)(nil)).(type) { // the quick ones
	case *Ticket, *TicketNote, *TimeEntry:
		return nil
	}
	if err := checkCollection[T](); err != nil {
		return invalid(method, collection[T](), "%v", err)
	}
	t := reflect.TypeFor[T]()
	if t.Kind() == reflect.Struct {
		if f, ok := t.FieldByName("ID"); ok && reflect.Zero(f.Type).CanInt() {
			return nil
		}
	}
	return invalid(method, collection[T](), "%v has no field ID of a type such as int64, by which its items are told apart", t)
}

// readAhead makes a source read what comes next while the caller works on what
// came before. stop ends that, and waits for it to have ended.
func readAhead(ctx context.Context, next source) (ahead source, stop func()) {
	type answer struct {
		rows []row
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
	ahead = func(context.Context) ([]row, error) {
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

// Count returns the number of items that match q.Filter and come after q.After
// (POST {collection}/query/count). Fields, Limit and Prefetch play no part. A
// filter that is sent in parts (see In) is counted in parts, if no item can be in
// two of them; otherwise the ids are read and counted. So they are if After is
// set and the collection is searched by one condition alone, as TicketHistory is.
func Count[T Queryable](ctx context.Context, c *Client, q Query) (int64, error) {
	return kindOf[T]().count(ctx, c, q)
}

func (k *kind) count(ctx context.Context, c *Client, q Query) (int64, error) {
	q = Query{Filter: q.Filter, After: q.After}
	p, err := k.split(q)
	if err != nil {
		return 0, err
	}
	var sum int64
	if !p.disjoint || k.single() && q.After.state == present {
		q.Fields = []string{"id"}
		for rows, err := range k.pages(ctx, c, q) {
			if err != nil {
				return 0, err
			}
			sum += int64(len(rows))
		}
		return sum, nil
	}
	for _, part := range p.all {
		n, err := k.countOf(ctx, c, part.Query)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func (k *kind) countOf(ctx context.Context, c *Client, q Query) (int64, error) {
	path := k.path() + "/count"
	body, err := k.body(q)
	if err != nil {
		return 0, invalid(http.MethodPost, path, "%v", err)
	}
	var n int64
	err = c.send(ctx, call{method: http.MethodPost, path: path, body: body, decode: func(b []byte) error {
		var answer struct {
			QueryCount Optional[int64] `json:"queryCount"`
		}
		if err := decode(b, &answer); err != nil {
			return err
		}
		var ok bool
		if n, ok = answer.QueryCount.Get(); !ok {
			return fmt.Errorf("%w: it has no queryCount", transport.ErrUnreadable)
		}
		return nil
	}})
	return n, k.explain(err)
}

// GetMany returns many items by their ids, up to 500 in a request, in any order
// and with repeats. The result lacks the ids that there are no items for. On an
// error it holds what was found until then.
func GetMany[T Queryable](ctx context.Context, c *Client, ids []int64) (map[int64]*T, error) {
	unique := slices.Compact(slices.Sorted(slices.Values(ids)))
	found := make(map[int64]*T, len(unique))
	if len(unique) == 0 {
		return found, nil
	}
	k := kindOf[T]()
	if err := k.needsID(http.MethodPost); err != nil {
		return found, err
	}
	for rows, err := range k.pages(ctx, c, Query{Filter: In("id", unique...)}) {
		if err != nil {
			return found, err
		}
		for _, r := range rows {
			if _, asked := slices.BinarySearch(unique, r.id); !asked {
				return found, nonsense(k.path(), "Autotask answered a search for %d ids with the item %d, which is none of them", len(unique), r.id)
			}
			found[r.id] = r.item.(*T)
		}
		if len(found) == len(unique) {
			break // a full page names a next one, also when that is empty
		}
	}
	return found, nil
}
