package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// cost is what one operation takes.
type cost struct {
	CPU, Wall     float64 // nanoseconds
	Bytes, Allocs float64
}

func (c cost) over(d cost) cost {
	return cost{c.CPU / d.CPU, c.Wall / d.Wall, c.Bytes / d.Bytes, c.Allocs / d.Allocs}
}

// result is a line of the report: medians over the rounds. ToPlain is the median
// of each round's own ratio, so that what slows the machine down for a while
// slows both sides of it.
type result struct {
	operation operation
	transport string
	contender string
	cost      cost
	toPlain   cost
}

// effort is how long to measure.
type effort struct {
	rounds int
	batch  time.Duration // of plain, in a round
}

var (
	thorough = effort{rounds: 7, batch: 40 * time.Millisecond}
	quick    = effort{rounds: 3, batch: 5 * time.Millisecond}
)

// measure runs the contenders in turns.
func (e effort) measure(ctx context.Context, op operation, transport string, s service) ([]result, error) {
	type runner struct {
		name  string
		run   func(context.Context) (int64, error)
		costs []cost
	}
	var all []*runner
	for _, name := range names() {
		if run := op.of(contenders[name].open(s)); run != nil {
			all = append(all, &runner{name: name, run: run})
		}
	}
	count := 1
	for _, r := range all {
		n, err := e.calibrate(ctx, op, r.run)
		if err != nil {
			return nil, fmt.Errorf("%s, %s, %s: %w", op.name, transport, r.name, err)
		}
		if r.name == plain {
			count = n
		}
	}
	for round := range e.rounds {
		for i := range all {
			r := all[(i+round)%len(all)]
			c, err := batch(ctx, op, r.run, count)
			if err != nil {
				return nil, fmt.Errorf("%s, %s, %s: %w", op.name, transport, r.name, err)
			}
			r.costs = append(r.costs, c)
		}
	}
	measure := all[slices.IndexFunc(all, func(r *runner) bool { return r.name == plain })].costs
	var results []result
	for _, r := range all {
		ratios := make([]cost, len(r.costs))
		for i := range ratios {
			ratios[i] = r.costs[i].over(measure[i])
		}
		results = append(results, result{op, transport, r.name, medians(r.costs), medians(ratios)})
	}
	return results, nil
}

// names lists the contenders: this library, both plains, others, floor.
func names() []string {
	rank := map[string]int{ours: -3, plain: -2, clientTimeout: -1, floor: 1}
	var all []string
	for name := range contenders {
		all = append(all, name)
	}
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank[a], rank[b]), cmp.Compare(a, b))
	})
	return all
}

// calibrate warms up, and finds how many operations make a batch.
func (e effort) calibrate(ctx context.Context, op operation, run func(context.Context) (int64, error)) (int, error) {
	for n := 1; ; n *= 2 {
		c, err := batch(ctx, op, run, n)
		if err != nil {
			return 0, err
		}
		if took := time.Duration(c.CPU * float64(n)); took >= e.batch/2 {
			return max(1, int(float64(e.batch)/c.CPU)), nil
		}
	}
}

// batch runs an operation some times. The collections that it makes necessary
// are part of it; the one before it is not.
func batch(ctx context.Context, op operation, run func(context.Context) (int64, error), n int) (cost, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began, cpu := time.Now(), cpuTime()
	for range n {
		got, err := run(ctx)
		if err != nil {
			return cost{}, err
		}
		if got != op.want {
			return cost{}, fmt.Errorf("it returned %d instead of %d", got, op.want)
		}
	}
	cpu, wall := cpuTime()-cpu, time.Since(began)
	runtime.ReadMemStats(&after)
	per := float64(n)
	return cost{
		CPU: float64(cpu) / per, Wall: float64(wall) / per,
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / per,
		Allocs: float64(after.Mallocs-before.Mallocs) / per,
	}, nil
}

func medians(all []cost) cost {
	of := func(get func(cost) float64) float64 {
		values := make([]float64, len(all))
		for i, c := range all {
			values[i] = get(c)
		}
		slices.Sort(values)
		return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	}
	return cost{
		of(func(c cost) float64 { return c.CPU }), of(func(c cost) float64 { return c.Wall }),
		of(func(c cost) float64 { return c.Bytes }), of(func(c cost) float64 { return c.Allocs }),
	}
}
