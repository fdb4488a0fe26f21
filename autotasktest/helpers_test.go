package autotasktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// tenant is a server with a plain HTTP client: nothing of the library under
// the rules that are tested here.
type tenant struct {
	*autotasktest.Server
	t    *testing.T
	http *http.Client
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	srv := autotasktest.NewServer(t)
	return tenantOf(t, srv, srv.Wrap(transport))
}

func newInProcessTenant(t *testing.T) *tenant {
	t.Helper()
	srv := autotasktest.NewInProcess(t)
	return tenantOf(t, srv, srv.Transport())
}

func tenantOf(t *testing.T, srv *autotasktest.Server, transport http.RoundTripper) *tenant {
	return &tenant{Server: srv, t: t, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// bothWays runs a test over a socket and in process.
func bothWays(t *testing.T, test func(t *testing.T, x *tenant)) {
	t.Helper()
	t.Run("socket", func(t *testing.T) {
		t.Parallel()
		test(t, newTenant(t))
	})
	t.Run("in process", func(t *testing.T) {
		t.Parallel()
		test(t, newInProcessTenant(t))
	})
}

// answer is a response, read to its end.
type answer struct {
	t      *testing.T
	op     string // what was asked, for messages
	status int
	header http.Header
	body   string
}

// request makes a signed request for a path below the base URL, or a whole URL.
func (x *tenant) request(method, path, body string) *http.Request {
	x.t.Helper()
	if !strings.Contains(path, "://") {
		path = x.BaseURL() + "/" + path
	}
	return signed(x.t, x.Server, method, path, body)
}

// signed makes a request with the tenant's credentials.
func signed(t testing.TB, srv *autotasktest.Server, method, address, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	creds := srv.Credentials()
	r.Header.Set("UserName", creds.UserName)
	r.Header.Set("Secret", creds.Secret)
	r.Header.Set("ApiIntegrationCode", creds.IntegrationCode)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func (x *tenant) send(r *http.Request) (answer, error) {
	resp, err := x.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{x.t, r.Method + " " + r.URL.Path, resp.StatusCode, resp.Header, string(body)}, err
}

// opened is an answer whose body is still to be read. It is closed with the
// test, if not before.
type opened struct{ *http.Response }

func (x *tenant) open(r *http.Request) opened {
	x.t.Helper()
	resp, err := x.http.Do(r)
	require.NoError(x.t, err)
	x.t.Cleanup(func() { _ = resp.Body.Close() })
	return opened{resp}
}

// readAll reads the rest of a body.
func readAll(t *testing.T, body io.ReadCloser) []byte {
	t.Helper()
	defer body.Close()
	all, err := io.ReadAll(body)
	require.NoError(t, err)
	return all
}

// giveUp sends a request, and cancels it once something holds.
func (x *tenant) giveUp(method, path, body string, once func() bool) {
	x.t.Helper()
	ctx, cancel := context.WithCancel(x.t.Context())
	defer cancel()
	r := x.request(method, path, body).WithContext(ctx)
	ended := make(chan error)
	go func() {
		_, err := x.send(r)
		ended <- err
	}()
	require.Eventually(x.t, once, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(x.t, <-ended, context.Canceled)
}

// struck reports whether all faults have happened.
func (x *tenant) struck() bool { return x.PendingFaults() == 0 }

func (x *tenant) do(method, path, body string) answer {
	x.t.Helper()
	a, err := x.send(x.request(method, path, body))
	require.NoError(x.t, err)
	return a
}

func (x *tenant) get(path string) answer { x.t.Helper(); return x.do(http.MethodGet, path, "") }

func (x *tenant) post(path, body string) answer {
	x.t.Helper()
	return x.do(http.MethodPost, path, body)
}

// item reads one item as the API serves it.
func (x *tenant) item(path string) map[string]any {
	x.t.Helper()
	a := x.get(path).ok()
	item, _ := a.json()["item"].(map[string]any)
	return item
}

// query returns the ids that a filter finds.
func (x *tenant) query(collection, filter string) []int64 {
	x.t.Helper()
	return x.post(collection+"/query", `{"filter":`+filter+`}`).ok().ids()
}

// ticket reads a ticket, changes it, and returns it as a body for a PUT.
func (x *tenant) ticket(id int64, change func(map[string]any)) string {
	x.t.Helper()
	item := x.item(fmt.Sprint("Tickets/", id))
	require.NotNil(x.t, item)
	if change != nil {
		change(item)
	}
	return text(item)
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (a answer) ok() answer {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.status, "%s: %s", a.op, a.body)
	require.Equal(a.t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	return a
}

// refused checks that Autotask itself refused, with a message of that text.
func (a answer) refused(text string) {
	a.t.Helper()
	require.Equal(a.t, http.StatusInternalServerError, a.status, "%s: %s", a.op, a.body)
	require.Equal(a.t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	errors, _ := a.json()["errors"].([]any)
	require.Len(a.t, errors, 1, a.body)
	assert.Contains(a.t, errors[0], text)
}

func (a answer) notFound() {
	a.t.Helper()
	assert.Equal(a.t, http.StatusNotFound, a.status, "%s: %s", a.op, a.body)
	assert.Contains(a.t, a.header.Get("Content-Type"), "text/html")
	assert.Contains(a.t, a.body, "<html>")
}

func (a answer) notAllowed(method string) {
	a.t.Helper()
	assert.Equal(a.t, http.StatusMethodNotAllowed, a.status, "%s: %s", a.op, a.body)
	assert.JSONEq(a.t, `{"Message":"The requested resource does not support http method '`+method+`'."}`, a.body)
}

func (a answer) json() map[string]any {
	a.t.Helper()
	d := json.NewDecoder(bytes.NewBufferString(a.body))
	d.UseNumber()
	var m map[string]any
	require.NoError(a.t, d.Decode(&m), a.body)
	return m
}

// itemID is the id that a write answers.
func (a answer) itemID() int64 {
	a.t.Helper()
	m := a.ok().json()
	require.Len(a.t, m, 1)
	return toID(a.t, m["itemId"])
}

func (a answer) items() []map[string]any {
	a.t.Helper()
	var items []map[string]any
	for _, item := range a.json()["items"].([]any) {
		items = append(items, item.(map[string]any))
	}
	return items
}

func (a answer) ids() []int64 {
	a.t.Helper()
	var ids []int64
	for _, item := range a.items() {
		ids = append(ids, toID(a.t, item["id"]))
	}
	return ids
}

func (a answer) pageDetails() map[string]any {
	a.t.Helper()
	return a.json()["pageDetails"].(map[string]any)
}

func toID(t *testing.T, v any) int64 {
	t.Helper()
	n, ok := v.(json.Number)
	require.True(t, ok, "%T", v)
	id, err := n.Int64()
	require.NoError(t, err)
	return id
}

// timeOn is a time entry on a ticket, with other members than most have.
func timeOn(ticket int64, member string) string {
	body := map[string]any{
		"ticketID": ticket, "resourceID": autotasktest.TechnicianID, "roleID": autotasktest.TechnicianRoleID,
		"dateWorked": "2026-11-23", "hoursWorked": 0.5, "summaryNotes": "Looked into it",
	}
	if member != "" {
		var change map[string]any
		if err := json.Unmarshal([]byte("{"+member+"}"), &change); err != nil {
			panic(err)
		}
		maps.Copy(body, change)
	}
	return text(body)
}

func path(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func search(query string) string { return url.Values{"search": {query}}.Encode() }

// noon is a moment with a fraction that ends in a zero.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 120_000_000, time.UTC)

func (x *tenant) at(t time.Time) { x.SetClock(func() time.Time { return t }) }

// cancelled is a context that has ended.
func cancelled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
