package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/autotask-go/autotask"
)

// work is what resolve and resolve-all write to tickets, as flags give it.
type work struct {
	text, note, title string
	status            string
	noteType, publish string
	ref, startedAt    string
	dryRun            bool
}

func (o *work) addNotes(flags *pflag.FlagSet) {
	flags.StringVar(&o.status, "status", fmt.Sprint(autotask.StatusComplete), "the `status`, an id or a label, of tickets without time entries; 0 keeps the status")
	flags.StringVar(&o.noteType, "note-type", "", "the note's type, an id or a `label`")
	flags.StringVar(&o.publish, "publish", "", "who sees the note, an id or a `label`; there is no safe default")
	flags.BoolVar(&o.dryRun, "dry-run", false, "send reads only, and show what would be written")
}

// ids returns the values of the picklists that the work names.
func (o *work) ids(ctx context.Context, client *autotask.Client, hasNotes bool) (status, noteType, publish int64, err error) {
	if status, err = picklistID(ctx, client, "Tickets", "status", o.status); err != nil {
		return 0, 0, 0, err
	}
	if !hasNotes {
		return status, 0, 0, nil
	}
	if noteType, err = picklistID(ctx, client, "TicketNotes", "noteType", o.noteType); err == nil {
		publish, err = picklistID(ctx, client, "TicketNotes", "publish", o.publish)
	}
	return status, noteType, publish, err
}

// picklistID returns a value of a picklist that is given by its id or its label.
func picklistID(ctx context.Context, client *autotask.Client, collection, field, given string) (int64, error) {
	if id, ok := asID(given); ok {
		return id, nil
	}
	list, err := client.Picklists.Values(ctx, collection, field)
	if err != nil {
		return 0, err
	}
	id, err := list.ID(given)
	if err != nil {
		return 0, hintError{usageError{err}, fmt.Sprintf("Its values are listed by: autotask picklist %s %s", collection, field)}
	}
	return id, nil
}

func (a *app) resolveCommand() *cobra.Command {
	var o work
	cmd := &cobra.Command{
		Use:   "resolve TICKET",
		Short: "Resolve a ticket",
		Long: "resolve posts a note, if there is one, writes the resolution, and sets the status, if no time is booked on the ticket. A ticket is given by its number or its id.\n\n" +
			"A repeat with the same -ref, or the same -started-at, posts the note once. Without either, the message of exit code 4 has the -started-at to repeat with.",
		Example: "autotask resolve T20261127.0001 -text 'The backup succeeded.' -dry-run\n" +
			"autotask resolve T20261127.0001 -text - -note 'No errors.' -note-title 'Checked' -note-type 1 -publish 'Internal Users Only' -ref job-4711 < text",
		Args: exactly(1, "one ticket, by its number or id"),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.text, "text", "", "the resolution `text`; - reads it from the standard input")
	flags.StringVar(&o.note, "note", "", "the `text` of a note to post; - reads it from the standard input")
	flags.StringVar(&o.title, "note-title", "", "the `title` of the note")
	flags.StringVar(&o.ref, "ref", "", "your `key` of this work, which makes a repeat find the note; it is in the note's title")
	flags.StringVar(&o.startedAt, "started-at", "", "the `time` when this work first began, which makes a repeat find the note")
	o.addNotes(flags)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.resolve(cmd, args[0], o) }
	return cmd
}

// read reads the texts that are on the standard input, and checks the flags.
func (o *work) read(a *app) (err error) {
	for _, t := range []struct {
		name string
		text *string
	}{{"-text", &o.text}, {"-note", &o.note}} {
		if *t.text != "-" {
			continue
		}
		from, err := a.readStdin(t.name)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(io.LimitReader(from, maxInput))
		if err != nil {
			return err
		}
		if *t.text = strings.TrimSpace(string(b)); *t.text == "" {
			return usagef("%s: the standard input is empty", t.name)
		}
	}
	switch {
	case o.text == "" && o.note == "" && (o.status == "0" || o.status == ""):
		return usagef("there is nothing to write: give -text, -note or -status")
	case o.note == "" && cmp.Or(o.title, o.noteType, o.publish, o.ref) != "":
		return usagef("-note is missing: -note-title, -note-type, -publish and -ref are about a note")
	case o.note != "" && (o.title == "" || o.noteType == "" || o.publish == ""):
		return usagef("a note needs -note-title, -note-type and -publish, which sets who sees it")
	}
	return nil
}

const maxInput = 1 << 20

func (a *app) resolve(cmd *cobra.Command, ticket string, o work) error {
	ctx := cmd.Context()
	if err := o.read(a); err != nil {
		return err
	}
	started := a.now().UTC().Truncate(time.Second)
	if o.startedAt != "" {
		var err error
		if started, err = timeOf("-started-at", o.startedAt, a.now()); err != nil {
			return err
		}
	}
	open := a.client
	if o.dryRun {
		open = func(...autotask.Option) (*autotask.Client, error) { return a.dryClient() }
	}
	client, err := open()
	if err != nil {
		return err
	}
	status, noteType, publish, err := o.ids(ctx, client, o.note != "")
	if err != nil {
		return err
	}
	id, err := ticketID(ctx, client, ticket)
	if err != nil {
		return err
	}
	r := autotask.Resolution{Text: o.text, Status: status, Ref: o.ref}
	if o.note != "" {
		r.Note = &autotask.TicketNote{Title: o.title, Description: o.note, NoteType: noteType, Publish: publish}
	}
	if o.ref == "" {
		r.StartedAt = started
	}
	if o.dryRun {
		return a.rehearse(ctx, client, id, r)
	}
	outcome, err := client.Resolve(ctx, id, r)
	if printed := a.printOutcome(outcome); err == nil {
		err = printed
	}
	if errors.Is(err, autotask.ErrOutcomeUnknown) && o.ref == "" {
		return hintError{err, "Repeat it with the same flags and -started-at " + started.Format(time.RFC3339) + ", so that nothing is posted twice."}
	}
	return err
}

// rehearse shows what a resolution would write, one write after the other.
func (a *app) rehearse(ctx context.Context, client *autotask.Client, id int64, r autotask.Resolution) error {
	if r.Note != nil {
		if err := ignoreHeldBack(client.Notes.Create(ctx, id, r.Note)); err != nil {
			return err
		}
	}
	if r.Text != "" {
		if err := ignoreHeldBack(client.Tickets.Update(ctx, id, func(t *autotask.Ticket) error {
			t.Resolution.Set(r.Text)
			return nil
		})); err != nil {
			return err
		}
	}
	if r.Status == 0 {
		a.say("The status would stay: none was given.")
		return nil
	}
	booked, err := client.TimeEntries.Exist(ctx, id)
	if err != nil {
		return err
	}
	if booked {
		a.say("The status would stay: time is booked on the ticket.")
		return nil
	}
	before := int64(0)
	err = ignoreHeldBack(client.Tickets.Update(ctx, id, func(t *autotask.Ticket) error {
		before = t.Status
		if r.Text != "" {
			t.Resolution.Set(r.Text)
		}
		t.Status = r.Status
		return nil
	}))
	if err == nil {
		a.say("No time is booked on the ticket, so the status would change from %d to %d.", before, r.Status)
	}
	return err
}

// stepLine is a step of an outcome as it is printed.
type stepLine struct {
	Step   autotask.StepName  `json:"step"`
	State  autotask.StepState `json:"state"`
	Reason string             `json:"reason,omitzero"`
}

func stepLines(steps []autotask.Step) (lines []stepLine) {
	for _, s := range steps {
		lines = append(lines, stepLine{s.Name, s.State, s.Reason})
	}
	return lines
}

// printOutcome prints what a resolution did, complete or not.
func (a *app) printOutcome(o *autotask.Outcome) error {
	if o == nil {
		return nil
	}
	number := ""
	if o.Ticket != nil {
		number = o.Ticket.TicketNumber.Or("")
	}
	if a.json {
		return a.object(struct {
			TicketID       int64      `json:"ticketID"`
			TicketNumber   string     `json:"ticketNumber,omitzero"`
			Resolved       bool       `json:"resolved"`
			HasTimeEntries bool       `json:"hasTimeEntries"`
			NoteID         int64      `json:"noteID,omitzero"`
			Requests       int        `json:"requests"`
			Steps          []stepLine `json:"steps"`
		}{o.TicketID, number, o.Resolved, o.HasTimeEntries, o.NoteID, o.Requests, stepLines(o.Steps)})
	}
	t := newTable("step", "state", "reason")
	t.columns[0].whole, t.columns[1].whole, t.columns[2].wraps = true, true, true
	for _, s := range o.Steps {
		t.add(string(s.Name), string(s.State), s.Reason)
	}
	if err := a.paragraph("Ticket %s: %s", strings.TrimSpace(fmt.Sprintf("%s (id %d)", number, o.TicketID)), headline(o)); err != nil {
		return err
	}
	return a.print(t)
}

func headline(o *autotask.Outcome) string {
	for _, s := range o.Steps {
		if s.State == autotask.StateFailed {
			return "failed in the step " + string(s.Name)
		}
	}
	switch {
	case o.Resolved:
		return "resolved"
	case o.HasTimeEntries:
		return "left open, because time is booked on it"
	}
	return "left open"
}
