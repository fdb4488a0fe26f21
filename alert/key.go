package alert

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"unicode/utf16"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/fields"
)

// A ticket is found by its externalID, which has at most 50 characters
// (docs/api-notes.md, 7.7), is compared case-insensitively, and may be read back with
// other white space or HTML entities (12.5). A key that none of this can change is
// used as it is. Any other key becomes a digest, after as much of it as is readable.
// No key that is used as it is begins with the mark of a digest.
const (
	prefix      = "alert:"
	hashed      = "#"
	stormMark   = "!storm "
	maxExternal = 50
	digestChars = 26 // 130 bits
	maxRef      = 40
)

// externalID returns the externalID of a key's tickets.
func externalID(key string) string {
	if len(prefix)+len(key) <= maxExternal && isPlain(key) && key[0] != hashed[0] && key[0] != stormMark[0] {
		return prefix + key
	}
	room := maxExternal - len(prefix) - 2*len(hashed) - digestChars
	return prefix + hashed + readable(key, room) + hashed + digest(key)
}

// refOf returns the ref of an event, which ends its note in brackets: the event
// itself if possible, or else a digest.
func refOf(event string) string {
	if len(event) <= maxRef && isPlain(event) && event[0] != hashed[0] {
		return event
	}
	return hashed + readable(event, maxRef-2*len(hashed)-digestChars) + hashed + digest(event)
}

// isPlain reports whether a string reads back as it was written: ASCII letters and
// digits, and marks without meaning in HTML. Two keys that differ only in case are
// told apart after the search.
func isPlain(s string) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool { return !isPlainRune(c) }) < 0
}

func isPlainRune(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c < 0x80 && strings.ContainsRune("-_./:@=+,#!~", c)
}

// readable returns the part of a string that can go into an id, for people.
func readable(s string, room int) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case b.Len() == room:
			return b.String()
		case isPlainRune(c) && c != '#':
			b.WriteRune(c)
		case c == ' ':
			b.WriteByte('_')
		}
	}
	return b.String()
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))[:digestChars]
}

func isStorm(t *autotask.Ticket) bool {
	return strings.HasPrefix(t.ExternalID.Or(""), prefix+stormMark)
}

// stormRef returns the ref that ends a storm ticket's note about a key.
func stormRef(key string) string { return "key " + digest(key) }

// bracketed returns a ref as written in titles and descriptions.
func bracketed(ref string) string { return "[" + ref + "]" }

// refIn returns the ref that a note's title ends in, "" for none.
func refIn(title string) string {
	title = fields.Prose(title)
	if !strings.HasSuffix(title, "]") {
		return ""
	}
	return strings.TrimSuffix(title[strings.LastIndexByte(title, '[')+1:], "]")
}

// eventMark returns the end of a new ticket's description, which shows a repeat of
// the call that its event created the ticket.
func eventMark(ref string) string { return markStart + bracketed(ref) }

const markStart = "Alert event: "

// holdsMark reports whether a description holds the mark of an event, or of any if ref
// is empty, ignoring differences that a server may make by itself.
func holdsMark(description, ref string) bool {
	mark := markStart + "["
	if ref != "" {
		mark = eventMark(ref)
	}
	return strings.Contains(fields.Prose(description), mark)
}

// length counts characters as Autotask does (docs/api-notes.md, 12.5).
func length(s string) int { return len(utf16.Encode([]rune(s))) }

// cut shortens a string to a length, and marks the cut if there is room.
func cut(s string, limit int) string {
	if length(s) <= limit {
		return s
	}
	const dots = "…"
	n := 0
	for i, c := range s {
		if n += utf16.RuneLen(c); n > limit-length(dots) {
			return s[:i] + dots
		}
	}
	return s
}
