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
		return enc.WriteToken(jsontext.String(fields.FormatTime(*v)))
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
		err = decodeScalar(dec, v, parseText, aText)
	case *int64:
		err = decodeScalar(dec, v, parseInt, "a whole number")
	case *float64:
		err = decodeScalar(dec, v, parseFloat, "a number")
	case *bool:
		err = decodeScalar(dec, v, parseBool, "true or false")
	case *time.Time:
		err = decodeScalar(dec, v, parseTime, "a date-time")
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

// parseText takes numbers and booleans, too, as they are written.
func parseText(v jsontext.Value) (string, error) { return fields.Text(v), nil }

// parseInt also takes a number written as 5.0 or 5e0, as long as it is whole.
func parseInt(v jsontext.Value) (int64, error) {
	if n, ok := digits(v); ok {
		return n, nil
	}
	s := strings.TrimSpace(fields.Text(v))
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

// digits reads what nearly all whole numbers are: a few digits.
func digits(v jsontext.Value) (n int64, ok bool) {
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, len(v) <= 18 // so that it cannot overflow
}

func parseFloat(v jsontext.Value) (float64, error) {
	if v[0] != '"' {
		if f, err := strconv.ParseFloat(string(v), 64); err == nil {
			return f, nil
		}
	}
	s := strings.TrimSpace(fields.Text(v))
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("%.40q is not a number", s)
	}
	return f, nil
}

func parseBool(v jsontext.Value) (bool, error) {
	switch v[0] {
	case 't':
		return true, nil
	case 'f':
		return false, nil
	}
	// Some flags of Autotask are the numbers 0 and 1.
	s := fields.Text(v)
	b, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		return false, fmt.Errorf("%.40q is neither true nor false", s)
	}
	return b, nil
}

func parseTime(v jsontext.Value) (time.Time, error) {
	if fields.IsVerbatim(v) {
		return fields.ParseTime(v[1 : len(v)-1])
	}
	return fields.ParseTime(fields.Text(v))
}

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
