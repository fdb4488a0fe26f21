package paging_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/paging"
)

// table is a list of ids that is read by pages of a size.
type table struct {
	ids   []int64
	size  int
	reads int
	// between is called before each page but the first.
	between func()
}

// page returns the rows from the nth on, and where the next page begins.
func (t *table) page(after, last int64, n int) paging.Page {
	t.reads++
	var p paging.Page
	rows := t.matching(after, last)
	for _, id := range rows[min(n, len(rows)):min(n+t.size, len(rows))] {
		p.Rows = append(p.Rows, paging.Row{ID: id, Item: id})
	}
	p.Told = true
	if n+t.size < len(rows) {
		p.Next = strconv.Itoa(n + t.size)
	}
	return p
}

func (t *table) matching(after, last int64) []int64 {
	return slices.DeleteFunc(slices.Clone(t.ids), func(id int64) bool { return id <= after || id > last })
}

func (t *table) source(after, last int64) paging.Source {
	return paging.Follow(paging.Route{Full: t.size, After: after, Read: func(ctx context.Context, next string) (paging.Page, error) {
		if err := ctx.Err(); err != nil {
			return paging.Page{}, err
		}
		n := 0
		if next != "" {
			n, _ = strconv.Atoi(next)
			if t.between != nil {
				t.between()
			}
		}
		return t.page(after, last, n), nil
	}})
}

func drain(ctx context.Context, next paging.Source) (ids []int64, err error) {
	for {
		rows, err := next(ctx)
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		if err != nil || len(rows) == 0 {
			return ids, err
		}
	}
}

// random returns ascending ids with gaps.
func random(r *rand.Rand, n int) []int64 {
	ids := make([]int64, n)
	id := int64(0)
	for i := range ids {
		id += 1 + r.Int64N(5)
		ids[i] = id
	}
	return ids
}

func TestFollow_GivesEveryRowOnceWhatever(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test needs no secret randomness
		all := random(r, r.IntN(40))
		source := &table{ids: slices.Clone(all), size: 1 + r.IntN(7)}
		// Rows that are put in before the position make the next page repeat some.
		source.between = func() { source.ids = append([]int64{-int64(source.reads)}, source.ids...) }
		got, err := drain(t.Context(), source.source(-1000, paging.NoEnd))
		require.NoError(t, err)
		got = slices.DeleteFunc(got, func(id int64) bool { return id < 0 })
		require.Len(t, got, len(all), "seed %d", seed)
		slices.Sort(got)
		require.True(t, slices.Equal(all, got), "seed %d", seed)
	}
}

func TestFollow_AFullPageThatSaysNothing(t *testing.T) {
	t.Parallel()
	ids := []int64{1, 2, 3, 4, 5, 6, 7}
	after := int64(paging.BeforeAll)
	route := func() paging.Route {
		source := &table{ids: ids, size: 3}
		return paging.Route{Full: 3, After: paging.BeforeAll, Read: func(context.Context, string) (paging.Page, error) {
			p := source.page(after, paging.NoEnd, 0)
			p.Next, p.Told = "", false
			return p, nil
		}}
	}
	got, err := drain(t.Context(), paging.Follow(route()))
	var nonsense paging.Nonsense
	require.ErrorAs(t, err, &nonsense)
	assert.Contains(t, err.Error(), "may be incomplete")
	assert.Equal(t, ids[:3], got, "the rows come before the error")

	way := route()
	way.Resume = func(id int64) error { after = id; return nil }
	got, err = drain(t.Context(), paging.Follow(way))
	require.NoError(t, err)
	assert.Equal(t, ids, got)

	after = paging.BeforeAll
	failure := errors.New("cannot be asked for")
	way = route()
	way.Resume = func(int64) error { return failure }
	got, err = drain(t.Context(), paging.Follow(way))
	require.ErrorIs(t, err, failure)
	assert.Equal(t, ids[:3], got)
}

func TestFollow_RefusesAPageTwice(t *testing.T) {
	t.Parallel()
	reads := 0
	got, err := drain(t.Context(), paging.Follow(paging.Route{Full: 1, After: paging.BeforeAll, Read: func(context.Context, string) (paging.Page, error) {
		reads++
		return paging.Page{Rows: []paging.Row{{ID: int64(reads)}}, Next: "the same", Told: true}, nil
	}}))
	require.ErrorContains(t, err, "named a page again")
	assert.Equal(t, []int64{1, 2}, got)
}

func TestLimit_AsksForNothingMore(t *testing.T) {
	t.Parallel()
	for limit := range 12 {
		source := &table{ids: []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}, size: 3}
		got, err := drain(t.Context(), paging.Limit(source.source(paging.BeforeAll, paging.NoEnd), limit))
		require.NoError(t, err)
		want := limit
		if limit == 0 || limit > 9 {
			want = 9
		}
		assert.Len(t, got, want)
		assert.Equal(t, (want+2)/3, source.reads, "limit %d", limit)
	}
}

func TestChain_HoldsEachPartToItsIDs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // a test needs no secret randomness
		all := random(r, 1+r.IntN(60))
		var parts []paging.Part
		for asked := range slices.Chunk(all, 1+r.IntN(9)) {
			first, last := asked[0], asked[len(asked)-1]
			source := &table{ids: all, size: 1 + r.IntN(5)}
			parts = append(parts, paging.Part{Count: len(asked), First: first, Last: last, Open: func() paging.Source { return source.source(first-1, last) }})
		}
		got, err := drain(t.Context(), paging.Chain(parts))
		require.NoError(t, err)
		require.Equal(t, all, got, "seed %d", seed)
	}
	strange := paging.Part{Count: 2, First: 4, Last: 9, Open: func() paging.Source {
		return (&table{ids: []int64{5, 10}, size: 5}).source(paging.BeforeAll, paging.NoEnd)
	}}
	got, err := drain(t.Context(), paging.Chain([]paging.Part{strange}))
	require.ErrorContains(t, err, "from 4 to 9 with the item 10")
	assert.Empty(t, got)
}

func TestMerge_OrderAndOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // a test needs no secret randomness
		all := random(r, r.IntN(80))
		after := int64(r.IntN(20)) - 1
		var parts []paging.Part
		var want []int64
		for range 1 + r.IntN(5) {
			source := &table{ids: slices.DeleteFunc(slices.Clone(all), func(int64) bool { return r.IntN(3) == 0 }), size: 1 + r.IntN(6)}
			want = append(want, source.matching(after, paging.NoEnd)...)
			parts = append(parts, paging.Part{Open: func() paging.Source { return source.source(after, paging.NoEnd) }})
		}
		slices.Sort(want)
		want = slices.Compact(want)
		got, err := drain(t.Context(), paging.Merge(parts, after))
		require.NoError(t, err)
		require.True(t, slices.Equal(want, got), "seed %d", seed)
	}
	backwards := paging.Part{Open: func() paging.Source {
		return func(context.Context) ([]paging.Row, error) { return []paging.Row{{ID: 5}, {ID: 4}}, nil }
	}}
	_, err := drain(t.Context(), paging.Merge([]paging.Part{backwards, backwards}, paging.BeforeAll))
	require.ErrorContains(t, err, "item 4 after 5")
}

func TestReadAhead_SameRowsAndOneMoreRequestAtMost(t *testing.T) {
	t.Parallel()
	source := &table{ids: []int64{1, 2, 3, 4, 5, 6, 7}, size: 2}
	ahead, stop := paging.ReadAhead(t.Context(), source.source(paging.BeforeAll, paging.NoEnd))
	first, err := ahead(t.Context())
	require.NoError(t, err)
	assert.Len(t, first, 2)
	stop()
	assert.LessOrEqual(t, source.reads, 2)

	source = &table{ids: source.ids, size: 2}
	ahead, stop = paging.ReadAhead(t.Context(), source.source(paging.BeforeAll, paging.NoEnd))
	got, err := drain(t.Context(), ahead)
	stop()
	require.NoError(t, err)
	assert.Equal(t, source.ids, got)
}

// scanned is one table for the workers of a scan.
type scanned struct {
	mu sync.Mutex
	table
	failAt int // the read that fails; 0 is none
}

func (s *scanned) open(span paging.Span) (paging.Source, error) {
	after := span.After
	return func(ctx context.Context) ([]paging.Row, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		p := s.page(after, span.Last, 0)
		if s.reads == s.failAt {
			return nil, errBroken
		}
		if len(p.Rows) > 0 {
			after = p.Rows[len(p.Rows)-1].ID
		}
		return p.Rows, nil
	}, nil
}

var errBroken = errors.New("broken")

func (s *scanned) scan() paging.Scan {
	return paging.Scan{Open: s.open, Count: func(_ context.Context, after int64) (int64, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return int64(len(s.matching(after, paging.NoEnd))), true
	}}
}

func TestScan_EveryRowOnceThroughFailuresAndResumes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4)) //nolint:gosec // a test needs no secret randomness
		all := random(r, r.IntN(12*paging.PageSize))
		rest := []paging.Span{{After: paging.BeforeAll, Last: paging.NoEnd}}
		var got []int64
		for done := false; !done; {
			source := &scanned{table: table{ids: all, size: paging.PageSize}, failAt: r.IntN(6)}
			leave := 1 + r.IntN(4)
			for result, err := range source.scan().Run(t.Context(), 1+r.IntN(3), rest) {
				if err != nil {
					require.ErrorIs(t, err, errBroken)
					break
				}
				require.False(t, done, "nothing comes after the last result")
				for _, row := range result.Rows {
					got = append(got, row.ID)
				}
				rest, done = result.Rest, result.Last
				if leave--; leave == 0 && !done {
					break
				}
			}
		}
		slices.Sort(got)
		require.True(t, slices.Equal(all, got), "seed %d: %d rows of %d", seed, len(got), len(all))
	}
}

func TestScan_WithoutACountOneWorkerReads(t *testing.T) {
	t.Parallel()
	all := random(rand.New(rand.NewPCG(1, 5)), 3*paging.PageSize) //nolint:gosec // a test needs no secret randomness
	source := &scanned{table: table{ids: all, size: paging.PageSize}}
	scan := source.scan()
	scan.Count = func(context.Context, int64) (int64, bool) { return 0, false }
	var got []int64
	for result, err := range scan.Run(t.Context(), 3, []paging.Span{{After: paging.BeforeAll, Last: paging.NoEnd}}) {
		require.NoError(t, err)
		for _, row := range result.Rows {
			got = append(got, row.ID)
		}
	}
	assert.Equal(t, all, got, "by one worker they come in order")
}

func TestSort(t *testing.T) {
	t.Parallel()
	spans := []paging.Span{{After: 10, Last: 20}, {After: -1, Last: 10}}
	require.NoError(t, paging.Sort(spans))
	assert.Equal(t, int64(-1), spans[0].After)
	require.ErrorContains(t, paging.Sort([]paging.Span{{After: 0, Last: 20}, {After: 10, Last: 30}}), "overlap")
}
