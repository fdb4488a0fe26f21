package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is asked of the run's own ticket: contract 4 to 9, notes 2.4, 3.7, 6.3, 7
// and 8.

// createChecks come first, so that the checks that read can read this ticket.
func createChecks() []Check {
	return write([]Check{
		{
			ID: "notes/2.4/create", Section: "notes 2.4", Evidence: "DOC, LIVE", Requests: 7,
			Title: "A create is answered by 200 with itemId alone",
			Asks:  "POST Tickets, with values of the tenant's own metadata", Expects: `{"itemId":…}, the id of that ticket`, Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.create(ctx)
				if err != nil {
					return "", err
				}
				if len(a.data) != 1 {
					return "", failf("the answer has %d members", len(a.data))
				}
				return "", nil
			},
		},
		{
			ID: "notes/7.1/number", Section: "notes 7.1", Evidence: "LIVE",
			Title: "Autotask assigns the ticket number",
			Asks:  "GET Tickets/{id} of the new ticket", Expects: "ticketNumber is not empty", Fake: "the same",
			run: func(_ context.Context, r *run) (string, error) {
				if r.own == nil {
					return "", skip("there is no ticket of the run's own")
				}
				if r.own.number == "" {
					return "", failf("it is empty")
				}
				return "", nil
			},
		},
		{
			ID: "question/6.4/stored", Section: "notes 6.4", Evidence: "LIVE", Question: true,
			Title: "Is a new ticket stored as it was sent?",
			Asks:  "the same", Fake: "yes",
			run: storedAsSent,
		},
		{
			ID: "question/3.7/lag", Section: "notes 3.7", Evidence: "LIVE", Question: true, Requests: pollRequests,
			Title: "How soon do queries find a new ticket?",
			Asks:  "POST Tickets/query, id eq the new ticket, until it is found", Fake: "at once, unless told otherwise",
			run: func(ctx context.Context, r *run) (string, error) {
				if r.own == nil {
					return "", skip("there is no ticket of the run's own")
				}
				lag, found, err := r.poll(ctx, "Tickets", with(filter(condition("eq", "id", r.own.id)), obj{"IncludeFields": []string{"id"}}), r.own.id)
				r.own.hidden = !found
				return sayLag(lag, found), err
			},
		},
	})
}

// write marks checks as those that write.
func write(checks []Check) []Check {
	for i := range checks {
		checks[i].Writes = true
	}
	return checks
}

func writeChecks() []Check {
	return write(slices.Concat(noteChecks(), putChecks(), statusChecks()))
}

func noteChecks() []Check {
	checks := []Check{
		{
			ID: "contract/6/own", Section: "contract 6", Evidence: "CONTRACT", Requests: 1,
			Title: "A new ticket has no time entries",
			Asks:  "POST TimeEntries/query, ticketID eq the own ticket", Expects: "items empty, count 0", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				if r.own == nil {
					return "", skip("there is no ticket of the run's own")
				}
				return r.noTimeEntries(ctx, r.own.id)
			},
		},
		{
			ID: "contract/7/note", Section: "contract 7", Evidence: "CONTRACT", Requests: 2,
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
			Asks:  "GET of the own ticket", Expects: "both as before, and both timestamps null", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				item, err := r.fresh(ctx)
				if err != nil {
					return "", err
				}
				r.stamp("a note", item)
				return "", r.unresolved(r.own.item, item, "resolution")
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

func putChecks() []Check {
	return []Check{
		{
			ID: "contract/8/twelve", Section: "contract 8", Evidence: "CONTRACT", Requests: 4,
			Title: "A PUT of the twelve stabilising fields and the resolution is accepted",
			Asks:  "GET; PUT Tickets of the twelve as read, and resolution; GET", Expects: "200, and the resolution is there", Fake: "the same",
			run: putTwelve,
		},
		{
			ID: "contract/8/kept", Section: "contract 8", Evidence: "CONTRACT", Requests: 1,
			Title: "Such a PUT changes none of the twelve",
			Asks:  "GET", Expects: "the twelve as before", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				item, err := r.fresh(ctx)
				if err != nil {
					return "", err
				}
				if names := changed(r.own.item, item, stabilising); len(names) > 0 {
					return "", failf("changed: %s", strings.Join(names, ", "))
				}
				return "", nil
			},
		},
		{
			ID: "contract/9/text-alone", Section: "contract 9", Evidence: "CONTRACT", Requests: 1,
			Title: "A resolution text alone does not resolve a ticket",
			Asks:  "GET", Expects: "the status as before, completedDate and resolvedDateTime null", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				item, err := r.fresh(ctx)
				if err != nil {
					return "", err
				}
				r.stamp("a PUT of the resolution", item)
				return "", r.unresolved(r.own.item, item)
			},
		},
		{
			ID: "notes/6.3/replaces", Section: "notes 6.3", Evidence: "DOC; CONTRACT for tickets", Requests: 1,
			Title: "A PUT replaces: the description that it left out is gone",
			Asks:  "GET", Expects: "description null", Fake: "the same",
			run: putReplaces,
		},
		{
			ID: "contract/4/partial", Section: "contract 4", Evidence: "CONTRACT", Requests: 5,
			Title: "A PUT of a part of a ticket is refused",
			Asks:  "PUT Tickets of id and resolution", Expects: "a refusal, and nothing changed", Fake: "500 with errors",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.mustRefuse(ctx, func(item obj) obj {
					return obj{"id": item["id"], "resolution": "A part."}
				})
			},
		},
		missingCheck("title"), missingCheck("status"), missingCheck("priority"), missingCheck("companyID"),
		{
			ID: "contract/8/incomplete", Section: "contract 8", Evidence: "CONTRACT", Requests: 5,
			Title: "A PUT without one of the twelve is refused, or changes it: it never keeps it",
			Asks:  "PUT Tickets of eleven fields, without queueID or another one that has a value", Expects: "a refusal, or the field changed", Fake: "500 with errors",
			run: putIncomplete,
		},
		{
			ID: "contract/8/longest", Section: "contract 8", Evidence: "CONTRACT", Requests: 3,
			Title: "A resolution of 32,000 characters is stored whole",
			Asks:  "PUT Tickets with it; GET", Expects: "32,000 characters", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				_, after, err := r.update(ctx, obj{"resolution": longText(32000)})
				if err != nil {
					return "", err
				}
				if n := utf8.RuneCountInString(text(after["resolution"])); n != 32000 {
					return "", failf("%d characters were stored", n)
				}
				return "", nil
			},
		},
		{
			ID: "notes/7.5/too-long", Section: "notes 7.5", Evidence: "CONTRACT", Requests: 5,
			Title: "A resolution of 32,001 characters is refused",
			Asks:  "PUT Tickets with it", Expects: "a refusal, and nothing changed", Fake: "500 with errors",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.mustRefuse(ctx, func(item obj) obj { return r.payload(item, obj{"resolution": longText(32001)}) })
			},
		},
		{
			ID: "notes/4.3/picklist", Section: "notes 4.3", Evidence: "LIVE", Requests: 5,
			Title: "A value that is not in a picklist is refused",
			Asks:  "PUT Tickets with a priority that the tenant does not have", Expects: "500 with errors, and nothing changed", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.mustRefuse(ctx, func(item obj) obj { return r.payload(item, obj{"priority": tooBig}) })
			},
		},
		{
			ID: "notes/4.2/put-id", Section: "notes 4.2, 6.1", Evidence: "LIVE", Requests: 2,
			Title: "PUT of Tickets/{id} is 405: the id belongs into the body",
			Asks:  "PUT Tickets/{id} of the twelve as read", Expects: "405", Fake: "405",
			run: func(ctx context.Context, r *run) (string, error) {
				item, err := r.fresh(ctx)
				if err != nil {
					return "", err
				}
				a, err := r.send(ctx, request{method: http.MethodPut, path: fmt.Sprintf("Tickets/%d", r.own.id), body: r.payload(item, pick(item, []string{"resolution"})), write: true})
				if err == nil && a.status != http.StatusMethodNotAllowed {
					err = failf("not 405: %s", a.describe())
				}
				return "", err
			},
		},
		{
			ID: "question/18/boolean", Section: "notes 6.3, 18", Evidence: "DOC", Question: true, Requests: 6,
			Title: "What does a PUT do with a boolean that is null, and one that is left out?",
			Asks:  "PUT Tickets with a boolean that is null; GET", Fake: "null is refused; left out it becomes false",
			run: nullBoolean,
		},
		{
			ID: "question/18/read-only", Section: "notes 18", Evidence: "none", Question: true, Requests: 3,
			Title: "What does a read-only field in a PUT do?",
			Asks:  "PUT Tickets with another createDate; GET", Fake: "it is accepted and ignored",
			run: readOnlyField,
		},
		{
			ID: "contract/4/patch", Section: "contract 4", Evidence: "CONTRACT",
			Title: "PATCH is not supported for tickets",
			Asks:  "never asked: this package sends no PATCH at all", Expects: "405", Fake: "405",
		},
	}
}

func missingCheck(name string) Check {
	return Check{
		ID: "contract/4/without-" + strings.ToLower(name), Section: "contract 4", Evidence: "CONTRACT", Requests: 5,
		Title: "A PUT without " + name + " is refused",
		Asks:  "PUT Tickets of the other eleven", Expects: "a refusal, and nothing changed", Fake: "500 with errors",
		run: func(ctx context.Context, r *run) (string, error) {
			return r.mustRefuse(ctx, func(item obj) obj {
				body := r.payload(item, pick(item, []string{"resolution"}))
				delete(body, name)
				return body
			})
		},
	}
}

func statusChecks() []Check {
	return []Check{
		{
			ID: "question/5/eight", Section: "contract 5", Evidence: "CONTRACT", Question: true, Requests: 3,
			Title: "Does status 8 set completedDate and resolvedDateTime?",
			Asks:  "PUT Tickets with status 8; GET", Fake: "neither",
			run: statusEight,
		},
		{
			ID: "contract/9/if-none", Section: "contract 9", Evidence: "CONTRACT", Requests: 5,
			Title: "Without time entries, a PUT of status 5 resolves the ticket and keeps its resolution",
			Asks:  "PUT Tickets with a resolution; POST TimeEntries/query; GET; PUT Tickets with status 5; GET", Expects: "status 5, and the resolution as before", Fake: "the same",
			run: resolveIfNone,
		},
		{
			ID: "contract/5/five", Section: "contract 5", Evidence: "CONTRACT", Requests: 1,
			Title: "Status 5 sets completedDate and resolvedDateTime",
			Asks:  "GET", Expects: "both are set", Fake: "the same",
			run: statusFive,
		},
		{
			ID: "contract/9/if-some", Section: "contract 9", Evidence: "CONTRACT",
			Title: "With time entries, the status is not changed",
			Asks:  "never asked: it would take booking time in somebody's name", Expects: "a rule for clients", Fake: "the library's tests have it",
		},
		{
			ID: "question/15.1/stamps", Section: "notes 15.1, 18", Evidence: "LIVE", Question: true,
			Title: "What changes lastTrackedModificationDateTime and lastActivityDate?",
			Asks:  "the stamps after each step above", Fake: "a note the second, a PUT both",
			run: stampsMoved,
		},
		{
			ID: "question/7.6/reopen", Section: "notes 7.6", Evidence: "PEER", Question: true, Requests: 3,
			Title: "Does reopening clear completedDate and resolvedDateTime?",
			Asks:  "PUT Tickets with the status that it had at first; GET", Fake: "yes",
			run: reopen,
		},
	}
}

func storedAsSent(_ context.Context, r *run) (string, error) {
	if r.own == nil {
		return "", skip("there is no ticket of the run's own")
	}
	var sent []string
	for _, name := range keysOf(r.own.sent) {
		if slices.Contains(ticketFields, name) {
			sent = append(sent, name)
		}
	}
	if names := changed(r.own.sent, r.own.item, sent); len(names) > 0 {
		return "other values in " + strings.Join(names, ", "), nil
	}
	return "yes", nil
}

// note is a note of the own ticket, with values of the tenant's metadata.
func (r *run) note(ctx context.Context) (obj, error) {
	if r.own == nil {
		return nil, skip("there is no ticket of the run's own")
	}
	l, err := r.fieldsOf(ctx, "TicketNotes")
	if err != nil {
		return nil, err
	}
	note := obj{"title": "API conformance check " + r.own.mark, "description": ownDescription}
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
	delete(note, name)
	return r.sendNote(ctx, note)
}

func postNote(ctx context.Context, r *run) (string, error) {
	note, err := r.note(ctx)
	if err != nil {
		return "", err
	}
	a, err := r.sendNote(ctx, note)
	if err != nil {
		return "", err
	}
	if err := granted(a, "create notes of tickets"); err != nil {
		return "", err
	}
	id, ok := whole(a.data["itemId"])
	if !ok {
		return "", failf("the answer has no itemId: %s", a.describe())
	}
	r.own.noteID = id
	return "", nil
}

func (r *run) hasNote() error {
	if r.own == nil || r.own.noteID == 0 {
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
	lag, found, err := r.poll(ctx, "TicketNotes", filter(condition("eq", "ticketID", r.own.id)), r.own.noteID)
	if err != nil {
		return "", err
	}
	if !found {
		return "", failf("%s", sayLag(lag, found))
	}
	return sayLag(lag, found), nil
}

// unresolved demands that the status, the timestamps and some more fields are as
// before, and that the ticket is open.
func (r *run) unresolved(before, after obj, more ...string) error {
	if names := changed(before, after, append(more, "status")); len(names) > 0 {
		return failf("changed: %s", strings.Join(names, ", "))
	}
	if !empty(after["completedDate"]) || !empty(after["resolvedDateTime"]) {
		return failf("completedDate or resolvedDateTime is set")
	}
	return nil
}

const shortText = "API conformance check: the resolution."

func putTwelve(ctx context.Context, r *run) (string, error) {
	_, after, err := r.update(ctx, obj{"resolution": shortText})
	if wrong, ok := err.(mismatch); ok { //nolint:errorlint // a mismatch is never wrapped
		r.own.whole = true
		if _, _, err := r.update(ctx, obj{"resolution": shortText}); err == nil {
			return "", failf("%s. A PUT of everything that can be written is accepted, and is used from here on", wrong)
		}
		return "", wrong
	}
	if err != nil {
		return "", err
	}
	if !same(after["resolution"], shortText) {
		return "", failf("accepted, and the resolution is not there")
	}
	return "", nil
}

func putReplaces(ctx context.Context, r *run) (string, error) {
	item, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	if _, given := r.options.Fields["description"]; given || r.own.whole {
		return "", skip("this tenant's PUT has the description")
	}
	if empty(r.own.item["description"]) {
		return "", skip("the ticket had no description")
	}
	if !same(item["resolution"], shortText) {
		return "", skip("the PUT before it was not done")
	}
	if !empty(item["description"]) {
		return "", failf("description is still there: the PUT merged")
	}
	return "", nil
}

// mustRefuse sends a PUT that must not be done, and undoes it if it was.
func (r *run) mustRefuse(ctx context.Context, body func(item obj) obj) (string, error) {
	before, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	a, err := r.put(ctx, body(before))
	if err != nil {
		return "", err
	}
	if a.status < 400 {
		return "", r.undo(ctx, before, failf("accepted: %s", a.describe()))
	}
	after, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	if names := changed(before, after, append(slices.Clone(stabilising), "resolution")); len(names) > 0 {
		return "", failf("refused, and changed %s", strings.Join(names, ", "))
	}
	return a.describe(), nil
}

// undo restores the ticket after a finding. Only an error that is more than a
// finding takes its place.
func (r *run) undo(ctx context.Context, as obj, finding error) error {
	err := r.restore(ctx, as)
	var wrong mismatch
	if err == nil || errors.As(err, &wrong) {
		return finding
	}
	return err
}

func putIncomplete(ctx context.Context, r *run) (string, error) {
	before, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	left := ""
	for _, name := range []string{"queueID", "issueType", "source", "dueDateTime"} {
		if !empty(before[name]) {
			left = name
			break
		}
	}
	if left == "" {
		return "", skip("the ticket has no value in any of them")
	}
	body := r.payload(before, pick(before, []string{"resolution"}))
	delete(body, left)
	a, err := r.put(ctx, body)
	if err != nil {
		return "", err
	}
	after, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	if a.status >= 400 {
		return "without " + left + " it is refused", nil
	}
	if len(changed(before, after, []string{left})) == 0 {
		return "", failf("accepted without %s, which kept its value: the PUT merged", left)
	}
	return "without " + left + " it is accepted, and changes it", r.restore(ctx, before)
}

// nullBoolean picks a boolean that can be written, one that is true if there is one.
func nullBoolean(ctx context.Context, r *run) (string, error) {
	before, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	l, err := r.fieldsOf(ctx, "Tickets")
	if err != nil {
		return "", err
	}
	name := ""
	for _, f := range l {
		n := canonical(keysOf(before), f.name)
		if v, isBool := before[n].(bool); isBool && !f.readOnly && strings.EqualFold(f.dataType, "boolean") && (name == "" || v) {
			name = n
		}
	}
	if name == "" {
		return "", skip("a ticket has no boolean that can be written")
	}
	a, err := r.put(ctx, r.payload(before, with(pick(before, []string{"resolution"}), obj{name: nil})))
	if err != nil {
		return "", err
	}
	after, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	said := fmt.Sprintf("null: %s, %v before and %v after", a.describe(), before[name], after[name])
	body := r.payload(after, pick(before, []string{"resolution"}))
	delete(body, name)
	b, err := r.put(ctx, body)
	if err != nil {
		return "", err
	}
	last, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	return said + fmt.Sprintf("; left out: %s, %v after", b.describe(), last[name]), nil
}

func readOnlyField(ctx context.Context, r *run) (string, error) {
	before, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	const other = "2001-02-03T04:05:06Z"
	a, err := r.put(ctx, r.payload(before, with(pick(before, []string{"resolution"}), obj{"createDate": other})))
	if err != nil {
		return "", err
	}
	if a.status >= 400 {
		return "it is refused: " + a.describe(), nil
	}
	after, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	if same(after["createDate"], other) {
		return "it is stored", nil
	}
	return "it is accepted and ignored", nil
}

func statusEight(ctx context.Context, r *run) (string, error) {
	f, err := r.status(ctx)
	if err != nil {
		return "", err
	}
	has := slices.ContainsFunc(f.values, func(v obj) bool { id, _ := whole(v["value"]); return id == 8 && isActive(v) })
	if !has {
		return "", skip("the tenant has no active status 8")
	}
	_, after, err := r.update(ctx, obj{"status": 8, "resolution": shortText})
	if err != nil {
		return "", err
	}
	if !same(after["status"], int64(8)) {
		return "the PUT is accepted, and the status is another", nil
	}
	return fmt.Sprintf("completedDate: %s, resolvedDateTime: %s", isSet(after["completedDate"]), isSet(after["resolvedDateTime"])), nil
}

func isSet(v any) string {
	if empty(v) {
		return "null"
	}
	return "set"
}

func resolveIfNone(ctx context.Context, r *run) (string, error) {
	if _, _, err := r.update(ctx, obj{"resolution": shortText, "status": r.statusOfOwn()}); err != nil {
		return "", err
	}
	if _, err := r.noTimeEntries(ctx, r.own.id); err != nil {
		// A ticket that has, or may have, time entries is not to be resolved by this
		// rule; finish does it all the same, as it is the run's own.
		return "", err
	}
	_, after, err := r.update(ctx, obj{"status": complete, "resolution": shortText})
	if err != nil {
		return "", err
	}
	if !same(after["status"], int64(complete)) {
		return "", failf("accepted, and the status is another")
	}
	if !same(after["resolution"], shortText) {
		return "", failf("the resolution has changed")
	}
	r.stamp("a PUT of the status", after)
	return "", nil
}

func (r *run) statusOfOwn() int64 {
	if r.own == nil {
		return 0
	}
	return r.own.status
}

func statusFive(ctx context.Context, r *run) (string, error) {
	item, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	if !same(item["status"], int64(complete)) {
		return "", skip("the ticket has not got status 5")
	}
	if !isResolved(item) {
		return "", failf("completedDate: %s, resolvedDateTime: %s", isSet(item["completedDate"]), isSet(item["resolvedDateTime"]))
	}
	return "", nil
}

func stampsMoved(_ context.Context, r *run) (string, error) {
	if r.own == nil || len(r.own.stamps) < 2 {
		return "", skip("no step was done")
	}
	var said []string
	for i, s := range r.own.stamps[1:] {
		before := r.own.stamps[i]
		said = append(said, fmt.Sprintf("%s: lastTrackedModificationDateTime %s, lastActivityDate %s",
			s.after, moved(before.tracked, s.tracked), moved(before.activity, s.activity)))
	}
	return strings.Join(said, "; "), nil
}

func moved(before, after string) string {
	if before == after {
		return "stays"
	}
	return "changes"
}

func reopen(ctx context.Context, r *run) (string, error) {
	item, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	if !isResolved(item) {
		return "", skip("the ticket is not resolved")
	}
	_, after, err := r.update(ctx, obj{"status": r.own.status, "resolution": shortText})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("completedDate: %s, resolvedDateTime: %s", isSet(after["completedDate"]), isSet(after["resolvedDateTime"])), nil
}

// longText has exactly n characters, and no white space at its ends.
func longText(n int) string {
	const word = "API conformance check. "
	return strings.Repeat(word, n/len(word)+1)[:n-1] + "x"
}
