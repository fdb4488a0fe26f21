package proof_test

// Answers that do not fit the question, and failures at awkward moments.

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

func TestUpdate_AFailedReadBackIsNotAFailedWrite(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]autotasktest.Fault{
		"rate limit": {Status: 429, Body: `{"errors":["The Autotask API thread threshold of 3 threads has been exceeded."]}`},
		"outage":     {Status: 503},
		"no item":    {Status: 200, Body: `{"item":null}`},
		"nonsense":   {Status: 200, Body: `{"item":{"id":"x"}}`},
		"permission": {Status: 500, Body: `{"errors":["The logged in Resource does not have the adequate permissions to query this entity type."]}`},
	} {
		srv, client := kit.Tenant(t, autotask.WithMaxRetries(0))
		id := srv.Seed("Tickets", map[string]any{"title": "before"})
		fault.Op, fault.Skip = "GET Tickets", 1
		srv.Inject(fault)
		_, err := client.Tickets.Update(t.Context(), id, kit.Retitle)
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, name)
		for _, other := range []error{autotask.ErrRateLimited, autotask.ErrServer, autotask.ErrNotFound, autotask.ErrInvalid, autotask.ErrPermission} {
			require.NotErrorIs(t, err, other, name)
		}
		assert.Contains(t, err.Error(), "accepted the write", name)
		assert.Equal(t, "after", srv.Get("Tickets", id)["title"], name)
	}
}

func TestUpdate_ALookThatFailsAfterALostAnswer(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t, autotask.WithMaxRetries(0))
	id := srv.Seed("Tickets", nil)
	srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropResponse: true})
	srv.Inject(autotasktest.Fault{Op: "GET Tickets", Skip: 1, Status: 503})
	_, err := client.Tickets.Update(t.Context(), id, kit.Retitle)
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	assert.Contains(t, err.Error(), "lost")
	assert.Equal(t, 1, kit.Count(srv, "PUT Tickets"))
}

func TestWrite_GoesOutOnce(t *testing.T) {
	t.Parallel()
	for retries := range 3 {
		synctest.Test(t, func(t *testing.T) {
			l := &losing{}
			client, err := autotask.NewClient(kit.Credentials(), autotask.WithBaseURL(kit.Base), autotask.WithMaxRetries(retries),
				autotask.WithHTTPClient(&http.Client{Transport: l}))
			require.NoError(t, err)
			for asked, wait := range map[string]time.Duration{"": 5 * time.Minute, "20": 5 * time.Minute, "3600": time.Hour} {
				for name, call := range map[string]func() error{
					"update": func() error {
						_, err := client.TimeEntries.Update(t.Context(), 7, func(e *autotask.TimeEntry) error {
							e.SummaryNotes.Set("after")
							return nil
						})
						return err
					},
					"patch": func() error {
						return autotask.Patch(t.Context(), client, 7, &autotask.TimeEntry{SummaryNotes: autotask.Value("after")})
					},
					"delete": func() error { return client.TimeEntries.Delete(t.Context(), 7) },
				} {
					l.writes, l.retryAfter = 0, asked
					err := call()
					require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, name)
					assert.Equal(t, 1, l.writes, name)
					assert.Equal(t, wait, kit.RetryAfter(t, err), name)
					for range 3 {
						kit.Pass(wait / 4)
						err = call()
						require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, name)
					}
					assert.Equal(t, 1, l.writes, "%s: not before its time is over", name)
					assert.Equal(t, wait/4, kit.RetryAfter(t, err), name)
					kit.Pass(wait / 4)
					require.ErrorIs(t, call(), autotask.ErrOutcomeUnknown, name)
					assert.Equal(t, 2, l.writes, name)
					kit.Pass(wait)
				}
			}
		})
	}
}

// losing answers reads and loses writes.
type losing struct {
	writes     int
	retryAfter string
}

func (l *losing) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet {
		return httpmock.NewStringResponse(200, `{"item":{"id":7,"ticketID":5,"summaryNotes":"before"}}`), nil
	}
	l.writes++
	resp := httpmock.NewStringResponse(503, "")
	if l.retryAfter != "" {
		resp.Header.Set("Retry-After", l.retryAfter)
	}
	return resp, nil
}

func TestDelete_ARefusalIsNotSuccess(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("TimeEntries", map[string]any{"ticketID": srv.Seed("Tickets", nil)})
	srv.Inject(autotasktest.Fault{Op: "DELETE TimeEntries", DropRequest: true})
	srv.Inject(autotasktest.Fault{Op: "DELETE TimeEntries", Status: 500,
		Body: `{"errors":["No message. No matching records found. The logged in Resource may not have the required permissions to delete the data."]}`})
	require.ErrorIs(t, client.TimeEntries.Delete(t.Context(), id), autotask.ErrOutcomeUnknown)
	require.ErrorIs(t, client.TimeEntries.Delete(t.Context(), id), autotask.ErrOutcomeUnknown)
	assert.Equal(t, 1, kit.Count(srv, "DELETE TimeEntries"))
	assert.NotNil(t, srv.Get("TimeEntries", id))

	srv, client = kit.Tenant(t)
	id = srv.Seed("TimeEntries", map[string]any{"ticketID": srv.Seed("Tickets", nil)})
	srv.Inject(autotasktest.Fault{Op: "DELETE TimeEntries", Status: 500,
		Body: `{"errors":["No message. No matching records found. The logged in Resource may not have the required permissions to delete the data."]}`})
	require.ErrorIs(t, client.TimeEntries.Delete(t.Context(), id), autotask.ErrNotFound)
}

func TestGet_AnotherItemIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"item":{}}`, `{"item":{"id":8,"title":"x"}}`, `{"item":{"Id":7}}`} {
		client := kit.Answering(t, 200, []byte(body))
		_, err := client.Tickets.Get(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrServer, body)
		require.NotErrorIs(t, err, autotask.ErrNotFound, body)
		_, err = client.Tickets.Update(t.Context(), 7, kit.Retitle)
		require.ErrorIs(t, err, autotask.ErrServer, body)
	}
}

func TestPages_AnAnswerThatContradictsItselfIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"items":[],"pageDetails":{"count":3}}`,
		`{"items":[],"errors":["no"]}`,
		`{"items":[{"id":1}],"pageDetails":{"count":2}}`,
	} {
		client := kit.Answering(t, 200, []byte(body))
		_, err := client.TimeEntries.Exist(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrServer, body)
		_, err = client.Tickets.List(t.Context(), autotask.Query{})
		require.ErrorIs(t, err, autotask.ErrServer, body)
	}
}

func TestIDByNumber_ARowWithoutAnIDIsNoTicket(t *testing.T) {
	t.Parallel()
	client := kit.Answering(t, 200, []byte(`{"items":[{"ticketNumber":"T1"}],"pageDetails":{"count":1}}`))
	_, err := client.Tickets.IDByNumber(t.Context(), "T1")
	require.ErrorIs(t, err, autotask.ErrServer)
}

func TestIDByNumber_StopsAtTheFirstForeignRow(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	mock.RegisterResponder(http.MethodPost, kit.Base+"/Tickets/query", httpmock.NewStringResponder(200,
		`{"items":[{"id":1,"ticketNumber":"T9"}],"pageDetails":{"count":1,"nextPageUrl":"`+kit.Base+`/Tickets/query/next?paging=1"}}`))
	_, err := client.Tickets.IDByNumber(t.Context(), "T1")
	require.ErrorIs(t, err, autotask.ErrServer)
	assert.Equal(t, 1, mock.GetTotalCallCount())
}

func TestGetMany_RowsThatWereNotAskedForAreRefused(t *testing.T) {
	t.Parallel()
	client := kit.Answering(t, 200, []byte(`{"items":[{"id":1},{"id":9}],"pageDetails":{"count":2}}`))
	_, err := client.Tickets.GetMany(t.Context(), []int64{1, 2})
	require.ErrorIs(t, err, autotask.ErrServer)
}

func TestPages_NextPageMustBeOfTheSameQuery(t *testing.T) {
	t.Parallel()
	for _, next := range []string{
		kit.Base + "/Tickets", kit.Base + "/Contacts/query/next", kit.Base + "/Tickets/query/nextdoor",
		"https://webservices19.autotask.net/other", "https://user@webservices19.autotask.net/ATServicesRest/V1.0/Tickets/query/next", "%zz",
	} {
		client, mock := kit.Mocked(t)
		mock.RegisterResponder(http.MethodPost, kit.Base+"/Tickets/query",
			httpmock.NewStringResponder(200, `{"items":[{"id":1}],"pageDetails":{"count":1,"nextPageUrl":"`+next+`"}}`))
		_, err := client.Tickets.List(t.Context(), autotask.Query{})
		require.ErrorIs(t, err, autotask.ErrServer, next)
		assert.Equal(t, 1, mock.GetTotalCallCount(), next)
	}
	for _, next := range []string{
		"https://WebServices19.autotask.net:443/atservicesrest/v1.0/tickets/query/next?paging=1", kit.Base + "/Tickets/query?paging=1",
	} {
		client, mock := kit.Mocked(t)
		last := httpmock.NewStringResponder(200, `{"items":[],"pageDetails":{"count":0}}`)
		mock.RegisterResponder(http.MethodPost, kit.Base+"/Tickets/query",
			httpmock.NewStringResponder(200, `{"items":[{"id":1}],"pageDetails":{"count":1,"nextPageUrl":"`+next+`"}}`).Then(last))
		mock.RegisterNoResponder(last)
		list, err := client.Tickets.List(t.Context(), autotask.Query{Limit: 2})
		require.NoError(t, err, next)
		assert.NotEmpty(t, list)
		assert.Equal(t, 2, mock.GetTotalCallCount(), next)
	}
}

func TestResolve_TextThatIsNotUTF8IsRefusedBeforeTheNote(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	bad := kit.Note()
	bad.Description = "Gr\xfc\xdfe"
	for _, work := range []autotask.Resolution{{Text: "Gr\xfc\xdfe", Note: kit.Note()}, {Text: "x", Note: bad}} {
		_, err := client.Resolve(t.Context(), id, work)
		require.ErrorIs(t, err, autotask.ErrInvalid)
		assert.Contains(t, err.Error(), "UTF-8")
	}
	assert.Empty(t, srv.Requests())
}

func TestResolve_BothTimestampsOrNotResolved(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"completedDate", "resolvedDateTime"} {
		srv, client := kit.Tenant(t)
		id := srv.Seed("Tickets", map[string]any{"status": 5})
		srv.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(row map[string]any) { row[missing] = nil }})
		_, err := client.Tickets.Get(t.Context(), id)
		require.NoError(t, err)
		outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Status: 5})
		require.ErrorIs(t, err, autotask.ErrNotApplied, missing)
		assert.Contains(t, err.Error(), missing+" is null")
		assert.False(t, outcome.Resolved, missing)
	}
}

func TestResolve_TimeBookedBeforeTheStatusIsWrittenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client := srv.Client()
		id := srv.Seed("Tickets", map[string]any{"status": 1})
		srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropRequest: true})
		_, err := client.Resolve(t.Context(), id, autotask.Resolution{Status: 5})
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		kit.Pass(kit.RetryAfter(t, err))
		srv.Seed("TimeEntries", map[string]any{"ticketID": id})
		outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Status: 5})
		require.NoError(t, err)
		assert.True(t, outcome.HasTimeEntries)
		assert.Equal(t, autotask.StateSkipped, kit.StepStates(outcome)[autotask.StepStatus])
		assert.Equal(t, "1", kit.IDOf(srv.Get("Tickets", id)["status"]))
	})
}

func TestResolve_TheTicketIsReadBackAfterANote(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"status": 1})
	srv.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(row map[string]any) { row["status"] = 9 }}) // as a workflow rule would after the note
	outcome, err := client.Resolve(t.Context(), id, autotask.Resolution{Note: kit.Note()})
	require.NoError(t, err)
	assert.Equal(t, int64(9), outcome.Ticket.Status)

	srv.Inject(autotasktest.Fault{Op: "GET Tickets", Skip: 1, Status: 500, Body: `{"errors":["no"]}`})
	outcome, err = client.Resolve(t.Context(), id, autotask.Resolution{Note: kit.Note()})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.NotZero(t, outcome.NoteID)
	assert.Equal(t, autotask.StateDone, kit.StepStates(outcome)[autotask.StepNote])
}

func TestNotes_TheSecondOfTwoEqualNotesIsNotTakenForTheFirst(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	_, err := client.Notes.Create(t.Context(), id, kit.Note())
	require.NoError(t, err)
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropRequest: true})
	_, err = client.Notes.Create(t.Context(), id, kit.Note())
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, "the first one is not the one")

	other := srv.Seed("Tickets", nil)
	first, err := client.Notes.Create(t.Context(), other, kit.Note())
	require.NoError(t, err)
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropResponse: true})
	second, err := client.Notes.Create(t.Context(), other, kit.Note())
	require.NoError(t, err)
	assert.NotEqual(t, first, second)
}

func TestNotes_OneWithoutACreationTimeCountsAsTheSame(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	mock.RegisterResponder(http.MethodGet, kit.Base+"/Tickets/7", httpmock.NewStringResponder(200, `{"item":{"id":7}}`))
	mock.RegisterResponder(http.MethodPost, kit.Base+"/TicketNotes/query", httpmock.NewStringResponder(200,
		`{"items":[{"id":3,"ticketID":7,"title":"Backup checked","description":"Second run: no errors.","noteType":1,"publish":2}],"pageDetails":{"count":1}}`))
	mock.RegisterResponder(http.MethodPost, kit.Base+"/TimeEntries/query", httpmock.NewStringResponder(200, `{"items":[],"pageDetails":{"count":0}}`))
	outcome, err := client.Resolve(t.Context(), 7, autotask.Resolution{Note: kit.Note(), StartedAt: kit.Begun})
	require.NoError(t, err)
	assert.Equal(t, int64(3), outcome.NoteID)
}

type plainCompany struct {
	ID          int64  `json:"id"`
	CompanyName string `json:"companyName"`
	Phone       string `json:"phone"`
	IsActive    bool   `json:"isActive"`
}

func (plainCompany) Collection() string { return "Companies" }
func (plainCompany) CanGet()            {}
func (plainCompany) CanUpdate()         {}
func (plainCompany) CanPatch()          {}

func TestUpdate_NilChange(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	_, err := client.Tickets.Update(t.Context(), 7, nil)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, srv.Requests())
}

func TestUpdate_UserDefinedFieldsAreComparedAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	srv, _ := kit.Tenant(t)
	id := srv.Seed("Tickets", map[string]any{"userDefinedFields": []any{
		map[string]any{"name": "Retention", "value": "1"}, map[string]any{"name": "Since", "value": nil}, map[string]any{"name": "Plan", "value": "Gold"},
	}})
	set := func(t *autotask.Ticket) error {
		t.UserDefinedFields.Set("retention", autotask.Value("30"))
		t.UserDefinedFields.Set("Since", autotask.Value("2026-11-23"))
		t.UserDefinedFields.Set("Plan", autotask.Value("Silver"))
		return nil
	}
	served := func(plan string) func(map[string]any) {
		return func(row map[string]any) {
			row["userDefinedFields"] = []any{
				map[string]any{"name": "RETENTION", "value": "30.0000"}, map[string]any{"name": "Since", "value": "2026-11-23T00:00:00"}, map[string]any{"name": "Plan", "value": plan},
			}
		}
	}
	for plan, applied := range map[string]bool{"Silver": true, "Gold": false} {
		raw := srv.Get("Tickets", id)
		client, mock := kit.Mocked(t)
		reads := 0
		mock.RegisterResponder(http.MethodGet, kit.Base+"/Tickets/"+kit.IDText(id), func(*http.Request) (*http.Response, error) {
			if reads++; reads > 1 {
				served(plan)(raw)
			}
			return httpmock.NewJsonResponse(200, map[string]any{"item": raw})
		})
		mock.RegisterResponder(http.MethodPut, kit.Base+"/Tickets", httpmock.NewStringResponder(200, `{"itemId":7}`))
		_, err := client.Tickets.Update(t.Context(), id, set)
		if applied {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, autotask.ErrNotApplied)
			assert.Contains(t, err.Error(), "Plan: wanted")
		}
	}
}

func TestLockout_AfterThree401sNothingIsSentForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sent, status := 0, 401
		client, err := autotask.NewClient(kit.Credentials(), autotask.WithBaseURL(kit.Base), autotask.WithHTTPClient(&http.Client{
			Transport: kit.RoundTripper(func(*http.Request) (*http.Response, error) {
				sent++
				return httpmock.NewStringResponse(status, `{"item":{"id":7}}`), nil
			}),
		}))
		require.NoError(t, err)
		get := func() error { _, err := client.Tickets.Get(t.Context(), 7); return err }
		for range 50 {
			require.ErrorIs(t, get(), autotask.ErrUnauthorized)
		}
		assert.Equal(t, 3, sent)
		time.Sleep(5 * time.Minute) //nolint:forbidigo // virtual time
		status = 200
		require.NoError(t, get())
		status = 401
		for range 3 {
			require.ErrorIs(t, get(), autotask.ErrUnauthorized)
		}
		assert.Equal(t, 7, sent, "a success starts the count anew")
	})
}

func TestZone_AGivenOneIsNeverAskedFor(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	mock.RegisterNoResponder(httpmock.NewStringResponder(401, ""))
	_, err := client.Tickets.Get(t.Context(), 7)
	require.ErrorIs(t, err, autotask.ErrUnauthorized)
	assert.Equal(t, 1, mock.GetTotalCallCount())
}

func TestZone_WaitingForItEndsWithTheContextAsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, err := autotask.NewClient(kit.Credentials(), autotask.WithHTTPClient(&http.Client{
			Transport: kit.RoundTripper(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}),
		}))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = client.Tickets.Get(ctx, 7)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var e *autotask.Error
		require.ErrorAs(t, err, &e)
	})
}

func TestRead_ATextCutInACharacterDoesNotHideTheRest(t *testing.T) {
	t.Parallel()
	srv, _ := kit.Tenant(t)
	id := srv.Seed("Tickets", nil)
	raw := strings.Replace(string(srv.Raw("Tickets", id)), `"description":null`, `"description":"cut \ud83d"`, 1)
	require.Contains(t, raw, "ud83d")
	client, mock := kit.Mocked(t)
	mock.RegisterResponder(http.MethodGet, kit.Base+"/Tickets/"+kit.IDText(id), httpmock.NewStringResponder(200, `{"item":`+raw+`}`))
	var sent string
	mock.RegisterResponder(http.MethodPut, kit.Base+"/Tickets", func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		sent = string(body)
		if err != nil {
			return nil, err
		}
		return httpmock.NewStringResponse(500, `{"errors":["stop here"]}`), nil
	})
	ticket, err := client.Tickets.Get(t.Context(), id)
	require.NoError(t, err)
	assert.Contains(t, ticket.Description.Or(""), "cut ")
	_, err = client.Tickets.Update(t.Context(), id, kit.Retitle)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Contains(t, sent, `"description":"cut \ud83d"`, "it goes back as it came")
}

func TestError_QuotedNamesDoNotDecideTheKind(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		`The Task \"User account has been locked\" has an invalid Resource and Role combination.`,
		`A ContactGroup already exists with Name [thread threshold].`,
	} {
		client := kit.Answering(t, 500, []byte(`{"errors":["`+message+`"]}`))
		_, err := client.Tickets.Get(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrInvalid)
		require.NotErrorIs(t, err, autotask.ErrUnauthorized)
		require.NotErrorIs(t, err, autotask.ErrRateLimited)
	}
}

func TestError_AnUnknownOutcomeIsNeverARateLimit(t *testing.T) {
	t.Parallel()
	client, mock := kit.Mocked(t)
	mock.RegisterNoResponder(func(*http.Request) (*http.Response, error) {
		resp := httpmock.NewStringResponse(503, "")
		resp.Header.Set("Retry-After", "3600")
		return resp, nil
	})
	_, err := client.TimeEntries.Create(t.Context(), &autotask.TimeEntry{ResourceID: autotask.Int(4)})
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	require.NotErrorIs(t, err, autotask.ErrRateLimited)
}

// Over HTTP/2 net/http sends a request again by itself after some resets.
func TestSentOnce_200NotesOverHTTP2(t *testing.T) {
	t.Parallel()
	for name, network := range map[string]func(srv *autotasktest.Server) http.RoundTripper{
		"net/http":              func(*autotasktest.Server) http.RoundTripper { return trustingAll() },
		"a layer over net/http": func(srv *autotasktest.Server) http.RoundTripper { return srv.HTTPClient().Transport },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const notes, workers = 200, 8
			srv := autotasktest.NewHTTP2(t)
			ticket := srv.Seed("Tickets", nil)
			rt := network(srv)
			client := srv.Client(autotask.WithHTTPClient(&http.Client{Transport: rt}))
			seed := rand.Uint64() //nolint:gosec // it needs no secrecy
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // it is to be repeated
			resets := []autotasktest.StreamReset{
				autotasktest.ResetProtocolError, autotasktest.ResetRefusedStream, autotasktest.ResetInternalError,
				autotasktest.ResetCancel, autotasktest.ResetEnhanceYourCalm,
			}
			for n := range notes {
				if random.IntN(3) == 0 {
					srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", Skip: n, ResetStream: resets[random.IntN(len(resets))]})
				}
			}

			var group errgroup.Group
			group.SetLimit(workers)
			ids := make([]int64, notes)
			errs := make([]error, notes)
			for i := range notes {
				group.Go(func() error {
					n := kit.Note()
					n.Title = fmt.Sprintf("note %d", i)
					ids[i], errs[i] = client.Notes.Create(t.Context(), ticket, n)
					return nil
				})
			}
			require.NoError(t, group.Wait())

			made := map[string]int64{}
			for _, row := range srv.Rows("TicketNotes") {
				title, _ := row["title"].(string)
				assert.NotContains(t, made, title, "there are two of it")
				made[title], _ = row["id"].(int64)
			}
			assert.Len(t, made, notes)
			assert.Equal(t, notes, kit.Count(srv, "POST Tickets/Notes"), "POSTs that arrived whole")
			for i, err := range errs {
				if err == nil {
					assert.NotZero(t, ids[i])
					assert.Equal(t, fmt.Sprintf("note %d", i), srv.Get("TicketNotes", ids[i])["title"])
					continue
				}
				require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
			}
		})
	}
}

// trustingAll is net/http's own transport, as a program without a setting of
// its own has it, except for the certificate of the fake.
func trustingAll() *http.Transport {
	return &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // on loopback
	}
}

// A middleware that repeats what failed, as some that people wrap around
// everything do, gets no second note through.
func TestSentOnce_NoteThroughAMiddlewareThatRepeats(t *testing.T) {
	t.Parallel()
	for _, code := range []autotasktest.StreamReset{autotasktest.ResetProtocolError, autotasktest.ResetRefusedStream, autotasktest.ResetCancel} {
		srv := autotasktest.NewHTTP2(t)
		ticket := srv.Seed("Tickets", nil)
		srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", ResetStream: code, DropRequest: true})
		client := srv.Client(autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return kit.RoundTripper(func(req *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				for range 3 {
					if err == nil {
						break
					}
					again := req.Clone(req.Context())
					if req.GetBody != nil {
						again.Body, _ = req.GetBody()
					}
					resp, err = next.RoundTrip(again)
				}
				return resp, err
			})
		}))
		_, err := client.Notes.Create(t.Context(), ticket, kit.Note())
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, code)
		assert.False(t, autotask.SafeToRetry(err))
		assert.Equal(t, 1, kit.Count(srv, "POST Tickets/Notes"), code)
	}
}
