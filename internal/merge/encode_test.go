package merge

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type plain struct {
	ID    int64         `json:"id,omitzero"`
	Title string        `json:"title"`
	Text  string        `json:"text,omitzero"`
	Kind  int64         `json:"kind"`
	Open  bool          `json:"open"`
	Shut  bool          `json:"shut,omitzero"`
	Ref   given[string] `json:"ref,omitzero"`
	Named naming        `json:"named,omitzero"`
	UDFs  []udf         `json:"userDefinedFields,omitzero"`
}

// naming encodes itself as something else.
type naming string

func (n naming) MarshalText() ([]byte, error) { return []byte("<" + string(n) + ">"), nil }

// never is zero, whatever it holds.
type never string

func (never) IsZero() bool { return true }

// always is not zero, even if it holds nothing.
type always string

func (always) IsZero() bool { return false }

type zeros struct {
	Never  never  `json:"never,omitzero"`
	Always always `json:"always,omitzero"`
}

// requireEncodes demands that Encode does what json.Marshal and Each do.
func requireEncodes(t *testing.T, item any) {
	t.Helper()
	type seen struct{ name, value string }
	var wanted, got []seen
	see := func(all *[]seen) func(string, jsontext.Value) {
		return func(name string, value jsontext.Value) { *all = append(*all, seen{name, string(value)}) }
	}
	object, err := Encode(item, see(&got))
	marshalled, wantErr := json.Marshal(item)
	if wantErr != nil {
		require.EqualError(t, err, wantErr.Error())
		return
	}
	require.NoError(t, err)
	require.Equal(t, string(marshalled), string(object))
	require.NoError(t, Each(marshalled, see(&wanted)))
	assert.Equal(t, wanted, got)
}

func TestEncode_IsMarshal(t *testing.T) {
	t.Parallel()
	for name, item := range map[string]any{
		"nothing":                       &plain{},
		"plain":                         &plain{ID: -7, Title: "A", Text: "b", Kind: math.MinInt64, Open: true, Shut: true},
		"a field with states":           &plain{Title: "A", Ref: given[string]{"r", 1}},
		"one that is null":              &plain{Title: "A", Ref: given[string]{"", 2}},
		"a text that encodes itself":    &plain{Named: "n"},
		"a list":                        &plain{UDFs: []udf{{Name: "A"}}},
		"an empty list":                 &plain{UDFs: []udf{}},
		"text that is no UTF-8":         &plain{Title: "a\xffb"},
		"types with zeros of their own": &zeros{Never: "x"},
		"a name twice":                  numbered(2, func(int) string { return "same" }),
		"other tags":                    &tagged{"x"},
		"pointers":                      &shared{new("x")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireEncodes(t, item)
		})
	}
}

func TestEncode_WritesPlainItemsItself(t *testing.T) {
	t.Parallel()
	_, members, ok := encodePlain(&plain{Title: "A", Kind: 2}, nil)
	require.True(t, ok)
	assert.Len(t, members, 3)
	_, _, ok = encodePlain(&plain{Named: "n"}, nil)
	assert.False(t, ok)
}

// Any text, and any set of fields.
func TestEncode_Property(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the test is to do the same each time
	pieces := []string{"", "a", `"`, `\`, "\n", "\x00", "\x7f", "<&>", "\u2028", "é", "😀", "\xff", "\xed\xa0\x80", " "}
	for range 20_000 {
		text := func() (s string) {
			for range rng.IntN(4) {
				s += pieces[rng.IntN(len(pieces))]
			}
			return s
		}
		item := &plain{
			ID: rng.Int64N(3) - 1, Title: text(), Text: text(), Kind: int64(rng.Uint64()), //nolint:gosec // any
			Open: rng.IntN(2) == 0, Shut: rng.IntN(2) == 0,
		}
		requireEncodes(t, item)
	}
}

// More members than there is room for.
func TestEncode_ManyFields(t *testing.T) {
	t.Parallel()
	requireEncodes(t, numbered(60, strconv.Itoa))
}

// numbered is an item with so many numbers in it.
func numbered(n int, name func(int) string) any {
	var fields []reflect.StructField
	for i := range n {
		fields = append(fields, reflect.StructField{
			Name: "F" + strconv.Itoa(i), Type: reflect.TypeFor[int64](), Tag: reflect.StructTag(`json:"f` + name(i) + `"`),
		})
	}
	v := reflect.New(reflect.StructOf(fields))
	for i := range n {
		v.Elem().Field(i).SetInt(int64(i) * 1e15)
	}
	return v.Interface()
}

func TestEncode_WantsAnObject(t *testing.T) {
	t.Parallel()
	_, err := Encode(new("x"), func(string, jsontext.Value) {})
	require.ErrorContains(t, err, "not a JSON object")
}
