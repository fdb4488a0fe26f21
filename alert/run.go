package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/autotask-go/autotask"
)

// run is one call of Upsert or Clear.
type run struct {
	client    *autotask.Client
	state     *state
	companyID int64
	key       string
	policy    Policy
	subject   subject
	alert     Alert
	event     string // as a ref
	out       *Outcome
	began     time.Time
}

func newRun(client *autotask.Client, companyID int64, key string, p Policy) *run {
	r := &run{client: client, state: stateOf(client), companyID: companyID, key: key, policy: p, out: &Outcome{}, began: time.Now()}
	if key != "" {
		r.subject = subject{companyID, externalID(key)}
	}
	return r
}

// locked does the work while holding the lock of the key.
func (r *run) locked(ctx context.Context, work func(context.Context) error) (*Outcome, error) {
	var sent atomic.Int64
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent.Add(1) }})
	unlock, ctx, err := r.lock(ctx, fmt.Sprintf("autotask/alert/%d/%s", r.companyID, r.subject.externalID))
	if err != nil {
		return r.out, fmt.Errorf("alert: locking the key: %w", err)
	}
	defer unlock()
	if err = work(ctx); err != nil {
		r.state.doubt(r.subject) // the next caller must look for itself
	}
	r.out.Requests = int(sent.Load())
	return r.out, err
}

// lock also keeps out other calls of this process: the policy's lock may be lost.
func (r *run) lock(ctx context.Context, key string) (unlock func(), held context.Context, err error) {
	own, held, err := r.state.locker.Lock(ctx, key)
	if err != nil || r.policy.Locker == nil {
		return own, held, err
	}
	shared, held, err := r.policy.Locker.Lock(held, key)
	if err != nil {
		own()
		return nil, nil, err
	}
	return func() { shared(); own() }, held, nil
}

func (r *run) step(name autotask.StepName, state autotask.StepState, format string, args ...any) {
	r.out.Steps = append(r.out.Steps, autotask.Step{Name: name, State: state, Reason: fmt.Sprintf(format, args...)})
}

// saw records a ticket in the outcome.
func (r *run) saw(t *autotask.Ticket) { r.out.Ticket, r.out.TicketID = t, t.ID }

func name(t *autotask.Ticket) string {
	return fmt.Sprintf("ticket %s (%d)", t.TicketNumber.Or("without a number"), t.ID)
}

// found is the result of one search.
type found struct {
	tickets []*autotask.Ticket // of the key
	open    []*autotask.Ticket // those of them that are open, in the order of their ids
	storms  []*autotask.Ticket // storm tickets of the company
	recent  []*autotask.Ticket // of other keys, created within the time of a storm

	closedStorms []*autotask.Ticket
}

var fieldsOfTickets = []string{
	"ticketNumber", "title", "description", "status", "companyID", "externalID", "createDate", "lastActivityDate", "lastActivityResourceID", "completedDate",
	"resolvedDateTime", "completedByResourceID", "creatorResourceID", "impersonatorCreatorResourceID", "resolution",
}

// search finds everything that the policy needs, in one query: the key's tickets
// except those closed long ago, and, if there may be a storm, the company's storm
// tickets and new tickets.
func (r *run) search(ctx context.Context) (*found, error) {
	closedSince := r.began.Add(-r.policy.Reopen)
	if r.event != "" {
		closedSince = earlier(closedSince, r.since())
	}
	recent := autotask.Or(
		autotask.NotEq("status", autotask.StatusComplete),
		autotask.Gte("completedDate", closedSince.Add(-clockMargin)),
	)
	filter := autotask.And(autotask.Eq("externalID", r.subject.externalID), recent)
	if r.policy.Storm.Keys > 0 {
		filter = autotask.Or(filter,
			autotask.And(autotask.BeginsWith("externalID", prefix+stormMark), recent),
			autotask.And(autotask.BeginsWith("externalID", prefix), autotask.Gte("createDate", r.began.Add(-r.policy.Storm.Within))),
		)
	}
	tickets, err := r.client.Tickets.List(ctx, autotask.Query{
		Filter: autotask.And(autotask.Eq("companyID", r.companyID), filter), Fields: fieldsOfTickets,
	})
	if err != nil {
		return nil, fmt.Errorf("alert: looking for the key's tickets: %w", err)
	}
	f := &found{}
	slices.SortFunc(tickets, func(a, b *autotask.Ticket) int { return cmp.Compare(a.ID, b.ID) })
	for _, t := range tickets {
		external := t.ExternalID.Or("")
		switch {
		case t.CompanyID != r.companyID: // a condition was not applied
			return nil, fmt.Errorf("alert: %w: a search for tickets of company %d was answered with ticket %d of company %d", autotask.ErrServer, r.companyID, t.ID, t.CompanyID)
		case external == r.subject.externalID:
			f.tickets = append(f.tickets, t)
		case isStorm(t):
			f.storms = append(f.storms, t)
		case strings.HasPrefix(external, prefix):
			f.recent = append(f.recent, t)
		}
	}
	return f, nil
}

func (r *run) upsert(ctx context.Context) error {
	if r.quiet() {
		return nil
	}
	f, unlock, held, err := r.look(ctx)
	if err != nil {
		unlock()
		return err
	}
	defer unlock()
	r.step(StepSearch, autotask.StateDone, "%d of the key's tickets are open", len(f.open))
	if len(f.open) > 0 {
		unlock() // nothing will be created
		return r.onOpen(ctx, f)
	}
	r.state.doubt(r.subject)
	if handled, err := r.isHandled(held, f); handled || err != nil {
		return err
	}
	if done, err := r.reopen(held, f); done || err != nil {
		return err
	}
	storm, err := r.joinStorm(held, f)
	switch {
	case err != nil:
		return err
	case storm != nil:
		unlock() // the next new key need not wait for this note
		return r.onStorm(ctx, storm)
	}
	return r.create(held, r.newTicket())
}

// maxDelay is how late a queue may repeat a call for its event still to be found on
// tickets that were closed meanwhile.
const maxDelay = 30 * 24 * time.Hour

// isHandled reports whether the event is on a ticket that has been closed since: a
// repeat of the call must not open another one.
func (r *run) isHandled(ctx context.Context, f *found) (bool, error) {
	if r.isCreator(f) {
		return true, nil
	}
	return r.isNoted(ctx, f, nil, nil)
}

// onOpen puts the event on the open ticket with the lowest id and closes the others.
func (r *run) onOpen(ctx context.Context, f *found) error {
	keep := f.open[0]
	r.saw(keep)
	if len(f.open) > 1 {
		r.state.sawOthers()
	}
	if err := r.note(ctx, keep, f); err != nil {
		return err
	}
	return r.closeDuplicates(ctx, keep, f.open[1:])
}

// create creates a ticket, and checks that it is the only one.
func (r *run) create(ctx context.Context, t *autotask.Ticket) error {
	if err := r.misfit(ctx); err != nil {
		return err
	}
	before := r.out.TicketID
	mine, f, err := r.createOne(ctx, t)
	if err != nil || mine == nil {
		return err
	}
	if len(f.open) > 0 {
		r.step(StepLookAgain, autotask.StateDone, "%d of the key's tickets are open", len(f.open))
		return r.onOpen(ctx, f)
	}
	r.saw(mine)
	switch text := mine.Description.Or(""); {
	case holdsMark(text, r.event) || !holdsMark(text, ""): // a workflow rule, or a person, was fast
		r.out.Created = true
		r.step(StepLookAgain, autotask.StateDone, "it is already closed")
		return nil
	case before == mine.ID:
		r.appended(mine)
		return nil
	}
	// It is the result of an earlier create whose answer was lost. The client has
	// forgotten that create now.
	r.step(StepLookAgain, autotask.StateDone, "it is already closed, and was created by another event")
	return r.create(ctx, t)
}

// createOne creates a ticket and searches for the key's tickets. mine is nil if the
// tenant has answered with another ticket.
func (r *run) createOne(ctx context.Context, t *autotask.Ticket) (mine *autotask.Ticket, f *found, err error) {
	during := span{from: time.Now()}
	id, err := r.client.Tickets.Create(ctx, t)
	during.to = time.Now()
	if err != nil {
		return nil, nil, fmt.Errorf("alert: creating the ticket: %w", err)
	}
	r.out.TicketID = id
	r.state.noteMade(r.companyID, id, r.policy.Storm.Within)
	if f, err = r.search(ctx); err != nil {
		return nil, nil, fmt.Errorf("ticket %d was created; checking that it is the only open one: %w", id, err)
	}
	if mine, err = r.madeBy(ctx, id, f); err != nil || mine == nil {
		return nil, nil, err
	}
	if holdsMark(mine.Description.Or(""), r.event) {
		r.step(StepCreate, autotask.StateDone, "%s", name(mine))
		r.knowsNew(mine, during)
	} else { // found by a search after a lost answer
		r.step(StepCreate, autotask.StateAlreadyDone, "another call created %s", name(mine))
	}
	f.open, err = r.openTickets(ctx, f.tickets)
	return mine, f, err
}

// madeBy returns the ticket that a create returned, and adds it to what was found, if
// the search does not show it yet. It returns nil if the tenant has answered with
// another ticket, which then takes the alert.
func (r *run) madeBy(ctx context.Context, id int64, f *found) (*autotask.Ticket, error) {
	if at := slices.IndexFunc(f.tickets, func(t *autotask.Ticket) bool { return t.ID == id }); at >= 0 {
		return f.tickets[at], nil
	}
	mine, err := r.client.Tickets.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("alert: reading back ticket %d, which was created: %w", id, err)
	}
	if mine.CompanyID == r.companyID && mine.ExternalID.Or("") == r.subject.externalID {
		f.tickets = append(f.tickets, mine)
		return mine, nil
	}
	r.saw(mine)
	if holdsMark(mine.Description.Or(""), r.event) {
		if mine.CompanyID == r.companyID {
			r.state.keepMisfit(r.subject, id)
		}
		return nil, r.notFound(mine)
	}
	r.appended(mine)
	return nil, nil
}

// appended ends a call that Autotask has answered with a ticket that was there.
func (r *run) appended(mine *autotask.Ticket) {
	r.out.Appended = true
	made := "an unknown time"
	if at, ok := mine.CreateDate.Get(); ok {
		made = at.Format(time.RFC3339)
	}
	r.step(StepCreate, autotask.StateAlreadyDone, "Autotask answered with %s, which was created at %s with externalID %q and has status %d: the tenant handles duplicate tickets",
		name(mine), made, mine.ExternalID.Or(""), mine.Status)
}

// notFound is the error of a new ticket that searches do not find.
func (r *run) notFound(t *autotask.Ticket) error {
	return fmt.Errorf("alert: %w: ticket %d was created, but was read back with externalID %q of company %d instead of %q of %d",
		autotask.ErrNotApplied, t.ID, t.ExternalID.Or(""), t.CompanyID, r.subject.externalID, r.companyID)
}

// misfit returns the error of a ticket that this process has created and a workflow
// rule has given another externalID, as long as that ticket is open: every occurrence
// would create one more.
func (r *run) misfit(ctx context.Context) error {
	id := r.state.misfit(r.subject)
	if id == 0 {
		return nil
	}
	t, err := r.client.Tickets.Get(ctx, id)
	switch {
	case errors.Is(err, autotask.ErrNotFound):
		r.state.keepMisfit(r.subject, 0)
		return nil
	case err != nil:
		return fmt.Errorf("alert: reading ticket %d, which was created with another externalID: %w", id, err)
	}
	open, err := r.isOpen(ctx, t)
	if err != nil {
		return err
	}
	if open && t.CompanyID == r.companyID && t.ExternalID.Or("") != r.subject.externalID {
		r.saw(t)
		return r.notFound(t)
	}
	r.state.keepMisfit(r.subject, 0)
	return nil
}

const (
	maxTitle       = 255
	maxDescription = 8_000
	maxNoteTitle   = 250
	maxNoteText    = 32_000
	maxKeyShown    = 500
)

// statusNew is the one status besides Complete that every tenant has
// (docs/api-notes.md, 7.6).
const statusNew = 1

// newTicket returns the ticket of an event. The mark at the end of its description
// shows a repeat of the call that the event created it.
func (r *run) newTicket() *autotask.Ticket {
	return r.ticket(r.subject.externalID, r.alert.Title, r.text())
}

func (r *run) ticket(external, title, text string) *autotask.Ticket {
	t := &autotask.Ticket{
		CompanyID: r.companyID, Title: cut(title, maxTitle), Status: statusNew, ExternalID: autotask.Value(external),
		Description: autotask.Value(text),
	}
	if r.alert.Ticket != nil {
		r.alert.Ticket(t)
	}
	t.CompanyID, t.ExternalID = r.companyID, autotask.Value(external)
	end := "\n\nAlert key: " + cut(r.key, maxKeyShown) + "\n" + eventMark(r.event)
	t.Description.Set(cut(strings.TrimRight(t.Description.Or(""), " \r\n\t"), maxDescription-length(end)) + end)
	return t
}

// text returns the alert's text.
func (r *run) text() string {
	text := r.alert.Text
	if r.alert.Severity != "" {
		text = strings.TrimRight("Severity: "+r.alert.Severity+"\n\n"+text, "\n")
	}
	return text
}

// closeDuplicates closes tickets in favour of keep. A ticket with time booked on it
// stays open.
func (r *run) closeDuplicates(ctx context.Context, keep *autotask.Ticket, others []*autotask.Ticket) error {
	for _, t := range others {
		busy, err := r.client.TimeEntries.Exist(ctx, t.ID)
		if err != nil {
			return fmt.Errorf("alert: closing ticket %d, a duplicate of %d: %w", t.ID, keep.ID, err)
		}
		if busy {
			r.step(StepDuplicates, autotask.StateSkipped, "%s has time entries, so it stays open next to %s", name(t), name(keep))
			continue
		}
		switch err := r.closeDuplicate(ctx, t.ID, keep); {
		case errors.Is(err, errGone):
			r.step(StepDuplicates, autotask.StateAlreadyDone, "%s is no longer an open ticket of the key", name(t))
		case err != nil:
			return fmt.Errorf("alert: closing ticket %d, a duplicate of %d: %w", t.ID, keep.ID, err)
		default:
			r.out.Duplicates = append(r.out.Duplicates, t.ID)
			r.step(StepDuplicates, autotask.StateDone, "%s closed as a duplicate of %s", name(t), name(keep))
		}
	}
	return nil
}

// errGone ends the update of a ticket that has changed meanwhile.
var errGone = errors.New("alert: the ticket has changed meanwhile")

// duplicateOf begins the resolution of a duplicate. It is never reopened.
const duplicateOf = "Duplicate of ticket "

func isDuplicate(t *autotask.Ticket) bool { return strings.Contains(t.Resolution.Or(""), duplicateOf) }

func (r *run) closeDuplicate(ctx context.Context, id int64, keep *autotask.Ticket) error {
	_, err := r.client.Tickets.Update(ctx, id, func(t *autotask.Ticket) error {
		if t.Status == autotask.StatusComplete || t.CompanyID != r.companyID || t.ExternalID.Or("") != r.subject.externalID {
			return errGone
		}
		t.Status = autotask.StatusComplete
		if text := strings.TrimSpace(t.Resolution.Or("")); !strings.Contains(text, duplicateOf) {
			own := fmt.Sprintf("%s%s (id %d): both are about the same alert.", duplicateOf, keep.TicketNumber.Or(""), keep.ID)
			t.Resolution.Set(strings.TrimSpace(cut(text, 32_000-length(own)-2) + "\n\n" + own))
		}
		return nil
	})
	return err
}
