package autotask_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestWatchServerTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		const ahead = 37 * time.Minute
		srv.SetClock(func() time.Time { return time.Now().Add(ahead) })
		client := srv.Client()
		<-time.After(1500 * time.Millisecond)
		began := time.Now()
		ctx, earliest := autotask.WatchServerTime(t.Context())
		assert.True(t, earliest().IsZero(), "nothing is answered yet")

		srv.Inject(autotasktest.Fault{Status: 503})
		srv.Inject(autotasktest.Fault{Delay: 20 * time.Second})
		require.NoError(t, client.Ping(ctx))
		got := earliest()
		assert.False(t, got.After(began.Add(ahead)), "it had come before the call was made")
		assert.WithinDuration(t, began.Add(ahead), got, 2*time.Second)

		<-time.After(time.Hour)
		require.NoError(t, client.Ping(ctx))
		assert.Equal(t, got, earliest(), "the first answer counts")
	})
}

func TestWatchServerTimeWithoutADate(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	srv.SetDateHeader(false)
	ctx, earliest := autotask.WatchServerTime(t.Context())
	require.NoError(t, srv.Client().Ping(ctx))
	srv.SetDateHeader(true)
	require.NoError(t, srv.Client().Ping(ctx))
	assert.True(t, earliest().IsZero(), "a later answer says nothing of the first call")
}
