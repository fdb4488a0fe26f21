package autotasktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// parseSent reads an object that a client has sent, as leniently as the JSON
// reader of .NET, which Autotask uses: with comments, trailing commas, bare names
// and single quotes. Values of valid JSON keep their bytes.
func parseSent(data []byte) (object, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	o, err := parseObject(data)
	if err == nil {
		return o, nil
	}
	strict, failed := relax(data)
	if failed != nil {
		return nil, err
	}
	return parseObject(strict)
}

// relaxer turns lenient JSON into strict JSON.
type relaxer struct {
	in  []byte
	at  int
	out []byte
}

var errNotJSON = errors.New("not JSON")

// maxDepth bounds how deep values may be nested, as that of package json does.
const maxDepth = 10_000

func relax(data []byte) ([]byte, error) {
	r := &relaxer{in: data}
	if err := r.value(0); err != nil {
		return nil, err
	}
	if err := r.skip(); err != nil {
		return nil, err
	}
	if r.at < len(r.in) {
		return nil, errNotJSON
	}
	return r.out, nil
}

// peek is the byte at hand, 0 at the end.
func (r *relaxer) peek() byte {
	if r.at < len(r.in) {
		return r.in[r.at]
	}
	return 0
}

func (r *relaxer) emit(text string) { r.out = append(r.out, text...) }

// skip passes over blanks and comments.
func (r *relaxer) skip() error {
	for r.at < len(r.in) {
		switch rest := r.in[r.at:]; {
		case bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0:
			r.at++
		case bytes.HasPrefix(rest, []byte("//")):
			end := bytes.IndexAny(rest, "\r\n")
			if end < 0 {
				end = len(rest)
			}
			r.at += end
		case bytes.HasPrefix(rest, []byte("/*")):
			end := bytes.Index(rest[2:], []byte("*/"))
			if end < 0 {
				return errNotJSON
			}
			r.at += end + 4
		default:
			return nil
		}
	}
	return nil
}

func (r *relaxer) value(depth int) error {
	if depth > maxDepth {
		return errNotJSON
	}
	if err := r.skip(); err != nil {
		return err
	}
	switch c := r.peek(); c {
	case '{':
		return r.group('}', depth, r.member)
	case '[':
		return r.group(']', depth, r.value)
	case '"', '\'':
		return r.text(c)
	}
	return r.word()
}

// group reads what stands in braces or brackets. A comma may follow the last
// element.
func (r *relaxer) group(closing byte, depth int, element func(depth int) error) error {
	r.out = append(r.out, r.peek())
	r.at++
	for first := true; ; first = false {
		if err := r.skip(); err != nil {
			return err
		}
		if r.peek() == closing {
			r.at++
			r.out = append(r.out, closing)
			return nil
		}
		if !first {
			r.emit(",")
		}
		if err := element(depth + 1); err != nil {
			return err
		}
		if err := r.skip(); err != nil {
			return err
		}
		switch r.peek() {
		case ',':
			r.at++
		case closing:
		default:
			return errNotJSON
		}
	}
}

// member reads a name, which needs no quotes, and its value.
func (r *relaxer) member(depth int) error {
	if c := r.peek(); c == '"' || c == '\'' {
		if err := r.text(c); err != nil {
			return err
		}
	} else {
		name := r.run(isNamePart)
		if len(name) == 0 {
			return errNotJSON
		}
		r.out = append(r.out, encode(string(name))...)
	}
	if err := r.skip(); err != nil {
		return err
	}
	if r.peek() != ':' {
		return errNotJSON
	}
	r.at++
	r.emit(":")
	return r.value(depth)
}

func isNamePart(c byte) bool { return isPlain(rune(c)) || c == '$' || c >= utf8.RuneSelf }

// run reads bytes as long as they are of a kind.
func (r *relaxer) run(is func(byte) bool) []byte {
	from := r.at
	for r.at < len(r.in) && is(r.in[r.at]) {
		r.at++
	}
	return r.in[from:r.at]
}

// word reads a number or a name with a meaning.
func (r *relaxer) word() error {
	word := r.run(func(c byte) bool { return isPlain(rune(c)) || c == '+' || c == '-' || c == '.' })
	switch {
	case string(word) == "undefined":
		r.emit("null")
	case json.Valid(word):
		r.out = append(r.out, word...)
	default:
		return errNotJSON
	}
	return nil
}

// text reads a string in quotes of either kind. Line breaks may stand in it as
// they are.
func (r *relaxer) text(quote byte) error {
	r.at++
	r.emit(`"`)
	for r.at < len(r.in) {
		c := r.in[r.at]
		r.at++
		switch {
		case c == quote:
			r.emit(`"`)
			return nil
		case c == '"':
			r.emit(`\"`)
		case c < ' ':
			r.out = fmt.Appendf(r.out, `\u%04x`, c)
		case c == '\\' && r.peek() == '\'':
			r.at++
			r.emit("'")
		case c == '\\' && r.at < len(r.in):
			r.out = append(r.out, c, r.in[r.at])
			r.at++
		default:
			r.out = append(r.out, c)
		}
	}
	return errNotJSON
}
