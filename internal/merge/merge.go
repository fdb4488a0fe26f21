// Package merge applies a change to a JSON object and leaves every other byte as it
// was: members the library has never heard of, numbers longer than any Go type, the
// order of everything.
package merge

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/wire"
)

// UDFs is the member that holds user-defined fields: an array of objects with
// a name and a value, which is merged by name.
const UDFs = "userDefinedFields"

// Change is a new value for a member.
type Change struct {
	Name string
	Old  jsontext.Value // nil: the member was absent
	New  jsontext.Value // nil: the member was removed
	// Unread: the object was not read before, so Old means nothing.
	Unread bool
}

// Diff returns the members in which two objects differ: first those in after, in its
// order, then those that only before has.
func Diff(before, after []byte) ([]Change, error) {
	old, err := members(before)
	if err != nil {
		return nil, err
	}
	edited, err := members(after)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for i, m := range edited {
		was := findFrom(old, i, m.name)
		if (was == nil || !bytes.Equal(was, m.value)) && !sameUDFs(m.name, was, m.value) {
			changes = append(changes, Change{Name: m.name, Old: was, New: m.value})
		}
	}
	for i, m := range old {
		if findFrom(edited, i, m.name) == nil && !sameUDFs(m.name, m.value, nil) {
			changes = append(changes, Change{Name: m.name, Old: m.value})
		}
	}
	return changes, nil
}

// sameUDFs reports whether two arrays of user-defined fields differ at most in their
// order.
func sameUDFs(member string, before, after jsontext.Value) bool {
	if member != UDFs {
		return false
	}
	changed, err := ChangedUDFs(Change{Old: before, New: after})
	return err == nil && len(changed) == 0
}

// Overlay returns the object with the changes, and without the members that drop
// names. Everything else keeps its bytes and its order; new members come last.
func Overlay(object []byte, changes []Change, drop func(name string) bool) ([]byte, error) {
	o, err := Parse(object)
	if err != nil {
		return nil, err
	}
	return o.Overlay(changes, drop)
}

// Object is an object that has been split into its members.
type Object struct{ all []member }

// Parse splits an object.
func Parse(object []byte) (Object, error) {
	all, err := members(object)
	return Object{all}, err
}

// Has reports whether the object has a member, be it null.
func (o Object) Has(name string) bool { return index(o.all, name) >= 0 }

// Overlay is the function Overlay for an object that is not used any more.
func (o Object) Overlay(changes []Change, drop func(name string) bool) (_ []byte, err error) {
	kept := o.all[:0]
	for _, m := range o.all {
		if drop == nil || !drop(m.name) {
			kept = append(kept, m)
		}
	}
	for _, c := range changes {
		if kept, err = set(kept, c); err != nil {
			return nil, err
		}
	}
	return build(kept), nil
}

func set(all []member, c Change) ([]member, error) {
	if c.New == nil {
		return nil, fmt.Errorf("%s was removed: set it to null to clear it", c.Name)
	}
	value := c.New
	at := index(all, c.Name)
	if c.Name == UDFs {
		var current jsontext.Value
		if at >= 0 {
			current = all[at].value
		}
		var err error
		if value, err = overlayUDFs(current, c); err != nil {
			return nil, err
		}
	}
	if at >= 0 {
		all[at].value = value
		return all, nil
	}
	return append(all, member{name: c.Name, quoted: quote(c.Name), value: value}), nil
}

// Sparse returns an object of only the changes; of user-defined fields, too, only
// those that differ.
func Sparse(changes []Change) ([]byte, error) {
	var all []member
	for _, c := range changes {
		if c.New == nil {
			return nil, fmt.Errorf("%s was removed: set it to null to clear it", c.Name)
		}
		value := c.New
		if c.Name == UDFs {
			differing, err := ChangedUDFs(c)
			if err != nil {
				return nil, err
			}
			value = array(differing)
		}
		all = append(all, member{name: c.Name, quoted: quote(c.Name), value: value})
	}
	return build(all), nil
}

// UDF is one element of a user-defined fields array.
type UDF struct {
	Name  string
	Raw   jsontext.Value // the whole element
	Value jsontext.Value // its value member, nil if absent
	Old   jsontext.Value // of ChangedUDFs: the value before, nil if absent
}

// ParseUDFs parses a user-defined fields array; null and nil have none.
func ParseUDFs(v jsontext.Value) ([]UDF, error) {
	if len(v) == 0 || v.Kind() == 'n' {
		return nil, nil
	}
	d := read(v)
	defer d.release()
	if t, err := d.ReadToken(); err != nil || t.Kind() != '[' {
		return nil, errors.Join(errors.New(UDFs+" is not an array"), err)
	}
	var all []UDF
	for d.PeekKind() == '{' {
		raw, err := d.value()
		if err != nil {
			return nil, err
		}
		parts, err := members(raw)
		if err != nil {
			return nil, err
		}
		name, err := text(find(parts, "name"))
		if err != nil {
			return nil, fmt.Errorf("a user-defined field has no readable name: %w", err)
		}
		all = append(all, UDF{Name: name, Raw: raw, Value: find(parts, "value")})
	}
	switch end, err := d.ReadToken(); {
	case err != nil:
		return nil, err
	case end.Kind() != ']':
		return nil, errors.New("an element of " + UDFs + " is not an object")
	}
	return all, nil
}

// ChangedUDFs returns the elements of the new array whose values differ from the old
// one.
func ChangedUDFs(c Change) ([]UDF, error) {
	old, err := ParseUDFs(c.Old)
	if err != nil {
		return nil, err
	}
	edited, err := ParseUDFs(c.New)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(edited))
	var changed []UDF
	for _, u := range edited {
		if seen[u.Name] {
			return nil, fmt.Errorf("user-defined field %q is given twice", u.Name)
		}
		seen[u.Name] = true
		was := findUDF(old, u.Name)
		if was != nil {
			u.Old = was.Value
		}
		if was == nil || !bytes.Equal(was.Value, u.Value) {
			changed = append(changed, u)
		}
	}
	for _, u := range old {
		if !seen[u.Name] {
			return nil, fmt.Errorf("user-defined field %q was removed: set it to null to clear it", u.Name)
		}
	}
	for _, u := range changed {
		if u.Value == nil {
			return nil, fmt.Errorf("user-defined field %q has no value: set it to null to clear it", u.Name)
		}
	}
	return changed, nil
}

// overlayUDFs changes the elements that differ and keeps the bytes of the others.
func overlayUDFs(current jsontext.Value, c Change) (jsontext.Value, error) {
	changed, err := ChangedUDFs(c)
	if err != nil {
		return nil, err
	}
	all, err := ParseUDFs(current)
	if err != nil {
		return nil, err
	}
	for _, u := range changed {
		target := findUDF(all, u.Name)
		if target == nil {
			all = append(all, u)
			continue
		}
		target.Raw, err = Overlay(target.Raw, []Change{{Name: "value", New: u.Value}}, nil)
		if err != nil {
			return nil, err
		}
	}
	return array(all), nil
}

func findUDF(all []UDF, name string) *UDF {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

func array(all []UDF) jsontext.Value {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, u := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(u.Raw)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// member is a name and a value of an object; quoted is the name as written.
type member struct {
	name   string
	quoted jsontext.Value
	value  jsontext.Value
}

// reader parses JSON and returns its values as slices of it, without copying.
type reader struct {
	*jsontext.Decoder
	source []byte
	bytes  bytes.Reader
	seen   map[string]struct{} // room for the names of one object
}

var readers = sync.Pool{New: func() any { return &reader{Decoder: new(jsontext.Decoder), seen: map[string]struct{}{}} }}

// maxKept is the size of a value above which its reader is not reused.
const maxKept = 1 << 20

// read does not require unique names: remembering them all is expensive in the
// decoder, and members checks where it matters.
func read(source []byte) *reader {
	r := readers.Get().(*reader)
	r.source = source
	r.bytes.Reset(source)
	r.Reset(&r.bytes, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	return r
}

// release returns the reader to the pool, but not the values it has returned.
func (r *reader) release() {
	if len(r.source) > maxKept {
		return // its decoder is as large
	}
	r.source = nil
	r.bytes.Reset(nil)
	clear(r.seen)
	readers.Put(r)
}

// span reads a value and returns where it is.
func (r *reader) span() (start, end int, err error) {
	v, err := r.ReadValue()
	end = int(r.InputOffset())
	return end - len(v), end, err
}

func (r *reader) value() (jsontext.Value, error) {
	start, end, err := r.span()
	return r.source[start:end:end], err
}

// members reads the members of an object. Names must be unique: with duplicates it
// would be unclear which one a change is for.
func members(object []byte) ([]member, error) {
	if all, ok := split(object, make([]member, 0, min(80, 1+len(object)/16))); ok {
		return all, nil
	}
	return readMembers(object)
}

// readMembers is members for every object there can be.
func readMembers(object []byte) ([]member, error) {
	d := read(object)
	defer d.release()
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return nil, errors.Join(errors.New("not a JSON object"), err)
	}
	all := make([]member, 0, min(80, 1+len(object)/16))
	asText := string(object) // the names are substrings of it
	for d.PeekKind() == '"' {
		start, end, err := d.span()
		if err != nil {
			return nil, err
		}
		m := member{quoted: object[start:end:end], name: asText[start+1 : end-1]}
		if !wire.IsVerbatim(m.quoted) {
			m.name = wire.Text(m.quoted)
		}
		d.seen[m.name] = struct{}{}
		if len(d.seen) == len(all) {
			return nil, fmt.Errorf("%w: %.80q", jsontext.ErrDuplicateName, m.name)
		}
		if m.value, err = d.value(); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	return all, nil
}

// Each calls f with every member of an object, in order.
func Each(object []byte, f func(name string, value jsontext.Value)) error {
	room := rooms.Get().(*[]member)
	used := cap(*room)
	defer func() {
		clear((*room)[:used])
		rooms.Put(room)
	}()
	all, ok := split(object, (*room)[:0])
	var err error
	if ok {
		used = min(used, len(all))
	} else {
		all, err = readMembers(object)
	}
	for _, m := range all {
		f(m.name, m.value)
	}
	return err
}

// rooms are for the members that Each has no use for afterwards.
var rooms = sync.Pool{New: func() any { room := make([]member, 0, mostDistinct); return &room }}

func index(all []member, name string) int {
	for i := range all {
		if all[i].name == name {
			return i
		}
	}
	return -1
}

// findFrom is find, but fast if the member is at or near a given position.
func findFrom(all []member, at int, name string) jsontext.Value {
	at = min(at, len(all))
	if i := index(all[at:], name); i >= 0 {
		return all[at+i].value
	}
	return find(all[:at], name)
}

func find(all []member, name string) jsontext.Value {
	if i := index(all, name); i >= 0 {
		return all[i].value
	}
	return nil
}

func build(all []member) []byte {
	size := 2
	for _, m := range all {
		size += len(m.quoted) + len(m.value) + 2
	}
	b := make([]byte, 0, size)
	b = append(b, '{')
	for i, m := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, m.quoted...)
		b = append(b, ':')
		b = append(b, m.value...)
	}
	return append(b, '}')
}

func quote(s string) jsontext.Value {
	q, _ := jsontext.AppendQuote(nil, s) // fails only for invalid UTF-8, and then replaces it
	return q
}

func text(v jsontext.Value) (string, error) {
	if v.Kind() != '"' {
		return "", errors.New("not a text")
	}
	return wire.Text(v), nil
}
