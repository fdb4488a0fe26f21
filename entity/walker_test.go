package entity_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/schema"
)

// walked is one entity, as walk lists them.
type walked struct {
	name  string
	model reflect.Type
	verbs []verb
}

// verb is one of the generic functions, tied to a type.
type verb struct {
	name string
	call func(w *walker) error
}

func of[T autotask.Entity](name string, verbs ...func() verb) walked {
	w := walked{name: name, model: reflect.TypeFor[T]()}
	for _, v := range verbs {
		w.verbs = append(w.verbs, v())
	}
	return w
}

// walker has a fake tenant with one row of an entity, of some parent.
type walker struct {
	t        *testing.T
	ctx      context.Context
	srv      *autotasktest.Server
	client   *autotask.Client
	entity   *schema.Entity
	root     string // the entity's own collection
	id       int64
	parentID int64
	edit     func(v any)     // if not nil, what change and item do to a value
	query    *autotask.Query // if not nil, what to search for
	// isElsewhere: another server than srv takes the writes, so that srv does not
	// show them.
	isElsewhere bool
}

func newWalker(t *testing.T, e *schema.Entity) *walker {
	srv := autotasktest.NewInProcess(t)
	w := &walker{t: t, ctx: t.Context(), srv: srv, client: srv.Client(), entity: e, parentID: 1}
	fields := map[string]any{}
	if e.Name == "TicketHistory" { // which can be searched by its ticket only
		fields["ticketID"] = srv.Seed("Tickets", nil)
	}
	if e.Field("attachmentType") != nil && e.Field("data") != nil {
		fields["attachmentType"], fields["data"] = "FILE_ATTACHMENT", []byte("a file")
	}
	for _, f := range e.Fields {
		if f.Required && f.References != "" {
			fields[f.Name] = srv.Seed(rootOf(entityCalled(t, f.References)), nil)
		}
	}
	for _, c := range e.Collections() {
		if c.Parent == "" {
			w.root = c.Path
			continue
		}
		if parent := parentRoot(c); schema.Lookup(parent) != nil {
			w.parentID = srv.Seed(parent, nil)
		}
		if c.ParentField != "" {
			fields[c.ParentField] = w.parentID
		}
	}
	w.id = srv.Seed(w.root, fields)
	srv.ResetRequests()
	return w
}

func rootOf(e *schema.Entity) string {
	for _, c := range e.Collections() {
		if c.Parent == "" {
			return c.Path
		}
	}
	return ""
}

// parentRoot is where the parents of a child are made: in the collection that
// its path begins with, except two.
func parentRoot(child *schema.Collection) string {
	switch child.Parent {
	case "Expenses":
		return "ExpenseReports"
	case "UserDefinedFields":
		return "UserDefinedFieldDefinitions"
	}
	return child.Parent
}

// item makes v the seeded row without what only the server sets, as a caller would
// make a new one.
func (w *walker) item(v any) {
	row := w.srv.Get(w.root, w.id)
	for _, f := range w.entity.Fields {
		if f.ReadOnly && !isParentField(w.entity, f.Name) || row[f.Name] == nil {
			delete(row, f.Name)
		}
		if at, ok := row[f.Name].(string); ok && f.Day {
			row[f.Name] = at[:len(time.DateOnly)]
		}
	}
	w.decodeInto(v, row)
	if w.edit != nil {
		w.edit(v)
	}
}

func (w *walker) decodeInto(v any, fields map[string]any) {
	text, err := json.Marshal(fields)
	require.NoError(w.t, err)
	require.NoError(w.t, json.Unmarshal(text, v))
	w.setParent(v)
}

// setParent sets the parent's id where no JSON field holds it.
func (w *walker) setParent(v any) {
	f, ok := reflect.TypeOf(v).Elem().FieldByName("ParentID")
	if ok && f.Tag.Get("json") == "-" {
		reflect.ValueOf(v).Elem().FieldByIndex(f.Index).Set(reflect.ValueOf(autotask.Int(w.parentID)))
	}
}

// change sets a field that a caller may change to another value.
func (w *walker) change(v any) {
	w.setParent(v)
	if w.edit != nil {
		w.edit(v)
		return
	}
	for _, kind := range []schema.Kind{schema.String, schema.Number, schema.Boolean, schema.Integer, schema.DateTime} {
		for _, f := range w.entity.Fields {
			if f.Kind != kind || f.ReadOnly || f.References != "" || f.Picklist || isParentField(w.entity, f.Name) {
				continue
			}
			text, err := json.Marshal(map[string]any{f.Name: otherValue[kind]})
			require.NoError(w.t, err)
			require.NoError(w.t, json.Unmarshal(text, v))
			return
		}
	}
	require.Fail(w.t, "no field of "+w.entity.Name+" can be changed")
}

var otherValue = map[schema.Kind]any{
	schema.String:   "changed",
	schema.Number:   7.25,
	schema.Boolean:  true,
	schema.Integer:  7,
	schema.DateTime: "2026-11-02T00:00:00Z",
}

func isParentField(e *schema.Entity, field string) bool {
	return slices.ContainsFunc(e.Collections(), func(c *schema.Collection) bool { return c.ParentField == field })
}

// The generic functions below are compiled for each type: they hold a call, and
// what is the same for all is elsewhere.

func canGet[T autotask.Gettable]() verb {
	return verb{"Get", func(w *walker) error {
		v, err := autotask.Get[T](w.ctx, w.client, w.id)
		return w.got(v, err)
	}}
}

func (w *walker) got(v any, err error) error {
	if err == nil {
		assert.Equal(w.t, w.id, idOf(v))
	}
	return err
}

func canQuery[T autotask.Queryable]() verb {
	return verb{"Query", func(w *walker) error {
		return w.search(
			func(q autotask.Query) (int, error) {
				found, err := autotask.List[T](w.ctx, w.client, q)
				return len(found), err
			},
			func(q autotask.Query) (int64, error) { return autotask.Count[T](w.ctx, w.client, q) })
	}}
}

func (w *walker) search(list func(autotask.Query) (int, error), count func(autotask.Query) (int64, error)) error {
	if w.query != nil {
		_, err := list(*w.query)
		return err
	}
	q := autotask.Query{Filter: autotask.Eq("id", w.id)}
	if field := mustFilterBy(w.entity); field != "" {
		q.Filter = autotask.Eq(field, w.srv.Get(w.root, w.id)[field])
	}
	found, err := list(q)
	if err != nil {
		return err
	}
	assert.Equal(w.t, 1, found)
	n, err := count(q)
	assert.EqualValues(w.t, 1, n)
	return err
}

// mustFilterBy names the field that an entity can be searched by only: history
// by its ticket, and an attachment by what it is attached to.
func mustFilterBy(e *schema.Entity) string {
	switch {
	case e.Name == "TicketHistory":
		return "ticketID"
	case e.Field("data") == nil:
		return ""
	}
	for _, c := range e.Collections() {
		if c.ParentField != "" {
			return c.ParentField
		}
	}
	return ""
}

func canList[T autotask.ParentListable]() verb {
	return verb{"List", func(w *walker) error {
		found, err := autotask.ListChildren[T](w.ctx, w.client, w.parentID)
		return w.listed(len(found), err)
	}}
}

func (w *walker) listed(found int, err error) error {
	assert.Equal(w.t, 1, found)
	return err
}

func canCreate[T autotask.Creatable]() verb {
	return verb{"Create", func(w *walker) error {
		v := new(T)
		w.item(v)
		id, err := autotask.Create(w.ctx, w.client, v)
		return w.created(id, err)
	}}
}

func (w *walker) created(id int64, err error) error {
	switch {
	case err != nil || w.isElsewhere:
	case w.entity.Field("id").NoID:
		assert.Zero(w.t, id)
	default:
		assert.NotNil(w.t, w.srv.Get(w.root, id))
	}
	return err
}

func canUpdate[T autotask.Updatable]() verb {
	return verb{"Update", func(w *walker) error {
		_, err := autotask.Update(w.ctx, w.client, w.id, func(v *T) error {
			w.change(v)
			return nil
		})
		return err
	}}
}

func canPatch[T autotask.Patchable]() verb {
	return verb{"Patch", func(w *walker) error {
		v := new(T)
		w.decodeInto(v, parentOnly(w))
		w.change(v)
		return autotask.Patch(w.ctx, w.client, w.id, v)
	}}
}

// parentOnly is what a sparse write must say beside its change.
func parentOnly(w *walker) map[string]any {
	fields := map[string]any{}
	for _, c := range w.entity.Collections() {
		if c.ParentField != "" {
			fields[c.ParentField] = w.parentID
		}
	}
	for _, f := range w.entity.Fields {
		if f.Always {
			fields[f.Name] = w.srv.Get(w.root, w.id)[f.Name]
		}
	}
	return fields
}

func canDelete[T autotask.Deletable]() verb {
	return verb{"Delete", func(w *walker) error {
		return w.deleted(autotask.Delete[T](w.ctx, w.client, w.id))
	}}
}

func (w *walker) deleted(err error) error {
	assert.Nil(w.t, w.srv.Get(w.root, w.id))
	return err
}

func idOf(v any) int64 { return reflect.ValueOf(v).Elem().FieldByName("ID").Int() }

func entityCalled(t *testing.T, name string) *schema.Entity {
	all := schema.Entities()
	i := slices.IndexFunc(all, func(e *schema.Entity) bool { return e.Name == name })
	require.GreaterOrEqual(t, i, 0, "the table has no entity %s", name)
	return all[i]
}
