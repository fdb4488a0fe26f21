package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/english"
	"github.com/autotask-go/autotask/internal/worklist"
)

// bulk are the settings of resolve-all.
type bulk struct {
	work

	in, out   string
	separator rune
	reserve   float64
	temporary bool // the result file is not kept
	ids       worklist.Work
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
	var err error
	if o.separator, err = worklist.Separator(separator); err != nil {
		return usageError{err}
	}
	if !(o.reserve >= 0 && o.reserve < 1) { // NaN is neither
		return usagef("-reserve must be a share from 0 to below 1")
	}
	if len(args) == 0 {
		return nil
	}
	if o.in = args[0]; worklist.IsStandardInput(o.in) {
		o.in = worklist.StandardInput
	}
	if o.in == worklist.StandardInput && o.out == "" && !o.dryRun {
		return usagef("-out is missing: the standard input has no name to derive one from")
	}
	if o.out, err = worklist.ResultPath(o.in, o.out); err != nil {
		return usageError{err}
	}
	return nil
}

func (a *app) resolveAll(ctx context.Context, o bulk) error {
	hasNotes := o.noteType != "" && o.publish != ""
	var rows []worklist.Row
	var err error
	if o.in != "" {
		form := worklist.Form{Separator: o.separator, Title: o.title, TitleFlag: "-note-title", Notes: hasNotes}
		if rows, err = worklist.Read(o.in, func() (io.Reader, error) { return a.readStdin("the file of tickets") }, form); err != nil {
			return usageError{err}
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
	if o.in == "" {
		rows, hasNotes = demoRows(t.fake), false
	}
	if o.ids.Status, o.ids.NoteType, o.ids.Publish, err = o.work.ids(ctx, client, hasNotes); err != nil {
		return err
	}
	if o.dryRun {
		return a.rehearseAll(ctx, client, rows, o.ids)
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
func demoRows(srv *autotasktest.Server) (rows []worklist.Row) {
	for i, t := range srv.Rows("Tickets") {
		if fmt.Sprint(t["status"]) == "1" {
			rows = append(rows, worklist.Row{Line: i + 1, Number: fmt.Sprint(t["ticketNumber"]), Text: "It works again after a restart."})
		}
	}
	return rows
}

// resolveRows resolves the rows that the result file does not show as done.
func (a *app) resolveRows(ctx context.Context, client *autotask.Client, rows []worklist.Row, o bulk) error {
	results, err := worklist.Open(o.out)
	if err != nil {
		return usageError{err}
	}
	defer func() { _ = results.Close() }() // each line is on the disk already
	left := results.Pending(rows)
	if done := len(rows) - len(left); done > 0 {
		a.say("%s: %s of %s already done.", o.out, english.Thousands(done), english.Plural(len(rows), "ticket", "tickets"))
	}
	if len(left) == 0 {
		return nil
	}
	progress := a.newProgress()
	lost := false
	on := worklist.Events{
		Progress: func(p autotask.ResolveProgress) {
			progress.show("%s of %s, %s failed", english.Thousands(p.Done+p.Failed), english.Plural(len(left), "ticket", "tickets"), english.Thousands(p.Failed))
		},
		Failed: func(r worklist.Row, err error) {
			progress.clear()
			a.say("line %d, %s: %s", r.Line, r.Number, strings.TrimPrefix(err.Error(), "autotask: "))
			lost = lost || errors.Is(err, autotask.ErrOutcomeUnknown)
		},
	}
	if a.json {
		on.Recorded = func(r worklist.Row, state string, o *autotask.Outcome, err error) error {
			return a.object(lineOfRow(r, state, o, err))
		}
	}
	sum, err := results.Resolve(ctx, client, left, o.ids, on)
	if err != nil {
		return err
	}
	progress.clear()
	if err := a.printSummary(&sum); err != nil {
		return err
	}
	if !o.temporary {
		a.say("Results: %s", o.out)
	}
	return endOf(&sum, lost)
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

func lineOfRow(r worklist.Row, state string, o *autotask.Outcome, err error) rowLine {
	l := rowLine{r.Line, r.Number, o.TicketID, state, o.NoteID, o.Requests, ""}
	if err != nil {
		l.Error = err.Error()
	}
	return l
}

func (a *app) printSummary(s *worklist.Summary) error {
	text := fmt.Sprintf("%s. %s in %v.", s, english.Plural(s.Progress.Requests, "request", "requests"), s.Progress.Elapsed.Round(time.Second))
	if a.json {
		a.say("%s", text)
		return nil
	}
	return a.paragraph("%s", text)
}

// endOf returns the error that the command ends with. lost says that the outcome
// of a ticket is unknown.
func endOf(s *worklist.Summary, lost bool) error {
	switch {
	case s.NotBegun() > 0 && s.Stopped != nil:
		return fmt.Errorf("stopped before the end; run it again to resume: %w", s.Stopped)
	case s.Failed == 0:
		return nil
	}
	code := exitPartial
	switch {
	case lost:
		code = exitUnknown
	case s.Failed == s.Tickets:
		code = exitFailed
	}
	return codeError{fmt.Errorf("%s of %s failed; run it again to retry them", english.Thousands(s.Failed), english.Plural(s.Tickets, "ticket", "tickets")), code}
}

// rehearseAll prints what would be done with each ticket, in the order of the file.
func (a *app) rehearseAll(ctx context.Context, client *autotask.Client, rows []worklist.Row, w worklist.Work) error {
	plans, errs := make([]string, len(rows)), make([]error, len(rows))
	failed, err := worklist.Rehearse(ctx, client, rows, w, func(i int, plan string, err error) { plans[i], errs[i] = plan, err })
	if err != nil {
		return err
	}
	for i, r := range rows {
		if err := a.printPlan(r, plans[i], errs[i]); err != nil {
			return err
		}
	}
	if failed > 0 {
		return codeError{fmt.Errorf("%s of %s would fail", english.Thousands(failed), english.Plural(len(rows), "ticket", "tickets")), exitPartial}
	}
	return nil
}

func (a *app) printPlan(r worklist.Row, plan string, err error) error {
	if err != nil {
		plan = strings.TrimPrefix(err.Error(), "autotask: ")
	}
	if a.json {
		return a.object(struct {
			Line   int    `json:"line"`
			Number string `json:"ticketNumber"`
			Plan   string `json:"plan"`
			Fails  bool   `json:"fails"`
		}{r.Line, r.Number, plan, err != nil})
	}
	return a.paragraph("line %d, %s: %s", r.Line, r.Number, plan)
}
