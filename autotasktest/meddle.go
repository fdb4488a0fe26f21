package autotasktest

import (
	"maps"
	"reflect"
	"slices"
)

// meddle applies the fault to the stored row.
func (s *Server) meddle(c *call) {
	if c.wrote && !c.fault.IgnoreWrite {
		s.followUp(c)
	}
	if c.wrote && (c.fault.IgnoreWrite || c.fault.Revert) {
		s.takeBack(c)
	}
	if c.wrote && c.before == nil {
		s.keepFromQueries(c.table, c.rowID, c.fault)
	}
	if c.fault.Edit != nil {
		s.edit(c)
	}
}

// followUp does what follows from a write.
func (s *Server) followUp(c *call) {
	e, now := c.table.entity, c.table.rows[c.rowID]
	if now == nil {
		s.logDeletion(e, c.before, c.actor)
		return
	}
	s.recordHistory(e, c.before, now, c.actor)
	s.touchTicket(e, now, c.actor)
}

// takeBack restores the row as it was before the call's write.
func (s *Server) takeBack(c *call) {
	if c.before == nil {
		c.table.remove(c.rowID)
		if c.fault.IgnoreWrite && isAttachment(c.table.entity) {
			s.attachments.forgetLast()
		}
		return
	}
	restored := c.before
	if c.fault.Revert && c.table.rows[c.rowID] != nil {
		fields := slices.Clone(restored.fields)
		s.stampChange(c.table.entity, &fields, c.actor, nil)
		restored = &row{id: c.rowID, fields: fields}
		s.recordHistory(c.table.entity, c.table.rows[c.rowID], restored, systemID)
	}
	c.table.put(restored)
}

// edit calls the fault's function with the row. Members that it does not change keep
// their bytes.
func (s *Server) edit(c *call) {
	if c.table == nil || c.table.rows[c.rowID] == nil {
		s.report("the Edit of a fault has no row to edit: %s was not about one that exists", c.op)
		return
	}
	e, old := c.table.entity, c.table.rows[c.rowID]
	was, is := plain(s.render(e, old)), plain(s.render(e, old))
	c.fault.Edit(is)

	fields := slices.Clone(old.fields)
	changed := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if before, had := was[name]; had && reflect.DeepEqual(before, is[name]) {
			continue
		}
		value, err := encodeGiven(is[name])
		if err != nil {
			s.report("the Edit of a fault: %s: %v", name, err)
			return
		}
		fields.set(name, value)
		changed[name] = true
	}
	for name := range was {
		if _, kept := is[name]; !kept {
			fields.remove(name)
			changed[name] = true
		}
	}
	if len(changed) == 0 {
		return
	}
	s.stampChange(e, &fields, TechnicianID, func(name string) bool { return changed[name] })
	edited := &row{id: old.id, fields: fields}
	s.recordHistory(e, old, edited, TechnicianID)
	c.table.put(edited)
}
