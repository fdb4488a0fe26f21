package autotasktest

import (
	"encoding/json"

	"github.com/autotask-go/autotask/internal/schema"
)

// Remove deletes a row as a person does in the web interface: as TechnicianID, even
// if the API has no DELETE. The deletion is logged, and reported by webhooks. The
// row's children stay. A row that does not exist is wrong use.
//
// Tickets are logged in DeletedTicketLogs; notes, time entries and attachments of
// tickets and tasks in DeletedTicketActivityLogs and DeletedTaskActivityLogs,
// which name the ticket or task, and not the row. Nothing else is logged.
func (s *Server) Remove(collection string, id int64) {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return
	}
	if !s.removeByHand(e, id) {
		s.fail("Remove: there is no %s %d", e.Name, id)
	}
}

func (s *Server) removeByHand(e *schema.Entity, id int64) bool {
	s.look()
	defer s.mu.Unlock()
	t := s.table(e)
	old := t.rows[id]
	if old == nil {
		return false
	}
	c := &call{actor: TechnicianID}
	c.table, c.rowID, c.before, c.wrote = t, id, old, true
	t.remove(id)
	s.meddle(c)
	s.announce(c)
	return true
}

// firstDeletionID is the first id of deletion logs, which have their own sequence,
// like the history.
const firstDeletionID = 910_000_000

// What was deleted, in the activity logs. The numbers of the API are not known.
const (
	deletedNote       = 1
	deletedTimeEntry  = 2
	deletedAttachment = 3
)

// logDeletion adds the row that reports a deletion, if the API has one.
func (s *Server) logDeletion(e *schema.Entity, r *row, actor int64) {
	switch e.Name {
	case "Ticket":
		s.addLog("DeletedTicketLogs", firstDeletionID, object{
			{"ticketID", integer(r.id)},
			{"ticketNumber", r.fields.get(ticketNumber)},
			{"ticketTitle", r.fields.get("title")},
			{"deletedByResourceID", integer(actor)},
			{"deletedDateTime", s.stamp()},
		})
	case "TicketNote", "TaskNote":
		s.logActivity(r, deletedNote, "createDateTime", actor)
	case "TimeEntry":
		s.logActivity(r, deletedTimeEntry, "createDateTime", actor)
	case "TicketAttachment", "TaskAttachment":
		s.logActivity(r, deletedAttachment, "attachDate", actor)
	}
}

// logActivity logs the deletion of a ticket's or a task's child. Internal time
// belongs to neither, and is not logged.
func (s *Server) logActivity(r *row, kind int64, at string, actor int64) {
	get := r.fields.get
	activity := object{
		{"noteOrAttachmentTitle", get("title")},
		{"createdByResourceID", firstOf(get("creatorResourceID"), get("creatorUserID"), get("attachedByResourceID"))},
		{"activityDateTime", get(at)},
		{"startDateTime", get("startDateTime")},
		{"endDateTime", get("endDateTime")},
		{"hoursWorked", get("hoursWorked")},
		{"deletedByResourceID", integer(actor)},
		{"deletedDateTime", s.stamp()},
	}
	of := func(collection, id, number string) {
		owner, ok := toInt64(get(id))
		if !ok {
			return
		}
		named := null
		if o := s.rowOf(collection, owner); o != nil {
			named = o.fields.get(number)
		}
		about := object{{"typeID", integer(kind)}, {id, integer(owner)}, {number, named}}
		s.addLog("Deleted"+collection[:len(collection)-1]+"ActivityLogs", firstDeletionID, append(about, activity...))
	}
	of("Tickets", "ticketID", ticketNumber)
	of("Tasks", "taskID", "taskNumber")
}

// firstOf is the first value that is not null.
func firstOf(values ...json.RawMessage) json.RawMessage {
	for _, v := range values {
		if !isNull(v) {
			return v
		}
	}
	return null
}

// addLog puts a row into a log, whose ids ascend.
func (s *Server) addLog(collection string, first int64, fields object) {
	t := s.table(schema.Lookup(collection).Entity)
	id := first
	if last := len(t.ids) - 1; last >= 0 && t.ids[last] >= id {
		id = t.ids[last] + 1
	}
	t.put(&row{id: id, fields: append(object{{"id", integer(id)}}, fields...)})
}

// touchTicket updates the last activity of the ticket of a note or a time entry.
func (s *Server) touchTicket(e *schema.Entity, r *row, actor int64) {
	if e.Name != "TicketNote" && e.Name != "TimeEntry" {
		return
	}
	id, ok := toInt64(r.fields.get("ticketID"))
	t := s.table(schema.Lookup("Tickets").Entity)
	old := t.rows[id]
	if !ok || old == nil {
		return
	}
	fields := append(object(nil), old.fields...)
	fields.set("lastActivityDate", s.stamp())
	fields.set("lastActivityResourceID", integer(actor))
	t.put(&row{id: id, fields: fields})
}
