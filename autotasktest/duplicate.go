package autotasktest

import (
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// SetDuplicateTickets turns on what Autotask calls Duplicate Ticket Handling, a
// setting of the tenant that governs the API, too: a ticket that is posted with
// the ticket number, the rmmAlertID, or the user-defined field whose name ends in
// "Ticket ID", of a ticket that its company has already, is not created. The
// answer is the id of the old one. It is off at first. What else a tenant does
// with the duplicate is not imitated.
func (s *Server) SetDuplicateTickets(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.duplicateTickets = on
}

// duplicateOf returns the ticket that a new one is a duplicate of, nil for none.
func (s *Server) duplicateOf(e *schema.Entity, body object) *row {
	if !s.duplicateTickets || e.Name != "Ticket" {
		return nil
	}
	company, _ := toInt64(body.get("companyID"))
	marks := marksOf(body)
	for _, r := range s.rowsWith("Tickets", "companyID", company) {
		theirs := marksOf(r.fields)
		for name, value := range marks {
			if theirs[name] == value {
				return r
			}
		}
	}
	return nil
}

// marksOf are the values by which duplicates are known, by the names of their
// fields.
func marksOf(ticket object) map[string]string {
	marks := make(map[string]string)
	for _, name := range []string{ticketNumber, "rmmAlertID"} {
		if v := ticket.get(name); !isNull(v) && textOf(v) != "" {
			marks[name] = strings.ToLower(textOf(v))
		}
	}
	all, _ := parseUDFs(ticket.get(udfsField)) // what cannot be read has no marks
	for _, u := range all {
		if text := textOf(u.value); !isNull(u.value) && text != "" && strings.HasSuffix(strings.ToLower(u.name), "ticket id") {
			marks["udf "+strings.ToLower(u.name)] = strings.ToLower(text)
		}
	}
	return marks
}
