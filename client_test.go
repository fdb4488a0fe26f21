package autotask_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestNewClient_RefusesANilOption(t *testing.T) {
	t.Parallel()
	creds := autotask.Credentials{UserName: "x", Secret: "y", IntegrationCode: "z"}
	client, err := autotask.NewClient(creds, autotask.WithMaxRetries(1), nil)
	require.ErrorContains(t, err, "an Option is nil")
	assert.Nil(t, client)
}

func TestNewClient_RefusesBadInput(t *testing.T) {
	t.Parallel()
	good := testCredentials
	for name, test := range map[string]struct {
		creds autotask.Credentials
		opt   autotask.Option
		says  string
	}{
		"no user":             {autotask.Credentials{Secret: "x", IntegrationCode: "y"}, nil, "UserName is empty"},
		"no secret":           {autotask.Credentials{UserName: "x", IntegrationCode: "y"}, nil, "Secret is empty"},
		"no code":             {autotask.Credentials{UserName: "x", Secret: "y", IntegrationCode: " "}, nil, "IntegrationCode is empty"},
		"control character":   {autotask.Credentials{UserName: "x", Secret: "hush-hush\n", IntegrationCode: "z"}, nil, "control character"},
		"lower case":          {good, autotask.WithBaseURL("https://h.example/atservicesrest/v1.0"), "https://h.example/ATServicesRest/V1.0"},
		"no version":          {good, autotask.WithBaseURL("https://h.example/ATServicesRest/"), "https://h.example/ATServicesRest/V1.0"},
		"lower-case version":  {good, autotask.WithBaseURL("https://h.example/ATServicesRest/v1.0"), "https://h.example/ATServicesRest/V1.0"},
		"no path":             {good, autotask.WithBaseURL("https://h.example"), "https://h.example/ATServicesRest/V1.0"},
		"http":                {good, autotask.WithBaseURL("http://h.example/ATServicesRest/V1.0"), "must be https"},
		"no scheme":           {good, autotask.WithBaseURL("h.example/ATServicesRest/V1.0"), "not an absolute URL"},
		"password in the URL": {good, autotask.WithBaseURL("https://u:hush-hush@h.example/ATServicesRest/V1.0"), "Credentials"},
		"query":               {good, autotask.WithBaseURL("https://h.example/ATServicesRest/V1.0?x=1"), "query"},
		"not a URL":           {good, autotask.WithBaseURL("https://h.example/%zz"), "not a URL"},
		"zone over http":      {good, autotask.WithZoneURL("http://h.example"), "must be https"},
		"nil HTTP client":     {good, autotask.WithHTTPClient(nil), "nil"},
		"nil transport":       {good, autotask.WithMiddleware(nil), "nil"},
		"nil logger":          {good, autotask.WithLogger(nil), "logger is nil"},
		"nil limiter":         {good, autotask.WithLimiter(nil), "limiter is nil"},
		"application":         {good, autotask.WithApplication("back up", "1"), "User-Agent"},
		"retries":             {good, autotask.WithMaxRetries(-1), "negative"},
		"concurrency":         {good, autotask.WithMaxConcurrency(0), "less than one"},
		"response bytes":      {good, autotask.WithMaxResponseBytes(0), "less than one"},
	} {
		var opts []autotask.Option
		if test.opt != nil {
			opts = append(opts, test.opt)
		}
		client, err := autotask.NewClient(test.creds, opts...)
		require.Error(t, err, name)
		assert.Nil(t, client, name)
		assert.Contains(t, err.Error(), test.says, name)
		assert.NotContains(t, err.Error(), "hush-hush", name)
	}
}

func TestRequest_IsSigned(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t, autotask.WithApplication("backupcheck", "2.1"))
	var got http.Header
	mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/7", func(req *http.Request) (*http.Response, error) {
		got = req.Header.Clone()
		return httpmock.NewStringResponse(200, `{"item":{"id":7}}`), nil
	})
	_, err := client.Tickets.Get(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, testCredentials.UserName, got.Get("UserName"))
	assert.Equal(t, testCredentials.Secret, got.Get("Secret"))
	assert.Equal(t, testCredentials.IntegrationCode, got.Get("ApiIntegrationCode"))
	assert.Regexp(t, `^backupcheck/2\.1 autotask-go/\d+\.\d+\.\d+$`, got.Get("User-Agent"))
	assert.Empty(t, got.Get("Authorization"))
}

func TestAs_ImpersonatesOnWritesOnly(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	id := srv.Seed("Tickets", nil)
	srv.Seed("Resources", map[string]any{"id": 4711, "isActive": true})
	someone := client.As(4711)
	_, err := someone.Tickets.Update(t.Context(), id, func(t *autotask.Ticket) error { t.Title = "x"; return nil })
	require.NoError(t, err, "a read with the header would have been refused")
	_, err = someone.Resolve(t.Context(), id, autotask.Resolution{Note: note(), Text: "done", StartedAt: begun})
	require.NoError(t, err)
	for _, r := range srv.Requests() {
		want := ""
		if isWrite(r.Op) {
			want = "4711"
		}
		assert.Equal(t, want, r.Header.Get("ImpersonationResourceId"), r.Op)
	}
	srv.ResetRequests()
	_, err = client.Notes.Create(t.Context(), id, note())
	require.NoError(t, err)
	assert.Empty(t, srv.Requests()[0].Header.Get("ImpersonationResourceId"), "the client itself is as before")
}

func TestPing(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	require.NoError(t, client.Ping(t.Context()))
	creds := srv.Credentials()
	creds.Secret = "wrong-secret"
	client, err := autotask.NewClient(creds, autotask.WithBaseURL(srv.BaseURL()))
	require.NoError(t, err)
	srv.ResetRequests()
	require.ErrorIs(t, client.Ping(t.Context()), autotask.ErrUnauthorized)
	assert.Len(t, srv.Requests(), 1, "a 401 is never repeated")

	creds = srv.Credentials()
	creds.IntegrationCode = "WRONGCODE"
	client, err = autotask.NewClient(creds, autotask.WithBaseURL(srv.BaseURL()))
	require.NoError(t, err)
	require.ErrorIs(t, client.Ping(t.Context()), autotask.ErrUnauthorized)
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	srv.SetThreshold(10000, 2499)
	got, err := client.Threshold(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &autotask.Threshold{Limit: 10000, Window: time.Hour, Used: 2500}, got)
	assert.InDelta(t, 0.25, got.Fraction(), 1e-9)
	assert.Zero(t, (&autotask.Threshold{}).Fraction())

	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/ThresholdInformation", httpmock.NewStringResponder(200, `{}`))
	_, err = client.Threshold(t.Context())
	require.Error(t, err)
}

func TestZone_IsDiscoveredLazilyAndOnceForAll(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", nil)
	client, err := autotask.NewClient(srv.Credentials(), autotask.WithZoneURL(srv.ZoneURL()))
	require.NoError(t, err)
	assert.Empty(t, srv.Requests(), "the constructor asks nothing")
	assert.Equal(t, "autotask.Client(zone not discovered yet)", client.String())
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := client.Tickets.Get(t.Context(), id)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Equal(t, 1, count(srv, "GET zoneInformation"))
	assert.Equal(t, "autotask.Client("+srv.BaseURL()+")", client.String())
	for _, r := range srv.Requests() {
		if r.Op == "GET zoneInformation" {
			assert.Empty(t, r.Header.Get("Secret"), "discovery is not signed")
			assert.Equal(t, srv.Credentials().UserName, r.Query.Get("user"))
		}
	}
}

func TestZone_FailureIsNotKept(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", nil)
	srv.Inject(autotasktest.Fault{Op: "GET zoneInformation", Status: 500, Body: `{"errors":["Zone information could not be determined"]}`})
	client, err := autotask.NewClient(srv.Credentials(), autotask.WithZoneURL(srv.ZoneURL()))
	require.NoError(t, err)
	_, err = client.Tickets.Get(t.Context(), id)
	require.ErrorIs(t, err, autotask.ErrUnauthorized)
	_, err = client.Tickets.Get(t.Context(), id)
	require.NoError(t, err)
}

func TestZone_URLIsJoinedWhateverItsForm(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://webservices2.autotask.net/ATServicesRest/":         "https://webservices2.autotask.net/ATServicesRest/V1.0",
		"https://webservices2.autotask.net/ATServicesRest":          "https://webservices2.autotask.net/ATServicesRest/V1.0",
		"https://webservices2.autotask.net//ATServicesRest//":       "https://webservices2.autotask.net/ATServicesRest/V1.0",
		"https://webservices2.autotask.net/atservicesrest/":         "https://webservices2.autotask.net/ATServicesRest/V1.0",
		"https://webservices2.autotask.net/ATServicesRest/v1.0/":    "https://webservices2.autotask.net/ATServicesRest/V1.0",
		"https://WEBSERVICES2.autotask.net/ATServicesRest/V1.0":     "https://webservices2.autotask.net/ATServicesRest/V1.0",
		"http://webservices2.autotask.net/ATServicesRest/":          "",
		"http://127.0.0.1/ATServicesRest/":                          "",
		"https://user:pw@webservices2.autotask.net/ATServicesRest/": "",
		"https://webservices2.autotask.net/":                        "",
		"webservices2.autotask.net/ATServicesRest/":                 "",
		"": "",
	} {
		mock := httpmock.NewMockTransport()
		client, err := autotask.NewClient(testCredentials, autotask.WithHTTPClient(&http.Client{Transport: mock}), autotask.WithMaxRetries(0))
		require.NoError(t, err)
		mock.RegisterResponder(http.MethodGet, "https://webservices.autotask.net/ATServicesRest/V1.0/zoneInformation",
			httpmock.NewJsonResponderOrPanic(200, map[string]any{"zoneName": "Test", "url": given, "webUrl": "", "ci": 1}))
		if want != "" {
			mock.RegisterResponder(http.MethodGet, want+"/Tickets/7", httpmock.NewStringResponder(200, `{"item":{"id":7}}`))
		}
		_, err = client.Tickets.Get(t.Context(), 7)
		if want != "" {
			require.NoError(t, err, given)
			continue
		}
		require.Error(t, err, given)
		assert.Equal(t, 1, mock.GetTotalCallCount(), "%s: no credential goes anywhere", given)
	}
}

func TestZone_URLOptionIsCompleted(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", nil)
	host := strings.TrimSuffix(srv.BaseURL(), "/ATServicesRest/V1.0")
	for _, zoneURL := range []string{host, host + "/", srv.BaseURL(), srv.BaseURL() + "/", srv.ZoneURL()} {
		client, err := autotask.NewClient(srv.Credentials(), autotask.WithZoneURL(zoneURL))
		require.NoError(t, err, zoneURL)
		_, err = client.Tickets.Get(t.Context(), id)
		require.NoError(t, err, zoneURL)
	}
}

func TestZone_AfterAMoveTheCallIsMadeInTheNewOne(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", nil)
	client, err := autotask.NewClient(srv.Credentials(), autotask.WithZoneURL(srv.ZoneURL()))
	require.NoError(t, err)
	_, err = client.Tickets.Get(t.Context(), id)
	require.NoError(t, err)
	srv.MoveZone()
	srv.ResetRequests()
	_, err = client.Tickets.Get(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, []string{"GET Tickets", "GET zoneInformation", "GET Tickets"}, ops(srv))
}

func TestZone_A401WithoutAMoveIsNotRepeated(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	creds := srv.Credentials()
	creds.Secret = "wrong-secret"
	client, err := autotask.NewClient(creds, autotask.WithZoneURL(srv.ZoneURL()))
	require.NoError(t, err)
	_, err = client.Tickets.Get(t.Context(), 5)
	require.ErrorIs(t, err, autotask.ErrUnauthorized)
	assert.Equal(t, []string{"GET zoneInformation", "GET Tickets", "GET zoneInformation"}, ops(srv))
}

func TestCredentialsStayWithTheirOrigin(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		seen.Add(1)
		_, _ = w.Write([]byte(`{"items":[],"pageDetails":{}}`))
	}))
	t.Cleanup(other.Close)
	t.Cleanup(func() { assert.Zero(t, seen.Load()) })

	t.Run("next page on another host", func(t *testing.T) {
		t.Parallel()
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodPost, testBase+"/Tickets/query", httpmock.NewStringResponder(200,
			`{"items":[{"id":1}],"pageDetails":{"count":1,"nextPageUrl":"`+other.URL+`/ATServicesRest/V1.0/Tickets/query/next"}}`))
		_, err := client.Tickets.List(t.Context(), autotask.Query{})
		require.Error(t, err)
		assert.Contains(t, err.Error(), "next page")
		assert.Equal(t, 1, mock.GetTotalCallCount())
	})
	t.Run("redirect to another host", func(t *testing.T) {
		t.Parallel()
		srv, client := tenant(t)
		srv.Inject(autotasktest.Fault{Op: "GET Tickets", Status: 307, Header: http.Header{"Location": {other.URL + "/ATServicesRest/V1.0/Tickets/5"}}})
		_, err := client.Tickets.Get(t.Context(), 5)
		require.Error(t, err)
		assert.Contains(t, err.Error(), "redirect")
	})
}

// everySecret is what no output may hold.
func everySecret(c autotask.Credentials) []string {
	return []string{c.UserName, c.Secret, c.IntegrationCode}
}

func TestNoOutputShowsASecret(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	creds := srv.Credentials()
	client := srv.Client(autotask.WithMaxRetries(0))
	id := srv.Seed("Tickets", nil)

	values := map[string]any{
		"credentials":       creds,
		"pointer":           &creds,
		"in a slice":        []autotask.Credentials{creds},
		"in a map":          map[string]autotask.Credentials{"x": creds},
		"in a struct":       struct{ C autotask.Credentials }{creds},
		"client":            client,
		"client's value":    *client,
		"client as someone": client.As(5),
		"services":          []any{client.Tickets, client.Notes, client.TimeEntries, client.Picklists},
		"ambiguous":         &autotask.AmbiguousError{What: "ticket number", Name: "T1"},
	}
	for name, err := range everyError(t, srv, client, id) {
		values["error: "+name] = err
	}
	var logs bytes.Buffer
	text := slog.New(slog.NewTextHandler(&logs, nil))
	asJSON := slog.New(slog.NewJSONHandler(&logs, nil))
	for name, v := range values {
		var out []string
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%T"} {
			out = append(out, fmt.Sprintf(verb, v))
		}
		logs.Reset()
		text.Info("x", "value", v)
		asJSON.Info("x", "value", v)
		out = append(out, logs.String())
		if b, err := json.Marshal(v); err == nil {
			out = append(out, string(b))
		}
		if b, err := xml.Marshal(v); err == nil {
			out = append(out, string(b))
		}
		if err, ok := v.(error); ok {
			for e := err; e != nil; e = errors.Unwrap(e) {
				out = append(out, e.Error(), fmt.Sprintf("%#v", e))
			}
		}
		for _, secret := range everySecret(creds) {
			for _, s := range out {
				assert.NotContains(t, s, secret, name)
				assert.NotContains(t, s, fmt.Sprintf("%x", secret), name)
				assert.NotContains(t, s, fmt.Sprintf("%X", secret), name)
			}
		}
	}
}

// everyError provokes errors of every kind, on a server that echoes what it got.
func everyError(t *testing.T, srv *autotasktest.Server, client *autotask.Client, id int64) map[string]error {
	t.Helper()
	all := map[string]error{}
	echo := strings.Join(everySecret(srv.Credentials()), " ")
	for name, fault := range map[string]autotasktest.Fault{
		"401":       {Status: 401, Body: echo},
		"404":       {Status: 404, Body: "<html><title>" + echo + "</title></html>"},
		"405":       {Status: 405, Body: `{"Message":"` + echo + `"}`},
		"429":       {Status: 429, Body: `{"errors":["` + echo + `"]}`, Header: http.Header{"Retry-After": {"3600"}}},
		"500":       {Status: 500, Body: `{"errors":["` + echo + `"]}`},
		"503":       {Status: 503, Body: echo},
		"lost":      {DropResponse: true},
		"truncated": {Truncate: true},
		"garbage":   {Garbage: true},
		"HTML":      {HTML: true},
		"redirect":  {Status: 302, Body: echo, Header: http.Header{"Location": {"https://example.com/?" + srv.Credentials().Secret}}},
	} {
		for _, op := range []string{"GET Tickets", "POST TimeEntries"} {
			fault.Op = op
			srv.Inject(fault)
		}
		_, err := client.Tickets.Get(t.Context(), id)
		require.Error(t, err, name)
		all["read "+name] = err
		_, err = client.TimeEntries.Create(t.Context(), &autotask.TimeEntry{ResourceID: autotask.Int(4), TicketID: autotask.Int(id)})
		require.Error(t, err, name)
		all["write "+name] = err
	}
	_, all["zone"] = func() (*autotask.Ticket, error) {
		c, err := autotask.NewClient(srv.Credentials(), autotask.WithZoneURL("http://127.0.0.1:1"), autotask.WithMaxRetries(0))
		require.NoError(t, err)
		return c.Tickets.Get(t.Context(), 5)
	}()
	_, all["not found"] = client.Tickets.Get(t.Context(), 999999)
	_, all["missing"] = client.Tickets.Create(t.Context(), &autotask.Ticket{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, all["cancelled"] = client.Tickets.Get(ctx, id)
	for name, err := range all {
		require.Error(t, err, name)
		var e *autotask.Error
		require.ErrorAs(t, err, &e, "%s: %v", name, err)
	}
	return all
}

func TestLogger_OneRecordAnAttempt(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", map[string]any{"title": "confidential"})
	client := srv.Client(autotask.WithLogger(slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	_, err := client.Tickets.Get(t.Context(), id)
	require.NoError(t, err)
	var record map[string]any
	require.NoError(t, json.Unmarshal(logs.Bytes(), &record), "one line: %s", logs.String())
	assert.Equal(t, "GET Tickets/{id}", record["operation"])
	assert.InDelta(t, 200, record["status"], 0)
	assert.InDelta(t, 1, record["attempt"], 0)
	assert.Contains(t, record, "duration")
	assert.Contains(t, record, "waited")
	assert.NotContains(t, logs.String(), "confidential")
}

const ticketPage = "Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID="

func TestTicketURL(t *testing.T) {
	t.Parallel()
	zoneOf := func(web string) httpmock.Responder {
		return httpmock.NewStringResponder(200, `{"zoneName":"Test","url":"https://webservices19.autotask.net/ATServicesRest/","webUrl":"`+web+`","ci":1}`)
	}
	const user = "?user=api-user-4f1c%40example.com"
	for name, c := range map[string]struct {
		opts  []autotask.Option
		asked string
	}{
		"discovered":                     {nil, "https://webservices.autotask.net/ATServicesRest/V1.0/zoneInformation"},
		"discovered elsewhere":           {[]autotask.Option{autotask.WithZoneURL("https://pre.example.com/")}, "https://pre.example.com/ATServicesRest/V1.0/zoneInformation"},
		"given: the zone itself":         {[]autotask.Option{autotask.WithBaseURL(testBase)}, testBase + "/zoneInformation"},
		"given, and where to look it up": {[]autotask.Option{autotask.WithBaseURL(testBase), autotask.WithZoneURL("https://pre.example.com/")}, "https://pre.example.com/ATServicesRest/V1.0/zoneInformation"},
	} {
		for web, want := range map[string]string{
			"https://ww19.autotask.net/":    "https://ww19.autotask.net/",
			"https://ww19.autotask.net":     "https://ww19.autotask.net/",
			" https://WW19.autotask.net/x/": "https://WW19.autotask.net/x/",
		} {
			mock := httpmock.NewMockTransport()
			client, err := autotask.NewClient(testCredentials, append(c.opts, autotask.WithHTTPClient(&http.Client{Transport: mock}), autotask.WithMaxRetries(0))...)
			require.NoError(t, err)
			mock.RegisterResponder(http.MethodGet, c.asked+user, func(req *http.Request) (*http.Response, error) {
				assert.Empty(t, req.Header.Get("Secret"), "the zone is nobody's secret")
				return zoneOf(web)(req)
			})
			for id, text := range map[int64]string{7: "7", 123456789: "123456789"} {
				got, err := client.TicketURL(t.Context(), id)
				require.NoError(t, err, name)
				assert.Equal(t, want+ticketPage+text, got, name)
			}
			assert.Equal(t, 1, mock.GetTotalCallCount(), "one request for a client")
			_, err = client.TicketURL(t.Context(), 0)
			require.ErrorIs(t, err, autotask.ErrInvalid)
		}
	}
}

func TestTicketURL_AnswersThatNameNoWebInterface(t *testing.T) {
	t.Parallel()
	for _, web := range []string{`""`, `null`, `"ww19"`, `"http://ww19.autotask.net/"`, `"javascript:alert(1)"`, `"https://user@ww19.autotask.net/"`, `"https://ww19.autotask.net/?x=1"`, `"%zz"`} {
		client, mock := mocked(t)
		mock.RegisterNoResponder(httpmock.NewStringResponder(200, `{"url":"https://webservices19.autotask.net/ATServicesRest/","webUrl":`+web+`}`))
		for range 2 {
			got, err := client.TicketURL(t.Context(), 7)
			require.ErrorIs(t, err, autotask.ErrServer, web)
			assert.Empty(t, got)
		}
		assert.Equal(t, 2, mock.GetTotalCallCount(), "a failure is not kept")
	}
	client, mock := mocked(t)
	mock.RegisterNoResponder(httpmock.NewStringResponder(200, `{"url":"https://webservices19.autotask.net/ATServicesRest/"}`))
	_, err := client.TicketURL(t.Context(), 7)
	require.ErrorContains(t, err, "WithZoneURL")
	mock.RegisterNoResponder(httpmock.NewStringResponder(500, `{"errors":["Zone information could not be determined"]}`))
	_, err = client.TicketURL(t.Context(), 7)
	require.Error(t, err)
}

func TestTicketURL_OfATenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		got, err := srv.Client().TicketURL(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, "https://webservices.autotask.test/"+ticketPage+"7", got)
	})
}

// goodAddresses are addresses of zones, and how they are kept.
var goodAddresses = map[string]string{
	"https://h.example/ATServicesRest/V1.0":             "https://h.example/ATServicesRest/V1.0",
	"https://h.example/ATServicesRest/V1.0/":            "https://h.example/ATServicesRest/V1.0",
	"HTTPS://H.Example/ATServicesRest/V1.0":             "https://h.example/ATServicesRest/V1.0",
	"https://h.example:8443/ATServicesRest/V1.0":        "https://h.example:8443/ATServicesRest/V1.0",
	"https://h.example:65535/ATServicesRest/V1.0":       "https://h.example:65535/ATServicesRest/V1.0",
	"https://h.example/gateway/ATServicesRest/V1.0":     "https://h.example/gateway/ATServicesRest/V1.0",
	"https://h_1.example/ATServicesRest/V1.0":           "https://h_1.example/ATServicesRest/V1.0",
	"https://xn--bcher-kva.example/ATServicesRest/V1.0": "https://xn--bcher-kva.example/ATServicesRest/V1.0",
	"https://[2001:db8::1]/ATServicesRest/V1.0":         "https://[2001:db8::1]/ATServicesRest/V1.0",
	"https://[2001:db8::1]:443/ATServicesRest/V1.0":     "https://[2001:db8::1]:443/ATServicesRest/V1.0",
	"https://192.0.2.1/ATServicesRest/V1.0":             "https://192.0.2.1/ATServicesRest/V1.0",
	"http://[::1]:8080/ATServicesRest/V1.0":             "http://[::1]:8080/ATServicesRest/V1.0",
	"http://127.0.0.2/ATServicesRest/V1.0":              "http://127.0.0.2/ATServicesRest/V1.0",
	"http://LocalHost:8080/ATServicesRest/V1.0":         "http://localhost:8080/ATServicesRest/V1.0",
}

// badAddresses are refused, whatever they are the address of.
var badAddresses = []string{
	// users and passwords
	"u:hush-hush@h.example/ATServicesRest/V1.0",
	"https://u:hush-hush@h.example/ATServicesRest/V1.0",
	"https://u:hush-hush@@h.example/ATServicesRest/V1.0",
	"https://u:hush-hush%zz@h.example/ATServicesRest",
	"https://u:hush-hush @h.example/ATServicesRest/V1.0",
	"https://u:hush-hush/x@h.example/ATServicesRest/V1.0",
	"https://u:hush-hush?x@h.example/ATServicesRest/V1.0",
	"https://u:hush-hush#x@h.example/ATServicesRest/V1.0",
	"https:u:hush-hush@h.example/ATServicesRest/V1.0",
	"https:/u:hush-hush@h.example/ATServicesRest/V1.0",
	"https:///u:hush-hush@h.example/ATServicesRest/V1.0",
	"//u:hush-hush@h.example/ATServicesRest/V1.0",
	"https://@h.example/ATServicesRest/V1.0",
	"https://hush-hush:x@h.example/ATServicesRest/V1.0",
	"u:hush-hush",
	"https://h.example:hush-hush/ATServicesRest/V1.0",
	// queries and fragments
	"https://h.example/ATServicesRest/V1.0?password=hush-hush",
	"https://h.example/ATServicesRest/V1.0#hush-hush",
	"https://h.example/ATServicesRest/V1.0?",
	"https://h.example/ATServicesRest/V1.0#",
	"https://h.example?hush-hush/ATServicesRest/V1.0",
	// escapes, which must not turn into what they stand for
	"https://h.example/x%3F/ATServicesRest/V1.0",
	"https://h.example/x%23/ATServicesRest/V1.0",
	"https://h.example/x%2F/ATServicesRest/V1.0",
	"https://h.example/x%5C/ATServicesRest/V1.0",
	"https://h.example/x%00/ATServicesRest/V1.0",
	"https://h.example/x%20/ATServicesRest/V1.0",
	"https://h.example/x%25/ATServicesRest/V1.0",
	"https://h.example/%2e%2e/ATServicesRest/V1.0",
	"https://h.example/%41TServicesRest/V1.0",
	"https://h.example/x%2FATServicesRest/V1.0",
	"https://h.example/x y/ATServicesRest/V1.0",
	"https://h.example/\u00fc/ATServicesRest/V1.0",
	// paths that lead elsewhere
	"https://h.example/x/../ATServicesRest/V1.0",
	"https://h.example/./ATServicesRest/V1.0",
	"https://h.example/../ATServicesRest/V1.0",
	"https://h.example/ATServicesRest/V1.0/..",
	"https://h.example//ATServicesRest/V1.0",
	"https://h.example/ATServicesRest//V1.0",
	`https://h.example\x/ATServicesRest/V1.0`,
	`https://h.example/x\..\ATServicesRest/V1.0`,
	`https://h.example/\ATServicesRest/V1.0`,
	// hosts
	"https://h.example./ATServicesRest/V1.0",
	"https://.h.example/ATServicesRest/V1.0",
	"https://h..example/ATServicesRest/V1.0",
	"https://h.example:/ATServicesRest/V1.0",
	"https://h.example:0/ATServicesRest/V1.0",
	"https://h.example:65536/ATServicesRest/V1.0",
	"https://h.example:-1/ATServicesRest/V1.0",
	"https://:443/ATServicesRest/V1.0",
	"https:///ATServicesRest/V1.0",
	"https://b\u00fccher.example/ATServicesRest/V1.0",
	"https://h\u3002example/ATServicesRest/V1.0",
	"https://h%2eexample/ATServicesRest/V1.0",
	"https://h example/ATServicesRest/V1.0",
	"https://[fe80::1%25eth0]/ATServicesRest/V1.0",
	"https://[::1/ATServicesRest/V1.0",
	"https://[h.example]/ATServicesRest/V1.0",
	"http://h.example/ATServicesRest/V1.0",
	"http://localhost.h.example/ATServicesRest/V1.0",
	"http://127.0.0.1.h.example/ATServicesRest/V1.0",
	"ftp://h.example/ATServicesRest/V1.0",
	"https://h.example/ATServicesRest/V1.0\n",
	" https://h.example/ATServicesRest/V1.0",
	"",
}

// otherAddresses are no addresses of a zone.
var otherAddresses = []string{
	"https://h.example/atservicesrest/V1.0",
	"https://h.example/ATSERVICESREST/V1.0",
	"https://h.example/ATServicesRest/v1.0",
	"https://h.example/AtServicesRest/V1.0",
	"https://h.example/xATServicesRest/V1.0",
	"https://h.example/ATServicesRest/V1.0.0",
	"https://h.example/ATServicesRest",
	"https://h.example",
	"https://h.example/ATServicesRest/V1.0/Tickets",
}

func TestWithBaseURL_Addresses(t *testing.T) {
	t.Parallel()
	for given, want := range goodAddresses {
		client, err := autotask.NewClient(testCredentials, autotask.WithBaseURL(given))
		require.NoError(t, err, given)
		assert.Equal(t, "autotask.Client("+want+")", client.String(), given)
	}
	for _, given := range slices.Concat(badAddresses, otherAddresses) {
		_, err := autotask.NewClient(testCredentials, autotask.WithBaseURL(given))
		if assert.Error(t, err, given) {
			assert.NotContains(t, err.Error(), "hush-hush", given)
			assert.Contains(t, err.Error(), "WithBaseURL: ", given)
		}
	}
}

func TestWithBaseURL_SaysWhatWasProbablyMeant(t *testing.T) {
	t.Parallel()
	for _, given := range []string{"atservicesrest/v1.0", "ATSERVICESREST", "ATServicesRest/", "", "ATServicesRest/V2"} {
		_, err := autotask.NewClient(testCredentials, autotask.WithBaseURL("https://h.example/"+given))
		assert.ErrorContains(t, err, "try https://h.example/ATServicesRest/V1.0", given)
	}
}

func TestWithZoneURL_Addresses(t *testing.T) {
	t.Parallel()
	for given := range goodAddresses {
		_, err := autotask.NewClient(testCredentials, autotask.WithZoneURL(given))
		require.NoError(t, err, given)
	}
	for _, given := range badAddresses {
		_, err := autotask.NewClient(testCredentials, autotask.WithZoneURL(given))
		if assert.Error(t, err, given) {
			assert.NotContains(t, err.Error(), "hush-hush", given)
			assert.Contains(t, err.Error(), "WithZoneURL: ", given)
		}
	}
}

// What zone discovery answers is held to the same.
func TestZone_AddressesThatAreAnswered(t *testing.T) {
	t.Parallel()
	for _, answered := range badAddresses {
		if _, path, _ := strings.Cut(strings.TrimSpace(answered), "://"); strings.Contains(path, "//") || strings.TrimSpace(answered) != answered {
			continue // Autotask itself may answer with these, and they are put right
		}
		mock := httpmock.NewMockTransport()
		mock.RegisterResponder(http.MethodGet, "https://webservices.autotask.net/ATServicesRest/V1.0/zoneInformation",
			httpmock.NewJsonResponderOrPanic(200, map[string]any{"url": answered}))
		client, err := autotask.NewClient(testCredentials, autotask.WithHTTPClient(&http.Client{Transport: mock}))
		require.NoError(t, err)
		_, err = client.Tickets.Get(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrServer, answered)
		assert.NotContains(t, err.Error(), "hush-hush", answered)
		assert.Equal(t, 1, mock.GetTotalCallCount(), "%s: no credential goes anywhere", answered)
	}
}
