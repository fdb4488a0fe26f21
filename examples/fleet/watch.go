package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/autotask-go/autotask/examples/internal/progress"
	"github.com/autotask-go/autotask/internal/english"
)

// watch shows how far the jobs of a fleet are.
type watch struct {
	engine *engine
	line   *progress.Line
	begun  time.Time
	every  time.Duration // between what is shown
	shown  time.Time
	// step, if any, is called at each look with the number of jobs that are over.
	step func(ctx context.Context, over int) error
}

const (
	lookEvery = 250 * time.Millisecond
	plainly   = 5 * time.Second // between lines where there is no terminal
	patience  = 2 * time.Minute // with a database that does not answer
)

func newWatch(e *engine, stderr io.Writer) *watch {
	w := &watch{engine: e, line: progress.New(stderr), begun: time.Now(), every: plainly}
	if w.line.Terminal {
		w.every = 0
	}
	return w
}

// untilDone returns when no job is left but those in paused queues, or when ctx ends
// or broken is closed.
func (w *watch) untilDone(ctx context.Context, broken <-chan struct{}) (state, error) {
	defer w.line.Clear()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var last state
	answered := time.Now()
	for {
		s, err := w.engine.look(ctx)
		switch {
		case err == nil:
			last, answered = s, time.Now()
			if w.step != nil {
				if err := w.step(ctx, s.over); err != nil {
					return last, err
				}
			}
			w.show(s)
			if s.left == 0 {
				return last, nil
			}
		case ctx.Err() != nil:
			return last, context.Cause(ctx)
		case time.Since(answered) > patience:
			return last, fmt.Errorf("the database has not answered for %v: %w", patience, err)
		}
		select {
		case <-ctx.Done():
			return last, context.Cause(ctx)
		case <-broken:
			return last, errBroken
		case <-ticker.C:
		}
	}
}

var errBroken = errors.New("the workers are gone")

// state is how far the jobs are.
type state struct {
	all, over, running int
	left               int      // without those in paused queues
	paused             []string // queues with jobs
	held               int      // jobs in them
}

// look reads how far the jobs are.
func (e *engine) look(ctx context.Context) (s state, err error) {
	counts, err := e.counts(ctx)
	if err != nil {
		return s, err
	}
	for _, n := range counts {
		s.all += n
	}
	for _, st := range unfinished {
		s.left += counts[st]
	}
	s.over, s.running = s.all-s.left, counts[rivertype.JobStateRunning]
	queues, err := e.QueueList(ctx, river.NewQueueListParams().First(maxListed))
	if err != nil {
		return s, err
	}
	for _, q := range queues.Queues {
		if q.PausedAt == nil {
			continue
		}
		held, err := e.list(ctx, river.NewJobListParams().Queues(q.Name).States(unfinished...))
		if err != nil {
			return s, err
		}
		if len(held) > 0 {
			s.paused = append(s.paused, q.Name)
			s.held += len(held)
		}
	}
	s.left = max(s.left-s.held, 0)
	return s, nil
}

// maxListed is how many items River lists at a time.
const maxListed = 10_000

// list returns all jobs of a list.
func (e *engine) list(ctx context.Context, params *river.JobListParams) ([]*rivertype.JobRow, error) {
	var jobs []*rivertype.JobRow
	params = params.First(maxListed)
	for {
		page, err := e.JobList(ctx, params)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, page.Jobs...)
		if len(page.Jobs) < maxListed || page.LastCursor == nil {
			return jobs, nil
		}
		params = params.After(page.LastCursor)
	}
}

// show shows the state, from time to time.
func (w *watch) show(s state) {
	if !w.shown.IsZero() && time.Since(w.shown) < w.every {
		return
	}
	w.shown = time.Now()
	took := time.Since(w.begun)
	clock := fmt.Sprintf("%02d:%02d", int(took.Minutes()), int(took.Seconds())%60)
	done := fmt.Sprintf("%s  %s of %s jobs over", clock, english.Thousands(s.over), english.Thousands(s.all))
	w.line.Show(
		fmt.Sprintf("%s, %d in hand, %.0f a second", done, s.running, float64(s.over)/took.Seconds()),
		fmt.Sprintf("%s, %d in hand", done, s.running),
		done,
		fmt.Sprintf("%s %d/%d", clock, s.over, s.all))
}

// failures returns the jobs that are over since a time without being done.
func (e *engine) failures(ctx context.Context, since time.Time) ([]*rivertype.JobRow, error) {
	jobs, err := e.list(ctx, river.NewJobListParams().States(failed...))
	if err != nil {
		return nil, err
	}
	var recent []*rivertype.JobRow
	for _, j := range jobs {
		if j.FinalizedAt == nil || !j.FinalizedAt.Before(since) {
			recent = append(recent, j)
		}
	}
	return recent, nil
}

// maxFailures is how many failures are printed one by one.
const maxFailures = 20

// printFailures lists jobs that were cancelled or discarded, and paused queues.
func printFailures(w io.Writer, jobs []*rivertype.JobRow, s state) {
	for i, j := range jobs {
		if i == maxFailures {
			fmt.Fprintf(w, "… and %s more\n", english.Thousands(len(jobs)-i))
			break
		}
		reason := ""
		if n := len(j.Errors); n > 0 {
			reason = ": " + j.Errors[n-1].Error
		}
		fmt.Fprintf(w, "%s: job %d, %s of %s, try %d%s\n", j.State, j.ID, j.Kind, j.Queue, j.Attempt, reason)
	}
	for _, q := range s.paused {
		fmt.Fprintf(w, "paused: the queue of %s: its credentials were refused. Mend them, and resume the queue in River's UI (-ui).\n", q)
	}
}
