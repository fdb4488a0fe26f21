package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/examples/internal/progress"
)

// bar tells how far the work is: on a terminal as a bar, elsewhere by a line for
// every tenth of it.
type bar struct {
	*progress.Line
	tenths int // that were shown
}

func newBar(w io.Writer) *bar { return &bar{Line: progress.New(w)} }

func (b *bar) show(now autotask.Progress) {
	ended := now.Done + now.Failed
	total := ended + now.Waiting
	text := fmt.Sprintf("%s of %s tickets, %s failed, %s requests", progress.Thousands(ended), progress.Thousands(total), progress.Thousands(now.Failed), progress.Thousands(now.Requests))
	if left, ok := now.RequestsLeft.Get(); ok {
		text += fmt.Sprintf(", %s left in the hour", progress.Thousands(left))
	}
	if now.Waiting > 0 {
		text += ", " + clock(now.ToGo) + " to go"
	}
	if b.Terminal {
		const width = 20
		full := width * ended / total
		b.Show("[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "] " + text)
		return
	}
	if tenths := 10 * ended / total; tenths > b.tenths {
		b.tenths = tenths
		b.Show(text)
	}
}

func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// summary is how a run ended.
type summary struct {
	tickets                             int
	resolved, leftOpen, written, failed int
	progress                            autotask.Progress // the last
}

func (s *summary) count(state string) {
	switch state {
	case stateResolved:
		s.resolved++
	case stateLeftOpen:
		s.leftOpen++
	case stateWritten:
		s.written++
	case stateFailed:
		s.failed++
	}
}

func (s *summary) notBegun() int { return s.tickets - s.resolved - s.leftOpen - s.written - s.failed }

func (s *summary) print(w io.Writer) {
	fmt.Fprintf(w, "%s tickets: %s resolved", progress.Thousands(s.tickets), progress.Thousands(s.resolved))
	for _, part := range []struct {
		n    int
		text string
	}{
		{s.leftOpen, "left open, because time is booked on them"},
		{s.written, "written, with the status left alone"},
		{s.failed, "failed"},
		{s.notBegun(), "not begun"},
	} {
		if part.n > 0 {
			fmt.Fprintf(w, ", %s %s", progress.Thousands(part.n), part.text)
		}
	}
	fmt.Fprintf(w, ".\n%s requests in %s.\n", progress.Thousands(s.progress.Requests), clock(s.progress.Elapsed))
}

// verdict is the error that the program ends with; stopped is why it did not go
// on to the end, nil if it did.
func (s *summary) verdict(stopped error) error {
	switch {
	case s.notBegun() > 0 && stopped != nil:
		text := "stopped before the end; run it again to go on"
		if e, ok := errors.AsType[*autotask.Error](stopped); ok && e.RetryAfter > 0 {
			text += fmt.Sprintf(" in %v, or later", e.RetryAfter.Round(time.Second))
		}
		return fmt.Errorf("%s: %w", text, stopped)
	case s.failed > 0:
		return fmt.Errorf("%s of %s tickets failed; run it again to try them once more", progress.Thousands(s.failed), progress.Thousands(s.tickets))
	}
	return nil
}
