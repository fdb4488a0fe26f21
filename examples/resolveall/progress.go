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

// bar shows the progress: on a terminal in one line of its width, elsewhere in a line
// for every tenth of the work.
type bar struct {
	*progress.Line
	tenths int // shown so far
}

func newBar(w io.Writer) *bar { return &bar{Line: progress.New(w)} }

func (b *bar) show(now autotask.ResolveProgress) {
	ended := now.Done + now.Failed
	total := ended + now.Pending
	versions := versionsOf(now, ended, total)
	if b.Terminal {
		b.Show(versions...)
		return
	}
	if tenths := 10 * ended / total; tenths > b.tenths {
		b.tenths = tenths
		b.Show(strings.TrimPrefix(versions[0], gauge(longGauge, ended, total)))
	}
}

const (
	longGauge  = 20
	shortGauge = 10
)

// versionsOf returns the progress as text, from long to short. The last one fits 40
// columns with up to 99,999 tickets, unless very many fail.
func versionsOf(now autotask.ResolveProgress, ended, total int) []string {
	var toGo, left string
	if now.Pending > 0 {
		toGo = ", " + clock(now.Remaining) + " to go"
	}
	if n, ok := now.RequestsLeft.Get(); ok {
		left = fmt.Sprintf(", %s left in the hour", progress.Thousands(n))
	}
	short := fmt.Sprintf("%s/%s, %s failed%s", progress.Thousands(ended), progress.Thousands(total), progress.Thousands(now.Failed), toGo)
	tickets := fmt.Sprintf("%s of %s tickets, %s failed", progress.Thousands(ended), progress.Thousands(total), progress.Thousands(now.Failed))
	requests := fmt.Sprintf(", %s requests", progress.Thousands(now.Requests))
	return []string{
		gauge(longGauge, ended, total) + tickets + requests + left + toGo,
		gauge(shortGauge, ended, total) + tickets + requests + left + toGo,
		gauge(longGauge, ended, total) + tickets + requests + toGo,
		gauge(shortGauge, ended, total) + tickets + requests + toGo,
		gauge(shortGauge, ended, total) + tickets + toGo,
		tickets + toGo,
		gauge(shortGauge, ended, total) + short,
		short,
	}
}

// gauge draws how much of the whole has ended.
func gauge(width, ended, total int) string {
	full := width * ended / total
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "] "
}

func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// summary is the result of a run.
type summary struct {
	tickets                             int
	resolved, leftOpen, written, failed int
	progress                            autotask.ResolveProgress // the last
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
		{s.notBegun(), "not started"},
	} {
		if part.n > 0 {
			fmt.Fprintf(w, ", %s %s", progress.Thousands(part.n), part.text)
		}
	}
	fmt.Fprintf(w, ".\n%s requests in %s.\n", progress.Thousands(s.progress.Requests), clock(s.progress.Elapsed))
}

// verdict returns the error that the program ends with. stopped is the reason why the
// run did not complete, nil if it did.
func (s *summary) verdict(stopped error) error {
	switch {
	case s.notBegun() > 0 && stopped != nil:
		text := "stopped before the end; run it again to resume"
		if e, ok := errors.AsType[*autotask.Error](stopped); ok && e.RetryAfter > 0 {
			text += fmt.Sprintf(" in %v, or later", e.RetryAfter.Round(time.Second))
		}
		return fmt.Errorf("%s: %w", text, stopped)
	case s.failed > 0:
		return fmt.Errorf("%s of %s tickets failed; run it again to retry them", progress.Thousands(s.failed), progress.Thousands(s.tickets))
	}
	return nil
}
