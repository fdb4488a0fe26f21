package autotasktest

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Fault makes something go wrong. The zero value of every kind is off; kinds
// may be combined where that makes sense, such as Delay with any other.
type Fault struct {
	// Op is the operation that goes wrong, as in Request.Op. Empty is every
	// request but zone discovery.
	Op string
	// Times is how often it goes wrong: 0 means once, less than 0 always.
	Times int
	// Skip is how many matching requests pass unharmed first.
	Skip int

	// Delay passes before the request is carried out. A client that goes away
	// meanwhile has asked for nothing.
	Delay time.Duration
	// DropRequest closes the connection; nothing is carried out.
	DropRequest bool
	// Status, with Body and Header, is answered; nothing is carried out.
	Status int
	Body   string
	Header http.Header

	// IgnoreWrite answers a write as if it had been done. Nothing changes.
	IgnoreWrite bool
	// Revert carries a write out and then takes it back, as a workflow rule
	// does. That somebody was there still shows in lastActivityDate and its like.
	Revert bool
	// Edit changes the row that a request for one item was about, once the
	// answer is ready: what another user does between a client's read and
	// write. Numbers are json.Number; a member taken out is absent afterwards.
	// Edit must not call the Server.
	Edit func(row map[string]any)

	// DropResponse carries the request out and closes the connection.
	DropResponse bool
	// Truncate carries the request out and closes the connection after half of
	// the answer's body.
	Truncate bool
	// Garbage carries the request out and answers 200 with what is not JSON.
	Garbage bool
	// HTML carries the request out and answers 200 with a web page.
	HTML bool
}

// armed is a fault with what is left of it.
type armed struct {
	Fault
	skip, left int // left is negative for ever
}

// Inject adds a fault. Faults are kept in order: the first that matches a
// request and is not used up applies, and no other.
func (s *Server) Inject(f Fault) {
	s.helper()
	if err := checkOp(f.Op); err != nil {
		s.fail("Inject: %v", err)
		return
	}
	left := f.Times
	if left == 0 {
		left = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armed{Fault: f, skip: f.Skip, left: left})
}

// checkOp refuses what no request's Op can be: a fault that never happens
// makes a test pass for nothing.
func checkOp(op string) error {
	if op == "" {
		return nil
	}
	method, path, _ := strings.Cut(op, " ")
	if method == "" || method != strings.ToUpper(method) || path == "" || opOf(method, path) != op {
		return fmt.Errorf(`%q is no operation such as "POST Tickets/Notes"`, op)
	}
	return nil
}

// PendingFaults returns how many faults have not happened as often as they
// should. Faults that happen always are not counted.
func (s *Server) PendingFaults() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, f := range s.faults {
		if f.left > 0 {
			n++
		}
	}
	return n
}

// strike returns the fault that befalls a request, the zero value for none.
func (s *Server) strike(c *call) Fault {
	for _, f := range s.faults {
		if f.left == 0 || !f.matches(c) {
			continue
		}
		if f.skip > 0 {
			f.skip--
			continue
		}
		if f.left > 0 {
			f.left--
		}
		return f.Fault
	}
	return Fault{}
}

func (f *armed) matches(c *call) bool {
	if f.Op == "" {
		return !c.isDiscovery()
	}
	return f.Op == c.op
}

// instead is the answer of a fault that keeps a request from being carried out.
func (f Fault) instead() (answer, bool) {
	switch {
	case f.DropRequest:
		return lost, true
	case f.Status != 0:
		a := reply(f.Status, jsonType, []byte(f.Body))
		for name, values := range f.Header {
			a.header[http.CanonicalHeaderKey(name)] = values
		}
		return a, true
	}
	return answer{}, false
}

// spoil does to an answer what the fault does.
func (f Fault) spoil(a answer) answer {
	switch {
	case f.Garbage:
		a = ok([]byte("\x1f\x8b{\"item\": what is this"))
	case f.HTML:
		a = reply(http.StatusOK, htmlType, htmlPage("One moment", "This is a web page and not an answer."))
	}
	switch {
	case f.DropResponse:
		a.delivery = none
	case f.Truncate:
		a.delivery = half
	}
	return a
}

// meddle does to the stored row what the fault does.
func (s *Server) meddle(c *call) {
	if c.wrote && (c.fault.IgnoreWrite || c.fault.Revert) {
		s.takeBack(c)
	}
	if c.fault.Edit != nil {
		s.edit(c)
	}
}

// takeBack restores the row as it was before the call's write.
func (s *Server) takeBack(c *call) {
	if c.before == nil {
		c.table.remove(c.rowID)
		return
	}
	restored := c.before
	if c.fault.Revert && c.table.rows[c.rowID] != nil {
		fields := slices.Clone(restored.fields)
		s.stampChange(c.table.entity, &fields, c.actor, nil)
		restored = &row{id: c.rowID, fields: fields}
	}
	c.table.put(restored)
}

// edit lets the fault's function change the row. Members that it leaves alone
// keep their bytes.
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
	c.table.put(&row{id: old.id, fields: fields})
}
