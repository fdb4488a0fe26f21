package autotask_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
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
	"github.com/autotask-go/autotask/entity"
)

// landingTime is the longest that Autotask works on a request.
const landingTime = 5 * time.Minute

// When a write lands that lost its answer, besides any time after it was sent.
const (
	landsAtOnce time.Duration = 0
	landsNever  time.Duration = -1
)

var (
	onceHows  = hows()
	onceLands = []time.Duration{landsAtOnce, time.Nanosecond, 10 * time.Second, 4 * time.Minute, landingTime, landsNever}
)

// hows are the ways in which an answer gets lost: all of them when the whole
// fault matrix is played, and otherwise one of each kind.
func hows() []string {
	if os.Getenv(matrixAll) == "all" {
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

// unknownOutcome demands ErrOutcomeUnknown with a time to wait of no more than
// Autotask may take.
func unknownOutcome(t *testing.T, err error) time.Duration {
	t.Helper()
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	wait := retryAfter(t, err)
	assert.Positive(t, wait)
	assert.LessOrEqual(t, wait, landingTime)
	return wait
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
	return autotask.Resolution{Text: value, Status: autotask.StatusComplete, Note: note(), Ref: "job 7"}
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
				for _, how := range onceHows {
					for _, lands := range onceLands {
						for who := range onceRepeats {
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
	pass(time.Minute)

	fault := loseAnswer(first.op, how, lands)
	fault.Skip = first.skip
	srv.Inject(fault)
	expected := map[string]any{}
	firstErr := first.do(t.Context(), client, rows, "first")
	wait := 30 * time.Second
	if firstErr == nil {
		expect(expected, first, "first")
	} else {
		wait = unknownOutcome(t, firstErr)
	}

	repeat := onceRepeats[who]
	if repeat.early {
		wait = 30 * time.Second
	}
	if !repeat.sameClient {
		client = srv.InProcessClient()
	}
	pass(wait)
	sent := len(writes(srv))
	landed := srv.PendingFaults() == 0 && lands != landsNever // looking at the rows makes what is due land
	err := next.do(t.Context(), client, rows, "second")
	switch {
	case err == nil:
		expect(expected, next, "second")
	case errors.Is(err, autotask.ErrOutcomeUnknown):
		unknownOutcome(t, err)
		assert.True(t, repeat.early, "the time is over: %v", err)
		assert.Len(t, writes(srv), sent, "nothing is sent before that")
	default:
		require.ErrorIs(t, err, autotask.ErrNotFound)
		require.Nil(t, first.sets, "only what a delete took is not found")
	}
	if repeat.early && firstErr != nil && !landed && first.op != "PATCH Companies" && lands > 3*time.Minute {
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, "the write may still land")
	}

	pass(2 * landingTime)
	srv.ApplyPending()
	holds(t, srv, rows, first.item, expected)
	if first.note || next.note && err == nil {
		assert.Len(t, srv.Rows("TicketNotes"), 1)
	}
}

func seedRows(srv *autotasktest.Server) onceRows {
	rows := onceRows{company: autotasktest.CustomerID}
	rows.ticket = srv.Seed("Tickets", map[string]any{"status": 1, "title": "Backup failed", "resolution": nil})
	rows.entry = srv.Seed("TimeEntries", map[string]any{"ticketID": srv.Seed("Tickets", nil), "summaryNotes": "as it was"})
	return rows
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
		assert.Equal(t, value, idOf(row[name]), "%s was reported as done", name)
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
				work := autotask.Resolution{Status: autotask.StatusComplete, Note: note(), StartedAt: time.Now()}
				srv.Inject(autotasktest.Fault{Op: "PUT Tickets", Hang: true, DropResponse: true})
				go func() {
					pass(30 * time.Second)
					srv.Change("Tickets", id, map[string]any{"status": 8})
				}()
				_, err := client.Resolve(t.Context(), id, work)
				wait := unknownOutcome(t, err)
				if !repeat.sameClient {
					client = srv.InProcessClient()
				}
				if repeat.early {
					wait = min(wait, 30*time.Second)
				}
				pass(wait)
				outcome, err := client.Resolve(t.Context(), id, work)
				if repeat.early && err != nil {
					pass(unknownOutcome(t, err))
					outcome, err = client.Resolve(t.Context(), id, work)
				}
				require.NoError(t, err)
				assert.Contains(t, outcome.Steps[4].Reason, "reopened since")
				assert.Equal(t, "8", idOf(srv.Get("Tickets", id)["status"]))
				assert.Equal(t, 1, count(srv, "PUT Tickets"))
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
		assert.GreaterOrEqual(t, retryAfter(t, err), 20*time.Minute)
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
				left := unknownOutcome(t, first.do(t.Context(), client, rows, "first"))
				for left > time.Minute {
					pass(time.Minute)
					again := unknownOutcome(t, first.do(t.Context(), client, rows, "second"))
					assert.LessOrEqual(t, again, left-time.Minute)
					left = again
				}
				pass(left)
				require.NoError(t, first.do(t.Context(), client, rows, "third"))
			})
		})
	}
}

// onceCreate is a call that makes a note or an attachment once.
type onceCreate struct {
	name, op, rows string
	keyed          bool // a repeat from another process knows what an earlier run made
	do             func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error
}

var onceCreates = []onceCreate{
	{"Notes.Create", "POST Tickets/Notes", "TicketNotes", false, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) error {
		_, err := c.Notes.Create(ctx, ticket, note())
		return err
	}},
	{"Create of a note", "POST Tickets/Notes", "TicketNotes", false, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) error {
		n := note()
		n.TicketID = ticket
		_, err := autotask.Create(ctx, c, n)
		return err
	}},
	{"Notes.Ensure", "POST Tickets/Notes", "TicketNotes", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error {
		_, _, err := c.Notes.Ensure(ctx, ticket, note(), startedAt)
		return err
	}},
	{"Resolve with StartedAt", "POST Tickets/Notes", "TicketNotes", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error {
		_, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: note(), StartedAt: startedAt})
		return err
	}},
	{"Upload", "POST Tickets/Attachments", "TicketAttachments", false, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) error {
		_, err := autotask.Upload(ctx, c, report(ticket), strings.NewReader("hello, file"))
		return err
	}},
	{"EnsureAttachment", "POST Tickets/Attachments", "TicketAttachments", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error {
		_, _, err := ensure(ctx, c, ticket, startedAt)
		return err
	}},
	// A reference names another note than the rest do.
	{"Resolve with Ref", "POST Tickets/Notes", "TicketNotes of job 7", true, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) error {
		_, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: note(), Ref: "job 7"})
		return err
	}},
}

// What this client knows to be unanswered it does not create again, and what an
// earlier run of the work created is found by any other.
func TestOnce_3_NothingIsCreatedTwice(t *testing.T) {
	t.Parallel()
	for _, first := range onceCreates {
		for _, next := range onceCreates {
			if first.rows != next.rows {
				continue
			}
			t.Run(first.name+", then "+next.name, func(t *testing.T) {
				t.Parallel()
				for _, how := range onceHows {
					for _, lands := range onceLands {
						for who, repeat := range onceRepeats {
							if !next.keyed && !repeat.sameClient {
								continue // another process creates another one, as it should
							}
							name := fmt.Sprintf("%s, lands %v, %s", how, lands, repeat.name)
							t.Run(name, func(t *testing.T) {
								synctest.Test(t, func(t *testing.T) { lateCreate(t, first, next, how, lands, who) })
							})
						}
					}
				}
			})
		}
	}
}

func lateCreate(t *testing.T, first, next onceCreate, how string, lands time.Duration, who int) {
	t.Helper()
	srv := autotasktest.NewInProcess(t)
	client, id := srv.InProcessClient(), seedRows(srv).ticket
	pass(time.Hour)
	startedAt := time.Now()
	srv.Inject(loseAnswer(first.op, how, lands))
	firstErr := first.do(t.Context(), client, id, startedAt)
	if firstErr == nil && !next.keyed {
		return // what comes next is another one
	}
	wait := 30 * time.Second
	repeat := onceRepeats[who]
	if firstErr != nil {
		wait = unknownOutcome(t, firstErr)
	}
	if repeat.early {
		wait = 30 * time.Second
	}
	if !repeat.sameClient {
		client = srv.InProcessClient()
	}
	pass(wait)
	sent := len(writes(srv))
	err := next.do(t.Context(), client, id, startedAt)
	if err != nil {
		unknownOutcome(t, err)
		assert.True(t, repeat.early, "the time is over: %v", err)
		assert.Len(t, writes(srv), sent)
	} else if repeat.early && firstErr != nil {
		assert.Len(t, writes(srv), sent, "it was found, not created")
	}
	if err == nil {
		pass(2 * landingTime)
		srv.ApplyPending()
		made, _, _ := strings.Cut(first.rows, " ")
		assert.Len(t, srv.Rows(made), 1)
	}
}

// onceClocks are the ways in which the clocks of client, web server and
// database differ.
var onceClocks = []struct {
	name           string
	server         time.Duration // ahead of the client's clock, or behind
	database       time.Duration // the same
	noDate, mayEnd bool          // mayEnd: a repeat cannot know, so the first run may end with an error
}{
	{name: "equal"},
	{name: "server 5 s behind", server: -5 * time.Second, database: -5 * time.Second},
	{name: "server 50 s behind", server: -50 * time.Second, database: -50 * time.Second},
	{name: "server 10 min behind", server: -10 * time.Minute, database: -10 * time.Minute},
	{name: "server 10 min ahead", server: 10 * time.Minute, database: 10 * time.Minute},
	{name: "no Date, server 10 s behind", server: -10 * time.Second, database: -10 * time.Second, noDate: true},
	{name: "no Date, server 50 s behind", server: -50 * time.Second, database: -50 * time.Second, noDate: true},
	{name: "no Date, server 10 min behind", server: -10 * time.Minute, database: -10 * time.Minute, noDate: true, mayEnd: true},
	{name: "no Date, server 10 min ahead", server: 10 * time.Minute, database: 10 * time.Minute, noDate: true},
	{name: "database 5 s behind", database: -5 * time.Second},
	{name: "database 50 s behind", database: -50 * time.Second},
	{name: "database 10 min behind", database: -10 * time.Minute, mayEnd: true},
	{name: "database 10 min ahead", database: 10 * time.Minute},
	{name: "server 10 min ahead, database 5 s behind that", server: 10 * time.Minute, database: 10*time.Minute - 5*time.Second},
	{name: "server 10 min behind, database 5 s behind that", server: -10 * time.Minute, database: -10*time.Minute - 5*time.Second},
}

func setClocks(srv *autotasktest.Server, server, database time.Duration, date bool) {
	srv.SetClock(func() time.Time { return time.Now().Add(server) })
	srv.SetDatabaseClock(func() time.Time { return time.Now().Add(database) })
	srv.SetDateHeader(date)
}

// A repeat knows its own note whatever the clocks say; where it could not, the
// first run ends with an error, and not a later one with two notes.
func TestOnce_4_NotesDoNotDoubleWithClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for _, clocks := range onceClocks {
		for _, create := range onceCreates {
			if !create.keyed {
				continue
			}
			t.Run(clocks.name+", "+create.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := autotasktest.NewInProcess(t)
					id := seedRows(srv).ticket
					pass(time.Hour)
					setClocks(srv, clocks.server, clocks.database, !clocks.noDate)
					mayEnd := clocks.mayEnd && create.name != "Resolve with Ref" // needs no clock
					ownNote(t, srv, create, id, mayEnd)
				})
			})
		}
	}
}

// ownNote runs a work, and again by another client, at once and an hour later.
func ownNote(t *testing.T, srv *autotasktest.Server, create onceCreate, id int64, mayEnd bool) {
	t.Helper()
	startedAt := time.Now()
	first := srv.InProcessClient()
	err := create.do(t.Context(), first, id, startedAt)
	if mayEnd && err != nil {
		assert.NotErrorIs(t, err, autotask.ErrServer)
		return // loud, and at once
	}
	require.NoError(t, err)
	require.NoError(t, create.do(t.Context(), first, id, startedAt))
	require.NoError(t, create.do(t.Context(), srv.InProcessClient(), id, startedAt))
	pass(time.Hour)
	require.NoError(t, create.do(t.Context(), first, id, startedAt))
	require.NoError(t, create.do(t.Context(), srv.InProcessClient(), id, startedAt))
	made, _, _ := strings.Cut(create.rows, " ")
	assert.Len(t, srv.Rows(made), 1)
}

// A start time ahead of the server's clock, because the job's own machine is.
func TestOnce_4_AStartTimeAheadOfTheServersClock(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{time.Second, 5 * time.Second, 30 * time.Second} {
		for _, date := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, Date header %v", ahead, date), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := autotasktest.NewInProcess(t)
					id := seedRows(srv).ticket
					pass(time.Hour)
					srv.SetDateHeader(date)
					startedAt := time.Now().Add(ahead)
					for range 3 {
						_, _, err := srv.InProcessClient().Notes.Ensure(t.Context(), id, note(), startedAt)
						require.NoError(t, err)
						_, err = srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Note: note(), StartedAt: startedAt})
						require.NoError(t, err)
					}
					assert.Len(t, srv.Rows("TicketNotes"), 1)
				})
			})
		}
	}
}

// An equal note from before the work began is not its own, whatever the clocks.
func TestOnce_4_AnOlderTwinIsNotTheOne(t *testing.T) {
	t.Parallel()
	for _, clocks := range onceClocks {
		if clocks.noDate && clocks.server > 0 || clocks.server != clocks.database {
			continue // nobody can tell
		}
		t.Run(clocks.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				id := seedRows(srv).ticket
				pass(time.Hour)
				setClocks(srv, clocks.server, clocks.database, !clocks.noDate)
				old, err := srv.InProcessClient().Notes.Create(t.Context(), id, note())
				require.NoError(t, err)
				pass(3 * time.Minute)
				startedAt := time.Now()
				got, created, err := srv.InProcessClient().Notes.Ensure(t.Context(), id, note(), startedAt)
				if clocks.mayEnd && err != nil {
					return
				}
				require.NoError(t, err)
				assert.True(t, created)
				assert.NotEqual(t, old, got)
				again, created, err := srv.InProcessClient().Notes.Ensure(t.Context(), id, note(), startedAt)
				require.NoError(t, err)
				assert.False(t, created)
				assert.Equal(t, got, again)
			})
		})
	}
}

var onceFilters = []struct {
	name   string
	filter func(string) string
	mayEnd bool
}{
	{"trims", strings.TrimSpace, false},
	{"trims every line", func(s string) string {
		lines := strings.Split(s, "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " \t\r")
		}
		return strings.Join(lines, "\n")
	}, false},
	{"CRLF", func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n") }, false},
	{"NBSP to blank", func(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }, false},
	{"blank to NBSP", func(s string) string { return strings.ReplaceAll(s, "  ", " \u00a0") }, false},
	{"blanks to one", func(s string) string { return strings.Join(strings.Fields(s), " ") }, false},
	{"HTML escaped", html.EscapeString, false},
	{"HTML escaped twice", func(s string) string { return html.EscapeString(html.EscapeString(s)) }, true},
	{"no invisible characters", func(s string) string { return strings.NewReplacer("\u200b", "", "\ufeff", "", "\u00ad", "").Replace(s) }, false},
	{"NFC", func(s string) string { return strings.ReplaceAll(s, "e\u0301", "é") }, true},
	{"NFD", func(s string) string { return strings.ReplaceAll(s, "é", "e\u0301") }, true},
	{"upper case", strings.ToUpper, true},
	{"cut", func(s string) string { return s[:min(len(s), 40)] }, true},
}

// A server that stores a text in another form does not hide the note from its
// own work.
func TestOnce_4_NotesDoNotDoubleWithTextsStoredInAnotherForm(t *testing.T) {
	t.Parallel()
	body := "  Caf\u00e9, cafe\u0301: \u00a0 2 < 3 & \"quoted\", it's\tdone.  \n\nSecond\u200b line\ufeff, with a soft\u00adhyphen \r\nand &amp; an entity  \n"
	creates := map[string]func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error{
		"Ensure": func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error {
			n := note()
			n.Title, n.Description = " Caf\u00e9 \u00a0& cafe\u0301 ", body
			_, _, err := c.Notes.Ensure(ctx, ticket, n, startedAt)
			return err
		},
		"Resolve": func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error {
			n := note()
			n.Title, n.Description = " Caf\u00e9 \u00a0& cafe\u0301 ", body
			_, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: n, StartedAt: startedAt})
			return err
		},
		"Ref": func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) error {
			n := note()
			n.Title, n.Description = " Caf\u00e9 \u00a0& cafe\u0301 ", body
			_, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: n, Ref: "job & <7> caf\u00e9"})
			return err
		},
	}
	for _, f := range onceFilters {
		for name, do := range creates {
			t.Run(f.name+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := autotasktest.NewInProcess(t)
					id := seedRows(srv).ticket
					pass(time.Hour)
					srv.SetTextFilter(f.filter)
					ownNote(t, srv, onceCreate{rows: "TicketNotes", do: do}, id, f.mayEnd)
				})
			})
		}
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
								unknownOutcome(t, err)
								require.NotErrorIs(t, err, autotask.ErrNotApplied)
								assert.False(t, landed && with && how != "time-out" && lands == landsAtOnce, "it shows")
								pass(30 * time.Second)
								if sent := count(srv, "PUT Tickets"); !with || lands > 3*time.Minute {
									if err = update(); err != nil {
										unknownOutcome(t, err)
									}
									assert.Equal(t, sent, count(srv, "PUT Tickets"), "too early")
								}
								pass(landingTime)
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
						pass(unknownOutcome(t, err))
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
				if count(srv, "PUT Tickets") > 0 {
					unknownOutcome(t, err)
				} else {
					require.NoError(t, err)
				}
			})
		})
	}
}

// onceTwins are calls that are made twice at the same time.
var onceTwins = []struct {
	name, op, rows string
	keyed          bool // both are the same work, and make one row together
	do             func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) (int64, error)
}{
	{"Notes.Create", "POST Tickets/Notes", "TicketNotes", false, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) (int64, error) {
		return c.Notes.Create(ctx, ticket, note())
	}},
	{"Upload", "POST Tickets/Attachments", "TicketAttachments", false, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) (int64, error) {
		return autotask.Upload(ctx, c, report(ticket), strings.NewReader("hello, file"))
	}},
	{"Create of a ticket", "POST Tickets", "Tickets", false, func(ctx context.Context, c *autotask.Client, _ int64, _ time.Time) (int64, error) {
		return c.Tickets.Create(ctx, &autotask.Ticket{
			Title: "Twin", Status: 1, Priority: 1, CompanyID: autotasktest.CustomerID, ExternalID: autotask.Value("alert 7"),
			DueDateTime: autotask.Value(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)),
		})
	}},
	{"Notes.Ensure", "POST Tickets/Notes", "TicketNotes", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) (int64, error) {
		id, _, err := c.Notes.Ensure(ctx, ticket, note(), startedAt)
		return id, err
	}},
	{"EnsureAttachment", "POST Tickets/Attachments", "TicketAttachments", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) (int64, error) {
		id, _, err := ensure(ctx, c, ticket, startedAt)
		return id, err
	}},
	{"Resolve with StartedAt", "POST Tickets/Notes", "TicketNotes", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) (int64, error) {
		outcome, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: note(), StartedAt: startedAt, Text: "done", Status: autotask.StatusComplete})
		return outcome.NoteID, err
	}},
	{"Resolve with Ref", "POST Tickets/Notes", "TicketNotes", true, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) (int64, error) {
		outcome, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: note(), Ref: "job 7", Text: "done", Status: autotask.StatusComplete})
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
			for seed := range uint64(200) {
				synctest.Test(t, func(t *testing.T) {
					srv := autotasktest.NewInProcess(t)
					client, id := srv.InProcessClient(), seedRows(srv).ticket
					pass(time.Hour)
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
							pass(unknownOutcome(t, err))
						}
						if err != nil && twin.keyed {
							ids[i], errs[i] = twin.do(t.Context(), client, id, startedAt)
							require.NoError(t, errs[i], "seed %d", seed)
						}
					}
					pass(landingTime)
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
			for seed := range uint64(200) {
				synctest.Test(t, func(t *testing.T) { twoProcesses(t, twin.do, twin.op, twin.rows, seed) })
			}
		})
	}
}

func twoProcesses(t *testing.T, do func(context.Context, *autotask.Client, int64, time.Time) (int64, error), op, rows string, seed uint64) {
	t.Helper()
	srv := autotasktest.NewInProcess(t)
	id := seedRows(srv).ticket
	pass(time.Hour)
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
				pass(unknownOutcome(t, err))
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
					pass(time.Hour)
					startedAt := time.Now()
					r.work = autotask.Resolution{Text: "done", Note: note(), Status: autotask.StatusComplete}
					set(&r.work, startedAt, &autotask.Outcome{})
					story(t, r, func() (*autotask.Outcome, error) {
						if !sameClient {
							r.client = r.srv.InProcessClient()
						}
						notes := r.srv.Rows("TicketNotes")
						require.Len(t, notes, 1)
						var noteID int64
						_, err := fmt.Sscan(idOf(notes[0]["id"]), &noteID)
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

func (r *reopen) status() string { return idOf(r.srv.Get("Tickets", r.id)["status"]) }

func (r *reopen) change(status int) {
	pass(time.Minute)
	r.srv.Change("Tickets", r.id, map[string]any{"status": status})
	pass(time.Minute)
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
				assert.Zero(t, count(r.srv, historyOp), "a first run does not ask")
				for _, status := range changes {
					r.change(status)
				}
				for range 2 {
					outcome, err := again()
					require.NoError(t, err)
					assert.Equal(t, "10", r.status())
					assert.Equal(t, autotask.StateSkipped, stepStates(outcome)[autotask.StepStatus])
					assert.Contains(t, outcome.Steps[4].Reason, "reopened since")
					assert.False(t, outcome.Resolved)
					assert.Equal(t, 1, count(r.srv, historyOp))
					assert.Empty(t, writes(r.srv))
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
		assert.Equal(t, autotask.StateAlreadyDone, stepStates(outcome)[autotask.StepStatus])
		assert.Zero(t, count(r.srv, historyOp))
		assert.Empty(t, writes(r.srv))
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
				require.Equal(t, []string{"POST Tickets/Notes"}, writes(r.srv))
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
						assert.Empty(t, writes(r.srv))
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
				assert.Empty(t, writes(r.srv))
			})
		})
	}
}

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
						pass(time.Hour)
						began := time.Now()
						fault := loseAnswer(op, how, lands)
						fault.Skip = 5
						srv.Inject(fault)
						for outcome, err := range client.ResolveAll(t.Context(), works(began), autotask.ResolveAllOptions{}) {
							require.NoError(t, err)
							assert.True(t, outcome.Resolved)
						}
						assert.Less(t, time.Since(began), landingTime+3*time.Minute)
						pass(landingTime)
						srv.ApplyPending()
						assert.Len(t, srv.Rows("TicketNotes"), 12)
						for _, row := range srv.Rows("Tickets") {
							assert.Equal(t, "5", idOf(row["status"]))
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
				r := autotask.Resolution{Text: "done", Status: autotask.StatusComplete, Note: note(), StartedAt: began}
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
					unknownOutcome(t, err)
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
					Text: "done", Note: note(), Status: autotask.StatusComplete, StartedAt: time.Now(),
					If: func(ticket *autotask.Ticket) error {
						calls++
						assert.Len(t, writes(srv), calls-1)
						assert.Equal(t, idOf(srv.Get("Tickets", id)["status"]), idOf(ticket.Status))
						assert.Equal(t, calls > 2, ticket.Resolution.Or("") == "done")
						ticket.Title, ticket.Priority = "not to be written", 4
						if calls == k {
							return veto
						}
						return nil
					},
				})
				assert.Equal(t, min(k, 3), calls)
				assert.Len(t, writes(srv), min(k-1, 3))
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
	long := note()
	long.Title = strings.Repeat("x", 245)
	for name, r := range map[string]autotask.Resolution{
		"too long":          {Note: note(), Ref: strings.Repeat("x", 51)},
		"brackets":          {Note: note(), Ref: "job [7]"},
		"a title too long":  {Note: long, Ref: "job 7"},
		"a line break":      {Note: note(), Ref: "job\n7"},
		"nothing but blank": {Note: note(), Ref: " "},
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
			n := note()
			_, err := srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Note: n, Ref: ref})
			require.NoError(t, err)
			assert.Equal(t, note(), n, "the caller's note stays as it is")
		}
	}
	var titles []string
	for _, row := range srv.Rows("TicketNotes") {
		titles = append(titles, fmt.Sprint(row["title"]))
	}
	assert.Equal(t, []string{"Backup checked [7]", "Backup checked [77]", "Backup checked [job 7]", "Backup checked [JOB-8]"}, titles)
	_, err := srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Note: note(), Ref: strings.Repeat("x", 50)})
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
		_, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Note: note(), NoteID: wrong})
		require.Error(t, err)
		assert.Empty(t, writes(srv))
	}
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Text: "done", Note: note(), NoteID: own})
	require.NoError(t, err)
	assert.Equal(t, own, outcome.NoteID)
	assert.Equal(t, autotask.StateAlreadyDone, stepStates(outcome)[autotask.StepNote])
	assert.Equal(t, []string{"PUT Tickets"}, writes(srv))
}

// Ensure creates a note once, and names both if there are two.
func TestOnce_Ensure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client, id := srv.InProcessClient(), seedRows(srv).ticket
		pass(time.Hour)
		startedAt := time.Now()
		first, created, err := client.Notes.Ensure(t.Context(), id, note(), startedAt)
		require.NoError(t, err)
		assert.True(t, created)
		assert.Equal(t, []string{"POST TicketNotes/query", "POST Tickets/Notes", "POST TicketNotes/query"}, ops(srv))
		pass(24 * time.Hour)
		again, created, err := srv.InProcessClient().Notes.Ensure(t.Context(), id, note(), startedAt)
		require.NoError(t, err)
		assert.False(t, created)
		assert.Equal(t, first, again)
		second, err := client.Notes.Create(t.Context(), id, note())
		require.NoError(t, err)
		_, created, err = srv.InProcessClient().Notes.Ensure(t.Context(), id, note(), startedAt)
		both, ok := errors.AsType[*autotask.AmbiguousError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, []int64{first, second}, both.IDs())
		assert.False(t, created)
		assert.Len(t, srv.Rows("TicketNotes"), 2)
	})
}

// A ticket that Autotask would not take back is refused before the note.
func TestOnce_TheTicketIsCheckedBeforeTheNote(t *testing.T) {
	t.Parallel()
	whole := autotask.Resolution{Text: "done", Note: note(), Status: autotask.StatusComplete}
	for field, length := range map[string]int{"description": 10_800, "title": 256, "externalID": 51} {
		for name, r := range map[string]autotask.Resolution{
			"all": whole, "text": {Text: "done", Note: note()}, "status": {Note: note(), Status: autotask.StatusComplete}, "Ref": {Note: note(), Text: "done", Ref: "7"},
		} {
			t.Run(field+", "+name, func(t *testing.T) {
				t.Parallel()
				srv := autotasktest.NewInProcess(t)
				id := srv.Seed("Tickets", map[string]any{field: strings.Repeat("x", length), "status": 1})
				_, err := srv.InProcessClient().Resolve(t.Context(), id, r)
				require.Error(t, err)
				assert.Contains(t, err.Error(), field)
				assert.Empty(t, writes(srv))
			})
		}
	}
	for _, field := range []string{"companyID", "queueID", "priority", "dueDateTime", "ticketCategory", "issueType", "subIssueType", "source", "organizationalLevelAssociationID"} {
		t.Run("without "+field, func(t *testing.T) {
			t.Parallel()
			srv := autotasktest.NewInProcess(t)
			id := srv.Seed("Tickets", map[string]any{"status": 1})
			raw := object(t, srv.Raw("Tickets", id))
			delete(raw, field)
			srv.SeedRaw("Tickets", encode(t, raw))
			_, err := srv.InProcessClient().Resolve(t.Context(), id, whole)
			require.ErrorIs(t, err, autotask.ErrMissingField)
			assert.Contains(t, err.Error(), field)
			assert.Empty(t, writes(srv))
		})
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

// A note alone writes no ticket, and a text that replaces one too long mends it.
func TestOnce_WhatIsNotPUTIsNotChecked(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	id := srv.Seed("Tickets", map[string]any{"description": strings.Repeat("x", 10_800), "status": 1})
	_, err := srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Note: note()})
	require.NoError(t, err)
	id = srv.Seed("Tickets", map[string]any{"resolution": strings.Repeat("x", 32_001), "status": 1})
	outcome, err := srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Note: note(), Text: "done", Status: autotask.StatusComplete})
	require.NoError(t, err)
	assert.True(t, outcome.Resolved)
}

// Ten requests for a whole resolution, and three for a text.
func TestOnce_Requests(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.InProcessClient()
	_, err := client.Resolve(t.Context(), seedRows(srv).ticket, autotask.Resolution{Text: "done", Note: note(), Status: autotask.StatusComplete, StartedAt: time.Now()})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"GET Tickets", "POST TicketNotes/query", "POST Tickets/Notes", "POST TicketNotes/query", "GET Tickets", "PUT Tickets",
		"POST TimeEntries/query", "GET Tickets", "PUT Tickets", "GET Tickets",
	}, ops(srv))
	srv.ResetRequests()
	_, err = client.Resolve(t.Context(), seedRows(srv).ticket, autotask.Resolution{Text: "done"})
	require.NoError(t, err)
	assert.Equal(t, []string{"GET Tickets", "PUT Tickets", "GET Tickets"}, ops(srv))
}

// At most 10.1 requests a resolution by number, over a thousand tickets.
func TestOnce_RequestsInBulk(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	var numbers []string
	for range 1000 {
		numbers = append(numbers, fmt.Sprint(srv.Get("Tickets", srv.Seed("Tickets", map[string]any{"status": 1, "resolution": nil}))["ticketNumber"]))
	}
	srv.SetThreshold(1_000_000, 0)
	work := func(yield func(autotask.ResolveItem) bool) {
		for _, number := range numbers {
			r := autotask.Resolution{Text: "done", Note: note(), Status: autotask.StatusComplete, StartedAt: time.Now()}
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
	assert.Equal(t, 1000, n)
	assert.LessOrEqual(t, len(srv.Requests()), 10_100)
}
