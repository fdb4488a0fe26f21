package autotask

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/transport"
	"github.com/autotask-go/autotask/internal/wire"
)

// Update reads an item, lets change edit it, writes the fields that then
// differ, if any, and returns the item as read back. An error from change ends
// it. Clear a field with SetNull. A Ticket is written whole (PUT), byte for
// byte except for the changes and what Autotask sets; others are PATCHed.
//
// If the answer is lost and the write does not show, or reading back fails, the
// error is [ErrOutcomeUnknown]: until RetryAfter is over, at most five minutes,
// this client writes nothing to the item. If a field did not take its value, it
// is [ErrNotApplied], with the item. Calls for one item take turns: change must
// not write it. Writes of others during the call may be lost.
func Update[T Updatable](ctx context.Context, c *Client, id int64, change func(*T) error) (*T, error) {
	if change == nil {
		return nil, invalid(http.MethodPut, itemPath[T](id), "the change function is nil")
	}
	item, err := kindOf[T]().update(ctx, c, id, func(item any) error { return change(item.(*T)) })
	if item == nil {
		return nil, err
	}
	return item.(*T), err
}

func (k *kind) update(ctx context.Context, c *Client, id int64, change func(item any) error) (item any, err error) {
	done, err := c.takeTurn(ctx, k.key(id), k.methodOfUpdate(), k.item(id))
	if err != nil {
		return nil, err
	}
	defer done()
	for reads := 1; ; reads++ {
		e, err := k.readForEdit(ctx, c, id)
		if err != nil {
			return nil, err
		}
		if err := e.apply(change); err != nil {
			return nil, err
		}
		if len(e.changes) == 0 {
			return e.item, nil
		}
		writeErr := e.write(ctx, c)
		switch {
		case isStale(writeErr) && reads < mostReads:
			continue
		case writeErr != nil && (!errors.Is(writeErr, ErrOutcomeUnknown) || ctx.Err() != nil):
			return nil, writeErr
		}
		return e.look(ctx, c, writeErr)
	}
}

// A whole PUT overwrites what somebody else has written since its GET. So a PUT
// that had to wait, for limits or because it was turned away, is not sent when it
// is older than that: the item is read again. Where reading itself takes long, a
// PUT may be older, up to the most.
const (
	leastAge  = 10 * time.Second
	mostAge   = time.Minute
	mostReads = 5
)

type notAfterKey struct{}

// notAfter is when a write under ctx is too old to be sent; zero is never.
func notAfter(ctx context.Context) time.Time {
	t, _ := ctx.Value(notAfterKey{}).(time.Time)
	return t
}

// isStale reports whether a write was held back because it was too old.
func isStale(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.kind&transport.Stale != 0
}

// edit is one item between its read and its write.
type edit struct {
	*kind
	method   string // PUT for what is written whole
	fields   *fields.Table
	id       int64
	writeTo  string         // the path
	raw      jsontext.Value // as Autotask sent it
	item     any            // decoded, and edited by apply
	changes  []merge.Change
	notAfter time.Time // a whole PUT is too old after it
	// contested says what somebody else has made of the fields of a write that was
	// not answered.
	contested string
}

// readForEdit reads an item that is to be changed. If this client has written it
// and got no answer, the item must show that write, or enough time must have
// passed that it cannot be carried out any more.
func (k *kind) readForEdit(ctx context.Context, c *Client, id int64) (*edit, error) {
	e := &edit{kind: k, method: k.methodOfUpdate(), fields: k.table(), id: id, writeTo: k.collection}
	var err error
	asked := time.Now()
	e.raw, e.item, err = k.getRaw(ctx, c, id)
	took := time.Since(asked)
	e.notAfter = asked.Add(took + min(max(4*took, leastAge), mostAge))
	if err == nil {
		e.contested = c.contestedBy(e.writeKey(), e.fields, e.raw)
	}
	if settleErr := c.settle(e.writeKey(), e.fields, e.method, e.writeTo, e.raw, err); settleErr != nil {
		return nil, settleErr
	}
	return e, err
}

func (e *edit) writeKey() writeKey { return e.kind.key(e.id) }

// methodOfUpdate is PUT for what is written whole.
func (k *kind) methodOfUpdate() string {
	if _, patchable := k.newItem().(Patchable); patchable {
		return http.MethodPatch
	}
	return http.MethodPut
}

// apply lets the caller edit the item and checks what then differs.
func (e *edit) apply(change func(item any) error) error {
	changes, err := merge.Snapshot(e.item)
	if err != nil {
		return invalid(e.method, e.writeTo, "%v", err)
	}
	path, pathErr := e.writePath(e.method, e.item)
	if err := change(e.item); err != nil {
		return err
	}
	if e.changes, err = changes(); err != nil {
		return invalid(e.method, e.writeTo, "%v", err)
	}
	if len(e.changes) == 0 {
		return nil
	}
	// The parent as it was read; one that no field holds, change has set.
	if pathErr != nil {
		path, pathErr = e.writePath(e.method, e.item)
	}
	if pathErr != nil {
		return pathErr
	}
	e.writeTo = path
	return checkChanges(e.fields, e.method, e.writeTo, e.changes)
}

// write sends the changes. A write without an answer is remembered.
func (e *edit) write(ctx context.Context, c *Client) error {
	body, err := e.body()
	if err != nil {
		return err
	}
	if e.method == http.MethodPut {
		ctx = context.WithValue(ctx, notAfterKey{}, e.notAfter)
	}
	_, err = c.writeItem(ctx, e.item, e.method, e.writeTo, body)
	if errors.Is(err, ErrOutcomeUnknown) {
		c.core.unanswered.add(e.writeKey(), lostWrite{changes: e.changes}, err)
	}
	return err
}

// body is the whole item for a PUT, at the root and not under "item", and the
// id with the changes alone for a PATCH.
func (e *edit) body() ([]byte, error) {
	if e.method == http.MethodPut {
		return e.whole()
	}
	body, err := merge.Sparse(slices.Concat(e.repeated(), e.changes))
	if err != nil {
		return nil, invalid(e.method, e.writeTo, "%v", err)
	}
	return body, nil
}

func (e *edit) whole() ([]byte, error) {
	item, err := merge.Parse(e.raw)
	if err != nil {
		return nil, invalid(e.method, e.writeTo, "%v", err)
	}
	if problems := e.missing(item); len(problems) > 0 {
		return nil, refusal(transport.MissingField, e.method, e.writeTo, problems...)
	}
	table := e.fields
	body, err := item.Overlay(e.changes, func(name string) bool { return name != "id" && table.IsReadOnly(name) })
	if err != nil {
		return nil, invalid(e.method, e.writeTo, "%v", err)
	}
	return body, nil
}

// repeated are the members that a PATCH must hold beside the changes: the id,
// and what every PATCH of the entity repeats, as it was read.
func (e *edit) repeated() []merge.Change {
	all := []merge.Change{{Name: "id", New: jsontext.Value(strconv.FormatInt(e.id, 10))}}
	table := e.fields
	_ = merge.Each(e.raw, func(name string, v jsontext.Value) { // decoded before
		f := table.Lookup(name)
		if f != nil && f.Always && !slices.ContainsFunc(e.changes, func(ch merge.Change) bool { return ch.Name == name }) {
			all = append(all, merge.Change{Name: name, New: v})
		}
	})
	return all
}

// missing names the stabilising fields that are not in the item at all. null
// is a value; absence is not (docs/api-notes.md, section 7.4).
func (e *edit) missing(item merge.Object) []string {
	var missing []string
	for _, f := range e.fields.All {
		if f.Stabilising && !item.Has(f.Name) {
			missing = append(missing, f.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []string{fmt.Sprintf(
		"item %d as read lacks %s; a PUT without them would change the item, so nothing was sent", e.id, strings.Join(missing, ", "))}
}

// tooLong names the texts that are longer than their fields, the named ones
// aside. A PUT repeats them, and Autotask refuses it for them.
func (e *edit) tooLong(except ...string) (problems []string) {
	table := e.fields
	_ = merge.Each(e.raw, func(name string, v jsontext.Value) { // decoded before
		f := table.Lookup(name)
		if f == nil || f.ReadOnly || slices.Contains(except, name) {
			return
		}
		if problem := f.TooLong(v); problem != "" {
			problems = append(problems, problem+"; Autotask refuses every update of the item until it is shortened")
		}
	})
	return problems
}

// look reads the item back after the write. writeErr is nil if the write was
// answered, and ErrOutcomeUnknown if it was not.
func (e *edit) look(ctx context.Context, c *Client, writeErr error) (any, error) {
	raw, after, err := e.getRaw(ctx, c, e.id)
	if err != nil {
		return nil, e.unseen(ctx, writeErr, err)
	}
	found := readBack(e.fields, e.changes, raw)
	if writeErr != nil {
		if !found.shows() {
			return after, writeErr
		}
		c.core.unanswered.remove(e.writeKey())
	}
	return after, e.notApplied(found)
}

// notApplied is the error of fields that did not take their new values, nil if
// all did.
func (e *edit) notApplied(found comparison) error {
	if len(found.differ) == 0 {
		return nil
	}
	return refusal(transport.NotApplied, e.method, e.writeTo,
		fmt.Sprintf("item %d: Autotask accepted the write, but reads back %s", e.id, strings.Join(found.differ, "; ")))
}

// unseen is the error of a write that could not be looked at. It must not be
// taken for the failure of the read alone: a caller who repeats what was turned
// away, for instance, would write twice.
func (e *edit) unseen(ctx context.Context, writeErr, readErr error) error {
	message := "Autotask accepted the write, but reading the item back failed: "
	wait := max(retryAfterOf(readErr), time.Second)
	if writeErr != nil {
		message = "the answer to the write was lost, and reading the item back failed: "
		wait = max(wait, retryAfterOf(writeErr))
	}
	unseen := refusal(transport.OutcomeUnknown, e.method, e.writeTo, message+readErr.Error())
	unseen.cause = ctx.Err()
	unseen.RetryAfter = wait
	return unseen
}

func retryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// comparison is what reading back says of the fields that were written.
type comparison struct {
	differ []string // that do not hold their new values, and how
	// proven: a field holds its new value that did not count as the new one
	// before.
	proven bool
	// contested: a field holds neither its old value nor its new one.
	contested bool
}

// shows reports whether a write without an answer was carried out. Every field
// must hold its new value: one of several may be what somebody else has set.
func (c comparison) shows() bool { return c.proven && len(c.differ) == 0 }

// readBack compares an item as read with the changes that were written to it.
func readBack(table *fields.Table, changes []merge.Change, raw jsontext.Value) (c comparison) {
	found := make(map[string]jsontext.Value, len(changes))
	_ = merge.Each(raw, func(name string, v jsontext.Value) {
		if slices.ContainsFunc(changes, func(ch merge.Change) bool { return ch.Name == name }) {
			found[name] = v
		}
	})
	for _, ch := range changes {
		if ch.Name == merge.UDFs {
			c.addUDFs(ch, found[ch.Name])
			continue
		}
		f := table.Lookup(ch.Name)
		if f == nil {
			f = &fields.Field{Name: ch.Name}
		}
		c.add(ch.Name, ch, found[ch.Name], f.Holds)
	}
	return c
}

// add compares one value. holds reports whether a value that was set to want
// and reads back as got has been taken over.
func (c *comparison) add(name string, ch merge.Change, got jsontext.Value, holds func(want, got, before jsontext.Value) bool) {
	switch {
	case !holds(ch.New, got, ch.Old):
		c.differ = append(c.differ, difference(name, ch.New, got))
		c.contested = c.contested || !ch.Unread && !holds(ch.Old, got, nil)
	case !ch.Unread && !holds(ch.New, ch.Old, ch.Old):
		c.proven = true
	}
}

func (c *comparison) addUDFs(ch merge.Change, found jsontext.Value) {
	changed, err := merge.ChangedUDFs(ch)
	current, foundErr := merge.ParseUDFs(found)
	before, beforeErr := merge.ParseUDFs(ch.Old)
	if err := errors.Join(err, foundErr, beforeErr); err != nil {
		c.differ = append(c.differ, merge.UDFs+": "+err.Error())
		return
	}
	for _, want := range changed {
		one := merge.Change{Name: want.Name, Old: valueOfUDF(before, want.Name), New: want.Value, Unread: ch.Unread}
		c.add(want.Name, one, valueOfUDF(current, want.Name), fields.SameUDF)
	}
}

func valueOfUDF(all []merge.UDF, name string) jsontext.Value {
	for _, u := range all {
		if strings.EqualFold(u.Name, name) {
			return u.Value
		}
	}
	return nil
}

func difference(name string, want, got jsontext.Value) string {
	if len(got) == 0 {
		got = jsontext.Value("nothing")
	}
	return fmt.Sprintf("%s: wanted %s, found %s", name, excerpt(string(want)), excerpt(string(got)))
}

// write sends a write and returns the id that Autotask answers with.
func (c *Client) write(ctx context.Context, method, path string, body []byte) (int64, error) {
	return c.writeItem(ctx, nil, method, path, body)
}

// writeItem is write for an item, or a nil pointer of its type. The entities
// with a method NoID are answered with {"itemId":null}, for which it returns 0;
// a repeat because of a missing id would bill an adjustment twice. For all
// others, an answer without an id is unreadable.
func (c *Client) writeItem(ctx context.Context, item any, method, path string, body []byte) (int64, error) {
	_, noID := item.(interface{ NoID() })
	var id int64
	err := c.send(ctx, call{method: method, path: path, body: body, decode: func(b []byte) error {
		if n, ok := quickID(b); ok {
			id = n
			return nil
		}
		var answer struct {
			ItemID Optional[int64]  `json:"itemId"`
			Errors []jsontext.Value `json:"errors"`
		}
		if err := decode(b, &answer); err != nil {
			return err
		}
		var ok bool
		if id, ok = answer.ItemID.Get(); !ok && !(noID && answer.ItemID.IsNull()) {
			return fmt.Errorf("%w: it has no itemId", transport.ErrUnreadable)
		}
		if method == http.MethodPost && ok && id <= 0 || len(answer.Errors) > 0 {
			return fmt.Errorf("%w: it has the itemId %d, and %d errors", transport.ErrUnreadable, id, len(answer.Errors))
		}
		return nil
	}})
	return id, err
}

// quickID reads {"itemId":123}, as nearly all writes are answered.
func quickID(b []byte) (int64, bool) {
	rest, ok := bytes.CutPrefix(b, []byte(`{"itemId":`))
	rest, closed := bytes.CutSuffix(rest, []byte("}"))
	if !ok || !closed || len(rest) == 0 || rest[0] < '1' || rest[0] > '9' {
		return 0, false
	}
	return wire.Digits(rest)
}

// patchOf checks the fields that are set in v, a pointer to an item, and returns
// them, and the body of the PATCH. own is what its type says of its fields, rules
// what its collection demands of them.
func patchOf(v any, own, rules *fields.Table, path string, id int64) (changes []merge.Change, body []byte, err error) {
	sparse, err := json.Marshal(v)
	if err != nil {
		return nil, nil, invalid(http.MethodPatch, path, "%v", err)
	}
	if changes, err = setFields(own, sparse); err != nil {
		return nil, nil, invalid(http.MethodPatch, path, "%v", err)
	}
	if len(changes) == 0 {
		return nil, nil, invalid(http.MethodPatch, path, "no field is set")
	}
	if err := checkPatch(rules, path, changes); err != nil {
		return nil, nil, err
	}
	all := append([]merge.Change{{Name: "id", New: jsontext.Value(strconv.FormatInt(id, 10))}}, changes...)
	if body, err = merge.Sparse(all); err != nil {
		return nil, nil, invalid(http.MethodPatch, path, "%v", err)
	}
	return changes, body, nil
}

// setFields lists the fields of an encoded item that are set. Those without
// states are if they are not zero.
func setFields(table *fields.Table, item []byte) (set []merge.Change, err error) {
	err = merge.Each(item, func(name string, value jsontext.Value) {
		f := table.Lookup(name)
		switch {
		case name == "id", f != nil && f.Plain && fields.IsZero(value):
		case f != nil && f.Parent && f.ReadOnly: // the path says it
		default:
			set = append(set, merge.Change{Name: name, New: value, Unread: true})
		}
	})
	return set, err
}
