package alert

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/autotask-go/autotask"
)

// Alert is one occurrence of something that is wrong.
type Alert struct {
	// CompanyID is the company that the ticket belongs to; 0 is the tenant's own.
	// FindCompany finds it by a name, a domain or a mail address.
	CompanyID int64
	// Key names what is wrong, within the company: 1 to 5,000 characters of any
	// script. Two keys that differ in anything, also in case alone, never share a
	// ticket.
	Key string
	// Event names this occurrence, within the key: the id of a job's run, say. A
	// repeat of the call with the same Event changes nothing that the first one
	// has done. It is required.
	Event string
	// At is when this occurrence was, by the clock of whoever saw it. It saves a
	// request: a ticket that nothing has happened on since then cannot hold the
	// occurrence yet. The zero time is not known.
	At time.Time
	// Title of a new ticket, and of a note unless Note has one. Titles are cut to
	// what Autotask takes.
	Title string
	// Text of a new ticket, and of a note unless Note has one. It is cut to what
	// Autotask takes, 8,000 and 32,000 characters.
	Text string
	// Severity stands above the text, as it was reported, if it is given. What
	// priority comes of it is for Ticket to say.
	Severity string
	// Ticket fills in a new ticket: Priority, which Autotask requires, and what
	// else the tenant demands. Title, Text, CompanyID, ExternalID and the status
	// New (1) are set before. It is called for the ticket of a storm, too. It
	// cannot change CompanyID and ExternalID.
	Ticket func(*autotask.Ticket)
	// Note is what a further occurrence is noted with. NoteType and Publish are
	// required: they are ids of the tenant's picklists, and a wrong Publish shows
	// internal text to the customer. Its Title ends in the Event.
	Note autotask.TicketNote
}

// Policy says what becomes of an alert beyond the one open ticket. The zero
// Policy reopens nothing, notes every occurrence and knows no storms.
type Policy struct {
	// Reopen is how long after its completion a ticket of the key is reopened
	// instead of a new one being made; 0 never.
	Reopen time.Duration
	// ReopenStatus is the status of a reopened ticket, an id of the tenant's
	// picklist. It has no default: Reopen without it is an error. Whatever else
	// tickets show, it counts as open.
	ReopenStatus int64
	// OnlyOurs reopens only what the API user completed that had made it: what
	// Clear completes, and not what a person did.
	OnlyOurs bool
	// NoteEvery is the time in which a ticket is noted on no more than once: an
	// occurrence that comes sooner after the last activity on the ticket is
	// suppressed. 0 notes every occurrence.
	NoteEvery time.Duration
	// Storm makes one ticket of many alerts.
	Storm Storm
	// Locker keeps other workers from the same key. Nil locks it for the calls with
	// one client; several clients in one process share an autotask.LocalLocker.
	Locker autotask.Locker
}

// Storm is when many new keys of one company become one ticket, as when a site
// goes down: as soon as Keys tickets were made for the company Within the time,
// the next new key makes a storm ticket, which takes all new keys of its first
// hour. A key that a storm ticket has taken is suppressed as long as that ticket
// is open. The zero Storm is never.
type Storm struct {
	Keys   int
	Within time.Duration
}

// Outcome tells what became of an alert. It comes back beside an error, too. Of
// the first seven, one is true where there is no error; Clear may leave all of
// them false, where a ticket stays open.
type Outcome struct {
	// Created: the event made the ticket, in this call or, as Steps tells, in an
	// earlier one.
	Created bool
	// Noted: the event is a note on the ticket, by this call or an earlier one.
	Noted bool
	// Reopened: the ticket was closed and is open again. The event is noted on it,
	// so that Noted is true as well.
	Reopened bool
	// Suppressed: there is an open ticket, and the policy wants no note.
	Suppressed bool
	// Appended: Autotask answered the create with a ticket that it had already,
	// since the tenant's Duplicate Ticket Handling took the new one for its twin.
	// Ticket is that one. What Autotask has added to it is for the tenant's
	// settings.
	Appended bool
	// Cleared: the ticket was open and is not any more.
	Cleared bool
	// AlreadyClear: there was no open ticket.
	AlreadyClear bool

	// Storm: the ticket is one of a storm. It names the key.
	Storm bool
	// Ticket is the ticket as it was read last, without the fields that nobody
	// needed; nil if none was read.
	Ticket   *autotask.Ticket
	TicketID int64 // 0 if there is none
	NoteID   int64 // of the event's note; 0 if it has none, or was found on the ticket
	// Duplicates are the other open tickets of the key that this call has closed.
	Duplicates []int64
	// OnlyComplete: the tenant's tickets show of no status that it sets the
	// timestamps of a completed ticket, so that status 5 alone counted as closed.
	OnlyComplete bool
	// Steps tell what was done, in order.
	Steps []autotask.Step
	// Requests is how many HTTP requests were sent for it.
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

// Upsert sees to it that there is one open ticket for an alert, and that the
// occurrence is on it: as the new ticket itself, as a note on the one that is
// open, as a note on one that it reopens, or, if the policy wants no note, not at
// all. See the package documentation for what holds, and for what it costs.
//
// Bad input is ErrInvalid, before anything is sent. Every other error is that of
// the request that failed. After an error that matches autotask.ErrOutcomeUnknown
// repeat the call, with the same Event, when its RetryAfter is over; after any
// other that may pass, whenever you like.
func Upsert(ctx context.Context, client *autotask.Client, a Alert, p Policy) (*Outcome, error) {
	r := newRun(client, a.CompanyID, a.Key, p)
	r.alert = a
	if err := r.check(); err != nil {
		return r.out, err
	}
	r.event = refOf(a.Event)
	return r.locked(ctx, r.upsert)
}

// Clear resolves the open ticket of an alert that is over, through
// client.Resolve: if time is booked on the ticket, its status stays, and so does
// it. No open ticket is no error. Give the Resolution a Ref or StartedAt if it has a
// Note, so that a repeat finds it.
//
// It locks the key for the calls with this client; Policy.Clear locks it with the
// policy's Locker.
func Clear(ctx context.Context, client *autotask.Client, companyID int64, key string, res autotask.Resolution) (*Outcome, error) {
	return Policy{}.Clear(ctx, client, companyID, key, res)
}

// Clear is the function Clear under the policy: with its Locker, and with its
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

// problems are those of what Upsert and Clear have in common.
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

// check refuses bad input, all of it at once.
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
		problems = append(problems, "the Policy holds a negative number")
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
