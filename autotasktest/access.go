package autotasktest

import (
	"encoding/json"
	"net/http"

	"github.com/autotask-go/autotask/internal/schema"
)

// ReadAccess is what the API user may read of a collection.
type ReadAccess int

const (
	// ReadAll shows every row.
	ReadAll ReadAccess = iota
	// ReadNothing answers as if there were no rows: empty pages, a count of 0, and
	// "item": null.
	ReadNothing
	// ReadRefused refuses every query, count, list and GET with status 500 and a
	// text about permissions.
	ReadRefused
)

// SetReadAccess takes the right to read a collection away from the API user, or
// gives it back. It holds for the rows under every path of the collection's
// entity. Writes and the descriptions of fields are not affected. Autotask does not
// publish which of the two ways it takes for which right.
func (s *Server) SetReadAccess(collection string, access ReadAccess) {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return
	}
	if access < ReadAll || access > ReadRefused {
		s.fail("SetReadAccess: %d is no ReadAccess", access)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.access == nil {
		s.access = make(map[*schema.Entity]ReadAccess)
	}
	s.access[e] = access
}

// readsRows are the operations that SetReadAccess is about.
const readsRows = schema.Get | schema.List | schema.Query | schema.Count

// withheld is the answer to a request for rows that the user may not read.
func (s *Server) withheld(c *call) (a answer, withheld bool) {
	if c.verb&readsRows == 0 {
		return answer{}, false
	}
	switch s.access[c.collection.Entity] {
	case ReadRefused:
		return refuseAs(http.StatusInternalServerError, "The logged in Resource does not have the adequate permissions to query this entity type."), true
	case ReadNothing:
		switch c.verb {
		case schema.Get:
			return okWith("item", null), true
		case schema.Count:
			return okWith("queryCount", integer(0)), true
		default:
			return ok(object{
				{"items", json.RawMessage("[]")},
				{"pageDetails", pageDetails(0, maxRecords, null, null)},
			}.text()), true
		}
	default:
		return answer{}, false
	}
}
