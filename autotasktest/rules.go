package autotasktest

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/autotask-go/autotask/internal/schema"
)

const ticketNumber = "ticketNumber"

// The one status that resolves a ticket, whatever the labels of others say
// (docs/api-notes.md, section 7.6).
const statusComplete = "5"

// Fields that the server fills by itself, in whichever entity has them.
var (
	creationDates   = []string{"createDate", "createDateTime", "createdDate", "createdDateTime"}
	creators        = []string{"creatorResourceID", "createdByResourceID", "creatorUserID"}
	changeDates     = []string{"lastActivityDate", "lastActivityDateTime", "lastModifiedDate", "lastModifiedDateTime", "lastTrackedModificationDateTime", "lastTrackedModifiedDateTime"}
	changers        = []string{"lastActivityResourceID", "lastModifiedByResourceID", "lastModifiedUserID"}
	resolutionDates = []string{"completedDate", "resolvedDateTime"}
)

// isKept reports whether no client can change a field: the table marks most such
// fields as read-only, but is incomplete for rarer entities.
func isKept(f *schema.Field) bool {
	return f.ReadOnly || f.Name == ticketNumber || slices.Contains(stamped, f.Name)
}

var stamped = slices.Concat(creationDates, creators, changeDates, changers)

// stamper fills fields of one row, except those that were given otherwise.
type stamper struct {
	*form

	fields *object
	given  func(name string) bool // nil: none was
}

func (s stamper) set(value json.RawMessage, names ...string) {
	for _, name := range names {
		if _, has := s.at[name]; has && (s.given == nil || !s.given(name)) {
			s.form.set(s.fields, name, value)
		}
	}
}

// stampCreation fills what the server knows about a new row.
func (s *Server) stampCreation(e *schema.Entity, fields *object, c *call, given func(string) bool) {
	st := stamper{formOf(e), fields, given}
	now := s.stamp()
	st.set(now, creationDates...)
	st.set(integer(c.actor), creators...)
	stampImpersonator(e, fields, "impersonatorCreatorResourceID", c.impersonator)
	switch e.Name {
	case "Ticket":
		st.set(integer(1), "creatorType")
		st.set(s.newTicketNumber(given), ticketNumber)
	case "TimeEntry":
		st.set(timeEntryType(*fields), "timeEntryType")
	}
	stampWebhook(st)
	if isAttachment(e) {
		s.stampAttachment(st, c.actor)
	}
	s.stampChangeAt(now, st, c.actor)
}

// stampChange fills what the server knows about a changed row.
func (s *Server) stampChange(e *schema.Entity, fields *object, actor int64, given func(string) bool) {
	s.stampChangeAt(s.stamp(), stamper{formOf(e), fields, given}, actor)
}

func (s *Server) stampChangeAt(now json.RawMessage, st stamper, actor int64) {
	st.set(now, changeDates...)
	st.set(integer(actor), changers...)
	if st.entity.Name == "Ticket" {
		s.stampResolution(st, actor)
	}
}

func stampImpersonator(e *schema.Entity, fields *object, name string, impersonator int64) {
	if impersonator != 0 {
		stamper{form: formOf(e), fields: fields}.set(integer(impersonator), name)
	}
}

// stampResolution sets the dates of a ticket's resolution when its status is
// the one that resolves it, and clears them under any other.
func (s *Server) stampResolution(st stamper, actor int64) {
	const completedBy = "completedByResourceID"
	if textOf(st.fields.get("status")) != statusComplete {
		st.set(null, resolutionDates...)
		st.set(null, completedBy)
		return
	}
	for _, name := range resolutionDates {
		if isNull(st.fields.get(name)) {
			st.set(s.stamp(), name)
		}
	}
	if isNull(st.fields.get(completedBy)) {
		st.set(integer(actor), completedBy)
	}
}

// newTicketNumber counts the tickets of a day: T20261123.0001. A ticket that
// brings its number uses none up.
func (s *Server) newTicketNumber(given func(string) bool) json.RawMessage {
	if given != nil && given(ticketNumber) {
		return null
	}
	number := s.databaseNow().UTC().AppendFormat(make([]byte, 0, len(`"T20060102.0000"`)), `"T20060102.`)
	day := string(number)
	s.ticketsOfDay[day]++
	for n := s.ticketsOfDay[day]; n < 1000; n *= 10 { // four digits at least
		number = append(number, '0')
	}
	return append(strconv.AppendInt(number, int64(s.ticketsOfDay[day]), 10), '"')
}

// timeEntryType returns what the time was spent on: a ticket, a task, or neither.
func timeEntryType(fields object) json.RawMessage {
	switch {
	case !isNull(fields.get("ticketID")):
		return integer(2)
	case !isNull(fields.get("taskID")):
		return integer(6)
	}
	return integer(5)
}

// dayOf returns a date as it was written, at midnight: Autotask converts no zone and
// drops the time of day.
func dayOf(v json.RawMessage) json.RawMessage {
	text := textOf(v)
	day, err := time.Parse(time.DateOnly, text[:min(len(text), len(time.DateOnly))])
	if err != nil {
		return v
	}
	return formatDate(day)
}
