package autotask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"runtime"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/transport"
)

// List reads the items that q asks for into memory. See All.
func List[T Queryable](ctx context.Context, c *Client, q Query) ([]*T, error) {
	var all []*T
	for page, err := range pages[T](ctx, c, q) {
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}

// All ranges over the items that q asks for, in the order of their ids (POST
// {collection}/query). Pages of up to 500 are read as they are reached; leaving
// the loop ends the reading. A failure ends the loop with a nil item and the
// error. Ranging again reads again.
func All[T Queryable](ctx context.Context, c *Client, q Query) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for page, err := range pages[T](ctx, c, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
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
	//
	// It is absent in a page of Scan.
	After Optional[int64]
	// Rest is, in a page of Scan, what is still to be read.
	Rest []Range
}

// Pages ranges over the items that q asks for by whole pages, each with the
// position from which a later run can go on once the page has been dealt with:
// a sync of a million items that is broken off loses at most a page of work.
// Otherwise it is like All. Items that do not come in the order of their ids are
// an error that matches ErrServer, since no position would stand for what has
// been read.
func Pages[T Queryable](ctx context.Context, c *Client, q Query) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		if err := needsID[T](http.MethodPost); err != nil {
			yield(nil, err)
			return
		}
		after := q.After
		for items, err := range pages[T](ctx, c, q) {
			var ids []int64
			if err == nil {
				ids, err = ascending(items, after)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			after = Value(ids[len(ids)-1])
			if !yield(&Page[T]{Items: items, After: after}, nil) {
				return
			}
		}
	}
}

// pages ranges over the items that q asks for, some at a time and never none.
func pages[T Queryable](ctx context.Context, c *Client, q Query) iter.Seq2[[]*T, error] {
	return func(yield func([]*T, error) bool) {
		next, err := open[T](c, q)
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
			items, err := next(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(items) == 0 || !yield(items, nil) {
				return
			}
		}
	}
}

// source reads the next items of a result, of which it has at least one unless
// it is at its end. What it has is given out before the next request is made,
// so that an error comes behind all that was read before. It is for one
// goroutine at a time, and not to be called again after an error.
type source[T any] func(ctx context.Context) ([]*T, error)

// open checks a query and returns the source of its result.
func open[T Queryable](c *Client, q Query) (source[T], error) {
	path := queryPath[T]()
	p, err := q.split()
	if err = errors.Join(checkCollection[T](), err); err != nil {
		return nil, invalid(http.MethodPost, path, "%v", err)
	}
	if len(p.all) == 1 && !p.inOrder {
		return pager[T](c, q), nil
	}
	if err := needsID[T](http.MethodPost); err != nil {
		return nil, err
	}
	if p.inOrder {
		return limited(chain[T](c, p.all), q.Limit), nil
	}
	return limited(merged[T](c, p.all), q.Limit), nil
}

// ListOf reads all items of one parent (GET {parent}/{id}/{children}), for the
// few entities that have no search of their own, such as a resource's time-off
// balances. Such a list takes no filter.
func ListOf[T Listable](ctx context.Context, c *Client, parentID int64) ([]*T, error) {
	if err := checkCollection[T](); err != nil {
		return nil, invalid(http.MethodGet, collection[T](), "%v", err)
	}
	parent := (*new(T)).Parent()
	parent.ID = Int(parentID)
	path, err := parent.path(http.MethodGet, collection[T]())
	if err != nil {
		return nil, err
	}
	var all []*T
	for next := follow[T](c, call{method: http.MethodGet, path: path}, path); ; {
		items, err := next(ctx)
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return all, nil
		}
		all = append(all, items...)
	}
}

func queryPath[T Entity]() string { return collection[T]() + "/query" }

// page is one answer to a query.
type page[T any] struct {
	Errors      []jsontext.Value `json:"errors"`
	Items       []*T             `json:"items"`
	PageDetails struct {
		Count       Optional[int64]  `json:"count"`
		NextPageURL Optional[string] `json:"nextPageUrl"`
	} `json:"pageDetails"`
}

func (p *page[T]) decode(b []byte) error {
	*p = page[T]{} // nothing of an earlier attempt
	if err := decode(b, p); err != nil {
		return err
	}
	// Without these, a wrong answer would read as "there are none".
	count, told := p.PageDetails.Count.Get()
	switch {
	case p.Items == nil:
		return fmt.Errorf("%w: it has no items", transport.ErrUnreadable)
	case told && count != int64(len(p.Items)):
		return fmt.Errorf("%w: it has %d items, but counts %d", transport.ErrUnreadable, len(p.Items), count)
	case len(p.Errors) > 0:
		return fmt.Errorf("%w: it has errors beside its items", transport.ErrUnreadable)
	case slices.Contains(p.Items, nil):
		return fmt.Errorf("%w: one of its items is null", transport.ErrUnreadable)
	}
	return nil
}

// pager reads the pages of a query. Autotask wants the next page POSTed with
// the body of the first. q has been checked.
func pager[T Queryable](c *Client, q Query) source[T] {
	path := queryPath[T]()
	body, err := q.body()
	if err != nil {
		return func(context.Context) ([]*T, error) { return nil, invalid(http.MethodPost, path, "%v", err) }
	}
	return limited(follow[T](c, call{method: http.MethodPost, path: path, body: body}, path+"/next"), q.Limit)
}

// follow is the one loop that follows nextPageUrl, with the method and the body
// of the first request.
func follow[T Entity](c *Client, r call, nextPath string) source[T] {
	first := r.path
	visited := make(map[string]bool)
	ended := false
	return func(ctx context.Context) ([]*T, error) {
		for !ended {
			if visited[r.nextURL] {
				return nil, refusal(transport.Server, r.method, first, "Autotask named a page again that was read already; the result is incomplete")
			}
			visited[r.nextURL] = true
			var p page[T]
			r.decode = p.decode
			if err := c.send(ctx, r); err != nil {
				return nil, err
			}
			r.path, r.nextURL = nextPath, p.PageDetails.NextPageURL.Or("")
			ended = r.nextURL == ""
			if len(p.Items) > 0 {
				return p.Items, nil
			}
		}
		return nil, nil
	}
}

// limited ends a source after so many items, and then asks it for nothing more.
func limited[T any](next source[T], limit int) source[T] {
	if limit == 0 {
		return next
	}
	return func(ctx context.Context) ([]*T, error) {
		if limit == 0 {
			return nil, nil
		}
		items, err := next(ctx)
		items = items[:min(limit, len(items))]
		limit -= len(items)
		return items, err
	}
}

// chain reads parts one after the other. Each is held to its own ids: what
// belongs to another would be lost there, or come twice.
func chain[T Queryable](c *Client, all []part) source[T] {
	var next source[T]
	return func(ctx context.Context) ([]*T, error) {
		for len(all) > 0 {
			if next == nil {
				next = pager[T](c, all[0].Query)
			}
			items, err := next(ctx)
			if err != nil {
				return nil, err
			}
			here := all[0]
			for _, item := range items {
				if id := idOf(item); id < here.first || id > here.last {
					return nil, nonsense(queryPath[T](), "Autotask answered a search for ids from %d to %d with the item %d", here.first, here.last, id)
				}
			}
			if len(items) == 0 || len(items) == here.ids && ascend(items) {
				// That is all there can be, although a full page names a next one.
				next, all = nil, all[1:]
			}
			if len(items) > 0 {
				return items, nil
			}
		}
		return nil, nil
	}
}

// ascend tells whether items come in the order of their ids, each once.
func ascend[T any](items []*T) bool {
	for i := 1; i < len(items); i++ {
		if idOf(items[i-1]) >= idOf(items[i]) {
			return false
		}
	}
	return true
}

// row is an item, a *T, with its id at hand. It is the same type for all
// entities, so that a program holds the code which sorts rows once.
type row struct {
	id   int64
	item any
}

func byID(a, b row) int { return cmp.Compare(a.id, b.id) }

// stream is a part while it is merged with others.
type stream[T Entity] struct {
	next source[T]
	rows []row           // read, and not yet given out
	last Optional[int64] // id that was read
}

// fill reads on. Merging goes by the order of the ids.
func (s *stream[T]) fill(ctx context.Context) error {
	items, err := s.next(ctx)
	if err != nil {
		return err
	}
	ids, err := ascending(items, s.last)
	if err != nil {
		return err
	}
	for i, id := range ids {
		s.rows = append(s.rows, row{id, items[i]})
		s.last = Value(id)
	}
	return nil
}

// take gives out the rows up to an id.
func (s *stream[T]) take(bound int64) []row {
	n, found := slices.BinarySearchFunc(s.rows, row{id: bound}, byID)
	if found {
		n++
	}
	taken := s.rows[:n]
	s.rows = s.rows[n:]
	return taken
}

// merged reads parts side by side: their items in the order of the ids, each
// once. Whatever lies up to the least of the last ids that were read can be
// given out: no part has more to come that belongs before it.
func merged[T Queryable](c *Client, all []part) source[T] {
	streams := make([]*stream[T], len(all))
	for i, p := range all {
		streams[i] = &stream[T]{next: pager[T](c, p.Query), last: p.After}
	}
	var ready []*T
	return func(ctx context.Context) ([]*T, error) {
		if len(ready) == 0 {
			var left []*stream[T]
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
		batch := ready[:min(maxPageSize, len(ready))]
		ready = ready[len(batch):]
		return batch, nil
	}
}

// takeAll gives out what no part can have anything before, or among, any more.
func takeAll[T Entity](streams []*stream[T]) []*T {
	if len(streams) == 0 {
		return nil
	}
	first := slices.MinFunc(streams, func(a, b *stream[T]) int { return cmp.Compare(a.last.value, b.last.value) })
	bound := first.last.value
	var rows []row
	for _, s := range streams {
		rows = append(rows, s.take(bound)...)
	}
	slices.SortFunc(rows, byID)
	var items []*T
	for _, r := range slices.CompactFunc(rows, func(a, b row) bool { return a.id == b.id }) {
		items = append(items, r.item.(*T))
	}
	return items
}

// ascending returns the ids of items that must come in their order, behind the
// id that came before them.
func ascending[T Entity](items []*T, last Optional[int64]) ([]int64, error) {
	ids := make([]int64, len(items))
	for i, item := range items {
		ids[i] = idOf(item)
		if err := checkID[T](http.MethodPost, ids[i]); err != nil {
			return nil, nonsense(queryPath[T](), "Autotask answered with an item whose id is %d", ids[i])
		}
		if before, ok := last.Get(); ok && ids[i] <= before {
			return nil, nonsense(queryPath[T](), "Autotask answered with the item %d behind %d; going on by the order of the ids would lose items", ids[i], before)
		}
		last = Value(ids[i])
	}
	return ids, nil
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
func readAhead[T any](ctx context.Context, next source[T]) (ahead source[T], stop func()) {
	type answer struct {
		items []*T
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	var reading chan answer
	read := func() {
		reading = make(chan answer, 1) // nobody need be there to take it
		go func(done chan<- answer) {
			defer close(done)
			items, err := next(ctx)
			done <- answer{items, err}
		}(reading)
	}
	ahead = func(context.Context) ([]*T, error) {
		if reading == nil {
			read()
		}
		a, ok := <-reading
		if !ok {
			runtime.Goexit() // as the reading did, say in a test's transport
		}
		if len(a.items) > 0 {
			read()
		}
		return a.items, a.err
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

// Count tells how many items match q's filter and come after q.After (POST
// {collection}/query/count). Fields, Limit and Prefetch play no part. A filter
// that is sent in parts (see In) is counted in parts, if no item can be in two of
// them; otherwise the ids are read and counted.
func Count[T Queryable](ctx context.Context, c *Client, q Query) (int64, error) {
	path := queryPath[T]() + "/count"
	q = Query{Filter: q.Filter, After: q.After}
	p, err := q.split()
	if err = errors.Join(checkCollection[T](), err); err != nil {
		return 0, invalid(http.MethodPost, path, "%v", err)
	}
	var sum int64
	if !p.disjoint {
		q.Fields = []string{"id"}
		for items, err := range pages[T](ctx, c, q) {
			if err != nil {
				return 0, err
			}
			sum += int64(len(items))
		}
		return sum, nil
	}
	for _, part := range p.all {
		n, err := countOf[T](ctx, c, part.Query)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func countOf[T Queryable](ctx context.Context, c *Client, q Query) (int64, error) {
	path := queryPath[T]() + "/count"
	body, err := q.body()
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
	return n, err
}

// GetMany reads many items by their ids, up to 500 in a request, in any order
// and with repeats. The result lacks the ids that there are no items for. On an
// error it holds what was found until then.
func GetMany[T Queryable](ctx context.Context, c *Client, ids []int64) (map[int64]*T, error) {
	unique := slices.Compact(slices.Sorted(slices.Values(ids)))
	found := make(map[int64]*T, len(unique))
	if len(unique) == 0 {
		return found, nil
	}
	if err := needsID[T](http.MethodPost); err != nil {
		return found, err
	}
	for items, err := range pages[T](ctx, c, Query{Filter: In("id", unique...)}) {
		if err != nil {
			return found, err
		}
		for _, item := range items {
			if _, asked := slices.BinarySearch(unique, idOf(item)); !asked {
				return found, nonsense(queryPath[T](), "Autotask answered a search for %d ids with the item %d, which is none of them", len(unique), idOf(item))
			}
			found[idOf(item)] = item
		}
		if len(found) == len(unique) {
			break // a full page names a next one, also when that is empty
		}
	}
	return found, nil
}
