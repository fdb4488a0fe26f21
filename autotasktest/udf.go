package autotasktest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

const udfsField = "userDefinedFields"

// udf is one element of a userDefinedFields array, with its exact text.
type udf struct {
	name  string
	value json.RawMessage
	text  json.RawMessage
}

const errUDFs = complaint("An unexpected error has occurred. userDefinedFields must be an array of objects with a name and a value.")

// parseUDFs reads an array of them; null is an empty one.
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

// udfOf returns the value of a row's user-defined field of that name.
func udfOf(r *row, name string) json.RawMessage {
	all, _ := parseUDFs(r.fields.get(udfsField)) // what cannot be read has no value
	for _, u := range all {
		if strings.EqualFold(u.name, name) {
			return u.value
		}
	}
	return null
}

// udfNames returns the user-defined fields that the tenant has for an entity:
// those that its rows carry.
func (s *Server) udfNames(e *schema.Entity) []string {
	var names []string
	for _, r := range s.table(e).all() {
		all, _ := parseUDFs(r.fields.get(udfsField)) // as in udfOf
		for _, u := range all {
			names = append(names, u.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
