package transport

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var kindNames = map[string]Kind{
	"Unauthorized": Unauthorized, "Permission": Permission, "NotFound": NotFound, "Invalid": Invalid,
	"RateLimited": RateLimited, "ThreadLimit": ThreadLimit, "Server": Server, "Unsupported": Unsupported,
}

func TestKnownErrorBodies(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../../testdata/errors.json")
	require.NoError(t, err)
	var cases []struct {
		Name        string   `json:"name"`
		Status      int      `json:"status"`
		ContentType string   `json:"contentType"`
		Body        string   `json:"body"`
		Want        []string `json:"want"`
	}
	require.NoError(t, json.Unmarshal(file, &cases))
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			var want Kind
			for _, name := range c.Want {
				require.Contains(t, kindNames, name)
				want |= kindNames[name]
			}
			network := httpmock.NewMockTransport()
			network.RegisterResponder(http.MethodGet, fakeBase+"/Tickets/5",
				httpmock.NewStringResponder(c.Status, c.Body).HeaderSet(http.Header{"Content-Type": {c.ContentType}}))
			f := fail(t, quick(config(network)), get(fakeBase))
			assert.Equal(t, c.Status, f.StatusCode)
			assert.Equal(t, want, f.Kind, "%b", f.Kind)
			if strings.TrimSpace(c.Body) != "" {
				assert.NotEmpty(t, f.Messages)
			}
			for _, m := range f.Messages {
				assert.NotEmpty(t, strings.TrimSpace(m))
			}
		})
	}
}

func TestHTML404IsAMissingRouteAndPerhapsAMissingItem(t *testing.T) {
	t.Parallel()
	const page = "<html><head><title>404 - File or directory not found.</title></head></html>"
	network := scripted(gives(404, page))
	f := fail(t, quick(config(network)), get(fakeBase))
	assert.Equal(t, Unsupported|NotFound, f.Kind)
	for name, r := range writers {
		assert.Equal(t, Unsupported, fail(t, quick(config(network)), r).Kind, name)
	}
}

func TestClassifyByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method   string
		status   int
		messages []string
		want     Kind
	}{
		{"GET", 404, nil, NotFound},
		{"GET", 401, nil, Unauthorized},
		{"GET", 500, nil, Server},
		{"GET", 502, []string{"Bad Gateway"}, Server},
		{"POST", 500, []string{"Attribute 'title' is required."}, Invalid},
		{"POST", 500, []string{"one", threadText}, threads},
		{"POST", 503, nil, Server},
		{"GET", 200, nil, 0},
		{"", 0, nil, 0},
		// Texts are believed from 400 to 500.
		{"GET", 399, []string{"You do not have adequate permissions"}, 0},
		{"GET", 400, []string{"You do not have adequate permissions"}, Permission},
		{"GET", 499, []string{"You do not have adequate permissions"}, Permission},
		{"GET", 500, []string{"You do not have adequate permissions"}, Permission},
		{"GET", 501, []string{"You do not have adequate permissions"}, Server},
	} {
		assert.Equal(t, c.want, Classify(c.method, c.status, c.messages), "%s %d %q", c.method, c.status, c.messages)
	}
	raw := reply{messages: []string{"You do not have adequate permissions"}, isRaw: true}
	assert.Equal(t, Server, classify("GET", 500, raw), "not Autotask's own words")
}

func TestClassifyReadsAsMuchAsOfAnErrorsBody(t *testing.T) {
	t.Parallel()
	limit := "request threshold"
	filler := strings.Repeat(" ", maxErrorBody-len(limit))
	for name, c := range map[string]struct {
		messages []string
		want     Kind
	}{
		"all of it":             {[]string{filler + limit}, RateLimited},
		"all of two":            {[]string{filler, limit}, RateLimited},
		"the last one is cut":   {[]string{filler + " ", limit}, Invalid},
		"one is cut":            {[]string{filler + " " + limit}, Invalid},
		"nothing is left":       {[]string{filler + limit[:1], limit[1:], limit}, Invalid},
		"no character to begin": {[]string{strings.Repeat(" ", maxErrorBody), "\x80\x80"}, Invalid},
	} {
		assert.Equal(t, c.want, Classify("POST", 500, c.messages), name)
	}
}

func TestASCIILower(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "@abcxyz[`az{Ä", asciiLower("@ABCXYZ[`az{Ä"))
}

func TestManyMessagesAreCounted(t *testing.T) {
	t.Parallel()
	r := reply{messages: slices.Repeat([]string{"no"}, maxMessages+7)}
	shown := r.shown(func(s string) string { return s })
	require.Len(t, shown, maxMessages+1)
	assert.Equal(t, "and 7 more messages", shown[maxMessages])
}

// A limit may be of the very length that is read of an error's body.
func TestErrorBodies_TheLimitMayBeTheirOwn(t *testing.T) {
	t.Parallel()
	c := config(scripted(gives(500, `{"errors":["no"`+strings.Repeat(" ", maxErrorBody))))
	c.MaxResponseBytes = maxErrorBody
	f := fail(t, quick(c), create(fakeBase))
	assert.Equal(t, Invalid, f.Kind)
	assert.Equal(t, 500, f.StatusCode)
}

func TestReadReply(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body  string
		messages    []string
		application bool
		html        bool
	}{
		{"nothing", "", nil, false, false},
		{"white space", " \r\n ", nil, false, false},
		{"errors", `{"errors":["one"," two \r\n",""]}`, []string{"one", "two"}, true, false},
		{"errors in capitals", `{"ERRORS":["one"]}`, []string{"one"}, true, false},
		{"errors after white space", "\r\n {\"errors\":[\"one\"]}\r\n", []string{"one"}, true, false},
		{"errors as objects", `{"errors":[{"message":"one"},{"Title":"two","code":"3"}]}`, []string{"one", "two", "3"}, true, false},
		{"errors in errors", `{"errors":[["one"],{"errors":["two"]}]}`, []string{"one", "two"}, true, false},
		{"errors of other types", `{"errors":[1,null,true]}`, []string{`{"errors":[1,null,true]}`}, false, false},
		{"errors as text", `{"errors":"one"}`, []string{"one"}, true, false},
		{"errors as an object", `{"errors":{"title":["is required"]},"title":"No"}`, []string{"No"}, false, false},
		{"no errors", `{"errors":[]}`, []string{`{"errors":[]}`}, false, false},
		{"errors without a text", `{"errors":[""," ",null,{},[],[[]],{"errors":[]},{"code":7},{"message":""}]}`, []string{`{"errors":[""," ",null,{},[],[[]],{"errors":[]},{"code":7},{"message":""}]}`}, false, false},
		{"one error with a text", `{"errors":[null,{},{"code":7},[[" two "]]]}`, []string{"two"}, true, false},
		{"errors on the lowest level that is read", `{"errors":[{"errors":[{"errors":["deep"]}]}]}`, []string{"deep"}, true, false},
		{"errors below it", `{"errors":[[[["deep"]]],{"errors":[{"errors":[{"message":"deep"}]}]}]}`,
			[]string{`{"errors":[[[["deep"]]],{"errors":[{"errors":[{"message":"deep"}]}]}]}`}, false, false},
		{"errors beside what has other types", `{"message":1,"code":{"a":[]},"detail":null,"title":false,"errors":["one"]}`, []string{"one"}, true, false},
		{"errors twice", `{"errors":["one"],"errors":["two"]}`, []string{"two"}, true, false},
		{"errors that are not UTF-8", "{\"errors\":[\"caf\xe9\"]}", []string{"caf\uFFFD"}, true, false},
		{"one text that is not UTF-8", "{\"errors\":\"caf\xe9\"}", []string{"caf\uFFFD"}, true, false},
		{"messages", `{"Message":"a","MessageDetail":"b","ExceptionMessage":"c"}`, []string{"a", "b", "c"}, false, false},
		{"a problem", `{"title":"a","detail":"b","code":"c"}`, []string{"a", "b", "c"}, false, false},
		{"a problem with a numeric code", `{"code":5,"title":"a"}`, []string{"a"}, false, false},
		{"an object of something else", `{"kite":1}`, []string{`{"kite":1}`}, false, false},
		{"half an object", `{"errors":["one"`, []string{`{"errors":["one"`}, false, false},
		{"half an object with a message", `{"Message":"one","x":`, []string{`{"Message":"one","x":`}, false, false},
		{"HTML", "<html><head><TITLE> Gone </TITLE></head>", []string{"Gone"}, false, true},
		{"HTML without a title", "<html>", []string{"an HTML page without a title"}, false, true},
		{"HTML upside down", "</title><title>", []string{"an HTML page without a title"}, false, true},
		{"HTML with an empty title", "<title></title>", nil, false, true},
		{"HTML that is not UTF-8", "<p>" + strings.Repeat("\xe9", 50) + "<title>caf\xe9</title>", []string{"caf\uFFFD"}, false, true},
		{"HTML that grows in lower case", "<p>" + strings.Repeat("Ⱥ", 50) + "<title>Ⱥ</title>", []string{"Ⱥ"}, false, true},
		{"text", "  Bad Gateway\r\n", []string{"Bad Gateway"}, false, false},
		{"JSON that is no object", `["one"]`, []string{`["one"]`}, false, false},
	} {
		r := readReply([]byte(c.body))
		assert.Equal(t, c.messages, r.messages, c.name)
		assert.Equal(t, c.application, r.isApplication, "%s: isApplication", c.name)
		assert.Equal(t, c.html, r.isHTML, "%s: isHTML", c.name)
	}
}

func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{
		maxMessage:     maxMessage,
		maxMessage + 1: maxMessage + len("…"),
		1 << 20:        maxMessage + len("…"),
	} {
		f := fail(t, quick(config(scripted(gives(400, strings.Repeat("x", n))))), get(fakeBase))
		require.Len(t, f.Messages, 1)
		assert.Len(t, f.Messages[0], want)
	}
	// No character is cut in two.
	cut := bounded(strings.Repeat("x", maxMessage-1) + "ü" + "y")
	assert.Equal(t, strings.Repeat("x", maxMessage-1)+"…", cut)
}

func TestKindsAreDistinct(t *testing.T) {
	t.Parallel()
	var all Kind
	for _, k := range []Kind{
		NotFound, Unauthorized, Permission, Invalid, RateLimited, ThreadLimit, Server,
		OutcomeUnknown, Unsupported, MissingField, NotApplied, Ambiguous,
	} {
		assert.NotZero(t, k)
		assert.Zero(t, all&k, "%b", k)
		all |= k
	}
}

func TestWhatPeopleNamedDoesNotClassify(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		`The Task \"not authorized to thread threshold\" has an invalid Role.`,
		`A ContactGroup already exists with Name [No matching records found].`,
		`Picklist value [adequate permissions] does not exist for priority.`,
	} {
		f := fail(t, quick(config(scripted(gives(500, `{"errors":["`+message+`"]}`)))), create(fakeBase))
		assert.Equal(t, Invalid, f.Kind, message)
		assert.Equal(t, 1, f.Attempts)
	}
}

func TestThreadLimitIsKnownInBodiesOfAnyForm(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`"` + threadText + `"`,
		`["` + threadText + `"]`,
		`{"detailMessage":"` + threadText + `"}`,
		`{"error":{"inner":["` + threadText + `"]}}`,
		threadText,
		"<html><title>" + threadText + "</title>",
	} {
		for _, r := range []*Request{get(fakeBase), create(fakeBase)} {
			f := fail(t, quick(config(scripted(gives(500, body)))), r)
			assert.Equal(t, threads, f.Kind, body)
			assert.Equal(t, 1+DefaultMaxRetries, f.Attempts, body)
		}
	}
}

func TestOfAnOutageOnlyALimitIsBelieved(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"You do not have permission to reach the pool", "No matching records found", "An unexpected error has occurred."} {
		f := fail(t, quick(config(scripted(gives(503, text)))), get(fakeBase))
		assert.Equal(t, Server, f.Kind, text)
	}
}

func TestErrorBodies_AreReadToALimit(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"arrays":             `{"errors":` + strings.Repeat("[", 1<<20),
		"closed arrays":      `{"errors":` + strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19) + `}`,
		"objects":            strings.Repeat(`{"errors":[`, 1<<17),
		"closed objects":     strings.Repeat(`{"errors":[`, 1<<16) + `"x"` + strings.Repeat(`]}`, 1<<16) + strings.Repeat(" ", 1<<18),
		"9,000 levels":       strings.Repeat(`{"errors":[`, 4500) + `"x"` + strings.Repeat(`]}`, 4500),
		"a long text within": strings.Repeat(`{"errors":[`, 4500) + `"` + strings.Repeat("x", 1<<20) + `"` + strings.Repeat(`]}`, 4500),
		"many empty arrays":  `{"errors":[` + strings.Repeat("[],", 1<<18) + `"x"]}`,
		"many texts":         `{"errors":[` + strings.Repeat(`"a",`, 1<<18) + `"x"]}`,
		"many objects":       `{"errors":[` + strings.Repeat(`{"message":"a"},`, 1<<16) + `"x"]}`,
		"one text":           `{"errors":["` + strings.Repeat("a", 1<<20) + `"]}`,
		"escapes":            `{"errors":["` + strings.Repeat(`\ud83d\ude00`, 1<<17) + `"]}`,
		"brackets":           strings.Repeat("[", 1<<20),
		"titles":             strings.Repeat("<title>", 1<<17),
	} {
		for _, status := range []int{500, 200} {
			if status == 200 && name != "closed objects" {
				continue // which takes the same way
			}
			began := time.Now()
			_, err := quick(config(scripted(gives(status, body)))).Do(t.Context(), request(fakeBase, http.MethodDelete, "TimeEntries/5"))
			var f *Failure
			if !errors.As(err, &f) {
				require.NoError(t, err)
				f = new(Failure) // 200, and readable
			}
			assert.Less(t, time.Since(began), 5*time.Second, "%s %d", name, status) // milliseconds, on a machine that is free
			kept := 0
			for _, m := range f.Messages {
				kept += len(m)
			}
			assert.LessOrEqual(t, kept, maxErrorBody, "%s %d", name, status)
			assert.LessOrEqual(t, len(f.Messages), maxMessages+1)
		}
	}
}

func TestErrorBodies_NoMoreIsReadThanTheLimit(t *testing.T) {
	t.Parallel()
	body := strings.NewReader(`{"errors":["no",` + strings.Repeat(" ", 1<<20))
	f := fail(t, quick(config(roundTrip(func(*http.Request) (*http.Response, error) {
		resp := answer(500, "")
		resp.Body, resp.ContentLength = io.NopCloser(body), int64(body.Len())
		return resp, nil
	}))), create(fakeBase))
	assert.Equal(t, maxErrorBody, int(body.Size())-body.Len())
	assert.Equal(t, Invalid, f.Kind, "what was read of it is a refusal")
}

func TestErrorBodies_ThatAreCutStillTell(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxErrorBody)
	for name, c := range map[string]struct {
		body string
		kind Kind
	}{
		"in the first text":    {`{"errors":["` + long + `"]}`, Invalid},
		"in the second text":   {`{"errors":["no","` + long + `"]}`, Invalid},
		"in a later member":    {`{"errors":["no"],"trace":"` + long + `"}`, Invalid},
		"in a name":            {`{"errors":["no"],"` + long + `":1}`, Invalid},
		"in an object":         {`{"errors":[{"message":"no","trace":{"a":"` + long + `"}}]}`, Invalid},
		"behind a name":        {`{"errors":["no"],"trace":` + strings.Repeat(" ", maxErrorBody) + `1}`, Invalid},
		"before there is one":  {`{"trace":"` + long + `","errors":["no"]}`, Server | OutcomeUnknown},
		"with the limit in it": {`{"errors":["` + threadText + `"],"trace":"` + long + `"}`, threads},
	} {
		for shift := range 2 {
			f := fail(t, quick(config(scripted(gives(500, c.body[:len(c.body)-1]+strings.Repeat(" ", shift)+"}")))), create(fakeBase))
			assert.Equal(t, c.kind, f.Kind, name)
		}
	}
}

func TestErrorBodies_CutShowNoHalfOfACredential(t *testing.T) {
	t.Parallel()
	for _, form := range []string{`{"errors":["%s"]}`, `%s`, `{"Message":"%s"}`, `{"kite":"%s"}`} {
		for _, n := range []int{4, len(secret) / 2, len(secret) - 1} {
			start := strings.Index(form, "%s")
			text := strings.Repeat("x", maxErrorBody-start-n-400) + strings.Repeat(`", "`, 100) + secret
			f := fail(t, quick(config(scripted(gives(400, strings.Replace(form, "%s", text, 1))))), get(fakeBase))
			for _, m := range f.Messages {
				assert.NotContains(t, m, secret[:n], form)
			}
		}
	}
}

func TestMendedIsJSONAgain(t *testing.T) {
	t.Parallel()
	const body = `{"errors":["one \u00e9\ud83d\ude00 \\",{"message":"two","n":[1,2.5e3,true,null,{}]}],"x":{"y":"z"}}`
	for n := 1; n <= len(body); n++ {
		m := mended([]byte(body[:n]))
		assert.True(t, jsontext.Value(m).IsValid(tolerant), "%s became %s", body[:n], m)
	}
	assert.Len(t, mended([]byte(body)), len(body), "what is whole stays as it is")
}

// A 500 is a refusal only if it says what was wrong.
func TestWriteThatIsRefusedWithoutATextIsUnknown(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"errors":[]}`, `{"errors":[null]}`, `{"errors":[""]}`, `{"errors":[{}]}`, `{"errors":null}`,
		`{"errors":[" \r\n"]}`, `{"errors":[[]]}`, `{"errors":[[null]]}`, `{"errors":[{"errors":[]}]}`, `{"errors":[{"message":null}]}`,
		`{"errors":[{"code":7}]}`, `{"errors":[1,true,false]}`, `{"errors":""}`, `{"errors":{}}`, `{"errors":{"a":[]}}`, `{"errors":0}`,
		`{"Errors":[null,""]}`, `{"errors":[],"message":"An error has occurred."}`, `{"errors":["no"],"errors":[]}`,
	} {
		for name, r := range writers {
			f := fail(t, quick(config(scripted(gives(500, body)))), r)
			assert.Equal(t, Server|OutcomeUnknown, f.Kind, "%s %s", name, body)
			assert.Equal(t, 1, f.Attempts)
		}
		network := scripted(gives(500, body), gives(200, good))
		_, err := quick(config(network)).Do(t.Context(), get(fakeBase))
		require.NoError(t, err, "a read is asked for again: %s", body)
	}
}
