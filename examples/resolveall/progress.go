package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
)

// progress tells how far the work is: on a terminal by a bar, elsewhere by a
// line for every tenth of it.
type progress struct {
	w        io.Writer
	terminal bool
	tenths   int // that were shown
	width    int // of what stands on the terminal's line
}

func newProgress(w io.Writer) *progress { return &progress{w: w, terminal: isTerminal(w)} }

func (p *progress) show(now autotask.Progress) {
	ended := now.Done + now.Failed
	total := ended + now.Waiting
	text := fmt.Sprintf("%s of %s tickets, %s failed, %s requests", thousands(ended), thousands(total), thousands(now.Failed), thousands(now.Requests))
	if left, ok := now.RequestsLeft.Get(); ok {
		text += fmt.Sprintf(", %s left in the hour", thousands(int(left)))
	}
	if now.Waiting > 0 {
		text += ", " + clock(now.ToGo) + " to go"
	}
	if p.terminal {
		const width = 20
		full := width * ended / total
		text = "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "] " + text
		fmt.Fprintf(p.w, "\r%-*s", p.width, text) // over what is there
		p.width = len(text)
		return
	}
	if tenths := 10 * ended / total; tenths > p.tenths {
		p.tenths = tenths
		fmt.Fprintln(p.w, text)
	}
}

// clear takes the bar off the terminal, for others to write there.
func (p *progress) clear() {
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
		p.width = 0
	}
}

func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
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
	fmt.Fprintf(w, "%s tickets: %s resolved", thousands(s.tickets), thousands(s.resolved))
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
			fmt.Fprintf(w, ", %s %s", thousands(part.n), part.text)
		}
	}
	fmt.Fprintf(w, ".\n%s requests in %s.\n", thousands(s.progress.Requests), clock(s.progress.Elapsed))
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
		return fmt.Errorf("%s of %s tickets failed; run it again to try them once more", thousands(s.failed), thousands(s.tickets))
	}
	return nil
}
