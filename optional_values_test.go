package autotask_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
)

func TestDay(t *testing.T) {
	t.Parallel()
	amsterdam := time.FixedZone("CET", 3600)
	assert.Equal(t, time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), autotask.Day(2026, 12, 31))
	assert.Equal(t, autotask.Day(2026, 12, 31), autotask.Day(2026, time.December, 31))
	for _, at := range []time.Time{
		time.Date(2026, 12, 31, 0, 0, 0, 0, amsterdam), // 30 December in UTC
		time.Date(2026, 12, 31, 23, 59, 59, 999, amsterdam),
		time.Date(2026, 12, 31, 22, 0, 0, 0, time.FixedZone("CST", -6*3600)), // 1 January in UTC
		autotask.Day(2026, 12, 31),
	} {
		assert.Equal(t, autotask.Day(2026, 12, 31), autotask.DayOf(at), at)
	}
}

// A day arrives as it was meant wherever the program runs, and the read-back
// takes no other one for it.
func TestUpdate_DayIsTheDayThatWasMeant(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	stored := "2026-06-30T00:00:00"
	keep := func(day string) string { return day }
	mock.RegisterResponder(http.MethodGet, "=~/Contracts/5", func(*http.Request) (*http.Response, error) {
		return httpmock.NewStringResponse(http.StatusOK, fmt.Sprintf(`{"item":{"id":5,"companyID":0,"endDate":%q}}`, stored)), nil
	})
	mock.RegisterResponder(http.MethodPatch, "=~/Contracts", func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		stored = keep(object(t, body)["endDate"].(string))
		return httpmock.NewStringResponse(http.StatusOK, `{"itemId":5}`), nil
	})
	amsterdam := time.FixedZone("CET", 3600)
	change := func(at time.Time) error {
		_, err := autotask.Update(t.Context(), client, 5, func(c *entity.Contract) error { c.EndDate.Set(at); return nil })
		return err
	}
	newYearsEve := time.Date(2026, 12, 31, 0, 0, 0, 0, amsterdam)
	err := change(newYearsEve)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	require.ErrorContains(t, err, "endDate is a day")
	require.NoError(t, change(autotask.DayOf(newYearsEve)))
	assert.Equal(t, "2026-12-31T00:00:00Z", stored)
	require.NoError(t, change(autotask.Day(2026, 12, 30)))
	keep = func(string) string { return "2026-12-30T00:00:00" } // it took another day
	require.ErrorIs(t, change(autotask.Day(2026, 12, 31)), autotask.ErrNotApplied)
}

// Adjustments and the like have no id to give; a repeat would bill them twice.
func TestCreate_NullItemIDIsSuccessWhereThereIsNone(t *testing.T) {
	t.Parallel()
	one := autotask.Int(1)
	for name, test := range map[string]struct {
		create func(*autotask.Client) (int64, error)
		noID   bool
	}{
		"ContractServiceAdjustment": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &entity.ContractServiceAdjustment{ContractID: one, EffectiveDate: autotask.Value(autotask.Day(2026, 7, 13)), UnitChange: autotask.Int(0)})
		}, true},
		"ContractServiceBundleAdjustment": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &entity.ContractServiceBundleAdjustment{ContractID: one})
		}, true},
		"DocumentChecklistLibrary": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &entity.DocumentChecklistLibrary{DocumentID: one, ChecklistLibraryID: one})
		}, true},
		"TicketChecklistLibrary": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &entity.TicketChecklistLibrary{TicketID: one, ChecklistLibraryID: one})
		}, true},
		"InventoryStockedItemAdd": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &entity.InventoryStockedItemAdd{InventoryProductID: one})
		}, true},
		"InventoryStockedItemRemove": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &entity.InventoryStockedItemRemove{InventoryProductID: one})
		}, true},
		"InventoryStockedItemTransfer": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &entity.InventoryStockedItemTransfer{InventoryProductID: one})
		}, true},
		"TimeOffRequestReject": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &entity.TimeOffRequestReject{TimeOffRequestID: one})
		}, true},
		"a type of one's own": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &silent{Name: autotask.Value("x")})
		}, true},
		"its patch": {func(c *autotask.Client) (int64, error) {
			return 0, autotask.Patch(t.Context(), c, 7, &silent{Name: autotask.Value("x")})
		}, true},
		"its delete": {func(c *autotask.Client) (int64, error) { return 0, autotask.Delete[silent](t.Context(), c, 7) }, true},

		"Company": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &entity.Company{CompanyName: autotask.Value("Acme"), CompanyType: one, OwnerResourceID: one, Phone: autotask.Value("1")})
		}, false},
		"Company patch": {func(c *autotask.Client) (int64, error) {
			return 0, autotask.Patch(t.Context(), c, 7, &entity.Company{Phone: autotask.Value("1")})
		}, false},
		"TimeEntry": {func(c *autotask.Client) (int64, error) {
			return autotask.Create(t.Context(), c, &autotask.TimeEntry{ResourceID: one})
		}, false},
	} {
		client, mock := mocked(t)
		mock.RegisterNoResponder(httpmock.NewStringResponder(http.StatusOK, `{"itemId":null}`))
		id, err := test.create(client)
		assert.Zero(t, id, name)
		if test.noID {
			require.NoError(t, err, name)
			assert.Equal(t, 1, mock.GetTotalCallCount(), name)
		} else {
			require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, name)
		}
		for _, answer := range []string{`{}`, `null`, `[]`} {
			client, mock := mocked(t)
			mock.RegisterNoResponder(httpmock.NewStringResponder(http.StatusOK, answer))
			_, err := test.create(client)
			require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, "%s, answered with %s", name, answer)
		}
	}
}

// silent is an entity of a caller's own whose writes are answered with no id.
type silent struct {
	ID   int64                     `json:"id,omitzero"`
	Name autotask.Optional[string] `json:"name,omitzero"`
}

func (silent) Collection() string { return "Whispers" }
func (silent) CanGet()            {}
func (silent) CanCreate()         {}
func (silent) CanPatch()          {}
func (silent) CanDelete()         {}
func (silent) NoID()              {}

func TestPatch_NoteRepeatsTypeAndPublish(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	id := srv.Seed("TicketNotes", map[string]any{"ticketID": ticket})
	for _, n := range []autotask.TicketNote{
		{TicketID: ticket, Title: "Checked"},
		{TicketID: ticket, Title: "Checked", NoteType: 1},
		{TicketID: ticket, Title: "Checked", Publish: 1},
	} {
		srv.ResetRequests()
		err := autotask.Patch(t.Context(), client, id, &n)
		require.ErrorIs(t, err, autotask.ErrMissingField)
		require.ErrorIs(t, err, autotask.ErrInvalid)
		assert.Equal(t, n.NoteType == 0, strings.Contains(err.Error(), "every PATCH repeats noteType"), err)
		assert.Equal(t, n.Publish == 0, strings.Contains(err.Error(), "every PATCH repeats publish"), err)
		assert.Empty(t, srv.Requests())
	}
	require.NoError(t, autotask.Patch(t.Context(), client, id, &autotask.TicketNote{TicketID: ticket, Title: "Checked", NoteType: 1, Publish: 2}))
	assert.Equal(t, "Checked", srv.Get("TicketNotes", id)["title"])
}

func TestCreate_TicketAttachmentHasNoNote(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	a := entity.TicketAttachment{
		TicketID: autotask.Value(ticket), TicketNoteID: autotask.Int(5),
		Title: autotask.Value("a.txt"), FullPath: autotask.Value("a.txt"), Publish: autotask.Int(1),
	}
	_, err := autotask.Upload(t.Context(), client, &a, strings.NewReader("a"))
	require.ErrorIs(t, err, autotask.ErrInvalid)
	require.ErrorContains(t, err, "ticketNoteID is accepted here and stored as null: create a TicketNoteAttachment instead")
	withData := a
	withData.AttachmentType, withData.Data = autotask.Value("FILE_ATTACHMENT"), autotask.Value([]byte("a"))
	_, err = autotask.Create(t.Context(), client, &withData)
	require.ErrorContains(t, err, "TicketNoteAttachment")
	assert.Empty(t, srv.Requests())
	a.TicketNoteID.SetNull()
	_, err = autotask.Upload(t.Context(), client, &a, strings.NewReader("a"))
	require.NoError(t, err)
}

// A sorted array of user-defined fields is what it was: nothing is written.
func TestUpdate_SortedUDFsAreNoChange(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Companies", map[string]any{"userDefinedFields": []map[string]any{
		{"name": "Tier", "value": "Gold"}, {"name": "Audit", "value": nil}, {"name": "Seats", "value": "12"},
	}})
	_, err := autotask.Update(t.Context(), client, id, func(c *entity.Company) error {
		slices.SortFunc(c.UserDefinedFields, func(a, b autotask.UserDefinedField) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	require.NoError(t, err)
	assert.Empty(t, writes(srv))
}

// A user-defined field that keeps its old text was ignored, whatever number or
// date the text stands for.
func TestUpdate_IgnoredUDFWriteIsNotApplied(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		before, want, after string
		applied             bool
	}{
		{"1.1", "1.10", "1.1", false},
		{"7", "007", "7", false},
		{"12345678901234567890", "12345678901234567891", "12345678901234567890", false},
		{"52.37021", "52.37025", "52.37021", false},
		{"100000", "1e5", "100000", false},
		{"2026-11-23", "2026-11-23T00:00:00", "2026-11-23", false},
		{"1", "30", "30.0000", true},
		{"1", "30", "30", true},
		{"1", "30", "31", false},
		{"2026-11-22", "2026-11-23", "2026-11-23T00:00:00", true},
		{"x", "Gold", " Gold\r\n", true},
	} {
		client, mock := mocked(t)
		value := test.before
		mock.RegisterResponder(http.MethodGet, "=~/Companies/5", func(*http.Request) (*http.Response, error) {
			return httpmock.NewJsonResponse(http.StatusOK, map[string]any{"item": map[string]any{
				"id": 5, "userDefinedFields": []map[string]any{{"name": "Seats", "value": value}},
			}})
		})
		mock.RegisterResponder(http.MethodPatch, "=~/Companies", func(*http.Request) (*http.Response, error) {
			value = test.after
			return httpmock.NewStringResponse(http.StatusOK, `{"itemId":5}`), nil
		})
		_, err := autotask.Update(t.Context(), client, 5, func(c *entity.Company) error {
			c.UserDefinedFields.Set("Seats", autotask.Value(test.want))
			return nil
		})
		if test.applied {
			require.NoError(t, err, test)
		} else {
			require.ErrorIs(t, err, autotask.ErrNotApplied, test)
		}
	}
}

// A type with a star passes the compiler, since a pointer has the methods of
// what it points to. It is an error that says what to write, and no panic.
func TestPointersToEntitiesAreRefused(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	c, ctx := srv.Client(), t.Context()
	first := func(_ any, err error) error { return err }
	firstOf := func(seq func(func(error) bool)) (err error) {
		seq(func(e error) bool { err = e; return false })
		return err
	}
	contact, file := new(entity.Contact), new(entity.TicketAttachment)
	for name, test := range map[string]struct {
		call func() error
		want string
	}{
		"Get":      {func() error { return first(autotask.Get[*entity.Contact](ctx, c, 1)) }, "write [entity.Contact] for [*entity.Contact]"},
		"One":      {func() error { return first(autotask.One[*entity.Contact](ctx, c, autotask.Query{})) }, "write [entity.Contact]"},
		"List":     {func() error { return first(autotask.List[*entity.Contact](ctx, c, autotask.Query{})) }, "write [entity.Contact]"},
		"List own": {func() error { return first(autotask.List[*autotask.Ticket](ctx, c, autotask.Query{})) }, "write [autotask.Ticket]"},
		"List in parts": {func() error {
			return first(autotask.List[*entity.Contact](ctx, c, autotask.Query{Filter: autotask.In("id", manyIDs(600)...)}))
		}, "write [entity.Contact]"},
		"All": {func() error {
			return firstOf(func(yield func(error) bool) {
				for _, err := range autotask.All[*entity.Contact](ctx, c, autotask.Query{}) {
					if !yield(err) {
						return
					}
				}
			})
		}, "write [entity.Contact]"},
		"Pages": {func() error {
			return firstOf(func(yield func(error) bool) {
				for _, err := range autotask.Pages[*entity.Contact](ctx, c, autotask.Query{}) {
					if !yield(err) {
						return
					}
				}
			})
		}, "write [entity.Contact]"},
		"Scan": {func() error {
			return firstOf(func(yield func(error) bool) {
				for _, err := range autotask.Scan[*entity.Contact](ctx, c, autotask.Query{}, autotask.ScanOptions{Workers: 2}) {
					if !yield(err) {
						return
					}
				}
			})
		}, "write [entity.Contact]"},
		"Count":   {func() error { return first(autotask.Count[*entity.Contact](ctx, c, autotask.Query{})) }, "write [entity.Contact]"},
		"GetMany": {func() error { return first(autotask.GetMany[*entity.Contact](ctx, c, []int64{1})) }, "write [entity.Contact]"},
		"ListChildren": {func() error {
			return first(autotask.ListChildren[*entity.ResourceTimeOffBalance](ctx, c, 1))
		}, "write [entity.ResourceTimeOffBalance]"},
		"Create": {func() error { return first(autotask.Create(ctx, c, &contact)) }, "write [entity.Contact]"},
		"Update": {func() error {
			return first(autotask.Update(ctx, c, 1, func(**entity.Contact) error { return nil }))
		}, "write [entity.Contact]"},
		"Patch":  {func() error { return autotask.Patch(ctx, c, 1, &contact) }, "write [entity.Contact]"},
		"Delete": {func() error { return autotask.Delete[*entity.Contact](ctx, c, 1) }, "write [entity.Contact]"},
		"Upload": {func() error {
			return first(autotask.Upload(ctx, c, &file, strings.NewReader("x")))
		}, "write [entity.TicketAttachment]"},
		"Create a file": {func() error { return first(autotask.Create(ctx, c, &file)) }, "write [entity.TicketAttachment]"},
		"Download": {func() error {
			return first(autotask.Download[*entity.TicketAttachment](ctx, c, 1, io.Discard))
		}, "write [entity.TicketAttachment]"},
		"an interface": {func() error { return first(autotask.List[autotask.Queryable](ctx, c, autotask.Query{})) }, "autotask.Queryable is an interface"},
		"Get of one":   {func() error { return first(autotask.Get[autotask.Gettable](ctx, c, 1)) }, "autotask.Gettable is an interface"},
	} {
		var err error
		require.NotPanics(t, func() { err = test.call() }, name)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		require.ErrorContains(t, err, test.want, name)
	}
	assert.Empty(t, srv.Requests())
}

func manyIDs(n int64) []int64 {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = int64(i) + 1
	}
	return ids
}

func TestOne(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	acme := srv.Seed("Companies", map[string]any{"companyName": "Acme"})
	var many []int64
	for range 12 {
		many = append(many, srv.Seed("Companies", map[string]any{"companyName": "Chain"}))
	}
	byName := func(name string) autotask.Query {
		return autotask.Query{Filter: autotask.Eq("companyName", name), Limit: 1}
	}
	srv.ResetRequests()
	got, err := autotask.One[entity.Company](t.Context(), client, byName("Acme"))
	require.NoError(t, err)
	assert.Equal(t, acme, got.ID)
	assert.Equal(t, []string{"POST Companies/query"}, ops(srv))

	_, err = autotask.One[entity.Company](t.Context(), client, byName("Nobody"))
	require.ErrorIs(t, err, autotask.ErrNotFound)
	require.ErrorContains(t, err, `companyName eq "Nobody"`)

	srv.ResetRequests()
	_, err = autotask.One[entity.Company](t.Context(), client, byName("Chain"))
	var ambiguous *autotask.AmbiguousError
	require.ErrorAs(t, err, &ambiguous)
	require.ErrorIs(t, err, autotask.ErrAmbiguous)
	assert.Equal(t, many[:10], ambiguous.IDs())
	assert.Equal(t, "Companies", ambiguous.What)
	assert.Equal(t, `companyName eq "Chain"`, ambiguous.Name)
	assert.Equal(t, "Chain", ambiguous.Candidates[0].Label)
	assert.Len(t, srv.Requests(), 1)

	_, err = autotask.One[entity.Company](t.Context(), client, autotask.Query{
		Filter: autotask.Or(autotask.Eq("companyName", "Chain"), autotask.And(autotask.NotExist("phone"), autotask.In("id", many...))),
	})
	require.ErrorAs(t, err, &ambiguous)
	assert.Contains(t, ambiguous.Name, `(companyName eq "Chain" or (phone notExist and id in [`)

	_, err = autotask.One[entity.Company](t.Context(), client, autotask.Query{Filter: autotask.Eq("id", struct{}{})})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	require.NotErrorIs(t, err, autotask.ErrNotFound)
}

func TestOne_NamesTheCandidates(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", map[string]any{"title": "Backup failed"})
	srv.Seed("Tickets", nil)
	_, err := autotask.One[autotask.Ticket](t.Context(), client, autotask.Query{})
	var ambiguous *autotask.AmbiguousError
	require.ErrorAs(t, err, &ambiguous)
	assert.Equal(t, "any value", ambiguous.Name)
	assert.Equal(t, fmt.Sprint(srv.Get("Tickets", ticket)["ticketNumber"])+" Backup failed", ambiguous.Candidates[0].Label)
	for range 2 {
		srv.Seed("Contacts", map[string]any{"firstName": "Ada", "lastName": "Lovelace"})
	}
	_, err = autotask.One[entity.Contact](t.Context(), client, autotask.Query{Filter: autotask.Eq("lastName", "Lovelace")})
	require.ErrorAs(t, err, &ambiguous)
	assert.Equal(t, "Ada Lovelace", ambiguous.Candidates[0].Label)
}

func TestID(t *testing.T) {
	t.Parallel()
	for _, item := range []autotask.Entity{
		autotask.Ticket{ID: 7}, &autotask.Ticket{ID: 7}, &autotask.TicketNote{ID: 7}, autotask.TimeEntry{ID: 7}, &autotask.TimeEntry{ID: 7},
		entity.Company{ID: 7}, &entity.Company{ID: 7}, &silent{ID: 7},
	} {
		assert.Equal(t, int64(7), autotask.ID(item), "%T", item)
	}
	for _, item := range []autotask.Entity{
		nil, (*autotask.Ticket)(nil), (*autotask.TicketNote)(nil), (*autotask.TimeEntry)(nil), (*entity.Company)(nil), entity.Company{}, label("x"),
	} {
		assert.Zero(t, autotask.ID(item), "%T", item)
	}
}

// label is an entity that is no struct.
type label string

func (label) Collection() string { return "Labels" }

func TestUDFsOf(t *testing.T) {
	t.Parallel()
	var ticket autotask.Ticket
	company := entity.Company{UserDefinedFields: autotask.UDFs{{Name: "Tier", Value: autotask.Value("Gold")}}}
	for _, item := range []autotask.Entity{&ticket, &company} {
		autotask.UDFsOf(item).Set("Tier", autotask.Value("Silver"))
	}
	assert.Equal(t, "Silver", ticket.UserDefinedFields.Get("tier").Or(""))
	assert.Equal(t, "Silver", company.UserDefinedFields.Get("Tier").Or(""))
	assert.Equal(t, "Silver", autotask.UDFsOf(company).Get("Tier").Or(""))
	for _, item := range []autotask.Entity{nil, autotask.TimeEntry{}, &autotask.TicketNote{}, (*autotask.Ticket)(nil), entity.Role{}, label("x")} {
		assert.Nil(t, autotask.UDFsOf(item), "%T", item)
	}
}

func TestMaxLength(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 32_000, autotask.MaxLength(autotask.Ticket{}, "resolution"))
	assert.Equal(t, 255, autotask.MaxLength(&autotask.Ticket{}, "Title"))
	assert.Equal(t, 255, autotask.MaxLength((*autotask.Ticket)(nil), "title"))
	assert.Equal(t, 100, autotask.MaxLength(entity.Company{}, "companyName"))
	for _, unknown := range []int{
		autotask.MaxLength(autotask.Ticket{}, "status"), autotask.MaxLength(autotask.Ticket{}, "titel"),
		autotask.MaxLength(nil, "title"), autotask.MaxLength(label("x"), "title"),
	} {
		assert.Zero(t, unknown)
	}
	_, err := autotask.Create(t.Context(), answering(t, http.StatusOK, fixture(t, "item_null.json")), &autotask.Ticket{
		Title: strings.Repeat("x", autotask.MaxLength(autotask.Ticket{}, "title")+1), Status: 1, Priority: 1, CompanyID: 0,
	})
	require.ErrorContains(t, err, "title has 256 characters, the limit is 255")
}

func TestFileLimits(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 6_000_000, autotask.MaxFileBytes)
	assert.Equal(t, 10_000_000, autotask.MaxFilesBytes)
	assert.Equal(t, 5*time.Minute, autotask.FilesWindow)
	_, client := tenant(t)
	_, err := autotask.Upload(t.Context(), client, &entity.TicketAttachment{
		TicketID: autotask.Int(1), Title: autotask.Value("a"), FullPath: autotask.Value("a"), Publish: autotask.Int(1),
	}, strings.NewReader(strings.Repeat("x", autotask.MaxFileBytes+1)))
	require.ErrorIs(t, err, autotask.ErrInvalid)
	require.NotErrorIs(t, err, autotask.ErrMissingField)
}
