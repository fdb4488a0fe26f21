package proof_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// jobVariable makes the test binary a job that resolves every ticket of the
// tenant at the base URL that it holds.
const jobVariable = "AUTOTASK_TEST_JOB"

func TestMain(m *testing.M) {
	if base := os.Getenv(jobVariable); base != "" {
		if err := job(context.Background(), base); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// jobBegun is kept with the work, as a real job's creation time would be.
var jobBegun = time.Now().Add(-time.Minute).Truncate(time.Second)

const jobBegunVariable = "AUTOTASK_TEST_JOB_BEGUN"

// job knows nothing of what an earlier one has done: it goes through all
// tickets from the start, each with the same StartedAt.
func job(ctx context.Context, base string) error {
	begun, err := time.Parse(time.RFC3339, os.Getenv(jobBegunVariable))
	if err != nil {
		return err
	}
	srv := autotasktest.Start() // for its credentials only
	defer srv.Close()
	client, err := autotask.NewClient(srv.Credentials(), autotask.WithBaseURL(base))
	if err != nil {
		return err
	}
	for ticket, err := range client.Tickets.All(ctx, autotask.Query{Fields: []string{"title"}}) {
		if err != nil {
			return err
		}
		_, err := client.Resolve(ctx, ticket.ID, autotask.Resolution{
			Text: "done: " + ticket.Title, Note: kit.Note(), Status: autotask.StatusComplete, StartedAt: begun,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// TestKilledJob kills a process that resolves many tickets with its n-th request,
// before or after it is carried out, and starts it again until it is done.
func TestKilledJob(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	srv.SetThreshold(1_000_000, 0) // each new job asks about all tickets again
	tickets := playedPart(200, 60)
	var ids []int64
	before := map[int64]map[string]any{}
	for i := range tickets {
		id := srv.Seed("Tickets", map[string]any{"title": fmt.Sprintf("backup %d", i), "status": 1})
		if i%4 == 0 {
			srv.Seed("TimeEntries", map[string]any{"ticketID": id})
		}
		ids = append(ids, id)
		before[id] = srv.Get("Tickets", id)
	}
	killer := newKiller(t, srv)
	kills := 0
	for n := 3; ; n += 2 + n/playedPart(12, 4) { // grows, so that it ends
		if !killer.run(t, n, kills%2 == 0) {
			break
		}
		kills++
	}
	t.Logf("killed %d times", kills)
	assert.Positive(t, kills)

	notes := map[string]int{}
	for _, row := range srv.Rows("TicketNotes") {
		notes[kit.IDOf(row["ticketID"])]++
		n := kit.Note()
		assert.Equal(t, []any{n.Title, n.Description, kit.IDText(n.NoteType), kit.IDText(n.Publish)},
			[]any{row["title"], row["description"], kit.IDOf(row["noteType"]), kit.IDOf(row["publish"])})
	}
	for i, id := range ids {
		row := srv.Get("Tickets", id)
		assert.Equal(t, 1, notes[kit.IDText(id)], "ticket %d", i)
		assert.Equal(t, fmt.Sprintf("done: backup %d", i), row["resolution"])
		want := "5"
		if i%4 == 0 {
			want = "1"
		}
		assert.Equal(t, want, kit.IDOf(row["status"]), "ticket %d", i)
		for _, name := range []string{"completedDate", "resolvedDateTime"} {
			assert.Equal(t, i%4 != 0, row[name] != nil, "%s of ticket %d", name, i)
		}
		for name, was := range before[id] {
			if !kit.ReadOnlyTicketFields[name] && name != "resolution" && name != "status" {
				assert.Equal(t, was, row[name], "%s of ticket %d", name, i)
			}
		}
	}
}

// killer stands between a job and its tenant, and counts the requests.
type killer struct {
	base string

	mu      sync.Mutex
	process *os.Process
	left    int  // requests until the end; below 0 is after it
	before  bool // the last request is not carried out
}

func newKiller(t *testing.T, srv *autotasktest.Server) *killer {
	t.Helper()
	k := &killer{}
	to, err := url.Parse(srv.BaseURL())
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, to.Host
		},
		Transport: srv.Transport(),
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		k.left--
		last, before := k.left == 0, k.before
		k.mu.Unlock()
		if !last {
			proxy.ServeHTTP(w, r)
			return
		}
		if before {
			_, err := io.Copy(io.Discard, r.Body)
			assert.NoError(t, err)
		} else {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
		}
		k.kill(t)
		<-r.Context().Done() // nobody gets an answer
	}))
	t.Cleanup(front.Close)
	k.base = front.URL + to.Path
	return k
}

func (k *killer) kill(t *testing.T) {
	k.mu.Lock()
	defer k.mu.Unlock()
	assert.NoError(t, k.process.Kill())
}

// run starts the job, and reports whether it was killed with its n-th request.
func (k *killer) run(t *testing.T, n int, before bool) bool {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	job := exec.CommandContext(t.Context(), exe) //nolint:gosec // it is this very binary
	job.Env = append(os.Environ(), jobVariable+"="+k.base, jobBegunVariable+"="+jobBegun.Format(time.RFC3339))
	job.Stderr = os.Stderr
	k.mu.Lock()
	k.left, k.before = n, before
	require.NoError(t, job.Start())
	k.process = job.Process
	k.mu.Unlock()
	err = job.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left <= 0 {
		require.Error(t, err, "killed")
		return true
	}
	require.NoError(t, err, "the job must not fail, only be killed")
	return false
}
