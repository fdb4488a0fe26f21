package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/fleet"
)

// store is a fleet.Store on a Redis server. Each exchange is one script, or one
// command. All keys of a queue have the same hash tag, as a cluster wants it.
type store struct {
	client redis.UniversalClient
	prefix string // with the beginning of a hash tag
}

// step: see fleet.Step. A queue is four keys: who waits, in order; who holds a place,
// until when; when a waiter was last heard of; and the last number given out.
var step = redis.NewScript(`
local queue, leases, seen, numbers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local places, lease, silence, dead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local leaving, renewing = tonumber(ARGV[5]), tonumber(ARGV[6])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
-- No stamp is later than this, unless the clock was set back.
for key, latest in pairs({[leases] = now + lease, [seen] = now}) do
	for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. latest, '+inf')) do
		redis.call('ZADD', key, latest, id)
	end
end
local at = 7
for i = at, at + leaving - 1 do
	redis.call('ZREM', queue, ARGV[i])
	redis.call('ZREM', seen, ARGV[i])
	redis.call('ZREM', leases, ARGV[i])
end
at = at + leaving
redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
local lost = {}
for i = at, at + renewing - 1 do
	if redis.call('ZSCORE', leases, ARGV[i]) or redis.call('ZCARD', leases) < places then
		redis.call('ZADD', leases, now + lease, ARGV[i])
	else
		lost[#lost + 1] = ARGV[i]
	end
end
at = at + renewing
local mine, granted = {}, {}
for i = at, #ARGV do
	if redis.call('ZSCORE', leases, ARGV[i]) then
		redis.call('ZADD', leases, now + lease, ARGV[i])
		granted[#granted + 1] = ARGV[i]
	else
		mine[ARGV[i]] = true
		if not redis.call('ZSCORE', queue, ARGV[i]) then
			redis.call('ZADD', queue, redis.call('INCR', numbers), ARGV[i])
		end
		redis.call('ZADD', seen, now, ARGV[i])
	end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', now - dead)) do
	redis.call('ZREM', queue, id)
	redis.call('ZREM', seen, id)
end
local free, from = places - redis.call('ZCARD', leases), 0
while free > 0 do
	local ids = redis.call('ZRANGE', queue, from, from + 31)
	if #ids == 0 then
		break
	end
	for _, id in ipairs(ids) do
		local heard = redis.call('ZSCORE', seen, id)
		if free > 0 and mine[id] then
			redis.call('ZREM', queue, id)
			redis.call('ZREM', seen, id)
			redis.call('ZADD', leases, now + lease, id)
			granted[#granted + 1] = id
			mine[id] = nil
			free = free - 1
		elseif not heard then
			redis.call('ZREM', queue, id)
		else
			from = from + 1
			if tonumber(heard) > now - silence then
				free = free - 1
			end
		end
	end
end
local ahead = 0
for i = at, #ARGV do
	if mine[ARGV[i]] then
		ahead = redis.call('ZRANK', queue, ARGV[i])
		break
	end
end
for _, key in ipairs(KEYS) do
	redis.call('PEXPIRE', key, 60000)
end
return {granted, lost, ahead}
`)

func (s *store) Step(ctx context.Context, st fleet.Step) (fleet.Outcome, error) {
	key := s.prefix + "/" + st.Queue + "}:"
	args := []any{
		st.Places, fleet.LeaseTime.Milliseconds(), fleet.Silence.Milliseconds(), fleet.DeadAfter.Milliseconds(),
		len(st.Leave), len(st.Renew),
	}
	for _, ids := range [][]string{st.Leave, st.Renew, st.Wait} {
		for _, id := range ids {
			args = append(args, id)
		}
	}
	answer, err := step.Run(ctx, s.client, []string{key + "queue", key + "leases", key + "seen", key + "numbers"}, args...).Slice()
	if err != nil {
		return fleet.Outcome{}, err
	}
	var out fleet.Outcome
	if len(answer) != 3 {
		return out, errAnswer
	}
	ahead, ok := answer[2].(int64)
	out.Ahead = int(ahead)
	var err1, err2 error
	out.Granted, err1 = texts(answer[0])
	out.Lost, err2 = texts(answer[1])
	if !ok || err1 != nil || err2 != nil {
		return out, errAnswer
	}
	return out, nil
}

var errAnswer = errors.New("the answer of a script has another form than it should")

func texts(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errAnswer
	}
	all := make([]string, len(list))
	for i, one := range list {
		if all[i], ok = one.(string); !ok {
			return nil, errAnswer
		}
	}
	return all, nil
}

// The hour is one hash: the last reading (quota, window, used, read); the requests
// begun and ended in total; both at the beginning of a reading (mark_begun,
// mark_ended); the first of them at the reading before (last); and base, which is how
// many of those begun a reading has surely counted. They are those that had ended when
// it began, and those that had begun before the reading before it: what a process that
// died has begun never ends.
var (
	spend = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local begun = redis.call('HINCRBY', KEYS[1], 'begun', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'ended', ARGV[2])
redis.call('PEXPIRE', KEYS[1], 86400000)
local h = redis.call('HMGET', KEYS[1], 'quota', 'window', 'used', 'read', 'base')
local age = now - (tonumber(h[4] or 0))
if age < 0 then
	age = 3600000
end
return {tonumber(h[1] or 0), tonumber(h[2] or 0), tonumber(h[3] or 0), age, math.max(0, begun - tonumber(h[5] or 0))}
`)
	claim = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local h = redis.call('HMGET', KEYS[1], 'read', 'claimed', 'begun', 'ended', 'token')
if h[5] == ARGV[1] then
	return 1
end
local age, since = now - tonumber(h[1] or 0), now - tonumber(h[2] or 0)
if age >= 0 and age < tonumber(ARGV[2]) or since >= 0 and since < tonumber(ARGV[3]) then
	return 0
end
redis.call('HSET', KEYS[1], 'claimed', now, 'token', ARGV[1], 'mark_begun', h[3] or 0, 'mark_ended', h[4] or 0)
redis.call('PEXPIRE', KEYS[1], 86400000)
return 1
`)
	report = redis.NewScript(`
local h = redis.call('HMGET', KEYS[1], 'token', 'claimed', 'mark_begun', 'mark_ended', 'last')
if h[1] ~= ARGV[1] then
	return 0
end
redis.call('HSET', KEYS[1], 'quota', ARGV[2], 'window', ARGV[3], 'used', ARGV[4], 'read', h[2],
	'base', math.max(tonumber(h[4]), tonumber(h[5] or 0)), 'last', h[3])
redis.call('HDEL', KEYS[1], 'token', 'claimed')
return 1
`)
)

func (s *store) hour() []string { return []string{s.prefix + "}:hour"} }

func (s *store) Spend(ctx context.Context, begun, ended int64) (autotask.Spent, error) {
	n, err := spend.Run(ctx, s.client, s.hour(), begun, ended).Int64Slice()
	if err != nil {
		return autotask.Spent{}, err
	}
	if len(n) != 5 {
		return autotask.Spent{}, errAnswer
	}
	return autotask.Spent{
		Threshold: autotask.Threshold{Limit: n[0], Window: time.Duration(n[1]) * time.Millisecond, Used: n[2]},
		Age:       time.Duration(n[3]) * time.Millisecond,
		Since:     n[4],
	}, nil
}

func (s *store) Claim(ctx context.Context, maxAge time.Duration) (token string, err error) {
	token = rand.Text()
	got, err := claim.Run(ctx, s.client, s.hour(), token, maxAge.Milliseconds(), fleet.ClaimTime.Milliseconds()).Int64()
	if err != nil || got == 0 {
		return "", err
	}
	return token, nil
}

func (s *store) Report(ctx context.Context, token string, t autotask.Threshold) error {
	return report.Run(ctx, s.client, s.hour(), token, t.Limit, t.Window.Milliseconds(), t.Used).Err()
}

// What is remembered of a write is one key. When it is settled, that holds a mark of who
// did it, which counts as empty. The driver may repeat an exchange: who finds his own
// mark was the one.
var (
	recall = redis.NewScript(`
return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}
`)
	forget = redis.NewScript(`
local value = redis.call('GET', KEYS[1])
if value == ARGV[2] then
	return 1
end
if not value or value ~= ARGV[1] then
	return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
`)
)

func (s *store) write(key string) string { return s.prefix + "/write:" + key + "}" }

func (s *store) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.client.Set(ctx, s.write(key), value, ttl).Err()
}

func (s *store) Recall(ctx context.Context, key string) (value []byte, left time.Duration, err error) {
	answer, err := recall.Run(ctx, s.client, []string{s.write(key)}).Slice()
	if err != nil {
		return nil, 0, err
	}
	if len(answer) != 2 {
		return nil, 0, errAnswer
	}
	if answer[0] == nil {
		return nil, 0, nil
	}
	text, ok1 := answer[0].(string)
	ms, ok2 := answer[1].(int64)
	if !ok1 || !ok2 {
		return nil, 0, fmt.Errorf("%w: %T, %T", errAnswer, answer[0], answer[1])
	}
	if strings.HasPrefix(text, forgotten) {
		text = ""
	}
	return []byte(text), time.Duration(ms) * time.Millisecond, nil
}

// forgotten begins a mark, as no value does.
const forgotten = "\x00forgotten "

func (s *store) Forget(ctx context.Context, key string, value []byte) (bool, error) {
	n, err := forget.Run(ctx, s.client, []string{s.write(key)}, value, forgotten+rand.Text()).Int64()
	return n == 1, err
}
