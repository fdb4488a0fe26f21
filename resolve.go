package autotask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/transport"
)

// Resolution says what Resolve is to do. Each part is explicit: what is not
// given is left as it is.
type Resolution struct {
	// Text goes into the ticket's resolution field: at most 32,000 characters.
	// "" leaves the field alone. Writing it replaces rich text by plain text.
	Text string
	// Note is posted first; nil posts none. Its TicketID may be 0.
	Note *TicketNote
	// Status is set only if the ticket has no time entries, as StatusComplete
	// or another status of the tenant that sets both timestamps; 0 leaves the
	// status alone.
	Status int64
	// Begun is when this piece of work first began, by the caller's clock: the
	// time its job was made, for example. Kept with the work and given again,
	// it makes a repeat safe: a note that an earlier run posted since then is
	// found and not posted again. Zero trusts this run alone.
	Begun time.Time
}

// The steps of Resolve, in their order.
const (
	StepGet         = "get"
	StepNote        = "note"
	StepResolution  = "resolution"
	StepTimeEntries = "time entries"
	StepStatus      = "status"
)

// errTimeBooked ends the update of a status half-way.
var errTimeBooked = errors.New("the time entries of the ticket decide")

// StepState is how a step of Resolve ended.
type StepState string

// The states of a step.
const (
	StepDone        StepState = "done"
	StepSkipped     StepState = "skipped"
	StepAlreadyDone StepState = "already done"
	StepFailed      StepState = "failed"
)

// Step tells how one step of Resolve ended, and why.
type Step struct {
	Name   string
	State  StepState
	Reason string
}

// Outcome tells what Resolve found and did. It comes back beside an error,
// too; steps that were not reached are then skipped.
type Outcome struct {
	TicketID       int64
	NoteID         int64   // 0 if there is none
	HasTimeEntries bool    // as of the time-entries step
	Resolved       bool    // completedDate and resolvedDateTime are both set
	Ticket         *Ticket // as read back at the end; nil if it never was read
	Steps          []Step  // always the five of them, in order
	// Requests is how many HTTP requests were made for it: every attempt counts,
	// and so do zone discovery and readings of the limit that it brought about.
	Requests int
	// Work is what ResolveAll was given; Resolve leaves it nil.
	Work *Work
}

// Resolve resolves a ticket in the explicit steps of the contract, section 9:
//
//  1. get: GET /Tickets/{id}.
//  2. note: POST /Tickets/{id}/Notes, if there is a Note.
//  3. resolution: GET, PUT /Tickets and GET, if there is a Text. Without a Note
//     nothing lies between this GET and that of step 1, which then serves.
//  4. time entries: POST /TimeEntries/query.
//  5. status: GET, PUT /Tickets and GET, if there is a Status and the ticket
//     has no time entries.
//
// What already holds is not written again. If the status holds in the end but
// the tenant has not set both timestamps, the error is ErrNotApplied: it is not
// a status that resolves a ticket there. Bad input is refused before anything
// is sent.
//
// Autotask has no idempotency keys. If the answer to the note's POST is lost,
// Resolve searches for the note; if it is not there, the error is
// ErrOutcomeUnknown, and a repeat with the same Begun searches again before it
// posts. An earlier note counts as this one if ticket, title, description,
// type and publish are the same and it was created at or after Begun, allowing
// for the difference between the server's clock and ours. With Begun, Resolve
// searches after the post, too: if there are two by then, because an earlier
// one showed up late, the error is an *AmbiguousError that names both. An
// earlier one that shows up later still is beyond any search; the step's reason
// warns of it.
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

func (r *resolve) do(ctx context.Context) error {
	if r.Note != nil {
		r.Note, _ = noteFor(r.id, r.Note) // checked before
	}
	for _, step := range r.steps() {
		state, reason, err := step.do(ctx)
		if err != nil {
			r.record(step.name, StepFailed, err.Error())
			return err
		}
		r.record(step.name, state, reason)
	}
	return r.readBack(ctx)
}

// resolve is one run of Resolve.
type resolve struct {
	client *Client
	id     int64
	Resolution
	begunHere time.Time // when this run began, by our clock
	out       *Outcome
	read      *edit[Ticket] // by the first step
	stale     bool          // something was written since the ticket was read last
}

type resolveStep struct {
	name string
	do   func(context.Context) (StepState, string, error)
}

func (r *resolve) steps() []resolveStep {
	return []resolveStep{
		{StepGet, r.get},
		{StepNote, r.note},
		{StepResolution, r.resolution},
		{StepTimeEntries, r.timeEntries},
		{StepStatus, r.status},
	}
}

func (c *Client) newResolve(ticketID int64, r Resolution) *resolve {
	run := &resolve{client: c, id: ticketID, Resolution: r, begunHere: time.Now(), out: &Outcome{TicketID: ticketID}}
	for _, step := range run.steps() {
		run.out.Steps = append(run.out.Steps, Step{Name: step.name, State: StepSkipped, Reason: "not reached"})
	}
	return run
}

// check refuses bad input, all of it at once.
func (r *resolve) check() error {
	if err := checkID[Ticket](http.MethodPut, r.id); err != nil {
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
		problems = append(problems, "Text is nothing but white space")
	}
	if !utf8.ValidString(r.Text) {
		problems = append(problems, "Text is not valid UTF-8: convert it first, from Windows-1252 perhaps")
	}
	if n, limit := fields.Length(r.Text), tableOf[Ticket]().Lookup("resolution").MaxLength; n > limit {
		problems = append(problems, fmt.Sprintf("Text has %d characters, the limit is %d", n, limit))
	}
	if r.Status < 0 {
		problems = append(problems, fmt.Sprintf("Status %d is not a status", r.Status))
	}
	if !r.Begun.IsZero() && r.Begun.After(r.begunHere.Add(time.Minute)) {
		problems = append(problems, fmt.Sprintf("Begun %v lies ahead", r.Begun))
	}
	if r.Note != nil {
		note, err := noteFor(id, r.Note)
		if err == nil {
			_, _, err = newItem(note)
		}
		var e *Error
		if errors.As(err, &e) {
			problems = append(problems, e.Messages...)
		}
	}
	return problems
}

func (r *resolve) record(name string, state StepState, reason string) {
	for i := range r.out.Steps {
		if r.out.Steps[i].Name == name {
			r.out.Steps[i] = Step{Name: name, State: state, Reason: reason}
		}
	}
}

// saw keeps the ticket as it was read last.
func (r *resolve) saw(t *Ticket) {
	if t == nil {
		return
	}
	r.out.Ticket, r.stale = t, false
	_, completed := t.CompletedDate.Get()
	_, resolved := t.ResolvedDateTime.Get()
	r.out.Resolved = completed && resolved
}

func (r *resolve) get(ctx context.Context) (StepState, string, error) {
	var err error
	if r.read, err = readForEdit[Ticket](ctx, r.client, r.id); err != nil {
		return "", "", err
	}
	t := *r.read.item // a copy: the resolution step may edit the original
	r.saw(&t)
	return StepDone, fmt.Sprintf("ticket %s has status %d", t.TicketNumber.Or("without a number"), t.Status), nil
}

func (r *resolve) note(ctx context.Context) (StepState, string, error) {
	if r.Note == nil {
		return StepSkipped, "no note given", nil
	}
	if !r.Begun.IsZero() {
		twins, _, err := r.Note.twins(ctx, r.client, r.Begun)
		if err != nil {
			return "", "", fmt.Errorf("looking for the note of an earlier run: %w", err)
		}
		if len(twins) > 0 {
			if earlier, _ := r.client.core.unsettled.get(*r.Note); slices.Contains(twins, earlier) {
				r.client.core.unsettled.remove(*r.Note) // it shows by now
			}
			r.out.NoteID = twins[0]
			reason := fmt.Sprintf("an earlier run posted it as note %d", twins[0])
			if len(twins) > 1 {
				reason += fmt.Sprintf("; it is there %d times, as notes %v", len(twins), twins)
			}
			return StepAlreadyDone, reason, nil
		}
	}
	earlier, unsettled := r.client.core.unsettled.get(*r.Note)
	if earlier != 0 && !r.Begun.IsZero() {
		// Searches are blind to it, but its id is known.
		note, err := Get[TicketNote](ctx, r.client, earlier)
		switch {
		case err == nil && createdBefore(note, r.client.core.clock.earliest(r.Begun)):
			unsettled = false // it belongs to a piece of work before this one
		case err == nil:
			r.out.NoteID = earlier
			return StepAlreadyDone, fmt.Sprintf("this client posted it as note %d, which a search does not show yet", earlier), nil
		case !errors.Is(err, ErrNotFound):
			return "", "", fmt.Errorf("looking for note %d, which this client posted: %w", earlier, err)
		}
	}
	id, err := Create(ctx, r.client, r.Note)
	if errors.Is(err, ErrOutcomeUnknown) {
		r.client.core.unsettled.add(*r.Note, 0)
	}
	if err != nil {
		return "", "", err
	}
	r.out.NoteID, r.stale = id, true
	reason := fmt.Sprintf("posted as note %d", id)
	if unsettled {
		reason += "; an earlier post of it went unanswered and does not show, but may still turn up as a second one"
	}
	if r.Begun.IsZero() {
		return StepDone, reason, nil
	}
	return StepDone, reason, r.noteIsTheOnlyOne(ctx, id)
}

// noteIsTheOnlyOne makes sure that the search before the post could be
// trusted: had it been blind to a note of an earlier run that shows up late,
// there would be two now, and that is never passed over in silence.
func (r *resolve) noteIsTheOnlyOne(ctx context.Context, id int64) error {
	// Until it shows, a repeat by this client goes by the id.
	r.client.core.unsettled.add(*r.Note, id)
	twins, all, err := r.Note.twins(ctx, r.client, r.Begun)
	if err != nil {
		return fmt.Errorf("note %d was posted; looking whether it is the only one: %w", id, err)
	}
	twins = slices.DeleteFunc(twins, func(twin int64) bool { return twin == id })
	switch {
	case len(twins) > 0:
		e := &AmbiguousError{Kind: "note", Name: r.Note.Title}
		for _, twin := range twins {
			e.Candidates = append(e.Candidates, Candidate{ID: twin, Label: "of an earlier run, which showed up late"})
		}
		e.Candidates = append(e.Candidates, Candidate{ID: id, Label: "of this run"})
		return e
	case !slices.Contains(all, id):
		return refusal(transport.OutcomeUnknown, http.MethodPost, "TicketNotes/query", fmt.Sprintf(
			"note %d was posted, but a search does not show it yet; it may hide one of an earlier run in the same way", id))
	}
	r.client.core.unsettled.remove(*r.Note)
	return nil
}

func (r *resolve) resolution(ctx context.Context) (StepState, string, error) {
	if r.Text == "" {
		return StepSkipped, "no text given", nil
	}
	fresh := r.read
	if r.Note != nil {
		fresh = nil // looking for the note and posting it came in between
	}
	u, err := update(ctx, r.client, r.id, fresh, func(t *Ticket) error {
		if fields.Even(t.Resolution.Or("")) != fields.Even(r.Text) {
			t.Resolution.Set(r.Text)
		}
		return nil
	}, nil)
	r.saw(u.item)
	switch {
	case err != nil:
		return "", "", err
	case u.written:
		return StepDone, "text written and read back", nil
	}
	return StepAlreadyDone, "the ticket has the text", nil
}

func (r *resolve) timeEntries(ctx context.Context) (StepState, string, error) {
	exist, err := r.client.TimeEntries.Exist(ctx, r.id)
	if err != nil {
		return "", "", err
	}
	r.out.HasTimeEntries = exist
	if exist {
		return StepDone, "the ticket has time entries", nil
	}
	return StepDone, "the ticket has no time entries", nil
}

func (r *resolve) status(ctx context.Context) (StepState, string, error) {
	if r.Status == 0 {
		return StepSkipped, "no status given", nil
	}
	if r.out.HasTimeEntries {
		return StepSkipped, "the ticket has time entries, so that its status stays", nil
	}
	was := int64(0)
	u, err := update(ctx, r.client, r.id, nil, func(t *Ticket) error {
		was, t.Status = t.Status, r.Status
		return nil
	}, r.stillUnbooked)
	r.saw(u.item)
	switch {
	case errors.Is(err, errTimeBooked):
		return StepSkipped, "time was booked on the ticket meanwhile, so that its status stays", nil
	case err != nil:
		return "", "", err
	}
	if !r.out.Resolved {
		return "", "", r.timestampsMissing()
	}
	if !u.written {
		return StepAlreadyDone, fmt.Sprintf("the ticket has status %d", r.Status), nil
	}
	return StepDone, fmt.Sprintf("status %d became %d; completedDate and resolvedDateTime are set", was, r.Status), nil
}

// stillUnbooked looks once more before the status is written again because an
// answer was lost: time may have been booked meanwhile.
func (r *resolve) stillUnbooked(ctx context.Context) error {
	if _, _, err := r.timeEntries(ctx); err != nil {
		return err
	}
	if r.out.HasTimeEntries {
		return errTimeBooked
	}
	return nil
}

// readBack reads the ticket once more if the last thing that happened to it was
// a note, which a workflow rule may have answered.
func (r *resolve) readBack(ctx context.Context) error {
	if !r.stale {
		return nil
	}
	t, err := r.client.Tickets.Get(ctx, r.id)
	if err != nil {
		return fmt.Errorf("all steps are done; reading the ticket back: %w", err)
	}
	r.saw(t)
	return nil
}

// timestampsMissing: the status holds, but it is not one that resolves tickets
// in this tenant (contract, section 5).
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
