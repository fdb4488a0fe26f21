package merge

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
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

// Embedded is exported, so that json sees it where it is embedded.
type Embedded struct {
	Inner string `json:"inner"`
}

type zeros struct {
	Never  never  `json:"never,omitzero"`
	Always always `json:"always,omitzero"`
}

// appending encodes itself.
type appending struct {
	Name string `json:"name"`
}

func (a appending) AppendText(b []byte) ([]byte, error) { return append(b, "<"+a.Name+">"...), nil }

// byPointer and holding have methods on their pointers alone.
type byPointer struct {
	Name string `json:"name"`
}

func (p *byPointer) AppendText(b []byte) ([]byte, error) { return append(b, "<"+p.Name+">"...), nil }

type holding struct {
	One   appending   `json:"one"`
	Two   byPointer   `json:"two,omitzero"`
	Three []byPointer `json:"three"`
	Four  oddly       `json:"four,omitzero"`
}

type oddly struct{ N int64 }

func (o *oddly) IsZero() bool { return o.N == 1 }

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
	require.Equal(t, string(marshalled), string(object))
	if wantErr = Each(marshalled, see(&wanted)); wantErr != nil {
		require.EqualError(t, err, wantErr.Error())
		return
	}
	require.NoError(t, err)
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
		"appends itself":                &appending{"x"},
		"appends itself by its pointer": &byPointer{"x"},
		"holds such":                    &holding{One: appending{"x"}, Two: byPointer{"y"}, Three: []byPointer{{"z"}}, Four: oddly{1}},
		"and zeros":                     &holding{Four: oddly{2}},
		"names in two cases": &struct {
			A string `json:"name"`
			B string `json:"Name"`
		}{"a", "b"},
		"an unexported field": ofOneField(reflect.StructField{Name: "b", PkgPath: "p", Tag: `json:"b"`}),
		"an embedded struct": &struct {
			appending
			A string `json:"a"`
		}{appending{"x"}, "a"},
		"embedded, exported": &struct {
			Embedded
			A string `json:"a"`
		}{Embedded{"x"}, "a"},
		"embedded under a name": &struct {
			Embedded `json:"e"`
			A        string `json:"a"`
		}{Embedded{"x"}, "a"},
		"an interface": &struct {
			A any `json:"a"`
		}{"<a>"},
		"tags of all kinds": &struct {
			A int64  `json:"a,string"`
			B string `json:"b,omitempty"`
			C string `json:"'c',case:ignore"`
			D string `json:"-"`
			E string
			F []byte    `json:"f,format:hex"`
			G [2]string `json:"g"`
		}{A: 1, E: "e", F: []byte("f")},
		"quoted names": &struct {
			A string `json:"'a'"`
			B string `json:"'b,c'"`
		}{"a", "b"},
		"a dash": ofOneField(reflect.StructField{Name: "A", Tag: `json:"-,"`}),
		"nothing in the tag": &struct {
			A string `json:""`
			B string `json:",omitzero"`
		}{A: "a"},
		"a comma too many": ofOneField(reflect.StructField{Name: "A", Tag: `json:"a,"`}),
		"an array":         &[1]string{"a"},
		"some texts":       &[]string{"a"},
		"a long text":      &plain{Title: strings.Repeat("<é\u2028\"\x01", 1<<16)},
		"no struct":        new(int64),
		"the smallest":     &struct{}{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireEncodes(t, item)
		})
	}
}

// ofOneField is an item with one text, of a form that linters would find fault with.
func ofOneField(f reflect.StructField) any {
	f.Type = reflect.TypeFor[string]()
	return reflect.New(reflect.StructOf([]reflect.StructField{f})).Interface()
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
	for range 5_000 {
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
