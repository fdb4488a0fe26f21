package changes

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask"
)

const (
	// seen stands in place of the hash of what rows have and no description names.
	seen = "seen"
	// describedFor is how long the client keeps a description of fields.
	describedFor = time.Hour
)

// words are what rows of a collection may have: fields, and the values of their
// picklists.
type words struct {
	fields  map[string]values // in lower case: rows and descriptions differ in that
	udfs    map[string]values
	members map[string]*member // of rows, as they stand in JSON; filled as they are met
}

// values are those of a picklist; nil of a field that has none.
type values map[string]bool

// member is a member of rows.
type member struct {
	name   string
	values values
	udfs   bool // it holds the user-defined fields
}

func wordsOf(s map[string]string) *words {
	w := &words{fields: map[string]values{"id": nil}, udfs: make(map[string]values), members: make(map[string]*member)}
	for key := range s {
		i := itemOf(key)
		of, name := w.of(i)
		known := of[name]
		if i.Value != "" {
			if known == nil {
				known = make(values)
			}
			known[i.Value] = true
		}
		of[name] = known
	}
	return w
}

func (w *words) of(i SchemaItem) (all map[string]values, name string) {
	if i.UDF {
		return w.udfs, i.Field
	}
	return w.fields, strings.ToLower(i.Field)
}

// has reports whether an item is known.
func (w *words) has(i SchemaItem) bool {
	all, name := w.of(i)
	known, there := all[name]
	return there && (i.Value == "" || known[i.Value])
}

// scan returns what a row has that is not known. From then on it is.
func (w *words) scan(row jsontext.Value) (added []SchemaItem, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(row), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		m := w.members[string(name)]
		if m == nil {
			m = &member{name: textOf(name)}
			m.udfs = m.name == "userDefinedFields"
			if i := (SchemaItem{Field: m.name}); !m.udfs && !w.has(i) {
				added = append(added, i)
				w.fields[strings.ToLower(m.name)] = nil
			}
			m.values = w.fields[strings.ToLower(m.name)]
			w.members[string(name)] = m
		}
		value, err := d.ReadValue()
		if err == nil && m.udfs {
			added, err = w.scanUDFs(value, added)
		}
		if err != nil {
			return nil, err
		}
		added = m.values.scan(SchemaItem{Field: m.name}, value, added)
	}
	return added, nil
}

// scan adds the value of a picklist that is not known.
func (v values) scan(i SchemaItem, value jsontext.Value, added []SchemaItem) []SchemaItem {
	if v == nil || value.Kind() != '"' && value.Kind() != '0' || v[string(bytes.Trim(value, `"`))] {
		return added
	}
	if i.Value = textOf(value); i.Value == "" || v[i.Value] {
		return added
	}
	v[i.Value] = true
	return append(added, i)
}

func (w *words) scanUDFs(value jsontext.Value, added []SchemaItem) ([]SchemaItem, error) {
	if bytes.Equal(value, []byte("[]")) {
		return added, nil
	}
	var udfs []struct {
		Name  string         `json:"name"`
		Value jsontext.Value `json:"value"`
	}
	if err := json.Unmarshal(value, &udfs, jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, err
	}
	for _, udf := range udfs {
		i := SchemaItem{Field: udf.Name, UDF: true}
		if !w.has(i) {
			added = append(added, i)
			w.udfs[i.Field] = nil
		}
		added = w.udfs[i.Field].scan(i, udf.Value, added)
	}
	return added, nil
}

// textOf is the text of a string or a number.
func textOf(v jsontext.Value) string {
	if v.Kind() != '"' {
		return string(v)
	}
	text, _ := jsontext.AppendUnquote(nil, v) // what is wrong with it was replaced
	return string(text)
}

// newItems reports fields and values that rows have and that are not known yet.
func (v *visit) newItems(rows []*autotask.Row) ([]Change, error) {
	if v.words == nil {
		v.words = wordsOf(v.p.Schema)
	}
	var added []SchemaItem
	for _, row := range rows {
		items, err := v.words.scan(row.JSON)
		if err != nil {
			return nil, v.wrap(err, "row %d", row.ID)
		}
		added = append(added, items...)
	}
	if len(added) == 0 {
		return nil, nil
	}
	return v.announce(added)
}

// announce reports items with their descriptions, if they have not just been
// read and the budget has a request left for them.
func (v *visit) announce(added []SchemaItem) ([]Change, error) {
	is, err := v.describe(added)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(v.p.Schema)
	if all == nil {
		all = make(map[string]string)
	}
	var c SchemaChange
	for key, d := range is {
		switch was, had := all[key]; {
		case !had:
			c.Added = append(c.Added, d.item)
		case was != d.hash:
			c.Changed = append(c.Changed, d.item)
		}
		all[key] = d.hash
	}
	known := wordsOf(all)
	for _, i := range added {
		if known.has(i) {
			continue
		}
		c.Added = append(c.Added, i)
		all[i.key()] = seen
		v.describeSoon(i)
	}
	v.useSchema(all)
	change, err := v.schemaChanged(c)
	return []Change{change}, err
}

// describe reads the descriptions in which items may be.
func (v *visit) describe(added []SchemaItem) (schema, error) {
	is := make(schema)
	isUDF := func(i SchemaItem) bool { return i.UDF }
	isField := func(i SchemaItem) bool { return !i.UDF }
	for _, part := range []struct {
		is   func(SchemaItem) bool
		done *bool
		read func() (schema, error)
	}{{isField, &v.described, v.fields}, {isUDF, &v.udfsDescribed, v.udfs}} {
		if *part.done || !slices.ContainsFunc(added, part.is) || v.spend() != nil {
			continue
		}
		*part.done = true
		items, err := part.read()
		if err != nil {
			return nil, err
		}
		maps.Copy(is, items)
	}
	return is, nil
}

// describeSoon makes a later run ask for the description of an item that has
// none: the client may have kept an older one.
func (v *visit) describeSoon(i SchemaItem) {
	at := &v.p.SchemaAt
	if i.UDF {
		at = &v.p.UDFsAt
	}
	soon := now().Add(describedFor - v.feed.options.SchemaEvery)
	if soon.Before(*at) {
		*at = soon
	}
}
