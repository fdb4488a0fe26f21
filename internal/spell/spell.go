// Package spell finds what a misspelt name may have meant.
package spell

import (
	"slices"
	"strings"
)

// Nearest returns those whose names a misspelt one may stand for, at most
// three: a few letters differ, or one is part of the other.
func Nearest[T any](name string, all []T, nameOf func(T) string) []T {
	const most, longest, shortestPart = 3, 200, 3
	type ranked struct {
		item T
		rank int
	}
	var near []ranked
	want := []rune(strings.ToLower(folded(name)))
	for _, item := range all {
		have := []rune(strings.ToLower(folded(nameOf(item))))
		shorter, longer := want, have
		if len(shorter) > len(longer) {
			shorter, longer = longer, shorter
		}
		apart := len(longer) - len(shorter)
		allowed := 1 + len(want)/4
		switch {
		case len(longer) > longest || len(shorter) == 0:
		case apart <= allowed && editDistance(want, have) <= allowed:
			near = append(near, ranked{item, editDistance(want, have)})
		case len(shorter) >= shortestPart && strings.Contains(string(longer), string(shorter)):
			near = append(near, ranked{item, longest + apart})
		}
	}
	slices.SortStableFunc(near, func(a, b ranked) int { return a.rank - b.rank })
	items := make([]T, 0, most)
	for _, n := range near[:min(most, len(near))] {
		items = append(items, n.item)
	}
	return items
}

// editDistance counts the letters to add, drop or replace to make a into b.
func editDistance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			replaced := diagonal
			if x != y {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// folded is a text in one line.
func folded(s string) string { return strings.Join(strings.Fields(s), " ") }
