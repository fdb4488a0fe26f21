package webhook_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/webhook"
)

// see shows a Gaps the numbers of one webhook; each event is as many minutes
// after midnight as its number says.
func see(g *webhook.Gaps, guid string, numbers ...int64) {
	for _, n := range numbers {
		g.See(&webhook.Event{GUID: guid, SequenceNumber: n, Time: minute(n)})
	}
}

func minute(n int64) time.Time {
	return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute)
}

// missing lists the gaps as text.
func missing(g *webhook.Gaps) []string {
	var all []string
	for _, gap := range g.Missing() {
		all = append(all, fmt.Sprintf("%s %d-%d", gap.GUID, gap.First, gap.Last))
	}
	return all
}

func TestGaps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		numbers []int64
		want    []string
	}{
		"none":                      {nil, nil},
		"one":                       {[]int64{7}, nil},
		"in order":                  {[]int64{7, 8, 9}, nil},
		"duplicates":                {[]int64{7, 7, 8, 7, 8, 8}, nil},
		"a gap":                     {[]int64{7, 9}, []string{"a 8-8"}},
		"a long gap":                {[]int64{7, 17}, []string{"a 8-16"}},
		"filled late":               {[]int64{7, 9, 8}, nil},
		"out of order":              {[]int64{9, 7, 8}, nil},
		"below the first":           {[]int64{9, 6}, []string{"a 7-8"}},
		"split":                     {[]int64{1, 9, 5}, []string{"a 2-4", "a 6-8"}},
		"filled from below":         {[]int64{1, 9, 2, 3}, []string{"a 4-8"}},
		"filled from above":         {[]int64{1, 9, 8, 7}, []string{"a 2-6"}},
		"duplicate of what is past": {[]int64{1, 2, 5, 2, 1}, []string{"a 3-4"}},
		"without a number":          {[]int64{5, 0, 6, -1}, nil},
	} {
		var g webhook.Gaps
		see(&g, "a", test.numbers...)
		assert.Equal(t, test.want, missing(&g), name)
	}
}

func TestGapsOfSeveralWebhooks(t *testing.T) {
	t.Parallel()
	var g webhook.Gaps
	see(&g, "b", 100, 102)
	see(&g, "a", 1, 3, 5)
	assert.Equal(t, []string{"a 2-2", "a 4-4", "b 101-101"}, missing(&g))
	g.Close(webhook.Gap{GUID: "a", First: 4, Last: 4})
	g.Close(webhook.Gap{GUID: "c", First: 4, Last: 4})
	assert.Equal(t, []string{"a 2-2", "b 101-101"}, missing(&g))
	see(&g, "a", 4)
	assert.Equal(t, []string{"a 2-2", "b 101-101"}, missing(&g), "late, after it was dealt with")
}

func TestGapsSayWhereToLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g webhook.Gaps
		began := time.Now()
		see(&g, "a", 10)
		<-time.After(time.Minute)
		see(&g, "a", 20)
		<-time.After(time.Minute)
		see(&g, "a", 15)
		noticed := began.Add(time.Minute)
		assert.Equal(t, []webhook.Gap{
			{GUID: "a", First: 11, Last: 14, After: minute(10), Before: minute(15), Noticed: noticed},
			{GUID: "a", First: 16, Last: 19, After: minute(15), Before: minute(20), Noticed: noticed},
		}, g.Missing())
		g.Close(webhook.Gap{GUID: "a", First: 12, Last: 17})
		assert.Equal(t, []webhook.Gap{
			{GUID: "a", First: 11, Last: 11, After: minute(10), Before: minute(15), Noticed: noticed},
			{GUID: "a", First: 18, Last: 19, After: minute(15), Before: minute(20), Noticed: noticed},
		}, g.Missing())
	})
}

// Whatever the order and the duplicates, what is missing is what was not seen
// between the lowest and the highest number.
func TestGapsOfAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a repeatable test
		var numbers []int64
		for range 1 + r.IntN(60) {
			numbers = append(numbers, 1+r.Int64N(80))
		}
		var g webhook.Gaps
		see(&g, "a", numbers...)
		var want, got []int64
		for n := slices.Min(numbers); n <= slices.Max(numbers); n++ {
			if !slices.Contains(numbers, n) {
				want = append(want, n)
			}
		}
		for _, gap := range g.Missing() {
			for n := gap.First; n <= gap.Last; n++ {
				got = append(got, n)
			}
		}
		assert.Equal(t, want, got, "seed %d: %v", seed, numbers)
	}
}

func TestGapsAreBounded(t *testing.T) {
	t.Parallel()
	var g webhook.Gaps
	for n := int64(1); n <= 4001; n += 2 {
		see(&g, "a", n)
	}
	all := g.Missing()
	assert.Len(t, all, 1000)
	assert.Equal(t, int64(4000), all[len(all)-1].Last, "the newest are kept")
}

func TestGapsAtOnce(t *testing.T) {
	t.Parallel()
	var g webhook.Gaps
	var wg sync.WaitGroup
	for i := range int64(8) {
		wg.Go(func() {
			for n := range int64(100) {
				see(&g, "a", 1+8*n+i)
				_ = g.Missing()
			}
		})
	}
	wg.Wait()
	assert.Empty(t, g.Missing())
}

func ExampleGaps() {
	var gaps webhook.Gaps // of the program; each event that arrives is shown to it
	for _, n := range []int64{17, 18, 18, 21} {
		gaps.See(&webhook.Event{GUID: "of the webhook", SequenceNumber: n})
	}
	for _, gap := range gaps.Missing() {
		fmt.Println(gap.First, gap.Last)
		gaps.Close(gap) // once it has been dealt with
	}
	// Output: 19 20
}
