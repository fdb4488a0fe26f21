package proof_test

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

func addFixtures(f *testing.F, names ...string) {
	f.Helper()
	for _, name := range names {
		f.Add(kit.Fixture(f, name))
	}
	for _, odd := range []string{
		``, `null`, `{}`, `[]`, `{"item":null}`, `{"item":{}}`, `{"item":[]}`, `{"items":[null]}`, `{"items":{}}`,
		`{"item":{"id":1,"id":2}}`, `{"item":{"id":1e3}}`, `{"item":{"id":99999999999999999999}}`, "{\"item\":{\"title\":\"\xff\"}}",
		`{"item":{"id":7,"dueDateTime":"2026-11-23T10:00:00.1234567"}}`, `{"item":{"id":7,"dueDateTime":"0000-00-00"}}`,
		`{"items":[{"id":1}],"pageDetails":{"nextPageUrl":"` + kit.Base + `/Tickets/query/next?paging=1"}}`,
		`{"items":[],"pageDetails":{"nextPageUrl":"https://elsewhere.example/"}}`, `{"items":[],"pageDetails":null}`,
	} {
		f.Add([]byte(odd))
	}
}

func FuzzDecodeItem(f *testing.F) {
	addFixtures(f, "ticket_item.json", "ticket_item_rich.json", "item_null.json", "ticket_note_item.json", "time_entry_item.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		ticket, err := kit.Answering(t, http.StatusOK, body).Tickets.Get(t.Context(), 7)
		require.Equal(t, err == nil, ticket != nil)
		entry, err := kit.Answering(t, http.StatusOK, body).TimeEntries.Get(t.Context(), 7)
		assert.Equal(t, err == nil, entry != nil)
		// An update of what was read must never send anything but all of it.
		client, mock := kit.Mocked(t)
		mock.RegisterResponder(http.MethodGet, kit.Base+"/Tickets/7", httpmock.NewBytesResponder(200, body))
		mock.RegisterResponder(http.MethodPut, kit.Base+"/Tickets", func(req *http.Request) (*http.Response, error) {
			var sent map[string]json.RawMessage
			if err := json.NewDecoder(req.Body).Decode(&sent); err != nil {
				return nil, err
			}
			for _, name := range stabilisingFields {
				assert.Contains(t, sent, name)
			}
			return httpmock.NewStringResponse(200, `{"itemId":7}`), nil
		})
		_, _ = client.Tickets.Update(t.Context(), 7, func(t *autotask.Ticket) error {
			t.Resolution.Set("changed by the fuzzer")
			return nil
		})
	})
}

func FuzzDecodePage(f *testing.F) {
	addFixtures(f, "tickets_page.json", "tickets_page_first.json", "tickets_page_empty.json", "tickets_page_fields.json", "ticket_notes_page.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		client := kit.Answering(t, http.StatusOK, body)
		for ticket, err := range client.Tickets.All(t.Context(), autotask.Query{}) {
			assert.Equal(t, err == nil, ticket != nil)
		}
		_, _ = client.Tickets.Count(t.Context(), autotask.Query{})
		_, _ = client.TimeEntries.Exist(t.Context(), 7)
		_, _ = client.Tickets.IDByNumber(t.Context(), "T20261123.0001")
	})
}

func FuzzDecodeFieldInformation(f *testing.F) {
	addFixtures(f, "ticket_fields.json", "udf_fields.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		client := kit.Answering(t, http.StatusOK, body)
		fields, err := client.Metadata.Fields(t.Context(), "Tickets")
		if err != nil {
			return
		}
		for _, field := range fields {
			p := autotask.Picklist{Entity: "Tickets", Field: field.Name, Values: field.PicklistValues}
			for _, v := range p.Values {
				p.Label(v.ID)
				_, _ = p.ID(v.Label)
			}
		}
	})
}

func FuzzDecodeError(f *testing.F) {
	var cases []struct {
		Status int    `json:"status"`
		Body   string `json:"body"`
	}
	if err := json.Unmarshal(kit.Fixture(f, "errors.json"), &cases); err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		f.Add(c.Status, []byte(c.Body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 300 || status > 599 {
			return
		}
		for _, call := range []func(*autotask.Client) error{
			func(c *autotask.Client) error { _, err := c.Tickets.Get(t.Context(), 7); return err },
			func(c *autotask.Client) error { return autotask.Delete[autotask.TimeEntry](t.Context(), c, 7) },
		} {
			err := call(kit.Answering(t, status, body))
			var e *autotask.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, status, e.StatusCode)
			assert.LessOrEqual(t, len(err.Error()), 600)
			assert.True(t, utf8.ValidString(err.Error()))
			assert.NotContains(t, err.Error(), "\n")
		}
	})
}

func FuzzOptional(f *testing.F) {
	for _, s := range []string{
		`null`, `0`, `-1`, `5.0`, `1e3`, `"7"`, `true`, `"true"`, `3.5000`, `99999999999999999999`, `"x"`, `""`, `{}`, `[1]`,
		`"2026-11-23T10:00:00"`, `"2026-11-23T10:00:00.1Z"`, `"2026-11-23T10:00:00+02:00"`, `"2026-11-23"`, `"\ud800"`, `1e400`, `tru`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fuzzOptional[int64](t, body)
		fuzzOptional[float64](t, body)
		fuzzOptional[bool](t, body)
		fuzzOptional[string](t, body)
		fuzzOptional[time.Time](t, body)
	})
}

// fuzzOptional: what is read comes out the same when it is written and read again.
func fuzzOptional[T comparable](t *testing.T, body []byte) {
	t.Helper()
	var first, second autotask.Optional[T]
	if jsonv2.Unmarshal(body, &first) != nil {
		return
	}
	assert.False(t, first.IsZero())
	if stamp, ok := any(first.Or(*new(T))).(time.Time); ok {
		stamp = stamp.Truncate(time.Millisecond) // as finely as times are written
		if stamp.Year() < 1 || stamp.Year() > 9999 {
			return
		}
		if !first.IsNull() {
			first.Set(any(stamp).(T))
		}
	}
	written, err := jsonv2.Marshal(first)
	require.NoError(t, err, "%s", body)
	require.NoError(t, jsonv2.Unmarshal(written, &second), "%s became %s", body, written)
	assert.Equal(t, first, second, "%s became %s", body, written)
}

// FuzzFilter builds a filter and what it means side by side, and compares the
// meaning with what is sent: whole where it keeps to Autotask's limits, in parts
// that do where that is possible, and not at all where it is not.
func FuzzFilter(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3})
	f.Add([]byte{13, 2, 0, 5, 1, 7})
	f.Add([]byte{14, 3, 11, 4, 2, 12, 9, 9, 0, 0})
	f.Add([]byte("\x0d\x03\x0e\x02\x06title\x0b\x00\x0c\x01"))
	f.Add([]byte{0, 11, 7, 200, 1})                                   // a long In
	f.Add([]byte{4, 11, 7, 200, 1})                                   // of ids
	f.Add([]byte{0, 12, 7, 200, 1})                                   // a long NotIn
	f.Add([]byte{0, 14, 2, 1, 11, 7, 200, 1, 2, 9})                   // beneath an Or
	f.Add([]byte{0, 13, 2, 1, 11, 7, 200, 1, 2, 12, 7, 60, 1})        // beside a short NotIn
	f.Add([]byte{0, 13, 2, 1, 11, 7, 200, 1, 2, 11, 7, 200, 1})       // beside another one
	f.Add([]byte{0, 13, 3, 1, 15, 1, 11, 7, 250, 3, 2, 11, 7, 99, 9}) // with a user-defined field
	f.Fuzz(func(t *testing.T, program []byte) {
		b := filterBuilder{program: program}
		filter, meaning := b.build(0)
		whole := weigh(meaning)
		client, mock := kit.Mocked(t)
		var sent []map[string]any
		mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
			var body struct {
				Filter []map[string]any `json:"filter"`
			}
			err := json.NewDecoder(req.Body).Decode(&body)
			if assert.Len(t, body.Filter, 1) {
				sent = append(sent, body.Filter[0])
			}
			return httpmock.NewStringResponse(200, `{"queryCount":1,"items":[],"pageDetails":{"count":0}}`), err
		})
		_, err := client.Collection("Tickets").Count(t.Context(), autotask.Query{Filter: filter})
		if whole.empty || whole.udfs > 1 || whole.ors > 500 && whole.ors-len(whole.longest) >= 500 {
			require.ErrorIs(t, err, autotask.ErrInvalid)
			assert.Empty(t, sent)
			return
		}
		require.NoError(t, err)
		if whole.ors <= 500 {
			want, err := json.Marshal(meaning)
			require.NoError(t, err)
			require.Len(t, sent, 1)
			got, err := json.Marshal(sent[0])
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(got))
			return
		}
		size := 500 - (whole.ors - len(whole.longest))
		assert.Len(t, sent, (len(whole.longest)+size-1)/size)
		values := 0
		for _, part := range sent {
			w := weigh(part)
			assert.LessOrEqual(t, w.ors, 500)
			assert.LessOrEqual(t, w.udfs, 1)
			values += w.ors - (whole.ors - len(whole.longest))
		}
		assert.Equal(t, len(whole.longest), values, "every value is in one part")
	})
}

// weight is what Autotask limits in a filter.
type weight struct {
	ors, udfs int
	longest   []any // values of the longest In
	empty     bool  // a group or list of nothing
}

func weigh(meaning map[string]any) weight {
	var w weight
	if meaning["udf"] == true {
		w.udfs++
	}
	switch op := meaning["op"]; op {
	case "in", "notIn":
		values := meaning["value"].([]any)
		w.ors, w.empty = len(values), len(values) == 0
		if op == "in" {
			w.longest = values
		}
	case "and", "or":
		items := meaning["items"].([]any)
		w.empty = len(items) == 0
		if op == "or" {
			w.ors = len(items)
		}
		for _, item := range items {
			inner := weigh(item.(map[string]any))
			w.ors, w.udfs, w.empty = w.ors+inner.ors, w.udfs+inner.udfs, w.empty || inner.empty
			if len(inner.longest) > len(w.longest) {
				w.longest = inner.longest
			}
		}
	}
	return w
}

type filterBuilder struct{ program []byte }

func (b *filterBuilder) next() int {
	if len(b.program) == 0 {
		return 0
	}
	n := b.program[0]
	b.program = b.program[1:]
	return int(n)
}

func (b *filterBuilder) text() string {
	n := min(b.next()%16, len(b.program))
	s := strings.ToValidUTF8(string(b.program[:n]), "?")
	b.program = b.program[n:]
	return s
}

func (b *filterBuilder) value() (given, meant any) {
	switch b.next() % 6 {
	case 0:
		return b.next() - 128, nil
	case 1:
		return b.next()%2 == 0, nil
	case 2:
		return float64(b.next()) / 4, nil
	case 3:
		at := time.Unix(int64(b.next())*1e6, int64(b.next())*1e6)
		return at, at.UTC().Format("2006-01-02T15:04:05.999Z")
	case 4:
		return int64(math.MaxInt64), nil
	}
	return b.text(), nil
}

// list is a short list with repeats, or one that may be too long for a query.
func (b *filterBuilder) list() (given []int, distinct []any) {
	n := b.next()
	given = make([]int, n%4)
	for i := range given {
		given[i] = b.next()
	}
	if n%8 == 7 {
		given = make([]int, 4*b.next())
		repeats := 1 + b.next()%3
		for i := range given {
			given[i] = i / repeats
		}
	}
	seen := map[int]bool{}
	distinct = []any{}
	for _, v := range given {
		if !seen[v] {
			seen[v] = true
			distinct = append(distinct, v)
		}
	}
	return given, distinct
}

func (b *filterBuilder) build(depth int) (autotask.Filter, map[string]any) {
	compare := []struct {
		op   string
		make func(string, any) autotask.Filter
	}{
		{"eq", autotask.Eq}, {"noteq", autotask.NotEq}, {"gt", autotask.Gt}, {"gte", autotask.Gte}, {"lt", autotask.Lt}, {"lte", autotask.Lte},
	}
	texts := []struct {
		op   string
		make func(string, string) autotask.Filter
	}{
		{"beginsWith", autotask.BeginsWith}, {"endsWith", autotask.EndsWith}, {"contains", autotask.Contains},
	}
	field := []string{"field0", "field1", "field2", "field3", "id"}[b.next()%5]
	switch kind := b.next() % 16; {
	case kind < 6:
		given, meant := b.value()
		if meant == nil {
			meant = given
		}
		test := compare[kind%len(compare)]
		return test.make(field, given), map[string]any{"op": test.op, "field": field, "value": meant}
	case kind < 9:
		s, test := b.text(), texts[kind%len(texts)]
		return test.make(field, s), map[string]any{"op": test.op, "field": field, "value": s}
	case kind == 9:
		return autotask.Exist(field), map[string]any{"op": "exist", "field": field}
	case kind == 10:
		return autotask.NotExist(field), map[string]any{"op": "notExist", "field": field}
	case kind < 13:
		values, distinct := b.list()
		if kind == 11 {
			return autotask.In(field, values...), map[string]any{"op": "in", "field": field, "value": distinct}
		}
		return autotask.NotIn(field, values...), map[string]any{"op": "notIn", "field": field, "value": distinct}
	case kind < 15 && depth < 4:
		filters := make([]autotask.Filter, b.next()%4)
		meanings := make([]any, len(filters))
		for i := range filters {
			filters[i], meanings[i] = b.build(depth + 1)
		}
		if kind == 13 {
			return autotask.And(filters...), map[string]any{"op": "and", "items": meanings}
		}
		return autotask.Or(filters...), map[string]any{"op": "or", "items": meanings}
	}
	inner, meaning := autotask.Eq(field, 1), map[string]any{"op": "eq", "field": field, "value": 1, "udf": true}
	return autotask.UDF(inner), meaning
}

func FuzzZoneURL(f *testing.F) {
	for _, s := range []string{
		"https://webservices2.autotask.net/ATServicesRest/", "https://h/atservicesrest/v1.0", "http://127.0.0.1/ATServicesRest", "https://u:p@h/ATServicesRest",
		"//h/ATServicesRest", "https://h/ATServicesRest/../x", "https://h/%2e%2e/ATServicesRest", "https://h/ATServicesRest?x#y", "https://[::1]/ATServicesRest", "https:ATServicesRest", "\x00",
		"https://h/a b/ATServicesRest", "https://h/%zz/ATServicesRest",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, zone string) {
		mock := httpmock.NewMockTransport()
		client, err := autotask.NewClient(kit.Credentials(), autotask.WithHTTPClient(&http.Client{Transport: mock}), autotask.WithMaxRetries(0))
		require.NoError(t, err)
		answer, err := json.Marshal(map[string]string{"url": zone})
		require.NoError(t, err)
		mock.RegisterRegexpResponder(http.MethodGet, kit.ZoneRequest, httpmock.NewBytesResponder(200, answer))
		mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
			assert.Equal(t, "https", req.URL.Scheme, "%q", zone)
			assert.True(t, strings.HasSuffix(req.URL.Path, "/ATServicesRest/V1.0/Tickets/7"), "%q led to %s", zone, req.URL)
			assert.Nil(t, req.URL.User)
			assert.Empty(t, req.URL.RawQuery)
			given, err := url.Parse(strings.TrimSpace(zone))
			if assert.NoError(t, err) {
				assert.True(t, strings.EqualFold(given.Host, req.URL.Host), "%q led to %s", zone, req.URL)
			}
			return httpmock.NewStringResponse(200, `{"item":{"id":7}}`), nil
		})
		_, _ = client.Tickets.Get(t.Context(), 7)
	})
}
