package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Outcome is what came of a check.
type Outcome string

// The outcomes of a check.
const (
	Passed   Outcome = "passed"
	Failed   Outcome = "failed"
	Answered Outcome = "answered"  // a question, not judged
	NotAsked Outcome = "not asked" // Detail says why
)

// Result is what came of a check.
type Result struct {
	ID       string  `json:"id"`
	Section  string  `json:"section"`
	Title    string  `json:"title"`
	Evidence string  `json:"evidence"`
	Outcome  Outcome `json:"outcome"`
	Detail   string  `json:"detail,omitempty"`
}

// Ticket is the ticket that Run made.
type Ticket struct {
	ID       int64  `json:"id,omitempty"` // 0 if the answer of its creation was lost
	Mark     string `json:"mark"`         // stands in the title of the ticket
	Resolved bool   `json:"resolved"`     // as read back at the end
}

// Report is what a run found. It can be published: see the package's
// documentation.
type Report struct {
	Library  string        `json:"library"` // version of this module
	Zone     string        `json:"zone"`    // host of a zone of Autotask, or "another address"
	Started  time.Time     `json:"started"`
	Took     time.Duration `json:"tookNanoseconds"`
	Wrote    bool          `json:"wrote"`    // whether writing was allowed
	Requests int           `json:"requests"` // that were sent
	Limit    int64         `json:"limit"`    // requests that the tenant has in a window; 0 is unknown
	Used     int64         `json:"used"`     // of them when the run began, by all integrations
	Ticket   *Ticket       `json:"ticket,omitempty"`
	Stopped  string        `json:"stopped,omitempty"` // why the run ended early
	Results  []Result      `json:"results"`
}

// Failed returns the number of failed checks.
func (r *Report) Failed() int { return r.count(Failed) }

func (r *Report) count(o Outcome) int {
	n := 0
	for _, res := range r.Results {
		if res.Outcome == o {
			n++
		}
	}
	return n
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("conformance: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// WriteMarkdown writes the report as Markdown: a summary, the failed checks, and
// a table of all.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Conformance of an Autotask tenant\n\n")
	for _, line := range r.summary() {
		b.WriteString("- " + line + "\n")
	}
	if r.Failed() > 0 {
		b.WriteString("\n## Failed\n")
		r.writeFailed(&b)
	}
	b.WriteString("\n## All checks\n\n| check | section | evidence | what holds, or is asked | outcome | detail |\n|---|---|---|---|---|---|\n")
	for _, res := range r.Results {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n",
			res.ID, res.Section, res.Evidence, cell(res.Title), res.Outcome, cell(res.Detail))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeFailed says of each failed check what was sent, what had to come back and
// what did.
func (r *Report) writeFailed(b *strings.Builder) {
	for _, c := range Checks() {
		for _, res := range r.Results {
			if res.ID == c.ID && res.Outcome == Failed {
				fmt.Fprintf(b, "\n`%s` (%s, %s): %s\n\n- sent: %s\n- must come back: %s\n- found: %s\n",
					res.ID, res.Section, res.Evidence, res.Title, c.Asks, c.Expects, res.Detail)
			}
		}
	}
}

func (r *Report) summary() []string {
	lines := []string{
		fmt.Sprintf("%d checks: %d passed, %d failed, %d answered, %d not asked",
			len(r.Results), r.count(Passed), r.count(Failed), r.count(Answered), r.count(NotAsked)),
		"Tenant: " + r.Zone,
		fmt.Sprintf("Library: autotask-go %s", r.Library),
		fmt.Sprintf("Run: %s, took %s, %d requests", r.Started.UTC().Format(time.RFC3339), r.Took.Round(time.Second), r.Requests),
	}
	if r.Limit > 0 {
		lines = append(lines, fmt.Sprintf("Hourly limit when it began: %d of %d requests used", r.Used, r.Limit))
	}
	switch {
	case !r.Wrote:
		lines = append(lines, "Reads only: checks that write were not asked")
	case r.Ticket == nil:
		lines = append(lines, "No ticket was made")
	default:
		lines = append(lines, r.Ticket.String())
	}
	if r.Stopped != "" {
		lines = append(lines, "**Ended early**: "+r.Stopped)
	}
	return lines
}

// String says which ticket was made, and what has become of it.
func (t *Ticket) String() string {
	id := "of an unknown id (the answer of its creation was lost)"
	if t.ID != 0 {
		id = fmt.Sprintf("%d", t.ID)
	}
	state := "**not resolved**: please look after it"
	if t.Resolved {
		state = "resolved"
	}
	return fmt.Sprintf("Own ticket: %s, with %s in its title; %s", id, t.Mark, state)
}

// cell keeps a text within one cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ").Replace(s)
}
