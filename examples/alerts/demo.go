package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/autotasktest"
)

const (
	demoAlerts  = 500
	demoKeys    = 60
	demoWorkers = 4
	demoCleared = 3
)

// demonstrate runs a storm from four workers on a fake tenant, and prints the result.
func demonstrate(ctx context.Context, stdout io.Writer) error {
	fmt.Fprintln(stdout, "No AUTOTASK_* variables: running on an embedded fake tenant.\nNothing leaves this machine.")
	fmt.Fprintf(stdout, "\n%d alerts in %d keys from %d workers, after 10 keys one storm ticket:\n\n", demoAlerts, demoKeys, demoWorkers)
	srv := autotasktest.Start()
	defer srv.Close()
	d := newDesk(srv.Client(), options{
		priority: 1, noteType: 1, publish: 2, resolution: "The alert is over.",
		policy: alert.Policy{NoteEvery: time.Hour, Storm: alert.Storm{Keys: 10, Within: time.Hour}},
	})
	d.companies["First Customer"] = autotasktest.CustomerID
	counts, err := d.storm(ctx)
	if err != nil {
		return err
	}
	for _, w := range []string{"created", "joined the storm", "in the storm already", "noted", "suppressed"} {
		fmt.Fprintf(stdout, "  %-22s %5d\n", w, counts[w])
	}
	fmt.Fprintf(stdout, "  %-22s %5d\n", "requests", len(srv.Requests()))

	fmt.Fprintf(stdout, "\n%d of the alerts are over:\n\n", demoCleared)
	for k := range demoCleared {
		r := occurrence(k)
		r.Over = true
		out, err := d.take(ctx, r)
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, "  "+line(r, out, nil))
	}
	fmt.Fprint(stdout, "\nWhat is left:\n\n")
	table(stdout, srv)
	return nil
}

// occurrence returns the i-th alert of the storm.
func occurrence(i int) report {
	host := fmt.Sprintf("host-%02d", i%demoKeys)
	return report{
		Company: "First Customer", Key: "ping/" + host, Event: fmt.Sprintf("check-%d", i), At: time.Now(),
		Title: host + " does not answer", Severity: "critical",
	}
}

func (d *desk) storm(ctx context.Context) (map[string]int, error) {
	var mu sync.Mutex
	counts := make(map[string]int)
	var failures []error
	reports := make(chan report)
	var workers sync.WaitGroup
	for range demoWorkers {
		workers.Go(func() {
			for r := range reports {
				out, err := d.take(ctx, r)
				mu.Lock()
				counts[word(out, err)]++
				failures = append(failures, err)
				mu.Unlock()
			}
		})
	}
	for i := range demoAlerts {
		reports <- occurrence(i)
	}
	close(reports)
	workers.Wait()
	return counts, errors.Join(failures...)
}

// table prints the tenant's tickets.
func table(stdout io.Writer, srv *autotasktest.Server) {
	notes := make(map[string]int)
	for _, n := range srv.Rows("TicketNotes") {
		notes[fmt.Sprint(n["ticketID"])]++
	}
	fmt.Fprintf(stdout, "  %-15s %-8s %5s  %s\n", "Ticket", "State", "Notes", "Title")
	for _, t := range srv.Rows("Tickets") {
		state := "open"
		if fmt.Sprint(t["status"]) == fmt.Sprint(autotask.StatusComplete) {
			state = "closed"
		}
		title := []rune(strings.TrimSpace(fmt.Sprint(t["title"])))
		fmt.Fprintf(stdout, "  %-15v %-8s %5d  %s\n", t["ticketNumber"], state, notes[fmt.Sprint(t["id"])], string(title[:min(len(title), 44)]))
	}
}
