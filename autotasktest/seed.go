package autotasktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/autotask-go/autotask/internal/schema"
)

// Seed adds a row to a collection and returns its id. The given fields are stored as
// they are; the others get plausible values: existing picklist values and references,
// current dates, no null where the API has none. A row that the API writes below a
// parent, such as a note, gets an existing parent or a new one. A row is found under
// the collection of its entity that has no parent: "TicketNotes", "TimeEntries".
//
// A time.Time is written as the API writes dates. An "id" of an existing row replaces
// that row. An unknown collection or field is wrong use: see SeedRaw.
func (s *Server) Seed(collection string, fields map[string]any) int64 {
	c := schema.Lookup(collection)
	if c == nil || c.Entity == nil {
		s.t.Helper()
		s.entity(collection) // its failure says what is wrong
		return 0
	}
	e := c.Entity
	given, err := givenFields(e, fields)
	if err != nil {
		s.t.Helper() // only here, because it takes longer than all the rest
		s.fail("Seed: %s: %v", collection, err)
		return 0
	}
	s.look()
	defer s.mu.Unlock()
	return s.seed(e, given)
}

func (s *Server) seed(e *schema.Entity, given object) int64 {
	t := s.table(e)
	id, isGiven := toInt64(given.get("id"))
	if !isGiven {
		id = s.newID(t)
		given.set("id", integer(id))
	}
	s.giveParent(e, &given)
	if e.Name == "TimeEntry" {
		s.giveWork(&given)
	}
	b, form := s.blankOf(e), formOf(e)
	fields := slices.Clone(b.fields)
	for _, m := range given {
		form.set(&fields, m.name, m.value)
	}
	for _, i := range b.open {
		if f := e.Fields[i]; !given.has(f.Name) {
			fields[i].value = s.plausible(e, f, fields)
		}
	}
	s.stampCreation(e, &fields, &call{actor: APIUserID}, given.has)
	r := &row{id: id, fields: fields}
	t.put(r)
	s.settleReady(e, r)
	return id
}

// givenFields converts the fields given by a caller into stored values.
func givenFields(e *schema.Entity, fields map[string]any) (object, error) {
	form := formOf(e)
	given := make(object, 0, len(fields)+2)
	for name, v := range fields {
		f := form.field(name)
		if f == nil {
			return nil, fmt.Errorf("%s has no field %q; SeedRaw accepts any", e.Name, name)
		}
		value, err := encodeGiven(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if given.has(f.Name) {
			return nil, fmt.Errorf("%s is given twice, in two spellings", f.Name)
		}
		if value, err = checkGiven(f, value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		given.set(f.Name, value)
	}
	return given, nil
}

// checkGiven checks a value given by a test against the kind of its field. A request
// may send numbers as strings; a test that does so has probably mistaken the field.
func checkGiven(f *schema.Field, value json.RawMessage) (json.RawMessage, error) {
	stored, err := convert(f.Kind, value)
	if err != nil || isNull(value) {
		return stored, err
	}
	isText := value[0] == '"'
	var isKind bool
	switch f.Kind {
	case schema.Integer, schema.Number:
		isKind = !isText
	case schema.Boolean:
		isKind = value[0] == 't' || value[0] == 'f'
	case schema.String, schema.Bytes, schema.DateTime:
		isKind = isText
	case schema.UDFs:
		_, err := parseUDFs(value)
		isKind = err == nil
	default:
		isKind = true
	}
	switch id, isID := toInt64(stored); {
	case !isKind:
		return nil, fmt.Errorf("%s does not fit: the field is of the kind %v", value, f.Kind)
	case f.Name == "id" && isID && id < 0:
		return nil, fmt.Errorf("%d is not an id", id)
	}
	return stored, nil
}

// plausible returns a value for a field that was not given. The fields before it are
// already set.
func (s *Server) plausible(e *schema.Entity, f *schema.Field, fields object) json.RawMessage {
	value, offered := s.firstValue(f, fields)
	switch {
	case f.Kind == schema.UDFs:
		return json.RawMessage("[]")
	case f.Kind == schema.Boolean && !f.ReadOnly:
		return encode(f.Name == "isActive")
	case isAttachment(e) && (f.Name == "data" || slices.Contains(attachmentRequired, f.Name)):
		return plausibleAttachment(f, fields)
	case e.Name == "Ticket" && f.Name == "dueDateTime":
		return formatDate(s.databaseNow().Add(24 * time.Hour))
	case f.ReadOnly:
		return null
	case offered && f.Kind == schema.Integer:
		return json.RawMessage(value)
	case offered:
		return encode(value)
	case !f.Required:
		return null
	}
	return s.plausibleRequired(e, f, fields)
}

func (s *Server) plausibleRequired(e *schema.Entity, f *schema.Field, fields object) json.RawMessage {
	switch {
	case f.References != "":
		return s.anyRow(entitiesByName()[f.References])
	case f.Kind == schema.Integer, f.Kind == schema.Number:
		return integer(1)
	case f.Day:
		return dayOf(s.stamp())
	case f.Kind == schema.DateTime:
		return s.stamp()
	}
	id := fields.get("id") // its name and the entity's are plain
	text := append(make(json.RawMessage, 0, len(e.Name)+len(id)+len(`" "`)), '"')
	text = append(append(text, e.Name...), ' ')
	return append(append(text, id...), '"')
}

// anyRow returns the id of the first row of an entity. If there is none, one is
// seeded, unless such a row is just being seeded: then it is null.
func (s *Server) anyRow(e *schema.Entity) json.RawMessage {
	t := s.table(e)
	if len(t.ids) == 0 && !slices.Contains(s.seeding, e) {
		s.seeding = append(s.seeding, e)
		s.seed(e, nil)
		s.seeding = s.seeding[:len(s.seeding)-1]
	}
	if len(t.ids) == 0 {
		return null
	}
	return integer(t.ids[0])
}

var entitiesByName = sync.OnceValue(func() map[string]*schema.Entity {
	all := make(map[string]*schema.Entity)
	for _, e := range schema.Entities() {
		all[e.Name] = e
	}
	return all
})

// giveParent sets the parent of a row that is written below one, if none of the
// fields that could name it was given: the first that exists, or else a new one.
func (s *Server) giveParent(e *schema.Entity, given *object) {
	collections := e.Collections()
	if e.Name == "TicketHistory" { // which belongs to a ticket as notes do, but has no path below it
		collections = []*schema.Collection{schema.Lookup("Tickets/Notes")}
	}
	var child *schema.Collection
	for _, c := range collections {
		if c.ParentField == "" {
			continue
		}
		if given.has(c.ParentField) {
			return
		}
		if child == nil {
			child = c
		}
	}
	if child == nil {
		return
	}
	if parent := parentOf(child); parent != nil && parent != e {
		given.set(child.ParentField, s.anyRow(parent))
	}
}

// giveWork sets what the API requires of a time entry: who worked, on what, for a
// ticket in which role, how long and with which summary.
func (s *Server) giveWork(given *object) {
	set := func(name string, value json.RawMessage) {
		if !given.has(name) {
			given.set(name, value)
		}
	}
	set("resourceID", integer(TechnicianID))
	set("dateWorked", dayOf(s.stamp()))
	set("hoursWorked", integer(1))
	switch {
	case !isNull(given.get("ticketID")):
		set("roleID", integer(TechnicianRoleID))
		set("summaryNotes", encode("Time entry "+textOf(given.get("id"))))
	case isNull(given.get("taskID")):
		set("internalBillingCodeID", s.anyRow(entitiesByName()["BillingCode"]))
	}
}

// SeedRaw adds a row to a collection exactly as given, byte for byte, whatever
// members it has or lacks, and returns its id. It is served unchanged until it is
// written.
func (s *Server) SeedRaw(collection string, item []byte) int64 {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return 0
	}
	fields, err := parseObject(item)
	if err != nil {
		s.fail("SeedRaw: %s: the item is not a JSON object", collection)
		return 0
	}
	id, ok := toInt64(fields.get("id"))
	if !ok || id < 0 {
		s.fail("SeedRaw: %s: the item has no id", collection)
		return 0
	}
	s.look()
	defer s.mu.Unlock()
	s.table(e).put(&row{id: id, raw: bytes.Clone(item), fields: fields})
	return id
}

// Get returns a copy of a row, with numbers as json.Number; nil if there is none.
func (s *Server) Get(collection string, id int64) map[string]any {
	s.t.Helper()
	raw := s.Raw(collection, id)
	if raw == nil {
		return nil
	}
	return plain(raw)
}

// Raw returns a row's JSON as it is served; nil if there is none.
func (s *Server) Raw(collection string, id int64) []byte {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return nil
	}
	s.look()
	defer s.mu.Unlock()
	r := s.table(e).rows[id]
	if r == nil {
		return nil
	}
	return bytes.Clone(s.render(e, r))
}

// Rows returns copies of all rows of a collection, sorted by id, in the form of Get.
// For a collection with a parent, it returns the rows of all parents.
func (s *Server) Rows(collection string) []map[string]any {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return nil
	}
	s.look()
	defer s.mu.Unlock()
	rows := make([]map[string]any, 0, len(s.table(e).ids))
	for _, r := range s.table(e).all() {
		rows = append(rows, plain(s.render(e, r)))
	}
	return rows
}

// entity returns the entity of a collection. For one that the API does not have it
// fails the test and returns nil.
func (s *Server) entity(collection string) *schema.Entity {
	s.t.Helper()
	c := schema.Lookup(collection)
	if c != nil && c.Entity != nil {
		return c.Entity
	}
	hint := ""
	for _, known := range schema.All() {
		if strings.EqualFold(known.Path, collection) {
			hint = fmt.Sprintf("; it is called %q", known.Path)
		}
	}
	s.fail("the API has no collection %q%s", collection, hint)
	return nil
}
