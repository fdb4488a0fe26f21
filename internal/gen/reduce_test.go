package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/schema"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

// moduleRoot is where the tree lies, seen from this package's tests.
const moduleRoot = "../.."

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	assert.Equal(t, read(t, path), got)
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func miniSwagger(t *testing.T) string { return read(t, "testdata/mini.swagger.json") }
func miniFacts(t *testing.T) string   { return read(t, "testdata/mini.facts.txt") }

func reduceText(swaggerText, factsText string) (*schema.Table, error) {
	s, err := parseSwagger([]byte(swaggerText))
	if err != nil {
		return nil, err
	}
	return reduce(s, factsText)
}

func miniTable(t *testing.T) *schema.Table {
	t.Helper()
	table, err := reduceText(miniSwagger(t), miniFacts(t))
	require.NoError(t, err)
	return table
}

func TestReduceWritesTheTable(t *testing.T) {
	t.Parallel()
	golden(t, "mini.table.txt", miniTable(t).Format())
}

func TestReduceIsDeterministic(t *testing.T) {
	t.Parallel()
	want := miniTable(t).Format()
	for range 20 {
		require.Equal(t, want, miniTable(t).Format())
	}
}

func TestReducedTableReadsBack(t *testing.T) {
	t.Parallel()
	table := miniTable(t)
	again, err := schema.Parse(table.Format())
	require.NoError(t, err)
	assert.Equal(t, table.Format(), again.Format())
}

func TestReduceUnderstandsTheVendor(t *testing.T) {
	t.Parallel()
	table := miniTable(t)

	t.Run("legacy name from the type parameters", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, "Glider", table.Lookup("Kites").Entity.Legacy)
		assert.Empty(t, table.Lookup("KiteTails").Entity.Legacy, "the same name is no legacy name")
	})
	t.Run("leaked property dropped", func(t *testing.T) {
		t.Parallel()
		for _, e := range table.Entities {
			assert.Nil(t, e.Field("soapParentPropertyId"), e.Name)
		}
	})
	t.Run("order of the file kept", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, "kiteID", table.Lookup("KiteTails").Entity.Fields[1].Name)
		assert.Equal(t, "bows", table.Lookup("KiteTails").Entity.Fields[2].Name)
	})
	t.Run("child and its root", func(t *testing.T) {
		t.Parallel()
		tails := table.Lookup("Kites/Tails")
		assert.Equal(t, "kiteID", tails.ParentField)
		assert.Equal(t, "Kite", tails.Entity.Field("kiteID").References)
		assert.Same(t, table.Lookup("KiteTails"), tails.Root())
	})
	t.Run("irregular name", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, "WindHistory", table.Lookup("WindHistory").Entity.Name)
	})
	t.Run("root that only describes", func(t *testing.T) {
		t.Parallel()
		assert.Same(t, table.Lookup("Kites/RepairsAdd").Entity, table.Lookup("KiteRepairsAdd").Entity)
	})
	t.Run("route withdrawn by a fact", func(t *testing.T) {
		t.Parallel()
		assert.False(t, table.Lookup("Kites").Verbs.Has(schema.Patch))
		assert.True(t, table.Lookup("Kites").Verbs.Has(schema.Put))
	})
	t.Run("parent that is no collection", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, "shedID", table.Lookup("Hangars/Slots").ParentField)
	})
	t.Run("services", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, []schema.Service{
			{Method: "GET", Path: "BuildInformation", Unversioned: true},
			{Method: "PUT", Path: "Kites/{id}/stringLength"},
			{Method: "GET", Path: "Weather"},
		}, table.Services)
	})
}

func TestReduceRefusesWhatItCannotPlace(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, new string // replaced in the mini Swagger
		want     string
	}{
		"unknown route": {
			`"/V1.0/Weather"`, `"/V1.0/Storms": {"get": {}, "head": {}}, "/V1.0/Weather"`,
			"no place in the table, and no service in the facts: GET /V1.0/Storms, HEAD /V1.0/Storms",
		},
		"unknown route below a collection": {
			`"/V1.0/Weather"`, `"/V1.0/Kites/{id}/knots": {"get": {}}, "/V1.0/Weather"`,
			"GET /V1.0/Kites/{id}/knots",
		},
		"unversioned collection": {
			`"/V1.0/Weather"`, `"/Storms/query": {"post": {}}, "/V1.0/Weather"`,
			"POST /Storms/query",
		},
		"half of a verb": {
			`"/V1.0/Weather"`, `"/V1.0/Storms/query": {"post": {}}, "/V1.0/Weather"`,
			"Storms: half of a verb: no GET query",
		},
		"rows without a model": {
			`"/V1.0/Weather"`, `"/V1.0/Storms": {"post": {"responses": {}}}, "/V1.0/Weather"`,
			"Storms: rows without a model",
		},
		"rows of two models": {
			`"#/definitions/ItemQueryResultModel[WindHistoryModel,WindHistory]"`, `"#/definitions/KiteModel"`,
			"WindHistory: rows are both ",
		},
		"two legacy names in a collection": {
			`"#/definitions/ItemQueryResultModel[KiteModel,Glider]"`, `"#/definitions/ItemQueryResultModel[KiteModel,Dragon]"`,
			"Kite has two legacy names",
		},
		"unknown type": {
			`"spanMetres": {
     "format": "double"`, `"spanMetres": {
     "format": "decimal"`,
			`Kite.spanMetres: unknown type "number" of format "decimal"`,
		},
		"unknown array": {
			`"#/definitions/UserDefinedField"`, `"#/definitions/Other"`,
			`Kite.userDefinedFields: unknown array of "#/definitions/Other"`,
		},
		"field twice": {
			`"bows"`, `"KITEID"`,
			"the table is inconsistent: entity KiteTail: field KITEID appears twice",
		},
		"properties of another kind": {
			`"properties": {
    "itemId"`, `"properties": [], "x": {
    "itemId"`,
			"properties are [, not an object",
		},
		"no Swagger": {`"paths"`, `"roads"`, "no paths: not a Swagger file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := miniSwagger(t)
			require.Contains(t, text, tt.old)
			_, err := reduceText(strings.Replace(text, tt.old, tt.new, 1), miniFacts(t))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestReduceRefusesTwoLegacyNamesOfOneEntity(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(miniSwagger(t), "[KiteTailModel,KiteTail]", "[KiteTailModel,Ribbon]")
	text = strings.Replace(text, "QueryActionResult[KiteTailModel,Ribbon]", "QueryActionResult[KiteTailModel,Streamer]", 2)
	_, err := reduceText(text, miniFacts(t))
	require.ErrorContains(t, err, "KiteTail has two legacy names")
}

func TestFactsMustFit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ facts, want string }{
		"unknown entity":            {"\nentity Ship\n\tmast required", "line 2: no entity Ship"},
		"unknown field":             {"entity Kite\n\n\tmast required", "line 3: Kite has no field mast"},
		"wrong casing":              {"entity Kite\n\tName required", "line 2: Kite has no field Name"},
		"unknown field everywhere":  {"entity *\n\tmast required", "line 2: no entity has a field mast"},
		"wrong casing everywhere":   {"entity *\n\tID readonly", "line 2: "},
		"unknown flag":              {"entity Kite\n\tname shiny", `line 2: Kite.name: unknown flag "shiny"`},
		"bad length":                {"entity Kite\n\tname max=long", "line 2: Kite.name: length: "},
		"empty fact":                {"entity Kite\n\tname", "line 2: nothing said about field name"},
		"nameless entity":           {"entity", "line 1: entity needs a name"},
		"one doc for two":           {"entity Kite KiteTail : a thing", "line 1: one description cannot fit"},
		"unknown collection":        {"collection Ships", "line 1: no collection Ships"},
		"pathless collection":       {"collection", "line 1: collection needs a path"},
		"verb not there":            {"collection Kites\n\twithout delete", "line 1: Kites already lacks delete"},
		"unknown verb":              {"collection Kites\n\twithout sailing", `line 2: unknown verb "sailing"`},
		"unknown collection fact":   {"collection Kites\n\twith patch", `line 2: unknown fact "with"`},
		"half a collection fact":    {"collection Kites\n\twithout", "line 2: want "},
		"unknown parent field":      {"collection Kites/Tails\n\tparent mast", "line 1: rows of Kites/Tails have no field mast"},
		"unknown section":           {"ship Kite", `line 1: "ship" is neither`},
		"indented under nothing":    {"\tname required", "line 1: indented, but not under an"},
		"indented under a service":  {"service GET Weather\n\tname required", "line 2: indented, but not under an"},
		"service without a path":    {"service GET", "line 1: service wants a method and a path"},
		"service not there":         {"\nservice GET Ships", "line 2: the Swagger has no GET Ships"},
		"reference to nothing":      {"entity Kite\n\tname refers=Ship", "field name refers to Ship, which is not an entity"},
		"picklist under no field":   {"entity Kite\n\tcolour under=mast", "field colour is filtered by mast"},
		"wildcard with a bad value": {"entity *\n\tid max=0", "line 2: "},
	}
	const services = "service GET BuildInformation unversioned\nservice PUT Kites/{id}/stringLength\nservice GET Weather\n"
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := reduceText(miniSwagger(t), tt.facts+"\n"+services)
			require.ErrorContains(t, err, tt.want)
		})
	}
}
