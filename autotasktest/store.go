package autotasktest

import (
	"iter"
	"slices"
	"time"

	"github.com/autotask-go/autotask/internal/schema"
)

// row is one stored item. Its fields are never changed, only the whole row is
// replaced: whoever holds one may keep it.
type row struct {
	id     int64
	raw    []byte // the exact text of a row seeded raw, until it is written
	fields object
	cached []byte // what text returns, once somebody wanted it
	udfs   []udf  // what userDefined returns
	parsed bool   // udfs is there
}

// text is the row as it is stored. The caller holds the lock.
func (r *row) text() []byte {
	if r.raw != nil {
		return r.raw
	}
	if r.cached == nil {
		r.cached = r.fields.text()
	}
	return r.cached
}

// table holds the rows of one entity, under whichever collections they show.
type table struct {
	entity *schema.Entity
	rows   map[int64]*row
	ids    []int64             // ascending, the order of every listing
	late   map[int64]int       // how many searches do not find a row yet
	unseen map[int64]time.Time // until when no search finds a row

	indexes  map[column]*index
	udfNames map[string]int // how many rows carry a user-defined field
}

func (t *table) put(r *row) {
	if i, found := slices.BinarySearch(t.ids, r.id); !found {
		t.ids = slices.Insert(t.ids, i, r.id)
	}
	t.reindex(t.rows[r.id], r)
	t.countUDFs(t.rows[r.id], -1)
	t.countUDFs(r, 1)
	t.rows[r.id] = r
}

func (t *table) remove(id int64) {
	if i, found := slices.BinarySearch(t.ids, id); found {
		t.ids = slices.Delete(t.ids, i, i+1)
	}
	t.reindex(t.rows[id], nil)
	t.countUDFs(t.rows[id], -1)
	delete(t.rows, id)
	delete(t.late, id)
	delete(t.unseen, id)
}

// keepBack hides a row from the next searches.
func (t *table) keepBack(id int64, searches int) {
	if t.rows[id] == nil {
		return
	}
	if t.late == nil {
		t.late = make(map[int64]int)
	}
	t.late[id] = searches
}

// searched ends a search: the next one may find more.
func (t *table) searched() {
	for id := range t.late {
		if t.late[id]--; t.late[id] == 0 {
			delete(t.late, id)
		}
	}
}

// matching returns at most most matching rows, in the order of their ids.
func (t *table) matching(ids iter.Seq2[int, int64], match func(*row) bool, most int) []*row {
	var rows []*row
	for _, id := range ids {
		if len(rows) == most {
			break
		}
		if r := t.rows[id]; !t.isHidden(id) && match(r) {
			rows = append(rows, r)
		}
	}
	return rows
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
		t = &table{entity: e, rows: make(map[int64]*row)}
		s.tables[e] = t
	}
	return t
}

// newID returns an unused id. All entities share one sequence, so that a program that
// mixes up two ids finds nothing.
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
	if r.raw != nil || !s.zonelessDates && s.udfs[e] == nil {
		return r.text()
	}
	return s.dated(e, s.shown(e, r)).text()
}

// renderListed is render for a row in a list. The content of a file is served only
// with the file itself.
func (s *Server) renderListed(e *schema.Entity, r *row) []byte {
	if !isAttachment(e) || isNull(r.fields.get("data")) {
		return s.render(e, r)
	}
	o := slices.Clone(s.shown(e, r))
	o.set("data", null)
	return s.dated(e, o).text()
}

// shown returns the members of a row with all user-defined fields that its
// entity has, also those which the row has no value for.
func (s *Server) shown(e *schema.Entity, r *row) object {
	defs := s.udfs[e]
	if r.raw != nil || len(defs) == 0 {
		return r.fields
	}
	all, err := parseUDFs(r.fields.get(udfsField))
	if err != nil {
		return r.fields
	}
	for _, d := range defs {
		if indexOfUDF(all, d.Name) < 0 {
			all = append(all, newUDF(d.Name, null))
		}
	}
	o := slices.Clone(r.fields)
	o.set(udfsField, textOfUDFs(all))
	return o
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
