package alert

import (
	"context"
	"errors"
	"time"

	"github.com/autotask-go/autotask"
)

// rulesLifetime is how long the evidence about statuses is cached.
const rulesLifetime = time.Hour

// rules are what the tenant's tickets show about its statuses.
type rules struct {
	evidence map[int64]autotask.Evidence
	any      bool // at least one status is known to close a ticket
}

// openTickets returns the open ones of the tickets, in the order of their ids.
func (r *run) openTickets(ctx context.Context, tickets []*autotask.Ticket) (open []*autotask.Ticket, err error) {
	for _, t := range tickets {
		is, err := r.isOpen(ctx, t)
		if err != nil {
			return nil, err
		}
		if is {
			open = append(open, t)
		}
	}
	return open, nil
}

// isOpen decides by status 5 and by timestamps; a label proves nothing
// (docs/api-notes.md, 7.6). A ticket with neither timestamp was never completed, or
// is open again, whatever its status does. A ticket with timestamps is closed only if
// it has both and its status is one that comes with them: reopening clears only one
// of them, and not in every tenant.
func (r *run) isOpen(ctx context.Context, t *autotask.Ticket) (bool, error) {
	_, completed := t.CompletedDate.Get()
	_, resolved := t.ResolvedDateTime.Get()
	switch {
	case t.Status == autotask.StatusComplete:
		return false, nil
	case r.policy.ReopenStatus != 0 && t.Status == r.policy.ReopenStatus, !completed && !resolved:
		return true, nil
	}
	known, err := r.state.rulesOf(ctx, r.client)
	if err != nil {
		return false, err
	}
	if !known.any {
		r.out.OnlyComplete = true
		return true, nil
	}
	return !completed || !resolved || known.evidence[t.Status] == autotask.EvidenceDoesNotSet, nil
}

// rulesOf returns the evidence, cached for up to an hour.
func (s *state) rulesOf(ctx context.Context, client *autotask.Client) (rules, error) {
	unlock, ctx, err := s.locker.Lock(ctx, "rules")
	if err != nil {
		return rules{}, err
	}
	defer unlock()
	if s.rules.evidence != nil && time.Since(s.rulesRead) < rulesLifetime {
		return s.rules, nil
	}
	all, err := client.Tickets.StatusSemantics(ctx)
	if err != nil && !errors.Is(err, autotask.ErrPermission) && !errors.Is(err, autotask.ErrUnsupported) {
		return rules{}, err
	}
	read := rules{evidence: make(map[int64]autotask.Evidence)}
	for _, status := range all {
		read.evidence[status.Status] = status.SetsTimestamps
		read.any = read.any || status.SetsTimestamps == autotask.EvidenceSets
	}
	s.rules, s.rulesRead = read, time.Now()
	return read, nil
}
