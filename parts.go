package autotask

import (
	"cmp"
	"context"
	"slices"
)

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
