package webhook

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Gaps finds the numbers that are missing among those of the events that a
// program has received. The zero value is ready to use, by several goroutines.
//
// Autotask numbers the calls of a webhook, but says neither that it leaves no
// number out nor that calls arrive in order: creations, changes and deletions
// wait in queues of their own, and a failing call is made again for two minutes.
// So a gap is a reason to look, not a proof. Once it is some minutes old, look for
// it in the [ErrorLog], and search for what changed around that time.
type Gaps struct {
	mu       sync.Mutex
	webhooks map[string]*numbers
}

// Gap is a run of numbers that no event had.
type Gap struct {
	GUID        string // of the webhook
	First, Last int64
	// After and Before are the Time of the events around the gap, as far as
	// they are known.
	After, Before time.Time
	// Noticed is when an event with a higher number, or a lower one if the gap
	// lies below all others, had arrived.
	Noticed time.Time
}

// maxGaps is how many gaps are kept of a webhook; of more, those of the lowest
// numbers are dropped.
const maxGaps = 1000

// numbers are those of one webhook.
type numbers struct {
	low, high     int64
	lowAt, highAt time.Time
	gaps          []Gap // in order of their numbers
}

// See takes note of an event. Numbers count from the first event on; one that
// arrives late, or twice, does no harm. An event without a number is ignored.
func (g *Gaps) See(e *Event) {
	n, at := e.SequenceNumber, e.Time
	if n <= 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.webhooks == nil {
		g.webhooks = make(map[string]*numbers)
	}
	w := g.webhooks[e.GUID]
	switch {
	case w == nil:
		g.webhooks[e.GUID] = &numbers{low: n, high: n, lowAt: at, highAt: at}
	case n > w.high:
		w.add(len(w.gaps), Gap{GUID: e.GUID, First: w.high + 1, Last: n - 1, After: w.highAt, Before: at})
		w.high, w.highAt = n, at
	case n < w.low:
		w.add(0, Gap{GUID: e.GUID, First: n + 1, Last: w.low - 1, After: at, Before: w.lowAt})
		w.low, w.lowAt = n, at
	default:
		w.fill(n, n, at)
	}
}

// Missing returns the gaps there are, by webhook and number.
func (g *Gaps) Missing() []Gap {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []Gap
	for _, w := range g.webhooks {
		all = append(all, w.gaps...)
	}
	slices.SortFunc(all, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.GUID, b.GUID), cmp.Compare(a.First, b.First))
	})
	return all
}

// Close takes out a gap that has been dealt with.
func (g *Gaps) Close(gap Gap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w := g.webhooks[gap.GUID]; w != nil {
		w.fill(gap.First, gap.Last, time.Time{})
	}
}

// add puts a gap, if it is one, at its place.
func (w *numbers) add(at int, gap Gap) {
	if gap.First > gap.Last {
		return
	}
	gap.Noticed = time.Now()
	w.gaps = slices.Insert(w.gaps, at, gap)
	w.gaps = w.gaps[max(0, len(w.gaps)-maxGaps):]
}

// fill takes numbers out of the gaps. at is the time of their event, if they are
// of one.
func (w *numbers) fill(first, last int64, at time.Time) {
	var left []Gap
	for _, gap := range w.gaps {
		if last < gap.First || gap.Last < first {
			left = append(left, gap)
			continue
		}
		below, above := gap, gap
		below.Last, above.First = first-1, last+1
		if !at.IsZero() {
			below.Before, above.After = at, at
		}
		for _, part := range []Gap{below, above} {
			if part.First <= part.Last {
				left = append(left, part)
			}
		}
	}
	w.gaps = left[max(0, len(left)-maxGaps):]
}
