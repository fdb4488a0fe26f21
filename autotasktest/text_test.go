package autotasktest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTextsAreFilteredOnTheirWayIn(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	seeded := x.Seed("Tickets", map[string]any{"title": "  seeded  "})
	x.SetTextFilter(func(text string) string {
		return strings.NewReplacer("\u00a0", " ", "&", "&amp;", "e\u0301", "\u00e9").Replace(strings.TrimSpace(text))
	})
	ticket := path("Tickets/%d", x.post("Tickets", newTicket(`"description":"a\u00a0b & cafe\u0301 ","userDefinedFields":[{"name":"where","value":" here "}]`)).itemID())
	item := x.item(ticket)
	assert.Equal(t, "a b &amp; café", item["description"])
	assert.JSONEq(t, `[{"name":"where","value":"here"}]`, text(item["userDefinedFields"]))
	assert.Equal(t, "  seeded  ", x.Get("Tickets", seeded)["title"])

	note := x.post(ticket+"/Notes", strings.Replace(noteBody, `"All is well."`, `" All is well.\u00a0"`, 1)).itemID()
	assert.Equal(t, "All is well.", x.Get("TicketNotes", note)["description"])
	x.do("PATCH", ticket+"/Notes", path(`{"id":%d,"title":" & ","noteType":1,"publish":1}`, note)).ok()
	assert.Equal(t, "&amp;", x.Get("TicketNotes", note)["title"])
	x.post("Tickets", newTicket(`"externalID":"`+strings.Repeat(" ", 60)+`x"`)).ok() // the length counts once the blanks are gone

	x.SetTextFilter(nil)
	x.do("PATCH", ticket+"/Notes", path(`{"id":%d,"title":" & ","noteType":1,"publish":1}`, note)).ok()
	assert.Equal(t, " & ", x.Get("TicketNotes", note)["title"])
}
