package autotask_test

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
)

const (
	noTickets = `{"items":[],"pageDetails":{"count":0,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}}`
)

// sentQuery is the body that a search for tickets is sent with.
func sentQuery(t *testing.T, q autotask.Query) string {
	t.Helper()
	client, mock := mocked(t)
	var body []byte
	mock.RegisterResponder(http.MethodPost, ticketsQuery, func(req *http.Request) (*http.Response, error) {
		var err error
		body, err = io.ReadAll(req.Body)
		return httpmock.NewStringResponse(200, noTickets), err
	})
	for _, err := range client.Collection("Tickets").All(t.Context(), q) { // with any fields
		require.NoError(t, err)
	}
	return string(body)
}

// sentFilter is the one condition of the body that a filter is sent in.
func sentFilter(t *testing.T, f autotask.Filter) string {
	t.Helper()
	var body struct {
		Filter []json.RawMessage `json:"filter"`
	}
	require.NoError(t, json.Unmarshal([]byte(sentQuery(t, autotask.Query{Filter: f})), &body))
	require.Len(t, body.Filter, 1)
	return string(body.Filter[0])
}

// Types of a program, as it may have them for ids, names and flags.
type (
	statusID  int32
	queueName string
	hours     float32
	flag      bool
	serial    uint16
	moment    time.Time
)

func TestQuery_EveryConditionAsSent(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 1, 2, 3, 456789012, time.FixedZone("somewhere", 2*60*60))
	for want, f := range map[string]autotask.Filter{
		`{"op":"eq","field":"status","value":5}`:                                autotask.Eq("status", 5),
		`{"op":"noteq","field":"status","value":5}`:                             autotask.NotEq("status", 5),
		`{"op":"gt","field":"id","value":5}`:                                    autotask.Gt("id", 5),
		`{"op":"gte","field":"id","value":5}`:                                   autotask.Gte("id", 5),
		`{"op":"lt","field":"id","value":5}`:                                    autotask.Lt("id", 5),
		`{"op":"lte","field":"id","value":5}`:                                   autotask.Lte("id", 5),
		`{"op":"beginsWith","field":"title","value":"Ba"}`:                      autotask.BeginsWith("title", "Ba"),
		`{"op":"endsWith","field":"title","value":"up"}`:                        autotask.EndsWith("title", "up"),
		`{"op":"contains","field":"title","value":"\"ä😀\\"}`:                    autotask.Contains("title", `"ä😀\`),
		`{"op":"exist","field":"dueDateTime"}`:                                  autotask.Exist("dueDateTime"),
		`{"op":"notExist","field":"dueDateTime"}`:                               autotask.NotExist("dueDateTime"),
		`{"op":"in","field":"status","value":[1,5]}`:                            autotask.In("status", 1, 5),
		`{"op":"in","field":"ticketNumber","value":["a"]}`:                      autotask.In("ticketNumber", "a"),
		`{"op":"notIn","field":"status","value":[1,5]}`:                         autotask.NotIn("status", []int64{1, 5}...),
		`{"op":"in","field":"x","value":[1,"a",true]}`:                          autotask.In[any]("x", 1, "a", true),
		`{"op":"eq","field":"companyID","value":0}`:                             autotask.Eq("companyID", 0), // zero values are values
		`{"op":"eq","field":"title","value":""}`:                                autotask.Eq("title", ""),
		`{"op":"eq","field":"isActive","value":false}`:                          autotask.Eq("isActive", false),
		`{"op":"eq","field":"hours","value":0.25}`:                              autotask.Eq("hours", 0.25),
		`{"op":"eq","field":"big","value":9223372036854775807}`:                 autotask.Eq("big", int64(math.MaxInt64)),
		`{"op":"eq","field":"big","value":18446744073709551615}`:                autotask.Eq("big", uint64(math.MaxUint64)),
		`{"op":"gt","field":"createDate","value":"2026-11-22T23:02:03.456Z"}`:   autotask.Gt("createDate", at), // in UTC
		`{"op":"in","field":"createDate","value":["2026-11-22T23:02:03.456Z"]}`: autotask.In("createDate", at),

		`{"op":"eq","field":"status","value":8}`:                              autotask.Eq("status", statusID(8)),
		`{"op":"eq","field":"queue","value":"Level II"}`:                      autotask.Eq("queue", queueName("Level II")),
		`{"op":"eq","field":"hoursWorked","value":1.5}`:                       autotask.Eq("hoursWorked", hours(1.5)),
		`{"op":"eq","field":"isActive","value":true}`:                         autotask.Eq("isActive", flag(true)),
		`{"op":"eq","field":"serialNumber","value":65535}`:                    autotask.Eq("serialNumber", serial(math.MaxUint16)),
		`{"op":"notIn","field":"status","value":[8,9]}`:                       autotask.NotIn("status", statusID(8), statusID(9)),
		`{"op":"lt","field":"createDate","value":"2026-11-22T23:02:03.456Z"}`: autotask.Lt("createDate", moment(at)),

		`{"op":"gte","field":"lastActivityDate","value":"2026-11-22T23:02:03.456Z"}`: autotask.Since("lastActivityDate", at),

		// An Optional stands for what it holds.
		`{"op":"eq","field":"contactID","value":0}`:                            autotask.Eq("contactID", autotask.Int(0)),
		`{"op":"eq","field":"externalID","value":"x"}`:                         autotask.Eq("externalID", autotask.Value("x")),
		`{"op":"lte","field":"createDate","value":"2026-11-22T23:02:03.456Z"}`: autotask.Lte("createDate", autotask.Value(at)),
		`{"op":"in","field":"contactID","value":[7,8]}`:                        autotask.In("contactID", autotask.Int(7), autotask.Int(8)),

		// A json.Number is a number, spelled as it is.
		`{"op":"eq","field":"number","value":12}`:                    autotask.Eq("number", json.Number("12")),
		`{"op":"eq","field":"number","value":12.50}`:                 autotask.Eq("number", json.Number("12.50")),
		`{"op":"eq","field":"number","value":123456789012345678901}`: autotask.Eq("number", json.Number("123456789012345678901")),

		// What is given twice counts once.
		`{"op":"in","field":"number","value":[5,7,"5",0.5,true]}`:              autotask.In[any]("number", 5, uint8(5), 5.0, json.Number("5"), int64(7), "5", 0.5, 0.5, true, true),
		`{"op":"in","field":"text","value":["a","A","Ä","ä","1","k","K","K"]}`: autotask.In("text", "a", "A", "Ä", "ä", "1", "A", "k", "K", "\u212a", "k"),
		`{"op":"in","field":"date","value":["2026-11-22T23:02:03.456Z"]}`:      autotask.In("date", at, at.UTC()),
		`{"op":"in","field":"exact","value":["1.50",1.50,1.5]}`:                autotask.In[any]("exact", "1.50", json.Number("1.50"), json.Number("1.50"), 1.5),
		`{"op":"notIn","field":"number","value":[5,6]}`:                        autotask.NotIn("number", 5, 6, 5),

		`{"op":"eq","field":"Backup Plan","udf":true,"value":"Gold"}`: autotask.UDF(autotask.Eq("Backup Plan", "Gold")),
		`{"op":"notExist","field":"Backup Plan","udf":true}`:          autotask.UDF(autotask.NotExist("Backup Plan")),

		`{"op":"and","items":[{"op":"eq","field":"a","value":1}]}`: autotask.And(autotask.Eq("a", 1)),
		`{"op":"or","items":[{"op":"eq","field":"a","value":1},{"op":"and","items":[{"op":"exist","field":"b"},` +
			`{"op":"or","items":[{"op":"lt","field":"c","value":0},{"op":"eq","field":"U","udf":true,"value":"x"}]}]}]}`: autotask.Or(
			autotask.Eq("a", 1),
			autotask.And(autotask.Exist("b"), autotask.Or(autotask.Lt("c", 0), autotask.UDF(autotask.Eq("U", "x"))))),
	} {
		assert.Equal(t, want, sentFilter(t, f)) // numbers included, as they are spelled
	}
}

func TestQuery_Bodies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		q    autotask.Query
		want string
	}{
		// "filter":[] would match nothing.
		{"an empty filter reads all", autotask.Query{}, `{"filter":[{"op":"exist","field":"id"}]}`},
		{"the id comes along", autotask.Query{Fields: []string{"title", "status"}},
			`{"IncludeFields":["id","title","status"],"filter":[{"op":"exist","field":"id"}]}`},
		{"but not twice", autotask.Query{Fields: []string{"title", "ID"}},
			`{"IncludeFields":["title","ID"],"filter":[{"op":"exist","field":"id"}]}`},
		{"no name twice", autotask.Query{Fields: []string{"title", "ID", "Title", "id", "title", "status"}},
			`{"IncludeFields":["title","ID","status"],"filter":[{"op":"exist","field":"id"}]}`},
		{"after an id", autotask.Query{After: autotask.Int(7)}, `{"filter":[{"op":"gt","field":"id","value":7}]}`},
		{"after the id 0", autotask.Query{After: autotask.Int(0)}, `{"filter":[{"op":"gt","field":"id","value":0}]}`},
		{"after nothing", autotask.Query{After: autotask.Null[int64]()}, `{"filter":[{"op":"exist","field":"id"}]}`},
		{"after an id, with a condition", autotask.Query{Filter: autotask.Or(autotask.Eq("status", 1), autotask.Eq("status", 5)), After: autotask.Int(7)},
			`{"filter":[{"op":"or","items":[{"op":"eq","field":"status","value":1},{"op":"eq","field":"status","value":5}]},{"op":"gt","field":"id","value":7}]}`},
		{"no fields are all fields", autotask.Query{Fields: []string{}}, `{"filter":[{"op":"exist","field":"id"}]}`},
		{"a small limit", autotask.Query{Limit: 1}, `{"MaxRecords":1,"filter":[{"op":"exist","field":"id"}]}`},
		{"a limit of nearly a page", autotask.Query{Limit: 499}, `{"MaxRecords":499,"filter":[{"op":"exist","field":"id"}]}`},
		{"a limit of a page", autotask.Query{Limit: 500}, `{"filter":[{"op":"exist","field":"id"}]}`},
		{"a limit of several pages", autotask.Query{Limit: 501}, `{"filter":[{"op":"exist","field":"id"}]}`},
		{"all together", autotask.Query{Filter: autotask.Eq("status", 1), Fields: []string{"title"}, Limit: 7},
			`{"MaxRecords":7,"IncludeFields":["id","title"],"filter":[{"op":"eq","field":"status","value":1}]}`},
	} {
		assert.JSONEq(t, c.want, sentQuery(t, c.q), c.name)
	}
}

func TestQuery_CallersFieldsAreNotModified(t *testing.T) {
	t.Parallel()
	names := []string{"title", "status", "queueID"}
	sentQuery(t, autotask.Query{Fields: names[:2]}) // there is room behind them
	assert.Equal(t, []string{"title", "status", "queueID"}, names)
}

func TestQuery_FiltersAreValues(t *testing.T) {
	t.Parallel()
	parts := []autotask.Filter{autotask.Eq("a", 1), autotask.Eq("b", 2)}
	both := autotask.And(parts...)
	parts[1] = autotask.Eq("c", 3)
	assert.JSONEq(t, `{"op":"and","items":[{"op":"eq","field":"a","value":1},{"op":"eq","field":"b","value":2}]}`, sentFilter(t, both))

	plain := autotask.Eq("a", 1)
	autotask.UDF(plain)
	assert.JSONEq(t, `{"op":"eq","field":"a","value":1}`, sentFilter(t, plain))
}

func TestQuery_LimitsOfAFilterAreAllowed(t *testing.T) {
	t.Parallel()
	ids := numbers(500)
	assert.Contains(t, sentFilter(t, autotask.In("id", ids...)), `"op":"in"`)
	alternatives := make([]autotask.Filter, 250)
	for i := range alternatives {
		alternatives[i] = autotask.Eq("id", i)
	}
	f := autotask.And(autotask.Or(alternatives...), autotask.NotIn("status", ids[:250]...))
	assert.Contains(t, sentFilter(t, f), `"op":"notIn"`)
}

func TestQuery_BadOnesAreRefusedUnsent(t *testing.T) {
	t.Parallel()
	var (
		ok     = autotask.Eq("a", 1)
		udf    = autotask.UDF(autotask.Eq("U", "x"))
		number = int64(5)
	)
	for _, c := range []struct {
		name string
		q    autotask.Query
		want []string
	}{
		{"no field", autotask.Query{Filter: autotask.Eq("", 1)}, []string{"eq: the name of the field is empty"}},
		{"a blank field", autotask.Query{Filter: autotask.Exist(" \t")}, []string{"exist: the name of the field is empty"}},
		{"nil", autotask.Query{Filter: autotask.Eq("a", nil)}, []string{"eq on a: nil matches nothing in Autotask: use NotExist or Exist"}},
		{"a slice", autotask.Query{Filter: autotask.Eq("a", []int{1})},
			[]string{"eq on a: a []int is not a valid filter value: use a string, number, bool or time.Time"}},
		{"a pointer", autotask.Query{Filter: autotask.NotEq("a", &number)},
			[]string{"noteq on a: a *int64 is not a valid filter value: use what it points to, or NotExist where that is nil"}},
		{"a nil pointer", autotask.Query{Filter: autotask.Eq("a", (*string)(nil))}, []string{"eq on a: a *string is not a valid filter value"}},
		{"a nil pointer to an Optional", autotask.Query{Filter: autotask.Eq("a", (*autotask.Optional[int64])(nil))}, []string{"eq on a: a *autotask.Optional[int64] is not"}},
		{"a nil pointer to a number", autotask.Query{Filter: autotask.Eq("a", (*json.Number)(nil))}, []string{"eq on a: a *json.Number is not"}},
		{"an absent Optional", autotask.Query{Filter: autotask.Eq("a", autotask.Optional[int64]{})},
			[]string{"Optional[int64] holds no value: use NotExist for items without one, or leave the condition out"}},
		{"a null Optional", autotask.Query{Filter: autotask.Eq("a", autotask.Null[string]())}, []string{"Optional[string] holds no value: use NotExist"}},
		{"an Optional of a slice", autotask.Query{Filter: autotask.Eq("a", autotask.Value([]int{1}))}, []string{"a []int is not a valid filter value"}},
		{"the zero time", autotask.Query{Filter: autotask.Gt("a", time.Time{})}, []string{"gt on a: the time is zero: set it"}},
		{"since the zero time", autotask.Query{Filter: autotask.Since("a", time.Time{})}, []string{"gte on a: the time is zero"}},
		{"since of no field", autotask.Query{Filter: autotask.Since("", time.Now())}, []string{"the name of the field is empty"}},
		{"the year 10000", autotask.Query{Filter: autotask.Lt("a", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}, []string{"the year 10000 cannot be sent"}},
		{"a number that is none", autotask.Query{Filter: autotask.Eq("a", json.Number("5 or 1=1"))}, []string{`"5 or 1=1" is not a number`}},
		{"an empty number", autotask.Query{Filter: autotask.Eq("a", json.Number(""))}, []string{`"" is not a number`}},
		{"a field that is no UTF-8", autotask.Query{Filter: autotask.Exist("\xff")}, []string{"exist: the name of the field is invalid UTF-8"}},
		{"a name in Fields that is no UTF-8", autotask.Query{Fields: []string{"\xff"}}, []string{"a name in Fields is invalid UTF-8"}},
		{"a struct", autotask.Query{Filter: autotask.Lt("a", struct{}{})}, []string{"lt on a: a struct {} is not a valid filter value"}},
		{"NaN", autotask.Query{Filter: autotask.Gt("a", math.NaN())}, []string{"gt on a: NaN and infinity are not valid filter values"}},
		{"infinity", autotask.Query{Filter: autotask.Gt("a", math.Inf(-1))}, []string{"NaN and infinity"}},
		{"no UTF-8", autotask.Query{Filter: autotask.Contains("a", "\xff")}, []string{"invalid UTF-8"}},
		{"nothing in In", autotask.Query{Filter: autotask.In[int]("a")}, []string{"in on a: no values given"}},
		{"nothing in NotIn", autotask.Query{Filter: autotask.NotIn("a", []string{}...)}, []string{"notIn on a: no values given"}},
		{"nil in In", autotask.Query{Filter: autotask.In[any]("a", 1, nil)}, []string{"in on a: nil matches nothing"}},
		{"two lists in In", autotask.Query{Filter: autotask.In("a", []int{1}, []int{2})}, []string{"in on a: a []int is not a valid filter value"}},
		{"In without a field", autotask.Query{Filter: autotask.In("", 1)}, []string{"in: the name of the field is empty"}},
		{"a NotIn of too many values", autotask.Query{Filter: autotask.NotIn("a", numbers(501)...)},
			[]string{"the filter has 501 values and alternatives; Autotask accepts 500: a NotIn cannot be sent in parts; read without it"}},
		{"a long NotIn beside a long In", autotask.Query{Filter: autotask.And(autotask.In("a", numbers(600)...), autotask.NotIn("b", numbers(500)...))},
			[]string{"the filter has 1100 values and alternatives", "a NotIn cannot be sent in parts"}},
		{"two long Ins", autotask.Query{Filter: autotask.And(autotask.In("a", numbers(600)...), autotask.In("b", numbers(500)...))},
			[]string{"the filter has 1100 values and alternatives", "only one In is sent in parts; query once for each part of the other"}},
		{"too many alternatives", autotask.Query{Filter: autotask.Or(slices.Repeat([]autotask.Filter{ok}, 501)...)},
			[]string{"the filter has 501 values and alternatives", "an Or cannot be sent in parts; use In for alternatives of one field"}},
		{"a long In beneath too many alternatives", autotask.Query{
			Filter: autotask.Or(slices.Concat([]autotask.Filter{autotask.In("a", numbers(600)...)}, slices.Repeat([]autotask.Filter{ok}, 499))...),
		}, []string{"the filter has 1100 values and alternatives", "an Or cannot be sent in parts"}},
		{"nothing in And", autotask.Query{Filter: autotask.And()}, []string{"and without conditions; the zero Filter reads everything"}},
		{"nothing in Or", autotask.Query{Filter: autotask.Or([]autotask.Filter{}...)}, []string{"or without conditions"}},
		{"an empty condition", autotask.Query{Filter: autotask.And(ok, autotask.Filter{})}, []string{"and holds an empty condition"}},
		{"deep down", autotask.Query{Filter: autotask.And(ok, autotask.Or(ok, autotask.And(ok, autotask.Eq("b", nil))))}, []string{"eq on b: nil"}},
		{"UDF of nothing", autotask.Query{Filter: autotask.UDF(autotask.Filter{})}, []string{"UDF accepts a single condition, such as UDF(Eq(name, value))"}},
		{"UDF of a group", autotask.Query{Filter: autotask.UDF(autotask.And(ok))}, []string{"UDF accepts a single condition"}},
		{"UDF of a bad group", autotask.Query{Filter: autotask.UDF(autotask.And(autotask.Filter{}))},
			[]string{"UDF accepts a single condition", "and holds an empty condition"}},
		{"UDF of something bad", autotask.Query{Filter: autotask.UDF(autotask.Eq("", 1))}, []string{"the name of the field is empty"}},
		{"two UDFs", autotask.Query{Filter: autotask.Or(udf, autotask.And(ok, udf))},
			[]string{"the filter has conditions on 2 user-defined fields; Autotask accepts one"}},
		{"a negative limit", autotask.Query{Limit: -1}, []string{"a Limit of -1; use 0 for no limit"}},
		{"an empty name in Fields", autotask.Query{Fields: []string{"title", " "}}, []string{"an empty name in Fields"}},
		{"everything at once", autotask.Query{Filter: autotask.And(autotask.Eq("", nil), autotask.In[int]("b")), Limit: -2, Fields: []string{""}},
			[]string{"eq: the name of the field is empty", "nil matches nothing", "in on b: no values given", "a Limit of -2", "an empty name in Fields"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client, mock := mocked(t)
			calls := map[string]func() error{
				"List": func() error {
					_, err := client.Tickets.List(t.Context(), c.q)
					return err
				},
				"All": func() (err error) {
					for item, e := range client.Tickets.All(t.Context(), c.q) {
						assert.Nil(t, item)
						err = e
					}
					return err
				},
			}
			if c.q.Limit == 0 && c.q.Fields == nil {
				calls["Count"] = func() error { // which goes by the filter alone
					_, err := client.Tickets.Count(t.Context(), c.q)
					return err
				}
			}
			for name, call := range calls {
				err := call()
				require.ErrorIs(t, err, autotask.ErrInvalid, name)
				var e *autotask.Error
				require.ErrorAs(t, err, &e)
				assert.Zero(t, e.StatusCode)
				assert.Zero(t, e.Attempts)
				assert.True(t, strings.HasPrefix(e.Path, "Tickets/query"))
				for _, want := range c.want {
					assert.Contains(t, strings.Join(e.Messages, "\n"), want, name)
				}
			}
			assert.Zero(t, mock.GetTotalCallCount(), "nothing is sent")
		})
	}
}

func TestQuery_CountSendsTheFilterAlone(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	var body []byte
	mock.RegisterResponder(http.MethodPost, ticketsQuery+"/count", func(req *http.Request) (*http.Response, error) {
		var err error
		body, err = io.ReadAll(req.Body)
		return httpmock.NewStringResponse(200, `{"queryCount":12}`), err
	})
	n, err := client.Tickets.Count(t.Context(), autotask.Query{Filter: autotask.Eq("status", 1), Fields: []string{"title"}, Limit: 3, Prefetch: true})
	require.NoError(t, err)
	assert.EqualValues(t, 12, n)
	assert.JSONEq(t, `{"filter":[{"op":"eq","field":"status","value":1}]}`, string(body))

	_, err = client.Tickets.Count(t.Context(), autotask.Query{})
	require.NoError(t, err)
	assert.JSONEq(t, `{"filter":[{"op":"exist","field":"id"}]}`, string(body))

	_, err = client.Tickets.Count(t.Context(), autotask.Query{After: autotask.Int(7)})
	require.NoError(t, err)
	assert.JSONEq(t, `{"filter":[{"op":"gt","field":"id","value":7}]}`, string(body), "and the position, which is a condition too")
}
