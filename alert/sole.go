package alert

import (
	"time"

	"github.com/autotask-go/autotask"
)

// sole is what a process knows about a ticket's notes, provided that no other process
// notes events of its key: up to which activity it knows them all, and when it last
// posted one.
type sole struct {
	from     time.Time // events from before it may be on notes that were not read
	activity time.Time // of the ticket
	learned  time.Time // by our clock; zero if nothing is known
	posted   span
	unsure   time.Time // until when a note whose answer was lost may still land or appear in queries
}

// span is the time, by our clock, in which something was sent and answered.
type span struct{ from, to time.Time }

func (s span) isZero() bool { return s.to.IsZero() }

// offset is how far Autotask's stamps are ahead of our clock.
type offset struct {
	least, most time.Duration
	known       bool
}

// blur is the longest duration for which a write of ours can be recognised by its stamp.
const blur = 2 * time.Second

// knowsAll reports whether the event cannot be on an open ticket, because this process
// has read or posted all of its notes, and nothing else was active on it since.
//
// That proves nothing if other processes note events, too: a note of this process may
// hide that another noted something just before. There are others if the policy has a
// Locker, or if this process has seen their work.
func (r *run) knowsAll(k *known, active time.Time) bool {
	s := &k.sole
	switch {
	case r.policy.Locker != nil || r.state.hasOthers() || s.learned.IsZero() || r.lookFrom().Before(s.from):
		return false
	case s.posted.isZero():
		return active.Equal(s.activity) && (r.state.ownNotesMove() || time.Since(s.learned) < fresh)
	case !active.Equal(s.activity) && r.state.isOwn(active, s.posted):
		*s = sole{from: s.from, activity: active, learned: time.Now()}
		return true
	}
	return false
}

// knowsNew notes that this call has created a ticket, and what that shows of
// Autotask's clock.
func (r *run) knowsNew(t *autotask.Ticket, during span) {
	k := r.state.of(r.subject, t.ID)
	k.mine = true
	created, ok := t.CreateDate.Get()
	if !ok {
		return
	}
	r.state.learnOffset(created, during)
	if active := lastActive(t); !active.After(created.Add(tick)) {
		k.sole = sole{activity: active, learned: time.Now()}
	}
}

// knowsRead notes that this call has read the notes of an open ticket.
//
// A ticket, or a note of an event, that this process did not make and that is younger
// than the process is the work of others. If the clocks differ, that of an earlier
// process may count, which costs requests and nothing else.
func (r *run) knowsRead(k *known, t *autotask.Ticket, notes []*autotask.TicketNote) {
	others := !k.mine && r.state.isYounger(t.CreateDate)
	// What a process before this one has sent last may still land, or not show yet.
	if now := time.Now(); now.After(k.sole.unsure) && now.Sub(r.state.born) >= clockMargin {
		k.sole = sole{from: r.lookFrom(), activity: lastActive(t), learned: now}
	}
	for _, n := range notes {
		if ref := refIn(n.Title); n.TicketID == t.ID && ref != "" {
			others = others || !k.overfull && ref != r.event && !k.events[ref] && r.state.isYounger(n.CreateDateTime)
			k.keep(ref)
		}
	}
	if others {
		r.state.sawOthers()
	}
}

func (s *state) isYounger(stamp autotask.Optional[time.Time]) bool {
	at, ok := stamp.Get()
	return ok && at.After(s.born)
}

func (s *state) sawOthers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others = true
}

func (s *state) hasOthers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.others
}

// learnOffset records the stamp of a write that was made within a span of our clock.
func (s *state) learnOffset(stamp time.Time, during span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset = offset{least: stamp.Sub(during.to), most: stamp.Sub(during.from), known: true}
}

// isOwn reports whether a stamp can be that of a note posted within a span, and hardly
// of anything else. If so, notes update the activity of their ticket.
func (s *state) isOwn(stamp time.Time, during span) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.offset
	own := o.known && o.most-o.least < blur && during.to.Sub(during.from) < blur &&
		!stamp.Before(during.from.Add(o.least-tick)) && !stamp.After(during.to.Add(o.most+tick))
	s.ownMoves = s.ownMoves || own
	return own
}

func (s *state) ownNotesMove() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ownMoves
}
