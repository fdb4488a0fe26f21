package autotasktest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestRefusedConnections(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Op: "POST Tickets", Refuse: true})
		x.get("Companies/0").ok()
		_, err := x.send(x.request("POST", "Tickets", newTicket("")))
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		var op *net.OpError
		require.ErrorAs(t, err, &op)
		assert.Equal(t, "dial", op.Op)
		assert.Len(t, x.Requests(), 1, "a refused request does not arrive")
		assert.Zero(t, x.PendingFaults())
		x.post("Tickets", newTicket("")).ok()

		x.Inject(autotasktest.Fault{Refuse: true, Delay: 20 * time.Millisecond})
		began := time.Now()
		_, err = x.send(x.request("GET", "Companies/0", ""))
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		assert.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)

		x.Inject(autotasktest.Fault{Refuse: true, Hang: true})
		x.giveUp("GET", "Companies/0", "", x.struck)
		assert.Len(t, x.Requests(), 2)

		x.Inject(autotasktest.Fault{Refuse: true})
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = x.send(x.request("GET", "Companies/0", "").WithContext(gone))
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, x.PendingFaults(), "it never came to connecting")
	})
}

// A client whose transport cannot refuse loses its connection instead.
func TestRefuseWithoutTheTransport(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	x.http.Transport = transport
	x.Inject(autotasktest.Fault{Refuse: true})
	x.lost("POST", "Tickets", newTicket(""))
	assert.Empty(t, x.Rows("Tickets"))
}

func TestTheClientMeetsRefusal(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		id := x.Seed("Tickets", nil)
		x.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", Refuse: true})
		note := &autotask.TicketNote{Title: "Checked", Description: "No errors.", NoteType: 1, Publish: 2}
		_, err := x.Client(autotask.WithMaxRetries(0)).Notes.Create(t.Context(), id, note)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.NotErrorIs(t, err, autotask.ErrOutcomeUnknown)
		_, err = x.Client().Notes.Create(t.Context(), id, note)
		require.NoError(t, err)
	})
}

func TestHanging(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Hang: true})
		x.giveUp("POST", "Tickets", newTicket(""), x.struck)
		assert.Empty(t, x.Rows("Tickets"))
		x.Inject(autotasktest.Fault{Hang: true, DropResponse: true})
		x.giveUp("POST", "Tickets", newTicket(""), func() bool { return len(x.Rows("Tickets")) == 1 })

		x.Inject(autotasktest.Fault{Hang: true, Truncate: true})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		resp := x.open(x.request("GET", "Companies/0", "").WithContext(ctx))
		half := (len(x.Raw("Companies", 0)) + len(`{"item":}`)) / 2
		_, err := io.ReadFull(resp.Body, make([]byte, half))
		require.NoError(t, err)
		cancel()
		rest, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, rest)
		require.Eventually(t, func() bool { return x.get("Companies/0").status == 200 }, time.Minute, time.Millisecond)
	})
}

func TestCloseEndsAHang(t *testing.T) {
	t.Parallel()
	for _, fault := range []autotasktest.Fault{{Hang: true}, {Hang: true, DropResponse: true}, {Hang: true, Truncate: true}, {SlowBody: time.Hour}} {
		bothWays(t, func(t *testing.T, x *tenant) {
			x.Inject(fault)
			ended := make(chan error)
			r := x.request("GET", "Companies/0", "")
			go func() {
				_, err := x.send(r)
				ended <- err
			}()
			require.Eventually(t, func() bool { return len(x.Requests()) == 1 }, time.Minute, time.Millisecond)
			x.Close()
			require.Error(t, <-ended)
			_, err := x.send(x.request("GET", "Companies/0", ""))
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		})
	}
}

func TestDrip(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Status: 500, Body: "slowly", SlowBody: 2 * time.Millisecond})
		began := time.Now()
		resp := x.open(x.request("GET", "Companies/0", ""))
		assert.EqualValues(t, len("slowly"), resp.ContentLength)
		assert.Equal(t, "slowly", string(readAll(t, resp.Body)))
		assert.GreaterOrEqual(t, time.Since(began), 12*time.Millisecond)
	})
}

func TestDripEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.SetThreadLimit(1)
		x.Inject(autotasktest.Fault{SlowBody: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		resp := x.open(x.request("GET", "Companies/0", "").WithContext(ctx)) // the headers do not wait
		cancel()
		body, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, body)
		require.Eventually(t, func() bool { return x.get("Companies/0").status == 200 }, time.Minute, time.Millisecond)

		x.Inject(autotasktest.Fault{SlowBody: time.Hour})
		resp = x.open(x.request("GET", "Companies/0", ""))
		assert.Equal(t, 429, x.get("Companies/0").status, "an answer on its way counts")
		read := make(chan error)
		go func() {
			_, err := resp.Body.Read(make([]byte, 1))
			read <- err
		}()
		require.NoError(t, resp.Body.Close())
		require.Error(t, <-read)
	})
}

func TestOversize(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Op: "POST Tickets", Oversize: 100_000})
		a := x.post("Tickets", newTicket("")).ok()
		assert.Len(t, a.body, 100_000)
		assert.Contains(t, a.json(), "itemId")
		assert.NotContains(t, a.header, "Content-Length")
		assert.Len(t, x.Rows("Tickets"), 1)

		for _, body := range []string{"{}", "", "busy"} {
			x.Inject(autotasktest.Fault{Status: 503, Body: body, Oversize: 20})
			a = x.get("Companies/0")
			assert.Len(t, a.body, 20)
			assert.Equal(t, body == "{}", json.Valid([]byte(a.body)), a.body)
		}
		x.Inject(autotasktest.Fault{Oversize: 5})
		assert.Equal(t, `{"ite`, x.get("Companies/0").body)

		x.Inject(autotasktest.Fault{Oversize: 100_000, Truncate: true})
		a, err := x.send(x.request("GET", "Companies/0", ""))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Len(t, a.body, 50_000)
	})
}

func TestOversizeIsMadeAsItIsRead(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		for _, bomb := range []bool{false, true} {
			x.Inject(autotasktest.Fault{Oversize: 1 << 40, GzipBomb: bomb})
			resp := x.open(x.request("GET", "Companies/0", ""))
			assert.EqualValues(t, -1, resp.ContentLength)
			_, err := io.CopyN(io.Discard, resp.Body, 4<<20)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
		}
	})
}

func TestGzipBomb(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		const size = 10 << 20
		get := func(accept string) opened {
			x.Inject(autotasktest.Fault{Oversize: size, GzipBomb: true})
			r := x.request("GET", "Companies/0", "")
			if accept != "" {
				r.Header.Set("Accept-Encoding", accept)
			}
			return x.open(r)
		}
		resp := get("")
		assert.True(t, resp.Uncompressed)
		assert.NotContains(t, resp.Header, "Content-Encoding")
		body := readAll(t, resp.Body)
		assert.Len(t, body, size)
		assert.True(t, json.Valid(body))

		resp = get("gzip")
		assert.Equal(t, "gzip", resp.Header.Get("Content-Encoding"))
		packed := readAll(t, resp.Body)
		assert.Less(t, len(packed), size/50)
		unpacked, err := gzip.NewReader(bytes.NewReader(packed))
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, unpacked) //nolint:gosec // a bomb of known size
		require.NoError(t, err)
		assert.EqualValues(t, size, n)

		assert.Len(t, readAll(t, get("identity").Body), size)

		x.Inject(autotasktest.Fault{Oversize: size, GzipBomb: true, Truncate: true})
		a, err := x.send(x.request("GET", "Companies/0", ""))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.NotEmpty(t, a.body)
		x.Inject(autotasktest.Fault{Oversize: size, GzipBomb: true, SlowBody: time.Hour})
		x.giveUp("GET", "Companies/0", "", x.struck)
	})
}

func TestTheClientIsNotFlooded(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		client := x.Client(autotask.WithMaxResponseBytes(1<<20), autotask.WithMaxRetries(0))
		id := x.Seed("Tickets", nil)
		for _, bomb := range []bool{false, true} {
			x.Inject(autotasktest.Fault{Op: "GET Tickets", Oversize: 1 << 40, GzipBomb: bomb})
			_, err := client.Tickets.Get(t.Context(), id)
			require.ErrorContains(t, err, "larger than the limit")
		}
	})
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Redirect: "https://example.com/elsewhere", Header: http.Header{"x-cause": {"move"}}})
		a := x.post("Tickets", newTicket(""))
		assert.Equal(t, 307, a.status)
		assert.Equal(t, "https://example.com/elsewhere", a.header.Get("Location"))
		assert.Equal(t, "move", a.header.Get("X-Cause"))
		assert.Empty(t, a.body)
		assert.Empty(t, x.Rows("Tickets"))
	})
}

func TestAnswersThatHaveNoBody(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Status: 204, Body: "ignored"})
		a := x.get("Companies/0")
		assert.Equal(t, 204, a.status)
		assert.Empty(t, a.body)
		assert.NotContains(t, a.header, "Content-Length")
		x.Inject(autotasktest.Fault{Status: 200, Body: "ignored"})
		assert.Empty(t, x.do("HEAD", "Companies/0", "").body)
		x.get("Companies/0").ok()
	})
}

func TestAFaultMayTellTheTime(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Status: 503, Header: http.Header{"Date": {"Mon, 23 Nov 2026 12:00:00 GMT"}}})
		assert.Equal(t, []string{"Mon, 23 Nov 2026 12:00:00 GMT"}, x.get("Companies/0").header["Date"])
	})
}

// brokenBody is a request body that cannot be read to its end.
type brokenBody struct{ closed bool }

var errBody = errors.New("out of paper")

func (b *brokenBody) Read([]byte) (int, error) { return 0, errBody }
func (b *brokenBody) Close() error             { b.closed = true; return nil }

func TestBrokenRequestsAreNotCarriedOut(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.Inject(autotasktest.Fault{Status: 503})
		r := x.request("POST", "Tickets", "")
		body := &brokenBody{}
		r.Body, r.ContentLength = body, 10
		_, err := x.send(r)
		require.ErrorIs(t, err, errBody)
		assert.True(t, body.closed)
		assert.Empty(t, x.Rows("Tickets"))
		assert.Equal(t, 1, x.PendingFaults())
	})
}
