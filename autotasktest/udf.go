package autotasktest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

const udfsField = "userDefinedFields"

// UDFDefinition defines a user-defined field.
type UDFDefinition struct {
	Name        string
	Label       string // Name, if empty
	Type        string // "string", if empty; or "integer", "double", "datetime"
	Description string
	Length      int  // 8000, if 0
	Required    bool // only in the metadata: the API does not enforce it
	Picklist    []PicklistValue
	Default     string
}

// SetUDFs replaces the user-defined fields of a collection's entity. Every row is
// served with all of them, null where it has no value. A write with another name is
// refused, as is a value that is not in a field's picklist. Without definitions, an
// entity has the fields that its rows have, and accepts any.
func (s *Server) SetUDFs(collection string, definitions ...UDFDefinition) {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return
	}
	if !e.HasUDFs() {
		s.fail("SetUDFs: %s has no user-defined fields", e.Name)
		return
	}
	if err := checkDefinitions(definitions); err != nil {
		s.fail("SetUDFs: %s: %v", e.Name, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.udfs == nil {
		s.udfs = make(map[*schema.Entity][]UDFDefinition)
	}
	s.udfs[e] = slices.Clone(definitions)
	for i := range s.udfs[e] {
		d := &s.udfs[e][i]
		d.Type = cmp.Or(d.Type, textType)
	}
	s.offerUDFs(e)
}

// checkDefinitions refuses definitions that no tenant can have.
func checkDefinitions(definitions []UDFDefinition) error {
	seen := make(map[string]bool)
	for _, d := range definitions {
		name := strings.ToLower(d.Name)
		switch {
		case name == "":
			return errors.New("a definition has no name")
		case seen[name]:
			return fmt.Errorf("%q is defined twice", d.Name)
		}
		seen[name] = true
		if err := checkEntries(d.Picklist, false); err != nil {
			return fmt.Errorf("%q: %w", d.Name, err)
		}
	}
	return nil
}

// textType is the data type of a string.
const textType = "string"

// class returns how values of the field compare. All are strings; those of a field
// that is not known to hold text may be compared otherwise.
func (d UDFDefinition) class() class {
	if d.Type == textType {
		return textual
	}
	return loose
}

func (d UDFDefinition) json() json.RawMessage {
	values := null
	if d.Picklist != nil {
		values = picklistText(d.Picklist)
	}
	deflt := null
	if d.Default != "" {
		deflt = encode(d.Default)
	}
	return object{
		{"name", encode(d.Name)},
		{"label", encode(cmp.Or(d.Label, d.Name))},
		{"type", encode(cmp.Or(d.Type, textType))},
		{"length", integer(int64(cmp.Or(d.Length, 8000)))},
		{"description", encode(d.Description)},
		{"isRequired", encode(d.Required)},
		{"isReadOnly", encode(false)},
		{"isQueryable", encode(true)},
		{"isReference", encode(false)},
		{"referenceEntityType", encode("")},
		{"isPickList", encode(d.Picklist != nil)},
		{"picklistValues", values},
		{"picklistParentValueField", encode("")},
		{"defaultValue", deflt},
		{"isSupportedWebhookField", encode(false)},
	}.text()
}

// checkUDFs refuses user-defined fields that an entity with definitions does
// not have, and values that are not in the picklists of those it has.
func (s *Server) checkUDFs(e *schema.Entity, body []udf) error {
	defs, defined := s.udfs[e]
	if !defined {
		return nil
	}
	for _, u := range body {
		i := slices.IndexFunc(defs, func(d UDFDefinition) bool { return strings.EqualFold(d.Name, u.name) })
		if i < 0 {
			return complain("The user-defined field %s does not exist for %s.%s", u.name, e.Name, onRecord)
		}
		text := textOf(u.value)
		if d := defs[i]; d.Picklist != nil && !isNull(u.value) && text != "" && !offers(d.Picklist, text) {
			return complain("Picklist value [%s] does not exist for %s.%s", text, d.Name, onRecord)
		}
	}
	return nil
}

func indexOfUDF(all []udf, name string) int {
	return slices.IndexFunc(all, func(u udf) bool { return strings.EqualFold(u.name, name) })
}

// udf is one element of a userDefinedFields array, with its exact text.
type udf struct {
	name  string
	value json.RawMessage
	text  json.RawMessage
}

const errUDFs = complaint("An unexpected error has occurred. userDefinedFields must be an array of objects with a name and a value.")

// parseUDFs parses an array of user-defined fields; null is an empty one.
func parseUDFs(data json.RawMessage) ([]udf, error) {
	if isNull(data) {
		return nil, nil
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(data, &elements); err != nil {
		return nil, errUDFs
	}
	all := make([]udf, len(elements))
	for i, e := range elements {
		o, err := parseObject(e)
		if err != nil || isNull(o.get("name")) {
			return nil, errUDFs
		}
		all[i] = udf{name: textOf(o.get("name")), value: o.get("value"), text: e}
		// Values are text or null, whatever the type of the field.
		if v := o.get("value"); !isNull(v) && v[0] != '"' {
			all[i] = newUDF(all[i].name, encode(string(v)))
		}
	}
	return all, nil
}

func newUDF(name string, value json.RawMessage) udf {
	return udf{name, value, object{{"name", encode(name)}, {"value", value}}.text()}
}

func textOfUDFs(all []udf) json.RawMessage {
	texts := make([]json.RawMessage, len(all))
	for i, u := range all {
		texts[i] = u.text
	}
	return textOfArray(texts)
}

// userDefined returns the user-defined fields of a row. The caller holds the
// lock.
func (r *row) userDefined() []udf {
	if !r.parsed {
		r.udfs, _ = parseUDFs(r.fields.get(udfsField)) // unreadable fields have no value
		r.parsed = true
	}
	return r.udfs
}

// udfOf returns the value of a row's user-defined field of that name.
func udfOf(r *row, name string) json.RawMessage {
	for _, u := range r.userDefined() {
		if strings.EqualFold(u.name, name) {
			return u.value
		}
	}
	return null
}

// countUDFs counts the user-defined fields of a row, which may be nil, in or out.
func (t *table) countUDFs(r *row, by int) {
	if r == nil || !t.entity.HasUDFs() {
		return
	}
	if v := r.fields.get(udfsField); isNull(v) || string(v) == "[]" {
		return
	}
	if t.udfNames == nil {
		t.udfNames = make(map[string]int)
	}
	for _, u := range r.userDefined() {
		if t.udfNames[u.name] += by; t.udfNames[u.name] == 0 {
			delete(t.udfNames, u.name)
		}
	}
}

// definitions returns the user-defined fields that the tenant has for an
// entity: those it was given, or else those that the rows carry.
func (s *Server) definitions(e *schema.Entity) []UDFDefinition {
	if defs, defined := s.udfs[e]; defined {
		return defs
	}
	var defs []UDFDefinition
	for _, name := range slices.Sorted(maps.Keys(s.table(e).udfNames)) {
		defs = append(defs, UDFDefinition{Name: name})
	}
	return defs
}
