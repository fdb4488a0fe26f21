package changes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// The test plays random histories: a tenant that changes while a feed follows
// it, with everything going wrong at once. At the end of each, the copy that the
// feed's caller has made must equal the tenant.
//
// AUTOTASK_CHANGES=all plays as many as CI does.
func TestHistories(t *testing.T) {
	t.Parallel()
	n := 40
	if os.Getenv("AUTOTASK_CHANGES") == "all" {
		n = 2400
	}
	const players = 2
	var played, lost, invented atomic.Int64
	t.Run("play", func(t *testing.T) {
		t.Parallel()
		for player := range players {
			t.Run(fmt.Sprint(player), func(t *testing.T) {
				t.Parallel()
				for seed := player; seed < n; seed += players {
					var l, i int
					synctest.Test(t, func(t *testing.T) { l, i = play(t, uint64(seed)) }) //nolint:gosec // not negative
					lost.Add(int64(l))
					invented.Add(int64(i))
					played.Add(1)
					if l+i > 0 {
						t.Errorf("history %d: %d lost, %d invented", seed, l, i)
					}
				}
			})
		}
		t.Cleanup(func() {
			t.Logf("changes: %d histories, %d lost, %d invented", played.Load(), lost.Load(), invented.Load())
		})
	})
}

// followed are the collections of a history: two with cursors, of which one
// belongs to the other, and one without.
var followed = []string{"Tickets", "TicketNotes", "BillingCodes"}

// history is a tenant, a feed and the copy of its caller.
type history struct {
	*rand.Rand

	t      *testing.T
	srv    *autotasktest.Server
	client *autotask.Client
	feed   *Feed
	saved  []byte // the state, as it was saved with the copy
	copied map[string]map[int64]string

	alive   map[string][]int64
	removed []removedRow
	server  time.Duration // how far its clock is ahead of the feed's
	offset  time.Duration // how far that of its database is
	latency time.Duration // of the feed's requests

	quiet    bool                    // nothing is written any more
	restored bool                    // a row came back as it was
	denied   string                  // a collection that the user may not read any more,
	access   autotasktest.ReadAccess // which shows like that,
	denyFrom int                     // from that request of the run on
	kill     int                     // requests until the program is killed
	killed   context.CancelFunc
	requests int
}

type removedRow struct {
	collection string
	id         int64
	row        []byte
}

// Late visibility and the difference of the two clocks together are less than
// the overlap, which is what is promised.
const (
	mostLate = 2 * time.Minute
	mostSkew = 90 * time.Second
)

func play(t *testing.T, seed uint64) (lost, invented int) {
	h := &history{
		Rand: rand.New(rand.NewPCG(seed, 15)), t: t, //nolint:gosec // reproducible
		srv:    autotasktest.NewInProcess(t),
		copied: make(map[string]map[int64]string), alive: make(map[string][]int64),
	}
	h.server = h.between(-time.Hour, time.Hour)
	h.offset = h.server + h.between(-mostSkew, mostSkew)
	h.srv.SetClock(func() time.Time { return time.Now().Add(h.server) })
	h.srv.SetDatabaseClock(func() time.Time { return time.Now().Add(h.offset) })
	h.client = h.srv.Client(autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { return h.carry(next, r) })
	}))
	h.latency = pick(h, 0, 0, 0, 0, time.Minute) // five pages last longer than the overlap
	h.srv.SetLatency(h.latency)
	for range 5 + h.IntN(30) {
		h.create(pick(h, "Tickets", "Tickets", "TicketNotes", "BillingCodes"))
	}
	options := h.options()
	h.wait(time.Hour)
	for range 3 + h.IntN(6) {
		h.runOnce(options)
		h.wait(h.between(0, 20*time.Minute))
	}
	h.quiet, h.denied, h.kill = true, "", 0
	h.srv.SetQueryLag(0)
	h.wait(mostLate + time.Minute)
	h.catchUp(options) // the end of a run that began earlier
	h.catchUp(options)
	h.catchUp(options) // what was deleted, once all that is late is known
	if !h.restored {
		// What has a cursor needs no sweep.
		l, i := h.compare("Tickets", "TicketNotes")
		lost, invented = lost+l, invented+i
	}
	h.wait(9 * 24 * time.Hour)
	h.catchUp(options)
	l, i := h.compare(followed...)
	return lost + l, invented + i
}

func (h *history) options() Options {
	o := Options{
		Collections:  followed,
		Deletions:    pick(h, Count, Count, Sweep),
		DeletionsOf:  map[string]Deletions{"Tickets": pick(h, Count, Count, Log)},
		MissingShare: 0.5,
	}
	if o.Deletions == Sweep || o.DeletionsOf["Tickets"] != Count {
		o.SweepEvery = 30 * time.Minute
		h.restored = h.restored || o.Deletions == Sweep // found later
	}
	if h.IntN(3) == 0 {
		o.Known = copyOf{h}
	}
	if h.IntN(3) == 0 {
		o.Budget = 1 + h.IntN(12)
	}
	return o
}

// runOnce makes a run, which may be killed at any request, or between a batch
// and the saving of it.
func (h *history) runOnce(o Options) {
	if h.feed == nil || h.IntN(3) == 0 {
		h.reopen(o)
	}
	for range h.IntN(3) {
		name := pick(h, followed...)
		if ids := h.alive[name]; len(ids) > 0 {
			h.feed.Dirty(name, pick(h, ids...))
		}
	}
	if !h.quiet && h.IntN(5) == 0 {
		h.denied, h.denyFrom = pick(h, followed...), pick(h, 0, h.IntN(15))
		h.access = pick(h, autotasktest.ReadNothing, autotasktest.ReadNothing, autotasktest.ReadRefused)
		defer func() {
			h.srv.SetReadAccess(h.denied, autotasktest.ReadAll)
			h.denied = ""
		}()
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	h.killed, h.kill = cancel, 0
	if !h.quiet && h.IntN(3) == 0 {
		h.kill = 1 + h.IntN(30)
	}
	h.requests = 0
	for batch, err := range h.feed.Run(ctx) {
		if err != nil {
			if h.denied == "" || !errors.Is(err, ErrMissing) && !errors.Is(err, autotask.ErrPermission) {
				require.ErrorIs(h.t, err, context.Canceled)
			}
			h.feed = nil
			return
		}
		if !h.quiet && h.IntN(12) == 0 {
			h.feed = nil // killed: neither the rows nor the state are saved
			return
		}
		h.apply(batch)
		if h.IntN(4) == 0 {
			h.wait(h.between(0, 10*time.Minute)) // pages may be slower than the overlap
		}
	}
	if o.Budget > 0 {
		require.LessOrEqual(h.t, h.requests, o.Budget+1, "a description may take one more")
	}
}

func (h *history) reopen(o Options) {
	if h.saved != nil {
		require.NoError(h.t, json.Unmarshal(h.saved, &o.State))
	}
	feed, err := Open(h.client, o)
	require.NoError(h.t, err)
	feed.page = 3 + h.IntN(38)
	h.feed = feed
}

func (h *history) apply(batch *Batch) {
	for _, c := range batch.Changes {
		rows := h.copied[c.Collection]
		if rows == nil {
			rows = make(map[int64]string)
			h.copied[c.Collection] = rows
		}
		switch c.Kind {
		case Upserted:
			rows[c.ID] = string(c.JSON)
		case Gone:
			delete(rows, c.ID)
		default:
		}
	}
	var err error
	h.saved, err = json.Marshal(batch.State)
	require.NoError(h.t, err)
}

// catchUp makes runs until one has visited everything.
func (h *history) catchUp(o Options) {
	for range 400 {
		if h.feed == nil {
			h.reopen(o)
		}
		ended := false
		for batch, err := range h.feed.Run(h.t.Context()) {
			require.NoError(h.t, err)
			h.apply(batch)
			ended = batch.CaughtUp
		}
		if ended {
			return
		}
	}
	h.t.Errorf("it never catches up: budget %d, page %d, %s", o.Budget, h.feed.page, h.saved)
}

// compare counts the rows in which the copy and the tenant differ.
func (h *history) compare(collections ...string) (lost, invented int) {
	for _, name := range collections {
		there := make(map[int64]bool)
		for _, row := range h.srv.Rows(name) {
			id := numberOf(h.t, row["id"])
			there[id] = true
			if h.copied[name][id] != string(h.srv.Raw(name, id)) {
				lost++
			}
		}
		for id := range h.copied[name] {
			if !there[id] {
				invented++
			}
		}
	}
	return lost, invented
}

// carry makes a request. Before and behind it the tenant changes.
func (h *history) carry(next http.RoundTripper, r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "entityInformation") {
		h.requests++
		return next.RoundTrip(r)
	}
	h.requests++
	if h.kill > 0 {
		if h.kill--; h.kill == 0 {
			h.killed()
			return nil, context.Canceled
		}
	}
	h.wait(h.between(0, 20*time.Second))
	if h.denied != "" && h.requests > h.denyFrom {
		h.srv.SetReadAccess(h.denied, h.access)
	}
	resp, err := next.RoundTrip(r)
	h.wait(h.between(0, 20*time.Second))
	return resp, err
}

// wait lets time pass, in which people work.
func (h *history) wait(d time.Duration) {
	for range h.IntN(3) {
		part := h.between(0, d)
		d -= part
		elapse(part)
		if !h.quiet {
			h.write()
		}
	}
	elapse(d)
}

func elapse(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

// write is something that people do.
func (h *history) write() {
	name := pick(h, "Tickets", "Tickets", "TicketNotes", "BillingCodes")
	ids := h.alive[name]
	switch n := h.IntN(14); {
	case n < 4 || len(ids) < 4:
		h.create(name)
	case n < 5:
		for range 2 + h.IntN(3) { // with one stamp
			h.change(name, pick(h, ids...))
		}
	case n < 7:
		h.changeLate(name, pick(h, ids...))
	case n < 8 && len(h.removed) < 12:
		h.remove(name, pick(h, ids...))
	case n < 9 && len(h.removed) > 0 && h.IntN(2) == 0:
		h.restore()
	case n < 10 && len(h.alive["Tickets"]) > 4:
		h.mergeTickets()
	default:
		h.change(name, pick(h, ids...))
	}
}

func (h *history) create(name string) {
	h.srv.SetQueryLag(0)
	if h.IntN(2) == 0 {
		h.srv.SetQueryLag(h.between(0, mostLate))
	}
	path, body := name, `{"name":"Labour","useType":1,"description":"x"}`
	switch name {
	case "Tickets":
		body = `{"companyID":175,"status":1,"priority":1,"title":"Backup failed","dueDateTime":"2030-01-01T00:00:00Z"}`
	case "TicketNotes":
		if len(h.alive["Tickets"]) == 0 {
			return
		}
		path = fmt.Sprintf("Tickets/%d/Notes", pick(h, h.alive["Tickets"]...))
		body = `{"title":"Note","description":"Rebooted","noteType":1,"publish":1}`
	case "BillingCodes": // the API creates none
		h.alive[name] = append(h.alive[name], h.srv.Seed(name, map[string]any{"name": h.word()}))
		return
	}
	h.alive[name] = append(h.alive[name], h.post(path, body))
}

// post writes as another program does.
func (h *history) post(path, body string) int64 {
	h.srv.SetLatency(0)
	defer h.srv.SetLatency(h.latency)
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.srv.BaseURL()+"/"+path, bytes.NewBufferString(body))
	require.NoError(h.t, err)
	c := h.srv.Credentials()
	r.Header = http.Header{"Username": {c.UserName}, "Secret": {c.Secret}, "Apiintegrationcode": {c.IntegrationCode}, "Content-Type": {"application/json"}}
	resp, err := h.srv.Transport().RoundTrip(r)
	require.NoError(h.t, err)
	defer resp.Body.Close()
	var answer struct {
		ItemID int64 `json:"itemId"`
	}
	b, err := io.ReadAll(resp.Body)
	require.NoError(h.t, err)
	require.Equal(h.t, http.StatusOK, resp.StatusCode, "%s", b)
	require.NoError(h.t, json.Unmarshal(b, &answer))
	return answer.ItemID
}

func (h *history) change(name string, id int64) { h.srv.Change(name, id, h.changed(name)) }

// changeLate changes a row so that the change shows later than its stamp says.
func (h *history) changeLate(name string, id int64) {
	h.srv.ChangeLate(name, id, h.changed(name), h.between(1, mostLate))
}

func (h *history) changed(name string) map[string]any {
	if name == "BillingCodes" {
		return map[string]any{"name": pick(h, "Labour", "Travel")} // and back again
	}
	return map[string]any{"title": h.word()}
}

func (h *history) remove(name string, id int64) {
	h.removed = append(h.removed, removedRow{name, id, h.srv.Raw(name, id)})
	h.srv.Remove(name, id)
	h.alive[name] = slices.DeleteFunc(h.alive[name], func(other int64) bool { return other == id })
}

// restore brings a row back, with a new stamp or as it was. As it was, it can only
// be found if the feed has noticed that it was away: a change that was not seen
// before the deletion would show later than the overlap allows.
func (h *history) restore() {
	i := h.IntN(len(h.removed))
	r := h.removed[i]
	h.removed = slices.Delete(h.removed, i, i+1)
	h.srv.SeedRaw(r.collection, r.row)
	h.alive[r.collection] = append(h.alive[r.collection], r.id)
	old, copied := h.copied[r.collection][r.id]
	if h.IntN(2) == 0 || copied && old != string(r.row) {
		h.change(r.collection, r.id)
	} else {
		h.restored = true
	}
}

// mergeTickets: the source becomes complete and stays, with a note on both.
func (h *history) mergeTickets() {
	source, target := pick(h, h.alive["Tickets"]...), pick(h, h.alive["Tickets"]...)
	if source == target {
		return
	}
	h.srv.Merge(source, target)
	var notes []int64
	for _, row := range h.srv.Rows("TicketNotes") {
		notes = append(notes, numberOf(h.t, row["id"]))
	}
	h.alive["TicketNotes"] = notes
}

func (h *history) word() string { return fmt.Sprintf("word %d", h.Uint64()) }

func (h *history) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(h.Int64N(int64(most-least)))
}

func pick[T any](h *history, all ...T) T { return all[h.IntN(len(all))] }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// copyOf returns the ids that the copy has.
type copyOf struct{ h *history }

func (c copyOf) Count(_ context.Context, collection string, after, last int64) (int, error) {
	return len(c.ids(collection, after, last)), nil
}

func (c copyOf) Nth(_ context.Context, collection string, after int64, n int) (int64, error) {
	return c.ids(collection, after, 1<<62)[n], nil
}

func (c copyOf) IDs(_ context.Context, collection string, after, last int64, limit int) ([]int64, error) {
	ids := c.ids(collection, after, last)
	return ids[:min(limit, len(ids))], nil
}

func (c copyOf) ids(collection string, after, last int64) []int64 {
	ids := slices.Sorted(maps.Keys(c.h.copied[collection]))
	return slices.DeleteFunc(ids, func(id int64) bool { return id <= after || id > last })
}
