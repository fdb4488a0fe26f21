package main

import (
	"context"
	"runtime"
	"time"
)

// heap is the most memory that a contender has taken, over what was taken when
// it began, while it read all 20 pages and kept nothing.
type heap struct {
	contender    string
	alloc, inUse uint64 // HeapAlloc and HeapInuse, garbage included
}

func peakHeap(ctx context.Context, name string, s service) (heap, error) {
	o := contenders[name].open(s)
	if _, err := o.get(ctx); err != nil { // the connection is there
		return heap{}, err
	}
	runtime.GC()
	runtime.GC() // the pools are empty after the second
	var start, now runtime.MemStats
	runtime.ReadMemStats(&start)
	peak := start
	done := make(chan error, 1)
	go func() {
		_, err := o.all20x500(ctx)
		done <- err
	}()
	tick := time.NewTicker(100 * time.Microsecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return heap{name, peak.HeapAlloc - start.HeapAlloc, peak.HeapInuse - start.HeapInuse}, err
		case <-tick.C:
			runtime.ReadMemStats(&now)
			peak.HeapAlloc = max(peak.HeapAlloc, now.HeapAlloc)
			peak.HeapInuse = max(peak.HeapInuse, now.HeapInuse)
		}
	}
}
