package schema

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kites is a table with one of everything.
const kites = `
entity Kite = Glider : a thing on a string
	id int64 readonly
	anchorID int32 required zero refers=Kite
	colour int32 picklist
	shade int32 always picklist under=colour
	name string stabilising max=40
	tailID int32 refers=KiteTail instead=KiteTail
	due datetime day
	plan bytes
	span number
	flying boolean
	launched datetime
	extra any
	userDefinedFields udfs

entity KiteTail
	id int64 noid
	kiteID int32 refers=Kite

collection KiteLore -: info
collection KiteTails KiteTail: query count get
collection Kites Kite: query count get create put patch delete info fields udfs
collection Kites/Tails KiteTail parent=kiteID: get list create

service GET Version unversioned
service GET Weather
service PUT Weather
`

func TestFormatWritesWhatParseReads(t *testing.T) {
	t.Parallel()
	table, err := Parse(kites)
	require.NoError(t, err)
	assert.Equal(t, textHeader+kites, table.Format())
}

func TestEmbeddedTableIsInNormalForm(t *testing.T) {
	t.Parallel()
	assert.Equal(t, tableText, embedded().Format())
}

func TestParseConnects(t *testing.T) {
	t.Parallel()
	table, err := Parse(kites)
	require.NoError(t, err)
	tails := table.Lookup("Kites/Tails")
	assert.Equal(t, "Kites", tails.Parent)
	assert.Equal(t, "Tails", tails.Segment)
	assert.Same(t, table.Lookup("KiteTails"), tails.Root())
	assert.Equal(t, []*Collection{table.Lookup("KiteTails"), tails}, tails.Entity.Collections())
	assert.Nil(t, table.Lookup("KiteLore").Entity)
}

func TestNewTableSorts(t *testing.T) {
	t.Parallel()
	table, err := Parse(`
service PUT A
service GET A
entity B
entity A
collection Bs B:
collection As A:
`)
	require.NoError(t, err)
	assert.Equal(t, "A", table.Entities[0].Name)
	assert.Equal(t, "As", table.Collections[0].Path)
	assert.Equal(t, "GET", table.Services[0].Method)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"unknown line":             {"\nship Kite", `line 2: "ship" is neither`},
		"nameless entity":          {"entity", "line 1: entity has no name"},
		"entity of two words":      {"entity Kite Tail", "line 1: entity has no name"},
		"field of nothing":         {"\tid int64", "line 1: field id belongs to no entity"},
		"field after a collection": {"entity A\ncollection As A:\n\tid int64", "line 3: field id belongs to no entity"},
		"untyped field":            {"entity A\n\tid", "line 2: field id has no type"},
		"unknown type":             {"entity A\n\tid int16", `line 2: field id: unknown type "int16"`},
		"kind that is no type":     {"entity A\n\tid integer", `unknown type "integer"`},
		"unknown flag":             {"entity A\n\tid int64 shiny", `line 2: field id: unknown flag "shiny"`},
		"unknown flag with value":  {"entity A\n\tid int64 shine=1", `unknown flag "shine=1"`},
		"flag without value":       {"entity A\n\tid int64 max=", `unknown flag "max="`},
		"length in words":          {"entity A\n\tid int64 max=long", "length: "},
		"negative length":          {"entity A\n\tid int64 max=-1", "length -1 is not positive"},
		"collection of nothing":    {"collection As", "line 1: collection wants a path and an entity"},
		"collection of too much":   {"collection As A b c: get", "wants a path and an entity"},
		"unknown entity":           {"collection As A: get", "line 1: collection As: no entity A above"},
		"unknown word":             {"collection As - father=x: get", `unknown word "father=x"`},
		"unknown verb":             {"collection As -: get sail", `collection As: unknown verb "sail"`},
		"service without path":     {"service GET", "line 1: service wants a method and a path"},
		"service with much":        {"service GET A b", "service wants a method and a path"},
		"entity twice":             {"entity A\nentity A", "entity A appears twice"},
		"field twice":              {"entity A\n\tid int64\n\tID int64", "entity A: field ID appears twice"},
		"collection twice":         {"collection As -:\ncollection As -:", "collection As appears twice"},
		"filtered by nothing":      {"entity A\n\tid int64 under=x", "entity A: field id is filtered by x"},
		"day that is a number":     {"entity A\n\tn int64 day", "field n: a field of type integer cannot be a day"},
		"noid of another field":    {"entity A\n\tn int64 noid", "field n: noid belongs on the id only"},
		"instead of nothing":       {"entity A\n\tid int64 instead=B", "entity A: field id belongs to B"},
		"reference to nothing":     {"entity A\n\tid int64 refers=B", "entity A: field id refers to B"},
		"parent's id nowhere":      {"entity A\ncollection As/Bs A parent=x: get", "collection As/Bs: its parent's id is in x"},
		"parent's id of no entity": {"collection As/Bs - parent=x: get", "collection As/Bs: its parent's id is in x"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(tt.text)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestParseAcceptsWindowsLineEnds(t *testing.T) {
	t.Parallel()
	table, err := Parse(strings.ReplaceAll(kites, "\n", "\r\n"))
	require.NoError(t, err)
	assert.Equal(t, textHeader+kites, table.Format())
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "query get", (Query | Get).String())
	assert.Empty(t, Verb(0).String())
	assert.True(t, (Query | Get).Has(Get))
	assert.True(t, (Query | Get).Has(Query|Get))
	assert.False(t, Get.Has(Query|Get))
	v, err := ParseVerb("udfs")
	require.NoError(t, err)
	assert.Equal(t, UDFInfo, v)
}
