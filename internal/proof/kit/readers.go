package kit

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// Way is a way to range over tickets; it gives their ids.
type Way func(context.Context, *autotask.Client, autotask.Query) iter.Seq2[int64, error]

// Ways are all there are.
var Ways = map[string]Way{
	"All":                 AllIDs,
	"All with Prefetch":   ahead(AllIDs),
	"Pages":               PageIDs,
	"Pages with Prefetch": ahead(PageIDs),
}

func ahead(way Way) Way {
	return func(ctx context.Context, c *autotask.Client, q autotask.Query) iter.Seq2[int64, error] {
		q.Prefetch = true
		return way(ctx, c, q)
	}
}

// AllIDs ranges with All.
func AllIDs(ctx context.Context, c *autotask.Client, q autotask.Query) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for ticket, err := range c.Tickets.All(ctx, q) {
			var id int64
			if err == nil {
				id = ticket.ID
			}
			if !yield(id, err) {
				return
			}
		}
	}
}

// PageIDs ranges with Pages.
func PageIDs(ctx context.Context, c *autotask.Client, q autotask.Query) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for page, err := range c.Tickets.Pages(ctx, q) {
			if err != nil {
				if !yield(0, err) {
					return
				}
				continue
			}
			for _, ticket := range page.Items {
				if !yield(ticket.ID, nil) {
					return
				}
			}
		}
	}
}

// EachWay runs a test for every way of ranging, on an in-process tenant of its
// own within a bubble, which fails if a goroutine is left.
func EachWay(t *testing.T, tickets int, test func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error])) {
	t.Helper()
	for name, way := range Ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				ids := SeedTickets(srv, tickets)
				client := srv.InProcessClient(autotask.WithMaxRetries(0))
				test(t, srv, ids, func(q autotask.Query) iter.Seq2[int64, error] {
					q.Fields = []string{"title"} // whole tickets take their time
					return way(t.Context(), client, q)
				})
			})
		})
	}
}

// Collect returns what a sequence gives, and demands that it gives no error.
func Collect(t testing.TB, seq iter.Seq2[int64, error]) []int64 {
	t.Helper()
	var ids []int64
	for id, err := range seq {
		require.NoError(t, err)
		ids = append(ids, id)
	}
	return ids
}

// LongIn is a condition on "contactID" that lets every ticket of [Spread]
// through and is sent in three parts.
func LongIn() autotask.Filter { return autotask.In("contactID", Numbers(1001)...) }

// Spread gives the tickets contacts by turns, so that the parts of longIn lie
// across each other.
func Spread(srv *autotasktest.Server, ids []int64) {
	for i, id := range ids {
		srv.Seed("Tickets", map[string]any{"id": id, "title": fmt.Sprintf("ticket %d", i), "contactID": 1 + i*7%1001})
	}
}
