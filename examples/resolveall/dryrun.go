package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/examples/internal/progress"
)

// rehearse reads every ticket and prints what would be done with it. It never calls
// anything that writes.
func rehearse(ctx context.Context, client *autotask.Client, rows []row, o options, stdout io.Writer) error {
	fmt.Fprintln(stdout, "Dry run: only reads are sent.")
	var mu sync.Mutex
	failed := 0
	var group errgroup.Group
	group.SetLimit(9)
	for _, r := range rows {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			plan, err := planOf(ctx, client, r, o)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed++
				plan = err.Error()
			}
			fmt.Fprintf(stdout, "line %d, %s: %s\n", r.line, r.number, plan)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%s of %s tickets would fail", progress.Thousands(failed), progress.Thousands(len(rows)))
	}
	return nil
}

func planOf(ctx context.Context, client *autotask.Client, r row, o options) (string, error) {
	t, err := client.Tickets.GetByNumber(ctx, r.number)
	if err != nil {
		return "", err
	}
	booked, err := client.TimeEntries.Exist(ctx, t.ID)
	if err != nil {
		return "", err
	}
	var plan []string
	if r.note != "" {
		plan = append(plan, fmt.Sprintf("post the note %q", r.title))
	}
	plan = append(plan, fmt.Sprintf("write a resolution of %d characters", len([]rune(r.text))))
	switch {
	case o.status == 0:
		plan = append(plan, "keep the status")
	case booked:
		plan = append(plan, fmt.Sprintf("keep the status %d, because time is booked on it", t.Status))
	default:
		plan = append(plan, fmt.Sprintf("change the status from %d to %d", t.Status, o.status))
	}
	return "would " + strings.Join(plan, ", "), nil
}
