package changes

import (
	"bytes"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask"
)

// verify draws known rows, and compares what Autotask has of them with what the
// caller has.
func (v *visit) verify() error {
	left := v.feed.options.Verify
	if left == 0 {
		return nil
	}
	known, err := v.knownCount(beforeAll, math.MaxInt64)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(draw(left, known), v.feed.page) {
		ids := make([]int64, len(some))
		for i, n := range some {
			if ids[i], err = v.knownNth(beforeAll, n); err != nil {
				return err
			}
		}
		if err := v.verifyRows(ids); err != nil {
			return err
		}
	}
	return nil
}

// draw draws so many different numbers below another, or all of them, in ascending
// order.
func draw(many, below int) []int {
	if many >= below/2 {
		all := rand.Perm(below)[:min(many, below)] //nolint:gosec // a sample, no secret
		slices.Sort(all)
		return all
	}
	drawn := make(map[int]bool, many)
	for len(drawn) < many {
		drawn[rand.IntN(below)] = true //nolint:gosec // a sample, no secret
	}
	return slices.Sorted(maps.Keys(drawn))
}

func (v *visit) verifyRows(ids []int64) error {
	rows, err := v.readPage(v.ctx, autotask.In("id", ids), beforeAll)
	if err != nil {
		return err
	}
	stored, err := v.feed.options.Stored(v.ctx, v.name, ids)
	if err != nil {
		return err
	}
	var all []Change
	for _, row := range rows {
		fields, err := differing(stored[row.ID], row.JSON)
		if err != nil {
			return v.wrap(err, "row %d", row.ID)
		}
		if len(fields) == 0 {
			continue
		}
		changes, err := v.upserted([]*autotask.Row{row}, ByVerify)
		if err != nil {
			return err
		}
		changes[len(changes)-1].Fields = fields
		all = append(all, changes...)
	}
	if len(all) == 0 {
		return nil
	}
	return v.emit(all)
}

// differing names the members of two objects that are not the same JSON.
func differing(stored, row jsontext.Value) ([]string, error) {
	if bytes.Equal(stored, row) {
		return nil, nil
	}
	var a, b map[string]jsontext.Value
	if err := json.Unmarshal(row, &b, jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, err
	}
	if len(stored) > 0 {
		if err := json.Unmarshal(stored, &a, jsontext.AllowInvalidUTF8(true)); err != nil {
			return nil, err
		}
	}
	var names []string
	for name, value := range b {
		if !isSameJSON(a[name], value) {
			names = append(names, name)
		}
	}
	for name := range a {
		if _, there := b[name]; !there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func isSameJSON(a, b jsontext.Value) bool {
	if bytes.Equal(a, b) {
		return true
	}
	a, b = a.Clone(), b.Clone()
	return len(a) > 0 && a.Canonicalize() == nil && b.Canonicalize() == nil && bytes.Equal(a, b)
}
