package autotask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/paging"
	"github.com/autotask-go/autotask/internal/spell"
	"github.com/autotask-go/autotask/internal/transport"
)

// kind is what reading must know of an entity. The rest is the same for all, so
// that a program links it once, however many entities it reads.
type kind struct {
	typ        reflect.Type // nil for rows as they are sent
	collection string
	problem    error // with the type, or with the name of the collection
	exists     bool  // the name is beyond doubt
	leastID    int64
	anonymous  bool // the type has no ID to distinguish its items by
	// decode, if there is one, takes the place of decodePage. A program that reads no
	// pages does not link what decodes them.
	decode func(answer []byte) (paging.Page, error)
}

var kinds sync.Map // reflect.Type -> *kind

// kindOf is the kind of a type. Nothing that follows it is compiled for each type.
func kindOf[T Entity]() *kind { return kindOfType(reflect.TypeFor[T]()) }

func kindOfType(typ reflect.Type) *kind {
	if k, ok := kinds.Load(typ); ok {
		return k.(*kind)
	}
	k, _ := kinds.LoadOrStore(typ, newKind(typ))
	return k.(*kind)
}

func newKind(typ reflect.Type) *kind {
	k := &kind{typ: typ, collection: collectionIn(typ), exists: isOurs(typ), anonymous: !hasID(typ)}
	k.problem = checkCollection(typ, k.collection)
	if k.exists && typ.PkgPath() == reflect.TypeFor[Ticket]().PkgPath() {
		k.leastID = 1 // a ticket, a note or a time entry
	}
	return k
}

func hasID(typ reflect.Type) bool {
	if typ.Kind() != reflect.Struct {
		return false
	}
	f, ok := typ.FieldByName("ID")
	return ok && reflect.Zero(f.Type).CanInt()
}

// table is what is known of the fields of a type. What is read from or written
// to a collection of this package is held to that one's rules, whichever type a
// caller writes it through.
func (k *kind) table() *fields.Table {
	name := k.collection
	if child, ok := reflect.Zero(k.typ).Interface().(Child); ok && k.problem == nil && isNotes(child.Parent()) {
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
	return fields.Of(k.typ)
}

// isOurs is true of the entity types of this module, which have all the fields
// of their collections. A caller's own type may have a few of them, or others.
func isOurs(typ reflect.Type) bool {
	root := reflect.TypeFor[Ticket]().PkgPath()
	return typ.Kind() == reflect.Struct && (typ.PkgPath() == root || typ.PkgPath() == root+"/entity")
}

// known refuses a type that is no entity.
func (k *kind) known(method string) error {
	if k.problem != nil {
		return invalid(method, k.collection, "%v", k.problem)
	}
	return nil
}

// needsID refuses a caller's own entities whose ids are not known, where
// ids are what distinguishes items.
func (k *kind) needsID(method string) error {
	if k.problem == nil && k.anonymous {
		return invalid(method, k.collection, "%v has no field ID of a type such as int64, by which its items are distinguished", k.typ)
	}
	return k.known(method)
}

// checkID refuses ids that cannot be. 0 is a real id of a company, so that only
// the entities of this package, which begin at 1, refuse it.
func (k *kind) checkID(method string, id int64) error {
	if err := k.known(method); err != nil {
		return err
	}
	if id < k.leastID || id < 0 {
		return invalid(method, k.collection, "%d is not an id", id)
	}
	return nil
}

// key is that of a write of one item.
func (k *kind) key(id int64) writeKey {
	return writeKey{collection: strings.ToLower(k.collection), id: id}
}

func (k *kind) item(id int64) string { return k.collection + "/" + strconv.FormatInt(id, 10) }

func (k *kind) path() string { return k.collection + "/query" }

func itemsOf[T any](rows []paging.Row) []*T {
	items := make([]*T, len(rows))
	for i, r := range rows {
		items[i] = r.Item.(*T)
	}
	return items
}

// wirePage is a page as it is sent.
type wirePage struct {
	Errors  []jsontext.Value `json:"errors"`
	Items   wireItems        `json:"items"`
	Details pageDetails      `json:"pageDetails"`
}

// wireItems decodes into a slice of some element type.
type wireItems struct{ slice reflect.Value }

// UnmarshalJSONFrom reads an array or null.
func (w *wireItems) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return json.UnmarshalDecode(dec, w.slice.Addr().Interface())
}

type pageDetails struct {
	Count       Optional[int64]  `json:"count"`
	NextPageURL Optional[string] `json:"nextPageUrl"`
}

// decodeItems reads a page into the slice that items points to. Its elements are
// pointers or JSON.
func decodeItems(b []byte, items any) (pageDetails, error) {
	slice := reflect.ValueOf(items).Elem()
	p := wirePage{Items: wireItems{slice}} // an answer of null leaves neither
	if err := decode(b, &p); err != nil {
		return p.Details, err
	}
	// Without these, a wrong answer would read as "there are none".
	count, told := p.Details.Count.Get()
	switch {
	case slice.IsNil():
		return p.Details, fmt.Errorf("%w: it has no items", transport.ErrUnreadable)
	case told && count != int64(slice.Len()):
		return p.Details, fmt.Errorf("%w: it has %d items, but counts %d", transport.ErrUnreadable, slice.Len(), count)
	case len(p.Errors) > 0:
		return p.Details, fmt.Errorf("%w: it has errors as well as items", transport.ErrUnreadable)
	}
	for i := range slice.Len() {
		if v := slice.Index(i); v.Kind() == reflect.Pointer && v.IsNil() || v.Kind() == reflect.Slice && string(v.Bytes()) == "null" {
			return p.Details, fmt.Errorf("%w: one of its items is null", transport.ErrUnreadable)
		}
	}
	return p.Details, nil
}

func (d pageDetails) page(rows []paging.Row) paging.Page {
	return paging.Page{Rows: rows, Next: d.NextPageURL.Or(""), Told: !d.NextPageURL.IsZero()}
}

func (k *kind) decodePage(b []byte) (paging.Page, error) {
	if p, ok := quickPage(b, k.typ); ok {
		return p, nil
	}
	items := reflect.New(reflect.SliceOf(reflect.PointerTo(k.typ)))
	details, err := decodeItems(b, items.Interface())
	if err != nil {
		return paging.Page{}, err
	}
	rows := make([]paging.Row, items.Elem().Len())
	doubtful := false
	for i := range rows {
		item := items.Elem().Index(i).Interface()
		rows[i] = paging.Row{ID: idIn(item), Item: item}
		doubtful = doubtful || rows[i].ID == 0
	}
	if doubtful {
		// 0, null or nothing at all, or the type has no ID.
		if err := readIDs(b, rows); err != nil {
			return paging.Page{}, err
		}
	}
	return details.page(rows), nil
}

// readIDs reads the ids of rows from the answer itself.
func readIDs(b []byte, rows []paging.Row) error {
	var items []*identified
	if _, err := decodeItems(b, &items); err != nil {
		return err
	}
	for i, item := range items {
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
	for _, err := range []error{err, k.checkFields(&q), k.checkSingle(&q)} {
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
	decodePage := k.decode
	if decodePage == nil {
		decodePage = k.decodePage
	}
	if next != "" {
		r.nextURL, r.path = next, nextPath
	}
	var p paging.Page
	r.decode = func(b []byte) (err error) {
		if p, err = decodePage(b); err != nil {
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

// newItem collects what is wrong with a new item while it is encoded.
type newItem struct {
	table    *fields.Table
	required []*fields.Field // the required fields that have a value
	problems []string
}

// see checks a member against what is known of its field.
func (n *newItem) see(name string, v jsontext.Value) {
	f := n.table.Lookup(name)
	if f != nil && f.Required && !f.Missing(v) {
		n.required = append(n.required, f)
	}
	switch {
	case name == "id":
		if string(v) != "0" {
			n.problems = append(n.problems, "the ID must be 0: Autotask assigns it")
		}
	case f == nil:
	case f.ReadOnly && !f.Parent:
		n.problems = append(n.problems, name+" is set by Autotask: leave it absent")
	default:
		n.problems = appendText(n.problems, f.TooLong(v))
		n.problems = appendText(n.problems, f.NotADay(v))
		n.problems = appendText(n.problems, f.Dropped(v))
	}
}

// check returns an error that names everything that is wrong.
func (n *newItem) check(path string) error {
	kind := transport.Invalid
	for _, f := range n.table.All {
		if f.Required && !slices.Contains(n.required, f) {
			n.problems = append(n.problems, f.Name+" is required")
			kind |= transport.MissingField
		}
	}
	if len(n.problems) > 0 {
		return refusal(kind, http.MethodPost, path, n.problems...)
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
