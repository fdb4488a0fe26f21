package autotasktest

import (
	"cmp"
	"slices"
	"time"
)

// maxExecution is the maximum time for which Autotask works on a request.
const maxExecution = 5 * time.Minute

// lingering is a request that its client has given up, and that the tenant has
// not carried out yet, or a change that does not show yet.
type lingering struct {
	call   *call
	late   *lateChange // in place of a call
	made   time.Time   // when the late change was made
	left   int         // requests that are still to come; 0 leaves it to the time
	due    time.Time
	lands  time.Time // when it is carried out, once that is known
	isDue  bool
	counts bool // waits for requests as well
}

// ApplyPending carries out the requests that a Fault with ApplyAfter or Lands keeps back, and
// the changes of ChangeLate, whether or not their time has come, and returns how
// many there were. Those whose time has come land first, as of that time.
func (s *Server) ApplyPending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.land(true)
}

// look locks the tenant to look at its rows, after carrying out the requests that are
// due.
func (s *Server) look() {
	s.mu.Lock()
	s.land(false)
}

// landsLater reports whether the request is carried out after its client has stopped
// waiting.
func (f Fault) landsLater() bool { return f.ApplyAfter > 0 || f.Lands > 0 }

// keepForLater puts a request aside.
func (s *Server) keepForLater(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &lingering{call: c, left: c.fault.ApplyAfter, counts: c.fault.ApplyAfter > 0, due: c.arrived.Add(maxExecution)}
	if c.fault.Lands > 0 {
		l.due = c.arrived.Add(c.fault.Lands)
	}
	s.lingering = append(s.lingering, l)
}

// landAsOneArrives carries out the requests that waited for the one that has just
// arrived, or for a time that has passed.
func (s *Server) landAsOneArrives() {
	for _, l := range s.lingering {
		if l.counts {
			l.left--
		}
	}
	s.land(false)
}

// land carries out the requests that are due, in the order of their times.
func (s *Server) land(all bool) int {
	if len(s.lingering) == 0 {
		return 0
	}
	now := s.now()
	for _, l := range s.lingering {
		l.isDue = all || l.counts && l.left <= 0 || !now.Before(l.due)
		l.lands = now
		if l.due.Before(now) {
			l.lands = l.due
		}
	}
	var due, kept []*lingering
	for _, l := range s.lingering {
		if l.isDue {
			due = append(due, l)
		} else {
			kept = append(kept, l)
		}
	}
	s.lingering = kept
	slices.SortStableFunc(due, func(a, b *lingering) int {
		return cmp.Or(a.lands.Compare(b.lands), a.due.Compare(b.due))
	})
	for _, l := range due {
		s.landOne(l, now)
	}
	return len(due)
}

// landOne carries out one request with the clocks of the moment when it was due.
func (s *Server) landOne(l *lingering, now time.Time) {
	s.ago = now.Sub(l.lands)
	if l.late != nil {
		s.ago = now.Sub(l.made)
	}
	defer func() {
		s.ago = 0
		if p := recover(); p != nil {
			s.report("panic as a request landed: %v", p)
		}
	}()
	if l.late != nil {
		s.changeStored(l.late.entity, l.late.id, l.late.fields)
		return
	}
	s.carryOut(l.call)
	s.meddle(l.call)
	s.announce(l.call)
}
