package autotasktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// maxRecords is the maximum and default number of rows on a page.
const maxRecords = 500

// search is a query as it was asked.
type search struct {
	match   func(*row) bool
	where   narrowing
	size    int
	include []string // names of the fields wanted; empty for all
}

// cursor is what the URL of another page carries: the form of the pages, and
// the id after or before which this one lies.
type cursor struct {
	PageSize      int      `json:"pageSize"`
	IncludeFields []string `json:"includeFields,omitempty"`
	NextIDs       []int64  `json:"nextIds,omitempty"`
	PreviousIDs   []int64  `json:"previousIds,omitempty"`
}

func (s *Server) query(c *call) answer {
	t := s.table(c.collection.Entity)
	q, err := s.parseSearch(t.entity, searchText(c))
	if err != nil {
		return refuseError(err)
	}
	at, err := cursorOf(c, q)
	if err != nil {
		return refuseError(err)
	}
	return s.page(c, t, q, at)
}

func (s *Server) count(c *call) answer {
	t := s.table(c.collection.Entity)
	q, err := s.parseSearch(t.entity, searchText(c))
	if err != nil {
		return refuseError(err)
	}
	t.reveal(s.now())
	ids := t.candidates(q.where)
	rows := t.matching(slices.All(ids), q.match, len(ids))
	t.searched()
	return okWith("queryCount", integer(int64(len(rows))))
}

// list answers the rows of one parent. It accepts no filter.
func (s *Server) list(c *call) answer {
	q := search{match: c.owns, size: maxRecords}
	if c.collection.ParentField != "" {
		parent := scalar{class: numeric, number: float64(c.parent), whole: &c.parent}
		q.where = narrowing{fieldColumn(c.collection.Entity.Field(c.collection.ParentField)), []scalar{parent}}
	}
	at, err := cursorOf(c, q)
	if err != nil {
		return refuseError(err)
	}
	return s.page(c, s.table(c.collection.Entity), q, at)
}

// searchText is the query itself: the body, or a parameter of a GET.
func searchText(c *call) []byte {
	if c.request.Method == http.MethodGet {
		return []byte(c.request.URL.Query().Get("search"))
	}
	return c.body
}

// parseSearch reads a query. Members that it does not know are ignored, as by
// the API.
func (s *Server) parseSearch(e *schema.Entity, text []byte) (search, error) {
	o, err := parseSent(text)
	if err != nil {
		return search{}, complain("The query must be a JSON object.")
	}
	q := search{size: maxRecords}
	if q.match, q.where, err = s.parseFilter(e, o.get("filter")); err != nil {
		return search{}, err
	}
	if v := o.get("MaxRecords"); !isNull(v) {
		n, ok := toInt64(v)
		if !ok || n < 1 || n > maxRecords {
			return search{}, complain("maxCountOfRecordsToReturn must be between 1 and %d", maxRecords)
		}
		q.size = int(n)
	}
	q.include, err = parseIncludeFields(e, o.get("IncludeFields"))
	return q, err
}

func parseIncludeFields(e *schema.Entity, v json.RawMessage) ([]string, error) {
	var asked, names []string
	if err := json.Unmarshal(v, &asked); err != nil {
		return nil, complain("IncludeFields must be an array of names.")
	}
	for _, name := range asked {
		f := e.Field(name)
		if f == nil {
			return nil, unknownField(name, e)
		}
		names = append(names, f.Name)
	}
	return names, nil
}

func unknownField(name string, e *schema.Entity) error {
	return complain("Unable to find %s in the %s Entity", name, e.Name)
}

// cursorOf reads the cursor of the URL. Without one it is the first page.
func cursorOf(c *call, q search) (cursor, error) {
	paging := c.request.URL.Query().Get("paging")
	if paging == "" {
		if c.tail == "query/next" || c.tail == "query/prev" {
			return cursor{}, complain("The page to go to is missing.")
		}
		return cursor{PageSize: q.size, IncludeFields: q.include}, nil
	}
	var at cursor
	if err := json.Unmarshal([]byte(paging), &at); err != nil || at.PageSize < 1 || at.PageSize > maxRecords {
		return cursor{}, complain("The page to go to cannot be read.")
	}
	if len(at.IncludeFields) > 0 && !slices.Contains(at.IncludeFields, "id") {
		return cursor{}, complain("IncludeFields must contain id to go from page to page.")
	}
	return at, nil
}

// page answers the rows that match at a cursor. A full page names a next one,
// also when nothing follows: as with the API, the last page may be empty.
func (s *Server) page(c *call, t *table, q search, at cursor) answer {
	t.reveal(s.now())
	rows := at.cut(t, q)
	t.searched()
	items := make([][]byte, len(rows))
	for i, r := range rows {
		items[i] = s.renderPart(t.entity, r, at.IncludeFields)
	}
	prev := null
	if len(rows) > 0 && (at.NextIDs != nil || at.PreviousIDs != nil) {
		prev = s.pageURL(c, "prev", at, cursor{PreviousIDs: []int64{rows[0].id}})
	}
	return ok(object{
		{"items", textOfArray(items)},
		{"pageDetails", pageDetails(len(rows), at.PageSize, prev, s.nextPage(c, at, rows))},
	}.text())
}

func pageDetails(count, size int, prev, next json.RawMessage) json.RawMessage {
	return object{
		{"count", integer(int64(count))},
		{"requestCount", integer(int64(size))},
		{"prevPageUrl", prev},
		{"nextPageUrl", next},
	}.text()
}

// cut returns the rows of the page: the first after its id, or the last before.
func (c cursor) cut(t *table, q search) []*row {
	ids := t.candidates(q.where)
	if len(c.PreviousIDs) > 0 {
		end, _ := slices.BinarySearch(ids, c.PreviousIDs[0])
		rows := t.matching(slices.Backward(ids[:end]), q.match, c.PageSize)
		slices.Reverse(rows)
		return rows
	}
	start := 0
	if len(c.NextIDs) > 0 {
		start, _ = slices.BinarySearch(ids, c.NextIDs[0]+1)
	}
	return t.matching(slices.All(ids[start:]), q.match, c.PageSize)
}

// nextPage is the address of the page after this one, null for none.
func (s *Server) nextPage(c *call, at cursor, rows []*row) json.RawMessage {
	after := cursor{NextIDs: at.NextIDs}
	if len(rows) > 0 {
		after = cursor{NextIDs: []int64{rows[len(rows)-1].id}}
	}
	switch {
	case c.fault.RepeatNextPage:
		return encode(s.pageOrigin(c) + c.request.RequestURI)
	case len(rows) == at.PageSize, c.fault.ForeignNextPage != "":
		return s.pageURL(c, "next", at, after)
	}
	return null
}

// pageOrigin returns the origin of other pages: that of this page, unless a fault
// changes it.
func (s *Server) pageOrigin(c *call) string {
	if c.fault.ForeignNextPage != "" {
		return c.fault.ForeignNextPage
	}
	return s.originOf(c)
}

// pageURL returns the address of a neighbouring page. A query sent with POST
// continues with POST, on a route of its own, and one sent with GET continues with
// GET.
func (s *Server) pageURL(c *call, direction string, at, to cursor) json.RawMessage {
	to.PageSize, to.IncludeFields = at.PageSize, at.IncludeFields
	values := url.Values{"paging": {string(encode(to))}}
	address := s.pageOrigin(c) + c.request.URL.Path
	if c.request.Method == http.MethodPost {
		query, _, _ := strings.Cut(address, "/query")
		address = fmt.Sprintf("%s/query/%s", query, direction)
	} else if text := c.request.URL.Query().Get("search"); text != "" {
		values.Set("search", text)
	}
	return encode(address + "?" + values.Encode())
}

// renderPart is render for a query that asked for some fields only. An entity with
// user-defined fields shows them empty if they were not requested.
func (s *Server) renderPart(e *schema.Entity, r *row, include []string) []byte {
	if len(include) == 0 {
		return s.renderListed(e, r)
	}
	var part object
	shown := s.shown(e, r)
	for _, f := range e.Fields {
		value, has := shown.find(f.Name)
		switch {
		case slices.Contains(include, f.Name) && has:
			part = append(part, member{f.Name, value})
		case f.Kind == schema.UDFs:
			part = append(part, member{f.Name, []byte("[]")})
		}
	}
	if isAttachment(e) && part.has("data") {
		part.set("data", null)
	}
	if r.raw != nil {
		return part.text()
	}
	return s.dated(e, part).text()
}
