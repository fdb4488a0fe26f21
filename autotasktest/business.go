package autotasktest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// checkRow refuses a row that contradicts itself or other rows, although each of its
// values is valid. Error texts recorded from the API are used verbatim.
func (w *write) checkRow(fields object) error {
	if err := w.checkLengths(fields); err != nil {
		return err
	}
	r := &rowCheck{w, fields}
	switch w.entity.Name {
	case "Ticket":
		return r.ticket()
	case "TimeEntry":
		return r.timeEntry()
	case "ContactGroup":
		return r.contactGroup()
	}
	return nil
}

// SetOverlongTexts sets whether an update is accepted if its row already holds a text
// longer than its field, from a time when the field was longer. By default it is
// refused, whatever the update changes: otherwise a program that PUTs such a ticket
// would find out only in production.
func (s *Server) SetOverlongTexts(accepted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overlongTexts = accepted
}

// SetStartAndStopTimes sets whether time on a ticket needs a start and an end.
// Contracts and tenants differ; by default it does not.
func (s *Server) SetStartAndStopTimes(required bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.startAndStop = required
}

// checkLengths checks the texts that a write leaves unchanged.
func (w *write) checkLengths(fields object) error {
	if w.mode == creating || w.server.overlongTexts {
		return nil
	}
	for _, f := range w.entity.Fields {
		if isTooLong(f, fields.get(f.Name)) {
			return complain("String value exceeds maximum length. Field: %s%s", f.Name, onRecord)
		}
	}
	return nil
}

// rowCheck checks a row that is about to be written.
type rowCheck struct {
	*write

	fields object
}

// id returns the value of a field that holds an id; false for null.
func (r *rowCheck) id(name string) (int64, bool) { return toInt64(r.fields.get(name)) }

// changes reports whether the write gives one of the fields another value.
func (r *rowCheck) changes(names ...string) bool {
	return r.mode == creating || slices.ContainsFunc(names, func(name string) bool {
		return textOf(r.fields.get(name)) != textOf(r.old.get(name))
	})
}

func (r *rowCheck) ticket() error {
	if err := r.assignment(); err != nil {
		return err
	}
	if err := r.contact(); err != nil {
		return err
	}
	if err := r.location(); err != nil {
		return err
	}
	return r.contract()
}

// assignment checks that a resource and a role are set together, and that the
// resource has the role.
func (r *rowCheck) assignment() error {
	const resourceID, roleID = "assignedResourceID", "assignedResourceRoleID"
	if !r.changes(resourceID, roleID) {
		return nil
	}
	resource, hasResource := r.id(resourceID)
	role, hasRole := r.id(roleID)
	switch {
	case hasResource != hasRole:
		return complain("Data violation: When assigning a Resource, you must assign both a %s and %s.", resourceID, roleID)
	case hasResource && !r.server.hasRole(resource, role):
		return complain("The specified AssignedResourceID and AssignedRoleID combination is not currently defined")
	}
	return nil
}

// hasRole reports whether an active resource has a role.
func (s *Server) hasRole(resource, role int64) bool {
	person := s.rowOf("Resources", resource)
	if person == nil || isFalse(person.fields.get("isActive")) {
		return false
	}
	for _, r := range s.rowsWith("ResourceRoles", "resourceID", resource) {
		if id, ok := toInt64(r.fields.get("roleID")); ok && id == role && !isFalse(r.fields.get("isActive")) {
			return true
		}
	}
	return false
}

// rowsWith returns the rows of a collection that hold an id in a field.
func (s *Server) rowsWith(collection, field string, id int64) []*row {
	t := s.table(schema.Lookup(collection).Entity)
	var rows []*row
	for _, at := range t.index(fieldColumn(t.entity.Field(field))).ids[key{number: float64(id)}] {
		rows = append(rows, t.rows[at])
	}
	return rows
}

func isFalse(v json.RawMessage) bool {
	text := strings.ToLower(textOf(v))
	return text == "false" || text == "0"
}

// contact checks that the contact is active and belongs to the ticket's company.
// Autotask checks it in every update, so an old ticket cannot be written once its
// contact is inactive.
func (r *rowCheck) contact() error {
	id, has := r.id("contactID")
	if !has {
		return nil
	}
	contact := r.server.rowOf("Contacts", id)
	if contact == nil || isFalse(contact.fields.get("isActive")) {
		return badReference("contactID", schema.Lookup("Contacts").Entity)
	}
	if !r.isOfCompany(contact) {
		return complain("Data violation: contactID is not associated to the companyID or its Parent Company..")
	}
	return nil
}

func (r *rowCheck) location() error {
	id, has := r.id("companyLocationID")
	if !has {
		return nil
	}
	location := r.server.rowOf("CompanyLocations", id)
	switch {
	case location == nil:
		return badReference("companyLocationID", schema.Lookup("CompanyLocations").Entity)
	case !r.isOfCompany(location):
		return complain("The companyLocationID[%d] cannot be associated with the Ticket. The CompanyLocation must belong to the Ticket's, ConfigurationItem's, or the Contact's Company.", id)
	}
	return nil
}

func (r *rowCheck) contract() error {
	id, has := r.id("contractID")
	if !has {
		return nil
	}
	contract := r.server.rowOf("Contracts", id)
	switch {
	case contract == nil:
		return badReference("contractID", schema.Lookup("Contracts").Entity)
	case !r.isOfCompany(contract):
		return complain("contractID [%d] is not associated to companyID [%s] or its parent.", id, textOf(r.fields.get("companyID")))
	}
	return nil
}

// isOfCompany reports whether a row belongs to the company of the row that is
// written, or to the parent of that company.
func (r *rowCheck) isOfCompany(of *row) bool {
	company, _ := r.id("companyID")
	owner, ok := toInt64(of.fields.get("companyID"))
	if !ok || owner == company {
		return ok
	}
	c := r.server.rowOf("Companies", company)
	if c == nil {
		return false
	}
	parent, has := toInt64(c.fields.get("parentCompanyID"))
	return has && parent == owner
}

// maxHours is the most that one time entry may have.
const maxHours = 24

func (r *rowCheck) timeEntry() error {
	if err := r.workedOn(); err != nil {
		return err
	}
	if err := r.hours(); err != nil {
		return err
	}
	if err := r.worker(); err != nil {
		return err
	}
	return r.summary()
}

// summary checks that time on a ticket says what was done.
func (r *rowCheck) summary() error {
	_, onTicket := r.id("ticketID")
	notes := r.fields.get("summaryNotes")
	if onTicket && r.changes("ticketID", "summaryNotes") && (isNull(notes) || strings.TrimSpace(textOf(notes)) == "") {
		return missing("summaryNotes")
	}
	return nil
}

// timeIsOn are the fields that say what time was spent on.
var timeIsOn = []string{"ticketID", "taskID", "internalBillingCodeID"}

// workedOn checks that time is on a ticket, a task, or internal; the typing error in
// the text is Autotask's own.
func (r *rowCheck) workedOn() error {
	if !r.changes(timeIsOn...) {
		return nil
	}
	n := 0
	for _, name := range timeIsOn {
		if !isNull(r.fields.get(name)) {
			n++
		}
	}
	switch {
	case n > 1:
		return complain("Only one of ticketID,taskID and InternallAllocationCodeID can be used at once")
	case n == 0:
		return complain("One of ticketID, taskID and internalBillingCodeID is required.%s", onRecord)
	}
	return nil
}

func (r *rowCheck) hours() error {
	if _, onTicket := r.id("ticketID"); onTicket && r.server.startAndStop && (isNull(r.fields.get("startDateTime")) || isNull(r.fields.get("endDateTime"))) {
		return complain("TimeEntries for Service tickets require a start and stop time.")
	}
	v := r.fields.get("hoursWorked")
	if isNull(v) || !r.changes("hoursWorked") {
		return nil
	}
	if hours, err := strconv.ParseFloat(textOf(v), 64); err != nil || hours <= 0 || hours > maxHours {
		return complain("hoursWorked must be greater than 0 and less than or equal to %d.%s", maxHours, onRecord)
	}
	return nil
}

// worker checks who worked: the API user cannot own time; others need a role that
// they have, except for internal time.
func (r *rowCheck) worker() error {
	if !r.changes("resourceID", "roleID") {
		return nil
	}
	resource, _ := r.id("resourceID")
	if resource == APIUserID {
		return complain("An API-only resource cannot have time entries.%s", onRecord)
	}
	_, onTicket := r.id("ticketID")
	role, hasRole := r.id("roleID")
	switch {
	case onTicket && !hasRole:
		return complain("TimeEntries for Tickets must have a roleID")
	case hasRole && !r.server.hasRole(resource, role):
		return badReference("roleID", schema.Lookup("Roles").Entity)
	}
	return nil
}

func (r *rowCheck) contactGroup() error {
	name := textOf(r.fields.get("name"))
	if isNull(r.fields.get("name")) || !r.changes("name") {
		return nil
	}
	for _, other := range r.server.table(r.entity).all() {
		if other.id != r.write.id && strings.EqualFold(textOf(other.fields.get("name")), name) {
			return complain("A ContactGroup already exists with Name [%s]. ContactGroup names must be unique.", name)
		}
	}
	return nil
}

// dropped are fields that a write may name and that stay empty.
var dropped = []string{"TicketAttachment.ticketNoteID"}

func isDropped(e *schema.Entity, f *schema.Field) bool {
	return slices.Contains(dropped, e.Name+"."+f.Name)
}
