package autotasktest

import (
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// SetDuplicateTickets turns on Duplicate Ticket Handling, a setting of the tenant
// that governs the API, too. A posted ticket is a duplicate if its company already
// has a ticket with the same ticket number, rmmAlertID, or user-defined field whose
// name ends in "Ticket ID". It is not created, and the answer is the id of the old
// one. It is off by default. What else a tenant does with a duplicate is not
// imitated.
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

// marksOf returns the values that identify duplicates, by the names of their fields.
func marksOf(ticket object) map[string]string {
	marks := make(map[string]string)
	for _, name := range []string{ticketNumber, "rmmAlertID"} {
		if v := ticket.get(name); !isNull(v) && textOf(v) != "" {
			marks[name] = strings.ToLower(textOf(v))
		}
	}
	all, _ := parseUDFs(ticket.get(udfsField)) // unreadable fields have no marks
	for _, u := range all {
		if text := textOf(u.value); !isNull(u.value) && text != "" && strings.HasSuffix(strings.ToLower(u.name), "ticket id") {
			marks["udf "+strings.ToLower(u.name)] = strings.ToLower(text)
		}
	}
	return marks
}
