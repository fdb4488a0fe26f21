package transport

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClassOfMethodAndPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		want         Class
	}{
		{"GET", "Tickets/5", Read},
		{"GET", "Tickets/entityInformation/fields", Read},
		{"GET", "zoneInformation", Read},
		{"POST", "Tickets/query", Read},
		{"POST", "Tickets/query/count", Read},
		{"POST", "Tickets/query/next", Read},
		{"POST", "Tickets/query/prev", Read},
		{"POST", "TicketNotes/query", Read},
		{"POST", "Tickets", Write},
		{"POST", "Tickets/5/Notes", Write},
		{"POST", "Queries", Write},
		{"POST", "query", Write},
		{"POST", "Tickets/query/5", Write},
		{"POST", "Tickets/requery", Write},
		{"PUT", "Tickets", Write},
		{"PUT", "Tickets/query", Write},
		{"PATCH", "Companies", Write},
		{"PATCH", "Companies/query", Write},
		{"DELETE", "TimeEntries/5", Write},
		{"DELETE", "TimeEntries/query", Write},
		{"BREW", "Tickets/5", Write},
		{"GET", "TimeOffRequests/5/Approve", Write},
		{"GET", "timeoffrequests/5/approve", Write},
		{"GET", "TimeOffRequests/5/Approve/", Write},
		{"GET", "//TimeOffRequests//5//Approve?x=1", Write},
		{"GET", "TimeOffRequests/5/%41pprove", Write},
		{"GET", "Tickets/../TimeOffRequests/5/Approve", Write},
		{"GET", `TimeOffRequests\5\Approve`, Write},
		{"GET", "TimeOffRequests/5/Reject", Write},
		{"GET", "TimeOffRequests/5", Read},
		{"GET", "TimeOffRequests/entityInformation/fields", Read},
		{"GET", "ChangeRequestApprovals/5", Read},
		{"POST", "Tickets?x=/query", Write},
		{"POST", "Tickets#/query", Write},
		{"POST", "Tickets%3F/query", Write},
		{"POST", "Tickets/5/Notes/../../query", Write},
		{"POST", `Tickets\5/query`, Write},
		{"POST", "Tickets/query?x", Write},
	} {
		assert.Equal(t, c.want, ClassOf(c.method, c.path), "%s %s", c.method, c.path)
	}
}

func TestEndpointIsFirstSegment(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"Tickets":              "Tickets",
		"Tickets/5":            "Tickets",
		"Tickets/5/Notes":      "Tickets",
		"Tickets/query":        "Tickets",
		"TicketNotes/query":    "TicketNotes",
		"ThresholdInformation": "ThresholdInformation",
	} {
		assert.Equal(t, want, Endpoint(path))
	}
}

func TestOperationLeavesOutIDs(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"Tickets":                          "GET Tickets",
		"Tickets/5":                        "GET Tickets/{id}",
		"Tickets/-5":                       "GET Tickets/{id}",
		"Companies/0/Contacts":             "GET Companies/{id}/Contacts",
		"Tickets/5/Notes/12345678901234":   "GET Tickets/{id}/Notes/{id}",
		"Tickets/entityInformation/fields": "GET Tickets/entityInformation/fields",
		"Tickets/5a":                       "GET Tickets/5a",
		"Tickets/-":                        "GET Tickets/-",
		"Tickets//":                        "GET Tickets//",
	} {
		assert.Equal(t, want, Operation(http.MethodGet, path))
	}
}

func TestTicketsAreNeverPatched(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path string }{
		{"PATCH", "Tickets"},
		{"PATCH", "tickets"},
		{"PATCH", "TICKETS"},
		{"patch", "Tickets"},
		{"Patch", "tIcKeTs/5"},
		{"PATCH", "Tickets/5"},
		{"PATCH", "Tickets/"},
		{"PATCH", "Tickets/5/"},
		{"PATCH", "/Tickets"},
		{"PATCH", "//Tickets//5"},
		{"PATCH", "./Tickets"},
		{"PATCH", "Companies/../Tickets"},
		{"PATCH", "Tickets/5/Notes/.."},
		{"PATCH", "T%69ckets"},
		{"PATCH", "Tickets%2F5"},
		{"PATCH", "Tickets?Notes/5"},
	} {
		network := scripted(gives(200, good))
		f := fail(t, quick(config(network)), request(fakeBase, c.method, c.path))
		assert.Equal(t, Unsupported, f.Kind, "%s %s", c.method, c.path)
		assert.Zero(t, f.Attempts)
		assert.Contains(t, f.Error(), "cannot be PATCHed")
		assert.Empty(t, network.requests(), "%s %s was sent", c.method, c.path)
	}
}

func TestPatchOfOthersAndPutOfTicketsAreSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path string }{
		{"PATCH", "Tickets/5/Notes"},
		{"PATCH", "tickets/5/notes"},
		{"PATCH", "Tickets/5/Notes/6"},
		{"PATCH", "Tickets%zz"},
		{"PATCH", "TicketCharges"},
		{"PATCH", "Companies"},
		{"PUT", "Tickets"},
		{"POST", "Tickets"},
	} {
		r := request(fakeBase, c.method, c.path)
		r.URL = fakeBase + "/anything"
		network := scripted(gives(200, good))
		_, err := quick(config(network)).Do(t.Context(), r)
		require.NoError(t, err, "%s %s", c.method, c.path)
		assert.Len(t, network.requests(), 1)
	}
}
