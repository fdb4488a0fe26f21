package autotasktest

import "strconv"

// Snapshot returns every row of the tenant as it is stored: JSON, by the path of its
// collection and its id, such as "Tickets/29684001". If an entity has several
// collections, its rows are under the one that Seed accepts.
//
// Two snapshots are equal (maps.Equal) if nothing happened between them. A row that
// was not written keeps its exact bytes; SetZonelessDates, which changes how dates
// are served, has no effect.
func (s *Server) Snapshot() map[string]string {
	s.look()
	defer s.mu.Unlock()
	all := make(map[string]string)
	for e, t := range s.tables {
		prefix := e.Collections()[0].Root().Path + "/"
		for id, r := range t.rows {
			all[prefix+strconv.FormatInt(id, 10)] = string(r.text())
		}
	}
	return all
}
