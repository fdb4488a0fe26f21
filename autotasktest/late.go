package autotasktest

import (
	"time"

	"github.com/autotask-go/autotask/internal/schema"
)

// lateChange is a change that was made and does not show yet.
type lateChange struct {
	entity *schema.Entity
	id     int64
	fields object
}

// ChangeLate changes a row as Change does, but the change shows only after a
// time, by the tenant's clock: its stamps are those of now, as of a transaction
// that takes long to commit. Until then every read has the row as it was. A row
// that is gone by then stays gone. ApplyPending makes such changes show at once.
func (s *Server) ChangeLate(collection string, id int64, fields map[string]any, after time.Duration) {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return
	}
	given, err := givenFields(e, fields)
	if err != nil {
		s.fail("ChangeLate: %s: %v", collection, err)
		return
	}
	if after <= 0 {
		s.fail("ChangeLate: a change that shows after %v is not late", after)
		return
	}
	s.look()
	defer s.mu.Unlock()
	if s.table(e).rows[id] == nil {
		s.fail("ChangeLate: there is no %s %d", e.Name, id)
		return
	}
	now := s.now()
	s.lingering = append(s.lingering, &lingering{late: &lateChange{e, id, given}, made: now, due: now.Add(after)})
}
