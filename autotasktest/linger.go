package autotasktest

import "time"

// maxExecution is how long Autotask works on a request at the most.
const maxExecution = 5 * time.Minute

// lingering is a request that its client has given up, and that the tenant has
// not carried out yet.
type lingering struct {
	call    *call
	left    int // requests that are still to come
	noLater time.Time
}

// Land carries out the requests that a Fault with Linger keeps back, in the
// order in which they came, and returns how many there were.
func (s *Server) Land() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.land(func(*lingering) bool { return true })
}

// keepForLater puts a request aside.
func (s *Server) keepForLater(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lingering = append(s.lingering, &lingering{c, c.fault.Linger, s.clock().Add(maxExecution)})
	return lost
}

// landDue carries out what was to wait for the request that has just arrived.
func (s *Server) landDue() {
	now := s.clock()
	s.land(func(l *lingering) bool {
		l.left--
		return l.left <= 0 || !now.Before(l.noLater)
	})
}

func (s *Server) land(isDue func(*lingering) bool) (landed int) {
	var kept []*lingering
	for _, l := range s.lingering {
		if !isDue(l) {
			kept = append(kept, l)
			continue
		}
		landed++
		s.carryOut(l.call)
		s.meddle(l.call)
		s.announce(l.call)
	}
	s.lingering = kept
	return landed
}
