package autotasktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/autotask-go/autotask/internal/schema"
)

// PicklistValue is one entry of a picklist.
type PicklistValue struct {
	Value    string // a string even if the field is an integer: "5"
	Label    string
	Parent   string // value of the field that this picklist depends on, if any
	Default  bool
	Inactive bool
	System   bool // fixed by Autotask, the same in every tenant
}

// SetPicklist sets the picklist of a field of a collection's entity. Any string or
// integer field may have one. Values are sorted in the given order. Writes must use
// one of them; an empty picklist accepts every value. Nil removes the picklist of a
// field that has none in every tenant. Values must fit the field and be unique, or
// unique per parent.
func (s *Server) SetPicklist(collection, field string, values []PicklistValue) {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return
	}
	f := e.Field(field)
	if err := checkPicklist(e, f, values); err != nil {
		s.fail("SetPicklist: %s: %q: %v", collection, field, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setPicklist(f, slices.Clone(values))
	if values == nil && !f.Picklist && picklistOfWebhook(e) != f {
		delete(s.picklists, f)
	}
}

func (s *Server) setPicklist(f *schema.Field, values []PicklistValue) {
	s.picklists = maps.Clone(s.picklists) // tenants share the one they start with
	s.picklists[f] = values
	s.blanks = nil // which hold first values
}

// checkPicklist refuses a picklist that no field can have.
func checkPicklist(e *schema.Entity, f *schema.Field, values []PicklistValue) error {
	switch {
	case f == nil:
		return fmt.Errorf("%s has no such field", e.Name)
	case f.Name == "id", f.Kind != schema.Integer && f.Kind != schema.String:
		return errors.New("the field can have no picklist")
	}
	return checkEntries(values, f.Kind == schema.Integer)
}

// checkEntries refuses values that are none, and those that stand in the list
// twice under one parent.
func checkEntries(values []PicklistValue, integers bool) error {
	seen := make(map[[2]string]bool)
	for _, v := range values {
		entry := [2]string{v.Value, v.Parent}
		if integers {
			if _, err := strconv.ParseInt(v.Value, 10, 64); err != nil {
				return fmt.Errorf("%q is not a value for an integer field", v.Value)
			}
		}
		if seen[entry] {
			return fmt.Errorf("the value %q is in the list twice", v.Value)
		}
		seen[entry] = true
	}
	return nil
}

// picklistJSON is a picklist as the metadata has it; null for other fields.
func (s *Server) picklistJSON(f *schema.Field) json.RawMessage {
	if !s.hasPicklist(f) {
		return null
	}
	return picklistText(s.picklists[f])
}

// hasPicklist reports whether a field has a picklist, even an empty one. The table
// does not list those that hold the ids of other fields.
func (s *Server) hasPicklist(f *schema.Field) bool {
	_, given := s.picklists[f]
	return given || f.Picklist
}

func picklistText(values []PicklistValue) json.RawMessage {
	texts := make([]json.RawMessage, len(values))
	for i, v := range values {
		texts[i] = v.json(i + 1)
	}
	return textOfArray(texts)
}

// offers reports whether a picklist has an entry.
func offers(values []PicklistValue, value string) bool {
	return slices.ContainsFunc(values, func(v PicklistValue) bool { return v.Value == value })
}

func (v PicklistValue) json(sortOrder int) json.RawMessage {
	return object{
		{"value", encode(v.Value)},
		{"label", encode(v.Label)},
		{"isDefaultValue", encode(v.Default)},
		{"sortOrder", integer(int64(sortOrder))},
		{"parentValue", encode(v.Parent)},
		{"isActive", encode(!v.Inactive)},
		{"isSystem", encode(v.System)},
	}.text()
}

// firstValue is the entry that a plausible row has: the default one, or else
// the first active one that fits the field which the picklist depends on.
func (s *Server) firstValue(f *schema.Field, fields object) (string, bool) {
	if len(s.picklists[f]) == 0 {
		return "", false
	}
	parent := ""
	if f.PicklistParent != "" {
		parent = textOf(fields.get(f.PicklistParent))
	}
	fits := func(v PicklistValue) bool { return !v.Inactive && (f.PicklistParent == "" || v.Parent == parent) }
	values := s.picklists[f]
	i := slices.IndexFunc(values, func(v PicklistValue) bool { return v.Default && fits(v) })
	if i < 0 {
		i = slices.IndexFunc(values, fits)
	}
	if i < 0 {
		return "", false
	}
	return values[i].Value, true
}
