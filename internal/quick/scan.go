// Package quick reads what Autotask sends day by day faster than a JSON decoder
// for everything can. It takes plain JSON and nothing else: at the first
// surprise it gives up, and the caller reads the same bytes with json/v2 from
// their beginning. So it has no errors of its own; it may not accept what json/v2
// refuses, nor read it differently.
package quick

import "unicode/utf8"

// maxDepth is how deep values may be nested. What Autotask sends is three deep.
const maxDepth = 64

// Space returns where the next byte is that is no white space.
func Space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// Value returns the end of the JSON value that begins at i, or -1 if there is
// none, or it is nested too deep. Names of nested objects may be given twice and
// texts may be invalid UTF-8, as json/v2 has it with AllowDuplicateNames and
// AllowInvalidUTF8.
func Value(b []byte, i int) int { return value(b, i, 0) }

func value(b []byte, i, depth int) int {
	if i >= len(b) || depth > maxDepth {
		return -1
	}
	switch c := b[i]; c {
	case '"':
		end, _ := Text(b, i)
		return end
	case 'n':
		return word(b, i, "null")
	case 't':
		return word(b, i, "true")
	case 'f':
		return word(b, i, "false")
	case '{':
		return members(b, i+1, '}', depth+1)
	case '[':
		return members(b, i+1, ']', depth+1)
	default:
		return number(b, i)
	}
}

// members passes over the rest of an object or array, up to its closing bracket.
func members(b []byte, i int, closing byte, depth int) int {
	i = Space(b, i)
	if i < len(b) && b[i] == closing {
		return i + 1
	}
	for {
		i = Space(b, i)
		if closing == '}' {
			if i >= len(b) || b[i] != '"' {
				return -1
			}
			if i, _ = Text(b, i); i < 0 {
				return -1
			}
			if i = Space(b, i); i >= len(b) || b[i] != ':' {
				return -1
			}
			i = Space(b, i+1)
		}
		if i = value(b, i, depth); i < 0 {
			return -1
		}
		switch i = Space(b, i); {
		case i >= len(b):
			return -1
		case b[i] == closing:
			return i + 1
		case b[i] != ',':
			return -1
		}
		i++
	}
}

func word(b []byte, i int, s string) int {
	if len(b)-i < len(s) || string(b[i:i+len(s)]) != s {
		return -1
	}
	return i + len(s)
}

// Text returns the end of the string that begins at i, or -1. It is verbatim if
// its text is what stands between the quotes: no escapes, and valid UTF-8.
func Text(b []byte, i int) (end int, verbatim bool) {
	start := i + 1
	ascii, escaped := byte(0), false
	for i = start; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, !escaped && (ascii < utf8.RuneSelf || utf8.Valid(b[start:i]))
		case c == '\\':
			escaped = true
			if i = escape(b, i+1); i < 0 {
				return -1, false
			}
		case c < ' ':
			return -1, false
		default:
			ascii |= c
		}
	}
	return -1, false
}

// escape returns where the last byte of an escape is, whose first one is behind a
// backslash.
func escape(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		if len(b)-i < len("u0000") {
			return -1
		}
		for _, c := range b[i+1 : i+5] {
			if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
				return -1
			}
		}
		return i + 4
	}
	return -1
}

func isDigit(c byte) bool { return c-'0' < 10 }

func number(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := digits(b, i)
	if whole == i || b[i] == '0' && whole > i+1 {
		return -1
	}
	i = whole
	if i < len(b) && b[i] == '.' {
		fraction := digits(b, i+1)
		if fraction == i+1 {
			return -1
		}
		i = fraction
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		exponent := digits(b, i)
		if exponent == i {
			return -1
		}
		i = exponent
	}
	return i
}

// digits returns the end of the digits that begin at i, which may be none.
func digits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}
