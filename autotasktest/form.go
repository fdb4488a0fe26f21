package autotasktest

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/autotask-go/autotask/internal/schema"
)

// form is what is known of an entity's rows before there is one. It makes
// seeding cheap: a large tenant is seeded row by row.
type form struct {
	entity *schema.Entity
	at     map[string]int // where a field is, by its exact name
}

var forms sync.Map // of *form, by entity

func formOf(e *schema.Entity) *form {
	if known, ok := forms.Load(e); ok {
		return known.(*form)
	}
	f := &form{entity: e, at: make(map[string]int, len(e.Fields))}
	for i, field := range e.Fields {
		f.at[field.Name] = i
	}
	known, _ := forms.LoadOrStore(e, f)
	return known.(*form)
}

// field returns the field of that name in any casing, nil if there is none.
func (f *form) field(name string) *schema.Field {
	if i, ok := f.at[name]; ok {
		return f.entity.Fields[i]
	}
	return f.entity.Field(name)
}

// set sets a field of a row. Rows mostly have their fields in the entity's order.
func (f *form) set(row *object, name string, value json.RawMessage) {
	if i, ok := f.at[name]; ok && i < len(*row) && (*row)[i].name == name {
		(*row)[i].value = value
		return
	}
	row.set(name, value)
}

// blank is a seeded row of an entity with all that is the same for every one.
type blank struct {
	fields object
	open   []int // fields whose value depends on others, on the time or on the id
}

// blankOf returns the blank of an entity, which nobody may change.
func (s *Server) blankOf(e *schema.Entity) *blank {
	if b := s.blanks[e]; b != nil {
		return b
	}
	b := &blank{fields: make(object, 0, len(e.Fields))}
	for i, f := range e.Fields {
		value := null
		if s.isOpen(e, f) {
			b.open = append(b.open, i)
		} else {
			value = s.plausible(e, f, nil)
		}
		b.fields = append(b.fields, member{f.Name, value})
	}
	if s.blanks == nil {
		s.blanks = make(map[*schema.Entity]*blank)
	}
	s.blanks[e] = b
	return b
}

// isOpen reports whether plausible may answer otherwise from row to row.
func (s *Server) isOpen(e *schema.Entity, f *schema.Field) bool {
	switch {
	case f.Kind == schema.UDFs, f.Kind == schema.Boolean && !f.ReadOnly:
		return false
	case isAttachment(e) && (f.Name == "data" || slices.Contains(attachmentRequired, f.Name)):
		return true
	case e.Name == "Ticket" && f.Name == "dueDateTime":
		return true
	case f.ReadOnly:
		return false
	}
	return f.PicklistParent != "" || f.Required && len(s.picklists[f]) == 0
}
