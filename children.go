package autotask

import (
	"context"
	"net/http"
)

// ListOf reads all items of one parent (GET {parent}/{id}/{children}), for the
// few entities that have no search of their own, such as a resource's time-off
// balances. Such a list takes no filter.
func ListOf[T Listable](ctx context.Context, c *Client, parentID int64) ([]*T, error) {
	p := (*new(T)).Parent()
	p.ID = Int(parentID)
	path, err := p.path(http.MethodGet, collection[T]())
	if err != nil {
		return nil, err
	}
	var all []*T
	for r := (call{method: http.MethodGet, path: path}); ; {
		var p page[T]
		r.decode = p.decode
		if err := c.send(ctx, r); err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		next := p.PageDetails.NextPageURL.Or("")
		if next == "" {
			return all, nil
		}
		r.nextURL = next
	}
}
