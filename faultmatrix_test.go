package autotask_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// matrixFaults are all that can go wrong with one request.
var matrixFaults = []struct {
	name  string
	fault autotasktest.Fault

	// applies tells, by the operation, where the fault makes a difference; nil is
	// everywhere.
	applies func(op string) bool
}{
	{"refused", autotasktest.Fault{Refuse: true}, nil},
	{"dropped before", autotasktest.Fault{DropRequest: true}, nil},
	{"dropped after", autotasktest.Fault{DropResponse: true}, nil},
	{"delayed", autotasktest.Fault{Delay: 30 * time.Second}, nil},
	{"delayed too long", autotasktest.Fault{Delay: time.Hour}, nil},
	{"never answered", autotasktest.Fault{Hang: true}, nil},
	{"carried out, never answered", autotasktest.Fault{Hang: true, DropResponse: true}, nil},
	{"429", autotasktest.Fault{Status: 429, Body: `{"errors":["The Autotask API thread threshold of 3 threads has been exceeded."]}`}, nil},
	{"thread limit as a 500", autotasktest.Fault{Status: 500, Body: `{"errors":["The Autotask API thread threshold of 3 threads has been exceeded."]}`}, nil},
	{"500 with errors", autotasktest.Fault{Status: 500, Body: `{"errors":["An unexpected error has occurred."]}`}, nil},
	{"500 without", autotasktest.Fault{Status: 500}, nil},
	{"503", autotasktest.Fault{Status: 503, Header: http.Header{"Retry-After": {"5"}}}, nil},
	{"401", autotasktest.Fault{Status: 401}, nil},
	{"truncated", autotasktest.Fault{Truncate: true}, nil},
	{"garbage", autotasktest.Fault{Garbage: true}, nil},
	{"HTML", autotasktest.Fault{HTML: true}, nil},
	{"slow drip", autotasktest.Fault{Drip: time.Second}, nil},
	{"oversized", autotasktest.Fault{Oversize: 1 << 20}, nil},
	{"redirect", autotasktest.Fault{Redirect: "https://elsewhere.example/"}, nil},
	{"foreign next page", autotasktest.Fault{ForeignNextPage: "https://elsewhere.example"}, isQuery},
	{"repeated next page", autotasktest.Fault{RepeatNextPage: true}, isQuery},
	{"write ignored", autotasktest.Fault{IgnoreWrite: true}, isWrite},
	{"write reverted", autotasktest.Fault{Revert: true}, isWrite},
	{"note shows late", autotasktest.Fault{Late: 1}, isPost},
	{"note shows later", autotasktest.Fault{Late: 3}, isPost},
	{"lost, and shows late", autotasktest.Fault{Late: 1, DropResponse: true}, isPost},
	// Autotask goes on with a write that its client has given up, for five
	// minutes at the most. A client that has waited in vain must not write again
	// before; one whose connection was cut does, so that of these only such are
	// here that land before the end.
	{"lands when given up", autotasktest.Fault{Linger: 1, Hang: true}, isWrite},
	{"lands after the next search", autotasktest.Fault{Linger: 2, Hang: true}, isWrite},
	{"lands in the next run", autotasktest.Fault{Linger: 4, Hang: true}, isWrite},
	{"lands in the end", autotasktest.Fault{Linger: 100, Hang: true}, isWrite},
	{"cut, and lands soon", autotasktest.Fault{Linger: 2}, isWrite},
	{"cut, and lands later", autotasktest.Fault{Linger: 5}, isWrite},
	{"edited by somebody else", autotasktest.Fault{Op: "GET Tickets", Edit: editByHand}, isTicketRead},
}

func isQuery(op string) bool      { return strings.HasSuffix(op, "/query") }
func isPost(op string) bool       { return op == "POST Tickets/Notes" }
func isTicketRead(op string) bool { return op == "GET Tickets" }

// editByHand stands for what another user does to a ticket between a read and
// a write; each case has an edit of its own in its place.
func editByHand(map[string]any) {}

const editedTo = "PO of somebody else"

// matrixCase is one tenant, one piece of work and the faults that befall it.
type matrixCase struct {
	withNote, withTime bool
	faults             []autotasktest.Fault
	name               string
}

// verdict of a case.
type matrixVerdict struct {
	lost, doubled []string
	said          bool // there are two notes, and Resolve has said so
	struck        bool // every fault came about
}

// requestsOf lists the operations of the work when nothing goes wrong.
func (c matrixCase) requestsOf(t *testing.T) []string {
	t.Helper()
	var all []string
	synctest.Test(t, func(t *testing.T) {
		m := c.prepare(t)
		_, err := m.client.Resolve(t.Context(), m.id, m.work)
		require.NoError(t, err)
		all = ops(m.srv)
	})
	return all
}

// matrixRun is a case at work.
type matrixRun struct {
	matrixCase
	srv    *autotasktest.Server
	client *autotask.Client
	id     int64
	work   autotask.Resolution
	before map[string]string

	tried    []string // methods, in order
	editedAt int      // how many were tried when somebody else edited the ticket; 0 is never
}

func (c matrixCase) prepare(t *testing.T) *matrixRun {
	t.Helper()
	srv := autotasktest.NewInProcess(t)
	m := &matrixRun{matrixCase: c, srv: srv}
	m.id = srv.Seed("Tickets", map[string]any{"status": 1, "title": "Backup failed", "resolution": nil, "description": "as it was"})
	other := srv.Seed("Tickets", map[string]any{"status": 1})
	srv.Seed("TicketNotes", map[string]any{"ticketID": other, "title": "of another ticket"})
	if c.withTime {
		srv.Seed("TimeEntries", map[string]any{"ticketID": m.id})
	}
	time.Sleep(time.Minute) //nolint:forbidigo // virtual time: the work begins after what is there
	m.work = autotask.Resolution{Text: "done", Status: autotask.StatusComplete, Begun: time.Now()}
	if c.withNote {
		m.work.Note = note()
	}
	m.before = srv.Snapshot()
	m.client = srv.InProcessClient(autotask.WithMaxResponseBytes(256<<10), autotask.WithTransport(m.watch))
	return m
}

// play runs the work again and again, as a queue would, until it ends.
func (c matrixCase) play(t *testing.T) matrixVerdict {
	t.Helper()
	m := c.prepare(t)
	for _, f := range c.faults {
		if f.Edit != nil {
			f.Edit = m.editByHand
		}
		m.srv.Inject(f)
	}
	said := false
	for runs := 1; ; runs++ {
		outcome, err := m.client.Resolve(t.Context(), m.id, m.work)
		said = said || errors.Is(err, autotask.ErrAmbiguous) || strings.Contains(outcome.Steps[1].Reason, "may still turn up")
		if err == nil {
			break
		}
		if runs == 10 {
			return matrixVerdict{lost: []string{"it never ends: " + err.Error()}}
		}
		time.Sleep(10 * time.Minute) //nolint:forbidigo // virtual time: the queue's wait
	}
	m.srv.Land()
	return m.compare(said)
}

// compare holds the tenant to the expected end: one note, the text, the status,
// and everything else as it was.
func (m *matrixRun) compare(said bool) (v matrixVerdict) {
	after := m.srv.Snapshot()
	var notes []string
	for path, row := range after {
		before, was := m.before[path]
		switch {
		case path == "Tickets/"+idText(m.id):
			v.lost = append(v.lost, m.differences(before, row)...)
		case strings.HasPrefix(path, "TicketHistory/"): // tells of the changes that are compared here
		case strings.HasPrefix(path, "TicketNotes/") && !was:
			notes = append(notes, path)
		case before != row:
			v.lost = append(v.lost, path+" changed")
		}
	}
	for path := range m.before {
		if _, is := after[path]; !is {
			v.lost = append(v.lost, path+" is gone")
		}
	}
	want := 0
	if m.withNote {
		want = 1
	}
	switch {
	case len(notes) < want:
		v.lost = append(v.lost, "no note")
	case len(notes) > want && !said:
		v.doubled = append(v.doubled, fmt.Sprintf("%d notes", len(notes)))
	}
	for _, path := range notes {
		v.lost = append(v.lost, m.noteDiffers(after[path])...)
	}
	v.said = len(notes) > want
	v.struck = m.srv.PendingFaults() == 0
	return v
}

// noteDiffers holds a note to what was to be posted: a wrong publish would show
// internal text to the customer.
func (m *matrixRun) noteDiffers(row string) []string {
	var is map[string]any
	if err := json.Unmarshal([]byte(row), &is); err != nil {
		return []string{err.Error()}
	}
	n := note()
	var differ []string
	for name, want := range map[string]any{
		"ticketID": float64(m.id), "title": n.Title, "description": n.Description, "noteType": float64(n.NoteType), "publish": float64(n.Publish),
	} {
		if !reflect.DeepEqual(want, is[name]) {
			differ = append(differ, fmt.Sprintf("%s of the note is %v instead of %v", name, is[name], want))
		}
	}
	return differ
}

// differences of the ticket, but for what the work and Autotask itself change.
func (m *matrixRun) differences(before, after string) []string {
	var was, is map[string]any
	if err := errors.Join(json.Unmarshal([]byte(before), &was), json.Unmarshal([]byte(after), &is)); err != nil {
		return []string{err.Error()}
	}
	was["resolution"] = "done"
	if !m.withTime {
		was["status"] = float64(5)
	}
	var differ []string
	for _, name := range slices.Sorted(maps.Keys(was)) {
		switch {
		case readOnlyTicketFields[name] && name != "completedDate" && name != "resolvedDateTime":
		case name == "completedDate" || name == "resolvedDateTime":
			if (is[name] != nil) == m.withTime {
				differ = append(differ, fmt.Sprintf("%s is %v", name, is[name]))
			}
		case name == "purchaseOrderNumber" && m.editedAt > 0:
			if !m.editMayBeLost() && is[name] != editedTo {
				differ = append(differ, "an edit of somebody else is lost")
			}
		case !reflect.DeepEqual(was[name], is[name]):
			differ = append(differ, fmt.Sprintf("%s is %v instead of %v", name, is[name], was[name]))
		}
	}
	return differ
}

// watch notes the operations of the work as they are tried, and at which of
// them somebody else edits the ticket. The fake works on the goroutine of the
// caller, so that the last operation noted is the one that an edit is part of.
func (m *matrixRun) watch(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		m.tried = append(m.tried, req.Method)
		return next.RoundTrip(req)
	})
}

func (m *matrixRun) editByHand(row map[string]any) {
	row["purchaseOrderNumber"] = editedTo
	m.editedAt = len(m.tried)
}

// editMayBeLost: Autotask has no version check. What somebody else writes
// between the read and the write of an update is overwritten; and a write that
// lands late is not there until it lands.
func (m *matrixRun) editMayBeLost() bool {
	for _, f := range m.faults {
		if f.Linger > 0 && f.Skip < m.editedAt && m.tried[f.Skip] == http.MethodPut && f.Skip+f.Linger >= m.editedAt {
			return true
		}
	}
	return m.editedAt < len(m.tried) && m.tried[m.editedAt] == http.MethodPut
}

// matrixCases are all faults at all requests of all four kinds of work, singly
// and in every pair on different requests.
func matrixCases(t *testing.T, yield func(matrixCase) bool) {
	t.Helper()
	for _, c := range []matrixCase{{}, {withNote: true}, {withTime: true}, {withNote: true, withTime: true}} {
		var singles []matrixFault
		reads := 0
		for k, op := range c.requestsOf(t) {
			for _, f := range matrixFaults {
				if f.applies != nil && !f.applies(op) {
					continue
				}
				fault := f.fault
				fault.Skip = k
				if fault.Op != "" { // which counts its own requests only
					fault.Skip = reads
				}
				singles = append(singles, matrixFault{k, fmt.Sprintf("%s at request %d", f.name, k+1), fault})
			}
			if isTicketRead(op) {
				reads++
			}
		}
		for i, one := range singles {
			single := c
			single.name = fmt.Sprintf("note %t, time %t: %s", c.withNote, c.withTime, one.name)
			single.faults = []autotasktest.Fault{one.fault}
			if !yield(single) {
				return
			}
			for _, other := range singles[i+1:] {
				if other.request == one.request {
					continue
				}
				pair := single
				pair.name += ", " + other.name
				pair.faults = []autotasktest.Fault{one.fault, other.fault}
				if !yield(pair) {
					return
				}
			}
		}
	}
}

// matrixFault is one fault at one request of the work.
type matrixFault struct {
	request int
	name    string
	fault   autotasktest.Fault
}

// matrixSample is which part of the pairs is played under the race detector:
// every so many-th, and all single faults.
const matrixSample = 23

// TestFaultMatrix lets every fault befall every request of Resolve, singly and
// in pairs, repeats the work until it ends, and looks at what is left behind.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	every := 1
	if raceDetector {
		every = matrixSample // the detector makes it ten times as slow
	}
	var mu sync.Mutex
	cases, lost, doubled, said := 0, 0, 0, 0
	work := make(chan matrixCase, 64)
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for c := range work {
				var v matrixVerdict
				synctest.Test(t, func(t *testing.T) { v = c.play(t) })
				mu.Lock()
				if v.struck {
					cases++
				}
				if v.said {
					said++
				}
				if len(v.lost) > 0 {
					lost++
				}
				if len(v.doubled) > 0 {
					doubled++
				}
				if len(v.lost)+len(v.doubled) > 0 && lost+doubled <= 20 {
					t.Errorf("%s: lost %v, doubled %v", c.name, v.lost, v.doubled)
				}
				mu.Unlock()
			}
		})
	}
	pairs := 0
	matrixCases(t, func(c matrixCase) bool {
		if len(c.faults) > 1 {
			if pairs++; pairs%every != 0 {
				return true
			}
		}
		work <- c
		return true
	})
	close(work)
	workers.Wait()
	t.Logf("of these, %d end with two notes, the first of which showed up too late, and Resolve says so", said)
	_, err := fmt.Fprintf(t.Output(), "fault matrix: %d cases, %d lost, %d doubled\n", cases, lost, doubled)
	require.NoError(t, err)
}
