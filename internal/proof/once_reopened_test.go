package proof_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// onceKeys are the ways in which a repeat knows its own note.
var onceKeys = map[string]func(r *autotask.Resolution, startedAt time.Time, first *autotask.Outcome){
	"StartedAt": func(r *autotask.Resolution, startedAt time.Time, _ *autotask.Outcome) { r.StartedAt = startedAt },
	"Ref":       func(r *autotask.Resolution, _ time.Time, _ *autotask.Outcome) { r.Ref = "job 7" },
	"NoteID":    func(r *autotask.Resolution, _ time.Time, first *autotask.Outcome) { r.NoteID = first.NoteID },
}

const historyOp = "POST TicketHistory/query"

// reopen is one story of a work that is done, and repeated after what others did.
type reopen struct {
	srv    *autotasktest.Server
	client *autotask.Client
	id     int64
	work   autotask.Resolution
}

func forEachKey(t *testing.T, story func(t *testing.T, r *reopen, again func() (*autotask.Outcome, error))) {
	t.Helper()
	for key, set := range onceKeys {
		for _, sameClient := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, same client %v", key, sameClient), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := &reopen{srv: autotasktest.NewInProcess(t)}
					r.client, r.id = r.srv.InProcessClient(), seedRows(r.srv).ticket
					kit.Pass(time.Hour)
					startedAt := time.Now()
					r.work = autotask.Resolution{Text: "done", Note: kit.Note(), Status: autotask.StatusComplete}
					set(&r.work, startedAt, &autotask.Outcome{})
					story(t, r, func() (*autotask.Outcome, error) {
						if !sameClient {
							r.client = r.srv.InProcessClient()
						}
						notes := r.srv.Rows("TicketNotes")
						require.Len(t, notes, 1)
						var noteID int64
						_, err := fmt.Sscan(kit.IDOf(notes[0]["id"]), &noteID)
						require.NoError(t, err)
						set(&r.work, startedAt, &autotask.Outcome{NoteID: noteID})
						r.srv.ResetRequests()
						return r.client.Resolve(t.Context(), r.id, r.work)
					})
					assert.Len(t, r.srv.Rows("TicketNotes"), 1)
				})
			})
		}
	}
}

func (r *reopen) status() string { return kit.IDOf(r.srv.Get("Tickets", r.id)["status"]) }

func (r *reopen) change(status int) {
	kit.Pass(time.Minute)
	r.srv.Change("Tickets", r.id, map[string]any{"status": status})
	kit.Pass(time.Minute)
}

// A repeat does not close what somebody has reopened since.
func TestOnce_14_ARepeatLeavesAReopenedTicketOpen(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string][]int{"once": {10}, "and moved on": {8, 10}, "closed again, and reopened": {1, 5, 10}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachKey(t, func(t *testing.T, r *reopen, again func() (*autotask.Outcome, error)) {
				_, err := r.client.Resolve(t.Context(), r.id, r.work)
				require.NoError(t, err)
				assert.Zero(t, kit.Count(r.srv, historyOp), "a first run does not ask")
				for _, status := range changes {
					r.change(status)
				}
				for range 2 {
					outcome, err := again()
					require.NoError(t, err)
					assert.Equal(t, "10", r.status())
					assert.Equal(t, autotask.StateSkipped, kit.StepStates(outcome)[autotask.StepStatus])
					assert.Contains(t, outcome.Steps[4].Reason, "reopened since")
					assert.False(t, outcome.Resolved)
					assert.Equal(t, 1, kit.Count(r.srv, historyOp))
					assert.Empty(t, kit.Writes(r.srv))
				}
			})
		})
	}
}

// A repeat of what is done and stays done asks for no history.
func TestOnce_14_ARepeatOfWhatIsDoneWritesNothing(t *testing.T) {
	t.Parallel()
	forEachKey(t, func(t *testing.T, r *reopen, again func() (*autotask.Outcome, error)) {
		_, err := r.client.Resolve(t.Context(), r.id, r.work)
		require.NoError(t, err)
		outcome, err := again()
		require.NoError(t, err)
		assert.True(t, outcome.Resolved)
		assert.Equal(t, autotask.StateAlreadyDone, kit.StepStates(outcome)[autotask.StepStatus])
		assert.Zero(t, kit.Count(r.srv, historyOp))
		assert.Empty(t, kit.Writes(r.srv))
	})
}

// A run that was killed when its note was posted has not closed anything: the
// repeat does, whatever happened before the note or to the status after it.
func TestOnce_14_ARepeatOfAKilledRunCloses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct{ before, after []int }{
		"nothing else":                  {nil, nil},
		"moved since, but never closed": {nil, []int{8, 10}},
		"closed and reopened before":    {[]int{5, 10}, nil},
		"both":                          {[]int{5, 1}, []int{8}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachKey(t, func(t *testing.T, r *reopen, again func() (*autotask.Outcome, error)) {
				for _, status := range change.before {
					r.change(status)
				}
				ctx, kill := context.WithCancel(t.Context())
				work := r.work
				calls := 0
				work.If = func(*autotask.Ticket) error {
					if calls++; calls == 2 {
						kill()
					}
					return ctx.Err()
				}
				_, err := r.client.Resolve(ctx, r.id, work)
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, []string{"POST Tickets/Notes"}, kit.Writes(r.srv))
				for _, status := range change.after {
					r.change(status)
				}
				outcome, err := again()
				require.NoError(t, err)
				assert.True(t, outcome.Resolved)
				assert.Equal(t, "5", r.status())
			})
		})
	}
}

// Where the history may not be read, the caller decides.
func TestOnce_14_WhereTheHistoryDoesNotTellTheCallerDecides(t *testing.T) {
	t.Parallel()
	veto := errors.New("somebody is at it")
	for _, refusal := range []autotasktest.Fault{
		{Status: 500, Body: `{"errors":["The logged in Resource does not have the adequate permissions to query this entity type."]}`},
		{Status: 403},
	} {
		for _, vetoes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, vetoed %v", refusal.Status, vetoes), func(t *testing.T) {
				t.Parallel()
				forEachKey(t, func(t *testing.T, r *reopen, again func() (*autotask.Outcome, error)) {
					_, err := r.client.Resolve(t.Context(), r.id, r.work)
					require.NoError(t, err)
					r.change(10)
					fault := refusal
					fault.Op, fault.Times = historyOp, -1
					r.srv.Inject(fault)
					r.work.If = func(k *autotask.Ticket) error {
						assert.EqualValues(t, 10, k.Status)
						if vetoes {
							return veto
						}
						return nil
					}
					_, err = again()
					if vetoes {
						require.ErrorIs(t, err, veto)
						assert.Equal(t, "10", r.status())
						assert.Empty(t, kit.Writes(r.srv))
						return
					}
					require.NoError(t, err)
					assert.Equal(t, "5", r.status())
				})
			})
		}
	}
}

// A history that cannot be read just now is no permission to close.
func TestOnce_14_AHistoryThatIsDownClosesNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range []autotasktest.Fault{{Status: 503}, {DropRequest: true}, {Hang: true}, {Status: 429}} {
		t.Run(fmt.Sprintf("%d, dropped %v", fault.Status, fault.DropRequest), func(t *testing.T) {
			t.Parallel()
			forEachKey(t, func(t *testing.T, r *reopen, again func() (*autotask.Outcome, error)) {
				_, err := r.client.Resolve(t.Context(), r.id, r.work)
				require.NoError(t, err)
				r.change(10)
				f := fault
				f.Op, f.Times = historyOp, -1
				r.srv.Inject(f)
				_, err = again()
				require.Error(t, err)
				assert.Equal(t, "10", r.status())
				assert.Empty(t, kit.Writes(r.srv))
			})
		})
	}
}
