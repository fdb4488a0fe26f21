package merge

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/scan"
)

// Snapshot keeps a copy of the item that a pointer leads to. The function that it
// returns lists the members in which the item has come to differ, as Diff does
// for two objects: it encodes the fields that differ, and no others.
func Snapshot(item any) (changes func() ([]Change, error), err error) {
	v := reflect.ValueOf(item).Elem()
	fields := fieldsOf(v.Type())
	if fields == nil {
		return encoded(item)
	}
	old := reflect.New(v.Type()).Elem()
	old.Set(v)
	for _, f := range fields {
		if was := v.Field(f.index); f.list && !was.IsNil() {
			old.Field(f.index).Set(reflect.AppendSlice(reflect.MakeSlice(was.Type(), 0, was.Len()), was))
		}
	}
	return func() ([]Change, error) { return differing(fields, old, v) }, nil
}

// encoded is Snapshot for items of any type.
func encoded(item any) (changes func() ([]Change, error), err error) {
	before, err := json.Marshal(item)
	if err != nil {
		return nil, err
	}
	return func() ([]Change, error) {
		after, err := json.Marshal(item)
		if err != nil {
			return nil, err
		}
		return Diff(before, after)
	}, nil
}

func differing(fields []field, before, after reflect.Value) ([]Change, error) {
	var changes, gone []Change
	for _, f := range fields {
		was, is := before.Field(f.index), after.Field(f.index)
		if f.same(was, is) {
			continue
		}
		c := Change{Name: f.name}
		var err error
		if c.Old, err = f.encode(was); err != nil {
			return nil, err
		}
		if c.New, err = f.encode(is); err != nil {
			return nil, err
		}
		switch {
		case string(c.Old) == string(c.New) || sameUDFs(c.Name, c.Old, c.New): // two times, say, that are written alike
		case c.New == nil:
			gone = append(gone, c)
		default:
			changes = append(changes, c)
		}
	}
	return append(changes, gone...), nil
}

// field is a field of a struct that can be compared without encoding it.
type field struct {
	index    int
	name     string
	omitzero bool
	list     bool // it is a slice of structs
	plain    reflect.Kind
}

func (f field) same(a, b reflect.Value) bool {
	if !f.list {
		return a.Equal(b)
	}
	same := a.Len() == b.Len() && a.IsNil() == b.IsNil() // an empty list is encoded, none is not
	for i := 0; same && i < a.Len(); i++ {
		same = a.Index(i).Equal(b.Index(i))
	}
	return same
}

// encode is nil for a field that an object leaves out.
func (f field) encode(v reflect.Value) (jsontext.Value, error) {
	if f.omitzero && isZero(v) {
		return nil, nil
	}
	return json.Marshal(v.Addr().Interface())
}

func isZero(v reflect.Value) bool {
	if z, ok := v.Addr().Interface().(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	return v.IsZero()
}

var itemFields sync.Map // reflect.Type -> []field

// fieldsOf is nil of a type that must be encoded to be compared: one that encodes
// itself, has fields that share memory with a copy, or uses more of struct tags
// than names and omitzero.
func fieldsOf(typ reflect.Type) []field {
	if all, ok := itemFields.Load(typ); ok {
		return all.([]field)
	}
	all, _ := itemFields.LoadOrStore(typ, readFields(typ))
	return all.([]field)
}

func readFields(typ reflect.Type) []field {
	if typ.Kind() != reflect.Struct || encodesItself(typ) {
		return nil
	}
	var all []field
	for i := range typ.NumField() {
		sf := typ.Field(i)
		name, options, more := strings.Cut(sf.Tag.Get("json"), ",")
		list := sf.Type.Kind() == reflect.Slice
		compared := sf.Type
		if list {
			compared = sf.Type.Elem()
		}
		if !sf.IsExported() || sf.Anonymous || !scan.IsName(name) || more && options != "omitzero" || !isPlain(compared) ||
			slices.ContainsFunc(all, func(f field) bool { return f.name == name }) {
			return nil
		}
		all = append(all, field{index: i, name: name, omitzero: more, list: list, plain: plainKind(sf.Type)})
	}
	return all
}

func encodesItself(typ reflect.Type) bool {
	p := reflect.PointerTo(typ)
	return p.Implements(reflect.TypeFor[json.MarshalerTo]()) || p.Implements(reflect.TypeFor[json.Marshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextAppender]())
}

// isPlain is true of what a copy has for itself, so that it can be compared by ==.
func isPlain(typ reflect.Type) bool {
	switch typ.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	case reflect.Struct:
		if typ == reflect.TypeFor[time.Time]() {
			return true // nobody changes a location
		}
		for i := range typ.NumField() {
			if !isPlain(typ.Field(i).Type) {
				return false
			}
		}
		return true
	default:
		return false
	}
}
