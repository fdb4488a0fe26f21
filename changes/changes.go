package changes

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/webhook"
)

// Kind is what a Change tells.
type Kind string

const (
	// Upserted means that the row is new or may have changed. JSON holds it.
	Upserted Kind = "Upserted"
	// Gone means that the row does not exist any more.
	Gone Kind = "Gone"
	// Recheck means that something which belonged to a ticket or a task was
	// deleted, and that the log does not say what. IDs are the rows that are left: of the rows of
	// Collection whose field Parent holds ID, drop all others.
	Recheck Kind = "Recheck"
	// SchemaChanged means that fields, user-defined fields or picklist values were
	// added, removed or changed. JSON holds a [SchemaChange]. It comes before the rows
	// that have them.
	SchemaChanged Kind = "SchemaChanged"
)

// How is the evidence of a change.
type How string

// The ways in which a change became known.
const (
	ByCursor  How = "cursor"  // a cursor of the row lies in the time that was asked for
	ByReading How = "reading" // all rows were read
	ByID      How = "id"      // its id is greater than all before
	ByWebhook How = "webhook" // it was dirty
	ByCount   How = "count"   // found by counting
	BySweep   How = "sweep"   // found by comparing all ids
	ByLog     How = "log"     // the deletion log names it
	ByVerify  How = "verify"  // it was drawn, and differs from what is stored
	ByFields  How = "fields"  // the description of the entity has changed
)

// Change is one thing that happened to a row, or to a collection.
type Change struct {
	Kind       Kind
	Collection string
	ID         int64
	JSON       jsontext.Value // as Autotask sent it
	How        How
	Fields     []string // that differ, by ByVerify
	Parent     string   // of a Recheck: the field that holds ID
	IDs        []int64  // of a Recheck: what is left
}

// Batch is some changes, and the state behind them. Apply the changes in their
// order, and save the state in the same transaction.
type Batch struct {
	Changes []Change
	State   State
	// CaughtUp is true of the last batch of a run that has come to its end. What
	// the budget left for later is read when Run is called again.
	CaughtUp bool
}

// As decodes the row of an Upserted change. T is the type of the collection's
// items, such as autotask.Ticket or entity.Company; a row of another collection,
// or a change without a row, is an error that matches autotask.ErrInvalid.
func As[T autotask.Entity](c Change) (*T, error) {
	v := new(T)
	if want := (*v).Collection(); c.Kind != Upserted || c.Collection != want {
		return nil, fmt.Errorf("changes: %w: %s of %s %d holds no item of %s", autotask.ErrInvalid, c.Kind, c.Collection, c.ID, want)
	}
	if err := json.Unmarshal(c.JSON, v, jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, fmt.Errorf("changes: %s %d: %w", c.Collection, c.ID, err)
	}
	return v, nil
}

// Deletions says how deleted rows are found.
type Deletions string

const (
	// Count asks how many rows there are up to the highest id known, one request
	// for each run, and halves the range of ids where that is not what it should
	// be. From time to time all ids are compared; see Options.SweepEvery.
	Count Deletions = "count"
	// Log reads Autotask's log of deleted tickets, which takes the rights of an
	// administrator. Of TicketNotes, TaskNotes and TimeEntries the logs only name
	// the ticket or task, which gives a Recheck; time that belongs to neither is
	// not logged. For all other collections it is Count. One more request makes
	// sure that the API user may still read the collection.
	Log Deletions = "log"
	// Sweep compares all ids every Options.SweepEvery. In between, a count makes
	// sure that the API user may still read the collection.
	Sweep Deletions = "sweep"
	// Never does not look for deletions. Nor does it notice that the API user has
	// lost the right to read a collection: what changes meanwhile is lost.
	Never Deletions = "never"
)

// Known tells which rows the caller has, by its own table. Rows that a Gone took
// away are not among them, whether or not they are only marked there. Ids are at
// least 0; a range is all ids greater than after, up to and including last.
type Known interface {
	// Count returns the number of rows in a range.
	Count(ctx context.Context, collection string, after, last int64) (int, error)
	// Nth returns the id that has n others before it among those greater than
	// after: SELECT id … WHERE id > after ORDER BY id LIMIT 1 OFFSET n.
	Nth(ctx context.Context, collection string, after int64, n int) (int64, error)
	// IDs returns the ids in a range, ascending, at most limit of them.
	IDs(ctx context.Context, collection string, after, last int64, limit int) ([]int64, error)
}

// Options say what a feed reads, and how. The zero value of each but Collections
// is the default.
type Options struct {
	// Collections are the root collections to follow, in the order in which a
	// run visits them. Those that can only be asked for below a parent, such as
	// TicketAttachments and TicketHistory, cannot be followed.
	Collections []string
	// State is where to begin, as it was saved last.
	State State

	// Overlap is how far each run looks back behind the beginning of the one
	// before; 5 minutes by default. A change is lost that shows later than that
	// after its stamp, the difference between the clocks of Autotask's web
	// servers and its database included.
	Overlap time.Duration
	// Budget is the number of requests that a run makes at most, those that
	// the client repeats counting once; 0 is no limit. A run goes on where the
	// budget of the last one was spent.
	Budget int
	// ReadEvery is how often a collection without cursors is read as a whole; 24
	// hours by default. In between, a run asks for rows with new ids.
	ReadEvery time.Duration
	// SchemaEvery is how often the fields are compared; 24 hours by default. A
	// field or a picklist value that a row has and that is not known yet is told
	// of at once, in front of the row. The client keeps what it knows of fields
	// for an hour: until then such an item may have no label and no data type.
	SchemaEvery time.Duration

	// Deletions is how deleted rows are found; Count by default. DeletionsOf has
	// exceptions, by collection.
	Deletions   Deletions
	DeletionsOf map[string]Deletions
	// SweepEvery is how often all ids are compared, which costs a request for
	// each 500 rows; 7 days by default. It finds what counting cannot: as many
	// rows come back with old stamps as were deleted. Negative is never.
	SweepEvery time.Duration
	// MissingShare is the share of the known rows that may be missing at once; a
	// tenth by default. More than that, and more than ten, or all, is ErrMissing.
	// 1 accepts everything.
	MissingShare float64
	// LogKeeps is how long Autotask keeps its deletion logs, which it does not
	// say; 30 days by default. See Feed.ResyncDue.
	LogKeeps time.Duration

	// Known tells which rows the caller has. Without it the state holds their
	// ids, one to two bytes for each, and fewer where they follow one another.
	Known Known
	// Verify is the number of rows that are drawn in each collection at every
	// run, and compared with what Stored returns, one request for each 500. A
	// row that differs comes as Upserted, and Change.Fields names what differs.
	Verify int
	// Stored returns rows as they were given in Change.JSON, by id.
	Stored func(ctx context.Context, collection string, ids []int64) (map[int64]jsontext.Value, error)
	// ErrorLog reads the log of webhook calls that failed, and what their events
	// tell of: one request for each run.
	ErrorLog bool
}

// ErrMissing is the error of a run in which so many known rows are missing at once
// that it looks as if the API user had lost the right to read them. Nothing is reported as Gone, and the
// position stays where it was. If the rows are really gone, a higher
// Options.MissingShare accepts that.
var ErrMissing = errors.New("changes: too many rows are missing at once; the API user may have lost the right to read them")

// Feed follows what changes in some collections. Its methods may be called from
// any goroutine, and in the loop over a Run. A second Run waits for the first to
// end.
type Feed struct {
	client  *autotask.Client
	options Options
	page    int // rows in a page

	running sync.Mutex // while there is a run

	mu    sync.Mutex
	state saved
	dirty map[string][]int64
	gaps  webhook.Gaps
	due   chan struct{}
	noted int // gaps that have been told of
}

// Open makes a feed. It checks its arguments, and sends nothing. What is wrong
// with them is an error that matches autotask.ErrInvalid.
func Open(client *autotask.Client, o Options) (*Feed, error) {
	if err := o.check(client); err != nil {
		return nil, fmt.Errorf("changes: %w: %w", autotask.ErrInvalid, err)
	}
	o.Collections = slices.Clone(o.Collections)
	standard := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	const day = 24 * time.Hour
	standard(&o.Overlap, 5*time.Minute)
	standard(&o.ReadEvery, day)
	standard(&o.SchemaEvery, day)
	standard(&o.SweepEvery, 7*day)
	standard(&o.LogKeeps, 30*day)
	if o.MissingShare == 0 {
		o.MissingShare = 0.1
	}
	f := &Feed{client: client, options: o, page: 500, state: o.State.s.clone(), due: make(chan struct{}, 1)}
	for _, name := range o.Collections {
		if f.state.Collections[name] == nil {
			f.state.Collections[name] = &progress{Last: beforeAll}
		}
	}
	return f, nil
}

func (o *Options) check(client *autotask.Client) error {
	var problems []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	wrong(client == nil, "the client is nil")
	wrong(len(o.Collections) == 0, "Options.Collections is empty")
	for i, name := range o.Collections {
		wrong(slices.Contains(o.Collections[:i], name), "%s is named twice", name)
		wrong(belowParent(name), "%s can only be asked for below a parent", name)
	}
	for name := range o.DeletionsOf {
		wrong(!slices.Contains(o.Collections, name), "DeletionsOf names %s, which is not among the collections", name)
	}
	wrong(o.Overlap < 0 || o.ReadEvery < 0 || o.SchemaEvery < 0 || o.LogKeeps < 0, "a duration is negative")
	wrong(o.Budget < 0, "the budget of %d requests is negative", o.Budget)
	wrong(!(o.MissingShare >= 0 && o.MissingShare <= 1), "a MissingShare of %v is not between 0 and 1", o.MissingShare)
	wrong(o.Verify < 0 || o.Verify > 0 && o.Stored == nil, "Verify takes Stored, and a number that is not negative")
	for _, d := range append(slices.Collect(mapValues(o.DeletionsOf)), o.Deletions) {
		wrong(!slices.Contains([]Deletions{"", Count, Log, Sweep, Never}, d), "there are no deletions by %q", d)
	}
	return errors.Join(problems...)
}

func mapValues[K comparable, V any](m map[K]V) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

func (f *Feed) deletions(collection string) Deletions {
	d := f.options.Deletions
	if own, ok := f.options.DeletionsOf[collection]; ok {
		d = own
	}
	switch {
	case isLog(collection):
		return Never
	case d == "", d == Log && collection != "Tickets" && activityLogs[collection] == nil:
		return Count
	}
	return d
}

// State returns the state behind the last batch that was dealt with.
func (f *Feed) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return State{f.state.clone()}
}

// Covered returns the least of State.Covered of the feed's collections.
func (f *Feed) Covered() time.Time {
	state := f.State()
	var least time.Time
	for i, name := range f.options.Collections {
		if c := state.Covered(name); i == 0 || c.Before(least) {
			least = c
		}
	}
	return least
}

// ResyncDue reports whether the feed was last brought up to date so long ago
// that the logs of deletions may have forgotten some; see Options.LogKeeps. If
// so, the next run compares all ids of Tickets where deletions are found by Log.
// A Recheck of notes and time entries cannot be made up for: begin again with
// the zero State then. A feed that has not run is not due.
func (f *Feed) ResyncDue() bool {
	state := f.State()
	return slices.ContainsFunc(f.options.Collections, func(name string) bool {
		return f.deletions(name) == Log && f.forgotten(state.s.Collections[name])
	})
}

func (f *Feed) forgotten(p *progress) bool {
	return !p.LogFrom.IsZero() && time.Since(p.LogFrom) > f.options.LogKeeps
}
