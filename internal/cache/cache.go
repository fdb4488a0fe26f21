// Package cache caches values that are fetched once and read often. Concurrent
// callers of the same key share one fetch; failures are not cached.
package cache

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Cache is safe for concurrent use. The zero value keeps values forever.
type Cache[T any] struct {
	// Lifetime is how long a value is valid; 0 means forever. Set it before use.
	Lifetime time.Duration

	flights singleflight.Group
	mu      sync.Mutex
	values  map[string]entry[T]
}

type entry[T any] struct {
	value   T
	expires time.Time // zero: never
}

// Get returns the value of a key, calling fetch if it is missing or too old.
func (c *Cache[T]) Get(ctx context.Context, key string, fetch func(context.Context) (T, error)) (T, error) {
	for {
		if v, ok := c.Peek(key); ok {
			return v, nil
		}
		flight := c.flights.DoChan(key, func() (any, error) {
			// Another fetch may have finished since the check above.
			if v, ok := c.Peek(key); ok {
				return v, nil
			}
			v, err := returned(ctx, fetch)
			switch {
			case err == nil:
				c.put(key, v)
			case ctx.Err() != nil:
				err = abandoned{err}
			}
			return v, err
		})
		select {
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		case result := <-flight:
			err := result.Err
			if left, ok := errors.AsType[abandoned](err); ok {
				if ctx.Err() == nil {
					continue // the caller who started the fetch gave up; we have not
				}
				err = left.error
			}
			v, _ := result.Val.(T)
			return v, err
		}
	}
}

// returned calls fetch on its own goroutine: if it ends without returning, as by
// FailNow in a test's transport, the callers who share it must not be left waiting.
func returned[T any](ctx context.Context, fetch func(context.Context) (T, error)) (v T, err error) {
	err = errors.New("the request was ended by runtime.Goexit")
	done := make(chan struct{})
	go func() {
		defer close(done)
		v, err = fetch(ctx)
	}()
	<-done
	return v, err
}

// abandoned marks the failure of a fetch whose caller's context had ended: it means
// nothing to the other callers. A failure of the fetch itself, even a time-out, is a
// failure for all of them.
type abandoned struct{ error }

// Peek returns a value only if it is cached and fresh.
func (c *Cache[T]) Peek(key string) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.values[key]
	if !ok || !e.expires.IsZero() && time.Now().After(e.expires) {
		var none T
		return none, false
	}
	return e.value, true
}

// Forget drops the value of a key.
func (c *Cache[T]) Forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.values, key)
}

func (c *Cache[T]) put(key string, v T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values == nil {
		c.values = make(map[string]entry[T])
	}
	e := entry[T]{value: v}
	if c.Lifetime > 0 {
		e.expires = time.Now().Add(c.Lifetime)
	}
	c.values[key] = e
}
