package autotask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/transport"
)

// Resolution is what [Client.Resolve] is to do: Text, Note, Status, or several.
// NoteID, else Ref, else StartedAt makes a repeat find the note of an earlier
// run; by StartedAt, one with equal title, description, type and publish.
type Resolution struct {
	Text      string              // written to the ticket's resolution field, as plain text of at most 32,000 characters; "" leaves it alone
	Note      *TicketNote         // posted first; nil posts none. Its TicketID may be 0
	Status    int64               // set only if the ticket has no time entries, and must set both timestamps, as StatusComplete does; 0 leaves it alone
	StartedAt time.Time           // when this piece of work first began, by the caller's clock; keep it with the work
	Ref       string              // the caller's key of the work, in the note's title as " [ref]"; 50 plain characters, no brackets or double spaces
	NoteID    int64               // the note itself, from an earlier run's Outcome
	If        func(*Ticket) error // is called with the ticket as just read before each write, which it must not do itself; its error ends the run
}

// StepName names a step of [Client.Resolve].
type StepName string

// The steps of Resolve, in their order.
const (
	StepGet         StepName = "get"
	StepNote        StepName = "note"
	StepResolution  StepName = "resolution"
	StepTimeEntries StepName = "time entries"
	StepStatus      StepName = "status"
)

// StepState says how a step of [Client.Resolve] ended.
type StepState string

// The states of a step.
const (
	StateDone        StepState = "done"
	StateSkipped     StepState = "skipped"
	StateAlreadyDone StepState = "already done"
	StateFailed      StepState = "failed"
)

// Step says how one step of [Client.Resolve] ended, and why.
type Step struct {
	Name   StepName
	State  StepState
	Reason string
}

// Outcome is what [Client.Resolve] found and did, also alongside an error.
type Outcome struct {
	TicketID       int64
	NoteID         int64        // 0 if there is none
	HasTimeEntries bool         // as of the time-entries step
	Resolved       bool         // completedDate and resolvedDateTime are both set
	Ticket         *Ticket      // as read back at the end; nil if it never was read
	Steps          []Step       // always the five of them, in order; skipped if not reached
	Requests       int          // HTTP requests made for it: all attempts, with zone discovery and readings of the limit
	Item           *ResolveItem // what ResolveAll was given; nil after Resolve
}

// Step returns the step of that name; the zero Step if there is none.
func (o *Outcome) Step(name StepName) Step {
	for _, s := range o.Steps {
		if s.Name == name {
			return s
		}
	}
	return Step{}
}

// Resolve resolves a ticket, in these steps (docs/api-notes.md, section 10):
//
//  1. get: GET /Tickets/{id}.
//  2. note: POST /Tickets/{id}/Notes, between two POST /TicketNotes/query.
//  3. resolution: GET and PUT /Tickets, if there is a Text.
//  4. time entries: POST /TimeEntries/query, if there is a Status.
//  5. status: GET and PUT /Tickets, if the ticket has no time entries.
//
// A GET directly precedes each PUT, and another reads it back. What is in place
// is not repeated, and what was reopened since the note is not closed. After
// [ErrOutcomeUnknown], repeat the call when RetryAfter is over, with the same
// StartedAt, Ref or NoteID. If the status does not set both timestamps, the
// error is [ErrNotApplied]; two notes are an [*AmbiguousError].
func (c *Client) Resolve(ctx context.Context, ticketID int64, r Resolution) (*Outcome, error) {
	run := c.newResolve(ticketID, r)
	if err := run.check(); err != nil {
		return run.out, err
	}
	ctx, attempts := countAttempts(ctx)
	err := run.do(ctx)
	run.out.Requests = int(attempts.Load())
	return run.out, err
}

// resolve is one run of Resolve.
type resolve struct {
	client *Client
	id     int64
	Resolution
	out *Outcome

	read    *edit          // the ticket as read, with no request since
	written *writtenStep   // the last write, until it is read back
	holding []*writtenStep // the writes that were read back, and must continue to hold
	stale   bool           // something was written since the ticket was read last
	failed  bool           // the outcome says already which step failed
	changed bool           // something was written
	again   bool           // ResolveAll tries it again, without being called again
	// reopened says what shows that the ticket left the wanted status after an
	// earlier run had posted the note.
	reopened string
}

// writtenStep is a write of the ticket that is not read back yet.
type writtenStep struct {
	name   StepName
	reason string
	edit   *edit
}

type resolveStep struct {
	name StepName
	do   func(context.Context) (StepState, string, error)
}

func (r *resolve) steps() []resolveStep {
	return []resolveStep{
		{StepGet, r.get},
		{StepNote, r.postNote},
		{StepResolution, r.resolution},
		{StepTimeEntries, r.timeEntries},
		{StepStatus, r.status},
	}
}

func (c *Client) newResolve(ticketID int64, r Resolution) *resolve {
	run := &resolve{client: c, id: ticketID, Resolution: r, out: &Outcome{TicketID: ticketID}}
	for _, step := range run.steps() {
		run.out.Steps = append(run.out.Steps, Step{Name: step.name, State: StateSkipped, Reason: "not reached"})
	}
	return run
}

func (r *resolve) do(ctx context.Context) error {
	done, err := r.client.takeTurn(ctx, kindOf[Ticket]().key(r.id), http.MethodPut, itemPath[Ticket](r.id))
	if err != nil {
		return r.fail(StepGet, err)
	}
	defer done()
	for _, step := range r.steps() {
		state, reason, err := step.do(ctx)
		if err != nil {
			if !r.failed {
				r.record(step.name, StateFailed, err.Error())
			}
			r.lookBehind(ctx)
			return r.ended(err)
		}
		r.record(step.name, state, reason)
	}
	return r.ended(r.readBack(ctx))
}

// ended marks the error of a run that has changed something.
func (r *resolve) ended(err error) error {
	if r.changed {
		return afterChange(err)
	}
	return err
}

// lookBehind reads back what a step before the failed one has written, so that
// the outcome shows what was read and not what was hoped for.
func (r *resolve) lookBehind(ctx context.Context) {
	if r.written != nil && ctx.Err() == nil {
		_ = r.look(ctx) // it is in the outcome; the error is the other one
	}
}

// check refuses bad input, all of it at once.
func (r *resolve) check() error {
	if err := kindOf[Ticket]().checkID(http.MethodPut, r.id); err != nil {
		return err
	}
	if problems := r.problems(r.id); len(problems) > 0 {
		return refusal(transport.Invalid, http.MethodPut, itemPath[Ticket](r.id), problems...)
	}
	return nil
}

// problems are those of everything but the id, which ties the note to its ticket.
func (r *resolve) problems(id int64) (problems []string) {
	if r.Text == "" && r.Note == nil && r.Status == 0 {
		problems = append(problems, "nothing to do: neither Text, Note nor Status is given")
	}
	if r.Text != "" && strings.TrimSpace(r.Text) == "" {
		problems = append(problems, "Text is only white space")
	}
	if !utf8.ValidString(r.Text) {
		problems = append(problems, "Text is not valid UTF-8: convert it first, from Windows-1252 perhaps")
	}
	if n, limit := fields.Length(r.Text), kindOf[Ticket]().table().Lookup("resolution").MaxLength; n > limit {
		problems = append(problems, fmt.Sprintf("Text has %d characters, the limit is %d", n, limit))
	}
	if r.Status < 0 {
		problems = append(problems, fmt.Sprintf("Status %d is not a status", r.Status))
	}
	problems = appendText(problems, startProblem("StartedAt", r.StartedAt))
	problems = appendText(problems, refProblem(r.Ref))
	if r.NoteID < 0 {
		problems = append(problems, fmt.Sprintf("NoteID %d is not an id", r.NoteID))
	}
	if r.Note != nil {
		note, err := noteFor(id, r.Note)
		if err == nil {
			_, _, err = kindOf[TicketNote]().newBody(withRef(*note, r.Ref))
		}
		if e, ok := errors.AsType[*Error](err); ok {
			problems = append(problems, e.Messages...)
		}
	}
	return problems
}

func (r *resolve) record(name StepName, state StepState, reason string) {
	for i := range r.out.Steps {
		if r.out.Steps[i].Name == name {
			r.out.Steps[i] = Step{Name: name, State: state, Reason: reason}
		}
	}
}

// saw keeps the ticket as it was read last.
func (r *resolve) saw(t Ticket) {
	r.out.Ticket, r.stale = &t, false
	_, completed := t.CompletedDate.Get()
	_, resolved := t.ResolvedDateTime.Get()
	r.out.Resolved = completed && resolved
}

// look reads the ticket, and compares it with what this run wrote last.
func (r *resolve) look(ctx context.Context) error {
	e, err := kindOf[Ticket]().readForEdit(ctx, r.client, r.id)
	w := r.written
	r.written = nil
	if err != nil {
		if w == nil {
			return err
		}
		return r.fail(w.name, w.edit.unseen(ctx, nil, err))
	}
	r.saw(*e.item.(*Ticket)) // a copy: a step may edit the original
	r.read = e
	for _, earlier := range r.holding {
		if err := earlier.notApplied(e.raw); err != nil {
			return r.fail(earlier.name, err)
		}
	}
	if w == nil {
		return nil
	}
	return r.confirm(w, w.notApplied(e.raw))
}

// notApplied compares a write with the ticket as it was read since.
func (w *writtenStep) notApplied(raw jsontext.Value) error {
	return w.edit.notApplied(readBack(kindOf[Ticket]().table(), w.edit.changes, raw))
}

// confirm ends a step whose write was read back.
func (r *resolve) confirm(w *writtenStep, notApplied error) error {
	if notApplied == nil && w.name == StepStatus && !r.out.Resolved {
		notApplied = r.timestampsMissing()
	}
	if notApplied != nil {
		return r.fail(w.name, notApplied)
	}
	r.record(w.name, StateDone, w.reason)
	r.holding = append(r.holding, w)
	return nil
}

// fail records the failure of a step other than the one at hand.
func (r *resolve) fail(name StepName, err error) error {
	r.failed = true
	r.record(name, StateFailed, err.Error())
	return err
}

// fresh makes sure that the last request was the read of the ticket.
func (r *resolve) fresh(ctx context.Context) error {
	if r.read != nil {
		return nil
	}
	return r.look(ctx)
}

// veto asks the caller whether the ticket as it was just read may be written.
func (r *resolve) veto() error {
	if r.If == nil {
		return nil
	}
	t := *r.out.Ticket
	return r.If(&t)
}

// write sends the changes of the ticket as it was just read. An answer that is
// lost is looked for at once; otherwise the next read of the ticket is the look.
func (r *resolve) write(ctx context.Context, name StepName, reason string) error {
	w := &writtenStep{name: name, reason: reason, edit: r.read}
	if err := r.veto(); err != nil {
		return err
	}
	r.read, r.stale = nil, true
	writeErr := w.edit.write(ctx, r.client)
	switch {
	case writeErr == nil:
		r.written, r.changed = w, true
		return nil
	case !errors.Is(writeErr, ErrOutcomeUnknown) || ctx.Err() != nil:
		return writeErr
	}
	after, err := w.edit.look(ctx, r.client, writeErr)
	if after != nil {
		r.saw(*after.(*Ticket))
	}
	if err != nil && !errors.Is(err, ErrNotApplied) {
		return err
	}
	r.changed = true
	return r.confirm(w, err)
}

func (r *resolve) get(ctx context.Context) (StepState, string, error) {
	if err := r.look(ctx); err != nil {
		return "", "", err
	}
	if r.again && r.read.contested != "" {
		return "", "", refusal(transport.NotApplied, http.MethodPut, "Tickets", fmt.Sprintf(
			"the answer to a write of ticket %d was lost, and somebody else has changed the ticket since: %s; it was not written again", r.id, r.read.contested))
	}
	t := r.out.Ticket
	return StateDone, fmt.Sprintf("ticket %s has status %d", t.TicketNumber.Or("without a number"), t.Status), nil
}

// writable refuses a ticket that Autotask would not take back, if there is
// anything to write to it.
func (r *resolve) writable(e *edit) error {
	t := e.item.(*Ticket)
	newText := r.Text != "" && !holdsText(t, r.Text)
	if !newText && (r.Status == 0 || r.Status == t.Status) {
		return nil
	}
	var replaced []string
	if newText {
		replaced = []string{"resolution"}
	}
	item, err := merge.Parse(e.raw)
	if err != nil {
		return invalid(e.method, e.writeTo, "%v", err)
	}
	if missing := e.missing(item); len(missing) > 0 {
		return refusal(transport.MissingField, e.method, e.writeTo, missing...)
	}
	if long := e.tooLong(replaced...); len(long) > 0 {
		return refusal(transport.Invalid, e.method, e.writeTo, long...)
	}
	return nil
}

func holdsText(t *Ticket, text string) bool {
	return fields.Even(t.Resolution.Or("")) == fields.Even(text)
}

func (r *resolve) resolution(ctx context.Context) (StepState, string, error) {
	if r.Text == "" {
		return StateSkipped, "no text given", nil
	}
	const holds = "the ticket has the text"
	if !r.stale && holdsText(r.out.Ticket, r.Text) {
		return StateAlreadyDone, holds, nil
	}
	for reads := 1; ; reads++ {
		if err := r.fresh(ctx); err != nil {
			return "", "", err
		}
		err := r.read.apply(func(item any) error {
			t := item.(*Ticket)
			if !holdsText(t, r.Text) {
				t.Resolution.Set(r.Text)
			}
			return nil
		})
		switch {
		case err != nil:
			return "", "", err
		case len(r.read.changes) == 0:
			return StateAlreadyDone, holds, nil
		}
		err = r.write(ctx, StepResolution, "text written and read back")
		if !isStale(err) || reads == mostReads {
			return StateDone, "text written", err
		}
	}
}

func (r *resolve) timeEntries(ctx context.Context) (StepState, string, error) {
	if r.Status == 0 {
		return StateSkipped, "no status given", nil
	}
	r.read = nil
	exist, err := r.client.TimeEntries.Exist(ctx, r.id)
	if err != nil {
		return "", "", err
	}
	r.out.HasTimeEntries = exist
	if exist {
		return StateDone, "the ticket has time entries", nil
	}
	return StateDone, "the ticket has no time entries", nil
}

// status begins anew, with the check for time entries, if the PUT was kept back
// because it had to wait for too long.
func (r *resolve) status(ctx context.Context) (state StepState, reason string, err error) {
	for reads := 1; ; reads++ {
		state, reason, err = r.setStatus(ctx)
		if !isStale(err) || reads == mostReads {
			return state, reason, err
		}
		if _, _, err := r.timeEntries(ctx); err != nil {
			return "", "", err
		}
	}
}

func (r *resolve) setStatus(ctx context.Context) (StepState, string, error) {
	switch {
	case r.Status == 0:
		return StateSkipped, "no status given", nil
	case r.out.HasTimeEntries:
		return StateSkipped, "the ticket has time entries, so its status stays", nil
	case r.reopened != "":
		return StateSkipped, r.reopened, nil
	}
	if r.stale || r.out.Ticket.Status != r.Status {
		if err := r.fresh(ctx); err != nil {
			return "", "", err
		}
	}
	was := r.out.Ticket.Status
	switch {
	case was == r.Status && !r.out.Resolved:
		return "", "", r.timestampsMissing()
	case was == r.Status:
		return StateAlreadyDone, fmt.Sprintf("the ticket has status %d", r.Status), nil
	}
	err := r.read.apply(func(item any) error {
		t := item.(*Ticket)
		t.Status = r.Status
		return nil
	})
	if err != nil {
		return "", "", err
	}
	reason := fmt.Sprintf("status %d became %d", was, r.Status)
	return StateDone, reason, r.write(ctx, StepStatus, reason+"; completedDate and resolvedDateTime are set")
}

// readBack reads the ticket once more if anything was written to it since, or a
// note was posted, which a workflow rule may have answered.
func (r *resolve) readBack(ctx context.Context) error {
	if !r.stale {
		return nil
	}
	err := r.look(ctx)
	if err != nil && !r.failed {
		err = fmt.Errorf("all steps are done; reading the ticket back: %w", err)
	}
	return err
}

// timestampsMissing: the status holds, but it is not one that resolves tickets
// in this tenant (docs/api-notes.md, section 7.6).
func (r *resolve) timestampsMissing() error {
	t := r.out.Ticket
	return refusal(transport.NotApplied, http.MethodPut, "Tickets", fmt.Sprintf(
		"ticket %d has status %d, but Autotask did not set both timestamps: completedDate is %s, resolvedDateTime is %s",
		r.id, r.Status, orNull(t.CompletedDate.String()), orNull(t.ResolvedDateTime.String())))
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}
