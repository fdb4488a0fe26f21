package wire

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Sameness is what two values of a list have in common if they are spelled the
// same. Strings in two casings are not: which of them are the same to Autotask
// depends on its database.
func Sameness(v any) any {
	switch v := v.(type) {
	case jsontext.Value:
		return [1]string{string(v)} // a number, and no text
	case Stamp:
		return v.String()
	}
	return v
}

// Scalar gives a value the form it has on the wire. Whole numbers are
// int64, whichever type they came in, so that they can be compared.
func Scalar(value any) (any, error) {
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, noPointer(value) // before its methods are called
	}
	switch v := value.(type) {
	case time.Time:
		return timeValue(v)
	case interface { // a json.Number, which is a text to Go
		Int64() (int64, error)
		Float64() (float64, error)
		String() string
	}:
		return numberValue(v.String())
	}
	switch v.Kind() {
	case reflect.Invalid:
		return nil, errors.New("nil matches nothing in Autotask: use NotExist or Exist")
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return nil, errors.New("the string is invalid UTF-8")
		}
		return v.String(), nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := v.Uint(); u > math.MaxInt64 {
			return u, nil
		}
		return int64(v.Uint()), nil //nolint:gosec // it fits
	case reflect.Float32, reflect.Float64:
		return floatValue(v.Float())
	case reflect.Struct:
		if stamp := reflect.TypeFor[time.Time](); v.CanConvert(stamp) {
			return timeValue(v.Convert(stamp).Interface().(time.Time))
		}
	case reflect.Pointer:
		return nil, noPointer(value)
	}
	return nil, fmt.Errorf("a %T is not a valid filter value: use a string, number, bool or time.Time", value)
}

func noPointer(value any) error {
	return fmt.Errorf("a %T is not a valid filter value: use what it points to, or NotExist where that is nil", value)
}

func timeValue(t time.Time) (any, error) {
	switch year := t.UTC().Year(); {
	case t.IsZero():
		return nil, errors.New("the time is zero: set it, use NotExist for items without one, or leave the condition out")
	case year < 1 || year > 9999:
		return nil, fmt.Errorf("the year %d cannot be sent: use 1 to 9999", year)
	}
	return Stamp{t}, nil
}

func floatValue(f float64) (any, error) {
	const exact = 1 << 53 // above it, several whole numbers are the same float64
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, errors.New("NaN and infinity are not valid filter values")
	case f == math.Trunc(f) && math.Abs(f) <= exact:
		return int64(f), nil
	}
	return f, nil
}

// numberValue keeps a number that no Go type holds as it is spelled.
func numberValue(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if v := jsontext.Value(text); v.Kind() == '0' && v.IsValid() {
		return v, nil
	}
	return nil, fmt.Errorf("%.60q is not a number", text)
}

// Stamp is a time as a value of a filter.
type Stamp struct{ time.Time }

// String is the time as it is sent.
func (s Stamp) String() string { return FormatTime(s.Time) }

// MarshalJSONTo writes the time as it is sent.
func (s Stamp) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteToken(jsontext.String(s.String()))
}

// IsNumber reports whether Autotask reads a text as a number.
func IsNumber(text string) bool {
	text = strings.TrimSpace(text)
	_, err := strconv.ParseFloat(text, 64)
	return err == nil || jsontext.Value(text).Kind() == '0' && jsontext.Value(text).IsValid()
}

// Elements returns those of a slice, or the value itself if it is none. Bytes
// are text or JSON to Go, not a list.
func Elements(value any) []any {
	v := reflect.ValueOf(value)
	if kind := v.Kind(); kind != reflect.Slice && kind != reflect.Array || v.Type().Elem().Kind() == reflect.Uint8 {
		return []any{value}
	}
	all := make([]any, v.Len())
	for i := range all {
		all[i] = v.Index(i).Interface()
	}
	return all
}
