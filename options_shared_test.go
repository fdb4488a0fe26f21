package autotask_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestLocalLockerServesInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var locker autotask.LocalLocker
		var served []int
		holders := 0
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				unlock, held, err := locker.Lock(t.Context(), "a key")
				if err != nil {
					t.Error(err)
					return
				}
				holders++
				assert.Equal(t, 1, holders)
				served = append(served, i)
				time.Sleep(time.Second) //nolint:forbidigo // virtual time: the work
				holders--
				unlock()
				unlock()
				assert.ErrorIs(t, held.Err(), context.Canceled, "the lock is over")
			})
			synctest.Wait()
		}
		unlock, _, err := locker.Lock(t.Context(), "another key")
		require.NoError(t, err, "keys do not wait for each other")
		unlock()
		all.Wait()
		assert.Equal(t, []int{0, 1, 2, 3, 4}, served)
	})
}

func TestLocalLockerEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var locker autotask.LocalLocker
		unlock, held, err := locker.Lock(t.Context(), "a key")
		require.NoError(t, err)
		require.NoError(t, held.Err())

		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err = locker.Lock(impatient, "a key")
		require.ErrorIs(t, err, context.DeadlineExceeded)

		next := make(chan struct{})
		go func() {
			unlock, _, err := locker.Lock(t.Context(), "a key")
			assert.NoError(t, err, "who gave up does not hold the key")
			unlock()
			close(next)
		}()
		unlock()
		<-next

		ended, end := context.WithCancel(t.Context())
		unlock, held, err = locker.Lock(ended, "a key")
		require.NoError(t, err)
		end()
		require.ErrorIs(t, held.Err(), context.Canceled)
		unlock()
	})
}

var _ autotask.Locker = (*autotask.LocalLocker)(nil)

// lostPlaces is a limiter whose first places are lost while they are held.
type lostPlaces struct {
	left     int
	while    <-chan struct{} // closed when the place is lost; nil: before it is given
	released int
}

func (l *lostPlaces) Acquire(ctx context.Context, _ string) (release func(), held context.Context, err error) {
	release = func() { l.released++ }
	if l.left--; l.left < 0 {
		return release, ctx, nil
	}
	held, lose := context.WithCancelCause(context.WithoutCancel(ctx)) // whatever it is made of
	gone := errors.New("another has it")
	if l.while == nil {
		lose(gone)
	} else {
		go func() {
			<-l.while
			lose(gone)
		}()
	}
	return release, held, nil
}

func TestLimiter_ARequestEndsWithItsPlace(t *testing.T) {
	t.Parallel()
	for name, during := range map[string]bool{"before it is sent": false, "while it is in flight": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, method := range []string{http.MethodGet, http.MethodPut} {
					l := &lostPlaces{left: 1}
					arrived := make(chan struct{})
					sent := 0
					if during {
						l.while = arrived
					}
					client, mock := mocked(t, autotask.WithLimiter(l), autotask.WithMaxRetries(2))
					mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
						if sent++; sent == 1 && during {
							close(arrived)
							<-req.Context().Done()
							return nil, req.Context().Err()
						}
						return httpmock.NewStringResponse(200, `{"item":{"id":7},"itemId":7}`), nil
					})
					var err error
					if method == http.MethodGet {
						_, err = client.Tickets.Get(t.Context(), 7)
					} else {
						err = autotask.Patch(t.Context(), client, 7, &autotask.TimeEntry{SummaryNotes: autotask.Value("x")})
					}
					switch {
					case during && method == http.MethodPut:
						require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
						require.NotErrorIs(t, err, context.Canceled)
						require.ErrorContains(t, err, "another has it")
						assert.Equal(t, 1, sent, "a write is not sent again")
					case during:
						require.NoError(t, err)
						assert.Equal(t, 2, sent)
					default:
						require.NoError(t, err)
						assert.Equal(t, 1, sent, "nothing is sent without a place")
						assert.Equal(t, 2, l.released)
					}
				}
			})
		})
	}
}

// sharedMemory is an autotask.Unanswered within the test.
type sharedMemory struct {
	mu     sync.Mutex
	values map[string][]byte
	until  map[string]time.Time
	fails  error
	deaf   error  // of what changes it
	before func() // something is forgotten
}

func newSharedMemory() *sharedMemory {
	return &sharedMemory{values: make(map[string][]byte), until: make(map[string]time.Time)}
}

func (m *sharedMemory) Remember(_ context.Context, key string, value []byte, ttl time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails == nil && m.deaf == nil {
		m.values[key], m.until[key] = value, time.Now().Add(ttl)
	}
	return errors.Join(m.fails, m.deaf)
}

func (m *sharedMemory) Recall(_ context.Context, key string) ([]byte, time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := time.Until(m.until[key])
	if m.fails != nil || left <= 0 {
		return nil, 0, m.fails
	}
	return m.values[key], left, nil
}

func (m *sharedMemory) Forget(_ context.Context, key string, value []byte) (bool, error) {
	if before := m.before; before != nil {
		m.before = nil
		before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(m.fails, m.deaf); err != nil {
		return false, err
	}
	was := len(value) > 0 && bytes.Equal(m.values[key], value)
	if was {
		m.values[key] = []byte{}
	}
	return was, nil
}

func (m *sharedMemory) lose() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.values)
	clear(m.until)
}

// sharedWrites are writes that may be lost, with what makes them show, and their
// operation.
var sharedWrites = map[string]struct {
	op    string
	do    func(ctx context.Context, c *autotask.Client, ticket, entry int64) error
	shows func(srv *autotasktest.Server, ticket, entry int64)
}{
	"an update": {"PUT Tickets", func(ctx context.Context, c *autotask.Client, ticket, _ int64) error {
		_, err := c.Tickets.Update(ctx, ticket, titled("new"))
		return err
	}, func(srv *autotasktest.Server, ticket, _ int64) {
		srv.Change("Tickets", ticket, map[string]any{"title": "new"})
	}},
	"a create": {notesOp, func(ctx context.Context, c *autotask.Client, ticket, _ int64) error {
		_, err := c.Notes.Create(ctx, ticket, note())
		return err
	}, func(srv *autotasktest.Server, ticket, _ int64) {
		n := note()
		srv.Seed("TicketNotes", map[string]any{
			"ticketID": ticket, "title": n.Title, "description": n.Description, "noteType": n.NoteType, "publish": n.Publish,
		})
	}},
	"a deletion": {"DELETE TimeEntries", func(ctx context.Context, c *autotask.Client, _, entry int64) error {
		return autotask.Delete[autotask.TimeEntry](ctx, c, entry)
	}, func(srv *autotasktest.Server, _, entry int64) { srv.Remove("TimeEntries", entry) }},
}

func TestUnanswered_AnotherProcessWaitsAsTheFirstOneWould(t *testing.T) {
	t.Parallel()
	for name, write := range sharedWrites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := autotasktest.NewInProcess(t)
				ticket := srv.Seed("Tickets", nil)
				entry := srv.Seed("TimeEntries", map[string]any{"ticketID": ticket})
				memory := newSharedMemory()
				a := srv.InProcessClient(autotask.WithUnanswered(memory))
				b := srv.InProcessClient(autotask.WithUnanswered(memory))
				alone := srv.InProcessClient()
				do := func(c *autotask.Client) error { return write.do(t.Context(), c, ticket, entry) }
				srv.Inject(autotasktest.Fault{Op: write.op, DropRequest: true})
				first := unknownOutcome(t, do(a))
				pass(time.Minute)
				assert.InDelta(t, first-time.Minute, unknownOutcome(t, do(b)), float64(2*time.Second))
				assert.Equal(t, 1, count(srv, write.op), "the other process sent nothing")

				write.shows(srv, ticket, entry)
				require.NoError(t, do(b), "it shows")
				assert.Equal(t, 1, count(srv, write.op))
				for _, c := range []*autotask.Client{a, alone} { // it is settled for all
					if err := do(c); name != "a deletion" {
						require.NoError(t, err)
					}
				}
			})
		})
	}
}

func TestUnanswered_IsOverAfterFiveMinutesForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		ticket := srv.Seed("Tickets", nil)
		memory := newSharedMemory()
		a, b := srv.InProcessClient(autotask.WithUnanswered(memory)), srv.InProcessClient(autotask.WithUnanswered(memory))
		wait := lostNote(t, srv, a, ticket)
		pass(wait)
		_, err := b.Notes.Create(t.Context(), ticket, note())
		require.NoError(t, err)
		assert.Equal(t, 1, count(srv, notesOp), "then it is sent")
		assert.Greater(t, count(srv, searchNotesOp), 1, "after it was looked for")
	})
}

func TestUnanswered_AStoreThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		ticket := srv.Seed("Tickets", nil)
		memory := newSharedMemory()
		client := srv.InProcessClient(autotask.WithUnanswered(memory))
		memory.fails = errors.New("the disk is full")
		_, err := client.Notes.Create(t.Context(), ticket, note())
		require.ErrorIs(t, err, memory.fails)
		require.ErrorContains(t, err, "WithUnanswered")
		assert.True(t, autotask.SafeToRetry(err))
		assert.Zero(t, count(srv, notesOp), "nothing is sent")

		memory.fails = nil
		lostNote(t, srv, client, ticket)
		memory.lose()
		_, err = client.Notes.Create(t.Context(), ticket, note())
		unknownOutcome(t, err)
		assert.Zero(t, count(srv, notesOp), "what the store has lost, the client still knows")

		memory.values = map[string][]byte{}
		for key := range sharedKeys(t, srv, memory, client, ticket) {
			memory.values[key], memory.until[key] = []byte("{"), time.Now().Add(time.Hour)
		}
		_, err = client.Tickets.Update(t.Context(), ticket, titled("new"))
		require.ErrorContains(t, err, "cannot be read")

		memory.lose()
		lostNote(t, srv, client, srv.Seed("Tickets", nil))
		for key := range memory.values {
			memory.values[key] = []byte("null")
		}
		_, err = client.Notes.Create(t.Context(), ticket+1, note())
		require.Error(t, err)
	})
}

// loseUpdate loses an update before it is carried out.
func loseUpdate(t *testing.T, srv *autotasktest.Server, client *autotask.Client, ticket int64, title string) {
	t.Helper()
	srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropRequest: true})
	_, err := client.Tickets.Update(t.Context(), ticket, titled(title))
	unknownOutcome(t, err)
}

func TestUnanswered_AWriteThatTheStoreDidNotHearOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		ticket := srv.Seed("Tickets", nil)
		memory := newSharedMemory()
		a, b := srv.InProcessClient(autotask.WithUnanswered(memory)), srv.InProcessClient(autotask.WithUnanswered(memory))
		loseUpdate(t, srv, a, ticket, "first")
		srv.Change("Tickets", ticket, map[string]any{"title": "first"}) // it is carried out
		pass(time.Second)
		memory.deaf = errors.New("the disk is full")
		loseUpdate(t, srv, a, ticket, "second")
		memory.deaf = nil
		sent := count(srv, "PUT Tickets")
		for _, client := range []*autotask.Client{a, b} {
			_, err := client.Tickets.Update(t.Context(), ticket, titled("third"))
			unknownOutcome(t, err)
		}
		assert.Equal(t, sent, count(srv, "PUT Tickets"), "the store still has the first one, which shows; the second one does not")
	})
}

func TestUnanswered_SettlingOneWriteDoesNotSettleTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		ticket := srv.Seed("Tickets", nil)
		memory := newSharedMemory()
		a, b := srv.InProcessClient(autotask.WithUnanswered(memory)), srv.InProcessClient(autotask.WithUnanswered(memory))
		loseUpdate(t, srv, a, ticket, "first")
		srv.Change("Tickets", ticket, map[string]any{"title": "first"}) // it is carried out
		memory.before = func() { loseUpdate(t, srv, a, ticket, "second") }
		for _, client := range []*autotask.Client{b, b, a} {
			_, err := client.Tickets.Update(t.Context(), ticket, titled("third"))
			unknownOutcome(t, err)
		}
		assert.Equal(t, 2, count(srv, "PUT Tickets"), "both by the first process")
		srv.Change("Tickets", ticket, map[string]any{"title": "second"})
		for _, client := range []*autotask.Client{b, a} {
			_, err := client.Tickets.Update(t.Context(), ticket, titled("third"))
			require.NoError(t, err)
		}
	})
}

func TestUnanswered_ClaimingOneItemDoesNotSettleTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		ticket := srv.Seed("Tickets", nil)
		memory := newSharedMemory()
		a, b := srv.InProcessClient(autotask.WithUnanswered(memory)), srv.InProcessClient(autotask.WithUnanswered(memory))
		lostNote(t, srv, a, ticket)
		sharedWrites["a create"].shows(srv, ticket, 0)
		memory.before = func() {
			_, err := a.Notes.Create(t.Context(), ticket, note())
			require.NoError(t, err, "it finds its own")
			pass(3 * time.Minute)
			lostNote(t, srv, a, ticket)
		}
		for range 2 {
			_, err := b.Notes.Create(t.Context(), ticket, note())
			unknownOutcome(t, err)
		}
		assert.Zero(t, count(srv, notesOp))
	})
}

// sharedKeys loses an update and returns the keys under which it is remembered.
func sharedKeys(t *testing.T, srv *autotasktest.Server, memory *sharedMemory, client *autotask.Client, ticket int64) map[string][]byte {
	t.Helper()
	srv.Inject(autotasktest.Fault{Op: "PUT Tickets", DropRequest: true})
	_, err := client.Tickets.Update(t.Context(), ticket, titled("lost"))
	unknownOutcome(t, err)
	require.Len(t, memory.values, 1)
	require.Contains(t, memory.values, fmt.Sprintf("tickets/%d", ticket))
	return memory.values
}

// sharedBudget is an autotask.Budget within the test.
type sharedBudget struct {
	mu          sync.Mutex
	last        autotask.Threshold
	readAt      time.Time
	begun, mark int64
	reading     bool
	fails       error
}

func (b *sharedBudget) Spend(_ context.Context, begun, _ int64) (autotask.Spent, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun += begun
	return autotask.Spent{Threshold: b.last, Age: time.Since(b.readAt), Since: b.begun - b.mark}, b.fails
}

func (b *sharedBudget) Refresh(ctx context.Context, maxAge time.Duration, read func(context.Context) (*autotask.Threshold, error)) error {
	b.mu.Lock()
	busy := b.reading || b.last.Limit > 0 && time.Since(b.readAt) < maxAge
	mark := b.begun
	b.reading = b.reading || !busy
	b.mu.Unlock()
	if busy {
		return nil
	}
	t, err := read(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	if err == nil {
		b.last, b.readAt, b.mark = *t, time.Now(), mark
	}
	return err
}

func (l *limited) sharing(t *testing.T, b autotask.Budget, reserve float64) *autotask.Client {
	t.Helper()
	client, err := autotask.NewClient(testCredentials, autotask.WithBaseURL(testBase), autotask.WithHourlyReserve(reserve),
		autotask.WithBudget(b), autotask.WithHTTPClient(&http.Client{Transport: l}))
	require.NoError(t, err)
	return client
}

func TestBudget_ProcessesShareTheHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limited{limit: 1000}
		b := &sharedBudget{}
		began := time.Now()
		for l.used < 2000 {
			client := l.sharing(t, b, 0.2) // a process a request
			_, err := client.Tickets.Get(t.Context(), 7)
			if err == nil {
				continue
			}
			require.ErrorIs(t, err, autotask.ErrRateLimited)
			var e *autotask.Error
			require.ErrorAs(t, err, &e)
			assert.Positive(t, e.RetryAfter)
			assert.LessOrEqual(t, e.RetryAfter, time.Minute)
			assert.Zero(t, e.Attempts)
			break
		}
		assert.InDelta(t, 790, l.used, 10, "a fifth is left to others")
		took := time.Since(began)
		assert.Greater(t, took, 5*time.Minute, "they slow down as one process would")
		assert.LessOrEqual(t, l.readings, int(took/time.Minute)+1, "one reading a minute for all")
		assert.Less(t, l.readings, 12)
	})
}

func TestBudget_WhatIsNotMadeIsTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limited{limit: 1000, used: 900}
		b := &sharedBudget{}
		client := l.sharing(t, b, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var err error
		for err == nil {
			_, err = client.Tickets.Get(ctx, 7)
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, l.used-900, b.begun)
	})
}

func TestBudget_WithoutAReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limited{limit: 1000, failReading: true}
		b := &sharedBudget{}
		client := l.sharing(t, b, 0)
		_, err := client.Tickets.Get(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrPermission)
		require.ErrorContains(t, err, "WithHourlyReserve")

		b.reading = true // by another process, which has died
		began := time.Now()
		_, err = client.Tickets.Get(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrRateLimited)
		assert.InDelta(t, 15*time.Second, time.Since(began), float64(time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = client.Tickets.Get(ctx, 7)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		b.reading, l.failReading = false, false
		_, err = client.Tickets.Get(t.Context(), 7)
		require.NoError(t, err)
		l.failReading = true
		pass(2 * time.Minute)
		_, err = client.Tickets.Get(t.Context(), 7)
		require.NoError(t, err, "an earlier reading has to do")

		b.fails = errors.New("the disk is full")
		_, err = client.Tickets.Get(t.Context(), 7)
		require.ErrorIs(t, err, b.fails)
		require.ErrorContains(t, err, "WithBudget")
	})
}

func TestShared_OptionsThatAreWrong(t *testing.T) {
	t.Parallel()
	for text, opts := range map[string][]autotask.Option{
		"the budget is nil": {autotask.WithBudget(nil)},
		"the memory is nil": {autotask.WithUnanswered(nil)},
		"WithHourlyReserve": {autotask.WithBudget(&sharedBudget{})},
	} {
		_, err := autotask.NewClient(testCredentials, opts...)
		require.ErrorContains(t, err, text)
	}
}
