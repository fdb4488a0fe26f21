package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
)

// offerWrites adds the tools that lead to a write. Plans are made by the client that
// cannot write.
func (d *desk) offerWrites(s *mcp.Server) {
	plans := func(name, description string) *mcp.Tool {
		return &mcp.Tool{Name: name, Description: description + " Writes nothing.", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}}
	}
	mcp.AddTool(s, plans("plan_resolve", "Says what resolving a ticket would change, and returns a token for confirm."), d.planResolve)
	mcp.AddTool(s, plans("plan_alert", "Says what reporting a problem would change: a new ticket, or a note on the ticket that is open for it. Returns a token for confirm."), d.planAlert)
	destructive := true
	mcp.AddTool(s, &mcp.Tool{
		Name:        "confirm",
		Description: "Carries out one plan, once. It refuses if the plan is older than five minutes, was confirmed before, or if the ticket has changed since. Ask the user first.",
		Annotations: &mcp.ToolAnnotations{DestructiveHint: &destructive},
	}, d.confirm)
}

type noteText struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	NoteType    int64  `json:"noteType" jsonschema:"a value of the picklist noteType of TicketNotes"`
	Publish     int64  `json:"publish" jsonschema:"a value of the picklist publish of TicketNotes: who may see the note; a wrong one shows internal text to the customer"`
}

type resolveQuestion struct {
	TicketID int64     `json:"ticketID"`
	Text     string    `json:"text" jsonschema:"the ticket's resolution; it replaces the one that is there"`
	Note     *noteText `json:"note,omitempty" jsonschema:"a note to post before"`
	Complete bool      `json:"complete,omitempty" jsonschema:"also set the status to Complete, if no time is booked on the ticket"`
}

// planned is the answer to a plan.
type planned struct {
	Token   string   `json:"token" jsonschema:"for confirm"`
	Expires string   `json:"expires"`
	Ticket  *ticket  `json:"ticket,omitempty" jsonschema:"the ticket as it is now"`
	Changes []string `json:"changes" jsonschema:"what confirm would do, in order"`
}

func (d *desk) planResolve(ctx context.Context, _ *mcp.CallToolRequest, q resolveQuestion) (*mcp.CallToolResult, *planned, error) {
	if q.Text == "" {
		return nil, nil, errors.New("text is empty: a resolution needs one")
	}
	t, err := d.reader.Tickets.Get(ctx, q.TicketID)
	if err != nil {
		return nil, nil, err
	}
	answer := &planned{}
	if answer.Ticket, err = d.show(ctx, t); err != nil {
		return nil, nil, err
	}
	resolution := autotask.Resolution{Text: q.Text}
	if answer.Changes, resolution.Status, err = d.changesOfResolve(ctx, t, q); err != nil {
		return nil, nil, err
	}
	startedAt, settle, err := d.plans.startedAt(q)
	if err != nil {
		return nil, nil, err
	}
	resolution.StartedAt = startedAt
	if q.Note != nil {
		resolution.Note = &autotask.TicketNote{Title: q.Note.Title, Description: q.Note.Description, NoteType: q.Note.NoteType, Publish: q.Note.Publish}
	}
	if resolution.If, err = unchanged(t); err != nil {
		return nil, nil, err
	}
	d.promise(answer, func(ctx context.Context) (*report, error) {
		outcome, err := d.writer.Resolve(ctx, q.TicketID, resolution)
		settle(err)
		return reportOf(outcome.TicketID, outcome.Steps), err
	})
	return nil, answer, nil
}

// changesOfResolve says what a resolution will do, in words, and the status it will
// set; 0 is none, and stays so if the time that was booked is deleted before confirm.
func (d *desk) changesOfResolve(ctx context.Context, t *autotask.Ticket, q resolveQuestion) (all []string, status int64, err error) {
	if n := q.Note; n != nil {
		line, err := d.describeNote(ctx, n)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, line)
	}
	all = append(all, fmt.Sprintf("set the resolution from %q to %q", t.Resolution.Or(""), q.Text))
	if !q.Complete {
		return append(all, "leave the status alone"), 0, nil
	}
	booked, err := d.reader.TimeEntries.Exist(ctx, q.TicketID)
	if err != nil {
		return nil, 0, err
	}
	if booked {
		return append(all, "leave the status alone, since time is booked on the ticket"), 0, nil
	}
	from, err := d.label(ctx, "Tickets", "status", t.Status)
	if err != nil {
		return nil, 0, err
	}
	to, err := d.label(ctx, "Tickets", "status", autotask.StatusComplete)
	return append(all, fmt.Sprintf("set the status from %s to %s", from, to)), autotask.StatusComplete, err
}

func (d *desk) describeNote(ctx context.Context, n *noteText) (string, error) {
	publish, err := d.known(ctx, "TicketNotes", "publish", n.Publish)
	if err != nil {
		return "", err
	}
	noteType, err := d.known(ctx, "TicketNotes", "noteType", n.NoteType)
	return fmt.Sprintf("post the note %q with the text %q, noteType %s, publish %s", n.Title, n.Description, noteType, publish), err
}

// known is like label, but a value that the picklist lacks is an error.
func (d *desk) known(ctx context.Context, collection, field string, id int64) (string, error) {
	values, err := d.reader.Picklists.Values(ctx, collection, field)
	if err != nil {
		return "", err
	}
	if _, ok := values.Label(id); !ok {
		return "", fmt.Errorf("%d is no value of %s of %s; the tool picklist lists them", id, field, collection)
	}
	return d.label(ctx, collection, field, id)
}

type alertQuestion struct {
	CompanyID int64    `json:"companyID" jsonschema:"the company that the ticket belongs to; 0 is the tenant's own"`
	Key       string   `json:"key" jsonschema:"identifies the problem within the company: one open ticket for each key"`
	Event     string   `json:"event" jsonschema:"identifies this occurrence, which is reported once"`
	Title     string   `json:"title"`
	Text      string   `json:"text"`
	Priority  int64    `json:"priority" jsonschema:"of a new ticket, a value of the picklist priority of Tickets"`
	Note      noteText `json:"note" jsonschema:"the note, if the ticket is open already"`
}

func (q alertQuestion) alert() alert.Alert {
	return alert.Alert{
		CompanyID: q.CompanyID, Key: q.Key, Event: q.Event, Title: q.Title, Text: q.Text,
		Ticket: func(t *autotask.Ticket) { t.Priority = q.Priority },
		Note:   autotask.TicketNote{Title: q.Note.Title, Description: q.Note.Description, NoteType: q.Note.NoteType, Publish: q.Note.Publish},
	}
}

func (d *desk) planAlert(ctx context.Context, _ *mcp.CallToolRequest, q alertQuestion) (*mcp.CallToolResult, *planned, error) {
	open, before, err := d.rehearse(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	answer := &planned{}
	if open == nil {
		priority, err := d.known(ctx, "Tickets", "priority", q.Priority)
		if err != nil {
			return nil, nil, err
		}
		answer.Changes = []string{fmt.Sprintf("create a ticket for company %d: %q with the text %q, priority %s", q.CompanyID, q.Title, q.Text, priority)}
	} else {
		if answer.Ticket, err = d.show(ctx, open); err != nil {
			return nil, nil, err
		}
		line, err := d.describeNote(ctx, &q.Note)
		if err != nil {
			return nil, nil, err
		}
		answer.Changes = []string{line}
	}
	d.promise(answer, func(ctx context.Context) (*report, error) {
		_, now, err := d.rehearse(ctx, q)
		switch {
		case err != nil:
			return &report{}, err
		case now != before:
			return &report{}, errChanged
		}
		outcome, err := alert.Upsert(ctx, d.writer, q.alert(), alert.Policy{})
		return reportOf(outcome.TicketID, outcome.Steps), err
	})
	return nil, answer, nil
}

var errNothingToDo = errors.New("this event is on its ticket already: there is nothing to do")

// rehearse reports the alert through the client that cannot write: it comes as far as
// the first write. It returns the ticket that is open for the key, or nil, and the
// state on which the plan rests.
func (d *desk) rehearse(ctx context.Context, q alertQuestion) (*autotask.Ticket, state, error) {
	outcome, err := alert.Upsert(ctx, d.reader, q.alert(), alert.Policy{})
	switch {
	case err == nil:
		return nil, state{}, errNothingToDo
	case !errors.Is(err, autotask.ErrReadOnly):
		return nil, state{}, err
	case outcome.TicketID == 0:
		return nil, state{}, nil
	}
	t, err := d.reader.Tickets.Get(ctx, outcome.TicketID)
	if err != nil {
		return nil, state{}, err
	}
	now, err := stateOf(t)
	return t, now, err
}

// promise keeps what was planned, and gives the answer its token.
func (d *desk) promise(answer *planned, do func(ctx context.Context) (*report, error)) {
	token, expires := d.plans.add(do)
	answer.Token, answer.Expires = token, expires.UTC().Format(time.RFC3339)
}

type confirmation struct {
	Token string `json:"token" jsonschema:"of a plan"`
}

// report says what was done.
type report struct {
	TicketID int64    `json:"ticketID"`
	Steps    []string `json:"steps"`
}

func reportOf(ticketID int64, steps []autotask.Step) *report {
	r := &report{TicketID: ticketID, Steps: []string{}}
	for _, s := range steps {
		r.Steps = append(r.Steps, fmt.Sprintf("%s: %s: %s", s.Name, s.State, s.Reason))
	}
	return r
}

func (d *desk) confirm(ctx context.Context, _ *mcp.CallToolRequest, q confirmation) (*mcp.CallToolResult, *report, error) {
	d.confirming.Lock()
	defer d.confirming.Unlock()
	p, err := d.plans.take(q.Token)
	if err != nil {
		return nil, nil, err
	}
	done, err := p.do(ctx)
	if err != nil {
		// What was done until then, alongside the error: a model must not conclude that
		// nothing was.
		return nil, nil, fmt.Errorf("%w%s", err, done.soFar())
	}
	return nil, done, nil
}

func (r *report) soFar() string {
	text := ""
	for _, s := range r.Steps {
		text += "\n" + s
	}
	return text
}
