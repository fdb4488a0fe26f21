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

// PUTs of the own ticket: contract 4, 8 and 9.

func putChecks() []Check {
	return []Check{
		{
			ID: "contract/8/twelve", Section: "contract 8", Evidence: "CONTRACT", Requests: 5,
			Title: "A PUT of the twelve stabilising fields and the resolution is accepted",
			Asks:  "GET; PUT Tickets of the twelve as read, and resolution; GET", Expects: "200, and the resolution is there", Fake: "the same",
			run: putTwelve,
		},
		{
			ID: "contract/8/kept", Section: "contract 8", Evidence: "CONTRACT", Requests: 1,
			Title: "Such a PUT changes none of the twelve",
			Asks:  "GET Tickets/{id} of the own ticket", Expects: "the twelve as before", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				item, err := r.afterPut(ctx)
				if err != nil {
					return "", err
				}
				if names := changed(r.own.before, item, stabilising); len(names) > 0 {
					return "", failf("changed: %s", strings.Join(names, ", "))
				}
				return "", nil
			},
		},
		{
			ID: "contract/9/text-alone", Section: "contract 9", Evidence: "CONTRACT", Requests: 1,
			Title: "A resolution text alone does not resolve a ticket",
			Asks:  "GET Tickets/{id} of the own ticket", Expects: "the status as before, completedDate and resolvedDateTime null", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				item, err := r.afterPut(ctx)
				if err != nil {
					return "", err
				}
				r.stamp("a PUT of the resolution", item)
				return "", r.unresolved(r.own.before, item)
			},
		},
		{
			ID: "notes/6.3/replaces", Section: "notes 6.3", Evidence: "DOC; CONTRACT for tickets", Requests: 1,
			Title: "A PUT replaces: the description that it left out is gone",
			Asks:  "GET Tickets/{id} of the own ticket", Expects: "description null", Fake: "the same",
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
				after, err := r.update(ctx, obj{"resolution": longText(32000)})
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

const shortText = "API conformance check: the resolution."

func putTwelve(ctx context.Context, r *run) (string, error) {
	after, err := r.update(ctx, obj{"resolution": shortText})
	var wrong mismatch
	if errors.As(err, &wrong) {
		r.own.whole = true
		if _, err := r.update(ctx, obj{"resolution": shortText}); err == nil {
			return "", failf("%s. A PUT of everything that can be written is accepted, and is used from here on", wrong)
		}
		r.own.refused = true
		return "", wrong
	}
	if err != nil {
		r.own.refused = true
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

// afterPut reads the own ticket, and skips the check unless a PUT was accepted before.
func (r *run) afterPut(ctx context.Context) (obj, error) {
	item, err := r.fresh(ctx)
	if err == nil && r.own.puts == 0 {
		return nil, skip(noPut)
	}
	return item, err
}

// mustRefuse sends a PUT that must not be done, and undoes it if it was.
func (r *run) mustRefuse(ctx context.Context, body func(item obj) obj) (string, error) {
	before, err := r.afterPut(ctx)
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
	before, err := r.afterPut(ctx)
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

// longText has exactly n characters, and no white space at its ends.
func longText(n int) string {
	const word = "API conformance check. "
	return strings.Repeat(word, n/len(word)+1)[:n-1] + "x"
}
