package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// A fleet on SQLite. FLEET_TEST=all makes it 2,000 jobs, with workers killed at random.
func TestFleetOnSQLite(t *testing.T) {
	t.Parallel()
	d, out := smallFleet(t)
	if os.Getenv("FLEET_TEST") == "all" {
		d.tenants, d.jobs, d.workers, d.kills = demoTenants, demoJobs, usualWorkers, 4
	}
	require.NoError(t, d.run(t.Context()), out)
	t.Log(out)
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, len(line), 40, "a line for a narrow terminal: %s", line)
	}
	assert.True(t, strings.HasSuffix(out.String(), fmt.Sprintf("\nfleet: %d jobs, 0 lost, 0 doubled\n", d.jobs)), out)
	assert.Contains(t, out.String(), fmt.Sprintf("Workers killed: %d\n", d.kills))
}

// smallFleet returns a demonstration that ends soon, and what it prints.
func smallFleet(t *testing.T) (*demo, *text) {
	t.Helper()
	dir := t.TempDir()
	out := &text{}
	return &demo{
		tenants: 3, jobs: 60, workers: 2, db: database{Name: "sqlite:" + filepath.Join(dir, "fleet.db")},
		locks: filepath.Join(dir, "locks"), stdout: out, stderr: &text{},
	}, out
}

// A job that is inserted again, while it waits or when it is done, is one job. A feed
// may be followed again when it has been.
func TestAKeyIsOneJob(t *testing.T) {
	t.Parallel()
	db, e := openSQLite(t)
	fakes := seedAll(1, 20, 0)
	t.Cleanup(func() { closeAll(fakes) })
	jobs := jobsOf(fakes)
	known, err := e.insert(t.Context(), jobs)
	require.NoError(t, err)
	assert.Zero(t, known)
	known, err = e.insert(t.Context(), jobs)
	require.NoError(t, err)
	assert.Equal(t, 20, known)

	stop := startWorker(t, settings{Database: db, Tenants: []tenant{fakes[0].tenant}, PerTenant: 3, Timeout: time.Minute, Rescue: time.Hour})
	_, err = newWatch(e, &text{}).untilDone(t.Context(), nil)
	require.NoError(t, err)
	stop()
	known, err = e.insert(t.Context(), jobs)
	require.NoError(t, err)
	assert.Equal(t, 19, known)

	other := *fakes[0]
	other.resolve = slices.Clone(other.resolve[:2])
	other.resolve[0].Text = "The same key with another text."
	other.resolve[1].Key = "another key"
	other.alerts, other.changes = nil, nil
	known, err = e.insert(t.Context(), jobsOf([]*fake{&other}))
	require.NoError(t, err)
	assert.Equal(t, 1, known)
}

// A tenant with few jobs does not wait for one with many, which had them first.
func TestFairness(t *testing.T) {
	t.Parallel()
	db, e := openSQLite(t)
	big, small := seed("big", 40), seed("small", 5)
	t.Cleanup(func() { closeAll([]*fake{big, small}) })
	_, err := e.insert(t.Context(), jobsOf([]*fake{big, small}))
	require.NoError(t, err)
	startWorker(t, settings{Database: db, Tenants: []tenant{big.tenant, small.tenant}, PerTenant: 1, Timeout: time.Minute, Rescue: time.Hour})
	_, err = newWatch(e, &text{}).untilDone(t.Context(), nil)
	require.NoError(t, err)

	ended := make(map[string][]time.Time)
	done, err := e.list(t.Context(), river.NewJobListParams().States(rivertype.JobStateCompleted))
	require.NoError(t, err)
	for _, j := range done {
		ended[j.Queue] = append(ended[j.Queue], *j.FinalizedAt)
	}
	for _, times := range ended {
		slices.SortFunc(times, time.Time.Compare)
	}
	require.Len(t, ended["big"], 40)
	require.Len(t, ended["small"], 5)
	assert.Less(t, ended["small"][4], ended["big"][20])
}

// Ctrl-C lets the jobs in hand end, and says what was left.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	d, out := smallFleet(t)
	d.latency = demoLatency
	ctx, interrupt := context.WithCancel(t.Context())
	d.step = func(_ context.Context, over int) error {
		if over > 0 {
			interrupt()
		}
		return nil
	}
	err := d.run(ctx)
	require.ErrorIs(t, err, context.Canceled, out)
	assert.Regexp(t, `[0-9]+ of 60 jobs were over`, err.Error())
	assert.NotContains(t, out.String(), "fleet:")
}

// One more worker does what others have inserted, until it is told to stop.
func TestWorkersOnly(t *testing.T) {
	t.Parallel()
	db, e := openSQLite(t)
	f := seed("acme", 6)
	t.Cleanup(f.srv.Close)
	_, err := e.insert(t.Context(), jobsOf([]*fake{f}))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "tenants.json")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `[{"name":"acme","userName":%q,"secretFrom":"S","integrationCodeFrom":"C","baseURL":%q}]`,
		f.tenant.UserName, f.tenant.BaseURL), 0o600))

	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, ended := &text{}, make(chan error, 1)
	go func() {
		ended <- from(strings.NewReader(""))(ctx, []string{"-tenants", file, "-workers-only", "-ui", "127.0.0.1:0"},
			environment(map[string]string{"DATABASE_URL": db.Name, "S": string(f.tenant.Secret), "C": string(f.tenant.IntegrationCode)}), out, out)
	}()
	_, err = newWatch(e, &text{}).untilDone(t.Context(), nil)
	require.NoError(t, err)
	interrupt()
	require.NoError(t, <-ended)
	assert.Contains(t, out.String(), "River's UI: http://127.0.0.1:")
	assert.Contains(t, out.String(), "Working for 1 tenants\nSQLite\n")
	done, err := e.list(t.Context(), river.NewJobListParams().States(rivertype.JobStateCompleted))
	require.NoError(t, err)
	assert.Len(t, done, 6)
}

// What is proved can be refuted.
func TestTheProofSeesWhatIsLostAndDoubled(t *testing.T) {
	t.Parallel()
	f := seed("acme", 20)
	t.Cleanup(f.srv.Close)
	nothing := proof{w: &text{}}
	nothing.check(f, nil)
	assert.Equal(t, []int{20, 20, 0}, []int{nothing.jobs, nothing.lost, nothing.doubled})

	rows := make(map[int64]bool)
	for _, a := range f.resolve {
		rows[a.TicketID] = true
		f.srv.Change("Tickets", a.TicketID, map[string]any{"status": 5, "resolution": a.Text})
		f.srv.Seed("TicketNotes", map[string]any{"ticketID": a.TicketID, "title": a.NoteTitle + " [" + a.Key + "]"})
	}
	alertTicket := func(status int) {
		description := "Alert event: [" + f.alerts[0].Event + "]"
		f.srv.Seed("Tickets", map[string]any{"externalID": "alert:" + f.alerts[0].Key, "description": description, "status": status})
	}
	alertTicket(1)
	open := f.srv.Rows("Tickets")[len(f.srv.Rows("Tickets"))-1]
	f.srv.Seed("TicketNotes", map[string]any{"ticketID": idOf(open["id"]), "title": "Disk full [" + f.alerts[1].Event + "]"})
	good := proof{w: &text{}}
	good.check(f, rows)
	assert.Equal(t, []int{20, 0, 0}, []int{good.jobs, good.lost, good.doubled}, good.w)

	f.srv.Seed("TicketNotes", map[string]any{"ticketID": f.resolve[0].TicketID, "title": "Backup checked [backup-0000]"})
	f.srv.Change("Tickets", f.resolve[1].TicketID, map[string]any{"status": 1, "completedDate": nil, "resolvedDateTime": nil})
	alertTicket(1) // an occurrence twice, and two open tickets of an alert
	delete(rows, f.resolve[2].TicketID)
	bad := proof{w: &text{}}
	bad.check(f, rows)
	assert.Equal(t, []int{20, 2, 3}, []int{bad.jobs, bad.lost, bad.doubled}, bad.w)
}

// Real tenants, as the program sees them: one whose credentials are refused, and jobs
// that never can be done.
func TestTenantsFromAFile(t *testing.T) {
	t.Parallel()
	good, locked := seed("acme", 4), seed("globex", 4)
	t.Cleanup(func() { closeAll([]*fake{good, locked}) })
	dir := t.TempDir()
	file := filepath.Join(dir, "tenants.json")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `[
		{"name":"acme","userName":%q,"secretFrom":"ACME_SECRET","integrationCodeFrom":"CODE","baseURL":%q},
		{"name":"globex","userName":%q,"secretFrom":"GLOBEX_SECRET","integrationCodeFrom":"CODE","baseURL":%q}]`,
		good.tenant.UserName, good.tenant.BaseURL, locked.tenant.UserName, locked.tenant.BaseURL), 0o600))
	getenv := environment(map[string]string{
		"DATABASE_URL": "sqlite:" + filepath.Join(dir, "fleet.db"), "ACME_SECRET": string(good.tenant.Secret),
		"GLOBEX_SECRET": "wrong-secret", "CODE": string(good.tenant.IntegrationCode),
	})
	jobs := func(f *fake) (lines string) {
		for _, a := range f.resolve {
			number := f.srv.Get("Tickets", a.TicketID)["ticketNumber"]
			lines += fmt.Sprintf(`{"resolve":{"tenant":%q,"key":%q,"ticketNumber":%q,"text":%q,"status":5,"noteTitle":%q,"note":%q,"noteType":1,"publish":1}}`+"\n",
				a.Tenant, a.Key, number, a.Text, a.NoteTitle, a.Note)
		}
		return lines + fmt.Sprintf(`{"changes":{"tenant":%q,"collections":["Tickets"]}}`+"\n", f.tenant.Name)
	}
	input := jobs(good) + jobs(locked) +
		`{"alert":{"tenant":"acme","companyID":` + fmt.Sprint(autotasktest.CustomerID) + `,"key":"disk","event":"run-1","title":"Disk full","priority":1,"noteType":1,"publish":1}}` + "\n" +
		`{"resolve":{"tenant":"acme","key":"gone","ticketID":99999,"text":"Nothing."}}` + "\n" +
		`{"resolve":{"tenant":"acme","key":"a [bracket]","ticketID":` + fmt.Sprint(good.resolve[0].TicketID) + `,"text":"No.","noteTitle":"No","noteType":1,"publish":1}}` + "\n"

	out := &text{}
	err := from(strings.NewReader(input))(t.Context(), []string{"-tenants", file, "-workers", "1"}, getenv, out, out)
	require.EqualError(t, err, "some jobs were not done", out)
	assert.Contains(t, out.String(), "11 jobs inserted, 0 known already")
	assert.Contains(t, out.String(), "resolve of acme, try 1")
	assert.Contains(t, out.String(), "not found")
	assert.Contains(t, out.String(), "paused: the queue of globex")
	assert.Contains(t, out.String(), "\nfleet: 7 jobs over, 2 failed, 4 held\n")
	assert.NotContains(t, out.String(), "wrong-secret")
	assert.LessOrEqual(t, len(locked.srv.Requests()), 6, "each further request may lock the account")
	for _, a := range good.resolve {
		assert.EqualValues(t, 5, idOf(good.srv.Get("Tickets", a.TicketID)["status"]))
	}

	// The credentials are mended, but nobody has resumed the queue.
	out = &text{}
	err = from(strings.NewReader(jobs(good)))(t.Context(), []string{"-tenants", file, "-workers", "1"}, getenv, out, out)
	require.Error(t, err)
	assert.Contains(t, out.String(), "1 jobs inserted, 3 known already")
	assert.Contains(t, out.String(), "\nfleet: 8 jobs over, 0 failed, 4 held\n")
}
