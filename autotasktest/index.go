package autotasktest

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/autotask-go/autotask/internal/schema"
)

// index finds the rows with a value in one field. It is built at the first such query
// and kept up to date from then on, so that a query for the notes of one ticket does
// not read those of a hundred thousand.
type index struct {
	of  column
	ids map[key][]int64 // ascending
}

// column is what rows are found by: a field, or a user-defined one. The zero
// value is nothing.
type column struct {
	field *schema.Field // userDefinedFields for a user-defined one
	udf   string        // its name, in lower case
	class class
}

func fieldColumn(f *schema.Field) column { return column{field: f, class: classOf(f.Kind)} }

func (c column) read(r *row) scalar {
	if c.udf != "" {
		return stored(c.class, udfOf(r, c.udf))
	}
	return stored(c.class, r.fields.get(c.field.Name))
}

// key is a value of a field, such that values which are equal have one key.
type key struct {
	number float64
	text   string
}

// isIndexed reports whether queries by a field have an index: ids of other
// rows, and the numbers and external ids by which rows are looked up.
func isIndexed(f *schema.Field) bool {
	switch f.Kind {
	case schema.Integer:
		return strings.HasSuffix(f.Name, "ID") || strings.HasSuffix(f.Name, "Id")
	case schema.String:
		return f.Name == ticketNumber || f.Name == "externalID"
	default:
		return false
	}
}

// keyOf is the key of a value; there is none for null, which equals nothing,
// and for what is not a number.
func keyOf(x scalar) (key, bool) {
	switch {
	case x.null, math.IsNaN(x.number):
		return key{}, false
	case x.class == numeric:
		return key{number: x.number}, true
	case x.class == temporal:
		return key{text: x.moment.Format(time.RFC3339Nano)}, true
	}
	return key{text: x.text}, true
}

func (x *index) keyOf(r *row) (key, bool) { return keyOf(x.of.read(r)) }

func (x *index) add(r *row) {
	k, ok := x.keyOf(r)
	if !ok {
		return
	}
	if i, found := slices.BinarySearch(x.ids[k], r.id); !found {
		x.ids[k] = slices.Insert(x.ids[k], i, r.id)
	}
}

func (x *index) remove(r *row) {
	k, ok := x.keyOf(r)
	if !ok {
		return
	}
	if i, found := slices.BinarySearch(x.ids[k], r.id); found {
		x.ids[k] = slices.Delete(x.ids[k], i, i+1)
	}
	if len(x.ids[k]) == 0 {
		delete(x.ids, k)
	}
}

// index returns the index of a column.
func (t *table) index(of column) *index {
	if x := t.indexes[of]; x != nil {
		return x
	}
	x := &index{of: of, ids: make(map[key][]int64)}
	for _, id := range t.ids {
		x.add(t.rows[id])
	}
	if t.indexes == nil {
		t.indexes = make(map[column]*index)
	}
	t.indexes[of] = x
	return x
}

// reindex lets the indexes know that one row has taken the place of another.
// Either may be nil.
func (t *table) reindex(old, r *row) {
	for _, x := range t.indexes {
		if old != nil && r != nil && bytes.Equal(old.fields.get(x.of.field.Name), r.fields.get(x.of.field.Name)) {
			continue
		}
		if old != nil {
			x.remove(old)
		}
		if r != nil {
			x.add(r)
		}
	}
}

// narrowing is what a query says about where its rows are: all of them have one
// of the values in the field. The zero value says nothing.
type narrowing struct {
	column

	values []scalar
}

// candidates returns the ids of all rows that may match, ascending.
func (t *table) candidates(n narrowing) []int64 {
	if n.field == nil {
		return t.ids
	}
	var ids []int64
	for _, v := range n.values {
		k, ok := keyOf(v)
		switch {
		case !ok:
		case n.field.Name == "id":
			id := int64(v.number)
			if v.whole != nil { // the number exactly
				id = *v.whole
			}
			if t.rows[id] != nil {
				ids = append(ids, id)
			}
		case len(n.values) == 1:
			return t.index(n.column).ids[k] // in order; must not be changed
		default:
			ids = append(ids, t.index(n.column).ids[k]...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// narrow notes what a condition that every row must meet says about where the
// rows are. The first one that says anything is enough.
func (f *filter) narrow(c condition, of operand, wanted []scalar) {
	if c.op != "eq" && c.op != "in" || f.narrowing.field != nil || slices.ContainsFunc(wanted, func(x scalar) bool { return math.IsNaN(x.number) }) {
		return
	}
	if c.udf {
		f.narrowing = narrowing{column{f.entity.Field(udfsField), strings.ToLower(c.field), of.class}, wanted}
		return
	}
	if field := f.entity.Field(c.field); field.Name == "id" || isIndexed(field) {
		f.narrowing = narrowing{fieldColumn(field), wanted}
	}
}
