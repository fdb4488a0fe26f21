package autotasktest_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// outcomes requests a company that many times.
func (x *tenant) outcomes(n int) []any {
	x.t.Helper()
	var all []any
	for range n {
		a, err := x.send(x.request("GET", "Companies/0", ""))
		if errors.Is(err, syscall.ECONNREFUSED) {
			all = append(all, "refused")
			continue
		}
		require.NoError(x.t, err)
		all = append(all, a.status)
	}
	return all
}

func TestEveryFaultCountsForItself(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Skip: 2, Refuse: true})
		x.Inject(autotasktest.Fault{Skip: 5, Status: 505})
		x.Inject(autotasktest.Fault{Op: "GET Companies", Skip: 1, Status: 501})
		x.Inject(autotasktest.Fault{Op: "GET Companies", Skip: 3, Refuse: true})
		x.Inject(autotasktest.Fault{Op: "GET Tickets", Status: 502})
		assert.Equal(t, []any{200, 501, "refused", "refused", 200, 505, 200}, x.outcomes(7))
		assert.Len(t, x.Requests(), 5)
		assert.Equal(t, 1, x.PendingFaults())
	})
}

func TestTheNextFaultStaysDue(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Skip: 1, Times: 2, Status: 501})
		x.Inject(autotasktest.Fault{Skip: 1, Refuse: true})
		x.Inject(autotasktest.Fault{Skip: 2, Status: 503})
		assert.Equal(t, []any{200, 501, 501, "refused", 503, 200}, x.outcomes(6))
	})
}

func TestRequestsTurnedAwayCountForNoFault(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.SetThreadLimit(1)
		release := x.hold("Companies/0")
		defer release()
		x.Inject(autotasktest.Fault{Status: 503})
		assert.Equal(t, []any{429}, x.outcomes(1))
		assert.Equal(t, 503, x.get("Tickets/1").status)
	})
}

// An edit lies between the client's read and its write: the client has not seen
// it, and its full update goes over it.
func TestEditsLieBetweenTheClientsReadAndItsWrite(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		id := x.Seed("Tickets", map[string]any{"priority": 2, "title": "Old"})
		x.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(row map[string]any) { row["priority"] = 4 }})
		_, err := x.Client().Tickets.Update(t.Context(), id, func(ticket *autotask.Ticket) error {
			assert.EqualValues(t, 2, ticket.Priority)
			assert.Equal(t, "4", fmt.Sprint(x.Get("Tickets", id)["priority"]))
			ticket.Title = "New"
			return nil
		})
		require.NoError(t, err)
		row := x.Get("Tickets", id)
		assert.Equal(t, "New", row["title"])
		assert.Equal(t, "2", fmt.Sprint(row["priority"]))
	})
}

func TestLateRows(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		const every = `{"filter":[{"op":"exist","field":"id"}]}`
		ticket := x.Seed("Tickets", nil)
		early := x.post(path("Tickets/%d/Notes", ticket), noteBody).itemID()
		x.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", HideFromQueries: 4})
		late := x.post(path("Tickets/%d/Notes", ticket), noteBody).itemID()
		assert.NotNil(t, x.Get("TicketNotes", late))

		assert.Equal(t, []int64{early}, x.post("TicketNotes/query", every).ok().ids())
		x.post("TicketNotes/query", `{"filter":[{"op":"eq","field":"none"}]}`).refused("Unable to find")
		x.post("Tickets/query", every).ok()
		assert.JSONEq(t, `{"queryCount":1}`, x.post("TicketNotes/query/count", every).ok().body)
		assert.Equal(t, []int64{early}, x.get(path("Tickets/%d/Notes", ticket)).ok().ids())
		assert.NotNil(t, x.item(path("TicketNotes/%d", late)))
		assert.Equal(t, []int64{early}, x.post("TicketNotes/query", `{"MaxRecords":1,`+every[1:]).ok().ids())
		assert.Equal(t, []int64{early, late}, x.post("TicketNotes/query", every).ok().ids())
	})
}

func TestLateIsForCreates(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		id := x.Seed("Tickets", nil)
		x.Inject(autotasktest.Fault{Times: 4, HideFromQueries: 1})
		x.do("PUT", "Tickets", x.changed(id)).ok()
		x.post("Tickets/query", `{"filter":[]}`).ok()
		x.post("Tickets", "{}").refused("Missing")
		assert.Equal(t, []int64{id}, x.query("Tickets", `[{"op":"exist","field":"id"}]`))

		x.Inject(autotasktest.Fault{Op: "POST Tickets", HideFromQueries: 1, Revert: true})
		x.post("Tickets", newTicket("")).ok()
		x.Inject(autotasktest.Fault{Op: "POST TimeEntries", HideFromQueries: 1})
		entry := x.post("TimeEntries", timeOn(id, "")).itemID()
		x.do("DELETE", path("TimeEntries/%d", entry), "").ok()
		x.Seed("TimeEntries", map[string]any{"id": entry})
		assert.Equal(t, []int64{entry}, x.query("TimeEntries", `[{"op":"exist","field":"id"}]`))
	})
}

func TestFaultyPages(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		id := x.Seed("Tickets", nil)
		x.Seed("Tickets", nil)
		const every = `{"MaxRecords":1,"filter":[{"op":"exist","field":"id"}]}`
		next := func(address string) string {
			url, _ := x.post(address, every).ok().pageDetails()["nextPageUrl"].(string)
			return url
		}
		second := next("Tickets/query")
		require.Contains(t, second, "/query/next?")

		x.Inject(autotasktest.Fault{Times: 2, RepeatNextPage: true})
		assert.Equal(t, x.BaseURL()+"/Tickets/query", next("Tickets/query"))
		assert.Equal(t, second, next(second))
		x.Inject(autotasktest.Fault{RepeatNextPage: true})
		none := path(`{"filter":[{"op":"lt","field":"id","value":%d}]}`, id)
		assert.Equal(t, x.BaseURL()+"/Tickets/query", x.post("Tickets/query", none).ok().pageDetails()["nextPageUrl"])

		x.Inject(autotasktest.Fault{ForeignNextPage: "https://example.com:8443"})
		foreign := next("Tickets/query")
		assert.Contains(t, foreign, "https://example.com:8443/ATServicesRest/V1.0/Tickets/query/next?")
		x.Inject(autotasktest.Fault{ForeignNextPage: "https://example.com"})
		assert.Contains(t, x.post("Tickets/query", none).ok().body, "https://example.com/")
		x.Inject(autotasktest.Fault{ForeignNextPage: "https://example.com", RepeatNextPage: true})
		assert.Equal(t, "https://example.com/ATServicesRest/V1.0/Tickets/query", next("Tickets/query"))
	})
}

func TestTheClientIsNotLedAstray(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Seed("Tickets", nil)
		for _, fault := range []autotasktest.Fault{{RepeatNextPage: true, Times: 2}, {ForeignNextPage: "https://example.com"}} {
			x.Inject(fault)
			_, err := x.Client().Tickets.List(t.Context(), autotask.Query{})
			require.Error(t, err)
		}
		assert.Len(t, x.Requests(), 3)
	})
}
