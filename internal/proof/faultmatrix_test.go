package proof_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
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
	{"slow drip", autotasktest.Fault{SlowBody: time.Second}, nil},
	{"oversized", autotasktest.Fault{Oversize: 1 << 20}, nil},
	{"redirect", autotasktest.Fault{Redirect: "https://elsewhere.example/"}, nil},
	{"foreign next page", autotasktest.Fault{ForeignNextPage: "https://elsewhere.example"}, isQuery},
	{"repeated next page", autotasktest.Fault{RepeatNextPage: true}, isQuery},
	{"write ignored", autotasktest.Fault{IgnoreWrite: true}, kit.IsWrite},
	{"write reverted", autotasktest.Fault{Revert: true}, kit.IsWrite},
	{"note shows late", autotasktest.Fault{HideFromQueries: 1}, isPost},
	{"note shows later", autotasktest.Fault{HideFromQueries: 3}, isPost},
	{"note shows after a while", autotasktest.Fault{Lag: 4 * time.Minute}, isPost},
	{"lost, and shows late", autotasktest.Fault{HideFromQueries: 1, DropResponse: true}, isPost},
	{"lost, and shows after a while", autotasktest.Fault{Lag: 2 * time.Minute, DropResponse: true}, isPost},
	// Autotask goes on with a write that its client has given up, for five
	// minutes at most.
	{"lands when given up", autotasktest.Fault{ApplyAfter: 1, Hang: true}, kit.IsWrite},
	{"lands after the next search", autotasktest.Fault{ApplyAfter: 2, Hang: true}, kit.IsWrite},
	{"lands after the next write", autotasktest.Fault{ApplyAfter: 4, Hang: true}, kit.IsWrite},
	{"lands in the end", autotasktest.Fault{ApplyAfter: 100, Hang: true}, kit.IsWrite},
	{"cut, and lands soon", autotasktest.Fault{ApplyAfter: 2}, kit.IsWrite},
	{"cut, and lands later", autotasktest.Fault{ApplyAfter: 5}, kit.IsWrite},
	{"cut, and lands in the end", autotasktest.Fault{ApplyAfter: 100}, kit.IsWrite},
	{"cut, and lands 10 s later", autotasktest.Fault{Lands: 10 * time.Second}, kit.IsWrite},
	{"cut, and lands 4 min later", autotasktest.Fault{Lands: 4 * time.Minute}, kit.IsWrite},
	{"given up, and lands 4 min after it came", autotasktest.Fault{Lands: 4 * time.Minute, Hang: true}, kit.IsWrite},
	{"504, and lands at once", autotasktest.Fault{Status: 504, Lands: time.Nanosecond}, kit.IsWrite},
	{"504, and lands 4 min later", autotasktest.Fault{Status: 504, Lands: 4 * time.Minute}, kit.IsWrite},
	{"502, and lands in the last moment", autotasktest.Fault{Status: 502, Lands: 5 * time.Minute}, kit.IsWrite},
	{"edited by somebody else", autotasktest.Fault{Op: "GET Tickets", Edit: editByHand}, isTicketRead},
}

func isQuery(op string) bool      { return strings.HasSuffix(op, "/query") }
func isPost(op string) bool       { return op == "POST Tickets/Notes" }
func isTicketRead(op string) bool { return op == "GET Tickets" }

// editByHand stands for what another user does to a ticket between a read and
// a write; each case has an edit of its own in its place.
func editByHand(map[string]any) {}

const editedTo = "PO of somebody else"

// matrixRepeat is who repeats the work until it ends.
type matrixRepeat int

const (
	sameClient  matrixRepeat = iota
	otherClient              // another process each time, which knows nothing but RetryAfter
	twoAtOnce                // two processes at the same time, both of which repeat it
	matrixRepeats
)

func (r matrixRepeat) String() string {
	return [...]string{"same client", "another client", "two at once"}[r]
}

// matrixCase is one tenant, one piece of work and the faults that befall it.
type matrixCase struct {
	withNote, withTime bool
	repeat             matrixRepeat
	faults             []autotasktest.Fault
	name               string
}

// verdict of a case.
type matrixVerdict struct {
	lost, doubled, undone []string
	// excused: there are two notes, and an error has named both; or a write of one
	// process landed after another one, which cannot know of it, had ended.
	excused bool
	struck  bool // every fault came about
}

// requestsOf lists the operations of the work when nothing goes wrong.
func (c matrixCase) requestsOf(t *testing.T) []string {
	t.Helper()
	var all []string
	synctest.Test(t, func(t *testing.T) {
		m := c.prepare(t)
		_, err := m.client.Resolve(t.Context(), m.id, m.work)
		require.NoError(t, err)
		all = kit.Ops(m.srv)
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

	mu       sync.Mutex
	tried    []attempted // in order
	editedAt int         // how many were tried when somebody else edited the ticket; 0 is never
	edited   time.Time
	resolved bool // a run has said so
	reopened bool // a run has said that somebody else changed the status
	named    []int64
}

type attempted struct {
	method string
	at     time.Time
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
	m.work = autotask.Resolution{Text: "done", Status: autotask.StatusComplete, StartedAt: time.Now()}
	if c.withNote {
		m.work.Note = kit.Note()
	}
	m.before = srv.Snapshot()
	m.client = m.newClient()
	return m
}

func (m *matrixRun) newClient() *autotask.Client {
	return m.srv.InProcessClient(autotask.WithMaxResponseBytes(256<<10), autotask.WithMiddleware(m.watch))
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
	var processes sync.WaitGroup
	workers := 1
	if c.repeat == twoAtOnce {
		workers = 2
	}
	ends := make([]error, workers)
	for i := range workers {
		processes.Go(func() { ends[i] = m.untilDone(t.Context()) })
	}
	processes.Wait()
	if err := errors.Join(ends...); err != nil {
		return matrixVerdict{lost: []string{"it never ends: " + err.Error()}}
	}
	m.srv.ApplyPending()
	return m.compare()
}

// untilDone repeats the work as a queue does, after the time that the error asks
// for. Where a person has to choose between two notes, the first is the one.
func (m *matrixRun) untilDone(ctx context.Context) error {
	client, work := m.client, m.work
	for runs := 1; ; runs++ {
		if runs > 1 && m.repeat != sameClient || m.repeat == twoAtOnce {
			client = m.newClient()
		}
		outcome, err := client.Resolve(ctx, m.id, work)
		if err == nil {
			m.ended(outcome)
			return nil
		}
		if runs == 12 {
			return err
		}
		wait := 10 * time.Minute
		var e *autotask.Error
		if errors.As(err, &e) && errors.Is(err, autotask.ErrOutcomeUnknown) {
			wait = e.RetryAfter
		}
		var both *autotask.AmbiguousError
		if errors.As(err, &both) && both.What == "note" {
			work.NoteID = m.chosen(both)
		}
		time.Sleep(wait) //nolint:forbidigo // virtual time: the queue's wait
	}
}

func (m *matrixRun) ended(outcome *autotask.Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resolved = m.resolved || outcome.Resolved
	m.reopened = m.reopened || strings.Contains(outcome.Steps[4].Reason, "reopened since")
}

func (m *matrixRun) chosen(both *autotask.AmbiguousError) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(both.IDs()) > 1 {
		m.named = both.IDs()
	}
	return both.IDs()[0]
}

// compare holds the tenant to the expected end: one note, the text, the status,
// and everything else as it was.
func (m *matrixRun) compare() (v matrixVerdict) {
	after := m.srv.Snapshot()
	var notes []string
	for path, row := range after {
		before, was := m.before[path]
		switch {
		case path == "Tickets/"+kit.IDText(m.id):
			m.judgeTicket(&v, before, row)
		case strings.HasPrefix(path, "TicketHistory/"): // tells of the changes that are compared here
		case strings.HasPrefix(path, "TicketNotes/") && !was:
			notes = append(notes, path)
		case strings.HasPrefix(path, "TicketHistory/"):
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
	case len(notes) > want && len(m.named) < len(notes):
		v.doubled = append(v.doubled, fmt.Sprintf("%d notes", len(notes)))
	}
	for _, path := range notes {
		v.lost = append(v.lost, m.noteDiffers(after[path])...)
	}
	v.excused = len(notes) > want
	if m.repeat == twoAtOnce && m.landsLate() {
		v.excused = v.excused || len(v.undone)+len(v.doubled) > 0
		v.undone, v.doubled = nil, nil
	}
	v.struck = m.srv.PendingFaults() == 0
	return v
}

// landsLate: a write, or a note that was created, is hidden for a while from
// those who do not know of it.
func (m *matrixRun) landsLate() bool {
	return slices.ContainsFunc(m.faults, func(f autotasktest.Fault) bool { return f.ApplyAfter > 0 || f.Lands > 0 || f.Lag > 0 })
}

// noteDiffers holds a note to what was to be posted: a wrong publish would show
// internal text to the customer.
func (m *matrixRun) noteDiffers(row string) []string {
	var is map[string]any
	if err := json.Unmarshal([]byte(row), &is); err != nil {
		return []string{err.Error()}
	}
	n := kit.Note()
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

// judgeTicket holds the ticket to what the work was to make of it, and to
// nothing else having changed.
func (m *matrixRun) judgeTicket(v *matrixVerdict, before, after string) {
	var was, is map[string]any
	if err := errors.Join(json.Unmarshal([]byte(before), &was), json.Unmarshal([]byte(after), &is)); err != nil {
		v.lost = append(v.lost, err.Error())
		return
	}
	closed := !m.withTime && !m.reopened
	was["resolution"] = "done"
	if closed {
		was["status"] = float64(5)
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		differs := ""
		switch {
		case kit.ReadOnlyTicketFields[name] && name != "completedDate" && name != "resolvedDateTime":
		case name == "completedDate" || name == "resolvedDateTime":
			if (is[name] != nil) != closed {
				differs = fmt.Sprintf("%s is %v", name, is[name])
			}
		case name == "purchaseOrderNumber" && m.editedAt > 0:
			if !m.editMayBeLost() && is[name] != editedTo {
				differs = "an edit of somebody else is lost"
			}
		case !reflect.DeepEqual(was[name], is[name]):
			differs = fmt.Sprintf("%s is %v instead of %v", name, is[name], was[name])
		}
		switch {
		case differs == "":
		case m.resolved:
			v.undone = append(v.undone, differs)
		default:
			v.lost = append(v.lost, differs)
		}
	}
	if m.reopened && !m.mayBeReopened() {
		v.lost = append(v.lost, "nobody has reopened it")
	}
}

// mayBeReopened: a rule took a status back, or another process wrote the ticket
// as it was before.
func (m *matrixRun) mayBeReopened() bool {
	return m.repeat == twoAtOnce || slices.ContainsFunc(m.faults, func(f autotasktest.Fault) bool { return f.Revert || f.IgnoreWrite })
}

// watch notes the operations of the work as they are tried, and at which of
// them somebody else edits the ticket. The fake works on the goroutine of the
// caller, so that the last operation noted is the one that an edit is part of.
func (m *matrixRun) watch(next http.RoundTripper) http.RoundTripper {
	return kit.RoundTripper(func(req *http.Request) (*http.Response, error) {
		m.mu.Lock()
		m.tried = append(m.tried, attempted{req.Method, time.Now()})
		m.mu.Unlock()
		return next.RoundTrip(req)
	})
}

func (m *matrixRun) editByHand(row map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row["purchaseOrderNumber"] = editedTo
	m.editedAt, m.edited = len(m.tried), time.Now()
}

// editMayBeLost: Autotask has no version check. What somebody else writes
// between the read and the write of an update is overwritten; and a write that
// lands late is not there until it lands.
func (m *matrixRun) editMayBeLost() bool {
	if m.repeat == twoAtOnce {
		return true
	}
	for _, f := range m.faults {
		if f.ApplyAfter == 0 && f.Lands == 0 || f.Skip >= m.editedAt || m.tried[f.Skip].method != http.MethodPut {
			continue
		}
		if f.ApplyAfter > 0 && f.Skip+f.ApplyAfter >= m.editedAt || f.Lands > 0 && m.edited.Sub(m.tried[f.Skip].at) <= f.Lands {
			return true
		}
	}
	return m.editedAt < len(m.tried) && m.tried[m.editedAt].method == http.MethodPut
}

// matrixCases are all faults at all requests of all four kinds of work, singly
// and in every pair on different requests. The work is repeated by the same
// client, and where a write may have been carried out unseen, by others, too.
func matrixCases(t *testing.T, yield func(matrixCase) bool) {
	t.Helper()
	for _, c := range []matrixCase{{}, {withNote: true}, {withTime: true}, {withNote: true, withTime: true}} {
		singles := c.singles(t)
		for i, one := range singles {
			if !c.with(one).repeated(yield) {
				return
			}
			for _, other := range singles[i+1:] {
				if other.request != one.request && !c.with(one, other).repeated(yield) {
					return
				}
			}
		}
	}
}

// singles are all faults at all requests of the work.
func (c matrixCase) singles(t *testing.T) (singles []matrixFault) {
	t.Helper()
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
	return singles
}

// with is the case with faults.
func (c matrixCase) with(faults ...matrixFault) matrixCase {
	c.name = fmt.Sprintf("note %t, time %t", c.withNote, c.withTime)
	for _, f := range faults {
		c.name += ", " + f.name
		c.faults = append(c.faults, f.fault)
	}
	return c
}

// repeated yields the case with everybody who may repeat it.
func (c matrixCase) repeated(yield func(matrixCase) bool) bool {
	for c.repeat = range matrixRepeats {
		if c.repeat != sameClient && !c.mayHideAWrite() {
			break
		}
		if !yield(c) {
			return false
		}
	}
	return true
}

// mayHideAWrite: a fault of the case lands late or shows late, so that it matters
// who looks for it. A number of searches passes in no time, and says nothing to
// another process that waits for some.
func (c matrixCase) mayHideAWrite() bool {
	hides := false
	for _, f := range c.faults {
		if f.HideFromQueries > 0 {
			return false
		}
		hides = hides || f.ApplyAfter > 0 || f.Lands > 0 || f.Lag > 0 || f.DropResponse
	}
	return hides
}

// matrixFault is one fault at one request of the work.
type matrixFault struct {
	request int
	name    string
	fault   autotasktest.Fault
}

// matrixAll makes the test play every case. It is a step of its own in CI.
const matrixAll = "AUTOTASK_MATRIX"

// The part of the pairs that is played otherwise: every so many-th, and all
// single faults.
const (
	matrixSample     = 307
	matrixRaceSample = 1999 // the detector makes it ten times as slow
)

// playsAll reports whether the tests that go through many cases play all of them.
func playsAll() bool { return os.Getenv(matrixAll) == "all" }

// playedPart is whole when all is played, and otherwise part.
func playedPart[N int | uint64](whole, part N) N {
	if playsAll() {
		return whole
	}
	return part
}

// matrixCount adds up verdicts.
type matrixCount struct {
	mu                           sync.Mutex
	cases, lost, doubled, undone int
	excused                      [matrixRepeats]int
}

func (n *matrixCount) add(t *testing.T, c matrixCase, v matrixVerdict) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if v.struck {
		n.cases++
	}
	if v.excused {
		n.excused[c.repeat]++
	}
	for _, bad := range []struct {
		what []string
		sum  *int
	}{{v.lost, &n.lost}, {v.doubled, &n.doubled}, {v.undone, &n.undone}} {
		if len(bad.what) > 0 {
			*bad.sum++
		}
	}
	if len(v.lost)+len(v.doubled)+len(v.undone) > 0 && n.lost+n.doubled+n.undone <= 20 {
		t.Errorf("%s, %s: lost %v, doubled %v, undone %v", c.repeat, c.name, v.lost, v.doubled, v.undone)
	}
}

// TestFaultMatrix lets every fault befall every request of Resolve, singly and
// in pairs, repeats the work until it ends, and looks at what is left behind.
// With AUTOTASK_MATRIX=all it plays all pairs.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	every := matrixSample
	switch {
	case playsAll():
		every = 1
	case kit.RaceDetector:
		every = matrixRaceSample
	}
	var n matrixCount
	work := make(chan matrixCase, 64)
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for c := range work {
				var v matrixVerdict
				synctest.Test(t, func(t *testing.T) { v = c.play(t) })
				n.add(t, c, v)
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
	assert.Zero(t, n.excused[sameClient], "two notes with one process, and an error that names both")
	assert.Zero(t, n.excused[otherClient], "two notes with processes that wait as they are asked to")
	t.Logf("with two processes at once, which share nothing, %d cases end with two notes that an error names, or with a write of the one that lands when the other is done", n.excused[twoAtOnce])
	_, err := fmt.Fprintf(t.Output(), "fault matrix: %d cases, %d lost, %d doubled, %d undone\n", n.cases, n.lost, n.doubled, n.undone)
	require.NoError(t, err)
}
