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
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/transport"
)

// Entity is implemented by the struct of every Autotask entity. The interfaces
// that build on it name what the API can do with an entity; the functions of
// this file demand them, so that a call which has no route does not compile.
//
// An entity that the library does not know yet takes a struct with json tags,
// an ID field and these one-line methods.
type Entity interface {
	// Collection is the root collection that the entity is read from: "Tickets".
	Collection() string
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

// Listable entities can be read through their parent only, all of one parent at
// once. The others are searched: they are Queryable.
type Listable interface {
	Child
	CanList()
}

// Creatable entities can be created.
type Creatable interface {
	Entity
	CanCreate()
}

// Updatable entities can be changed by Update.
type Updatable interface {
	Gettable
	CanUpdate()
}

// Patchable entities can be changed field by field, without reading them
// first. An entity that is Updatable but not Patchable, as Ticket is, is
// written whole.
type Patchable interface {
	Entity
	CanPatch()
}

// Deletable entities can be deleted.
type Deletable interface {
	Entity
	CanDelete()
}

// Child entities are read from their own root collection and written through
// their parent's path.
type Child interface {
	Entity
	Parent() Parent
}

// Parent tells where an item of a child entity is written.
type Parent struct {
	Collection string          // "Tickets"
	ID         Optional[int64] // of the parent item
	Children   string          // the last segment of the path: "Notes"
}

// Get reads one item (GET {collection}/{id}). There being none is ErrNotFound.
func Get[T Gettable](ctx context.Context, c *Client, id int64) (*T, error) {
	return get[T](ctx, c, id)
}

func get[T Entity](ctx context.Context, c *Client, id int64) (*T, error) {
	var envelope struct {
		Item Optional[T] `json:"item"`
	}
	item := &envelope.Item
	err := getItem[T](ctx, c, id, func(b []byte) error {
		*item = Optional[T]{} // nothing of an earlier attempt
		if err := decode(b, &envelope); err != nil {
			return err
		}
		return errors.Join(absentItem(item.IsZero()), otherItem(item, id))
	})
	if err == nil && item.IsNull() {
		err = noSuchItem[T](id)
	}
	if err != nil {
		return nil, err
	}
	return &item.value, nil
}

// getRaw reads one item, and keeps the bytes that Autotask sent.
func getRaw[T Entity](ctx context.Context, c *Client, id int64) (jsontext.Value, *T, error) {
	var raw jsontext.Value
	var envelope struct {
		Item spanned[T] `json:"item"`
	}
	item := &envelope.Item.item
	err := getItem[T](ctx, c, id, func(b []byte) error {
		envelope.Item = spanned[T]{} // nothing of an earlier attempt
		if err := decode(b, &envelope); err != nil {
			return err
		}
		raw = envelope.Item.in(b)
		return errors.Join(absentItem(item.IsZero()), otherItem(item, id))
	})
	if err == nil && item.IsNull() {
		err = noSuchItem[T](id)
	}
	return raw, &item.value, err
}

// spanned is an item that knows where in the answer it stood.
type spanned[T any] struct {
	item       Optional[T]
	after, end int64 // the ends of what came before it, and of itself
}

func (s *spanned[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s.after = dec.InputOffset()
	err := s.item.UnmarshalJSONFrom(dec)
	s.end = dec.InputOffset()
	return err
}

// in returns a copy of the bytes of the item; a colon and white space are all
// that can be before them.
func (s *spanned[T]) in(b []byte) jsontext.Value {
	return bytes.Clone(bytes.TrimLeft(b[s.after:s.end], ": \t\r\n"))
}

func getItem[T Entity](ctx context.Context, c *Client, id int64, decode func([]byte) error) error {
	if err := checkID[T](http.MethodGet, id); err != nil {
		return err
	}
	if err := needsID[T](http.MethodGet); err != nil {
		return err
	}
	return c.send(ctx, call{method: http.MethodGet, path: itemPath[T](id), decode: decode})
}

// decode reads an answer. A text that was cut in the middle of a character, as
// old ones are that were too long for their field, must not hide the rest.
func decode(b []byte, v any) error { return json.Unmarshal(b, v, jsontext.AllowInvalidUTF8(true)) }

// otherItem: what is not the item that was asked for is no answer, not even an
// item without an id.
func otherItem[T Entity](item *Optional[T], id int64) error {
	if item.state == present && idOf(&item.value) != id {
		return fmt.Errorf("%w: it holds the item %d", transport.ErrUnreadable, idOf(&item.value))
	}
	return nil
}

// absentItem: the item is under "item" and nowhere else (contract, section 2.1).
func absentItem(absent bool) error {
	if absent {
		return fmt.Errorf("%w: it has no item", transport.ErrUnreadable)
	}
	return nil
}

func noSuchItem[T Entity](id int64) error {
	return notFound(http.MethodGet, itemPath[T](id), "Autotask answered with no item: it does not exist, or this user may not see it")
}

// notFound is an answer that came, and says that there is nothing.
func notFound(method, path, message string) *Error {
	return &Error{StatusCode: http.StatusOK, Method: method, Path: path, Messages: []string{message}, Attempts: 1, kind: transport.NotFound}
}

// Create makes a new item and returns its id (POST {collection}, or
// {parent}/{id}/{children} for a child). Required fields, lengths and fields
// that only Autotask sets are checked before anything is sent.
//
// Autotask has no idempotency keys. If the answer is lost, a ticket note and a
// ticket with an externalID are looked for; if that does not find the item, and
// for all other entities, the error is ErrOutcomeUnknown and its Sent holds
// what was sent. Whether the item was made is then for the caller to find out
// before trying again.
//
// An attachment is held to the limits that Upload keeps to.
func Create[T Creatable](ctx context.Context, c *Client, v *T) (int64, error) {
	if _, ok := any(v).(Attachable); ok {
		return createAttachment(ctx, c, v)
	}
	path, body, err := newItem(v)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	id, err := c.write(ctx, http.MethodPost, path, body)
	item, isFindable := any(v).(findable)
	if err == nil && isFindable {
		c.core.recent.add(collection[T](), id)
	}
	var unknown *Error
	if err == nil || !errors.Is(err, ErrOutcomeUnknown) || !errors.As(err, &unknown) {
		return id, err
	}
	unknown.Sent = body
	if isFindable && ctx.Err() == nil {
		found, err := item.findCreated(ctx, c, began)
		_ = interrupted(ctx, unknown) // the search ended early, perhaps
		switch {
		case err != nil:
			unknown.Messages = append(unknown.Messages, "looking for the item failed, too: "+err.Error())
		case found != 0:
			c.core.recent.add(collection[T](), found)
			return found, nil
		default:
			unknown.Messages = append(unknown.Messages, "a search does not find the item")
		}
	}
	return 0, unknown
}

// findable items can be told apart from others like them, so that one whose
// create was not answered can be searched for.
type findable interface {
	// findCreated returns the id of the item that was created as the receiver
	// at or after a moment of our clock, 0 if there is none.
	findCreated(ctx context.Context, c *Client, since time.Time) (int64, error)
}

// newItem checks an item to create and says where to POST what.
func newItem[T Entity](v *T) (path string, body []byte, err error) {
	if v == nil {
		return "", nil, invalid(http.MethodPost, collection[T](), "the item to create is nil")
	}
	if path, err = writePath(http.MethodPost, v); err != nil {
		return "", nil, err
	}
	if body, err = json.Marshal(v); err != nil {
		return "", nil, invalid(http.MethodPost, path, "%v", err)
	}
	return path, body, checkNew(tableOf[T](), path, body)
}

// Update changes one item: it reads the item, lets change edit it, and writes
// the fields that then differ; then it reads the item back and returns it. An
// error from change ends it, and nothing is written; if nothing differs,
// nothing is written either. A field is cleared with SetNull.
//
// A Ticket is written whole (PUT), as the item was read, with only the changed
// fields replaced and the fields that Autotask sets itself left out; what the
// library does not know of the ticket is sent back byte for byte (contract,
// sections 4 and 8). Every other entity gets a PATCH of the changed fields.
//
// If reading back shows that a field did not take its value, the error is
// ErrNotApplied, and the item comes back beside it. If reading back fails, or
// the answer to the write is lost and looking for it fails, the error is
// ErrOutcomeUnknown. If the answer is lost and no field has its new value,
// Update begins anew, as often and after such waits as other requests are
// repeated; change is then called again, on the item as it is by then. After a
// time-out it does not, since Autotask may still be at work on the first write:
// the error is ErrOutcomeUnknown, and five minutes later it is safe to repeat.
//
// Autotask has no version check: what somebody else writes in the one round
// trip between the read and the write is overwritten in a ticket's case, and
// so is a field that both change in any case.
func Update[T Updatable](ctx context.Context, c *Client, id int64, change func(*T) error) (*T, error) {
	u, err := update(ctx, c, id, nil, change, nil)
	return u.item, err
}

// updated is the outcome of update.
type updated[T any] struct {
	item    *T // as read last; nil if that failed
	written bool
}

// update is Update. first, if not nil, is the item as it was read with nothing
// asked for since; beforeAnother, if not nil, is asked before it begins anew.
func update[T Updatable](ctx context.Context, c *Client, id int64, first *edit[T], change func(*T) error, beforeAnother func(context.Context) error) (updated[T], error) {
	if change == nil {
		return updated[T]{}, invalid(http.MethodPut, itemPath[T](id), "the function that is to change the item is nil")
	}
	for rewrites := 0; ; rewrites++ {
		e := first
		if e == nil || rewrites > 0 {
			var err error
			if e, err = readForEdit[T](ctx, c, id); err != nil {
				return updated[T]{}, err
			}
		}
		if err := e.apply(change); err != nil {
			return updated[T]{}, err
		}
		if len(e.changes) == 0 {
			return updated[T]{item: e.item}, nil
		}
		writeErr := e.write(ctx, c)
		if writeErr != nil && (!errors.Is(writeErr, ErrOutcomeUnknown) || ctx.Err() != nil) {
			return updated[T]{}, writeErr
		}
		after, notApplied, err := e.readBack(ctx, c)
		switch {
		case err != nil:
			return updated[T]{written: writeErr == nil}, e.unseen(ctx, writeErr, err)
		case notApplied == nil:
			return updated[T]{item: after, written: true}, nil
		case writeErr == nil, e.tookSome:
			return updated[T]{item: after, written: true}, notApplied
		case errors.Is(writeErr, context.DeadlineExceeded):
			// Autotask may still be at it, for up to five minutes: a PUT that
			// lands after another one would undo it.
			return updated[T]{item: after}, writeErr
		case !c.core.transport.Pause(ctx, rewrites, retryAfterOf(writeErr)):
			return updated[T]{item: after}, interrupted(ctx, writeErr)
		}
		if beforeAnother != nil {
			if err := beforeAnother(ctx); err != nil {
				return updated[T]{item: after}, err
			}
		}
	}
}

// unseen is the error of a write that could not be looked at. It must not be
// taken for the failure of the read alone: a caller who repeats what was turned
// away, for instance, would write twice.
func (e *edit[T]) unseen(ctx context.Context, writeErr, readErr error) error {
	message := "Autotask accepted the write, but reading the item back failed: "
	if writeErr != nil {
		message = "the answer to the write was lost, and reading the item back failed: "
	}
	unseen := refusal(transport.OutcomeUnknown, e.method, e.path, message+readErr.Error())
	unseen.cause = ctx.Err()
	return unseen
}

func retryAfterOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// edit is one item between its read and its write.
type edit[T Updatable] struct {
	id      int64
	method  string
	path    string
	raw     jsontext.Value // as Autotask sent it
	item    *T             // decoded, and edited by apply
	changes []merge.Change
	// tookSome: of several fields, some read back with their new values and some
	// do not. The write was carried out, then, and something else came after it.
	tookSome bool
}

func readForEdit[T Updatable](ctx context.Context, c *Client, id int64) (*edit[T], error) {
	e := &edit[T]{id: id, method: http.MethodPatch, path: collection[T]()}
	if writtenWhole[T]() {
		e.method = http.MethodPut
	}
	var err error
	e.raw, e.item, err = getRaw[T](ctx, c, id)
	return e, err
}

// writtenWhole tells whether updates are PUT.
func writtenWhole[T Entity]() bool {
	_, patchable := any((*T)(nil)).(Patchable)
	return !patchable
}

// apply lets the caller edit the item and checks what then differs.
func (e *edit[T]) apply(change func(*T) error) error {
	before, err := json.Marshal(e.item)
	if err != nil {
		return invalid(e.method, e.path, "%v", err)
	}
	path, pathErr := writePath(e.method, e.item)
	if err := change(e.item); err != nil {
		return err
	}
	after, err := json.Marshal(e.item)
	if err != nil {
		return invalid(e.method, e.path, "%v", err)
	}
	if e.changes, err = merge.Diff(before, after); err != nil {
		return invalid(e.method, e.path, "%v", err)
	}
	if len(e.changes) == 0 {
		return nil
	}
	// The parent as it was read; one that no field holds, change has set.
	if pathErr != nil {
		path, pathErr = writePath(e.method, e.item)
	}
	if pathErr != nil {
		return pathErr
	}
	e.path = path
	return checkChanges(tableOf[T](), e.method, e.path, e.changes)
}

func (e *edit[T]) write(ctx context.Context, c *Client) error {
	body, err := e.body()
	if err != nil {
		return err
	}
	_, err = c.write(ctx, e.method, e.path, body)
	return err
}

// body is the whole item for a PUT, at the root and not under "item", and the
// id with the changes alone for a PATCH.
func (e *edit[T]) body() ([]byte, error) {
	var body []byte
	var err error
	if e.method == http.MethodPut {
		if missing := e.missing(); len(missing) > 0 {
			return nil, refusal(transport.MissingField, e.method, e.path, fmt.Sprintf(
				"item %d as read lacks %s; a PUT without them would change the item, so nothing was sent", e.id, strings.Join(missing, ", ")))
		}
		table := tableOf[T]()
		body, err = merge.Overlay(e.raw, e.changes, func(name string) bool { return name != "id" && table.IsReadOnly(name) })
	} else {
		id := merge.Change{Name: "id", New: jsontext.Value(strconv.FormatInt(e.id, 10))}
		body, err = merge.Sparse(append([]merge.Change{id}, e.changes...))
	}
	if err != nil {
		return nil, invalid(e.method, e.path, "%v", err)
	}
	return body, nil
}

// missing lists the stabilising fields that are not in the item at all. null
// is a value; absence is not (contract, section 8).
func (e *edit[T]) missing() []string {
	table := tableOf[T]()
	here := map[string]bool{}
	_ = merge.Each(e.raw, func(name string, _ jsontext.Value) { // decoded before
		if f := table.Lookup(name); f != nil && f.Stabilising {
			here[name] = true
		}
	})
	var missing []string
	for _, f := range table.All {
		if f.Stabilising && !here[f.Name] {
			missing = append(missing, f.Name)
		}
	}
	return missing
}

// readBack reads the item again; notApplied names the fields that did not take
// their new values.
func (e *edit[T]) readBack(ctx context.Context, c *Client) (after *T, notApplied, err error) {
	raw, after, err := getRaw[T](ctx, c, e.id)
	if err != nil {
		return nil, nil, err
	}
	found := make(map[string]jsontext.Value, len(e.changes))
	_ = merge.Each(raw, func(name string, v jsontext.Value) {
		if slices.ContainsFunc(e.changes, func(ch merge.Change) bool { return ch.Name == name }) {
			found[name] = v
		}
	})
	var differ []string
	table := tableOf[T]()
	for _, ch := range e.changes {
		differing := unapplied(table, ch, found[ch.Name])
		differ = append(differ, differing...)
		e.tookSome = e.tookSome || len(differing) == 0
	}
	if len(differ) > 0 {
		return after, refusal(transport.NotApplied, e.method, e.path,
			fmt.Sprintf("item %d: Autotask accepted the write, but reads back %s", e.id, strings.Join(differ, "; "))), nil
	}
	return after, nil, nil
}

// unapplied describes in which way a field did not take its new value.
func unapplied(table *fields.Table, ch merge.Change, found jsontext.Value) []string {
	if ch.Name == merge.UDFs {
		return unappliedUDFs(ch, found)
	}
	f := table.Lookup(ch.Name)
	if f == nil {
		f = &fields.Field{Name: ch.Name}
	}
	if f.Holds(ch.New, found, ch.Old) {
		return nil
	}
	return []string{difference(ch.Name, ch.New, found)}
}

func unappliedUDFs(ch merge.Change, found jsontext.Value) []string {
	changed, err := merge.ChangedUDFs(ch)
	current, foundErr := merge.ParseUDFs(found)
	if err := errors.Join(err, foundErr); err != nil {
		return []string{merge.UDFs + ": " + err.Error()}
	}
	var differ []string
	for _, want := range changed {
		var got jsontext.Value
		for _, u := range current {
			if strings.EqualFold(u.Name, want.Name) {
				got = u.Value
			}
		}
		if !fields.SameText(want.Value, got) {
			differ = append(differ, difference(want.Name, want.Value, got))
		}
	}
	return differ
}

func difference(name string, want, got jsontext.Value) string {
	if len(got) == 0 {
		got = jsontext.Value("nothing")
	}
	return fmt.Sprintf("%s: wanted %s, found %s", name, excerpt(string(want)), excerpt(string(got)))
}

// Patch writes the fields that are set in v to the item of that id, without
// reading it first (PATCH {collection}, or the parent's path for a child, whose
// parent id v must hold). Fields that are not Optional have no absent state:
// they are sent unless they are empty or 0. Nothing is read back: use Update where it matters
// whether the write took.
func Patch[T Patchable](ctx context.Context, c *Client, id int64, v *T) error {
	if v == nil {
		return invalid(http.MethodPatch, collection[T](), "the item to write is nil")
	}
	path, err := writePath(http.MethodPatch, v)
	if err != nil {
		return err
	}
	if err := checkID[T](http.MethodPatch, id); err != nil {
		return err
	}
	if given := idOf(v); given != 0 && given != id {
		return invalid(http.MethodPatch, path, "the item's ID is %d, not %d", given, id)
	}
	sparse, err := json.Marshal(v)
	if err != nil {
		return invalid(http.MethodPatch, path, "%v", err)
	}
	changes := []merge.Change{{Name: "id", New: jsontext.Value(strconv.FormatInt(id, 10))}}
	table := fields.Of(reflect.TypeFor[T]())
	err = merge.Each(sparse, func(name string, value jsontext.Value) {
		f := table.Lookup(name)
		switch {
		case name == "id", f != nil && f.Plain && fields.IsZero(value):
		case f != nil && f.Parent && f.ReadOnly: // the path says it
		default:
			changes = append(changes, merge.Change{Name: name, New: value})
		}
	})
	if err != nil {
		return invalid(http.MethodPatch, path, "%v", err)
	}
	if err := checkChanges(tableOf[T](), http.MethodPatch, path, changes[1:]); err != nil {
		return err
	}
	if len(changes) == 1 {
		return invalid(http.MethodPatch, path, "no field is set")
	}
	body, err := merge.Sparse(changes)
	if err != nil {
		return invalid(http.MethodPatch, path, "%v", err)
	}
	_, err = c.write(ctx, http.MethodPatch, path, body)
	return err
}

// Delete deletes one item (DELETE {collection}/{id}; for a child, whose parent
// is looked up first, the parent's path). There being none is ErrNotFound. If
// the answer is lost, Delete looks whether the item is still there, and if so
// repeats the request, as often and after such waits as others are repeated.
func Delete[T Deletable](ctx context.Context, c *Client, id int64) error {
	if err := checkID[T](http.MethodDelete, id); err != nil {
		return err
	}
	path, err := deletePath[T](ctx, c, id)
	if err != nil {
		return err
	}
	for repeats := 0; ; repeats++ {
		_, err := c.write(ctx, http.MethodDelete, path, nil)
		late := repeats > 0 && errors.Is(err, ErrNotFound) // the first one may have landed since
		if !late && !errors.Is(err, ErrOutcomeUnknown) || ctx.Err() != nil {
			return err
		}
		// Not the answer to a second DELETE: Autotask's "no matching records"
		// may also mean that this user is not permitted to delete.
		switch _, lookErr := get[T](ctx, c, id); {
		case isStatus(lookErr, http.StatusOK) && errors.Is(lookErr, ErrNotFound), isStatus(lookErr, http.StatusNotFound):
			return nil
		case lookErr != nil, late, !c.core.transport.Pause(ctx, repeats, retryAfterOf(err)):
			return interrupted(ctx, err)
		}
	}
}

func deletePath[T Entity](ctx context.Context, c *Client, id int64) (string, error) {
	if _, child := any((*T)(nil)).(Child); !child {
		return itemPath[T](id), nil
	}
	v, err := get[T](ctx, c, id)
	if err != nil {
		return "", err
	}
	path, err := writePath(http.MethodDelete, v)
	return path + "/" + strconv.FormatInt(id, 10), err
}

// write sends a write and returns the id that Autotask answers with.
func (c *Client) write(ctx context.Context, method, path string, body []byte) (int64, error) {
	var id int64
	err := c.send(ctx, call{method: method, path: path, body: body, decode: func(b []byte) error {
		var answer struct {
			ItemID Optional[int64] `json:"itemId"`
		}
		if err := decode(b, &answer); err != nil {
			return err
		}
		var ok bool
		if id, ok = answer.ItemID.Get(); !ok {
			return fmt.Errorf("%w: it has no itemId", transport.ErrUnreadable)
		}
		return nil
	}})
	return id, err
}

func collection[T Entity]() string { return (*new(T)).Collection() }

func itemPath[T Entity](id int64) string {
	return collection[T]() + "/" + strconv.FormatInt(id, 10)
}

// tableOf is what is known of the fields of a type. What is read from or
// written to a collection of this package is held to that one's rules,
// whichever type a caller writes it through.
func tableOf[T Entity]() *fields.Table {
	var v T
	name := v.Collection()
	if child, ok := any(v).(Child); ok && isNotes(child.Parent()) {
		name = TicketNote{}.Collection()
	}
	switch { // the web server may take other casings
	case strings.EqualFold(name, Ticket{}.Collection()):
		return fields.Of(reflect.TypeFor[Ticket]())
	case strings.EqualFold(name, TicketNote{}.Collection()):
		return fields.Of(reflect.TypeFor[TicketNote]())
	case strings.EqualFold(name, TimeEntry{}.Collection()):
		return fields.Of(reflect.TypeFor[TimeEntry]())
	}
	return fields.Of(reflect.TypeFor[T]())
}

// isNotes tells whether a path is the one of a ticket's notes.
func isNotes(p Parent) bool {
	return strings.EqualFold(p.Collection, "Tickets") && strings.EqualFold(p.Children, "Notes")
}

// checkCollection keeps an entity of a caller's own to the form of a collection,
// so that no other route can be meant.
func checkCollection[T Entity]() error {
	if name := collection[T](); !isCollectionName(name) {
		return fmt.Errorf("%q is not the name of a collection, such as Tickets", name)
	}
	return nil
}

// idOf reads the ID field that every entity has.
func idOf[T any](v *T) int64 {
	switch v := any(v).(type) { // the quick ones
	case *Ticket:
		return v.ID
	case *TicketNote:
		return v.ID
	case *TimeEntry:
		return v.ID
	}
	if f := reflect.ValueOf(v).Elem().FieldByName("ID"); f.IsValid() && f.CanInt() {
		return f.Int()
	}
	return 0
}

// checkID refuses ids that cannot be. 0 is a real id of a company, so that only
// the entities of this package, which begin at 1, refuse it.
func checkID[T Entity](method string, id int64) error {
	if err := checkCollection[T](); err != nil {
		return invalid(method, collection[T](), "%v", err)
	}
	own := false
	switch any((*T)(nil)).(type) {
	case *Ticket, *TicketNote, *TimeEntry:
		own = true
	}
	if id < 0 || id == 0 && own {
		return invalid(method, collection[T](), "%d is not an id", id)
	}
	return nil
}

// writePath is where an item is created or changed.
func writePath[T Entity](method string, v *T) (string, error) {
	if err := checkCollection[T](); err != nil {
		return "", invalid(method, collection[T](), "%v", err)
	}
	child, ok := any(v).(Child)
	if strings.EqualFold(collection[T](), TicketNote{}.Collection()) && (!ok || !isNotes(child.Parent())) {
		return "", refusal(transport.Unsupported|transport.Invalid, method, collection[T](),
			"ticket notes are written through their ticket only, POST /Tickets/{id}/Notes: give the type the method Parent, or use TicketNote")
	}
	if !ok {
		return collection[T](), nil
	}
	return child.Parent().path(method, collection[T]())
}

// path is where the children of one parent are. The collection is the one that
// an error names.
func (p Parent) path(method, collection string) (string, error) {
	if !isCollectionName(p.Collection) || !isCollectionName(p.Children) {
		return "", invalid(method, collection, "%q and %q are not the parts of a path, such as Tickets and Notes", p.Collection, p.Children)
	}
	id, ok := p.ID.Get()
	if !ok {
		return "", refusal(transport.MissingField|transport.Invalid, method, collection,
			fmt.Sprintf("the item does not say which of the %s it belongs to; it is written through it", p.Collection))
	}
	if id < 0 {
		return "", invalid(method, collection, "%d is not an id of %s", id, p.Collection)
	}
	return p.Collection + "/" + strconv.FormatInt(id, 10) + "/" + p.Children, nil
}
