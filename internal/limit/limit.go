// Package limit holds what keeps a request waiting: the tenant's hour, the places on
// an endpoint, refused logins and what processes share. Each is a Gate; transport
// passes them in one order. Uploads has the same for the bytes of attachments.
package limit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Gate is passed before an attempt.
type Gate interface {
	// Enter waits until a request to the endpoint may be made, or refuses it. leave,
	// if not nil, is called when the answer has been read. held, if not nil, ends when
	// the place is lost before that.
	Enter(ctx context.Context, endpoint string) (leave func(), held context.Context, err error)
}

// Refusal is the error of a gate that lets nobody through for a while.
type Refusal struct {
	Login      bool // logins were refused; otherwise a limit is used up
	RetryAfter time.Duration
	Message    string
}

func (r *Refusal) Error() string { return r.Message }

// Enter passes gates in their order. What was entered is left again, the last one
// first: by leave, or at once if a gate refuses. Gates may be a caller's code, so
// this holds for a panic and for runtime.Goexit as well. held is that of the last gate
// that has one.
func Enter(ctx context.Context, gates []Gate, endpoint string) (leave func(), held context.Context, err error) {
	var entered stack
	passed := false
	defer func() {
		if !passed {
			entered.leave()
		}
	}()
	for _, g := range gates {
		out, place, err := g.Enter(ctx, endpoint)
		if err != nil {
			return nil, nil, err
		}
		if place != nil {
			held = place
		}
		if out != nil {
			entered = append(entered, out)
		}
	}
	passed = true
	if len(entered) == 1 {
		return entered[0], held, nil
	}
	return entered.leave, held, nil
}

type stack []func()

// leave calls all functions, even if one of them panics.
func (s stack) leave() {
	if len(s) == 0 {
		return
	}
	last := len(s) - 1
	defer s[:last].leave()
	s[last]()
}

// Threads lets a number of requests through to each endpoint at one time.
type Threads struct {
	limit     int64
	mu        sync.Mutex
	endpoints map[string]*endpoint
}

// endpoint holds the places of one endpoint.
type endpoint struct {
	*semaphore.Weighted

	leave func()
}

// NewThreads returns a gate with so many places on each endpoint.
func NewThreads(limit int) *Threads {
	return &Threads{limit: int64(limit), endpoints: make(map[string]*endpoint)}
}

// Enter waits for a place on the endpoint.
func (t *Threads) Enter(ctx context.Context, endpoint string) (leave func(), held context.Context, err error) {
	places := t.places(endpoint)
	if err := places.Acquire(ctx, 1); err != nil {
		return nil, nil, err
	}
	return places.leave, nil, nil
}

func (t *Threads) places(name string) *endpoint {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.endpoints[name]
	if !ok {
		s := semaphore.NewWeighted(t.limit)
		e = &endpoint{s, func() { s.Release(1) }}
		t.endpoints[name] = e
	}
	return e
}

// Limiter is a limit of the caller's, shared with other processes perhaps.
type Limiter interface {
	Acquire(ctx context.Context, endpoint string) (release func(), held context.Context, err error)
}

// Shared makes a gate of a limiter.
func Shared(l Limiter) Gate { return shared{l} }

type shared struct{ limiter Limiter }

func (s shared) Enter(ctx context.Context, endpoint string) (leave func(), held context.Context, err error) {
	leave, held, err = s.limiter.Acquire(ctx, endpoint)
	switch ended := ctx.Err(); {
	case err == nil:
		return leave, held, nil
	case ended != nil:
		return nil, nil, ended // which is no failure of the limiter's
	}
	return nil, nil, fmt.Errorf("limiter: %w", err)
}
