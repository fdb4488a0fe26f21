package changes

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/autotask-go/autotask"
)

// SchemaChange is what the JSON of a SchemaChanged change holds. In the first
// run of a collection, everything is added.
type SchemaChange struct {
	Added   []SchemaItem `json:"added,omitempty"`
	Removed []SchemaItem `json:"removed,omitempty"`
	Changed []SchemaItem `json:"changed,omitempty"`
}

// SchemaItem is a field, or one value of a picklist.
type SchemaItem struct {
	Field    string `json:"field"`
	UDF      bool   `json:"udf,omitzero"`
	Value    string `json:"value,omitzero"` // of a picklist; empty for the field itself
	Label    string `json:"label,omitzero"`
	DataType string `json:"dataType,omitzero"` // of a field that was not removed, as far as it is known
}

// udfMark is in front of the key of what is user-defined.
const udfMark = "udf:"

// The name of a user-defined field may hold the sign that comes before a value.
var (
	escape   = strings.NewReplacer("=", "%3D", "%3D", "%253D")
	unescape = strings.NewReplacer("%3D", "=", "%253D", "%3D")
)

func (i SchemaItem) key() string {
	key := escape.Replace(i.Field)
	if i.UDF {
		key = udfMark + key
	}
	if i.Value != "" {
		key += "=" + i.Value
	}
	return key
}

func itemOf(key string) SchemaItem {
	var i SchemaItem
	key, i.UDF = strings.CutPrefix(key, udfMark)
	i.Field, i.Value, _ = strings.Cut(key, "=")
	i.Field = unescape.Replace(i.Field)
	return i
}

// schema is what the fields of an entity are like, by the keys of its items.
type schema map[string]described

type described struct {
	item SchemaItem
	hash string
}

func (s schema) add(i SchemaItem, about ...any) {
	sum := sha256.Sum256(fmt.Append(nil, i, about))
	s[i.key()] = described{i, hex.EncodeToString(sum[:4])}
}

func (s schema) addField(f autotask.Field, udf bool) {
	s.add(SchemaItem{Field: f.Name, UDF: udf, DataType: f.DataType},
		f.MaxLength, f.Required, f.ReadOnly, f.Queryable, f.ReferenceEntityType, f.Picklist, f.PicklistParentField)
	for _, v := range f.PicklistValues {
		s.add(SchemaItem{Field: f.Name, UDF: udf, Value: v.Value, Label: v.Label}, v.Active, v.Parent.Or(-1))
	}
}

// compareSchema reports fields and picklist values that are new, other or gone,
// if it is time to look. The first time, the user-defined ones are looked at only
// if a row has one.
func (v *visit) compareSchema() error {
	p, every := v.p, v.feed.options.SchemaEvery
	if p.SchemaAt.IsZero() {
		p.UDFsAt = now() // a row that has one tells
	}
	if v.isDue(p.SchemaAt, every) {
		if err := v.spend(); err != nil {
			return err
		}
		fields, err := v.feed.client.Metadata.Fields(v.ctx, v.name)
		if err != nil {
			return err
		}
		v.useCursors(cursorsOf(v.name, fields))
		p.SchemaAt, v.described = now(), true
		if err := v.tellSchema(ofFields(fields), func(i SchemaItem) bool { return !i.UDF }); err != nil {
			return err
		}
	}
	if !v.isDue(p.UDFsAt, every) {
		return nil
	}
	if err := v.spend(); err != nil {
		return err
	}
	is, err := v.udfs()
	if err != nil {
		return err
	}
	p.UDFsAt, v.udfsDescribed = now(), true
	return v.tellSchema(is, func(i SchemaItem) bool { return i.UDF })
}

func (v *visit) useCursors(cursors []string) {
	if !slices.Equal(cursors, v.p.Cursors) {
		v.p.Cursors = cursors
		v.p.Pass = nil // it asked for something else
	}
}

func ofFields(fields []autotask.Field) schema {
	is := make(schema)
	for _, f := range fields {
		is.addField(f, false)
	}
	return is
}

// fields describes the fields. Which of them are cursors stays as it is while
// rows are read.
func (v *visit) fields() (schema, error) {
	fields, err := v.feed.client.Metadata.Fields(v.ctx, v.name)
	return ofFields(fields), err
}

func (v *visit) udfs() (schema, error) {
	udfs, err := v.feed.client.Metadata.UDFs(v.ctx, v.name)
	is := make(schema)
	for _, udf := range udfs {
		is.addField(udf.Field, true)
	}
	return is, err
}

// useSchema notes what is known of the fields.
func (v *visit) useSchema(s map[string]string) { v.p.Schema, v.words = s, nil }

// tellSchema reports how a part of the schema differs from what was known.
func (v *visit) tellSchema(is schema, part func(SchemaItem) bool) error {
	var c SchemaChange
	all := make(map[string]string, len(is))
	for key, d := range is {
		was, had := v.p.Schema[key]
		switch {
		case !had:
			c.Added = append(c.Added, d.item)
		case was != d.hash:
			c.Changed = append(c.Changed, d.item)
		}
		all[key] = d.hash
	}
	for key, hash := range v.p.Schema {
		if _, there := is[key]; there {
			continue
		}
		if i := itemOf(key); part(i) && hash != seen {
			c.Removed = append(c.Removed, i)
		} else {
			all[key] = hash
		}
	}
	if maps.Equal(all, v.p.Schema) {
		return nil
	}
	v.useSchema(all)
	change, err := v.schemaChanged(c)
	if err != nil {
		return err
	}
	return v.emit([]Change{change})
}

func (v *visit) schemaChanged(c SchemaChange) (Change, error) {
	for _, items := range [][]SchemaItem{c.Added, c.Removed, c.Changed} {
		slices.SortFunc(items, func(a, b SchemaItem) int { return cmp.Compare(a.key(), b.key()) })
	}
	b, err := json.Marshal(c)
	return Change{Kind: SchemaChanged, Collection: v.name, JSON: b, How: ByFields}, err
}
