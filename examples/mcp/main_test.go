package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

// serveVariable makes the test binary the program itself.
const serveVariable = "MCP_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// office is a server with a client that is connected to it.
type office struct {
	t       *testing.T
	srv     *autotasktest.Server
	desk    *desk
	session *mcp.ClientSession
	log     *bytes.Buffer
}

func newOffice(t *testing.T, write bool, more ...autotask.Option) *office {
	t.Helper()
	o := &office{t: t, srv: autotasktest.NewServer(t), log: &bytes.Buffer{}}
	d, err := newDesk(func(opts ...autotask.Option) (*autotask.Client, error) {
		return o.srv.Client(append(opts, more...)...), nil
	},
		write, slog.New(slog.NewTextHandler(o.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	require.NoError(t, err)
	o.desk = d
	there, here := mcp.NewInMemoryTransports()
	served, err := d.server().Connect(t.Context(), there, nil)
	require.NoError(t, err)
	o.session, err = mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).Connect(t.Context(), here, nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, o.session.Close())
		_ = served.Wait()
	})
	return o
}

// call calls a tool and reads its answer, or returns the text of its error.
func (o *office) call(tool string, arguments, answer any) (failure string) {
	o.t.Helper()
	result, err := o.session.CallTool(o.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	require.NoError(o.t, err)
	if result.IsError {
		return result.Content[0].(*mcp.TextContent).Text
	}
	text, err := json.Marshal(result.StructuredContent)
	require.NoError(o.t, err)
	require.NoError(o.t, json.Unmarshal(text, answer))
	return ""
}

func (o *office) mustCall(tool string, arguments, answer any) {
	o.t.Helper()
	require.Empty(o.t, o.call(tool, arguments, answer))
}

func (o *office) tools() []string {
	o.t.Helper()
	list, err := o.session.ListTools(o.t.Context(), nil)
	require.NoError(o.t, err)
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	return names
}

// writes returns the operations that the tenant got and that are no reads.
func (o *office) writes() []string {
	var all []string
	for _, r := range o.srv.Requests() {
		if r.Method != "GET" && !strings.Contains(r.Op, "/query") {
			all = append(all, r.Op)
		}
	}
	return all
}

var readTools = []string{"find_company", "get_ticket", "picklist", "requests_left", "search_tickets"}

func TestToolsWithoutWrite(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	assert.Equal(t, readTools, o.tools())
	assert.Nil(t, o.desk.writer)
	_, err := o.session.CallTool(t.Context(), &mcp.CallToolParams{Name: "confirm", Arguments: map[string]any{"token": "x"}})
	require.Error(t, err)
}

func TestToolsWithWrite(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	want := append([]string{"confirm", "plan_alert", "plan_resolve"}, readTools...)
	slices.Sort(want)
	assert.Equal(t, want, o.tools())
	list, err := o.session.ListTools(t.Context(), nil)
	require.NoError(t, err)
	for _, tool := range list.Tools {
		assert.Equal(t, tool.Name != "confirm", tool.Annotations.ReadOnlyHint, tool.Name)
	}
}

// Whatever a tool might do by mistake, the client that it has cannot write.
func TestReadOnlyRefusesWritesInTheTransport(t *testing.T) {
	t.Parallel()
	for _, write := range []bool{false, true} {
		o := newOffice(t, write)
		id := o.srv.Seed("Tickets", map[string]any{"title": "Backup failed"})
		before := o.srv.Snapshot()
		_, err := o.desk.reader.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error { t.Title = "changed"; return nil })
		require.ErrorIs(t, err, autotask.ErrReadOnly)
		_, err = o.desk.reader.Resolve(t.Context(), id, autotask.Resolution{Text: "done"})
		require.ErrorIs(t, err, autotask.ErrReadOnly)
		_, err = o.desk.reader.Notes.Create(t.Context(), id, &autotask.TicketNote{Title: "n", Description: "d", NoteType: 1, Publish: 1})
		require.ErrorIs(t, err, autotask.ErrReadOnly)
		assert.Empty(t, o.writes())
		assert.Equal(t, before, o.srv.Snapshot())
	}
}

func TestReads(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	seed(o.srv)
	id := o.srv.Seed("Tickets", map[string]any{"title": "Backup failed again", "ticketNumber": "T20260101.0009", "companyID": 0, "description": "Disk full", "resolution": nil})
	o.srv.Seed("TicketNotes", map[string]any{"ticketID": id, "title": "Seen", "description": "On it"})
	before := o.srv.Snapshot()

	var one ticket
	o.mustCall("get_ticket", map[string]any{"number": "T20260101.0009"}, &one)
	assert.Equal(t, id, one.ID)
	assert.Equal(t, "Disk full", one.Description)
	require.Len(t, one.Notes, 1)
	assert.Equal(t, "On it", one.Notes[0].Description)
	assert.Contains(t, o.call("get_ticket", map[string]any{}, nil), "either id or number")
	assert.Contains(t, o.call("get_ticket", map[string]any{"id": 1}, nil), "not found")

	var found tickets
	o.mustCall("search_tickets", map[string]any{"title": "backup"}, &found)
	assert.Len(t, found.Tickets, 2)
	o.mustCall("search_tickets", map[string]any{"companyID": 0}, &found)
	require.Len(t, found.Tickets, 1)
	assert.Equal(t, id, found.Tickets[0].ID)
	o.mustCall("search_tickets", map[string]any{"afterID": id}, &found)
	assert.Empty(t, found.Tickets)

	var acme companies
	o.mustCall("find_company", map[string]any{"name": "acme"}, &acme)
	require.Len(t, acme.Companies, 1)
	var statuses values
	o.mustCall("picklist", map[string]any{"collection": "Tickets", "field": "status"}, &statuses)
	assert.Contains(t, statuses.Values, value{"5", "Complete", true})
	assert.Contains(t, o.call("picklist", map[string]any{"collection": "Tickets", "field": "titel"}, nil), "title")
	var used usage
	o.mustCall("requests_left", map[string]any{}, &used)
	assert.EqualValues(t, 10_000, used.Limit)

	assert.Empty(t, o.writes())
	assert.Equal(t, before, o.srv.Snapshot())
}

func TestPlanAndConfirmAResolution(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	id := o.srv.Seed("Tickets", map[string]any{"title": "Backup failed", "status": 1, "resolution": "None yet"})
	before := o.srv.Snapshot()
	var p planned
	o.mustCall("plan_resolve", map[string]any{
		"ticketID": id, "text": "It works again.", "complete": true,
		"note": map[string]any{"title": "Checked", "description": "No errors.", "noteType": 1, "publish": 2},
	}, &p)
	assert.Equal(t, before, o.srv.Snapshot())
	assert.Empty(t, o.writes())
	require.Len(t, p.Changes, 3)
	assert.Contains(t, p.Changes[0], `"Checked"`)
	assert.Contains(t, p.Changes[0], "publish 2 (")
	assert.Contains(t, p.Changes[1], `from "None yet" to "It works again."`)
	assert.Contains(t, p.Changes[2], "to 5 (Complete)")

	var done report
	o.mustCall("confirm", map[string]any{"token": p.Token}, &done)
	assert.Equal(t, id, done.TicketID)
	row := o.srv.Get("Tickets", id)
	assert.Equal(t, "It works again.", row["resolution"])
	assert.Equal(t, json.Number("5"), row["status"])
	assert.Len(t, o.srv.Rows("TicketNotes"), 1)

	// A token is good once.
	after := o.srv.Snapshot()
	assert.Contains(t, o.call("confirm", map[string]any{"token": p.Token}, nil), "no such plan")
	assert.Contains(t, o.call("confirm", map[string]any{"token": ""}, nil), "no such plan")
	assert.Equal(t, after, o.srv.Snapshot())
}

func TestPlanRefusesWhatThePicklistLacks(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	id := o.srv.Seed("Tickets", map[string]any{"status": 1})
	note := map[string]any{"title": "Checked", "description": "No errors.", "noteType": 1, "publish": 4711}
	assert.Contains(t, o.call("plan_resolve", map[string]any{"ticketID": id, "text": "Done.", "note": note}, nil), "4711 is no value of publish")
	assert.Contains(t, o.call("plan_alert", with("priority", 4711), nil), "4711 is no value of priority")
	assert.Contains(t, o.call("plan_resolve", map[string]any{"ticketID": id, "text": ""}, nil), "text is empty")
	assert.Contains(t, o.call("plan_resolve", map[string]any{"ticketID": 1, "text": "Done."}, nil), "not found")
	assert.Empty(t, o.desk.plans.waiting)
}

func TestPlanSaysThatTimeIsBooked(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	id := o.srv.Seed("Tickets", map[string]any{"status": 1})
	o.srv.Seed("TimeEntries", map[string]any{"ticketID": id})
	var p planned
	o.mustCall("plan_resolve", map[string]any{"ticketID": id, "text": "Done.", "complete": true}, &p)
	assert.Contains(t, p.Changes[1], "time is booked")
	o.mustCall("confirm", map[string]any{"token": p.Token}, &report{})
	assert.Equal(t, json.Number("1"), o.srv.Get("Tickets", id)["status"])
}

// The time is deleted again after the plan said that the status stays.
func TestConfirmSetsNoStatusThatWasNotPlanned(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	id := o.srv.Seed("Tickets", map[string]any{"status": 1})
	booked := o.srv.Seed("TimeEntries", map[string]any{"ticketID": id})
	var p planned
	o.mustCall("plan_resolve", map[string]any{"ticketID": id, "text": "Done.", "complete": true}, &p)
	assert.Contains(t, p.Changes[1], "leave the status alone")
	o.srv.Remove("TimeEntries", booked)
	o.mustCall("confirm", map[string]any{"token": p.Token}, &report{})
	assert.Equal(t, json.Number("1"), o.srv.Get("Tickets", id)["status"])
}

// Of two plans that rest on the same state and are confirmed at once, one is carried
// out.
func TestConfirmsAtOnce(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(o *office, id int64, one string, p *planned){
		"a resolution": func(o *office, id int64, one string, p *planned) {
			o.mustCall("plan_resolve", map[string]any{"ticketID": id, "text": one}, p)
		},
		"an alert": func(o *office, _ int64, one string, p *planned) { o.mustCall("plan_alert", with("event", one), p) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, true)
			id := o.srv.Seed("Tickets", map[string]any{"status": 1})
			var plans [2]planned
			ask(o, id, "first", &plans[0])
			ask(o, id, "second", &plans[1])
			failures := make(chan string, len(plans))
			for _, p := range plans {
				go func() { failures <- o.call("confirm", map[string]any{"token": p.Token}, &report{}) }()
			}
			one, other := <-failures, <-failures
			assert.True(t, one == "" || other == "", one+other)
			assert.Contains(t, one+other, "has changed")
			assert.Len(t, o.writes(), 1)
		})
	}
}

func TestConfirmRefusesAnOldPlan(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	now := time.Now().Add(-time.Hour)
	o.desk.plans.now = func() time.Time { return now }
	id := o.srv.Seed("Tickets", map[string]any{"status": 1})
	var p planned
	o.mustCall("plan_resolve", map[string]any{"ticketID": id, "text": "Done."}, &p)
	before := o.srv.Snapshot()
	now = now.Add(lifetime)
	assert.Contains(t, o.call("confirm", map[string]any{"token": p.Token}, nil), "no such plan")
	assert.Equal(t, before, o.srv.Snapshot())
	assert.Empty(t, o.writes())
	o.mustCall("plan_resolve", map[string]any{"ticketID": id, "text": "Done."}, &p)
	assert.Len(t, o.desk.plans.waiting, 1, "old plans are forgotten")
	now = now.Add(lifetime - time.Second)
	o.mustCall("confirm", map[string]any{"token": p.Token}, &report{})
}

func TestConfirmRefusesAChangedTicket(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(srv *autotasktest.Server, id int64){
		"a status": func(srv *autotasktest.Server, id int64) { srv.Change("Tickets", id, map[string]any{"status": 10}) },
		"a resolution": func(srv *autotasktest.Server, id int64) {
			srv.Change("Tickets", id, map[string]any{"resolution": "Mine"})
		},
		"a user-defined field": func(srv *autotasktest.Server, id int64) {
			srv.Change("Tickets", id, map[string]any{"userDefinedFields": []map[string]any{{"name": "Site", "value": "B"}}})
		},
		"only activity": func(srv *autotasktest.Server, id int64) {
			srv.Change("Tickets", id, map[string]any{"lastActivityDate": time.Now().Add(time.Minute)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, true)
			id := o.srv.Seed("Tickets", map[string]any{"status": 1, "userDefinedFields": []map[string]any{{"name": "Site", "value": "A"}}})
			var p planned
			o.mustCall("plan_resolve", map[string]any{"ticketID": id, "text": "Done.", "complete": true}, &p)
			change(o.srv, id)
			before := o.srv.Snapshot()
			assert.Contains(t, o.call("confirm", map[string]any{"token": p.Token}, nil), "has changed")
			assert.Equal(t, before, o.srv.Snapshot())
			assert.Empty(t, o.writes())
			assert.Contains(t, o.call("confirm", map[string]any{"token": p.Token}, nil), "no such plan", "a refused token is used up")
		})
	}
}

// Somebody changes the ticket after the resolution and before the status.
func TestConfirmStopsAtAChangeInBetween(t *testing.T) {
	t.Parallel()
	var id int64
	var o *office
	confirming := false
	o = newOffice(t, true, autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			if confirming && strings.HasSuffix(req.URL.Path, "TimeEntries/query") {
				o.srv.Change("Tickets", id, map[string]any{"priority": 2})
			}
			return next.RoundTrip(req)
		})
	}))
	id = o.srv.Seed("Tickets", map[string]any{"status": 1, "priority": 1})
	var p planned
	o.mustCall("plan_resolve", map[string]any{"ticketID": id, "text": "Done.", "complete": true}, &p)
	confirming = true
	failure := o.call("confirm", map[string]any{"token": p.Token}, nil)
	assert.Contains(t, failure, "has changed")
	assert.Contains(t, failure, "resolution: done", "what was done until then is said")
	row := o.srv.Get("Tickets", id)
	assert.Equal(t, "Done.", row["resolution"])
	assert.Equal(t, json.Number("1"), row["status"])
	assert.Equal(t, json.Number("2"), row["priority"])
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A confirm that was cut off and is planned anew does not post its note twice.
func TestPlanAfterALostAnswer(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	now := time.Now()
	o.desk.plans.now = func() time.Time { return now }
	id := o.srv.Seed("Tickets", map[string]any{"status": 1})
	arguments := map[string]any{
		"ticketID": id, "text": "Done.",
		"note": map[string]any{"title": "Checked", "description": "No errors.", "noteType": 1, "publish": 2},
	}
	var p planned
	o.mustCall("plan_resolve", arguments, &p)
	o.srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropResponse: true, HideFromQueries: 100})
	assert.Contains(t, o.call("confirm", map[string]any{"token": p.Token}, nil), "outcome unknown")
	require.Len(t, o.srv.Rows("TicketNotes"), 1)
	now = now.Add(time.Hour)
	first, _, err := o.desk.plans.startedAt(resolveQuestion{TicketID: id, Text: "Done.", Note: &noteText{"Checked", "No errors.", 1, 2}})
	require.NoError(t, err)
	assert.Equal(t, now.Add(-time.Hour), first)
	other, _, err := o.desk.plans.startedAt(resolveQuestion{TicketID: id, Text: "Other."})
	require.NoError(t, err)
	assert.Equal(t, now, other)
}

var alertArguments = map[string]any{
	"companyID": 0, "key": "backup/db1", "event": "run-1", "title": "Backup failed", "text": "No space.", "priority": 1,
	"note": map[string]any{"title": "Again", "description": "Still no space.", "noteType": 1, "publish": 2},
}

func with(name string, v any) map[string]any {
	all := map[string]any{}
	for k, old := range alertArguments {
		all[k] = old
	}
	all[name] = v
	return all
}

func TestPlanAndConfirmAnAlert(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	before := o.srv.Snapshot()
	var p planned
	o.mustCall("plan_alert", alertArguments, &p)
	assert.Nil(t, p.Ticket)
	require.Len(t, p.Changes, 1)
	assert.Contains(t, p.Changes[0], "create a ticket for company 0")
	assert.Equal(t, before, o.srv.Snapshot())
	var done report
	o.mustCall("confirm", map[string]any{"token": p.Token}, &done)
	require.Len(t, o.srv.Rows("Tickets"), 1)
	assert.Contains(t, o.call("plan_alert", alertArguments, nil), "nothing to do")

	// The next occurrence is a note.
	o.mustCall("plan_alert", with("event", "run-2"), &p)
	require.NotNil(t, p.Ticket)
	assert.Equal(t, done.TicketID, p.Ticket.ID)
	assert.Contains(t, p.Changes[0], "post the note")
	assert.Empty(t, o.srv.Rows("TicketNotes"))
	o.mustCall("confirm", map[string]any{"token": p.Token}, &done)
	assert.Len(t, o.srv.Rows("TicketNotes"), 1)
	assert.Len(t, o.srv.Rows("Tickets"), 1)

	// The ticket changes after the plan, or another one appears.
	o.mustCall("plan_alert", with("event", "run-3"), &p)
	o.srv.Change("Tickets", done.TicketID, map[string]any{"status": 10})
	assert.Contains(t, o.call("confirm", map[string]any{"token": p.Token}, nil), "has changed")
	assert.Len(t, o.srv.Rows("TicketNotes"), 1)
	o.mustCall("plan_alert", with("key", "other"), &p)
	var q planned
	o.mustCall("plan_alert", with("key", "other"), &q)
	o.mustCall("confirm", map[string]any{"token": q.Token}, &done)
	assert.Contains(t, o.call("confirm", map[string]any{"token": p.Token}, nil), "nothing to do")
	assert.Len(t, o.srv.Rows("Tickets"), 2)
}

func TestLogsHoldNoSecretAndNoText(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	id := o.srv.Seed("Tickets", map[string]any{"status": 1, "title": "Mustermann"})
	var p planned
	o.mustCall("plan_resolve", map[string]any{"ticketID": id, "text": "Holunder."}, &p)
	o.mustCall("confirm", map[string]any{"token": p.Token}, &report{})
	require.NotEmpty(t, o.log.String())
	creds := o.srv.Credentials()
	for _, s := range []string{creds.UserName, creds.Secret, creds.IntegrationCode, "Mustermann", "Holunder", p.Token} {
		assert.NotContains(t, o.log.String(), s)
	}
}

// The program itself, as an MCP host starts it.
func TestProgram(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed"})
	creds := srv.Credentials()
	self, err := os.Executable()
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), self, "-write") //nolint:gosec // this very test
	command.Env = append(os.Environ(), serveVariable+"=1", "AUTOTASK_USERNAME="+creds.UserName, "AUTOTASK_SECRET="+creds.Secret,
		"AUTOTASK_INTEGRATION_CODE="+creds.IntegrationCode, "AUTOTASK_BASE_URL="+srv.BaseURL())
	var stderr bytes.Buffer
	command.Stderr = &stderr
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).Connect(t.Context(), &mcp.CommandTransport{Command: command}, nil)
	require.NoError(t, err)
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "get_ticket", Arguments: map[string]any{"id": id}})
	require.NoError(t, err)
	assert.False(t, result.IsError)
	require.NoError(t, session.Close(), "it ends by itself when its input ends, with exit code 0")
	for _, secret := range []string{creds.UserName, creds.Secret, creds.IntegrationCode} {
		assert.NotContains(t, strings.Join(command.Args, " "), secret)
		assert.NotContains(t, stderr.String(), secret)
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
	}{
		"an argument":         {args: []string{"serve"}},
		"an unknown flag":     {args: []string{"-force"}},
		"half an environment": {env: map[string]string{"AUTOTASK_USERNAME": "x"}},
	} {
		var stdout, stderr bytes.Buffer
		var usage connect.UsageError
		err := run(context.WithoutCancel(t.Context()), test.args, func(n string) string { return test.env[n] }, &stdout, &stderr)
		require.ErrorAs(t, err, &usage, name)
		assert.Empty(t, stdout.String())
	}
}
