package worklist

import (
	"context"
	"errors"
	"fmt"

	"github.com/autotask-go/autotask"
)

// Work is what is the same for all rows.
type Work struct {
	Status            int64 // 0 keeps the status
	NoteType, Publish int64
}

// resolution returns what to do with the ticket of a row.
func (w Work) resolution(r Row) autotask.Resolution {
	work := autotask.Resolution{Text: r.Text, Status: w.Status}
	if r.Note != "" {
		work.Note = &autotask.TicketNote{Title: r.Title, Description: r.Note, NoteType: w.NoteType, Publish: w.Publish}
	}
	return work
}

// Events are what Resolve reports while it runs. It calls one at a time.
type Events struct {
	Progress func(autotask.ResolveProgress)
	// Failed is called with the error of a ticket, before its result is recorded.
	Failed func(Row, error)
	// Recorded is called once the result file has the result. An error of it ends the
	// run. It may be nil.
	Recorded func(Row, string, *autotask.Outcome, error) error
}

// Resolve resolves tickets, which Pending has returned, and records each result. It
// stops if a failure would repeat for every ticket; Summary.Stopped is that failure
// then. It returns an error only if the result file cannot be written, or Recorded
// returns one.
func (r *Results) Resolve(ctx context.Context, client *autotask.Client, rows []Row, w Work, on Events) (Summary, error) {
	sum := Summary{Tickets: len(rows)}
	if err := r.begin(rows); err != nil {
		return sum, err
	}
	// Some failures would repeat for every ticket: then it is better to stop, and
	// resume later.
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	all := autotask.ResolveAllOptions{Total: len(rows), Progress: func(p autotask.ResolveProgress) {
		sum.Progress = p
		on.Progress(p)
	}}
	for outcome, err := range client.ResolveAll(ctx, r.items(rows, w), all) {
		if notBegun(ctx, outcome, err) {
			continue
		}
		one, state := outcome.Item.Key.(Row), stateOf(outcome, err)
		sum.count(state)
		if err != nil {
			on.Failed(one, err)
		}
		if err := r.end(one, state, outcome, err); err != nil {
			return sum, fmt.Errorf("stopped, because the result file cannot be written: %w", err)
		}
		if on.Recorded != nil {
			if err := on.Recorded(one, state, outcome, err); err != nil {
				return sum, err
			}
		}
		if hopeless(err) {
			stop(err)
		}
	}
	sum.Stopped = context.Cause(ctx)
	return sum, nil
}

// items returns the work on rows, each with the time at which it began at first.
func (r *Results) items(rows []Row, w Work) func(yield func(autotask.ResolveItem) bool) {
	return func(yield func(autotask.ResolveItem) bool) {
		for _, one := range rows {
			item := autotask.ResolveItem{Number: one.Number, Key: one, Resolution: w.resolution(one)}
			item.StartedAt = r.begun(one)
			if !yield(item) {
				return
			}
		}
	}
}

// hopeless reports whether the other tickets would fail in the same way.
func hopeless(err error) bool {
	return errors.Is(err, autotask.ErrUnauthorized) || errors.Is(err, autotask.ErrRateLimited) && !errors.Is(err, autotask.ErrThreadLimit)
}

// notBegun reports whether a ticket was not touched because the run was stopped: it
// was never started, or its number was looked up together with that of the ticket
// that stopped the run.
func notBegun(ctx context.Context, o *autotask.Outcome, err error) bool {
	if ctx.Err() != nil && hopeless(err) {
		return o.TicketID == 0
	}
	return errors.Is(err, context.Canceled) && o.Steps[0].State == autotask.StateSkipped
}

// The states of a ticket in the result file.
const (
	stateBegun    = "begun" // the line before the work; its time is the work's StartedAt
	stateResolved = "resolved"
	stateLeftOpen = "left open" // time is booked on it
	stateWritten  = "written"   // no status was given
	stateFailed   = "failed"
)

func stateOf(o *autotask.Outcome, err error) string {
	switch {
	case err != nil:
		return stateFailed
	case o.Resolved:
		return stateResolved
	case o.HasTimeEntries:
		return stateLeftOpen
	}
	return stateWritten
}
