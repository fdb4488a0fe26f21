package entity_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

// TestRequiredZeros writes 0, 0.0 and false to every required field that can be
// absent, of every entity and with every verb: only absent, null and blank text
// are missing. A contact is deactivated by its 0.
func TestRequiredZeros(t *testing.T) {
	t.Parallel()
	zeros := map[schema.Kind]any{schema.Integer: int64(0), schema.Number: 0.0, schema.Boolean: false}
	blanks := map[schema.Kind]any{schema.String: " \t"}
	tested := map[schema.Kind]int{}
	eachWrite(t, func(entry walked, e *schema.Entity, v verb) {
		for _, f := range e.Fields {
			if _, isPlain := plain[jsonFields(entry.model)[f.Name]]; isPlain || !f.Required || v.name != "Create" && (f.ReadOnly || isParentField(e, f.Name)) {
				continue
			}
			what := v.name + " " + e.Name + "." + f.Name
			if zero, ok := zeros[f.Kind]; ok {
				tested[f.Kind]++
				sent, err := writtenTo(t, e, v, func(item any) { set(t, item, f.Name, zero) })
				require.NoError(t, err, what)
				require.Len(t, sent, 1, what)
				if !isParentField(e, f.Name) {
					assert.Contains(t, sent[0], fmt.Sprintf(`"%s":%v`, f.Name, zero), what)
				}
			}
			if blank, ok := blanks[f.Kind]; ok {
				sent, err := writtenTo(t, e, v, func(item any) { set(t, item, f.Name, blank) })
				require.ErrorIs(t, err, autotask.ErrInvalid, what)
				assert.Empty(t, sent, what)
			}
			if f.Name == "attachmentType" || isParentField(e, f.Name) {
				continue // a file's is known, and the path needs the parent first
			}
			sent, err := writtenTo(t, e, v, func(item any) { setNull(t, item, f.Name) })
			require.ErrorIs(t, err, autotask.ErrInvalid, what)
			require.ErrorContains(t, err, f.Name+" is required", what)
			assert.Empty(t, sent, what)
		}
	})
	assert.GreaterOrEqual(t, tested[schema.Integer], 35)
	assert.Positive(t, tested[schema.Number])
}

func setNull(t *testing.T, item any, jsonName string) {
	t.Helper()
	v := reflect.ValueOf(item).Elem()
	for f := range v.Type().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == jsonName {
			v.FieldByIndex(f.Index).Addr().MethodByName("SetNull").Call(nil)
			return
		}
	}
	require.Fail(t, "no field "+jsonName)
}

// writtenTo calls a verb with an edited item, on a server that takes every
// write, and returns the bodies that it was sent. What may be in a field is for
// the tenant to say; what is sent, for the library.
func writtenTo(t *testing.T, e *schema.Entity, v verb, edit func(item any)) ([]string, error) {
	t.Helper()
	w := newWalker(t, e)
	row := w.srv.Get(w.root, w.id)
	for _, f := range e.Fields {
		switch { // so that 0 and false are a change
		case f.Required && row[f.Name] == float64(0):
			row[f.Name] = 1
		case f.Required && row[f.Name] == false:
			row[f.Name] = true
		}
	}
	lenient := &obliging{row: row}
	w.client = w.srv.Client(autotask.WithHTTPClient(&http.Client{Transport: lenient}))
	w.edit, w.isElsewhere = edit, true
	err := v.call(w)
	return lenient.bodies, err
}

// obliging answers reads with a row, and takes every write into it.
type obliging struct {
	row    map[string]any
	bodies []string
}

func (o *obliging) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := map[string]any{"item": o.row}
	if r.Method != http.MethodGet {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		o.bodies = append(o.bodies, string(body))
		if err := json.Unmarshal(body, &o.row); err != nil {
			return nil, err
		}
		answer = map[string]any{"itemId": 7}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}
