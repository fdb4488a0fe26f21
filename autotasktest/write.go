package autotasktest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/autotask-go/autotask/internal/schema"
)

// write is one create, replacement or patch on its way from the body to a row.
type write struct {
	server     *Server
	collection *schema.Collection
	entity     *schema.Entity
	mode       mode
	id, parent int64
	body       object
	old        object // what the row held; empty for a create
}

type mode int

const (
	creating mode = iota
	replacing
	patching
)

// onRecord ends every complaint about a field, as the API numbers the records
// of a request; there is only ever one.
const onRecord = " ; on record number [1]."

func missing(field string) error {
	return complain("Missing Required Field: %s. ; on record number [1]", field)
}

func (s *Server) create(c *call) answer {
	body, err := parseBody(c.body)
	if err != nil {
		return refuseError(err)
	}
	if err := s.checkParent(c); err != nil {
		return refuseError(err)
	}
	t := s.table(c.collection.Entity)
	w := s.newWrite(c, creating, body)
	fields, err := w.row()
	if err != nil {
		return refuseError(err)
	}
	if old := s.duplicateOf(t.entity, body); old != nil {
		return written(old.id)
	}
	if isAttachment(t.entity) {
		if err := s.checkAttachment(fields); err != nil {
			return refuseError(err)
		}
	}
	id := s.newID(t)
	fields.set("id", integer(id))
	s.stampCreation(t.entity, &fields, c, nil)
	return s.store(c, t, &row{id: id, fields: fields})
}

func (s *Server) replace(c *call) answer { return s.change(c, replacing) }

func (s *Server) patch(c *call) answer { return s.change(c, patching) }

// change writes to a row that is there. The body names it; the path never does.
func (s *Server) change(c *call, m mode) answer {
	body, err := parseBody(c.body)
	if err != nil {
		return refuseError(err)
	}
	t := s.table(c.collection.Entity)
	if m == replacing {
		if err := checkStabilising(t.entity, body); err != nil {
			return refuseError(err)
		}
	}
	id, ok := toInt64(body.get("id"))
	if !ok {
		return refuseError(missing("id"))
	}
	old := t.rows[id]
	if old == nil || !c.owns(old) {
		return noRecord("update")
	}
	w := s.newWrite(c, m, body)
	w.id, w.old = id, old.fields
	fields, err := w.row()
	if err != nil {
		return refuseError(err)
	}
	s.stampChange(t.entity, &fields, c.actor, nil)
	stampImpersonator(t.entity, &fields, "impersonatorUpdaterResourceID", c.impersonator)
	return s.store(c, t, &row{id: id, fields: fields})
}

func (s *Server) remove(c *call) answer {
	t := s.table(c.collection.Entity)
	old := t.rows[c.id]
	if old == nil || !c.owns(old) {
		return noRecord("delete")
	}
	c.table, c.rowID, c.before, c.wrote = t, c.id, old, true
	t.remove(c.id)
	return written(c.id)
}

func (s *Server) store(c *call, t *table, r *row) answer {
	c.table, c.rowID, c.before, c.wrote = t, r.id, t.rows[r.id], true
	t.put(r)
	if c.before == nil && hasNoID(t.entity) {
		return okWith("itemId", null)
	}
	return written(r.id)
}

// hasNoID reports whether what a write makes of an entity has no id to answer.
func hasNoID(e *schema.Entity) bool {
	f := e.Field("id")
	return f != nil && f.NoID
}

func noRecord(verb string) answer {
	return refuse("No message. No matching records found. The logged in Resource may not have the required permissions to " + verb + " the data.")
}

// parseBody reads the body of a write: the fields, at its root. The wrapper
// that a GET answers with is refused (docs/api-notes.md, section 2.1).
func parseBody(data []byte) (object, error) {
	body, err := parseSent(data)
	if err != nil {
		return nil, err
	}
	if wrapped := body.get("item"); wrapped[0] == '{' {
		return nil, complain(`The fields must be at the root of the body, not under "item".`)
	}
	return body, nil
}

// checkStabilising refuses the replacement of a ticket that leaves out one of
// the fields which keep it what it is (docs/api-notes.md, section 7.4). Null is a value.
func checkStabilising(e *schema.Entity, body object) error {
	if !body.has("id") {
		return missing("id")
	}
	for _, f := range e.Fields {
		if f.Stabilising && !body.has(f.Name) {
			return missing(f.Name)
		}
	}
	return nil
}

// checkParent refuses a child of a row that does not exist.
func (s *Server) checkParent(c *call) error {
	parent := parentOf(c.collection)
	if parent == nil || s.exists(parent, c.parent) {
		return nil
	}
	return badReference(cmp.Or(c.collection.ParentField, "parentId"), parent)
}

// elsewhere are the parents in paths that are no collections themselves, and
// where their rows are.
var elsewhere = map[string]string{"Expenses": "ExpenseReports", "UserDefinedFields": "UserDefinedFieldDefinitions"}

// parentOf is the entity that a collection's rows belong to, nil for none.
func parentOf(c *schema.Collection) *schema.Entity {
	parent := schema.Lookup(cmp.Or(elsewhere[c.Parent], c.Parent))
	if parent == nil {
		return nil
	}
	return parent.Entity
}

func badReference(field string, e *schema.Entity) error {
	return complain("Reference value on field: %s of type: %s does not exist or is invalid.%s", field, e.Name, onRecord)
}

func (s *Server) newWrite(c *call, m mode, body object) *write {
	return &write{
		server:     s,
		collection: c.collection,
		entity:     c.collection.Entity,
		mode:       m,
		parent:     c.parent,
		body:       body,
	}
}

// row makes the new members of the row, and checks them together.
func (w *write) row() (object, error) {
	fields, err := w.fields()
	if err != nil {
		return nil, err
	}
	return fields, w.checkRow(fields)
}

// fields makes the new members of the row: one for every field of the entity,
// then those that only this row has.
func (w *write) fields() (object, error) {
	fields := make(object, 0, len(w.entity.Fields))
	for _, f := range w.entity.Fields {
		value, err := w.field(f)
		if err != nil {
			return nil, err
		}
		fields = append(fields, member{f.Name, value})
	}
	return append(fields, w.unknown()...), nil
}

func (w *write) field(f *schema.Field) ([]byte, error) {
	value, given := w.body.find(f.Name)
	switch {
	case f.Name == "id":
		return integer(w.id), nil
	case f.Name == w.collection.ParentField && w.mode == creating:
		return integer(w.parent), nil
	case isKept(f), f.Name == w.collection.ParentField, isDropped(w.entity, f):
		return w.old.get(f.Name), nil
	case !given:
		return w.omitted(f)
	case f.Kind == schema.UDFs:
		return w.udfs(value)
	}
	return w.accept(f, value)
}

// unknown returns the members that the table of the API does not know but this
// row was seeded with. The tenant knows them, so it keeps what a write says of
// them, byte for byte; a replacement without them clears them away.
func (w *write) unknown() object {
	var kept object
	for _, m := range w.old {
		if w.entity.Field(m.name) != nil {
			continue
		}
		if value, given := w.body.find(m.name); given {
			kept.set(m.name, value)
		} else if w.mode == patching {
			kept.set(m.name, m.value)
		}
	}
	return kept
}

// omitted is the value of a field that the body does not have.
func (w *write) omitted(f *schema.Field) ([]byte, error) {
	switch {
	case w.mode == patching && f.Always:
		return nil, missing(f.Name)
	case w.mode == patching:
		return w.old.get(f.Name), nil
	case f.Required:
		return nil, missing(f.Name)
	case f.Kind == schema.UDFs:
		return w.udfs(null)
	case f.Kind != schema.Boolean:
		return null, nil
	case w.mode == creating:
		return encode(f.Name == "isActive"), nil
	}
	return w.boolean(f), nil
}

// boolean is what a replacement makes of a boolean that it leaves out: false,
// which stands for null where there is no null. One that the row itself was
// seeded without stays so.
func (w *write) boolean(f *schema.Field) []byte {
	if isNull(w.old.get(f.Name)) {
		return null
	}
	return encode(false)
}

// noBoolean refuses a write that has no value for a boolean: it cannot be null.
// One that the row itself was seeded without cannot be asked for.
func (w *write) noBoolean(f *schema.Field, complaint error) ([]byte, error) {
	if w.mode != creating && isNull(w.old.get(f.Name)) {
		return null, nil
	}
	return nil, complaint
}

// accept checks a value that the body has, and gives it its stored form.
func (w *write) accept(f *schema.Field, given []byte) ([]byte, error) {
	value, err := convert(f.Kind, given)
	value = w.server.filteredField(f, value)
	switch {
	case err != nil:
		return nil, err
	case f.Required && (isNull(value) || string(value) == `""`):
		return nil, missing(f.Name)
	case isNull(value) && f.Kind == schema.Boolean:
		return w.noBoolean(f, complain("Error converting value {null} to type 'System.Boolean'. Path '%s'.", f.Name))
	case isNull(value):
		return null, nil
	}
	if f.Day {
		value = dayOf(given)
	}
	old := w.old.get(f.Name)
	switch {
	case f.Kind == schema.DateTime && sameInstant(old, value):
		return old, nil // means the same, so it stays as it is written
	case textOf(old) == textOf(value):
		return value, nil // was good enough when the row came to be
	}
	return value, w.check(f, value)
}

// isTooLong reports whether a text has more characters than its field. Autotask
// counts as .NET does: one outside the basic plane is two.
func isTooLong(f *schema.Field, v json.RawMessage) bool {
	if f.Kind != schema.String || f.MaxLength == 0 || len(v) <= f.MaxLength {
		return false
	}
	n := 0
	for _, r := range textOf(v) {
		n += utf16.RuneLen(r)
	}
	return n > f.MaxLength
}

// check refuses values that are of the right type and still wrong.
func (w *write) check(f *schema.Field, value []byte) error {
	text := textOf(value)
	if isTooLong(f, value) {
		return complain("%s must be less than or equal to %d characters", f.Name, f.MaxLength)
	}
	if values := w.server.picklists[f]; len(values) > 0 && !offers(values, text) {
		return complain("Picklist value [%s] does not exist for %s.%s", text, f.Name, onRecord)
	}
	return w.checkReference(f, value)
}

// checkedReferences are the fields whose rows must exist. Checking all would
// make a test seed half a tenant for one ticket.
var checkedReferences = map[string]string{"Ticket.companyID": "Companies", "TimeEntry.ticketID": "Tickets"}

func (w *write) checkReference(f *schema.Field, value []byte) error {
	target := schema.Lookup(checkedReferences[w.entity.Name+"."+f.Name])
	if target == nil {
		return nil
	}
	if id, ok := toInt64(value); ok && w.server.exists(target.Entity, id) {
		return nil
	}
	return badReference(f.Name, target.Entity)
}

// udfs merges the user-defined fields of the body into those of the row. A
// replacement clears the ones that it leaves out.
func (w *write) udfs(given []byte) ([]byte, error) {
	body, err := parseUDFs(given)
	if err != nil {
		return nil, err
	}
	for i, u := range body {
		if value := w.server.filtered(u.value); string(value) != string(u.value) {
			body[i] = newUDF(u.name, value)
		}
	}
	if err := w.server.checkUDFs(w.entity, body); err != nil {
		return nil, err
	}
	old, err := parseUDFs(w.old.get(udfsField))
	if err != nil {
		return nil, err
	}
	for i, u := range old {
		at := slices.IndexFunc(body, func(b udf) bool { return strings.EqualFold(b.name, u.name) })
		switch {
		case at >= 0:
			old[i] = body[at]
			body = slices.Delete(body, at, at+1)
		case w.mode == replacing:
			old[i] = newUDF(u.name, null)
		}
	}
	return textOfUDFs(append(old, body...)), nil
}
