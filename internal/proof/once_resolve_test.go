package proof_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// Works with an unknown outcome are taken up again by ResolveAll.
func TestOnce_ResolveAllTakesUnknownWorksUpAgain(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"PUT Tickets", "POST Tickets/Notes"} {
		for _, how := range onceHows {
			for _, lands := range onceLands {
				t.Run(fmt.Sprintf("%s, %s, lands %v", op, how, lands), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						srv := autotasktest.NewInProcess(t)
						client := srv.InProcessClient()
						works := seedWorks(srv, 12)
						kit.Pass(time.Hour)
						began := time.Now()
						fault := loseAnswer(op, how, lands)
						fault.Skip = 5
						srv.Inject(fault)
						for outcome, err := range client.ResolveAll(t.Context(), works(began), autotask.ResolveAllOptions{}) {
							require.NoError(t, err)
							assert.True(t, outcome.Resolved)
						}
						assert.Less(t, time.Since(began), kit.LandingTime+3*time.Minute)
						kit.Pass(kit.LandingTime)
						srv.ApplyPending()
						assert.Len(t, srv.Rows("TicketNotes"), 12)
						for _, row := range srv.Rows("Tickets") {
							assert.Equal(t, "5", kit.IDOf(row["status"]))
							assert.Equal(t, "done", row["resolution"])
						}
					})
				})
			}
		}
	}
}

func seedWorks(srv *autotasktest.Server, n int) func(began time.Time) func(func(autotask.ResolveItem) bool) {
	var ids []int64
	for range n {
		ids = append(ids, srv.Seed("Tickets", map[string]any{"status": 1, "resolution": nil}))
	}
	return func(began time.Time) func(func(autotask.ResolveItem) bool) {
		return func(yield func(autotask.ResolveItem) bool) {
			for _, id := range ids {
				r := autotask.Resolution{Text: "done", Status: autotask.StatusComplete, Note: kit.Note(), StartedAt: began}
				if !yield(autotask.ResolveItem{TicketID: id, Resolution: r}) {
					return
				}
			}
		}
	}
}

// A work whose every write is lost comes back in the end, and an end of the
// context does not wait for it.
func TestOnce_ResolveAllEnds(t *testing.T) {
	t.Parallel()
	for _, cancelled := range []bool{false, true} {
		t.Run(fmt.Sprintf("cancelled %v", cancelled), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				works := seedWorks(srv, 3)
				srv.Inject(autotasktest.Fault{Op: "PUT Tickets", Times: -1, Status: 504})
				ctx, began := t.Context(), time.Now()
				if cancelled {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Minute)
					defer cancel()
				}
				n := 0
				for _, err := range srv.InProcessClient().ResolveAll(ctx, works(began), autotask.ResolveAllOptions{}) {
					kit.UnknownOutcome(t, err)
					n++
				}
				assert.Equal(t, 3, n)
				assert.Len(t, srv.Rows("TicketNotes"), 3)
				assert.Less(t, time.Since(began), time.Hour)
				if cancelled {
					assert.Less(t, time.Since(began), 2*time.Minute)
				}
			})
		})
	}
}

// If is asked before each write, with the ticket as it was just read.
func TestOnce_IfIsAskedBeforeEachWrite(t *testing.T) {
	t.Parallel()
	for k := 1; k <= 4; k++ {
		t.Run(fmt.Sprintf("veto at call %d", k), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				id := seedRows(srv).ticket
				veto, calls := errors.New("not now"), 0
				outcome, err := srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{
					Text: "done", Note: kit.Note(), Status: autotask.StatusComplete, StartedAt: time.Now(),
					If: func(ticket *autotask.Ticket) error {
						calls++
						assert.Len(t, kit.Writes(srv), calls-1)
						assert.Equal(t, kit.IDOf(srv.Get("Tickets", id)["status"]), kit.IDOf(ticket.Status))
						assert.Equal(t, calls > 2, ticket.Resolution.Or("") == "done")
						ticket.Title, ticket.Priority = "not to be written", 4
						if calls == k {
							return veto
						}
						return nil
					},
				})
				assert.Equal(t, min(k, 3), calls)
				assert.Len(t, kit.Writes(srv), min(k-1, 3))
				assert.Equal(t, "Backup failed", srv.Get("Tickets", id)["title"])
				if k > 3 {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, veto)
				step := outcome.Steps[map[int]int{1: 1, 2: 2, 3: 4}[k]]
				assert.Equal(t, autotask.StateFailed, step.State, "%+v", outcome.Steps)
			})
		})
	}
}

// What cannot be kept is refused before anything is sent.
func TestOnce_RefIsChecked(t *testing.T) {
	t.Parallel()
	long := kit.Note()
	long.Title = strings.Repeat("x", 245)
	for name, r := range map[string]autotask.Resolution{
		"too long":          {Note: kit.Note(), Ref: strings.Repeat("x", 51)},
		"brackets":          {Note: kit.Note(), Ref: "job [7]"},
		"a title too long":  {Note: long, Ref: "job 7"},
		"a line break":      {Note: kit.Note(), Ref: "job\n7"},
		"nothing but blank": {Note: kit.Note(), Ref: " "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := autotasktest.NewInProcess(t)
			_, err := srv.InProcessClient().Resolve(t.Context(), seedRows(srv).ticket, r)
			require.ErrorIs(t, err, autotask.ErrInvalid)
			assert.Empty(t, srv.Requests())
		})
	}
}

// A reference tells works apart, and stands in the title of the note.
func TestOnce_RefTellsWorksApart(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	id := seedRows(srv).ticket
	for range 2 {
		for _, ref := range []string{"7", "77", "job 7", "JOB-8"} {
			n := kit.Note()
			_, err := srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Note: n, Ref: ref})
			require.NoError(t, err)
			assert.Equal(t, kit.Note(), n, "the caller's note stays as it is")
		}
	}
	var titles []string
	for _, row := range srv.Rows("TicketNotes") {
		titles = append(titles, fmt.Sprint(row["title"]))
	}
	assert.Equal(t, []string{"Backup checked [7]", "Backup checked [77]", "Backup checked [job 7]", "Backup checked [JOB-8]"}, titles)
	_, err := srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Note: kit.Note(), Ref: strings.Repeat("x", 50)})
	require.NoError(t, err, "the longest")
}

// NoteID needs neither a search nor a post; one that is not of the ticket is an
// error before anything is written.
func TestOnce_NoteID(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client, id := srv.InProcessClient(), seedRows(srv).ticket
	own := srv.Seed("TicketNotes", map[string]any{"ticketID": id})
	other := srv.Seed("TicketNotes", map[string]any{"ticketID": srv.Seed("Tickets", nil)})
	for _, wrong := range []int64{other, other + 1000, -1} {
		_, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Note: kit.Note(), NoteID: wrong})
		require.Error(t, err)
		assert.Empty(t, kit.Writes(srv))
	}
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Note: kit.Note(), NoteID: own})
	require.NoError(t, err)
	assert.Equal(t, own, outcome.NoteID)
	assert.Equal(t, autotask.StateAlreadyDone, kit.StepStates(outcome)[autotask.StepNote])
	assert.Equal(t, []string{"PUT Tickets"}, kit.Writes(srv))
}

// A ticket that Autotask would not take back is refused before the note.
func TestOnce_TheTicketIsCheckedBeforeTheNote(t *testing.T) {
	t.Parallel()
	whole := autotask.Resolution{Text: "done", Note: kit.Note(), Status: autotask.StatusComplete}
	for field, length := range map[string]int{"description": 10_800, "title": 256, "externalID": 51} {
		for name, r := range map[string]autotask.Resolution{
			"all": whole, "text": {Text: "done", Note: kit.Note()}, "status": {Note: kit.Note(), Status: autotask.StatusComplete}, "Ref": {Note: kit.Note(), Text: "done", Ref: "7"},
		} {
			t.Run(field+", "+name, func(t *testing.T) {
				t.Parallel()
				srv := autotasktest.NewInProcess(t)
				id := srv.Seed("Tickets", map[string]any{field: strings.Repeat("x", length), "status": 1})
				_, err := srv.InProcessClient().Resolve(t.Context(), id, r)
				require.Error(t, err)
				assert.Contains(t, err.Error(), field)
				assert.Empty(t, kit.Writes(srv))
			})
		}
	}
	for _, field := range []string{"companyID", "queueID", "priority", "dueDateTime", "ticketCategory", "issueType", "subIssueType", "source", "organizationalLevelAssociationID"} {
		t.Run("without "+field, func(t *testing.T) {
			t.Parallel()
			srv := autotasktest.NewInProcess(t)
			id := srv.Seed("Tickets", map[string]any{"status": 1})
			raw := kit.Object(t, srv.Raw("Tickets", id))
			delete(raw, field)
			srv.SeedRaw("Tickets", kit.Encode(t, raw))
			_, err := srv.InProcessClient().Resolve(t.Context(), id, whole)
			require.ErrorIs(t, err, autotask.ErrMissingField)
			assert.Contains(t, err.Error(), field)
			assert.Empty(t, kit.Writes(srv))
		})
	}
}

// A note alone writes no ticket, and a text that replaces one too long mends it.
func TestOnce_WhatIsNotPUTIsNotChecked(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	id := srv.Seed("Tickets", map[string]any{"description": strings.Repeat("x", 10_800), "status": 1})
	_, err := srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Note: kit.Note()})
	require.NoError(t, err)
	id = srv.Seed("Tickets", map[string]any{"resolution": strings.Repeat("x", 32_001), "status": 1})
	outcome, err := srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Note: kit.Note(), Text: "done", Status: autotask.StatusComplete})
	require.NoError(t, err)
	assert.True(t, outcome.Resolved)
}

// Ten requests for a whole resolution, and three for a text.
func TestOnce_Requests(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.InProcessClient()
	_, err := client.Resolve(t.Context(), seedRows(srv).ticket, autotask.Resolution{Text: "done", Note: kit.Note(), Status: autotask.StatusComplete, StartedAt: time.Now()})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"GET Tickets", "POST TicketNotes/query", "POST Tickets/Notes", "POST TicketNotes/query", "GET Tickets", "PUT Tickets",
		"POST TimeEntries/query", "GET Tickets", "PUT Tickets", "GET Tickets",
	}, kit.Ops(srv))
	srv.ResetRequests()
	_, err = client.Resolve(t.Context(), seedRows(srv).ticket, autotask.Resolution{Text: "done"})
	require.NoError(t, err)
	assert.Equal(t, []string{"GET Tickets", "PUT Tickets", "GET Tickets"}, kit.Ops(srv))
}

// At most 10.1 requests a resolution by number, over many tickets.
func TestOnce_RequestsInBulk(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	var numbers []string
	tickets := playedPart(1000, 150)
	for range tickets {
		numbers = append(numbers, fmt.Sprint(srv.Get("Tickets", srv.Seed("Tickets", map[string]any{"status": 1, "resolution": nil}))["ticketNumber"]))
	}
	srv.SetThreshold(1_000_000, 0)
	work := func(yield func(autotask.ResolveItem) bool) {
		for _, number := range numbers {
			r := autotask.Resolution{Text: "done", Note: kit.Note(), Status: autotask.StatusComplete, StartedAt: time.Now()}
			if !yield(autotask.ResolveItem{Number: number, Resolution: r}) {
				return
			}
		}
	}
	n := 0
	for outcome, err := range srv.InProcessClient().ResolveAll(t.Context(), work, autotask.ResolveAllOptions{}) {
		require.NoError(t, err)
		require.True(t, outcome.Resolved)
		n++
	}
	assert.Equal(t, tickets, n)
	assert.LessOrEqual(t, len(srv.Requests()), tickets*101/10)
}
