package autotask

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/autotask-go/autotask/internal/fields"
)

// StatusComplete is "Complete", the only status known to resolve a ticket in
// every tenant: labels prove nothing, [TicketsService.StatusSemantics] does.
const StatusComplete int64 = 5

// TicketsService reads and writes tickets.
type TicketsService struct{ client *Client }

// Get returns one ticket (GET /Tickets/{id}). See [Get].
func (s *TicketsService) Get(ctx context.Context, id int64) (*Ticket, error) {
	return Get[Ticket](ctx, s.client, id)
}

// IDByNumber returns the id of a ticket by its number, such as
// "T20261123.0001". It returns [ErrNotFound] or an [*AmbiguousError].
func (s *TicketsService) IDByNumber(ctx context.Context, number string) (int64, error) {
	if strings.TrimSpace(number) == "" {
		return 0, invalid(http.MethodPost, "Tickets/query", "the ticket number is empty")
	}
	ids, err := s.idsOf(ctx, []string{number})
	if err != nil {
		return 0, err
	}
	found := ids[keyOfNumber(number)]
	return found.id, found.err
}

// numberedID is what a ticket number leads to: an id, or the error that there
// is none, or no single one.
type numberedID struct {
	id  int64
	err error
}

// keyOfNumber is a ticket number without what makes no difference.
func keyOfNumber(number string) string { return strings.ToLower(strings.TrimSpace(number)) }

// idsOf looks up ticket numbers, all in one query. The result has an entry for
// the key of each.
func (s *TicketsService) idsOf(ctx context.Context, numbers []string) (map[string]numberedID, error) {
	const path = "Tickets/query"
	matches := make(map[string]*AmbiguousError, len(numbers))
	var filters []Filter
	for _, number := range numbers {
		if key := keyOfNumber(number); matches[key] == nil {
			number = strings.TrimSpace(number)
			matches[key] = &AmbiguousError{What: "ticket number", Name: number}
			filters = append(filters, Eq("ticketNumber", number))
		}
	}
	filter := filters[0]
	if len(filters) > 1 {
		filter = Or(filters...)
	}
	for t, err := range s.All(ctx, Query{Filter: filter, Fields: []string{"ticketNumber", "title"}}) {
		if err != nil {
			return nil, err
		}
		got, ok := t.TicketNumber.Get()
		match := matches[keyOfNumber(got)]
		// A condition that the server did not apply lets every ticket through.
		if t.ID <= 0 || !ok || match == nil {
			return nil, nonsense(path, "Autotask answered a search for ticket number %s with ticket %d, number %q", excerpt(strings.Join(numbers, ", ")), t.ID, got)
		}
		if !slices.Contains(match.IDs(), t.ID) {
			match.Candidates = append(match.Candidates, Candidate{ID: t.ID, Label: t.Title})
		}
	}
	ids := make(map[string]numberedID, len(matches))
	for key, match := range matches {
		switch len(match.Candidates) {
		case 0:
			ids[key] = numberedID{err: notFound(http.MethodPost, path, fmt.Sprintf("there is no ticket with the number %q", match.Name))}
		case 1:
			ids[key] = numberedID{id: match.Candidates[0].ID}
		default:
			ids[key] = numberedID{err: match}
		}
	}
	return ids, nil
}

// GetByNumber is IDByNumber, then Get.
func (s *TicketsService) GetByNumber(ctx context.Context, number string) (*Ticket, error) {
	id, err := s.IDByNumber(ctx, number)
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, id)
}

// GetMany returns the tickets of the given ids. See [GetMany].
func (s *TicketsService) GetMany(ctx context.Context, ids []int64) (found map[int64]*Ticket, err error) {
	return GetMany[Ticket](ctx, s.client, ids)
}

// All iterates over the tickets that match q. See [All].
func (s *TicketsService) All(ctx context.Context, q Query) iter.Seq2[*Ticket, error] {
	return All[Ticket](ctx, s.client, q)
}

// Scan reads many tickets with several workers. See [Scan].
func (s *TicketsService) Scan(ctx context.Context, q Query, opts ScanOptions) iter.Seq2[*ScanPage[Ticket], error] {
	return Scan[Ticket](ctx, s.client, q, opts)
}

// List returns the tickets that match q. See [List].
func (s *TicketsService) List(ctx context.Context, q Query) ([]*Ticket, error) {
	return List[Ticket](ctx, s.client, q)
}

// Pages iterates over the tickets that match q by pages. See [Pages].
func (s *TicketsService) Pages(ctx context.Context, q Query) iter.Seq2[*Page[Ticket], error] {
	return Pages[Ticket](ctx, s.client, q)
}

// Count returns the number of tickets that match q. See [Count].
func (s *TicketsService) Count(ctx context.Context, q Query) (int64, error) {
	return Count[Ticket](ctx, s.client, q)
}

// Create creates a ticket and returns its id. Title, Status, Priority and what
// the ticket category adds are required. See [Create].
func (s *TicketsService) Create(ctx context.Context, t *Ticket) (int64, error) {
	return Create(ctx, s.client, t)
}

// createKey names what a ticket is found by. Without an externalID nothing
// distinguishes it from another.
func (t *Ticket) createKey() (writeKey, bool) {
	externalID := t.ExternalID.Or("")
	return writeKey{
		collection: strings.ToLower(t.Collection()),
		made:       digestOf(externalID, strconv.FormatInt(t.CompanyID, 10), fields.Even(t.Title)),
	}, externalID != ""
}

func (t *Ticket) find(ctx context.Context, c *Client, lost lostCreate) ([]claimable, error) {
	tickets, err := c.Tickets.List(ctx, Query{
		Filter: And(Eq("externalID", t.ExternalID.Or("")), Eq("companyID", t.CompanyID)),
		Fields: []string{"externalID", "companyID", "title", "createDate"},
	})
	var found []claimable
	for _, other := range tickets {
		created, ok := other.CreateDate.Get()
		doubtful, tooOld := c.age(created, lost)
		if other.ExternalID == t.ExternalID && other.CompanyID == t.CompanyID && fields.Even(other.Title) == fields.Even(t.Title) && ok && !tooOld {
			found = append(found, claimable{Candidate{ID: other.ID, Label: other.Title}, doubtful})
		}
	}
	return found, err
}

// Update changes a ticket by PUT of the whole ticket. See [Update].
func (s *TicketsService) Update(ctx context.Context, id int64, change func(*Ticket) error) (*Ticket, error) {
	return Update(ctx, s.client, id, change)
}

// Evidence is what the tickets of a tenant show about a status.
type Evidence string

// What tickets can show.
const (
	EvidenceNone       Evidence = "no evidence"  // no ticket has the status
	EvidenceSets       Evidence = "sets"         // every ticket with the status has both timestamps
	EvidenceDoesNotSet Evidence = "does not set" // no ticket with the status has either of them
	EvidenceMixed      Evidence = "both"         // some have them and some do not, or one but not the other
)

// StatusSemantics is what one status does in this tenant.
type StatusSemantics struct {
	Status               int64
	Label                string // for people; nothing is concluded from it
	Active               bool
	Tickets              int64    // that have the status
	WithCompletedDate    int64    // of those, that have a completedDate
	WithResolvedDateTime int64    // of those, that have a resolvedDateTime
	SetsTimestamps       Evidence // whether both come with the status, as far as existing tickets show
}

// StatusSemantics counts for each status, by three requests, what its tickets
// show: completedDate and resolvedDateTime (docs/api-notes.md, section 7.6).
func (s *TicketsService) StatusSemantics(ctx context.Context) ([]StatusSemantics, error) {
	statuses, err := s.client.Picklists.Values(ctx, "Tickets", "status")
	if err != nil {
		return nil, err
	}
	all := make([]StatusSemantics, len(statuses.Values))
	g, ctx := errgroup.WithContext(ctx)
	for i, v := range statuses.Values {
		all[i] = StatusSemantics{Status: v.ID, Label: v.Label, Active: v.Active}
		has := Eq("status", v.ID)
		for _, count := range []struct {
			into   *int64
			filter Filter
		}{
			{&all[i].Tickets, has},
			{&all[i].WithCompletedDate, And(has, Exist("completedDate"))},
			{&all[i].WithResolvedDateTime, And(has, Exist("resolvedDateTime"))},
		} {
			g.Go(func() (err error) {
				*count.into, err = s.Count(ctx, Query{Filter: count.filter})
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := range all {
		all[i].SetsTimestamps = all[i].conclude()
	}
	return all, nil
}

func (s StatusSemantics) conclude() Evidence {
	switch {
	case s.Tickets == 0:
		return EvidenceNone
	case s.WithCompletedDate == s.Tickets && s.WithResolvedDateTime == s.Tickets:
		return EvidenceSets
	case s.WithCompletedDate == 0 && s.WithResolvedDateTime == 0:
		return EvidenceDoesNotSet
	}
	return EvidenceMixed
}

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
