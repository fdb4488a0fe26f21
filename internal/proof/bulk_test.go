package proof_test

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// TestResolveAll_RandomFaults lets single faults befall a bulk of 50, and
// repeats what failed until it ends: none is lost, none is doubled.
func TestResolveAll_RandomFaults(t *testing.T) {
	t.Parallel()
	skip := map[string]bool{ // which a single run rightly ends with otherwise
		"note shows late": true, "note shows later": true, "lost, and shows late": true, "edited by somebody else": true,
		"write reverted": true, // a repeat keeps to what a person or a rule has made of the status
	}
	bulks := playedPart(uint64(15), 4)
	for seed := range bulks {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // any will do
			srv := autotasktest.NewInProcess(t)
			work := kit.SeedWork(srv, 50)
			numbered := slices.Clone(work)
			for i := range numbered {
				if i%3 == 0 {
					kit.ByNumber(&numbered[i], srv)
				}
			}
			srv.SetLatency(50 * time.Millisecond)
			client := srv.Client(autotask.WithMaxResponseBytes(256 << 10))
			for range 5 {
				f := matrixFaults[random.IntN(len(matrixFaults))]
				if !skip[f.name] && f.name != "write ignored" || f.fault.Op != "" {
					f.fault.Skip = random.IntN(500)
					srv.Inject(f.fault)
				}
			}
			pending := numbered
			var lastErrs []error
			for runs := 1; len(pending) > 0; runs++ {
				require.Less(t, runs, 10, "it never ends: %v", lastErrs)
				outcomes, errs := kit.ResolveAll(t, client, pending, autotask.ResolveAllOptions{})
				lastErrs = slices.Collect(maps.Values(errs))
				pending = slices.DeleteFunc(slices.Clone(pending), func(w autotask.ResolveItem) bool {
					key := w.Key.(int)
					return errs[key] == nil && outcomes[key].Resolved
				})
				time.Sleep(10 * time.Minute) //nolint:forbidigo // virtual time
			}
			kit.RequireResolved(t, srv, work)
		})
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below the limit
}

// TestResolveAll_NotesWithoutAnAnswerTakeNoRoom: what is remembered of them is
// not their text.
func TestResolveAll_NotesWithoutAnAnswerTakeNoRoom(t *testing.T) { //nolint:paralleltest // it measures memory
	client, err := autotask.NewClient(kit.Credentials(), autotask.WithBaseURL(kit.Base), autotask.WithMaxRetries(0),
		autotask.WithHTTPClient(&http.Client{Transport: &ledger{notes: map[string]string{}, mute: true}}))
	require.NoError(t, err)
	const works, first = 600, 100
	source := func(yield func(autotask.ResolveItem) bool) {
		for i := range works {
			n := kit.Note()
			n.Description = strings.Repeat(strconv.Itoa(i%10), 30_000)
			if !yield(autotask.ResolveItem{TicketID: int64(i + 1), Resolution: autotask.Resolution{Note: n}}) {
				return
			}
		}
	}
	var atFirst int64
	ended := 0
	for _, err := range client.ResolveAll(t.Context(), source, autotask.ResolveAllOptions{}) {
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		if ended++; ended == first {
			atFirst = heapInUse()
		}
	}
	assert.Equal(t, works, ended)
	assert.Less(t, heapInUse()-atFirst, int64(5<<20), "their texts are 15 MB")
	runtime.KeepAlive(client)
}

// ledger is a tenant that keeps nothing: it answers as if each ticket were
// resolved but for its note, and knows a ticket's note only until it has been
// searched for the second time.
type ledger struct {
	mu    sync.Mutex
	notes map[string]string // by ticket
	sent  int
	mute  bool // does not say what became of a note
}

func (l *ledger) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	_, path, _ := strings.Cut(req.URL.Path, "/V1.0/")
	segments := strings.Split(path, "/")
	switch {
	case path == "TimeEntries/query":
		return answered(req, kit.EmptyPage), nil
	case path == "TicketNotes/query":
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		ticket := ticketInFilter.FindStringSubmatch(string(body))[1]
		posted := l.notes[ticket]
		if posted == "" {
			return answered(req, kit.EmptyPage), nil
		}
		delete(l.notes, ticket)
		return answered(req, `{"items":[`+posted+`],"pageDetails":{"count":1,"requestCount":500,"nextPageUrl":null}}`), nil
	case req.Method == http.MethodGet:
		return answered(req, `{"item":{"id":`+segments[1]+`,"status":5,"title":"x","resolution":"done","completedDate":"2026-11-23T02:00:00Z","resolvedDateTime":"2026-11-23T02:00:00Z"}}`), nil
	case len(segments) == 3 && l.mute:
		return answered(req, "<html>"), nil
	case len(segments) == 3:
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		l.notes[segments[1]] = fmt.Sprintf(`{"id":%d,`, l.sent) + strings.TrimPrefix(string(body), "{")
		return answered(req, fmt.Sprintf(`{"itemId":%d}`, l.sent)), nil
	}
	return nil, fmt.Errorf("unexpected %s %s", req.Method, path)
}

var ticketInFilter = regexp.MustCompile(`"value":(\d+)`)

func answered(req *http.Request, body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}
}

// TestResolveAll_MemoryIsFlat: what 100,000 works leave behind is no more than
// what 10,000 do.
func TestResolveAll_MemoryIsFlat(t *testing.T) { //nolint:paralleltest // it measures memory
	first, last := playedPart(10_000, 500), playedPart(100_000, 5_000)
	tenant := &ledger{notes: map[string]string{}}
	client, err := autotask.NewClient(kit.Credentials(), autotask.WithBaseURL(kit.Base), autotask.WithHTTPClient(&http.Client{Transport: tenant}))
	require.NoError(t, err)
	work := func(yield func(autotask.ResolveItem) bool) {
		for i := range last {
			w := autotask.ResolveItem{TicketID: int64(i + 1), Resolution: autotask.Resolution{Text: "done", Status: autotask.StatusComplete, StartedAt: kit.Begun}}
			if i%5 == 0 {
				w.Note = kit.Note()
				w.Note.Description = strings.Repeat(strconv.Itoa(i), 200)
			}
			if !yield(w) {
				return
			}
		}
	}
	var atFirst, atLast int64
	ended := 0
	for _, err := range client.ResolveAll(t.Context(), work, autotask.ResolveAllOptions{}) {
		require.NoError(t, err)
		switch ended++; ended {
		case first:
			atFirst = heapInUse()
		case last:
			atLast = heapInUse()
		}
	}
	assert.Equal(t, last, ended)
	t.Logf("heap: %d kB after %d works, %d kB after %d; %d requests", atFirst>>10, first, atLast>>10, last, tenant.sent)
	assert.Less(t, atLast-atFirst, max(int64(last-first)*120, 1<<20), "120 bytes a work would be a leak")
}
