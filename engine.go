package autotask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/paging"
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
