package transport

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// gate limits the number of requests in flight on each endpoint.
type gate struct {
	limit     int64
	mu        sync.Mutex
	endpoints map[string]*semaphore.Weighted
}

func newGate(limit int) *gate {
	return &gate{limit: int64(limit), endpoints: make(map[string]*semaphore.Weighted)}
}

// acquire waits for a place; the caller returns it with Release(1).
func (g *gate) acquire(ctx context.Context, endpoint string) (*semaphore.Weighted, error) {
	g.mu.Lock()
	s, ok := g.endpoints[endpoint]
	if !ok {
		s = semaphore.NewWeighted(g.limit)
		g.endpoints[endpoint] = s
	}
	g.mu.Unlock()
	if err := s.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return s, nil
}
