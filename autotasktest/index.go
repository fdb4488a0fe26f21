package autotasktest

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// index finds the rows that have a value in one field. It is made when somebody
// first asks for such rows, and kept up to date from then on, so that a query
// for the notes of one ticket does not read those of a hundred thousand.
type index struct {
	field *schema.Field
	ids   map[key][]int64 // ascending
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
	}
	return key{text: x.text}, true
}

func (x *index) keyOf(r *row) (key, bool) {
	return keyOf(stored(classOf(x.field.Kind), r.fields.get(x.field.Name)))
}

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

// index returns the index of a field.
func (t *table) index(f *schema.Field) *index {
	if x := t.indexes[f]; x != nil {
		return x
	}
	x := &index{field: f, ids: make(map[key][]int64)}
	for _, id := range t.ids {
		x.add(t.rows[id])
	}
	if t.indexes == nil {
		t.indexes = make(map[*schema.Field]*index)
	}
	t.indexes[f] = x
	return x
}

// reindex lets the indexes know that one row has taken the place of another.
// Either may be nil.
func (t *table) reindex(old, r *row) {
	for _, x := range t.indexes {
		if old != nil && r != nil && bytes.Equal(old.fields.get(x.field.Name), r.fields.get(x.field.Name)) {
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
	field  *schema.Field
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
			return t.index(n.field).ids[k] // in order, and not to be changed
		default:
			ids = append(ids, t.index(n.field).ids[k]...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// narrow notes what a condition that every row must meet says about where the
// rows are. The first one that says anything is enough.
func (f *filter) narrow(c condition, wanted []scalar) {
	if c.udf || c.op != "eq" && c.op != "in" || f.narrowing.field != nil {
		return
	}
	field := f.entity.Field(c.field)
	if field.Name != "id" && !isIndexed(field) || slices.ContainsFunc(wanted, func(x scalar) bool { return math.IsNaN(x.number) }) {
		return
	}
	f.narrowing = narrowing{field, wanted}
}
