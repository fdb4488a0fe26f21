package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/autotask-go/autotask/internal/schema"
)

// routes is where an entity is read and where it is written.
type routes struct {
	reads  *schema.Collection // the root, nil if there is none
	lists  *schema.Collection // lists the rows of one parent; nil if a query of the root can
	writes *schema.Collection // nil if it cannot be written
}

const writeVerbs = schema.Create | schema.Put | schema.Patch | schema.Delete

// newRoutes prefers the root for writing, which needs no parent.
func newRoutes(e *schema.Entity) routes {
	var r routes
	for _, c := range e.Collections() {
		isRoot := c.Parent == ""
		if isRoot {
			r.reads = c
		}
		if c.Verbs&writeVerbs != 0 && (isRoot || r.writes == nil) {
			r.writes = c
		}
		if !isRoot && c.Verbs.Has(schema.List) {
			r.lists = c
		}
	}
	if r.canRead(schema.Query) {
		r.lists = nil
	}
	return r
}

func (r routes) canRead(v schema.Verb) bool  { return r.reads != nil && r.reads.Verbs.Has(v) }
func (r routes) canWrite(v schema.Verb) bool { return r.writes != nil && r.writes.Verbs.Has(v) }

// child returns the collection under a parent that requests go through, nil if none
// does.
func (r routes) child() *schema.Collection {
	if r.writes != nil && r.writes.Parent != "" {
		return r.writes
	}
	return r.lists
}

// carriesFile reports whether the entity is an attachment: a child that can be
// created and read, with a file in its data.
func (r routes) carriesFile(e *schema.Entity) bool {
	data := e.Field("data")
	return data != nil && data.Kind == schema.Bytes &&
		r.canRead(schema.Get) && r.canWrite(schema.Create) && r.writes.Parent != ""
}

// updateRequest returns the request that Update sends, "" if there is no Update: what
// cannot be read cannot be compared. The whole entity is sent only if it cannot be
// patched.
func (r routes) updateRequest() string {
	switch {
	case !r.canRead(schema.Get):
		return ""
	case r.canWrite(schema.Patch):
		return "PATCH"
	case r.canWrite(schema.Put):
		return "PUT"
	}
	return ""
}

// writePath returns the path of writes, with a placeholder for the parent's id.
func (r routes) writePath() string {
	if r.writes == nil || r.writes.Parent == "" {
		return r.home()
	}
	return pathBelow(r.writes)
}

// pathBelow returns the path of a child, with a placeholder for the parent's id.
func pathBelow(child *schema.Collection) string {
	field := child.ParentField
	if field == "" {
		field = "parentID"
	}
	return child.Parent + "/{" + field + "}/" + child.Segment
}

// home returns the collection as the documentation names it.
func (r routes) home() string {
	if r.reads != nil {
		return r.reads.Path
	}
	if r.writes != nil {
		return r.writes.Path
	}
	return ""
}

// verb is one operation, the method that marks it, and the request that does it.
type verb struct {
	name    string
	can     bool
	request string
}

func (r routes) readVerbs() []verb {
	verbs := []verb{
		{"Get", r.canRead(schema.Get), "GET " + r.home() + "/{id}"},
		{"Query", r.canRead(schema.Query), "POST " + r.home() + "/query"},
	}
	if r.lists != nil {
		verbs = append(verbs, verb{"List", true, "GET " + pathBelow(r.lists)})
	}
	return verbs
}

func (r routes) writingVerbs() []verb {
	path := r.writePath()
	return []verb{
		{"Create", r.canWrite(schema.Create), "POST " + path},
		{"Update", r.updateRequest() != "", r.updateRequest() + " " + path},
		{"Patch", r.canWrite(schema.Patch), "PATCH " + path},
		{"Delete", r.canWrite(schema.Delete), "DELETE " + path + "/{id}"},
	}
}

// names returns the names of the verbs that exist, or do not.
func names(verbs []verb, can bool) []string {
	var names []string
	for _, v := range verbs {
		if v.can == can {
			names = append(names, v.name)
		}
	}
	return names
}

// doc returns the comment of the struct, one sentence a line.
func (r *renderer) doc() string {
	sentences := []string{r.introduction()}
	if can := names(r.routes.readVerbs(), true); len(can) > 0 {
		sentences = append(sentences, join(can, "and")+" "+plural(len(can), "reads", "read")+" it.")
	}
	if can := names(r.routes.writingVerbs(), true); len(can) > 0 {
		sentences = append(sentences, join(can, "and")+" "+plural(len(can), "writes", "write")+" it"+r.throughParent()+".")
	}
	if r.routes.carriesFile(r.entity) {
		sentences = append(sentences, "Upload and Download transfer its file.")
	}
	cannot := append(names(r.routes.readVerbs(), false), names(r.routes.writingVerbs(), false)...)
	if len(cannot) > 0 {
		sentences = append(sentences, "It has no "+join(cannot, "or")+".")
	}
	if r.entity.Legacy != "" {
		sentences = append(sentences, "Its old name, in the SOAP API, is "+r.entity.Legacy+".")
	}
	return "// " + strings.Join(sentences, "\n// ") + "\n"
}

func (r *renderer) introduction() string {
	what := r.entity.Doc
	if what == "" {
		what = "an entity of the API"
	}
	return fmt.Sprintf("%s is %s (collection %s).", r.entity.Name, what, r.routes.home())
}

func (r *renderer) throughParent() string {
	if r.routes.writes == nil || r.routes.writes.Parent == "" {
		return ""
	}
	return " through its parent, under " + r.routes.writePath()
}

func join(words []string, conjunction string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " " + conjunction + " " + words[last]
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// methods returns the methods that mark what can be done with the entity.
func (r *renderer) methods() (string, error) {
	var b strings.Builder
	if err := r.collectionMethod(&b); err != nil {
		return "", err
	}
	for _, v := range append(r.routes.readVerbs(), r.routes.writingVerbs()...) {
		if err := r.verbMethod(&b, v); err != nil {
			return "", err
		}
	}
	if err := r.attachMethod(&b); err != nil {
		return "", err
	}
	if err := r.noIDMethod(&b); err != nil {
		return "", err
	}
	if err := r.parentMethod(&b); err != nil {
		return "", err
	}
	return b.String(), nil
}

func (r *renderer) collectionMethod(b *strings.Builder) error {
	if r.routes.reads == nil {
		return nil
	}
	path := r.routes.reads.Path
	fmt.Fprintf(b, "// Collection returns %q, the root collection.\n", path)
	fmt.Fprintf(b, "func (%s) Collection() string { return %q }\n\n", r.entity.Name, path)
	return r.claim("Collection", "method Collection")
}

func (r *renderer) verbMethod(b *strings.Builder, v verb) error {
	if !v.can {
		return nil
	}
	name := "Can" + v.name
	fmt.Fprintf(b, "// %s marks that there is %s.\n", name, v.request)
	fmt.Fprintf(b, "func (%s) %s() {}\n\n", r.entity.Name, name)
	return r.claim(name, "method "+name)
}

func (r *renderer) attachMethod(b *strings.Builder) error {
	if !r.routes.carriesFile(r.entity) {
		return nil
	}
	b.WriteString("// CanAttach marks that its data is a file.\n")
	fmt.Fprintf(b, "func (%s) CanAttach() {}\n\n", r.entity.Name)
	return r.claim("CanAttach", "method CanAttach")
}

func (r *renderer) noIDMethod(b *strings.Builder) error {
	if id := r.entity.Field("id"); id == nil || !id.NoID {
		return nil
	}
	b.WriteString("// NoID marks that Autotask answers a write without an id: Create returns 0.\n")
	fmt.Fprintf(b, "func (%s) NoID() {}\n\n", r.entity.Name)
	return r.claim("NoID", "method NoID")
}

// parentMethod writes the method Parent, only for entities that go through a parent.
func (r *renderer) parentMethod(b *strings.Builder) error {
	c := r.routes.child()
	if c == nil {
		return nil
	}
	id, receiver, err := r.parentID(c.ParentField)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "// Parent returns the parent that %s through: %s.\n", r.throughWhat(), pathBelow(c))
	fmt.Fprintf(b, "func (%s %s) Parent() %sParent {\n", receiver, r.entity.Name, r.qualifier)
	fmt.Fprintf(b, "return %sParent{Collection: %q, ID: %s, Segment: %q}\n}\n\n", r.qualifier, c.Parent, id, c.Segment)
	return r.claim("Parent", "method Parent")
}

func (r *renderer) throughWhat() string {
	switch {
	case r.routes.lists == nil:
		return "writes go"
	case r.routes.writes == nil:
		return "reads go"
	}
	return "reads and writes go"
}

// parentID returns the expression for the parent's id, and the receiver in it.
func (r *renderer) parentID(field string) (expression, receiver string, err error) {
	receiver = receiverOf(r.entity.Name)
	if field == "" {
		return receiver + "." + parentIDField, receiver, nil
	}
	name, err := goName(field)
	if err != nil {
		return "", "", err
	}
	expression = receiver + "." + name
	if r.isPlain(r.entity.Field(field)) {
		expression = r.qualifier + "Int(" + expression + ")"
	}
	return expression, receiver, nil
}

// receiverOf is the initial of the last word: n of TicketNote.
func receiverOf(entity string) string {
	all := words(entity)
	initial, _ := utf8.DecodeRuneInString(all[len(all)-1])
	return string(unicode.ToLower(initial))
}
