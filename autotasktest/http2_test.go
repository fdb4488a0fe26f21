package autotasktest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func newHTTP2Tenant(t *testing.T) *tenant {
	t.Helper()
	srv := autotasktest.NewHTTP2(t)
	return &tenant{Server: srv, t: t, http: srv.HTTPClient()}
}

func (x *tenant) posted(op string) (n int) {
	for _, r := range x.Requests() {
		if r.Op == op {
			n++
		}
	}
	return n
}

func TestTheLibraryOverHTTP2(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewHTTP2(t)
	ticket, err := srv.Client().Tickets.Get(t.Context(), srv.Seed("Tickets", map[string]any{"title": "Backup failed"}))
	require.NoError(t, err)
	assert.Equal(t, "Backup failed", ticket.Title)

	srv.MoveZone()
	require.NoError(t, srv.Client().Ping(t.Context()))
}

func TestHTTPClientReachesEveryTenant(t *testing.T) {
	t.Parallel()
	for name, srv := range map[string]*autotasktest.Server{
		"HTTP/1.1":   autotasktest.NewServer(t),
		"HTTP/2.0":   autotasktest.NewHTTP2(t),
		"in process": autotasktest.NewInProcess(t),
	} {
		x := &tenant{Server: srv, t: t, http: srv.HTTPClient()}
		resp := x.open(x.request("GET", "Companies/0", ""))
		assert.Equal(t, http.StatusOK, resp.StatusCode, name)
		if name != "in process" {
			assert.Equal(t, name, resp.Proto)
		}
		srv.Inject(autotasktest.Fault{Refuse: true})
		_, err := x.send(x.request("GET", "Companies/0", ""))
		require.ErrorContains(t, err, "connection refused", name)
	}
}

// net/http sends a request again by itself whose stream was reset with some
// codes, though the server has read it whole and carried it out.
func TestResetStreams(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault        autotasktest.Fault
		posts, notes int
		err          string
	}{
		{autotasktest.Fault{ResetStream: autotasktest.ResetProtocolError}, 2, 2, ""},
		{autotasktest.Fault{ResetStream: autotasktest.ResetProtocolError, DropRequest: true}, 2, 1, ""},
		{autotasktest.Fault{ResetStream: autotasktest.ResetRefusedStream}, 2, 2, ""},
		{autotasktest.Fault{ResetStream: autotasktest.ResetRefusedStream, DropRequest: true}, 2, 1, ""},
		{autotasktest.Fault{ResetStream: autotasktest.ResetInternalError}, 1, 1, "INTERNAL_ERROR"},
		{autotasktest.Fault{ResetStream: autotasktest.ResetCancel}, 1, 1, "CANCEL"},
		{autotasktest.Fault{ResetStream: autotasktest.ResetEnhanceYourCalm, DropRequest: true}, 1, 0, "ENHANCE_YOUR_CALM"},
		{autotasktest.Fault{ResetStream: autotasktest.ResetProtocolError, ApplyAfter: 1}, 2, 2, ""},
		{autotasktest.Fault{DropResponse: true}, 1, 1, "unexpected EOF"},
		{autotasktest.Fault{Truncate: true}, 1, 1, ""},
	} {
		x := newHTTP2Tenant(t)
		id := x.Seed("Tickets", nil)
		x.get("Companies/0").ok() // the connection has been used before
		c.fault.Op = "POST Tickets/Notes"
		x.Inject(c.fault)
		r := x.request("POST", path("Tickets/%d/Notes", id), noteBody)
		require.NotNil(t, r.GetBody)
		_, err := x.send(r)
		switch {
		case c.err != "":
			require.ErrorContains(t, err, c.err)
		case c.fault.Truncate:
			require.Error(t, err)
		default:
			require.NoError(t, err)
		}
		assert.Equal(t, c.posts, x.posted("POST Tickets/Notes"), "%+v", c.fault)
		assert.Len(t, x.Rows("TicketNotes"), c.notes, "%+v", c.fault)
		x.get("Companies/0").ok()
	}
}

// Requests share a connection; each reset hits the stream that it is meant for.
func TestResetsOfManyStreamsAtOnce(t *testing.T) {
	t.Parallel()
	x := newHTTP2Tenant(t)
	x.SetThreadLimit(0)
	x.get("Companies/0").ok()
	codes := []autotasktest.StreamReset{autotasktest.ResetInternalError, autotasktest.ResetCancel, autotasktest.ResetEnhanceYourCalm}
	paths := []string{"Tickets/1", "Companies/1", "Contacts/1"}
	for i, code := range codes {
		x.Inject(autotasktest.Fault{Op: "GET " + paths[i][:len(paths[i])-2], Times: -1, ResetStream: code})
	}
	ended := make(chan error)
	const each = 20
	for i, code := range codes {
		for range each {
			go func() {
				_, err := x.send(x.request("GET", paths[i], ""))
				if err != nil && !assert.ErrorContains(t, err, code.String()) {
					err = nil
				}
				ended <- err
			}()
		}
	}
	for range each * len(codes) {
		require.Error(t, <-ended)
	}
}

func TestResetStreamInProcess(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	id := x.Seed("Tickets", nil)
	x.Inject(autotasktest.Fault{ResetStream: autotasktest.ResetProtocolError})
	_, err := x.send(x.request("POST", path("Tickets/%d/Notes", id), noteBody))
	require.ErrorContains(t, err, "stream error: stream ID 1; PROTOCOL_ERROR; received from peer")
	assert.Len(t, x.Rows("TicketNotes"), 1)
	x.Inject(autotasktest.Fault{ResetStream: 0xd, DropRequest: true})
	_, err = x.send(x.request("POST", path("Tickets/%d/Notes", id), noteBody))
	require.ErrorContains(t, err, "code 0xd")
	assert.Len(t, x.Rows("TicketNotes"), 1)
}

func TestTheLibraryMeetsAReset(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewHTTP2(t)
	id := srv.Seed("Tickets", nil)
	client := srv.Client()
	require.NoError(t, client.Ping(t.Context()))
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", ResetStream: autotasktest.ResetInternalError})
	_, err := client.Notes.Create(t.Context(), id, &autotask.TicketNote{Title: "Checked", Description: "No errors.", NoteType: 1, Publish: 2})
	require.NoError(t, err)
	assert.Len(t, srv.Rows("TicketNotes"), 1)
}
