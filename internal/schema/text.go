package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// textHeader explains the format to readers of the file. Parse skips it.
const textHeader = `# Every collection, entity and field of the Autotask REST API.
# Written by "go run ./internal/gen reduce"; edits belong into internal/gen/facts.txt.
#
# entity NAME [= NAME IN THE SOAP API] [: WHAT IT IS]
#	FIELD TYPE [FLAG...]
# collection PATH ENTITY [parent=FIELD HOLDING THE PARENT'S ID]: VERB...
# service METHOD PATH [unversioned]
`

// Parse reads a table in its text form, the form that Format writes.
func Parse(text string) (*Table, error) {
	p := parser{byName: make(map[string]*Entity)}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := p.line(strings.TrimRight(line, " \t\r\n")); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return NewTable(p.entities, p.collections, p.services)
}

type parser struct {
	entities    []*Entity
	byName      map[string]*Entity
	collections []*Collection
	services    []Service
	current     *Entity // the entity that field lines belong to
}

func (p *parser) line(line string) error {
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	if strings.HasPrefix(line, "\t") {
		return p.field(strings.Fields(line))
	}
	p.current = nil
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "entity":
		return p.entity(rest)
	case "collection":
		return p.collection(rest)
	case "service":
		return p.service(strings.Fields(rest))
	}
	return fmt.Errorf("%q is neither entity, collection nor service", word)
}

func (p *parser) entity(text string) error {
	names, doc, _ := strings.Cut(text, " : ")
	name, legacy, _ := strings.Cut(names, " = ")
	if name == "" || strings.Contains(name, " ") {
		return fmt.Errorf("entity has no name: %q", text)
	}
	p.current = &Entity{Name: name, Legacy: legacy, Doc: doc}
	p.byName[name] = p.current
	p.entities = append(p.entities, p.current)
	return nil
}

func (p *parser) field(words []string) error {
	if p.current == nil {
		return fmt.Errorf("field %s belongs to no entity", words[0])
	}
	if len(words) < 2 {
		return fmt.Errorf("field %s has no type", words[0])
	}
	f := &Field{Name: words[0]}
	if err := f.setType(words[1]); err != nil {
		return fmt.Errorf("field %s: %w", f.Name, err)
	}
	for _, flag := range words[2:] {
		if err := f.SetFlag(flag); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	p.current.Fields = append(p.current.Fields, f)
	return nil
}

func (p *parser) collection(text string) error {
	head, verbs, _ := strings.Cut(text, ":")
	words := strings.Fields(head)
	if len(words) < 2 || len(words) > 3 {
		return fmt.Errorf("collection wants a path and an entity: %q", text)
	}
	c := &Collection{Path: words[0]}
	if words[1] != noEntity {
		if c.Entity = p.byName[words[1]]; c.Entity == nil {
			return fmt.Errorf("collection %s: no entity %s above", c.Path, words[1])
		}
	}
	if len(words) == 3 {
		var ok bool
		if c.ParentField, ok = strings.CutPrefix(words[2], "parent="); !ok {
			return fmt.Errorf("collection %s: unknown word %q", c.Path, words[2])
		}
	}
	for _, word := range strings.Fields(verbs) {
		v, err := ParseVerb(word)
		if err != nil {
			return fmt.Errorf("collection %s: %w", c.Path, err)
		}
		c.Verbs |= v
	}
	p.collections = append(p.collections, c)
	return nil
}

func (p *parser) service(words []string) error {
	s, err := ParseService(words)
	if err == nil {
		p.services = append(p.services, s)
	}
	return err
}

// ParseService reads the words of a service line after "service".
func ParseService(words []string) (Service, error) {
	switch {
	case len(words) == 2:
		return Service{Method: words[0], Path: words[1]}, nil
	case len(words) == 3 && words[2] == unversioned:
		return Service{Method: words[0], Path: words[1], Unversioned: true}, nil
	}
	return Service{}, fmt.Errorf("service wants a method and a path: %q", strings.Join(words, " "))
}

// Format writes the table in the text form that Parse reads.
func (t *Table) Format() string {
	var b strings.Builder
	b.WriteString(textHeader)
	for _, e := range t.Entities {
		e.format(&b)
	}
	b.WriteByte('\n')
	for _, c := range t.Collections {
		c.format(&b)
	}
	b.WriteByte('\n')
	for _, s := range t.Services {
		fmt.Fprintf(&b, "service %s %s%s\n", s.Method, s.Path, ifSet(s.Unversioned, " "+unversioned))
	}
	return b.String()
}

const (
	noEntity    = "-"
	unversioned = "unversioned"
)

func (e *Entity) format(b *strings.Builder) {
	fmt.Fprintf(b, "\nentity %s%s%s\n", e.Name, ifSet(e.Legacy != "", " = "+e.Legacy), ifSet(e.Doc != "", " : "+e.Doc))
	for _, f := range e.Fields {
		b.WriteString("\t" + f.Name + " " + f.typeWord())
		for _, flag := range f.flags() {
			b.WriteString(" " + flag)
		}
		b.WriteByte('\n')
	}
}

func (c *Collection) format(b *strings.Builder) {
	entity := noEntity
	if c.Entity != nil {
		entity = c.Entity.Name
	}
	fmt.Fprintf(b, "collection %s %s%s: %s\n", c.Path, entity, ifSet(c.ParentField != "", " parent="+c.ParentField), c.Verbs)
}

func ifSet(set bool, text string) string {
	if !set {
		return ""
	}
	return text
}

var verbNames = [...]string{"query", "count", "get", "list", "create", "put", "patch", "delete", "info", "fields", "udfs"}

// String returns the names of the verbs, with spaces between them.
func (v Verb) String() string {
	var names []string
	for i, name := range verbNames {
		if v.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// ParseVerb returns the one verb of that name.
func ParseVerb(name string) (Verb, error) {
	for i, n := range verbNames {
		if n == name {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("unknown verb %q", name)
}

// typeWord returns the kind, with the bits of an integer in place of "eger".
func (f *Field) typeWord() string {
	if f.Kind == Integer {
		return "int" + strconv.Itoa(f.Bits)
	}
	return f.Kind.String()
}

func (f *Field) setType(word string) error {
	for _, candidate := range []Field{{Kind: Integer, Bits: 32}, {Kind: Integer, Bits: 64},
		{Kind: Number}, {Kind: Boolean}, {Kind: String}, {Kind: DateTime}, {Kind: Bytes}, {Kind: UDFs}, {Kind: Any}} {
		if candidate.typeWord() == word {
			f.Kind, f.Bits = candidate.Kind, candidate.Bits
			return nil
		}
	}
	return fmt.Errorf("unknown type %q", word)
}

// markNames are the boolean flags, in the order in which they are written.
var markNames = [...]string{"required", "zero", "readonly", "stabilising", "always", "day", "picklist", "noid"}

func (f *Field) mark(name string) *bool {
	switch name {
	case "required":
		return &f.Required
	case "zero":
		return &f.ZeroIsValue
	case "readonly":
		return &f.ReadOnly
	case "stabilising":
		return &f.Stabilising
	case "always":
		return &f.Always
	case "day":
		return &f.Day
	case "picklist":
		return &f.Picklist
	case "noid":
		return &f.NoID
	}
	return nil
}

func (f *Field) flags() []string {
	var flags []string
	for _, name := range markNames {
		if *f.mark(name) {
			flags = append(flags, name)
		}
	}
	if f.MaxLength != 0 {
		flags = append(flags, "max="+strconv.Itoa(f.MaxLength))
	}
	if f.PicklistParent != "" {
		flags = append(flags, "under="+f.PicklistParent)
	}
	if f.References != "" {
		flags = append(flags, "refers="+f.References)
	}
	if f.Instead != "" {
		flags = append(flags, "instead="+f.Instead)
	}
	return flags
}

// SetFlag sets a flag of the text form: required, zero, readonly, stabilising,
// always, day, picklist, noid, max=N, under=FIELD (the picklist is filtered by that
// field), refers=ENTITY or instead=ENTITY.
func (f *Field) SetFlag(flag string) error {
	if mark := f.mark(flag); mark != nil {
		*mark = true
		return f.checkMarks()
	}
	name, value, _ := strings.Cut(flag, "=")
	if value == "" {
		return fmt.Errorf("unknown flag %q", flag)
	}
	switch name {
	case "max":
		return f.setMaxLength(value)
	case "under":
		f.PicklistParent = value
	case "refers":
		f.References = value
	case "instead":
		f.Instead = value
	default:
		return fmt.Errorf("unknown flag %q", flag)
	}
	return nil
}

// checkMarks returns an error if the field has flags that it cannot have.
func (f *Field) checkMarks() error {
	if f.Day && f.Kind != DateTime {
		return fmt.Errorf("a field of type %s cannot be a day", f.Kind)
	}
	if f.NoID && f.Name != "id" {
		return errors.New("noid belongs on the id only")
	}
	return nil
}

func (f *Field) setMaxLength(value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return fmt.Errorf("length: %w", err)
	}
	if n <= 0 {
		return fmt.Errorf("length %d is not positive", n)
	}
	f.MaxLength = n
	return nil
}
