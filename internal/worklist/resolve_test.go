package worklist

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// open opens a result file, and closes it at the end of the test.
func open(t *testing.T, path string) *Results {
	t.Helper()
	r, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	return r
}

// statesIn returns the states in a result file, in its order.
func statesIn(t *testing.T, path string) (states []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	require.Equal(t, strings.Join(resultColumns, ","), lines[0])
	for _, line := range lines[1:] {
		states = append(states, strings.Split(line, ",")[3])
	}
	return states
}

// heard is what the events of a run said.
type heard struct {
	failed, recorded []string
	progress         int
}

func (h *heard) events() Events {
	return Events{
		Progress: func(autotask.ResolveProgress) { h.progress++ },
		Failed:   func(r Row, err error) { h.failed = append(h.failed, r.Number+": "+err.Error()) },
		Recorded: func(r Row, state string, _ *autotask.Outcome, _ error) error {
			h.recorded = append(h.recorded, r.Number+" "+state)
			return nil
		},
	}
}

// seeded seeds tickets, the first of which has a time entry, and returns their rows.
func seeded(srv *autotasktest.Server, n int) (rows []Row) {
	for i := range n {
		number := fmt.Sprintf("T20261127.%04d", i+1)
		id := srv.Seed("Tickets", map[string]any{"ticketNumber": number, "status": 1, "resolution": nil})
		if i == 0 {
			srv.Seed("TimeEntries", map[string]any{"ticketID": id})
		}
		rows = append(rows, Row{Line: i + 1, Number: number, Text: "It works.", Title: "Checked", Note: "No errors."})
	}
	return rows
}

var complete = Work{Status: autotask.StatusComplete, NoteType: 1, Publish: 1}

func TestResolveRecordsAndResumes(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	rows := append(seeded(srv, 2), Row{Line: 3, Number: "T20261127.0003", Text: "It works."})
	path := filepath.Join(t.TempDir(), "results.csv")
	r := open(t, path)
	require.Equal(t, rows, r.Pending(rows))
	var h heard
	sum, err := r.Resolve(t.Context(), srv.Client(), rows, complete, h.events())
	require.NoError(t, err)
	require.NoError(t, sum.Stopped)
	assert.Equal(t, "3 tickets: 1 resolved, 1 left open, because time is booked on them, 1 failed", sum.String())
	assert.Equal(t, 3, h.progress)
	assert.ElementsMatch(t, []string{"T20261127.0001 left open", "T20261127.0002 resolved", "T20261127.0003 failed"}, h.recorded)
	require.Len(t, h.failed, 1)
	assert.Contains(t, h.failed[0], "T20261127.0003: ")
	assert.Len(t, srv.Rows("TicketNotes"), 2)

	// Only what failed is left, and it keeps the time at which it began.
	began := r.begun(rows[2])
	r = open(t, path)
	require.Equal(t, rows[2:], r.Pending(rows))
	srv.Seed("Tickets", map[string]any{"ticketNumber": "T20261127.0003", "status": 1, "resolution": nil})
	on := (&heard{}).events()
	on.Recorded = nil
	sum, err = r.Resolve(t.Context(), srv.Client(), rows[2:], Work{}, on)
	require.NoError(t, err)
	assert.Equal(t, "1 ticket: 0 resolved, 1 written, with the status left alone", sum.String())
	assert.True(t, began.Equal(r.begun(rows[2])))
	assert.ElementsMatch(t, []string{"begun", "begun", "begun", "left open", "resolved", "failed", "written"}, statesIn(t, path))
	assert.Empty(t, open(t, path).Pending(rows))

	rows[0].Text = "Another text."
	assert.Equal(t, rows[:1], open(t, path).Pending(rows), "the same ticket with another text is another piece of work")
}

// A failure that would repeat for every ticket ends the run.
func TestResolveStops(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	rows := seeded(srv, 30)
	srv.Inject(autotasktest.Fault{Status: http.StatusUnauthorized, Times: -1})
	path := filepath.Join(t.TempDir(), "results.csv")
	var h heard
	sum, err := open(t, path).Resolve(t.Context(), srv.Client(), rows, complete, h.events())
	require.NoError(t, err)
	require.ErrorIs(t, sum.Stopped, autotask.ErrUnauthorized)
	assert.Positive(t, sum.NotBegun())
	assert.Contains(t, sum.String(), " not started")
	assert.Equal(t, rows, open(t, path).Pending(rows))
}

func TestResolveEndsWithTheContext(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	rows := seeded(srv, 5)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the user has had enough")
	cancel(cause)
	var h heard
	sum, err := open(t, filepath.Join(t.TempDir(), "results.csv")).Resolve(ctx, srv.Client(), rows, complete, h.events())
	require.NoError(t, err)
	require.ErrorIs(t, sum.Stopped, cause)
	assert.Equal(t, "5 tickets: 0 resolved, 5 not started", sum.String())
	assert.Empty(t, h.failed)
}

// A result that could not be recorded ends the run at once, and so does an error of
// Recorded.
func TestResolveEndsIfNothingCanBeRecorded(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	rows := seeded(srv, 1)
	path := filepath.Join(t.TempDir(), "results.csv")
	full := errors.New("the output is full")
	on := (&heard{}).events()
	on.Recorded = func(Row, string, *autotask.Outcome, error) error { return full }
	_, err := open(t, path).Resolve(t.Context(), srv.Client(), rows, complete, on)
	require.ErrorIs(t, err, full)
	assert.Empty(t, open(t, path).Pending(rows), "the result was recorded before")

	rows[0].Text = "Another text."
	closed, err := Open(path)
	require.NoError(t, err)
	require.NoError(t, closed.begin(rows))
	require.NoError(t, closed.Close())
	_, err = closed.Resolve(t.Context(), srv.Client(), rows, complete, (&heard{}).events())
	require.ErrorContains(t, err, "the result file cannot be written")
	rows[0].Text = "And another one."
	srv.ResetRequests()
	_, err = closed.Resolve(t.Context(), srv.Client(), rows, complete, (&heard{}).events())
	require.ErrorIs(t, err, os.ErrClosed)
	assert.Empty(t, srv.Requests(), "nothing is sent before its beginning is recorded")
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	head := strings.Join(resultColumns, ",") + "\n"
	for text, says := range map[string]string{
		"my own file\n":                        "it is not a result file of this program, and was not changed",
		head + "yesterday,T1,x,begun,,,,\n":    `line 2: "yesterday" is not a time`,
		head + "2026-11-27T12:00:00Z,T1,x,a\n": "wrong number of fields",
	} {
		path := filepath.Join(t.TempDir(), "results.csv")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := Open(path)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, path)
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, text, string(kept))
	}
	_, err := Open("no/such/dir/results.csv")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A file that was cut short at any byte is read up to its last whole line.
func TestOpenCutsATornLine(t *testing.T) {
	t.Parallel()
	rows, bad := parse([]byte("T1,x\nT2,y\n"), Form{Separator: ','})
	require.Empty(t, bad)
	path := filepath.Join(t.TempDir(), "results.csv")
	first := open(t, path)
	require.NoError(t, first.begin(rows))
	require.NoError(t, first.end(rows[0], stateResolved, &autotask.Outcome{TicketID: 7, NoteID: 8, Requests: 5}, errors.New("two\nlines")))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(string(whole), ",resolved,7,8,5,two lines\n"))
	for cut := range whole {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		r, err := Open(path)
		require.NoError(t, err)
		require.Len(t, r.Pending(rows), 2)
		require.NoError(t, r.begin(rows))
		require.NoError(t, r.begin(rows))
		require.NoError(t, r.Close())
		require.Equal(t, []string{"begun", "begun"}, statesIn(t, path))
	}
}

func TestRehearseOnlyReads(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	rows := append(seeded(srv, 3), Row{Number: "T20261127.0009", Text: "x"})
	rows[2].Note, rows[2].Title, rows[2].Text = "", "", "x"
	before := srv.Snapshot()
	for name, test := range map[string]struct {
		work Work
		want []string
	}{
		"complete": {complete, []string{
			`would post the note "Checked", write a resolution of 9 characters, keep the status 1, because time is booked on it`,
			`would post the note "Checked", write a resolution of 9 characters, change the status from 1 to 5`,
			`would write a resolution of 1 character, change the status from 1 to 5`,
		}},
		"no status": {Work{}, []string{
			`would post the note "Checked", write a resolution of 9 characters, keep the status`,
			`would post the note "Checked", write a resolution of 9 characters, keep the status`,
			`would write a resolution of 1 character, keep the status`,
		}},
		"its own status": {Work{Status: 1}, []string{
			`would post the note "Checked", write a resolution of 9 characters, keep the status 1`,
			`would post the note "Checked", write a resolution of 9 characters, keep the status 1`,
			`would write a resolution of 1 character, keep the status 1`,
		}},
	} {
		plans, errs := make([]string, len(rows)), make([]error, len(rows))
		failed, err := Rehearse(t.Context(), srv.Client(autotask.WithReadOnly()), rows, test.work, func(i int, plan string, err error) { plans[i], errs[i] = plan, err })
		require.NoError(t, err)
		assert.Equal(t, 1, failed)
		assert.Equal(t, append(test.want, ""), plans, name)
		require.ErrorIs(t, errs[3], autotask.ErrNotFound)
	}
	assert.Equal(t, before, srv.Snapshot())
}

func TestRehearseEnds(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	rows := seeded(srv, 20)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Rehearse(ctx, srv.Client(), rows, complete, func(int, string, error) { t.Error("it has ended") })
	require.ErrorIs(t, err, context.Canceled)
	srv.Inject(autotasktest.Fault{Status: http.StatusUnauthorized, Times: -1})
	failed, err := Rehearse(t.Context(), srv.Client(), rows, complete, func(int, string, error) {})
	require.ErrorIs(t, err, autotask.ErrUnauthorized)
	assert.Positive(t, failed)
	srv = autotasktest.NewServer(t)
	rows = seeded(srv, 1)
	srv.Inject(autotasktest.Fault{Op: "POST TimeEntries/query", Status: http.StatusUnauthorized, Times: -1})
	_, err = Rehearse(t.Context(), srv.Client(), rows, complete, func(int, string, error) {})
	require.ErrorIs(t, err, autotask.ErrUnauthorized)
}
