package vcr_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
	"github.com/autotask-go/autotask/examples/record/vcr"
	"github.com/autotask-go/autotask/internal/schema"
)

// personal is what no cassette may hold. Each part is unlike any word of the protocol.
var personal = []string{
	"Mustermann", "Erika", "erika.mustermann@acme-private.test", "acme-private", "901820", "0171-5550123",
	"Lindenallee", "Kirchdorf", "D-77777", "Praline", "Geheimnis", "geheimnis", "Zwetschge", "Quitte", "Holunder",
	"DE123456789", "998877", "Patch Erika", "1980-02-01",
}

// seedPeople fills a tenant with personal data, and returns the ids of a ticket and of
// its attachment.
func seedPeople(srv *autotasktest.Server) (ticket, attachment int64) {
	srv.SetUDFs("Tickets",
		autotasktest.UDFDefinition{Name: "Patch Erika", Label: "Erika's Patch", Description: "Frau Mustermann"},
		autotasktest.UDFDefinition{Name: "Zwetschge"}, autotasktest.UDFDefinition{Name: "born"}, autotasktest.UDFDefinition{Name: "alarm"})
	srv.SetPicklist("Tickets", "queueID", []autotasktest.PicklistValue{{Value: "8", Label: "Queue of Erika Mustermann"}, {Value: "9", Label: "Level II"}})
	company := srv.Seed("Companies", map[string]any{
		"companyName": "Mustermann Holunder GmbH", "phone": "+49 30 901820", "address1": "Lindenallee 5", "city": "Kirchdorf",
		"postalCode": "D-77777", "webAddress": "https://acme-private.test/Mustermann", "taxID": "DE123456789",
	})
	contact := srv.Seed("Contacts", map[string]any{
		"companyID": company, "firstName": "Erika", "lastName": "Mustermann", "emailAddress": "erika.mustermann@acme-private.test",
		"mobilePhone": "0171-5550123", "note": "Code word Praline", "addressLine": "Lindenallee 5",
	})
	id := srv.Seed("Tickets", map[string]any{
		"companyID": company, "contactID": contact, "title": "Erika Mustermann cannot print", "queueID": 8, "ticketNumber": "T20260101.0001",
		"description": "Call +49 30 901820.\nLine <b>Geheimnis</b>", "resolution": "Frau Mustermann, Code Praline", "externalID": "geheimnis-1",
		"userDefinedFields": []map[string]any{
			{"name": "Patch Erika", "value": "Quitte"}, {"name": "Zwetschge", "value": "2026-01-01T00:00:00Z"},
			{"name": "born", "value": "1980-02-01"}, {"name": "alarm", "value": "998877"},
		},
	})
	srv.Seed("TicketNotes", map[string]any{"ticketID": id, "title": "For Erika", "description": "Das Geheimnis der Praline: 0171-5550123"})
	attachment = srv.Seed("TicketAttachments", map[string]any{
		"parentID": id, "ticketID": id, "title": "Mustermann.txt", "fullPath": "Mustermann.txt",
		"data": base64.StdEncoding.EncodeToString([]byte("Dear Mrs Mustermann, Geheimnis")),
	})
	return id, attachment
}

// record runs calls on a recorded client, and returns the cassette's file and text.
func record(t *testing.T, srv *autotasktest.Server, calls func(c *autotask.Client), opts ...autotask.Option) (*vcr.Recorder, string, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cassette.yaml")
	recorder, err := vcr.Record(file)
	require.NoError(t, err)
	calls(srv.Client(append(opts, autotask.WithMiddleware(recorder.Middleware))...))
	assert.NoFileExists(t, file)
	require.NoError(t, recorder.Save())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return recorder, file, string(text)
}

func TestCassetteHoldsNoPersonalData(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	id, attachment := seedPeople(srv)
	srv.Inject(autotasktest.Fault{Op: "GET Companies", Status: 500, Body: `{"errors":["Reference value Mustermann (erika.mustermann@acme-private.test, 901820) for contactID does not exist: Geheimnis 998877"]}`,
		Header: http.Header{"Content-Type": {"application/json"}, "X-User": {"Mustermann"}, "Set-Cookie": {"s=Geheimnis"}}})
	srv.Inject(autotasktest.Fault{Op: "GET Contacts", Status: 404, Body: "<html><title>Erika</title>Mustermann</html>"})
	srv.Inject(autotasktest.Fault{Op: "GET Contracts", Status: 400, Body: "Mustermann in plain text"})
	var refusal error
	_, _, text := record(t, srv, func(c *autotask.Client) {
		ctx := t.Context()
		// This request names a user-defined field before any response has shown that
		// the field exists, and the refusal quotes the name.
		_, err := c.Tickets.List(ctx, autotask.Query{Fields: []string{"id", "title", "Zwetschge"}})
		require.ErrorContains(t, err, "Zwetschge")
		_, err = c.Tickets.List(ctx, autotask.Query{Filter: autotask.UDF(autotask.Eq("Patch Erika", "Quitte"))})
		require.NoError(t, err)
		_, err = c.Tickets.List(ctx, autotask.Query{Filter: autotask.Or(autotask.Contains("title", "Mustermann"), autotask.BeginsWith("description", "Geheimnis"))})
		require.NoError(t, err)
		for _, collection := range []string{"Tickets", "Companies", "Contacts", "TicketNotes", "Resources"} {
			for _, err := range c.Collection(collection).All(ctx, autotask.Query{}) {
				require.NoError(t, err, collection)
			}
		}
		_, err = autotask.Download[entity.TicketAttachment](ctx, c, attachment, io.Discard)
		require.NoError(t, err)
		_, err = c.Metadata.UDFs(ctx, "Tickets")
		require.NoError(t, err)
		_, err = c.Metadata.Fields(ctx, "Tickets")
		require.NoError(t, err)
		_, err = c.Tickets.Update(ctx, id, func(ticket *autotask.Ticket) error {
			ticket.Resolution.Set("Zwetschge for Frau Mustermann")
			return nil
		})
		require.NoError(t, err)
		_, err = c.Notes.Create(ctx, id, &autotask.TicketNote{Title: "Holunder", Description: "Erika", NoteType: 1, Publish: 1})
		require.NoError(t, err)
		_, refusal = autotask.Get[entity.Company](ctx, c, 0)
		require.Error(t, refusal)
		_, err = autotask.Get[entity.Contact](ctx, c, 1)
		require.Error(t, err)
		_, err = autotask.Get[entity.Contract](ctx, c, 1)
		require.Error(t, err)
	})
	creds := srv.Credentials()
	for _, s := range slices.Concat(personal, []string{creds.UserName, creds.Secret, creds.IntegrationCode, "127.0.0.1", "REDACTED"}) {
		assert.NotContains(t, text, s)
		assert.NotContains(t, text, url.QueryEscape(s))
		assert.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte(s)))
	}
	for _, header := range []string{"Apiintegrationcode", "Username", "Secret", "Set-Cookie", "X-User", "User-Agent"} {
		assert.NotContains(t, strings.ToLower(text), strings.ToLower(header)+":")
	}
	// The seeds were asked for: the tenant's own answers have them.
	assert.Contains(t, fmt.Sprint(refusal), "Mustermann")
	assert.Contains(t, string(srv.Raw("Tickets", id)), "Mustermann")
	// What a program decides by is still there.
	for _, s := range []string{"Date:", "Content-Type:", "T20260101.0001", `"op":"contains"`, `"field":"title"`, `"queueID":8`, "Reference value x", "for contactID does not exist"} {
		assert.Contains(t, text, s)
	}
}

func TestZoneDiscoveryIsRedacted(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	file := filepath.Join(t.TempDir(), "zone.yaml")
	recorder, err := vcr.Record(file)
	require.NoError(t, err)
	client, err := autotask.NewClient(srv.Credentials(), autotask.WithZoneURL(srv.ZoneURL()), autotask.WithMiddleware(recorder.Middleware))
	require.NoError(t, err)
	require.NoError(t, client.Ping(t.Context()))
	require.NoError(t, recorder.Save())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, string(text), srv.Credentials().UserName)
	assert.NotContains(t, string(text), url.QueryEscape(srv.Credentials().UserName))
	assert.NotContains(t, string(text), "127.0.0.1")
	assert.Contains(t, string(text), "zoneInformation")
}

// The rows of a cassette are the rows of the tenant, redacted: all pages of them.
func TestReplayGivesTheSameRows(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	seedPeople(srv)
	for i := range 1200 {
		srv.Seed("Tickets", map[string]any{"title": fmt.Sprintf("Printer of Mustermann %d", i%700), "userDefinedFields": []map[string]any{{"name": "alarm", "value": "998877"}}})
	}
	query := autotask.Query{Filter: autotask.Or(autotask.Contains("title", "Mustermann"), autotask.Gt("createDate", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)))}
	var originals []*autotask.Ticket
	recorder, file, _ := record(t, srv, func(c *autotask.Client) {
		var err error
		originals, err = c.Tickets.List(t.Context(), query)
		require.NoError(t, err)
	})
	require.Len(t, originals, 1201)
	require.Len(t, srv.Requests(), 3, "pages")

	player, err := vcr.Replay(file)
	require.NoError(t, err)
	client, err := player.Client()
	require.NoError(t, err)
	// In its filter a program names what the cassette has.
	query.Filter = autotask.Or(autotask.Contains("title", recorder.StandIn("Mustermann")), autotask.Gt("createDate", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)))
	replayed, err := client.Tickets.List(t.Context(), query)
	require.NoError(t, err)
	require.Len(t, replayed, len(originals))
	standIns := map[string]string{}
	for i, got := range replayed {
		want := originals[i]
		assert.Equal(t, redactedTicket(t, recorder, srv.Raw("Tickets", want.ID)), got)
		// And without asking the redactor: ids, numbers and dates are the tenant's own.
		assert.Equal(t, want.ID, got.ID)
		assert.Equal(t, want.TicketNumber, got.TicketNumber)
		assert.Equal(t, want.CompanyID, got.CompanyID)
		assert.Equal(t, want.QueueID, got.QueueID)
		assert.Equal(t, want.CreateDate, got.CreateDate)
		assert.Equal(t, want.DueDateTime, got.DueDateTime)
		before, after := want.Title, got.Title
		assert.NotEqual(t, before, after)
		if known, ok := standIns[before]; ok {
			assert.Equal(t, known, after)
		}
		standIns[before] = after
	}
	distinct := map[string]bool{}
	for _, s := range standIns {
		distinct[s] = true
	}
	assert.Len(t, distinct, len(standIns), "different values have different stand-ins")

	// Everything was played once.
	_, err = client.Tickets.List(t.Context(), query)
	require.ErrorContains(t, err, "the cassette has no answer")
	assert.ErrorIs(t, err, autotask.ErrInvalid)
}

func redactedTicket(t *testing.T, r *vcr.Recorder, raw []byte) *autotask.Ticket {
	t.Helper()
	u, err := url.Parse(vcr.BaseURL + "/Tickets/query")
	require.NoError(t, err)
	ticket := new(autotask.Ticket)
	require.NoError(t, json.Unmarshal(r.Answer(u, http.StatusOK, raw), ticket))
	return ticket
}

// Errors are told apart by their texts, and must be the same errors afterwards. The
// cases are those of the library's own classifier, each with a name in it.
func TestReplayGivesTheSameErrors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../testdata/errors.json")
	require.NoError(t, err)
	var cases []struct {
		Name        string `json:"name"`
		Status      int    `json:"status"`
		ContentType string `json:"contentType"`
		Body        string `json:"body"`
	}
	require.NoError(t, json.Unmarshal(text, &cases))
	require.NotEmpty(t, cases)
	for _, test := range cases {
		t.Run(test.Name, func(t *testing.T) {
			t.Parallel()
			srv := autotasktest.NewServer(t)
			body := strings.NewReplacer("does", "Mustermann does", "The ", "The Mustermann ").Replace(test.Body)
			srv.Inject(autotasktest.Fault{Op: "GET Tickets", Status: test.Status, Body: body, Header: http.Header{"Content-Type": {test.ContentType}}})
			var before error
			_, file, recorded := record(t, srv, func(c *autotask.Client) { _, before = c.Tickets.Get(t.Context(), 5) }, autotask.WithMaxRetries(0))
			require.Error(t, before)
			assert.NotContains(t, recorded, "Mustermann")
			player, err := vcr.Replay(file)
			require.NoError(t, err)
			client, err := player.Client(autotask.WithMaxRetries(0))
			require.NoError(t, err)
			_, after := client.Tickets.Get(t.Context(), 5)
			for _, sentinel := range []error{
				autotask.ErrNotFound, autotask.ErrUnauthorized, autotask.ErrPermission, autotask.ErrInvalid, autotask.ErrRateLimited,
				autotask.ErrThreadLimit, autotask.ErrServer, autotask.ErrOutcomeUnknown, autotask.ErrUnsupported, autotask.ErrMissingField,
			} {
				assert.Equal(t, errors.Is(before, sentinel), errors.Is(after, sentinel), "%v: %v, then %v", sentinel, before, after)
			}
		})
	}
}

// A retry is part of the cassette.
func TestReplayOfARetry(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", nil)
	srv.Inject(autotasktest.Fault{Op: "GET Tickets", Status: 429})
	_, file, _ := record(t, srv, func(c *autotask.Client) {
		_, err := c.Tickets.Get(t.Context(), id)
		require.NoError(t, err)
	})
	player, err := vcr.Replay(file)
	require.NoError(t, err)
	client, err := player.Client()
	require.NoError(t, err)
	ticket, err := client.Tickets.Get(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, id, ticket.ID)
}

func TestReplayMatchesMethodURLAndBody(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", nil)
	_, file, _ := record(t, srv, func(c *autotask.Client) {
		_, err := c.Tickets.Count(t.Context(), autotask.Query{Filter: autotask.Eq("status", 1)})
		require.NoError(t, err)
		_, err = c.Tickets.Get(t.Context(), id)
		require.NoError(t, err)
	})
	player, err := vcr.Replay(file)
	require.NoError(t, err)
	client, err := player.Client()
	require.NoError(t, err)
	_, err = client.Tickets.Get(t.Context(), id+1)
	require.ErrorContains(t, err, "the cassette has no answer")
	_, err = client.Tickets.Count(t.Context(), autotask.Query{Filter: autotask.Eq("status", 5)})
	require.ErrorContains(t, err, "the cassette has no answer")
	_, err = client.Tickets.Count(t.Context(), autotask.Query{Filter: autotask.Eq("status", 1)})
	require.NoError(t, err)
	_, err = client.Tickets.Get(t.Context(), id)
	require.NoError(t, err)
}

func TestWrongFile(t *testing.T) {
	t.Parallel()
	_, err := vcr.Record("cassette")
	require.ErrorContains(t, err, ".yaml")
	_, err = vcr.Replay(filepath.Join(t.TempDir(), "none.yaml"))
	require.ErrorContains(t, err, "not found")
}

func TestRedactor(t *testing.T) {
	t.Parallel()
	query, fields := vcr.BaseURL+"/Tickets/query", vcr.BaseURL+"/Tickets/entityInformation/fields"
	for name, test := range map[string]struct{ address, body, want string }{
		"a field nobody knows":        {query, `{"items":[{"newField2031":"Erika"}]}`, `{"items":[{"newField2031":"text-1"}]}`},
		"numbers keep their digits":   {query, `{"id":12345678901234567890,"rate":1.50,"on":true,"none":null}`, `{"id":12345678901234567890,"rate":1.50,"on":true,"none":null}`},
		"dates":                       {query, `{"a":"2026-01-02T03:04:05.67Z","b":"2026-01-02T03:04:05","c":"2026-01-02"}`, `{"a":"2026-01-02T03:04:05.67Z","b":"2026-01-02T03:04:05","c":"+00 000 000001"}`},
		"a date in a sentence":        {query, `{"a":"born 2026-01-02T03:04:05Z"}`, `{"a":"text-1"}`},
		"a number in a text":          {query, `{"pin":"4711"}`, `{"pin":"text-1"}`},
		"the same value":              {query, `{"a":"E","b":["E","F"],"filter":[{"op":"eq","field":"title","value":"E"}]}`, `{"a":"text-1","b":["text-1","text-2"],"filter":[{"op":"eq","field":"title","value":"text-1"}]}`},
		"a mail and a phone":          {query, `{"a":"e@m.test","b":"+49 (30) 901820"}`, `{"a":"person-1@example.com","b":"+00 000 000002"}`},
		"an operator nobody knows":    {query, `{"filter":[{"op":"Erika","field":"title"}]}`, `{"filter":[{"op":"text-1","field":"title"}]}`},
		"a field that is no name":     {query, `{"filter":[{"op":"eq","field":"Erika"}],"IncludeFields":["title","Erika"]}`, `{"filter":[{"op":"eq","field":"text-1"}],"IncludeFields":["title","text-1"]}`},
		"a user-defined field's date": {query, `{"filter":[{"udf":true,"op":"eq","field":"Geburt","value":"1980-01-01T00:00:00Z"}]}`, `{"filter":[{"udf":true,"op":"eq","field":"text-1","value":"text-2"}]}`},
		"a user-defined number":       {query, `{"userDefinedFields":[{"name":"Code","value":998877}]}`, `{"userDefinedFields":[{"name":"text-1","value":2}]}`},
		"user-defined fields by name": {query, `{"userDefinedFields":{"Erika":"x"}}`, `{"userDefinedFields":{"text-1":"text-2"}}`},
		"a member that is no name":    {query, `{"Erika M.":1}`, `{"text-1":1}`},
		"a row with words of a query": {query, `{"field":"Erika","op":"eq"}`, `{"field":"text-1","op":"text-2"}`},
		"a link in a row":             {query, `{"url":"https://m.test/Mustermann"}`, `{"url":"text-1"}`},
		"a foreign next page":         {query, `{"pageDetails":{"nextPageUrl":"https://m.test/Mustermann"}}`, `{"pageDetails":{"nextPageUrl":"text-1"}}`},
		"a next page": {
			query, `{"pageDetails":{"nextPageUrl":"https://webservices19.autotask.net/ATServicesRest/V1.0/Tickets/query/next?paging=%7B%22pageSize%22%3A500%2C%22search%22%3A%22Erika%22%7D&token=Erika&n=5"}}`,
			`{"pageDetails":{"nextPageUrl":"https://server-1.autotask.example/ATServicesRest/V1.0/Tickets/query/next?n=5&paging=%7B%22pageSize%22%3A500%2C%22search%22%3A%22text-1%22%7D&token=text-1"}}`,
		},
		"fields": {
			fields, `{"fields":[{"name":"queueID","dataType":"integer","label":"Erika","picklistValues":[{"value":"8","label":"Erika"}]}]}`,
			`{"fields":[{"name":"queueID","dataType":"integer","label":"text-1","picklistValues":[{"value":"8","label":"text-1"}]}]}`,
		},
		"invalid UTF-8":     {query, "{\"a\":\"Erika\xff\"}", `{"a":"text-1"}`},
		"twice the same":    {query, `{"a":"E","a":"F"}`, `{"a":"text-1","a":"text-2"}`},
		"a bare text":       {query, `"Erika"`, `"text-1"`},
		"two values":        {query, `{} "Erika"`, `redacted: this was no JSON`},
		"half an object":    {query, `{"a":"Erika`, `redacted: this was no JSON`},
		"a page":            {query, `<html>Erika`, `<html><head><title>redacted</title></head></html>`},
		"an empty text":     {query, `{"a":""}`, `{"a":""}`},
		"nothing":           {query, ` `, ``},
		"an escaped letter": {query, `{"a":"\u0045rika","b":"Erika"}`, `{"a":"text-1","b":"text-1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(test.address)
			require.NoError(t, err)
			if strings.Contains(test.body, "filter") {
				assert.Equal(t, test.want, string(vcr.NewRedactor().Request(u, []byte(test.body))))
			} else {
				assert.Equal(t, test.want, string(vcr.NewRedactor().Answer(u, http.StatusOK, []byte(test.body))))
			}
		})
	}
}

// A row of every entity, with a name in each of its texts: none of them stays, and
// every number and date does.
func TestEveryFieldOfEveryEntity(t *testing.T) {
	t.Parallel()
	texts := 0
	for _, c := range schema.All() {
		if c.Entity == nil {
			continue
		}
		row, want := map[string]any{}, map[string]any{}
		for i, f := range c.Entity.Fields {
			switch f.Kind {
			case schema.Integer, schema.Number:
				row[f.Name], want[f.Name] = i, float64(i)
			case schema.Boolean:
				row[f.Name], want[f.Name] = true, true
			case schema.DateTime:
				row[f.Name], want[f.Name] = "2026-01-02T03:04:05.67Z", "2026-01-02T03:04:05.67Z"
			case schema.UDFs:
				row[f.Name] = []map[string]any{{"name": "Holunder", "value": "Mustermann"}, {"name": "Quitte", "value": nil}}
			default:
				texts++
				row[f.Name] = "Mustermann"
			}
		}
		body, err := json.Marshal(map[string]any{"items": []any{row}, "pageDetails": map[string]any{"count": 1, "nextPageUrl": nil}})
		require.NoError(t, err)
		u, err := url.Parse(vcr.BaseURL + "/" + c.Path + "/query")
		require.NoError(t, err)
		got := vcr.NewRedactor().Answer(u, http.StatusOK, body)
		for _, name := range []string{"Mustermann", "Holunder", "Quitte"} {
			assert.NotContains(t, string(got), name, c.Path)
		}
		var answer struct{ Items []map[string]any }
		require.NoError(t, json.Unmarshal(got, &answer, json.MatchCaseInsensitiveNames(true)))
		require.Len(t, answer.Items, 1)
		assert.Len(t, answer.Items[0], len(row), c.Path)
		for name, v := range want {
			assert.Equal(t, v, answer.Items[0][name], "%s.%s", c.Path, name)
		}
	}
	assert.Greater(t, texts, 500)
}
