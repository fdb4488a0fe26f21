package changes

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The state of version 1, which all later versions must read.
func TestStateIsReadForEver(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("testdata/state_v1.json")
	require.NoError(t, err)
	var s State
	require.NoError(t, json.Unmarshal(golden, &s))
	assert.Equal(t, time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC), s.Covered("Tickets"))
	p := s.s.Collections["Tickets"]
	assert.Equal(t, []int64{0, 5, 6, 7, 100}, p.Known.ids(beforeAll, math.MaxInt64, 10))
	hash, ok := p.Sums.of(6)
	assert.True(t, ok)
	assert.Equal(t, uint64(7), hash)
	b, err := json.Marshal(s)
	require.NoError(t, err)
	assert.JSONEq(t, string(golden), string(b))
}

func TestStateRefuses(t *testing.T) {
	t.Parallel()
	var s State
	require.ErrorIs(t, json.Unmarshal([]byte(`{"version":2,"collections":{"Tickets":[]}}`), &s), ErrNewerState)
	for _, text := range []string{
		`[]`, `{"collections":{"Tickets":{}}}`, `{"version":1,"collections":{"Tickets":null}}`,
		`{"version":1,"collections":{"Tickets":{"last":1,"known":"!"}}}`,
		`{"version":1,"collections":{"Tickets":{"last":1,"known":"AA"}}}`,
		`{"version":1,"collections":{"Tickets":{"last":1,"known":"AP////8P"}}}`,
		`{"version":1,"collections":{"Tickets":{"last":1,"sums":"AQ"}}}`,
	} {
		require.Error(t, json.Unmarshal([]byte(text), &s), text)
	}
	require.NoError(t, json.Unmarshal([]byte(`{}`), &s), "nothing yet")
}

// A set does what a map does.
func TestIDSet(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // reproducible
	var s idSet
	model := make(map[int64]bool)
	for round := range 300 {
		var ids []int64
		for range 1 + r.IntN(400) {
			ids = append(ids, r.Int64N(6000))
		}
		ids = order(ids)
		before := s
		was := slices.Clone(s.ids(beforeAll, math.MaxInt64, math.MaxInt))
		add := r.IntN(3) > 0
		for _, id := range ids {
			model[id] = add
			if !add {
				delete(model, id)
			}
		}
		if add {
			s.add(ids)
		} else {
			s.remove(ids)
		}
		var want []int64
		for id := range model {
			want = append(want, id)
		}
		slices.Sort(want)
		require.Equal(t, want, s.ids(beforeAll, math.MaxInt64, math.MaxInt), round)
		require.Equal(t, len(want), s.len())
		require.Equal(t, was, before.ids(beforeAll, math.MaxInt64, math.MaxInt), "a copy is a snapshot")

		after, last := r.Int64N(6100)-1, r.Int64N(6100)
		part := slices.DeleteFunc(slices.Clone(want), func(id int64) bool { return id <= after || id > last })
		require.Equal(t, len(part), s.count(after, last))
		require.Equal(t, part[:min(7, len(part))], append([]int64{}, s.ids(after, last, 7)...))
		behind := slices.DeleteFunc(slices.Clone(want), func(id int64) bool { return id <= after })
		if len(behind) > 0 {
			n := r.IntN(len(behind))
			id, ok := s.nth(after, n)
			require.True(t, ok)
			require.Equal(t, behind[n], id)
		}
		_, ok := s.nth(after, len(behind))
		require.False(t, ok)

		text, err := s.MarshalText()
		require.NoError(t, err)
		var read idSet
		require.NoError(t, read.UnmarshalText(text))
		require.Equal(t, s.ids(beforeAll, math.MaxInt64, math.MaxInt), read.ids(beforeAll, math.MaxInt64, math.MaxInt))
	}
}
