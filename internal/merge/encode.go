package merge

import (
	"reflect"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Encode returns what json.Marshal returns for an item, and calls each with every
// member, in order. An item in which only texts, whole numbers and booleans are set, as
// in most new items, is encoded here, which is faster.
func Encode(item any, each func(name string, value jsontext.Value)) (object []byte, err error) {
	var room [24]member
	if object, members, ok := encodePlain(item, room[:0]); ok {
		for _, m := range members {
			each(m.name, m.value)
		}
		return object, nil
	}
	if object, err = json.Marshal(item); err != nil {
		return nil, err
	}
	return object, Each(object, each)
}

// encodePlain returns false for an item that must be left to json.Marshal.
func encodePlain(item any, room []member) (object []byte, members []member, ok bool) {
	v := reflect.ValueOf(item).Elem()
	fields := fieldsOf(v.Type())
	if fields == nil {
		return nil, nil, false
	}
	const usual = 256
	object, members = append(make([]byte, 0, usual), '{'), room
	for _, f := range fields {
		value := v.Field(f.index)
		if f.omitzero && isZero(value) {
			continue
		}
		if len(members) > 0 {
			object = append(object, ',')
		}
		object = append(append(append(object, '"'), f.name...), `":`...)
		start := len(object)
		if object, ok = f.appendPlain(object, value); !ok {
			return nil, nil, false
		}
		members = append(members, member{name: f.name, value: object[start:len(object):len(object)]})
	}
	return append(object, '}'), members, true
}

func (f field) appendPlain(b []byte, v reflect.Value) (_ []byte, ok bool) {
	switch f.plain {
	case reflect.String:
		b, err := jsontext.AppendQuote(b, v.String())
		return b, err == nil
	case reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10), true
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), true
	default:
		return b, false
	}
}

// plainKind returns the kind of a type that encodePlain writes, and Invalid for all
// others: a named type may have a method that encodes it.
func plainKind(typ reflect.Type) reflect.Kind {
	switch typ {
	case reflect.TypeFor[string](), reflect.TypeFor[int64](), reflect.TypeFor[bool]():
		return typ.Kind()
	default:
		return reflect.Invalid
	}
}
