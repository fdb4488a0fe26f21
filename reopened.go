package autotask

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/autotask-go/autotask/internal/fields"
)

// ticketHistory is a row of a ticket's history, of which the library reads only
// what it was about. Whether a change is worded in action or in detail is not
// documented.
type ticketHistory struct {
	Action Optional[string]    `json:"action,omitzero"`
	Date   Optional[time.Time] `json:"date,omitzero"`
	Detail Optional[string]    `json:"detail,omitzero"`
}

// askHistory finds out whether an earlier run had finished: whether the ticket
// left the wanted status after that run's note. It asks before this run writes
// anything, since a PUT of a ticket that another process is resolving shows in
// the history, too.
func (r *resolve) askHistory(ctx context.Context, note *TicketNote) (err error) {
	posted, ok := note.CreateDateTime.Get()
	if !ok || r.Status == 0 || r.out.Ticket.Status == r.Status {
		return nil
	}
	r.reopened, err = r.leftStatus(ctx, posted)
	return err
}

// leftStatus says what shows that the ticket left the wanted status after a time,
// or "" if nothing does. It makes one request, and one more for the labels of the
// statuses, unless they are cached.
func (r *resolve) leftStatus(ctx context.Context, posted time.Time) (string, error) {
	statuses, err := r.client.Picklists.Values(ctx, "Tickets", "status")
	if err != nil {
		return "", ignoreRefused(err)
	}
	label, ok := statuses.Label(r.Status)
	if !ok {
		return "", nil
	}
	r.read = nil
	for raw, err := range r.client.Collection("TicketHistory").All(ctx, Query{Filter: Eq("ticketID", r.id)}) {
		var row ticketHistory
		if err == nil {
			err = decode(raw.JSON, &row)
		}
		if err != nil {
			return "", ignoreRefused(err)
		}
		at, dated := row.Date.Get()
		if at.Nanosecond() == 0 {
			posted = posted.Truncate(time.Second) // the history may be kept to the second
		}
		text := row.Detail.Or(row.Action.Or(""))
		if dated && !at.Before(posted) && row.tellsOfLeaving(label) {
			return fmt.Sprintf("reopened since: the ticket's history of %s says %q", at.Format(time.RFC3339), excerpt(oneLine(text))), nil
		}
	}
	return "", nil
}

// ignoreRefused: what this user may not read says nothing, and must not keep an
// interrupted run from ending.
func ignoreRefused(err error) error {
	for _, refused := range []error{ErrPermission, ErrNotFound, ErrInvalid, ErrUnsupported} {
		if errors.Is(err, refused) {
			return nil
		}
	}
	return fmt.Errorf("reading the ticket's history: %w", err)
}

// tellsOfLeaving reports whether a row reads as "Status changed from A to B",
// which is how Autotask words a change, with A for the label. Whether that stands
// in one member or in both is not documented. Other fields have names that end in
// the same word.
func (h ticketHistory) tellsOfLeaving(label string) bool {
	action, detail := even(h.Action.Or("")), even(h.Detail.Or(""))
	return leaves(action, even(label)) || leaves(detail, even(label)) || action == "status" && leaves("status "+detail, even(label))
}

func leaves(text, label string) bool {
	values, ok := strings.CutPrefix(text, "status changed from ")
	left := strings.TrimLeft(values, `"'[`)
	return ok && label != "" && strings.HasPrefix(left, label) && strings.HasPrefix(strings.TrimLeft(left[len(label):], `"']`), " to ")
}

func even(s string) string { return strings.ToLower(fields.Prose(s)) }
