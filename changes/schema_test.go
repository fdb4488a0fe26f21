package changes

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

func TestSchemaChangesComeBeforeTheRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		c.srv.Seed("Tickets", nil)
		f := c.open(t, Options{Collections: []string{"Tickets"}})
		told, _ := c.run(t, f)
		first := schemaOf(t, told)
		assert.Contains(t, first.Added, SchemaItem{Field: "title", DataType: "string"})
		assert.Empty(t, first.Removed)

		// A field that a row shows.
		c.srv.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Backup Plan", Picklist: []autotasktest.PicklistValue{{Value: "1", Label: "Gold"}}})
		c.srv.Seed("Tickets", map[string]any{"userDefinedFields": []any{map[string]any{"name": "Backup Plan", "value": "1"}}})
		c.ops = nil
		for batch, err := range f.Run(t.Context()) {
			require.NoError(t, err)
			if len(batch.Changes) > 0 {
				assert.Equal(t, SchemaChanged, batch.Changes[0].Kind)
				assert.Equal(t, Upserted, batch.Changes[1].Kind)
			}
			told[SchemaChanged] = batch.Changes
			break
		}
		assert.Equal(t, []SchemaItem{
			{Field: "Backup Plan", UDF: true, DataType: "string"},
			{Field: "Backup Plan", UDF: true, Value: "1", Label: "Gold"},
		}, schemaOf(t, told).Added)

		// A picklist, the next day.
		c.srv.SetPicklist("Tickets", "queueID", []autotasktest.PicklistValue{{Value: "77", Label: "Night shift"}})
		<-time.After(25 * time.Hour)
		c.run(t, f)
		c.srv.SetPicklist("Tickets", "queueID", []autotasktest.PicklistValue{{Value: "78", Label: "Day shift"}})
		<-time.After(25 * time.Hour)
		told, _ = c.run(t, f)
		next := schemaOf(t, told)
		assert.Equal(t, []SchemaItem{{Field: "queueID", Value: "78", Label: "Day shift"}}, next.Added)
		assert.Equal(t, []SchemaItem{{Field: "queueID", Value: "77"}}, next.Removed)
	})
}

// A field, or a value of a picklist, that a row has before its description was
// due to be compared comes before the row.
func TestWhatARowHasIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		c.srv.Seed("Tickets", nil)
		f := c.open(t, Options{Collections: []string{"Tickets"}})
		c.run(t, f)
		next := func(more string) (schema, row string) {
			t.Helper()
			<-time.After(2 * time.Hour) // the client has forgotten the description
			c.srv.SeedRaw("Tickets", []byte(`{"id":1,"lastActivityDate":"`+time.Now().UTC().Format(time.RFC3339)+`",`+more+`}`))
			var told []Change
			for batch, err := range f.Run(t.Context()) {
				require.NoError(t, err)
				told = append(told, batch.Changes...)
			}
			if len(told) == 1 {
				return "", string(told[0].JSON)
			}
			require.Len(t, told, 2)
			assert.Equal(t, SchemaChanged, told[0].Kind)
			return string(told[0].JSON), string(told[1].JSON)
		}
		c.srv.SetPicklist("Tickets", "queueID", []autotasktest.PicklistValue{{Value: "77", Label: "Night shift"}})
		told, row := next(`"queueID":77`)
		assert.JSONEq(t, `{"added":[{"field":"queueID","value":"77","label":"Night shift"}]}`, told)
		assert.Contains(t, row, `"queueID":77`)

		// What no description names is reported once, without one.
		undefined := `"queueID":78,"PRIORITY":2,"newField":true,"source":null,"userDefinedFields":[{"name":"a=b","value":"x"}]`
		told, _ = next(undefined)
		assert.JSONEq(t, `{"added":[{"field":"newField"},{"field":"queueID","value":"78"},{"field":"a=b","udf":true,"dataType":"string"}]}`, told)
		told, _ = next(undefined)
		assert.JSONEq(t, `{"removed":[{"field":"queueID","value":"29683354"},{"field":"queueID","value":"5"},{"field":"queueID","value":"8"}]}`, told,
			"the fields were compared early")
		told, _ = next(undefined)
		assert.Empty(t, told)

		// Once it is described, it is reported with its description.
		c.srv.SetPicklist("Tickets", "queueID", []autotasktest.PicklistValue{{Value: "77", Label: "Night shift"}, {Value: "78", Label: "Day shift"}})
		<-time.After(25 * time.Hour)
		told, _ = next(undefined)
		assert.JSONEq(t, `{"changed":[{"field":"queueID","value":"78","label":"Day shift"}]}`, told)
	})
}

func schemaOf(t *testing.T, told map[Kind][]Change) (s SchemaChange) {
	t.Helper()
	require.NotEmpty(t, told[SchemaChanged])
	require.NoError(t, json.Unmarshal(told[SchemaChanged][0].JSON, &s))
	return s
}
