package proof_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// jobVariable makes the test binary a job that resolves every ticket of the
// tenant at the base URL that it holds.
const jobVariable = "AUTOTASK_TEST_JOB"

func TestMain(m *testing.M) {
	if base := os.Getenv(jobVariable); base != "" {
		if err := job(context.Background(), base); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// jobBegun is kept with the work, as a real job's creation time would be.
var jobBegun = time.Now().Add(-time.Minute).Truncate(time.Second)

const jobBegunVariable = "AUTOTASK_TEST_JOB_BEGUN"

// job knows nothing of what an earlier one has done: it goes through all
// tickets from the start, each with the same StartedAt.
func job(ctx context.Context, base string) error {
	begun, err := time.Parse(time.RFC3339, os.Getenv(jobBegunVariable))
	if err != nil {
		return err
	}
	srv := autotasktest.Start() // for its credentials only
	defer srv.Close()
	client, err := autotask.NewClient(srv.Credentials(), autotask.WithBaseURL(base))
	if err != nil {
		return err
	}
	for ticket, err := range client.Tickets.All(ctx, autotask.Query{Fields: []string{"title"}}) {
		if err != nil {
			return err
		}
		_, err := client.Resolve(ctx, ticket.ID, autotask.Resolution{
			Text: "done: " + ticket.Title, Note: kit.Note(), Status: autotask.StatusComplete, StartedAt: begun,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// TestKilledJob kills a process that resolves 200 tickets, at random moments,
// and starts it again until it is done.
func TestKilledJob(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	srv.SetThreshold(1_000_000, 0) // each new job asks about all tickets again
	const tickets = 200
	var ids []int64
	before := map[int64]map[string]any{}
	for i := range tickets {
		id := srv.Seed("Tickets", map[string]any{"title": fmt.Sprintf("backup %d", i), "status": 1})
		if i%4 == 0 {
			srv.Seed("TimeEntries", map[string]any{"ticketID": id})
		}
		ids = append(ids, id)
		before[id] = srv.Get("Tickets", id)
	}
	exe, err := os.Executable()
	require.NoError(t, err)

	kills := 0
	for patience := 150 * time.Millisecond; ; patience += patience / 10 { // grows, so that it ends
		process := exec.CommandContext(t.Context(), exe) //nolint:gosec // it is this very binary
		process.Env = append(os.Environ(), jobVariable+"="+srv.BaseURL(), jobBegunVariable+"="+jobBegun.Format(time.RFC3339))
		process.Stderr = os.Stderr
		require.NoError(t, process.Start())
		ended := make(chan error, 1)
		go func() { ended <- process.Wait() }()
		killer := time.NewTimer(rand.N(patience)) //nolint:gosec // any moment will do
		select {
		case err = <-ended:
			killer.Stop()
		case <-killer.C:
			require.NoError(t, process.Process.Kill())
			require.Error(t, <-ended, "killed")
			kills++
			continue
		}
		require.NoError(t, err, "the job must not fail, only be killed")
		break
	}
	t.Logf("killed %d times", kills)
	assert.Positive(t, kills)

	notes := map[string]int{}
	for _, row := range srv.Rows("TicketNotes") {
		notes[kit.IDOf(row["ticketID"])]++
		n := kit.Note()
		assert.Equal(t, []any{n.Title, n.Description, kit.IDText(n.NoteType), kit.IDText(n.Publish)},
			[]any{row["title"], row["description"], kit.IDOf(row["noteType"]), kit.IDOf(row["publish"])})
	}
	for i, id := range ids {
		row := srv.Get("Tickets", id)
		assert.Equal(t, 1, notes[kit.IDText(id)], "ticket %d", i)
		assert.Equal(t, fmt.Sprintf("done: backup %d", i), row["resolution"])
		want := "5"
		if i%4 == 0 {
			want = "1"
		}
		assert.Equal(t, want, kit.IDOf(row["status"]), "ticket %d", i)
		for _, name := range []string{"completedDate", "resolvedDateTime"} {
			assert.Equal(t, i%4 != 0, row[name] != nil, "%s of ticket %d", name, i)
		}
		for name, was := range before[id] {
			if !kit.ReadOnlyTicketFields[name] && name != "resolution" && name != "status" {
				assert.Equal(t, was, row[name], "%s of ticket %d", name, i)
			}
		}
	}
}
