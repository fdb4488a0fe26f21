package autotasktest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// lost checks that a request ends without a whole answer.
func (x *tenant) lost(method, path, body string) {
	x.t.Helper()
	before := len(x.Requests())
	a, err := x.send(x.request(method, path, body))
	require.Error(x.t, err, a.body)
	assert.True(x.t, errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET), err)
	assert.Len(x.t, x.Requests(), before+1, "net/http must not repeat it by itself")
}

func TestLostConnections(t *testing.T) {
	t.Parallel()
	for _, warm := range []bool{false, true} {
		bothWays(t, func(_ *testing.T, x *tenant) { x.loseConnections(warm) })
	}
}

func (x *tenant) loseConnections(warm bool) {
	t := x.t
	id := x.Seed("Tickets", nil)
	if warm {
		x.get("Companies/0").ok() // leaves a connection open, to be used again
	}
	notes := path("Tickets/%d/Notes", id)

	x.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropRequest: true})
	x.lost("POST", notes, noteBody)
	assert.Empty(t, x.Rows("TicketNotes"))

	x.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropResponse: true})
	x.lost("POST", notes, noteBody)
	assert.Len(t, x.Rows("TicketNotes"), 1)

	x.Inject(autotasktest.Fault{Op: "GET Tickets", DropResponse: true})
	x.get("Companies/0").ok()
	x.lost("GET", path("Tickets/%d", id), "")
	last := x.Requests()[len(x.Requests())-1]
	assert.Zero(t, last.Status)

	x.Inject(autotasktest.Fault{Op: "GET Tickets", Truncate: true})
	x.get("Companies/0").ok()
	whole := x.Raw("Tickets", id)
	a, err := x.send(x.request("GET", path("Tickets/%d", id), ""))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, 200, a.status)
	assert.Len(t, a.body, (len(whole)+len(`{"item":}`))/2)
	assert.Zero(t, x.PendingFaults())
}

func TestAnswersInstead(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Status: 503, Body: "busy", Header: http.Header{"retry-after": {"7"}, "Content-Type": {"text/plain"}}})
		a := x.post("Tickets", newTicket(""))
		assert.Equal(t, 503, a.status)
		assert.Equal(t, "busy", a.body)
		assert.Equal(t, "7", a.header.Get("Retry-After"))
		assert.Equal(t, "text/plain", a.header.Get("Content-Type"))
		assert.Equal(t, 503, x.Requests()[0].Status)

		x.Inject(autotasktest.Fault{Status: 302, Header: http.Header{"Location": {"http://example.com/"}}})
		assert.Equal(t, 302, x.post("Tickets", newTicket("")).status)
		assert.Empty(t, x.Rows("Tickets"))

		x.Inject(autotasktest.Fault{Garbage: true})
		a = x.post("Tickets", newTicket("")).ok()
		assert.False(t, json.Valid([]byte(a.body)))
		x.Inject(autotasktest.Fault{HTML: true})
		a = x.post("Tickets", newTicket(""))
		assert.Equal(t, 200, a.status)
		assert.Equal(t, "text/html", a.header.Get("Content-Type"))
		assert.Len(t, x.Rows("Tickets"), 2)
	})
}

func TestFaultsApplyInOrder(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Op: "GET Companies", Skip: 1, Times: 2, Status: 501})
		x.Inject(autotasktest.Fault{Op: "GET Companies", Status: 502})
		x.Inject(autotasktest.Fault{Times: -1, Status: 503})
		assert.Equal(t, 2, x.PendingFaults())
		var got []int
		for range 5 {
			got = append(got, x.get("Companies/0").status)
		}
		assert.Equal(t, []int{502, 501, 501, 503, 503}, got)
		assert.Equal(t, 503, x.get("Tickets/1").status)
		assert.Equal(t, 500, x.get("zoneInformation").status, "discovery is spared")
		assert.Zero(t, x.PendingFaults())
		x.Inject(autotasktest.Fault{Op: "GET zoneInformation", Status: 504})
		assert.Equal(t, 504, x.get("zoneInformation").status)
	})
}

func TestDelayEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Delay: time.Hour})
		x.giveUp("POST", "Tickets", newTicket(""), x.struck)

		x.Inject(autotasktest.Fault{Delay: 20 * time.Millisecond})
		began := time.Now()
		x.post("Tickets", newTicket("")).ok()
		assert.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)
		assert.Len(t, x.Rows("Tickets"), 1)

		x.SetLatency(10 * time.Millisecond)
		x.get("Companies/0").ok()
		requests := x.Requests()
		assert.GreaterOrEqual(t, requests[len(requests)-1].Duration, 10*time.Millisecond)
	})
}

func TestCloseEndsWhatIsWaiting(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.SetLatency(time.Hour)
		ended := make(chan error)
		go func() {
			_, err := x.send(x.request("GET", "Companies/0", ""))
			ended <- err
		}()
		require.Eventually(t, func() bool { return len(x.Requests()) == 1 }, time.Minute, time.Millisecond)
		x.Close()
		require.Error(t, <-ended)
		x.Close()
	})
}

func TestIgnoredWrites(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.at(noon)
		id := x.Seed("Tickets", nil)
		entry := x.Seed("TimeEntries", map[string]any{"ticketID": id})
		before, entryBefore := string(x.Raw("Tickets", id)), string(x.Raw("TimeEntries", entry))
		x.at(noon.Add(time.Hour))
		x.Inject(autotasktest.Fault{Times: 3, IgnoreWrite: true})
		assert.Equal(t, id, x.do("PUT", "Tickets", x.changed(id)).itemID())
		assert.Positive(t, x.post("Tickets", newTicket("")).itemID())
		assert.Equal(t, entry, x.do("DELETE", path("TimeEntries/%d", entry), "").itemID())
		assert.Equal(t, before, string(x.Raw("Tickets", id)))
		assert.Equal(t, entryBefore, string(x.Raw("TimeEntries", entry)))
		assert.Len(t, x.Rows("Tickets"), 1)
		x.Inject(autotasktest.Fault{IgnoreWrite: true})
		x.do("PUT", "Tickets", "{}").refused("Missing Required Field")
	})
}

// changed is the body of a PUT that resolves a ticket. It does without a
// request, which would use up a fault.
func (x *tenant) changed(id int64) string {
	row := x.Get("Tickets", id)
	row["status"] = 5
	return text(row)
}

func TestRevertedWrites(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.at(noon)
		id := x.Seed("Tickets", nil)
		entry := x.Seed("TimeEntries", map[string]any{"ticketID": id})
		x.at(noon.Add(time.Hour))
		x.Inject(autotasktest.Fault{Times: 3, Revert: true})
		x.do("PUT", "Tickets", x.changed(id)).ok()
		x.post("Tickets", newTicket("")).ok()
		x.do("DELETE", path("TimeEntries/%d", entry), "").ok()
		row := x.Get("Tickets", id)
		assert.Equal(t, json.Number("1"), row["status"])
		assert.Nil(t, row["completedDate"])
		assert.Equal(t, "2026-11-23T13:00:00.12Z", row["lastActivityDate"])
		assert.Len(t, x.Rows("Tickets"), 1)
		assert.NotNil(t, x.Get("TimeEntries", entry))
	})
}

func TestEditsBetweenReadAndWrite(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.at(noon)
		x.SeedRaw("Tickets", []byte(`{"id":7,"title":"Caf\u00e9","status":1,"queueID":5,"shoeSize":47.10}`))
		x.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(row map[string]any) {
			row["status"] = 5
			row["hat"] = "blue"
			row["dueDateTime"] = noon
			delete(row, "queueID")
		}})
		item := x.item("Tickets/7")
		assert.Equal(t, json.Number("1"), item["status"])
		row := x.Get("Tickets", 7)
		assert.Equal(t, json.Number("5"), row["status"])
		assert.Equal(t, "blue", row["hat"])
		assert.Equal(t, "2026-11-23T12:00:00.12Z", row["dueDateTime"])
		assert.Equal(t, "2026-11-23T12:00:00.12Z", row["completedDate"])
		assert.EqualValues(t, text(autotasktest.TechnicianID), row["lastActivityResourceID"])
		assert.NotContains(t, row, "queueID")
		assert.Contains(t, string(x.Raw("Tickets", 7)), `"title":"Caf\u00e9"`)

		before := string(x.Raw("Tickets", 7))
		x.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(map[string]any) {}})
		x.item("Tickets/7")
		assert.Equal(t, before, string(x.Raw("Tickets", 7)))
	})
}
