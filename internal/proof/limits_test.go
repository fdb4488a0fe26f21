package proof_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
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

func TestLimits_200GoroutinesKeepToThreeAnEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.SetLatency(50 * time.Millisecond)
		ticket := srv.Seed("Tickets", nil)
		entry := srv.Seed("TimeEntries", map[string]any{"ticketID": ticket})
		client := srv.InProcessClient(autotask.WithMaxRetries(0))
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				var err error
				if i%2 == 0 {
					_, err = client.Tickets.Get(t.Context(), ticket)
				} else {
					_, err = client.TimeEntries.Get(t.Context(), entry)
				}
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		assert.Equal(t, 3, srv.MaxInFlight("Tickets"))
		assert.Equal(t, 3, srv.MaxInFlight("TimeEntries"))
		// 100 requests by threes, both endpoints at once: six at a time in all.
		assert.Equal(t, 34*50*time.Millisecond, time.Since(began))
	})
}

func TestLimits_ABadServerEndsInAClearError(t *testing.T) { //nolint:paralleltest // it measures memory
	var foreign atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { foreign.Add(1) }))
	t.Cleanup(other.Close)
	for name, test := range map[string]struct {
		fault autotasktest.Fault
		says  string
	}{
		"never answers":   {autotasktest.Fault{Hang: true}, "no complete answer within"},
		"a byte a second": {autotasktest.Fault{SlowBody: time.Second}, "no complete answer within"},
		"1 GB":            {autotasktest.Fault{Oversize: 1 << 30}, "larger than the limit"},
		"compressed bomb": {autotasktest.Fault{Oversize: 1 << 30, GzipBomb: true}, "larger than the limit"},
		"redirect":        {autotasktest.Fault{Redirect: other.URL + "/x"}, "redirect"},
	} {
		srv := autotasktest.NewServer(t)
		id := srv.Seed("Tickets", nil)
		test.fault.Times = -1
		srv.Inject(test.fault)
		client := srv.Client(autotask.WithMaxRetries(0), autotask.WithHTTPClient(&http.Client{
			Transport: srv.Wrap(http.DefaultTransport.(*http.Transport).Clone()), Timeout: 10 * time.Second,
		}))
		if test.fault.Hang || test.fault.SlowBody > 0 {
			client = srv.Client(autotask.WithMaxRetries(0), autotask.WithHTTPClient(&http.Client{Timeout: 300 * time.Millisecond}))
		}
		peak := watchHeap()
		began := time.Now()
		_, err := client.Tickets.Get(t.Context(), id)
		grown := peak()
		require.ErrorIs(t, err, autotask.ErrServer, name)
		assert.Contains(t, err.Error(), test.says, name)
		assert.Less(t, time.Since(began), 15*time.Second, name)
		assert.Less(t, grown, uint64(64<<20), "%s: heap over the start", name)

		_, err = client.Notes.Create(t.Context(), id, kit.Note())
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown, name)
		srv.Close()
	}
	assert.Zero(t, foreign.Load(), "the other host has seen a request")
}

// watchHeap samples the heap until the returned func is called, which returns
// by how much it has grown at most.
func watchHeap() func() uint64 {
	runtime.GC()
	var start runtime.MemStats
	runtime.ReadMemStats(&start)
	most := start.HeapAlloc
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-stopped
		return most - start.HeapAlloc
	}
}

func TestLimits_CancellingEndsEveryWait(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*autotasktest.Server){
		"for an answer":   func(srv *autotasktest.Server) { srv.Inject(autotasktest.Fault{Hang: true, Times: -1}) },
		"for a body":      func(srv *autotasktest.Server) { srv.Inject(autotasktest.Fault{SlowBody: time.Minute, Times: -1}) },
		"before a repeat": func(srv *autotasktest.Server) { srv.Inject(autotasktest.Fault{Status: 503, Times: -1}) },
		"as the server asked": func(srv *autotasktest.Server) {
			srv.Inject(autotasktest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}, Times: -1})
		},
		"for a connection": func(srv *autotasktest.Server) { srv.Inject(autotasktest.Fault{Refuse: true, Hang: true, Times: -1}) },
		"at the gate":      func(srv *autotasktest.Server) { srv.SetLatency(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
				srv := autotasktest.NewInProcess(t)
				id := srv.Seed("Tickets", map[string]any{"status": 1})
				client := srv.InProcessClient()
				prepare(srv)
				ctx, cancel := context.WithCancel(t.Context())
				const runs = 8
				ended := make(chan error, runs)
				for range runs {
					go func() {
						_, err := client.Resolve(ctx, id, autotask.Resolution{Text: "done", Note: kit.Note(), Status: 5})
						ended <- err
					}()
				}
				time.Sleep(200 * time.Millisecond) //nolint:forbidigo // virtual time
				cancel()
				cancelled := time.Now()
				for range runs {
					require.ErrorIs(t, <-ended, context.Canceled)
				}
				assert.LessOrEqual(t, time.Since(cancelled), 10*time.Millisecond)
			})
		})
	}
}

// blocked is a limiter that has no place for anybody.
type blocked struct{}

// Acquire implements autotask.Limiter.
func (blocked) Acquire(ctx context.Context, _ string) (release func(), held context.Context, err error) {
	<-ctx.Done()
	return nil, nil, ctx.Err()
}

func TestLimits_CancellingEndsTheWaitsOfOneCall(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults  []autotasktest.Fault
		options []autotask.Option
		do      func(context.Context, *autotask.Client, int64) error
		waits   []string // what was asked for when the wait begins
		ends    error    // what matters more than the end of the context: a write was sent
	}{
		"for the turn of another call on the ticket": {
			do: func(ctx context.Context, c *autotask.Client, id int64) error {
				_, err := c.Tickets.Update(context.WithoutCancel(ctx), id, func(*autotask.Ticket) error {
					_, err := c.Tickets.Update(ctx, id, kit.Retitle) // a mistake: it waits for the call that it is made from
					return err
				})
				return err
			},
			waits: []string{"GET Tickets"},
			ends:  context.Canceled,
		},
		"for the search after a lost create": {
			faults: []autotasktest.Fault{
				{Op: "POST Tickets/Notes", DropResponse: true},
				{Op: "POST TicketNotes/query", Hang: true, Times: -1},
			},
			do: func(ctx context.Context, c *autotask.Client, id int64) error {
				_, err := c.Notes.Create(ctx, id, kit.Note())
				return err
			},
			waits: []string{"POST Tickets/Notes", "POST TicketNotes/query"},
			ends:  autotask.ErrOutcomeUnknown,
		},
		"for a place of the limiter": {
			options: []autotask.Option{autotask.WithLimiter(blocked{})},
			do: func(ctx context.Context, c *autotask.Client, id int64) error {
				_, err := c.Notes.Create(ctx, id, kit.Note())
				return err
			},
			ends: context.Canceled,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
				srv := autotasktest.NewInProcess(t)
				id := srv.Seed("Tickets", nil)
				srv.Seed("TimeEntries", map[string]any{"id": id + 1, "ticketID": id})
				for _, f := range test.faults {
					srv.Inject(f)
				}
				client := srv.InProcessClient(test.options...)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- test.do(ctx, client, id) }()
				synctest.Wait() // until it waits for nothing but time, or the context
				require.Empty(t, ended)
				require.Equal(t, test.waits, kit.Ops(srv))
				cancel()
				cancelled := time.Now()
				err := <-ended
				assert.Zero(t, time.Since(cancelled))
				require.ErrorIs(t, err, test.ends)
				require.ErrorIs(t, err, context.Canceled)
				assert.Equal(t, test.waits, kit.Ops(srv), "nothing is sent any more")
			})
		})
	}
}
