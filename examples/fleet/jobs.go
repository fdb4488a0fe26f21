package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/autotask-go/autotask/examples/internal/connect"
)

// The arguments of jobs. The fields marked unique are the key of a job: River keeps
// one job of a kind and key, however often it is inserted, until the completed one is
// cleaned up after a day.

// ResolveArgs resolves a ticket with Client.Resolve. Key is its Ref: a note posted by
// an earlier try is found by it.
type ResolveArgs struct {
	Tenant       string `json:"tenant" river:"unique"`
	Key          string `json:"key" river:"unique"`
	TicketID     int64  `json:"ticketID,omitzero"`
	TicketNumber string `json:"ticketNumber,omitzero"` // instead of TicketID
	Text         string `json:"text,omitzero"`
	Status       int64  `json:"status,omitzero"`
	NoteTitle    string `json:"noteTitle,omitzero"` // "" posts no note
	Note         string `json:"note,omitzero"`
	NoteType     int64  `json:"noteType,omitzero"`
	Publish      int64  `json:"publish,omitzero"`
}

// Kind implements river.JobArgs.
func (ResolveArgs) Kind() string { return "resolve" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (a ResolveArgs) InsertOpts() river.InsertOpts { return inQueueOf(a.Tenant) }

// AlertArgs reports an occurrence of an alert with alert.Upsert.
type AlertArgs struct {
	Tenant    string    `json:"tenant" river:"unique"`
	CompanyID int64     `json:"companyID" river:"unique"`
	Key       string    `json:"key" river:"unique"`
	Event     string    `json:"event" river:"unique"`
	At        time.Time `json:"at,omitzero"` // the job's creation, if not given
	Title     string    `json:"title"`
	Text      string    `json:"text,omitzero"`
	Severity  string    `json:"severity,omitzero"`
	Priority  int64     `json:"priority"`
	NoteType  int64     `json:"noteType"`
	Publish   int64     `json:"publish"`
}

// Kind implements river.JobArgs.
func (AlertArgs) Kind() string { return "alert" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (a AlertArgs) InsertOpts() river.InsertOpts { return inQueueOf(a.Tenant) }

// ChangesArgs reads what has changed in some collections with package changes. A
// tenant has one such job at a time, since a feed is for one process at a time.
type ChangesArgs struct {
	Tenant      string   `json:"tenant" river:"unique"`
	Collections []string `json:"collections"`
}

// Kind implements river.JobArgs.
func (ChangesArgs) Kind() string { return "changes" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (a ChangesArgs) InsertOpts() river.InsertOpts {
	opts := inQueueOf(a.Tenant)
	opts.Priority = 4 // whoever waits for a ticket comes first
	opts.UniqueOpts.ByState = unfinished
	return opts
}

// inQueueOf puts a job into its tenant's queue. That is what makes the fleet fair: a
// tenant with 10,000 jobs fills its own queue, and no other tenant's.
func inQueueOf(tenant string) river.InsertOpts {
	return river.InsertOpts{Queue: tenant, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

// unfinished are the states of a job that is still to be done.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// failed are the states of a job that is over without being done.
var failed = []rivertype.JobState{rivertype.JobStateCancelled, rivertype.JobStateDiscarded}

// line is one job of the input: exactly one of its fields is set.
type line struct {
	Resolve *ResolveArgs `json:"resolve"`
	Alert   *AlertArgs   `json:"alert"`
	Changes *ChangesArgs `json:"changes"`
}

const maxLine = 1 << 20

// readJobs reads jobs, one JSON object a line, all before any is inserted.
func readJobs(r io.Reader, tenants []tenant) ([]river.InsertManyParams, error) {
	var jobs []river.InsertManyParams
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		args, err := readJob(text, tenants)
		if err != nil {
			return nil, connect.Usage("line %d of the jobs: %w", n, err)
		}
		jobs = append(jobs, river.InsertManyParams{Args: args})
	}
	if err := lines.Err(); err != nil {
		return nil, connect.Usage("the jobs cannot be read: %w", err)
	}
	return jobs, nil
}

func readJob(text []byte, tenants []tenant) (river.JobArgs, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("one object a line")
	}
	switch {
	case l.Resolve != nil && l.Alert == nil && l.Changes == nil:
		return *l.Resolve, check(tenants, l.Resolve.Tenant, l.Resolve.problems())
	case l.Alert != nil && l.Resolve == nil && l.Changes == nil:
		return *l.Alert, check(tenants, l.Alert.Tenant, l.Alert.problems())
	case l.Changes != nil && l.Resolve == nil && l.Alert == nil:
		return *l.Changes, check(tenants, l.Changes.Tenant, l.Changes.problems())
	}
	return nil, errors.New(`a job is {"resolve":{…}}, {"alert":{…}} or {"changes":{…}}`)
}

func check(tenants []tenant, name string, problems []string) error {
	if !slices.ContainsFunc(tenants, func(t tenant) bool { return t.Name == name }) {
		problems = append(problems, fmt.Sprintf("tenant %q is not in the list", name))
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}

// problems are those that would stop the job for good, whatever is in the tenant. The
// library finds the others.
func (a ResolveArgs) problems() (problems []string) {
	if a.Key == "" {
		problems = append(problems, "key is missing")
	}
	if (a.TicketID == 0) == (a.TicketNumber == "") {
		problems = append(problems, "give ticketID or ticketNumber")
	}
	return problems
}

func (a AlertArgs) problems() (problems []string) {
	for name, value := range map[string]string{"key": a.Key, "event": a.Event, "title": a.Title} {
		if value == "" {
			problems = append(problems, name+" is missing")
		}
	}
	slices.Sort(problems)
	return problems
}

func (a ChangesArgs) problems() []string {
	if len(a.Collections) == 0 {
		return []string{"collections is missing"}
	}
	return nil
}
