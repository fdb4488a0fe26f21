package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/autotask-go/autotask"
)

// lifetime is how long a plan can be confirmed: long enough to show it to a person.
const lifetime = 5 * time.Minute

// plan is a write that was announced and not yet done.
type plan struct {
	expires time.Time
	do      func(ctx context.Context) (*report, error)
}

// plans keeps the plans by their tokens. A token is good for one attempt.
type plans struct {
	now func() time.Time

	mu      sync.Mutex
	waiting map[string]plan
	begun   map[[sha256.Size]byte]time.Time // when work first began whose outcome is unknown
}

func newPlans() *plans {
	return &plans{now: time.Now, waiting: map[string]plan{}, begun: map[[sha256.Size]byte]time.Time{}}
}

// add keeps a plan, and returns its token and when it expires.
func (p *plans) add(do func(ctx context.Context) (*report, error)) (token string, expires time.Time) {
	token = rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	for t, old := range p.waiting {
		if !p.now().Before(old.expires) {
			delete(p.waiting, t)
		}
	}
	expires = p.now().Add(lifetime)
	p.waiting[token] = plan{expires, do}
	return token, expires
}

var (
	errNoPlan  = errors.New("there is no such plan: a token can be used once, and for five minutes; nothing was written. Make a new plan")
	errChanged = errors.New("the ticket has changed since the plan was made, and nothing more was written; make a new plan")
)

// take returns a plan and forgets it.
func (p *plans) take(token string) (plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.waiting[token]
	delete(p.waiting, token)
	if !ok || !p.now().Before(found.expires) {
		return plan{}, errNoPlan
	}
	return found, nil
}

// startedAt returns when a piece of work first began: now, unless an earlier
// attempt at the very same work ended without a known outcome. By that time a repeat
// finds the note of the earlier attempt.
func (p *plans) startedAt(work any) (at time.Time, settle func(error), err error) {
	key, err := digest(work)
	if err != nil {
		return time.Time{}, nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.begun[key]
	if !ok {
		at = p.now()
	}
	return at, func(err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch {
		case err == nil:
			delete(p.begun, key)
		case errors.Is(err, autotask.ErrOutcomeUnknown):
			p.begun[key] = at
		}
	}, nil
}

func digest(v any) ([sha256.Size]byte, error) {
	text, err := json.Marshal(v)
	return sha256.Sum256(text), err
}

// state is a ticket as a plan saw it.
type state [sha256.Size]byte

// stateOf takes in every field of a ticket, so that any change counts, be it only a
// new note, which moves lastActivityDate.
func stateOf(t *autotask.Ticket) (state, error) { return digest(t) }

// restOf leaves out what the steps of a resolution themselves change before the last
// of them: the resolution, and what Autotask stamps.
func restOf(t *autotask.Ticket) (state, error) {
	rest := *t
	rest.Resolution = autotask.Optional[string]{}
	for _, stamp := range []*autotask.Optional[time.Time]{
		&rest.LastActivityDate, &rest.LastTrackedModificationDateTime,
		&rest.LastCustomerNotificationDateTime, &rest.LastCustomerVisibleActivityDateTime,
	} {
		*stamp = autotask.Optional[time.Time]{}
	}
	rest.LastActivityPersonType, rest.LastActivityResourceID = autotask.Optional[int64]{}, autotask.Optional[int64]{}
	return digest(rest)
}

// unchanged returns a check for Resolution.If. The first ticket it sees must be the
// planned one in every field; later ones, which the resolution itself has written,
// in the rest.
func unchanged(planned *autotask.Ticket) (func(*autotask.Ticket) error, error) {
	whole, err := stateOf(planned)
	if err != nil {
		return nil, err
	}
	rest, err := restOf(planned)
	if err != nil {
		return nil, err
	}
	first := true
	return func(now *autotask.Ticket) error {
		want, of := rest, restOf
		if first {
			want, of = whole, stateOf
		}
		first = false
		got, err := of(now)
		if err == nil && got != want {
			err = errChanged
		}
		return err
	}, nil
}
