package kit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
)

// Begun is when the work of a test began: before its tenant was made.
var Begun = time.Now().Add(-time.Minute)

// Note is a note to create.
func Note() *autotask.TicketNote {
	return &autotask.TicketNote{Title: "Backup checked", Description: "Second run: no errors.", NoteType: 1, Publish: 2}
}

// Report is a new attachment of a ticket, its type absent.
func Report(ticket int64) *entity.TicketAttachment {
	return &entity.TicketAttachment{
		TicketID: autotask.Int(ticket),
		Title:    autotask.Value("Report"),
		FullPath: autotask.Value("report.txt"),
		Publish:  autotask.Int(2),
	}
}

// Ensure ensures a file of a ticket.
func Ensure(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) (int64, bool, error) {
	return autotask.EnsureAttachment(ctx, c, Report(ticket), strings.NewReader("hello, file"), startedAt)
}

// StepStates are the states of an outcome's steps by their names.
func StepStates(o *autotask.Outcome) map[autotask.StepName]autotask.StepState {
	states := map[autotask.StepName]autotask.StepState{}
	for _, s := range o.Steps {
		states[s.Name] = s.State
	}
	return states
}

// SeedWork makes tickets and a work for each of them, with its index as the key.
func SeedWork(srv *autotasktest.Server, n int) []autotask.ResolveItem {
	all := make([]autotask.ResolveItem, n)
	for i := range all {
		id := srv.Seed("Tickets", map[string]any{"title": fmt.Sprintf("backup %d", i), "status": 1, "resolution": nil})
		all[i] = autotask.ResolveItem{TicketID: id, Key: i, Resolution: autotask.Resolution{
			Text: fmt.Sprintf("done %d", i), Note: Note(), Status: autotask.StatusComplete, StartedAt: time.Now(),
		}}
	}
	return all
}

// ByNumber makes a work name its ticket by the number.
func ByNumber(w *autotask.ResolveItem, srv *autotasktest.Server) {
	w.Number = fmt.Sprint(srv.Get("Tickets", w.TicketID)["ticketNumber"])
	w.TicketID = 0
}

// ResolveAll runs ResolveAll to its end, and returns outcomes and errors by the
// keys of the works.
func ResolveAll(t testing.TB, client *autotask.Client, work []autotask.ResolveItem, opts autotask.ResolveAllOptions) (map[int]*autotask.Outcome, map[int]error) {
	t.Helper()
	outcomes, errs := map[int]*autotask.Outcome{}, map[int]error{}
	for outcome, err := range client.ResolveAll(t.Context(), slices.Values(work), opts) {
		require.NotNil(t, outcome)
		key := outcome.Item.Key.(int)
		require.NotContains(t, outcomes, key, "handed out twice")
		outcomes[key], errs[key] = outcome, err
	}
	require.Len(t, outcomes, len(work))
	return outcomes, errs
}

// RequireResolved holds the tenant to one note, the text and the status a work.
func RequireResolved(t testing.TB, srv *autotasktest.Server, work []autotask.ResolveItem) {
	t.Helper()
	notes := map[string]int{}
	for _, row := range srv.Rows("TicketNotes") {
		notes[IDOf(row["ticketID"])]++
	}
	for _, w := range work {
		row := srv.Get("Tickets", w.TicketID)
		require.Equal(t, w.Text, row["resolution"])
		require.Equal(t, "5", IDOf(row["status"]))
		require.Equal(t, 1, notes[IDText(w.TicketID)], "notes of ticket %d", w.TicketID)
	}
	require.Len(t, notes, len(work))
}

// Retitle is a change of a ticket.
func Retitle(t *autotask.Ticket) error {
	t.Title = "after"
	return nil
}

// Rows are a ticket, a time entry of another ticket and a company.
type Rows struct{ Ticket, Entry, Company int64 }

// SeedRows seeds a ticket to be worked on, and rows that are not.
func SeedRows(srv *autotasktest.Server) Rows {
	return Rows{
		Ticket:  srv.Seed("Tickets", map[string]any{"status": 1, "title": "Backup failed", "resolution": nil}),
		Entry:   srv.Seed("TimeEntries", map[string]any{"ticketID": srv.Seed("Tickets", nil), "summaryNotes": "as it was"}),
		Company: autotasktest.CustomerID,
	}
}

// LandingTime is how long a write may land after it was sent.
const LandingTime = 5 * time.Minute

// UnknownOutcome requires an ErrOutcomeUnknown, and returns how long to wait.
func UnknownOutcome(t testing.TB, err error) time.Duration {
	t.Helper()
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	wait := RetryAfter(t, err)
	assert.Positive(t, wait)
	assert.LessOrEqual(t, wait, LandingTime)
	return wait
}
