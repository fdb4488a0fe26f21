package alert

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/autotask-go/autotask"
)

// Alert is one occurrence of a problem.
type Alert struct {
	// CompanyID is the company that the ticket belongs to; 0 is the tenant's own.
	// FindCompany finds it by name, domain or mail address.
	CompanyID int64
	// Key identifies the problem within the company: 1 to 5,000 characters of any
	// script. Two keys that differ at all, even only in case, never share a ticket.
	Key string
	// Event identifies this occurrence within the key: the id of a job's run, say. A
	// repeat of the call with the same Event changes nothing that the first call has
	// done. It is required.
	Event string
	// At is when the problem occurred, by the observer's clock, which may be up to five
	// minutes ahead of Autotask's. It saves a request: a ticket without activity since
	// then cannot hold the occurrence yet. The zero time means unknown; it is better
	// than a wrong one.
	At time.Time
	// Title is the title of a new ticket, and of a note unless Note has one. It is
	// cut to the length that Autotask accepts.
	Title string
	// Text is the description of a new ticket, and of a note unless Note has one. It
	// is cut to the length that Autotask accepts, 8,000 and 32,000 characters.
	Text string
	// Severity is written above the text, as reported, if given. It sets no priority;
	// Ticket can.
	Severity string
	// Ticket fills in a new ticket: Priority, which Autotask requires, and what else
	// the tenant requires. Title, Text, CompanyID, ExternalID and the status New (1)
	// are already set. It is called for the ticket of a storm, too. It cannot change
	// CompanyID and ExternalID.
	Ticket func(*autotask.Ticket)
	// Note is the note for a further occurrence. NoteType and Publish are required:
	// they are ids of the tenant's picklists, and a wrong Publish shows internal text
	// to the customer. Its Title ends in the Event.
	Note autotask.TicketNote
}

// Policy sets what happens beyond the one open ticket. The zero Policy reopens
// nothing, notes every occurrence and knows no storms.
type Policy struct {
	// Reopen is how long after its completion a ticket of the key is reopened instead
	// of creating a new one; 0 never reopens.
	Reopen time.Duration
	// ReopenStatus is the status of a reopened ticket, an id of the tenant's
	// picklist. It has no default: Reopen without it is an error. It always counts as
	// open, whatever other tickets show.
	ReopenStatus int64
	// OnlyOurs reopens a ticket only if the API user that created it also completed
	// it: what Clear completed, but not what a person did.
	OnlyOurs bool
	// NoteEvery limits notes to one per ticket in this time: an occurrence sooner
	// than that after the last activity on the ticket is suppressed. 0 notes every
	// occurrence.
	NoteEvery time.Duration
	// Storm combines many alerts into one ticket.
	Storm Storm
	// Locker keeps other workers away from the same key. Nil locks it for the calls
	// with one client; several clients in one process share an autotask.LocalLocker.
	// With a Locker, the package assumes other workers and reads a ticket's notes before
	// it adds one, which often costs one request more.
	Locker autotask.Locker
}

// Storm sets when many new keys of one company become one ticket, as when a site goes
// down. As soon as Keys tickets were created for the company Within the time, the
// next new key creates a storm ticket, which takes all new keys of its first hour. A
// key on a storm ticket is suppressed while that ticket is open, and Clear does not
// change that. Without a Locker that all workers share, each process may create a
// storm ticket and name a key once. The zero Storm is off.
type Storm struct {
	Keys   int
	Within time.Duration
}

// Outcome reports what was done with an alert. It is returned alongside an error,
// too. Without an error, one of the first seven fields is true; Clear may leave all
// of them false, if a ticket stays open.
type Outcome struct {
	// Created: the event created the ticket, in this call or, as Steps says, in an
	// earlier one.
	Created bool
	// Noted: the event is a note on the ticket, from this call or an earlier one.
	Noted bool
	// Reopened: the ticket was closed and is open again. The event is noted on it, so
	// Noted is true as well.
	Reopened bool
	// Suppressed: there is an open ticket, and the policy wants no note.
	Suppressed bool
	// Appended: Autotask answered the create with an existing ticket, since the
	// tenant's Duplicate Ticket Handling treated the new one as a duplicate. Ticket
	// is the existing one. The tenant's settings decide what Autotask has added to
	// it.
	Appended bool
	// Cleared: the ticket was open and no longer is.
	Cleared bool
	// AlreadyClear: there was no open ticket, or only one that was created after the
	// Resolution's StartedAt.
	AlreadyClear bool

	// Storm: the ticket is a storm ticket. It names the key.
	Storm bool
	// Ticket is the ticket as last read, without the fields that were not needed; nil
	// if none was read.
	Ticket   *autotask.Ticket
	TicketID int64 // 0 if there is none
	NoteID   int64 // of the event's note; 0 if it has none, or if its id was not read
	// Duplicates are the other open tickets of the key that this call has closed.
	Duplicates []int64
	// OnlyComplete: the tenant's tickets do not show any status that sets the
	// timestamps of a completed ticket, so only status 5 counted as closed.
	OnlyComplete bool
	// Steps are what was done, in order.
	Steps []autotask.Step
	// Requests is the number of HTTP requests sent.
	Requests int
}

// The steps of an Outcome.
const (
	StepSearch     autotask.StepName = "search"
	StepCreate     autotask.StepName = "create"
	StepReopen     autotask.StepName = "reopen"
	StepLookAgain  autotask.StepName = "look again"
	StepNote       autotask.StepName = "note"
	StepDuplicates autotask.StepName = "duplicates"
	StepStorm      autotask.StepName = "storm"
	StepResolve    autotask.StepName = "resolve"
)

const maxKey = 5_000

// Upsert ensures that there is one open ticket for an alert, and that the occurrence
// is on it: as the new ticket itself, as a note on the open ticket, as a note on one
// that it reopens, or, if the policy wants no note, not at all. See the package
// documentation for its guarantees and its cost.
//
// Bad input is ErrInvalid, before anything is sent. Every other error is that of the
// request that failed. After an error that matches autotask.ErrOutcomeUnknown, repeat
// the call with the same Event once RetryAfter has passed; after any other temporary
// error, at any time.
func Upsert(ctx context.Context, client *autotask.Client, a Alert, p Policy) (*Outcome, error) {
	r := newRun(client, a.CompanyID, a.Key, p)
	r.alert = a
	if err := r.check(); err != nil {
		return r.out, err
	}
	r.event = refOf(a.Event)
	return r.locked(ctx, r.upsert)
}

// Clear resolves the open ticket of an alert that is over, through client.Resolve: if
// time is booked on the ticket, its status does not change and it stays open. If
// there is no open ticket, that is not an error. If the Resolution has a Note, give
// it a Ref or StartedAt, so that a repeat finds the note. With StartedAt, a repeat
// leaves a ticket alone that was created more than five minutes later, when the alert
// had come back.
//
// It locks the key for the calls with this client; Policy.Clear locks it with the
// policy's Locker.
func Clear(ctx context.Context, client *autotask.Client, companyID int64, key string, res autotask.Resolution) (*Outcome, error) {
	return Policy{}.Clear(ctx, client, companyID, key, res)
}

// Clear is like the function Clear, under the policy: with its Locker, and with its
// ReopenStatus counting as open.
func (p Policy) Clear(ctx context.Context, client *autotask.Client, companyID int64, key string, res autotask.Resolution) (*Outcome, error) {
	p.Storm = Storm{}
	r := newRun(client, companyID, key, p)
	if problems := r.problems(); len(problems) > 0 {
		return r.out, invalid(problems)
	}
	return r.locked(ctx, func(ctx context.Context) error { return r.clear(ctx, res) })
}

func invalid(problems []string) error {
	return fmt.Errorf("alert: %w: %s", autotask.ErrInvalid, strings.Join(problems, "; "))
}

// problems returns what is wrong with the input that Upsert and Clear share.
func (r *run) problems() (problems []string) {
	switch n := utf8.RuneCountInString(r.key); {
	case n == 0:
		problems = append(problems, "Key is empty")
	case n > maxKey:
		problems = append(problems, fmt.Sprintf("Key has %d characters, the limit is %d", n, maxKey))
	case !utf8.ValidString(r.key):
		problems = append(problems, "Key is not valid UTF-8")
	}
	if r.companyID < 0 {
		problems = append(problems, fmt.Sprintf("CompanyID %d is not an id", r.companyID))
	}
	return problems
}

// check reports all that is wrong with the input at once.
func (r *run) check() error {
	problems := r.problems()
	a, p := r.alert, r.policy
	for _, text := range []struct {
		name, value string
		required    bool
	}{{"Event", a.Event, true}, {"Title", a.Title, true}, {"Text", a.Text, false}, {"Severity", a.Severity, false}, {"Note.Title", a.Note.Title, false}, {"Note.Description", a.Note.Description, false}} {
		switch {
		case text.required && strings.TrimSpace(text.value) == "":
			problems = append(problems, text.name+" is empty")
		case !utf8.ValidString(text.value):
			problems = append(problems, text.name+" is not valid UTF-8")
		}
	}
	if a.Note.NoteType <= 0 || a.Note.Publish <= 0 {
		problems = append(problems, "Note needs NoteType and Publish, ids of the tenant's picklists; there is no safe default")
	}
	if a.Note.ID != 0 || a.Note.TicketID != 0 {
		problems = append(problems, "Note must not name a ticket or an id")
	}
	if p.Reopen < 0 || p.NoteEvery < 0 || p.Storm.Within < 0 || p.Storm.Keys < 0 {
		problems = append(problems, "the Policy has a negative number")
	}
	if p.Reopen > 0 && (p.ReopenStatus <= 0 || p.ReopenStatus == autotask.StatusComplete) {
		problems = append(problems, "Reopen needs a ReopenStatus, the id of an open status of the tenant")
	}
	if (p.Storm.Keys > 0) != (p.Storm.Within > 0) {
		problems = append(problems, "Storm needs both Keys and Within")
	}
	if len(problems) > 0 {
		return invalid(problems)
	}
	return nil
}
