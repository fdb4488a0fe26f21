package autotask

import (
	"context"
	"iter"
	"net/http"
)

// TimeEntriesService reads and writes time entries, at /TimeEntries.
type TimeEntriesService struct{ client *Client }

// Exist reports whether a ticket has time entries (POST /TimeEntries/query).
func (s *TimeEntriesService) Exist(ctx context.Context, ticketID int64) (bool, error) {
	if err := kindOf[Ticket]().checkID(http.MethodPost, ticketID); err != nil {
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

// Get returns one time entry (GET /TimeEntries/{id}). See [Get].
func (s *TimeEntriesService) Get(ctx context.Context, id int64) (*TimeEntry, error) {
	return Get[TimeEntry](ctx, s.client, id)
}

// GetMany returns the time entries of the given ids. See [GetMany].
func (s *TimeEntriesService) GetMany(ctx context.Context, ids []int64) (map[int64]*TimeEntry, error) {
	return GetMany[TimeEntry](ctx, s.client, ids)
}

// All iterates over the time entries that match q. See [All].
func (s *TimeEntriesService) All(ctx context.Context, q Query) iter.Seq2[*TimeEntry, error] {
	return All[TimeEntry](ctx, s.client, q)
}

// Scan reads many time entries with several workers. See [Scan].
func (s *TimeEntriesService) Scan(ctx context.Context, q Query, opts ScanOptions) iter.Seq2[*ScanPage[TimeEntry], error] {
	return Scan[TimeEntry](ctx, s.client, q, opts)
}

// List returns the time entries that match q. See [List].
func (s *TimeEntriesService) List(ctx context.Context, q Query) ([]*TimeEntry, error) {
	return List[TimeEntry](ctx, s.client, q)
}

// Pages iterates over the time entries that match q by pages. See [Pages].
func (s *TimeEntriesService) Pages(ctx context.Context, q Query) iter.Seq2[*Page[TimeEntry], error] {
	return Pages[TimeEntry](ctx, s.client, q)
}

// Count returns the number of time entries that match q. See [Count].
func (s *TimeEntriesService) Count(ctx context.Context, q Query) (int64, error) {
	return Count[TimeEntry](ctx, s.client, q)
}

// Create creates a time entry. It needs a ResourceID, up to 24 hours, and a
// TicketID or TaskID with RoleID, or an InternalBillingCodeID. See [Create].
func (s *TimeEntriesService) Create(ctx context.Context, e *TimeEntry) (int64, error) {
	return Create(ctx, s.client, e)
}

// Update changes a time entry by PATCH of the changed fields. See [Update].
func (s *TimeEntriesService) Update(ctx context.Context, id int64, change func(*TimeEntry) error) (*TimeEntry, error) {
	return Update(ctx, s.client, id, change)
}

// Delete deletes a time entry, unless it is submitted. See [Delete].
func (s *TimeEntriesService) Delete(ctx context.Context, id int64) error {
	return Delete[TimeEntry](ctx, s.client, id)
}
