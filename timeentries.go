package autotask

import (
	"context"
	"iter"
	"net/http"
)

// TimeEntriesService reads and writes time entries. They are written at
// /TimeEntries, not through their ticket.
type TimeEntriesService struct{ client *Client }

// Exist tells whether a ticket has any time entries (POST /TimeEntries/query,
// eq on ticketID, one row; docs/api-notes.md, section 9). An answer that does not
// clearly say so is an error, never "none".
func (s *TimeEntriesService) Exist(ctx context.Context, ticketID int64) (bool, error) {
	if err := checkID[Ticket](http.MethodPost, ticketID); err != nil {
		return false, err
	}
	found, err := s.List(ctx, Query{Filter: Eq("ticketID", ticketID), Fields: []string{"ticketID"}, Limit: 1})
	if err != nil {
		return false, err
	}
	for _, e := range found {
		// A condition that the server did not apply lets every entry through.
		if got, ok := e.TicketID.Get(); ok && got != ticketID {
			return false, nonsense("TimeEntries/query", "Autotask answered a search for time entries of ticket %d with entry %d of ticket %s", ticketID, e.ID, e.TicketID)
		}
	}
	return len(found) > 0, nil
}

// Get reads a time entry by its id (GET /TimeEntries/{id}). There being none
// is ErrNotFound.
func (s *TimeEntriesService) Get(ctx context.Context, id int64) (*TimeEntry, error) {
	return Get[TimeEntry](ctx, s.client, id)
}

// GetMany reads the time entries of the given ids, up to 500 in a request. See the
// function GetMany.
func (s *TimeEntriesService) GetMany(ctx context.Context, ids []int64) (map[int64]*TimeEntry, error) {
	return GetMany[TimeEntry](ctx, s.client, ids)
}

// All ranges over the time entries that q asks for, in the order of their ids
// (POST /TimeEntries/query).
func (s *TimeEntriesService) All(ctx context.Context, q Query) iter.Seq2[*TimeEntry, error] {
	return All[TimeEntry](ctx, s.client, q)
}

// Scan reads one large result with several workers, in any order; see the
// function Scan.
func (s *TimeEntriesService) Scan(ctx context.Context, q Query, opts ScanOptions) iter.Seq2[*ScanPage[TimeEntry], error] {
	return Scan[TimeEntry](ctx, s.client, q, opts)
}

// List reads the time entries that q asks for into memory.
func (s *TimeEntriesService) List(ctx context.Context, q Query) ([]*TimeEntry, error) {
	return List[TimeEntry](ctx, s.client, q)
}

// Pages ranges over the time entries that q asks for by whole pages, each with the
// position from which a later run can go on. See the function Pages.
func (s *TimeEntriesService) Pages(ctx context.Context, q Query) iter.Seq2[*Page[TimeEntry], error] {
	return Pages[TimeEntry](ctx, s.client, q)
}

// Count tells how many time entries match q's filter (POST
// /TimeEntries/query/count).
func (s *TimeEntriesService) Count(ctx context.Context, q Query) (int64, error) {
	return Count[TimeEntry](ctx, s.client, q)
}

// Create makes a time entry and returns its id (POST /TimeEntries). ResourceID
// is always required; with it goes a TicketID, a TaskID or an
// InternalBillingCodeID, and for ticket and task time a RoleID. Hours are
// decimal, more than 0 and at most 24; times are UTC. The tenant's settings may
// demand start and end times. See the function Create about lost answers.
func (s *TimeEntriesService) Create(ctx context.Context, e *TimeEntry) (int64, error) {
	return Create(ctx, s.client, e)
}

// Update changes a time entry (GET, PATCH of the changed fields, GET). See the
// function Update.
func (s *TimeEntriesService) Update(ctx context.Context, id int64, change func(*TimeEntry) error) (*TimeEntry, error) {
	return Update(ctx, s.client, id, change)
}

// Delete deletes a time entry (DELETE /TimeEntries/{id}). There being none is
// ErrNotFound. Autotask refuses with ErrPermission once the entry has been
// submitted or if somebody else made it.
func (s *TimeEntriesService) Delete(ctx context.Context, id int64) error {
	return Delete[TimeEntry](ctx, s.client, id)
}
