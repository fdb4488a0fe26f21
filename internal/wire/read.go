// Package wire knows how Autotask spells scalars: how it writes texts, numbers,
// booleans and times, and how it wants them written.
package wire

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Text returns a scalar as a string; it must have been decoded from JSON before.
// Numbers and booleans are returned as written.
func Text(v jsontext.Value) string {
	switch {
	case len(v) == 0 || v[0] != '"':
		return string(v)
	case IsVerbatim(v):
		return string(v[1 : len(v)-1])
	}
	var s string
	_ = json.Unmarshal(v, &s, jsontext.AllowInvalidUTF8(true))
	return s
}

// IsVerbatim reports whether a JSON string has no escapes and no invalid characters:
// its content is exactly what is between the quotes.
func IsVerbatim(v jsontext.Value) bool {
	return len(v) > 1 && v[0] == '"' && bytes.IndexByte(v, '\\') < 0 && utf8.Valid(v)
}

// Int reads a whole number, also one in quotes or written as 5.0 or 5e0.
func Int(v jsontext.Value) (int64, error) {
	if n, ok := Digits(v); ok {
		return n, nil
	}
	s := strings.TrimSpace(Text(v))
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

// Digits reads what nearly all whole numbers are: a few digits.
func Digits(v jsontext.Value) (n int64, ok bool) {
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, len(v) <= 18 // so that it cannot overflow
}

// Float reads a number, also one in quotes.
func Float(v jsontext.Value) (float64, error) {
	if v[0] != '"' {
		if f, err := strconv.ParseFloat(string(v), 64); err == nil {
			return f, nil
		}
	}
	s := strings.TrimSpace(Text(v))
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("%.40q is not a number", s)
	}
	return f, nil
}

// Bool reads true, false, and what stands for them: 0, 1 and either in quotes.
func Bool(v jsontext.Value) (bool, error) {
	switch v[0] {
	case 't':
		return true, nil
	case 'f':
		return false, nil
	}
	// Some flags of Autotask are the numbers 0 and 1.
	s := Text(v)
	b, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		return false, fmt.Errorf("%.40q is neither true nor false", s)
	}
	return b, nil
}

// Time reads a date-time; see ParseTime.
func Time(v jsontext.Value) (time.Time, error) {
	if IsVerbatim(v) {
		return ParseTime(v[1 : len(v)-1])
	}
	return ParseTime(Text(v))
}

// ParseTime parses a date-time from the wire: with or without a zone designator, with
// any number of fraction digits. Without one it is UTC.
func ParseTime[S ~string | ~[]byte](s S) (time.Time, error) {
	var room [len("2006-01-02T15:04:05.123456789+00:00")]byte // most fit
	text := append(room[:0], s...)
	switch {
	case len(s) == len(time.DateOnly):
		text = append(text, "T00:00:00Z"...)
	case !hasZone(text):
		text = append(text, 'Z')
	}
	var t time.Time
	if t.UnmarshalText(text) == nil {
		return t.UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, string(text)) // not as strict
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is not a date-time", string(s))
	}
	return t.UTC(), nil
}

func hasZone(s []byte) bool {
	n := len(s)
	return n > 0 && s[n-1] == 'Z' || n > 6 && s[n-3] == ':' && (s[n-6] == '+' || s[n-6] == '-')
}

// FormatTime formats a date-time for the wire: UTC, to the millisecond.
func FormatTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.999Z")
}
