// Package fields reads the API's rules for each field from an entity's struct tags,
// and checks values against them before anything is sent.
package fields

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/wire"
)

// Field describes one field.
type Field struct {
	Name        string       // on the wire
	Index       int          // in the struct
	Type        reflect.Type // without the three-state wrapper
	Required    bool
	ZeroIsValue bool // 0 is a real value, such as company 0, the tenant's own
	ReadOnly    bool
	Stabilising bool // must be in every PUT (docs/api-notes.md, section 7.4)
	Always      bool // every PATCH of an item repeats it
	Day         bool // a date without a time of day, held as midnight UTC
	Parent      bool // it holds the id of the parent that writes go through
	IsTime      bool
	Plain       bool // it has no absent state, only zero
	MaxLength   int  // in UTF-16 code units; 0 is unbounded
	// Instead, if not "", is the entity to create instead of setting the field:
	// Autotask accepts a value here and drops it.
	Instead string
}

// Table lists the fields of an entity type.
type Table struct {
	byName map[string]*Field
	All    []*Field
}

// Lookup returns nil for a name that the type does not have.
func (t *Table) Lookup(name string) *Field { return t.byName[name] }

// Find is a case-insensitive Lookup, for names written by filters and callers.
func (t *Table) Find(name string) *Field {
	if f := t.byName[name]; f != nil {
		return f
	}
	for _, f := range t.All {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// IsReadOnly reports whether the API sets the field itself.
func (t *Table) IsReadOnly(name string) bool {
	f := t.byName[name]
	return f != nil && f.ReadOnly
}

var tables sync.Map // reflect.Type -> *Table

// Of returns the table of a struct type, which is built once per type. Other types
// have no fields.
func Of(typ reflect.Type) *Table {
	if t, ok := tables.Load(typ); ok {
		return t.(*Table)
	}
	t, _ := tables.LoadOrStore(typ, read(typ))
	return t.(*Table)
}

func read(typ reflect.Type) *Table {
	if typ.Kind() != reflect.Struct {
		return new(Table)
	}
	t := &Table{byName: make(map[string]*Field, typ.NumField())}
	for i := range typ.NumField() {
		sf := typ.Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "" || name == "-" || !sf.IsExported() {
			continue
		}
		f := &Field{Name: name, Index: i, Type: sf.Type, Plain: !hasStates(sf.Type)}
		if !f.Plain && sf.Type.Kind() == reflect.Struct && sf.Type.NumField() > 0 {
			f.Type = sf.Type.Field(0).Type
		}
		f.IsTime = holdsTime(sf.Type)
		for flag := range strings.SplitSeq(sf.Tag.Get("autotask"), ",") {
			f.set(flag)
		}
		t.byName[name] = f
		t.All = append(t.All, f)
	}
	return t
}

func (f *Field) set(flag string) {
	switch flag {
	case "required":
		f.Required = true
	case "zero":
		f.ZeroIsValue = true
	case "readonly":
		f.ReadOnly = true
	case "stabilising":
		f.Stabilising = true
	case "always":
		f.Always = true
	case "day":
		f.Day = true
	case "parent":
		f.Parent = true
	default:
		name, value, _ := strings.Cut(flag, "=")
		switch name {
		case "max":
			f.MaxLength, _ = strconv.Atoi(value)
		case "instead":
			f.Instead = value
		}
	}
}

// holdsTime reports whether a type is time.Time or a struct whose first field is one,
// like the three-state wrapper, or a caller's own.
func holdsTime(typ reflect.Type) bool {
	stamp := reflect.TypeFor[time.Time]()
	return typ == stamp || typ.Kind() == reflect.Struct && typ.NumField() > 0 && typ.Field(0).Type == stamp
}

// hasStates reports whether a type is the three-state wrapper, which alone can be
// null.
func hasStates(typ reflect.Type) bool {
	return typ.Implements(reflect.TypeFor[interface{ IsNull() bool }]())
}

// IsZero reports whether a value is the zero value of a field without states.
func IsZero(v jsontext.Value) bool {
	switch string(v) {
	case "null", `""`, "0", "false", "[]", "{}":
		return true
	}
	return false
}

// Missing reports whether a value counts as missing for a required field: null and
// blank strings do. 0 does only in a field that has no absent state.
func (f *Field) Missing(v jsontext.Value) bool {
	switch {
	case len(v) == 0 || v.Kind() == 'n':
		return true
	case v.Kind() == '"':
		// The first character usually decides.
		return !(v[1] > ' ' && v[1] < utf8.RuneSelf && v[1] != '"' && v[1] != '\\') && strings.TrimSpace(unquote(v)) == ""
	case v.Kind() == '0' && f.Plain:
		return string(v) == "0" && !f.ZeroIsValue
	}
	return false
}

// TooLong describes a string that is longer than the field allows, or returns "".
// Autotask counts UTF-16 code units: a character outside the basic plane, such as an
// emoji, counts as two.
func (f *Field) TooLong(v jsontext.Value) string {
	if f.MaxLength == 0 || v.Kind() != '"' || len(v)-2 <= f.MaxLength {
		return ""
	}
	if n := Length(unquote(v)); n > f.MaxLength {
		return fmt.Sprintf("%s has %d characters, the limit is %d", f.Name, n, f.MaxLength)
	}
	return ""
}

// Dropped describes a value that Autotask would accept and drop, or returns "".
func (f *Field) Dropped(v jsontext.Value) string {
	if f.Instead == "" || len(v) == 0 || v.Kind() == 'n' {
		return ""
	}
	return fmt.Sprintf("%s is accepted here and stored as null: create a %s instead", f.Name, f.Instead)
}

// Length returns the length of a string as Autotask counts it, in UTF-16 code units.
func Length(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// Holds reports whether a field that was set to want and is read back as got has the
// new value. before is the value before the write, nil if absent.
func (f *Field) Holds(want, got, before jsontext.Value) bool {
	switch {
	case isEmpty(want):
		return isEmpty(got)
	case len(got) == 0 || got.Kind() == 'n':
		return false
	case f.Day:
		return sameDay(unquote(want), unquote(got))
	case f.IsTime:
		return sameTime(unquote(want), unquote(got))
	case want.Kind() == '"':
		return Even(plain(want)) == Even(plain(got))
	case want.Kind() == '0':
		return sameNumber(plain(want), plain(got), plain(before))
	case want.Kind() == 't' || want.Kind() == 'f':
		return sameBool(plain(want), plain(got))
	}
	return string(want) == string(got)
}

// plain returns a scalar as a string. Numbers and booleans may be strings, and
// booleans 0 and 1, as in decoding.
func plain(v jsontext.Value) string {
	if v.Kind() == '"' {
		return strings.TrimSpace(unquote(v))
	}
	return string(v)
}

func sameBool(want, got string) bool {
	a, errA := strconv.ParseBool(want)
	b, errB := strconv.ParseBool(strings.ToLower(got))
	return errA == nil && errB == nil && a == b
}

// SameText is SameUDF without a value before.
func SameText(want, got jsontext.Value) bool { return SameUDF(want, got, nil) }

// isEmpty reports whether a value is null or "", which Autotask does not distinguish.
// An absent user-defined fields array has no values.
func isEmpty(v jsontext.Value) bool {
	return len(v) == 0 || v.Kind() == 'n' || v.Kind() == '"' && Even(unquote(v)) == ""
}

// Even removes the differences in a string that a server may make by itself: line
// endings and outer white space.
func Even(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	return strings.TrimSpace(s)
}

// sameTime compares instants with the resolution of Autotask's database, a 300th of a
// second. If the server sets a time of day to midnight, that is another instant:
// nobody can say which day the caller meant.
func sameTime(want, got string) bool {
	w, errW := wire.ParseTime(want)
	g, errG := wire.ParseTime(got)
	if errW != nil || errG != nil {
		return want == got
	}
	return w.Sub(g).Abs() < 5*time.Millisecond
}

// unquote returns the content of a JSON string, "" for anything else.
func unquote(v jsontext.Value) string {
	if v.Kind() != '"' {
		return ""
	}
	return wire.Text(v)
}
