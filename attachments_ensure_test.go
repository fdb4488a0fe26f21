package autotask_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
)

func TestEnsureAttachment_UploadsOnce(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket, began := srv.Seed("Tickets", nil), time.Now()
	id, created, err := ensure(t.Context(), client, ticket, began)
	require.NoError(t, err)
	assert.True(t, created)
	assert.Equal(t, []string{searchOp, uploadOp, searchOp}, ops(srv))
	assert.Equal(t, `{"attachmentType":"FILE_ATTACHMENT","fullPath":"report.txt","publish":2,"ticketID":`+idText(ticket)+
		`,"title":"Report","data":"aGVsbG8sIGZpbGU="}`, string(bodies(srv, uploadOp)[0]))
	assert.Contains(t, string(bodies(srv, searchOp)[0]), `"ticketID"`, "Autotask wants the parent in the filter")

	for name, again := range map[string]*autotask.Client{"the same client": client, "another process": srv.Client()} {
		srv.ResetRequests()
		same, created, err := ensure(t.Context(), again, ticket, began)
		require.NoError(t, err, name)
		assert.False(t, created, name)
		assert.Equal(t, id, same, name)
		assert.Equal(t, []string{searchOp}, ops(srv), name)
	}
	assert.Len(t, srv.Rows("TicketAttachments"), 1)
}

// What differs in one thing is another attachment.
func TestEnsureAttachment_TellsAttachmentsApart(t *testing.T) {
	t.Parallel()
	for name, there := range map[string]map[string]any{
		"title":             {"title": "Reports"},
		"path":              {"fullPath": "report2.txt"},
		"type":              {"attachmentType": "URL", "data": nil},
		"size":              {"fileSize": 12},
		"an older one":      {"attachDate": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)},
		"of a note":         {"parentID": 4711},
		"parent by id only": {"ticketID": nil, "parentID": 4711},
	} {
		srv, client := tenant(t)
		// seed makes an attachment that is the same but for some fields.
		seed := func(ticket int64, but map[string]any) int64 {
			fields := map[string]any{
				"ticketID": ticket, "parentID": ticket, "title": "Report", "fullPath": "report.txt", "attachmentType": "FILE_ATTACHMENT",
				"fileSize": 11, "attachDate": time.Now().UTC().Format(time.RFC3339), "data": []byte("hello, file"), "publish": 2,
			}
			maps.Copy(fields, but)
			return srv.Seed("TicketAttachments", fields)
		}
		ticket := srv.Seed("Tickets", nil)
		seeded := seed(ticket, nil)
		id, created, err := ensure(t.Context(), client, ticket, time.Now())
		require.NoError(t, err, name)
		require.Equal(t, seeded, id, "the same")
		require.False(t, created, name)

		ticket = srv.Seed("Tickets", nil)
		seeded = seed(ticket, there)
		id, created, err = ensure(t.Context(), client, ticket, time.Now())
		require.NoError(t, err, name)
		assert.True(t, created, name)
		assert.NotEqual(t, seeded, id, name)
	}
}

// What Autotask does not show, or writes in its own way, does not make another
// attachment of it: one is better than two.
func TestEnsureAttachment_KnowsItAgain(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for name, row := range map[string]string{
		"as it is":              `"title":"Report","fullPath":"report.txt","attachmentType":"FILE_ATTACHMENT","fileSize":11.0000,"attachDate":"2026-11-20T08:00:01.113"`,
		"no size":               `"title":"Report","fullPath":"report.txt","attachmentType":"FILE_ATTACHMENT","fileSize":null`,
		"size of 0":             `"title":"Report","fullPath":"report.txt","attachmentType":"FILE_ATTACHMENT","fileSize":0`,
		"no date":               `"title":"Report","fullPath":"report.txt","attachmentType":"FILE_ATTACHMENT","attachDate":null`,
		"outer white space":     `"title":" Report\r\n","fullPath":"report.txt ","attachmentType":"FILE_ATTACHMENT"`,
		"another audience":      `"title":"Report","fullPath":"report.txt","attachmentType":"FILE_ATTACHMENT","publish":1`,
		"clock ahead by 59 s":   `"title":"Report","fullPath":"report.txt","attachmentType":"FILE_ATTACHMENT","attachDate":"2026-11-20T07:59:01Z"`,
		"parent in parentID":    `"title":"Report","fullPath":"report.txt","attachmentType":"FILE_ATTACHMENT","ticketID":null,"parentID":5`,
		"parent nowhere at all": `"title":"Report","fullPath":"report.txt","attachmentType":"FILE_ATTACHMENT","ticketID":null`,
	} {
		client, mock := mocked(t)
		if !strings.Contains(row, "ticketID") {
			row += `,"ticketID":5`
		}
		mock.RegisterResponder(http.MethodPost, testBase+"/TicketAttachments/query",
			httpmock.NewStringResponder(200, `{"items":[{"id":77,`+row+`}],"pageDetails":{"count":1}}`))
		id, created, err := ensure(t.Context(), client, 5, began)
		require.NoError(t, err, name)
		assert.Equal(t, attachment, id, name)
		assert.False(t, created, name)
		assert.Equal(t, 1, mock.GetTotalCallCount(), name)
	}
}

// The server's clock is three minutes behind, as its Date headers show.
func TestEnsureAttachment_ServerClockBehind(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	began := time.Now()
	behind := began.Add(-3 * time.Minute).UTC()
	mock.RegisterNoResponder(func(*http.Request) (*http.Response, error) {
		r := httpmock.NewStringResponse(200, `{"items":[{"id":77,"ticketID":5,"title":"Report","fullPath":"report.txt","attachDate":"`+
			behind.Format("2006-01-02T15:04:05")+`"}],"pageDetails":{"count":1}}`)
		r.Header.Set("Date", behind.Format(http.TimeFormat))
		return r, nil
	})
	id, created, err := ensure(t.Context(), client, 5, began)
	require.NoError(t, err)
	assert.Equal(t, attachment, id)
	assert.False(t, created)
}

// Answers without a readable date, as a cache of the caller's may make them up, do not
// make the client forget it.
func TestEnsureAttachment_ServerClockBehindIsRemembered(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	began := time.Now()
	behind := began.Add(-3 * time.Minute).UTC()
	date := behind.Format(http.TimeFormat)
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		answer := httpmock.NewStringResponse(200, `{"item":{"id":5}}`)
		if r.Method == http.MethodPost {
			answer = httpmock.NewStringResponse(200, `{"items":[{"id":77,"ticketID":5,"title":"Report","fullPath":"report.txt","attachDate":"`+
				behind.Format("2006-01-02T15:04:05")+`"}],"pageDetails":{"count":1}}`)
		}
		answer.Header.Set("Date", date)
		return answer, nil
	})
	for i := range 20 {
		_, err := autotask.Get[autotask.Ticket](t.Context(), client, 5)
		require.NoError(t, err)
		date = []string{"", "yesterday"}[i%2]
	}
	id, created, err := ensure(t.Context(), client, 5, began)
	require.NoError(t, err)
	assert.Equal(t, attachment, id)
	assert.False(t, created)
}

func TestEnsureAttachment_LostAnswerIsLookedFor(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]autotasktest.Fault{
		"dropped answer": {DropResponse: true},
		"half an answer": {Truncate: true},
		"no JSON":        {Garbage: true},
		"web page":       {HTML: true},
	} {
		srv, client := tenant(t)
		fault.Op, fault.Times = uploadOp, -1
		srv.Inject(fault)
		id, created, err := ensure(t.Context(), client, srv.Seed("Tickets", nil), time.Now())
		require.NoError(t, err, name)
		assert.True(t, created, name)
		require.Len(t, srv.Rows("TicketAttachments"), 1, name)
		assert.Equal(t, idText(id), idOf(srv.Rows("TicketAttachments")[0]["id"]), name)
		assert.Equal(t, []string{searchOp, uploadOp, searchOp, searchOp}, ops(srv), name)
	}
}

// An upload that was cut off and lands late is never joined by a second one,
// whoever repeats the call and waits as long as the error says.
func TestEnsureAttachment_LateLanding(t *testing.T) {
	t.Parallel()
	for name, sameClient := range map[string]bool{"the same client": true, "another process": false} {
		for landsAfter, lands := range map[string]bool{"before the repeat": true, "never": false} {
			t.Run(name+", "+landsAfter, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := autotasktest.NewInProcess(t)
					client := srv.InProcessClient()
					ticket, began := srv.Seed("Tickets", nil), time.Now()
					fault := autotasktest.Fault{Op: uploadOp, DropRequest: true}
					if lands {
						fault = autotasktest.Fault{Op: uploadOp, ApplyAfter: 100}
					}
					srv.Inject(fault)
					_, created, err := ensure(t.Context(), client, ticket, began)
					wait := requireUnknown(t, err)
					assert.False(t, created)
					assert.Greater(t, wait, 4*time.Minute)

					// Too early, this client sends nothing.
					_, _, err = ensure(t.Context(), client, ticket, began)
					assert.Greater(t, requireUnknown(t, err), 4*time.Minute)
					assert.Equal(t, 1, count(srv, uploadOp))

					<-time.After(wait)
					if !sameClient {
						client = srv.InProcessClient()
					}
					_, created, err = ensure(t.Context(), client, ticket, began)
					require.NoError(t, err)
					assert.Equal(t, !lands, created)
					srv.ApplyPending()
					assert.Len(t, srv.Rows("TicketAttachments"), 1)
				})
			})
		}
	}
}

// requireUnknown demands that the outcome is unknown, and returns how long the
// error says to wait.
func requireUnknown(t *testing.T, err error) time.Duration {
	t.Helper()
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	var e *autotask.Error
	require.ErrorAs(t, err, &e)
	assert.Positive(t, e.RetryAfter)
	assert.Contains(t, string(e.Sent), "report.txt")
	assert.NotContains(t, string(e.Sent), "aGVsbG8sIGZpbGU=")
	return e.RetryAfter
}

func TestEnsureAttachment_EndOfContextIsNotTheEndOfTheUpload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client := srv.InProcessClient()
		ticket, began := srv.Seed("Tickets", nil), time.Now()
		srv.Inject(autotasktest.Fault{Op: uploadOp, Hang: true, DropResponse: true})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, _, err := ensure(ctx, client, ticket, began)
		requireUnknown(t, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, created, err := ensure(t.Context(), client, ticket, began)
		require.NoError(t, err)
		assert.False(t, created)
		assert.Len(t, srv.Rows("TicketAttachments"), 1)
	})
}

func TestEnsureAttachment_ManyAtOnce(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket, began := srv.Seed("Tickets", nil), time.Now()
	var mu sync.Mutex
	ids, made := map[int64]bool{}, 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			id, created, err := ensure(t.Context(), client.As(autotasktest.TechnicianID), ticket, began)
			mu.Lock()
			defer mu.Unlock()
			assert.NoError(t, err)
			if ids[id] = true; created {
				made++
			}
		})
	}
	wg.Wait()
	assert.Len(t, ids, 1)
	assert.Equal(t, 1, made)
	assert.Len(t, srv.Rows("TicketAttachments"), 1)
}

func TestEnsureAttachment_WaitingForATurnEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client := srv.InProcessClient()
		ticket, began := srv.Seed("Tickets", nil), time.Now()
		srv.SetLatency(time.Minute)
		go func() { _, _, _ = ensure(t.Context(), client, ticket, began) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := ensure(ctx, client, ticket, began)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var e *autotask.Error
		require.ErrorAs(t, err, &e)
		assert.Len(t, srv.Requests(), 1, "the second sends nothing")
	})
}

func TestEnsureAttachment_SeveralAreNamed(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket, began := srv.Seed("Tickets", nil), time.Now()
	var ids []int64
	for range 2 {
		id, err := autotask.Upload(t.Context(), client, report(ticket), strings.NewReader("hello, file"))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	srv.ResetRequests()
	_, created, err := ensure(t.Context(), client, ticket, began)
	requireCandidates(t, err, ids)
	assert.False(t, created)
	assert.Equal(t, []string{searchOp}, ops(srv))
}

func requireCandidates(t *testing.T, err error, ids []int64) {
	t.Helper()
	var ambiguous *autotask.AmbiguousError
	require.ErrorAs(t, err, &ambiguous)
	assert.Equal(t, ids, ambiguous.IDs())
}

// searched returns a client that is answered with these rows, search by search.
func searched(t *testing.T, rows ...string) *autotask.Client {
	t.Helper()
	client, mock := mocked(t)
	searches := 0
	mock.RegisterResponder(http.MethodPost, testBase+"/TicketAttachments/query", func(*http.Request) (*http.Response, error) {
		searches++
		items := rows[min(searches, len(rows))-1]
		return httpmock.NewStringResponse(200, fmt.Sprintf(`{"items":[%s],"pageDetails":{"nextPageUrl":null}}`, items)), nil
	})
	mock.RegisterResponder(http.MethodPost, testBase+"/Tickets/5/Attachments", httpmock.NewStringResponder(200, `{"itemId":77}`))
	return client
}

const shown = `{"id":77,"ticketID":5,"title":"Report","fullPath":"report.txt","fileSize":11}`

func TestEnsureAttachment_TheSecondSearchMustFindIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		second string
		kind   error
		says   string
	}{
		"not there":     {"", autotask.ErrOutcomeUnknown, "does not show it yet"},
		"another title": {strings.Replace(shown, `"Report"`, `"report.txt"`, 1), autotask.ErrNotApplied, `the title "report.txt"`},
		"another path":  {strings.Replace(shown, `"report.txt"`, `"\\\\srv\\report.txt"`, 1), autotask.ErrNotApplied, "the full path"},
		"another size":  {strings.Replace(shown, "11", "16", 1), autotask.ErrNotApplied, "a size of 16 bytes instead of 11"},
	} {
		client := searched(t, "", test.second)
		id, created, err := ensure(t.Context(), client, 5, time.Now())
		require.ErrorIs(t, err, test.kind, name)
		assert.Contains(t, err.Error(), test.says, name)
		assert.Equal(t, attachment, id, name)
		assert.True(t, created, name)

		// This client goes by the id for now.
		id, created, err = ensure(t.Context(), client, 5, time.Now())
		require.NoError(t, err, name)
		assert.Equal(t, attachment, id, name)
		assert.False(t, created, name)
	}
}

func TestEnsureAttachment_OneOfAnEarlierRunThatShowsUpLate(t *testing.T) {
	t.Parallel()
	other := strings.Replace(shown, "77", "76", 1)
	for name, second := range map[string]string{"both": other + "," + shown, "only the other": other} {
		id, created, err := ensure(t.Context(), searched(t, "", second), 5, time.Now())
		requireCandidates(t, err, []int64{76, 77})
		var both *autotask.AmbiguousError
		require.ErrorAs(t, err, &both)
		assert.Equal(t, "report.txt", both.Candidates[0].Label, name)
		assert.Equal(t, "report.txt, of this run", both.Candidates[1].Label, name)
		assert.Equal(t, attachment, id, name)
		assert.True(t, created, name)
	}
}

func TestEnsureAttachment_FailingSearches(t *testing.T) {
	t.Parallel()
	denied := httpmock.NewStringResponder(500, `{"errors":["You do not have adequate permissions."]}`)
	client, mock := mocked(t)
	mock.RegisterNoResponder(denied)
	_, created, err := ensure(t.Context(), client, 5, time.Now())
	require.ErrorIs(t, err, autotask.ErrPermission)
	assert.False(t, created)
	assert.Equal(t, 1, mock.GetTotalCallCount(), "what cannot be searched is not uploaded")

	for name, test := range map[string]struct {
		upload httpmock.Responder
		kind   error
		id     int64
	}{
		"after the upload":      {httpmock.NewStringResponder(200, `{"itemId":77}`), autotask.ErrOutcomeUnknown, attachment},
		"after a lost answer":   {httpmock.NewStringResponder(502, ""), autotask.ErrOutcomeUnknown, 0},
		"after a refused one":   {denied, autotask.ErrPermission, 0},
		"after a broken answer": {httpmock.NewErrorResponder(errors.New("reset")), autotask.ErrOutcomeUnknown, 0},
	} {
		client, mock := mocked(t)
		empty := httpmock.NewStringResponder(200, `{"items":[],"pageDetails":{"count":0}}`)
		mock.RegisterResponder(http.MethodPost, testBase+"/TicketAttachments/query", empty.Then(denied))
		mock.RegisterResponder(http.MethodPost, testBase+"/Tickets/5/Attachments", test.upload)
		id, created, err := ensure(t.Context(), client, 5, time.Now())
		require.ErrorIs(t, err, test.kind, name)
		assert.Equal(t, test.id, id, name)
		assert.Equal(t, test.id != 0, created, name)
	}
}

func TestEnsureAttachment_Links(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	link := report(srv.Seed("Tickets", nil))
	link.AttachmentType.Set("URL")
	link.FullPath.Set("https://example.com/wiki")
	began := time.Now()
	id, created, err := autotask.EnsureAttachment(t.Context(), client, link, nil, began)
	require.NoError(t, err)
	assert.True(t, created)
	same, created, err := autotask.EnsureAttachment(t.Context(), client, link, nil, began)
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, id, same)
}

// A link has no size to go by, whatever Autotask shows of it.
func TestEnsureAttachment_ALinkIsKnownWhateverSizeItShows(t *testing.T) {
	t.Parallel()
	link := report(5)
	link.AttachmentType.Set("URL")
	link.FullPath.Set("https://example.com/wiki")
	row := `{"id":77,"ticketID":5,"title":"Report","fullPath":"https://example.com/wiki","attachmentType":"URL","fileSize":24}`
	id, created, err := autotask.EnsureAttachment(t.Context(), searched(t, row), link, nil, time.Now())
	require.NoError(t, err)
	assert.Equal(t, attachment, id)
	assert.False(t, created)
}

func TestEnsureAttachment_BadInputIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	for name, test := range map[string]struct {
		v       *entity.TicketAttachment
		content io.Reader
		at      time.Time
		says    string
	}{
		"no start":      {report(5), iotest.ErrReader(errors.New("it was read")), time.Time{}, "start time is missing"},
		"in the future": {report(5), iotest.ErrReader(errors.New("it was read")), time.Now().Add(time.Hour), "in the future"},
		"nil":           {nil, nil, time.Now(), "nil"},
		"no ticket":     {&entity.TicketAttachment{}, nil, time.Now(), "does not name its parent in Tickets"},
		"empty":         {report(5), strings.NewReader(""), time.Now(), "empty"},
	} {
		_, created, err := autotask.EnsureAttachment(t.Context(), client, test.v, test.content, test.at)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		assert.Contains(t, err.Error(), test.says, name)
		assert.False(t, created, name)
	}
	assert.Zero(t, mock.GetTotalCallCount())
}

// Each kind is searched by the field that names its parent.
func TestEnsureAttachment_FindsEachKindByItsParent(t *testing.T) {
	t.Parallel()
	title, path, publish := autotask.Value("Report"), autotask.Value("report.txt"), autotask.Int(2)
	parent := autotask.Int(5)
	one(t, "articleID", &entity.ArticleAttachment{ArticleID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "companyID", &entity.CompanyAttachment{CompanyID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "companyNoteID", &entity.CompanyNoteAttachment{CompanyNoteID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "configurationItemID", &entity.ConfigurationItemAttachment{ConfigurationItemID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "configurationItemNoteID", &entity.ConfigurationItemNoteAttachment{ConfigurationItemNoteID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "contractNoteID", &entity.ContractNoteAttachment{ContractNoteID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "documentID", &entity.DocumentAttachment{DocumentID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "expenseItemID", &entity.ExpenseItemAttachment{ExpenseItemID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "expenseReportID", &entity.ExpenseReportAttachment{ExpenseReportID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "opportunityID", &entity.OpportunityAttachment{OpportunityID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "projectID", &entity.ProjectAttachment{ProjectID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "projectNoteID", &entity.ProjectNoteAttachment{ProjectNoteID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "resourceID", &entity.ResourceAttachment{ResourceID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "salesOrderID", &entity.SalesOrderAttachment{SalesOrderID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "taskID", &entity.TaskAttachment{TaskID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "taskNoteID", &entity.TaskNoteAttachment{TaskNoteID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "ticketID", &entity.TicketAttachment{TicketID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "ticketNoteID", &entity.TicketNoteAttachment{TicketNoteID: parent, Title: title, FullPath: path, Publish: publish})
	one(t, "timeEntryID", &entity.TimeEntryAttachment{TimeEntryID: parent, Title: title, FullPath: path, Publish: publish})
}

func one[T autotask.Attachable](t *testing.T, parentField string, v *T) {
	t.Helper()
	client, mock := mocked(t)
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		assert.Equal(t, testBase+"/"+(*v).Collection()+"/query", r.URL.String())
		assert.True(t, bytes.Contains(body, []byte(`"field":"`+parentField+`"`)), "%s", body)
		return httpmock.NewStringResponse(200, `{"items":[{"id":77,"`+parentField+`":5,"title":"Report","fullPath":"report.txt"}],"pageDetails":{"count":1}}`), nil
	})
	id, _, err := autotask.EnsureAttachment(t.Context(), client, v, strings.NewReader("hello, file"), time.Now())
	require.NoError(t, err, parentField)
	assert.Equal(t, attachment, id, parentField)
}

func ExampleEnsureAttachment() {
	srv := autotasktest.Start()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	log := &entity.TicketAttachment{
		TicketID: autotask.Int(srv.Seed("Tickets", nil)),
		Title:    autotask.Value("Backup log"),
		FullPath: autotask.Value("backup.log"),
		Publish:  autotask.Int(2), // a picklist of the tenant; here: internal
	}
	startedAt := time.Now() // kept with the work, in its queue for instance

	for range 2 { // the queue delivers it twice
		_, created, err := autotask.EnsureAttachment(ctx, client, log, strings.NewReader("02:14 done, no errors\n"), startedAt)
		fmt.Println(created, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}
