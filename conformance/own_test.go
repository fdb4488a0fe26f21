package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/conformance"
)

// TestLostWrites loses the answer of each write in turn: it is not repeated, and
// nothing is written after it.
func TestLostWrites(t *testing.T) {
	t.Parallel()
	plain := seeded(t)
	_, err := conformance.Run(t.Context(), tenant(plain), writing())
	require.NoError(t, err)
	total := len(writes(plain))
	const ofLibrary = 3 // which sees for itself whether a write was done
	require.Greater(t, total, 20)
	for k := range total {
		for _, fault := range []autotasktest.Fault{{DropResponse: true}, {Status: 502}} {
			if fault.Status != 0 && k%4 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%d, %d", k, fault.Status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := seeded(t)
					report, err := conformance.Run(t.Context(), conformance.Tenant{
						Credentials: srv.Credentials(), BaseURL: srv.BaseURL(),
						HTTPClient: &http.Client{Transport: losing(srv, k, fault)},
					}, writing())
					require.NotNil(t, report)
					if k < total-ofLibrary {
						assert.NotEmpty(t, failures(t, report))
					}
					if k < total-ofLibrary {
						assert.LessOrEqual(t, len(writes(srv)), k+1, "nothing is written after it")
					}
					require.NotNil(t, report.Ticket)
					if fault.DropResponse {
						assert.NotZero(t, report.Ticket.ID, "it is found by its mark")
					}
					if report.Ticket.Resolved {
						require.NoError(t, err)
						assert.NotNil(t, srv.Get("Tickets", report.Ticket.ID)["completedDate"])
					} else {
						require.ErrorIs(t, err, conformance.ErrTicketLeft)
					}
				})
			})
		}
	}
}

// losing loses the answer of one write.
func losing(srv *autotasktest.Server, k int, fault autotasktest.Fault) http.RoundTripper {
	seen := 0
	next := srv.Transport()
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodGet || strings.Contains(req.URL.Path, "/query") {
			return next.RoundTrip(req)
		}
		seen++
		if seen != k+1 {
			return next.RoundTrip(req)
		}
		if fault.Status != 0 {
			return reply(&request{Request: req}, fault.Status, ""), nil
		}
		resp, err := next.RoundTrip(req)
		if err == nil {
			err = errors.Join(errors.New("connection reset"), resp.Body.Close())
		}
		return nil, err
	})
}

// TestTurnedAway knows of a create that never ran.
func TestTurnedAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := seeded(t)
		srv.Inject(autotasktest.Fault{Op: "POST Tickets", Status: 429, Times: -1})
		report, err := conformance.Run(t.Context(), tenant(srv), writing())
		require.ErrorIs(t, err, conformance.ErrNoTicket)
		require.NotErrorIs(t, err, conformance.ErrTicketLeft)
		assert.Nil(t, report.Ticket)
		assert.Empty(t, failures(t, report))
		assert.Len(t, writes(srv), 3, "a 429 was not carried out, and may be sent again")
	})
}

// TestInterruptedAtOnce names the ticket even if it has not been read yet.
func TestInterruptedAtOnce(t *testing.T) {
	t.Parallel()
	srv := seeded(t)
	ctx, cancel := context.WithCancel(t.Context())
	to := tenant(srv)
	to.HTTPClient.Transport = editing(func(r *request, _ obj, _ *http.Response) {
		if r.op == "POST Tickets" {
			cancel()
		}
	})(t, srv, srv.Transport())
	report, err := conformance.Run(ctx, to, writing())
	require.ErrorIs(t, err, conformance.ErrTicketLeft)
	require.NotNil(t, report.Ticket)
	assert.NotNil(t, srv.Get("Tickets", report.Ticket.ID))
}

// TestOldTicket takes no ticket that was there for its own.
func TestOldTicket(t *testing.T) {
	t.Parallel()
	srv := seeded(t)
	old := srv.Rows("Tickets")[0]["id"]
	before := srv.Snapshot()
	report, err := conformance.Run(t.Context(), conformance.Tenant{
		Credentials: srv.Credentials(), BaseURL: srv.BaseURL(),
		HTTPClient: &http.Client{Transport: answering(func(r *request) *http.Response {
			if r.op == "POST Tickets" {
				return reply(r, 200, fmt.Sprintf(`{"itemId":%v}`, old))
			}
			return nil
		})(t, srv, srv.Transport())},
	}, writing())
	require.ErrorIs(t, err, conformance.ErrNoTicket)
	assert.Contains(t, failures(t, report), "notes/2.4/create")
	assert.Nil(t, report.Ticket)
	assert.Equal(t, before, srv.Snapshot())
}

// TestRefusedTicket says why no ticket can be made.
func TestRefusedTicket(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(srv *autotasktest.Server)
		wrap    wrapper
		options conformance.Options
		says    string
	}{
		"no such company": {options: conformance.Options{Write: true, CompanyID: 99}, says: "no company"},
		"no active status 5": {prepare: func(srv *autotasktest.Server) {
			srv.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{{Value: "1", Label: "New"}})
		}, says: "status 5"},
		"a reference":         {wrap: field("contactID", func(f obj) { f["isRequired"] = true }), says: "requires contactID"},
		"a field of its own":  {wrap: field("changeInfoField1", func(f obj) { f["isRequired"] = true }), says: "requires a field"},
		"what a category has": {wrap: refusing("POST Tickets", "billingCodeID is required.; on record number [0]. Secret Customer"), says: "naming billingCodeID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := seeded(t)
			if test.prepare != nil {
				test.prepare(srv)
			}
			to := tenant(srv)
			if test.wrap != nil {
				to.HTTPClient.Transport = test.wrap(t, srv, srv.Transport())
			}
			if !test.options.Write {
				test.options = writing()
			}
			report, err := conformance.Run(t.Context(), to, test.options)
			require.ErrorIs(t, err, conformance.ErrNoTicket)
			require.ErrorContains(t, err, test.says)
			assert.NotContains(t, err.Error(), "Secret Customer")
			assert.Nil(t, report.Ticket)
			assert.Empty(t, failures(t, report))
			assert.Empty(t, writes(srv))
		})
	}
}

// TestAnotherTicket answers the reads of the own ticket with another one: nothing of
// that one is written back.
func TestAnotherTicket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := seeded(t)
		other := srv.Seed("Tickets", map[string]any{"title": "Not the run's own", "status": 1})
		reads := 0
		to := tenant(srv)
		to.HTTPClient.Transport = editing(func(r *request, o obj, _ *http.Response) {
			item, ok := o["item"].(obj)
			if !ok || r.op != "GET Tickets/{id}" || !strings.HasPrefix(fmt.Sprint(item["title"]), "API conformance check") {
				return
			}
			if reads++; reads > 1 {
				o["item"] = srv.Get("Tickets", other)
			}
		})(t, srv, srv.Transport())
		before := srv.Get("Tickets", other)
		_, err := conformance.Run(t.Context(), to, writing())
		require.ErrorIs(t, err, conformance.ErrTicketLeft)
		assert.Equal(t, before, srv.Get("Tickets", other))
	})
}

func refusing(op, reason string) wrapper {
	return answering(func(r *request) *http.Response {
		if r.op == op {
			return reply(r, 500, fmt.Sprintf(`{"errors":[%q]}`, reason))
		}
		return nil
	})
}

// TestMayNot runs as users that may not write everything.
func TestMayNot(t *testing.T) {
	t.Parallel()
	const denied = "The logged in Resource does not have the adequate permissions to update this entity type."
	for _, test := range []struct {
		op   string
		err  error
		want []string
	}{
		{"POST Tickets", conformance.ErrNoTicket, []string{"notes/2.4/create", "contract/8/twelve"}},
		{"PUT Tickets", conformance.ErrTicketLeft, []string{"contract/8/twelve", "contract/4/without-title", "contract/5/five", "library/9/resolve"}},
		{"POST Tickets/{id}/Notes", nil, []string{"contract/7/note", "contract/7/without-publish", "contract/9/note-alone", "library/9/resolve"}},
		{"POST TicketNotes/query", nil, []string{"contract/7/query", "contract/7/found", "library/9/resolve"}},
	} {
		t.Run(test.op, func(t *testing.T) {
			t.Parallel()
			srv := seeded(t)
			to := tenant(srv)
			to.HTTPClient.Transport = refusing(test.op, denied)(t, srv, srv.Transport())
			report, err := conformance.Run(t.Context(), to, writing())
			require.ErrorIs(t, err, test.err)
			assert.Empty(t, failures(t, report))
			assert.Subset(t, notAsked(report), test.want)
		})
	}
}

// TestPlan names every value before it is written, and prefers what a customer
// does not see.
func TestPlan(t *testing.T) {
	t.Parallel()
	srv := seeded(t)
	otherPicklists(srv)
	var plans []string
	o := writing()
	o.Plan = func(plan string) {
		assert.Empty(t, writes(srv))
		plans = append(plans, plan)
	}
	report, err := conformance.Run(t.Context(), tenant(srv), o)
	require.NoError(t, err)
	require.Len(t, plans, 2)
	assert.Contains(t, plans[0], "one request at a time")
	assert.Contains(t, plans[1], "status 29683501")
	assert.Contains(t, plans[1], "publish 12")
	assert.Contains(t, plans[1], report.Ticket.Mark)
	for _, note := range srv.Rows("TicketNotes") {
		assert.Equal(t, "12", fmt.Sprint(note["publish"]))
	}
}

// TestFields gives a tenant what its metadata does not tell.
func TestFields(t *testing.T) {
	t.Parallel()
	srv := seeded(t)
	contact := srv.Seed("Contacts", map[string]any{"companyID": autotasktest.CustomerID})
	to := tenant(srv)
	to.HTTPClient.Transport = field("contactID", func(f obj) { f["isRequired"] = true })(t, srv, srv.Transport())
	o := writing()
	o.Fields = map[string]any{"ContactID": contact, "priority": 1}
	report, err := conformance.Run(t.Context(), to, o)
	require.NoError(t, err)
	assert.Empty(t, failures(t, report))
	row := srv.Get("Tickets", report.Ticket.ID)
	assert.Equal(t, fmt.Sprint(contact), fmt.Sprint(row["contactID"]), "no PUT has lost it")
	assert.Equal(t, "1", fmt.Sprint(row["priority"]))
}
