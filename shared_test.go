package autotask_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
)

func TestLocalLockerServesInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var locker autotask.LocalLocker
		var served []int
		holders := 0
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				unlock, held, err := locker.Lock(t.Context(), "a key")
				if err != nil {
					t.Error(err)
					return
				}
				holders++
				assert.Equal(t, 1, holders)
				served = append(served, i)
				time.Sleep(time.Second) //nolint:forbidigo // virtual time: the work
				holders--
				unlock()
				unlock()
				assert.ErrorIs(t, held.Err(), context.Canceled, "the lock is over")
			})
			synctest.Wait()
		}
		unlock, _, err := locker.Lock(t.Context(), "another key")
		require.NoError(t, err, "keys do not wait for each other")
		unlock()
		all.Wait()
		assert.Equal(t, []int{0, 1, 2, 3, 4}, served)
	})
}

func TestLocalLockerEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var locker autotask.LocalLocker
		unlock, held, err := locker.Lock(t.Context(), "a key")
		require.NoError(t, err)
		require.NoError(t, held.Err())

		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err = locker.Lock(impatient, "a key")
		require.ErrorIs(t, err, context.DeadlineExceeded)

		next := make(chan struct{})
		go func() {
			unlock, _, err := locker.Lock(t.Context(), "a key")
			assert.NoError(t, err, "who gave up does not hold the key")
			unlock()
			close(next)
		}()
		unlock()
		<-next

		ended, end := context.WithCancel(t.Context())
		unlock, held, err = locker.Lock(ended, "a key")
		require.NoError(t, err)
		end()
		require.ErrorIs(t, held.Err(), context.Canceled)
		unlock()
	})
}

var _ autotask.Locker = (*autotask.LocalLocker)(nil)
