package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/fleet"
)

// memory is a Store in memory, with the clock of the test.
type memory struct {
	mu      sync.Mutex
	down    error
	failing string // the names of calls
	hangs   bool   // until the context ends
	steps   []fleet.Step
	queues  map[string]*line

	hour    autotask.Spent
	readAt  time.Time
	begun   int64
	claimed string
	claims  int
	mark    int64
	values  map[string][]byte
}

type line struct {
	leases  map[string]time.Time
	waiting []string
	seen    map[string]time.Time
}

var errDown = errors.New("connection refused")

func newMemory() *memory {
	return &memory{queues: make(map[string]*line), values: make(map[string][]byte)}
}

// set changes the store.
func (m *memory) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *memory) up(ctx context.Context, call string) error {
	m.mu.Lock()
	down, hangs := m.down, m.hangs
	if strings.Contains(m.failing, call) {
		down = errDown
	}
	m.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return down
}

func (m *memory) Step(ctx context.Context, s fleet.Step) (out fleet.Outcome, err error) {
	if err := m.up(ctx, "Step"); err != nil {
		return out, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = append(m.steps, s)
	q, ok := m.queues[s.Queue]
	if !ok {
		q = &line{leases: make(map[string]time.Time), seen: make(map[string]time.Time)}
		m.queues[s.Queue] = q
	}
	now := time.Now()
	for id, until := range q.leases {
		if !now.Before(until) {
			delete(q.leases, id)
		}
	}
	for _, id := range s.Leave {
		delete(q.leases, id)
		q.waiting = slices.DeleteFunc(q.waiting, func(other string) bool { return other == id })
	}
	for _, id := range s.Renew {
		if _, holds := q.leases[id]; holds || len(q.leases) < s.Places {
			q.leases[id] = now.Add(fleet.LeaseTime)
		} else {
			out.Lost = append(out.Lost, id)
		}
	}
	for _, id := range s.Wait {
		q.seen[id] = now
		if _, holds := q.leases[id]; holds {
			q.leases[id] = now.Add(fleet.LeaseTime)
			out.Granted = append(out.Granted, id)
		} else if !slices.Contains(q.waiting, id) {
			q.waiting = append(q.waiting, id)
		}
	}
	for _, id := range slices.Clone(q.waiting) {
		if now.Sub(q.seen[id]) > fleet.Silence {
			continue
		}
		if len(q.leases) >= s.Places || !slices.Contains(s.Wait, id) {
			break
		}
		q.waiting = slices.DeleteFunc(q.waiting, func(other string) bool { return other == id })
		q.leases[id] = now.Add(fleet.LeaseTime)
		out.Granted = append(out.Granted, id)
	}
	for _, id := range s.Wait {
		if i := slices.Index(q.waiting, id); i >= 0 {
			out.Ahead = i
			break
		}
	}
	return out, nil
}

// exchanges returns how many steps were made.
func (m *memory) exchanges() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.steps)
}

// held returns how many places on Tickets are held.
func (m *memory) held() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	if q := m.queues["endpoint:Tickets"]; q != nil {
		for _, until := range q.leases {
			if time.Now().Before(until) {
				n++
			}
		}
	}
	return n
}

func (m *memory) Spend(ctx context.Context, begun, _ int64) (autotask.Spent, error) {
	if err := m.up(ctx, "Spend"); err != nil {
		return autotask.Spent{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun += begun
	s := m.hour
	s.Age, s.Since = time.Since(m.readAt), m.begun-m.mark
	return s, nil
}

func (m *memory) Claim(ctx context.Context, maxAge time.Duration) (string, error) {
	if err := m.up(ctx, "Claim"); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hour.Limit > 0 && time.Since(m.readAt) < maxAge || m.claimed != "" {
		return "", nil
	}
	m.claims++
	m.claimed = strconv.Itoa(m.claims)
	return m.claimed, nil
}

func (m *memory) Report(ctx context.Context, token string, t autotask.Threshold) error {
	if err := m.up(ctx, "Report"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if token == m.claimed {
		m.hour, m.readAt, m.claimed, m.mark = autotask.Spent{Threshold: t}, time.Now(), "", m.begun
	}
	return nil
}

func (m *memory) Remember(ctx context.Context, key string, value []byte, _ time.Duration) error {
	if err := m.up(ctx, "Remember"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[key] = value
	return nil
}

func (m *memory) Recall(ctx context.Context, key string) ([]byte, time.Duration, error) {
	if err := m.up(ctx, "Recall"); err != nil {
		return nil, 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], time.Minute, nil
}

func (m *memory) Forget(ctx context.Context, key string, value []byte) (bool, error) {
	if err := m.up(ctx, "Forget"); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	was := len(value) > 0 && bytes.Equal(m.values[key], value)
	if was {
		m.values[key] = []byte{}
	}
	return was, nil
}
