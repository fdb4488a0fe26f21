package limit_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/limit"
)

// recorded is a gate that writes down who passes it.
type recorded struct {
	name string
	log  *[]string
	end  func() // how Enter ends, or nil
	err  error
}

func (r recorded) Enter(context.Context, string) (leave func(), held context.Context, err error) {
	*r.log = append(*r.log, "enter "+r.name)
	if r.end != nil {
		r.end()
	}
	return func() { *r.log = append(*r.log, "leave "+r.name) }, nil, r.err
}

func TestEnter_LeavesInTheOppositeOrder(t *testing.T) {
	t.Parallel()
	var log []string
	leave, _, err := limit.Enter(t.Context(), []limit.Gate{recorded{name: "a", log: &log}, recorded{name: "b", log: &log}}, "Tickets")
	require.NoError(t, err)
	leave()
	assert.Equal(t, []string{"enter a", "enter b", "leave b", "leave a"}, log)
}

func TestEnter_GivesBackWhatItHasHoweverItEnds(t *testing.T) {
	t.Parallel()
	refused := errors.New("no")
	for name, last := range map[string]recorded{
		"error":  {err: refused},
		"panic":  {end: func() { panic("the caller's code") }},
		"Goexit": {end: runtime.Goexit},
	} {
		var log []string
		last.name, last.log = "c", &log
		done := make(chan error, 1)
		go func() {
			defer func() { done <- nil }() // after Goexit
			defer func() { _ = recover() }()
			_, _, err := limit.Enter(t.Context(), []limit.Gate{recorded{name: "a", log: &log}, recorded{name: "b", log: &log}, last}, "Tickets")
			done <- err
		}()
		if err := <-done; name == "error" {
			require.ErrorIs(t, err, refused)
		}
		assert.Equal(t, []string{"enter a", "enter b", "enter c", "leave b", "leave a"}, log, name)
	}
}

func TestThreads_CountByEndpoint(t *testing.T) {
	t.Parallel()
	threads := limit.NewThreads(1)
	leave, _, err := threads.Enter(t.Context(), "Tickets")
	require.NoError(t, err)
	_, _, err = threads.Enter(t.Context(), "TimeEntries")
	require.NoError(t, err, "another endpoint has places of its own")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = threads.Enter(ended, "Tickets")
	require.ErrorIs(t, err, context.Canceled)
	leave()
	_, _, err = threads.Enter(t.Context(), "Tickets")
	require.NoError(t, err)
}

func TestLogins_PauseAfterThreeInARow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logins := &limit.Logins{Open: "zoneInformation"}
		enter := func(endpoint string) error { _, _, err := logins.Enter(t.Context(), endpoint); return err }
		logins.Refused()
		logins.Refused()
		logins.Accepted()
		logins.Refused()
		logins.Refused()
		require.NoError(t, enter("Tickets"), "two in a row")
		logins.Refused()
		var refusal *limit.Refusal
		require.ErrorAs(t, enter("Tickets"), &refusal)
		assert.True(t, refusal.Login)
		require.NoError(t, enter("zoneInformation"), "which needs no login")
		<-time.After(5*time.Minute - time.Second) // of the bubble's clock
		require.Error(t, enter("Tickets"))
		<-time.After(time.Second)
		require.NoError(t, enter("Tickets"), "one tries")
		require.Error(t, enter("Tickets"), "the others wait for its outcome")
		logins.Accepted()
		require.NoError(t, enter("Tickets"))
	})
}

func TestUploads_TenMillionBytesInFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var uploads limit.Uploads
		settle, err := uploads.Reserve(6_000_000)
		require.NoError(t, err)
		_, err = uploads.Reserve(4_000_001)
		var full *limit.Refusal
		require.ErrorAs(t, err, &full, "what is in flight counts")
		assert.Equal(t, limit.UploadsWindow, full.RetryAfter)
		settle(false)
		settle, err = uploads.Reserve(6_000_000)
		require.NoError(t, err, "what never ran gives its bytes back")
		settle(true)
		<-time.After(time.Minute) // of the bubble's clock
		_, err = uploads.Reserve(5_000_000)
		require.ErrorAs(t, err, &full)
		assert.Equal(t, 4*time.Minute, full.RetryAfter)
		<-time.After(full.RetryAfter)
		_, err = uploads.Reserve(10_000_000)
		require.NoError(t, err)
	})
}
