package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/limits/postgres"
)

// limits are what the processes of a fleet share of a tenant.
type limits struct {
	options []autotask.Option
	locker  autotask.Locker // nil if there is none
	close   func()
}

// hourlyReserve is the share of the tenant's hour that is left to others.
const hourlyReserve = 0.1

// fallback is how long a worker goes by its own limits while the database does not
// answer, so that a restart of it cuts no request in flight. What is too much then,
// Autotask refuses, and the client repeats.
const fallback = 30 * time.Second

// sharedLimits returns what workers share of a tenant. This is the place for another
// way of sharing, such as limits/redis.
//
// On Postgres it is all that Autotask counts for all processes together: the places on
// an endpoint, the hour, and the writes whose answers were lost.
//
// On SQLite, and so on one machine, the places on an endpoint are locks on files in
// dir, which end with the process that holds them. Without dir, or on a system that
// has no such locks, each process keeps to three requests at a time, and repeats what
// Autotask refuses.
func sharedLimits(ctx context.Context, e *engine, dir string, t tenant, log *slog.Logger) (limits, error) {
	l := limits{options: []autotask.Option{autotask.WithHourlyReserve(hourlyReserve)}, close: func() {}}
	switch {
	case e.pool != nil:
		// A tenant without an address is in the zone that is discovered for its user.
		shared, err := postgres.New(e.pool, postgres.Config{
			Zone: cmp.Or(t.BaseURL, "discovered"), IntegrationCode: string(t.IntegrationCode), Tenant: t.Name, Places: places,
			Fallback: fallback, Logger: log,
		})
		if err != nil {
			return l, err
		}
		l.options = append(l.options, autotask.WithLimiter(shared), autotask.WithBudget(shared), autotask.WithUnanswered(shared))
		l.locker = shared
		l.close = func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = shared.Close(ctx) // what is not given back in time ends with its lease
		}
	case dir != "" && canLockFiles:
		// Autotask counts for an integration code of a tenant, in a zone.
		f := &fileLocks{dir: filepath.Join(dir, digest(t.BaseURL, t.UserName, string(t.IntegrationCode)))}
		if err := os.MkdirAll(f.dir, 0o700); err != nil {
			return l, err
		}
		l.options = append(l.options, autotask.WithLimiter(f))
		l.locker = f
	}
	return l, nil
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
func (l *fileLocks) Acquire(ctx context.Context, endpoint string) (release func(), held context.Context, err error) {
	names := make([]string, places)
	for i := range names {
		names[i] = fmt.Sprintf("place-%s-%d", digest(endpoint), i)
	}
	release, err = l.first(ctx, names)
	return release, nil, err // a place is never lost before it is given back
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
