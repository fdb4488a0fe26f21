package autotask_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestResolve_RepeatedWithBegunPostsNoSecondNote(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	work := autotask.Resolution{Text: "done", Note: note(), Status: 5, StartedAt: begun}
	first, err := client.Resolve(t.Context(), id, work)
	require.NoError(t, err)
	srv.ResetRequests()
	second, err := client.Resolve(t.Context(), id, work)
	require.NoError(t, err)
	assert.Empty(t, writes(srv), "everything holds already")
	assert.Equal(t, first.NoteID, second.NoteID)
	assert.True(t, second.Resolved)
	assert.Len(t, srv.Rows("TicketNotes"), 1)
	assert.Equal(t, map[autotask.StepName]autotask.StepState{
		autotask.StepGet: autotask.StateDone, autotask.StepNote: autotask.StateAlreadyDone, autotask.StepResolution: autotask.StateAlreadyDone,
		autotask.StepTimeEntries: autotask.StateDone, autotask.StepStatus: autotask.StateAlreadyDone,
	}, stepStates(second))
	for _, s := range second.Steps {
		assert.NotEmpty(t, s.Reason, s.Name)
	}
}

func TestResolve_WithoutBegunARunTrustsOnlyItself(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	for range 2 {
		_, err := client.Resolve(t.Context(), id, autotask.Resolution{Note: note()})
		require.NoError(t, err)
	}
	assert.Len(t, srv.Rows("TicketNotes"), 2)
}

func TestResolve_OnlyTheSameNoteSinceBegunCounts(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	same := func() map[string]any {
		return map[string]any{"title": "Backup checked", "description": "Second run: no errors.", "noteType": 1, "publish": 2, "createDateTime": "2026-11-23T02:00:05Z"}
	}
	with := func(name string, v any) map[string]any {
		row := same()
		row[name] = v
		return row
	}
	for name, test := range map[string]struct {
		row  map[string]any
		ours bool
	}{
		"the same":                               {same(), true},
		"line endings and outer white space":     {with("description", "  Second run: no errors.\r\n"), true},
		"at the very moment":                     {with("createDateTime", "2026-11-23T02:00:00Z"), true},
		"at the very moment, coarsely":           {with("createDateTime", "2026-11-23T01:59:59Z"), true},
		"without a zone designator":              {with("createDateTime", "2026-11-23T02:00:05.12"), true},
		"an older twin":                          {with("createDateTime", "2026-11-22T02:00:05Z"), false},
		"an older twin from five minutes before": {with("createDateTime", "2026-11-23T01:55:00Z"), false},
		"another title":                          {with("title", "Backup not checked"), false},
		"another description":                    {with("description", "Third run: no errors."), false},
		"another type":                           {with("noteType", 2), false},
		"another audience":                       {with("publish", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, client := tenant(t)
			id := srv.Seed("Tickets", nil)
			test.row["ticketID"] = id
			noteID := srv.Seed("TicketNotes", test.row)
			outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Note: note(), StartedAt: start})
			require.NoError(t, err)
			assert.Equal(t, test.ours, outcome.NoteID == noteID)
			if test.ours {
				assert.Equal(t, autotask.StateAlreadyDone, stepStates(outcome)[autotask.StepNote])
				assert.Empty(t, writes(srv))
			} else {
				assert.Equal(t, []string{"POST Tickets/Notes"}, writes(srv))
			}
		})
	}
}

func TestResolve_AnotherTicketsNoteDoesNotCount(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	a, b := srv.Seed("Tickets", nil), srv.Seed("Tickets", nil)
	work := autotask.Resolution{Note: note(), StartedAt: begun}
	for _, id := range []int64{a, b} {
		_, err := client.Resolve(t.Context(), id, work)
		require.NoError(t, err)
	}
	assert.Len(t, srv.Rows("TicketNotes"), 2)
}

func TestResolve_ClocksMayDiffer(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"server ahead": 3 * time.Hour, "server behind": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, client := tenant(t)
			srv.SetClock(func() time.Time { return time.Now().Add(skew) })
			id := srv.Seed("Tickets", map[string]any{"status": 1})
			// The twin of an hour ago is older than StartedAt by either clock, rightly read.
			srv.Seed("TicketNotes", map[string]any{
				"ticketID": id, "title": "Backup checked", "description": "Second run: no errors.", "noteType": 1, "publish": 2,
				"createDateTime": time.Now().Add(skew - time.Hour).UTC().Format(time.RFC3339),
			})
			work := autotask.Resolution{Note: note(), StartedAt: time.Now()}
			first, err := client.Resolve(t.Context(), id, work)
			require.NoError(t, err)
			assert.Equal(t, autotask.StateDone, stepStates(first)[autotask.StepNote])
			second, err := client.Resolve(t.Context(), id, work)
			require.NoError(t, err)
			assert.Equal(t, first.NoteID, second.NoteID)
			assert.Len(t, srv.Rows("TicketNotes"), 2)
		})
	}
}

func TestResolve_LostAnswerToTheNote(t *testing.T) {
	t.Parallel()
	for name, begun := range map[string]time.Time{"with StartedAt": begun, "without": {}} {
		t.Run("carried out, "+name, func(t *testing.T) {
			t.Parallel()
			srv, client := tenant(t)
			id := srv.Seed("Tickets", nil)
			srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropResponse: true})
			outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Note: note(), StartedAt: begun})
			require.NoError(t, err)
			rows := srv.Rows("TicketNotes")
			require.Len(t, rows, 1)
			assert.Equal(t, idText(outcome.NoteID), idOf(rows[0]["id"]))
		})
	}
	t.Run("not carried out", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			client := srv.Client()
			id := srv.Seed("Tickets", map[string]any{"status": 1})
			srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropRequest: true})
			work := autotask.Resolution{Text: "done", Note: note(), Status: 5, StartedAt: time.Now()}
			outcome, err := client.Resolve(t.Context(), id, work)
			require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
			assert.Equal(t, autotask.StateFailed, stepStates(outcome)[autotask.StepNote])
			assert.Equal(t, autotask.StateSkipped, stepStates(outcome)[autotask.StepResolution])
			assert.NotNil(t, outcome.Ticket, "what was read comes back beside the error")
			assert.Equal(t, []string{"POST Tickets/Notes"}, writes(srv), "nothing after the step that failed")

			_, again := client.Resolve(t.Context(), id, work)
			require.ErrorIs(t, again, autotask.ErrOutcomeUnknown)
			assert.Len(t, writes(srv), 1, "the post may still be carried out")

			pass(retryAfter(t, err))
			outcome, err = client.Resolve(t.Context(), id, work)
			require.NoError(t, err)
			assert.True(t, outcome.Resolved)
			assert.Len(t, srv.Rows("TicketNotes"), 1)
		})
	})
}

func TestResolve_ErrorHalfWayTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	srv.Inject(autotasktest.Fault{Op: "POST TimeEntries/query", Times: -1, Status: 500, Body: `{"errors":["The logged in Resource does not have the adequate permissions to query this entity type."]}`})
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Note: note(), Status: 5})
	require.ErrorIs(t, err, autotask.ErrPermission)
	assert.Equal(t, map[autotask.StepName]autotask.StepState{
		autotask.StepGet: autotask.StateDone, autotask.StepNote: autotask.StateDone, autotask.StepResolution: autotask.StateDone,
		autotask.StepTimeEntries: autotask.StateFailed, autotask.StepStatus: autotask.StateSkipped,
	}, stepStates(outcome))
	assert.Equal(t, "done", outcome.Ticket.Resolution.Or(""))
	assert.Contains(t, outcome.Steps[3].Reason, "adequate permissions")
	assert.Equal(t, "1", idOf(srv.Get("Tickets", id)["status"]), "a failed check never completes a ticket")
}

func TestResolve_UnknownTicket(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	outcome, err := client.Resolve(t.Context(), 999999, autotask.Resolution{Text: "done", Note: note()})
	require.ErrorIs(t, err, autotask.ErrNotFound)
	assert.Nil(t, outcome.Ticket)
	assert.Equal(t, []string{"GET Tickets"}, ops(srv))
	assert.Len(t, outcome.Steps, 5)
}

func TestResolve_BadInputIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	other := note()
	other.TicketID = 77
	long := note()
	long.Title = strings.Repeat("x", 251)
	for name, test := range map[string]struct {
		id   int64
		work autotask.Resolution
	}{
		"no id":               {0, autotask.Resolution{Text: "x"}},
		"nothing to do":       {5, autotask.Resolution{}},
		"white space":         {5, autotask.Resolution{Text: " \n"}},
		"negative status":     {5, autotask.Resolution{Status: -1}},
		"begun ahead":         {5, autotask.Resolution{Text: "x", StartedAt: time.Now().Add(time.Hour)}},
		"another's note":      {5, autotask.Resolution{Note: other}},
		"note title too long": {5, autotask.Resolution{Note: long}},
	} {
		outcome, err := client.Resolve(t.Context(), test.id, test.work)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		require.NotNil(t, outcome, name)
		assert.Len(t, outcome.Steps, 5, name)
	}
	assert.Empty(t, srv.Requests())
}

func TestResolve_CallersNoteIsNotModified(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	n := note()
	_, err := client.Resolve(t.Context(), srv.Seed("Tickets", nil), autotask.Resolution{Note: n})
	require.NoError(t, err)
	assert.Equal(t, note(), n)
}

func TestResolve_StatusRevertedByAWorkflowRule(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	srv.Inject(autotasktest.Fault{Op: "PUT Tickets", Revert: true})
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Status: 5})
	require.ErrorIs(t, err, autotask.ErrNotApplied)
	assert.Contains(t, err.Error(), "status: wanted 5, found 1")
	assert.Equal(t, int64(1), outcome.Ticket.Status)
	assert.False(t, outcome.Resolved)
}

func TestResolve_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcome, err := client.Resolve(ctx, id, autotask.Resolution{Text: "done"})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, autotask.StateFailed, stepStates(outcome)[autotask.StepGet])
	assert.Empty(t, srv.Requests())
}

func TestResolve_TwoNotesAreNeverPassedOverInSilence(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", nil)
	work := autotask.Resolution{Text: "done", Note: note(), StartedAt: begun}
	first, err := client.Notes.Create(t.Context(), id, note()) // an earlier run's, that shows up late
	require.NoError(t, err)
	srv.Inject(autotasktest.Fault{Op: "POST TicketNotes/query", Status: 200, Body: emptyPage})
	outcome, err := client.Resolve(t.Context(), id, work)
	require.ErrorIs(t, err, autotask.ErrAmbiguous)
	var both *autotask.AmbiguousError
	require.ErrorAs(t, err, &both)
	assert.ElementsMatch(t, []int64{first, outcome.NoteID}, both.IDs())
	assert.Equal(t, autotask.StateFailed, stepStates(outcome)[autotask.StepNote])

	outcome, err = client.Resolve(t.Context(), id, work)
	require.NoError(t, err, "said once, the work can go on")
	assert.Equal(t, first, outcome.NoteID)
	assert.Len(t, srv.Rows("TicketNotes"), 2)
}

func TestResolve_ANoteThatDoesNotShowIsSaid(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t, autotask.WithMaxRetries(0))
	id := srv.Seed("Tickets", nil)
	work := autotask.Resolution{Note: note(), StartedAt: begun}
	srv.Inject(autotasktest.Fault{Op: "POST TicketNotes/query", Status: 200, Body: emptyPage, Times: 2})
	outcome, err := client.Resolve(t.Context(), id, work)
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	assert.NotZero(t, outcome.NoteID)
	again, err := client.Resolve(t.Context(), id, work)
	require.NoError(t, err)
	assert.Equal(t, outcome.NoteID, again.NoteID)
	assert.Len(t, srv.Rows("TicketNotes"), 1)
}

func TestResolve_AFailedSearchPostsNothing(t *testing.T) {
	t.Parallel()
	for body, kind := range map[string]error{
		`{"errors":["no"]}`: autotask.ErrInvalid,
		`{"items":[{"id":1,"ticketID":999,"title":"x","description":"y","noteType":1,"publish":1}],"pageDetails":{"count":1}}`: autotask.ErrServer,
	} {
		srv, client := tenant(t)
		id := srv.Seed("Tickets", nil)
		status := 500
		if strings.Contains(body, "items") {
			status = 200
		}
		srv.Inject(autotasktest.Fault{Op: "POST TicketNotes/query", Status: status, Body: body, Times: -1})
		outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Note: note(), StartedAt: begun})
		require.ErrorIs(t, err, kind)
		assert.Equal(t, autotask.StateFailed, stepStates(outcome)[autotask.StepNote])
		assert.Empty(t, writes(srv))
	}
}

// A note that a search did not show at first belongs to the work that it was
// posted for. The same text for a ticket that was reopened is another note,
// whether or not the first one shows by then.
func TestResolve_ARememberedNoteIsNotTakenForLaterWork(t *testing.T) {
	t.Parallel()
	for late, repeated := range map[int]bool{1: true, 100: false} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			client := srv.Client()
			id := srv.Seed("Tickets", map[string]any{"status": 1})
			srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", HideFromQueries: late})
			work := autotask.Resolution{Note: note(), StartedAt: time.Now()}
			_, err := client.Resolve(t.Context(), id, work)
			if repeated {
				require.NoError(t, err, "the second search behind the post shows the note")
				_, err = client.Resolve(t.Context(), id, work)
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, "no search behind the post shows the note")
			}
			require.Len(t, srv.Rows("TicketNotes"), 1)

			<-time.After(time.Hour) // the ticket is reopened, and the same thing done again
			work.StartedAt = time.Now()
			second, err := client.Resolve(t.Context(), id, work)
			if repeated {
				require.NoError(t, err)
			}
			notes := srv.Rows("TicketNotes")
			require.Len(t, notes, 2)
			assert.Equal(t, notes[1]["id"], json.Number(idText(second.NoteID)))
		})
	}
}

// TestResolve_SafeToRetryUntilSomethingIsWritten refuses each request of a run
// in turn: only before the note is it safe to repeat the run as it is.
func TestResolve_SafeToRetryUntilSomethingIsWritten(t *testing.T) {
	t.Parallel()
	want := []bool{true, true, true, false, false, false, false, false, false, false}
	for k, safe := range want {
		srv, client := tenant(t)
		id := srv.Seed("Tickets", map[string]any{"status": 1, "resolution": nil})
		srv.Inject(autotasktest.Fault{Skip: k, Status: 500, Body: `{"errors":["The logged in Resource does not have the adequate permissions to do that."]}`})
		_, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Note: note(), Status: autotask.StatusComplete, StartedAt: begun})
		require.Error(t, err, k)
		assert.Equal(t, safe, autotask.SafeToRetry(err), "request %d: %v", k+1, err)
	}
	// A search that shows two notes changes nothing if this run posted none.
	srv, client := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	work := autotask.Resolution{Note: note(), StartedAt: begun}
	for range 2 {
		_, err := client.Notes.Create(t.Context(), id, note())
		require.NoError(t, err)
	}
	_, err := client.Resolve(t.Context(), id, work)
	require.ErrorIs(t, err, autotask.ErrAmbiguous)
	assert.True(t, autotask.SafeToRetry(err))
}

// A lost answer to a write that was carried out makes the run one that has
// changed something, and its step one that is done.
func TestResolve_ALostAnswerThatIsFoundIsAChange(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1, "resolution": nil})
	srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropResponse: true})
	srv.Inject(autotasktest.Fault{Op: "POST TimeEntries/query", Status: 500, Body: `{"errors":["You do not have adequate permissions."]}`})
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Status: autotask.StatusComplete})
	require.ErrorIs(t, err, autotask.ErrPermission)
	assert.False(t, autotask.SafeToRetry(err), "the text is written")
	assert.Equal(t, autotask.Step{Name: autotask.StepResolution, State: autotask.StateDone, Reason: "text written"}, outcome.Steps[2])
}

// A PUT that had to wait begins anew from a fresh read, at most five times.
func TestResolve_APUTThatHadToWaitBeginsAnew(t *testing.T) {
	t.Parallel()
	for step, work := range map[autotask.StepName]autotask.Resolution{
		autotask.StepResolution: {Text: "done"},
		autotask.StepStatus:     {Status: autotask.StatusComplete},
	} {
		for times, puts := range map[int]int{1: 2, 4: 5, -1: 5} {
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client, id := srv.InProcessClient(), seedRows(srv).Ticket
				srv.Inject(turnedAway("PUT Tickets", times))
				outcome, err := client.Resolve(t.Context(), id, work)
				assert.Equal(t, puts, count(srv, "PUT Tickets"), step)
				if work.Status != 0 {
					assert.Equal(t, puts, count(srv, "POST TimeEntries/query"), "time may have been booked meanwhile")
				}
				if times < 0 {
					require.ErrorIs(t, err, autotask.ErrRateLimited)
					assert.Equal(t, autotask.StateFailed, stepStates(outcome)[step])
					return
				}
				require.NoError(t, err)
				assert.Equal(t, autotask.StateDone, stepStates(outcome)[step])
				assert.Equal(t, work.Status != 0, outcome.Resolved)
				assert.Equal(t, work.Text, outcome.Ticket.Resolution.Or(""))
			})
		}
	}
}

// Time that is booked while the PUT of the status waits keeps the status, and so
// does a search for it that fails.
func TestResolve_TimeEntriesAreLookedForAgainBeforeALateStatus(t *testing.T) {
	t.Parallel()
	for _, booked := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			client, id := srv.InProcessClient(), seedRows(srv).Ticket
			srv.Inject(turnedAway("PUT Tickets", 1))
			if booked {
				time.AfterFunc(10*time.Second, func() { srv.Seed("TimeEntries", map[string]any{"ticketID": id}) })
			} else {
				srv.Inject(autotasktest.Fault{Op: "POST TimeEntries/query", Skip: 1, Status: 500, Body: `{"errors":["You do not have adequate permissions."]}`})
			}
			outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Status: autotask.StatusComplete})
			assert.Equal(t, "1", idOf(srv.Get("Tickets", id)["status"]))
			assert.Equal(t, 1, count(srv, "PUT Tickets"))
			if !booked {
				require.ErrorIs(t, err, autotask.ErrPermission)
				assert.Equal(t, autotask.StateFailed, stepStates(outcome)[autotask.StepStatus])
				return
			}
			require.NoError(t, err)
			assert.True(t, outcome.HasTimeEntries)
			assert.Equal(t, autotask.StateSkipped, stepStates(outcome)[autotask.StepStatus])
		})
	}
}

func TestResolve_TheTimestampThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 8, "completedDate": "2026-11-23T02:00:00Z", "resolvedDateTime": nil})
	_, err := client.Resolve(t.Context(), id, autotask.Resolution{Status: 8})
	require.ErrorIs(t, err, autotask.ErrNotApplied)
	assert.Contains(t, err.Error(), "completedDate is 2026-11-23", "set")
	assert.Contains(t, err.Error(), "resolvedDateTime is null")

	raw := object(t, srv.Raw("Tickets", id))
	delete(raw, "resolvedDateTime")
	srv.SeedRaw("Tickets", encode(t, raw))
	_, err = client.Resolve(t.Context(), id, autotask.Resolution{Status: 8})
	require.ErrorIs(t, err, autotask.ErrNotApplied)
	assert.Contains(t, err.Error(), "resolvedDateTime is null", "absent")
}

// The history of a ticket may word a change in one member or in two, and may be
// kept to the second.
func TestResolve_FormsOfTheHistory(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		action, detail string
		after          time.Duration // the row's date, after the note's whole second
		reopened       bool
	}{
		"in the detail":               {"Edited", "Status changed from Complete to New", time.Minute, true},
		"in the action":               {"Status changed from Complete to New", "", time.Minute, true},
		"in both":                     {"Status", "Changed from Complete to New", time.Minute, true},
		"of another field":            {"Edited", "Changed from Complete to New", time.Minute, false},
		"of a field that is like it":  {"Sub Status", "Changed from Complete to New", time.Minute, false},
		"to the second of the note":   {"Edited", "Status changed from Complete to New", 0, true},
		"a part of a second before":   {"Edited", "Status changed from Complete to New", 250 * time.Millisecond, false},
		"a part of a second after":    {"Edited", "Status changed from Complete to New", 750 * time.Millisecond, true},
		"in the second before it":     {"Edited", "Status changed from Complete to New", -time.Second, false},
		"into the status and not out": {"Edited", "Status changed from New to Complete", time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client, id := srv.InProcessClient(), seedRows(srv).Ticket
				second := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
				posted := srv.Seed("TicketNotes", map[string]any{"ticketID": id, "createDateTime": second.Add(500 * time.Millisecond).Format(time.RFC3339Nano)})
				srv.Seed("TicketHistory", map[string]any{
					"ticketID": id, "action": test.action, "detail": test.detail, "date": second.Add(test.after).Format(time.RFC3339Nano),
				})
				outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Note: note(), NoteID: posted, Status: autotask.StatusComplete})
				require.NoError(t, err)
				assert.Equal(t, test.reopened, strings.Contains(outcome.Steps[4].Reason, "reopened since"), "%+v", outcome.Steps)
				assert.Equal(t, !test.reopened, outcome.Resolved)
			})
		})
	}
}
