package autotasktest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/autotask-go/autotask/internal/schema"
)

// anything is a verb for requests that belong to no collection.
const anything = ^schema.Verb(0)

// knownOperations maps all operations of the API, named as in Request.Op, to their
// verbs.
var knownOperations = sync.OnceValue(func() map[string]schema.Verb {
	known := make(map[string]schema.Verb)
	for _, c := range schema.All() {
		for _, o := range operations {
			if c.Verbs.Has(o.verb) {
				known[opOf(o.method, strings.TrimSuffix(c.Path+"/"+strings.TrimPrefix(o.tail, "{id}"), "/"))] |= o.verb
			}
		}
	}
	for _, e := range endpoints {
		known[opOf(e.method, strings.ReplaceAll(e.path, "{}", "0"))] |= anything
	}
	for _, name := range serviceNames {
		known["GET "+name] |= anything
	}
	known["GET ATServicesRest/VersionInformation"] = anything
	return known
})

// checkOp refuses an Op that no request can have.
func checkOp(op string) error {
	if op == "" {
		return nil
	}
	if _, known := knownOperations()[op]; known {
		return nil
	}
	method, path, _ := strings.Cut(op, " ")
	if method == "" || method != strings.ToUpper(method) || path == "" || opOf(method, path) != op {
		return fmt.Errorf(`%q is not an operation such as "POST Tickets/Notes"`, op)
	}
	return fmt.Errorf("the API has no operation %q%s", op, nearest(op))
}

// nearest names the operation that was probably meant.
func nearest(op string) string {
	plain := func(op string) string {
		return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(op), "ies", "y"), "s", "")
	}
	var near []string
	for known := range knownOperations() {
		if plain(known) == plain(op) {
			near = append(near, known)
		}
	}
	if len(near) == 0 {
		return ""
	}
	slices.Sort(near)
	return fmt.Sprintf("; did you mean %q?", near[0])
}

// faultKind is something that can go wrong.
type faultKind struct {
	name string
	on   func(Fault) bool
	at   schema.Verb // where it has an effect
}

const writes = schema.Create | schema.Put | schema.Patch | schema.Delete

// The kinds of faults, by the stage of a request at which they happen.
var (
	arriving = []faultKind{
		{"Refuse", func(f Fault) bool { return f.Refuse }, anything},
		{"Delay", func(f Fault) bool { return f.Delay > 0 }, anything},
		{"DropRequest", func(f Fault) bool { return f.DropRequest }, anything},
	}
	landing = []faultKind{
		{"ApplyAfter", func(f Fault) bool { return f.ApplyAfter > 0 }, anything},
		{"Lands", func(f Fault) bool { return f.Lands > 0 }, anything},
	}
	insteadOf = []faultKind{
		{"Redirect", func(f Fault) bool { return f.Redirect != "" }, anything},
		{"Status", func(f Fault) bool { return f.Status != 0 }, anything},
	}
	withRows = []faultKind{
		{"IgnoreWrite", func(f Fault) bool { return f.IgnoreWrite }, writes},
		{"Revert", func(f Fault) bool { return f.Revert }, writes},
		{"Edit", func(f Fault) bool { return f.Edit != nil }, schema.Get | schema.Create | schema.Put | schema.Patch},
		{"HideFromQueries", func(f Fault) bool { return f.HideFromQueries > 0 }, schema.Create},
		{"Lag", func(f Fault) bool { return f.Lag > 0 }, schema.Create},
	}
	withContent = []faultKind{
		{"RepeatNextPage", func(f Fault) bool { return f.RepeatNextPage }, schema.Query | schema.List},
		{"ForeignNextPage", func(f Fault) bool { return f.ForeignNextPage != "" }, schema.Query | schema.List},
		{"Garbage", func(f Fault) bool { return f.Garbage }, anything},
		{"HTML", func(f Fault) bool { return f.HTML }, anything},
	}
	dropResponse = faultKind{"DropResponse", func(f Fault) bool { return f.DropResponse }, anything}
	resetStream  = faultKind{"ResetStream", func(f Fault) bool { return f.ResetStream != 0 }, anything}
	hang         = faultKind{"Hang", func(f Fault) bool { return f.Hang }, anything}
	withBody     = []faultKind{
		{"Truncate", func(f Fault) bool { return f.Truncate }, anything},
		{"SlowBody", func(f Fault) bool { return f.SlowBody > 0 }, anything},
		{"Oversize", func(f Fault) bool { return f.Oversize > 0 }, anything},
	}
)

var allFaultKinds = slices.Concat(arriving, landing, insteadOf, withRows, withContent, withBody, []faultKind{dropResponse, resetStream, hang})

// misfits are combinations in which one half keeps the other from happening. The
// first that matches rules the others out.
var misfits = []struct {
	with    string
	when    func(Fault) bool
	useless []faultKind
}{
	{"Refuse", func(f Fault) bool { return f.Refuse }, slices.Concat(arriving[2:], landing, insteadOf, withRows, withContent, withBody, []faultKind{dropResponse, resetStream})},
	{"DropRequest", func(f Fault) bool { return f.DropRequest }, slices.Concat(landing, insteadOf, withRows, withContent, withBody, []faultKind{dropResponse, hang})},
	{"Hang", func(f Fault) bool { return f.Hang && !f.DropResponse && !f.Truncate && !f.landsLater() }, slices.Concat(insteadOf, withRows, withContent, withBody, []faultKind{resetStream})},
	{"Redirect", func(f Fault) bool { return f.Redirect != "" }, slices.Concat(landing, insteadOf[1:])},
	{"Status and a landing", func(f Fault) bool { return f.Status != 0 && f.landsLater() }, slices.Concat(withContent, []faultKind{dropResponse, resetStream, hang})},
	{"ApplyAfter or Lands", func(f Fault) bool { return f.Status == 0 && f.landsLater() }, slices.Concat(withContent, withBody, []faultKind{dropResponse})},
	{"another answer", func(f Fault) bool { return f.Status != 0 && !f.landsLater() || f.Redirect != "" }, slices.Concat(withRows, withContent, []faultKind{dropResponse, resetStream})},
	{"ResetStream", func(f Fault) bool { return f.ResetStream != 0 }, slices.Concat(withContent, withBody, []faultKind{dropResponse})},
	{"DropResponse", func(f Fault) bool { return f.DropResponse }, slices.Concat(withContent, withBody)},
	{"Garbage", func(f Fault) bool { return f.Garbage }, slices.Concat(withContent[:2], withContent[3:])},
	{"HTML", func(f Fault) bool { return f.HTML }, withContent[:2]},
}

// checkKinds refuses a fault that does nothing, completely or in part: a test that
// relies on it would pass for the wrong reason.
func (f Fault) checkKinds() error {
	if !slices.ContainsFunc(allFaultKinds, func(k faultKind) bool { return k.on(f) }) {
		return errors.New("the fault does nothing")
	}
	for _, m := range misfits {
		if !m.when(f) {
			continue
		}
		for _, k := range m.useless {
			if k.on(f) {
				return fmt.Errorf("with %s, %s does nothing", m.with, k.name)
			}
		}
	}
	if f.Op != "" {
		for _, k := range allFaultKinds {
			if k.on(f) && knownOperations()[f.Op]&k.at == 0 {
				return fmt.Errorf("at %q, %s does nothing", f.Op, k.name)
			}
		}
	}
	switch {
	case f.Body != "" && f.Status == 0:
		return errors.New("without a Status, Body does nothing")
	case len(f.Header) > 0 && f.Status == 0 && f.Redirect == "":
		return errors.New("without a Status or a Redirect, Header does nothing")
	}
	return nil
}

// checkNumbers refuses negative numbers. Only Times may be negative.
func (f Fault) checkNumbers() error {
	for name, n := range map[string]int64{
		"Skip": int64(f.Skip), "ApplyAfter": int64(f.ApplyAfter), "HideFromQueries": int64(f.HideFromQueries), "Oversize": f.Oversize,
		"Delay": int64(f.Delay), "Lands": int64(f.Lands), "Lag": int64(f.Lag), "SlowBody": int64(f.SlowBody),
	} {
		if n < 0 {
			return fmt.Errorf("%s is less than 0", name)
		}
	}
	return nil
}

// ReportUnstruck makes the test fail at its end for every fault that was injected and
// has not happened as often as it should: a test whose faults never happen proves
// nothing. Faults that always happen count if they never did. A program can use
// PendingFaults.
func (s *Server) ReportUnstruck() {
	s.t.Helper()
	test, ok := s.t.(testing.TB)
	if !ok {
		s.fail("ReportUnstruck: there is no test")
		return
	}
	test.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, f := range s.faults {
			if f.left > 0 || f.left < 0 && !f.struck {
				s.report("a fault has not struck: %s", f.describe())
			}
		}
	})
}

// describe describes a fault that has not happened.
func (f *armed) describe() string {
	var kinds []string
	for _, k := range allFaultKinds {
		if k.on(f.Fault) {
			kinds = append(kinds, k.name)
		}
	}
	op := f.Op
	if op == "" {
		op = "any request"
	}
	text := fmt.Sprintf("%s at %s", strings.Join(kinds, ", "), op)
	if f.Skip > 0 {
		text += fmt.Sprintf(", after %d of them", f.Skip)
	}
	if f.left > 0 {
		text += fmt.Sprintf(", %d more time(s)", f.left)
	}
	return text
}
