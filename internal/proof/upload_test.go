package proof_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// endless is content without an end.
type endless struct{ read atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read.Add(int64(len(p)))
	return len(p), nil
}

func TestUpload_EndlessContentIsReadToTheLimit(t *testing.T) {
	t.Parallel()
	srv, client := kit.Tenant(t)
	var content endless
	_, err := autotask.Upload(t.Context(), client, kit.Report(srv.Seed("Tickets", nil)), &content)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Contains(t, err.Error(), "6000000")
	assert.Equal(t, int64(kit.MaxFile+1), content.read.Load())
	assert.Empty(t, srv.Requests())
}

func TestUpload_LostAnswerIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]autotasktest.Fault{
		"dropped":     {DropRequest: true},
		"bad gateway": {Status: http.StatusBadGateway},
		"no id":       {Status: http.StatusOK, Body: `{}`},
	} {
		srv, client := kit.Tenant(t)
		fault.Op, fault.Times = kit.UploadOp, -1
		srv.Inject(fault)
		ticket := srv.Seed("Tickets", nil)
		_, err := autotask.Upload(t.Context(), client, kit.Report(ticket), strings.NewReader("hello, file"))
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, name)
		var e *autotask.Error
		require.ErrorAs(t, err, &e, name)
		assert.JSONEq(t, `{"attachmentType":"FILE_ATTACHMENT","fullPath":"report.txt","publish":2,"title":"Report","ticketID":`+kit.IDText(ticket)+`}`,
			string(e.Sent), name)
		assert.Equal(t, []string{kit.UploadOp, kit.SearchOp}, kit.Ops(srv), name)
		_, again := autotask.Upload(t.Context(), client, kit.Report(ticket), strings.NewReader("hello, file"))
		require.ErrorIs(t, again, autotask.ErrOutcomeUnknown, "%s: the first one may still be carried out", name)
		assert.Equal(t, 1, kit.Count(srv, kit.UploadOp), name)
	}
	for name, fault := range map[string]autotasktest.Fault{
		"dropped answer": {DropResponse: true},
		"half an answer": {Truncate: true},
		"no JSON":        {Garbage: true},
	} {
		srv, client := kit.Tenant(t)
		fault.Op, fault.Times = kit.UploadOp, -1
		srv.Inject(fault)
		id, err := autotask.Upload(t.Context(), client, kit.Report(srv.Seed("Tickets", nil)), strings.NewReader("hello, file"))
		require.NoError(t, err, name)
		assert.NotNil(t, srv.Get("TicketAttachments", id), name)
		assert.Equal(t, 1, kit.Count(srv, kit.UploadOp), name)
	}
}

func TestUpload_IsRepeatedIfItNeverRan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.Inject(autotasktest.Fault{Op: kit.UploadOp, Refuse: true})
		srv.Inject(autotasktest.Fault{Op: kit.UploadOp, Status: http.StatusTooManyRequests})
		id, err := autotask.Upload(t.Context(), srv.InProcessClient(), kit.Report(srv.Seed("Tickets", nil)), strings.NewReader("hello, file"))
		require.NoError(t, err)
		assert.Len(t, srv.Rows("TicketAttachments"), 1)
		assert.Equal(t, kit.IDText(id), kit.IDOf(srv.Rows("TicketAttachments")[0]["id"]))
		for _, body := range kit.Bodies(srv, kit.UploadOp) {
			assert.Contains(t, string(body), `"data":"aGVsbG8sIGZpbGU="`)
		}
	})
}

// uploader uploads so many bytes to one ticket of a tenant, each time under
// another title.
func uploader(t *testing.T, srv *autotasktest.Server, client *autotask.Client) func(size int) error {
	ticket := srv.Seed("Tickets", nil)
	var uploads atomic.Int64
	return func(size int) error {
		r := kit.Report(ticket)
		r.Title.Set(fmt.Sprintf("report %d", uploads.Add(1)))
		_, err := autotask.Upload(t.Context(), client, r, bytes.NewReader(kit.Sized(size)))
		return err
	}
}

// requireFull demands that there is no room, and that there will be after wait.
func requireFull(t *testing.T, err error, wait time.Duration) {
	t.Helper()
	require.ErrorIs(t, err, autotask.ErrRateLimited)
	var e *autotask.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, wait, e.RetryAfter)
	assert.Zero(t, e.Attempts, "nothing was sent")
}

func TestUpload_TenMillionBytesInFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client := srv.InProcessClient()
		upload, impersonating := uploader(t, srv, client), uploader(t, srv, client.As(autotasktest.TechnicianID))
		pass := func(d time.Duration) { <-time.After(d) }

		require.NoError(t, upload(6_000_000))
		pass(time.Minute)
		requireFull(t, upload(4_000_001), 4*time.Minute)
		require.NoError(t, impersonating(4_000_000), "the window is full to the last byte")
		requireFull(t, impersonating(1), 4*time.Minute)
		pass(4*time.Minute - time.Nanosecond)
		requireFull(t, upload(1), time.Nanosecond)
		requireFull(t, upload(6_000_001-1), time.Nanosecond)
		pass(time.Nanosecond)
		require.NoError(t, upload(6_000_000))
		requireFull(t, upload(1), time.Minute)
		assert.Equal(t, 3, kit.Count(srv, kit.UploadOp))

		// Links have no bytes.
		link := kit.Report(srv.Seed("Tickets", nil))
		link.AttachmentType.Set("URL")
		_, err := autotask.Create(t.Context(), client, link)
		require.NoError(t, err)

		other := uploader(t, srv, autotasktest.NewInProcess(t).InProcessClient())
		require.NotErrorIs(t, other(6_000_000), autotask.ErrRateLimited, "the count is a client's own")
	})
}

func TestUpload_WhatNeverRanGivesItsBytesBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault       autotasktest.Fault
		back, found bool
	}{
		"refused by Autotask":  {autotasktest.Fault{Status: 500, Body: `{"errors":["no"]}`}, true, false},
		"turned away":          {autotasktest.Fault{Status: 429, Header: http.Header{"Retry-After": {"3600"}}}, true, false},
		"credentials refused":  {autotasktest.Fault{Status: 401}, true, false},
		"no connection":        {autotasktest.Fault{Refuse: true}, true, false},
		"answer lost":          {autotasktest.Fault{DropResponse: true}, false, true},
		"bad gateway":          {autotasktest.Fault{Status: 502}, false, false},
		"sound answer, no id":  {autotasktest.Fault{Status: 200, Body: `{}`}, false, false},
		"no answer within 2 m": {autotasktest.Fault{Hang: true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				client := srv.InProcessClient(autotask.WithMaxRetries(0))
				upload := uploader(t, srv, client)
				test.fault.Op = kit.UploadOp
				srv.Inject(test.fault)
				err := upload(6_000_000)
				require.Equal(t, test.found, err == nil)
				require.Equal(t, test.back || test.found, !errors.Is(err, autotask.ErrOutcomeUnknown))
				err = upload(4_000_001)
				if test.back {
					require.NoError(t, err)
					return
				}
				requireFull(t, err, 5*time.Minute)
			})
		})
	}
}

func TestUpload_ManyAtOnceShareTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.SetLatency(time.Second)
		upload := uploader(t, srv, srv.InProcessClient())
		var made, full atomic.Int64
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				switch err := upload(2_000_000); {
				case err == nil:
					made.Add(1)
				case errors.Is(err, autotask.ErrRateLimited):
					full.Add(1)
					requireFull(t, err, 5*time.Minute)
				default:
					assert.NoError(t, err)
				}
			})
		}
		wg.Wait()
		assert.Equal(t, int64(5), made.Load())
		assert.Equal(t, int64(7), full.Load())
		assert.Equal(t, 5, kit.Count(srv, kit.UploadOp))
	})
}
