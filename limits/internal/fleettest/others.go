//go:build unix

package fleettest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

const hourCalls = 4 // at a time, in each process

// beHour makes requests until they are refused.
func beHour(ctx context.Context, p self) error {
	client, err := p.client(autotask.WithBudget(p.shared), autotask.WithHourlyReserve(0.2), autotask.WithMaxRetries(0))
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for range hourCalls {
		all.Go(func() {
			for {
				_, err := client.Tickets.Get(ctx, ticketID)
				if err == nil {
					continue
				}
				e, ok := errors.AsType[*autotask.Error](err)
				if ok && errors.Is(err, autotask.ErrRateLimited) && e.RetryAfter > 0 && e.RetryAfter <= time.Minute && e.Attempts == 0 {
					say("limited")
				} else {
					say("error: %v", err)
				}
				return
			}
		})
	}
	all.Wait()
	return nil
}

// Hour lets twelve processes make as many requests as they may: the tenant allows
// 1,000, and a fifth is left to others.
func Hour(t *testing.T, a Adapter) {
	srv := autotasktest.NewServer(t)
	srv.SetThreadLimit(0)
	srv.SetThreshold(1000, 0)
	srv.Seed("Tickets", map[string]any{"id": ticketID})
	f := newFront(t, srv)
	f.window = "1" // minute: what would take six takes six seconds
	var all []*process
	for i := range 12 {
		all = append(all, a.start(t, "hour", i, f.base()))
	}
	limited := 0
	for i, p := range all {
		for _, line := range p.rest(t) {
			if line != "limited" {
				t.Errorf("process %d: %s", i, line)
				continue
			}
			limited++
		}
	}
	if limited != 12*hourCalls {
		t.Errorf("%d calls ended with ErrRateLimited and the time to wait, not %d", limited, 12*hourCalls)
	}
	readings := 0
	for _, r := range srv.Requests() {
		if strings.Contains(r.Path, "ThresholdInformation") {
			readings++
		}
	}
	t.Logf("the hour: %d requests, %d of them readings", f.requests, readings)
	if f.requests < 780 || f.requests > 800 {
		t.Errorf("%d requests were made: a fifth of 1000 was to be left, and no more", f.requests)
	}
	if readings != 1 {
		t.Errorf("the limit was read %d times within a minute", readings)
	}
}

// beWriter makes one write: a note or an update.
func beWriter(ctx context.Context, p self) (err error) {
	client, err := p.client(autotask.WithUnanswered(p.shared), autotask.WithMaxRetries(0))
	if err != nil {
		return err
	}
	switch p.number {
	case noteWriter:
		_, err = client.Notes.Create(ctx, ticketID, &autotask.TicketNote{Title: "Restarted", Description: "The service was restarted.", NoteType: 1, Publish: 1})
	default:
		_, err = client.Tickets.Update(ctx, ticketID, func(ticket *autotask.Ticket) error {
			ticket.Title = "Restarted"
			return nil
		})
	}
	e, ok := errors.AsType[*autotask.Error](err)
	switch {
	case err == nil:
		say("done")
	case ok && errors.Is(err, autotask.ErrOutcomeUnknown) && e.RetryAfter > 4*time.Minute && e.RetryAfter <= 5*time.Minute:
		say("unknown")
	default:
		say("error: %v", err)
	}
	return nil
}

const (
	noteWriter   = 1
	ticketWriter = 2
)

// Unanswered loses a write of one process, and repeats it in others.
func Unanswered(t *testing.T, a Adapter) {
	for name, test := range map[string]struct {
		writer int
		op     string
		lands  func(srv *autotasktest.Server)
	}{
		"a create": {noteWriter, "POST Tickets/Notes", func(srv *autotasktest.Server) {
			srv.Seed("TicketNotes", map[string]any{
				"ticketID": ticketID, "title": "Restarted", "description": "The service was restarted.", "noteType": 1, "publish": 1,
			})
		}},
		"an update": {ticketWriter, "PUT Tickets", func(srv *autotasktest.Server) {
			srv.Change("Tickets", ticketID, map[string]any{"title": "Restarted"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := autotasktest.NewServer(t)
			srv.Seed("Tickets", map[string]any{"id": ticketID})
			write := func() []string { return a.start(t, "writer", test.writer, srv.BaseURL()).rest(t) }
			made := func() (n int) {
				for _, r := range srv.Requests() {
					if r.Op == test.op {
						n++
					}
				}
				return n
			}
			srv.Inject(autotasktest.Fault{Op: test.op, DropRequest: true})
			for _, who := range []string{"the process whose answer was lost", "another", "a third"} {
				if said := write(); !slices.Equal(said, []string{"unknown"}) {
					t.Errorf("%s: %q", who, said)
				}
				if n := made(); n != 1 {
					t.Errorf("%s: %d writes were sent", who, n)
				}
			}
			test.lands(srv)
			if said := write(); !slices.Equal(said, []string{"done"}) {
				t.Errorf("once it shows: %q", said)
			}
			if n := made(); n != 1 {
				t.Errorf("once it shows: %d writes were sent", n)
			}
		})
	}
}

const lockings = 25

// beLock enters and leaves a room, over and over.
func beLock(ctx context.Context, p self) error {
	for range lockings {
		unlock, held, err := p.shared.Lock(ctx, "the room")
		if err != nil {
			return err
		}
		for _, door := range []string{"/enter", "/leave"} {
			req, err := http.NewRequestWithContext(held, http.MethodPost, p.base+door, http.NoBody)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // of this process alone
			if err != nil {
				return err
			}
			_ = resp.Body.Close()
		}
		unlock()
	}
	return p.shared.Close(ctx)
}

// Lock lets six processes into a room one at a time.
func Lock(t *testing.T, a Adapter) {
	var mu sync.Mutex
	inside, highest, entered := 0, 0, 0
	room := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/leave" {
			inside--
			return
		}
		inside++
		entered++
		highest = max(highest, inside)
	}))
	t.Cleanup(room.Close)
	var all []*process
	for i := range 6 {
		all = append(all, a.start(t, "lock", i, room.URL))
	}
	for i, p := range all {
		for _, line := range p.rest(t) {
			t.Errorf("process %d: %s", i, line)
		}
	}
	if entered != 6*lockings || highest != 1 {
		t.Errorf("%d entered, not %d, and up to %d were inside at one time", entered, 6*lockings, highest)
	}
}

// beHeld holds a lock until it is lost.
func beHeld(ctx context.Context, p self) error {
	_, held, err := p.shared.Lock(ctx, "a key")
	if err != nil {
		return err
	}
	say("held")
	<-held.Done()
	say("%v", context.Cause(held))
	return nil
}

// LockLost stops a process that holds a lock: another gets it within the lease, and
// the first one knows when it goes on.
func LockLost(t *testing.T, a Adapter) {
	p := a.start(t, "held", 0, "")
	if line, _ := p.line(t); line != "held" {
		t.Fatalf("the process says %q", line)
	}
	other, _ := a.open(t, Options{})
	p.signal(syscall.SIGSTOP)
	began := time.Now()
	unlock, held, err := other.Lock(t.Context(), "a key")
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > leaseTime+slack || took < leaseTime-4*time.Second {
		t.Errorf("the lock came after %v, the lease is %v", took, leaseTime)
	}
	p.signal(syscall.SIGCONT)
	if line, _ := p.line(t); line != a.Lost.Error() {
		t.Errorf("the process says %q", line)
	}
	if held.Err() != nil {
		t.Errorf("the second holder: %v", held.Err())
	}
	unlock()
}
