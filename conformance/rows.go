package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// How the checks of rows ask.

// itemOf returns what a GET of one row wraps.
func itemOf(a *answer) obj {
	item, _ := a.data["item"].(obj)
	return item
}

// oneTicket GETs a ticket and returns what is under item.
func (r *run) oneTicket(ctx context.Context) (obj, *answer, error) {
	id, _, err := r.ticket(ctx)
	if err != nil {
		return nil, nil, err
	}
	a, err := r.get(ctx, fmt.Sprintf("Tickets/%d", id))
	if err != nil {
		return nil, nil, err
	}
	if err := granted(a, "read a ticket"); err != nil {
		return nil, nil, err
	}
	item := itemOf(a)
	if item == nil {
		return nil, nil, failf("there is no item")
	}
	return item, a, nil
}

func numberToID(ctx context.Context, r *run) (string, error) {
	id, number, err := r.ticket(ctx)
	if err != nil {
		return "", err
	}
	if number == "" {
		return "", skip("the ticket has no number")
	}
	rows, _, err := r.query(ctx, "Tickets", filter(condition("eq", "ticketNumber", number)))
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", failf("no ticket came")
	}
	for _, row := range rows {
		if !strings.EqualFold(text(row["ticketNumber"]), number) {
			return "", failf("a ticket with another number came")
		}
	}
	if got, ok := whole(rows[0]["id"]); !ok || got != id {
		return "", failf("items[0].id is not its id; %d tickets came", len(rows))
	}
	return "", nil
}

func numberIsNoID(ctx context.Context, r *run) (string, error) {
	_, number, err := r.ticket(ctx)
	if err != nil {
		return "", err
	}
	if number == "" {
		return "", skip("the ticket has no number")
	}
	a, err := r.get(ctx, "Tickets/"+url.PathEscape(number))
	if err != nil {
		return "", err
	}
	if a.status == http.StatusOK && (itemOf(a) != nil || a.data["id"] != nil) {
		return "", failf("a ticket came")
	}
	return a.describe(), nil
}

func itemWrapper(ctx context.Context, r *run) (string, error) {
	item, a, err := r.oneTicket(ctx)
	if err != nil {
		return "", err
	}
	if gone := missing(item, "issueType", "subIssueType", "source"); len(gone) > 0 {
		return "", failf("item is without %s", strings.Join(gone, ", "))
	}
	for _, name := range commonly {
		if _, ok := a.data[name]; ok {
			return "", failf("%s is at the root", name)
		}
	}
	return "", nil
}

// noTimeEntries demands that a ticket has none.
func (r *run) noTimeEntries(ctx context.Context, ticketID int64) (string, error) {
	rows, a, err := r.query(ctx, "TimeEntries", filter(condition("eq", "ticketID", ticketID)))
	if err != nil {
		return "", err
	}
	if len(rows) > 0 {
		return "", failf("%d time entries came", len(rows))
	}
	details, _ := a.data["pageDetails"].(obj)
	if n, ok := whole(details["count"]); !ok || n != 0 {
		return "", failf("count is not 0")
	}
	return "", nil
}

func timeEntriesOf(ctx context.Context, r *run) (string, error) {
	rows, _, err := r.query(ctx, "TimeEntries", with(filter(condition("exist", "ticketID", nil)), obj{"MaxRecords": 1}))
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", skip("this user sees no time entry on a ticket")
	}
	ticketID, ok := whole(rows[0]["ticketID"])
	if !ok {
		return "", failf("exist ticketID found a time entry without a ticket")
	}
	rows, a, err := r.query(ctx, "TimeEntries", filter(condition("eq", "ticketID", ticketID)))
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", failf("none came")
	}
	for _, row := range rows {
		if got, ok := whole(row["ticketID"]); !ok || got != ticketID {
			return "", failf("one of another ticket came")
		}
	}
	details, _ := a.data["pageDetails"].(obj)
	if n, ok := whole(details["count"]); !ok || n != int64(len(rows)) {
		return "", failf("count is not the number of items")
	}
	return "", nil
}

func missingItem(ctx context.Context, r *run) (string, error) {
	a, err := r.get(ctx, fmt.Sprintf("Tickets/%d", tooBig))
	if err != nil {
		return "", err
	}
	if err := granted(a, "read a ticket"); err != nil {
		return "", err
	}
	if item, ok := a.data["item"]; !ok || item != nil {
		return "", failf("item is not null")
	}
	return "", nil
}

func envelope(ctx context.Context, r *run) (string, error) {
	rows, err := r.sample(ctx, 0)
	if err != nil {
		return "", err
	}
	details, ok := r.samples.answer.data["pageDetails"].(obj)
	if !ok {
		return "", failf("there are no pageDetails")
	}
	if gone := missing(details, "count", "requestCount", "prevPageUrl", "nextPageUrl"); len(gone) > 0 {
		return "", failf("pageDetails without %s", strings.Join(gone, ", "))
	}
	if n, ok := whole(details["count"]); !ok || n != int64(len(rows)) {
		return "", failf("count is not the number of items")
	}
	if len(rows) > sampleSize {
		return "", failf("%d items came, and MaxRecords was %d", len(rows), sampleSize)
	}
	return "", nil
}

func allFields(ctx context.Context, r *run) (string, error) {
	l, rows, err := r.describedSample(ctx)
	if err != nil {
		return "", err
	}
	var gone []string
	absent := 0
	for _, f := range l {
		if !slices.ContainsFunc(keysOf(rows[0]), func(name string) bool { return strings.EqualFold(name, f.name) }) {
			absent++
			if name := canonical(ticketFields, f.name); slices.Contains(ticketFields, name) {
				gone = append(gone, name)
			}
		}
	}
	if absent > 0 {
		return "", failf("%d of %d fields are absent, of those every tenant has: %s", absent, len(l), strings.Join(gone, ", "))
	}
	return "", nil
}

func someFields(ctx context.Context, r *run) (string, error) {
	rows, _, err := r.query(ctx, "Tickets", with(filter(condition("exist", "id", nil)), obj{"MaxRecords": 1, "IncludeFields": []string{"id", "status"}}))
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", skip(noTickets)
	}
	if gone := missing(rows[0], "id", "status"); len(gone) > 0 {
		return "", failf("without %s", strings.Join(gone, ", "))
	}
	for name, v := range rows[0] {
		udfs, isList := v.([]any)
		if name != "id" && name != "status" && !(name == "userDefinedFields" && isList && len(udfs) == 0) {
			return "", failf("%d fields came", len(rows[0]))
		}
	}
	return "", nil
}

func children(ctx context.Context, r *run) (string, error) {
	id, _, err := r.ticket(ctx)
	if err != nil {
		return "", err
	}
	a, err := r.get(ctx, fmt.Sprintf("Tickets/%d/Notes", id))
	if err != nil {
		return "", err
	}
	if err := granted(a, "read the notes of a ticket"); err != nil {
		return "", err
	}
	rows, ok := objects(a.data["items"])
	if _, paged := a.data["pageDetails"].(obj); !ok || !paged {
		return "", failf("there are no items or no pageDetails")
	}
	for _, row := range rows {
		if got, ok := whole(row["ticketID"]); !ok || got != id {
			return "", failf("a note of another ticket came")
		}
	}
	return "", nil
}

func dateForm(ctx context.Context, r *run) (string, error) {
	l, rows, err := r.describedSample(ctx)
	if err != nil {
		return "", err
	}
	dates, zoned := 0, 0
	for _, row := range rows {
		for name, v := range row {
			f, ok := l.find(name)
			if !ok || !strings.EqualFold(f.dataType, "datetime") || v == nil {
				continue
			}
			s := text(v)
			if !wireTime.MatchString(s) {
				return "", failf("a date has another form")
			}
			if _, ok := instant(s); !ok {
				return "", failf("a date does not exist")
			}
			dates++
			if strings.HasSuffix(s, "Z") {
				zoned++
			}
		}
	}
	return percent(zoned, dates) + " have a Z", nil
}

func daysOfEntries(ctx context.Context, r *run) (string, error) {
	rows, _, err := r.query(ctx, "TimeEntries", with(filter(condition("exist", "id", nil)), obj{"MaxRecords": 20, "IncludeFields": []string{"id", "dateWorked"}}))
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", skip("this user sees no time entries")
	}
	midnight := 0
	for _, row := range rows {
		if t, ok := instant(text(row["dateWorked"])); ok && t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
			midnight++
		}
	}
	return percent(midnight, len(rows)) + " are at midnight", nil
}

func udfForm(ctx context.Context, r *run) (string, error) {
	rows, err := r.sample(ctx, 1)
	if err != nil {
		return "", err
	}
	n := 0
	for _, row := range rows {
		v, given := row["userDefinedFields"]
		if !given {
			continue // notes 2.5: it may be left out
		}
		list, ok := objects(v)
		if !ok {
			return "", failf("it is no array of objects")
		}
		for _, u := range list {
			_, isText := u["value"].(string)
			if text(u["name"]) == "" || u["value"] != nil && !isText {
				return "", failf("one has no name, or a value that is no text")
			}
			n++
		}
	}
	return fmt.Sprintf("%d values", n), nil
}
