package entity_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/schema"
)

// writingVerbs are the verbs that take an item's fields.
var writingVerbs = map[string]bool{"Create": true, "Update": true, "Patch": true}

// eachWrite calls f with every verb that writes fields, of every entity.
func eachWrite(t *testing.T, f func(entry walked, e *schema.Entity, v verb)) {
	t.Helper()
	for _, entry := range walk {
		for _, v := range entry.verbs {
			if writingVerbs[v.name] {
				f(entry, entityCalled(t, entry.name), v)
			}
		}
	}
}

// set sets the field of that JSON name to a value of its type.
func set(t *testing.T, item any, jsonName string, value any) {
	t.Helper()
	v := reflect.ValueOf(item).Elem()
	for f := range v.Type().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == jsonName {
			v.FieldByIndex(f.Index).Addr().MethodByName("Set").Call([]reflect.Value{reflect.ValueOf(value)})
			return
		}
	}
	require.Fail(t, "no field "+jsonName)
}

// TestDays writes every field that holds a day, of every entity and with every
// verb: a day arrives as that day, and a time of day is refused before anything
// is sent.
func TestDays(t *testing.T) {
	t.Parallel()
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	require.NoError(t, err)
	newYearsEve := time.Date(2026, 12, 31, 0, 0, 0, 0, amsterdam) // 30 December in UTC
	tested := map[string]bool{}
	eachWrite(t, func(_ walked, e *schema.Entity, v verb) {
		for _, f := range e.Fields {
			if !f.Day {
				continue
			}
			what := v.name + " " + e.Name + "." + f.Name
			tested[e.Name+"."+f.Name] = true
			for _, at := range []time.Time{newYearsEve, newYearsEve.Add(14 * time.Hour), time.Date(2026, 12, 31, 0, 0, 0, 1e6, time.UTC)} {
				w := newWalker(t, e)
				w.edit = func(item any) { set(t, item, f.Name, at) }
				err := v.call(w)
				require.ErrorIs(t, err, autotask.ErrInvalid, what)
				require.ErrorContains(t, err, f.Name+" is a day", what)
				require.ErrorContains(t, err, "autotask.Day(", what)
				assert.Empty(t, writesOf(w), what)
			}
			for _, day := range []time.Time{autotask.Day(2026, 12, 31), autotask.DayOf(newYearsEve)} {
				w := newWalker(t, e)
				w.edit = func(item any) { set(t, item, f.Name, day) }
				require.NoError(t, v.call(w), what)
				require.Len(t, writesOf(w), 1, what)
				assert.Contains(t, writesOf(w)[0], `"`+f.Name+`":"2026-12-31T00:00:00Z"`, what)
			}
		}
	})
	for _, name := range []string{
		"Contract.startDate", "Contract.endDate", "TimeEntry.dateWorked", "ContractServiceAdjustment.effectiveDate",
		"ContractServiceBundleAdjustment.effectiveDate", "Project.startDateTime", "Project.endDateTime", "Task.startDateTime", "Task.endDateTime",
	} {
		assert.True(t, tested[name], "%s is a day", name)
	}
}

// writesOf are the bodies of the writes that the tenant was sent.
func writesOf(w *walker) []string {
	var bodies []string
	for _, r := range w.srv.Requests() {
		if r.Method != "GET" && !strings.Contains(r.Op, "/query") {
			bodies = append(bodies, string(r.Body))
		}
	}
	return bodies
}
