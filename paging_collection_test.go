package autotask_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/schema"
)

// oddRow is a row as no encoder of ours would write it.
var oddRow = "{ \"title\":\"a\\u0041\\/\xff\",\r\n\t\"big\" : 12345678901234567890.10e0,\"unheardOf\":{\"x\" :[null , 1.50]},\"id\":7 }"

// sent is a row as it came.
func sent(r *autotask.Row) string { return string(r.JSON) }

func TestCollection_RowsAreWhatAutotaskSentByteForByte(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodPost, testBase+"/Novelties/query", httpmock.NewStringResponder(200,
		`{"items":[ {"id":6} , `+oddRow+` ],"pageDetails":{"count":2,"nextPageUrl":null}}`))
	mock.RegisterResponder(http.MethodGet, testBase+"/Novelties/7", httpmock.NewStringResponder(200, `{"item": `+oddRow+` }`))
	mock.RegisterResponder(http.MethodPost, testBase+"/Novelties/query/count", httpmock.NewStringResponder(200, `{"queryCount":2}`))
	novelties := client.Collection("Novelties")

	var all []*autotask.Row
	for row, err := range novelties.All(t.Context(), autotask.Query{Filter: autotask.Eq("unheardOf", "x"), Fields: []string{"big"}}) {
		require.NoError(t, err)
		all = append(all, row)
	}
	require.Len(t, all, 2)
	assert.Equal(t, `{"id":6}`, string(all[0].JSON))
	assert.Equal(t, oddRow, sent(all[1]))
	assert.EqualValues(t, 7, all[1].ID)

	one, err := novelties.Get(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, &autotask.Row{ID: 7, JSON: []byte(oddRow)}, one)
	for page, err := range novelties.Pages(t.Context(), autotask.Query{}) {
		require.NoError(t, err)
		assert.Equal(t, autotask.Int(7), page.After)
		assert.Equal(t, oddRow, sent(page.Items[1]))
	}
	n, err := novelties.Count(t.Context(), autotask.Query{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, n)
}

func TestCollection_KeepsNothingOfTheAnswersMemory(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodGet, `=~/Novelties/\d+$`, func(req *http.Request) (*http.Response, error) {
		n := req.URL.Path[len(req.URL.Path)-1:]
		return httpmock.NewStringResponse(200, `{"item":{"id":`+n+`,"text":"`+strings.Repeat(n, 50)+`"}}`), nil
	})
	var rows []*autotask.Row
	for id := range int64(9) {
		row, err := client.Collection("Novelties").Get(t.Context(), id+1)
		require.NoError(t, err)
		rows = append(rows, row)
	}
	for i, row := range rows {
		assert.Contains(t, string(row.JSON), strings.Repeat(fmt.Sprint(i+1), 50))
	}
}

func TestCollection_Get(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed"})
	row, err := client.Collection("Tickets").Get(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, id, row.ID)
	assert.Equal(t, "Backup failed", object(t, row.JSON)["title"])
	row, err = client.Collection("Companies").Get(t.Context(), 0)
	require.NoError(t, err)
	assert.Zero(t, row.ID)

	_, err = client.Collection("Tickets").Get(t.Context(), 4711)
	require.ErrorIs(t, err, autotask.ErrNotFound)
	srv.ResetRequests()
	_, err = client.Collection("Tickets").Get(t.Context(), -1)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	for _, name := range []string{"", "Tickets/5", "../Tickets", "Tickets?x"} {
		c := client.Collection(name)
		_, err = c.Get(t.Context(), 1)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		_, err = c.Count(t.Context(), autotask.Query{})
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		for _, err := range c.All(t.Context(), autotask.Query{}) {
			require.ErrorIs(t, err, autotask.ErrInvalid, name)
		}
		for _, err := range c.Pages(t.Context(), autotask.Query{}) {
			require.ErrorIs(t, err, autotask.ErrInvalid, name)
		}
	}
	assert.Empty(t, srv.Requests())
	for _, body := range []string{`{}`, `{"items":[]}`, `{"item":[]}`, `{"item":{"id":8}}`, `{"item":{"title":"x"}}`, `{"item":{"id":null}}`, ``} {
		_, err := answering(t, 200, []byte(body)).Collection("Tickets").Get(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrServer, body)
		require.NotErrorIs(t, err, autotask.ErrNotFound, body)
	}
}

// A collection that does not exist is no missing item: every door says which one
// was meant.
func TestCollections_MisspeltOnesNameTheRightOne(t *testing.T) {
	t.Parallel()
	_, client := tenant(t)
	for name, right := range map[string]string{
		"Ticket": "Tickets", "ticket": "Tickets", "Tickts": "Tickets", "Company": "Companies", "TicketCategory": "TicketCategories",
		"TicketHistories": "TicketHistory", "Tax": "Taxes", "Country": "Countries", "Survey": "Surveys", "ContactGroup": "ContactGroups",
		"ArticleToDocumentAssociation": "ArticleToDocumentAssociations", "Contcts": "Contacts", "TimeEntrys": "TimeEntries",
	} {
		for door, err := range doors(t.Context(), client, name) {
			require.ErrorIs(t, err, autotask.ErrInvalid, "%s: %s", door, name)
			require.NotErrorIs(t, err, autotask.ErrNotFound, "%s: %s", door, name)
			text, _ := strings.CutPrefix(err.Error(), "autotask: invalid request: ")
			assert.True(t, strings.HasPrefix(text, fmt.Sprintf("%q is not a collection of the API; did you mean %s", name, right)), "%s: %v", door, err)
		}
	}
	for door, err := range doors(t.Context(), client, "Zzyzx") {
		require.ErrorIs(t, err, autotask.ErrInvalid, door)
		assert.NotContains(t, err.Error(), "did you mean", door)
	}
}

// doors are all that takes the name of a collection.
func doors(ctx context.Context, client *autotask.Client, name string) map[string]error {
	failures := map[string]error{}
	_, failures["Values"] = client.Picklists.Values(ctx, name, "status")
	_, failures["Resolve"] = client.Picklists.IDs(ctx, name, map[string]string{"status": "New"})
	_, failures["Fields"] = client.Metadata.Fields(ctx, name)
	_, failures["UDFs"] = client.Metadata.UDFs(ctx, name)
	_, failures["Info"] = client.Metadata.Entity(ctx, name)
	_, failures["Labels"] = client.Picklists.Labels(ctx, name)
	_, failures["Get"] = client.Collection(name).Get(ctx, 1)
	_, failures["Count"] = client.Collection(name).Count(ctx, autotask.Query{})
	for _, err := range client.Collection(name).All(ctx, autotask.Query{}) {
		failures["All"] = err
	}
	for _, err := range client.Collection(name).Pages(ctx, autotask.Query{}) {
		failures["Pages"] = err
	}
	return failures
}

// Every collection is found from its entity's name, which people use instead.
func TestCollections_TheSingularNamesTheRightOne(t *testing.T) {
	t.Parallel()
	client := answering(t, 404, []byte("<html>no such page</html>"))
	for _, c := range schema.All() {
		if c.Parent != "" || c.Entity == nil || strings.EqualFold(c.Path, c.Entity.Name) {
			continue
		}
		_, err := client.Metadata.Fields(t.Context(), c.Entity.Name)
		require.ErrorIs(t, err, autotask.ErrInvalid)
		assert.Contains(t, err.Error(), "did you mean", c.Entity.Name)
		if strings.HasSuffix(c.Path, "s") && !slices.Contains([]string{"InternalLocationWithBusinessHours"}, c.Path) {
			assert.Contains(t, err.Error(), c.Path, c.Entity.Name)
		}
	}
}

// No name is suggested where the name was right.
func TestCollections_A404OfOneThatExistsIsAnotherMatter(t *testing.T) {
	t.Parallel()
	client := answering(t, 404, []byte("<html>no such page</html>"))
	_, err := client.Tickets.List(t.Context(), autotask.Query{})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "not a collection")
	_, err = client.Collection("tickets").Get(t.Context(), 7)
	require.ErrorIs(t, err, autotask.ErrNotFound, "some report this of an item that is not there")
	_, err = client.Metadata.Fields(t.Context(), "Tickets")
	require.ErrorIs(t, err, autotask.ErrUnsupported)
	require.NotErrorIs(t, err, autotask.ErrNotFound)
	assert.NotContains(t, err.Error(), "did you mean")
	_, err = autotask.List[misnamed](t.Context(), client, autotask.Query{})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Contains(t, err.Error(), `"Ticket" is not a collection of the API; did you mean Tickets`)
}

type misnamed struct {
	ID int64 `json:"id"`
}

func (misnamed) Collection() string { return "Ticket" }
func (misnamed) CanQuery()          {}

// A copy of a collection keeps what the library knows nothing of.
func ExampleClient_Collection() {
	srv := autotasktest.Start()
	defer srv.Close()
	srv.Seed("Departments", map[string]any{"id": 7, "name": "Service"})
	client := srv.Client()

	for row, err := range client.Collection("Departments").All(context.Background(), autotask.Query{Fields: []string{"name"}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(row.ID, string(row.JSON))
	}
	_, err := client.Collection("Department").Get(context.Background(), 7)
	fmt.Println(err)
	// Output:
	// 7 {"id":7,"name":"Service"}
	// autotask: invalid request: "Department" is not a collection of the API; did you mean Departments
}
