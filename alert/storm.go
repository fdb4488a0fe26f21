package alert

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/autotask-go/autotask"
)

// stormLife is how long a storm ticket accepts new keys.
const stormLife = time.Hour

// stormTicket is an open storm ticket, as this process knows it. The state's mutex
// guards it.
type stormTicket struct {
	companyID int64
	made      time.Time // by Autotask's clock
	ours      time.Time // when this process created it, by our clock
	openAt    time.Time // when it was last seen open
	names     map[string]bool
	read      time.Time // when its names were read; zero if never
}

// look starts an upsert: it returns the search. If the key may be new, the search holds
// the company's lock, so that no other worker creates a ticket for the company and a
// storm is counted correctly. held is the context for what is done before unlock.
func (r *run) look(ctx context.Context) (f *found, unlock func(), held context.Context, err error) {
	unlock, held = func() {}, ctx
	if r.policy.Storm.Keys == 0 || r.state.knows(r.subject) != nil {
		if f, err = r.searchOpen(ctx); err != nil || len(f.open) > 0 || r.policy.Storm.Keys == 0 {
			return f, unlock, held, err
		}
	}
	unlock, held, err = r.lock(ctx, fmt.Sprintf("autotask/alert/%d", r.companyID))
	if err != nil {
		return nil, func() {}, ctx, fmt.Errorf("alert: locking the company: %w", err)
	}
	f, err = r.searchOpen(held)
	return f, unlock, held, err
}

func (r *run) searchOpen(ctx context.Context) (*found, error) {
	f, err := r.search(ctx)
	if err != nil {
		return nil, err
	}
	if f.open, err = r.openTickets(ctx, f.tickets); err != nil {
		return nil, err
	}
	all := f.storms
	if f.storms, err = r.openTickets(ctx, all); err != nil {
		return nil, err
	}
	for _, t := range all {
		if !slices.Contains(f.storms, t) {
			f.closedStorms = append(f.closedStorms, t)
		}
	}
	r.state.sawStorms(r.companyID, f.storms)
	return f, nil
}

// joinStorm puts a key without a ticket on a storm ticket, if there is one.
func (r *run) joinStorm(ctx context.Context, f *found) (t *autotask.Ticket, err error) {
	if r.policy.Storm.Keys == 0 {
		return nil, nil
	}
	storms, err := r.stormsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, t := range storms {
		if err := r.readNames(ctx, t); err != nil {
			return nil, err
		}
		if r.state.isNamed(t.ID, r.key) {
			return t, nil
		}
	}
	for _, t := range storms {
		if r.isYoung(t) {
			return t, nil
		}
	}
	if n := r.newTickets(f); n >= r.policy.Storm.Keys {
		return r.makeStorm(ctx, n)
	}
	return nil, nil
}

func (r *run) isYoung(t *autotask.Ticket) bool {
	return r.began.Sub(t.CreateDate.Or(time.Time{})) < stormLife
}

// stormsOf returns the open storm tickets, including one that this process has just
// created and searches do not show yet.
func (r *run) stormsOf(ctx context.Context, f *found) ([]*autotask.Ticket, error) {
	storms := f.storms
	for _, id := range r.state.hiddenStorms(r.companyID, storms) {
		t, err := r.client.Tickets.Get(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("alert: reading storm ticket %d: %w", id, err)
		}
		open, err := r.isOpen(ctx, t)
		if err != nil {
			return nil, err
		}
		if open && t.CompanyID == r.companyID {
			storms = append(storms, t)
		} else {
			r.state.endStorm(id)
		}
	}
	slices.SortFunc(storms, func(a, b *autotask.Ticket) int { return cmp.Compare(a.ID, b.ID) })
	return storms, nil
}

// newTickets counts the tickets of alerts created within the time of a storm, both
// those found by a search and those that this process remembers.
func (r *run) newTickets(f *found) int {
	since := r.began.Add(-r.policy.Storm.Within)
	ids := r.state.madeSince(r.companyID, since)
	for _, t := range slices.Concat(f.recent, f.tickets) {
		if made, ok := t.CreateDate.Get(); ok && !made.Before(since) && !isDuplicate(t) {
			ids[t.ID] = true
		}
	}
	return len(ids)
}

// makeStorm creates the ticket of a storm.
func (r *run) makeStorm(ctx context.Context, n int) (*autotask.Ticket, error) {
	external := prefix + stormMark + r.began.UTC().Format("2006-01-02T15h")
	text := fmt.Sprintf("%d alert tickets were created for this company within %v. Further alerts are noted here, one note each. "+
		"While this ticket is open, they create no tickets of their own.\n\nThe first: %s", n, r.policy.Storm.Within, r.alert.Title)
	// The title is always the same, so the client recognises its own unanswered
	// create, whichever alert comes next.
	t := r.ticket(external, "Alert storm: many alerts at once", text)
	id, err := r.client.Tickets.Create(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("alert: creating the ticket of a storm: %w", err)
	}
	made, err := r.client.Tickets.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("alert: reading storm ticket %d back: %w", id, err)
	}
	if made.ExternalID.Or("") != external || made.CompanyID != r.companyID {
		r.saw(made)
		return nil, fmt.Errorf("alert: %w: Autotask answered the create of a storm ticket with ticket %d, externalID %q", autotask.ErrNotApplied, id, made.ExternalID.Or(""))
	}
	if open, err := r.isOpen(ctx, made); err != nil || !open {
		return nil, cmp.Or(err, fmt.Errorf("alert: %w: the create of a storm ticket led to ticket %d, which is closed", autotask.ErrNotApplied, id))
	}
	r.step(StepStorm, autotask.StateDone, "%s accepts new keys for an hour", name(made))
	r.state.madeStorm(made)
	return made, nil
}

// onStorm names the key on a storm ticket, unless it is already there.
func (r *run) onStorm(ctx context.Context, t *autotask.Ticket) error {
	r.saw(t)
	r.out.Storm = true
	if r.state.isNamed(t.ID, r.key) {
		r.out.Suppressed = true
		r.step(StepStorm, autotask.StateAlreadyDone, "storm %s names the key", name(t))
		return nil
	}
	title := r.alert.Note.Title
	text := "Alert key: " + r.key + "\n\n" + r.text()
	id, err := r.client.Notes.Create(ctx, t.ID, r.noteWith(r.stormEnd(), title, text))
	if err != nil {
		r.state.doubtNames(t.ID) // the note may land
		return fmt.Errorf("alert: naming the key on storm ticket %d: %w", t.ID, err)
	}
	r.state.nameInStorm(t.ID, r.key)
	r.out.Noted, r.out.NoteID = true, id
	r.step(StepStorm, autotask.StateDone, "note %d on storm %s names the key", id, name(t))
	return nil
}

// stormEnd returns the end of the title of the note that names the key on a storm
// ticket, by which a repeat of the call finds it after the ticket was closed.
func (r *run) stormEnd() string { return bracketed(r.event) + " " + bracketed(stormRef(r.key)) }

// readNames reads which keys a storm ticket names: once while it accepts keys, and
// again afterwards, until no process can take it for young any more.
func (r *run) readNames(ctx context.Context, t *autotask.Ticket) error {
	if !r.state.needsNames(t) {
		return nil
	}
	notes, err := r.client.Notes.List(ctx, autotask.Query{
		Filter: autotask.Eq("ticketID", t.ID), Fields: []string{"ticketID", "title"},
	})
	if err != nil {
		return fmt.Errorf("alert: reading which keys storm ticket %d names: %w", t.ID, err)
	}
	for _, n := range notes {
		if n.TicketID != t.ID {
			return fmt.Errorf("alert: %w: a search for notes of ticket %d was answered with note %d of ticket %d", autotask.ErrServer, t.ID, n.ID, n.TicketID)
		}
	}
	r.state.readNames(t.ID, notes)
	return nil
}

func (s *state) sawStorms(companyID int64, open []*autotask.Ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, t := range open {
		if s.storm[t.ID] == nil {
			s.storm[t.ID] = &stormTicket{companyID: companyID, names: make(map[string]bool)}
		}
		s.storm[t.ID].openAt, s.storm[t.ID].made = now, t.CreateDate.Or(now)
	}
	for id, storm := range s.storm {
		if storm.companyID == companyID && !slices.ContainsFunc(open, func(t *autotask.Ticket) bool { return t.ID == id }) && now.Sub(storm.ours) > clockMargin {
			delete(s.storm, id)
		}
	}
}

func (s *state) madeStorm(t *autotask.Ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.storm[t.ID] = &stormTicket{companyID: t.CompanyID, made: t.CreateDate.Or(now), ours: now, openAt: now, read: now, names: make(map[string]bool)}
}

func (s *state) endStorm(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.storm, id)
}

// hiddenStorms returns the storm tickets that this process created and a search does
// not show.
func (s *state) hiddenStorms(companyID int64, shown []*autotask.Ticket) (ids []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, storm := range s.storm {
		if storm.companyID == companyID && !slices.ContainsFunc(shown, func(t *autotask.Ticket) bool { return t.ID == id }) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (s *state) needsNames(t *autotask.Ticket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	storm := s.storm[t.ID]
	full := storm.made.Add(stormLife)
	return storm.read.IsZero() || time.Now().After(full) && storm.read.Before(full.Add(clockMargin))
}

// doubtNames has the names of a storm ticket read again.
func (s *state) doubtNames(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if storm := s.storm[id]; storm != nil {
		storm.read = time.Time{}
	}
}

func (s *state) readNames(id int64, notes []*autotask.TicketNote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	storm := s.storm[id]
	storm.read = time.Now()
	for _, n := range notes {
		storm.names[refIn(n.Title)] = true
	}
}

func (s *state) isNamed(id int64, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	storm := s.storm[id]
	return storm != nil && storm.names[stormRef(key)]
}

func (s *state) nameInStorm(id int64, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if storm := s.storm[id]; storm != nil {
		storm.names[stormRef(key)] = true
	}
}

// inStorm returns the storm ticket that names a key and was recently open.
func (s *state) inStorm(companyID int64, key string, now time.Time) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, storm := range s.storm {
		if storm.companyID == companyID && now.Sub(storm.openAt) < fresh && storm.names[stormRef(key)] {
			return id, true
		}
	}
	return 0, false
}

// noteMade remembers a new ticket for as long as a storm may count it.
func (s *state) noteMade(companyID, id int64, within time.Duration) {
	if within == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	kept := slices.DeleteFunc(s.made[companyID], func(m madeTicket) bool { return now.Sub(m.at) > within })
	s.made[companyID] = append(kept, madeTicket{id, now})
}

func (s *state) madeSince(companyID int64, since time.Time) map[int64]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make(map[int64]bool)
	for _, m := range s.made[companyID] {
		if !m.at.Before(since) {
			ids[m.id] = true
		}
	}
	return ids
}
