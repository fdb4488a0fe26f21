package autotasktest

import (
	"encoding/json"
	"slices"

	"github.com/autotask-go/autotask/internal/schema"
)

// The types of tickets that cannot be merged.
var unmergeable = []string{"3", "4"} // problem, change request

// Merge merges a ticket into another one as a person does in the web interface
// (docs/api-notes.md, section 7.9): the source becomes complete and stays, and each
// of the two gets a note that names the other. No field of the source tells where
// it went. A ticket that does not exist is wrong use, and so is a problem or a
// change request, which cannot be merged.
//
// The texts and the type of the notes are invented: match none of them.
func (s *Server) Merge(source, target int64) {
	s.t.Helper()
	s.look()
	defer s.mu.Unlock()
	for _, id := range []int64{source, target} {
		switch r := s.rowOf("Tickets", id); {
		case r == nil:
			s.fail("Merge: there is no Ticket %d", id)
			return
		case slices.Contains(unmergeable, textOf(r.fields.get("ticketType"))):
			s.fail("Merge: Ticket %d is a problem or a change request, which cannot be merged", id)
			return
		}
	}
	if source == target {
		s.fail("Merge: Ticket %d cannot be merged with itself", source)
		return
	}
	s.changeStored(schema.Lookup("Tickets").Entity, source, object{{"status", json.RawMessage(statusComplete)}})
	s.addMergeNote(source, "Merged into "+s.numberOf(target))
	s.addMergeNote(target, "Merged from "+s.numberOf(source))
}

func (s *Server) numberOf(ticket int64) string {
	return textOf(s.rowOf("Tickets", ticket).fields.get(ticketNumber))
}

// addMergeNote creates a note, which moves the activity of its ticket.
func (s *Server) addMergeNote(ticket int64, text string) {
	e := schema.Lookup("TicketNotes").Entity
	id := s.seed(e, object{
		{"ticketID", integer(ticket)},
		{"title", encode(text)},
		{"description", encode(text)},
		{"creatorResourceID", integer(TechnicianID)},
	})
	c := &call{actor: TechnicianID}
	c.table, c.rowID, c.wrote = s.table(e), id, true
	s.meddle(c)
	s.announce(c)
}
