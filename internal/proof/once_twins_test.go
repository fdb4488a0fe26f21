package proof_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// onceTwins are calls that are made twice at the same time.
var onceTwins = []struct {
	name, op, rows string
	keyed          bool // both are the same work, and make one row together
	do             func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) (int64, error)
}{
	{"Notes.Create", "POST Tickets/Notes", "TicketNotes", false, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) (int64, error) {
		return c.Notes.Create(ctx, ticket, kit.Note())
	}},
	{"Upload", "POST Tickets/Attachments", "TicketAttachments", false, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) (int64, error) {
		return autotask.Upload(ctx, c, kit.Report(ticket), strings.NewReader("hello, file"))
	}},
	{"Create of a ticket", "POST Tickets", "Tickets", false, func(ctx context.Context, c *autotask.Client, _ int64, _ time.Time) (int64, error) {
		return c.Tickets.Create(ctx, &autotask.Ticket{
			Title: "Twin", Status: 1, Priority: 1, CompanyID: autotasktest.CustomerID, ExternalID: autotask.Value("alert 7"),
			DueDateTime: autotask.Value(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)),
		})
	}},
	{"Notes.Ensure", "POST Tickets/Notes", "TicketNotes", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) (int64, error) {
		id, _, err := c.Notes.Ensure(ctx, ticket, kit.Note(), startedAt)
		return id, err
	}},
	{"EnsureAttachment", "POST Tickets/Attachments", "TicketAttachments", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) (int64, error) {
		id, _, err := kit.Ensure(ctx, c, ticket, startedAt)
		return id, err
	}},
	{"Resolve with StartedAt", "POST Tickets/Notes", "TicketNotes", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) (int64, error) {
		outcome, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: kit.Note(), StartedAt: startedAt, Text: "done", Status: autotask.StatusComplete})
		return outcome.NoteID, err
	}},
	{"Resolve with Ref", "POST Tickets/Notes", "TicketNotes", true, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) (int64, error) {
		outcome, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: kit.Note(), Ref: "job 7", Text: "done", Status: autotask.StatusComplete})
		return outcome.NoteID, err
	}},
}

// Two equal creates of one client at the same time do not pass the same row for
// both, and two runs of one work do not make two.
func TestOnce_6_Twins(t *testing.T) {
	t.Parallel()
	for _, twin := range onceTwins {
		t.Run(twin.name, func(t *testing.T) {
			t.Parallel()
			for seed := range playedPart(uint64(200), 40) {
				synctest.Test(t, func(t *testing.T) {
					srv := autotasktest.NewInProcess(t)
					client, id := srv.InProcessClient(), seedRows(srv).ticket
					kit.Pass(time.Hour)
					before := len(srv.Rows(twin.rows))
					shuffle(srv, twin.op, seed)
					startedAt := time.Now()
					var ids [2]int64
					var errs [2]error
					var wg sync.WaitGroup
					for i, c := range []*autotask.Client{client, client.As(autotasktest.TechnicianID)} {
						wg.Go(func() { ids[i], errs[i] = twin.do(t.Context(), c, id, startedAt) })
					}
					wg.Wait()
					for i, err := range errs {
						if err != nil {
							kit.Pass(kit.UnknownOutcome(t, err))
						}
						if err != nil && twin.keyed {
							ids[i], errs[i] = twin.do(t.Context(), client, id, startedAt)
							require.NoError(t, errs[i], "seed %d", seed)
						}
					}
					kit.Pass(kit.LandingTime)
					srv.ApplyPending()
					made := len(srv.Rows(twin.rows)) - before
					switch {
					case twin.keyed:
						assert.Equal(t, 1, made, "seed %d", seed)
						assert.Equal(t, ids[0], ids[1], "seed %d", seed)
					case errs[0] == nil && errs[1] == nil:
						assert.NotEqual(t, ids[0], ids[1], "seed %d: one row passes for two", seed)
						assert.Equal(t, 2, made, "seed %d", seed)
					case errs[0] == nil || errs[1] == nil:
						assert.GreaterOrEqual(t, made, 1, "seed %d", seed)
					}
				})
			}
		})
	}
}

// shuffle makes requests take different times, and loses the answer to one of
// the creates.
func shuffle(srv *autotasktest.Server, op string, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // a seeded choice of interleavings
	lands := slices.Concat(onceLands, []time.Duration{time.Second, 2 * time.Second})
	lost := loseAnswer(op, onceHows[r.IntN(len(onceHows))], lands[r.IntN(len(lands))])
	lost.Skip = r.IntN(2)
	lost.Delay = time.Duration(r.IntN(4)) * time.Second
	srv.Inject(lost)
	for skip := range 16 {
		srv.Inject(autotasktest.Fault{Skip: skip, Delay: time.Nanosecond + time.Duration(r.IntN(5))*time.Second})
	}
}

// Two processes that make one note at the same time may end with two; then one
// of them says so in an error that names both, if both are there to be found.
func TestOnce_6_TwoProcessesNameBothNotes(t *testing.T) {
	t.Parallel()
	for _, twin := range onceTwins {
		if !twin.keyed {
			continue
		}
		t.Run(twin.name, func(t *testing.T) {
			t.Parallel()
			for seed := range playedPart(uint64(200), 40) {
				synctest.Test(t, func(t *testing.T) { twoProcesses(t, twin.do, twin.op, twin.rows, seed) })
			}
		})
	}
}

func twoProcesses(t *testing.T, do func(context.Context, *autotask.Client, int64, time.Time) (int64, error), op, rows string, seed uint64) {
	t.Helper()
	srv := autotasktest.NewInProcess(t)
	id := seedRows(srv).ticket
	kit.Pass(time.Hour)
	shuffle(srv, op, seed)
	startedAt := time.Now()
	var named [2][]int64
	var ends [2]error
	var wg sync.WaitGroup
	for i := range ends {
		wg.Go(func() {
			client := srv.InProcessClient()
			for range 8 {
				_, err := do(t.Context(), client, id, startedAt)
				ends[i] = err
				if both, ok := errors.AsType[*autotask.AmbiguousError](err); ok {
					named[i] = both.IDs()
				}
				if !errors.Is(err, autotask.ErrOutcomeUnknown) {
					return
				}
				kit.Pass(kit.UnknownOutcome(t, err))
			}
		})
	}
	wg.Wait()
	srv.ApplyPending()
	made := srv.Rows(rows)
	if len(made) == 1 {
		for _, err := range ends {
			require.NoError(t, err, "seed %d", seed)
		}
		return
	}
	require.Len(t, made, 2, "seed %d", seed)
	if len(named[0]) == 2 || len(named[1]) == 2 {
		return
	}
	// Nobody can tell a note of the other process from one that is still to land.
	assert.False(t, lastCreated(t, made).Before(lastSearch(srv)), "seed %d: both were there to be found, and nobody names both: %v", seed, ends)
}

// lastCreated is when the youngest of rows was created.
func lastCreated(t *testing.T, rows []map[string]any) (last time.Time) {
	t.Helper()
	for _, row := range rows {
		text, ok := row["createDateTime"]
		if !ok {
			text = row["attachDate"]
		}
		at, err := time.Parse(time.RFC3339, fmt.Sprint(text))
		require.NoError(t, err)
		if at.After(last) {
			last = at
		}
	}
	return last
}

// lastSearch is when the last search began, less what stamps are cut by.
func lastSearch(srv *autotasktest.Server) (last time.Time) {
	for _, r := range srv.Requests() {
		if strings.HasSuffix(r.Op, "/query") && !strings.HasPrefix(r.Op, "POST TimeEntries") && r.Began.After(last) {
			last = r.Began
		}
	}
	return last.Add(-10 * time.Millisecond)
}
