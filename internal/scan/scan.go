// Package scan finds where JSON values end, for those who keep or skip them as
// they stand. It accepts what jsontext accepts with AllowInvalidUTF8 and
// AllowDuplicateNames, or less.
package scan

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Space returns where the next byte is that is no white space.
func Space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// Skip returns the end of the JSON value that begins at i, or -1 if there is
// none. Names may be given twice in what is nested, and texts may be invalid
// UTF-8.
func Skip(b []byte, i int) int {
	end := digits(b, i)
	switch {
	case i >= len(b):
		return -1
	case b[i] == '"':
		end, _ = Text(b, i)
		return end
	case b[i] == 'n':
		return Word(b, i, "null")
	case end > i && (end == i+1 || b[i] != '0') && (end == len(b) || b[end] == ',' || b[end] == '}'):
		return end
	}
	if end = extent(b, i); end < 0 || !IsValid(b[i:end], true) {
		return -1
	}
	return end
}

// isOrdinary reports whether eight bytes are ASCII without quotes, backslashes
// and control characters. It tells for each byte, in its highest bit, whether it
// is something else; what it tells of the bytes above such a one may be wrong.
func isOrdinary(x uint64) bool {
	const ones, highest = 0x0101010101010101, 0x8080808080808080
	quote, backslash := x^ones*'"', x^ones*'\\'
	return (x|(x-ones*' ')|(quote-ones)|(backslash-ones))&highest == 0
}

// IsValid reports whether b is one JSON value. twice allows names that are given
// twice.
func IsValid(b []byte, twice bool) bool {
	return jsontext.Value(b).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(twice))
}

// extent returns where a value ends, if it is one.
func extent(b []byte, i int) int {
	const deepest = 64 // Autotask nests three deep
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end, _ := Text(b, i)
			if end < 0 {
				return -1
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
		case ',', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return i
			}
		}
		if depth > deepest {
			return -1
		}
	}
	return i
}

// Text returns the end of the string that begins at i, or -1. It is verbatim if
// its text is what stands between the quotes: no escapes, and valid UTF-8.
func Text(b []byte, i int) (end int, verbatim bool) {
	start, ascii, escaped, odd := i+1, byte(0), false, false
	for i = start; i < len(b); i++ {
		for len(b)-i >= 8 && isOrdinary(binary.LittleEndian.Uint64(b[i:])) {
			i += 8
		}
		if i == len(b) {
			break
		}
		switch c := b[i]; {
		case c == '"' && odd && !IsValid(b[start-1:i+1], true):
			return -1, false
		case c == '"':
			return i + 1, !escaped && (ascii < utf8.RuneSelf || utf8.Valid(b[start:i]))
		case c == '\\':
			escaped = true
			i++
			odd = odd || i == len(b) || strings.IndexByte(`"\\/bfnrt`, b[i]) < 0
		case c < ' ':
			return -1, false
		default:
			ascii |= c
		}
	}
	return -1, false
}

// Word returns the end of s if that stands at i, or -1.
func Word(b []byte, i int, s string) int {
	if len(b)-i < len(s) || string(b[i:i+len(s)]) != s {
		return -1
	}
	return i + len(s)
}

// IsDigit reports whether c is a decimal digit.
func IsDigit(c byte) bool { return c-'0' < 10 }

// digits returns the end of the digits that begin at i, which may be none.
func digits(b []byte, i int) int {
	for i < len(b) && IsDigit(b[i]) {
		i++
	}
	return i
}

// IsName reports whether a text is a member's name that is the same in JSON and in a
// struct tag: letters, digits and underscores.
func IsName(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
