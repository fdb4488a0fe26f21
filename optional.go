package autotask

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/quick"
	"github.com/autotask-go/autotask/internal/wire"
)

// Optional is a field that is absent (the zero value, not sent), null (clears
// the field), or holds a value, such as 0, false or "".
type Optional[T any] struct {
	value T
	state state
}

type state uint8

const (
	absent state = iota
	null
	present
)

// Value returns an Optional that holds v.
func Value[T any](v T) Optional[T] { return Optional[T]{value: v, state: present} }

// Int returns an Optional that holds v, for ids and picklist values.
func Int(v int64) Optional[int64] { return Value(v) }

// Null returns an Optional that clears the field it is written to.
func Null[T any]() Optional[T] { return Optional[T]{state: null} }

// Get returns the value, and whether there is one.
func (o Optional[T]) Get() (T, bool) { return o.value, o.state == present }

// held is Get for code that does not know T.
func (o Optional[T]) held() (any, bool) { return o.value, o.state == present }

// Or returns the value, or fallback if the field is absent or null.
func (o Optional[T]) Or(fallback T) T {
	if o.state == present {
		return o.value
	}
	return fallback
}

// Set makes the field hold v.
func (o *Optional[T]) Set(v T) { *o = Value(v) }

// SetNull makes the field null, which clears it when written.
func (o *Optional[T]) SetNull() { *o = Null[T]() }

// IsNull reports whether the field is null.
func (o Optional[T]) IsNull() bool { return o.state == null }

// IsZero reports whether the field is absent, for omitzero.
func (o Optional[T]) IsZero() bool { return o.state == absent }

// String returns the value as a string, "null", or "" if absent.
func (o Optional[T]) String() string {
	switch o.state {
	case present:
		return fmt.Sprint(o.value)
	case null:
		return "null"
	default:
		return ""
	}
}

// MarshalJSONTo writes the value, or null. It is for encoding/json/v2; outside
// the compatibility promise until Go 1.27.
func (o Optional[T]) MarshalJSONTo(enc *jsontext.Encoder) error {
	if o.state != present {
		return enc.WriteToken(jsontext.Null)
	}
	switch v := any(&o.value).(type) {
	case *string:
		return enc.WriteToken(jsontext.String(*v))
	case *int64:
		return enc.WriteToken(jsontext.Int(*v))
	case *bool:
		return enc.WriteToken(jsontext.Bool(*v))
	case *time.Time:
		return enc.WriteToken(jsontext.String(wire.FormatTime(*v)))
	case *float64:
		if math.IsNaN(*v) || math.IsInf(*v, 0) {
			return errors.New("NaN and infinity cannot be written as JSON")
		}
		return enc.WriteToken(jsontext.Float(*v))
	}
	value := o.value // a copy, so that only rarer types cost an allocation
	return json.MarshalEncode(enc, &value)
}

// UnmarshalJSONFrom reads any spelling of a value, or null. It is for
// encoding/json/v2; outside the compatibility promise until Go 1.27.
func (o *Optional[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	o.state = present
	var err error
	switch v := any(&o.value).(type) {
	case *string:
		err = decodeScalar(dec, v, verbatim, aText)
	case *int64:
		err = decodeScalar(dec, v, wire.Int, "a whole number")
	case *float64:
		err = decodeScalar(dec, v, wire.Float, "a number")
	case *bool:
		err = decodeScalar(dec, v, wire.Bool, "true or false")
	case *time.Time:
		err = decodeScalar(dec, v, wire.Time, "a date-time")
	default:
		var zero T
		o.value = zero
		if dec.PeekKind() != 'n' {
			return json.UnmarshalDecode(dec, v)
		}
		if _, err = dec.ReadToken(); err == nil {
			err = errEmpty
		}
	}
	if err == errEmpty { //nolint:errorlint // it is ours, and comes as it is
		o.state, err = null, nil
	}
	return err
}

// MarshalJSON is MarshalJSONTo for encoding/json.
func (o Optional[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o) }

// UnmarshalJSON is UnmarshalJSONFrom for encoding/json.
func (o *Optional[T]) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, o) }

// errEmpty: Autotask writes "" and null for the same.
var errEmpty = errors.New("empty")

const aText = "a text"

// decodeScalar reads a text, number or boolean. The bytes of the answer are not
// kept: parse copies what it needs.
func decodeScalar[V any](dec *jsontext.Decoder, into *V, parse func(jsontext.Value) (V, error), want string) error {
	var zero V
	*into = zero
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch v[0] {
	case 'n':
		return errEmpty
	case '{', '[':
		return fmt.Errorf("want %s, found an object or array", want)
	case '"':
		if len(v) == len(`""`) && want != aText {
			return errEmpty
		}
	}
	*into, err = parse(v)
	return err
}

// verbatim takes numbers and booleans, too, as they are written.
func verbatim(v jsontext.Value) (string, error) { return wire.Text(v), nil }

// UserDefinedField is a user-defined field (UDF) of an item: a string or null.
type UserDefinedField struct {
	Name  string           `json:"name"`
	Value Optional[string] `json:"value,omitzero"`
}

// UDFs are the user-defined fields of an item, in Autotask's order.
type UDFs []UserDefinedField

// UnmarshalJSONFrom reads an array or null. It is for encoding/json/v2; outside
// the compatibility promise until Go 1.27.
func (u *UDFs) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*u = nil
	switch dec.PeekKind() {
	case 'n':
		_, err := dec.ReadToken()
		return err
	case '[':
	default:
		return json.UnmarshalDecode(dec, (*[]UserDefinedField)(u)) // which names the mistake
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	all := UDFs{}
	for i := 0; dec.PeekKind() != ']'; i++ {
		if i == 0 {
			all = make(UDFs, 0, 8)
		}
		all = append(all, UserDefinedField{})
		if err := json.UnmarshalDecode(dec, &all[i]); err != nil {
			return err
		}
	}
	*u = all
	_, err := dec.ReadToken()
	return err
}

// Get returns the value of a field by its name, in any casing, or absent.
func (u UDFs) Get(name string) Optional[string] {
	if i := u.index(name); i >= 0 {
		return u[i].Value
	}
	return Optional[string]{}
}

// Set makes the named field hold value, and adds it if it is not listed.
func (u *UDFs) Set(name string, value Optional[string]) {
	if i := u.index(name); i >= 0 {
		(*u)[i].Value = value
		return
	}
	*u = append(*u, UserDefinedField{Name: name, Value: value})
}

func (u UDFs) index(name string) int {
	for i := range u {
		if strings.EqualFold(u[i].Name, name) {
			return i
		}
	}
	return -1
}

// ID returns the id of an item; 0 for nil, and also the tenant's own company.
func ID(item Entity) int64 { return idIn(item) }

// idOf is ID where the type is known, and need not be an entity.
func idOf[T any](v *T) int64 { return idIn(v) }

func idIn(item any) int64 {
	switch v := item.(type) { // the quick ones
	case *Ticket:
		if v != nil {
			return v.ID
		}
	case *TicketNote:
		if v != nil {
			return v.ID
		}
	case *TimeEntry:
		if v != nil {
			return v.ID
		}
	}
	if f := fieldOf(reflect.ValueOf(item), "ID"); f.IsValid() && f.CanInt() {
		return f.Int()
	}
	return 0
}

// UDFsOf returns the user-defined fields of an item, nil if it has none.
func UDFsOf(item Entity) *UDFs {
	f := fieldOf(reflect.ValueOf(item), "UserDefinedFields")
	if !f.IsValid() || f.Type() != reflect.TypeFor[UDFs]() {
		return nil
	}
	if f.CanAddr() {
		return f.Addr().Interface().(*UDFs)
	}
	udfs := f.Interface().(UDFs)
	return &udfs
}

// fieldOf returns the field of a struct or of what pointers to it lead to,
// invalid if there is none.
func fieldOf(v reflect.Value, name string) reflect.Value {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	sf, ok := v.Type().FieldByName(name)
	if !ok {
		return reflect.Value{}
	}
	f, err := v.FieldByIndexErr(sf.Index)
	if err != nil { // in a struct that is embedded by a nil pointer
		return reflect.Value{}
	}
	return f
}

// MaxLength returns the maximum length of a field ("title"), or 0 if unknown.
// Autotask counts UTF-16 code units: an emoji is two.
func MaxLength(item Entity, field string) int {
	t := reflect.TypeOf(item)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return 0
	}
	if f := fields.Of(t).Find(field); f != nil {
		return f.MaxLength
	}
	return 0
}

// Day returns midnight UTC, which fields without a time of day take, such as
// Contract.EndDate, and filters on them; other times there are [ErrInvalid].
func Day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// DayOf returns the [Day] of t in its location: DayOf(time.Now()) is today.
func DayOf(t time.Time) time.Time { return Day(t.Date()) }

// pointerTo returns a field of a struct to read and to set, nil if there is none of the
// name and type.
func pointerTo[V any](item reflect.Value, name string) *Optional[V] {
	f := fieldOf(item, name)
	if !f.IsValid() {
		return nil
	}
	p, _ := f.Addr().Interface().(*Optional[V])
	return p
}

// isNilPointer reports whether an interface holds a pointer or a function that
// is nil, which is not a nil interface and panics when it is called.
func isNilPointer(v any) bool {
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}

// quickly reads answers in the form in which Autotask nearly always sends them.
// decode reads all others, and reports what is wrong with them.
var quickly = quick.Codec{Kind: kindOfField, Set: setField, Decode: decode}

func kindOfField(typ reflect.Type) quick.Kind {
	switch typ {
	case reflect.TypeFor[Optional[int64]]():
		return quick.Int
	case reflect.TypeFor[Optional[float64]]():
		return quick.Number
	case reflect.TypeFor[Optional[bool]]():
		return quick.Flag
	case reflect.TypeFor[Optional[string]]():
		return quick.Text
	case reflect.TypeFor[Optional[time.Time]]():
		return quick.Time
	case reflect.TypeFor[int64]():
		return quick.PlainInt
	case reflect.TypeFor[string]():
		return quick.PlainText
	case reflect.TypeFor[UDFs]():
		return quick.List
	default:
		return quick.Other
	}
}

// setField puts a value into a field of the kind that kindOfField says.
func setField(field any, v *quick.Value) {
	s := present
	if v.Null {
		s = null
	}
	switch p := field.(type) {
	case *Optional[int64]:
		if *p = (Optional[int64]{state: s}); s == present {
			p.value = v.Int
		}
	case *Optional[float64]:
		if *p = (Optional[float64]{state: s}); s == present {
			p.value = v.Number
		}
	case *Optional[bool]:
		if *p = (Optional[bool]{state: s}); s == present {
			p.value = v.Flag
		}
	case *Optional[string]:
		if *p = (Optional[string]{state: s}); s == present {
			p.value = v.Text
		}
	case *Optional[time.Time]:
		if *p = (Optional[time.Time]{state: s}); s == present {
			p.value = v.Time
		}
	case *int64:
		*p = v.Int
	case *string:
		*p = v.Text
	}
}

// copyOf returns a pointer to a shallow copy of what v points to.
func copyOf(v any) any {
	item := reflect.New(reflect.TypeOf(v).Elem())
	item.Elem().Set(reflect.ValueOf(v).Elem())
	return item.Interface()
}

// parentOf is the parent of a child entity, none of any other.
func parentOf(item any) Optional[int64] {
	if child, ok := item.(Child); ok {
		return child.Parent().ID
	}
	return Optional[int64]{}
}

// labelOf is what an item of any entity is called, as far as its fields tell:
// its title, number or names.
func labelOf(item any) string {
	v := reflect.Indirect(reflect.ValueOf(item))
	if v.Kind() != reflect.Struct {
		return ""
	}
	var parts []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if !v.Field(i).CanInterface() || name != "Title" && name != "TicketNumber" && !strings.HasSuffix(name, "Name") {
			continue
		}
		if text := textIn(v.Field(i)); text != "" && len(parts) < 2 {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

// textIn is the text that a field holds, "" if it holds none.
func textIn(f reflect.Value) string {
	switch v := f.Interface().(type) {
	case string:
		return v
	case Optional[string]:
		return v.Or("")
	}
	return ""
}
