//go:build unix

package redis_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/limits/internal/fleettest"
	"github.com/autotask-go/autotask/limits/redis"
)

const (
	zone = "https://webservices19.autotask.net/ATServicesRest/V1.0"
	code = "ABCDEFGHIJKLMNOPQRSTUVWXYZ1"
)

func connect(url string) (*goredis.Client, error) {
	options, err := goredis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.MaxRetries = -1
	return goredis.NewClient(options), nil
}

// AUTOTASK_TEST_REDIS names the server of the tests. See .ci/redis.
var adapter = fleettest.Adapter{
	Variable:   "AUTOTASK_TEST_REDIS",
	Help:       "it is a URL such as redis://127.0.0.1:6379; .ci/redis starts a server",
	RoundTrips: 2,
	Lost:       redis.ErrLost,
	Down:       redis.ErrStore,
	Open: func(_ context.Context, o fleettest.Options) (fleettest.Shared, func() fleettest.Stats, error) {
		client, err := connect(o.Server)
		if err != nil {
			return nil, nil, err
		}
		l, err := redis.New(client, redis.Config{
			Zone: zone, IntegrationCode: code, Tenant: o.Tenant, Places: o.Places, Fallback: o.Fallback, Logger: o.Logger,
		})
		if err != nil {
			return nil, nil, err
		}
		return l, func() fleettest.Stats { return fleettest.Stats(l.Stats()) }, nil
	},
	Wipe: func(ctx context.Context, o fleettest.Options) error {
		keys, client, err := keysOf(ctx, o)
		if err != nil {
			return err
		}
		return client.Del(ctx, keys...).Err()
	},
	Ahead: func(ctx context.Context, o fleettest.Options) error {
		keys, client, err := keysOf(ctx, o)
		if err != nil {
			return err
		}
		const hour = 3_600_000
		return client.Eval(ctx, `
			for _, key in ipairs(KEYS) do
				if key:match(':leases$') or key:match(':seen$') then
					for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, ARGV[1], id) end
				end
			end
			return 1`, keys, hour).Err()
	},
}

func keysOf(ctx context.Context, o fleettest.Options) ([]string, *goredis.Client, error) {
	client, err := connect(o.Server)
	if err != nil {
		return nil, nil, err
	}
	var keys []string
	all := client.Scan(ctx, 0, "*", 1000).Iterator()
	for all.Next(ctx) {
		if strings.Contains(all.Val(), o.Tenant) {
			keys = append(keys, all.Val())
		}
	}
	return keys, client, all.Err()
}

func TestMain(m *testing.M) { fleettest.Main(m, adapter) }

// The tests that measure run alone, one after another.

func TestPlacesOfEightProcesses(t *testing.T) { fleettest.Places(t, adapter) }     //nolint:paralleltest // it measures
func TestHourOfTwelveProcesses(t *testing.T)  { fleettest.Hour(t, adapter) }       //nolint:paralleltest // it measures
func TestRoundTrips(t *testing.T)             { fleettest.RoundTrips(t, adapter) } //nolint:paralleltest // it measures

func TestUnanswered(t *testing.T) { t.Parallel(); fleettest.Unanswered(t, adapter) }
func TestLock(t *testing.T)       { t.Parallel(); fleettest.Lock(t, adapter) }
func TestLockLost(t *testing.T)   { t.Parallel(); fleettest.LockLost(t, adapter) }
func TestOrder(t *testing.T)      { t.Parallel(); fleettest.Order(t, adapter) }
func TestBudget(t *testing.T)     { t.Parallel(); fleettest.Budget(t, adapter) }
func TestMemory(t *testing.T)     { t.Parallel(); fleettest.Memory(t, adapter) }
func TestDown(t *testing.T)       { t.Parallel(); fleettest.Down(t, adapter) }
func TestFallback(t *testing.T)   { t.Parallel(); fleettest.Fallback(t, adapter) }
func TestWiped(t *testing.T)      { t.Parallel(); fleettest.Wiped(t, adapter) }

// repeating makes each exchange twice, as the driver does after an answer was lost.
type repeating struct{}

func (repeating) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (repeating) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

func (repeating) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		_ = next(ctx, cmd)
		return next(ctx, cmd)
	}
}

func TestForget_Repeated(t *testing.T) {
	t.Parallel()
	client, err := connect(fleettest.Server(t, adapter))
	require.NoError(t, err)
	client.AddHook(repeating{})
	l, err := redis.New(client, redis.Config{Zone: zone, IntegrationCode: code, Tenant: "repeated"})
	require.NoError(t, err)
	require.NoError(t, l.Remember(t.Context(), "k", []byte("v"), time.Minute))
	for _, want := range []bool{true, false} {
		was, err := l.Forget(t.Context(), "k", []byte("v"))
		require.NoError(t, err)
		assert.Equal(t, want, was)
	}
	value, _, err := l.Recall(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, []byte{}, value)
}

func TestClockSetBack(t *testing.T) { t.Parallel(); fleettest.SetBack(t, adapter) }

// deaf is a connection that loses one answer when it is told to.
type deaf struct {
	net.Conn
	lose *atomic.Bool
}

func (d deaf) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if d.lose.Swap(false) {
		return 0, errors.Join(io.EOF, d.Close())
	}
	return n, err
}

// A Redis client sends again what it got no answer to, as it does by default.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	options, err := goredis.ParseURL(fleettest.Server(t, adapter))
	require.NoError(t, err)
	var lose atomic.Bool
	options.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return deaf{conn, &lose}, err
	}
	l, err := redis.New(goredis.NewClient(options), redis.Config{Zone: zone, IntegrationCode: code, Tenant: rand.Text()})
	require.NoError(t, err)
	forget := func() bool {
		was, err := l.Forget(t.Context(), "k", []byte("v"))
		require.NoError(t, err)
		return was
	}
	for range 2 {
		require.NoError(t, l.Remember(t.Context(), "k", []byte("v"), time.Minute))
		lose.Store(true)
		assert.True(t, forget(), "nobody else has settled it")
		assert.False(t, lose.Load())
		assert.False(t, forget())
		value, _, err := l.Recall(t.Context(), "k")
		require.NoError(t, err)
		assert.Equal(t, []byte{}, value)
	}
	readings := 0
	lose.Store(true)
	require.NoError(t, l.Refresh(t.Context(), time.Minute, func(ctx context.Context) (*autotask.Threshold, error) {
		readings++
		return fleettest.Reads(1000, 1)(ctx)
	}))
	assert.Equal(t, 1, readings, "nobody else reads")
	assert.Zero(t, l.Stats())
}

func TestNoKeyHoldsASecret(t *testing.T) {
	t.Parallel()
	o := fleettest.Options{Tenant: "no-secrets"}
	o.Server = fleettest.Server(t, adapter)
	l, _, err := adapter.Open(t.Context(), o)
	require.NoError(t, err)
	release, _, err := l.Acquire(t.Context(), "Tickets")
	require.NoError(t, err)
	defer release()
	_, err = l.Spend(t.Context(), 1, 0)
	require.NoError(t, err)
	require.NoError(t, l.Remember(t.Context(), "tickets/5", []byte("x"), 1e9))
	keys, _, err := keysOf(t.Context(), o)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(keys), 4)
	for _, key := range keys {
		assert.NotContains(t, key, code)
		assert.Regexp(t, `^autotask:\{webservices19\.autotask\.net/[0-9a-f]{32}/no-secrets(/endpoint:Tickets|/write:tickets/5|)\}`, key)
	}
}

func TestNew_RefusesAConfigThatIsWrong(t *testing.T) {
	t.Parallel()
	client := goredis.NewClient(&goredis.Options{})
	for text, c := range map[string]redis.Config{
		"no Zone":              {IntegrationCode: code},
		"no IntegrationCode":   {Zone: zone},
		"has a space, a brace": {Zone: zone, IntegrationCode: code, Tenant: "a b"},
		"may be negative":      {Zone: zone, IntegrationCode: code, Places: -1},
	} {
		_, err := redis.New(client, c)
		require.ErrorContains(t, err, text)
		assert.NotContains(t, err.Error(), code)
	}
	_, err := redis.New(nil, redis.Config{Zone: zone, IntegrationCode: code})
	require.ErrorContains(t, err, "the client is nil")
}
