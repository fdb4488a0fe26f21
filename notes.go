package autotask

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/transport"
)

// NotesService reads and writes ticket notes.
type NotesService struct{ client *Client }

// Create adds a note to a ticket (POST /Tickets/{id}/Notes). No field has a
// default: a wrong Publish shows internal text to the customer. See [Create].
func (s *NotesService) Create(ctx context.Context, ticketID int64, n *TicketNote) (int64, error) {
	note, err := noteFor(ticketID, n)
	if err != nil {
		return 0, err
	}
	return Create(ctx, s.client, note)
}

// noteFor copies a note and ties the copy to its ticket.
func noteFor(ticketID int64, n *TicketNote) (*TicketNote, error) {
	if err := kindOf[Ticket]().checkID(http.MethodPost, ticketID); err != nil {
		return nil, err
	}
	if n == nil {
		return nil, invalid(http.MethodPost, "Tickets/Notes", "the note is nil")
	}
	if n.TicketID != 0 && n.TicketID != ticketID {
		return nil, invalid(http.MethodPost, "Tickets/Notes", "the note belongs to ticket %d, not %d", n.TicketID, ticketID)
	}
	note := *n
	note.TicketID = ticketID
	return &note, nil
}

// Get returns one note (GET /TicketNotes/{id}). See [Get].
func (s *NotesService) Get(ctx context.Context, id int64) (*TicketNote, error) {
	return Get[TicketNote](ctx, s.client, id)
}

// GetMany returns the notes of the given ids. See [GetMany].
func (s *NotesService) GetMany(ctx context.Context, ids []int64) (map[int64]*TicketNote, error) {
	return GetMany[TicketNote](ctx, s.client, ids)
}

// All iterates over the notes that match q. See [All].
func (s *NotesService) All(ctx context.Context, q Query) iter.Seq2[*TicketNote, error] {
	return All[TicketNote](ctx, s.client, q)
}

// Scan reads many notes with several workers. See [Scan].
func (s *NotesService) Scan(ctx context.Context, q Query, opts ScanOptions) iter.Seq2[*ScanPage[TicketNote], error] {
	return Scan[TicketNote](ctx, s.client, q, opts)
}

// List returns the notes that match q. See [List].
func (s *NotesService) List(ctx context.Context, q Query) ([]*TicketNote, error) {
	return List[TicketNote](ctx, s.client, q)
}

// Pages iterates over the notes that match q by pages. See [Pages].
func (s *NotesService) Pages(ctx context.Context, q Query) iter.Seq2[*Page[TicketNote], error] {
	return Pages[TicketNote](ctx, s.client, q)
}

// Count returns the number of notes that match q. See [Count].
func (s *NotesService) Count(ctx context.Context, q Query) (int64, error) {
	return Count[TicketNote](ctx, s.client, q)
}

// Update changes a note by PATCH through its ticket. See [Update].
func (s *NotesService) Update(ctx context.Context, id int64, change func(*TicketNote) error) (*TicketNote, error) {
	return Update(ctx, s.client, id, change)
}

// Ensure is Create for work that may be repeated: it returns the id of the note
// of an earlier run, or posts it. startedAt is when the work first began; keep
// it with the work. A note since then with equal title, description, type and
// publish is the one; two are an [*AmbiguousError], one that reads back
// differently is [ErrNotApplied]. See docs/reliability.md, "Repeated work".
func (s *NotesService) Ensure(ctx context.Context, ticketID int64, n *TicketNote, startedAt time.Time) (id int64, created bool, err error) {
	note, err := noteFor(ticketID, n)
	if err != nil {
		return 0, false, err
	}
	if err := checkStart(http.MethodPost, "Tickets/Notes", startedAt); err != nil {
		return 0, false, err
	}
	if _, _, err := kindOf[TicketNote]().newBody(note); err != nil {
		return 0, false, err
	}
	found, err := onceNote{note: note, since: startedAt}.ensure(ctx, s.client, nil)
	if found.created {
		err = afterChange(err)
	}
	return found.id, found.created, err
}

// checkStart refuses a start time that cannot tell what an earlier run has made.
func checkStart(method, path string, startedAt time.Time) error {
	problem := startProblem("the start time", startedAt)
	if startedAt.IsZero() {
		problem = "the start time is missing: without it, what an earlier run made cannot be distinguished from older items"
	}
	if problem == "" {
		return nil
	}
	return invalid(method, path, "%s", problem)
}

// startProblem says what is wrong with the time at which work began, if it is
// given.
func startProblem(name string, t time.Time) string {
	if t.After(time.Now().Add(clockMargin)) {
		return fmt.Sprintf("%s %v is in the future", name, t)
	}
	return ""
}

// createKey names what equal notes have in common.
func (n *TicketNote) createKey() (writeKey, bool) {
	return writeKey{
		collection: strings.ToLower(n.Collection()),
		id:         n.TicketID,
		made:       digestOf(strconv.FormatInt(n.NoteType, 10), strconv.FormatInt(n.Publish, 10), fields.Prose(n.Title), fields.Prose(n.Description)),
	}, true
}

func (n *TicketNote) find(ctx context.Context, c *Client, lost lostCreate) ([]claimable, error) {
	notes, err := c.notesOf(ctx, n.TicketID)
	var found []claimable
	for _, other := range notes {
		if !n.sameAs(other) || !c.mayHaveCreated(other) {
			continue
		}
		doubtful, tooOld := c.age(other.CreateDateTime.Or(time.Now()), lost)
		if !tooOld {
			found = append(found, claimable{Candidate{ID: other.ID, Label: other.Title}, doubtful})
		}
	}
	return found, err
}

// mayHaveCreated is false for a note that somebody else has created: of notes that
// are created by impersonation, Autotask shows for whom, and that it was so.
func (c *Client) mayHaveCreated(n *TicketNote) bool {
	if c.impersonateID == 0 {
		_, impersonated := n.ImpersonatorCreatorResourceID.Get()
		return !impersonated
	}
	return n.CreatorResourceID.Or(c.impersonateID) == c.impersonateID
}

// notesOf reads all notes of a ticket. They are compared here: a filter that the
// server understood differently would hide a note, and it would be posted twice.
func (c *Client) notesOf(ctx context.Context, ticketID int64) ([]*TicketNote, error) {
	var notes []*TicketNote
	for note, err := range c.Notes.All(ctx, Query{Filter: Eq("ticketID", ticketID)}) {
		if err != nil {
			return nil, err
		}
		if note.TicketID != ticketID {
			return nil, nonsense("TicketNotes/query",
				"Autotask answered a search for notes of ticket %d with note %d of ticket %d", ticketID, note.ID, note.TicketID)
		}
		notes = append(notes, note)
	}
	return notes, nil
}

func (n *TicketNote) sameAs(other *TicketNote) bool {
	return n.TicketID == other.TicketID && n.NoteType == other.NoteType && n.Publish == other.Publish &&
		fields.SameProse(n.Title, other.Title) && fields.SameProse(n.Description, other.Description)
}

// createdBefore is false for a note that does not say when it was created: it
// cannot be distinguished then, and one note is better than two.
func createdBefore(n *TicketNote, t time.Time) bool {
	created, ok := n.CreateDateTime.Get()
	return ok && created.Before(t)
}

// onceNote is a note that is to be on its ticket once, however often the work
// that it belongs to is repeated.
type onceNote struct {
	note  *TicketNote // its title ends in the ref, if there is one
	ref   string      // by which it is told, or else
	since time.Time   // by its content and this; zero tells it by nothing
}

// foundNote is the outcome of ensure.
type foundNote struct {
	id      int64
	created bool        // by this call
	note    *TicketNote // as an earlier call has posted it, if it was found
	reason  string
}

// withRef is a note whose title ends in the caller's key of the work.
func withRef(n TicketNote, ref string) *TicketNote {
	if ref != "" {
		n.Title = strings.TrimRightFunc(n.Title, unicode.IsSpace) + refSuffix(ref)
	}
	return &n
}

func refSuffix(ref string) string { return " [" + ref + "]" }

// maxRef bounds a Ref: the title of a note has room for 250 characters.
const maxRef = 50

// refProblem says what is wrong with a Ref, which must read back as it was given.
func refProblem(ref string) string {
	switch {
	case ref == "":
		return ""
	case fields.Length(ref) > maxRef:
		return fmt.Sprintf("Ref has %d characters, the limit is %d", fields.Length(ref), maxRef)
	case strings.ContainsAny(ref, "[]") || fields.Prose(ref) != ref || !utf8.ValidString(ref):
		return fmt.Sprintf("Ref %q must be plain text: no brackets, HTML entities, line breaks, or outer or double spaces", ref)
	}
	return ""
}

// isOwn reports whether a note of the ticket is the one. bound is the earliest
// that Autotask may show as the time of its creation.
func (n onceNote) isOwn(other *TicketNote, bound time.Time) bool {
	if n.ref != "" {
		return strings.HasSuffix(fields.Prose(other.Title), refSuffix(n.ref))
	}
	return n.note.sameAs(other) && !createdBefore(other, bound)
}

func (n onceNote) isRepeatable() bool { return n.ref != "" || !n.since.IsZero() }

// ensure finds the note or posts it. before, if not nil, is asked before a post.
func (n onceNote) ensure(ctx context.Context, c *Client, before func() error) (foundNote, error) {
	key, _ := n.note.createKey()
	path, body, err := kindOf[TicketNote]().newBody(n.note)
	if err != nil {
		return foundNote{}, err
	}
	done, err := c.takeTurn(ctx, key, http.MethodPost, path)
	if err != nil {
		return foundNote{}, err
	}
	defer done()

	sought := lostCreate{}
	if n.isRepeatable() {
		earlier, equal, err := n.earlier(ctx, c, key)
		if err != nil || earlier.id != 0 {
			return earlier, err
		}
		sought.known, sought.seen = true, equal
	}
	if before != nil {
		if err := before(); err != nil {
			return foundNote{}, err
		}
	}
	id, err := c.createInTurn(ctx, n.note, key, c.newOne(path, body), sought)
	if err != nil {
		return foundNote{}, err
	}
	posted := foundNote{id: id, created: true, reason: fmt.Sprintf("posted as note %d", id)}
	if !n.isRepeatable() {
		return posted, nil
	}
	return posted, n.holdToRule(ctx, c, key, id)
}

// earlier returns the note that an earlier run has posted, if there is one, and
// the ids of all notes with the same content, of whatever time.
func (n onceNote) earlier(ctx context.Context, c *Client, key writeKey) (earlier foundNote, equal []int64, err error) {
	own, equal, _, err := n.search(ctx, c)
	if err != nil {
		return foundNote{}, nil, fmt.Errorf("looking for the note of an earlier run: %w", err)
	}
	lost, remembered := c.core.unanswered.get(key)
	if remembered && lost.created.id == 0 {
		// The one that is unanswered is none of those that were there before it.
		own = slices.DeleteFunc(own, func(found *TicketNote) bool { return slices.Contains(lost.created.seen, found.ID) })
	}
	switch len(own) {
	case 0:
	case 1:
		c.core.unanswered.remove(key)
		c.core.recent.add(key.collection, own[0].ID)
		return foundNote{id: own[0].ID, note: own[0], reason: fmt.Sprintf("an earlier run posted it as note %d", own[0].ID)}, equal, nil
	default:
		if remembered && lost.created.named {
			id := lost.created.id
			return foundNote{id: id, note: own[0], reason: fmt.Sprintf("note %d is the one, as named before", id)}, equal, nil
		}
		return foundNote{}, nil, n.twins(c, key, own)
	}
	if !remembered || !lost.answeredFor(n.since) {
		return foundNote{}, equal, nil
	}
	// The search does not show it, or not as this rule knows it, but its id is
	// known.
	id := lost.created.id
	switch note, err := Get[TicketNote](ctx, c, id); {
	case err == nil && note.TicketID == n.note.TicketID:
		return foundNote{id: id, note: note, reason: fmt.Sprintf("this client posted it as note %d", id)}, equal, nil
	case err == nil || errors.Is(err, ErrNotFound):
		return foundNote{}, equal, nil
	default:
		return foundNote{}, nil, fmt.Errorf("looking for note %d, which this client posted: %w", id, err)
	}
}

// search reads the notes of the ticket. own are those that may be the one, equal
// the ids of those with the same content, all the ids of all.
func (n onceNote) search(ctx context.Context, c *Client) (own []*TicketNote, equal, all []int64, err error) {
	notes, err := c.notesOf(ctx, n.note.TicketID)
	if err != nil {
		return nil, nil, nil, err
	}
	bound := c.core.clock.earliest(n.since)
	for _, note := range notes {
		all = append(all, note.ID)
		if n.note.sameAs(note) {
			equal = append(equal, note.ID)
		}
		if n.isOwn(note, bound) {
			own = append(own, note)
		}
	}
	return own, equal, all, nil
}

// holdToRule looks for the note that was just posted as a repeat will look for
// it. A search that was blind to a note of an earlier run shows it by now, and
// what a repeat would not find, it would post again.
func (n onceNote) holdToRule(ctx context.Context, c *Client, key writeKey, id int64) error {
	// Until it is found, a repeat by this client goes by the id.
	c.core.unanswered.keepAnswered(key, lostCreate{since: time.Now(), id: id})
	for looks := 0; ; looks++ {
		own, _, all, err := n.search(ctx, c)
		shows := slices.Contains(all, id)
		known := slices.ContainsFunc(own, func(found *TicketNote) bool { return found.ID == id })
		switch {
		case err != nil:
			return unproven(ctx, "TicketNotes/query", fmt.Sprintf("note %d was posted; looking whether it is the only one failed", id), err)
		case len(own) > 1 || len(own) == 1 && !known:
			return n.twins(c, key, append(own, &TicketNote{ID: id, Title: n.note.Title}))
		case known:
			c.core.unanswered.remove(key)
			return nil
		case shows:
			return refusal(transport.NotApplied, http.MethodPost, "TicketNotes/query", fmt.Sprintf(
				"note %d was posted, but it reads back with another text or as created before the work began: a repeat by another client would not recognise it and post it again, unless it is given the note's id", id))
		case !c.core.transport.Pause(ctx, looks, 0):
			return unproven(ctx, "TicketNotes/query", fmt.Sprintf(
				"note %d was posted, but searches do not show it yet, and may hide one of an earlier run in the same way", id), nil)
		}
	}
}

// unproven is the error of an item that was created, and may not be the only one.
// It must not be taken for the failure of a search alone: that changes nothing.
func unproven(ctx context.Context, path, message string, searchErr error) error {
	if searchErr != nil {
		message += ": " + searchErr.Error()
	}
	e := refusal(transport.OutcomeUnknown, http.MethodPost, path, message)
	e.RetryAfter = max(landing, retryAfterOf(searchErr))
	return interrupted(ctx, e)
}

// twins is the error for a note that exists more than once. It is returned once:
// a repeat by this client continues with the first of them.
func (n onceNote) twins(c *Client, key writeKey, own []*TicketNote) error {
	e := &AmbiguousError{What: "note", Name: n.note.Title}
	for _, found := range own {
		if !slices.Contains(e.IDs(), found.ID) {
			e.Candidates = append(e.Candidates, Candidate{ID: found.ID, Label: found.Title})
		}
	}
	c.core.unanswered.keepAnswered(key, lostCreate{since: time.Now(), id: e.Candidates[0].ID, named: true})
	return e
}

// postNote is the first step of Resolve.
func (r *resolve) postNote(ctx context.Context) (StepState, string, error) {
	if r.Note == nil && r.NoteID == 0 {
		return StateSkipped, "no note given", nil
	}
	if r.NoteID != 0 {
		return r.givenNote(ctx)
	}
	note, err := noteFor(r.id, r.Note)
	if err != nil {
		return "", "", err
	}
	once := onceNote{note: withRef(*note, r.Ref), ref: r.Ref, since: r.StartedAt}
	ticket := r.read
	r.read = nil
	found, err := once.ensure(ctx, r.client, func() error {
		return errors.Join(r.writable(ticket), r.veto())
	})
	r.out.NoteID = found.id
	if found.created {
		r.stale, r.changed = true, true
	}
	switch {
	case err != nil:
		return "", "", err
	case found.created:
		return StateDone, found.reason, nil
	}
	return StateAlreadyDone, found.reason, r.askHistory(ctx, found.note)
}

// givenNote makes sure that the note the caller names is one of the ticket.
func (r *resolve) givenNote(ctx context.Context) (StepState, string, error) {
	r.read = nil
	note, err := Get[TicketNote](ctx, r.client, r.NoteID)
	if err != nil {
		return "", "", fmt.Errorf("reading the note that NoteID names: %w", err)
	}
	if note.TicketID != r.id {
		return "", "", invalid(http.MethodGet, itemPath[TicketNote](r.NoteID), "NoteID %d is a note of ticket %d, not of %d", r.NoteID, note.TicketID, r.id)
	}
	r.out.NoteID = r.NoteID
	return StateAlreadyDone, fmt.Sprintf("an earlier run posted it as note %d", r.NoteID), r.askHistory(ctx, note)
}
