package merge

import (
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// given is a field that may be absent.
type given[T any] struct {
	value T
	is    state
}

type state uint8

func (g given[T]) IsZero() bool { return g.is == 0 }

func (g given[T]) MarshalJSONTo(enc *jsontext.Encoder) error {
	switch v := any(g.value).(type) {
	case string:
		return enc.WriteToken(jsontext.String(v))
	case float64:
		return enc.WriteToken(jsontext.Float(v))
	case time.Time:
		return enc.WriteToken(jsontext.String(v.UTC().Format(time.DateTime)))
	default:
		return enc.WriteToken(jsontext.Null)
	}
}

type udf struct {
	Name  string        `json:"name"`
	Value given[string] `json:"value,omitzero"`
}

type thing struct {
	ID     int64            `json:"id,omitzero"`
	Title  string           `json:"title"`
	Text   given[string]    `json:"text,omitzero"`
	Hours  given[float64]   `json:"hours,omitzero"`
	At     given[time.Time] `json:"at,omitzero"`
	Always given[string]    `json:"always"`
	UDFs   []udf            `json:"userDefinedFields,omitzero"`
}

// tagged is a thing that must be encoded to be compared.
type tagged struct {
	Title string `json:"title,omitempty"`
}

type shared struct {
	Title *string `json:"title"`
}

func TestSnapshot_ListsWhatDiffLists(t *testing.T) {
	t.Parallel()
	require.NotNil(t, fieldsOf(reflect.TypeFor[thing]()))
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	for name, edit := range map[string]func(*thing){
		"nothing":                     func(*thing) {},
		"a text":                      func(v *thing) { v.Title = "y" },
		"what leaves the item":        func(v *thing) { v.ID, v.Text = 0, given[string]{} },
		"what comes in":               func(v *thing) { v.Hours = given[float64]{0, 1} },
		"the same instant elsewhere":  func(v *thing) { v.At.value = noon.In(time.FixedZone("", 3600)) },
		"another instant":             func(v *thing) { v.At.value = noon.Add(time.Hour) },
		"several, in order":           func(v *thing) { v.Always, v.Text, v.Title, v.ID = given[string]{"z", 1}, given[string]{}, "", 0 },
		"a user-defined field":        func(v *thing) { v.UDFs[0].Value = given[string]{"new", 1} },
		"one more":                    func(v *thing) { v.UDFs = append(v.UDFs, udf{"C", given[string]{"", 1}}) },
		"one less":                    func(v *thing) { v.UDFs = v.UDFs[:1] },
		"another order":               func(v *thing) { v.UDFs[0], v.UDFs[1] = v.UDFs[1], v.UDFs[0] },
		"no user-defined field":       func(v *thing) { v.UDFs = nil },
		"an empty list of them":       func(v *thing) { v.UDFs = []udf{} },
		"a user-defined field absent": func(v *thing) { v.UDFs[1].Value = given[string]{} },
		"another item altogether":     func(v *thing) { *v = thing{} },
	} {
		for _, start := range []func() thing{
			func() thing { return thing{} },
			func() thing {
				return thing{
					ID: 7, Title: "x", Text: given[string]{"text", 1}, At: given[time.Time]{noon, 1},
					UDFs: []udf{{"A", given[string]{"1", 1}}, {"B", given[string]{"2", 1}}, {"C", given[string]{}}},
				}
			},
		} {
			item := start()
			if len(item.UDFs) == 0 && (name == "a user-defined field" || name == "one less" || name == "another order" || name == "a user-defined field absent") {
				continue
			}
			quick, err := Snapshot(&item)
			require.NoError(t, err)
			slow, err := encoded(&item)
			require.NoError(t, err)
			edit(&item)
			want, wantErr := slow()
			got, err := quick()
			assert.Equal(t, wantErr, err, name)
			assert.Equal(t, want, got, name)
		}
	}
}

func TestSnapshot_WhatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	item := thing{}
	changes, err := Snapshot(&item)
	require.NoError(t, err)
	item.Title = "\xff"
	_, err = changes()
	require.Error(t, err)
}

func TestSnapshot_OtherTypesAreEncoded(t *testing.T) {
	t.Parallel()
	assert.Nil(t, fieldsOf(reflect.TypeFor[tagged]()))
	assert.Nil(t, fieldsOf(reflect.TypeFor[shared]()))
	assert.Nil(t, fieldsOf(reflect.TypeFor[given[string]]()), "encodes itself")
	assert.Nil(t, fieldsOf(reflect.TypeFor[struct{ Title string }]()))
	assert.Nil(t, fieldsOf(reflect.TypeFor[struct {
		Title string `json:"'a-b'"`
	}]()))
	title := "x"
	item := shared{&title}
	changes, err := Snapshot(&item)
	require.NoError(t, err)
	*item.Title = "y" // which a copy would have changed, too
	got, err := changes()
	require.NoError(t, err)
	assert.Equal(t, []Change{{Name: "title", Old: jsontext.Value(`"x"`), New: jsontext.Value(`"y"`)}}, got)
}
