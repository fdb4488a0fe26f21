package autotasktest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/autotasktest"
)

func TestUDFDefinitions(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		seeded := x.Seed("Tickets", map[string]any{"userDefinedFields": []map[string]any{{"name": "seats", "value": "4"}}})
		x.SetUDFs("Tickets",
			autotasktest.UDFDefinition{Name: "Site", Label: "The site", Length: 100, Description: "Where it is", Required: true, Picklist: []autotasktest.PicklistValue{
				{Value: "1", Label: "North", Default: true}, {Value: "2", Label: "South"},
			}},
			autotasktest.UDFDefinition{Name: "Seats", Type: "integer", Default: "1"},
		)
		fields := x.get("Tickets/entityInformation/userDefinedFields").ok().json()["fields"].([]any)
		assert.JSONEq(t, `[{"name":"Site","label":"The site","type":"string","length":100,"description":"Where it is","isRequired":true,"isReadOnly":false,
			"isQueryable":true,"isReference":false,"referenceEntityType":"","isPickList":true,"picklistValues":[
				{"value":"1","label":"North","isDefaultValue":true,"sortOrder":1,"parentValue":"","isActive":true,"isSystem":false},
				{"value":"2","label":"South","isDefaultValue":false,"sortOrder":2,"parentValue":"","isActive":true,"isSystem":false}],
			"picklistParentValueField":"","defaultValue":null,"isSupportedWebhookField":false},
			{"name":"Seats","label":"Seats","type":"integer","length":8000,"description":"","isRequired":false,"isReadOnly":false,
			"isQueryable":true,"isReference":false,"referenceEntityType":"","isPickList":false,"picklistValues":null,
			"picklistParentValueField":"","defaultValue":"1","isSupportedWebhookField":false}]`, text(fields))

		// Rows have all of them, wherever they are served.
		assert.JSONEq(t, `[{"name":"seats","value":"4"},{"name":"Site","value":null}]`, text(x.item(path("Tickets/%d", seeded))["userDefinedFields"]))
		id := x.post("Tickets", newTicket(`"userDefinedFields":[{"name":"site","value":"2"}]`)).itemID()
		want := `[{"name":"site","value":"2"},{"name":"Seats","value":null}]`
		assert.JSONEq(t, want, text(x.item(path("Tickets/%d", id))["userDefinedFields"]))
		for _, include := range []string{``, `"IncludeFields":["id","userDefinedFields"],`} {
			page := x.post("Tickets/query", `{`+include+`"filter":[{"op":"eq","field":"SITE","udf":true,"value":"2"}]}`).ok()
			assert.JSONEq(t, want, text(page.items()[0]["userDefinedFields"]))
		}
		assert.Equal(t, []int64{seeded}, x.query("Tickets", `[{"op":"exist","field":"Seats","udf":true}]`))

		// A text is compared as a text, a number as a number, and what is not known as what it looks like.
		x.do("PUT", "Tickets", x.ticket(seeded, func(m map[string]any) {
			m["userDefinedFields"] = []any{map[string]any{"name": "Site", "value": "2"}, map[string]any{"name": "Seats", "value": "04"}}
		})).ok()
		assert.Equal(t, []int64{seeded}, x.query("Tickets", `[{"op":"eq","field":"Seats","udf":true,"value":"4"}]`))
		assert.Empty(t, x.query("Tickets", `[{"op":"eq","field":"Site","udf":true,"value":"02"}]`))
		x.Seed("Companies", map[string]any{"userDefinedFields": []map[string]any{{"name": "Code", "value": "007"}}})
		assert.Len(t, x.query("Companies", `[{"op":"eq","field":"Code","udf":true,"value":"7"}]`), 1)

		x.post("Tickets", newTicket(`"userDefinedFields":[{"name":"Nothing","value":"2"}]`)).refused("Nothing does not exist for Ticket")
		x.post("Tickets", newTicket(`"userDefinedFields":[{"name":"Site","value":"3"}]`)).refused("Picklist value [3] does not exist for Site")
		x.post("Tickets/query", `{"filter":[{"op":"exist","field":"Nothing","udf":true}]}`).refused("Unable to find Nothing")
		x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["userDefinedFields"] = []any{} })).ok()
		assert.JSONEq(t, `[{"name":"site","value":null},{"name":"Seats","value":null}]`, text(x.item(path("Tickets/%d", id))["userDefinedFields"]))

		// Other entities take what comes.
		x.do("PATCH", "Companies", `{"id":0,"userDefinedFields":[{"name":"Any","value":"1"}]}`).ok()
		x.SetUDFs("Tickets")
		assert.Empty(t, x.get("Tickets/entityInformation/userDefinedFields").ok().json()["fields"])
		x.post("Tickets", newTicket(`"userDefinedFields":[{"name":"Site","value":"1"}]`)).refused("Site does not exist")
	})
}

// Without definitions, an entity has the fields that its rows carry, for as long
// as one does.
func TestFieldsThatOnlyRowsCarry(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	names := func() (all []string) {
		for _, f := range x.get("Tickets/entityInformation/userDefinedFields").ok().json()["fields"].([]any) {
			all = append(all, f.(map[string]any)["name"].(string))
		}
		return all
	}
	with := func(name string) int64 {
		return x.Seed("Tickets", map[string]any{"userDefinedFields": []map[string]any{{"name": name, "value": "x"}}})
	}
	assert.Empty(t, names())
	site, other, seats := with("Site"), with("Site"), with("Seats")
	assert.Equal(t, []string{"Seats", "Site"}, names())
	x.Remove("Tickets", site)
	assert.Equal(t, []string{"Seats", "Site"}, names())
	assert.Equal(t, []int64{other}, x.query("Tickets", `[{"op":"eq","field":"site","udf":true,"value":"X"}]`))
	x.Remove("Tickets", other)
	assert.Equal(t, []string{"Seats"}, names())
	x.Change("Tickets", seats, map[string]any{"userDefinedFields": []map[string]any{{"name": "Floor", "value": "2"}}})
	assert.Equal(t, []string{"Floor"}, names())
	x.post("Tickets/query", `{"filter":[{"op":"eq","field":"Seats","udf":true,"value":"x"}]}`).refused("Unable to find Seats")
}

// Values of one field that the API compares as equal are found by one look,
// however they are written, and follow the rows.
func TestUserDefinedFieldsAreFoundByTheirValue(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	with := func(value any) int64 {
		return x.Seed("Tickets", map[string]any{"userDefinedFields": []map[string]any{{"name": "Site", "value": value}}})
	}
	texts, numbers, dates, none := []int64{with("North"), with("NORTH")}, []int64{with("7"), with("7.0")},
		[]int64{with("2026-11-23"), with("2026-11-23T00:00:00Z")}, with(nil)
	x.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Site", Type: "double"})
	find := func(op, value string) []int64 {
		t.Helper()
		return x.query("Tickets", path(`[{"op":"%s","field":"SITE","udf":true,"value":%s}]`, op, value))
	}
	for range 2 { // without an index, and with one
		assert.Equal(t, texts, find("eq", `"north"`))
		assert.Equal(t, numbers, find("eq", `"7.00"`))
		assert.Equal(t, dates, find("eq", `"2026-11-23T01:00:00+01:00"`))
		assert.Equal(t, []int64{texts[0], texts[1], numbers[0], numbers[1]}, find("in", `["north",7,"NaN"]`))
		assert.Equal(t, []int64{texts[0], texts[1], numbers[0], numbers[1]}, find("in", `["north",7]`))
		assert.Empty(t, find("eq", "null"))
		assert.NotContains(t, find("eq", `""`), none)
	}
	x.Change("Tickets", texts[0], map[string]any{"userDefinedFields": []map[string]any{{"name": "site", "value": "7"}}})
	x.Remove("Tickets", numbers[0])
	assert.Equal(t, texts[1:], find("eq", `"north"`))
	assert.Equal(t, []int64{texts[0], numbers[1]}, find("eq", "7"))

	x.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Site"})
	assert.Equal(t, []int64{texts[0]}, find("eq", `"7"`), "as text, 7.0 is another value")
}
