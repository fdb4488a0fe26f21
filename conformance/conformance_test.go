package conformance_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/conformance"
)

// writing allows a ticket for the customer of a fake tenant.
func writing() conformance.Options {
	return conformance.Options{Write: true, CompanyID: autotasktest.CustomerID}
}

func tenant(srv *autotasktest.Server) conformance.Tenant {
	return conformance.Tenant{Credentials: srv.Credentials(), BaseURL: srv.BaseURL(), HTTPClient: &http.Client{Transport: srv.Transport()}}
}

func outcome(t *testing.T, report *conformance.Report, id string) conformance.Result {
	t.Helper()
	i := slices.IndexFunc(report.Results, func(r conformance.Result) bool { return r.ID == id })
	require.GreaterOrEqual(t, i, 0, id)
	return report.Results[i]
}

// writes lists the operations that write, of all requests.
func writes(srv *autotasktest.Server) []string {
	var ops []string
	for _, r := range srv.Requests() {
		if r.Method != http.MethodGet && !strings.Contains(r.Op, "/query") {
			ops = append(ops, r.Op)
		}
	}
	return ops
}

// asked leaves out the checks that are never asked.
func notAsked(report *conformance.Report) []string {
	never := map[string]bool{"notes/1.3/refused": true, "notes/5.2/threads": true, "contract/4/patch": true, "contract/9/if-some": true}
	var ids []string
	for _, r := range report.Results {
		if r.Outcome == conformance.NotAsked && !never[r.ID] {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// TestFake runs everything on tenants that keep the contract, each in its own way.
func TestFake(t *testing.T) {
	t.Parallel()
	for name, variant := range map[string]func(srv *autotasktest.Server){
		"plain":           func(*autotasktest.Server) {},
		"dates without Z": func(srv *autotasktest.Server) { srv.SetZonelessDates(true) },
		"slow":            func(srv *autotasktest.Server) { srv.SetLatency(2 * time.Second) },
		"queries lag":     func(srv *autotasktest.Server) { srv.SetQueryLag(3 * time.Second) },
		"no Date header":  func(srv *autotasktest.Server) { srv.SetDateHeader(false) },
		"another clock": func(srv *autotasktest.Server) {
			srv.SetClock(func() time.Time { return time.Now().Add(-3 * time.Hour) })
		},
		"texts are trimmed":  func(srv *autotasktest.Server) { srv.SetTextFilter(strings.TrimSpace) },
		"duplicates handled": func(srv *autotasktest.Server) { srv.SetDuplicateTickets(true) },
		"half used":          func(srv *autotasktest.Server) { srv.SetThreshold(10000, 8000) },
		"other picklists":    otherPicklists,
		"user-defined fields": func(srv *autotasktest.Server) {
			srv.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Site", Required: true}, autotasktest.UDFDefinition{Name: "Hours", Type: "double"})
		},
		"600 tickets": func(srv *autotasktest.Server) {
			for range 600 {
				srv.Seed("Tickets", nil)
			}
		},
		"limits and failures now and then": func(srv *autotasktest.Server) {
			srv.Inject(autotasktest.Fault{Op: "POST Tickets/query", Status: 429, Times: 2})
			srv.Inject(autotasktest.Fault{Op: "PUT Tickets", Status: 429, Header: http.Header{"Retry-After": {"7"}}})
			srv.Inject(autotasktest.Fault{Op: "POST Tickets", Status: 429})
			srv.Inject(autotasktest.Fault{Op: "GET Tickets", Status: 503, Skip: 3})
			srv.Inject(autotasktest.Fault{Op: "GET Tickets", DropResponse: true, Skip: 6})
		},
	} {
		for _, write := range []bool{false, true} {
			if !write && name != "plain" && name != "queries lag" {
				continue // writing asks all of the reads, too
			}
			t.Run(fmt.Sprintf("%s, writing %v", name, write), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := seeded(t)
					variant(srv)
					before := srv.Snapshot()
					report, err := conformance.Run(t.Context(), tenant(srv), conformance.Options{Write: write, CompanyID: autotasktest.CustomerID})
					require.NoError(t, err)
					for _, r := range report.Results {
						assert.NotEqual(t, conformance.Failed, r.Outcome, "%s: %s", r.ID, r.Detail)
					}
					assert.Len(t, srv.Requests(), report.Requests, "all of them are counted")
					checkWrites(t, srv, before, report)
				})
			})
		}
	}
}

func otherPicklists(srv *autotasktest.Server) {
	srv.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{{Value: "5", Label: "Erledigt"}, {Value: "29683501", Label: "Neu"}, {Value: "7", Label: "Waiting", Inactive: true}})
	srv.SetPicklist("Tickets", "priority", []autotasktest.PicklistValue{{Value: "0", Label: "None"}, {Value: "44", Label: "High"}})
	srv.SetPicklist("TicketNotes", "publish", []autotasktest.PicklistValue{{Value: "11", Label: "Everybody"}, {Value: "12", Label: "Internal only"}})
	for _, row := range srv.Rows("Tickets") {
		row["status"] = 29683501
		srv.Seed("Tickets", row)
	}
}

// checkWrites demands that only the own ticket and its notes were written, and
// that the ticket is resolved.
func checkWrites(t *testing.T, srv *autotasktest.Server, before map[string]string, report *conformance.Report) {
	t.Helper()
	for _, r := range srv.Requests() {
		assert.NotContains(t, []string{http.MethodPatch, http.MethodDelete}, r.Method)
	}
	after := srv.Snapshot()
	if !report.Wrote {
		assert.Empty(t, writes(srv))
		assert.Equal(t, before, after)
		return
	}
	require.NotNil(t, report.Ticket)
	assert.True(t, report.Ticket.Resolved)
	for path, row := range before {
		assert.Equal(t, row, after[path], path)
	}
	for path := range after {
		if _, old := before[path]; old {
			continue
		}
		collection, _, _ := strings.Cut(path, "/")
		switch collection {
		case "Tickets":
			assert.Equal(t, fmt.Sprintf("Tickets/%d", report.Ticket.ID), path, "one ticket")
		case "TicketNotes":
			assert.Contains(t, after[path], fmt.Sprintf(`"ticketID":%d`, report.Ticket.ID))
		case "TicketHistory":
		default:
			t.Errorf("%s was written", path)
		}
	}
	ticket := srv.Get("Tickets", report.Ticket.ID)
	assert.Equal(t, "5", fmt.Sprint(ticket["status"]))
	assert.Contains(t, ticket["title"], report.Ticket.Mark)
}

// TestNothingToSee runs on tenants in which much cannot be asked.
func TestNothingToSee(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		report, err := conformance.Run(t.Context(), tenant(srv), conformance.Options{})
		require.NoError(t, err)
		assert.Empty(t, failures(t, report), "no tickets")
		assert.Contains(t, notAsked(report), "contract/2/get")
		assert.Contains(t, notAsked(report), "contract/6/some")

		report, err = conformance.Run(t.Context(), tenant(srv), writing())
		require.NoError(t, err)
		assert.Empty(t, failures(t, report), "no tickets but the own one")
		assert.NotContains(t, notAsked(report), "contract/2/get")
	})
	for collection, want := range map[string][]string{
		"TimeEntries": {"contract/6/none", "contract/6/some", "contract/6/own", "contract/9/if-none", "library/6/exist"},
		"Companies":   nil,
		"Tickets":     {"contract/1/number"},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := seeded(t)
			srv.SetReadAccess(collection, autotasktest.ReadRefused)
			report, err := conformance.Run(t.Context(), tenant(srv), writing())
			if collection == "Tickets" {
				require.ErrorIs(t, err, conformance.ErrNoTicket)
				require.ErrorContains(t, err, "may not query Tickets")
			} else {
				require.NoError(t, err, collection)
			}
			assert.Equal(t, collection != "Tickets", len(writes(srv)) > 0)
			assert.Empty(t, failures(t, report), collection)
			assert.Subset(t, notAsked(report), want, collection)
		})
	}
}

// TestUnseen makes a ticket that it cannot read.
func TestUnseen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := seeded(t)
		srv.SetReadAccess("Tickets", autotasktest.ReadNothing)
		report, err := conformance.Run(t.Context(), tenant(srv), writing())
		require.ErrorIs(t, err, conformance.ErrTicketLeft)
		assert.Empty(t, failures(t, report))
		assert.Equal(t, []string{"POST Tickets"}, writes(srv))
		assert.NotNil(t, srv.Get("Tickets", report.Ticket.ID))
	})
}

// TestBudget refuses to begin when too little is left of the hour.
func TestBudget(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	srv.SetThreshold(10000, 8900)
	planned := false
	report, err := conformance.Run(t.Context(), tenant(srv), conformance.Options{Plan: func(string) { planned = true }})
	require.ErrorIs(t, err, conformance.ErrBudget)
	assert.Nil(t, report)
	assert.False(t, planned)
	assert.Len(t, srv.Requests(), 1)
}

// TestRequestsOfChecks holds each check to the number of requests that it names.
func TestRequestsOfChecks(t *testing.T) {
	t.Parallel()
	for _, lag := range []time.Duration{0, 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			srv := seeded(t)
			srv.SetQueryLag(lag)
			costs := map[string]int{}
			for _, c := range conformance.Checks() {
				costs[c.ID] = c.Requests
			}
			sent := 1
			o := writing()
			o.OnCheck = func(r conformance.Result) {
				now := len(srv.Requests())
				assert.LessOrEqual(t, now-sent, costs[r.ID], r.ID)
				sent = now
			}
			_, err := conformance.Run(t.Context(), tenant(srv), o)
			require.NoError(t, err)
		})
	}
}

// TestMostRequests sends no more than the plan says, even if every read is answered
// at the third attempt only, and still resolves its ticket.
func TestMostRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := seeded(t)
		to := tenant(srv)
		sent, tries := 0, map[string]int{}
		to.HTTPClient.Transport = answering(func(r *request) *http.Response {
			sent++
			key := fmt.Sprint(r.Method, r.URL, r.body)
			if tries[key]++; tries[key]%3 != 0 && (r.Method == http.MethodGet || strings.Contains(r.op, "/query")) {
				return reply(r, 503, "")
			}
			return nil
		})(t, srv, srv.Transport())
		report, err := conformance.Run(t.Context(), to, writing())
		require.NoError(t, err)
		assert.True(t, report.Ticket.Resolved)
		assert.Equal(t, sent, report.Requests)
		assert.LessOrEqual(t, sent, most(t, true))
		assert.Greater(t, sent, most(t, true)-30, "the limit was reached")
		assert.Contains(t, notAsked(report), "library/9/resolve")
	})
}

// TestLogin sends nothing after a refused login.
func TestLogin(t *testing.T) {
	t.Parallel()
	srv := seeded(t)
	bad := tenant(srv)
	bad.Credentials.Secret = "wrong"
	_, err := conformance.Run(t.Context(), bad, writing())
	require.ErrorIs(t, err, conformance.ErrLogin)
	assert.Len(t, srv.Requests(), 1)

	srv.ResetRequests()
	srv.Inject(autotasktest.Fault{Op: "POST TimeEntries/query", Status: 401})
	report, err := conformance.Run(t.Context(), tenant(srv), writing())
	require.ErrorIs(t, err, conformance.ErrLogin)
	require.ErrorIs(t, err, conformance.ErrTicketLeft)
	last := srv.Requests()[len(srv.Requests())-1]
	assert.Equal(t, 401, last.Status)
	assert.NotZero(t, report.Ticket.ID)
	assert.Len(t, report.Results, len(conformance.Checks()))
	assert.NotEmpty(t, report.Stopped)
}

// TestInterrupted names the ticket that is left.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	srv := seeded(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := writing()
	o.OnCheck = func(r conformance.Result) {
		if r.ID == "contract/8/twelve" {
			cancel()
		}
	}
	report, err := conformance.Run(ctx, tenant(srv), o)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, conformance.ErrTicketLeft)
	require.NotNil(t, report.Ticket)
	assert.NotNil(t, srv.Get("Tickets", report.Ticket.ID))
	assert.Equal(t, conformance.NotAsked, outcome(t, report, "contract/5/five").Outcome)
	var b strings.Builder
	require.NoError(t, report.WriteMarkdown(&b))
	assert.Contains(t, b.String(), fmt.Sprint(report.Ticket.ID))
	assert.Contains(t, b.String(), "Ended early")

	srv.ResetRequests()
	ctx, cancel = context.WithCancel(t.Context())
	o = writing()
	o.Plan = func(plan string) {
		if strings.Contains(plan, "One new ticket") {
			cancel() // no
		}
	}
	report, err = conformance.Run(ctx, tenant(srv), o)
	require.ErrorIs(t, err, context.Canceled)
	assert.Nil(t, report.Ticket)
	assert.Empty(t, writes(srv))
}

// TestOrigin sends credentials to the tenant's origin only.
func TestOrigin(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request came: %s, secret %q", r.URL.Path, r.Header.Get("Secret"))
	}))
	t.Cleanup(elsewhere.Close)
	srv := autotasktest.NewServer(t)
	for range 4 {
		srv.Seed("Tickets", nil)
	}
	srv.Inject(autotasktest.Fault{Op: "GET Tickets", Redirect: elsewhere.URL + "/ATServicesRest/V1.0/Tickets/1"})
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/query", ForeignNextPage: elsewhere.URL, Times: -1})
	report, err := conformance.Run(t.Context(), conformance.Tenant{Credentials: srv.Credentials(), BaseURL: srv.BaseURL()}, conformance.Options{})
	require.NoError(t, err)
	assert.Contains(t, outcome(t, report, "contract/2/get").Detail, "status 307")
	assert.Contains(t, outcome(t, report, "notes/3.4/next-page").Detail, "another origin")
}

// TestHTTP2 runs over TLS, by a protocol whose clients repeat requests by themselves.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	for _, code := range []autotasktest.StreamReset{autotasktest.ResetEnhanceYourCalm, autotasktest.ResetRefusedStream} {
		srv := autotasktest.NewHTTP2(t)
		srv.Seed("Tickets", nil)
		to := tenant(srv)
		to.HTTPClient = srv.HTTPClient()
		srv.Inject(autotasktest.Fault{Op: "PUT Tickets", Skip: 2, ResetStream: code})
		report, err := conformance.Run(t.Context(), to, writing())
		require.ErrorIs(t, err, conformance.ErrTicketLeft, code)
		assert.Len(t, failures(t, report), 1, "%s: the write whose answer was lost", code)
		puts := slices.DeleteFunc(writes(srv), func(op string) bool { return op != "PUT Tickets" })
		assert.Len(t, puts, 3, "%s: it is not repeated, and nothing comes after it", code)
	}
}

// TestUnknownUser asks no more when nothing can be asked.
func TestUnknownUser(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	to := tenant(srv)
	to.Credentials.IntegrationCode = "wrong"
	_, err := conformance.Run(t.Context(), to, conformance.Options{})
	require.ErrorIs(t, err, conformance.ErrLogin)
	require.ErrorContains(t, err, "status 500")
	assert.Len(t, srv.Requests(), 1)
}

// TestFirstAnswer has no report, and says why.
func TestFirstAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault autotasktest.Fault
		want  error
	}{
		"no answer":     {autotasktest.Fault{DropRequest: true, Times: -1}, conformance.ErrNoAnswer},
		"a gateway":     {autotasktest.Fault{Status: 502, Times: -1}, conformance.ErrNoAnswer},
		"other's limit": {autotasktest.Fault{Status: 429, Times: -1}, conformance.ErrBudget},
		"a login":       {autotasktest.Fault{Status: 401, Times: -1}, conformance.ErrLogin},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				srv.Inject(test.fault)
				report, err := conformance.Run(t.Context(), tenant(srv), conformance.Options{})
				require.ErrorIs(t, err, test.want)
				assert.Equal(t, 1, strings.Count(err.Error(), "conformance"), err)
				assert.Nil(t, report)
			})
		})
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	for _, base := range []string{"", "http://webservices1.autotask.net/ATServicesRest/V1.0", srv.BaseURL() + "/x", strings.ToLower(srv.BaseURL())} {
		_, err := conformance.Run(t.Context(), conformance.Tenant{Credentials: srv.Credentials(), BaseURL: base}, conformance.Options{})
		require.Error(t, err, base)
	}
	_, err := conformance.Run(t.Context(), conformance.Tenant{BaseURL: srv.BaseURL()}, conformance.Options{})
	require.ErrorContains(t, err, "Secret is empty")
	_, err = conformance.Run(t.Context(), tenant(srv), conformance.Options{Fields: map[string]any{"CompanyId": 3}})
	require.ErrorContains(t, err, "companyID")
	assert.Empty(t, srv.Requests())
}

// TestAnswers holds what Check.Fake says of the questions to the fake.
func TestAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := seeded(t)
		srv.SetLatency(7 * time.Millisecond) // so that stamps differ
		report, err := conformance.Run(t.Context(), tenant(srv), writing())
		require.NoError(t, err)
		for id, answer := range answers {
			assert.Equal(t, answer, outcome(t, report, id).Detail, id)
		}
		for _, r := range report.Results {
			if r.Outcome == conformance.Answered {
				assert.Contains(t, answers, r.ID)
			}
		}
		assert.Equal(t, []string{"question/12.1/thirds"}, notAsked(report), "all rows were seeded in one instant")
	})
}

func TestChecks(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range conformance.Checks() {
		assert.False(t, seen[c.ID], c.ID)
		seen[c.ID] = true
		for _, s := range []string{c.ID, c.Section, c.Title, c.Asks, c.Fake, c.Evidence} {
			assert.NotEmpty(t, s, c.ID)
		}
		assert.NotRegexp(t, `^the same`, c.Asks, c.ID)
		assert.Equal(t, c.Question, c.Expects == "", c.ID)
		assert.Equal(t, c.Question, strings.HasPrefix(c.ID, "question/"), c.ID)
	}
}
