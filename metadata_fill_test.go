package autotask_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
)

// withPlans gives a tenant's tickets two user-defined fields, one of them a list.
func withPlans(srv *autotasktest.Server) {
	srv.SetUDFs("Tickets",
		autotasktest.UDFDefinition{Name: "Backup Plan", Picklist: []autotasktest.PicklistValue{
			{Value: "gold-1", Label: "Gold"}, {Value: "2", Label: "Silver"}, {Value: "3", Label: "Bronze", Inactive: true},
		}},
		autotasktest.UDFDefinition{Name: "Rack"},
	)
}

func TestFill_SetsFieldsByTheirLabels(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	withPlans(srv)
	ticket := &autotask.Ticket{Title: "Backup failed", UserDefinedFields: autotask.UDFs{{Name: "Rack", Value: autotask.Value("7b")}}}
	err := client.Picklists.Fill(t.Context(), ticket, map[string]string{
		"status": "in progress ", "QUEUEID": "Service Desk", "issueType": "Network", "subIssueType": "Hardware", "backup plan": "gold",
	})
	require.NoError(t, err)
	assert.Equal(t, &autotask.Ticket{
		Title: "Backup failed", Status: 10, QueueID: autotask.Int(29683354), IssueType: autotask.Int(11), SubIssueType: autotask.Int(147),
		UserDefinedFields: autotask.UDFs{{Name: "Rack", Value: autotask.Value("7b")}, {Name: "Backup Plan", Value: autotask.Value("gold-1")}},
	}, ticket)
	assert.ElementsMatch(t, []string{"GET Tickets/entityInformation/fields", "GET Tickets/entityInformation/userDefinedFields"}, ops(srv))

	srv.ResetRequests()
	srv.SetPicklist("TicketCharges", "chargeType", []autotasktest.PicklistValue{{Value: "4", Label: "Capital"}})
	charge := &entity.TicketCharge{}
	require.NoError(t, client.Picklists.Fill(t.Context(), charge, map[string]string{"chargeType": "Capital"}))
	assert.Equal(t, autotask.Int(4), charge.ChargeType)
	assert.Equal(t, []string{"GET TicketCharges/entityInformation/fields"}, ops(srv), "user-defined fields are asked for where one is named")
	require.NoError(t, client.Picklists.Fill(t.Context(), charge, nil))
}

// A label that repeats between parents is the one under the item's own.
func TestFill_GoesByTheParentThatTheItemHas(t *testing.T) {
	t.Parallel()
	_, client := tenant(t)
	for issue, sub := range map[int64]int64{10: 137, 11: 147} {
		ticket := &autotask.Ticket{IssueType: autotask.Int(issue)}
		require.NoError(t, client.Picklists.Fill(t.Context(), ticket, map[string]string{"subIssueType": "Hardware"}))
		assert.Equal(t, autotask.Int(sub), ticket.SubIssueType)
		assert.Equal(t, autotask.Int(issue), ticket.IssueType)
	}
	for _, issue := range []autotask.Optional[int64]{{}, autotask.Null[int64](), autotask.Int(4711)} {
		ticket := &autotask.Ticket{IssueType: issue}
		err := client.Picklists.Fill(t.Context(), ticket, map[string]string{"subIssueType": "Hardware"})
		require.ErrorIs(t, err, autotask.ErrAmbiguous)
		assert.True(t, ticket.SubIssueType.IsZero())
	}
	// The label that is given counts, not what was there before.
	ticket := &autotask.Ticket{IssueType: autotask.Int(10)}
	require.NoError(t, client.Picklists.Fill(t.Context(), ticket, map[string]string{"subIssueType": "Hardware", "issueType": "Network"}))
	assert.Equal(t, autotask.Int(147), ticket.SubIssueType)
}

func TestFill_AllFailuresAtOnceAndNothingSet(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	withPlans(srv)
	before := autotask.Ticket{Status: 1, UserDefinedFields: autotask.UDFs{{Name: "Backup Plan", Value: autotask.Value("2")}}}
	ticket := before
	ticket.UserDefinedFields = autotask.UDFs{{Name: "Backup Plan", Value: autotask.Value("2")}}
	err := client.Picklists.Fill(t.Context(), &ticket, map[string]string{
		"status": "In Progress", "queueID": "Nowhere", "Backup Plan": "Golden", "Rack": "7b", "sauce": "Phone", "priority": "High",
	})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	require.NotErrorIs(t, err, autotask.ErrNotFound)
	all := messages(t, err)
	require.Len(t, all, 4)
	for i, says := range []string{
		`Tickets.Backup Plan has no value "Golden"; did you mean "Gold" (gold-1)`, "Tickets.Rack is not a picklist", `Tickets.queueID has no value "Nowhere"`, `Tickets has no field "sauce"`,
	} {
		assert.Contains(t, all[i], says)
	}
	assert.Equal(t, before, ticket)
}

// small is a ticket of a caller's own, with few fields.
type small struct {
	ID       int64                     `json:"id"`
	Status   int32                     `json:"status"`
	Priority autotask.Optional[string] `json:"priority,omitzero"`
	Source   bool                      `json:"source"`
}

func (small) Collection() string { return "Tickets" }

func TestFill_TypesOfACaller(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	withPlans(srv)
	var ticket small
	require.NoError(t, client.Picklists.Fill(t.Context(), &ticket, map[string]string{"status": "Complete", "priority": "High"}))
	assert.EqualValues(t, 5, ticket.Status)
	assert.False(t, ticket.Priority.IsZero())
	before := ticket
	err := client.Picklists.Fill(t.Context(), &ticket, map[string]string{"status": "New", "queueID": "Service Desk", "source": "Phone", "Backup Plan": "Gold"})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Len(t, messages(t, err), 3, "the type has no field for them")
	assert.Equal(t, before, ticket)

	srv.ResetRequests()
	var none *autotask.Ticket
	for _, item := range []any{nil, none, autotask.Ticket{}, "Tickets", new(int), new(struct{ Status int64 })} {
		require.ErrorIs(t, client.Picklists.Fill(t.Context(), item, map[string]string{"status": "New"}), autotask.ErrInvalid)
	}
	assert.Empty(t, srv.Requests())
}

func TestPicklists_UserDefinedListsAreLikeOthers(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	withPlans(srv)
	plans, err := client.Picklists.Values(t.Context(), "Tickets", "BACKUP plan")
	require.NoError(t, err)
	assert.Equal(t, "Backup Plan", plans.Field)
	gold, err := plans.Find(" gold")
	require.NoError(t, err)
	assert.Equal(t, "gold-1", gold.Value)
	_, err = plans.ID("gold")
	require.ErrorIs(t, err, autotask.ErrInvalid, "it has no number")
	_, err = plans.Find("Golden")
	require.ErrorIs(t, err, autotask.ErrInvalid)
	_, err = client.Picklists.Values(t.Context(), "Tickets", "Rack")
	require.ErrorIs(t, err, autotask.ErrInvalid)
	_, err = client.Picklists.Values(t.Context(), "Tickets", "Backup Plans")
	require.ErrorContains(t, err, "did you mean Backup Plan")

	ids, err := client.Picklists.IDs(t.Context(), "Tickets", map[string]string{"Backup Plan": "Silver", "status": "New"})
	require.NoError(t, err)
	assert.Equal(t, map[string]int64{"Backup Plan": 2, "status": 1}, ids)
	_, err = client.Picklists.IDs(t.Context(), "Tickets", map[string]string{"Backup Plan": "Gold"})
	require.ErrorIs(t, err, autotask.ErrInvalid, "a text")
	_, err = client.Picklists.IDs(t.Context(), "Tickets", map[string]string{"Backup Plan": "Bronze"})
	require.ErrorContains(t, err, "inactive")

	// While the user-defined fields cannot be read, nothing is known of a name.
	srv, client = tenant(t, autotask.WithMaxRetries(0))
	srv.Inject(autotasktest.Fault{Op: "GET Tickets/entityInformation/userDefinedFields", Status: 503})
	_, err = client.Picklists.Values(t.Context(), "Tickets", "Backup Plan")
	require.ErrorIs(t, err, autotask.ErrServer)
	require.NotErrorIs(t, err, autotask.ErrInvalid)
}

func TestLabels(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	withPlans(srv)
	labels, err := client.Picklists.Labels(t.Context(), "Tickets")
	require.NoError(t, err)
	for field, want := range map[string]string{"status": "In Progress", "STATUS": "In Progress"} {
		got, ok := labels.Label(field, 10)
		assert.True(t, ok)
		assert.Equal(t, want, got)
	}
	got, ok := labels.Label("status", 9)
	assert.True(t, ok, "inactive values stand on old items")
	assert.Equal(t, "Waiting Customer", got)
	got, ok = labels.ValueLabel("backup plan", "gold-1")
	assert.True(t, ok)
	assert.Equal(t, "Gold", got)
	for _, field := range []string{"title", "nosuchfield", "status", "Rack"} {
		_, ok = labels.Label(field, 4711)
		assert.False(t, ok, field)
	}

	ticket := &autotask.Ticket{
		Title: "10", Status: 10, QueueID: autotask.Int(29683354), IssueType: autotask.Int(4711), SubIssueType: autotask.Null[int64](), Source: autotask.Optional[int64]{},
		UserDefinedFields: autotask.UDFs{{Name: "BACKUP PLAN", Value: autotask.Value("2")}, {Name: "Rack", Value: autotask.Value("2")}},
	}
	want := map[string]string{"status": "In Progress", "queueID": "Service Desk", "Backup Plan": "Silver"}
	of, err := labels.Of(ticket)
	require.NoError(t, err)
	assert.Equal(t, want, of)
	of, err = labels.Of(*ticket)
	require.NoError(t, err)
	assert.Equal(t, want, of)
	row := autotask.Row{JSON: []byte(`{"id":7,"status":10,"queueID":29683354,"odd":[10],"userDefinedFields":[{"name":"Backup Plan","value":"2"}]}`)}
	for _, item := range []any{row, &row} {
		of, err = labels.Of(item)
		require.NoError(t, err)
		assert.Equal(t, want, of)
	}
	for _, item := range []any{nil, 7, "status", []int{1}, autotask.Row{JSON: []byte(`{`)}} {
		_, err = labels.Of(item)
		require.ErrorIs(t, err, autotask.ErrInvalid)
	}
	assert.Equal(t, []string{"GET Tickets/entityInformation/fields", "GET Tickets/entityInformation/userDefinedFields"}, ops(srv), "two requests, kept")

	srv.Inject(autotasktest.Fault{Op: "GET Contacts/entityInformation/userDefinedFields", Status: 500, Body: `{"errors":["no"]}`})
	_, err = client.Picklists.Labels(t.Context(), "Contacts")
	require.Error(t, err, "half of the labels are not all of them")
}

// What Fill sets, Labels reads.
func TestFill_AndLabelsAreEachOthersReverse(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	withPlans(srv)
	fields, err := client.Metadata.Fields(t.Context(), "Tickets")
	require.NoError(t, err)
	all, err := client.Picklists.Labels(t.Context(), "Tickets")
	require.NoError(t, err)
	tried := 0
	for _, f := range fields {
		for _, v := range f.PicklistValues {
			ticket := new(autotask.Ticket)
			err := client.Picklists.Fill(t.Context(), ticket, map[string]string{f.Name: v.Label})
			if !v.Active || errors.Is(err, autotask.ErrAmbiguous) {
				require.Error(t, err, "%s: %s", f.Name, v.Label)
				continue
			}
			require.NoError(t, err, "%s: %s", f.Name, v.Label)
			labels, err := all.Of(ticket)
			require.NoError(t, err)
			assert.Equal(t, v.Label, labels[f.Name])
			tried++
		}
	}
	assert.Greater(t, tried, 20)
}

// One value may stand in a list several times, under a parent each.
func TestPicklists_AValueUnderSeveralParentsIsOne(t *testing.T) {
	t.Parallel()
	values := func(subs string) string {
		return `{"fields":[{"name":"issueType","dataType":"integer","isPickList":true,"picklistValues":[{"value":"1","label":"One"},{"value":"2","label":"Two"},{"value":"3","label":"Three"}]},` +
			`{"name":"subIssueType","dataType":"integer","isPickList":true,"picklistParentValueField":"issueType","picklistValues":[` + subs + `]}]}`
	}
	const twice = `{"value":"9","label":"Both","parentValue":"1"},{"value":"9","label":"Both","parentValue":"2"}`
	for name, c := range map[string]struct {
		subs      string
		ambiguous []int64
	}{
		"under two":                 {twice, nil},
		"in two casings":            {`{"value":"9","label":"Both","parentValue":"1"},{"value":"9","label":"BOTH","parentValue":"2"}`, nil},
		"under one and none":        {`{"value":"9","label":"Both"},{"value":"9","label":"Both","parentValue":"2"}`, nil},
		"inactive under one":        {`{"value":"9","label":"Both","parentValue":"1","isActive":false},{"value":"9","label":"Both","parentValue":"2"}`, nil},
		"beside another value":      {twice + `,{"value":"8","label":"Both","parentValue":"3"}`, []int64{8, 9}},
		"beside an inactive other":  {twice + `,{"value":"8","label":"Both","parentValue":"3","isActive":false}`, nil},
		"beside it, out of order":   {`{"value":"9","label":"both","parentValue":"1"},{"value":"8","label":"both","parentValue":"2"},{"value":"9","label":"both","parentValue":"3"}`, []int64{8, 9}},
		"beside a better spelt one": {twice + `,{"value":"8","label":"both","parentValue":"3"}`, nil},
	} {
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/entityInformation/fields", httpmock.NewStringResponder(200, values(c.subs)))
		p, err := client.Picklists.Values(t.Context(), "Tickets", "subIssueType")
		require.NoError(t, err)
		id, err := p.ID("Both")
		ids, resolveErr := client.Picklists.IDs(t.Context(), "Tickets", map[string]string{"subIssueType": "Both"})
		if c.ambiguous == nil {
			require.NoError(t, err, name)
			require.NoError(t, resolveErr, name)
			assert.EqualValues(t, 9, id, name)
			assert.Equal(t, map[string]int64{"subIssueType": 9}, ids, name)
			continue
		}
		for _, err := range []error{err, resolveErr} {
			var ambiguous *autotask.AmbiguousError
			require.ErrorAs(t, err, &ambiguous, name)
			assert.Equal(t, c.ambiguous, ambiguous.IDs(), name)
		}
	}
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/entityInformation/fields", httpmock.NewStringResponder(200, values(twice+`,{"value":"8","label":"Both","parentValue":"3"}`)))
	_, err := client.Picklists.IDs(t.Context(), "Tickets", map[string]string{"subIssueType": "Both"})
	require.ErrorContains(t, err, `8 (Both under issueType "Three" (3)), 9 (Both under issueType "One" (1) or issueType "Two" (2))`)
	for issue, sub := range map[string]int64{"One": 9, "Two": 9, "Three": 8} {
		ids, err := client.Picklists.IDs(t.Context(), "Tickets", map[string]string{"issueType": issue, "subIssueType": "Both"})
		require.NoError(t, err)
		assert.Equal(t, sub, ids["subIssueType"])
	}
}

func ExamplePicklistsService_Fill() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	ctx := context.Background()

	ticket := &autotask.Ticket{Title: "Backup failed", CompanyID: 0}
	err := client.Picklists.Fill(ctx, ticket, map[string]string{
		"status": "New", "priority": "High", "issueType": "Network", "subIssueType": "Hardware",
	})
	if err != nil {
		log.Fatal(err)
	}
	id, err := client.Tickets.Create(ctx, ticket)
	if err != nil {
		log.Fatal(err)
	}

	labels, err := client.Picklists.Labels(ctx, "Tickets")
	if err != nil {
		log.Fatal(err)
	}
	ticket, err = client.Tickets.Get(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	of, err := labels.Of(ticket)
	fmt.Println(of["status"], of["priority"], of["subIssueType"], err)
	// Output:
	// New High Hardware <nil>
}
