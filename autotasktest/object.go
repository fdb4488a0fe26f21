package autotasktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// object is a JSON object that keeps the order and the exact text of its members.
// Names are matched case-insensitively, as by the API.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

var errNotObject = errors.New("the body is not a JSON object")

// parseObject reads an object. Of two members of one name the last one counts.
func parseObject(data []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errNotObject
	}
	o := object{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errNotObject
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errNotObject
		}
		o.set(name.(string), value)
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	return o, nil
}

func (o object) index(name string) int {
	for i := range o {
		if o[i].name == name {
			return i
		}
	}
	return slices.IndexFunc(o, func(m member) bool { return strings.EqualFold(m.name, name) })
}

// find returns a member's value and whether the object has the member at all.
func (o object) find(name string) (json.RawMessage, bool) {
	if i := o.index(name); i >= 0 {
		return o[i].value, true
	}
	return nil, false
}

// get returns a member's value, null for one that is not there.
func (o object) get(name string) json.RawMessage {
	if value, ok := o.find(name); ok {
		return value
	}
	return null
}

func (o object) has(name string) bool { return o.index(name) >= 0 }

func (o *object) set(name string, value json.RawMessage) {
	if i := o.index(name); i >= 0 {
		(*o)[i].value = value
		return
	}
	*o = append(*o, member{name, value})
}

func (o *object) remove(name string) {
	if i := o.index(name); i >= 0 {
		*o = slices.Delete(*o, i, i+1)
	}
}

// text writes the object without changing a byte of the values. Package json
// would compact and escape them.
func (o object) text() []byte {
	size := 2
	for _, m := range o {
		size += len(m.name) + len(m.value) + len(`"":,`)
	}
	b := append(make([]byte, 0, size), '{')
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendName(b, m.name), ':')
		b = append(b, m.value...)
	}
	return append(b, '}')
}

// appendName writes the name of a member. Those of the API are plain.
func appendName(b []byte, name string) []byte {
	if strings.ContainsFunc(name, func(r rune) bool { return !isPlain(r) }) {
		return append(b, encode(name)...)
	}
	b = append(append(b, '"'), name...)
	return append(b, '"')
}

func isPlain(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
}

// textOfArray is text for an array.
func textOfArray[T ~[]byte](elements []T) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, e := range elements {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(e)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// plain decodes an object into ordinary Go values, numbers into json.Number.
func plain(data []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var m map[string]any
	_ = d.Decode(&m) // only ever called with an object that was parsed before
	return m
}
