package autotask_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestPicklists_Resolve(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	for name, test := range map[string]struct {
		labels map[string]string
		want   map[string]int64
	}{
		"several":                         {map[string]string{"status": "In Progress", "queueID": "Service Desk"}, map[string]int64{"status": 10, "queueID": 29683354}},
		"the caller's spelling":           {map[string]string{"STATUS": " in progress", "QueueId": "SERVICE DESK "}, map[string]int64{"STATUS": 10, "QueueId": 29683354}},
		"none":                            {nil, map[string]int64{}},
		"child under its parent":          {map[string]string{"issueType": "Network", "subIssueType": "Hardware"}, map[string]int64{"issueType": 11, "subIssueType": 147}},
		"child that is named before it":   {map[string]string{"issuetype": "computer", "SUBISSUETYPE": "hardware"}, map[string]int64{"issuetype": 10, "SUBISSUETYPE": 137}},
		"child whose label is unique":     {map[string]string{"subIssueType": "Slow Network"}, map[string]int64{"subIssueType": 148}},
		"the same label of other fields":  {map[string]string{"source": "Monitoring Alert", "ticketType": "Alert"}, map[string]int64{"source": 8, "ticketType": 5}},
		"labels of which one has another": {map[string]string{"status": "Complete"}, map[string]int64{"status": 5}},
	} {
		got, err := client.Picklists.IDs(t.Context(), "Tickets", test.labels)
		require.NoError(t, err, name)
		assert.Equal(t, test.want, got, name)
	}
	assert.Equal(t, []string{"GET Tickets/entityInformation/fields"}, ops(srv), "one request, kept")
}

func TestPicklists_Resolve_Failures(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	srv.SetPicklist("Tickets", "priority", []autotasktest.PicklistValue{
		{Value: "1", Label: "High"}, {Value: "2", Label: "Very high"}, {Value: "3", Label: "Low", Inactive: true}, {Value: "4", Label: "Lower"},
		{Value: "5", Label: "Twin"}, {Value: "6", Label: "Twin"}, {Value: "7", Label: "Old twin", Inactive: true}, {Value: "8", Label: "old TWIN"},
	})
	srv.SetPicklist("Tickets", "purchaseOrderNumber", []autotasktest.PicklistValue{{Value: "MM/dd", Label: "American"}})
	for name, test := range map[string]struct {
		labels map[string]string
		is     error
		says   []string
	}{
		"misspelt label":         {map[string]string{"status": "In Progres"}, autotask.ErrInvalid, []string{`Tickets.status has no value "In Progres"; did you mean "In Progress" (10)`}},
		"part of a label":        {map[string]string{"status": "progress"}, autotask.ErrInvalid, []string{`did you mean "In Progress" (10)`}},
		"more than a label":      {map[string]string{"queueID": "the service desk queue"}, autotask.ErrInvalid, []string{`did you mean "Service Desk" (29683354)`}},
		"several near":           {map[string]string{"status": "Completedd"}, autotask.ErrInvalid, []string{`did you mean "Completed" (8) or "Complete" (5)`}},
		"nothing near":           {map[string]string{"status": "Zzz"}, autotask.ErrInvalid, []string{`Tickets.status has no value "Zzz"`}},
		"empty label":            {map[string]string{"status": ""}, autotask.ErrInvalid, []string{`Tickets.status has no value ""`}},
		"an id":                  {map[string]string{"status": "5"}, autotask.ErrInvalid, []string{`Tickets.status has no value "5"`}},
		"unknown field":          {map[string]string{"queue": "Service Desk"}, autotask.ErrInvalid, []string{`Tickets has no field "queue"; did you mean queueID`}},
		"misspelt field":         {map[string]string{"statsu": "New"}, autotask.ErrInvalid, []string{`did you mean status`}},
		"no picklist":            {map[string]string{"title": "New"}, autotask.ErrInvalid, []string{`Tickets.title is not a picklist`}},
		"reference":              {map[string]string{"companyID": "Contoso"}, autotask.ErrInvalid, []string{`Tickets.companyID is not a picklist; it holds the id of a Company`}},
		"inactive":               {map[string]string{"priority": "low"}, autotask.ErrInvalid, []string{`Tickets.priority: "Low" (3) is inactive and cannot be set; did you mean "Lower" (4)`}},
		"inactive, none like it": {map[string]string{"status": "Waiting Customer"}, autotask.ErrInvalid, []string{`"Waiting Customer" (9) is inactive`}},
		"text value":             {map[string]string{"purchaseOrderNumber": "American"}, autotask.ErrInvalid, []string{`"American" is "MM/dd"`}},
		"ambiguous":              {map[string]string{"priority": "twin"}, autotask.ErrAmbiguous, []string{`Tickets.priority "twin" may be 5 (Twin), 6 (Twin)`}},
		"ambiguous child": {map[string]string{"subIssueType": "hardware"}, autotask.ErrAmbiguous,
			[]string{`137 (Hardware under issueType "Computer" (10)), 147 (Hardware under issueType "Network" (11))`}},
		"child of another parent": {map[string]string{"issueType": "Network", "subIssueType": "Backup"}, autotask.ErrInvalid,
			[]string{`Tickets.subIssueType has no value "Backup" under issueType "Network" (11); there is one under issueType "Computer" (10)`}},
		"misspelt child": {map[string]string{"issueType": "Network", "subIssueType": "Hardwear"}, autotask.ErrInvalid,
			[]string{`under issueType "Network" (11); did you mean "Hardware" (147)`}},
		"field given twice": {map[string]string{"status": "New", "Status": "New"}, autotask.ErrInvalid, []string{`"Status" and "status" are the same field`}},
	} {
		got, err := client.Picklists.IDs(t.Context(), "Tickets", test.labels)
		require.ErrorIs(t, err, test.is, name)
		assert.Nil(t, got, name)
		for _, kind := range []error{autotask.ErrNotFound, autotask.ErrInvalid, autotask.ErrAmbiguous} {
			assert.Equal(t, errors.Is(test.is, kind), errors.Is(err, kind), "%s: %v", name, kind)
		}
		for _, says := range test.says {
			assert.Contains(t, err.Error(), says, name)
		}
		assert.Equal(t, strings.Contains(strings.Join(test.says, ""), "did you mean"), strings.Contains(err.Error(), "did you mean"), name)
		assert.Len(t, messages(t, err), 1, name)
	}
	// An inactive value does not stand in the way of an active one.
	got, err := client.Picklists.IDs(t.Context(), "Tickets", map[string]string{"priority": "Old twin"})
	require.NoError(t, err)
	assert.Equal(t, map[string]int64{"priority": 8}, got)
}

func TestPicklists_Resolve_NamesAllThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	_, client := tenant(t)
	_, err := client.Picklists.IDs(t.Context(), "Tickets", map[string]string{
		"status": "Waiting Customer", "queueID": "Nowhere", "subIssueType": "Hardware", "title": "x", "sauce": "Phone", "priority": "High",
	})
	for _, kind := range []error{autotask.ErrInvalid, autotask.ErrAmbiguous} {
		require.ErrorIs(t, err, kind)
	}
	all := messages(t, err)
	require.Len(t, all, 5)
	for i, says := range []string{"Tickets.queueID", `no field "sauce"; did you mean source`, "Tickets.status", "Tickets.subIssueType", "Tickets.title"} {
		assert.Contains(t, all[i], says)
	}
	var ambiguous *autotask.AmbiguousError
	require.ErrorAs(t, err, &ambiguous)
	assert.Equal(t, []int64{137, 147}, ambiguous.IDs())
	assert.Equal(t, 1, strings.Count(err.Error(), "may be"), "it is told once")
	assert.NotContains(t, err.Error(), "\n")
}

func TestPicklists_Resolve_ParentThatFails(t *testing.T) {
	t.Parallel()
	_, client := tenant(t)
	for child, failures := range map[string]int{
		"Hardware": 1, // whether it is ambiguous hangs on the parent
		"Backup":   1,
		"Nonsense": 2, // that is under no parent
	} {
		got, err := client.Picklists.IDs(t.Context(), "Tickets", map[string]string{"issueType": "Netwrk", "subIssueType": child})
		require.ErrorIs(t, err, autotask.ErrInvalid, child)
		assert.Nil(t, got)
		assert.Len(t, messages(t, err), failures, child)
		assert.Contains(t, messages(t, err)[0], `did you mean "Network" (11)`)
	}
}

func TestPicklists_Resolve_OddMetadata(t *testing.T) {
	t.Parallel()
	field := func(name, parent, values string) string {
		return fmt.Sprintf(`{"name":%q,"isPickList":true,"picklistParentValueField":%q,"picklistValues":[%s]}`, name, parent, values)
	}
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/Things/entityInformation/fields", httpmock.NewStringResponder(200, `{"fields":[`+strings.Join([]string{
		field("Ring1", "Ring2", `{"value":"1","label":"One","parentValue":"2"}`),
		field("Ring2", "Ring1", `{"value":"2","label":"Two","parentValue":"1"}`),
		field("Own", "own", `{"value":"3","label":"Three","parentValue":"9"}`),
		field("Orphan", "NoSuchField", `{"value":"4","label":"Same","parentValue":"7"},{"value":"5","label":"Same","parentValue":"8"}`),
		field("Endless", "", `{"value":"6","label":"`+strings.Repeat("e", 5000)+`"}`),
		field("A", "", `{"value":"1","label":"A1"},{"value":"2","label":"A2"}`),
		field("B", "A", `{"value":"11","label":"B","parentValue":"1"},{"value":"12","label":"B","parentValue":"2"}`),
		field("C", "B", `{"value":"111","label":"C","parentValue":"11"},{"value":"112","label":"C","parentValue":"12"},{"value":"113","label":"Any","parentValue":""}`),
	}, ",")+`]}`))
	resolve := func(labels map[string]string) (map[string]int64, error) {
		return client.Picklists.IDs(t.Context(), "Things", labels)
	}
	got, err := resolve(map[string]string{"ring1": "one", "ring2": "two", "own": "three"})
	require.NoError(t, err, "fields that depend on each other")
	assert.Equal(t, map[string]int64{"ring1": 1, "ring2": 2, "own": 3}, got)

	_, err = resolve(map[string]string{"orphan": "same"})
	require.ErrorIs(t, err, autotask.ErrAmbiguous)
	assert.Contains(t, err.Error(), `under NoSuchField 7`)

	_, err = resolve(map[string]string{"endless": strings.Repeat("e", 4999)})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Less(t, len(messages(t, err)[0]), 200)

	got, err = resolve(map[string]string{"a": "A2", "b": "B", "c": "C"})
	require.NoError(t, err, "a chain")
	assert.Equal(t, map[string]int64{"a": 2, "b": 12, "c": 112}, got)
	got, err = resolve(map[string]string{"a": "A1", "b": "B", "c": "Any"})
	require.NoError(t, err, "a value that applies under every parent")
	assert.Equal(t, int64(113), got["c"])
	_, err = resolve(map[string]string{"a": "none", "b": "B", "c": "C"})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Len(t, messages(t, err), 1, "one thing is wrong")
}

func TestPicklists_Values_NamesFieldsLikeIt(t *testing.T) {
	t.Parallel()
	_, client := tenant(t)
	_, err := client.Picklists.Values(t.Context(), "Tickets", "prioritaet")
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Contains(t, err.Error(), `Tickets has no field "prioritaet"; did you mean priority`)
}

func ExamplePicklistsService_IDs() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	ctx := context.Background()

	ids, err := client.Picklists.IDs(ctx, "Tickets", map[string]string{
		"status": "In Progress", "issueType": "Network", "subIssueType": "Hardware",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ids["status"], ids["issueType"], ids["subIssueType"])

	_, err = client.Picklists.IDs(ctx, "Tickets", map[string]string{"status": "In Progres"})
	fmt.Println(err)
	// Output:
	// 10 11 147
	// autotask: invalid request: Tickets.status has no value "In Progres"; did you mean "In Progress" (10)
}
