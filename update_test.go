package autotask_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
)

func TestUpdate_PUTDiffersOnlyWhereIntended(t *testing.T) {
	t.Parallel()
	var envelope struct {
		Item jsontext.Value
	}
	raw := fixture(t, "ticket_item_rich.json")
	d := jsontext.NewDecoder(strings.NewReader(string(raw)))
	for range 2 { // "{" and "item"
		_, err := d.ReadToken()
		require.NoError(t, err)
	}
	value, err := d.ReadValue()
	require.NoError(t, err)
	envelope.Item = value.Clone()
	got := parseItem(t, envelope.Item)

	srv, client := tenant(t)
	id := srv.SeedRaw("Tickets", envelope.Item)
	_, err = client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.Resolution.Set("Wiederhergestellt – 完了")
		return nil
	})
	require.NoError(t, err)
	sent := parseItem(t, bodies(srv, "PUT Tickets")[0])

	var want []string
	for _, name := range got.Names {
		if !readOnlyTicketFields[name] {
			want = append(want, name)
		}
	}
	assert.Equal(t, want, sent.Names, "the same members in the same order, but for read-only ones")
	for _, name := range want {
		if name == "resolution" {
			assert.JSONEq(t, `"Wiederhergestellt – 完了"`, sent.Values[name])
			continue
		}
		assert.Equal(t, got.Values[name], sent.Values[name], "%s, byte for byte", name)
	}
	golden := strings.TrimSpace(string(fixture(t, "ticket_rich_put.golden.json")))
	assert.Equal(t, golden, string(bodies(srv, "PUT Tickets")[0]), "the whole body, byte for byte")
	assert.Greater(t, strings.Count(sent.Values["userDefinedFields"], `"name"`), 39, "all user-defined fields")
}

func TestUpdate_UserDefinedFieldsAreMergedByName(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"userDefinedFields": []any{
		map[string]any{"name": "Backup Plan", "value": "Gold"},
		map[string]any{"name": "Retention", "value": nil},
		map[string]any{"name": "Serial", "value": "12345678901234567890"},
	}})
	ticket, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.UserDefinedFields.Set("Backup Plan", autotask.Value("Silver"))
		t.UserDefinedFields.Set("Retention", autotask.Value("30"))
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, "Silver", ticket.UserDefinedFields.Get("backup plan").Or(""))
	sent := object(t, bodies(srv, "PUT Tickets")[0])
	assert.Equal(t, []any{
		map[string]any{"name": "Backup Plan", "value": "Silver"},
		map[string]any{"name": "Retention", "value": "30"},
		map[string]any{"name": "Serial", "value": "12345678901234567890"},
	}, sent["userDefinedFields"], "a PUT carries all of them")
}

func TestUpdate_PATCHHoldsTheChangedUserDefinedFieldsAlone(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Companies", map[string]any{"companyName": "Contoso", "userDefinedFields": []any{
		map[string]any{"name": "Backup Plan", "value": "Gold"},
		map[string]any{"name": "Retention", "value": ""},
		map[string]any{"name": "Seats", "value": "25"},
		map[string]any{"name": "Serial", "value": nil},
		map[string]any{"name": "Site", "value": "Vienna"},
	}})
	before, err := autotask.Get[company](t.Context(), client, id)
	require.NoError(t, err)
	assert.Equal(t, autotask.Value(""), before.UserDefinedFields.Get("RETENTION"), "empty is not null")
	assert.Equal(t, autotask.Null[string](), before.UserDefinedFields.Get("serial"))
	assert.True(t, before.UserDefinedFields.Get("none").IsZero())

	after, err := autotask.Update(t.Context(), client, id, func(c *company) error {
		c.UserDefinedFields.Set("site", autotask.Null[string]())
		c.UserDefinedFields.Set("BACKUP PLAN", autotask.Value("Silver"))
		c.UserDefinedFields.Set("Seats", autotask.Value("25")) // as it is
		c.UserDefinedFields.Set("Since", autotask.Value("2026-11-23"))
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, `{"id":`+idText(id)+`,"userDefinedFields":[`+
		`{"name":"Backup Plan","value":"Silver"},{"name":"Site","value":null},{"name":"Since","value":"2026-11-23"}]}`,
		string(bodies(srv, "PATCH Companies")[0]), "those that differ, in Autotask's spelling and order, new ones last")
	assert.Equal(t, autotask.UDFs{
		{Name: "Backup Plan", Value: autotask.Value("Silver")},
		{Name: "Retention", Value: autotask.Value("")},
		{Name: "Seats", Value: autotask.Value("25")},
		{Name: "Serial", Value: autotask.Null[string]()},
		{Name: "Site", Value: autotask.Null[string]()},
		{Name: "Since", Value: autotask.Value("2026-11-23")},
	}, after.UserDefinedFields)
	assert.Equal(t, "Contoso", after.CompanyName.Or(""))

	srv.ResetRequests()
	_, err = autotask.Update(t.Context(), client, id, func(c *company) error {
		c.Phone.Set("+43 1 234")
		return nil
	})
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":`+idText(id)+`,"phone":"+43 1 234"}`, string(bodies(srv, "PATCH Companies")[0]), "none differs, none is sent")
}

func TestUpdate_PUTHoldsEveryUserDefinedFieldByteForByte(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", nil)
	const udfs = `[{"udfId":12345678901234567890,"name":"Zone","value":"A","audit":{"by":1.50}},` +
		`{ "value" : null , "name":"Caf\u00e9" },{"name":"Backup Plan","value":""},{"name":"Site"}`
	id = srv.SeedRaw("Tickets", bytes.Replace(srv.Raw("Tickets", id), []byte(`"userDefinedFields":[`), []byte(`"userDefinedFields":`+udfs), 1))
	ticket, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.UserDefinedFields.Set("ZONE", autotask.Null[string]())
		t.UserDefinedFields.Set("New", autotask.Value("x"))
		return nil
	})
	require.NoError(t, err)
	sent := parseItem(t, bodies(srv, "PUT Tickets")[0]).Values["userDefinedFields"]
	assert.Equal(t, strings.Replace(udfs, `"A"`, `null`, 1)+`,{"name":"New","value":"x"}]`, sent)
	assert.Equal(t, autotask.Null[string](), ticket.UserDefinedFields.Get("zone"))
	assert.Equal(t, autotask.Null[string](), ticket.UserDefinedFields.Get("café"))
	assert.Equal(t, autotask.Value(""), ticket.UserDefinedFields.Get("backup plan"))
}

func TestUpdate_UserDefinedFieldsWhereThereWereNone(t *testing.T) {
	t.Parallel()
	for _, none := range []string{``, `,"userDefinedFields":null`, `,"userDefinedFields":[]`} {
		client, mock := mocked(t)
		udfs, sent := none, ""
		mock.RegisterResponder(http.MethodGet, testBase+"/Companies/7", func(*http.Request) (*http.Response, error) {
			return httpmock.NewStringResponse(200, `{"item":{"id":7,"companyName":"Contoso"`+udfs+`}}`), nil
		})
		mock.RegisterResponder(http.MethodPatch, testBase+"/Companies", func(req *http.Request) (*http.Response, error) {
			b, err := io.ReadAll(req.Body)
			sent, udfs = string(b), `,"userDefinedFields":[{"name":"Site","value":"Vienna"}]`
			return httpmock.NewStringResponse(200, `{"itemId":7}`), err
		})
		_, err := autotask.Update(t.Context(), client, 7, func(c *company) error {
			c.UserDefinedFields.Set("Site", autotask.Value("Vienna"))
			return nil
		})
		require.NoError(t, err, none)
		assert.JSONEq(t, `{"id":7,"userDefinedFields":[{"name":"Site","value":"Vienna"}]}`, sent, none)
	}
}

func TestUpdate_BadUserDefinedFieldsAreRefusedBeforeTheWrite(t *testing.T) {
	t.Parallel()
	udfs := []any{map[string]any{"name": "Plan", "value": "Gold"}, map[string]any{"name": "Site", "value": "Vienna"}}
	for says, change := range map[string]func(*autotask.UDFs){
		`"Site" was removed: set it to null`:  func(u *autotask.UDFs) { *u = (*u)[:1] },
		`"Plan" has no value: set it to null`: func(u *autotask.UDFs) { u.Set("plan", autotask.Optional[string]{}) },
		`"New" has no value: set it to null`:  func(u *autotask.UDFs) { u.Set("New", autotask.Optional[string]{}) },
		`"Plan" is given twice`: func(u *autotask.UDFs) {
			*u = append(*u, autotask.UserDefinedField{Name: "Plan", Value: autotask.Value("Silver")})
		},
		"userDefinedFields was unset": func(u *autotask.UDFs) { *u = nil },
	} {
		srv, client := tenant(t)
		ticket := srv.Seed("Tickets", map[string]any{"userDefinedFields": udfs})
		_, err := client.Tickets.Update(t.Context(), ticket, func(t *autotask.Ticket) error { change(&t.UserDefinedFields); return nil })
		require.ErrorIs(t, err, autotask.ErrInvalid, says)
		assert.Contains(t, err.Error(), says)
		other := srv.Seed("Companies", map[string]any{"userDefinedFields": udfs})
		_, err = autotask.Update(t.Context(), client, other, func(c *company) error { change(&c.UserDefinedFields); return nil })
		require.ErrorIs(t, err, autotask.ErrInvalid, says)
		assert.Contains(t, err.Error(), says)
		assert.Empty(t, writes(srv), says)
	}
}

func TestPatch_UserDefinedFields(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Companies", map[string]any{"userDefinedFields": []any{
		map[string]any{"name": "Plan", "value": "Gold"}, map[string]any{"name": "Site", "value": "Vienna"},
	}})
	v := &company{}
	v.UserDefinedFields.Set("Site", autotask.Null[string]())
	require.NoError(t, autotask.Patch(t.Context(), client, id, v))
	assert.Equal(t, `{"id":`+idText(id)+`,"userDefinedFields":[{"name":"Site","value":null}]}`, string(bodies(srv, "PATCH Companies")[0]))
	after, err := autotask.Get[company](t.Context(), client, id)
	require.NoError(t, err)
	assert.Equal(t, autotask.UDFs{{Name: "Plan", Value: autotask.Value("Gold")}, {Name: "Site", Value: autotask.Null[string]()}}, after.UserDefinedFields)

	err = autotask.Patch(t.Context(), client, id, &company{UserDefinedFields: autotask.UDFs{{Name: "Site"}}})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Equal(t, 1, count(srv, "PATCH Companies"))
}

func TestUpdate_ErrorFromChangeEndsIt(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", nil)
	mine := errors.New("not this one")
	_, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.Title = "changed"
		return mine
	})
	require.Equal(t, mine, err)
	assert.Empty(t, writes(srv))
}

func TestUpdate_NoDifferenceNoWrite(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"title": "same"})
	ticket, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
		t.Title = "same"
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, "same", ticket.Title)
	assert.Equal(t, []string{"GET Tickets"}, ops(srv))
}

func TestUpdate_BadChangesAreRefusedBeforeTheWrite(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*autotask.Ticket)
		says   string
	}{
		"read-only field":    {func(t *autotask.Ticket) { t.CompletedDate.Set(time.Now()) }, "completedDate is set by Autotask"},
		"id":                 {func(t *autotask.Ticket) { t.ID++ }, "ID cannot be changed"},
		"made absent":        {func(t *autotask.Ticket) { t.DueDateTime = autotask.Optional[time.Time]{} }, "use SetNull"},
		"required cleared":   {func(t *autotask.Ticket) { t.Title = "" }, "title is required"},
		"too long":           {func(t *autotask.Ticket) { t.Title = strings.Repeat("x", 256) }, "title has 256 characters"},
		"whole value thrown": {func(t *autotask.Ticket) { *t = autotask.Ticket{ID: t.ID, Title: "new"} }, "use SetNull"},
	} {
		srv, client := tenant(t)
		id := srv.Seed("Tickets", nil)
		_, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
			test.change(t)
			return nil
		})
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		assert.Contains(t, strings.Join(messages(t, err), "\n"), test.says, name)
		assert.Empty(t, writes(srv), name)
	}
}

func TestUpdate_IgnoredWriteIsNotApplied(t *testing.T) {
	t.Parallel()
	for _, fault := range []autotasktest.Fault{{Op: "PUT Tickets", IgnoreWrite: true}, {Op: "PUT Tickets", Revert: true}} {
		srv, client := tenant(t)
		id := srv.Seed("Tickets", map[string]any{"title": "before"})
		srv.Inject(fault)
		_, err := client.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error {
			t.Title = "after"
			return nil
		})
		require.ErrorIs(t, err, autotask.ErrNotApplied)
		assert.Contains(t, err.Error(), `title: wanted "after", found "before"`)
		assert.Equal(t, 1, count(srv, "PUT Tickets"))
	}
}

func TestUpdate_LostAnswerIsLookedUp(t *testing.T) {
	t.Parallel()
	change := func(t *autotask.Ticket) error {
		t.Title += "+"
		return nil
	}
	t.Run("carried out", func(t *testing.T) {
		t.Parallel()
		srv, client := tenant(t)
		id := srv.Seed("Tickets", map[string]any{"title": "x"})
		srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropResponse: true})
		ticket, err := client.Tickets.Update(t.Context(), id, change)
		require.NoError(t, err)
		assert.Equal(t, "x+", ticket.Title)
		assert.Equal(t, []string{"GET Tickets", "PUT Tickets", "GET Tickets"}, ops(srv))
	})
	t.Run("not carried out", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			client := srv.Client()
			id := srv.Seed("Tickets", map[string]any{"title": "x", "description": "old"})
			srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropRequest: true})
			_, err := client.Tickets.Update(t.Context(), id, change)
			require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
			assert.Equal(t, 1, count(srv, "PUT Tickets"), "it may still be carried out")

			pass(retryAfter(t, err))
			srv.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(row map[string]any) { row["priority"] = 1 }})
			_, err = client.Tickets.Get(t.Context(), id)
			require.NoError(t, err)
			ticket, err := client.Tickets.Update(t.Context(), id, change)
			require.NoError(t, err)
			assert.Equal(t, "x+", ticket.Title, "once, not twice")
			assert.Equal(t, int64(1), ticket.Priority, "the second write starts from a fresh read")
		})
	})
}

func TestUpdate_OtherEntitiesGetASparsePATCH(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	id := srv.Seed("TimeEntries", map[string]any{"ticketID": ticket, "summaryNotes": "before", "internalNotes": "secret"})
	entry, err := client.TimeEntries.Update(t.Context(), id, func(e *autotask.TimeEntry) error {
		e.SummaryNotes.Set("after")
		e.InternalNotes.SetNull()
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, "after", entry.SummaryNotes.Or(""))
	assert.Equal(t, []string{"GET TimeEntries", "PATCH TimeEntries", "GET TimeEntries"}, ops(srv))
	assert.JSONEq(t, `{"id":`+idText(id)+`,"summaryNotes":"after","internalNotes":null}`, string(bodies(srv, "PATCH TimeEntries")[0]))

	noteID := srv.Seed("TicketNotes", map[string]any{"ticketID": ticket, "title": "before"})
	srv.ResetRequests()
	_, err = autotask.Update(t.Context(), client, noteID, func(n *autotask.TicketNote) error {
		n.Title = "after"
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"GET TicketNotes", "PATCH Tickets/Notes", "GET TicketNotes"}, ops(srv), "a child is written through its parent")
}

func TestUpdate_AnotherItemInTheAnswerIsRefused(t *testing.T) {
	t.Parallel()
	srv, _ := tenant(t)
	other := srv.Seed("Tickets", nil)
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/7", httpmock.NewStringResponder(200, `{"item":`+string(srv.Raw("Tickets", other))+`}`))
	_, err := client.Tickets.Update(t.Context(), 7, func(t *autotask.Ticket) error { t.Title = "x"; return nil })
	require.ErrorIs(t, err, autotask.ErrServer)
	assert.Equal(t, 1, mock.GetTotalCallCount())
}

func TestPatch_SendsWhatIsSet(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("TimeEntries", map[string]any{"ticketID": srv.Seed("Tickets", nil)})
	err := autotask.Patch(t.Context(), client, id, &autotask.TimeEntry{SummaryNotes: autotask.Value("x"), InternalNotes: autotask.Null[string]()})
	require.NoError(t, err)
	assert.Equal(t, []string{"PATCH TimeEntries"}, ops(srv))
	assert.JSONEq(t, `{"id":`+idText(id)+`,"summaryNotes":"x","internalNotes":null}`, string(bodies(srv, "PATCH TimeEntries")[0]))

	for name, v := range map[string]*autotask.TimeEntry{
		"nil": nil, "empty": {}, "read-only": {HoursToBill: autotask.Value(1.0)}, "another id": {ID: id + 1, SummaryNotes: autotask.Value("x")},
	} {
		require.ErrorIs(t, autotask.Patch(t.Context(), client, id, v), autotask.ErrInvalid, name)
	}
	require.ErrorIs(t, autotask.Patch(t.Context(), client, 0, &autotask.TimeEntry{SummaryNotes: autotask.Value("x")}), autotask.ErrInvalid)
	assert.Len(t, ops(srv), 1, "bad input sends nothing")
}

func TestPatch_OfAChildGoesThroughItsParent(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	id := srv.Seed("TicketNotes", map[string]any{"ticketID": ticket, "title": "before", "description": "kept"})
	err := autotask.Patch(t.Context(), client, id, &autotask.TicketNote{TicketID: ticket, Title: "after", NoteType: 1, Publish: 2})
	require.NoError(t, err)
	assert.Equal(t, "/ATServicesRest/V1.0/Tickets/"+idText(ticket)+"/Notes", srv.Requests()[0].Path)
	assert.Equal(t, "after", srv.Get("TicketNotes", id)["title"])
	assert.Equal(t, "kept", srv.Get("TicketNotes", id)["description"], "empty plain fields are not sent")
}

func TestDelete(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	seed := func() int64 { return srv.Seed("TimeEntries", map[string]any{"ticketID": ticket}) }

	id := seed()
	require.NoError(t, client.TimeEntries.Delete(t.Context(), id))
	assert.Nil(t, srv.Get("TimeEntries", id))
	require.ErrorIs(t, client.TimeEntries.Delete(t.Context(), id), autotask.ErrNotFound, "there never was one, as far as this call knows")
	require.ErrorIs(t, client.TimeEntries.Delete(t.Context(), -1), autotask.ErrInvalid)

	id = seed()
	srv.Inject(autotasktest.Fault{Op: "DELETE TimeEntries", DropResponse: true})
	require.NoError(t, client.TimeEntries.Delete(t.Context(), id), "it is gone")
	assert.Nil(t, srv.Get("TimeEntries", id))
}

func TestCreate_Ticket(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id, err := client.Tickets.Create(t.Context(), &autotask.Ticket{
		Title: "Backup failed", Status: 1, Priority: 1, CompanyID: 0, QueueID: autotask.Null[int64](), DueDateTime: autotask.Value(time.Now()),
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"POST Tickets"}, ops(srv))
	sent := object(t, srv.Requests()[0].Body)
	assert.Equal(t, "0", idOf(sent["companyID"]), "company 0 is sent")
	assert.NotContains(t, sent, "id")
	assert.NotContains(t, sent, "description", "absent fields are not sent")
	ticket, err := client.Tickets.Get(t.Context(), id)
	require.NoError(t, err)
	assert.NotEmpty(t, ticket.TicketNumber.Or(""))
}

func TestCreate_BadInputIsRefusedAllAtOnce(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	_, err := client.Tickets.Create(t.Context(), &autotask.Ticket{
		ID: 3, Title: strings.Repeat("é", 256), CreateDate: autotask.Value(time.Now()),
	})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	require.ErrorIs(t, err, autotask.ErrMissingField)
	all := strings.Join(messages(t, err), "\n")
	for _, says := range []string{"the ID must be 0", "title has 256 characters", "createDate is set by Autotask", "status is required", "priority is required"} {
		assert.Contains(t, all, says)
	}
	_, err = client.Tickets.Create(t.Context(), nil)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	_, err = client.TimeEntries.Create(t.Context(), &autotask.TimeEntry{TicketID: autotask.Int(1)})
	require.ErrorIs(t, err, autotask.ErrMissingField, "resourceID")
	_, err = autotask.Create(t.Context(), client, note())
	require.ErrorIs(t, err, autotask.ErrMissingField, "a note without a ticket")
	_, err = client.Notes.Create(t.Context(), 0, note())
	require.ErrorIs(t, err, autotask.ErrInvalid)
	_, err = client.Notes.Create(t.Context(), 5, nil)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	other := note()
	other.TicketID = 6
	_, err = client.Notes.Create(t.Context(), 5, other)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, srv.Requests())
}

func TestCreate_LostAnswerIsOutcomeUnknownAndNotRepeated(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	srv.Inject(autotasktest.Fault{Op: "POST Tickets", DropResponse: true, Times: -1})
	_, err := client.Tickets.Create(t.Context(), &autotask.Ticket{Title: "x", Status: 1, Priority: 1})
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	assert.Equal(t, 1, count(srv, "POST Tickets"))
	var e *autotask.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 1, e.Attempts)
}

func TestCreate_UnknownOutcomeCarriesWhatWasSent(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	srv.Inject(autotasktest.Fault{Op: "POST TimeEntries", DropRequest: true})
	_, err := client.TimeEntries.Create(t.Context(), &autotask.TimeEntry{ResourceID: autotask.Int(4), SummaryNotes: autotask.Value("confidential")})
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	var e *autotask.Error
	require.ErrorAs(t, err, &e)
	assert.JSONEq(t, `{"resourceID":4,"summaryNotes":"confidential"}`, string(e.Sent))
	assert.NotContains(t, err.Error(), "confidential")
	encoded, err := json.Marshal(e)
	require.NoError(t, err)
	assert.NotContains(t, string(encoded), "confidential")
	assert.NotContains(t, e.LogValue().String(), "confidential")
}

func TestCreate_TicketWithExternalIDIsSearchedFor(t *testing.T) {
	t.Parallel()
	fresh := func() *autotask.Ticket {
		return &autotask.Ticket{Title: "Backup failed", Status: 1, Priority: 1, ExternalID: autotask.Value("job-17")}
	}
	older := map[string]any{"title": "Backup failed", "externalID": "job-17", "companyID": 0, "createDate": "2020-01-02T03:04:05Z"}

	t.Run("carried out", func(t *testing.T) {
		t.Parallel()
		srv, client := tenant(t)
		twin := srv.Seed("Tickets", older)
		srv.Inject(autotasktest.Fault{Op: "POST Tickets", DropResponse: true})
		id, err := client.Tickets.Create(t.Context(), fresh())
		require.NoError(t, err)
		assert.NotEqual(t, twin, id, "an older one with the same externalID is not it")
		assert.Equal(t, "job-17", srv.Get("Tickets", id)["externalID"])
		assert.Equal(t, []string{"POST Tickets", "POST Tickets/query"}, ops(srv))
	})
	t.Run("not carried out", func(t *testing.T) {
		t.Parallel()
		srv, client := tenant(t)
		srv.Seed("Tickets", older)
		srv.Inject(autotasktest.Fault{Op: "POST Tickets", DropRequest: true})
		_, err := client.Tickets.Create(t.Context(), fresh())
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		assert.Contains(t, err.Error(), "a search does not find the item")
	})
	t.Run("two of them", func(t *testing.T) {
		t.Parallel()
		srv, client := tenant(t)
		twin := maps.Clone(older)
		twin["createDate"] = time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
		srv.Seed("Tickets", twin)
		srv.Inject(autotasktest.Fault{Op: "POST Tickets", DropResponse: true})
		_, err := client.Tickets.Create(t.Context(), fresh())
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		assert.Contains(t, err.Error(), "ambiguous")
	})
	t.Run("search fails", func(t *testing.T) {
		t.Parallel()
		srv, client := tenant(t)
		srv.Inject(autotasktest.Fault{Op: "POST Tickets", DropResponse: true})
		srv.Inject(autotasktest.Fault{Op: "POST Tickets/query", Status: 500, Body: `{"errors":["no"]}`})
		_, err := client.Tickets.Create(t.Context(), fresh())
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		assert.Contains(t, err.Error(), "looking for the item failed")
	})
}

func TestCreate_NoteIsSearchedForAndNeverPostedTwice(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", nil)
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropResponse: true})
	noteID, err := client.Notes.Create(t.Context(), id, note())
	require.NoError(t, err)
	assert.NotNil(t, srv.Get("TicketNotes", noteID))

	srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropRequest: true})
	srv.SetClock(func() time.Time { return time.Now().Add(time.Hour) }) // the first note is old by now
	_, err = client.Notes.Create(t.Context(), id, note())
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	assert.Len(t, srv.Rows("TicketNotes"), 1)
	assert.Equal(t, 2, count(srv, "POST Tickets/Notes"))
}

func TestCreate_ItemIDMayComeAsText(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int64{
		string(fixture(t, "created.json")):         0,
		string(fixture(t, "created_text_id.json")): 0,
		`{"itemId":4711}`:                          4711,
		`{"itemId":"4711"}`:                        4711,
	} {
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodPost, testBase+"/TimeEntries", httpmock.NewStringResponder(200, body))
		id, err := client.TimeEntries.Create(t.Context(), &autotask.TimeEntry{ResourceID: autotask.Int(4)})
		require.NoError(t, err, body)
		assert.Positive(t, id)
		if want != 0 {
			assert.Equal(t, want, id)
		}
	}
	for _, body := range []string{`{}`, `{"itemId":null}`, `not JSON`, ``} {
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodPost, testBase+"/TimeEntries", httpmock.NewStringResponder(200, body))
		_, err := client.TimeEntries.Create(t.Context(), &autotask.TimeEntry{ResourceID: autotask.Int(4)})
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, "%q: it was created, but nobody knows as what", body)
	}
}

func TestWrite_CancelledInFlightIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client, err := autotask.NewClient(testCredentials, autotask.WithBaseURL(testBase), autotask.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			_, _ = io.ReadAll(req.Body)
			cancel()
			return nil, context.Cause(req.Context())
		}),
	}))
	require.NoError(t, err)
	_, err = client.TimeEntries.Create(ctx, &autotask.TimeEntry{ResourceID: autotask.Int(4)})
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.Canceled)
}

// turnedAway turns each of the next so many writes away, for longer than a PUT may
// wait.
func turnedAway(op string, times int) autotasktest.Fault {
	return autotasktest.Fault{Op: op, Times: times, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"30"}}}
}

// A whole PUT that had to wait is made anew from a fresh read, five times at the
// most; a PATCH may wait.
func TestUpdate_APUTThatHadToWaitBeginsAnew(t *testing.T) {
	t.Parallel()
	for times, reads := range map[int]int{1: 2, 4: 5, -1: 5} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			client, id := srv.InProcessClient(), seedRows(srv).Ticket
			srv.Inject(turnedAway("PUT Tickets", times))
			srv.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(row map[string]any) { row["description"] = "theirs" }})
			calls := 0
			_, err := client.Tickets.Update(t.Context(), id, func(k *autotask.Ticket) error {
				calls++
				k.Title = "mine"
				return nil
			})
			assert.Equal(t, reads, calls)
			if times < 0 {
				require.ErrorIs(t, err, autotask.ErrRateLimited)
				assert.Equal(t, reads, count(srv, "GET Tickets"))
				assert.Equal(t, reads, count(srv, "PUT Tickets"), "none was repeated as it was")
				return
			}
			require.NoError(t, err)
			row := srv.Get("Tickets", id)
			assert.Equal(t, "mine", row["title"])
			assert.Equal(t, "theirs", row["description"], "what somebody else wrote meanwhile stays")
		})
	}
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client, id := srv.InProcessClient(), seedRows(srv).Company
		srv.Inject(turnedAway("PATCH Companies", 1))
		_, err := autotask.Update(t.Context(), client, id, func(c *company) error {
			c.Phone.Set("+43 1 234")
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, []string{"GET Companies", "PATCH Companies", "PATCH Companies", "GET Companies"}, ops(srv))
	})
}

// A PUT that waited for less than ten seconds goes out as it is; after a slow read
// it may be older.
func TestUpdate_APUTMayWaitForAWhile(t *testing.T) {
	t.Parallel()
	for _, slow := range []time.Duration{0, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			client, id := srv.InProcessClient(), seedRows(srv).Ticket
			fault := turnedAway("PUT Tickets", 1)
			fault.Header = http.Header{"Retry-After": {fmt.Sprint(5 + 2*slow.Seconds())}}
			srv.Inject(fault)
			if slow > 0 {
				srv.Inject(autotasktest.Fault{Op: "GET Tickets", Delay: slow})
			}
			_, err := client.Tickets.Update(t.Context(), id, titled("mine"))
			require.NoError(t, err)
			assert.Equal(t, []string{"GET Tickets", "PUT Tickets", "PUT Tickets", "GET Tickets"}, ops(srv))
		})
	}
}

// A child is written through the parent that it was read with.
func TestUpdate_GoesThroughTheParentAsItWasRead(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket, other := srv.Seed("Tickets", nil), srv.Seed("Tickets", nil)
	id := srv.Seed("TicketNotes", map[string]any{"ticketID": ticket, "title": "before"})
	_, err := autotask.Update(t.Context(), client, id, func(n *autotask.TicketNote) error {
		n.TicketID = other
		return nil
	})
	require.Error(t, err)
	for _, r := range srv.Requests() {
		if isWrite(r.Op) {
			assert.Equal(t, "/ATServicesRest/V1.0/Tickets/"+idText(ticket)+"/Notes", r.Path)
		}
	}
	assert.Len(t, writes(srv), 1)
}

// The path says whose child an item is; its body must not.
func TestPatch_AReadOnlyParentIsInThePathAlone(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	id := srv.Seed("TicketChecklistItems", map[string]any{"ticketID": ticket, "itemName": "before"})
	err := autotask.Patch(t.Context(), client, id, &entity.TicketChecklistItem{TicketID: autotask.Int(ticket), ItemName: autotask.Value("after")})
	require.NoError(t, err)
	assert.Equal(t, "/ATServicesRest/V1.0/Tickets/"+idText(ticket)+"/ChecklistItems", srv.Requests()[0].Path)
	assert.JSONEq(t, `{"id":`+idText(id)+`,"itemName":"after"}`, string(srv.Requests()[0].Body))
}
