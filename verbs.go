package autotask

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/transport"
)

// Entity is implemented by every Autotask entity. The functions of this package
// require the interfaces built on it. Your own needs json tags and an ID.
type Entity interface {
	Collection() string // the root collection: "Tickets"
}

// Gettable entities can be read one at a time.
type Gettable interface {
	Entity
	CanGet()
}

// Queryable entities can be searched.
type Queryable interface {
	Entity
	CanQuery()
}

// ParentListable entities have no search: only a parent's items can be listed.
type ParentListable interface {
	Child
	CanList()
}

// Creatable entities can be created.
type Creatable interface {
	Entity
	CanCreate()
}

// Updatable entities can be changed by [Update].
type Updatable interface {
	Gettable
	CanUpdate()
}

// Patchable entities can be changed without a read, by [Patch].
type Patchable interface {
	Entity
	CanPatch()
}

// Deletable entities can be deleted.
type Deletable interface {
	Entity
	CanDelete()
}

// Child entities are read from a root collection and written through a parent.
type Child interface {
	Entity
	Parent() Parent
}

// Parent is where an item of a child entity is written.
type Parent struct {
	Collection string          // "Tickets"
	ID         Optional[int64] // of the parent item
	Segment    string          // the last segment of the path: "Notes"
}

// Get returns one item, or [ErrNotFound] (GET {collection}/{id}).
func Get[T Gettable](ctx context.Context, c *Client, id int64) (*T, error) {
	return get[T](ctx, c, id)
}

func get[T Entity](ctx context.Context, c *Client, id int64) (*T, error) {
	item := new(T)
	if _, err := kindOf[T]().readInto(ctx, c, id, item, false); err != nil {
		return nil, err
	}
	return item, nil
}

// getRaw reads one item, and keeps the bytes that Autotask sent.
func (k *kind) getRaw(ctx context.Context, c *Client, id int64) (jsontext.Value, any, error) {
	item := k.newItem()
	raw, err := k.readInto(ctx, c, id, item, true)
	return raw, item, err
}

// newItem is a pointer to a zero value of the type.
func (k *kind) newItem() any { return reflect.New(k.typ).Interface() }

func (k *kind) readInto(ctx context.Context, c *Client, id int64, item any, keep bool) (jsontext.Value, error) {
	if err := k.checkID(http.MethodGet, id); err != nil {
		return nil, err
	}
	if err := k.needsID(http.MethodGet); err != nil {
		return nil, err
	}
	return c.readItem(ctx, k.item(id), id, item, keep)
}

// readItem reads one item into a pointer to a value of its type. If they are to be
// kept, it returns the bytes that Autotask sent.
func (c *Client) readItem(ctx context.Context, path string, id int64, item any, keep bool) (raw jsontext.Value, err error) {
	found := false
	err = c.send(ctx, call{method: http.MethodGet, path: path, decode: func(b []byte) error {
		var start, end int
		var err error
		if start, end, found, err = itemIn(b, item); err != nil || !found {
			return err
		}
		if keep {
			raw = bytes.Clone(b[start:end])
		}
		return otherItem(item, id)
	}})
	if err == nil && !found {
		err = noSuchItem(path)
	}
	return raw, err
}

// itemIn reads the item of an answer, and returns where it is in there. found is
// false if the answer holds null instead. Nothing of an earlier attempt is left in
// the item.
func itemIn(b []byte, item any) (start, end int, found bool, err error) {
	reflect.ValueOf(item).Elem().SetZero()
	if start, end, ok := quickly.Item(b, item); ok {
		return start, end, true, nil
	}
	reflect.ValueOf(item).Elem().SetZero()
	var envelope struct {
		Item spanned `json:"item"`
	}
	envelope.Item.into = item
	if err := decode(b, &envelope); err != nil {
		return 0, 0, false, err
	}
	// A colon and white space are all that can be before it.
	span := envelope.Item
	start = span.end - len(bytes.TrimLeft(b[span.after:span.end], ": \t\r\n"))
	return start, span.end, span.found, absentItem(span.end == 0)
}

// spanned is an item that knows where in the answer it is.
type spanned struct {
	into       any
	found      bool // it is not null
	after, end int  // the ends of what is before it, and of itself
}

func (s *spanned) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s.after = int(dec.InputOffset())
	s.found = dec.PeekKind() != 'n'
	var err error
	if s.found {
		err = json.UnmarshalDecode(dec, s.into)
	} else {
		err = dec.SkipValue()
	}
	s.end = int(dec.InputOffset())
	return err
}

// decode reads an answer. A text that was cut in the middle of a character, as
// old ones are that were too long for their field, must not hide the rest.
func decode(b []byte, v any) error { return json.Unmarshal(b, v, jsontext.AllowInvalidUTF8(true)) }

// otherItem: what is not the item that was asked for is no answer, not even an
// item without an id.
func otherItem(item any, id int64) error {
	if got := idIn(item); got != id {
		return fmt.Errorf("%w: it holds the item %d", transport.ErrUnreadable, got)
	}
	return nil
}

// absentItem: the item is under "item" and nowhere else (docs/api-notes.md, section 2.1).
func absentItem(absent bool) error {
	if absent {
		return fmt.Errorf("%w: it has no item", transport.ErrUnreadable)
	}
	return nil
}

func noSuchItem(path string) error {
	return notFound(http.MethodGet, path, "Autotask answered with no item: it does not exist, or this user may not see it")
}

// notFound is an answer that came, and says that there is nothing.
func notFound(method, path, message string) *Error {
	return &Error{StatusCode: http.StatusOK, Method: method, Path: path, Messages: []string{message}, Attempts: 1, kind: transport.NotFound}
}

// Create checks an item, creates it and returns its id (POST {collection}, or
// its parent's path). If the answer is lost, a note, attachment or ticket with
// an ExternalID is searched for; else the error is [ErrOutcomeUnknown], with Sent.
// Until RetryAfter is over, a repeat only searches.
func Create[T Creatable](ctx context.Context, c *Client, v *T) (int64, error) {
	return kindOf[T]().create(ctx, c, v)
}

func (k *kind) create(ctx context.Context, c *Client, v any) (int64, error) {
	if _, ok := v.(Attachable); ok {
		return k.createAttachment(ctx, c, v)
	}
	path, body, err := k.newBody(v)
	if err != nil {
		return 0, err
	}
	if item, ok := v.(findable); ok {
		if key, ok := item.createKey(); ok {
			return c.createFindable(ctx, item, key, c.newOne(path, body))
		}
	}
	id, err := c.writeItem(ctx, v, http.MethodPost, path, body)
	if unknown, ok := errors.AsType[*Error](err); ok && errors.Is(err, ErrOutcomeUnknown) {
		unknown.Sent = body
	}
	return id, err
}

// newBody checks an item to create and says where to POST what.
func (k *kind) newBody(v any) (path string, body []byte, err error) {
	if isNilPointer(v) {
		return "", nil, invalid(http.MethodPost, k.collection, "the item to create is nil")
	}
	if path, err = k.writePath(http.MethodPost, v); err != nil {
		return "", nil, err
	}
	checked := newItem{table: k.table(), required: make([]*fields.Field, 0, 16)}
	if body, err = merge.Encode(v, checked.see); err != nil {
		return "", nil, invalid(http.MethodPost, path, "%v", err)
	}
	return path, body, checked.check(path)
}

// Patch writes the fields that are set in v and reads nothing (PATCH {collection},
// or the parent's path). Fields that are not Optional are sent unless empty or 0.
// A ticket note needs NoteType and Publish. See [Update].
func Patch[T Patchable](ctx context.Context, c *Client, id int64, v *T) error {
	return kindOf[T]().patch(ctx, c, id, v)
}

func (k *kind) patch(ctx context.Context, c *Client, id int64, v any) error {
	if isNilPointer(v) {
		return invalid(http.MethodPatch, k.collection, "the item to write is nil")
	}
	path, err := k.writePath(http.MethodPatch, v)
	if err != nil {
		return err
	}
	if err := k.checkID(http.MethodPatch, id); err != nil {
		return err
	}
	if given := idIn(v); given != 0 && given != id {
		return invalid(http.MethodPatch, path, "the item's ID is %d, not %d", given, id)
	}
	changes, body, err := patchOf(v, fields.Of(k.typ), k.table(), path, id)
	if err != nil {
		return err
	}
	done, err := c.takeTurn(ctx, k.key(id), http.MethodPatch, path)
	if err != nil {
		return err
	}
	defer done()
	if lost, ok := c.core.unanswered.get(k.key(id)); ok {
		if held, err := k.settleBlind(ctx, c, id, path, lost, changes); held || err != nil {
			return err
		}
	}
	_, err = c.writeItem(ctx, v, http.MethodPatch, path, body)
	if errors.Is(err, ErrOutcomeUnknown) {
		c.core.unanswered.add(k.key(id), lostWrite{changes: changes}, err)
	}
	return err
}

// settleBlind is settle for a write that reads nothing. held reports whether it
// repeats the lost one and the item has all its values: it is done, then, and
// the lost one can do no more than the same again.
func (k *kind) settleBlind(ctx context.Context, c *Client, id int64, path string, lost lostWrite, changes []merge.Change) (held bool, err error) {
	raw, _, readErr := k.getRaw(ctx, c, id)
	err = c.settle(k.key(id), k.table(), http.MethodPatch, path, raw, readErr)
	if err == nil && readErr != nil && lost.left() > 0 {
		return false, lost.stillUnknown(http.MethodPatch, path, "reading the item failed: "+readErr.Error())
	}
	if err == nil || readErr != nil {
		return false, err
	}
	repeated := slices.EqualFunc(lost.changes, changes, func(a, b merge.Change) bool {
		return a.Name == b.Name && string(a.New) == string(b.New)
	})
	if repeated && len(readBack(k.table(), changes, raw).differ) == 0 {
		return true, nil
	}
	return false, err
}

// Delete deletes one item, or returns [ErrNotFound] (DELETE {collection}/{id},
// or the parent's path). A lost answer is success if the item is then gone.
func Delete[T Deletable](ctx context.Context, c *Client, id int64) error {
	return kindOf[T]().delete(ctx, c, id)
}

func (k *kind) delete(ctx context.Context, c *Client, id int64) error {
	if err := k.checkID(http.MethodDelete, id); err != nil {
		return err
	}
	key := k.key(id)
	done, err := c.takeTurn(ctx, key, http.MethodDelete, k.item(id))
	if err != nil {
		return err
	}
	defer done()
	if lost, ok := c.core.unanswered.get(key); ok {
		raw, _, readErr := k.getRaw(ctx, c, id)
		switch err := c.settle(key, k.table(), http.MethodDelete, k.item(id), raw, readErr); {
		case err != nil:
			return err
		case lost.deleted && isGone(readErr):
			return nil // by the earlier one
		case readErr != nil:
			return readErr
		}
	}
	path, err := k.deletePath(ctx, c, id)
	if err != nil {
		return err
	}
	_, err = c.writeItem(ctx, k.newItem(), http.MethodDelete, path, nil)
	if !errors.Is(err, ErrOutcomeUnknown) {
		return err
	}
	c.core.unanswered.add(key, lostWrite{deleted: true}, err)
	if ctx.Err() != nil {
		return err
	}
	if _, _, lookErr := k.getRaw(ctx, c, id); !isGone(lookErr) {
		return interrupted(ctx, err)
	}
	c.core.unanswered.remove(key)
	return nil
}

func (k *kind) deletePath(ctx context.Context, c *Client, id int64) (string, error) {
	if _, child := k.newItem().(Child); !child {
		return k.item(id), nil
	}
	_, v, err := k.getRaw(ctx, c, id)
	if err != nil {
		return "", err
	}
	path, err := k.writePath(http.MethodDelete, v)
	return path + "/" + strconv.FormatInt(id, 10), err
}

func itemPath[T Entity](id int64) string { return kindOf[T]().item(id) }

func collection[T Entity]() string { return kindOf[T]().collection }

// collectionIn is the collection of a type. Of a type that is no entity, although
// it passes for one, it is the name to call it by in the error.
func collectionIn(typ reflect.Type) string {
	switch typ.Kind() {
	case reflect.Interface:
		return typ.String()
	case reflect.Pointer:
		if item, ok := reflect.New(typ.Elem()).Interface().(Entity); ok {
			return item.Collection()
		}
		return typ.String()
	default:
		return reflect.Zero(typ).Interface().(Entity).Collection()
	}
}

// checkCollection refuses types that are no entity and pass for one: a pointer
// has the methods of what it points to, and the interfaces of this package have
// them anyway. It keeps an entity of a caller's own to the form of a collection,
// so that no other route can be meant.
func checkCollection(typ reflect.Type, name string) error {
	switch typ.Kind() {
	case reflect.Pointer:
		return fmt.Errorf("%v is a pointer: write [%v] for [%v]; items come as pointers to it anyway", typ, typ.Elem(), typ)
	case reflect.Interface:
		return fmt.Errorf("%v is an interface: write the struct of one entity, such as [autotask.Ticket]", typ)
	default:
	}
	if !isCollectionName(name) {
		return notACollection(name)
	}
	return nil
}

// isNotes reports whether a path is that of a ticket's notes.
func isNotes(p Parent) bool {
	return strings.EqualFold(p.Collection, "Tickets") && strings.EqualFold(p.Segment, "Notes")
}

// writePath is where an item is created or changed.
func (k *kind) writePath(method string, v any) (string, error) {
	if err := k.known(method); err != nil {
		return "", err
	}
	child, ok := v.(Child)
	if strings.EqualFold(k.collection, TicketNote{}.Collection()) && (!ok || !isNotes(child.Parent())) {
		return "", refusal(transport.Unsupported|transport.Invalid, method, k.collection,
			"ticket notes are written through their ticket only, POST /Tickets/{id}/Notes: give the type the method Parent, or use TicketNote")
	}
	if !ok {
		return k.collection, nil
	}
	return child.Parent().path(method, k.collection)
}

// path is where the children of one parent are. The collection is the one that
// an error names.
func (p Parent) path(method, collection string) (string, error) {
	if !isCollectionName(p.Collection) || !isCollectionName(p.Segment) {
		return "", invalid(method, collection, "%q and %q are not the parts of a path, such as Tickets and Notes", p.Collection, p.Segment)
	}
	id, ok := p.ID.Get()
	if !ok {
		return "", refusal(transport.MissingField|transport.Invalid, method, collection,
			fmt.Sprintf("the item does not name its parent in %s, through which it is written", p.Collection))
	}
	if id < 0 {
		return "", invalid(method, collection, "%d is not an id of %s", id, p.Collection)
	}
	return p.Collection + "/" + strconv.FormatInt(id, 10) + "/" + p.Segment, nil
}

// maxCandidates is how many matches One reads, and names.
const maxCandidates = 10

// One returns the only item that matches q, ignoring q.Limit. It returns
// [ErrNotFound], or an [*AmbiguousError] that names the first ten.
func One[T Queryable](ctx context.Context, c *Client, q Query) (*T, error) {
	q.Limit, q.Prefetch = maxCandidates, false
	found, err := List[T](ctx, c, q)
	if err != nil {
		return nil, err
	}
	if len(found) == 1 {
		return found[0], nil
	}
	labels := make([]Candidate, len(found))
	for i, item := range found {
		labels[i] = Candidate{ID: idOf(item), Label: labelOf(item)}
	}
	return nil, notOne(collection[T](), q.Filter, labels)
}

func notOne(collection string, f Filter, found []Candidate) error {
	if len(found) == 0 {
		return notFound(http.MethodPost, collection+"/query", "no item has "+f.describe())
	}
	return &AmbiguousError{What: collection, Name: f.describe(), Candidates: found}
}

// describe is a filter for a reader.
func (f Filter) describe() string {
	switch {
	case f.items != nil:
		parts := make([]string, len(f.items))
		for i, item := range f.items {
			parts[i] = item.describe()
		}
		return "(" + strings.Join(parts, " "+f.op+" ") + ")"
	case f.op == "":
		return "any value"
	case f.value == nil:
		return f.field + " " + f.op
	}
	value, err := json.Marshal(f.value)
	if err != nil {
		return f.field + " " + f.op
	}
	return f.field + " " + f.op + " " + excerpt(string(value))
}
