package autotasktest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// atOnce sends GETs that are all under way together: the tenant holds each
// until the last has arrived and the test goes on.
func (x *tenant) atOnce(paths ...string) []int {
	x.t.Helper()
	before := len(x.Requests())
	statuses := make([]int, len(paths))
	var wg sync.WaitGroup
	for i, p := range paths {
		r := x.request("GET", p, "")
		wg.Go(func() {
			if a, err := x.send(r); assert.NoError(x.t, err) {
				statuses[i] = a.status
			}
		})
		require.Eventually(x.t, func() bool { return len(x.Requests()) == before+i+1 }, time.Minute, time.Millisecond)
	}
	wg.Wait()
	return statuses
}

func TestThreadLimit(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.Inject(autotasktest.Fault{Times: -1, Delay: 300 * time.Millisecond})
	got := x.atOnce("Tickets/1", "Tickets/entityInformation", "Tickets/1/Notes", "Tickets/1", "Companies/0", "zoneInformation")
	assert.Equal(t, []int{200, 200, 200, 429, 200, 500}, got)
	assert.Equal(t, 4, x.MaxInFlight("Tickets"))
	assert.Equal(t, 1, x.MaxInFlight("Companies"))
	assert.Zero(t, x.MaxInFlight("zoneInformation"))
	x.get("Tickets/1").ok()

	x.SetThreadLimit(0)
	x.ResetRequests()
	assert.Zero(t, x.MaxInFlight("Tickets"))
	assert.Equal(t, []int{200, 200, 200, 200, 200}, x.atOnce("Tickets/1", "Tickets/1", "Tickets/1", "Tickets/1", "Tickets/1"))
	assert.Equal(t, 5, x.MaxInFlight("Tickets"))
}

func TestThreadLimitText(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.SetThreadLimit(1)
	x.SetLatency(100 * time.Millisecond)
	assert.Equal(t, []int{200, 429}, x.atOnce("Tickets/1", "Tickets/1"))
	x.SetLatency(0)
	x.SetThreadLimit(-1) // nothing at all
	a := x.get("Tickets/1")
	assert.Equal(t, 429, a.status)
	assert.JSONEq(t, `{"errors":["The Autotask API thread threshold of -1 threads has been exceeded."]}`, a.body)
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	information := func() string { return x.get("ThresholdInformation").ok().body }
	assert.JSONEq(t, `{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":1}`, information())
	x.get("Companies/0").ok()
	x.get("zoneInformation")
	x.get("Nothing").notFound()
	assert.JSONEq(t, `{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":3}`, information())

	x.SetThreshold(20, 18)
	x.at(noon.Add(30 * time.Minute))
	assert.JSONEq(t, `{"externalRequestThreshold":20,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":19}`, information())
	x.get("Companies/0").ok()
	for _, p := range []string{"Companies/0", "ThresholdInformation"} {
		a := x.get(p)
		assert.Equal(t, 429, a.status)
		assert.Contains(t, a.json(), "errors")
	}
	x.at(noon.Add(time.Hour))
	assert.JSONEq(t, `{"externalRequestThreshold":20,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":3}`, information())
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.SetThreadLimit(0)
	id := x.Seed("Tickets", nil)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			note, err := x.send(x.request("POST", path("Tickets/%d/Notes", id), noteBody))
			if assert.NoError(t, err) {
				assert.Equal(t, 200, note.status)
			}
			for _, r := range []*struct{ method, path, body string }{
				{"GET", path("Tickets/%d", id), ""},
				{"POST", "TicketNotes/query", `{"filter":[{"op":"exist","field":"id"}]}`},
				{"PUT", "Tickets", x.changed(id)},
				{"GET", "Tickets/entityInformation/fields", ""},
			} {
				_, err := x.send(x.request(r.method, r.path, r.body))
				assert.NoError(t, err)
			}
			x.Seed("Tickets", nil)
			x.Inject(autotasktest.Fault{Op: "POST Nothing", Status: 500})
			x.SetClock(nil)
			x.SetLatency(0)
			x.SetPicklist("Tickets", "source", nil)
			_, _, _ = x.Rows("TicketNotes"), x.MaxInFlight("Tickets"), x.PendingFaults()
		})
	}
	wg.Wait()
	assert.Len(t, x.Rows("TicketNotes"), 20)
	assert.Len(t, x.Rows("Tickets"), 21)
	assert.Len(t, x.Requests(), 100)
	numbers := map[any]bool{}
	for _, row := range x.Rows("Tickets") {
		numbers[row["ticketNumber"]] = true
	}
	assert.Len(t, numbers, 21)
}
