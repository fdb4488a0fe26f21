package proof_test

import (
	"context"
	"errors"
	"fmt"
	"html"
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

// onceCreate is a call that makes a note or an attachment once.
type onceCreate struct {
	name, op, rows string
	keyed          bool // a repeat from another process knows what an earlier run made
	do             func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error
}

var onceCreates = []onceCreate{
	{"Notes.Create", "POST Tickets/Notes", "TicketNotes", false, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) error {
		_, err := c.Notes.Create(ctx, ticket, kit.Note())
		return err
	}},
	{"Create of a note", "POST Tickets/Notes", "TicketNotes", false, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) error {
		n := kit.Note()
		n.TicketID = ticket
		_, err := autotask.Create(ctx, c, n)
		return err
	}},
	{"Notes.Ensure", "POST Tickets/Notes", "TicketNotes", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error {
		_, _, err := c.Notes.Ensure(ctx, ticket, kit.Note(), startedAt)
		return err
	}},
	{"Resolve with StartedAt", "POST Tickets/Notes", "TicketNotes", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error {
		_, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: kit.Note(), StartedAt: startedAt})
		return err
	}},
	{"Upload", "POST Tickets/Attachments", "TicketAttachments", false, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) error {
		_, err := autotask.Upload(ctx, c, kit.Report(ticket), strings.NewReader("hello, file"))
		return err
	}},
	{"EnsureAttachment", "POST Tickets/Attachments", "TicketAttachments", true, func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error {
		_, _, err := kit.Ensure(ctx, c, ticket, startedAt)
		return err
	}},
	// A reference names another note than the rest do.
	{"Resolve with Ref", "POST Tickets/Notes", "TicketNotes of job 7", true, func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) error {
		_, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: kit.Note(), Ref: "job 7"})
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
	kit.Pass(time.Hour)
	startedAt := time.Now()
	srv.Inject(loseAnswer(first.op, how, lands))
	firstErr := first.do(t.Context(), client, id, startedAt)
	if firstErr == nil && !next.keyed {
		return // what comes next is another one
	}
	wait := 30 * time.Second
	repeat := onceRepeats[who]
	if firstErr != nil {
		wait = kit.UnknownOutcome(t, firstErr)
	}
	if repeat.early {
		wait = 30 * time.Second
	}
	if !repeat.sameClient {
		client = srv.InProcessClient()
	}
	kit.Pass(wait)
	sent := len(kit.Writes(srv))
	err := next.do(t.Context(), client, id, startedAt)
	if err != nil {
		kit.UnknownOutcome(t, err)
		assert.True(t, repeat.early, "the time is over: %v", err)
		assert.Len(t, kit.Writes(srv), sent)
	} else if repeat.early && firstErr != nil {
		assert.Len(t, kit.Writes(srv), sent, "it was found, not created")
	}
	if err == nil {
		kit.Pass(2 * kit.LandingTime)
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
					kit.Pass(time.Hour)
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
	kit.Pass(time.Hour)
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
					kit.Pass(time.Hour)
					srv.SetDateHeader(date)
					startedAt := time.Now().Add(ahead)
					for range 3 {
						_, _, err := srv.InProcessClient().Notes.Ensure(t.Context(), id, kit.Note(), startedAt)
						require.NoError(t, err)
						_, err = srv.InProcessClient().Resolve(t.Context(), id, autotask.Resolution{Note: kit.Note(), StartedAt: startedAt})
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
				kit.Pass(time.Hour)
				setClocks(srv, clocks.server, clocks.database, !clocks.noDate)
				old, err := srv.InProcessClient().Notes.Create(t.Context(), id, kit.Note())
				require.NoError(t, err)
				kit.Pass(3 * time.Minute)
				startedAt := time.Now()
				got, created, err := srv.InProcessClient().Notes.Ensure(t.Context(), id, kit.Note(), startedAt)
				if clocks.mayEnd && err != nil {
					return
				}
				require.NoError(t, err)
				assert.True(t, created)
				assert.NotEqual(t, old, got)
				again, created, err := srv.InProcessClient().Notes.Ensure(t.Context(), id, kit.Note(), startedAt)
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
			n := kit.Note()
			n.Title, n.Description = " Caf\u00e9 \u00a0& cafe\u0301 ", body
			_, _, err := c.Notes.Ensure(ctx, ticket, n, startedAt)
			return err
		},
		"Resolve": func(ctx context.Context, c *autotask.Client, ticket int64, startedAt time.Time) error {
			n := kit.Note()
			n.Title, n.Description = " Caf\u00e9 \u00a0& cafe\u0301 ", body
			_, err := c.Resolve(ctx, ticket, autotask.Resolution{Note: n, StartedAt: startedAt})
			return err
		},
		"Ref": func(ctx context.Context, c *autotask.Client, ticket int64, _ time.Time) error {
			n := kit.Note()
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
					kit.Pass(time.Hour)
					srv.SetTextFilter(f.filter)
					ownNote(t, srv, onceCreate{rows: "TicketNotes", do: do}, id, f.mayEnd)
				})
			})
		}
	}
}

// Ensure creates a note once, and names both if there are two.
func TestOnce_Ensure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client, id := srv.InProcessClient(), seedRows(srv).ticket
		kit.Pass(time.Hour)
		startedAt := time.Now()
		first, created, err := client.Notes.Ensure(t.Context(), id, kit.Note(), startedAt)
		require.NoError(t, err)
		assert.True(t, created)
		assert.Equal(t, []string{"POST TicketNotes/query", "POST Tickets/Notes", "POST TicketNotes/query"}, kit.Ops(srv))
		kit.Pass(24 * time.Hour)
		again, created, err := srv.InProcessClient().Notes.Ensure(t.Context(), id, kit.Note(), startedAt)
		require.NoError(t, err)
		assert.False(t, created)
		assert.Equal(t, first, again)
		second, err := client.Notes.Create(t.Context(), id, kit.Note())
		require.NoError(t, err)
		_, created, err = srv.InProcessClient().Notes.Ensure(t.Context(), id, kit.Note(), startedAt)
		both, ok := errors.AsType[*autotask.AmbiguousError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, []int64{first, second}, both.IDs())
		assert.False(t, created)
		assert.Len(t, srv.Rows("TicketNotes"), 2)
	})
}
