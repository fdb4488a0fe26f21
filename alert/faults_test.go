package alert_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/autotasktest"
)

// task is a call that may fail at each of its requests.
type task struct {
	policy  alert.Policy
	prepare func(t *testing.T, srv *autotasktest.Server)
	clear   bool
	open    int // tickets of the key in the end
}

var storming = alert.Policy{Storm: alert.Storm{Keys: 1, Within: time.Hour}}

func tasks() map[string]task {
	one := func(t *testing.T, srv *autotasktest.Server) {
		t.Helper()
		upsert(t, srv.Client(), failed("run-0"), alert.Policy{})
	}
	other := func(t *testing.T, srv *autotasktest.Server) {
		t.Helper()
		a := failed("run-0")
		a.Key = "ping/host-1"
		upsert(t, srv.Client(), a, alert.Policy{})
	}
	return map[string]task{
		"new":        {open: 1},
		"occurrence": {open: 1, prepare: one},
		"reopen": {open: 1, policy: alert.Policy{Reopen: time.Hour, ReopenStatus: 10}, prepare: func(t *testing.T, srv *autotasktest.Server) {
			t.Helper()
			one(t, srv)
			_, err := alert.Clear(t.Context(), srv.Client(), company, key, over())
			require.NoError(t, err)
		}},
		"duplicates": {open: 1, prepare: func(t *testing.T, srv *autotasktest.Server) {
			t.Helper()
			one(t, srv)
			srv.Seed("Tickets", map[string]any{"companyID": company, "externalID": "alert:" + key, "status": 1})
		}},
		"clear": {clear: true, prepare: one},
		"storm": {policy: storming, prepare: other},
		"storm on": {policy: storming, prepare: func(t *testing.T, srv *autotasktest.Server) {
			t.Helper()
			other(t, srv)
			a := failed("run-0")
			a.Key = "ping/host-2"
			require.True(t, upsert(t, srv.Client(), a, storming).Storm)
		}},
	}
}

func (k task) run(ctx context.Context, client *autotask.Client) (*alert.Outcome, error) {
	if k.clear {
		return k.policy.Clear(ctx, client, company, key, over())
	}
	a := failed("run-1")
	a.At = time.Date(2000, 1, 1, 0, 20, 0, 0, time.UTC) // the same in every attempt
	return alert.Upsert(ctx, client, a, k.policy)
}

// faults are what may become of one request. In the last two the context ends.
var faults = map[string]autotasktest.Fault{
	"401":       {Status: http.StatusUnauthorized},
	"403":       {Status: http.StatusForbidden},
	"404":       {Status: http.StatusNotFound},
	"429":       {Status: http.StatusTooManyRequests},
	"500":       {Status: http.StatusInternalServerError, Body: `{"errors":["it failed"]}`},
	"502":       {Status: http.StatusBadGateway, Body: "<html>"},
	"HTML":      {HTML: true},
	"garbage":   {Garbage: true},
	"cut":       {Truncate: true},
	"lost":      {DropRequest: true},
	"no answer": {DropResponse: true},
	"late":      {Status: http.StatusGatewayTimeout, Lands: 3 * time.Minute},
	"hangs":     {Hang: true},
	"cancelled": {Hang: true, DropResponse: true},
}

// TestFaults lets every request of every kind of call fail in every way, and repeats
// the call, by the same process or another, until it is done. Without
// AUTOTASK_ALERTS=all it plays a fifth of them.
func TestFaults(t *testing.T) {
	t.Parallel()
	of := 5
	if os.Getenv(playAll) == "all" {
		of = 1
	}
	for name, k := range tasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, what := range slices.Sorted(maps.Keys(faults)) {
				f := faults[what]
				for struck := true; struck; f.Skip++ {
					for _, another := range []bool{false, true} {
						if (2*i+f.Skip+len(name))%of != 0 {
							continue
						}
						synctest.Test(t, func(t *testing.T) {
							struck = k.fail(t, f, another, fmt.Sprintf("%s, %d", what, f.Skip))
						})
					}
					struck = struck && f.Skip < 40
				}
			}
		})
	}
}

// fail plays the task with one fault. It is false if the task has fewer requests.
func (k task) fail(t *testing.T, f autotasktest.Fault, another bool, what string) (struck bool) {
	t.Helper()
	srv := autotasktest.NewInProcess(t)
	pass(5 * time.Minute)
	if k.prepare != nil {
		k.prepare(t, srv)
	}
	pass(15 * time.Minute)
	client := srv.InProcessClient(autotask.WithMaxRetries(0))
	srv.ResetRequests()
	srv.Inject(f)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	out, err := k.run(ctx, client)
	cancel()
	require.NotNil(t, out, what)
	if len(srv.Requests()) <= f.Skip {
		require.NoError(t, err, what)
		return false
	}
	if k.prepare == nil && f.Skip > 1 { // the ticket was created
		assert.NotZero(t, out.TicketID, what)
	}
	if f.Hang {
		require.ErrorIs(t, err, context.DeadlineExceeded, what)
	}
	for attempts := 0; err != nil; attempts++ {
		require.Less(t, attempts, 5, "%s: %v", what, err)
		wait := time.Second
		if e, ok := errors.AsType[*autotask.Error](err); ok {
			wait = max(wait, e.RetryAfter)
		}
		pass(wait)
		if another {
			client = srv.InProcessClient(autotask.WithMaxRetries(0))
		}
		out, err = k.run(t.Context(), client)
		require.NotNil(t, out, what)
	}
	assert.Len(t, openOf(srv, "alert:"+key), k.open, what)
	if k.clear {
		assert.True(t, out.Cleared || out.AlreadyClear, what)
		return true
	}
	assert.True(t, out.Created || out.Noted || out.Suppressed, "%s: %v", what, out.Steps)
	if k.policy.Storm.Keys == 0 {
		assert.Equal(t, 1, timesOn(srv, "run-1"), what)
		return true
	}
	named := 0
	for _, row := range srv.Rows("TicketNotes") {
		if strings.Contains(textOf(row["title"]), " [run-1] [key ") {
			named++
		}
	}
	assert.Equal(t, 1, named, what)
	return true
}
