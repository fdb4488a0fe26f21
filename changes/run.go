package changes

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/webhook"
)

// Run makes one run: it visits each collection once, and yields what changed by
// batches, in the order in which they are to be applied. It ends when all is
// known that had happened when it began, when the budget is spent, or with an
// error; the end of ctx is one. The last batch of a run that went well may hold
// no changes; its state is to be saved all the same. If the run before did not
// come to its end, this one finishes that: it visits the rest of the collections.
//
// A batch counts as dealt with when the loop asks for the next one. After a break,
// a return or an error, the next Run, or that of another feed which was opened
// with the state saved last, begins behind the last batch dealt with. So each
// change comes at least once.
func (f *Feed) Run(ctx context.Context) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		f.running.Lock()
		defer f.running.Unlock()
		r := &run{feed: f, ctx: ctx, yield: yield, state: f.begin(), left: f.options.Budget}
		if r.left == 0 {
			r.left = math.MaxInt
		}
		if err := r.all(); err != nil && !errors.Is(err, errStopped) { //nolint:contextcheck // the run has it
			yield(nil, err)
		}
	}
}

var (
	errStopped = errors.New("the caller has left the loop")
	errSpent   = errors.New("the budget is spent")
)

// run is a Run under way. What it has come to since the last batch is in state.
type run struct {
	feed  *Feed
	ctx   context.Context //nolint:containedctx // it ends with the Run that it belongs to
	yield func(*Batch, error) bool
	state saved
	left  int // requests
	done  bool
}

// all visits the collections, or those that the last run has not come to. One
// that cannot be read, or not be believed, does not keep the others waiting.
func (r *run) all() error {
	names := r.feed.options.Collections
	first := max(slices.Index(names, r.state.Turn), 0)
	var refused []error
	err := r.readErrorLog()
	for i := first; i < len(names) && err == nil; i++ {
		r.state.Turn = names[i]
		v := &visit{run: r, name: names[i], p: r.state.Collections[names[i]], rows: r.feed.client.Collection(names[i])}
		err = v.all()
		if errors.Is(err, ErrMissing) {
			v.giveUp()
		}
		if errors.Is(err, ErrMissing) || errors.Is(err, autotask.ErrPermission) {
			refused = append(refused, err)
			err = nil
		}
	}
	if err != nil && !errors.Is(err, errSpent) {
		return errors.Join(append(refused, err)...)
	}
	if err == nil {
		r.state.Turn = ""
		r.done = len(refused) == 0
	}
	if err := r.emit(nil); err != nil {
		return err
	}
	return errors.Join(refused...)
}

// emit gives a batch out. Once the caller has dealt with it, its state is the
// feed's.
func (r *run) emit(changes []Change) error {
	state := r.state.clone()
	if !r.yield(&Batch{Changes: changes, State: State{state.clone()}, CaughtUp: r.done}, nil) {
		return errStopped
	}
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	r.feed.state = state
	return nil
}

// spend takes one request off the budget.
func (r *run) spend() error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.left == 0 {
		return errSpent
	}
	r.left--
	return nil
}

// readErrorLog makes dirty what events told of that could not be delivered.
func (r *run) readErrorLog() error {
	if !r.feed.options.ErrorLog {
		return nil
	}
	if err := r.spend(); err != nil {
		return err
	}
	ctx, earliest := autotask.WatchServerTime(r.ctx)
	for call, err := range webhook.ErrorLog(ctx, r.feed.client, r.state.ErrorLog) {
		if err != nil {
			return err
		}
		e, err := call.Event()
		if err != nil {
			continue // cut short or no event: what it told of is found by its cursor
		}
		if p := r.state.Collections[collectionOf(e.Entity)]; p != nil {
			p.Dirty = order(append(p.Dirty, e.ID))
		}
	}
	if now := earliest(); !now.IsZero() {
		r.state.ErrorLog = now.Add(-r.feed.options.Overlap)
	}
	return nil
}

// visit is what a run does in one collection.
type visit struct {
	*run

	name string
	p    *progress
	rows *autotask.Collection

	words         *words // of p.Schema, once it was needed
	described     bool   // the fields were, in this visit,
	udfsDescribed bool   // and so were the user-defined ones
}

func (v *visit) all() error {
	if err := v.compareSchema(); err != nil {
		return err
	}
	steps := [...]func() error{
		stepDirty:     v.readDirty,
		stepChanges:   v.readChanges,
		stepLogs:      v.readLogs,
		stepDeletions: v.findDeletions,
		stepVerify:    v.verify,
	}
	for v.p.Step < len(steps) {
		step := v.p.Step
		if err := steps[step](); err != nil {
			return err
		}
		v.p.Step = step + 1
	}
	// Only now: if the right to read was lost, the changes that were not shown
	// are still to be asked for when it is back.
	v.p.From = v.p.Next
	v.begin()
	return nil
}

// giveUp makes the next visit begin anew.
func (v *visit) giveUp() {
	v.p.Next = v.p.From
	v.begin()
}

func (v *visit) begin() {
	v.p.Step, v.p.Searched = stepDirty, false
	v.p.Pass, v.p.Search = nil, nil
}

// upserted reports rows, and remembers them.
func (v *visit) upserted(rows []*autotask.Row, how How) ([]Change, error) {
	changes, err := v.newItems(rows)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
		changes = append(changes, Change{Kind: Upserted, Collection: v.name, ID: row.ID, JSON: row.JSON, How: how})
		if how == ByReading || how == ByID { // all below it have been read
			v.p.Last = max(v.p.Last, row.ID)
		}
		if row.ID >= v.p.Told.ID {
			v.p.Told = told{row.ID, hashOf(row)}
		}
	}
	if v.keepsIDs() {
		v.p.Known.add(order(ids))
	}
	if how != ByReading {
		v.unsum(ids)
	}
	return changes, nil
}

// keepsIDs reports whether the state holds the ids that are known.
func (v *visit) keepsIDs() bool { return v.feed.options.Known == nil && v.comparesIDs() }

// comparesIDs reports whether known ids are of use.
func (v *visit) comparesIDs() bool {
	d := v.feed.deletions(v.name)
	return d != Never && !(d == Log && v.name != "Tickets") || v.feed.options.Verify > 0
}

// readPage reads up to a page of rows that match a filter and lie behind an id,
// with one request.
func (v *visit) readPage(ctx context.Context, filter autotask.Filter, after int64, fields ...string) ([]*autotask.Row, error) {
	return v.pageOf(ctx, v.rows, filter, after, fields...)
}

func (v *visit) pageOf(ctx context.Context, of *autotask.Collection, filter autotask.Filter, after int64, fields ...string) ([]*autotask.Row, error) {
	if err := v.spend(); err != nil {
		return nil, err
	}
	q := autotask.Query{Filter: filter, Fields: fields, Limit: v.feed.page, After: position(after)}
	for page, err := range of.Pages(ctx, q) {
		if err != nil {
			return nil, err
		}
		return page.Items, nil // of the size of the limit: there is no other
	}
	return nil, nil
}

func position(after int64) (p autotask.Optional[int64]) {
	if after > beforeAll {
		p.Set(after)
	}
	return p
}

// get reads a row by its id; nil if there is none.
func (v *visit) get(id int64) (*autotask.Row, error) {
	if err := v.spend(); err != nil {
		return nil, err
	}
	row, err := v.rows.Get(v.ctx, id)
	if errors.Is(err, autotask.ErrNotFound) {
		return nil, nil //nolint:nilnil // there is none, which is what was asked
	}
	return row, err
}

// readDirty reads the rows that somebody hinted at.
func (v *visit) readDirty() error {
	for len(v.p.Dirty) > 0 {
		id := v.p.Dirty[0]
		row, err := v.get(id)
		if err != nil {
			return err
		}
		v.p.Dirty = v.p.Dirty[1:]
		if row == nil {
			known, err := v.knows(id)
			if err != nil {
				return err
			}
			if known {
				v.miss(id, ByWebhook)
			}
			continue
		}
		changes, err := v.upserted([]*autotask.Row{row}, ByWebhook)
		if err == nil {
			err = v.emit(changes)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pageEnd is where a page ends that was read up to last at most: a short one
// has everything up to there.
func (v *visit) pageEnd(rows []*autotask.Row, last int64) (end int64, short bool) {
	if len(rows) < v.feed.page {
		return last, true
	}
	return rows[len(rows)-1].ID, false
}

// wrap names the collection in an error of this package's own.
func (v *visit) wrap(err error, format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", v.name, err, fmt.Sprintf(format, args...))
}

func (v *visit) isDue(last time.Time, every time.Duration) bool {
	past := time.Since(last)
	return every >= 0 && (past < 0 || past >= every)
}
