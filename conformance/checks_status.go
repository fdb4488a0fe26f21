package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// The status of the own ticket: contract 5 and 9.

func statusChecks() []Check {
	return []Check{
		{
			ID: "question/5/eight", Section: "contract 5", Evidence: "CONTRACT", Question: true, Requests: 3,
			Title: "Does status 8 set completedDate and resolvedDateTime?",
			Asks:  "PUT Tickets with status 8; GET", Fake: "neither",
			run: statusEight,
		},
		{
			ID: "contract/9/if-none", Section: "contract 9", Evidence: "CONTRACT", Requests: 7,
			Title: "Without time entries, a PUT of status 5 resolves the ticket and keeps its resolution",
			Asks:  "PUT Tickets with a resolution; POST TimeEntries/query; GET; PUT Tickets with status 5; GET", Expects: "status 5, and the resolution as before", Fake: "the same",
			run: resolveIfNone,
		},
		{
			ID: "contract/5/five", Section: "contract 5", Evidence: "CONTRACT", Requests: 4,
			Title: "Status 5 sets completedDate and resolvedDateTime",
			Asks:  "GET Tickets/{id} of the own ticket; a PUT of status 5, if there was none yet", Expects: "both are set", Fake: "the same",
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
			ID: "question/7.6/reopen", Section: "notes 7.6", Evidence: "PEER", Question: true, Requests: 4,
			Title: "Does reopening clear completedDate and resolvedDateTime?",
			Asks:  "PUT Tickets with the status that it had at first; GET", Fake: "yes",
			run: reopen,
		},
	}
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
	after, err := r.update(ctx, obj{"status": 8, "resolution": shortText})
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
	if _, err := r.update(ctx, obj{"resolution": shortText, "status": r.own.status}); err != nil {
		return "", err
	}
	if _, err := r.noTimeEntries(ctx, r.own.id); err != nil {
		// A ticket that has, or may have, time entries is not to be resolved by this
		// rule; finish does it all the same, as it is the run's own.
		return "", err
	}
	after, err := r.update(ctx, obj{"status": complete, "resolution": shortText})
	if err != nil {
		return "", err
	}
	if !same(after["status"], int64(complete)) {
		return "", failf("accepted, and the status is another")
	}
	if !same(after["resolution"], shortText) {
		return "", failf("the resolution has changed")
	}
	return "", nil
}

func statusFive(ctx context.Context, r *run) (string, error) {
	item, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	if !same(item["status"], int64(complete)) {
		// Without the right to read time entries the check before has not done it.
		if item, err = r.update(ctx, obj{"status": complete, "resolution": shortText}); err != nil {
			return "", err
		}
	}
	if r.own.puts > 0 {
		r.stamp("a PUT of the status", item)
	}
	if !isResolved(item) {
		return "", failf("completedDate: %s, resolvedDateTime: %s", isSet(item["completedDate"]), isSet(item["resolvedDateTime"]))
	}
	return "", nil
}

func stampsMoved(_ context.Context, r *run) (string, error) {
	if len(r.own.stamps) == 0 {
		return "", skip("no step was done")
	}
	return strings.Join(r.own.stamps, "; "), nil
}

func reopen(ctx context.Context, r *run) (string, error) {
	item, err := r.fresh(ctx)
	if err != nil {
		return "", err
	}
	if !isResolved(item) {
		return "", skip("the ticket is not resolved")
	}
	after, err := r.update(ctx, obj{"status": r.own.status, "resolution": shortText})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("completedDate: %s, resolvedDateTime: %s", isSet(after["completedDate"]), isSet(after["resolvedDateTime"])), nil
}
