package autotask_test

import (
	stdjson "encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
)

// kite has one field of every type, as the entities have them.
type kite struct {
	Name  autotask.Optional[string]         `json:"name,omitzero"`
	Count autotask.Optional[int64]          `json:"count,omitzero"`
	Span  autotask.Optional[float64]        `json:"span,omitzero"`
	Flies autotask.Optional[bool]           `json:"flies,omitzero"`
	Made  autotask.Optional[time.Time]      `json:"made,omitzero"`
	Tags  autotask.Optional[[]string]       `json:"tags,omitzero"`
	Tail  autotask.Optional[map[string]int] `json:"tail,omitzero"`
}

// codecs are the two packages that an Optional must work with.
var codecs = map[string]struct {
	marshal   func(any) ([]byte, error)
	unmarshal func([]byte, any) error
}{
	"json v2": {
		func(v any) ([]byte, error) { return json.Marshal(v) },
		func(b []byte, v any) error { return json.Unmarshal(b, v) },
	},
	"encoding/json": {stdjson.Marshal, stdjson.Unmarshal},
}

// state sums an Optional up: whether it is absent, null, and what it holds.
func state[T any](o autotask.Optional[T]) string {
	v, ok := o.Get()
	return fmt.Sprintf("absent=%t null=%t holds=%t value=%v", o.IsZero(), o.IsNull(), ok, v)
}

func TestOptional_HasThreeStates(t *testing.T) {
	t.Parallel()
	var o autotask.Optional[int64]
	assert.Equal(t, "absent=true null=false holds=false value=0", state(o))
	assert.EqualValues(t, 7, o.Or(7))
	assert.Empty(t, o.String())

	o = autotask.Null[int64]()
	assert.Equal(t, "absent=false null=true holds=false value=0", state(o))
	assert.EqualValues(t, 7, o.Or(7))
	assert.Equal(t, "null", o.String())

	for _, v := range []int64{5, 0, -1} { // 0 is a value like any other
		o = autotask.Int(v)
		assert.Equal(t, fmt.Sprint("absent=false null=false holds=true value=", v), state(o))
		assert.Equal(t, v, o.Or(7))
		assert.Equal(t, fmt.Sprint(v), o.String())
		assert.Equal(t, o, autotask.Value(v))
	}
	assert.False(t, autotask.Value("").IsZero())
	assert.False(t, autotask.Value(false).IsNull())
}

func TestOptional_IsSet(t *testing.T) {
	t.Parallel()
	var o autotask.Optional[string]
	o.Set("a")
	assert.Equal(t, autotask.Value("a"), o)
	o.SetNull()
	assert.Equal(t, autotask.Null[string](), o, "nothing of the old value is left")
	o.Set("")
	assert.Equal(t, autotask.Value(""), o)
	o = autotask.Optional[string]{}
	assert.True(t, o.IsZero())
}

func TestOptional_OnlyAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	full := kite{
		Name: autotask.Value(""), Count: autotask.Int(0), Span: autotask.Value(0.0), Flies: autotask.Value(false),
		Made: autotask.Value(time.Time{}), Tags: autotask.Value([]string{}), Tail: autotask.Value(map[string]int{}),
	}
	nulls := kite{
		Name: autotask.Null[string](), Count: autotask.Null[int64](), Span: autotask.Null[float64](), Flies: autotask.Null[bool](),
		Made: autotask.Null[time.Time](), Tags: autotask.Null[[]string](), Tail: autotask.Null[map[string]int](),
	}
	for name, codec := range codecs {
		b, err := codec.marshal(kite{})
		require.NoError(t, err)
		assert.Equal(t, `{}`, string(b), name)

		b, err = codec.marshal(nulls)
		require.NoError(t, err)
		assert.Equal(t, `{"name":null,"count":null,"span":null,"flies":null,"made":null,"tags":null,"tail":null}`, string(b), name)

		b, err = codec.marshal(full)
		require.NoError(t, err)
		assert.JSONEq(t, `{"name":"","count":0,"span":0,"flies":false,"made":"0001-01-01T00:00:00Z","tags":[],"tail":{}}`, string(b), name)

		b, err = codec.marshal(autotask.Optional[int64]{})
		require.NoError(t, err)
		assert.Equal(t, `null`, string(b), "%s: alone, it must be something", name)
	}
}

func TestOptional_RoundTrips(t *testing.T) {
	t.Parallel()
	for _, k := range []kite{
		{},
		{Name: autotask.Null[string](), Count: autotask.Null[int64](), Span: autotask.Null[float64](), Flies: autotask.Null[bool](),
			Made: autotask.Null[time.Time](), Tags: autotask.Null[[]string](), Tail: autotask.Null[map[string]int]()},
		{Name: autotask.Value(""), Count: autotask.Int(0), Span: autotask.Value(0.0), Flies: autotask.Value(false)},
		{
			Name: autotask.Value("<é> 😀 \"\\\n\u2028"), Count: autotask.Int(math.MaxInt64), Span: autotask.Value(0.1),
			Flies: autotask.Value(true), Made: autotask.Value(time.Date(2026, 11, 23, 15, 4, 5, 678e6, time.UTC)),
			Tags: autotask.Value([]string{"a", ""}), Tail: autotask.Value(map[string]int{"a": 1}),
		},
		{Count: autotask.Int(math.MinInt64), Span: autotask.Value(math.MaxFloat64), Name: autotask.Null[string]()},
		{Span: autotask.Value(-1e-300)},
	} {
		for out, writer := range codecs {
			for in, reader := range codecs {
				b, err := writer.marshal(k)
				require.NoError(t, err)
				var got kite
				require.NoError(t, reader.unmarshal(b, &got), "%s", b)
				assert.Equal(t, k, got, "%s, then %s: %s", out, in, b)
			}
		}
	}
}

func TestOptional_TimesGoOutInUTCToTheMillisecond(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("somewhere", 2*60*60)
	b, err := json.Marshal(autotask.Value(time.Date(2026, 11, 23, 1, 2, 3, 456789012, zone)))
	require.NoError(t, err)
	assert.Equal(t, `"2026-11-22T23:02:03.456Z"`, string(b))
}

func TestOptional_NumbersWithoutAFormAreRefused(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for name, codec := range codecs {
			_, err := codec.marshal(kite{Span: autotask.Value(f)})
			assert.ErrorContains(t, err, "NaN and infinity", name)
		}
	}
}

// decoded reads JSON into an Optional, and back out.
func decoded[T any](t *testing.T, in string) (autotask.Optional[T], error) {
	t.Helper()
	// Something is in it already, as in an entity that is read again.
	o := autotask.Null[T]()
	err := json.Unmarshal([]byte(in), &o)
	return o, err
}

// reads asserts that JSON reads as a value, whichever package reads it.
func reads[T any](t *testing.T, want T, inputs ...string) {
	t.Helper()
	for _, in := range inputs {
		o, err := decoded[T](t, in)
		require.NoError(t, err, in)
		assert.Equal(t, autotask.Value(want), o, in)

		var again autotask.Optional[T]
		require.NoError(t, stdjson.Unmarshal([]byte(in), &again), in)
		assert.Equal(t, autotask.Value(want), again, "encoding/json: %s", in)
	}
}

// refuses asserts that JSON is not taken for a T.
func refuses[T any](t *testing.T, message string, inputs ...string) {
	t.Helper()
	for _, in := range inputs {
		_, err := decoded[T](t, in)
		require.ErrorContains(t, err, message, "%T of %s", *new(T), in)
		var again autotask.Optional[T]
		require.Error(t, stdjson.Unmarshal([]byte(in), &again), in)
	}
}

func TestOptional_ReadsIntegers(t *testing.T) {
	t.Parallel()
	reads[int64](t, 5, `5`, `5.0`, `5.000`, `5e0`, `0.5e1`, `50e-1`, `"5"`, `" 5 "`, `"5.0"`)
	reads[int64](t, 0, `0`, `-0`, `0.0`, `"0"`)
	reads[int64](t, -7, `-7`, `-7.0`, `"-7"`)
	reads[int64](t, math.MaxInt64, `9223372036854775807`, `"9223372036854775807"`)
	reads[int64](t, math.MinInt64, `-9223372036854775808`)
	reads[int64](t, 1<<53, `9007199254740992.0`)
	reads[int64](t, 1000000, `1e6`)

	const not = "is not a whole number of 64 bits"
	refuses[int64](t, not, `5.5`, `0.1`, `1e-1`, `"5.5"`, `" "`, `"five"`, `"5 apples"`, `true`, `"NaN"`, `"Inf"`)
	refuses[int64](t, not, `9223372036854775808`, `-9223372036854775809`, `12345678901234567890`, `1e19`, `1e400`, `"12345678901234567890"`)
	refuses[int64](t, not, `9007199254740994.0`) // which integer that is, is not certain any more
	refuses[int64](t, "want a whole number, found an object or array", `{"id":5}`, `[5]`, `[]`, `{}`)
}

func TestOptional_ReadsNumbers(t *testing.T) {
	t.Parallel()
	reads(t, 1.5, `1.5`, `1.50`, `15e-1`, `"1.5"`, `" 1.5 "`)
	reads(t, 5.0, `5`, `"5"`)
	reads(t, 0.0, `0`, `0.0`, `"0"`)
	refuses[float64](t, "is not a number", `1e400`, `-1e400`, `"1e400"`, `"NaN"`, `"Infinity"`, `"-Inf"`, `"five"`, `"1,5"`, `true`)
	refuses[float64](t, "want a number, found an object or array", `{}`, `[1.5]`)
}

func TestOptional_ReadsBooleans(t *testing.T) {
	t.Parallel()
	reads(t, true, `true`, `1`, `"true"`, `"True"`, `"TRUE"`, `"1"`)
	reads(t, false, `false`, `0`, `"false"`, `"False"`, `"0"`)
	refuses[bool](t, "is neither true nor false", `2`, `-1`, `"yes"`, `"on"`)
	refuses[bool](t, "want true or false, found an object or array", `{}`, `[true]`)
}

func TestOptional_EmptyIsNullButForTexts(t *testing.T) {
	t.Parallel()
	const empty = `""`
	for name, isNull := range map[string]func() (bool, error){
		"integer": func() (bool, error) { o, err := decoded[int64](t, empty); return o.IsNull(), err },
		"number":  func() (bool, error) { o, err := decoded[float64](t, empty); return o.IsNull(), err },
		"boolean": func() (bool, error) { o, err := decoded[bool](t, empty); return o.IsNull(), err },
		"time":    func() (bool, error) { o, err := decoded[time.Time](t, empty); return o.IsNull(), err },
	} {
		null, err := isNull()
		require.NoError(t, err, name)
		assert.True(t, null, name)
	}
}

func TestOptional_ReadsTexts(t *testing.T) {
	t.Parallel()
	reads(t, "", `""`)
	reads(t, " é😀\n", `" é😀\n"`, `" \u00e9\ud83d\ude00\u000a"`)
	reads(t, "5", `5`)
	reads(t, "12345678901234567890", `12345678901234567890`)
	reads(t, "1.50", `1.50`)
	reads(t, "true", `true`)
	refuses[string](t, "want a text, found an object or array", `{}`, `["a"]`)
}

func TestOptional_ReadsTimes(t *testing.T) {
	t.Parallel()
	second := time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)
	reads(t, second, `"2026-11-23T15:04:05"`, `"2026-11-23T15:04:05Z"`, `"2026-11-23T15:04:05.00Z"`, `"2026-11-23T17:04:05+02:00"`)
	reads(t, second.Add(563*time.Millisecond), `"2026-11-23T15:04:05.563"`, `"2026-11-23T15:04:05.563Z"`, `"2026-11-23T15:04:05.5630000"`)
	reads(t, second.Add(time.Nanosecond*123456700), `"2026-11-23T15:04:05.1234567"`)
	reads(t, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), `"2026-11-23"`, `"2026-11-23T00:00:00"`)
	refuses[time.Time](t, "is not a date-time", `"soon"`, `"2026-11-23T15:04"`, `"23.11.2026"`, `1764000000`, `true`)
	refuses[time.Time](t, "want a date-time, found an object or array", `{}`, `[]`)
}

func TestOptional_ReadsOtherTypes(t *testing.T) {
	t.Parallel()
	reads(t, []string{"a"}, `["a"]`)
	reads(t, map[string]int{"a": 1}, `{"a":1}`)
	refuses[[]string](t, "unmarshal JSON", `{"a":1}`, `7`)
}

func TestOptional_ReadsNullIntoEveryType(t *testing.T) {
	t.Parallel()
	for name, codec := range codecs {
		k := kite{Name: autotask.Value("old"), Count: autotask.Int(5), Tags: autotask.Value([]string{"old"})}
		in := `{"name":null,"count":null,"span":null,"flies":null,"made":null,"tags":null,"tail":null}`
		require.NoError(t, codec.unmarshal([]byte(in), &k))
		assert.Equal(t, kite{
			Name: autotask.Null[string](), Count: autotask.Null[int64](), Span: autotask.Null[float64](), Flies: autotask.Null[bool](),
			Made: autotask.Null[time.Time](), Tags: autotask.Null[[]string](), Tail: autotask.Null[map[string]int](),
		}, k, name)
	}
}

func TestOptional_LeavesWhatIsNotInTheAnswerAbsent(t *testing.T) {
	t.Parallel()
	for name, codec := range codecs {
		var k kite
		require.NoError(t, codec.unmarshal([]byte(`{"count":0,"unknown":{"a":[1]}}`), &k))
		assert.Equal(t, kite{Count: autotask.Int(0)}, k, name)
	}
}

func TestOptional_ReadsNothingOfAnOldValue(t *testing.T) {
	t.Parallel()
	o := autotask.Value([]string{"old", "older"})
	require.NoError(t, json.Unmarshal([]byte(`["new"]`), &o))
	assert.Equal(t, autotask.Value([]string{"new"}), o)
	m := autotask.Value(map[string]int{"old": 1})
	require.NoError(t, json.Unmarshal([]byte(`{"new":2}`), &m))
	assert.Equal(t, autotask.Value(map[string]int{"new": 2}), m)
}

func TestOptional_BrokenJSONIsASyntaxError(t *testing.T) {
	t.Parallel()
	for _, in := range []string{``, `tru`, `"abc`, `{`, `[1`, `nul`, `-`} {
		for _, target := range []any{
			new(autotask.Optional[string]), new(autotask.Optional[int64]), new(autotask.Optional[float64]),
			new(autotask.Optional[bool]), new(autotask.Optional[time.Time]), new(autotask.Optional[any]),
		} {
			// The transport asks again for an answer that arrived so.
			var syntax *jsontext.SyntacticError
			require.ErrorAs(t, json.Unmarshal([]byte(in), target), &syntax, "%T of %q", target, in)
		}
	}
}

func TestOptional_ErrorsQuoteLittle(t *testing.T) {
	t.Parallel()
	long := `"` + strings.Repeat("x", 10_000) + `"`
	for _, target := range []any{
		new(autotask.Optional[int64]), new(autotask.Optional[float64]), new(autotask.Optional[bool]), new(autotask.Optional[time.Time]),
	} {
		err := json.Unmarshal([]byte(long), target)
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 250)
	}
}

// optionalsWithoutOmitzero walks a type and names the Optional fields that
// would be sent as null, and so cleared, when they are absent.
func optionalsWithoutOmitzero(typ reflect.Type, path string, seen map[reflect.Type]bool) []string {
	for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || seen[typ] || typ == reflect.TypeFor[time.Time]() {
		return nil
	}
	seen[typ] = true
	var bad []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		name := path + "." + f.Name
		if !strings.HasPrefix(f.Type.Name(), "Optional[") {
			bad = append(bad, optionalsWithoutOmitzero(f.Type, name, seen)...)
			continue
		}
		options := strings.Split(f.Tag.Get("json"), ",")
		if options[0] == "" || !slices.Contains(options[1:], "omitzero") || slices.Contains(options, "omitempty") {
			bad = append(bad, name)
		}
	}
	return bad
}

func TestOptional_FieldsOfTheEntitiesAreOmitzero(t *testing.T) {
	t.Parallel()
	for _, typ := range []reflect.Type{
		reflect.TypeFor[autotask.Ticket](), reflect.TypeFor[autotask.TicketNote](), reflect.TypeFor[autotask.TimeEntry](),
	} {
		seen := map[reflect.Type]bool{}
		assert.Empty(t, optionalsWithoutOmitzero(typ, typ.Name(), seen))
		if typ == reflect.TypeFor[autotask.Ticket]() {
			assert.True(t, seen[reflect.TypeFor[autotask.UserDefinedField]()], "the walk reaches the user-defined fields")
		}
	}
	// The walk does find what it looks for.
	type inner struct {
		C autotask.Optional[bool] `json:"c"`
	}
	type outer struct {
		A autotask.Optional[int64]  `json:"a,omitzero"`
		B autotask.Optional[string] `json:"b,omitempty"`
		D autotask.Optional[string]
		E []*inner `json:"e"`
	}
	assert.Equal(t, []string{"T.B", "T.D", "T.E.C"}, optionalsWithoutOmitzero(reflect.TypeFor[outer](), "T", map[reflect.Type]bool{}))
}

func TestOptional_AbsentFieldsOfAnEntityAreNotSent(t *testing.T) {
	t.Parallel()
	for name, codec := range codecs {
		for entity, want := range map[any]string{
			&autotask.Ticket{}:     `{"companyID":0,"priority":0,"status":0,"title":""}`,
			&autotask.TicketNote{}: `{"description":"","noteType":0,"publish":0,"ticketID":0,"title":""}`,
			&autotask.TimeEntry{}:  `{}`,
		} {
			b, err := codec.marshal(entity)
			require.NoError(t, err)
			assert.Equal(t, want, string(b), "%s: %T", name, entity)
		}
	}
}

func TestUDFs_GetComparesNamesWithoutCase(t *testing.T) {
	t.Parallel()
	u := autotask.UDFs{
		{Name: "Backup Plan", Value: autotask.Value("Gold")},
		{Name: "Cleared", Value: autotask.Null[string]()},
		{Name: "Größe"},
	}
	assert.Equal(t, autotask.Value("Gold"), u.Get("Backup Plan"))
	assert.Equal(t, autotask.Value("Gold"), u.Get("BACKUP plan"))
	assert.Equal(t, autotask.Null[string](), u.Get("cleared"))
	assert.True(t, u.Get("GRÖSSE").IsZero())
	assert.True(t, u.Get("größe").IsZero())
	assert.True(t, u.Get("none of that name").IsZero())
	assert.True(t, autotask.UDFs(nil).Get("Backup Plan").IsZero())
}

func TestUDFs_SetChangesOrAdds(t *testing.T) {
	t.Parallel()
	var u autotask.UDFs
	u.Set("A", autotask.Value("1"))
	u.Set("B", autotask.Value("2"))
	u.Set("a", autotask.Value("3"))
	u.Set("B", autotask.Null[string]())
	assert.Equal(t, autotask.UDFs{
		{Name: "A", Value: autotask.Value("3")}, // in Autotask's spelling
		{Name: "B", Value: autotask.Null[string]()},
	}, u)
}

func TestUDFs_RoundTrip(t *testing.T) {
	t.Parallel()
	const in = `[{"name":"A","value":"1"},{"name":"B","value":null},{"name":"C"}]`
	for name, codec := range codecs {
		var u autotask.UDFs
		require.NoError(t, codec.unmarshal([]byte(in), &u))
		assert.Equal(t, autotask.UDFs{{Name: "A", Value: autotask.Value("1")}, {Name: "B", Value: autotask.Null[string]()}, {Name: "C"}}, u)
		b, err := codec.marshal(u)
		require.NoError(t, err)
		assert.JSONEq(t, in, string(b), name)
	}
	// Values are text, but some come as what they stand for.
	var u autotask.UDFs
	require.NoError(t, json.Unmarshal([]byte(`[{"name":"A","value":1.50},{"name":"B","value":true}]`), &u))
	assert.Equal(t, autotask.Value("1.50"), u.Get("A"))
	assert.Equal(t, autotask.Value("true"), u.Get("B"))
}

func TestUDFs_ReadArraysOfAnyLength(t *testing.T) {
	t.Parallel()
	var u autotask.UDFs
	for n := range 20 {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf(`{"name":"field %d","value":"%d","more":[]}`, i, i))
		}
		require.NoError(t, json.Unmarshal([]byte(" [ "+strings.Join(parts, " , ")+" ] "), &u))
		require.NotNil(t, u, "an empty array is not the same as none")
		require.Len(t, u, n)
		for i := range n {
			assert.Equal(t, autotask.UserDefinedField{Name: fmt.Sprintf("field %d", i), Value: autotask.Value(fmt.Sprint(i))}, u[i])
		}
	}
	require.NoError(t, json.Unmarshal([]byte("null"), &u))
	assert.Nil(t, u)
}

func TestUDFs_WhatIsNoArrayOfThemIsAnError(t *testing.T) {
	t.Parallel()
	for _, s := range []string{`{}`, `"x"`, `[1]`, `[{"name":1}]`, `[{"name":"a"}`, `[{"name":"a"},]`, `[`, `[}`, `[{"name":"a","name":"b"}]`} {
		u := autotask.UDFs{{Name: "old"}}
		require.Error(t, json.Unmarshal([]byte(s), &u), s)
	}
}
