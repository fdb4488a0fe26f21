package alert

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/autotask-go/autotask"
)

// quiet reports whether, as far as this process knows without a request, the policy
// wants nothing done.
func (r *run) quiet() bool {
	now := time.Now()
	if id, ok := r.state.inStorm(r.companyID, r.key, now); ok && r.policy.Storm.Keys > 0 {
		r.out.Suppressed, r.out.Storm, r.out.TicketID = true, true, id
		r.step(StepStorm, autotask.StateAlreadyDone, "storm ticket %d names the key, and was open within the last minute", id)
		return true
	}
	k := r.state.knows(r.subject)
	if k == nil || r.policy.NoteEvery == 0 || now.Sub(k.confirmed) >= fresh || now.Sub(k.reported) >= r.policy.NoteEvery {
		return false
	}
	r.out.Suppressed, r.out.TicketID = true, k.ticketID
	r.step(StepNote, autotask.StateSkipped, "ticket %d was open within the last minute, and active within the last %v", k.ticketID, r.policy.NoteEvery)
	return true
}

// lastActive returns the time of the last activity on a ticket, by Autotask's clock.
func lastActive(t *autotask.Ticket) time.Time {
	created := t.CreateDate.Or(time.Time{})
	if last, ok := t.LastActivityDate.Get(); ok && last.After(created) {
		return last
	}
	return created
}

// note puts the event on an open ticket, if the policy wants it there and it is not
// there yet.
func (r *run) note(ctx context.Context, t *autotask.Ticket) error {
	k := r.state.knows(r.subject)
	if k == nil || k.ticketID != t.ID {
		k = &known{ticketID: t.ID, events: map[string]bool{}}
		r.state.remember(r.subject, k)
	}
	active := lastActive(t)
	k.confirmed = time.Now()
	if created, ok := t.CreateDate.Get(); ok && r.madeIt && k.activity.IsZero() && !active.After(created.Add(tick)) {
		k.activity, k.learned = active, k.confirmed // no activity since this call created it
	}
	if holdsMark(t.Description.Or(""), r.event) {
		r.out.Created = true
		k.events[r.event] = true
		k.reported = later(k.reported, earlier(active, k.confirmed))
		if !slices.ContainsFunc(r.out.Steps, func(s autotask.Step) bool { return s.Name == StepCreate }) {
			r.step(StepCreate, autotask.StateAlreadyDone, "the event created %s in an earlier call", name(t))
		}
		return nil
	}
	if k.events[r.event] {
		return r.noted(0, "an earlier call noted it")
	}
	if every := r.policy.NoteEvery; every > 0 && time.Since(later(k.reported, active)) < every && !r.out.Reopened {
		k.reported = later(k.reported, earlier(active, k.confirmed))
		r.out.Suppressed = true
		r.step(StepNote, autotask.StateSkipped, "%s was active within the last %v", name(t), every)
		return nil
	}
	if r.mayHold(k, active) {
		id, err := r.earlierNote(ctx, t, k, active)
		if err != nil {
			return err
		}
		if id != 0 {
			return r.noted(id, fmt.Sprintf("an earlier call noted it as note %d", id))
		}
	}
	return r.post(ctx, t, k)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (r *run) noted(id int64, reason string) error {
	r.out.Noted, r.out.NoteID = true, id
	r.step(StepNote, autotask.StateAlreadyDone, "%s", reason)
	return nil
}

// mayHold reports whether an earlier call may have noted the event; if so, the notes
// must be read. It cannot have if notes update the activity of their ticket in this
// tenant and the ticket was not active since the event. Nor can it if the only
// activity since this process read the notes is one note of its own. As long as this
// process has not seen what a note does, no activity means little: another process may
// have noted the event by now, if it began more than a moment ago.
func (r *run) mayHold(k *known, active time.Time) bool {
	switch {
	case r.state.notesMove() == stood:
		return true
	case r.state.notesMove() == moved && !r.alert.At.IsZero() && active.Before(earlier(r.alert.At, r.began).Add(-clockMargin)):
		return false
	case k.activity.IsZero():
		return true
	case k.posted.isZero():
		return !active.Equal(k.activity) || r.state.notesMove() == unseen && time.Since(k.learned) >= fresh
	case active.Equal(k.activity):
		if k.posted.from.Sub(k.learned) > blur {
			r.state.saw(stood) // despite a note
		}
		return true
	case r.state.isOwn(active, k.posted):
		r.state.saw(moved)
		k.activity, k.learned, k.posted = active, time.Now(), span{}
		return false
	}
	return true
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// earlierNote reads the notes of a ticket and returns the id of the event's note; 0
// for none.
func (r *run) earlierNote(ctx context.Context, t *autotask.Ticket, k *known, active time.Time) (id int64, err error) {
	notes, err := r.notesOf(ctx, t.ID)
	if err != nil {
		return 0, err
	}
	newest := time.Time{}
	for _, n := range notes {
		ref := refIn(n.Title)
		k.events[ref] = true
		if ref == r.event && id == 0 {
			id = n.ID
		}
		newest = later(newest, n.CreateDateTime.Or(time.Time{}))
	}
	k.activity, k.learned, k.posted = active, time.Now(), span{}
	last, dated := t.LastActivityDate.Get()
	switch {
	case len(notes) == 0 || !dated:
	case last.Before(newest.Add(-blur)) && newest.Before(r.began.Add(-clockMargin)):
		r.state.saw(stood) // the note is older, and did not update it
	case last.Sub(newest).Abs() < blur && newest.Sub(t.CreateDate.Or(newest)) > blur:
		r.state.saw(moved)
	}
	return id, nil
}

func (r *run) notesOf(ctx context.Context, ticketID int64) ([]*autotask.TicketNote, error) {
	notes, err := r.client.Notes.List(ctx, autotask.Query{
		Filter: autotask.Eq("ticketID", ticketID), Fields: []string{"ticketID", "title", "createDateTime"},
	})
	if err != nil {
		return nil, fmt.Errorf("alert: looking for the event's note on ticket %d: %w", ticketID, err)
	}
	for _, n := range notes {
		if n.TicketID != ticketID {
			return nil, fmt.Errorf("alert: %w: a search for notes of ticket %d was answered with note %d of ticket %d", autotask.ErrServer, ticketID, n.ID, n.TicketID)
		}
	}
	return notes, nil
}

// post creates the event's note. If the answer is lost, the library looks for the
// note; a repeat finds it by the event.
func (r *run) post(ctx context.Context, t *autotask.Ticket, k *known) error {
	during := span{from: time.Now()}
	id, err := r.client.Notes.Create(ctx, t.ID, r.noteWith(r.event, r.alert.Note.Title, r.alert.Note.Description))
	during.to = time.Now()
	if err != nil {
		return fmt.Errorf("alert: noting the event on ticket %d: %w", t.ID, err)
	}
	k.events[r.event] = true
	k.reported = during.to
	if k.posted = during; k.activity.IsZero() {
		k.posted = span{}
	}
	r.out.Noted, r.out.NoteID = true, id
	r.step(StepNote, autotask.StateDone, "note %d on %s", id, name(t))
	return nil
}

// noteWith returns the alert's note, with a title that ends in ref.
func (r *run) noteWith(ref, title, text string) *autotask.TicketNote {
	n := r.alert.Note
	n.Title, n.Description = title, text
	if n.Title == "" {
		n.Title = r.alert.Title
	}
	if n.Description == "" {
		n.Description = r.text()
	}
	if n.Description == "" {
		n.Description = r.alert.Title
	}
	end := " " + bracketed(ref)
	n.Title = cut(n.Title, maxNoteTitle-length(end)) + end
	n.Description = cut(n.Description, maxNoteText)
	return &n
}
