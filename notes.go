package autotask

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/autotask-go/autotask/internal/fields"
)

// NotesService creates and reads ticket notes.
type NotesService struct{ client *Client }

// Create adds a note to a ticket and returns the note's id (POST
// /Tickets/{ticketID}/Notes, the only way there is; contract, section 7).
// Title, Description, NoteType and Publish must be set: none has a default,
// and a wrong Publish shows internal text to the customer. Their ids are
// picklists of the tenant; see PicklistsService. n.TicketID may be 0.
//
// If the answer is lost, the note is searched for among those of the ticket
// created since the call. If it is not there the error is ErrOutcomeUnknown: it
// may still turn up. The note is never posted a second time.
func (s *NotesService) Create(ctx context.Context, ticketID int64, n *TicketNote) (int64, error) {
	note, err := noteFor(ticketID, n)
	if err != nil {
		return 0, err
	}
	return Create(ctx, s.client, note)
}

// noteFor copies a note and ties the copy to its ticket.
func noteFor(ticketID int64, n *TicketNote) (*TicketNote, error) {
	if err := checkID[Ticket](http.MethodPost, ticketID); err != nil {
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

// All ranges over the notes that q asks for, in the order of their ids (POST
// /TicketNotes/query). For those of one ticket: Eq("ticketID", id).
func (s *NotesService) All(ctx context.Context, q Query) iter.Seq2[*TicketNote, error] {
	return All[TicketNote](ctx, s.client, q)
}

// Scan reads one large result with several workers, in any order; see the
// function Scan.
func (s *NotesService) Scan(ctx context.Context, q Query, workers int, rest ...Range) iter.Seq2[*Page[TicketNote], error] {
	return Scan[TicketNote](ctx, s.client, q, workers, rest...)
}

// List reads the notes that q asks for into memory.
func (s *NotesService) List(ctx context.Context, q Query) ([]*TicketNote, error) {
	return List[TicketNote](ctx, s.client, q)
}

// Pages ranges over the notes that q asks for by whole pages, each with the
// position from which a later run can go on. See the function Pages.
func (s *NotesService) Pages(ctx context.Context, q Query) iter.Seq2[*Page[TicketNote], error] {
	return Pages[TicketNote](ctx, s.client, q)
}

// Count tells how many notes match q's filter (POST /TicketNotes/query/count).
func (s *NotesService) Count(ctx context.Context, q Query) (int64, error) {
	return Count[TicketNote](ctx, s.client, q)
}

func (n *TicketNote) findCreated(ctx context.Context, c *Client, since time.Time) (int64, error) {
	twins, _, err := n.twins(ctx, c, since)
	for _, id := range twins {
		// A twin that this client posted a moment before is not the one.
		if !c.core.recent.has(n.Collection(), id) {
			return id, err
		}
	}
	return 0, err
}

// twins returns the ids of the ticket's notes that are the same as n and were
// created at or after a moment of our clock, and the ids of all its notes. It
// reads all of them and compares here: a filter that the server understood
// differently would hide a note, and have it posted twice.
func (n *TicketNote) twins(ctx context.Context, c *Client, since time.Time) (twins, all []int64, err error) {
	for other, err := range c.Notes.All(ctx, Query{Filter: Eq("ticketID", n.TicketID)}) {
		if err != nil {
			return nil, nil, err
		}
		if other.TicketID != n.TicketID {
			return nil, nil, nonsense("TicketNotes/query",
				"Autotask answered a search for notes of ticket %d with note %d of ticket %d", n.TicketID, other.ID, other.TicketID)
		}
		all = append(all, other.ID)
		if n.sameAs(other) && !createdBefore(other, c.core.clock.earliest(since)) {
			twins = append(twins, other.ID)
		}
	}
	return twins, all, nil
}

func (n *TicketNote) sameAs(other *TicketNote) bool {
	return keyOf(*n) == keyOf(*other)
}

// createdBefore is false of a note that does not say when it was created: it
// cannot be told apart then, and one note is better than two.
func createdBefore(n *TicketNote, t time.Time) bool {
	created, ok := n.CreateDateTime.Get()
	return ok && created.Before(t)
}

// unsettled remembers the notes whose posts were not answered or that searches
// do not show, with their ids where those are known. It keeps digests: a bulk
// may leave very many, and they may be long.
type unsettled struct {
	mu    sync.Mutex
	notes map[noteDigest]unsettledNote
}

type unsettledNote struct {
	id int64
	at time.Time
}

// In a program that runs for months, what is long past makes room. In an hour
// Autotask takes fewer requests than there is room for.
const (
	maxUnsettled = 20_000
	longPast     = time.Hour
)

// noteKey is what makes two notes the same.
type noteKey struct {
	ticketID, noteType, publish int64
	title, description          string
}

func keyOf(n TicketNote) noteKey {
	return noteKey{n.TicketID, n.NoteType, n.Publish, fields.Even(n.Title), fields.Even(n.Description)}
}

type noteDigest [sha256.Size]byte

func digestOf(n TicketNote) noteDigest { return sha256.Sum256(fmt.Appendf(nil, "%#v", keyOf(n))) }

func (u *unsettled) add(n TicketNote, id int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.notes == nil {
		u.notes = make(map[noteDigest]unsettledNote)
	}
	if len(u.notes) >= maxUnsettled {
		maps.DeleteFunc(u.notes, func(_ noteDigest, n unsettledNote) bool { return time.Since(n.at) > longPast })
	}
	u.notes[digestOf(n)] = unsettledNote{id, time.Now()}
}

func (u *unsettled) remove(n TicketNote) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.notes, digestOf(n))
}

func (u *unsettled) get(n TicketNote) (id int64, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	note, ok := u.notes[digestOf(n)]
	return note.id, ok
}

// recentIDs remembers what a client's creates were answered with last.
type recentIDs struct {
	mu   sync.Mutex
	ring [256]recentID
	next int
}

type recentID struct {
	collection string
	id         int64
}

func (r *recentIDs) add(collection string, id int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring[r.next%len(r.ring)] = recentID{collection, id}
	r.next++
}

func (r *recentIDs) has(collection string, id int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.ring[:], recentID{collection, id})
}
