package webhook

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Gaps finds the sequence numbers missing from the events that a program has
// received. The zero value is ready to use, and safe for concurrent use.
//
// Autotask numbers the calls of a webhook, but documents neither that the numbers are
// complete nor that calls arrive in order: creations, changes and deletions wait in
// separate queues, and a failing call is repeated for two minutes. So a gap is a
// reason to look, not a proof. A few minutes after it was noticed, look for it in the
// [ErrorLog], and search for what changed around that time.
type Gaps struct {
	mu       sync.Mutex
	webhooks map[string]*numbers
}

// Gap is a range of sequence numbers that no event had.
type Gap struct {
	GUID        string // of the webhook
	First, Last int64
	// After and Before are the Time of the events around the gap, if known.
	After, Before time.Time
	// Noticed is when the event arrived that revealed the gap: one with a higher
	// number, or with a lower one if the gap is below all others.
	Noticed time.Time
}

// maxGaps is the number of gaps kept per webhook; beyond it, those with the lowest
// numbers are dropped.
const maxGaps = 1000

// numbers are the sequence numbers of one webhook.
type numbers struct {
	low, high     int64
	lowAt, highAt time.Time
	gaps          []Gap // in order of their numbers
}

// See records an event. Counting starts with the first event; one that arrives late
// or twice does no harm. An event without a number is ignored.
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

// Missing returns the current gaps, sorted by webhook and number.
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

// Close removes a gap that has been dealt with.
func (g *Gaps) Close(gap Gap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w := g.webhooks[gap.GUID]; w != nil {
		w.fill(gap.First, gap.Last, time.Time{})
	}
}

// add inserts a gap in order, unless it is empty.
func (w *numbers) add(at int, gap Gap) {
	if gap.First > gap.Last {
		return
	}
	gap.Noticed = time.Now()
	w.gaps = slices.Insert(w.gaps, at, gap)
	w.gaps = w.gaps[max(0, len(w.gaps)-maxGaps):]
}

// fill removes numbers from the gaps. at is the time of their event, or zero if they
// belong to none.
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
