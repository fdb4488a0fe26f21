package proof_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// The bodies of answers are read into memory that is used again.
func TestResultsKeepNothingOfTheAnswersMemory(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	item := func(n int) string {
		letter := strings.Repeat("abcdefghi"[n:n+1], 40)
		return fmt.Sprintf(`{"id":%d,"title":"%s","description":"%s","ticketNumber":"\u0041%s","userDefinedFields":[{"name":"%s","value":"%s"}]}`,
			n+1, letter, letter, letter, letter, letter)
	}
	mock.RegisterResponder(http.MethodGet, `=~/Tickets/\d+$`, func(req *http.Request) (*http.Response, error) {
		n := int(req.URL.Path[len(req.URL.Path)-1]-'0') - 1
		return httpmock.NewStringResponse(http.StatusOK, `{"item":`+item(n)+`}`), nil
	})
	mock.RegisterResponder(http.MethodPost, kit.Base+"/Tickets/query", func(*http.Request) (*http.Response, error) {
		var all []string
		for n := range 9 {
			all = append(all, item(n))
		}
		return httpmock.NewStringResponse(http.StatusOK, `{"items":[`+strings.Join(all, ",")+`],"pageDetails":{}}`), nil
	})
	var kept []*autotask.Ticket
	for range 3 {
		for n := range 9 {
			one, err := client.Tickets.Get(t.Context(), int64(n+1))
			require.NoError(t, err)
			kept = append(kept, one)
		}
		page, err := client.Tickets.List(t.Context(), autotask.Query{})
		require.NoError(t, err)
		kept = append(kept, page...)
	}
	for _, ticket := range kept {
		letter := strings.Repeat("abcdefghi"[ticket.ID-1:ticket.ID], 40)
		assert.Equal(t, letter, ticket.Title)
		assert.Equal(t, autotask.Value(letter), ticket.Description)
		assert.Equal(t, autotask.Value("A"+letter), ticket.TicketNumber)
		assert.Equal(t, autotask.UDFs{{Name: letter, Value: autotask.Value(letter)}}, ticket.UserDefinedFields)
	}
}

// What a PUT carries over is taken from the answer by position.
func TestUpdate_CarriesTheItemOverWhereverItStands(t *testing.T) {
	t.Parallel()
	const before = `{"id":7,"companyID":0,"queueID":1,"title":"old","priority":1,"status":1,"dueDateTime":null,"ticketCategory":1,` +
		`"issueType":1,"subIssueType":1,"source":1,"organizationalLevelAssociationID":null,"unheardOf":{"a" : [1.50, "é"]}}`
	after := strings.Replace(before, `"old"`, `"new"`, 1)
	for name, wrap := range map[string]string{
		"tight":              `{"item":%s}`,
		"loose":              "\r\n{ \"item\"\t:\r\n %s \n}",
		"behind other parts": `{"x":{"item":1},"item" :%s,"y":[":"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mock := kit.Mocked(t)
			current, put := before, ""
			mock.RegisterResponder(http.MethodGet, kit.Base+"/Tickets/7", func(*http.Request) (*http.Response, error) {
				return httpmock.NewStringResponse(http.StatusOK, fmt.Sprintf(wrap, current)), nil
			})
			mock.RegisterResponder(http.MethodPut, kit.Base+"/Tickets", func(req *http.Request) (*http.Response, error) {
				var b bytes.Buffer
				_, err := b.ReadFrom(req.Body)
				current, put = after, b.String()
				return httpmock.NewStringResponse(http.StatusOK, `{"itemId":7}`), err
			})
			ticket, err := client.Tickets.Update(t.Context(), 7, func(t *autotask.Ticket) error {
				t.Title = "new"
				return nil
			})
			require.NoError(t, err)
			assert.Equal(t, after, put)
			assert.Equal(t, "new", ticket.Title)
		})
	}
}

func TestUpdate_NeedsOneReadableItem(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"none":             `{"items":[]}`,
		"two":              `{"item":{"id":7},"item":{"id":7}}`,
		"a field twice":    `{"item":{"id":7,"title":"a","title":"b"}}`,
		"an unknown twice": `{"item":{"id":7,"odd":1,"odd":2}}`,
		"nested twice":     `{"item":{"id":7,"odd":{"a":1,"a":2}}}`,
		"no object":        `{"item":[7]}`,
		"cut":              `{"item":{"id":7,"title":"a"`,
		"another":          `{"item":{"id":8}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mock := kit.Mocked(t)
			mock.RegisterResponder(http.MethodGet, kit.Base+"/Tickets/7", httpmock.NewStringResponder(http.StatusOK, answer))
			_, err := client.Tickets.Update(t.Context(), 7, func(*autotask.Ticket) error {
				t.Error("called")
				return nil
			})
			require.Error(t, err)
			assert.Equal(t, 1, mock.GetTotalCallCount(), "nothing is written")
		})
	}
}
