package autotask

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/paging"
	"github.com/autotask-go/autotask/internal/transport"
)

// Collection reads rows of a collection as they are, without a Go type.
type Collection struct {
	client *Client
	name   string
}

// Row is one item of a [Collection].
type Row struct {
	ID   int64
	JSON jsontext.Value // as Autotask sent it, byte for byte
}

// Collection returns the collection of a name, "Tickets"; it sends nothing.
func (c *Client) Collection(name string) *Collection { return &Collection{c, name} }

// Get returns one item (GET /{collection}/{id}). See [Get].
func (c *Collection) Get(ctx context.Context, id int64) (*Row, error) {
	path := c.name + "/" + strconv.FormatInt(id, 10)
	switch k := c.kind(); {
	case k.problem != nil:
		return nil, invalid(http.MethodGet, c.name, "%v", k.problem)
	case id < 0:
		return nil, invalid(http.MethodGet, c.name, "%d is not an id", id)
	}
	var r *Row
	err := c.client.send(ctx, call{method: http.MethodGet, path: path, decode: func(b []byte) (err error) {
		var envelope struct {
			Item jsontext.Value `json:"item"`
		}
		r = nil // nothing of an earlier attempt
		if err = decode(b, &envelope); err != nil || envelope.Item.Kind() == 'n' {
			return err
		}
		if len(envelope.Item) == 0 {
			return absentItem(true)
		}
		if r, err = rowOf(envelope.Item); err == nil && r.ID != id {
			err = fmt.Errorf("%w: it holds the item %d", transport.ErrUnreadable, r.ID)
		}
		return err
	}})
	if err == nil && r == nil {
		err = notFound(http.MethodGet, path, "Autotask answered with no item: it does not exist, or this user may not see it")
	}
	if err != nil {
		return nil, c.kind().explain(err)
	}
	return r, nil
}

// All iterates over the items that match q. See [All].
func (c *Collection) All(ctx context.Context, q Query) iter.Seq2[*Row, error] {
	return all[Row](ctx, c.client, c.kind(), q)
}

// Pages iterates over the items that match q by pages. See [Pages].
func (c *Collection) Pages(ctx context.Context, q Query) iter.Seq2[*Page[Row], error] {
	return positions[Row](ctx, c.client, c.kind(), q)
}

// Count returns the number of items that match q. See [Count].
func (c *Collection) Count(ctx context.Context, q Query) (int64, error) {
	return c.kind().count(ctx, c.client, q)
}

func (c *Collection) kind() *kind {
	k := &kind{
		collection: c.name,
		needsID:    func(string) error { return nil },
		check:      func(*Query) error { return nil },
		decode:     decodeRows,
	}
	if !isCollectionName(c.name) {
		k.problem = notACollection(c.name)
	}
	return k
}

func decodeRows(b []byte) (paging.Page, error) {
	var p wirePage[jsontext.Value]
	if err := p.decode(b, func(v jsontext.Value) bool { return v.Kind() == 'n' }); err != nil {
		return paging.Page{}, err
	}
	rows := make([]paging.Row, len(p.Items))
	for i, item := range p.Items {
		r, err := rowOf(item)
		if err != nil {
			return paging.Page{}, err
		}
		rows[i] = paging.Row{ID: r.ID, Item: r}
	}
	return p.Details.page(rows), nil
}

func rowOf(item jsontext.Value) (*Row, error) {
	var known identified
	if err := decode(item, &known); err != nil {
		return nil, err
	}
	id, ok := known.ID.Get()
	if !ok {
		return nil, errNoID
	}
	return &Row{id, item}, nil
}
