package autotask_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

const (
	notesOp       = "POST Tickets/Notes"
	searchNotesOp = "POST TicketNotes/query"
)

// lostNote posts a note, loses the post, and returns how long it may still land.
func lostNote(t *testing.T, srv *autotasktest.Server, client *autotask.Client, ticket int64) time.Duration {
	t.Helper()
	srv.Inject(autotasktest.Fault{Op: notesOp, DropRequest: true})
	_, err := client.Notes.Create(t.Context(), ticket, note())
	wait := unknownOutcome(t, err)
	srv.ResetRequests()
	return wait
}

func titled(title string) func(*autotask.Ticket) error {
	return func(k *autotask.Ticket) error {
		k.Title = title
		return nil
	}
}

// The memory of lost writes is tidied when another one comes: what may still be
// carried out stays in it, and what is long over does not.
func TestCreated_MemoryOfLostWritesIsTidied(t *testing.T) {
	t.Parallel()
	for age, remembered := range map[time.Duration]bool{14 * time.Minute: true, 16 * time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			client := srv.InProcessClient()
			a, b := srv.Seed("Tickets", nil), srv.Seed("Tickets", nil)
			lostNote(t, srv, client, a)
			pass(age)
			srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropRequest: true})
			_, err := client.Tickets.Update(t.Context(), b, titled("first"))
			unknownOutcome(t, err)
			srv.ResetRequests()
			_, err = client.Notes.Create(t.Context(), a, note())
			require.NoError(t, err)
			assert.Equal(t, remembered, count(srv, searchNotesOp) > 0, age)

			pass(2 * time.Minute)
			lostNote(t, srv, client, a)
			_, err = client.Tickets.Update(t.Context(), b, titled("second"))
			require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, "another lost write does not end the memory of this one")
			assert.Empty(t, writes(srv))
		})
	}
}

// Before a create is repeated its item is searched for again and again, as
// queries show it late; while it may still be carried out, once is enough.
func TestCreated_LastLooksBeforeARepeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client, id := srv.InProcessClient(), seedRows(srv).Ticket
		wait := lostNote(t, srv, client, id)

		pass(time.Minute)
		began := time.Now()
		_, err := client.Notes.Create(t.Context(), id, note())
		unknownOutcome(t, err)
		assert.Zero(t, time.Since(began), "it may still be carried out: there is nothing to wait for")
		assert.Equal(t, []string{searchNotesOp}, ops(srv))

		pass(wait)
		srv.ResetRequests()
		began = time.Now()
		_, err = client.Notes.Create(t.Context(), id, note())
		require.NoError(t, err)
		var looks []time.Duration
		for _, r := range srv.Requests() {
			looks = append(looks, r.Began.Sub(began))
		}
		assert.Equal(t, []time.Duration{0, 2 * time.Second, 10 * time.Second, 30 * time.Second, 30 * time.Second}, looks)
		assert.Equal(t, []string{searchNotesOp, searchNotesOp, searchNotesOp, searchNotesOp, notesOp}, ops(srv))
	})
}

// A twin that is a little older than the create may be somebody else's, by clocks
// that differ: it is no proof, and the create is not repeated before its time.
func TestCreated_ADoubtfulTwinIsNoProof(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client, id := srv.InProcessClient(), seedRows(srv).Ticket
		pass(time.Hour)
		other := srv.Seed("TicketNotes", map[string]any{
			"ticketID": id, "title": note().Title, "description": note().Description, "noteType": 1, "publish": 2,
			"createDateTime": time.Now().Add(-30 * time.Second).UTC().Format(time.RFC3339),
		})
		srv.Inject(autotasktest.Fault{Op: notesOp, DropRequest: true})
		_, err := client.Notes.Create(t.Context(), id, note())
		wait := unknownOutcome(t, err)
		assert.Contains(t, err.Error(), "looking for the item failed")

		for range 2 {
			pass(time.Minute)
			wait -= time.Minute
			_, err = client.Notes.Create(t.Context(), id, note())
			require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
			require.NotErrorIs(t, err, autotask.ErrAmbiguous, "it is not the time to decide")
			assert.Contains(t, err.Error(), "looking for it failed")
			assert.Equal(t, 1, count(srv, notesOp))
		}

		pass(wait)
		_, err = client.Notes.Create(t.Context(), id, note())
		require.ErrorIs(t, err, autotask.ErrAmbiguous)
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		assert.Equal(t, 1, count(srv, notesOp), "said once")
		made, err := client.Notes.Create(t.Context(), id, note())
		require.NoError(t, err, "a repeat creates it")
		assert.NotEqual(t, other, made)
		assert.Len(t, srv.Rows("TicketNotes"), 2)
	})
}

// An answer to a create that names no item is no answer.
func TestCreated_AnIDThatIsNoneIsNoAnswer(t *testing.T) {
	t.Parallel()
	for body, unknown := range map[string]bool{
		`{"itemId":0}`:                true,
		`{"itemId":-1}`:               true,
		`{"itemId":1}`:                false,
		`{"itemId":1,"errors":["x"]}`: true,
		`{"itemId":1,"errors":[]}`:    false,
	} {
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodPost, testBase+"/TimeEntries", httpmock.NewStringResponder(200, body))
		_, err := client.TimeEntries.Create(t.Context(), &autotask.TimeEntry{ResourceID: autotask.Int(4)})
		if unknown {
			require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, body)
			continue
		}
		require.NoError(t, err, body)
	}
	// An update has its item already.
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodPatch, testBase+"/TimeEntries", httpmock.NewStringResponder(200, `{"itemId":0}`))
	require.NoError(t, autotask.Patch(t.Context(), client, 7, &autotask.TimeEntry{SummaryNotes: autotask.Value("x")}))
}
