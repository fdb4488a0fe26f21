package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/examples/internal/connect"
	"github.com/autotask-go/autotask/internal/english"
)

// demo is a fleet on fake tenants.
type demo struct {
	tenants, jobs, workers, kills int
	verbose                       bool
	ui                            string
	db                            database
	locks                         string
	latency                       time.Duration
	stdout, stderr                io.Writer
	step                          func(ctx context.Context, over int) error // called at each look, if not nil
}

// A write of a killed worker reaches a fake tenant at once or never, so a job of such
// a worker can be tried again much sooner than on a real one.
const (
	demoTimeout = 15 * time.Second
	demoRescue  = 16 * time.Second
	demoLatency = 10 * time.Millisecond // a tenth of a real one
)

// demonstrate runs the demonstration that the options ask for.
func demonstrate(ctx context.Context, o options, db database, getenv func(string) string, stdout, stderr io.Writer) error {
	if err := refuseTenant(getenv); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	d := demo{
		tenants: demoTenants, jobs: o.jobs, workers: o.workers, kills: o.kills, verbose: o.verbose, ui: o.ui,
		locks: filepath.Join(dir, "locks"), latency: demoLatency, stdout: stdout, stderr: stderr,
	}
	switch {
	case db.Name == "":
		d.db.Name = "sqlite:" + filepath.Join(dir, "fleet.db")
	case db.isSQLite():
		return connect.Usage("the demonstration makes an SQLite file of its own: unset DATABASE_URL, or name a Postgres database; with -tenants, a file is fine")
	default:
		d.db = database{Name: db.Name, Schema: "fleet_demo_" + random()}
		if err := d.db.check(); err != nil {
			return connect.Usage("DATABASE_URL: %w", err)
		}
	}
	return d.run(ctx)
}

func random() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x", b)
}

// run runs the demonstration. Its error says that a job was lost or done twice, or
// what kept it from coming to an end.
func (d *demo) run(ctx context.Context) error {
	fmt.Fprintf(d.stdout, "%d fake tenants, %s jobs, %d workers\n%s\nNothing leaves this machine.\n",
		d.tenants, english.Thousands(d.jobs), d.workers, d.db.shown())
	e, err := d.db.open(ctx, &river.Config{Logger: quiet, MaxAttempts: maxAttempts})
	if err != nil {
		return err
	}
	defer e.close()
	if err := e.migrate(ctx); err != nil {
		return err
	}
	defer func() {
		if err := e.drop(context.WithoutCancel(ctx)); err != nil {
			fmt.Fprintf(d.stderr, "the schema %s is still there: %v\n", e.schema, err)
		}
	}()
	stopUI, err := e.announceUI(ctx, d.ui, d.stdout, d.stderr)
	if err != nil {
		return err
	}
	defer stopUI()

	fakes := seedAll(d.tenants, d.jobs, d.latency)
	defer closeAll(fakes)
	known, err := e.insert(ctx, jobsOf(fakes))
	if err != nil {
		return err
	}
	if known > 0 {
		return fmt.Errorf("%d jobs were there already", known)
	}
	if err := d.work(ctx, e, fakes); err != nil {
		return err
	}
	if d.ui == "" {
		return nil
	}
	fmt.Fprintln(d.stdout, "River's UI stays until Ctrl-C.")
	<-ctx.Done()
	return nil
}

// work has the jobs done, and proves it.
func (d *demo) work(ctx context.Context, e *engine, fakes []*fake) error {
	tenants := make([]tenant, len(fakes))
	for i, f := range fakes {
		tenants[i] = f.tenant
	}
	c, err := hire(d.workers, settings{
		Database: d.db, Tenants: tenants, PerTenant: perTenant(d.workers), Timeout: demoTimeout, Rescue: demoRescue, Locks: d.locks,
	}, d.verbose, d.stderr)
	if err != nil {
		return err
	}
	w := newWatch(e, d.stderr)
	k := d.newKiller(c, e, w)
	w.step = func(ctx context.Context, over int) error {
		if d.step != nil {
			if err := d.step(ctx, over); err != nil {
				return err
			}
		}
		return k.step(ctx, over)
	}
	last, err := w.untilDone(ctx, c.failed)
	took := time.Since(w.begun)
	cpu := c.dismiss()
	if err != nil {
		return c.explain(fmt.Errorf("%w; %s of %s jobs were over, the others end with the fake tenants", err, english.Thousands(last.over), english.Thousands(d.jobs)))
	}
	done, err := e.list(ctx, river.NewJobListParams().States(rivertype.JobStateCompleted))
	if err != nil {
		return err
	}
	again := 0
	for _, j := range done {
		if len(j.Errors) > 0 {
			again++
		}
	}
	requests := 0
	for _, f := range fakes {
		requests += len(f.srv.Requests())
	}
	fmt.Fprintf(d.stdout, "%s jobs in %.0f s, %.0f a second\n%s requests; CPU %.1f ms a job\n",
		english.Thousands(len(done)), took.Seconds(), float64(len(done))/took.Seconds(), english.Thousands(requests),
		float64(cpu.Microseconds())/1000/float64(d.jobs)) // that of the workers, killed ones and all
	fmt.Fprintf(d.stdout, "Workers killed: %d\nJobs tried again: %d\n", k.killed, again)
	return d.prove(ctx, e, fakes, last)
}

// prove compares the fake tenants with the jobs.
func (d *demo) prove(ctx context.Context, e *engine, fakes []*fake, last state) error {
	failures, err := e.failures(ctx, time.Time{})
	if err != nil {
		return err
	}
	printFailures(d.stdout, failures, last)
	if len(failures) == 0 {
		fmt.Fprintln(d.stdout, "Cancelled or discarded: 0")
	}
	p := proof{w: d.stdout}
	for _, f := range fakes {
		rows, err := (&feeds{e.db}).rows(ctx, f.tenant.Name, "Tickets")
		if err != nil {
			return err
		}
		p.check(f, rows)
	}
	fmt.Fprintf(d.stdout, "fleet: %d jobs, %d lost, %d doubled\n", p.jobs, p.lost, p.doubled)
	if p.lost+p.doubled > 0 || p.jobs != d.jobs {
		return errors.New("the fake tenants do not show each job once")
	}
	return nil
}

// killer kills workers while the jobs are done.
type killer struct {
	crew    *crew
	engine  *engine
	watch   *watch
	stdout  io.Writer
	at      []int // numbers of jobs that are over
	workers int
	killed  int
}

// newKiller draws when to kill. A single kill comes early, so that the program ends
// soon.
func (d *demo) newKiller(c *crew, e *engine, w *watch) *killer {
	k := &killer{crew: c, engine: e, watch: w, stdout: d.stdout, workers: d.workers}
	for range d.kills {
		k.at = append(k.at, d.jobs/10+mathrand.N(d.jobs*7/10)) //nolint:gosec // a demonstration needs no secret randomness
	}
	if d.kills == 1 {
		k.at[0] = d.jobs / 4
	}
	slices.Sort(k.at)
	return k
}

// step kills a worker if it is time.
func (k *killer) step(ctx context.Context, over int) error {
	if k.killed == len(k.at) || over < k.at[k.killed] {
		return nil
	}
	pid, killed := k.crew.kill(mathrand.N(k.workers)) //nolint:gosec // a demonstration needs no secret randomness
	if !killed {
		return nil // it is being replaced; the next look tries again
	}
	k.killed++
	k.watch.line.Clear()
	fmt.Fprintf(k.stdout, "Worker %d killed, %s jobs in hand:\nothers get them within a minute.\n", pid, k.held(ctx, pid))
	return nil
}

// held returns how many jobs a process has in hand.
func (k *killer) held(ctx context.Context, pid int) string {
	running, err := k.engine.list(ctx, river.NewJobListParams().States(rivertype.JobStateRunning))
	if err != nil {
		return "some" // the database may be about to come back
	}
	held := 0
	for _, j := range running {
		if n := len(j.AttemptedBy); n > 0 && j.AttemptedBy[n-1] == workerID(pid) {
			held++
		}
	}
	return strconv.Itoa(held)
}

// fake is a fake tenant with its jobs.
type fake struct {
	srv     *autotasktest.Server
	tenant  tenant
	resolve []ResolveArgs
	alerts  []AlertArgs
	changes []ChangesArgs
}

// The jobs of a tenant: one reads changes, a tenth are occurrences of alerts, and the
// rest resolve tickets.
const (
	alertShare  = 10
	occurrences = 3 // of an alert
)

func seedAll(tenants, jobs int, latency time.Duration) []*fake {
	fakes := make([]*fake, tenants)
	for i := range fakes {
		n := jobs / tenants
		if i < jobs%tenants {
			n++
		}
		fakes[i] = seed(fmt.Sprintf("tenant-%02d", i+1), n)
		fakes[i].srv.SetLatency(latency)
	}
	return fakes
}

func closeAll(fakes []*fake) {
	for _, f := range fakes {
		f.srv.Close()
	}
}

// seed starts a fake tenant with so many jobs.
func seed(name string, jobs int) *fake {
	srv := autotasktest.Start()
	creds := srv.Credentials()
	f := &fake{srv: srv, tenant: tenant{
		Name: name, UserName: creds.UserName, Secret: hidden(creds.Secret), IntegrationCode: hidden(creds.IntegrationCode), BaseURL: srv.BaseURL(),
	}}
	if jobs > 1 {
		f.changes = []ChangesArgs{{Tenant: name, Collections: []string{"Tickets"}}}
	}
	for i := range jobs / alertShare {
		f.alerts = append(f.alerts, AlertArgs{
			Tenant: name, CompanyID: autotasktest.CustomerID, Key: "disk/HOST-" + strconv.Itoa(i/occurrences), Event: fmt.Sprintf("run-%04d", i),
			Title: "Disk full", Text: "97 % of the disk are used.", Priority: 1, NoteType: 1, Publish: 1,
		})
	}
	for i := range jobs - len(f.changes) - len(f.alerts) {
		id := srv.Seed("Tickets", map[string]any{"title": fmt.Sprintf("Backup failed: HOST-%04d", i), "status": 1, "resolution": nil})
		f.resolve = append(f.resolve, ResolveArgs{
			Tenant: name, Key: fmt.Sprintf("backup-%04d", i), TicketID: id, Text: "The backup succeeded on the second attempt.", Status: 5,
			NoteTitle: "Backup checked", Note: "The second run had no errors.", NoteType: 1, Publish: 1,
		})
	}
	return f
}

// jobsOf returns the jobs of all, tenant by tenant.
func jobsOf(fakes []*fake) []river.InsertManyParams {
	var jobs []river.InsertManyParams
	for _, f := range fakes {
		for _, a := range f.resolve {
			jobs = append(jobs, river.InsertManyParams{Args: a})
		}
		for _, a := range f.alerts {
			jobs = append(jobs, river.InsertManyParams{Args: a})
		}
		for _, a := range f.changes {
			jobs = append(jobs, river.InsertManyParams{Args: a})
		}
	}
	return jobs
}
