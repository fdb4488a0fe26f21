package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/autotask-go/autotask"
)

// proof counts, from the rows of the fake tenants alone, which jobs left no trace, and
// which left more than one.
type proof struct {
	w                   io.Writer
	jobs, lost, doubled int
	shown               int
}

// maxProblems is how many problems are printed one by one.
const maxProblems = 20

func (p *proof) problem(count *int, n int, format string, args ...any) {
	*count += n
	if p.shown++; p.shown <= maxProblems {
		fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// check checks a tenant. rows are the ids of the tickets that its feed has told of.
func (p *proof) check(f *fake, rows map[int64]bool) {
	p.jobs += len(f.resolve) + len(f.alerts) + len(f.changes)
	notes := make(map[int64][]string) // titles, by ticket
	for _, n := range f.srv.Rows("TicketNotes") {
		notes[idOf(n["ticketID"])] = append(notes[idOf(n["ticketID"])], fmt.Sprint(n["title"]))
	}
	p.checkResolved(f, notes)
	p.checkAlerts(f, notes)
	for range f.changes {
		missing := 0
		for _, a := range f.resolve {
			if !rows[a.TicketID] {
				missing++
			}
		}
		if missing > 0 {
			p.problem(&p.lost, 1, "%s: the feed has not told of %d tickets", f.tenant.Name, missing)
		}
	}
}

// checkResolved checks that each ticket has its note once, and is resolved.
func (p *proof) checkResolved(f *fake, notes map[int64][]string) {
	for _, a := range f.resolve {
		row := f.srv.Get("Tickets", a.TicketID)
		ticket := fmt.Sprintf("%s: ticket %d", f.tenant.Name, a.TicketID)
		switch n := len(notes[a.TicketID]); {
		case n == 0:
			p.problem(&p.lost, 1, "%s has no note", ticket)
		case n > 1:
			p.problem(&p.doubled, 1, "%s has %d notes", ticket, n)
		case !strings.HasSuffix(notes[a.TicketID][0], " ["+a.Key+"]"):
			p.problem(&p.lost, 1, "%s has another note", ticket)
		case idOf(row["status"]) != autotask.StatusComplete || row["completedDate"] == nil || row["resolvedDateTime"] == nil || row["resolution"] != a.Text:
			p.problem(&p.lost, 1, "%s is not resolved", ticket)
		}
	}
}

// checkAlerts checks that each alert has one open ticket, and that each occurrence is
// there once: as the ticket or as a note.
func (p *proof) checkAlerts(f *fake, notes map[int64][]string) {
	seen := make(map[string]int) // occurrences
	open := make(map[string]int) // tickets, by externalID
	for _, row := range f.srv.Rows("Tickets") {
		external, _ := row["externalID"].(string)
		if !strings.HasPrefix(external, "alert:") {
			continue
		}
		if idOf(row["status"]) != autotask.StatusComplete {
			open[external]++
		}
		for _, a := range f.alerts {
			mark := "[" + a.Event + "]"
			if strings.Contains(fmt.Sprint(row["description"]), mark) {
				seen[a.Event]++
			}
			for _, title := range notes[idOf(row["id"])] {
				if strings.HasSuffix(title, mark) {
					seen[a.Event]++
				}
			}
		}
	}
	counted := make(map[string]bool)
	for _, a := range f.alerts {
		what := fmt.Sprintf("%s: %s of %s", f.tenant.Name, a.Event, a.Key)
		switch n := seen[a.Event]; {
		case n == 0:
			p.problem(&p.lost, 1, "%s is nowhere", what)
		case n > 1:
			p.problem(&p.doubled, 1, "%s is there %d times", what, n)
		}
		if n := open["alert:"+a.Key]; n > 1 && !counted[a.Key] {
			counted[a.Key] = true
			p.problem(&p.doubled, n-1, "%s: %s has %d open tickets", f.tenant.Name, a.Key, n)
		}
	}
}

// idOf is a number as the fake has it.
func idOf(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	case json.Number:
		n, _ := v.Int64()
		return n
	}
	return -1
}
