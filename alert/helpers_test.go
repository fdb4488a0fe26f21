package alert_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/autotasktest"
)

const (
	company = autotasktest.CustomerID
	key     = "backup/MAIL-02/nightly"
)

// failed is an occurrence of the key.
func failed(event string) alert.Alert {
	return alert.Alert{
		CompanyID: company, Key: key, Event: event, At: time.Now(),
		Title: "Backup failed: MAIL-02", Text: "VSS writer timed out.", Severity: "critical",
		Ticket: func(t *autotask.Ticket) {
			t.Priority = 1
			t.QueueID = autotask.Int(8)
		},
		Note: autotask.TicketNote{NoteType: 1, Publish: 2},
	}
}

// over is what a cleared alert is resolved with.
func over() autotask.Resolution {
	return autotask.Resolution{
		Text: "The backup succeeded.", Status: autotask.StatusComplete, Ref: "run 7",
		Note: &autotask.TicketNote{Title: "Backup checked", Description: "No errors.", NoteType: 1, Publish: 2},
	}
}

func upsert(t *testing.T, client *autotask.Client, a alert.Alert, p alert.Policy) *alert.Outcome {
	t.Helper()
	out, err := alert.Upsert(t.Context(), client, a, p)
	require.NoError(t, err)
	require.NotNil(t, out)
	return out
}

// pass lets virtual time go by.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // only called in synctest's bubbles

// unlocked is a Locker that keeps nobody out.
type unlocked struct{}

func (unlocked) Lock(ctx context.Context, _ string) (func(), context.Context, error) {
	return func() {}, ctx, nil
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// openOf are the rows of the tenant's open tickets with an externalID.
func openOf(srv *autotasktest.Server, externalID string) (open []map[string]any) {
	for _, row := range srv.Rows("Tickets") {
		if textOf(row["externalID"]) == externalID && row["completedDate"] == nil {
			open = append(open, row)
		}
	}
	return open
}

// timesOn counts how often an event is on tickets that are no duplicates: as what
// made them, and as notes.
func timesOn(srv *autotasktest.Server, ref string) (n int) {
	for _, row := range srv.Rows("Tickets") {
		if strings.Contains(textOf(row["description"]), "Alert event: ["+ref+"]") && !strings.Contains(textOf(row["resolution"]), "Duplicate of ticket") {
			n++
		}
	}
	for _, row := range srv.Rows("TicketNotes") {
		if strings.HasSuffix(textOf(row["title"]), " ["+ref+"]") {
			n++
		}
	}
	return n
}

func count(srv *autotasktest.Server, op string) (n int) {
	for _, r := range srv.Requests() {
		if r.Op == op {
			n++
		}
	}
	return n
}
