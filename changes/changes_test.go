package changes

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
	"github.com/autotask-go/autotask/webhook"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	client := autotasktest.NewInProcess(t).Client()
	for name, o := range map[string]Options{
		"no collections":      {},
		"a collection twice":  {Collections: []string{"Tickets", "Tickets"}},
		"history":             {Collections: []string{"TicketHistory"}},
		"attachments":         {Collections: []string{"TicketAttachments"}},
		"other deletions":     {Collections: []string{"Tickets"}, Deletions: "guess"},
		"deletions of others": {Collections: []string{"Tickets"}, DeletionsOf: map[string]Deletions{"Companies": Never}},
		"a share of two":      {Collections: []string{"Tickets"}, MissingShare: 2},
		"verify alone":        {Collections: []string{"Tickets"}, Verify: 5},
		"a negative budget":   {Collections: []string{"Tickets"}, Budget: -1},
		"negative overlap":    {Collections: []string{"Tickets"}, Overlap: -time.Second},
	} {
		_, err := Open(client, o)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
	}
	_, err := Open(nil, Options{Collections: []string{"Tickets"}})
	require.ErrorIs(t, err, autotask.ErrInvalid)
}

func TestAs(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	id := c.srv.Seed("Companies", map[string]any{"companyName": "Contoso"})
	told, _ := c.run(t, c.open(t, Options{Collections: []string{"Companies"}}))
	change := told[Upserted][len(told[Upserted])-1]
	company, err := As[entity.Company](change)
	require.NoError(t, err)
	assert.Equal(t, id, company.ID)
	assert.Equal(t, "Contoso", company.CompanyName.Or(""))
	assert.Equal(t, string(c.srv.Raw("Companies", id)), string(change.JSON), "as sent")

	_, err = As[autotask.Ticket](change)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	_, err = As[entity.Company](Change{Kind: Gone, Collection: "Companies", ID: id})
	require.ErrorIs(t, err, autotask.ErrInvalid)
}

// table keeps its ids in a slice, as a caller's table would in an index.
type table []int64

func (a table) Count(_ context.Context, _ string, after, last int64) (int, error) {
	return len(within(a, after, last)), nil
}

func (a table) Nth(_ context.Context, _ string, after int64, n int) (int64, error) {
	return a[upTo(a, after)+n], nil
}

func (a table) IDs(_ context.Context, _ string, after, last int64, limit int) ([]int64, error) {
	ids := within(a, after, last)
	return ids[:min(limit, len(ids))], nil
}

// A million rows, known to the state or to the caller.
func TestAMillionKnownRows(t *testing.T) {
	t.Parallel()
	ids := ticketIDs(1_000_000)
	state := State{s: saved{Collections: map[string]*progress{"Tickets": {
		SchemaAt: time.Now(), UDFsAt: time.Now(), Swept: time.Now(), From: time.Now(), Next: time.Now(),
		Last: ids[len(ids)-1], Cursors: []string{"lastActivityDate", "createDate"},
	}}}}
	state.s.Collections["Tickets"].Known.add(ids)
	b, err := json.Marshal(state)
	require.NoError(t, err)
	assert.Less(t, len(b), 2_800_000, "of a state, with no two ids next to each other")
	require.NoError(t, json.Unmarshal(b, &state))
	for name, known := range map[string]Known{"state": nil, "caller": table(ids)} {
		s := &rowsOf{ids: slices.Clone(ids)}
		s.remove(ids[777_777])
		f, err := Open(s.client(t), Options{Collections: []string{"Tickets"}, State: state, Known: known})
		require.NoError(t, err)
		told, ops, err := s.run(t, f)
		require.NoError(t, err)
		assert.Equal(t, 1, told[Gone], name)
		assert.LessOrEqual(t, ops, 20, name)
	}
	dense := idSet{}
	all := make([]int64, 1_000_000)
	for i := range all {
		all[i] = int64(i)
	}
	dense.add(all)
	text, err := dense.MarshalText()
	require.NoError(t, err)
	assert.Less(t, len(text), 10, "ids that follow one another")
}

// The logs name a ticket; of its notes they do not.
func TestDeletionLogs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		var notes []int64
		kept, gone := c.srv.Seed("Tickets", nil), c.srv.Seed("Tickets", nil)
		for range 3 {
			notes = append(notes, c.srv.Seed("TicketNotes", map[string]any{"ticketID": kept}))
		}
		f := c.open(t, Options{Collections: []string{"Tickets", "TicketNotes"}, Deletions: Log, SweepEvery: -1})
		c.run(t, f)
		<-time.After(time.Hour)
		c.srv.Remove("Tickets", gone)
		c.srv.Remove("TicketNotes", notes[1])
		told, ops := c.run(t, f)
		assert.Equal(t, []Change{{Kind: Gone, Collection: "Tickets", ID: gone, How: ByLog}}, told[Gone])
		assert.Equal(t, []Change{{Kind: Recheck, Collection: "TicketNotes", ID: kept, Parent: "ticketID", IDs: []int64{notes[0], notes[2]}, How: ByLog}}, told[Recheck])
		assert.Contains(t, ops, "POST DeletedTicketLogs/query")
		assert.False(t, f.ResyncDue())

		// The log has forgotten what was deleted in the meantime.
		c.srv.Remove("Tickets", kept)
		c.srv.Seed("Tickets", nil)
		<-time.After(31 * 24 * time.Hour)
		assert.True(t, f.ResyncDue())
		for _, row := range c.srv.Rows("DeletedTicketLogs") {
			c.srv.Remove("DeletedTicketLogs", numberOf(t, row["id"]))
		}
		told, _ = c.run(t, f)
		assert.Equal(t, []Change{{Kind: Gone, Collection: "Tickets", ID: kept, How: BySweep}}, told[Gone])
		assert.False(t, f.ResyncDue())
	})
}

func TestAMergedTicketIsAnUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		source, target := c.srv.Seed("Tickets", nil), c.srv.Seed("Tickets", nil)
		f := c.open(t, Options{Collections: []string{"Tickets", "TicketNotes"}})
		<-time.After(time.Hour)
		c.run(t, f)
		<-time.After(time.Hour)
		c.srv.Change("Tickets", source, map[string]any{"status": autotask.StatusComplete})
		for _, id := range []int64{source, target} {
			c.srv.Seed("TicketNotes", map[string]any{"ticketID": id, "title": "Merged"})
		}
		told, _ := c.run(t, f)
		assert.Empty(t, told[Gone])
		assert.Len(t, told[Upserted], 3, "the source and two notes")
	})
}

func TestHints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		var ids []int64
		for range 4 {
			ids = append(ids, c.srv.Seed("Tickets", nil))
		}
		f := c.open(t, Options{Collections: []string{"Tickets"}, Deletions: Never, ErrorLog: true})
		<-time.After(time.Hour)
		c.run(t, f)
		<-time.After(time.Hour)

		event := func(action webhook.Action, id, number int64) *webhook.Event {
			return &webhook.Event{Action: action, Entity: "Ticket", ID: id, GUID: "g", SequenceNumber: number}
		}
		f.Event(event(webhook.ActionUpdate, ids[0], 7))
		f.Event(event(webhook.ActionDelete, ids[1], 8))
		f.Dirty("Contacts", 9) // which is not followed
		assert.Empty(t, f.Due())
		c.srv.Remove("Tickets", ids[1])
		c.srv.Seed("WebhookEventErrorLogs", map[string]any{
			"payload":        `{"Action":"Update","EntityType":"Ticket","Id":` + itoa(ids[2]) + `,"SequenceNumber":9}`,
			"createDateTime": time.Now(),
		})
		told, _ := c.run(t, f)
		assert.Equal(t, []Change{{Kind: Gone, Collection: "Tickets", ID: ids[1], How: ByWebhook}}, told[Gone])
		var seen []int64
		for _, change := range told[Upserted] {
			assert.Equal(t, ByWebhook, change.How)
			seen = append(seen, change.ID)
		}
		assert.ElementsMatch(t, []int64{ids[0], ids[2]}, seen)

		f.Event(event(webhook.ActionUpdate, ids[0], 12))
		assert.Len(t, f.Due(), 1, "9 to 11 are missing")
		<-f.Due()
		f.Event(event(webhook.ActionUpdate, ids[0], 13))
		assert.Empty(t, f.Due(), "that was told")
		f.Event(event(webhook.ActionDeactivated, 0, 0))
		assert.Len(t, f.Due(), 1)
	})
}

func numberOf(t *testing.T, v any) int64 {
	t.Helper()
	n, err := v.(interface{ Int64() (int64, error) }).Int64()
	require.NoError(t, err)
	return n
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// A hint is not lost with the run that was to follow it.
func TestAHintOutlivesAFailedRun(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	id := c.srv.Seed("BillingCodes", nil)
	f := c.open(t, Options{Collections: []string{"BillingCodes"}})
	c.run(t, f)
	f.Dirty("BillingCodes", id)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := c.try(ctx, f)
	require.ErrorIs(t, err, context.Canceled)
	told, _ := c.run(t, f)
	assert.Len(t, told[Upserted], 1)
}

// A row that went to and fro: what was hashed is not what the caller has.
func TestAChangeThatIsTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		id := c.srv.Seed("BillingCodes", map[string]any{"name": "Labour"})
		c.srv.Seed("BillingCodes", map[string]any{"name": "Travel"})
		was := c.srv.Raw("BillingCodes", id)
		f := c.open(t, Options{Collections: []string{"BillingCodes"}})
		c.run(t, f)
		c.srv.Change("BillingCodes", id, map[string]any{"name": "Lunch"})
		f.Dirty("BillingCodes", id)
		told, _ := c.run(t, f)
		require.Len(t, told[Upserted], 1)
		c.srv.SeedRaw("BillingCodes", was)
		<-time.After(25 * time.Hour)
		told, _ = c.run(t, f)
		last := told[Upserted][0]
		assert.Equal(t, id, last.ID)
		assert.JSONEq(t, string(was), string(last.JSON))

		<-time.After(25 * time.Hour)
		told, _ = c.run(t, f)
		assert.Empty(t, told, "nothing has changed, and nothing is told")
	})
}

func TestVerify(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		id := c.srv.Seed("Tickets", map[string]any{"title": "Backup failed"})
		c.srv.Seed("Tickets", nil)
		stored := make(map[int64]jsontext.Value)
		f := c.open(t, Options{Collections: []string{"Tickets"}, Verify: 30, Stored: func(context.Context, string, []int64) (map[int64]jsontext.Value, error) { return stored, nil }})
		<-time.After(time.Hour)
		for batch, err := range f.Run(t.Context()) {
			require.NoError(t, err)
			for _, change := range batch.Changes {
				if change.Kind == Upserted {
					stored[change.ID] = change.JSON
				}
			}
		}
		<-time.After(time.Hour)
		told, _ := c.run(t, f)
		assert.Empty(t, told)
		for _, err := range f.Run(t.Context()) {
			require.NoError(t, err)
			assert.False(t, f.Covered().IsZero(), "a feed can be asked during a run")
		}

		// A change that moves no cursor.
		var row map[string]jsontext.Value
		require.NoError(t, json.Unmarshal(c.srv.Raw("Tickets", id), &row))
		row["title"] = jsontext.Value(`"Backup worked"`)
		b, err := json.Marshal(row)
		require.NoError(t, err)
		c.srv.SeedRaw("Tickets", b)
		told, _ = c.run(t, f)
		require.Len(t, told[Upserted], 1)
		assert.Equal(t, ByVerify, told[Upserted][0].How)
		assert.Equal(t, []string{"title"}, told[Upserted][0].Fields)
	})
}

// No number is drawn twice, so that a sample of all is all.
func TestDraw(t *testing.T) {
	t.Parallel()
	for below := range 40 {
		for many := range 50 {
			drawn := draw(many, below)
			assert.Len(t, drawn, min(many, below))
			assert.True(t, slices.IsSorted(drawn))
			assert.Len(t, slices.Compact(slices.Clone(drawn)), len(drawn))
			for _, n := range drawn {
				assert.Less(t, n, below)
			}
		}
	}
	assert.Len(t, draw(30, 1_000_000), 30)
}

// A position does not move while there is nothing to go by.
func TestWithoutADateHeaderAllIsReadAgain(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	c.srv.SetDateHeader(false)
	c.srv.Seed("Tickets", nil)
	f := c.open(t, Options{Collections: []string{"Tickets"}})
	for range 2 {
		told, _ := c.run(t, f)
		assert.Len(t, told[Upserted], 1)
	}
	assert.True(t, f.Covered().IsZero())
}

// A user who may see nothing at first has not seen that there is nothing.
func TestRightsThatComeLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		c.srv.Seed("Tickets", nil)
		<-time.After(time.Hour)
		f := c.open(t, Options{Collections: []string{"Tickets"}})
		c.denied = true
		for _, err := range f.Run(t.Context()) {
			require.Error(t, err, "the description of the fields cannot be read, either")
		}
		c.denied = false
		told, _ := c.run(t, f)
		assert.Len(t, told[Upserted], 1)
	})
}

// Of what the tenant says cannot be queried, nothing is asked.
func TestCursors(t *testing.T) {
	t.Parallel()
	fields := func(names ...string) []autotask.Field {
		all := []autotask.Field{{Name: "lastTrackedModificationDateTime"}}
		for _, name := range names {
			all = append(all, autotask.Field{Name: name, Queryable: true})
		}
		return all
	}
	assert.Equal(t, []string{"lastActivityDate", "createDate"}, cursorsOf("Tickets", fields("LastActivityDate", "CreateDate")))
	assert.Empty(t, cursorsOf("Tickets", fields("createDate")), "no change moves it")
	assert.Equal(t, []string{"createDateTime"}, cursorsOf("ArticleTagAssociations", fields("createDateTime")), "there are no changes")
	assert.Empty(t, cursorsOf("Departments", fields("createDate")))
	assert.Len(t, allCursors, 42)
}

func TestErrorsNameTheCollection(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	for range 5 {
		c.srv.Seed("Contacts", nil)
		c.srv.Seed("Companies", nil)
	}
	f := c.open(t, Options{Collections: []string{"Contacts", "Companies"}})
	c.run(t, f)
	before := f.Covered()
	for _, row := range c.srv.Rows("Contacts") {
		c.srv.Remove("Contacts", numberOf(t, row["id"]))
	}
	_, ops, err := c.try(t.Context(), f)
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "Contacts: ")
	assert.Contains(t, ops, "POST Companies/query", "which need not wait")
	assert.Equal(t, before, f.State().Covered("Contacts"))
	assert.Equal(t, before, f.Covered())

	o := Options{Collections: []string{"Contacts"}, State: f.State(), MissingShare: 1}
	told, _ := c.run(t, c.open(t, o))
	assert.Len(t, told[Gone], 5)
}

// A collection that the user may not read does not keep the others waiting.
func TestPermission(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	c.srv.Seed("Contacts", nil)
	f := c.open(t, Options{Collections: []string{"Tickets", "Contacts"}})
	c.srv.Inject(autotasktest.Fault{
		Op: "POST Tickets/query", Status: 500,
		Body: `{"errors":["The logged in Resource does not have the adequate permissions to query this entity type."]}`,
	})
	told, _, err := c.try(t.Context(), f)
	require.ErrorIs(t, err, autotask.ErrPermission)
	require.NotEmpty(t, told[Upserted])
	assert.Equal(t, "Contacts", told[Upserted][0].Collection)
	assert.True(t, f.State().Covered("Tickets").IsZero())
	c.srv.Seed("Tickets", nil)
	told, _ = c.run(t, f)
	assert.Equal(t, "Tickets", told[Upserted][0].Collection)
}

// A new id that is known by a hint does not hide the new ones below it.
func TestNewIDsBelowAHint(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	c.srv.Seed("BillingCodes", nil)
	f := c.open(t, Options{Collections: []string{"BillingCodes"}})
	c.run(t, f)
	first, second := c.srv.Seed("BillingCodes", nil), c.srv.Seed("BillingCodes", nil)
	f.Dirty("BillingCodes", second)
	told, _ := c.run(t, f)
	var ids []int64
	for _, change := range told[Upserted] {
		ids = append(ids, change.ID)
	}
	assert.Equal(t, []int64{second, first, second}, ids)
}

// The right to read is lost while a run reads, and back before it counts.
func TestARightThatIsLostForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		var ids []int64
		for range 12 {
			ids = append(ids, c.srv.Seed("Tickets", nil))
		}
		<-time.After(time.Hour)
		f := c.open(t, Options{Collections: []string{"Tickets"}, Budget: 1})
		f.page = 5
		copied := make(map[int64]string)
		run := func() {
			told, _ := c.run(t, f)
			for _, change := range told[Upserted] {
				copied[change.ID] = string(change.JSON)
			}
			assert.Empty(t, told[Gone])
		}
		equal := func() bool {
			for _, id := range ids {
				if copied[id] != string(c.srv.Raw("Tickets", id)) {
					return false
				}
			}
			return true
		}
		run() // the fields
		run() // the first page
		assert.Len(t, copied, 5)
		c.denied = true
		run() // an empty page, which is not the end
		c.denied = false
		for range 10 {
			run()
		}
		assert.True(t, equal())

		<-time.After(time.Hour)
		for len(c.ops) == 0 || !strings.HasSuffix(c.ops[0], "/count") {
			run() // up to the end of a run
		}
		c.srv.Change("Tickets", ids[4], map[string]any{"title": "Printer still on fire"})
		<-time.After(time.Hour)
		c.denied = true
		run() // nothing has changed, as it seems
		c.denied = false
		<-time.After(time.Hour)
		for range 10 {
			run()
		}
		assert.Equal(t, string(c.srv.Raw("Tickets", ids[4])), copied[ids[4]])
	})
}
