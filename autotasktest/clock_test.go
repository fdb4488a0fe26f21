package autotasktest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/autotasktest"
)

func TestTheDatabaseHasAClockOfItsOwn(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.at(noon)
		x.SetDatabaseClock(func() time.Time { return noon.Add(-5 * time.Second) })
		a := x.post("Tickets", newTicket(""))
		assert.Equal(t, noon.Format(http.TimeFormat), a.header.Get("Date"))
		assert.Equal(t, "2026-11-23T11:59:55.12Z", x.Get("Tickets", a.itemID())["createDate"])

		x.Inject(autotasktest.Fault{Op: "POST Tickets", Lands: time.Minute})
		x.lost("POST", "Tickets", newTicket(""))
		x.at(noon.Add(3 * time.Minute))
		x.SetDatabaseClock(func() time.Time { return noon.Add(3*time.Minute - 5*time.Second) })
		assert.Equal(t, "2026-11-23T12:00:55.12Z", x.Rows("Tickets")[1]["createDate"], "both clocks go back to when it landed")

		x.SetDatabaseClock(nil)
		id := x.post("Tickets", newTicket("")).itemID()
		assert.Equal(t, "2026-11-23T12:03:00.12Z", x.Get("Tickets", id)["createDate"])
	})
}

func TestNoDateHeader(t *testing.T) {
	t.Parallel()
	test := func(t *testing.T, x *tenant) {
		t.Helper()
		x.SetDateHeader(false)
		a := x.get("Companies/0").ok()
		assert.NotContains(t, a.header, "Date")
		x.Inject(autotasktest.Fault{Status: 503, Header: http.Header{"Date": {"Mon, 23 Nov 2026 12:00:00 GMT"}}})
		assert.NotEmpty(t, x.get("Companies/0").header.Get("Date"), "a fault may still send one")
		x.SetDateHeader(true)
		assert.NotEmpty(t, x.get("Companies/0").header.Get("Date"))
	}
	bothWays(t, test)
	t.Run("HTTP/2", func(t *testing.T) {
		t.Parallel()
		test(t, newHTTP2Tenant(t))
	})
}
