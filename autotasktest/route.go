package autotasktest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// route is where a request leads.
type route struct {
	collection *schema.Collection
	parent     int64  // id of the parent row, for a child
	id         int64  // id of the item, where the path names one
	tail       string // what follows the collection's path, as in operations
	verb       schema.Verb
	isRead     bool
}

// operations are what can be asked of a collection. One exists where the table
// of the API gives the collection the verb.
var operations = []struct {
	tail   string
	method string
	verb   schema.Verb
	run    func(*Server, *call) answer
}{
	{"", http.MethodGet, schema.List, (*Server).list},
	{"", http.MethodPost, schema.Create, (*Server).create},
	{"", http.MethodPut, schema.Put, (*Server).replace},
	{"", http.MethodPatch, schema.Patch, (*Server).patch},
	{"{id}", http.MethodGet, schema.Get, (*Server).item},
	{"{id}", http.MethodDelete, schema.Delete, (*Server).remove},
	{"query", http.MethodGet, schema.Query, (*Server).query},
	{"query", http.MethodPost, schema.Query, (*Server).query},
	{"query/count", http.MethodGet, schema.Count, (*Server).count},
	{"query/count", http.MethodPost, schema.Count, (*Server).count},
	{"query/next", http.MethodPost, schema.Query, (*Server).query},
	{"query/prev", http.MethodPost, schema.Query, (*Server).query},
	{"entityInformation", http.MethodGet, schema.Info, (*Server).entityInformation},
	{"entityInformation/fields", http.MethodGet, schema.FieldInfo, (*Server).fieldInformation},
	{"entityInformation/userDefinedFields", http.MethodGet, schema.UDFInfo, (*Server).udfInformation},
}

// maxURL is the length from where on the web server no longer answers a GET.
const maxURL = 2048

// carryOut answers a request. The caller holds the lock.
func (s *Server) carryOut(c *call) answer {
	if c.request.Method == http.MethodGet && len(s.originOf(c)+c.request.RequestURI) > maxURL {
		return notFound()
	}
	if encoding := c.request.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refuse("An unexpected error has occurred: the body of the request cannot be read.")
	}
	if service := serviceOf(c); service != nil {
		return s.serveService(c, service)
	}
	if e, ids := endpointOf(c); e != nil {
		return s.serveEndpoint(c, e, ids)
	}
	run, refusal := c.find()
	if run == nil {
		return refusal
	}
	if refusal, ok := s.admit(c); !ok {
		return refusal
	}
	if a, withheld := s.withheld(c); withheld {
		return a
	}
	return run(s, c)
}

// admit makes the checks that apply to every request.
func (s *Server) admit(c *call) (refusal answer, ok bool) {
	if refusal, ok := s.authenticate(c); !ok {
		return refusal, false
	}
	if !s.threshold.take(s.now()) {
		return s.threshold.refusal(), false
	}
	return s.impersonate(c)
}

// find follows the path. Without anything at its end the web server answers;
// with something else there than what was asked for, the framework does.
func (c *call) find() (run func(*Server, *call) answer, refusal answer) {
	if !c.inAPI || !c.follow(strings.Split(c.path, "/")) {
		return nil, notFound()
	}
	known := false
	for _, o := range operations {
		if o.tail != c.tail || !c.collection.Verbs.Has(o.verb) {
			continue
		}
		known = true
		if o.method == c.request.Method {
			c.verb = o.verb
			c.isRead = o.verb&(schema.Create|schema.Put|schema.Patch|schema.Delete) == 0
			return o.run, answer{}
		}
	}
	if !known {
		return nil, notFound()
	}
	return nil, methodNotAllowed(c.request.Method)
}

// follow fills the route from the segments of the path: a collection, or a
// parent, its id and a child; then an item's id, or the name of an operation.
func (c *call) follow(segments []string) bool {
	if len(segments) > 2 && isID(segments[1]) {
		c.parent, _ = strconv.ParseInt(segments[1], 10, 64)
		segments = slices.Concat([]string{segments[0] + "/" + segments[2]}, segments[3:])
	}
	c.collection = schema.Lookup(segments[0])
	rest := segments[1:]
	if len(rest) == 1 && isID(rest[0]) {
		c.id, _ = strconv.ParseInt(rest[0], 10, 64)
		rest = []string{"{id}"}
	}
	c.tail = strings.Join(rest, "/")
	return c.collection != nil
}

// item answers GET of one row. An id that does not exist is no error.
func (s *Server) item(c *call) answer {
	c.table = s.table(c.collection.Entity)
	c.rowID = c.id
	r := c.table.rows[c.id]
	if r != nil && !c.owns(r) {
		r = nil
	}
	switch {
	case isAttachment(c.table.entity):
		return s.attachment(c, r)
	case r == nil:
		return okWith("item", null)
	}
	return okWith("item", s.render(c.table.entity, r))
}

// owns reports whether a row belongs to the parent in the path. Where no field
// of the entity holds the parent's id, every row belongs to every parent.
func (c *call) owns(r *row) bool {
	if c.collection.ParentField == "" {
		return true
	}
	parent, ok := toInt64(r.fields.get(c.collection.ParentField))
	return ok && parent == c.parent
}
