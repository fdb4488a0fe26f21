// Package fleet is what the adapters that share limits between processes have in
// common: places that are held by leases, the count of the hour, and the memory of
// unanswered writes, with what happens while their store is down. It knows no store.
package fleet

import (
	"context"
	"time"

	"github.com/autotask-go/autotask"
)

// The times of a lease. All are by the store's clock, but a process gives a place up
// by its own: from before it asked for it, so that it never holds it for longer.
const (
	LeaseTime = 10 * time.Second
	renewal   = 3 * time.Second
	// Silence is after what time without a word a waiter is passed over. It keeps its
	// position until DeadAfter.
	Silence   = time.Second
	DeadAfter = 10 * time.Second
	// ClaimTime is how long a process may take to read the tenant's limit before
	// another does.
	ClaimTime = 10 * time.Second
)

// Store is what an adapter implements. Each method is one exchange with the server.
type Store interface {
	// Step makes the changes of a Step, in the order of its fields, as one.
	Step(ctx context.Context, s Step) (Outcome, error)
	autotask.Unanswered
	Spend(ctx context.Context, begun, ended int64) (autotask.Spent, error)
	// Claim returns a token if it is the caller's turn to read the limit, or "".
	Claim(ctx context.Context, maxAge time.Duration) (token string, err error)
	// Report keeps a reading, if the token is the last one.
	Report(ctx context.Context, token string, t autotask.Threshold) error
}

// Step is all that a process has to say about one queue. A repeated Step changes
// nothing: the answer to the first may have been lost.
type Step struct {
	Queue  string
	Places int
	Owner  string // the process
	// Leave are tickets that neither wait nor hold a place any more.
	Leave []string
	// Renew are tickets that hold a place. One that the store does not know gets a free
	// place if there is one: the store has lost its memory.
	Renew []string
	// Wait are the tickets that wait, in their order. New ones go to the end of the
	// queue. Of those that are first of all that are not silent, as many as there are
	// free places get one.
	Wait []string
}

// Outcome is the answer to a Step.
type Outcome struct {
	Granted []string // of Wait, those that hold a place now
	Lost    []string // of Renew, those that hold none
	Ahead   int      // how many wait before the first of Wait that still waits
}
