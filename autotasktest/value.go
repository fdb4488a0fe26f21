package autotasktest

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/autotask-go/autotask/internal/schema"
)

var null = json.RawMessage("null")

func isNull(v json.RawMessage) bool { return len(v) == 0 || string(v) == "null" }

// encode is json.Marshal for values that cannot fail.
func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// encodeGiven encodes what a caller put into a row, times in the API's form.
func encodeGiven(v any) (json.RawMessage, error) {
	if t, ok := v.(time.Time); ok {
		return formatDate(t), nil
	}
	return json.Marshal(v)
}

func integer(n int64) json.RawMessage { return strconv.AppendInt(nil, n, 10) }

// toInt64 reads an id, given as a number or as text.
func toInt64(v json.RawMessage) (int64, bool) {
	n, err := strconv.ParseInt(textOf(v), 10, 64)
	return n, err == nil
}

// textOf is the text that a scalar shows: a string without its quotes, any
// other value as it stands.
func textOf(v json.RawMessage) string {
	if len(v) == 0 || v[0] != '"' {
		return string(v)
	}
	if bytes.IndexByte(v, '\\') < 0 && utf8.Valid(v) {
		return string(v[1 : len(v)-1]) // nothing to unescape, which matters for files
	}
	var s string
	_ = json.Unmarshal(v, &s) // v is valid JSON, or it would not have been parsed
	return s
}

// convert gives a value sent by a client the form that the field is stored in,
// as generously as the API: numbers and booleans may come as text.
func convert(kind schema.Kind, v json.RawMessage) (json.RawMessage, error) {
	if isNull(v) {
		return null, nil
	}
	switch kind {
	case schema.Integer:
		return convertInteger(v)
	case schema.Number:
		return convertNumber(v)
	case schema.Boolean:
		return convertBoolean(v)
	case schema.DateTime:
		return convertDate(v)
	case schema.String, schema.Bytes:
		return convertText(v)
	default:
		return v, nil
	}
}

func convertInteger(v json.RawMessage) (json.RawMessage, error) {
	if err := mustBeText(v, "tf{["); err != nil {
		return nil, err
	}
	text := textOf(v)
	if text == "" {
		return null, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return integer(n), nil
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, conversionError(text, "int")
	}
	return json.RawMessage(n.String()), nil
}

func convertNumber(v json.RawMessage) (json.RawMessage, error) {
	if err := mustBeText(v, "tf{["); err != nil {
		return nil, err
	}
	text := textOf(v)
	if text == "" {
		return null, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
		return nil, conversionError(text, "decimal")
	}
	return json.RawMessage(text), nil
}

func convertBoolean(v json.RawMessage) (json.RawMessage, error) {
	switch text := strings.ToLower(textOf(v)); text {
	case "true", "1":
		return json.RawMessage("true"), nil
	case "false", "0":
		return json.RawMessage("false"), nil
	default:
		return nil, conversionError(text, "bit")
	}
}

func convertText(v json.RawMessage) (json.RawMessage, error) {
	if err := mustBeText(v, "{["); err != nil {
		return nil, err
	}
	if v[0] == '"' {
		return v, nil
	}
	return encode(string(v)), nil
}

func convertDate(v json.RawMessage) (json.RawMessage, error) {
	text := textOf(v)
	if text == "" {
		return null, nil
	}
	t, err := parseDate(text)
	if err != nil {
		return nil, err
	}
	return formatDate(t), nil
}

// mustBeText refuses values that begin with one of the characters.
func mustBeText(v json.RawMessage, refused string) error {
	if strings.IndexByte(refused, v[0]) >= 0 {
		return complain("Unexpected character encountered while parsing value: %c", v[0])
	}
	return nil
}

func conversionError(text, sqlType string) error {
	return complain("Conversion failed when converting the varchar value '%s' to data type %s.", text, sqlType)
}

// dateLayouts are the forms of a date in requests. Go reads fractions of a
// second whether or not the layout has them.
var dateLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"}

// parseDate reads a date. One without a zone is UTC.
func parseDate(text string) (time.Time, error) {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, complain("Conversion failed when converting date and/or time from character string.")
}

// formatDate writes a date as current zones do: UTC, milliseconds, no trailing
// zeros in the fraction.
func formatDate(t time.Time) json.RawMessage {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return json.RawMessage(t.Format(dateLayout))
	}
	hour, minute, second := t.Clock()
	// By hand: package time takes three times as long, and every row has several.
	b := append(make(json.RawMessage, 0, len(dateLayout)), '"')
	b = append(digits(digits(b, year/100), year%100), '-')
	b = append(digits(b, int(month)), '-')
	b = append(digits(b, day), 'T')
	b = append(digits(b, hour), ':')
	b = append(digits(b, minute), ':')
	b = digits(b, second)
	if ms := t.Nanosecond() / 1e6; ms > 0 {
		b = digits(append(b, '.', decimal[ms/100]), ms%100)
		b = bytes.TrimRight(b, "0")
	}
	return append(b, 'Z', '"')
}

const dateLayout = `"2006-01-02T15:04:05.999Z"`

const decimal = "0123456789"

// digits writes a number below 100.
func digits(b []byte, n int) []byte { return append(b, decimal[n/10], decimal[n%10]) }

// zoneless takes the zone designator off a date.
func zoneless(v json.RawMessage) json.RawMessage {
	if s, ok := strings.CutSuffix(string(v), `Z"`); ok {
		return json.RawMessage(s + `"`)
	}
	return v
}

// sameInstant reports whether both are dates and mean one moment.
func sameInstant(a, b json.RawMessage) bool {
	x, errX := parseDate(textOf(a))
	y, errY := parseDate(textOf(b))
	return errX == nil && errY == nil && x.Equal(y)
}
