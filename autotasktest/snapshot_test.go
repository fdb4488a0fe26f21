package autotasktest_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

func TestSnapshot(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	const raw = `{ "id": 7,"title":"Caf\u00e9", "größe":1, "createDate":"2020-09-24T09:40:14.1130" }`
	x.SeedRaw("Tickets", []byte(raw))
	id := x.Seed("Tickets", nil)
	before := x.Snapshot()
	assert.Equal(t, map[string]string{"Tickets/7": raw}, only(before, "Tickets/7"), "to the byte")
	assert.JSONEq(t, string(x.Raw("Tickets", id)), before[path("Tickets/%d", id)])
	assert.Contains(t, before, "Companies/0")
	assert.Len(t, before, 8)

	x.SetZonelessDates(true)
	x.item(path("Tickets/%d", id))
	x.Inject(autotasktest.Fault{IgnoreWrite: true})
	x.do("PUT", "Tickets", x.changed(id)).ok()
	assert.Equal(t, before, x.Snapshot())

	x.do("PUT", "Tickets", x.changed(id)).ok()
	note := x.post(path("Tickets/%d/Notes", id), noteBody).itemID()
	after := x.Snapshot()
	assert.Contains(t, after, path("TicketNotes/%d", note))
	maps.DeleteFunc(after, func(name, _ string) bool { return strings.HasPrefix(name, "TicketHistory/") })
	assert.Len(t, after, 9)
	maps.DeleteFunc(after, func(name, row string) bool { return before[name] == row })
	assert.Len(t, after, 2)
	var row map[string]any
	require.NoError(t, json.Unmarshal([]byte(after[path("Tickets/%d", id)]), &row))
	assert.EqualValues(t, 5, row["status"])
}

// A row that was written holds the names that it was seeded with.
func TestUnknownNamesAreKept(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	x.SeedRaw("Companies", []byte(`{"id":7,"companyName":"Old","größe <b>":1}`))
	x.do("PATCH", "Companies", `{"id":7,"companyName":"New"}`).ok()
	assert.Equal(t, json.Number("1"), x.Get("Companies", 7)["größe <b>"])
}

func only(rows map[string]string, name string) map[string]string {
	return map[string]string{name: rows[name]}
}

func TestTenantsShareNothing(t *testing.T) {
	t.Parallel()
	a, b := newInProcessTenant(t), newInProcessTenant(t)
	a.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{{Value: "42", Label: "Only"}})
	assert.Equal(t, json.Number("42"), a.Get("Tickets", a.Seed("Tickets", nil))["status"])
	assert.Equal(t, json.Number("1"), b.Get("Tickets", b.Seed("Tickets", nil))["status"])
	a.do("PATCH", "Companies", `{"id":0,"companyName":"Changed"}`).ok()
	assert.Equal(t, "Changed", a.Get("Companies", 0)["companyName"])
	assert.Equal(t, "Fake Service Provider", b.Get("Companies", 0)["companyName"])
	assert.NotNil(t, b.Get("Companies", 0)["createDate"])
}
