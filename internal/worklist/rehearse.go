package worklist

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/english"
)

// Rehearse reads the ticket of every row, and passes each row's index to each, with
// what Resolve would do or the error it would end with. It never calls anything that
// writes. Calls of each come in any order, one after the other. It returns how many
// would fail. It returns an error if ctx ends, or if a failure would repeat for every
// ticket.
func Rehearse(ctx context.Context, client *autotask.Client, rows []Row, w Work, each func(i int, plan string, err error)) (failed int, err error) {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx) // the first error of a function ends the others
	group.SetLimit(9)
	for i, r := range rows {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			plan, err := planOf(ctx, client, r, w)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			if each(i, plan, err); err != nil {
				failed++
			}
			if hopeless(err) || ctx.Err() != nil {
				return err
			}
			return nil
		})
	}
	err = group.Wait()
	return failed, err
}

func planOf(ctx context.Context, client *autotask.Client, r Row, w Work) (string, error) {
	t, err := client.Tickets.GetByNumber(ctx, r.Number)
	if err != nil {
		return "", err
	}
	booked, err := client.TimeEntries.Exist(ctx, t.ID)
	if err != nil {
		return "", err
	}
	var plan []string
	if r.Note != "" {
		plan = append(plan, fmt.Sprintf("post the note %q", r.Title))
	}
	plan = append(plan, fmt.Sprintf("write a resolution of %s", english.Plural(len([]rune(r.Text)), "character", "characters")))
	switch {
	case w.Status == 0:
		plan = append(plan, "keep the status")
	case w.Status == t.Status:
		plan = append(plan, fmt.Sprintf("keep the status %d", t.Status))
	case booked:
		plan = append(plan, fmt.Sprintf("keep the status %d, because time is booked on it", t.Status))
	default:
		plan = append(plan, fmt.Sprintf("change the status from %d to %d", t.Status, w.Status))
	}
	return "would " + strings.Join(plan, ", "), nil
}
