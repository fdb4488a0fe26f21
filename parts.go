package autotask

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// part is a query as it is sent, of the one or several that a Query is.
type part struct {
	Query
	ids         int   // how many it asks for, if the parts are in order
	first, last int64 // their span
}

// parts are what a Query is sent as.
type parts struct {
	all      []part
	inOrder  bool // the ids of each lie above those of the one before
	disjoint bool // no item is in two of them
}

// split checks a query and, if it has more OR conditions than Autotask takes,
// divides the values of its longest In among several.
//
// The items of the parts are, together, exactly those of the whole, however the
// In is nested: there is no negation above it. An item that the In lets through
// is let through by the In of some part, and judged there as in the whole; one
// that it does not let through is judged alike everywhere; and no part lets
// through what the whole does not, since And and Or turn no more true into
// false. (A NotIn divided that way would let everything through.)
func (q Query) split() (parts, error) {
	var t tally
	if err := q.check(&t); err != nil {
		return parts{}, err
	}
	if t.ors() <= maxConditions {
		return parts{all: []part{{Query: q}}, disjoint: true}, nil
	}
	// One value is one part's only if values that differ are never the same to
	// Autotask, as texts may be; and an Or may let an item into every part.
	in, values := t.longest, t.longest.values()
	whole := !slices.ContainsFunc(values, func(v any) bool { _, ok := v.(int64); return !ok })
	p := parts{disjoint: whole && !in.udf && !t.beneathOr}
	if p.inOrder = p.disjoint && strings.EqualFold(in.field, "id"); p.inOrder {
		values = slices.SortedFunc(slices.Values(values), func(a, b any) int { return cmp.Compare(a.(int64), b.(int64)) })
	}
	for values := range slices.Chunk(values, maxConditions-t.others()) {
		next := part{Query: q}
		next.Filter = q.Filter.with(in, values)
		if p.inOrder {
			next.ids, next.first, next.last = len(values), values[0].(int64), values[len(values)-1].(int64)
			if after, ok := q.After.Get(); ok && next.last <= after {
				continue
			}
		}
		p.all = append(p.all, next)
	}
	return p, nil
}

// chain reads parts one after the other. Each is held to its own ids: what
// belongs to another would be lost there, or come twice.
func (k *kind) chain(c *Client, all []part) source {
	var next source
	found := 0
	return func(ctx context.Context) ([]row, error) {
		for len(all) > 0 {
			if next == nil {
				next, found = k.pager(c, all[0].Query), 0
			}
			rows, err := next(ctx)
			if err != nil {
				return nil, err
			}
			here := all[0]
			for _, r := range rows {
				if r.id < here.first || r.id > here.last {
					return nil, nonsense(k.path(), "Autotask answered a search for ids from %d to %d with the item %d", here.first, here.last, r.id)
				}
			}
			found += len(rows)
			if len(rows) == 0 || found == here.ids {
				// That is all there can be, although a full page names a next one.
				next, all = nil, all[1:]
			}
			if len(rows) > 0 {
				return rows, nil
			}
		}
		return nil, nil
	}
}

// stream is a part while it is merged with others.
type stream struct {
	kind *kind
	next source
	rows []row           // read, and not yet given out
	last Optional[int64] // id that was read
}

// fill reads on. Merging goes by the order of the ids.
func (s *stream) fill(ctx context.Context) error {
	rows, err := s.next(ctx)
	if err != nil {
		return err
	}
	if err := s.kind.ascending(rows, s.last); err != nil {
		return err
	}
	s.rows = append(s.rows, rows...)
	if len(rows) > 0 {
		s.last = Value(rows[len(rows)-1].id)
	}
	return nil
}

// take gives out the rows up to an id.
func (s *stream) take(bound int64) []row {
	n, found := slices.BinarySearchFunc(s.rows, row{id: bound}, byID)
	if found {
		n++
	}
	taken := s.rows[:n]
	s.rows = s.rows[n:]
	return taken
}

// merged reads parts side by side: their rows in the order of the ids, each
// once. Whatever lies up to the least of the last ids that were read can be
// given out: no part has more to come that belongs before it.
func (k *kind) merged(c *Client, all []part) source {
	streams := make([]*stream, len(all))
	for i, p := range all {
		streams[i] = &stream{kind: k, next: k.pager(c, p.Query), last: p.After}
	}
	var ready []row
	return func(ctx context.Context) ([]row, error) {
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
		batch := ready[:min(maxPageSize, len(ready))]
		ready = ready[len(batch):]
		return batch, nil
	}
}

// takeAll gives out what no part can have anything before, or among, any more.
func takeAll(streams []*stream) []row {
	if len(streams) == 0 {
		return nil
	}
	first := slices.MinFunc(streams, func(a, b *stream) int { return cmp.Compare(a.last.value, b.last.value) })
	bound := first.last.value
	var rows []row
	for _, s := range streams {
		rows = append(rows, s.take(bound)...)
	}
	slices.SortFunc(rows, byID)
	return slices.CompactFunc(rows, func(a, b row) bool { return a.id == b.id })
}
