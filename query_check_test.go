package autotask_test

import (
	"context"
	"net/http"
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

// asked runs a query in every way there is, and returns the errors.
func asked[T autotask.Queryable](ctx context.Context, client *autotask.Client, q autotask.Query) map[string]error {
	failures := map[string]error{}
	_, failures["List"] = autotask.List[T](ctx, client, q)
	if len(q.Fields) == 0 { // which play no part in a Count
		_, failures["Count"] = autotask.Count[T](ctx, client, q)
	}
	for _, err := range autotask.All[T](ctx, client, q) {
		failures["All"] = err
	}
	for _, err := range autotask.Pages[T](ctx, client, q) {
		failures["Pages"] = err
	}
	for _, err := range autotask.Scan[T](ctx, client, q, autotask.ScanOptions{Workers: 3}) {
		failures["Scan"] = err
	}
	return failures
}

func TestQuery_WrongNamesAndValuesAreRefusedUnsent(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for says, q := range map[string]autotask.Query{
		`Tickets has no field "compnayID"; did you mean companyID`:         {Filter: autotask.Eq("compnayID", 0)},
		`Tickets has no field "queue"; did you mean queueID`:               {Filter: autotask.In("queue", 1, 2)},
		`Tickets has no field "statsu"; did you mean status`:               {Filter: autotask.And(autotask.Eq("priority", 1), autotask.Or(autotask.Exist("statsu"), autotask.Exist("title")))},
		`Tickets has no field "titel"; did you mean title`:                 {Fields: []string{"status", "titel"}},
		`Tickets has no field "zebra"; for one that this library`:          {Filter: autotask.NotExist("zebra")},
		`Tickets.status holds numbers, not the string "In Progress"; Pick`: {Filter: autotask.Eq("status", "In Progress")},
		`Tickets.queueID holds numbers, not the string "Help Desk"`:        {Filter: autotask.NotIn("queueID", "5", "Help Desk")},
		`Tickets.status holds numbers, not the string ""`:                  {Filter: autotask.Eq("status", "")},
		`Tickets.companyID holds numbers, not the string "Contoso"`:        {Filter: autotask.Contains("companyid", "Contoso")},
		`Tickets.id holds numbers, not the string "T20261122.0001"`:        {Filter: autotask.Eq("ID", "T20261122.0001")},
		`Tickets.status holds numbers, not true; use 1 or 0`:               {Filter: autotask.Eq("status", true)},
		`Tickets.status holds numbers, not the time 2026-11-22T08:`:        {Filter: autotask.Gt("status", at)},
		`Tickets.estimatedHours holds numbers, not the string "two"`:       {Filter: autotask.Gt("estimatedHours", "two")},
		`Tickets.createDate holds times, not true; use a time.Time`:        {Filter: autotask.Eq("createDate", true)},
		`Tickets.createDate holds times, not 1764000000`:                   {Filter: autotask.Gte("createDate", 1764000000)},
		`Tickets.dueDateTime holds times, not "yesterday"`:                 {Filter: autotask.Lt("dueDateTime", "yesterday")},
		`Tickets.isVisibleToComanaged holds true or false, not 2`:          {Filter: autotask.Eq("isVisibleToComanaged", 2)},
		`Tickets.isVisibleToComanaged holds true or false, not "maybe"`:    {Filter: autotask.Eq("isVisibleToComanaged", "maybe")},
		`Tickets.isVisibleToComanaged holds true or false, not 2026`:       {Filter: autotask.Eq("isVisibleToComanaged", at)},
	} {
		for way, err := range asked[autotask.Ticket](t.Context(), client, q) {
			require.ErrorIs(t, err, autotask.ErrInvalid, "%s: %s", way, says)
			assert.Contains(t, err.Error(), says, way)
		}
	}
	for way, err := range asked[entity.Company](t.Context(), client, autotask.Query{Filter: autotask.BeginsWith("compnayName", "A")}) {
		require.ErrorIs(t, err, autotask.ErrInvalid, way)
		assert.Contains(t, err.Error(), "Companies has no field \"compnayName\"; did you mean companyName", way)
	}
	_, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.And(autotask.Eq("statsu", 1), autotask.Eq("priority", "High")), Fields: []string{"titel"}})
	assert.Len(t, messages(t, err), 3, "all at once")
	assert.Empty(t, srv.Requests())
}

// What Autotask takes must pass: names in any casing, and texts that read as
// numbers, booleans or times.
func TestQuery_WhatAutotaskTakesIsSent(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for name, q := range map[string]autotask.Query{
		"another casing":             {Filter: autotask.And(autotask.Eq("COMPANYID", 0), autotask.Exist("Title")), Fields: []string{"STATUS", "Id", "problemTicketID"}},
		"a number as text":           {Filter: autotask.In("status", "5", " 8", "-1", "1.0", "1e3")},
		"a number beyond int64":      {Filter: autotask.Lt("id", "99999999999999999999")},
		"a fraction":                 {Filter: autotask.Gt("status", 1.5)},
		"a number for a text":        {Filter: autotask.Eq("title", 5)},
		"a boolean for a text":       {Filter: autotask.Eq("externalID", true)},
		"a time for a text":          {Filter: autotask.Eq("externalID", at)},
		"a boolean":                  {Filter: autotask.In("isVisibleToComanaged", true, false)},
		"a boolean as a number":      {Filter: autotask.In("isVisibleToComanaged", 0, 1)},
		"a boolean as a text":        {Filter: autotask.In("isVisibleToComanaged", "True", "false", "0", "1")},
		"a time":                     {Filter: autotask.Gte("createDate", at)},
		"a day as a text":            {Filter: autotask.Gte("createDate", "2026-11-22")},
		"a time in another spelling": {Filter: autotask.Gte("createDate", "22 Nov 2026 08:00")},
		"user-defined fields":        {Filter: autotask.UDF(autotask.Eq("compnayID", "any")), Fields: []string{"userDefinedFields"}},
		"one among the Fields":       {Fields: []string{"Backup Plan"}},
	} {
		client, mock := mocked(t)
		mock.RegisterNoResponder(httpmock.NewStringResponder(200, `{"queryCount":0,"items":[],"pageDetails":{"nextPageUrl":null}}`))
		for way, err := range asked[autotask.Ticket](t.Context(), client, q) {
			require.NoError(t, err, "%s: %s", way, name)
		}
	}
}

// What the library knows of a collection says nothing of a caller's own type.
func TestQuery_TypesOfACallerAndRowsTakeAnyName(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterNoResponder(httpmock.NewStringResponder(200, `{"queryCount":0,"items":[],"pageDetails":{"nextPageUrl":null}}`))
	q := autotask.Query{Filter: autotask.And(autotask.Eq("brandNew", "text"), autotask.Eq("status", "In Progress")), Fields: []string{"brandNew"}}
	for way, err := range asked[company](t.Context(), client, q) {
		require.NoError(t, err, way)
	}
	_, err := client.Collection("Tickets").Count(t.Context(), q)
	require.NoError(t, err)
	for _, err := range client.Collection("Tickets").All(t.Context(), q) {
		require.NoError(t, err)
	}
}

// history seeds changes of a ticket, and one of another.
func history(srv *autotasktest.Server, n int) (ticket int64, ids []int64) {
	ticket, other := srv.Seed("Tickets", nil), srv.Seed("Tickets", nil)
	srv.Seed("TicketHistory", map[string]any{"ticketID": other})
	for range n {
		ids = append(ids, srv.Seed("TicketHistory", map[string]any{"ticketID": ticket}))
	}
	return ticket, ids
}

func historyIDs(items []*entity.TicketHistory) []int64 {
	var ids []int64
	for _, item := range items {
		ids = append(ids, item.ID)
	}
	return ids
}

func TestTicketHistory_ItsOneConditionIsTheOnlyOneSent(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket, ids := history(srv, 1203)
	for name, f := range map[string]autotask.Filter{
		"alone":         autotask.Eq("ticketID", ticket),
		"in any casing": autotask.Eq("TICKETID", ticket),
		"in a group":    autotask.And(autotask.Or(autotask.Eq("ticketID", ticket))),
		"in a list":     autotask.In("ticketID", ticket),
	} {
		srv.ResetRequests()
		q := autotask.Query{Filter: f}
		found, err := autotask.List[entity.TicketHistory](t.Context(), client, q)
		require.NoError(t, err, name)
		assert.Equal(t, ids, historyIDs(found), name)
		n, err := autotask.Count[entity.TicketHistory](t.Context(), client, q)
		require.NoError(t, err, name)
		assert.EqualValues(t, len(ids), n, name)

		q.After = autotask.Int(ids[600])
		found, err = autotask.List[entity.TicketHistory](t.Context(), client, q)
		require.NoError(t, err, name)
		assert.Equal(t, ids[601:], historyIDs(found), name)
		n, err = autotask.Count[entity.TicketHistory](t.Context(), client, q)
		require.NoError(t, err, name)
		assert.EqualValues(t, len(ids)-601, n, name)
		for _, r := range srv.Requests() {
			assert.Contains(t, strings.ToLower(string(r.Body)), `"filter":[{"op":"eq","field":"ticketid","value":`, name)
			assert.NotContains(t, string(r.Body), `"gt"`, name)
		}
	}
}

func TestTicketHistory_PagesAndScanGoOnWhereTheyStopped(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket, ids := history(srv, 1203)
	q := autotask.Query{Filter: autotask.Eq("ticketID", ticket)}

	var got []int64
	for range 4 { // a run for each page
		for page, err := range autotask.Pages[entity.TicketHistory](t.Context(), client, q) {
			require.NoError(t, err)
			got, q.After = append(got, historyIDs(page.Items)...), page.After
			break
		}
	}
	assert.Equal(t, ids, got)

	got, q.After = nil, autotask.Optional[int64]{}
	var rest []autotask.IDRange
	for done := false; !done; {
		for page, err := range autotask.Scan[entity.TicketHistory](t.Context(), client, q, autotask.ScanOptions{Workers: 3, Resume: rest}) {
			require.NoError(t, err)
			got, rest, done = append(got, historyIDs(page.Items)...), page.Remaining, page.Done
			break
		}
	}
	assert.Equal(t, ids, got)

	within := []autotask.IDRange{{After: autotask.Int(ids[10]), Last: autotask.Int(ids[20])}, {After: autotask.Int(ids[700]), Last: autotask.Int(ids[703])}}
	got = nil
	for page, err := range autotask.Scan[entity.TicketHistory](t.Context(), client, q, autotask.ScanOptions{Workers: 3, Resume: within}) {
		require.NoError(t, err)
		got = append(got, historyIDs(page.Items)...)
	}
	assert.Equal(t, append(append([]int64(nil), ids[11:21]...), ids[701:704]...), got)
}

func TestTicketHistory_OtherSearchesAreRefusedUnsent(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	for name, f := range map[string]autotask.Filter{
		"none":          {},
		"another field": autotask.Eq("id", 7),
		"two":           autotask.And(autotask.Eq("ticketID", 7), autotask.Exist("action")),
		"two tickets":   autotask.In("ticketID", 7, 8),
		"greater":       autotask.Gte("ticketID", 7),
		"a UDF":         autotask.UDF(autotask.Eq("ticketID", "7")),
	} {
		for way, err := range asked[entity.TicketHistory](t.Context(), client, autotask.Query{Filter: f}) {
			require.ErrorIs(t, err, autotask.ErrInvalid, "%s: %s", way, name)
			assert.Contains(t, err.Error(), `TicketHistory can be searched by one condition only: Eq("ticketID", id)`, name)
		}
		for _, err := range client.Collection("tickethistory").All(t.Context(), autotask.Query{Filter: f}) {
			require.ErrorIs(t, err, autotask.ErrInvalid, name)
		}
	}
	_, err := autotask.GetMany[entity.TicketHistory](t.Context(), client, []int64{7})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, srv.Requests())
}

type (
	idList    []int64
	names     []string
	statusIDs []statusID
)

func TestIn_OneSliceIsTheListOfItsElements(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]autotask.Filter{
		`{"op":"in","field":"id","value":[7,8]}`:               autotask.In("id", []int64{7, 8, 7}),
		`{"op":"in","field":"id","value":[7,9]}`:               autotask.In("id", idList{7, 9}),
		`{"op":"in","field":"id","value":[1,2]}`:               autotask.In("id", []int{1, 2}),
		`{"op":"in","field":"id","value":[3,4]}`:               autotask.In("id", [2]uint8{3, 4}[0], 4),
		`{"op":"in","field":"id","value":[5,6]}`:               autotask.In("id", [2]int{5, 6}),
		`{"op":"in","field":"status","value":[1,5]}`:           autotask.In("status", statusIDs{1, 5}),
		`{"op":"in","field":"title","value":["a","A"]}`:        autotask.In("title", []string{"a", "A"}),
		`{"op":"in","field":"title","value":["b","B"]}`:        autotask.In("title", names{"b", "B"}),
		`{"op":"in","field":"title","value":["a",1,true]}`:     autotask.In("title", []any{"a", 1, true}),
		`{"op":"in","field":"title","value":["x",2]}`:          autotask.In[any]("title", []any{"x", 2}),
		`{"op":"notIn","field":"status","value":[7,8]}`:        autotask.NotIn("status", []autotask.Optional[int64]{autotask.Int(7), autotask.Int(8)}),
		`{"op":"notIn","field":"title","value":["K","k","K"]}`: autotask.NotIn("title", []string{"K", "k", "\u212a"}),
	} {
		assert.Equal(t, want, sentFilter(t, f))
	}
	srv, client := tenant(t)
	for name, f := range map[string]autotask.Filter{
		"no elements": autotask.In("id", []int64{}),
		"nil":         autotask.In("id", []int64(nil)),
		"two slices":  autotask.In("id", []int64{1}, []int64{2}),
		"nested":      autotask.In("id", [][]int64{{1}, {2}}),
		"bytes":       autotask.In("title", []byte("text")),
		"a bad one":   autotask.NotIn("id", []any{1, nil}),
	} {
		_, err := client.Tickets.List(t.Context(), autotask.Query{Filter: f})
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
	}
	assert.Empty(t, srv.Requests())
	ids := seedTickets(srv, 600)
	found, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.In("id", ids)})
	require.NoError(t, err)
	assert.Len(t, found, 600, "in parts, as one by one")
	assert.Equal(t, http.MethodPost, srv.Requests()[0].Method)
}
