package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// bulk are the settings of resolve-all.
type bulk struct {
	work

	in, out   string
	separator rune
	reserve   float64
	temporary bool // the result file is not kept
	ids       struct{ status, noteType, publish int64 }
}

func (a *app) resolveAllCommand() *cobra.Command {
	var o bulk
	var separator string
	cmd := &cobra.Command{
		Use:   "resolve-all FILE",
		Short: "Resolve the tickets of a CSV file",
		Long: "resolve-all resolves the tickets of a CSV file in UTF-8, with the columns number, text and, if there are to be notes, title and note. " +
			"A first line of these names may put them in another order. A FILE of - is the standard input, and needs -out.\n\n" +
			"The result of each ticket is written to a result file. If the command is stopped or killed at any moment and started again, it resumes from that file: " +
			"completed tickets are skipped, and no note is posted twice. Only one process may use a result file at once.\n\n" +
			"With -demo FILE may be left out: the tickets are some of the fake tenant.",
		Example: "autotask resolve-all tickets.csv -dry-run\nautotask resolve-all tickets.csv -reserve 0.5 -note-type 1 -publish 'Internal Users Only'",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 0 && !a.demo {
				return usagef("give one file, or - for the standard input; %d arguments given", len(args))
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.out, "out", "", "the result `file`; a run that finds one resumes from it (FILE.results.csv for FILE.csv)")
	flags.StringVar(&separator, "separator", ",", "the `character` between columns of FILE")
	flags.StringVar(&o.title, "note-title", "", "the `title` of notes without one in FILE")
	flags.Float64Var(&o.reserve, "reserve", 0, "the `share` of the tenant's hourly limit to leave to its other integrations")
	o.addNotes(flags)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(args, separator); err != nil {
			return err
		}
		return a.resolveAll(cmd.Context(), o)
	}
	return cmd
}

func (o *bulk) check(args []string, separator string) error {
	characters := []rune(separator)
	if len(characters) != 1 || strings.ContainsAny(separator, "\"\r\n\uFFFD") {
		return usagef("-separator %q is not valid: give one character, such as ;", separator)
	}
	o.separator = characters[0]
	if !(o.reserve >= 0 && o.reserve < 1) { // NaN is neither
		return usagef("-reserve must be a share from 0 to below 1")
	}
	if len(args) == 0 {
		return nil
	}
	if o.in = args[0]; isStandardInput(o.in) {
		o.in = standardInput
	}
	if o.in == standardInput && o.out == "" && !o.dryRun {
		return usagef("-out is missing: the standard input has no name to derive one from")
	}
	if o.out == "" {
		o.out = strings.TrimSuffix(o.in, filepath.Ext(o.in)) + ".results.csv"
	}
	if filepath.Clean(o.out) == filepath.Clean(o.in) {
		return usagef("-out must be a different file from %s", o.in)
	}
	return nil
}

func (a *app) resolveAll(ctx context.Context, o bulk) error {
	var rows []row
	var err error
	if o.in != "" {
		if rows, err = a.readFile(o); err != nil {
			return err
		}
	}
	t, err := a.tenant()
	if err != nil {
		return err
	}
	var opts []autotask.Option
	switch {
	case o.dryRun:
		a.say("Dry run: only reads are sent.")
		opts = append(opts, autotask.WithReadOnly())
	case o.reserve > 0:
		opts = append(opts, autotask.WithHourlyReserve(o.reserve))
	}
	client, err := a.connect(t, opts...)
	if err != nil {
		return err
	}
	hasNotes := o.noteType != "" && o.publish != ""
	if o.in == "" {
		rows, hasNotes = demoRows(t.fake), false
	}
	if o.ids.status, o.ids.noteType, o.ids.publish, err = o.work.ids(ctx, client, hasNotes); err != nil {
		return err
	}
	if o.dryRun {
		return a.rehearseAll(ctx, client, rows, o)
	}
	if o.out == "" { // the fake tenant does not outlive the run, so neither does its result file
		dir, err := os.MkdirTemp("", "autotask")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		o.out, o.temporary = filepath.Join(dir, "results.csv"), true
	}
	return a.resolveRows(ctx, client, rows, o)
}

// demoRows are the open tickets of the fake tenant.
func demoRows(srv *autotasktest.Server) (rows []row) {
	for i, t := range srv.Rows("Tickets") {
		if fmt.Sprint(t["status"]) == "1" {
			rows = append(rows, row{line: i + 1, number: fmt.Sprint(t["ticketNumber"]), text: "It works again after a restart."})
		}
	}
	return rows
}

// resolveRows resolves the rows that the result file does not show as done.
func (a *app) resolveRows(ctx context.Context, client *autotask.Client, rows []row, o bulk) error {
	results, err := openResults(o.out)
	if err != nil {
		return err
	}
	defer func() { _ = results.Close() }() // each line is on the disk already
	left := results.pending(rows)
	if done := len(rows) - len(left); done > 0 {
		a.say("%s: %s of %s already done.", o.out, thousands(done), plural(len(rows), "ticket", "tickets"))
	}
	if len(left) == 0 {
		return nil
	}
	if err := results.begin(left); err != nil {
		return err
	}
	// Some failures would repeat for every ticket: then it is better to stop, and
	// resume later.
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sum := summary{tickets: len(left)}
	progress := a.newProgress()
	work := func(yield func(autotask.ResolveItem) bool) {
		for _, r := range left {
			w := autotask.ResolveItem{Number: r.number, Key: r, Resolution: r.resolution(o)}
			w.StartedAt = results.begun(r)
			if !yield(w) {
				return
			}
		}
	}
	all := autotask.ResolveAllOptions{Total: len(left), Progress: func(p autotask.ResolveProgress) {
		sum.progress = p
		progress.show("%s of %s, %s failed", thousands(p.Done+p.Failed), plural(len(left), "ticket", "tickets"), thousands(p.Failed))
	}}
	for outcome, err := range client.ResolveAll(ctx, work, all) {
		r := outcome.Item.Key.(row)
		if notBegun(ctx, outcome, err) {
			continue
		}
		state := stateOf(outcome, err)
		sum.count(state)
		if err != nil {
			progress.clear()
			a.say("line %d, %s: %s", r.line, r.number, strings.TrimPrefix(err.Error(), "autotask: "))
			sum.unknown = sum.unknown || errors.Is(err, autotask.ErrOutcomeUnknown)
		}
		if err := results.end(r, state, outcome, err); err != nil {
			return fmt.Errorf("stopped, because the result file cannot be written: %w", err)
		}
		if a.json {
			if err := a.object(lineOfRow(r, state, outcome, err)); err != nil {
				return err
			}
		}
		if hopeless(err) {
			stop(err)
		}
	}
	progress.clear()
	if err := sum.print(a); err != nil {
		return err
	}
	if !o.temporary {
		a.say("Results: %s", o.out)
	}
	return sum.verdict(context.Cause(ctx))
}

// rowLine is the result of a ticket as it is printed.
type rowLine struct {
	Line     int    `json:"line"`
	Number   string `json:"ticketNumber"`
	TicketID int64  `json:"ticketID,omitzero"`
	State    string `json:"state"`
	NoteID   int64  `json:"noteID,omitzero"`
	Requests int    `json:"requests"`
	Error    string `json:"error,omitzero"`
}

func lineOfRow(r row, state string, o *autotask.Outcome, err error) rowLine {
	l := rowLine{r.line, r.number, o.TicketID, state, o.NoteID, o.Requests, ""}
	if err != nil {
		l.Error = err.Error()
	}
	return l
}

// hopeless reports whether the other tickets would fail in the same way.
func hopeless(err error) bool {
	return errors.Is(err, autotask.ErrUnauthorized) || errors.Is(err, autotask.ErrRateLimited) && !errors.Is(err, autotask.ErrThreadLimit)
}

// notBegun reports whether a ticket was not touched because the run was stopped: it
// was never started, or its number was looked up together with that of the ticket
// that stopped the run.
func notBegun(ctx context.Context, o *autotask.Outcome, err error) bool {
	if ctx.Err() != nil && hopeless(err) {
		return o.TicketID == 0
	}
	return errors.Is(err, context.Canceled) && o.Steps[0].State == autotask.StateSkipped
}

// The states of a ticket in the result file.
const (
	stateBegun    = "begun" // the line before the work; its time is the work's StartedAt
	stateResolved = "resolved"
	stateLeftOpen = "left open" // time is booked on it
	stateWritten  = "written"   // no status was given
	stateFailed   = "failed"
)

func stateOf(o *autotask.Outcome, err error) string {
	switch {
	case err != nil:
		return stateFailed
	case o.Resolved:
		return stateResolved
	case o.HasTimeEntries:
		return stateLeftOpen
	}
	return stateWritten
}

// resolution returns what to do with the ticket of a row.
func (r row) resolution(o bulk) autotask.Resolution {
	work := autotask.Resolution{Text: r.text, Status: o.ids.status}
	if r.note != "" {
		work.Note = &autotask.TicketNote{Title: r.title, Description: r.note, NoteType: o.ids.noteType, Publish: o.ids.publish}
	}
	return work
}

// summary is the result of a run.
type summary struct {
	tickets                             int
	resolved, leftOpen, written, failed int
	unknown                             bool
	progress                            autotask.ResolveProgress // the last
}

func (s *summary) count(state string) {
	switch state {
	case stateResolved:
		s.resolved++
	case stateLeftOpen:
		s.leftOpen++
	case stateWritten:
		s.written++
	case stateFailed:
		s.failed++
	}
}

func (s *summary) notBegun() int { return s.tickets - s.resolved - s.leftOpen - s.written - s.failed }

func (s *summary) print(a *app) error {
	text := fmt.Sprintf("%s: %s resolved", plural(s.tickets, "ticket", "tickets"), thousands(s.resolved))
	for _, part := range []struct {
		n    int
		text string
	}{
		{s.leftOpen, "left open, because time is booked on them"},
		{s.written, "written, with the status left alone"},
		{s.failed, "failed"},
		{s.notBegun(), "not started"},
	} {
		if part.n > 0 {
			text += fmt.Sprintf(", %s %s", thousands(part.n), part.text)
		}
	}
	text += fmt.Sprintf(". %s in %v.", plural(s.progress.Requests, "request", "requests"), s.progress.Elapsed.Round(time.Second))
	if a.json {
		a.say("%s", text)
		return nil
	}
	return a.paragraph("%s", text)
}

// verdict returns the error that the command ends with. stopped is the reason why the
// run did not complete, nil if it did.
func (s *summary) verdict(stopped error) error {
	switch {
	case s.notBegun() > 0 && stopped != nil:
		return fmt.Errorf("stopped before the end; run it again to resume: %w", stopped)
	case s.failed == 0:
		return nil
	}
	code := exitPartial
	switch {
	case s.unknown:
		code = exitUnknown
	case s.failed == s.tickets:
		code = exitFailed
	}
	return codeError{fmt.Errorf("%s of %s failed; run it again to retry them", thousands(s.failed), plural(s.tickets, "ticket", "tickets")), code}
}

// rehearseAll reads every ticket and prints what would be done with it.
func (a *app) rehearseAll(ctx context.Context, client *autotask.Client, rows []row, o bulk) error {
	var mu sync.Mutex
	failed := 0
	var group errgroup.Group
	group.SetLimit(9)
	plans, errs := make([]string, len(rows)), make([]error, len(rows))
	for i, r := range rows {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			plan, err := planOf(ctx, client, r, o)
			mu.Lock()
			defer mu.Unlock()
			if plans[i], errs[i] = plan, err; err != nil {
				failed++
			}
			if hopeless(err) || ctx.Err() != nil {
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, r := range rows {
		if err := a.printPlan(r, plans[i], errs[i]); err != nil {
			return err
		}
	}
	if failed > 0 {
		return codeError{fmt.Errorf("%s of %s would fail", thousands(failed), plural(len(rows), "ticket", "tickets")), exitPartial}
	}
	return nil
}

func (a *app) printPlan(r row, plan string, err error) error {
	if err != nil {
		plan = strings.TrimPrefix(err.Error(), "autotask: ")
	}
	if a.json {
		return a.object(struct {
			Line   int    `json:"line"`
			Number string `json:"ticketNumber"`
			Plan   string `json:"plan"`
			Fails  bool   `json:"fails"`
		}{r.line, r.number, plan, err != nil})
	}
	return a.paragraph("line %d, %s: %s", r.line, r.number, plan)
}

func planOf(ctx context.Context, client *autotask.Client, r row, o bulk) (string, error) {
	t, err := client.Tickets.GetByNumber(ctx, r.number)
	if err != nil {
		return "", err
	}
	booked, err := client.TimeEntries.Exist(ctx, t.ID)
	if err != nil {
		return "", err
	}
	var plan []string
	if r.note != "" {
		plan = append(plan, fmt.Sprintf("post the note %q", r.title))
	}
	plan = append(plan, fmt.Sprintf("write a resolution of %s", plural(len([]rune(r.text)), "character", "characters")))
	switch {
	case o.ids.status == 0:
		plan = append(plan, "keep the status")
	case o.ids.status == t.Status:
		plan = append(plan, fmt.Sprintf("keep the status %d", t.Status))
	case booked:
		plan = append(plan, fmt.Sprintf("keep the status %d, because time is booked on it", t.Status))
	default:
		plan = append(plan, fmt.Sprintf("change the status from %d to %d", t.Status, o.ids.status))
	}
	return "would " + strings.Join(plan, ", "), nil
}
