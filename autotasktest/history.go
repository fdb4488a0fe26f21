package autotasktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/autotask-go/autotask/internal/schema"
)

// systemID is the actor when Autotask itself acts: a workflow rule.
const systemID int64 = 4

// firstHistoryID is the first id of the history, which has its own sequence, so that
// a write does not shift the ids of other rows.
const firstHistoryID = 900_000_000

// Change changes fields of a row as a person does in the web interface: as
// TechnicianID, with the resulting stamps and rules, such as the dates of a ticket's
// resolution, with rows of a ticket's history, and with webhook calls. Stamped fields
// that are given in fields are set as given. A row or a field that does not exist is
// wrong use.
func (s *Server) Change(collection string, id int64, fields map[string]any) {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return
	}
	given, err := givenFields(e, fields)
	if err != nil {
		s.fail("Change: %s: %v", collection, err)
		return
	}
	if !s.changeByHand(e, id, given) {
		s.fail("Change: there is no %s %d", e.Name, id)
	}
}

func (s *Server) changeByHand(e *schema.Entity, id int64, given object) bool {
	s.look()
	defer s.mu.Unlock()
	return s.changeStored(e, id, given)
}

// changeStored is changeByHand for a caller that holds the lock.
func (s *Server) changeStored(e *schema.Entity, id int64, given object) bool {
	t := s.table(e)
	old := t.rows[id]
	if old == nil {
		return false
	}
	fields := slices.Clone(old.fields)
	for _, m := range given {
		fields.set(m.name, m.value)
	}
	c := &call{actor: TechnicianID}
	s.stampChange(e, &fields, c.actor, given.has)
	s.store(c, t, &row{id: id, fields: fields})
	s.meddle(c)
	s.announce(c)
	return true
}

// recordHistory adds the rows of a ticket's history for a change, one per field.
func (s *Server) recordHistory(e *schema.Entity, before, now *row, actor int64) {
	if e.Name != "Ticket" || before == nil || now == nil {
		return
	}
	for _, f := range e.Fields {
		if isKept(f) || f.Kind == schema.UDFs {
			continue
		}
		was, is := before.fields.get(f.Name), now.fields.get(f.Name)
		if textOf(was) == textOf(is) {
			continue
		}
		s.addHistory(now.id, actor, fmt.Sprintf("%s changed from %s to %s", labelOf(f.Name), s.shownInHistory(f, was), s.shownInHistory(f, is)))
	}
}

func (s *Server) addHistory(ticket, actor int64, detail string) {
	s.addLog("TicketHistory", firstHistoryID, object{
		{"action", encode("Edited")},
		{"date", s.stamp()},
		{"detail", encode(detail)},
		{"resourceID", integer(actor)},
		{"ticketID", integer(ticket)},
	})
}

// labelOf returns a field's name as the history shows it: "status" is "Status",
// "assignedResourceID" is "Assigned Resource". Only the first is known from the API.
func labelOf(field string) string {
	field = strings.TrimSuffix(strings.TrimSuffix(field, "ID"), "Id")
	var b strings.Builder
	for i, r := range field {
		switch {
		case i == 0:
			r = unicode.ToUpper(r)
		case unicode.IsUpper(r):
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// maxHistoryText is how much of a text the history shows.
const maxHistoryText = 100

// shownInHistory returns a value as the history shows it: the label of a picklist
// value, otherwise the value.
func (s *Server) shownInHistory(f *schema.Field, v json.RawMessage) string {
	text := textOf(v)
	if isNull(v) || text == "" {
		return "nothing"
	}
	for _, p := range s.picklists[f] {
		if p.Value == text {
			return p.Label
		}
	}
	if runes := []rune(text); len(runes) > maxHistoryText {
		return string(runes[:maxHistoryText]) + "…"
	}
	return text
}
