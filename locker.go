package autotask

import (
	"context"
	"sync"
)

// Locker lets one caller at a time work on what a key names, first come first
// served. The context held ends with ctx, with unlock, which may be called
// twice, and when the lock is lost: use it for all that the lock is for.
type Locker interface {
	Lock(ctx context.Context, key string) (unlock func(), held context.Context, err error)
}

// LocalLocker is a [Locker] within one process; the zero value is ready to use.
type LocalLocker struct{ turns turns }

// Lock waits until nobody else holds the key, or until ctx ends.
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
