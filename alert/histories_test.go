package alert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/autotasktest"
)

// history is some time in the life of a tenant: processes that know nothing of each
// other get events of two keys from queues that deliver at least once, some of them
// are killed and start anew, answers are lost, and people work on the tickets.
type history struct {
	srv    *autotasktest.Server
	seed   uint64
	rand   *rand.Rand // of the plan; each client and each job has its own
	still  bool       // a note does not change the lastActivityDate of its ticket
	locked bool
	policy alert.Policy
	keys   []string
	behind time.Duration // how far the tenant's clock is behind
	ahead  time.Duration // how far the observer's clock is ahead
	lag    time.Duration // how long queries do not show what was created
	late   bool          // what is not answered may be carried out minutes later

	mu      sync.Mutex // one request at a time
	clients []*autotask.Client
	calls   int // under way
	born    int
	byHand  map[int64]bool // completed by a person
	merged  map[int64]bool
	got     map[int64]time.Time // when a process has read a ticket to change it
	wrong   []string
}

func (h *history) sometimes(percent int) bool { return h.rand.IntN(100) < percent }

// upTo is a random duration: often a moment, seldom minutes.
func upTo(r *rand.Rand) time.Duration {
	most := []time.Duration{time.Millisecond, 300 * time.Millisecond, 3 * time.Second, time.Minute, 10 * time.Minute}
	return time.Duration(r.Int64N(int64(most[r.IntN(len(most))])))
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	h := &history{
		srv: autotasktest.NewInProcess(t), seed: seed, rand: random(seed, 0), byHand: make(map[int64]bool), merged: make(map[int64]bool), got: make(map[int64]time.Time),
		keys: []string{"backup/MAIL-02", "backup/mail-02"},
	}
	h.still, h.locked, h.late = h.sometimes(50), h.sometimes(60), h.sometimes(30)
	if h.sometimes(50) {
		h.behind = time.Duration(h.rand.Int64N(int64(4*time.Minute))) - 2*time.Minute
		h.ahead = time.Duration(h.rand.Int64N(int64(4*time.Minute))) - 2*time.Minute
	}
	if h.sometimes(20) {
		h.lag = time.Duration(h.rand.Int64N(int64(5 * time.Second)))
		h.srv.SetQueryLag(h.lag)
	}
	grain := time.Nanosecond
	if h.sometimes(25) {
		grain = time.Second
	}
	h.srv.SetClock(func() time.Time { return time.Now().Add(-h.behind) })
	h.srv.SetDatabaseClock(func() time.Time { return time.Now().Add(-h.behind).Truncate(grain) })
	switch h.rand.IntN(3) {
	case 1:
		h.policy = alert.Policy{Reopen: 10 * time.Minute, ReopenStatus: 10}
	case 2:
		h.policy = alert.Policy{Reopen: 10 * time.Minute, ReopenStatus: 10, OnlyOurs: true}
	}
	if h.sometimes(15) {
		h.policy.NoteEvery = 2 * time.Minute
	}
	if h.locked {
		h.policy.Locker = new(autotask.LocalLocker)
	}
	processes := 1 // without a Locker there is one at a time
	if h.locked {
		processes = 2 + h.rand.IntN(2)
	}
	for range processes {
		h.clients = append(h.clients, h.newClient())
	}
	return h
}

func random(seed, part uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, part)) } //nolint:gosec // it must be the same every time

func (h *history) newClient() *autotask.Client {
	h.born++
	r := random(h.seed, 1_000+uint64(h.born)) //nolint:gosec // it is positive
	var mu sync.Mutex
	return h.srv.InProcessClient(autotask.WithMaxRetries(0), autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			mu.Lock()
			before, after, luck := time.Duration(r.IntN(150))*time.Millisecond, time.Duration(r.IntN(150))*time.Millisecond, r.IntN(100)
			mu.Unlock()
			return h.carry(next, req, before, after, luck)
		})
	}))
}

// carry carries a request out, loses it, or loses its answer.
func (h *history) carry(next http.RoundTripper, req *http.Request, before, after time.Duration, luck int) (*http.Response, error) {
	if !lasts(req.Context(), before) {
		return nil, req.Context().Err()
	}
	_, dies := req.Context().Deadline()
	switch isNew := req.Method == http.MethodPost && !strings.HasSuffix(req.URL.Path, "/query"); {
	case luck == 0:
		return nil, io.ErrUnexpectedEOF
	case luck > 95 && h.late && isNew && !dies:
		return nil, h.carryOutLate(next, req, before)
	}
	resp, err := h.carryOut(next, req)
	if err == nil && (luck < 3 || !lasts(req.Context(), after)) {
		_ = resp.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return resp, err
}

// carryOutLate lets a request land after its client has lost it.
func (h *history) carryOutLate(next http.RoundTripper, req *http.Request, after time.Duration) error {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	req = req.Clone(context.WithoutCancel(req.Context()))
	req.Body = io.NopCloser(bytes.NewReader(body))
	go func() {
		pass(after * 1_600) // at most four minutes
		if resp, err := h.carryOut(next, req); err == nil {
			_ = resp.Body.Close()
		}
	}()
	return io.ErrUnexpectedEOF
}

func (h *history) carryOut(next http.RoundTripper, req *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	parts := strings.Split(req.URL.Path, "/")
	isNote := req.Method == http.MethodPost && parts[len(parts)-1] == "Notes"
	if id, err := strconv.ParseInt(parts[len(parts)-1], 10, 64); err == nil && req.Method == http.MethodGet {
		h.got[id] = time.Now()
	}
	if !isNote || !h.still {
		resp, err := next.RoundTrip(req)
		if req.Method == http.MethodPut {
			h.checkPeoplesTickets()
		}
		return resp, err
	}
	id, err := strconv.ParseInt(parts[len(parts)-2], 10, 64)
	if err != nil {
		return nil, err
	}
	active := h.srv.Get("Tickets", id)["lastActivityDate"]
	resp, err := next.RoundTrip(req)
	h.srv.Change("Tickets", id, map[string]any{"lastActivityDate": active})
	return resp, err
}

func (h *history) checkPeoplesTickets() {
	for id := range h.merged {
		if row := h.srv.Get("Tickets", id); fmt.Sprint(row["status"]) != "5" {
			h.wrong = append(h.wrong, fmt.Sprintf("ticket %d, which was merged, has status %v", id, row["status"]))
			delete(h.merged, id)
		}
	}
	if h.policy.Reopen > 0 && !h.policy.OnlyOurs {
		return
	}
	for id := range h.byHand {
		if row := h.srv.Get("Tickets", id); fmt.Sprint(row["status"]) != "5" {
			h.wrong = append(h.wrong, fmt.Sprintf("ticket %d, which a person has completed, has status %v", id, row["status"]))
			delete(h.byHand, id)
		}
	}
}

// lasts is false if ctx ends within d.
func lasts(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// client is the one of a random process, which may have just been started. Without a
// Locker the one before it has no call under way.
func (h *history) client(r *rand.Rand) *autotask.Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := r.IntN(len(h.clients))
	if r.IntN(6) == 0 && (h.locked || h.calls == 0) {
		h.clients[at] = h.newClient()
	}
	h.calls++
	return h.clients[at]
}

func (h *history) called() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls--
}

// job is an event or the end of an alert, until a process has acknowledged it.
func (h *history) job(r *rand.Rand, work func(context.Context, *autotask.Client) error) {
	for range 40 {
		ctx, cancel := context.WithCancel(context.Background())
		if r.IntN(8) == 0 {
			ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(1_500))*time.Millisecond)
		}
		err := work(ctx, h.client(r))
		cancel()
		h.called()
		if err == nil {
			return
		}
		wait := time.Second + h.lag
		if e, ok := errors.AsType[*autotask.Error](err); ok {
			wait = max(wait, e.RetryAfter)
		}
		pass(wait + upTo(r)/60)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrong = append(h.wrong, "a job never ends")
}

func (h *history) raise(r *rand.Rand, key, event string, at time.Time) {
	h.job(r, func(ctx context.Context, client *autotask.Client) error {
		a := failed(event)
		a.Key, a.At = key, at
		_, err := alert.Upsert(ctx, client, a, h.policy)
		return err
	})
}

// starter returns a function that starts one part of the history beside the others, after
// a random wait.
func (h *history) starter(all *sync.WaitGroup) func(func(r *rand.Rand)) {
	part := uint64(0)
	return func(f func(r *rand.Rand)) {
		part++
		r, wait := random(h.seed, part), upTo(h.rand)
		all.Go(func() { pass(wait); f(r) })
	}
}

// play plays the history to its end, and returns the events of each key.
func (h *history) play() (events map[string][]string) {
	events = make(map[string][]string)
	var all sync.WaitGroup
	start := h.starter(&all)
	for k, key := range h.keys {
		for i := range 1 + h.rand.IntN(5) {
			event := fmt.Sprintf("run-%d-%d", k, i)
			events[key] = append(events[key], event)
			timed := h.sometimes(85)
			start(func(r *rand.Rand) {
				at := time.Time{}
				if timed {
					at = time.Now().Add(h.ahead)
				}
				pass(upTo(r))
				for range 1 + r.IntN(3) {
					again := func() { h.raise(r, key, event, at) }
					if h.locked && h.lag == 0 && !h.late && r.IntN(4) == 0 { // to two processes at once
						other := random(r.Uint64(), 0)
						all.Go(func() { h.raise(other, key, event, at) })
					}
					again()
					pass(h.lag + upTo(r))
				}
			})
		}
		for range h.rand.IntN(3) {
			start(func(r *rand.Rand) {
				res := autotask.Resolution{Text: "It is over.", Status: autotask.StatusComplete, StartedAt: time.Now()}
				h.job(r, func(ctx context.Context, client *autotask.Client) error {
					_, err := h.policy.Clear(ctx, client, company, key, res)
					return err
				})
			})
		}
	}
	for range h.rand.IntN(4) {
		start(h.meddle)
	}
	all.Wait()
	return events
}

// isInUse reports whether a process may be about to write a ticket as it has just read
// it. Nothing can keep a PUT of the whole ticket from undoing what a person does then.
func (h *history) isInUse(id int64) bool { return time.Since(h.got[id]) < time.Second }

// meddle does what a person does to a ticket.
func (h *history) meddle(r *rand.Rand) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rows := h.srv.Rows("Tickets")
	if len(rows) == 0 {
		return
	}
	row := rows[r.IntN(len(rows))]
	id := idOf(row)
	isClosed := fmt.Sprint(row["status"]) == "5"
	switch r.IntN(5) {
	case 0:
		h.srv.Change("Tickets", id, map[string]any{"title": "Mail backup (" + textOf(row["title"]) + ")"})
	case 1:
		h.srv.Seed("TicketNotes", map[string]any{"ticketID": id, "title": "I am looking at it [soon]", "noteType": 1, "publish": 2})
	case 2:
		if !isClosed && !h.isInUse(id) {
			h.srv.Change("Tickets", id, map[string]any{"status": 5})
			h.byHand[id] = true
		}
	case 3:
		if isClosed {
			h.srv.Change("Tickets", id, map[string]any{"status": 8})
			delete(h.byHand, id)
			delete(h.merged, id)
		}
	case 4:
		if other := idOf(rows[0]); other != id && !h.isInUse(id) {
			h.srv.SetQueryLag(0) // nothing but its note shows a merge
			h.srv.Merge(id, other)
			h.srv.SetQueryLag(h.lag)
			h.byHand[id], h.merged[id] = true, true
		}
	}
}

func idOf(row map[string]any) int64 {
	id, err := strconv.ParseInt(fmt.Sprint(row["id"]), 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}

// judge returns what is wrong at rest, after one more occurrence of each key.
func (h *history) judge(events map[string][]string) []string {
	for k, key := range h.keys {
		pass(11 * time.Minute)
		event := fmt.Sprintf("run-%d-last", k)
		h.raise(random(h.seed, 999), key, event, time.Now().Add(h.ahead))
		events[key] = append(events[key], event)
	}
	wrong := h.wrong
	keyOf, isTwin := make(map[int64]string), make(map[int64]bool)
	for _, row := range h.srv.Rows("Tickets") {
		keyOf[idOf(row)] = strings.TrimPrefix(textOf(row["externalID"]), "alert:")
		isTwin[idOf(row)] = h.isTwin(row)
	}
	for _, key := range h.keys {
		if open := openOf(h.srv, "alert:"+key); len(open) != 1 {
			wrong = append(wrong, fmt.Sprintf("%d tickets of %s are open", len(open), key))
		}
		for _, event := range events[key] {
			n := h.timesOn(key, event, keyOf, isTwin)
			if n == 0 && h.policy.NoteEvery > 0 {
				continue // suppressed
			}
			if n != 1 {
				wrong = append(wrong, fmt.Sprintf("%s is noted %d times", event, n))
			}
		}
	}
	return wrong
}

// isTwin reports whether a ticket was created while another of its key was open.
func (h *history) isTwin(row map[string]any) bool {
	for _, other := range h.srv.Rows("Tickets") {
		isOlder := other["externalID"] == row["externalID"] && idOf(other) < idOf(row)
		if isOlder && (other["completedDate"] == nil || dateOf(other["completedDate"]).After(dateOf(row["createDate"]))) {
			return true
		}
	}
	return false
}

func dateOf(v any) time.Time {
	date, err := time.Parse(time.RFC3339, textOf(v))
	if err != nil {
		panic(err)
	}
	return date
}

// timesOn counts how often an event is on tickets of its key. What created a twin
// counts only if nothing else does: it is noted on the other ticket, unless that was
// closed before.
func (h *history) timesOn(key, event string, keyOf map[int64]string, isTwin map[int64]bool) (n int) {
	twins := 0
	for _, row := range h.srv.Rows("Tickets") {
		switch id := idOf(row); {
		case !strings.Contains(textOf(row["description"]), "Alert event: ["+event+"]"):
		case keyOf[id] != key:
			return 100
		case isTwin[id]:
			twins = 1
		default:
			n++
		}
	}
	for _, row := range h.srv.Rows("TicketNotes") {
		if !strings.HasSuffix(textOf(row["title"]), " ["+event+"]") {
			continue
		}
		id, _ := strconv.ParseInt(fmt.Sprint(row["ticketID"]), 10, 64)
		if keyOf[id] != key {
			return 100
		}
		n++
	}
	return max(n, twins)
}

// TestHistories plays random histories. With AUTOTASK_ALERTS=all it plays many.
func TestHistories(t *testing.T) {
	t.Parallel()
	histories := uint64(30)
	switch {
	case os.Getenv(playAll) == "all":
		histories = 2_000
	case raceDetector:
		histories = 5
	}
	playHistories(t, histories, func(h *history) []string { return h.judge(h.play()) })
}

// playHistories plays histories and reports those that end wrong.
func playHistories(t *testing.T, n uint64, play func(*history) []string) {
	t.Helper()
	bad := 0
	for seed := range n {
		var h *history
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			h = newHistory(t, seed)
			wrong = play(h)
		})
		if len(wrong) == 0 {
			continue
		}
		if bad++; bad <= 20 {
			t.Errorf("history %d (locked %v, still %v, lag %v, late %v, %+v): %s", seed, h.locked, h.still, h.lag, h.late, h.policy, strings.Join(wrong, "; "))
		}
	}
	t.Logf("%d histories, %d wrong", n, bad)
}
