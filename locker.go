package autotask

import (
	"context"
	"sync"
)

// Locker lets one caller at a time work on what a key names. LocalLocker does so
// within one process. One that spans processes holds the key by a lease, and
// renews it until unlock.
//
// Whoever asks first is served first.
type Locker interface {
	// Lock waits until nobody else holds the key. It returns a context that ends
	// with ctx, with unlock, and as soon as the lock is lost: everything that the
	// lock is for is done with that context. unlock may be called more than once.
	//
	// If ctx ends first, or the lock cannot be had, the error says so, and neither
	// of the others is of any use.
	Lock(ctx context.Context, key string) (unlock func(), held context.Context, err error)
}

// LocalLocker is a Locker for the callers of one process. Its zero value is ready
// for use; it must not be copied. It keeps nothing of a key that nobody holds or
// waits for.
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
