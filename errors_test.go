package autotask_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
)

// sentinels are all the ways of failing, by name.
var sentinels = map[string]error{
	"NotFound": autotask.ErrNotFound, "Unauthorized": autotask.ErrUnauthorized, "Permission": autotask.ErrPermission,
	"Invalid": autotask.ErrInvalid, "RateLimited": autotask.ErrRateLimited, "ThreadLimit": autotask.ErrThreadLimit,
	"Server": autotask.ErrServer, "OutcomeUnknown": autotask.ErrOutcomeUnknown, "Unsupported": autotask.ErrUnsupported,
	"MissingField": autotask.ErrMissingField, "NotApplied": autotask.ErrNotApplied, "Ambiguous": autotask.ErrAmbiguous,
	"NotStarted": autotask.ErrNotStarted, "ReadOnly": autotask.ErrReadOnly,
}

// assertKinds asserts that an error is of these kinds and of no other.
func assertKinds(t *testing.T, err error, kinds ...string) {
	t.Helper()
	var got []string
	for name, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			got = append(got, name)
		}
	}
	assert.ElementsMatch(t, kinds, got, "%v", err)
}

const threadLimitText = "The Autotask API thread threshold of 3 threads has been exceeded."

func TestError_KindsOfAnAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		body   string
		reads  []string
		writes []string
	}{
		{"not found", 404, `{"errors":["no"]}`, []string{"NotFound"}, []string{"NotFound"}},
		{"unauthorized", 401, ``, []string{"Unauthorized"}, []string{"Unauthorized"}},
		{"permission", 403, ``, []string{"Permission"}, []string{"Permission"}},
		{"invalid", 500, `{"errors":["Picklist value [9] does not exist for priority."]}`, []string{"Invalid"}, []string{"Invalid"}},
		{"rate limited", 429, ``, []string{"RateLimited"}, []string{"RateLimited"}},
		{"thread limit", 500, `{"errors":["` + threadLimitText + `"]}`, []string{"RateLimited", "ThreadLimit"}, []string{"RateLimited", "ThreadLimit"}},
		{"server", 503, ``, []string{"Server"}, []string{"Server", "OutcomeUnknown"}},
		{"unsupported", 405, ``, []string{"Unsupported"}, []string{"Unsupported"}},
		{"unreadable", 200, `<html>`, []string{"Server"}, []string{"Server", "OutcomeUnknown"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client, mock := mocked(t)
			mock.RegisterNoResponder(httpmock.NewStringResponder(c.status, c.body))
			_, err := client.Tickets.Get(t.Context(), 5)
			assertKinds(t, err, c.reads...)
			var e *autotask.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, []any{c.status, "GET", "Tickets/5", 1}, []any{e.StatusCode, e.Method, e.Path, e.Attempts})

			err = autotask.Delete[autotask.TimeEntry](t.Context(), client, 7)
			if c.name == "unreadable" || c.name == "server" { // a DELETE may be repeated, and is
				assertKinds(t, err, c.writes...)
				return
			}
			assertKinds(t, err, c.writes...)
			require.ErrorAs(t, err, &e)
			assert.Equal(t, []any{c.status, "DELETE", "TimeEntries/7", 1}, []any{e.StatusCode, e.Method, e.Path, e.Attempts})
		})
	}
}

func TestError_KindsOfTheLibrarysOwnChecks(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)

	_, err := client.Tickets.Get(t.Context(), 0)
	assertKinds(t, err, "Invalid")

	_, err = client.Tickets.Create(t.Context(), &autotask.Ticket{})
	assertKinds(t, err, "Invalid", "MissingField")

	mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/5", httpmock.NewStringResponder(200, `{"item":null}`))
	_, err = client.Tickets.Get(t.Context(), 5)
	assertKinds(t, err, "NotFound")

	mock.RegisterResponder(http.MethodGet, testBase+"/TimeEntries/7", httpmock.NewStringResponder(200, `{"item":{"id":7,"resourceID":4,"summaryNotes":"old"}}`))
	mock.RegisterResponder(http.MethodPatch, testBase+"/TimeEntries", httpmock.NewStringResponder(200, `{"itemId":7}`))
	_, err = autotask.Update(t.Context(), client, 7, func(e *autotask.TimeEntry) error {
		e.SummaryNotes.Set("new")
		return nil
	})
	assertKinds(t, err, "NotApplied")

	mock.RegisterResponder(http.MethodPost, testBase+"/Tickets/query", httpmock.NewStringResponder(200,
		`{"items":[{"id":5,"title":"Printer","ticketNumber":"T1"},{"id":6,"title":"Mouse","ticketNumber":"T1"}],"pageDetails":{"nextPageUrl":null}}`))
	_, err = client.Tickets.IDByNumber(t.Context(), "T1")
	assertKinds(t, err, "Ambiguous")
}

func TestError_MadeByHandIsClassifiedByWhatItShows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		e    autotask.Error
		want []string
	}{
		{autotask.Error{StatusCode: 404, Method: "GET"}, []string{"NotFound"}},
		{autotask.Error{StatusCode: 401}, []string{"Unauthorized"}},
		{autotask.Error{StatusCode: 403}, []string{"Permission"}},
		{autotask.Error{StatusCode: 400}, []string{"Invalid"}},
		{autotask.Error{StatusCode: 405}, []string{"Unsupported"}},
		{autotask.Error{StatusCode: 429}, []string{"RateLimited"}},
		{autotask.Error{StatusCode: 429, Messages: []string{threadLimitText}}, []string{"RateLimited", "ThreadLimit"}},
		{autotask.Error{StatusCode: 500}, []string{"Server"}},
		{autotask.Error{StatusCode: 502, Messages: []string{"Bad Gateway"}}, []string{"Server"}},
		{autotask.Error{StatusCode: 500, Messages: []string{"title is required."}}, []string{"Invalid"}},
		{autotask.Error{StatusCode: 500, Messages: []string{"No message. No matching records found."}}, []string{"NotFound"}},
		{autotask.Error{StatusCode: 200}, nil},
		{autotask.Error{Messages: []string{"No matching records found."}}, nil},
		{autotask.Error{}, nil},
	} {
		assertKinds(t, &c.e, c.want...)
		assertKinds(t, fmt.Errorf("while syncing: %w", &c.e), c.want...)
	}
}

func TestError_IsOnlyWhatItIs(t *testing.T) {
	t.Parallel()
	e := &autotask.Error{StatusCode: 404}
	require.NotErrorIs(t, e, io.EOF)
	require.NotErrorIs(t, e, errors.New("autotask: not found"), "not by its text")
	require.NotErrorIs(t, e, nil)
	assert.Len(t, sentinels, 14)
	for name, sentinel := range sentinels {
		assert.Regexp(t, `^autotask: [a-z A-Z]+$`, sentinel.Error(), name)
		assertKinds(t, sentinel, name)
	}
}

func TestError_IsOneLineWithItsParts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		e    autotask.Error
		want string
	}{
		{autotask.Error{}, "autotask:"},
		{autotask.Error{Method: "GET", Path: "Tickets/5"}, "autotask: GET Tickets/5"},
		{autotask.Error{Path: "Tickets/5"}, "autotask: Tickets/5"},
		{autotask.Error{StatusCode: 404, Method: "GET", Path: "Tickets/5"}, "autotask: GET Tickets/5: 404: not found"},
		{autotask.Error{StatusCode: 500, Method: "PUT", Path: "Tickets", Messages: []string{"one", "two"}, Attempts: 2},
			"autotask: PUT Tickets: 500: invalid request: one; two"},
		{autotask.Error{StatusCode: 429, Method: "GET", Path: "Tickets/5", Messages: []string{threadLimitText}, RetryAfter: 90 * time.Second},
			"autotask: GET Tickets/5: 429: thread limit exceeded, rate limited: " + threadLimitText + ": retry after 1m30s"},
		{autotask.Error{Messages: []string{"title is required.\r\n; on record\tnumber [1].\n", "\u2028two"}},
			"autotask: title is required. ; on record number [1]. ; two"},
	} {
		assert.Equal(t, strings.TrimSuffix(c.want, ":"), strings.TrimSuffix(c.e.Error(), ":"))
		assert.NotContains(t, c.e.Error(), "\n")
	}
}

func TestError_NamesEveryKind(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterNoResponder(httpmock.NewStringResponder(502, ""))
	_, err := client.TimeEntries.Create(t.Context(), &autotask.TimeEntry{ResourceID: autotask.Int(4)})
	assert.ErrorContains(t, err, "autotask: POST TimeEntries: 502: outcome unknown, server error")
}

func TestError_TextIsBoundedAndWholeCharacters(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"x", "é", "日", "😀", " x", "\r\n"} {
		for n := range 8 { // so that the cut falls everywhere in a character
			e := &autotask.Error{StatusCode: 400, Messages: []string{strings.Repeat("y", n) + strings.Repeat(s, 10_000)}}
			text := e.Error()
			assert.LessOrEqual(t, len(text), 500+len("…"))
			assert.True(t, utf8.ValidString(text))
			assert.NotContains(t, text, "\uFFFD")
			assert.Len(t, e.Messages[0], n+10_000*len(s), "the messages keep all")
		}
	}
}

func TestError_UnwrapsItsCause(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterNoResponder(httpmock.NewErrorResponder(io.ErrUnexpectedEOF))
	_, err := client.Tickets.Get(t.Context(), 5)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.EqualError(t, err, "autotask: GET Tickets/5: server error: unexpected EOF")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Tickets.Get(ctx, 5)
	require.ErrorIs(t, err, context.Canceled)
	var e *autotask.Error
	require.ErrorAs(t, err, &e)
	assert.Zero(t, e.Attempts, "it never was tried")

	assert.NoError(t, (&autotask.Error{StatusCode: 404}).Unwrap())
}

func TestError_NoAnswerIsAServerErrorUnlessTheCallerLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leave       bool
		read, write []string
	}{
		"network":    {false, []string{"Server"}, []string{"Server", "OutcomeUnknown"}},
		"the caller": {true, nil, []string{"OutcomeUnknown"}},
	} {
		client, mock := mocked(t)
		ctx, cancel := context.WithCancel(t.Context())
		mock.RegisterNoResponder(func(*http.Request) (*http.Response, error) {
			if c.leave {
				cancel()
			}
			return nil, io.ErrUnexpectedEOF
		})
		_, err := client.Tickets.Get(ctx, 5)
		assertKinds(t, err, c.read...)
		assert.Equal(t, c.leave, errors.Is(err, context.Canceled), name)

		ctx, cancel = context.WithCancel(t.Context())
		_, err = client.TimeEntries.Create(ctx, &autotask.TimeEntry{ResourceID: autotask.Int(4)})
		assertKinds(t, err, c.write...)
		assert.Equal(t, c.leave, errors.Is(err, context.Canceled), name)
		cancel()
	}
}

// logLine is a value as slog's text handler shows it.
func logLine(v any) string {
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}})).Error("", "err", v)
	return strings.TrimSpace(out.String())
}

func TestError_IsLoggedAsAGroup(t *testing.T) {
	t.Parallel()
	e := &autotask.Error{StatusCode: 500, Method: "PUT", Path: "Tickets", Messages: []string{"one", "two"}, Attempts: 2}
	assert.Equal(t, `err.method=PUT err.path=Tickets err.status=500 err.kinds="[invalid request]" err.messages="[one two]" err.attempts=2`, logLine(e))

	client, mock := mocked(t)
	mock.RegisterNoResponder(httpmock.NewErrorResponder(io.ErrUnexpectedEOF))
	_, err := client.Tickets.Get(t.Context(), 5)
	assert.Equal(t, `err.method=GET err.path=Tickets/5 err.kinds="[server error]" err.messages=[] err.attempts=1 err.cause="unexpected EOF"`, logLine(err))
}

func TestError_IsEncodedAsItsParts(t *testing.T) {
	t.Parallel()
	e := &autotask.Error{
		StatusCode: 429, Method: "PUT", Path: "Tickets", Messages: []string{"one\ntwo"}, Attempts: 2,
		RetryAfter: 1500 * time.Millisecond, Sent: []byte("confidential"),
	}
	const want = `{"error":"autotask: PUT Tickets: 429: rate limited: one two: retry after 1.5s","method":"PUT","path":"Tickets",
		"statusCode":429,"kinds":["rate limited"],"messages":["one\ntwo"],"attempts":2,"retryAfterSeconds":1.5}`
	for name, codec := range codecs {
		b, err := codec.marshal(e)
		require.NoError(t, err, name)
		assert.JSONEq(t, want, string(b), name)
	}
}

func TestError_KeepsWhatWasSentToItself(t *testing.T) {
	t.Parallel()
	e := &autotask.Error{StatusCode: 502, Method: "POST", Path: "Tickets", Sent: []byte("confidential")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		assert.NotContains(t, fmt.Sprintf(verb, e), "confidential", verb)
		assert.NotContains(t, fmt.Sprintf(verb, e), fmt.Sprintf("%x", "confidential"), verb)
	}
	assert.Equal(t, e.Error(), fmt.Sprintf("%#v", e))
	assert.NotContains(t, logLine(e), "confidential")
}

func TestAmbiguousError(t *testing.T) {
	t.Parallel()
	e := &autotask.AmbiguousError{What: "Tickets.status", Name: "Complete", Candidates: []autotask.Candidate{{5, "Complete"}, {8, "complete"}}}
	require.EqualError(t, e, `autotask: ambiguous: Tickets.status "Complete" may be 5 (Complete), 8 (complete)`)
	assert.Equal(t, []int64{5, 8}, e.IDs())
	assertKinds(t, e, "Ambiguous")
	assertKinds(t, fmt.Errorf("while syncing: %w", e), "Ambiguous")
	assert.Empty(t, (&autotask.AmbiguousError{}).IDs())
}

func TestAmbiguousError_IsOneBoundedLine(t *testing.T) {
	t.Parallel()
	e := &autotask.AmbiguousError{What: "ticket number", Name: strings.Repeat("n", 10_000)}
	for i := range int64(25) {
		e.Candidates = append(e.Candidates, autotask.Candidate{ID: i + 1, Label: "line\r\nbreak " + strings.Repeat("ü", 10_000)})
	}
	text := e.Error()
	assert.Contains(t, text, "1 (line break üü")
	assert.Contains(t, text, "10 (line break")
	assert.NotContains(t, text, "11 (")
	assert.Regexp(t, `, and 15 more$`, text)
	assert.NotContains(t, text, "\n")
	assert.Less(t, len(text), 1000)
	assert.True(t, utf8.ValidString(text))
	assert.Len(t, e.IDs(), 25)

	e.Candidates = e.Candidates[:10]
	assert.NotContains(t, e.Error(), "more")
}

func TestError_ShowsNoSecret(t *testing.T) {
	t.Parallel()
	echo := testCredentials.Secret + " " + testCredentials.IntegrationCode + " " + testCredentials.UserName
	for name, respond := range map[string]httpmock.Responder{
		"errors":       httpmock.NewStringResponder(500, `{"errors":["You sent `+echo+`"]}`),
		"Message":      httpmock.NewStringResponder(404, `{"Message":"`+echo+`"}`),
		"HTML":         httpmock.NewStringResponder(404, `<title>`+echo+`</title>`),
		"text":         httpmock.NewStringResponder(400, strings.Repeat("x", 1990)+echo),
		"unreadable":   httpmock.NewStringResponder(200, `{"item":{"id":5,"createDate":"`+echo+`"}}`),
		"network":      httpmock.NewErrorResponder(errors.New("malformed answer " + echo)),
		"redirect":     httpmock.NewStringResponder(302, "").HeaderSet(http.Header{"Location": {"https://elsewhere.example/?s=" + testCredentials.Secret}}),
		"odd redirect": httpmock.NewStringResponder(302, "").HeaderSet(http.Header{"Location": {"https://%zz/" + testCredentials.Secret}}),
	} {
		client, mock := mocked(t)
		mock.RegisterNoResponder(respond)
		_, err := client.Tickets.Get(t.Context(), 5)
		var e *autotask.Error
		require.ErrorAs(t, err, &e, name)
		shown := strings.Join([]string{
			err.Error(), fmt.Sprintf("%v %+v %#v %q %s", err, err, err, err, err), logLine(err), strings.Join(e.Messages, " "),
		}, "\n")
		for _, secret := range []string{testCredentials.Secret, testCredentials.IntegrationCode, testCredentials.UserName} {
			assert.NotContains(t, shown, secret, name)
			// Nor half of one.
			assert.NotRegexp(t, regexp.QuoteMeta(secret[:len(secret)/2]), shown, name)
		}
	}
}

func TestError_EncodesWhateverAutotaskSent(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	items := []string{`{"item":{"id":5,"phone":"a"}}`, "{\"item\":{\"id\":5,\"phone\":\"cut \xc3\"}}"}
	mock.RegisterResponder(http.MethodGet, testBase+"/Companies/5", func(*http.Request) (*http.Response, error) {
		item := items[0]
		items = append(items[1:], items[1])
		return httpmock.NewStringResponse(200, item), nil
	})
	mock.RegisterResponder(http.MethodPatch, testBase+"/Companies", httpmock.NewStringResponder(200, `{"itemId":5}`))
	_, err := autotask.Update(t.Context(), client, 5, func(c *company) error { c.Phone.Set("b"); return nil })
	require.ErrorIs(t, err, autotask.ErrNotApplied)
	text, err := json.Marshal(err)
	require.NoError(t, err)
	assert.Contains(t, string(text), "phone")
}

// forms are the ways in which an error is shown.
func forms(t *testing.T, err error) map[string]string {
	t.Helper()
	shown := map[string]string{"Error": err.Error(), "log": logLine(err)}
	var jsonLog bytes.Buffer
	slog.New(slog.NewJSONHandler(&jsonLog, nil)).Error("failed", "err", err)
	shown["JSON log"] = jsonLog.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%T%[1]v", "%100v", "%o", "%t"} {
		shown[verb] = fmt.Sprintf(verb, err)
	}
	for name, codec := range codecs {
		b, failed := codec.marshal(err)
		require.NoError(t, failed, name)
		shown["JSON by "+name] = string(b)
	}
	return shown
}

func TestError_EveryFormIsBounded(t *testing.T) {
	t.Parallel()
	many := func(n, size int, s string) []string {
		return slices.Repeat([]string{strings.Repeat(s, size)}, n)
	}
	manyCandidates := make([]autotask.Candidate, 10_000)
	for i := range manyCandidates {
		manyCandidates[i] = autotask.Candidate{ID: math.MaxInt64 - int64(i), Label: strings.Repeat("l", 50)}
	}
	for name, err := range map[string]error{
		"one long message":     &autotask.Error{StatusCode: 500, Messages: many(1, 1<<20, "x")},
		"many messages":        &autotask.Error{StatusCode: 500, Messages: many(1<<16, 1, "x")},
		"many long messages":   &autotask.Error{StatusCode: 500, Messages: many(100, 10_000, "é")},
		"what JSON escapes":    &autotask.Error{StatusCode: 500, Messages: many(100, 1000, "\x01")},
		"what is not UTF-8":    &autotask.Error{StatusCode: 500, Messages: many(100, 1000, "\xff")},
		"white space":          &autotask.Error{StatusCode: 500, Messages: many(100, 1000, "\r\n")},
		"a long path":          &autotask.Error{Method: strings.Repeat("M", 1<<20), Path: strings.Repeat("p", 1<<20)},
		"what was sent":        &autotask.Error{StatusCode: 500, Sent: bytes.Repeat([]byte("x"), 1<<20)},
		"a long kind":          &autotask.AmbiguousError{What: strings.Repeat("k", 1<<20), Name: "n"},
		"a long name":          &autotask.AmbiguousError{What: "k", Name: strings.Repeat("\x01", 1<<20)},
		"long labels":          &autotask.AmbiguousError{Candidates: []autotask.Candidate{{1, strings.Repeat("l", 1<<20)}, {2, strings.Repeat("\xff", 1<<20)}}},
		"very many candidates": &autotask.AmbiguousError{Candidates: manyCandidates},
	} {
		for form, shown := range forms(t, err) {
			most := 4 << 10
			if strings.Contains(form, "JSON") || form == "log" {
				most = 16 << 10 // a byte may be written as six
			}
			assert.LessOrEqual(t, len(shown), most, "%s, %s", name, form)
			assert.NotEmpty(t, shown)
		}
	}
}

// The cause comes from the network or a program, and may be of any length.
func TestError_EveryFormIsBoundedWithItsCause(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterNoResponder(httpmock.NewErrorResponder(errors.New(strings.Repeat("x", 9<<20))))
	_, err := client.Tickets.Get(t.Context(), 5)
	for form, shown := range forms(t, err) {
		assert.LessOrEqual(t, len(shown), 4<<10, form)
	}
	mock.RegisterNoResponder(httpmock.NewStringResponder(500, `{"errors":["`+strings.Repeat(`x","`, 1<<20)+`"]}`))
	_, err = client.Tickets.Get(t.Context(), 5)
	for form, shown := range forms(t, err) {
		assert.LessOrEqual(t, len(shown), 4<<10, form)
	}
}

func TestAmbiguousError_IsShownByItsParts(t *testing.T) {
	t.Parallel()
	e := &autotask.AmbiguousError{What: "Tickets.status", Name: "Complete", Candidates: []autotask.Candidate{{5, "Complete"}, {8, "complete\xff"}}}
	for name, codec := range codecs {
		b, err := codec.marshal(e)
		require.NoError(t, err, name)
		assert.JSONEq(t, `{"error":"autotask: ambiguous: Tickets.status \"Complete\" may be 5 (Complete), 8 (complete\ufffd)","kind":"Tickets.status",
			"name":"Complete","candidates":[{"id":5,"label":"Complete"},{"id":8,"label":"complete\ufffd"}]}`, string(b), name)
	}
	assert.Equal(t, `err.error="autotask: ambiguous: Tickets.status \"Complete\" may be 5 (Complete), 8 (complete\xff)"`+
		` err.kind=Tickets.status err.name=Complete err.candidates=2 err.ids="[5 8]"`, logLine(e))
	assert.Equal(t, e.Error(), fmt.Sprintf("%#v", e))
}

func TestError_AnUnknownOutcomeSaysHowLongItIsUnknown(t *testing.T) {
	t.Parallel()
	// One attempt: what is asked for by a 503, or else no answer, after the
	// request took so long to be written and was waited for so long.
	post := func(t *testing.T, took, waited time.Duration, asked string) *autotask.Error {
		t.Helper()
		client, err := autotask.NewClient(testCredentials, autotask.WithBaseURL(testBase), autotask.WithHTTPClient(&http.Client{
			Timeout: time.Hour,
			Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
				<-time.After(took)
				if trace := httptrace.ContextClientTrace(req.Context()); waited > 0 && trace != nil {
					trace.WroteRequest(httptrace.WroteRequestInfo{})
					<-time.After(waited)
				}
				if asked == "" {
					return nil, io.ErrUnexpectedEOF
				}
				resp := httpmock.NewStringResponse(503, "")
				resp.Header.Set("Retry-After", asked)
				return resp, nil
			}),
		}))
		require.NoError(t, err)
		err = autotask.Patch(t.Context(), client, 5, &autotask.TimeEntry{SummaryNotes: autotask.Value("x")})
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		var e *autotask.Error
		require.ErrorAs(t, err, &e)
		return e
	}
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			took, waited time.Duration
			asked        string
			want         time.Duration
		}{
			{0, 0, "", 5 * time.Minute},
			{time.Minute, 0, "", 5 * time.Minute}, // it may have been sent just now
			{time.Minute, 2 * time.Minute, "", 3 * time.Minute},
			{0, 30*time.Second + 1, "", 270 * time.Second},
			{0, 10 * time.Minute, "", time.Second},
			{0, 0, "7", 5 * time.Minute},
			{0, 0, "soon", 5 * time.Minute},
			{0, 0, "3600", time.Hour},
			{0, 10 * time.Minute, "7", 7 * time.Second},
		} {
			assert.Equal(t, c.want, post(t, c.took, c.waited, c.asked).RetryAfter, "%v, %v, %q", c.took, c.waited, c.asked)
		}
	})
}

func TestSafeToRetry(t *testing.T) {
	t.Parallel()
	failing := func(status int, body string) *autotask.Client {
		client, mock := mocked(t, autotask.WithMaxRetries(0))
		mock.RegisterNoResponder(httpmock.NewStringResponder(status, body))
		return client
	}
	patch := func(c *autotask.Client) error {
		return autotask.Patch(t.Context(), c, 5, &autotask.TimeEntry{SummaryNotes: autotask.Value("x")})
	}
	get := func(c *autotask.Client) error {
		_, err := c.Tickets.Get(t.Context(), 5)
		return err
	}
	refused, mock := mocked(t, autotask.WithMaxRetries(0))
	mock.RegisterNoResponder(httpmock.NewErrorResponder(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}))
	lost, mock := mocked(t, autotask.WithMaxRetries(0))
	mock.RegisterNoResponder(httpmock.NewErrorResponder(io.ErrUnexpectedEOF))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, endedRead := refused.Tickets.Get(ended, 5)
	patchNothing := autotask.Patch(t.Context(), refused, 0, &autotask.TimeEntry{})
	safe, unsafe := get(failing(404, "")), patch(failing(502, ""))
	callers := errors.New("the caller's own")

	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"nil":                            {nil, false},
		"400":                            {patch(failing(400, "")), true},
		"401":                            {patch(failing(401, "")), true},
		"403":                            {patch(failing(403, "")), true},
		"404":                            {patch(failing(404, "")), true},
		"429":                            {patch(failing(429, "")), true},
		"500 with a text":                {patch(failing(500, `{"errors":["no"]}`)), true},
		"500 with an unexpected error":   {patch(failing(500, `{"errors":["An unexpected error has occurred."]}`)), true},
		"500 without a text":             {patch(failing(500, `{"errors":[]}`)), false},
		"502":                            {patch(failing(502, "")), false},
		"200 that is unreadable":         {patch(failing(200, "<html>")), false},
		"redirect":                       {patch(failing(302, "")), false},
		"no answer to a write":           {patch(lost), false},
		"no connection":                  {patch(refused), true},
		"no answer to a read":            {get(lost), true},
		"502 to a read":                  {get(failing(502, "")), true},
		"the library's own check":        {patchNothing, true},
		"ended before it began":          {endedRead, true},
		"not applied":                    {autotask.ErrNotApplied, false},
		"ambiguous":                      {&autotask.AmbiguousError{}, true},
		"the caller's own":               {callers, false},
		"a bare context error":           {context.Canceled, false},
		"a bare sentinel":                {autotask.ErrNotFound, false},
		"wrapped":                        {fmt.Errorf("sync: %w", safe), true},
		"wrapped, unsafe":                {fmt.Errorf("sync: %w", unsafe), false},
		"joined":                         {errors.Join(safe, &autotask.AmbiguousError{}), true},
		"joined with one that is unsafe": {errors.Join(safe, unsafe), false},
		"joined the other way":           {errors.Join(unsafe, safe), false},
		"joined with the caller's":       {errors.Join(callers, safe), true},
		"joined of the caller's":         {errors.Join(callers, context.Canceled), false},
		"joined, deep":                   {fmt.Errorf("a: %w", errors.Join(callers, fmt.Errorf("b: %w and %w", safe, unsafe))), false},
		"joined with a bare sentinel":    {errors.Join(safe, autotask.ErrOutcomeUnknown), false},
		"made by hand":                   {&autotask.Error{StatusCode: 404, Method: "PUT", Path: "Tickets"}, true},
		"made by hand, a lost write":     {&autotask.Error{StatusCode: 502, Method: "PUT", Path: "Tickets"}, false},
		"made by hand, a failed read":    {&autotask.Error{StatusCode: 502, Method: "POST", Path: "Tickets/query"}, true},
		"made by hand, a write by GET":   {&autotask.Error{StatusCode: 502, Method: "GET", Path: "TimeOffRequests/5/Approve"}, false},
		"made by hand, refused":          {&autotask.Error{StatusCode: 500, Method: "PUT", Messages: []string{"title is required."}}, true},
	} {
		assert.Equal(t, c.want, autotask.SafeToRetry(c.err), "%s: %v", name, c.err)
	}
}

func TestError_AConnectionThatIsRefusedIsCalledSo(t *testing.T) {
	t.Parallel()
	client, err := autotask.NewClient(testCredentials, autotask.WithBaseURL("http://127.0.0.1:1/ATServicesRest/V1.0"), autotask.WithMaxRetries(0))
	require.NoError(t, err)
	_, read := client.Tickets.Get(t.Context(), 5)
	write := autotask.Patch(t.Context(), client, 5, &autotask.TimeEntry{SummaryNotes: autotask.Value("x")})
	for _, err := range []error{read, write} {
		require.Error(t, err)
		assert.Contains(t, err.Error(), "no connection could be made, nothing was sent: dial tcp")
		assert.NotContains(t, err.Error(), "server error")
		assert.Contains(t, logLine(err), "no connection could be made")
		assertKinds(t, err, "Server")
		assert.True(t, autotask.SafeToRetry(err))
	}
}
