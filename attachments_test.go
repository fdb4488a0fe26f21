package autotask_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
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

const (
	attachment = int64(77)
)

// unsized hides everything of a reader but Read.
func unsized(r io.Reader) io.Reader { return struct{ io.Reader }{r} }

func TestUpload_SendsTheFieldsAndTheFileLast(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]io.Reader{
		"of known length":   strings.NewReader("hello, file"),
		"of unknown length": unsized(strings.NewReader("hello, file")),
		"byte by byte":      iotest.OneByteReader(strings.NewReader("hello, file")),
		"end with the data": iotest.DataErrReader(strings.NewReader("hello, file")),
	} {
		srv, client := tenant(t)
		ticket := srv.Seed("Tickets", nil)
		v := report(ticket)
		before := *v
		id, err := autotask.Upload(t.Context(), client.As(autotasktest.TechnicianID), v, content)
		require.NoError(t, err, name)
		assert.Positive(t, id, name)
		assert.Equal(t, before, *v, "%s: the value is the caller's", name)
		assert.Equal(t, []string{uploadOp}, ops(srv), name)
		assert.Equal(t, `{"attachmentType":"FILE_ATTACHMENT","fullPath":"report.txt","publish":2,"ticketID":`+idText(ticket)+
			`,"title":"Report","data":"aGVsbG8sIGZpbGU="}`, string(srv.Requests()[0].Body), name)
		assert.Equal(t, idText(autotasktest.TechnicianID), srv.Requests()[0].Header.Get("ImpersonationResourceId"), name)

		var got bytes.Buffer
		back, err := autotask.Download[entity.TicketAttachment](t.Context(), client, id, &got)
		require.NoError(t, err, name)
		assert.Equal(t, "hello, file", got.String(), name)
		assert.Equal(t, "Report", back.Title.Or(""), name)
		assert.True(t, back.Data.IsZero(), name)
	}
}

func TestUpload_GoesThroughTheParentOfEachKind(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	file := autotask.Value("x.txt")
	publish := autotask.Int(1)
	var paths []string
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		paths = append(paths, r.Method+strings.TrimPrefix(r.URL.String(), testBase))
		return httpmock.NewStringResponse(200, `{"itemId":5}`), nil
	})
	_, err := autotask.Upload(t.Context(), client, &entity.CompanyAttachment{CompanyID: autotask.Int(0), Title: file, FullPath: file, Publish: publish}, strings.NewReader("x"))
	require.NoError(t, err, "company 0 is the tenant's own")
	_, err = autotask.Upload(t.Context(), client, &entity.TimeEntryAttachment{TimeEntryID: autotask.Int(9), Title: file, FullPath: file, Publish: publish}, strings.NewReader("x"))
	require.NoError(t, err)
	_, err = autotask.Create(t.Context(), client, &entity.ArticleAttachment{ArticleID: autotask.Int(3), Title: file, FullPath: file, Publish: publish, Data: autotask.Value([]byte("x"))})
	require.NoError(t, err)
	assert.Equal(t, []string{"POST/Companies/0/Attachments", "POST/TimeEntries/9/Attachments", "POST/KnowledgeBaseArticles/3/Attachments"}, paths)
}

func TestUpload_Sizes(t *testing.T) {
	t.Parallel()
	for size, fits := range map[int]bool{0: false, 1: true, 2: true, 3: true, maxFile - 1: true, maxFile: true, maxFile + 1: false, maxFile + 2: false, 7 << 20: false} {
		content := sized(size)
		for name, upload := range map[string]func(context.Context, *autotask.Client, *entity.TicketAttachment) (int64, error){
			"Upload": func(ctx context.Context, c *autotask.Client, v *entity.TicketAttachment) (int64, error) {
				return autotask.Upload(ctx, c, v, bytes.NewReader(content))
			},
			"Upload of unknown length": func(ctx context.Context, c *autotask.Client, v *entity.TicketAttachment) (int64, error) {
				return autotask.Upload(ctx, c, v, unsized(bytes.NewReader(content)))
			},
			"Create": func(ctx context.Context, c *autotask.Client, v *entity.TicketAttachment) (int64, error) {
				v.Data.Set(content)
				return autotask.Create(ctx, c, v)
			},
		} {
			client, mock := mocked(t)
			var body []byte
			mock.RegisterResponder(http.MethodPost, testBase+"/Tickets/5/Attachments", func(r *http.Request) (*http.Response, error) {
				body, _ = io.ReadAll(r.Body)
				return httpmock.NewStringResponse(200, `{"itemId":5}`), nil
			})
			_, err := upload(t.Context(), client, report(5))
			if !fits {
				require.ErrorIs(t, err, autotask.ErrInvalid, "%s, %d bytes", name, size)
				assert.Zero(t, mock.GetTotalCallCount(), "%s, %d bytes", name, size)
				continue
			}
			require.NoError(t, err, "%s, %d bytes", name, size)
			_, encoded, found := bytes.Cut(body, []byte(`,"data":"`))
			require.True(t, found)
			got, err := base64.StdEncoding.DecodeString(string(bytes.TrimSuffix(encoded, []byte(`"}`))))
			require.NoError(t, err)
			assert.True(t, bytes.Equal(content, got), "%s, %d bytes", name, size)
		}
	}
}

func TestUpload_BrokenContentSendsNothing(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	broken := errors.New("the disk is gone")
	_, err := autotask.Upload(t.Context(), client, report(srv.Seed("Tickets", nil)),
		io.MultiReader(strings.NewReader("half of it"), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
	assert.Contains(t, err.Error(), "nothing was sent")
	var e *autotask.Error
	require.ErrorAs(t, err, &e)
	assert.Zero(t, e.Attempts)
	assert.Empty(t, srv.Requests())
}

// readerFunc is a Read.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestUpload_EndOfContextEndsTheReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		reads := 0
		slow := readerFunc(func(p []byte) (int, error) {
			reads++
			<-time.After(3 * time.Second)
			return copy(p, "drop"), nil
		})
		_, err := autotask.Upload(ctx, srv.InProcessClient(), report(srv.Seed("Tickets", nil)), slow)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 4, reads)
		assert.Empty(t, srv.Requests())

		_, err = autotask.Upload(ctx, srv.InProcessClient(), report(srv.Seed("Tickets", nil)), strings.NewReader("quick"))
		require.ErrorIs(t, err, context.DeadlineExceeded, "it had ended before")
		assert.Empty(t, srv.Requests())
	})
}

func TestUpload_BadInputIsRefusedBeforeAnythingIsReadOrSent(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	unread := func() io.Reader { return iotest.ErrReader(errors.New("it was read")) }
	type change func(*entity.TicketAttachment)
	kind := func(s string) change {
		return func(a *entity.TicketAttachment) { a.AttachmentType.Set(s) }
	}
	for name, test := range map[string]struct {
		change  change
		content io.Reader
		says    string
		missing bool
	}{
		"no title":              {func(a *entity.TicketAttachment) { a.Title.Set(" ") }, unread(), "title is required", true},
		"no publish":            {func(a *entity.TicketAttachment) { a.Publish = autotask.Optional[int64]{} }, unread(), "publish is required", true},
		"no full path":          {func(a *entity.TicketAttachment) { a.FullPath.SetNull() }, unread(), "fullPath is required", true},
		"no parent":             {func(a *entity.TicketAttachment) { a.TicketID.SetNull() }, unread(), "does not name its parent in Tickets", true},
		"content type":          {func(a *entity.TicketAttachment) { a.ContentType.Set("text/plain") }, unread(), "contentType is set by Autotask", false},
		"id":                    {func(a *entity.TicketAttachment) { a.ID = 4 }, unread(), "the ID must be 0", false},
		"data beside content":   {func(a *entity.TicketAttachment) { a.Data.Set([]byte("x")) }, unread(), "Data is set", false},
		"data and no content":   {func(a *entity.TicketAttachment) { kind("FILE_ATTACHMENT")(a); a.Data.Set([]byte("x")) }, nil, "Data is set", false},
		"no type, no content":   {func(*entity.TicketAttachment) {}, nil, "attachmentType is required", true},
		"file without content":  {kind("FILE_ATTACHMENT"), nil, "needs content", true},
		"file link, content":    {kind("FILE_LINK"), unread(), "is a link", false},
		"folder link, content":  {kind("FOLDER_LINK"), unread(), "is a link", false},
		"URL with content":      {kind("URL"), unread(), "is a link", false},
		"link that leads where": {func(a *entity.TicketAttachment) { kind("URL")(a); a.FullPath = autotask.Optional[string]{} }, nil, "fullPath is required", true},
		"unknown type":          {kind("file_attachment"), unread(), `"file_attachment" is not an attachmentType`, false},
	} {
		a := report(ticket)
		test.change(a)
		_, err := autotask.Upload(t.Context(), client, a, test.content)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		assert.Contains(t, err.Error(), test.says, name)
		assert.Equal(t, test.missing, errors.Is(err, autotask.ErrMissingField), name)
	}
	_, err := autotask.Upload[entity.TicketAttachment](t.Context(), client, nil, unread())
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, srv.Requests())
}

func TestCreate_OfAnAttachmentKeepsToTheRulesOfUpload(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	a := report(srv.Seed("Tickets", nil))
	a.Data.Set([]byte("hello, file"))
	_, err := autotask.Create(t.Context(), client, a)
	require.NoError(t, err)
	assert.Equal(t, "aGVsbG8sIGZpbGU=", object(t, bodies(srv, uploadOp)[0])["data"])
	assert.Equal(t, "hello, file", string(a.Data.Or(nil)), "the value is the caller's")
	srv.ResetRequests()

	for name, change := range map[string]func(*entity.TicketAttachment){
		"link with data":    func(a *entity.TicketAttachment) { a.AttachmentType.Set("URL") },
		"file without data": func(a *entity.TicketAttachment) { a.AttachmentType.Set("FILE_ATTACHMENT"); a.Data.SetNull() },
		"empty file":        func(a *entity.TicketAttachment) { a.Data.Set(nil) },
		"nothing":           func(a *entity.TicketAttachment) { *a = entity.TicketAttachment{} },
	} {
		b := *a
		change(&b)
		_, err := autotask.Create(t.Context(), client, &b)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
	}
	_, err = autotask.Create[entity.TicketAttachment](t.Context(), client, nil)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Empty(t, srv.Requests())
}

func TestUpload_LinksCarryNoData(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	for _, kind := range []string{"FILE_LINK", "FOLDER_LINK", "URL"} {
		srv.ResetRequests()
		a := report(ticket)
		a.AttachmentType.Set(kind)
		a.FullPath.Set("https://example.com/wiki")
		id, err := autotask.Upload(t.Context(), client, a, nil)
		require.NoError(t, err, kind)
		assert.NotContains(t, object(t, bodies(srv, uploadOp)[0]), "data", kind)

		var got bytes.Buffer
		link, err := autotask.Download[entity.TicketAttachment](t.Context(), client, id, &got)
		require.ErrorIs(t, err, autotask.ErrUnsupported, kind)
		require.NotNil(t, link, kind)
		assert.Equal(t, "https://example.com/wiki", link.FullPath.Or(""), kind)
		assert.Zero(t, got.Len(), kind)
	}
}

// routes of one attachment, as a tenant may answer them; "" is not served.
func served(t *testing.T, root, child string, opts ...autotask.Option) (*autotask.Client, *httpmock.MockTransport) {
	t.Helper()
	client, mock := mocked(t, opts...)
	for route, body := range map[string]string{"/TicketAttachments/77": root, "/Tickets/5/Attachments/77": child} {
		if body != "" {
			mock.RegisterResponder(http.MethodGet, testBase+route, httpmock.NewStringResponder(200, body))
		}
	}
	mock.RegisterNoResponder(httpmock.NewStringResponder(404, "<html><title>404 - File or directory not found.</title></html>"))
	return client, mock
}

const (
	withData    = `{"id":77,"ticketID":5,"title":"Report","attachmentType":"FILE_ATTACHMENT","data":"aGVsbG8sIGZpbGU="}`
	withoutData = `{"id":77,"ticketID":5,"title":"Report","attachmentType":"FILE_ATTACHMENT","data":null}`
)

// shapes are the forms in which tenants answer with one attachment.
var shapes = map[string]string{
	"item":  `{"item":%s}`,
	"items": `{"items":[%s],"pageDetails":{"count":1}}`,
	"bare":  `%s`,
}

func TestDownload_EveryShapeOnEitherRoute(t *testing.T) {
	t.Parallel()
	for rootName, rootShape := range shapes {
		for childName, childShape := range shapes {
			name := rootName + ", " + childName
			for root, requests := range map[string]int{withData: 1, withoutData: 2, strings.Replace(withoutData, `,"data":null`, "", 1): 2, strings.Replace(withoutData, `null`, `""`, 1): 2} {
				client, mock := served(t, fmt.Sprintf(rootShape, root), fmt.Sprintf(childShape, withData))
				var got bytes.Buffer
				item, err := autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, &got)
				require.NoError(t, err, name)
				assert.Equal(t, "hello, file", got.String(), name)
				assert.Equal(t, attachment, item.ID, name)
				assert.Equal(t, "Report", item.Title.Or(""), name)
				assert.True(t, item.Data.IsZero(), name)
				assert.Equal(t, requests, mock.GetTotalCallCount(), name)
			}
		}
	}
}

func TestDownload_EitherFieldNamesTheParent(t *testing.T) {
	t.Parallel()
	for _, parent := range []string{`"parentID":5`, `"ticketID":null,"parentID":5`} {
		client, _ := served(t, `{"item":`+strings.Replace(withoutData, `"ticketID":5`, parent, 1)+`}`, withData)
		var got bytes.Buffer
		_, err := autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, &got)
		require.NoError(t, err, parent)
		assert.Equal(t, "hello, file", got.String(), parent)
	}
}

func TestDownload_WhatGoesWrongWritesNothing(t *testing.T) {
	t.Parallel()
	const root = `{"item":` + withoutData + `}`
	in := func(data string) string { return strings.Replace(withData, "aGVsbG8sIGZpbGU=", data, 1) }
	for name, test := range map[string]struct {
		root, child string
		kind        error
		says        string
		item        bool
	}{
		"no item":               {`{"item":null}`, "", autotask.ErrNotFound, "no item", false},
		"no items":              {`{"items":[],"pageDetails":{"count":0}}`, "", autotask.ErrNotFound, "no item", false},
		"null items":            {`{"items":[null]}`, "", autotask.ErrNotFound, "no item", false},
		"no route":              {"", "", autotask.ErrNotFound, "", false},
		"neither":               {root, `{"item":null}`, autotask.ErrServer, "neither this route nor TicketAttachments/77", true},
		"neither, child empty":  {root, `{"items":[` + withoutData + `]}`, autotask.ErrServer, "neither", true},
		"neither, no child":     {root, "", autotask.ErrServer, "neither", true},
		"parent not named":      {`{"item":{"id":77,"title":"Report"}}`, "", autotask.ErrServer, "the parent to read it from", true},
		"link":                  {`{"item":{"id":77,"ticketID":5,"attachmentType":"URL","data":null}}`, `{"item":` + withData + `}`, autotask.ErrUnsupported, "is a link", true},
		"nothing at all":        {`{}`, "", autotask.ErrServer, "no item", false},
		"text":                  {`"hello"`, "", autotask.ErrServer, "could not be read", false},
		"web page":              {`<html>`, "", autotask.ErrServer, "could not be read", false},
		"cut off":               {`{"item":{"id":77,"data":"aGVsbG8s`, "", autotask.ErrServer, "could not be read", false},
		"bad base64":            {`{"item":` + in("aGVsbG8*IGZpbGU=") + `}`, `{"item":` + withData + `}`, autotask.ErrServer, "base64", false},
		"base64 cut off":        {`{"item":` + in("aGVsbG8sIGZpbG") + `}`, "", autotask.ErrServer, "base64", false},
		"bad base64 of child":   {root, in("aGVsbG8"), autotask.ErrServer, "base64", true},
		"data is a number":      {`{"item":{"id":77,"data":5}}`, "", autotask.ErrServer, "could not be read", false},
		"another one":           {`{"item":{"id":78,"ticketID":5,"data":"aGVsbG8="}}`, "", autotask.ErrServer, "the item 78", false},
		"another one in a list": {`{"items":[{"id":78,"data":"aGVsbG8="}]}`, "", autotask.ErrServer, "the item 78", false},
		"another one, bare":     {`{"id":78,"data":"aGVsbG8="}`, "", autotask.ErrServer, "the item 78", false},
		"one without an id":     {`{"item":{"data":"aGVsbG8="}}`, "", autotask.ErrServer, "the item 0", false},
		"another one of child":  {root, `{"item":{"id":78,"data":"aGVsbG8="}}`, autotask.ErrServer, "the item 78", true},
	} {
		client, _ := served(t, test.root, test.child)
		var got bytes.Buffer
		item, err := autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, &got)
		require.ErrorIs(t, err, test.kind, name)
		assert.Contains(t, err.Error(), test.says, name)
		assert.Equal(t, test.item, item != nil, name)
		assert.Zero(t, got.Len(), name)
		assert.Equal(t, errors.Is(test.kind, autotask.ErrNotFound), errors.Is(err, autotask.ErrNotFound), name)
	}
}

// A missing attachment is ErrNotFound after one request, in whichever form the
// tenant says so. On the second route it is a file that is not to be had, since
// the first knows the attachment.
func TestDownload_MissingInEveryFormOnEitherRoute(t *testing.T) {
	t.Parallel()
	for form, body := range map[string]string{
		"item": `{"item":null}`, "items": `{"items":[],"pageDetails":{"count":0}}`, "null items": `{"items":[null]}`,
		"bare": `null`, "bare, with white space": " null\r\n",
	} {
		client, mock := served(t, body, "", autotask.WithMaxRetries(4))
		item, err := autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, io.Discard)
		require.ErrorIs(t, err, autotask.ErrNotFound, form)
		require.NotErrorIs(t, err, autotask.ErrServer, form)
		assert.Nil(t, item, form)
		assert.Equal(t, 1, mock.GetTotalCallCount(), form)

		client, mock = served(t, withoutData, body, autotask.WithMaxRetries(4))
		item, err = autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, io.Discard)
		require.ErrorIs(t, err, autotask.ErrServer, form)
		assert.Contains(t, err.Error(), "neither this route nor TicketAttachments/77", form)
		assert.NotNil(t, item, form)
		assert.Equal(t, 2, mock.GetTotalCallCount(), form)
	}
}

func TestDownload_MissingOnAnyTenant(t *testing.T) {
	t.Parallel()
	for _, form := range []autotasktest.AttachmentForm{autotasktest.AttachmentItem, autotasktest.AttachmentItems, autotasktest.AttachmentBare} {
		srv, client := tenant(t)
		srv.SetAttachmentShape(autotasktest.AttachmentShape{Form: form}, autotasktest.AttachmentShape{Form: form})
		_, err := autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, io.Discard)
		require.ErrorIs(t, err, autotask.ErrNotFound)
		assert.Len(t, srv.Requests(), 1)
	}
}

// nilFile is a reader and writer by a pointer, and panics without one.
type nilFile struct{ b bytes.Buffer }

func (f *nilFile) Read(p []byte) (int, error)  { return f.b.Read(p) }
func (f *nilFile) Write(p []byte) (int, error) { return f.b.Write(p) }

// An interface that holds a nil pointer is not nil, and panics when it is called.
func TestTypedNilIsRefused(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	for name, content := range map[string]io.Reader{
		"own type": (*nilFile)(nil), "buffer": (*bytes.Buffer)(nil), "reader": (*bytes.Reader)(nil), "strings": (*strings.Reader)(nil),
		"file": (*os.File)(nil), "func": readerFunc(nil), "limited": (*io.LimitedReader)(nil), "bufio": (*bufio.Reader)(nil),
	} {
		_, err := autotask.Upload(t.Context(), client, report(5), content)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		assert.Contains(t, err.Error(), "the content is a nil", name)
		_, _, err = autotask.EnsureAttachment(t.Context(), client, report(5), content, time.Now())
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
	}
	for name, w := range map[string]io.Writer{
		"own type": (*nilFile)(nil), "buffer": (*bytes.Buffer)(nil), "builder": (*strings.Builder)(nil), "file": (*os.File)(nil),
		"func": writerFunc(nil), "bufio": (*bufio.Writer)(nil),
	} {
		_, err := autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, w)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		assert.Contains(t, err.Error(), "the writer is nil", name)
	}
	assert.Zero(t, mock.GetTotalCallCount())
}

func TestDownload_PicksTheItemThatWasAskedFor(t *testing.T) {
	t.Parallel()
	client, _ := served(t, `{"items":[null,{"id":78,"data":"bm8="},`+withData+`]}`, "")
	var got bytes.Buffer
	_, err := autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, &got)
	require.NoError(t, err)
	assert.Equal(t, "hello, file", got.String())
}

func TestDownload_RefusedRoutesAreNotTakenForEmpty(t *testing.T) {
	t.Parallel()
	client, mock := served(t, `{"item":`+withoutData+`}`, "")
	mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/5/Attachments/77",
		httpmock.NewStringResponder(500, `{"errors":["You do not have adequate permissions."]}`))
	item, err := autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, io.Discard)
	require.ErrorIs(t, err, autotask.ErrPermission)
	assert.NotNil(t, item)
}

func TestDownload_Limits(t *testing.T) {
	t.Parallel()
	content := sized(7 << 20) // the most that any tenant takes
	body := `{"item":{"id":77,"data":"` + base64.StdEncoding.EncodeToString(content) + `"}}`
	client, _ := served(t, body, "")
	var got bytes.Buffer
	_, err := autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, &got)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, got.Bytes()))

	client, _ = served(t, body, "", autotask.WithMaxResponseBytes(int64(len(body))-1))
	got.Reset()
	_, err = autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, &got)
	require.ErrorIs(t, err, autotask.ErrServer)
	assert.Contains(t, err.Error(), "larger than the limit")
	assert.Zero(t, got.Len())
}

// writerFunc is a Write.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestDownload_FailingWriter(t *testing.T) {
	t.Parallel()
	client, mock := served(t, `{"item":`+withData+`}`, "")
	full := errors.New("the disk is full")
	for cause, w := range map[error]io.Writer{
		full:                writerFunc(func([]byte) (int, error) { return 3, full }),
		io.ErrShortWrite:    writerFunc(func([]byte) (int, error) { return 3, nil }),
		io.ErrClosedPipe:    writerFunc(func([]byte) (int, error) { return 0, io.ErrClosedPipe }),
		autotask.ErrInvalid: nil,
	} {
		_, err := autotask.Download[entity.TicketAttachment](t.Context(), client, attachment, w)
		require.ErrorIs(t, err, cause)
	}
	assert.Equal(t, 3, mock.GetTotalCallCount(), "without a writer nothing is sent")
	_, err := autotask.Download[entity.TicketAttachment](t.Context(), client, -1, io.Discard)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Equal(t, 3, mock.GetTotalCallCount())
}

func TestDownload_LostAnswersAreAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]autotasktest.Fault{
		"dropped":   {DropResponse: true},
		"truncated": {Truncate: true},
		"garbage":   {Garbage: true},
		"gateway":   {Status: http.StatusBadGateway},
	} {
		srv, client := tenant(t)
		id, err := autotask.Upload(t.Context(), client, report(srv.Seed("Tickets", nil)), strings.NewReader("hello, file"))
		require.NoError(t, err)
		srv.Inject(fault)
		var got bytes.Buffer
		_, err = autotask.Download[entity.TicketAttachment](t.Context(), client, id, &got)
		require.NoError(t, err, name)
		assert.Equal(t, "hello, file", got.String(), name)
	}
}

// bareAttachment is an attachment of a caller's own that lacks what it needs.
type bareAttachment struct {
	ID       int64                    `json:"id,omitzero"`
	TicketID autotask.Optional[int64] `json:"ticketID,omitzero"`
}

func (bareAttachment) Collection() string { return "TicketAttachments" }
func (bareAttachment) CanGet()            {}
func (bareAttachment) CanQuery()          {}
func (bareAttachment) CanCreate()         {}
func (bareAttachment) CanAttach()         {}
func (a bareAttachment) Parent() autotask.Parent {
	return autotask.Parent{Collection: "Tickets", ID: a.TicketID, Segment: "Attachments"}
}

func TestOwnAttachmentTypeWithoutTheFieldsIsRefused(t *testing.T) {
	t.Parallel()
	client, mock := served(t, `{"item":`+withData+`}`, "")
	_, err := autotask.Upload(t.Context(), client, &bareAttachment{TicketID: autotask.Int(5)}, strings.NewReader("x"))
	require.ErrorIs(t, err, autotask.ErrInvalid)
	_, err = autotask.Create(t.Context(), client, &bareAttachment{TicketID: autotask.Int(5)})
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Zero(t, mock.GetTotalCallCount())
	_, _, err = autotask.EnsureAttachment(t.Context(), client, &bareAttachment{TicketID: autotask.Int(5)}, strings.NewReader("x"), time.Now())
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Zero(t, mock.GetTotalCallCount())
	_, err = autotask.Download[bareAttachment](t.Context(), client, attachment, io.Discard)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	assert.Contains(t, err.Error(), "Data")
}

func ExampleUpload() {
	srv := autotasktest.Start()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()
	ticket := srv.Seed("Tickets", nil)

	id, err := autotask.Upload(ctx, client, &entity.TicketAttachment{
		TicketID: autotask.Int(ticket),
		Title:    autotask.Value("Backup log"),
		FullPath: autotask.Value("backup.log"),
		Publish:  autotask.Int(2), // a picklist of the tenant; here: internal
	}, strings.NewReader("02:14 done, no errors\n"))
	if err != nil {
		fmt.Println(err)
		return
	}

	var file strings.Builder
	attached, err := autotask.Download[entity.TicketAttachment](ctx, client, id, &file)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %s", attached.FullPath, file.String())
	// Output: backup.log: 02:14 done, no errors
}
