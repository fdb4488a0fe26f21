package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/autotask-go/autotask"
)

// Two processes share a tenant's places; here each is a client of its own.
func TestPlacesAreShared(t *testing.T) {
	t.Parallel()
	fakes := seedAll(1, 40, 5*time.Millisecond)
	t.Cleanup(func() { closeAll(fakes) })
	f := fakes[0]
	f.srv.SetThreadLimit(0)
	dir := t.TempDir()
	var g errgroup.Group
	for i := range 2 {
		shared, err := sharedLimits(t.Context(), &engine{}, dir, f.tenant, quiet)
		require.NoError(t, err)
		client, err := f.tenant.client(shared.options...)
		require.NoError(t, err)
		for _, a := range f.resolve[i*15 : i*15+15] {
			g.Go(func() error {
				_, err := client.Tickets.Get(t.Context(), a.TicketID)
				return err
			})
		}
	}
	require.NoError(t, g.Wait())
	assert.Equal(t, places, f.srv.MaxInFlight("Tickets"))
}

// Another tenant, or another integration code, has places of its own.
func TestPlacesAreATenants(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base := tenant{BaseURL: "https://webservices1.autotask.test", UserName: "u", IntegrationCode: "c"}
	user, code, zone := base, base, base
	user.UserName, code.IntegrationCode, zone.BaseURL = "v", "d", "https://webservices2.autotask.test"
	for _, tenant := range []tenant{base, user, code, zone} {
		shared, err := sharedLimits(t.Context(), &engine{}, dir, tenant, quiet)
		require.NoError(t, err)
		_, _, err = shared.locker.Lock(t.Context(), "key")
		require.NoError(t, err)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 4)
}

func TestALockIsHeldByOne(t *testing.T) {
	t.Parallel()
	a, b := &fileLocks{dir: t.TempDir()}, &fileLocks{}
	b.dir = a.dir
	unlock, held, err := a.Lock(t.Context(), "key")
	require.NoError(t, err)
	require.NoError(t, held.Err())

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, _, err = b.Lock(ctx, "key")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	other, _, err := b.Lock(t.Context(), "another key")
	require.NoError(t, err)
	other()

	unlock()
	unlock() // a second one does nothing
	require.ErrorIs(t, held.Err(), context.Canceled)
	again, _, err := b.Lock(t.Context(), "key")
	require.NoError(t, err)
	again()

	_, _, err = (&fileLocks{dir: filepath.Join(a.dir, "none")}).Acquire(t.Context(), "Tickets")
	require.ErrorIs(t, err, os.ErrNotExist)
	var _ autotask.Limiter = a
}

// River's UI comes with its pages, and for this machine only.
func TestUI(t *testing.T) {
	t.Parallel()
	_, e := openSQLite(t)
	fakes := seedAll(1, 10, 0)
	t.Cleanup(func() { closeAll(fakes) })
	_, err := e.insert(t.Context(), jobsOf(fakes))
	require.NoError(t, err)
	url, stop, err := e.serveUI(t.Context(), "127.0.0.1:0", quiet)
	require.NoError(t, err)
	t.Cleanup(stop)

	get := func(path, host string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		require.NoError(t, err)
		if host != "" {
			r.Host = host
		}
		resp, err := (&http.Client{Timeout: time.Minute}).Do(r)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	code, page := get("/", "")
	assert.Equal(t, http.StatusOK, code)
	assert.Contains(t, page, "<html")
	code, jobs := get("/api/jobs?state=available", "localhost:1")
	assert.Equal(t, http.StatusOK, code)
	assert.Contains(t, jobs, "backup-0000")
	assert.NotContains(t, jobs, string(fakes[0].tenant.Secret))
	code, _ = get("/api/jobs?state=available", "evil.example")
	assert.Equal(t, http.StatusForbidden, code)
}
