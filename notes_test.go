package autotask_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// A note that was created for somebody else cannot be the one that was lost.
func TestNotes_OfSomebodyElseIsNotTheLostOne(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		creator int64
		dropped bool
	}{
		"own":            {autotasktest.TechnicianID, false},
		"somebody else":  {autotasktest.APIUserID, true},
		"nobody's known": {0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client, id := srv.InProcessClient().As(autotasktest.TechnicianID), seedRows(srv).Ticket
				row := map[string]any{
					"ticketID": id, "title": note().Title, "description": note().Description, "noteType": 1, "publish": 2,
					"createDateTime": time.Now().Add(time.Second).UTC().Format(time.RFC3339), "creatorResourceID": test.creator,
				}
				if test.creator == 0 {
					row["creatorResourceID"] = nil
				}
				theirs := srv.Seed("TicketNotes", row)
				srv.Inject(autotasktest.Fault{Op: notesOp, DropRequest: true})
				got, err := client.Notes.Create(t.Context(), id, note())
				if test.dropped {
					unknownOutcome(t, err)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, theirs, got)
			})
		})
	}
}

// A note that was there before a post was lost is not what the post made, even
// for work that began before it.
func TestNotes_WhatWasThereBeforeIsNotTheLostOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client, id := srv.InProcessClient(), seedRows(srv).Ticket
		early := time.Now()
		pass(time.Hour)
		before, err := srv.InProcessClient().Notes.Create(t.Context(), id, note())
		require.NoError(t, err)
		pass(time.Hour)
		srv.Inject(autotasktest.Fault{Op: notesOp, DropRequest: true})
		_, _, err = client.Notes.Ensure(t.Context(), id, note(), time.Now())
		unknownOutcome(t, err)
		_, _, err = client.Notes.Ensure(t.Context(), id, note(), early)
		unknownOutcome(t, err)
		got, created, err := srv.InProcessClient().Notes.Ensure(t.Context(), id, note(), early)
		require.NoError(t, err, "another client knows of no lost post")
		assert.Equal(t, before, got)
		assert.False(t, created)
	})
}

// A note whose id is known is read by it where searches do not show it: it is
// not posted again unless it is gone.
func TestNotes_AHiddenNoteIsReadByItsID(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(srv *autotasktest.Server, ticket, note int64)
		fails  error
		posts  int
	}{
		"there": {func(*autotasktest.Server, int64, int64) {}, nil, 1},
		"gone":  {func(srv *autotasktest.Server, _, note int64) { srv.Remove("TicketNotes", note) }, nil, 2},
		"of another ticket": {func(srv *autotasktest.Server, _, note int64) {
			srv.Change("TicketNotes", note, map[string]any{"ticketID": srv.Seed("Tickets", nil)})
		}, nil, 2},
		"not to be read": {func(srv *autotasktest.Server, _, _ int64) {
			srv.Inject(autotasktest.Fault{Op: "GET TicketNotes", Status: 500, Body: `{"errors":["You do not have adequate permissions."]}`})
		}, autotask.ErrPermission, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client, id := srv.InProcessClient(autotask.WithMaxRetries(0)), seedRows(srv).Ticket
				startedAt := time.Now()
				srv.Inject(autotasktest.Fault{Op: searchNotesOp, Status: 200, Body: emptyPage, Times: 3})
				first, created, err := client.Notes.Ensure(t.Context(), id, note(), startedAt)
				require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
				assert.True(t, created)
				test.change(srv, id, first)
				got, created, err := client.Notes.Ensure(t.Context(), id, note(), startedAt)
				if test.fails != nil {
					require.ErrorIs(t, err, test.fails)
				} else {
					require.NoError(t, err)
					assert.Equal(t, test.posts == 1, got == first)
				}
				assert.Equal(t, test.posts > 1, created)
				assert.Equal(t, test.posts, count(srv, notesOp))
			})
		})
	}
}
