package alert

import (
	"runtime"
	"sync"
	"time"
	"weak"

	"github.com/autotask-go/autotask"
)

// state is what a process remembers of its work with one client. It only saves
// requests: a new process knows nothing, and must reach the same result.
type state struct {
	locker autotask.LocalLocker // for keys, if the policy has no Locker, and for what is read only once

	// Both are guarded by the lock "rules".
	rules     rules
	rulesRead time.Time

	mu       sync.Mutex
	keys     map[subject]*known
	storm    map[int64]*stormTicket // by the id of the ticket
	made     map[int64][]madeTicket // by company
	moves    map[noteKind]bool
	offset   offset
	ownMoves bool
	others   bool              // other processes note events, too
	born     time.Time         // when this process began, by our clock
	misfits  map[subject]int64 // tickets that have lost their externalID
}

// subject is a key of a company.
type subject struct {
	companyID  int64
	externalID string
}

// known is the open ticket of a key, as this process has seen it.
type known struct {
	ticketID  int64
	confirmed time.Time // when a search showed it open, by our clock
	reported  time.Time // when it was last active, by our clock
	// events are refs on the key's tickets.
	events   map[string]bool
	activity time.Time // as the last search showed it
	posted   noteKind  // of what this process has noted since that search
	sole     sole
	mine     bool // this process made the ticket
	overfull bool // events were forgotten, since there were too many
}

// keep remembers a ref.
func (k *known) keep(ref string) {
	if len(k.events) >= maxEvents {
		clear(k.events)
		k.sole, k.overfull = sole{unsure: k.sole.unsure}, true
	}
	k.events[ref] = true
}

// madeTicket is a ticket that this process created.
type madeTicket struct {
	id int64
	at time.Time
}

const (
	// fresh is how long a ticket that was open is assumed to be open without
	// checking.
	fresh = time.Minute
	// tick is how far apart two stamps of the same write may be: stamps have a
	// resolution of 1/300 s (docs/api-notes.md, 12.1).
	tick = 10 * time.Millisecond
	// clockMargin is how far the observer's clock may be ahead of Autotask's.
	clockMargin = 5 * time.Minute
	maxKnown    = 20_000
	maxEvents   = 1_000 // of a key
)

var (
	statesMu sync.Mutex
	states   = make(map[weak.Pointer[autotask.Client]]*state)
)

// stateOf returns the state of a client, which lives as long as the client.
func stateOf(c *autotask.Client) *state {
	statesMu.Lock()
	defer statesMu.Unlock()
	p := weak.Make(c)
	s, ok := states[p]
	if !ok {
		s = &state{born: time.Now(), keys: make(map[subject]*known), storm: make(map[int64]*stormTicket), made: make(map[int64][]madeTicket), moves: make(map[noteKind]bool), misfits: make(map[subject]int64)}
		states[p] = s
		runtime.AddCleanup(c, func(p weak.Pointer[autotask.Client]) {
			statesMu.Lock()
			defer statesMu.Unlock()
			delete(states, p)
		}, p)
	}
	return s
}

// knows returns what is known of a key with an open ticket, nil for nothing. Only the
// holder of the key's lock may change it.
func (s *state) knows(key subject) *known {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.keys[key]; k != nil && !k.confirmed.IsZero() {
		return k
	}
	return nil
}

// confirm notes that a search has just shown the ticket open.
func (s *state) confirm(k *known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.confirmed = time.Now()
}

func (s *state) remember(key subject, k *known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) >= maxKnown {
		for old, was := range s.keys {
			if time.Since(was.confirmed) > time.Hour || len(s.keys) >= maxKnown {
				delete(s.keys, old)
			}
		}
	}
	s.keys[key] = k
}

// of returns what is known of a key and its ticket, which may be nothing.
func (s *state) of(key subject, ticketID int64) *known {
	s.mu.Lock()
	k := s.keys[key]
	s.mu.Unlock()
	if k != nil && k.ticketID == ticketID {
		return k
	}
	k = &known{ticketID: ticketID, events: make(map[string]bool)}
	s.remember(key, k)
	return k
}

// doubt forgets what the next call must see for itself: all but the events that are
// noted for certain, whether this process made the ticket, and which note may yet land.
func (s *state) doubt(key subject) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.keys[key]; k != nil {
		k.confirmed, k.reported, k.activity, k.posted = time.Time{}, time.Time{}, time.Time{}, noteKind{}
		k.sole = sole{unsure: k.sole.unsure}
	}
}

// notesMove reports whether this process has seen that a note of a kind updates the
// lastActivityDate of its ticket. That is not documented, so each client finds out.
func (s *state) notesMove(of noteKind) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moves[of]
}

func (s *state) saw(of noteKind, moved bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moves[of] = moved
}

// misfit returns the ticket of a key that searches do not find, 0 for none.
func (s *state) misfit(key subject) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.misfits[key]
}

// keepMisfit remembers such a ticket, or forgets it if id is 0.
func (s *state) keepMisfit(key subject, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.misfits[key] = id; id == 0 {
		delete(s.misfits, key)
	}
}
