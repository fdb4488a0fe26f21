package autotask_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// slotFiles shares Autotask's three places an endpoint between all processes
// of a machine that use one integration code. A place is a file in a directory
// of theirs, held by whoever could create it.
//
// A process that is killed leaves its files behind. A real one would write its
// process id into them, and take over those of processes that are no more.
type slotFiles struct {
	dir    string
	places int
}

// Acquire implements autotask.Limiter.
func (s slotFiles) Acquire(ctx context.Context, endpoint string) (release func(), err error) {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		for i := range s.places {
			name := filepath.Join(s.dir, fmt.Sprintf("%s.%d", endpoint, i))
			f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o600)
			switch {
			case err == nil:
				return func() { _ = os.Remove(name) }, f.Close()
			case !errors.Is(err, fs.ErrExist):
				return nil, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

func ExampleWithLimiter() {
	dir, err := os.MkdirTemp("", "autotask-slots")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	srv := autotasktest.Start()
	defer srv.Close()

	// Each process makes a client of its own, with the same directory.
	client := srv.Client(autotask.WithLimiter(slotFiles{dir: dir, places: 3}))
	fmt.Println(client.Ping(context.Background()))
	// Output: <nil>
}

func TestLimiter_SharesTheThreadLimitBetweenClients(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	id := srv.Seed("Tickets", nil)
	slots := slotFiles{dir: t.TempDir(), places: 3}
	var wg sync.WaitGroup
	for range 3 { // clients, as three processes would have
		client := srv.Client(autotask.WithLimiter(slots), autotask.WithMaxRetries(0))
		for range 10 {
			wg.Go(func() {
				_, err := client.Tickets.Get(t.Context(), id)
				assert.NoError(t, err)
			})
		}
	}
	wg.Wait()
	assert.LessOrEqual(t, srv.MaxInFlight("Tickets"), 3)
	left, err := os.ReadDir(slots.dir)
	require.NoError(t, err)
	assert.Empty(t, left, "every place was given back")
}

// givesUp is full from the second request on, until its caller gives up.
type givesUp struct{ asked int }

func (l *givesUp) Acquire(ctx context.Context, _ string) (func(), error) {
	if l.asked++; l.asked == 1 {
		return nil, nil
	}
	<-ctx.Done()
	return nil, fmt.Errorf("waiting: %w", ctx.Err())
}

func TestLimiter_EndOfTheContextIsNoFailureOfTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		srv.Inject(autotasktest.Fault{Op: "GET Tickets", Status: 503, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := srv.Client(autotask.WithLimiter(&givesUp{})).Tickets.Get(ctx, 5)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, autotask.ErrServer)
	})
}
