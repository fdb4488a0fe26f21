package alert

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/fields"
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

// note puts the event on an open ticket, if the policy wants it there and no ticket of
// the key holds it yet.
func (r *run) note(ctx context.Context, t *autotask.Ticket, f *found) error {
	k := r.state.of(r.subject, t.ID)
	active := lastActive(t)
	r.state.confirm(k)
	if k.posted != (noteKind{}) && active.Equal(k.activity) {
		r.state.saw(k.posted, false)
	}
	k.activity, k.posted = active, noteKind{}
	if holdsMark(t.Description.Or(""), r.event) {
		r.out.Created = true
		k.reported = later(k.reported, earlier(active, k.confirmed))
		if !slices.ContainsFunc(r.out.Steps, func(s autotask.Step) bool { return s.Name == StepCreate }) {
			r.step(StepCreate, autotask.StateAlreadyDone, "the event created %s in an earlier call", name(t))
		}
		return nil
	}
	if k.events[r.event] {
		return r.noted(0, "an earlier call noted it")
	}
	if r.isCreator(f) {
		return nil
	}
	if every := r.policy.NoteEvery; every > 0 && time.Since(later(k.reported, active)) < every && !r.out.Reopened {
		k.reported = later(k.reported, earlier(active, k.confirmed))
		r.out.Suppressed = true
		r.step(StepNote, autotask.StateSkipped, "%s was active within the last %v", name(t), every)
		return nil
	}
	if noted, err := r.isNoted(ctx, f, t, k); noted || err != nil {
		return err
	}
	return r.post(ctx, t, k)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (r *run) noted(id int64, reason string) error {
	r.out.Noted, r.out.NoteID = true, id
	r.step(StepNote, autotask.StateAlreadyDone, "%s", reason)
	return nil
}

// isCreator reports whether the event created a ticket of the key that is closed by
// now. The event of a duplicate belongs on the open ticket instead, if there is one.
func (r *run) isCreator(f *found) bool {
	for _, t := range f.tickets {
		if !holdsMark(t.Description.Or(""), r.event) || len(f.open) > 0 && (slices.Contains(f.open, t) || isDuplicate(t)) {
			continue
		}
		r.saw(t)
		r.out.Created = true
		r.step(StepCreate, autotask.StateAlreadyDone, "the event created %s in an earlier call; it has been closed since", name(t))
		return true
	}
	return false
}

// isNoted reads the notes of all tickets that may hold the event, in one query, and
// reports whether one is the event's. open and what is known of it are nil if no ticket
// is open.
func (r *run) isNoted(ctx context.Context, f *found, open *autotask.Ticket, k *known) (bool, error) {
	all := slices.Concat(f.tickets, f.closedStorms)
	if open != nil {
		all = append(all, f.storms...) // a person may have reopened the key's own ticket
	}
	tickets := slices.DeleteFunc(all, func(t *autotask.Ticket) bool { return !r.mayHold(t, f) })
	reads := open != nil && slices.Contains(tickets, open)
	if reads && len(tickets) == 1 && r.knowsAll(k, lastActive(open)) {
		return false, nil
	}
	notes, err := r.notesOf(ctx, tickets...)
	if err != nil {
		return false, err
	}
	if reads {
		r.learn(open, notes)
		r.knowsRead(k, open, notes)
	}
	for _, t := range tickets {
		for _, n := range notes {
			if n.TicketID != t.ID || !r.isOwn(n, t) {
				continue
			}
			where := "as"
			switch {
			case open != nil && t.ID == open.ID:
			case slices.Contains(f.storms, t):
				where = "on " + name(t) + " as"
			default:
				r.saw(t)
				where = "on " + name(t) + ", which has been closed since, as"
			}
			r.out.Storm = isStorm(t)
			return true, r.noted(n.ID, fmt.Sprintf("an earlier call noted it %s note %d", where, n.ID))
		}
	}
	return false, nil
}

// isOwn reports whether a note of a ticket is the event's.
func (r *run) isOwn(n *autotask.TicketNote, t *autotask.Ticket) bool {
	if isStorm(t) {
		return strings.HasSuffix(fields.Prose(n.Title), r.stormEnd())
	}
	return refIn(n.Title) == r.event
}

// mayHold reports whether an earlier call may have noted the event on a ticket. It
// cannot have if the ticket was closed before the event, or if notes update the
// activity of their ticket in this tenant and it was not active since the event.
func (r *run) mayHold(t *autotask.Ticket, f *found) bool {
	since := r.lookFrom()
	if closed, ok := t.CompletedDate.Get(); ok && !slices.Contains(f.open, t) && closed.Before(since) {
		return false
	}
	return r.alert.At.IsZero() || !r.state.notesMove(r.kind()) || !lastActive(t).Before(since)
}

// since returns the earliest time at which an earlier call may have begun, by the
// observer's clock or ours.
func (r *run) since() time.Time {
	if r.alert.At.IsZero() {
		return r.began.Add(-maxDelay)
	}
	return later(earlier(r.alert.At, r.began), r.began.Add(-maxDelay))
}

// lookFrom is since by Autotask's clock.
func (r *run) lookFrom() time.Time { return r.since().Add(-clockMargin) }

// noteKind is what may decide whether a note updates the activity of its ticket.
type noteKind struct{ noteType, publish int64 }

func (r *run) kind() noteKind { return noteKind{r.alert.Note.NoteType, r.alert.Note.Publish} }

// learn finds out from the newest of a ticket's notes whether it updated the ticket's
// lastActivityDate. Two stamps that differ by more than a tick may be those of two
// writes, and stamps of whole seconds prove nothing. Nor does what others do: people
// use the web interface, and a workflow rule may change the ticket as a note comes.
func (r *run) learn(t *autotask.Ticket, notes []*autotask.TicketNote) {
	last, dated := t.LastActivityDate.Get()
	var newest *autotask.TicketNote
	for _, n := range notes {
		if n.TicketID == t.ID && (newest == nil || n.CreateDateTime.Or(time.Time{}).After(newest.CreateDateTime.Or(time.Time{}))) {
			newest = n
		}
	}
	if newest == nil || !dated || refIn(newest.Title) == "" {
		return
	}
	made, of := newest.CreateDateTime.Or(time.Time{}), noteKind{newest.NoteType, newest.Publish}
	by, known := newest.CreatorResourceID.Get()
	ours := known && t.CreatorResourceID == autotask.Value(by) && t.LastActivityResourceID == autotask.Value(by)
	switch {
	case ours && last.Sub(made).Abs() <= tick && last.Nanosecond() != 0:
		r.state.saw(of, true)
	case last.Before(made.Add(-tick)) && made.Before(r.began.Add(-clockMargin)):
		r.state.saw(of, false) // the note is older than the search
	}
}

// notesOf returns the notes of tickets, except those that are too old to be the
// event's or to explain a ticket's last activity.
func (r *run) notesOf(ctx context.Context, tickets ...*autotask.Ticket) (notes []*autotask.TicketNote, err error) {
	const most = 500 // values of a condition
	for some := range slices.Chunk(tickets, most) {
		since := r.lookFrom()
		var ids []int64
		for _, t := range some {
			ids = append(ids, t.ID)
			if active := lastActive(t); !active.IsZero() {
				since = earlier(since, active.Add(-time.Second))
			}
		}
		page, err := r.client.Notes.List(ctx, autotask.Query{
			Filter: autotask.And(autotask.In("ticketID", ids...), autotask.Gte("createDateTime", since)),
			Fields: []string{"ticketID", "title", "createDateTime", "noteType", "publish", "creatorResourceID"},
		})
		if err != nil {
			return nil, fmt.Errorf("alert: looking for the event's note on tickets %d: %w", ids, err)
		}
		for _, n := range page {
			if !slices.Contains(ids, n.TicketID) {
				return nil, fmt.Errorf("alert: %w: a search for notes of tickets %d was answered with note %d of ticket %d", autotask.ErrServer, ids, n.ID, n.TicketID)
			}
		}
		notes = append(notes, page...)
	}
	return notes, nil
}

// post creates the event's note. If the answer is lost, the library looks for the
// note; a repeat finds it by the event.
func (r *run) post(ctx context.Context, t *autotask.Ticket, k *known) error {
	before := k.sole
	k.sole = sole{unsure: time.Now().Add(clockMargin)}
	during := span{from: time.Now()}
	id, err := r.client.Notes.Create(ctx, t.ID, r.noteWith(bracketed(r.event), r.alert.Note.Title, r.alert.Note.Description))
	during.to = time.Now()
	if err != nil {
		return fmt.Errorf("alert: noting the event on ticket %d: %w", t.ID, err)
	}
	k.keep(r.event)
	k.reported, k.posted, k.sole = during.to, r.kind(), before
	k.sole.posted = during
	r.out.Noted, r.out.NoteID = true, id
	r.step(StepNote, autotask.StateDone, "note %d on %s", id, name(t))
	return nil
}

// noteWith returns the alert's note, with a title that ends in end.
func (r *run) noteWith(end, title, text string) *autotask.TicketNote {
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
	end = " " + end
	n.Title = cut(n.Title, maxNoteTitle-length(end)) + end
	n.Description = cut(n.Description, maxNoteText)
	return &n
}
