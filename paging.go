package autotask

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/paging"
	"github.com/autotask-go/autotask/internal/transport"
)

// List returns all items that match q. See [All].
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

// All iterates over the items that match q, each once, by ascending id, in
// pages of up to 500 as they are reached (POST {collection}/query). A failure
// ends the loop with a nil item and the error.
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
				if !yield(r.Item.(*T), nil) {
					return
				}
			}
		}
	}
}

// Page is part of a result. q.After = page.After continues after it.
type Page[T any] struct {
	Items []*T            // 1 to 500, in the order of their ids
	After Optional[int64] // the id of the last of them
}

// Pages is [All] by pages, each with the position where a later run continues.
func Pages[T Queryable](ctx context.Context, c *Client, q Query) iter.Seq2[*Page[T], error] {
	return positions[T](ctx, c, kindOf[T](), q)
}

func positions[T any](ctx context.Context, c *Client, k *kind, q Query) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		if err := k.needsID(http.MethodPost); err != nil {
			yield(nil, err)
			return
		}
		last := positionOf(q)
		for rows, err := range k.pages(ctx, c, q) {
			if err == nil {
				err = k.failed(paging.Ascending(rows, last))
			}
			if err != nil {
				yield(nil, err)
				return
			}
			last = rows[len(rows)-1].ID
			if !yield(&Page[T]{Items: itemsOf[T](rows), After: Value(last)}, nil) {
				return
			}
		}
	}
}

// pages iterates over the rows that match q, some at a time and never none.
func (k *kind) pages(ctx context.Context, c *Client, q Query) iter.Seq2[[]paging.Row, error] {
	return func(yield func([]paging.Row, error) bool) {
		next, err := k.open(c, q)
		if err != nil {
			yield(nil, err)
			return
		}
		if q.Prefetch {
			var stop func()
			next, stop = paging.ReadAhead(ctx, next)
			defer stop()
		}
		for {
			rows, err := next(ctx)
			if err != nil {
				yield(nil, k.failed(err))
				return
			}
			if len(rows) == 0 || !yield(rows, nil) {
				return
			}
		}
	}
}

// ListChildren returns all items of one parent (GET {parent}/{id}/{children}).
func ListChildren[T ParentListable](ctx context.Context, c *Client, parentID int64) ([]*T, error) {
	if err := kindOf[T]().known(http.MethodGet); err != nil {
		return nil, err
	}
	parent := (*new(T)).Parent()
	parent.ID = Int(parentID)
	path, err := parent.path(http.MethodGet, collection[T]())
	if err != nil {
		return nil, err
	}
	k := *kindOf[T]()
	k.leastID, k.exists = 1, true
	first := call{method: http.MethodGet, path: path}
	next := paging.Follow(paging.Route{Full: paging.PageSize, After: paging.BeforeAll, Read: func(ctx context.Context, next string) (paging.Page, error) {
		return k.read(ctx, c, first, next, path)
	}})
	var all []*T
	for {
		rows, err := next(ctx)
		if n, ok := errors.AsType[paging.Nonsense](err); ok {
			err = refusal(transport.Server, http.MethodGet, path, string(n))
		}
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return all, nil
		}
		all = append(all, itemsOf[T](rows)...)
	}
}

// IDRange is the ids greater than After up to Last; an absent end is open.
type IDRange struct {
	After Optional[int64] `json:"after,omitzero"`
	Last  Optional[int64] `json:"last,omitzero"`
}

// ScanOptions are the settings of [Scan]; both may be zero.
type ScanOptions struct {
	Workers int       // ranges read concurrently: by default, and at most, WithMaxConcurrency
	Resume  []IDRange // the Remaining of the last page that was dealt with; none reads all
}

// ScanPage is part of the result of a [Scan].
type ScanPage[T any] struct {
	Items     []*T      // 1 to 500, by ascending id; none if nothing was left to read
	Remaining []IDRange // what is still to be read after this page
	Done      bool      // this is the last page: everything has been read
}

// Scan reads a large result with several workers, each in a range of ids, for a
// count and one more request per range. Pages arrive in any order. Store
// page.Remaining to continue after a restart. q.Limit is an error.
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
			if !yield(&ScanPage[T]{Items: itemsOf[T](r.Rows), Remaining: ranges(r.Rest), Done: r.Last}, nil) {
				return
			}
		}
	}
}

func (k *kind) scan(ctx context.Context, c *Client, q Query, opts ScanOptions) iter.Seq2[paging.Result, error] {
	return func(yield func(paging.Result, error) bool) {
		spans, workers, err := k.planScan(c, q, opts)
		if err != nil {
			yield(paging.Result{}, err)
			return
		}
		q.After, q.Prefetch = Optional[int64]{}, false
		scan := paging.Scan{
			Open:  func(s paging.Span) (paging.Source, error) { return k.open(c, k.within(q, s)) },
			Count: func(ctx context.Context, after int64) (int64, bool) { return k.quickCount(ctx, c, q, after) },
		}
		for r, err := range scan.Run(ctx, workers, spans) {
			if err != nil {
				err = asError(http.MethodPost, k.path(), k.failed(err))
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// planScan checks the arguments of a Scan, and returns what it reads.
func (k *kind) planScan(c *Client, q Query, opts ScanOptions) (spans []paging.Span, workers int, err error) {
	spans, err = spansOf(q, opts.Resume)
	switch {
	case err != nil:
		return nil, 0, invalid(http.MethodPost, k.path(), "%v", err)
	case opts.Workers < 0:
		return nil, 0, invalid(http.MethodPost, k.path(), "a Scan with %d workers: use at least one", opts.Workers)
	case q.Limit != 0:
		return nil, 0, invalid(http.MethodPost, k.path(), "a Scan cannot have a Limit, since its items come in no order; use All")
	}
	if _, err := k.open(c, q); err != nil {
		return nil, 0, err
	}
	if err := k.needsID(http.MethodPost); err != nil {
		return nil, 0, err
	}
	workers = c.core.concurrency
	if k.single() {
		workers = 1 // it accepts no condition on ids
	}
	if opts.Workers > 0 {
		workers = min(workers, opts.Workers)
	}
	return spans, workers, nil
}

// spansOf returns what is to be read, in the order of the ids.
func spansOf(q Query, resume []IDRange) ([]paging.Span, error) {
	begin := positionOf(q)
	if len(resume) == 0 {
		return []paging.Span{{After: begin, Last: paging.NoEnd}}, nil
	}
	var spans []paging.Span
	for _, r := range resume {
		s := paging.Span{After: max(r.After.Or(paging.BeforeAll), begin), Last: r.Last.Or(paging.NoEnd)}
		if s.After < s.Last {
			spans = append(spans, s)
		}
	}
	return spans, paging.Sort(spans)
}

// within is a query for the items of a span. A collection with a single condition
// takes no other; there the reader keeps to the span.
func (k *kind) within(q Query, s paging.Span) Query {
	q.After = after(s.After)
	if s.Last == paging.NoEnd || k.single() {
		return q
	}
	within := Lte("id", s.Last)
	if q.Filter.op != "" {
		within = And(q.Filter, within)
	}
	q.Filter = within
	return q
}

// quickCount counts the items after an id, unless that fails or would mean reading
// them.
func (k *kind) quickCount(ctx context.Context, c *Client, q Query, id int64) (int64, bool) {
	q.After = after(id)
	if p, err := k.split(q); err != nil || len(p.all) > 1 {
		return 0, false
	}
	n, err := k.count(ctx, c, q)
	return n, err == nil
}

func ranges(spans []paging.Span) []IDRange {
	if len(spans) == 0 {
		return nil
	}
	all := make([]IDRange, len(spans))
	for i, sp := range spans {
		all[i].After = after(sp.After)
		if sp.Last != paging.NoEnd {
			all[i].Last = Value(sp.Last)
		}
	}
	return all
}

// Count returns the number of items that match q (POST {…}/query/count).
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

// GetMany returns those of the given ids that exist, read 500 to a request.
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
			if _, asked := slices.BinarySearch(unique, r.ID); !asked {
				return found, nonsense(k.path(), "Autotask answered a search for %d ids with the item %d, which is none of them", len(unique), r.ID)
			}
			found[r.ID] = r.Item.(*T)
		}
		if len(found) == len(unique) {
			break // a full page names a next one, also when that is empty
		}
	}
	return found, nil
}

// Collection reads rows of a collection as they are, without a Go type.
type Collection struct {
	client *Client
	name   string
}

// Row is one item of a [Collection].
type Row struct {
	ID   int64
	JSON jsontext.Value // as Autotask sent it, byte for byte
}

// Collection returns the collection of a name, "Tickets"; it sends nothing.
func (c *Client) Collection(name string) *Collection { return &Collection{c, name} }

// Get returns one item (GET /{collection}/{id}). See [Get].
func (c *Collection) Get(ctx context.Context, id int64) (*Row, error) {
	path := c.name + "/" + strconv.FormatInt(id, 10)
	switch k := c.kind(); {
	case k.problem != nil:
		return nil, invalid(http.MethodGet, c.name, "%v", k.problem)
	case id < 0:
		return nil, invalid(http.MethodGet, c.name, "%d is not an id", id)
	}
	var r *Row
	err := c.client.send(ctx, call{method: http.MethodGet, path: path, decode: func(b []byte) (err error) {
		var envelope struct {
			Item jsontext.Value `json:"item"`
		}
		r = nil // nothing of an earlier attempt
		if err = decode(b, &envelope); err != nil || envelope.Item.Kind() == 'n' {
			return err
		}
		if len(envelope.Item) == 0 {
			return absentItem(true)
		}
		if r, err = rowOf(envelope.Item); err == nil && r.ID != id {
			err = fmt.Errorf("%w: it holds the item %d", transport.ErrUnreadable, r.ID)
		}
		return err
	}})
	if err == nil && r == nil {
		err = notFound(http.MethodGet, path, "Autotask answered with no item: it does not exist, or this user may not see it")
	}
	if err != nil {
		return nil, c.kind().explain(err)
	}
	return r, nil
}

// All iterates over the items that match q. See [All].
func (c *Collection) All(ctx context.Context, q Query) iter.Seq2[*Row, error] {
	return all[Row](ctx, c.client, c.kind(), q)
}

// Pages iterates over the items that match q by pages. See [Pages].
func (c *Collection) Pages(ctx context.Context, q Query) iter.Seq2[*Page[Row], error] {
	return positions[Row](ctx, c.client, c.kind(), q)
}

// Count returns the number of items that match q. See [Count].
func (c *Collection) Count(ctx context.Context, q Query) (int64, error) {
	return c.kind().count(ctx, c.client, q)
}

func (c *Collection) kind() *kind {
	k := &kind{
		collection: c.name,
		decode:     decodeRows,
	}
	if !isCollectionName(c.name) {
		k.problem = notACollection(c.name)
	}
	return k
}

func decodeRows(b []byte) (paging.Page, error) {
	var items []jsontext.Value
	details, err := decodeItems(b, &items)
	if err != nil {
		return paging.Page{}, err
	}
	rows := make([]paging.Row, len(items))
	for i, item := range items {
		r, err := rowOf(item)
		if err != nil {
			return paging.Page{}, err
		}
		rows[i] = paging.Row{ID: r.ID, Item: r}
	}
	return details.page(rows), nil
}

func rowOf(item jsontext.Value) (*Row, error) {
	var known identified
	if err := decode(item, &known); err != nil {
		return nil, err
	}
	id, ok := known.ID.Get()
	if !ok {
		return nil, errNoID
	}
	return &Row{id, item}, nil
}
