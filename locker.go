package autotask

import (
	"context"
	"sync"
)

// Locker lets one caller at a time work on what a key names, first come first
// served: [LocalLocker] in one process, others by a lease that they renew.
//
// Lock waits until nobody else holds the key, and returns a context that ends
// with ctx, with unlock, and as soon as the lock is lost: do everything that
// the lock is for with that context. unlock may be called more than once. On an
// error the other results are of no use.
type Locker interface {
	Lock(ctx context.Context, key string) (unlock func(), held context.Context, err error)
}

// LocalLocker is a [Locker] for one process. The zero value is ready to use.
type LocalLocker struct{ turns turns }

// Lock waits until nobody else holds the key. Its only errors are those of ctx.
func (l *LocalLocker) Lock(ctx context.Context, key string) (unlock func(), held context.Context, err error) {
	done, err := l.turns.wait(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	held, cancel := context.WithCancel(ctx)
	var once sync.Once
	return func() {
		once.Do(func() {
			cancel()
			done()
		})
	}, held, nil
}
