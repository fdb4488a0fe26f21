package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/autotask-go/autotask"
)

// limits are what the processes of a fleet share of a tenant.
type limits struct {
	options []autotask.Option // WithLimiter, if any
	locker  autotask.Locker   // nil if there is none
}

// sharedLimits returns what workers share of a tenant. This is the place for another
// way of sharing.
//
// On one machine the places on an endpoint are locks on files, which end with the
// process that holds them. Without a directory for them nothing is shared: each
// process keeps to three requests at a time, and repeats what Autotask refuses.
func sharedLimits(dir string, t tenant) (limits, error) {
	if dir == "" || !canLockFiles {
		return limits{}, nil
	}
	// Autotask counts for an integration code of a tenant, in a zone.
	dir = filepath.Join(dir, digest(t.BaseURL, t.UserName, string(t.IntegrationCode)))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return limits{}, err
	}
	f := &fileLocks{dir: dir}
	return limits{options: []autotask.Option{autotask.WithLimiter(f)}, locker: f}, nil
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// fileLocks are places and locks that the processes of a machine share. The system
// gives them back when a process ends, however it ends.
type fileLocks struct{ dir string }

const (
	places   = 3 // that Autotask gives to an integration code on an endpoint
	lockPoll = 5 * time.Millisecond
)

// Acquire implements autotask.Limiter.
func (l *fileLocks) Acquire(ctx context.Context, endpoint string) (release func(), err error) {
	names := make([]string, places)
	for i := range names {
		names[i] = fmt.Sprintf("place-%s-%d", digest(endpoint), i)
	}
	return l.first(ctx, names)
}

// Lock implements autotask.Locker.
func (l *fileLocks) Lock(ctx context.Context, key string) (unlock func(), held context.Context, err error) {
	release, err := l.first(ctx, []string{"lock-" + digest(key)})
	if err != nil {
		return nil, nil, err
	}
	held, cancel := context.WithCancel(ctx)
	return func() {
		cancel()
		release()
	}, held, nil
}

// first waits until one of the files can be locked. The files stay, since one that is
// removed could be locked by two.
func (l *fileLocks) first(ctx context.Context, names []string) (release func(), err error) {
	ticker := time.NewTicker(lockPoll)
	defer ticker.Stop()
	for {
		for _, name := range names {
			f, err := os.OpenFile(filepath.Join(l.dir, name), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a digest in a directory of our own
			if err != nil {
				return nil, err
			}
			switch err := lockFile(f); {
			case err == nil:
				var once sync.Once
				return func() { once.Do(func() { _ = f.Close() }) }, nil
			case !errors.Is(err, errLocked):
				_ = f.Close()
				return nil, err
			}
			_ = f.Close()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}
