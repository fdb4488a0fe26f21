package webhook

import (
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// form is one way to write JSON with more characters escaped than necessary.
type form struct {
	digits    string // of the hexadecimal numbers
	backslash string // replaces a backslash; "" writes its number
}

// escapedForms are the forms whose MAC is tried by [WithEscapedSignatures].
//
// Evidence: one live report of calls whose MAC fits only once & < > ' " \ ` + and all
// non-ASCII characters are written as \uXXXX, with upper-case digits; another client
// tries lower-case digits.
//
// Inference: only characters inside strings are escaped, since nothing else may be
// escaped and remain JSON. A character beyond the basic plane becomes two numbers, as
// everywhere in JSON. Existing escapes stay, except \" and \\, which are in the list.
// The set is that of .NET's default encoder, which also escapes DEL, writes numbers
// in upper case, and leaves a backslash as \\; that is why there are the other two
// forms. None of this is published.
//
// No form changes the meaning of the body: somebody who fits a body to a signature
// they have seen, by escaping less of it, gets a body of the same meaning.
var escapedForms = []form{
	{digits: "0123456789ABCDEF"},
	{digits: "0123456789abcdef"},
	{digits: "0123456789ABCDEF", backslash: `\\`},
	{digits: "0123456789abcdef", backslash: `\\`},
}

// mayEscape reports whether any form of the body can differ from it.
func mayEscape(body []byte) bool {
	return slices.ContainsFunc(body, func(b byte) bool {
		return b >= utf8.RuneSelf-1 || strings.IndexByte(escapedCharacters+`\`, b) >= 0
	})
}

// escapedCharacters are the ASCII characters written as numbers, besides DEL, quotes
// and backslashes.
const escapedCharacters = "&<>'`+"

// chunk is the size in which a form is written. A form may be six times as long as
// its body, which anybody can send, so it is never held whole.
const chunk = 1024

// write writes a body in another form. It accepts any bytes; input that is not JSON
// gives output that is not JSON.
func (f form) write(w io.Writer, body []byte) {
	out := make([]byte, 0, chunk)
	inString := false
	for i := 0; i < len(body); {
		if len(out) > chunk-2*len(`\uFFFF`) { // the longest that one turn adds
			_, _ = w.Write(out) // a hash never fails
			out = out[:0]
		}
		r, size := utf8.DecodeRune(body[i:])
		next := i + size
		switch {
		case r == '"':
			inString = !inString
			out = append(out, '"')
		case !inString:
			out = append(out, body[i:next]...)
		case r == '\\':
			next = min(i+2, len(body))
			out = f.appendEscape(out, body[i:next])
		case r >= utf8.RuneSelf-1 || strings.ContainsRune(escapedCharacters, r):
			out = f.appendRune(out, r)
		default:
			out = append(out, body[i])
		}
		i = next
	}
	_, _ = w.Write(out)
}

// appendEscape writes a backslash and what follows it.
func (f form) appendEscape(out, pair []byte) []byte {
	switch {
	case string(pair) == `\"`:
		return f.appendRune(out, '"')
	case string(pair) == `\\` && f.backslash == "":
		return f.appendRune(out, '\\')
	case string(pair) == `\\`:
		return append(out, f.backslash...)
	}
	return append(out, pair...)
}

func (f form) appendRune(out []byte, r rune) []byte {
	if r > 0xFFFF {
		high, low := utf16.EncodeRune(r)
		return f.appendRune(f.appendRune(out, high), low)
	}
	d := f.digits
	return append(out, '\\', 'u', d[r>>12&0xF], d[r>>8&0xF], d[r>>4&0xF], d[r&0xF])
}
