package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
)

// alertOptions are the flags of alert and clear.
type alertOptions struct {
	company           string
	companyID         int64
	key, event        string
	title, text       string
	at, severity      string
	set               []string
	noteType, publish string
	noteEvery, reopen time.Duration
	reopenStatus      string
	storm             int
	stormWithin       time.Duration
	status            string
	dryRun            bool
}

func (o *alertOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.company, "company", "", "the company: its `name`, domain or a mail address of it")
	flags.Int64Var(&o.companyID, "company-id", -1, "the company's `id` instead; 0 is your own")
	flags.StringVar(&o.key, "key", "", "the `key` of the problem within the company")
	flags.StringVar(&o.text, "text", "", "the `text`; - reads it from the standard input")
	flags.BoolVar(&o.dryRun, "dry-run", false, "send reads only, and show the first write that would follow")
	flags.Lookup("company-id").DefValue = ""
}

func (a *app) alertCommand() *cobra.Command {
	o := alertOptions{}
	cmd := &cobra.Command{
		Use:   "alert",
		Short: "Report an alert: one open ticket for each key",
		Long: "alert ensures that there is one open ticket for a key of a company, and that this event is on it: as the new ticket, or as a note. " +
			"A repeat with the same -event changes nothing more.",
		Example: "autotask alert -company acme.example -key backup/MAIL-02 -event run-4711 -title 'Backup failed' -set priority=High -note-type 1 -publish 'Internal Users Only'",
		Args:    exactly(0, "no arguments, only flags"),
	}
	flags := cmd.Flags()
	o.add(flags)
	flags.StringVar(&o.event, "event", "", "the `id` of this occurrence: a repeat with the same one changes nothing")
	flags.StringVar(&o.title, "title", "", "the `title` of the ticket")
	flags.StringVar(&o.at, "at", "", "the `time` of the event")
	flags.StringVar(&o.severity, "severity", "", "the `severity`, written above the text; it sets no priority")
	flags.StringArrayVar(&o.set, "set", nil, "a `field=value` of a new ticket, such as priority=High or queueID=\"Service Desk\"; repeat it for more")
	flags.StringVar(&o.noteType, "note-type", "", "the type of notes, an id or a `label`")
	flags.StringVar(&o.publish, "publish", "", "who sees notes, an id or a `label`; there is no safe default")
	flags.DurationVar(&o.noteEvery, "note-every", 0, "at most one note on a ticket in this `time`; 0 notes each event")
	flags.DurationVar(&o.reopen, "reopen", 0, "reopen a ticket that was closed within this `time`; needs -reopen-status")
	flags.StringVar(&o.reopenStatus, "reopen-status", "", "the `status`, an id or a label, of a reopened ticket")
	flags.IntVar(&o.storm, "storm", 0, "that many new `keys` of a company within -storm-within become one ticket")
	flags.DurationVar(&o.stormWithin, "storm-within", time.Hour, "the `time` of -storm")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.alert(cmd.Context(), o) }
	return cmd
}

func (a *app) clearCommand() *cobra.Command {
	o := alertOptions{}
	cmd := &cobra.Command{
		Use:     "clear",
		Short:   "Resolve the ticket of an alert that is over",
		Long:    "clear resolves the open ticket of a key. A ticket on which time is booked stays open. If there is no open ticket, that is not an error.",
		Example: "autotask clear -company acme.example -key backup/MAIL-02 -text 'The backup succeeded.'",
		Args:    exactly(0, "no arguments, only flags"),
	}
	flags := cmd.Flags()
	o.add(flags)
	flags.StringVar(&o.status, "status", "5", "the `status`, an id or a label, of tickets without time entries")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.clear(cmd.Context(), o) }
	return cmd
}

// check reads the text and looks at the flags that both commands need.
func (o *alertOptions) check(a *app) error {
	if o.text == "-" {
		from, err := a.readStdin("-text")
		if err != nil {
			return err
		}
		b, err := io.ReadAll(io.LimitReader(from, maxInput))
		if err != nil {
			return err
		}
		o.text = strings.TrimSpace(string(b))
	}
	switch {
	case o.key == "":
		return usagef("-key is missing")
	case (o.company == "") == (o.companyID < 0):
		return usagef("give -company or -company-id")
	}
	return nil
}

// alertClient returns the client of a command, and the company's id.
func (a *app) alertClient(ctx context.Context, o *alertOptions) (*autotask.Client, error) {
	open := a.client
	if o.dryRun {
		open = func(...autotask.Option) (*autotask.Client, error) { return a.dryClient() }
	}
	client, err := open()
	if err != nil || o.companyID >= 0 {
		return client, err
	}
	o.companyID, err = alert.FindCompany(ctx, client, o.company)
	return client, err
}

func (a *app) alert(ctx context.Context, o alertOptions) error {
	if err := o.check(a); err != nil {
		return err
	}
	if o.event == "" || o.title == "" || o.noteType == "" || o.publish == "" {
		return usagef("-event, -title, -note-type and -publish are required")
	}
	var at time.Time
	if o.at != "" {
		var err error
		if at, err = timeOf("-at", o.at, a.now()); err != nil {
			return err
		}
	}
	client, err := a.alertClient(ctx, &o)
	if err != nil {
		return err
	}
	policy := alert.Policy{Reopen: o.reopen, NoteEvery: o.noteEvery}
	if o.storm > 0 {
		policy.Storm = alert.Storm{Keys: o.storm, Within: o.stormWithin}
	}
	if o.reopenStatus != "" {
		if policy.ReopenStatus, err = picklistID(ctx, client, "Tickets", "status", o.reopenStatus); err != nil {
			return err
		}
	}
	w := work{noteType: o.noteType, publish: o.publish, status: "0"}
	_, noteType, publish, err := w.ids(ctx, client, true)
	if err != nil {
		return err
	}
	fill, err := a.ticketFields(ctx, client, o.set)
	if err != nil {
		return err
	}
	outcome, err := alert.Upsert(ctx, client, alert.Alert{
		CompanyID: o.companyID, Key: o.key, Event: o.event, At: at, Title: o.title, Text: o.text, Severity: o.severity, Ticket: fill,
		Note: autotask.TicketNote{NoteType: noteType, Publish: publish},
	}, policy)
	return a.alertEnd(outcome, err, o)
}

func (a *app) clear(ctx context.Context, o alertOptions) error {
	if err := o.check(a); err != nil {
		return err
	}
	client, err := a.alertClient(ctx, &o)
	if err != nil {
		return err
	}
	status, err := picklistID(ctx, client, "Tickets", "status", o.status)
	if err != nil {
		return err
	}
	outcome, err := alert.Clear(ctx, client, o.companyID, o.key, autotask.Resolution{Text: o.text, Status: status})
	return a.alertEnd(outcome, err, o)
}

// ticketFields makes a function that sets fields of a new ticket, which are given as
// field=value.
func (a *app) ticketFields(ctx context.Context, client *autotask.Client, set []string) (func(*autotask.Ticket), error) {
	values, err := a.setFields(ctx, client, set)
	if err != nil {
		return nil, err
	}
	if _, given := values["priority"]; !given {
		return nil, hintError{usagef("-set priority=… is missing: Autotask requires it for a new ticket"), "Its values are listed by: autotask picklist Tickets priority"}
	}
	b, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	var probe autotask.Ticket
	if err := json.Unmarshal(b, &probe); err != nil {
		return nil, usagef("-set: %w", err)
	}
	return func(t *autotask.Ticket) { _ = json.Unmarshal(b, t) }, nil // as it went before
}

// setFields reads fields of a ticket, with values as in filters.
func (a *app) setFields(ctx context.Context, client *autotask.Client, set []string) (map[string]any, error) {
	s, err := a.shapeOf(ctx, client, "Tickets")
	if err != nil {
		return nil, err
	}
	values := make(map[string]any)
	for _, one := range set {
		name, text, ok := strings.Cut(one, "=")
		if name = strings.TrimSpace(name); !ok || isUDF(name) {
			return nil, usagef("-set %q is not field=value", one)
		}
		f, err := s.field(name)
		if err != nil {
			return nil, err
		}
		v, err := s.values(f, strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		if len(v) != 1 {
			return nil, usagef("%s: several values have the label %q: give one of %v", f.Name, text, v)
		}
		if f.ReadOnly || slices.Contains([]string{"id", "companyID", "externalID"}, f.Name) {
			return nil, usagef("-set: %s cannot be set", f.Name)
		}
		values[f.Name] = v[0]
	}
	return values, nil
}

// alertEnd prints an outcome, and returns the command's error.
func (a *app) alertEnd(o *alert.Outcome, err error, opts alertOptions) error {
	if opts.dryRun && wouldBeSent(err) {
		return nil
	}
	if o != nil && (err == nil || o.TicketID != 0) {
		if printed := a.printAlert(o, err); err == nil {
			err = printed
		}
	}
	if errors.Is(err, autotask.ErrOutcomeUnknown) {
		return hintError{err, "Repeat it with the same flags, -event included, so that nothing is written twice."}
	}
	return err
}

func (a *app) printAlert(o *alert.Outcome, err error) error {
	number := ""
	if o.Ticket != nil {
		number = o.Ticket.TicketNumber.Or("")
	}
	word := alertWord(o, err)
	if a.json {
		return a.object(struct {
			Outcome      string     `json:"outcome"`
			TicketID     int64      `json:"ticketID,omitzero"`
			TicketNumber string     `json:"ticketNumber,omitzero"`
			NoteID       int64      `json:"noteID,omitzero"`
			Storm        bool       `json:"storm,omitzero"`
			Duplicates   []int64    `json:"duplicates,omitempty"`
			Requests     int        `json:"requests"`
			Steps        []stepLine `json:"steps"`
		}{word, o.TicketID, number, o.NoteID, o.Storm, o.Duplicates, o.Requests, stepLines(o.Steps)})
	}
	if o.TicketID == 0 {
		return a.paragraph("%s", word)
	}
	return a.paragraph("%s: ticket %s (id %d)", word, number, o.TicketID)
}

func alertWord(o *alert.Outcome, err error) string {
	switch {
	case errors.Is(err, autotask.ErrOutcomeUnknown):
		return "unknown"
	case err != nil:
		return "failed"
	case o.Storm && o.Suppressed:
		return "in the storm already"
	case o.Storm:
		return "joined the storm"
	case o.Reopened:
		return "reopened"
	case o.Created:
		return "created"
	case o.Noted:
		return "noted"
	case o.Suppressed:
		return "suppressed"
	case o.Appended:
		return "appended"
	case o.Cleared:
		return "cleared"
	case o.AlreadyClear:
		return "clear already"
	}
	return "stays open, because time is booked on it"
}
