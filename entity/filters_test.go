package entity_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/schema"
)

// eachSearch calls f with every entity that can be searched by any field, and a
// function that searches it on a server which has nothing.
func eachSearch(t *testing.T, f func(e *schema.Entity, search func(autotask.Query) error)) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(httpmock.NewStringResponder(200, `{"items":[],"pageDetails":{"count":0,"nextPageUrl":null}}`))
	client, err := autotask.NewClient(autotask.Credentials{UserName: "u", Secret: "s", IntegrationCode: "c"},
		autotask.WithBaseURL("https://webservices19.autotask.net/ATServicesRest/V1.0"), autotask.WithHTTPClient(&http.Client{Transport: mock}))
	require.NoError(t, err)
	searched := 0
	for _, entry := range walk {
		for _, v := range entry.verbs {
			if v.name != "Query" || entry.name == "TicketHistory" {
				continue
			}
			searched++
			f(entityCalled(t, entry.name), func(q autotask.Query) error {
				return v.call(&walker{t: t, ctx: t.Context(), client: client, query: &q})
			})
		}
	}
	assert.Greater(t, searched, 200)
}

var rightValues = map[schema.Kind][]any{
	schema.String:   {"text", 7, true, time.Now()},
	schema.Number:   {7, 7.25, "7.25", "0"},
	schema.Boolean:  {true, false, 0, 1, "true", "0"},
	schema.Integer:  {0, -1, 7.5, "7", int64(1) << 60},
	schema.DateTime: {autotask.Day(2026, 11, 22), "2026-11-22", "2026-11-22T00:00:00Z"},
}

var wrongValues = map[schema.Kind][]any{
	schema.Number:   {true, "text", time.Now()},
	schema.Boolean:  {"text", 2, time.Now()},
	schema.Integer:  {true, "a label", "", time.Now()},
	schema.DateTime: {true, 7, "text"},
}

// Every field of every entity can be asked for, in any casing and with the
// values that Autotask takes for it, and with no other.
func TestFilters_OfEveryField(t *testing.T) {
	t.Parallel()
	eachSearch(t, func(e *schema.Entity, search func(autotask.Query) error) {
		var all []autotask.Filter
		var names []string
		for _, f := range e.Fields {
			if f.Kind == schema.UDFs {
				continue
			}
			upper := strings.ToUpper(f.Name)
			names = append(names, upper)
			all = append(all, autotask.Exist(f.Name), autotask.NotExist(upper))
			for _, v := range rightValues[f.Kind] {
				all = append(all, autotask.NotEq(upper, v), autotask.And(autotask.Gte(strings.ToLower(f.Name), v)))
			}
			for _, v := range wrongValues[f.Kind] {
				err := search(autotask.Query{Filter: autotask.Or(autotask.Exist("id"), autotask.In(upper, v))})
				require.ErrorIs(t, err, autotask.ErrInvalid, "%s.%s: %v", e.Name, f.Name, v)
				require.ErrorContains(t, err, "."+f.Name+" holds ", "%s: %v", e.Name, v)
			}
			misspelt := f.Name + "x"
			for _, q := range []autotask.Query{{Filter: autotask.Eq(misspelt, 1)}, {Fields: []string{misspelt}}} {
				err := search(q)
				require.ErrorIs(t, err, autotask.ErrInvalid, "%s.%s", e.Name, misspelt)
				require.ErrorContains(t, err, `has no field "`+misspelt+`"; did you mean `, e.Name)
			}
		}
		require.NoError(t, search(autotask.Query{Filter: autotask.And(all...), Fields: names}), e.Name)
	})
}

// A field that holds a day is asked for by days.
func TestFilters_OfDays(t *testing.T) {
	t.Parallel()
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	require.NoError(t, err)
	newYearsEve := time.Date(2026, 12, 31, 0, 0, 0, 0, amsterdam) // 30 December in UTC
	tested := 0
	eachSearch(t, func(e *schema.Entity, search func(autotask.Query) error) {
		for _, f := range e.Fields {
			for at, fine := range map[any]bool{
				newYearsEve: false, newYearsEve.Add(14 * time.Hour): false, "2026-12-31T23:00:00Z": false, autotask.Value(newYearsEve): false,
				autotask.DayOf(newYearsEve): true, "2026-12-31": true, "2026-12-31T00:00:00": true, autotask.Value(autotask.Day(2026, 12, 31)): true,
			} {
				if f.Kind != schema.DateTime {
					continue
				}
				for _, filter := range []autotask.Filter{autotask.Eq(f.Name, at), autotask.Lte(strings.ToUpper(f.Name), at), autotask.In(f.Name, at)} {
					err := search(autotask.Query{Filter: autotask.And(autotask.Exist("id"), filter)})
					if fine || !f.Day {
						require.NoError(t, err, "%s.%s: %v", e.Name, f.Name, at)
						continue
					}
					tested++
					require.ErrorIs(t, err, autotask.ErrInvalid, "%s.%s: %v", e.Name, f.Name, at)
					require.ErrorContains(t, err, f.Name+" is a day", e.Name)
				}
			}
			if f.Day {
				require.ErrorContains(t, search(autotask.Query{Filter: autotask.Since(f.Name, newYearsEve)}), "autotask.Day(2026, 12, 31)", "the day that was meant")
			}
		}
	})
	assert.GreaterOrEqual(t, tested, 20*4*3)
}
