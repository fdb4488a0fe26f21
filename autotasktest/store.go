package autotasktest

import (
	"slices"

	"github.com/autotask-go/autotask/internal/schema"
)

// row is one stored item. It is never changed, only replaced: whoever holds
// one may keep it.
type row struct {
	id     int64
	raw    []byte // the exact text of a row seeded raw, until it is written
	fields object
}

// table holds the rows of one entity, under whichever collections they show.
type table struct {
	entity *schema.Entity
	rows   map[int64]*row
	ids    []int64 // ascending, the order of every listing
}

func newTable(e *schema.Entity) *table {
	return &table{entity: e, rows: make(map[int64]*row)}
}

func (t *table) put(r *row) {
	if i, found := slices.BinarySearch(t.ids, r.id); !found {
		t.ids = slices.Insert(t.ids, i, r.id)
	}
	t.rows[r.id] = r
}

func (t *table) remove(id int64) {
	if i, found := slices.BinarySearch(t.ids, id); found {
		t.ids = slices.Delete(t.ids, i, i+1)
	}
	delete(t.rows, id)
}

// all returns the rows by id.
func (t *table) all() []*row {
	rows := make([]*row, len(t.ids))
	for i, id := range t.ids {
		rows[i] = t.rows[id]
	}
	return rows
}

// table returns the table of an entity. The caller holds the lock.
func (s *Server) table(e *schema.Entity) *table {
	t := s.tables[e]
	if t == nil {
		t = newTable(e)
		s.tables[e] = t
	}
	return t
}

// newID returns an id that the table does not hold. All entities share one
// sequence, so that a program that mixes up two ids finds nothing.
func (s *Server) newID(t *table) int64 {
	for {
		s.lastID++
		if t.rows[s.lastID] == nil {
			return s.lastID
		}
	}
}

// exists reports whether the entity of that name has a row with that id.
func (s *Server) exists(e *schema.Entity, id int64) bool {
	return s.table(e).rows[id] != nil
}

// render is the text of a row as it is served.
func (s *Server) render(e *schema.Entity, r *row) []byte {
	if r.raw != nil {
		return r.raw
	}
	return s.dated(e, r.fields).text()
}

// dated returns the members with dates in the form the tenant writes.
func (s *Server) dated(e *schema.Entity, o object) object {
	if !s.zonelessDates {
		return o
	}
	o = slices.Clone(o)
	for i, m := range o {
		if f := e.Field(m.name); f != nil && f.Kind == schema.DateTime {
			o[i].value = zoneless(m.value)
		}
	}
	return o
}
