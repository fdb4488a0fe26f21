package worklist

import (
	"strings"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/english"
)

// Summary is the result of a run.
type Summary struct {
	Tickets                             int
	Resolved, LeftOpen, Written, Failed int
	Progress                            autotask.ResolveProgress // the last
	Stopped                             error                    // why it did not complete; nil if nothing stopped it
}

func (s *Summary) count(state string) {
	switch state {
	case stateResolved:
		s.Resolved++
	case stateLeftOpen:
		s.LeftOpen++
	case stateWritten:
		s.Written++
	case stateFailed:
		s.Failed++
	}
}

// NotBegun returns the number of tickets that were not touched.
func (s *Summary) NotBegun() int { return s.Tickets - s.Resolved - s.LeftOpen - s.Written - s.Failed }

// String returns the counts as a sentence without its full stop.
func (s *Summary) String() string {
	var b strings.Builder
	b.WriteString(english.Plural(s.Tickets, "ticket", "tickets") + ": " + english.Thousands(s.Resolved) + " resolved")
	for _, part := range []struct {
		n    int
		text string
	}{
		{s.LeftOpen, "left open, because time is booked on them"},
		{s.Written, "written, with the status left alone"},
		{s.Failed, "failed"},
		{s.NotBegun(), "not started"},
	} {
		if part.n > 0 {
			b.WriteString(", " + english.Thousands(part.n) + " " + part.text)
		}
	}
	return b.String()
}
