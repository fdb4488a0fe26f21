package autotasktest

import (
	"encoding/json"

	"github.com/autotask-go/autotask/internal/schema"
)

// SetTextFilter sets how texts change when they are stored: the function is applied
// to every text of a row that a request creates or updates, including those of
// user-defined fields, before it is checked. It can trim blanks, replace characters
// or escape HTML. Nil, the default, stores texts unchanged. It does not apply to
// seeded rows and contents of files. The function must not call the Server.
func (s *Server) SetTextFilter(filter func(string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.textFilter = filter
}

// filtered is a text as it is stored; values that are not text stay as they are.
func (s *Server) filtered(v json.RawMessage) json.RawMessage {
	if s.textFilter == nil || isNull(v) || v[0] != '"' {
		return v
	}
	before := textOf(v)
	after := s.textFilter(before)
	if after == before {
		return v // to the byte
	}
	return encode(after)
}

func (s *Server) filteredField(f *schema.Field, v json.RawMessage) json.RawMessage {
	if f.Kind != schema.String {
		return v
	}
	return s.filtered(v)
}
