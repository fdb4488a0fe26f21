package autotasktest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/autotasktest"
)

// everything is a filter that finds all rows.
const everything = `[{"op":"exist","field":"id"}]`

func TestQueriesLagBehindWrites(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	now := noon
	x.SetClock(func() time.Time { return now })
	x.SetQueryLag(10 * time.Second)
	ticket := x.Seed("Tickets", nil)
	assert.Equal(t, []int64{ticket}, x.query("Tickets", everything), "seeded rows do not lag")
	notes := path("Tickets/%d/Notes", ticket)
	first := x.post(notes, noteBody).itemID()

	sees := func(want ...int64) {
		t.Helper()
		assert.ElementsMatch(t, want, x.query("TicketNotes", everything))
		assert.ElementsMatch(t, want, x.get(notes).ok().ids())
		assert.JSONEq(t, path(`{"queryCount":%d}`, len(want)), x.post("TicketNotes/query/count", `{"filter":`+everything+`}`).ok().body)
	}
	sees()
	assert.NotNil(t, x.item(path("TicketNotes/%d", first)))
	now = now.Add(10*time.Second - 1)
	sees()
	second := x.post(notes, noteBody).itemID()
	now = now.Add(1)
	sees(first)
	x.do("PATCH", notes, path(`{"id":%d,"title":"x","noteType":1,"publish":1}`, first)).ok()
	sees(first)
	now = now.Add(10 * time.Second)
	sees(first, second)

	x.SetQueryLag(0)
	x.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", Lag: time.Minute})
	third := x.post(notes, noteBody).itemID()
	fourth := x.post(notes, noteBody).itemID()
	sees(first, second, fourth)
	now = now.Add(time.Minute)
	sees(first, second, third, fourth)
}
