package alert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
)

// reopen reopens the ticket of the key that was closed last, if the policy allows it,
// and notes the event on it.
func (r *run) reopen(ctx context.Context, f *found) (done bool, err error) {
	t := r.reopenable(f)
	if t == nil {
		return false, nil
	}
	merged, err := r.isMerged(ctx, t)
	if err != nil {
		return false, err
	}
	if merged != "" {
		r.step(StepReopen, autotask.StateSkipped, "%s was merged into another: %s", name(t), merged)
		return false, nil
	}
	changed, err := r.client.Tickets.Update(ctx, t.ID, func(now *autotask.Ticket) error {
		completed := now.CompletedDate.Or(time.Time{}).Sub(t.CompletedDate.Or(time.Time{}))
		if now.CompanyID != r.companyID || now.ExternalID != t.ExternalID || now.Status != t.Status || completed.Abs() > time.Second {
			return errGone // by a person, whose decision stands
		}
		now.Status = r.policy.ReopenStatus
		return nil
	})
	switch {
	case errors.Is(err, errGone):
		r.step(StepReopen, autotask.StateSkipped, "somebody has changed %s meanwhile", name(t))
	case err != nil:
		return false, fmt.Errorf("alert: reopening ticket %d: %w", t.ID, err)
	default:
		r.out.Reopened = true
		r.step(StepReopen, autotask.StateDone, "%s has status %d again", name(changed), changed.Status)
	}
	return r.lookAgain(ctx, t.ID, changed)
}

// lookAgain notes the event on the open ticket after a ticket was reopened, which
// changed is, or was not, because a person was faster.
func (r *run) lookAgain(ctx context.Context, id int64, changed *autotask.Ticket) (done bool, err error) {
	again, err := r.search(ctx)
	switch {
	case err != nil && r.out.Reopened:
		return false, fmt.Errorf("ticket %d was reopened; checking that it is the only open one: %w", id, err)
	case err != nil:
		return false, err
	}
	at := slices.IndexFunc(again.tickets, func(found *autotask.Ticket) bool { return found.ID == id })
	switch {
	case !r.out.Reopened:
	case at < 0:
		again.tickets = append(again.tickets, changed)
	case again.tickets[at].Status != changed.Status:
		again.tickets[at] = changed // the search may be out of date
	}
	if again.open, err = r.openTickets(ctx, again.tickets); err != nil {
		return false, err
	}
	r.step(StepLookAgain, autotask.StateDone, "%d of the key's tickets are open", len(again.open))
	switch {
	case len(again.open) > 0:
		return true, r.onOpen(ctx, again)
	case r.out.Reopened:
		return false, fmt.Errorf("alert: %w: ticket %d was reopened, and is closed again", autotask.ErrNotApplied, id)
	}
	return false, nil
}

// reopenable returns the closed ticket that the policy allows to be reopened, nil for
// none.
func (r *run) reopenable(f *found) *autotask.Ticket {
	if r.policy.Reopen <= 0 {
		return nil
	}
	var best *autotask.Ticket
	since := r.began.Add(-r.policy.Reopen)
	for _, t := range f.tickets {
		closed, ok := t.CompletedDate.Get()
		switch {
		case !ok || closed.Before(since) || isDuplicate(t):
		case r.policy.OnlyOurs && !isOurs(t):
			r.step(StepReopen, autotask.StateSkipped, "%s was completed by resource %s, not by the one that created it", name(t), t.CompletedByResourceID)
		case best == nil || closed.After(best.CompletedDate.Or(time.Time{})):
			best = t
		}
	}
	return best
}

// isOurs reports whether the API user that created a ticket has completed it. With
// impersonation, the creator is the impersonated resource, and the API user the
// impersonator.
func isOurs(t *autotask.Ticket) bool {
	by, ok := t.CompletedByResourceID.Get()
	creator, made := t.CreatorResourceID.Get()
	impersonator, acted := t.ImpersonatorCreatorResourceID.Get()
	return ok && (made && by == creator || acted && by == impersonator)
}

// mergeWords are the words for a merge in system notes, in the languages of the web
// interface: no field shows it (docs/api-notes.md, 7.9).
var mergeWords = []string{"merge", "merging", "zusammengef", "zusammenf", "fusion", "combin", "samengevoegd", "unione", "unito", "マージ", "合并", "結合"}

// isMerged returns the evidence that a ticket was merged into another one: a note that
// says so, from about the time of its completion or later. "" means none. Work on a
// merged ticket continues elsewhere, and a new alert is not about that.
func (r *run) isMerged(ctx context.Context, t *autotask.Ticket) (string, error) {
	const before = 10 * time.Minute
	closed := t.CompletedDate.Or(time.Time{})
	notes, err := r.client.Notes.List(ctx, autotask.Query{Filter: autotask.Eq("ticketID", t.ID)})
	if err != nil {
		return "", fmt.Errorf("alert: checking whether ticket %d was merged into another: %w", t.ID, err)
	}
	for _, n := range notes {
		made, dated := n.CreateDateTime.Get()
		if dated && made.Before(closed.Add(-before)) {
			continue
		}
		text := strings.ToLower(n.Title + " " + n.Description)
		if refIn(n.Title) == "" && slices.ContainsFunc(mergeWords, func(word string) bool { return strings.Contains(text, word) }) {
			return fmt.Sprintf("note %d is titled %q", n.ID, cut(n.Title, 80)), nil
		}
	}
	return "", nil
}

// clear resolves the open ticket of a key.
func (r *run) clear(ctx context.Context, res autotask.Resolution) error {
	f, err := r.search(ctx)
	if err != nil {
		return err
	}
	open, err := r.openTickets(ctx, f.tickets)
	if err != nil {
		return err
	}
	r.state.doubt(r.subject)
	r.step(StepSearch, autotask.StateDone, "%d of the key's tickets are open", len(open))
	if at := res.StartedAt; !at.IsZero() {
		all := len(open)
		open = slices.DeleteFunc(open, func(t *autotask.Ticket) bool { return t.CreateDate.Or(at).After(at.Add(clockMargin)) })
		if n := all - len(open); n > 0 {
			r.step(StepResolve, autotask.StateSkipped, "%d were created after this began", n)
		}
	}
	if len(open) == 0 {
		r.out.AlreadyClear = true
		if n := len(f.tickets); n > 0 {
			r.saw(f.tickets[n-1])
		}
		return nil
	}
	keep := open[0]
	r.saw(keep)
	if err := r.closeDuplicates(ctx, keep, open[1:]); err != nil {
		return err
	}
	given := res.If
	res.If = func(t *autotask.Ticket) error {
		switch {
		case t.CompanyID != r.companyID || t.ExternalID.Or("") != r.subject.externalID || t.Status == autotask.StatusComplete:
			return errGone
		case given != nil:
			return given(t)
		}
		return nil
	}
	if res.Ref != "" {
		r.state.of(r.subject, keep.ID).keep(res.Ref) // its note is our own
	}
	resolved, err := r.client.Resolve(ctx, keep.ID, res)
	r.out.NoteID = resolved.NoteID
	for _, s := range resolved.Steps {
		r.step(StepResolve+": "+s.Name, s.State, "%s", s.Reason)
	}
	if resolved.Ticket != nil {
		r.saw(resolved.Ticket)
	}
	switch {
	case errors.Is(err, errGone):
		r.out.AlreadyClear = true // completed by a person, or no longer the key's
		return nil
	case err != nil:
		return fmt.Errorf("alert: resolving ticket %d: %w", keep.ID, err)
	}
	still, err := r.isOpen(ctx, r.out.Ticket)
	r.out.Cleared = !still && err == nil
	return err
}
