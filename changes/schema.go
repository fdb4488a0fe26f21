package changes

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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

func (i SchemaItem) key() string {
	key := i.Field
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

// compareSchema tells of fields and picklist values that are new, other or gone,
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
		is := make(schema)
		for _, f := range fields {
			is.addField(f, false)
		}
		p.SchemaAt = now()
		if err := v.tellSchema(is, func(i SchemaItem) bool { return !i.UDF }); err != nil {
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
	p.UDFsAt = now()
	return v.tellSchema(is, func(i SchemaItem) bool { return i.UDF })
}

func (v *visit) useCursors(cursors []string) {
	if !slices.Equal(cursors, v.p.Cursors) {
		v.p.Cursors = cursors
		v.p.Pass = nil // it asked for something else
	}
}

func (v *visit) udfs() (schema, error) {
	udfs, err := v.feed.client.Metadata.UDFs(v.ctx, v.name)
	is := make(schema)
	for _, udf := range udfs {
		is.addField(udf.Field, true)
	}
	return is, err
}

// tellSchema tells how a part of the schema differs from what was known of it.
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
		if i := itemOf(key); part(i) {
			c.Removed = append(c.Removed, i)
		} else {
			all[key] = hash
		}
	}
	if maps.Equal(all, v.p.Schema) {
		return nil
	}
	v.p.Schema = all
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

var udfsMember = []byte(`"userDefinedFields":[{`)

// newUDFs tells of user-defined fields that rows have and that are not known yet.
func (v *visit) newUDFs(rows []*autotask.Row) ([]Change, error) {
	var added []SchemaItem
	for _, row := range rows {
		if !bytes.Contains(row.JSON, udfsMember) {
			continue
		}
		var r struct {
			UDFs []struct {
				Name string `json:"name"`
			} `json:"userDefinedFields"`
		}
		if err := json.Unmarshal(row.JSON, &r, jsontext.AllowInvalidUTF8(true)); err != nil {
			return nil, v.wrap(err, "row %d", row.ID)
		}
		for _, udf := range r.UDFs {
			i := SchemaItem{Field: udf.Name, UDF: true}
			if _, known := v.p.Schema[i.key()]; !known && !slices.Contains(added, i) {
				added = append(added, i)
			}
		}
	}
	if len(added) == 0 {
		return nil, nil
	}
	return v.announce(added)
}

// announce tells of user-defined fields, with their definitions if the budget
// has a request left for them.
func (v *visit) announce(added []SchemaItem) ([]Change, error) {
	is := make(schema)
	if v.spend() == nil {
		var err error
		if is, err = v.udfs(); err != nil {
			return nil, err
		}
	}
	for _, i := range added {
		if _, defined := is[i.key()]; !defined {
			is.add(i)
		}
	}
	all := maps.Clone(v.p.Schema)
	if all == nil {
		all = make(map[string]string)
	}
	var c SchemaChange
	for key, d := range is {
		if _, had := all[key]; !had {
			c.Added = append(c.Added, d.item)
			all[key] = d.hash
		}
	}
	v.p.Schema = all
	change, err := v.schemaChanged(c)
	return []Change{change}, err
}
