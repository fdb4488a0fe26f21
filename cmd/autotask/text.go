package main

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// clean makes a text safe and fit for one line of a terminal: white space becomes a
// blank, and what controls a terminal or the direction of text is left out.
func clean(s string) string {
	plain := true
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || r == unicode.ReplacementChar {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	blank := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			blank = true
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			continue
		}
		if blank && b.Len() > 0 {
			b.WriteByte(' ')
		}
		blank = false
		b.WriteRune(r)
	}
	return b.String()
}

// widthOf returns the number of columns that a text takes on a terminal.
func widthOf(s string) int {
	n := 0
	for _, r := range s {
		n += widthOfRune(r)
	}
	return n
}

func widthOfRune(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// cut shortens a text to a number of columns.
func cut(s string, columns int) string {
	if widthOf(s) <= columns {
		return s
	}
	n := 0
	for i, r := range s {
		if n+widthOfRune(r) > columns-1 {
			return s[:i] + "…"
		}
		n += widthOfRune(r)
	}
	return s
}

// pad fills a text up with blanks.
func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(columns-widthOf(s), 0))
}

// wrap breaks a text into lines of at most that many columns; 0 is no limit. Lines
// after the first are indented as the first one is. A longer word is broken.
func wrap(s string, columns int) []string {
	if columns <= 0 || widthOf(s) <= columns {
		return []string{s}
	}
	indent := s[:len(s)-len(strings.TrimLeft(s, " "))]
	return wrapAfter(indent, indent, strings.Fields(s), columns)
}

// wrapAfter breaks words into lines, the first of which begins with a prefix; 0
// columns are no limit.
func wrapAfter(prefix, indent string, words []string, columns int) (lines []string) {
	if columns <= 0 {
		return []string{prefix + strings.Join(words, " ")}
	}
	line, empty := prefix, true
	for _, word := range words {
		blank := " "
		if empty {
			blank = ""
		}
		if !empty && widthOf(line)+1+widthOf(word) > columns {
			lines = append(lines, line)
			line, blank = indent, ""
		}
		for widthOf(line)+widthOf(blank)+widthOf(word) > columns && widthOf(line) < columns {
			head := upTo(word, columns-widthOf(line)-widthOf(blank))
			if head == "" || head == word {
				break
			}
			lines = append(lines, line+blank+head)
			word, line, blank = word[len(head):], indent, ""
		}
		line += blank + word
		empty = false
	}
	return append(lines, line)
}

// upTo returns the beginning of a text that takes at most that many columns.
func upTo(s string, columns int) string {
	n := 0
	for i, r := range s {
		if n += widthOfRune(r); n > columns {
			return s[:i]
		}
	}
	return s
}

// asID reads an id.
func asID(s string) (int64, bool) {
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil && id >= 0
}
