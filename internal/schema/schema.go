// Package schema is the table of every collection of the Autotask REST API: its path,
// its parent, its verbs and the fields of its rows. The table is text (table.txt),
// embedded, and parsed on first use.
//
// It is for tools and tests. A program that talks to the API through the root
// package does not link it.
package schema

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Kind is the JSON type of a field.
type Kind uint8

// The kinds of field. Dates without a time of day are DateTime as well. UDFs is
// the userDefinedFields array. Any is a value that the vendor leaves untyped.
const (
	Integer Kind = iota + 1
	Number
	Boolean
	String
	DateTime
	Bytes
	UDFs
	Any
)

// String returns the kind in lower case, "" for a value that is none.
func (k Kind) String() string {
	names := [...]string{"", "integer", "number", "boolean", "string", "datetime", "bytes", "udfs", "any"}
	if int(k) >= len(names) {
		return ""
	}
	return names[k]
}

// Field is one JSON property of an entity.
type Field struct {
	Name           string // JSON name, in the casing of the wire
	Kind           Kind
	Bits           int    // 32 or 64 for Integer, as the vendor declares it; else 0
	Required       bool   // a create without it is refused
	ReadOnly       bool   // the server sets it
	Picklist       bool   // the value is the id of a picklist entry
	Stabilising    bool   // must go back unchanged in the full update of a ticket
	Always         bool   // every PATCH repeats it
	Day            bool   // a DateTime that is a date without a time of day
	NoID           bool   // of the id: a write is answered without one
	ZeroIsValue    bool   // 0 is a real value, not an absent one
	MaxLength      int    // in characters; 0 when unknown
	PicklistParent string // field whose value decides which entries are offered
	References     string // entity that the value is an id of; "" when unknown
	Instead        string // entity to create instead of setting this field, which is accepted and dropped
}

// Entity is one kind of row.
type Entity struct {
	Name   string   // the vendor's model name without "Model"
	Legacy string   // name in the SOAP API, where that differs
	Doc    string   // what it is, to follow "Ticket is"; "" for most
	Fields []*Field // in the vendor's order, id first

	collections []*Collection
}

// Field returns the field of that name in any casing, nil if there is none.
func (e *Entity) Field(name string) *Field {
	for _, f := range e.Fields {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// HasUDFs reports whether rows have user-defined fields.
func (e *Entity) HasUDFs() bool {
	return slices.ContainsFunc(e.Fields, func(f *Field) bool { return f.Kind == UDFs })
}

// Collections returns the collections that hold rows of the entity, sorted by
// path.
func (e *Entity) Collections() []*Collection { return slices.Clone(e.collections) }

// Verb is a set of things that can be done with a collection.
type Verb uint16

// What can be done with a collection, and the requests that do it.
const (
	Query     Verb = 1 << iota // GET and POST {path}/query
	Count                      // GET and POST {path}/query/count
	Get                        // GET {path}/{id}
	List                       // GET {path}, all rows of one parent
	Create                     // POST {path}
	Put                        // PUT {path}
	Patch                      // PATCH {path}
	Delete                     // DELETE {path}/{id}
	Info                       // GET {path}/entityInformation
	FieldInfo                  // GET {path}/entityInformation/fields
	UDFInfo                    // GET {path}/entityInformation/userDefinedFields
)

// Has reports whether every verb of w is in v.
func (v Verb) Has(w Verb) bool { return v&w == w }

// Collection is a path of the API with the rows of one entity.
type Collection struct {
	Path        string  // "Tickets"; for a child "Tickets/Notes", without the parent's id
	Parent      string  // "" for a root, else "Tickets"
	Segment     string  // last segment of Path
	Entity      *Entity // nil if no row of it has an id
	Verbs       Verb
	ParentField string // for a child, the field that holds the parent's id; "" if unknown

	root *Collection
}

// Root returns the collection that holds the same entity under no parent: c
// itself if it is a root, nil if there is none.
func (c *Collection) Root() *Collection {
	if c.Parent == "" {
		return c
	}
	return c.root
}

// Service is a request that belongs to no collection.
type Service struct {
	Method      string // upper case
	Path        string // with placeholders: "Invoices/{id}/InvoicePdf"
	Unversioned bool   // next to V1.0, not below it
}

// All returns every collection, sorted by path.
func All() []*Collection { return slices.Clone(embedded().Collections) }

// Lookup returns the collection of exactly that path, nil if there is none.
func Lookup(path string) *Collection { return embedded().Lookup(path) }

// Entities returns every entity, sorted by name.
func Entities() []*Entity { return slices.Clone(embedded().Entities) }

// Services returns every request that belongs to no collection, sorted by path
// and method.
func Services() []Service { return slices.Clone(embedded().Services) }

//go:embed table.txt
var tableText string

var embedded = sync.OnceValue(func() *Table { return mustParse(tableText) })

// mustParse panics on an invalid table: the embedded one is part of the program, so
// an invalid one would fail in every run.
func mustParse(text string) *Table {
	t, err := Parse(text)
	if err != nil {
		panic(fmt.Errorf("schema: embedded table: %w", err))
	}
	return t
}
