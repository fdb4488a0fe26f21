package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/examples/internal/progress"
	"github.com/autotask-go/autotask/internal/english"
	"github.com/autotask-go/autotask/internal/worklist"
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
		left = fmt.Sprintf(", %s left in the hour", english.Thousands(n))
	}
	short := fmt.Sprintf("%s/%s, %s failed%s", english.Thousands(ended), english.Thousands(total), english.Thousands(now.Failed), toGo)
	tickets := fmt.Sprintf("%s of %s tickets, %s failed", english.Thousands(ended), english.Thousands(total), english.Thousands(now.Failed))
	requests := fmt.Sprintf(", %s requests", english.Thousands(now.Requests))
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

func printSummary(w io.Writer, s *worklist.Summary) {
	fmt.Fprintf(w, "%s.\n%s in %s.\n", s, english.Plural(s.Progress.Requests, "request", "requests"), clock(s.Progress.Elapsed))
}

// verdict returns the error that the program ends with.
func verdict(s *worklist.Summary) error {
	switch {
	case s.NotBegun() > 0 && s.Stopped != nil:
		text := "stopped before the end; run it again to resume"
		if e, ok := errors.AsType[*autotask.Error](s.Stopped); ok && e.RetryAfter > 0 {
			text += fmt.Sprintf(" in %v, or later", e.RetryAfter.Round(time.Second))
		}
		return fmt.Errorf("%s: %w", text, s.Stopped)
	case s.Failed > 0:
		return fmt.Errorf("%s of %s failed; run it again to retry them", english.Thousands(s.Failed), english.Plural(s.Tickets, "ticket", "tickets"))
	}
	return nil
}
