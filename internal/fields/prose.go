package fields

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Prose returns a string without the differences that a server may make by itself:
// HTML entities are decoded, invisible characters are dropped, and each run of white
// space, including line breaks, becomes one space.
func Prose(s string) string {
	if isProse(s) {
		return s
	}
	for strings.Contains(s, "&") {
		decoded := html.UnescapeString(s)
		if decoded == s {
			break
		}
		s = decoded
	}
	visible := strings.Map(func(r rune) rune {
		if isInvisible(r) {
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(visible), " ")
}

// isProse reports whether a text is nothing but ASCII words with a space between
// them: most titles are.
func isProse(s string) bool {
	space := true // before the text, so that it may not begin with one
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' && space, c < ' ', c == '&', c > '~':
			return false
		default:
			space = c == ' '
		}
	}
	return !space || s == ""
}

// isInvisible reports whether a character has no width: zero-width spaces and
// joiners, directional marks, the byte order mark, the soft hyphen, controls.
func isInvisible(r rune) bool {
	return !unicode.IsSpace(r) && (unicode.Is(unicode.Cf, r) || unicode.IsControl(r))
}

// SameProse reports whether two strings are equal except for such differences. A
// letter with combining marks matches a single letter, as the two Unicode normal
// forms spell the same character.
func SameProse(a, b string) bool {
	a, b = Prose(a), Prose(b)
	for a != "" && b != "" {
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		ma, mb := marks(a[na:]), marks(b[nb:])
		same := ra == rb && a[na:na+ma] == b[nb:nb+mb]
		if !same && !composes(ra, ma, rb, mb) && !composes(rb, mb, ra, ma) {
			return false
		}
		a, b = a[na+ma:], b[nb+mb:]
	}
	return a == b
}

// marks returns the number of bytes of combining marks at the start of a string.
func marks(s string) int {
	for i, r := range s {
		if !unicode.Is(unicode.Mn, r) {
			return i
		}
	}
	return len(s)
}

// composes reports whether a letter with marks may be another spelling of a letter
// with fewer marks. Which letter that is would need the Unicode tables; that it is
// not ASCII is enough for strings that are otherwise equal.
func composes(letter rune, marks int, other rune, otherMarks int) bool {
	return marks > otherMarks && unicode.IsLetter(letter) && unicode.IsLetter(other) && other > unicode.MaxASCII
}
