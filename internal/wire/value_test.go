package wire

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type (
	priority int8
	deadline time.Time
)

func TestScalar(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 16, 4, 5, 120_000_000, time.FixedZone("", 3600))
	for _, c := range []struct{ value, want any }{
		{"x", "x"},
		{true, true},
		{priority(-3), int64(-3)},
		{uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{uint16(7), int64(7)},
		{5.0, int64(5)},
		{5.5, 5.5},
		{float64(1 << 60), float64(1 << 60)},
		{json.Number("12"), int64(12)},
		{json.Number("12345678901234567890123"), jsontext.Value("12345678901234567890123")},
		{at, Stamp{at}},
		{deadline(at), Stamp{at}},
	} {
		got, err := Scalar(c.value)
		require.NoError(t, err, c.value)
		assert.Equal(t, c.want, got)
	}
	assert.Equal(t, "2026-11-23T15:04:05.12Z", Stamp{at}.String())
}

func TestScalar_Refuses(t *testing.T) {
	t.Parallel()
	var none *int64
	one := int64(1)
	for message, value := range map[string]any{
		"nil matches nothing in Autotask: use NotExist or Exist":                                     nil,
		"a *int64 is not a valid filter value: use what it points to, or NotExist where that is nil": none,
		"a *int is not a valid filter value: use what it points to, or NotExist where that is nil":   new(int),
		"the string is invalid UTF-8":                  "\xff",
		"NaN and infinity are not valid filter values": math.NaN(),
		`"1-2" is not a number`:                        json.Number("1-2"),
		"the year 10000 cannot be sent: use 1 to 9999": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"the time is zero: set it, use NotExist for items without one, or leave the condition out":   time.Time{},
		"a map[string]int is not a valid filter value: use a string, number, bool or time.Time":      map[string]int{},
		"a struct { X *int64 } is not a valid filter value: use a string, number, bool or time.Time": struct{ X *int64 }{&one},
	} {
		_, err := Scalar(value)
		assert.EqualError(t, err, message)
	}
}

func TestSameness(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)
	assert.Equal(t, Sameness(Stamp{at}), Sameness(Stamp{at.In(time.FixedZone("", 3600))}))
	assert.NotEqual(t, Sameness("12345678901234567890"), Sameness(jsontext.Value("12345678901234567890")), "a text is no number")
	assert.NotEqual(t, Sameness("a"), Sameness("A"))
}

func TestIsNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"1": true, " 1.5 ": true, "1e400": true, "": false, "1,5": false, "abc": false} {
		assert.Equal(t, want, IsNumber(text), text)
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []any{1, 2}, Elements([]int{1, 2}))
	assert.Equal(t, []any{1, 2}, Elements([2]int{1, 2}))
	assert.Equal(t, []any{json.RawMessage("1")}, Elements(json.RawMessage("1")), "bytes are text or JSON")
	assert.Equal(t, []any{"x"}, Elements("x"))
}

func TestReadScalars(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"7": 7, `"7"`: 7, `" 7 "`: 7, "-7": -7, "5.0": 5, "5e0": 5, "9223372036854775807": math.MaxInt64} {
		got, err := Int(jsontext.Value(text))
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"5.5", `"x"`, "9223372036854775808", "1e300", "true"} {
		_, err := Int(jsontext.Value(text))
		require.Error(t, err, text)
	}
	for text, want := range map[string]float64{"7": 7, `"7.5"`: 7.5, "-7e2": -700} {
		got, err := Float(jsontext.Value(text))
		require.NoError(t, err, text)
		assert.InDelta(t, want, got, 0, text)
	}
	for _, text := range []string{`"NaN"`, `"Inf"`, `"x"`, "1e999"} {
		_, err := Float(jsontext.Value(text))
		require.Error(t, err, text)
	}
	for text, want := range map[string]bool{"true": true, "false": false, "1": true, `"0"`: false, `"True"`: true} {
		got, err := Bool(jsontext.Value(text))
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	_, err := Bool(jsontext.Value("2"))
	require.EqualError(t, err, `"2" is neither true nor false`)
}
