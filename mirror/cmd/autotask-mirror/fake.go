package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/mirror"
)

// demonstrate mirrors a fake tenant that does not stand still.
func demonstrate(ctx context.Context, o options, requests *counter, stdout, stderr io.Writer) error {
	o.budget = 0 // each run is to come to its end
	srv := autotasktest.Start()
	defer srv.Close()
	t := furnish(srv, o.size)
	m, err := openFake(ctx, &o)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	fmt.Fprintf(stdout, "no AUTOTASK_* variables: a fake tenant of %d tickets, into %s\n", len(t.tickets), o.to)
	job := &job{options: o, mirror: m, client: srv.InProcessClient(requests.option()), requests: requests, stdout: stdout, line: newLine(stderr)}
	for _, atWork := range []func(){t.work, t.work, nil} { // nothing changes in the last run
		if err := job.run(ctx, 0, atWork); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "meanwhile %d tickets were changed, %d made and %d deleted\n", t.changed, t.made, t.deleted)
	equal, err := job.compare(ctx)
	switch {
	case err != nil:
		return err
	case !equal:
		return errors.New("the mirror is not what the tenant is")
	case o.watch > 0:
		return job.run(ctx, o.watch, t.work)
	}
	return nil
}

// Where the fake tenant is mirrored if nothing else is said.
const fakeFile, fakeSchema = "autotask-fake.db", "autotask_fake"

// openFake opens a mirror of its own for the fake tenant, without what an earlier one
// has left there: a copy of a real tenant must not be mixed with it.
func openFake(ctx context.Context, o *options) (*mirror.Mirror, error) {
	if o.to == "" || strings.HasPrefix(o.to, "sqlite:") {
		if o.to == "" {
			o.to = "sqlite:" + fakeFile
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if err := os.Remove(fakeFile + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return nil, err
				}
			}
		}
		path := strings.TrimPrefix(o.to, "sqlite:")
		if _, err := os.Stat(path); err == nil { //nolint:gosec // the caller names the file
			return nil, fmt.Errorf("%w: %s is there, and is not mixed with a fake tenant", errUsage, path)
		}
		return mirror.Open(ctx, o.to)
	}
	m, err := mirror.OpenSchema(ctx, o.to, fakeSchema, true)
	o.to = "the Postgres schema " + fakeSchema
	return m, err
}

// tenant is a fake tenant at work.
type tenant struct {
	*rand.Rand

	srv                    *autotasktest.Server
	tickets                []int64
	changed, made, deleted int
}

func furnish(srv *autotasktest.Server, tickets int) *tenant {
	companies, notes := 40, tickets/5
	t := &tenant{Rand: rand.New(rand.NewPCG(1, 15)), srv: srv} //nolint:gosec // the same tenant every time
	srv.SetThreshold(1_000_000, 0)
	srv.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Backup Plan", Type: "string"}, autotasktest.UDFDefinition{Name: "Devices", Type: "integer"})
	var company []int64
	for i := range companies {
		company = append(company, srv.Seed("Companies", map[string]any{"companyName": fmt.Sprintf("Company %d", i+1)}))
	}
	titles := []string{"Backup failed", "Printer on fire", "Mailbox full", "Cannot log in", "New laptop", "Slow network"}
	now := time.Now().Truncate(time.Second)
	for range tickets {
		made := now.Add(-time.Duration(60+t.IntN(90*24*60)) * time.Minute)
		fields := map[string]any{
			"title": titles[t.IntN(len(titles))], "companyID": company[t.IntN(companies)], "status": []int{1, 5, 5, 7, 10}[t.IntN(5)],
			"createDate": made, "lastActivityDate": made, "lastTrackedModificationDateTime": made,
			"userDefinedFields": []map[string]any{{"name": "Backup Plan", "value": "Gold"}, {"name": "Devices", "value": fmt.Sprint(t.IntN(50))}},
		}
		t.tickets = append(t.tickets, srv.Seed("Tickets", fields))
	}
	for range notes {
		made := now.Add(-time.Duration(60+t.IntN(90*24*60)) * time.Minute)
		ticket := t.tickets[t.IntN(tickets)]
		srv.Seed("TicketNotes", map[string]any{"ticketID": ticket, "title": "Checked", "createDateTime": made, "lastActivityDate": made})
		srv.Seed("TimeEntries", map[string]any{
			"ticketID": ticket, "hoursWorked": float64(1+t.IntN(16)) / 4, "dateWorked": made.Truncate(24 * time.Hour),
			"createDateTime": made, "lastModifiedDateTime": made,
		})
	}
	return t
}

// work is what people do while a page is read and saved.
func (t *tenant) work() {
	for range 5 {
		t.srv.Change("Tickets", t.tickets[t.IntN(len(t.tickets))], map[string]any{"priority": 1})
		t.changed++
	}
	i := t.IntN(len(t.tickets))
	t.srv.Remove("Tickets", t.tickets[i])
	t.deleted++
	t.tickets[i] = t.srv.Seed("Tickets", map[string]any{"title": "It is urgent"})
	t.made++
}
