package autotask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/paging"
	"github.com/autotask-go/autotask/internal/quick"
	"github.com/autotask-go/autotask/internal/spell"
	"github.com/autotask-go/autotask/internal/transport"
)

// kind is what reading must know of an entity. The rest is the same for all, so
// that a program links it once, however many entities it reads.
type kind struct {
	collection string
	problem    error // with the name of the collection
	exists     bool  // the name is beyond doubt
	leastID    int64
	needsID    func(method string) error
	check      func(*Query) error // against the fields of the type
	decode     func(answer []byte) (paging.Page, error)
}

func kindOf[T Entity]() *kind {
	k := &kind{
		collection: collection[T](),
		problem:    checkCollection[T](),
		exists:     isOurs[T](),
		needsID:    needsID[T],
		check:      checkFields[T],
		decode:     decodePage[T],
	}
	switch any((*T)(nil)).(type) {
	case *Ticket, *TicketNote, *TimeEntry:
		k.leastID = 1
	}
	return k
}

func (k *kind) path() string { return k.collection + "/query" }

func itemsOf[T any](rows []paging.Row) []*T {
	items := make([]*T, len(rows))
	for i, r := range rows {
		items[i] = r.Item.(*T)
	}
	return items
}

// wirePage is a page as it is sent.
type wirePage[I any] struct {
	Errors  []jsontext.Value `json:"errors"`
	Items   []I              `json:"items"`
	Details pageDetails      `json:"pageDetails"`
}

type pageDetails struct {
	Count       Optional[int64]  `json:"count"`
	NextPageURL Optional[string] `json:"nextPageUrl"`
}

func (p *wirePage[I]) decode(b []byte, isNull func(I) bool) error {
	if err := decode(b, p); err != nil {
		return err
	}
	// Without these, a wrong answer would read as "there are none".
	count, told := p.Details.Count.Get()
	switch {
	case p.Items == nil:
		return fmt.Errorf("%w: it has no items", transport.ErrUnreadable)
	case told && count != int64(len(p.Items)):
		return fmt.Errorf("%w: it has %d items, but counts %d", transport.ErrUnreadable, len(p.Items), count)
	case len(p.Errors) > 0:
		return fmt.Errorf("%w: it has errors as well as items", transport.ErrUnreadable)
	case slices.ContainsFunc(p.Items, isNull):
		return fmt.Errorf("%w: one of its items is null", transport.ErrUnreadable)
	}
	return nil
}

func (d pageDetails) page(rows []paging.Row) paging.Page {
	return paging.Page{Rows: rows, Next: d.NextPageURL.Or(""), Told: !d.NextPageURL.IsZero()}
}

func decodePage[T Entity](b []byte) (paging.Page, error) {
	if p, ok := quickPage(b, reflect.TypeFor[T]()); ok {
		return p, nil
	}
	var p wirePage[*T]
	if err := p.decode(b, func(item *T) bool { return item == nil }); err != nil {
		return paging.Page{}, err
	}
	rows := make([]paging.Row, len(p.Items))
	doubtful := false
	for i, item := range p.Items {
		rows[i] = paging.Row{ID: idOf(item), Item: item}
		doubtful = doubtful || rows[i].ID == 0
	}
	if doubtful {
		// 0, null or nothing at all, or the type has no ID.
		if err := readIDs(b, rows); err != nil {
			return paging.Page{}, err
		}
	}
	return p.Details.page(rows), nil
}

// readIDs reads the ids of rows from the answer itself.
func readIDs(b []byte, rows []paging.Row) error {
	var p wirePage[identified]
	if err := decode(b, &p); err != nil {
		return err
	}
	for i, item := range p.Items {
		id, ok := item.ID.Get()
		if !ok {
			return errNoID
		}
		rows[i].ID = id
	}
	return nil
}

// identified is any item of which only the id matters.
type identified struct {
	ID Optional[int64] `json:"id"`
}

var errNoID = fmt.Errorf("%w: one of its items has no id", transport.ErrUnreadable)

// split checks a query, and divides it if it is too long to be sent at once.
func (k *kind) split(q Query) (parts, error) {
	if k.problem != nil {
		return parts{}, invalid(http.MethodPost, k.path(), "%v", k.problem)
	}
	p, err := q.split()
	var problems []string
	for _, err := range []error{err, k.check(&q), k.checkSingle(&q)} {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	if len(problems) > 0 {
		return parts{}, invalid(http.MethodPost, k.path(), "%s", strings.Join(problems, "\n"))
	}
	return p, nil
}

// open checks a query and returns the source of its result.
func (k *kind) open(c *Client, q Query) (paging.Source, error) {
	p, err := k.split(q)
	if err != nil {
		return nil, err
	}
	if len(p.all) == 1 && !p.inOrder {
		return k.pager(c, q), nil
	}
	if err := k.needsID(http.MethodPost); err != nil {
		return nil, err
	}
	all := make([]paging.Part, len(p.all))
	for i, part := range p.all {
		all[i] = paging.Part{Count: part.ids, First: part.first, Last: part.last, Open: func() paging.Source { return k.pager(c, part.Query) }}
	}
	if p.inOrder {
		return paging.Limit(paging.Chain(all), q.Limit), nil
	}
	return paging.Limit(paging.Merge(all, positionOf(q)), q.Limit), nil
}

// positionOf is the id after which the result of a query begins.
func positionOf(q Query) int64 { return q.After.Or(paging.BeforeAll) }

// after is the opposite of positionOf.
func after(id int64) Optional[int64] {
	if id == paging.BeforeAll {
		return Optional[int64]{}
	}
	return Value(id)
}

// pager reads the pages of a query, which has been checked. Autotask wants the
// next page POSTed with the body of the first.
func (k *kind) pager(c *Client, q Query) paging.Source {
	r := call{method: http.MethodPost, path: k.path()}
	ask := func() (err error) {
		if r.body, err = k.body(q); err != nil {
			err = invalid(http.MethodPost, k.path(), "%v", err)
		}
		return err
	}
	unusable := ask()
	way := paging.Route{
		Full:  paging.PageSize,
		After: positionOf(q),
		Read: func(ctx context.Context, next string) (paging.Page, error) {
			if unusable != nil {
				return paging.Page{}, unusable
			}
			return k.read(ctx, c, r, next, k.path()+"/next")
		},
	}
	if q.Limit > 0 {
		way.Full = min(q.Limit, way.Full)
	}
	if !k.single() {
		way.Resume = func(id int64) error {
			q.After = Value(id)
			return ask()
		}
	}
	return paging.Limit(paging.Follow(way), q.Limit)
}

// read makes one request for a page: the first one, or the one at the address next,
// whose path below the base URL is nextPath.
func (k *kind) read(ctx context.Context, c *Client, r call, next, nextPath string) (paging.Page, error) {
	if next != "" {
		r.nextURL, r.path = next, nextPath
	}
	var p paging.Page
	r.decode = func(b []byte) (err error) {
		if p, err = k.decode(b); err != nil {
			return err
		}
		for _, row := range p.Rows {
			if row.ID < k.leastID {
				return fmt.Errorf("%w: the id of one of its items is %d", transport.ErrUnreadable, row.ID)
			}
		}
		return nil
	}
	return p, k.explain(c.send(ctx, r))
}

// explain names the collection that a caller may have meant, where the name is
// none that is known.
func (k *kind) explain(err error) error {
	if isStatus(err, http.StatusNotFound) && !k.exists && !spell.IsCollection(k.collection) {
		return noCollection(k.collection)
	}
	return err
}

// failed is the error of a reading, as the caller gets it.
func (k *kind) failed(err error) error {
	if n, ok := errors.AsType[paging.Nonsense](err); ok {
		return nonsense(k.path(), "%s", n)
	}
	return err
}

// quickly reads answers in the form in which Autotask nearly always sends them.
// decode reads all others, and reports what is wrong with them.
var quickly = quick.Codec{Kind: kindOfField, Set: setField, Decode: decode}

func kindOfField(typ reflect.Type) quick.Kind {
	switch typ {
	case reflect.TypeFor[Optional[int64]]():
		return quick.Int
	case reflect.TypeFor[Optional[float64]]():
		return quick.Number
	case reflect.TypeFor[Optional[bool]]():
		return quick.Flag
	case reflect.TypeFor[Optional[string]]():
		return quick.Text
	case reflect.TypeFor[Optional[time.Time]]():
		return quick.Time
	case reflect.TypeFor[int64]():
		return quick.PlainInt
	case reflect.TypeFor[string]():
		return quick.PlainText
	case reflect.TypeFor[UDFs]():
		return quick.List
	default:
		return quick.Other
	}
}

// setField puts a value into a field of the kind that kindOfField says.
func setField(field any, v *quick.Value) {
	s := present
	if v.Null {
		s = null
	}
	switch p := field.(type) {
	case *Optional[int64]:
		if *p = (Optional[int64]{state: s}); s == present {
			p.value = v.Int
		}
	case *Optional[float64]:
		if *p = (Optional[float64]{state: s}); s == present {
			p.value = v.Number
		}
	case *Optional[bool]:
		if *p = (Optional[bool]{state: s}); s == present {
			p.value = v.Flag
		}
	case *Optional[string]:
		if *p = (Optional[string]{state: s}); s == present {
			p.value = v.Text
		}
	case *Optional[time.Time]:
		if *p = (Optional[time.Time]{state: s}); s == present {
			p.value = v.Time
		}
	case *int64:
		*p = v.Int
	case *string:
		*p = v.Text
	}
}

// quickPage is decodePage for a page that holds what it should.
func quickPage(b []byte, typ reflect.Type) (paging.Page, bool) {
	items, raw, ok := quickly.Page(b, typ)
	var details pageDetails
	if !ok || decode(raw, &details) != nil || details.Count.Or(int64(len(items))) != int64(len(items)) {
		return paging.Page{}, false
	}
	rows := make([]paging.Row, len(items))
	for i, item := range items {
		if rows[i] = (paging.Row{ID: idIn(item), Item: item}); rows[i].ID == 0 {
			return paging.Page{}, false
		}
	}
	return details.page(rows), true
}

// checkNew checks a new item against what is known of its fields, and names
// everything that is wrong at once.
func checkNew(table *fields.Table, path string, body []byte) error {
	given := map[string]jsontext.Value{}
	var problems []string
	err := merge.Each(body, func(name string, v jsontext.Value) {
		f := table.Lookup(name)
		if f != nil && f.Required {
			given[name] = v
		}
		switch {
		case name == "id":
			if string(v) != "0" {
				problems = append(problems, "the ID must be 0: Autotask assigns it")
			}
		case f == nil:
		case f.ReadOnly && !f.Parent:
			problems = append(problems, name+" is set by Autotask: leave it absent")
		default:
			problems = appendText(problems, f.TooLong(v))
			problems = appendText(problems, f.NotADay(v))
			problems = appendText(problems, f.Dropped(v))
		}
	})
	if err != nil {
		return invalid(http.MethodPost, path, "%v", err)
	}
	kind := transport.Invalid
	for _, f := range table.All {
		if f.Required && f.Missing(given[f.Name]) {
			problems = append(problems, f.Name+" is required")
			kind |= transport.MissingField
		}
	}
	if len(problems) > 0 {
		return refusal(kind, http.MethodPost, path, problems...)
	}
	return nil
}

// checkChanges checks the changes of an item against what is known of its fields.
func checkChanges(table *fields.Table, method, path string, changes []merge.Change) error {
	var problems []string
	for _, ch := range changes {
		f := table.Lookup(ch.Name)
		switch {
		case ch.Name == "id":
			problems = append(problems, "the ID cannot be changed")
		case f != nil && f.ReadOnly:
			problems = append(problems, ch.Name+" is set by Autotask and cannot be changed")
		case ch.New == nil:
			problems = append(problems, ch.Name+" was unset: use SetNull to clear it")
		case f != nil && f.Required && f.Missing(ch.New):
			problems = append(problems, ch.Name+" is required and cannot be cleared")
		case f != nil:
			problems = appendText(problems, f.TooLong(ch.New))
			problems = appendText(problems, f.NotADay(ch.New))
			problems = appendText(problems, f.Dropped(ch.New))
		}
	}
	if len(problems) > 0 {
		return refusal(transport.Invalid, method, path, problems...)
	}
	return nil
}

// checkPatch is checkChanges for the fields of a PATCH that nothing was read
// for. What every PATCH of the entity repeats must be among them.
func checkPatch(table *fields.Table, path string, changes []merge.Change) error {
	if err := checkChanges(table, http.MethodPatch, path, changes); err != nil {
		return err
	}
	var problems []string
	for _, f := range table.All {
		given := slices.ContainsFunc(changes, func(ch merge.Change) bool { return ch.Name == f.Name })
		if f.Always && !given {
			problems = append(problems, "every PATCH repeats "+f.Name+": set it to what it is, or use Update, which reads it")
		}
	}
	if len(problems) > 0 {
		return refusal(transport.MissingField|transport.Invalid, http.MethodPatch, path, problems...)
	}
	return nil
}

func appendText(all []string, s string) []string {
	if s == "" {
		return all
	}
	return append(all, s)
}

// collection is the collection of a type. Of a type that is no entity, although
// it passes for one, it is the name to call it by in the error.
func collection[T Entity]() string {
	switch t := reflect.TypeFor[T](); t.Kind() {
	case reflect.Pointer, reflect.Interface:
		return collectionBehind(t)
	default:
		return (*new(T)).Collection()
	}
}

func collectionBehind(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		if item, ok := reflect.New(t.Elem()).Interface().(Entity); ok {
			return item.Collection()
		}
	}
	return t.String()
}

// checkCollection refuses types that are no entity and pass for one: a pointer
// has the methods of what it points to, and the interfaces of this package have
// them anyway. It keeps an entity of a caller's own to the form of a collection,
// so that no other route can be meant.
func checkCollection[T Entity]() error {
	switch t := reflect.TypeFor[T](); t.Kind() {
	case reflect.Pointer:
		return fmt.Errorf("%v is a pointer: write [%v] for [%v]; items come as pointers to it anyway", t, t.Elem(), t)
	case reflect.Interface:
		return fmt.Errorf("%v is an interface: write the struct of one entity, such as [autotask.Ticket]", t)
	default:
	}
	if name := collection[T](); !isCollectionName(name) {
		return notACollection(name)
	}
	return nil
}

// decodeAttachment understands the three forms in which tenants answer a GET of
// one attachment: under "item" like any other item, as a list, and bare. One that
// does not exist is null, an empty list, and null.
func decodeAttachment[T Attachable](b []byte, id int64) (Optional[T], error) {
	if jsontext.Value(b).Kind() == 'n' {
		var none Optional[T]
		return none, decode(b, &none)
	}
	var envelope struct {
		Item  Optional[T]    `json:"item"`
		Items []Optional[T]  `json:"items"`
		ID    jsontext.Value `json:"id"`
	}
	if err := decode(b, &envelope); err != nil {
		return Optional[T]{}, err
	}
	switch {
	case !envelope.Item.IsZero():
		return envelope.Item, nil
	case envelope.Items != nil:
		return pickItem(envelope.Items, id), nil
	case len(envelope.ID) > 0:
		var bare Optional[T]
		err := decode(b, &bare)
		return bare, err
	}
	return Optional[T]{}, absentItem(true)
}

// pickItem returns the item of that id; if there is none, the first, for what it
// is. An empty list says that there is no item.
func pickItem[T Entity](items []Optional[T], id int64) Optional[T] {
	for _, item := range items {
		if v, ok := item.Get(); ok && idOf(&v) == id {
			return item
		}
	}
	if len(items) == 0 {
		return Null[T]()
	}
	return items[0]
}
