package autotask

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

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
	decode     func(answer []byte) (page, error)
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

// row is an item with its id at hand. It is the same type for all entities.
type row struct {
	id   int64
	item any // *T
}

func byID(a, b row) int { return cmp.Compare(a.id, b.id) }

func itemsOf[T any](rows []row) []*T {
	items := make([]*T, len(rows))
	for i, r := range rows {
		items[i] = r.item.(*T)
	}
	return items
}

// page is one answer to a query.
type page struct {
	rows []row
	next string // address of the next page; "" if there is none
	told bool   // whether it says that there is none
}

// wirePage is a page as it is sent.
type wirePage[I any] struct {
	Errors      []jsontext.Value `json:"errors"`
	Items       []I              `json:"items"`
	PageDetails struct {
		Count       Optional[int64]  `json:"count"`
		NextPageURL Optional[string] `json:"nextPageUrl"`
	} `json:"pageDetails"`
}

func (p *wirePage[I]) decode(b []byte, isNull func(I) bool) error {
	if err := decode(b, p); err != nil {
		return err
	}
	// Without these, a wrong answer would read as "there are none".
	count, told := p.PageDetails.Count.Get()
	switch {
	case p.Items == nil:
		return fmt.Errorf("%w: it has no items", transport.ErrUnreadable)
	case told && count != int64(len(p.Items)):
		return fmt.Errorf("%w: it has %d items, but counts %d", transport.ErrUnreadable, len(p.Items), count)
	case len(p.Errors) > 0:
		return fmt.Errorf("%w: it has errors beside its items", transport.ErrUnreadable)
	case slices.ContainsFunc(p.Items, isNull):
		return fmt.Errorf("%w: one of its items is null", transport.ErrUnreadable)
	}
	return nil
}

func (p *wirePage[I]) page(rows []row) page {
	return page{rows, p.PageDetails.NextPageURL.Or(""), !p.PageDetails.NextPageURL.IsZero()}
}

func decodePage[T Entity](b []byte) (page, error) {
	var p wirePage[*T]
	if err := p.decode(b, func(item *T) bool { return item == nil }); err != nil {
		return page{}, err
	}
	rows := make([]row, len(p.Items))
	doubtful := false
	for i, item := range p.Items {
		rows[i] = row{idOf(item), item}
		doubtful = doubtful || rows[i].id == 0
	}
	if doubtful {
		// 0, null or nothing at all, or the type has no ID.
		if err := readIDs(b, rows); err != nil {
			return page{}, err
		}
	}
	return p.page(rows), nil
}

// readIDs reads the ids of rows from the answer itself.
func readIDs(b []byte, rows []row) error {
	var p wirePage[identified]
	if err := decode(b, &p); err != nil {
		return err
	}
	for i, item := range p.Items {
		id, ok := item.ID.Get()
		if !ok {
			return errNoID
		}
		rows[i].id = id
	}
	return nil
}

// identified is any item of which only the id matters.
type identified struct {
	ID Optional[int64] `json:"id"`
}

var errNoID = fmt.Errorf("%w: one of its items has no id", transport.ErrUnreadable)

// source reads the next rows of a result, of which it has at least one unless
// it is at its end. What it has is given out before the next request is made,
// so that an error comes behind all that was read before. It is for one
// goroutine at a time, and not to be called again after an error.
type source func(ctx context.Context) ([]row, error)

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
func (k *kind) open(c *Client, q Query) (source, error) {
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
	if p.inOrder {
		return limited(k.chain(c, p.all), q.Limit), nil
	}
	return limited(k.merged(c, p.all), q.Limit), nil
}

// pager reads the pages of a query, which has been checked. Autotask wants the
// next page POSTed with the body of the first.
func (k *kind) pager(c *Client, q Query) source {
	body, err := k.body(q)
	if err != nil {
		return func(context.Context) ([]row, error) { return nil, invalid(http.MethodPost, k.path(), "%v", err) }
	}
	way := route{
		first: call{method: http.MethodPost, path: k.path(), body: body},
		next:  k.path() + "/next",
		full:  maxPageSize,
		after: q.After,
	}
	if q.Limit > 0 {
		way.full = min(q.Limit, maxPageSize)
	}
	if !k.single() {
		way.behind = func(id int64) ([]byte, error) {
			q.After = Value(id)
			return k.body(q)
		}
	}
	return limited(k.follow(c, way), q.Limit)
}

// route is the way from the first page of a result to the last.
type route struct {
	first  call
	next   string                         // path of all others
	full   int                            // the number of rows of a page that may have others behind it
	after  Optional[int64]                // rows up to this id have been read before
	behind func(id int64) ([]byte, error) // the body that asks for what comes after an id; nil if nothing can
}

// follow is the one loop that follows nextPageUrl, with the method and the body
// of the first request. It gives out every row once: pages can overlap while
// somebody changes what they list.
func (k *kind) follow(c *Client, way route) source {
	r := way.first
	var visited visits
	var seen idSet
	var failed error
	ended := false
	return func(ctx context.Context) ([]row, error) {
		for !ended {
			if failed != nil {
				return nil, failed
			}
			if r.nextURL != "" && !visited.add(r.nextURL) {
				return nil, refusal(transport.Server, r.method, way.first.path, "Autotask named a page again that was read already; the result is incomplete")
			}
			p, err := k.read(ctx, c, r)
			if err != nil {
				return nil, err
			}
			n, inOrder := len(p.rows), ascend(p.rows)
			rows := seen.fresh(p.rows, way.after)
			switch {
			case p.next != "":
				r.path, r.nextURL = way.next, p.next
			case p.told || n < way.full:
				ended = true
			case inOrder && len(rows) > 0:
				r, failed = way.goOn(rows[len(rows)-1].id)
			default:
				failed = way.incomplete()
			}
			if len(rows) > 0 {
				return rows, nil
			}
		}
		return nil, nil
	}
}

// goOn makes the request for what may lie behind a full page that does not say
// whether it is the last.
func (w route) goOn(id int64) (call, error) {
	if w.behind == nil {
		return call{}, w.incomplete()
	}
	body, err := w.behind(id)
	if err != nil {
		return call{}, invalid(w.first.method, w.first.path, "%v", err)
	}
	r := w.first
	r.body = body
	return r, nil
}

func (w route) incomplete() error {
	return refusal(transport.Server, w.first.method, w.first.path, "Autotask answered with a full page and does not say whether it is the last; the result may be incomplete")
}

// read makes one request for a page.
func (k *kind) read(ctx context.Context, c *Client, r call) (page, error) {
	var p page
	r.decode = func(b []byte) (err error) {
		if p, err = k.decode(b); err != nil {
			return err
		}
		for _, row := range p.rows {
			if row.id < k.leastID {
				return fmt.Errorf("%w: the id of one of its items is %d", transport.ErrUnreadable, row.id)
			}
		}
		return nil
	}
	return p, k.explain(c.send(ctx, r))
}

// explain names the collection that a caller may have meant, where the name is
// none that is known.
func (k *kind) explain(err error) error {
	if isStatus(err, http.StatusNotFound) && !k.exists && !isKnownCollection(k.collection) {
		return noCollection(k.collection)
	}
	return err
}

// fresh leaves out the rows that were seen before, and those up to an id.
func (s *idSet) fresh(rows []row, after Optional[int64]) []row {
	last, behind := after.Get()
	return slices.DeleteFunc(rows, func(r row) bool { return behind && r.id <= last || !s.add(r.id) })
}

// limited ends a source after so many rows, and then asks it for nothing more.
func limited(next source, limit int) source {
	if limit == 0 {
		return next
	}
	return func(ctx context.Context) ([]row, error) {
		if limit == 0 {
			return nil, nil
		}
		rows, err := next(ctx)
		rows = rows[:min(limit, len(rows))]
		limit -= len(rows)
		return rows, err
	}
}

// ascend tells whether rows come in the order of their ids. Two with the same
// id are in order.
func ascend(rows []row) bool { return slices.IsSortedFunc(rows, byID) }

// ascending checks that rows, each of which is given out once, come in the order
// of their ids, behind the id that came before them.
func (k *kind) ascending(rows []row, last Optional[int64]) error {
	for _, r := range rows {
		if before, ok := last.Get(); ok && r.id <= before {
			return nonsense(k.path(), "Autotask answered with the item %d behind %d; going on by the order of the ids would lose items", r.id, before)
		}
		last = Value(r.id)
	}
	return nil
}
