package quick

import (
	"encoding"
	"reflect"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/autotask-go/autotask/internal/scan"
)

// table is what is known of a type of items.
type table struct {
	fields []field
	byName map[string]int
}

type field struct {
	prefix string // `"title":`
	index  int    // in the struct
	kind   Kind
	list   *table // of the structs of a List
}

var tables sync.Map // reflect.Type -> *table

// tableOf is nil of a type whose items json/v2 must read.
func tableOf(typ reflect.Type, c *Codec) *table {
	if t, ok := tables.Load(typ); ok {
		return t.(*table)
	}
	t, _ := tables.LoadOrStore(typ, newTable(typ, c))
	return t.(*table)
}

// mostFields is how many fields a byte can number, counted from 1.
const mostFields = 255

// newTable takes structs that leave their reading to json/v2, with fields that
// have a name each and nothing else that bears on reading.
func newTable(typ reflect.Type, c *Codec) *table {
	if typ.Kind() != reflect.Struct || typ.NumField() > mostFields || readsItself(typ) {
		return nil
	}
	t := &table{byName: make(map[string]int, typ.NumField())}
	for i := range typ.NumField() {
		sf := typ.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		_, twice := t.byName[name]
		if !sf.IsExported() || sf.Anonymous || !scan.IsName(name) || twice || options != "" && options != "omitzero" {
			return nil
		}
		t.byName[name] = len(t.fields)
		f := field{prefix: `"` + name + `":`, index: i, kind: c.Kind(sf.Type)}
		if f.kind == List {
			if f.list = tableOf(sf.Type.Elem(), c); f.list == nil {
				f.kind = Other
			}
		}
		t.fields = append(t.fields, f)
	}
	return t
}

func readsItself(typ reflect.Type) bool {
	p := reflect.PointerTo(typ)
	return p.Implements(reflect.TypeFor[json.UnmarshalerFrom]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
