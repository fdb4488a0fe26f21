package proof_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// When a write lands that lost its answer, besides any time after it was sent.
const (
	landsAtOnce time.Duration = 0
	landsNever  time.Duration = -1
)

var (
	onceHows  = hows()
	onceLands = []time.Duration{landsAtOnce, time.Nanosecond, 10 * time.Second, 4 * time.Minute, kit.LandingTime, landsNever}
)

// hows are the ways in which an answer gets lost: all of them when the whole
// fault matrix is played, and otherwise one of each kind.
func hows() []string {
	if playsAll() {
		return []string{"502", "503", "504", "reset", "cut", "time-out", "unreadable"}
	}
	return []string{"504", "cut", "time-out"}
}

// loseAnswer makes the answer to one write get lost.
func loseAnswer(op, how string, lands time.Duration) autotasktest.Fault {
	f := autotasktest.Fault{Op: op}
	switch how {
	case "502", "503", "504":
		f.Status = map[string]int{"502": 502, "503": 503, "504": 504}[how]
	case "reset":
		f.ResetStream = autotasktest.ResetInternalError
		f.DropRequest = lands == landsNever
	case "cut":
		f.DropRequest = lands == landsNever
	case "time-out":
		f.Hang = true
	case "unreadable":
		f.Status, f.Body = http.StatusOK, "<html>Please wait</html>"
	}
	switch lands {
	case landsNever:
	case landsAtOnce:
		f.ApplyAfter = 1 // before the next request is carried out
	default:
		f.Lands = lands
	}
	return f
}

// onceRows are the rows that the calls of these tests are about.
type onceRows struct{ ticket, entry, company int64 }

// onceCall is a call that writes one item. Each sets fields to a value of its
// own, by which it shows what became of it.
type onceCall struct {
	name string
	op   string // the write that goes wrong
	skip int    // which of them
	item string // its collection
	do   func(ctx context.Context, c *autotask.Client, rows onceRows, value string) error
	sets func(value string) map[string]any // nil after a delete
	note bool
}

func setsField(name string) func(string) map[string]any {
	return func(value string) map[string]any { return map[string]any{name: value} }
}

func resolveWith(r func(value string) autotask.Resolution) func(context.Context, *autotask.Client, onceRows, string) error {
	return func(ctx context.Context, c *autotask.Client, rows onceRows, value string) error {
		_, err := c.Resolve(ctx, rows.ticket, r(value))
		return err
	}
}

func wholeResolution(value string) autotask.Resolution {
	return autotask.Resolution{Text: value, Status: autotask.StatusComplete, Note: kit.Note(), Ref: "job 7"}
}

var onceCalls = []onceCall{
	{
		name: "Update of a title", op: "PUT Tickets", item: "Tickets", sets: setsField("title"),
		do: func(ctx context.Context, c *autotask.Client, rows onceRows, value string) error {
			_, err := c.Tickets.Update(ctx, rows.ticket, func(k *autotask.Ticket) error { k.Title = value; return nil })
			return err
		},
	},
	{
		name: "Resolve with a text", op: "PUT Tickets", item: "Tickets", sets: setsField("resolution"),
		do: resolveWith(func(value string) autotask.Resolution { return autotask.Resolution{Text: value} }),
	},
	{
		name: "Resolve with a status", op: "PUT Tickets", item: "Tickets",
		sets: func(string) map[string]any { return map[string]any{"status": "5"} },
		do: resolveWith(func(string) autotask.Resolution {
			return autotask.Resolution{Status: autotask.StatusComplete}
		}),
	},
	{
		name: "Resolve with all", op: "PUT Tickets", item: "Tickets", note: true,
		sets: func(value string) map[string]any { return map[string]any{"resolution": value, "status": "5"} },
		do:   resolveWith(wholeResolution),
	},
	{
		name: "Resolve with all, the status", op: "PUT Tickets", skip: 1, item: "Tickets", note: true,
		sets: func(value string) map[string]any { return map[string]any{"resolution": value, "status": "5"} },
		do:   resolveWith(wholeResolution),
	},
	{
		name: "Patch of a company", op: "PATCH Companies", item: "Companies", sets: setsField("phone"),
		do: func(ctx context.Context, c *autotask.Client, rows onceRows, value string) error {
			return autotask.Patch(ctx, c, rows.company, &entity.Company{Phone: autotask.Value(value)})
		},
	},
	{
		name: "Update of a company", op: "PATCH Companies", item: "Companies", sets: setsField("phone"),
		do: func(ctx context.Context, c *autotask.Client, rows onceRows, value string) error {
			_, err := autotask.Update(ctx, c, rows.company, func(v *entity.Company) error { v.Phone.Set(value); return nil })
			return err
		},
	},
	{
		name: "Patch of a time entry", op: "PATCH TimeEntries", item: "TimeEntries", sets: setsField("summaryNotes"),
		do: func(ctx context.Context, c *autotask.Client, rows onceRows, value string) error {
			return autotask.Patch(ctx, c, rows.entry, &autotask.TimeEntry{SummaryNotes: autotask.Value(value)})
		},
	},
	{
		name: "Delete of a time entry", op: "DELETE TimeEntries", item: "TimeEntries",
		do: func(ctx context.Context, c *autotask.Client, rows onceRows, _ string) error {
			return autotask.Delete[autotask.TimeEntry](ctx, c, rows.entry)
		},
	},
}

// onceRepeats are those who call next, and when.
var onceRepeats = []struct {
	name       string
	early      bool // after 30 s and not when RetryAfter is over
	sameClient bool
}{
	{"the same client, 30 s later", true, true},
	{"the same client, in time", false, true},
	{"another client, in time", false, false},
}

// A write that lands late undoes nothing that was reported as done, whatever the
// call was, how its answer was lost, who calls next, when, and what.
func TestOnce_1_ALatePUTUndoesNothing(t *testing.T) {
	t.Parallel()
	for _, first := range onceCalls {
		for _, next := range onceCalls {
			if first.item != next.item {
				continue
			}
			t.Run(first.name+", then "+next.name, func(t *testing.T) {
				t.Parallel()
				n := len(first.name) + len(next.name) // where to begin differs
				for _, how := range onceHows {
					for _, lands := range onceLands {
						for who := range onceRepeats {
							if n++; n%playedPart(1, 5) != 0 {
								continue
							}
							name := fmt.Sprintf("%s, lands %v, %s", how, lands, onceRepeats[who].name)
							t.Run(name, func(t *testing.T) {
								synctest.Test(t, func(t *testing.T) { lateWrite(t, first, next, how, lands, who) })
							})
						}
					}
				}
			})
		}
	}
}

func lateWrite(t *testing.T, first, next onceCall, how string, lands time.Duration, who int) {
	t.Helper()
	srv := autotasktest.NewInProcess(t)
	client := srv.InProcessClient()
	rows := seedRows(srv)
	kit.Pass(time.Minute)

	fault := loseAnswer(first.op, how, lands)
	fault.Skip = first.skip
	srv.Inject(fault)
	expected := map[string]any{}
	firstErr := first.do(t.Context(), client, rows, "first")
	wait := 30 * time.Second
	if firstErr == nil {
		expect(expected, first, "first")
	} else {
		wait = kit.UnknownOutcome(t, firstErr)
	}

	repeat := onceRepeats[who]
	if repeat.early {
		wait = 30 * time.Second
	}
	if !repeat.sameClient {
		client = srv.InProcessClient()
	}
	kit.Pass(wait)
	sent := len(kit.Writes(srv))
	landed := srv.PendingFaults() == 0 && lands != landsNever // looking at the rows makes what is due land
	err := next.do(t.Context(), client, rows, "second")
	switch {
	case err == nil:
		expect(expected, next, "second")
	case errors.Is(err, autotask.ErrOutcomeUnknown):
		kit.UnknownOutcome(t, err)
		assert.True(t, repeat.early, "the time is over: %v", err)
		assert.Len(t, kit.Writes(srv), sent, "nothing is sent before that")
	default:
		require.ErrorIs(t, err, autotask.ErrNotFound)
		require.Nil(t, first.sets, "only what a delete took is not found")
	}
	if repeat.early && firstErr != nil && !landed && first.op != "PATCH Companies" && lands > 3*time.Minute {
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, "the write may still land")
	}

	kit.Pass(2 * kit.LandingTime)
	srv.ApplyPending()
	holds(t, srv, rows, first.item, expected)
	if first.note || next.note && err == nil {
		assert.Len(t, srv.Rows("TicketNotes"), 1)
	}
}

func seedRows(srv *autotasktest.Server) onceRows {
	rows := kit.SeedRows(srv)
	return onceRows{ticket: rows.Ticket, entry: rows.Entry, company: rows.Company}
}

// expect notes what a call that has reported success has set.
func expect(expected map[string]any, call onceCall, value string) {
	if call.sets == nil {
		clear(expected)
		expected["deleted"] = true
		return
	}
	maps.Copy(expected, call.sets(value))
}

func holds(t *testing.T, srv *autotasktest.Server, rows onceRows, collection string, expected map[string]any) {
	t.Helper()
	id := map[string]int64{"Tickets": rows.ticket, "TimeEntries": rows.entry, "Companies": rows.company}[collection]
	row := srv.Get(collection, id)
	if expected["deleted"] == true {
		assert.Nil(t, row)
		return
	}
	for name, value := range expected {
		assert.Equal(t, value, kit.IDOf(row[name]), "%s was reported as done", name)
	}
}

// A status that had been written, and that somebody has changed before the
// client could read it back, is not written again.
func TestOnce_1_AStatusThatRanIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, repeat := range onceRepeats {
		t.Run(repeat.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client := srv.InProcessClient()
				id := seedRows(srv).ticket
				work := autotask.Resolution{Status: autotask.StatusComplete, Note: kit.Note(), StartedAt: time.Now()}
				srv.Inject(autotasktest.Fault{Op: "PUT Tickets", Hang: true, DropResponse: true})
				go func() {
					kit.Pass(30 * time.Second)
					srv.Change("Tickets", id, map[string]any{"status": 8})
				}()
				_, err := client.Resolve(t.Context(), id, work)
				wait := kit.UnknownOutcome(t, err)
				if !repeat.sameClient {
					client = srv.InProcessClient()
				}
				if repeat.early {
					wait = min(wait, 30*time.Second)
				}
				kit.Pass(wait)
				outcome, err := client.Resolve(t.Context(), id, work)
				if repeat.early && err != nil {
					kit.Pass(kit.UnknownOutcome(t, err))
					outcome, err = client.Resolve(t.Context(), id, work)
				}
				require.NoError(t, err)
				assert.Contains(t, outcome.Steps[4].Reason, "reopened since")
				assert.Equal(t, "8", kit.IDOf(srv.Get("Tickets", id)["status"]))
				assert.Equal(t, 1, kit.Count(srv, "PUT Tickets"))
			})
		})
	}
}

// The server may ask for more time than Autotask takes. It gets that.
func TestOnce_1_AServerMayAskForMoreTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client, rows := srv.InProcessClient(), seedRows(srv)
		srv.Inject(autotasktest.Fault{Op: "PUT Tickets", Status: 503, Header: http.Header{"Retry-After": {"1200"}}})
		_, err := client.Tickets.Update(t.Context(), rows.ticket, func(k *autotask.Ticket) error { k.Title = "first"; return nil })
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		assert.GreaterOrEqual(t, kit.RetryAfter(t, err), 20*time.Minute)
	})
}

// The time to wait shrinks, and does not begin anew with each look.
func TestOnce_1_LookingDoesNotProlongTheWait(t *testing.T) {
	t.Parallel()
	for _, first := range onceCalls {
		t.Run(first.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client, rows := srv.InProcessClient(), seedRows(srv)
				fault := loseAnswer(first.op, "cut", landsNever)
				fault.Skip = first.skip
				srv.Inject(fault)
				left := kit.UnknownOutcome(t, first.do(t.Context(), client, rows, "first"))
				for left > time.Minute {
					kit.Pass(time.Minute)
					again := kit.UnknownOutcome(t, first.do(t.Context(), client, rows, "second"))
					assert.LessOrEqual(t, again, left-time.Minute)
					left = again
				}
				kit.Pass(left)
				require.NoError(t, first.do(t.Context(), client, rows, "third"))
			})
		})
	}
}

// smallChanges are those that a read-back cannot tell from the value before.
var smallChanges = map[string]struct {
	seed   map[string]any
	change func(*autotask.Ticket)
}{
	"outer blanks":    {map[string]any{"description": "as it was"}, func(k *autotask.Ticket) { k.Description.Set(" as it was ") }},
	"line ending":     {map[string]any{"description": "one\ntwo"}, func(k *autotask.Ticket) { k.Description.Set("one\r\ntwo") }},
	"last line":       {map[string]any{"description": "one"}, func(k *autotask.Ticket) { k.Description.Set("one\n") }},
	"empty to null":   {map[string]any{"description": ""}, func(k *autotask.Ticket) { k.Description.SetNull() }},
	"null to empty":   {map[string]any{"description": nil}, func(k *autotask.Ticket) { k.Description.Set("") }},
	"null to a blank": {map[string]any{"description": nil}, func(k *autotask.Ticket) { k.Description.Set(" ") }},
	"1 ms": {map[string]any{"dueDateTime": "2026-11-23T17:00:00.000Z"}, func(k *autotask.Ticket) {
		k.DueDateTime.Set(time.Date(2026, 11, 23, 17, 0, 0, 1_000_000, time.UTC))
	}},
}

// A lost write of which one field changes hardly at all is unknown, and neither
// done nor refused for certain.
func TestOnce_5_ALostWriteIsUnknownWhateverItChanges(t *testing.T) {
	t.Parallel()
	for name, small := range smallChanges {
		for _, with := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, with another field %v", name, with), func(t *testing.T) {
				t.Parallel()
				for _, how := range onceHows {
					for _, lands := range onceLands {
						t.Run(fmt.Sprintf("%s, lands %v", how, lands), func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) {
								srv := autotasktest.NewInProcess(t)
								client := srv.InProcessClient()
								id := srv.Seed("Tickets", small.seed)
								update := func() error {
									_, err := client.Tickets.Update(t.Context(), id, func(k *autotask.Ticket) error {
										if small.change(k); with {
											k.Title = "changed"
										}
										return nil
									})
									return err
								}
								srv.Inject(loseAnswer("PUT Tickets", how, lands))
								err := update()
								landed := lands != landsNever && srv.PendingFaults() == 0
								if err == nil {
									assert.True(t, landed && with, "nothing shows that it was carried out")
									return
								}
								kit.UnknownOutcome(t, err)
								require.NotErrorIs(t, err, autotask.ErrNotApplied)
								assert.False(t, landed && with && how != "time-out" && lands == landsAtOnce, "it shows")
								kit.Pass(30 * time.Second)
								if sent := kit.Count(srv, "PUT Tickets"); !with || lands > 3*time.Minute {
									if err = update(); err != nil {
										kit.UnknownOutcome(t, err)
									}
									assert.Equal(t, sent, kit.Count(srv, "PUT Tickets"), "too early")
								}
								kit.Pass(kit.LandingTime)
								require.NoError(t, update())
							})
						})
					}
				}
			})
		}
	}
}

// Where every PUT is dropped, no Update of a ticket ever reports success.
func TestOnce_5_NoSuccessWhereEveryPUTIsDropped(t *testing.T) {
	t.Parallel()
	for name, small := range smallChanges {
		for _, how := range onceHows {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := autotasktest.NewInProcess(t)
					client := srv.InProcessClient()
					id := srv.Seed("Tickets", small.seed)
					fault := loseAnswer("PUT Tickets", how, landsNever)
					fault.Times = -1
					srv.Inject(fault)
					for range 4 {
						_, err := client.Tickets.Update(t.Context(), id, func(k *autotask.Ticket) error { small.change(k); return nil })
						kit.Pass(kit.UnknownOutcome(t, err))
					}
				})
			})
		}
	}
}

// The text of a resolution that differs from the one that is there in outer
// blanks alone holds, or its lost write is unknown.
func TestOnce_5_AResolutionThatHardlyDiffers(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"done\n", " done", "done\r\n"} {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				id := srv.Seed("Tickets", map[string]any{"resolution": "done"})
				srv.Inject(loseAnswer("PUT Tickets", "504", landsNever))
				_, err := srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Text: text})
				if kit.Count(srv, "PUT Tickets") > 0 {
					kit.UnknownOutcome(t, err)
				} else {
					require.NoError(t, err)
				}
			})
		})
	}
}
