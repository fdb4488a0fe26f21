package autotask

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// filled is a ticket with a value in each field.
func filled(t testing.TB, n int) *Ticket {
	t.Helper()
	ticket := new(Ticket)
	v := reflect.ValueOf(ticket).Elem()
	for i := range v.NumField() {
		switch p := v.Field(i).Addr().Interface().(type) {
		case *int64:
			*p = int64(n + i)
		case *string:
			*p = fmt.Sprintf("Nightly backup %d failed", n)
		case *Optional[int64]:
			p.Set(int64(29_600_000 + 37*i))
		case *Optional[float64]:
			p.Set(float64(i) / 4)
		case *Optional[bool]:
			p.Set(i%2 == 0)
		case *Optional[string]:
			p.Set(fmt.Sprintf("value %d of %d", i, n))
		case *Optional[time.Time]:
			p.Set(time.Date(2026, 3, 1+i%28, 9, i%60, 26, i%3*530e6, time.UTC))
		case *UDFs:
			*p = UDFs{{"Site", Value("Riverside 4")}, {"Rack", Null[string]()}, {"Last Audit", Value("2026-01-15")}}
		default:
			t.Fatalf("no value for a %T", p)
		}
	}
	ticket.Description.Set("A read error on drive 2.\r\nThe night before – fine.")
	return ticket
}

func pageOf(t testing.TB, items any, count int) []byte {
	t.Helper()
	b, err := json.Marshal(items)
	require.NoError(t, err)
	return fmt.Appendf(nil, `{"items":%s,"pageDetails":{"count":%d,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}}`, b, count)
}

// asV2 holds what is read quickly to what json/v2 makes of the same answer.
func asV2[T Entity](t testing.TB, answer []byte) (took bool) {
	t.Helper()
	items, raw, ok := quickly.Page(answer, reflect.TypeFor[T]())
	var details pageDetails
	if !ok || decode(raw, &details) != nil {
		return false // as quickPage has it
	}
	var want struct {
		Items   []*T        `json:"items"`
		Details pageDetails `json:"pageDetails"`
	}
	require.NoError(t, decode(answer, &want), "read quickly, but refused by json/v2: %s", answer)
	require.NotNil(t, want.Items)
	if details != want.Details || len(items) != len(want.Items) {
		require.Equal(t, want.Details, details, "%s", answer)
		require.Len(t, items, len(want.Items), "%s", answer)
	}
	for i, item := range items {
		if !reflect.DeepEqual(want.Items[i], item) {
			require.Equal(t, want.Items[i], item, "%s", answer)
		}
	}
	return true
}

func TestQuick_ReadsEveryModelAsJSONv2Does(t *testing.T) {
	t.Parallel()
	ticket := filled(t, 7)
	empty := &Ticket{ID: 8, UserDefinedFields: UDFs{}}
	note := &TicketNote{ID: 1, Title: "Work done", CreateDateTime: Value(time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC))}
	entry := &TimeEntry{ID: 2, HoursWorked: Value(-0.25)}
	assert.True(t, asV2[Ticket](t, pageOf(t, []*Ticket{ticket, empty, ticket}, 3)))
	assert.True(t, asV2[Ticket](t, pageOf(t, []*Ticket{}, 0)))
	assert.True(t, asV2[TicketNote](t, pageOf(t, []*TicketNote{note}, 1)))
	assert.True(t, asV2[TimeEntry](t, pageOf(t, []*TimeEntry{entry, entry}, 2)))
}

func TestQuick_WhatItTakes(t *testing.T) {
	t.Parallel()
	for _, members := range []string{
		`"title":"\u00e9\n\ud83d\ude00 é"`,
		`"title":"` + strings.Repeat("long ", 200) + `","description":"` + strings.Repeat("x", 255) + `"`,
		"\n \"title\" :\t\"x\" , \"status\":\r\n5 ",
		`"priority":-0,"status":-12`,
		`"queueID":"5","source":5.0,"issueType":5e0,"subIssueType":""`,
		`"estimatedHours":0,"hoursToBeScheduled":0.10,"serviceLevelAgreementPausedNextEventHours":-12345678.12345678e-3`,
		`"estimatedHours":123456789012345,"hoursToBeScheduled":1234567890.123456,"serviceLevelAgreementPausedNextEventHours":"1.5"`,
		`"queueID":9223372036854775807,"source":-999999999999999999`,
		`"createDate":"2026-02-28T00:00:00Z","dueDateTime":"2028-02-29T23:59:59.5Z","lastActivityDate":"2026-01-31T01:02:03.123456789Z"`,
		`"createDate":"2026-02-28","dueDateTime":"2026-02-28T00:00:00","lastActivityDate":"2026-02-28T00:00:00+01:00","completedDate":""`,
		`"isAssignedToComanaged":"true","isVisibleToComanaged":1,"serviceLevelAgreementHasBeenMet":false`,
		`"externalID":5,"rmmAlertID":true,"purchaseOrderNumber":"","ticketNumber":null`,
		`"title":null,"status":null`,
		`"title":"cut ` + "\xc3" + `","externalID":"` + "\xff" + `"`,
		`"title":"\ud800"`,
		`"unknown":{"a":[1,{"b":null}]},"Title":"x","another":[],"more":"\n","number":-1.5e3,"flag":true`,
		`"userDefinedFields":null`,
		`"userDefinedFields":[ { "name" : "A" , "value" : "1" , "extra":{} } , {"value":2,"name":"B"},{} ]`,
	} {
		assert.True(t, asV2[Ticket](t, []byte(`{"items":[{"id":1,`+members+`}],"pageDetails":{}}`)), members)
	}
}

func TestQuick_WhatItGivesUp(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		``, `{}`, `[]`, `null`, `{"items":null,"pageDetails":{}}`, `{"items":[]}`, `{"items":[],"pageDetails":{}`, `{"items":[],"pageDetails":{}}x`,
		"{\"items\":[],\"pageDetails\":{}}\x00", `{"items":[],"pageDetails":{},"errors":[]}`, `{"pageDetails":{},"items":[]}`, `{"Items":[],"pageDetails":{}}`,
		`{"items":[null],"pageDetails":{}}`, `{"items":[{}{}],"pageDetails":{}}`, `{"items":[{},],"pageDetails":{}}`, `{"items":[{"id":1,}],"pageDetails":{}}`,
		`{"items":[{"id":1,"id":2}],"pageDetails":{}}`, `{"items":[{"x":1,"x":2}],"pageDetails":{}}`, `{"items":[{"\u0069d":1}],"pageDetails":{}}`,
		`{"items":[{"id":01}],"pageDetails":{}}`, `{"items":[{"id":1.5}],"pageDetails":{}}`, `{"items":[{"id":"1"}],"pageDetails":{}}`,
		`{"items":[{"queueID":{}}],"pageDetails":{}}`, `{"items":[{"queueID":tru}],"pageDetails":{}}`, `{"items":[{"estimatedHours":1.}],"pageDetails":{}}`,
		`{"items":[{"estimatedHours":00.5}],"pageDetails":{}}`, `{"items":[{"estimatedHours":1e400}],"pageDetails":{}}`, `{"items":[{"createDate":"2026-02-30T00:00:00Z"}],"pageDetails":{}}`,
		`{"items":[{"createDate":"2026-02-28T24:00:00Z"}],"pageDetails":{}}`, `{"items":[{"title":"\x"}],"pageDetails":{}}`, "{\"items\":[{\"title\":\"\x01\"}],\"pageDetails\":{}}",
		`{"items":[{"x":{"a":1,"a":2}}],"pageDetails":{}}`, `{"items":[{"x":[1,]}],"pageDetails":{}}`, `{"items":[{"userDefinedFields":{}}],"pageDetails":{}}`,
		`{"items":[{"userDefinedFields":[{"name":"A","name":"A"}]}],"pageDetails":{}}`, `{"items":[{"title"}],"pageDetails":{}}`, `{"items":[{"title":}],"pageDetails":{}}`, `{"items":[{"title":"x`,
	} {
		assert.False(t, asV2[Ticket](t, []byte(answer)), answer)
	}
}

// readsItself is an entity of a caller's with a reading of its own.
type readsItself struct {
	ID int64 `json:"id"`
}

func (readsItself) Collection() string            { return "Tickets" }
func (r *readsItself) UnmarshalJSON([]byte) error { r.ID = 42; return nil }

type withTags struct {
	ID int64 `json:"id,string"`
}

func (withTags) Collection() string { return "Tickets" }

type embedding struct{ Ticket }

func TestQuick_OtherTypesAreLeftToJSONv2(t *testing.T) {
	t.Parallel()
	answer := []byte(`{"items":[{"id":1}],"pageDetails":{}}`)
	assert.False(t, asV2[readsItself](t, answer))
	assert.False(t, asV2[withTags](t, answer))
	assert.False(t, asV2[embedding](t, answer))
	_, _, ok := quickly.Item([]byte(`{"item":{"id":1}}`), new(readsItself))
	assert.False(t, ok)
}

func TestQuick_Item(t *testing.T) {
	t.Parallel()
	const object = `{"id":1,"title":"x","new":[1]}`
	answer := []byte(" { \"item\" : " + object + " } ")
	var item Ticket
	start, end, ok := quickly.Item(answer, &item)
	require.True(t, ok)
	assert.Equal(t, strings.Index(string(answer), object), start)
	assert.Equal(t, start+len(object), end)
	assert.Equal(t, Ticket{ID: 1, Title: "x"}, item)
	start, end, found, err := itemIn(answer[:len(answer)-2], &item)
	require.Error(t, err, "an answer that is cut off: %d %d %v", start, end, found)
	slow := []byte(`{"other":1, "item" :  ` + object + ` }`)
	start, end, found, err = itemIn(slow, &item)
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, strings.Index(string(slow), object), start)
	assert.Equal(t, start+len(object), end)
	assert.Equal(t, Ticket{ID: 1, Title: "x"}, item)
	for _, answer := range []string{`{"item":null}`, `{"item":{"id":1}`, `{"item":{"id":1}}}`, `{"item":{"id":1},"x":1}`, `{"item":{"id":"1"}}`} {
		_, _, ok := quickly.Item([]byte(answer), &item)
		assert.False(t, ok, answer)
	}
}

// Texts of one item share memory: what one of them holds must not change with
// the next.
func TestQuick_TextsOfItemsStayApart(t *testing.T) {
	t.Parallel()
	var want []*Ticket
	for n := range 20 {
		want = append(want, filled(t, n+1))
		want[n].PurchaseOrderNumber.Set(strings.Repeat("p", 30*n))
	}
	page, ok := quickPage(pageOf(t, want, len(want)), reflect.TypeFor[Ticket]())
	require.True(t, ok)
	for i, row := range page.Rows {
		assert.Equal(t, want[i], row.Item)
	}
}

// TestQuick_Mutants damages a page here and there. AUTOTASK_MUTANTS in the
// environment is how often.
func TestQuick_Mutants(t *testing.T) {
	t.Parallel()
	mutants := 20_000
	if n, err := strconv.Atoi(os.Getenv("AUTOTASK_MUTANTS")); err == nil {
		mutants = n
	}
	seed := rand.Uint64() //nolint:gosec // a test needs no secret randomness
	t.Logf("seed %d", seed)
	m := mutator{rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // a test needs no secret randomness
	took := 0
	for range mutants {
		if asV2[Ticket](t, m.damage(smallPage)) {
			took++
		}
	}
	t.Logf("%d of %d mutants were read quickly, and as json/v2 does", took, mutants)
	assert.Greater(t, took, mutants/10, "most mutants are no longer JSON, and show little")
}

const smallPage = `{"items":[{"id":29678123,"apiVendorID":null,"companyID":0,"createDate":"2026-02-28T10:11:12.5Z","description":"a\r\nb – c",` +
	`"estimatedHours":1.25,"isVisibleToComanaged":true,"new":{"a":[1,{"b":"x"}]},"priority":2,"title":"Backup failed",` +
	`"userDefinedFields":[{"name":"Site","value":"Riverside 4"},{"name":"Rack","value":null}]},` +
	`{"id":29678124,"companyID":174,"createDate":"2026-03-31T00:00:00","description":"","status":5,"userDefinedFields":[]}],` +
	`"pageDetails":{"count":2,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}}`

// mutator makes damaged copies.
type mutator struct{ *rand.Rand }

func (m mutator) damage(page string) []byte {
	b := []byte(page)
	for range 1 + m.IntN(2) {
		switch m.IntN(5) {
		case 0: // anywhere
			at := m.IntN(len(b))
			piece := m.of(noise)
			if m.IntN(4) == 0 { // what stands elsewhere
				from := m.IntN(len(b))
				piece = string(b[from:min(len(b), from+m.IntN(40))])
			}
			b = slices.Concat(b[:at], []byte(piece), b[min(len(b), at+m.IntN(3)):])
		case 1: // a further member
			at := m.behind(b, "{,")
			b = slices.Concat(b[:at], []byte(m.of(furtherMembers)), b[at:])
		default: // another value
			at := m.behind(b, ":")
			end := at
			for end < len(b) && !strings.ContainsRune(",}]", rune(b[end])) {
				end++
			}
			b = slices.Concat(b[:at], []byte(m.of(otherValues)), b[end:])
		}
	}
	return b
}

func (m mutator) of(pieces []string) string { return pieces[m.IntN(len(pieces))] }

// behind is a place behind one of some characters.
func (m mutator) behind(b []byte, chars string) int {
	at := m.IntN(len(b))
	if i := bytes.IndexAny(b[at:], chars); i >= 0 {
		return at + i + 1
	}
	return at
}

var (
	otherValues = []string{
		"null", `"x"`, `""`, "0", "-0", "01", "-", "1.5", "0.5", "00.5", "5e0", "1e400", "-1.5E-3", "1.", ".5", "5.0", "true", "false", "tru", "{}", "[]", "[{}]",
		"123456789012345678", "1234567890123456789", "123456789012345678901", "9007199254740993", "0.1234567890123", "123456789.12345678", "-5", `"12"`, `"1.5"`, `"true"`,
		`"\u0041"`, `"\ud800"`, `"\ud83d\ude00"`, `"\x"`, `"\"`, "\"\xff\"", "\"cut \xc3\"", "\"\x01\"", `"é – 完了"`, ` "x" `, "\t5\r\n", `"01234567 9\t1234567"`,
		`"2026-02-30T00:00:00Z"`, `"2026-02-28T00:00:00.123456789Z"`, `"2026-02-28T00:00:00.1234567890Z"`, `"2026-02-28T23:59:60Z"`, `"2026-13-01T00:00:00Z"`,
		`"2026-02-28"`, `"2026-02-28T00:00:00"`, `"2026-02-28T00:00:00.Z"`, `"2026-02-28T00:00:00-05:00"`, `"0000-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999Z"`,
		`[{"name":"Z","value":5}]`, `[{"value":"v","name":"Z"},{"name":"Y"}]`, `[{"name":null}]`, `[{"name":"Z","value":"a\nb"},null]`, `[{"x":[{}]}]`, `{"a":1,"a":2}`, `[1,{"a":[2]}]`,
	}
	furtherMembers = []string{
		`"title":"again",`, `"id":3,`, `"new":1,`, `"other":{"a":1,"a":2},`, `"other":[1,{"a":2}],`, `"\u0074itle":"x",`, `"Title":"x",`, `"queueID":"5",`, `"isAssignedToComanaged":1,`,
		`"hoursToBeScheduled":7.75,`, `"dueDateTime":"2028-02-29T01:02:03Z",`, `"externalID":"a\\b",`, `"contactID":-7 ,`, ` "errors" : [] ,`, `"name":"N",`, `{"id":1},`, "\"\xc3\":1,", `"":0,`,
	}
	noise = []string{"", " ", "\t", "\r\n", "\f", "\x00", "\x01", "\xc3", "é", `"`, `\`, ",", ":", ",,", "{", "}", "[", "]", "-", "0", ".", "e", "null"}
)

func BenchmarkQuickPage(b *testing.B) {
	tickets := make([]*Ticket, 100)
	for i := range tickets {
		tickets[i] = filled(b, i+1)
	}
	page := pageOf(b, tickets, len(tickets))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := quickPage(page, reflect.TypeFor[Ticket]()); !ok {
			b.Fatal("not read quickly")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/ticket")
}

// Each unknown name is compared with those before it, so their number is bounded.
func TestQuick_ManyUnknownNamesAreLeftToJSONv2(t *testing.T) {
	t.Parallel()
	for names, taken := range map[int]bool{64: true, 65: false, 80_000: false} {
		var b strings.Builder
		b.WriteString(`{"item":{`)
		for i := range names {
			fmt.Fprintf(&b, `"u%d":1,`, i)
		}
		b.WriteString(`"id":1}}`)
		var item Ticket
		_, _, ok := quickly.Item([]byte(b.String()), &item)
		assert.Equal(t, taken, ok, "%d names", names)
		_, _, found, err := itemIn([]byte(b.String()), &item)
		require.NoError(t, err)
		assert.True(t, found)
		assert.EqualValues(t, 1, item.ID)
	}
}
