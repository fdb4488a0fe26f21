package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
	"github.com/autotask-go/autotask/webhook"
)

func TestErrorLog(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	client := srv.Client()
	since := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	entry := func(at time.Time, payload string) int64 {
		return srv.Seed("WebhookEventErrorLogs", map[string]any{
			"createDateTime": at.Format(time.RFC3339), "errorMessage": "503 Service Unavailable", "payload": payload, "sequenceNumber": 17,
		})
	}
	entry(since.Add(-time.Second), update)
	first := entry(since, update)
	second := entry(since.Add(time.Hour), update[:40]) // cut short
	srv.Seed("WebhookEventErrorLogs", map[string]any{"createDateTime": nil, "errorMessage": nil, "payload": nil, "sequenceNumber": nil})

	var calls []*webhook.FailedCall
	for call, err := range webhook.ErrorLog(t.Context(), client, since) {
		require.NoError(t, err)
		calls = append(calls, call)
	}
	require.Len(t, calls, 2)
	assert.Equal(t, &webhook.FailedCall{ID: first, At: since, Message: "503 Service Unavailable", SequenceNumber: 17, Payload: []byte(update)}, calls[0])
	e, err := calls[0].Event()
	require.NoError(t, err)
	assert.Equal(t, parse(t, update), e)
	assert.Equal(t, second, calls[1].ID)
	_, err = calls[1].Event()
	require.ErrorIs(t, err, autotask.ErrInvalid)
	require.ErrorContains(t, err, fmt.Sprintf("entry %d of the error log", second))

	n := 0
	for call, err := range webhook.ErrorLog(t.Context(), client, time.Time{}) {
		require.NoError(t, err)
		if n++; n == 4 {
			assert.Zero(t, call.At)
			_, err := call.Event()
			require.ErrorIs(t, err, autotask.ErrInvalid)
		}
	}
	assert.Equal(t, 4, n, "all that there are")

	for _, err := range webhook.ErrorLog(t.Context(), client, time.Time{}) {
		require.NoError(t, err)
		break // the rest is not asked for
	}
	require.NoError(t, autotask.Delete[entity.WebhookEventErrorLog](t.Context(), client, first))
	assert.Len(t, srv.Rows("WebhookEventErrorLogs"), 3)
}

func TestErrorLogFails(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	srv.Inject(autotasktest.Fault{Op: "POST WebhookEventErrorLogs/query", Status: 500, Body: `{"errors":["You do not have adequate permissions."]}`})
	n := 0
	for call, err := range webhook.ErrorLog(t.Context(), srv.Client(), time.Now()) {
		n++
		assert.Nil(t, call)
		require.ErrorIs(t, err, autotask.ErrPermission)
	}
	assert.Equal(t, 1, n)
}

func TestSign(t *testing.T) {
	t.Parallel()
	assert.Equal(t, updateSignature, webhook.Sign(secret, []byte(update)))
	assert.Equal(t, sign("", ""), webhook.Sign("", nil))
	// Computed with openssl dgst -sha1 -hmac key -binary | base64.
	assert.Equal(t, "sha1=cLv2gZ0QN6qUyn5/U3y+ol/kkoM=", webhook.Sign("key", []byte("body")))
	h, l := newHandler(t)
	assert.Equal(t, http.StatusOK, serve(h, call(t, update, webhook.Sign(secret, []byte(update)))).Code)
	assert.Equal(t, http.StatusUnauthorized, serve(h, call(t, update, webhook.Sign("another", []byte(update)))).Code)
	assert.Len(t, l.events, 1)
}

func ExampleSign() {
	h, err := webhook.NewHandler("the key of a test", func(_ context.Context, e *webhook.Event) error {
		fmt.Println(e.Action, e.Entity, e.ID)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := `{"Action":"Update","EntityType":"Account","Id":175}`
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/autotask", strings.NewReader(body))
	r.Header.Set(webhook.SignatureHeader, webhook.Sign("the key of a test", []byte(body)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// Update Company 175
	// 200
}
