package autotasktest

import "time"

// SetQueryLag makes queries lag behind writes: from then on, a created row is missing
// from queries, counts and lists of its entity for d, by the tenant's clock. GET of
// its id shows it at once. Seeded rows do not lag.
func (s *Server) SetQueryLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queryLag = d
}

// keepFromQueries hides a row that was just created, for as long as the tenant
// and the fault say.
func (s *Server) keepFromQueries(t *table, id int64, f Fault) {
	if f.HideFromQueries > 0 {
		t.keepBack(id, f.HideFromQueries)
	}
	if lag := max(s.queryLag, f.Lag); lag > 0 && t.rows[id] != nil {
		if t.unseen == nil {
			t.unseen = make(map[int64]time.Time)
		}
		t.unseen[id] = s.now().Add(lag)
	}
}

// reveal shows rows to queries whose time has passed.
func (t *table) reveal(now time.Time) {
	for id, until := range t.unseen {
		if !now.Before(until) {
			delete(t.unseen, id)
		}
	}
}

// isHidden reports whether queries do not find a row yet.
func (t *table) isHidden(id int64) bool {
	_, unseen := t.unseen[id]
	return unseen || t.late[id] != 0
}
