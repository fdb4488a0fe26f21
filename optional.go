package autotask

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
)

// Optional is a field in one of three states: absent (the zero value), null,
// or holding a value. The difference matters to Autotask: an absent field is
// not sent, null clears the field, and 0, false and "" are values like any
// other (company 0 is the tenant's own).
//
//	var o autotask.Optional[string]   // absent
//	o = autotask.Null[string]()       // clears the field
//	o = autotask.Value("text")        // sets it
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

// Int returns an Optional that holds v: Value for the ids and picklist values,
// which are all int64, from an untyped constant.
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

// SetNull makes the field null: written to Autotask, it clears the field.
func (o *Optional[T]) SetNull() { *o = Null[T]() }

// IsNull reports whether the field is null.
func (o Optional[T]) IsNull() bool { return o.state == null }

// IsZero reports whether the field is absent. Struct tags with omitzero go by it.
func (o Optional[T]) IsZero() bool { return o.state == absent }

// String returns the value as text, "null", or "" if the field is absent.
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

// MarshalJSONTo writes the value, or null. Absent fields are left out by
// omitzero before it comes to that; alone, an absent one is null as well.
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
		return enc.WriteToken(jsontext.String(fields.FormatTime(*v)))
	case *float64:
		if math.IsNaN(*v) || math.IsInf(*v, 0) {
			return errors.New("NaN and infinity have no form in JSON")
		}
		return enc.WriteToken(jsontext.Float(*v))
	}
	value := o.value // a copy, so that only rarer types cost an allocation
	return json.MarshalEncode(enc, &value)
}

// UnmarshalJSONFrom reads a value or null. Date-times may come with or without
// a zone designator, which then means UTC; numbers and booleans may come as
// text. "" is null but for texts.
func (o *Optional[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var zero T
	o.value, o.state = zero, present
	if dec.PeekKind() == 'n' {
		o.state = null
		_, err := dec.ReadToken()
		return err
	}
	switch v := any(&o.value).(type) {
	case *string:
		return decodeString(dec, v)
	case *int64:
		return o.unlessEmpty(decodeInt(dec, v))
	case *float64:
		return o.unlessEmpty(decodeFloat(dec, v))
	case *bool:
		return o.unlessEmpty(decodeBool(dec, v))
	case *time.Time:
		return o.unlessEmpty(decodeTime(dec, v))
	default:
		return json.UnmarshalDecode(dec, v)
	}
}

// errEmpty: Autotask writes "" and null for the same.
var errEmpty = errors.New("empty")

func (o *Optional[T]) unlessEmpty(err error) error {
	if errors.Is(err, errEmpty) {
		o.state = null
		return nil
	}
	return err
}

// MarshalJSON is MarshalJSONTo for encoding/json.
func (o Optional[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o) }

// UnmarshalJSON is UnmarshalJSONFrom for encoding/json.
func (o *Optional[T]) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, o) }

// scalar reads a string, number or boolean.
func scalar(dec *jsontext.Decoder, want string) (jsontext.Token, error) {
	if kind := dec.PeekKind(); kind == '{' || kind == '[' {
		if err := dec.SkipValue(); err != nil {
			return jsontext.Token{}, err
		}
		return jsontext.Token{}, fmt.Errorf("want %s, found an object or array", want)
	}
	token, err := dec.ReadToken()
	if err == nil && token.Kind() == '"' && want != aText && token.String() == "" {
		err = errEmpty
	}
	return token, err
}

const aText = "a text"

func decodeString(dec *jsontext.Decoder, v *string) error {
	token, err := scalar(dec, aText)
	if err == nil {
		*v = token.String()
	}
	return err
}

func decodeInt(dec *jsontext.Decoder, v *int64) error {
	token, err := scalar(dec, "a whole number")
	if err != nil {
		return err
	}
	if token.Kind() == '0' {
		if n, err := token.Int(); err == nil {
			*v = n
			return nil
		}
	}
	*v, err = parseInt(token.String())
	return err
}

// parseInt also takes a number written as 5.0 or 5e0, as long as it is whole.
func parseInt(s string) (int64, error) {
	s = strings.TrimSpace(s)
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		return n, nil
	}
	f, floatErr := strconv.ParseFloat(s, 64)
	if floatErr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, fmt.Errorf("%.40q is not a whole number of 64 bits", s)
	}
	return int64(f), nil
}

func decodeFloat(dec *jsontext.Decoder, v *float64) error {
	token, err := scalar(dec, "a number")
	if err != nil {
		return err
	}
	if token.Kind() == '0' {
		if f, err := token.Float(); err == nil {
			*v = f
			return nil
		}
	}
	s := strings.TrimSpace(token.String())
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("%.40q is not a number", s)
	}
	*v = f
	return nil
}

func decodeBool(dec *jsontext.Decoder, v *bool) error {
	token, err := scalar(dec, "true or false")
	if err != nil {
		return err
	}
	// Some flags of Autotask are the numbers 0 and 1.
	b, err := strconv.ParseBool(strings.ToLower(token.String()))
	if err != nil {
		return fmt.Errorf("%.40q is neither true nor false", token.String())
	}
	*v = b
	return nil
}

func decodeTime(dec *jsontext.Decoder, v *time.Time) error {
	token, err := scalar(dec, "a date-time")
	if err != nil {
		return err
	}
	*v, err = fields.ParseTime(token.String())
	return err
}

// UserDefinedField is one user-defined field (UDF) of an item. Autotask
// carries every UDF value as text, whatever its type, or as null.
type UserDefinedField struct {
	Name  string           `json:"name"`
	Value Optional[string] `json:"value,omitzero"`
}

// UDFs are the user-defined fields of an item, in Autotask's order.
type UDFs []UserDefinedField

// Get returns the value of the named field, absent if there is none of that
// name. Names are compared without case.
func (u UDFs) Get(name string) Optional[string] {
	if i := u.index(name); i >= 0 {
		return u[i].Value
	}
	return Optional[string]{}
}

// Set makes the named field hold value; Null clears it. A field that the item
// does not list yet is added.
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
