package autotask

import (
	"context"
	"iter"
	"net/http"
)

// NotesService creates and reads ticket notes.
type NotesService struct{ client *Client }

// Create adds a note to a ticket and returns the note's id (POST
// /Tickets/{ticketID}/Notes, the only way there is; contract, section 7).
// Title, Description, NoteType and Publish must be set: none has a default,
// and a wrong Publish shows internal text to the customer. Their ids are
// picklists of the tenant; see PicklistsService. n.TicketID may be 0.
//
// If the answer is lost the error is ErrOutcomeUnknown.
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

// List reads the notes that q asks for into memory.
func (s *NotesService) List(ctx context.Context, q Query) ([]*TicketNote, error) {
	return List[TicketNote](ctx, s.client, q)
}

// Count tells how many notes match q's filter (POST /TicketNotes/query/count).
func (s *NotesService) Count(ctx context.Context, q Query) (int64, error) {
	return Count[TicketNote](ctx, s.client, q)
}
