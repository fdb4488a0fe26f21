package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Notes of the own ticket: contract 6, 7 and 9.

func noteChecks() []Check {
	checks := []Check{
		{
			ID: "contract/6/own", Section: "contract 6", Evidence: "CONTRACT", Requests: 1,
			Title: "A new ticket has no time entries",
			Asks:  "POST TimeEntries/query, ticketID eq the own ticket", Expects: "items empty, count 0", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.noTimeEntries(ctx, r.own.id)
			},
		},
		{
			ID: "contract/7/note", Section: "contract 7", Evidence: "CONTRACT", Requests: 3,
			Title: "POST Tickets/{id}/Notes creates a note",
			Asks:  "POST of title, description, noteType and publish", Expects: `200 {"itemId":…}`, Fake: "the same",
			run: postNote,
		},
		{
			ID: "contract/7/visible", Section: "contract 7", Evidence: "CONTRACT", Requests: 1,
			Title: "The note is visible at once",
			Asks:  "GET TicketNotes/{id}", Expects: "the note, of that ticket", Fake: "the same",
			run: noteVisible,
		},
		{
			ID: "contract/7/found", Section: "contract 7", Evidence: "CONTRACT; LIVE for a delay", Requests: pollRequests,
			Title: "TicketNotes/query finds the note, if not at once then within half a minute",
			Asks:  "POST TicketNotes/query, ticketID eq the own ticket", Expects: "the note", Fake: "at once, unless told otherwise",
			run: noteFound,
		},
		{
			ID: "contract/9/note-alone", Section: "contract 9", Evidence: "CONTRACT", Requests: 1,
			Title: "A note changes neither the resolution nor the status",
			Asks:  "GET Tickets/{id} of the own ticket", Expects: "both as before, and both timestamps null", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				item, err := r.fresh(ctx)
				if err != nil {
					return "", err
				}
				if r.own.notes == 0 {
					return "", skip("no note was accepted")
				}
				r.stamp("a note", item)
				return "", r.unresolved(r.own.before, item, "resolution")
			},
		},
	}
	for _, name := range []string{"TicketNotes", "TicketNote"} {
		checks = append(checks, Check{
			ID: "contract/7/no-" + strings.ToLower(name), Section: "contract 7", Evidence: "CONTRACT", Requests: 2,
			Title: "POST /" + name + " is 404",
			Asks:  "POST " + name + " of a note of the own ticket", Expects: "404", Fake: "404",
			run: func(ctx context.Context, r *run) (string, error) {
				note, err := r.note(ctx)
				if err != nil {
					return "", err
				}
				note["ticketID"] = r.own.id
				return r.notFound(ctx, request{method: http.MethodPost, path: name, body: note, write: true})
			},
		})
	}
	for _, name := range []string{"description", "noteType", "publish"} {
		checks = append(checks, Check{
			ID: "contract/7/without-" + strings.ToLower(name), Section: "contract 7", Evidence: "CONTRACT", Requests: 2,
			Title: "A note without " + name + " is refused",
			Asks:  "POST Tickets/{id}/Notes without it", Expects: "500 with errors", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.noteWithout(ctx, name)
				if err != nil {
					return "", err
				}
				return "", refused(a)
			},
		})
	}
	return append(checks, Check{
		ID: "question/8/title", Section: "notes 8", Evidence: "CONTRACT, DOC", Question: true, Requests: 2,
		Title: "Does a note need a title? (it depends on the ticket's category)",
		Asks:  "POST Tickets/{id}/Notes without title", Fake: "yes",
		run: func(ctx context.Context, r *run) (string, error) {
			a, err := r.noteWithout(ctx, "title")
			if err != nil {
				return "", err
			}
			return a.describe(), nil
		},
	})
}

// note is a note of the own ticket, with values of the tenant's metadata.
func (r *run) note(ctx context.Context) (obj, error) {
	note, err := r.noteValues(ctx)
	if err != nil {
		return nil, err
	}
	note["title"], note["description"] = "API conformance check "+r.own.mark, ownDescription
	return note, nil
}

// noteValues are noteType and publish, of the tenant's metadata.
func (r *run) noteValues(ctx context.Context) (obj, error) {
	l, err := r.fieldsOf(ctx, "TicketNotes")
	if err != nil {
		return nil, err
	}
	note := obj{}
	setPick(note, l, "noteType")
	setPublish(note, l)
	if gone := missing(note, "noteType", "publish"); len(gone) > 0 {
		return nil, skipf("the tenant has no active value for %s", strings.Join(gone, ", "))
	}
	return note, nil
}

// setPublish prefers a value that is labelled as internal: others may show the
// note to the customer.
func setPublish(note obj, l fieldList) {
	f, _ := l.find("publish")
	internal := slices.DeleteFunc(slices.Clone(f.values), func(v obj) bool {
		return !strings.Contains(strings.ToLower(text(v["label"])), "internal")
	})
	if id, ok := firstChoice(internal, ""); ok {
		note["publish"] = id
		return
	}
	setPick(note, l, "publish")
}

func (r *run) sendNote(ctx context.Context, note obj) (*answer, error) {
	return r.send(ctx, request{method: http.MethodPost, path: fmt.Sprintf("Tickets/%d/Notes", r.own.id), body: note, write: true})
}

func (r *run) noteWithout(ctx context.Context, name string) (*answer, error) {
	note, err := r.note(ctx)
	if err != nil {
		return nil, err
	}
	if r.own.notes == 0 {
		return nil, skip("no whole note was accepted, so a refusal would prove nothing")
	}
	delete(note, name)
	return r.sendNote(ctx, note)
}

func postNote(ctx context.Context, r *run) (string, error) {
	note, err := r.note(ctx)
	if err != nil {
		return "", err
	}
	if r.own.before, err = r.fresh(ctx); err != nil {
		return "", err
	}
	a, err := r.sendNote(ctx, note)
	if err != nil {
		return "", err
	}
	if err := granted(a, "create notes of tickets"); err != nil {
		return "", err
	}
	r.own.notes++
	id, ok := whole(a.data["itemId"])
	if !ok {
		return "", failf("the answer has no itemId: %s", a.describe())
	}
	r.own.noteID = id
	return "", nil
}

func (r *run) hasNote() error {
	if r.own.noteID == 0 {
		return skip("no note was made, or its id is not known")
	}
	return nil
}

func noteVisible(ctx context.Context, r *run) (string, error) {
	if err := r.hasNote(); err != nil {
		return "", err
	}
	a, err := r.get(ctx, fmt.Sprintf("TicketNotes/%d", r.own.noteID))
	if err != nil {
		return "", err
	}
	if err := granted(a, "read notes of tickets"); err != nil {
		return "", err
	}
	if got, ok := whole(itemOf(a)["ticketID"]); !ok || got != r.own.id {
		return "", failf("it is not there, or of another ticket")
	}
	return "", nil
}

func noteFound(ctx context.Context, r *run) (string, error) {
	if err := r.hasNote(); err != nil {
		return "", err
	}
	l, err := r.poll(ctx, "TicketNotes", filter(condition("eq", "ticketID", r.own.id)), r.own.noteID)
	if err != nil {
		return "", err
	}
	r.own.notesLag = !l.atOnce()
	if !l.found {
		return "", failf("%s", l)
	}
	return l.String(), nil
}
