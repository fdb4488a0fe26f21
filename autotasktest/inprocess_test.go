package autotasktest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestInProcessAnswersAreThoseOfTheNetwork(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.at(noon)
	id := x.Seed("Tickets", nil)
	socket := x.http.Transport
	for _, r := range []struct{ method, path, body string }{
		{"GET", path("Tickets/%d", id), ""},
		{"GET", "Tickets/query?" + search(`{"MaxRecords":1,"filter":[{"op":"eq","field":"title","value":"a b&c"}]}`), ""},
		{"POST", "Tickets/query", `{"MaxRecords":1,"filter":[{"op":"exist","field":"id"}]}`},
		{"DELETE", "TimeEntries/1", ""},
		{"GET", "Nothing/Caf%C3%A9", ""},
		{"PATCH", "Tickets", "{}"},
	} {
		var got []opened
		var bodies []string
		for _, transport := range []http.RoundTripper{socket, x.Transport()} {
			x.http.Transport = transport
			resp := x.open(x.request(r.method, r.path, r.body))
			bodies = append(bodies, string(readAll(t, resp.Body)))
			got = append(got, resp)
		}
		assert.Equal(t, got[0].Status, got[1].Status)
		assert.Equal(t, got[0].Header, got[1].Header)
		assert.Equal(t, got[0].ContentLength, got[1].ContentLength)
		assert.Equal(t, got[0].Proto, got[1].Proto)
		assert.Equal(t, bodies[0], bodies[1])
		assert.Equal(t, r.method, got[1].Request.Method)

		asked := x.Requests()[len(x.Requests())-2:]
		for i := range asked {
			asked[i].Began, asked[i].Duration = time.Time{}, 0
		}
		assert.Equal(t, asked[0], asked[1])
	}
}

func TestInProcessTheBodyIsReadOnce(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	resp := x.open(x.request("GET", "Companies/0", ""))
	n, err := resp.Body.Read(nil)
	assert.Zero(t, n)
	require.NoError(t, err)
	first, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.NotEmpty(t, first)
	assert.Empty(t, readAll(t, resp.Body))
	require.NoError(t, resp.Body.Close())
	_, err = resp.Body.Read(make([]byte, 1))
	require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
}

func TestInProcessRequestsCountUntilTheirAnswersAreRead(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	var open []io.ReadCloser
	for range 3 {
		open = append(open, x.open(x.request("GET", "Companies/0", "")).Body)
	}
	assert.Equal(t, 429, x.get("Companies/0").status)
	assert.NotEmpty(t, readAll(t, open[0]))
	x.get("Companies/0").ok()
	x.get("Companies/0").ok()
	require.NoError(t, open[1].Close())
	require.NoError(t, open[2].Close())
	assert.Equal(t, 4, x.MaxInFlight("Companies"))
	x.ResetRequests()
	x.get("Companies/0").ok()
	assert.Equal(t, 1, x.MaxInFlight("Companies"))
}

func TestInProcessOnlyTheTenantIsReached(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	assert.Equal(t, "https://webservices.autotask.test/ATServicesRest/V1.0", x.BaseURL())
	for _, address := range []string{"https://example.com/ATServicesRest/V1.0/Companies/0", "http://webservices.autotask.test/"} {
		body := &brokenBody{}
		r := x.request("POST", address, "")
		r.Body = body
		_, err := x.send(r)
		var dns *net.DNSError
		require.ErrorAs(t, err, &dns)
		assert.True(t, dns.IsNotFound)
		assert.True(t, body.closed)
	}
	x.get("https://WebServices.Autotask.test/ATServicesRest/V1.0/Companies/0").ok()
	x.MoveZone()
	assert.Equal(t, "https://webservices2.autotask.test/ATServicesRest/V1.0", x.BaseURL())
	assert.Len(t, x.Requests(), 1)
}

func TestInProcessPlainRequests(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	r := x.request("GET", "Companies/0", "")
	r.Method, r.Body, r.Header = "", nil, nil
	resp := x.open(r)
	assert.Equal(t, 401, resp.StatusCode)
	assert.Equal(t, http.NoBody, resp.Body)
	assert.Equal(t, "GET Companies", x.Requests()[0].Op)

	r = x.request("GET", "Companies/0", "")
	r.URL.Opaque = "not a path"
	before := r.Header.Clone()
	_, err := x.send(r)
	require.ErrorContains(t, err, "invalid URI")
	x.get("Companies/0").ok()
	assert.Equal(t, before, r.Header, "a transport leaves the request as it was")
}

func TestInProcessErrorsOfTheConnection(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	x.Inject(autotasktest.Fault{DropRequest: true})
	_, err := x.send(x.request("GET", "Companies/0", ""))
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	assert.Equal(t, "read tcp webservices.autotask.test:443: read: connection reset by peer", op.Error())
	x.Inject(autotasktest.Fault{DropResponse: true})
	_, err = x.send(x.request("GET", "Companies/0", ""))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	x.Inject(autotasktest.Fault{Refuse: true})
	_, err = x.send(x.request("GET", "Companies/0", ""))
	require.ErrorAs(t, err, &op)
	assert.Equal(t, "dial tcp webservices.autotask.test:443: connect: connection refused", op.Error())
	assert.Equal(t, "tcp", op.Addr.Network())
}

var errCause = errors.New("changed our mind")

func TestInProcessTheContextEndsEverything(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	resp := x.open(x.request("GET", "Companies/0", "").WithContext(ctx))
	cancel(errCause)
	_, err := io.ReadAll(resp.Body)
	require.ErrorIs(t, err, errCause)
	require.NoError(t, resp.Body.Close())

	_, err = x.send(x.request("GET", "Companies/0", "").WithContext(ctx))
	require.ErrorIs(t, err, errCause)
	assert.Len(t, x.Requests(), 1)

	ctx, cancel = context.WithCancelCause(t.Context())
	id := x.Seed("Tickets", nil)
	x.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(map[string]any) { cancel(errCause) }})
	_, err = x.send(x.request("GET", path("Tickets/%d", id), "").WithContext(ctx))
	require.ErrorIs(t, err, errCause, "the answer comes too late")
	x.SetThreadLimit(1)
	x.get(path("Tickets/%d", id)).ok()
}

func TestInProcessIsTraced(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	var got []string
	note := func(what string) { got = append(got, what) }
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GetConn:              func(hostPort string) { note("want " + hostPort) },
		GotConn:              func(i httptrace.GotConnInfo) { note("got " + i.Conn.RemoteAddr().Network()) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { note("wrote") },
		GotFirstResponseByte: func() { note("answer") },
	})
	_, err := x.send(x.request("GET", "Companies/0", "").WithContext(ctx))
	require.NoError(t, err)
	assert.Equal(t, []string{"want webservices.autotask.test:443", "got pipe", "wrote", "answer"}, got)
	got = nil
	x.Inject(autotasktest.Fault{Refuse: true})
	_, err = x.send(x.request("GET", "Companies/0", "").WithContext(ctx))
	require.Error(t, err)
	assert.Equal(t, []string{"want webservices.autotask.test:443"}, got)
	got = nil
	_, err = x.send(x.request("GET", "http://example.com", "").WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{})))
	require.Error(t, err)
}

func TestATenantWithASocketServesInProcessToo(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", nil)
	ticket, err := x.InProcessClient().Tickets.Get(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, id, ticket.ID)
	x.Close()
	_, err = x.InProcessClient(autotask.WithMaxRetries(0)).Tickets.Get(t.Context(), id)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestDiscoveryInProcess(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	client, err := autotask.NewClient(x.Credentials(), autotask.WithZoneURL(x.ZoneURL()), autotask.WithHTTPClient(x.http))
	require.NoError(t, err)
	require.NoError(t, client.Ping(t.Context()))
	x.MoveZone()
	require.NoError(t, client.Ping(t.Context()))
}

// inBubble runs a test with a tenant that was made in a bubble. That it ends
// shows that nothing is left waiting.
func inBubble(t *testing.T, test func(t *testing.T, x *tenant)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newInProcessTenant(t)) })
}

// within is a context that ends soon.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestTheBubblesTimePasses(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, x *tenant) {
		id := x.Seed("Tickets", nil)
		began := time.Now()
		x.Inject(autotasktest.Fault{Delay: time.Hour})
		x.get(path("Tickets/%d", id)).ok()
		assert.Equal(t, time.Hour, time.Since(began))
		assert.Equal(t, time.Hour, x.Requests()[0].Duration)

		began = time.Now()
		x.Inject(autotasktest.Fault{Status: 503, Body: "busy", SlowBody: time.Minute})
		resp := x.open(x.request("GET", "Companies/0", ""))
		buffer := make([]byte, 100)
		n, err := resp.Body.Read(buffer)
		require.NoError(t, err)
		assert.Equal(t, "b", string(buffer[:n]))
		assert.Equal(t, time.Minute, time.Since(began))
		assert.Equal(t, "usy", string(readAll(t, resp.Body)))
		assert.Equal(t, 4*time.Minute, time.Since(began))
	})
}

func TestTheBubblesContextEndsEverything(t *testing.T) {
	t.Parallel()
	for _, fault := range []autotasktest.Fault{
		{Hang: true}, {Hang: true, DropResponse: true}, {Hang: true, Truncate: true}, {Hang: true, Refuse: true},
		{Delay: time.Hour}, {Delay: time.Hour, Refuse: true}, {SlowBody: time.Hour}, {SlowBody: time.Hour, Oversize: 1 << 40, GzipBomb: true},
	} {
		inBubble(t, func(t *testing.T, x *tenant) {
			x.Inject(fault)
			began := time.Now()
			_, err := x.send(x.request("GET", "Companies/0", "").WithContext(within(t, time.Minute)))
			require.ErrorIs(t, err, context.DeadlineExceeded, "%+v", fault)
			assert.Equal(t, time.Minute, time.Since(began))
			x.SetThreadLimit(1)
			x.get("Companies/0").ok()
		})
	}
}

func TestTheBubblesTenantEndsEverything(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, x *tenant) {
		x.SetThreadLimit(0)
		var wg sync.WaitGroup
		for range 5 {
			x.Inject(autotasktest.Fault{Hang: true})
			wg.Go(func() {
				_, err := x.send(x.request("GET", "Companies/0", ""))
				assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			})
		}
		synctest.Wait()
		assert.Len(t, x.Requests(), 5)
		x.Close()
		wg.Wait()
	})
}

func TestAClientInABubble(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, x *tenant) {
		id := x.Seed("Tickets", nil)
		x.Inject(autotasktest.Fault{Op: "GET Tickets", Skip: 1, Times: 2, Refuse: true})
		x.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", Hang: true, DropResponse: true})
		x.Inject(autotasktest.Fault{Op: "PUT Tickets", SlowBody: time.Hour})
		_, err := x.Client().Resolve(t.Context(), id, autotask.Resolution{
			Text:   "Done.",
			Note:   &autotask.TicketNote{Title: "Checked", Description: "No errors.", NoteType: 1, Publish: 2},
			Status: autotask.StatusComplete,
		})
		require.NoError(t, err)
		assert.Len(t, x.Rows("TicketNotes"), 1)
		assert.Zero(t, x.PendingFaults())
	})
}
