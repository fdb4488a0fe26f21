//go:build unix

package fleettest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/autotask-go/autotask"
)

// wire is a proxy before the server. It counts round trips, and can be cut.
type wire struct {
	url      string
	target   string
	listener net.Listener
	trips    atomic.Int64

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

func newWire(t testing.TB, server string) *wire {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with the test
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{target: u.Host, listener: listener, conns: make(map[net.Conn]bool)}
	u.Host = listener.Addr().String()
	w.url = u.String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go w.serve(conn)
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		w.set(true)
	})
	return w
}

// set cuts the wire, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for conn := range w.conns {
		if cut {
			_ = conn.Close()
		}
	}
}

func (w *wire) add(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		_ = conn.Close()
		return false
	}
	w.conns[conn] = true
	return true
}

func (w *wire) serve(conn net.Conn) {
	server, err := net.Dial("tcp", w.target) //nolint:noctx // closed with the test
	if err != nil || !w.add(conn) || !w.add(server) {
		_ = conn.Close()
		return
	}
	var asked atomic.Bool // the client has spoken last
	go func() {
		_, _ = io.Copy(hook{server, func() {
			if !asked.Swap(true) {
				w.trips.Add(1)
			}
		}}, conn)
		_ = server.Close()
	}()
	_, _ = io.Copy(hook{conn, func() { asked.Store(false) }}, server)
	_ = conn.Close()
}

// hook is a writer that calls a function before each write.
type hook struct {
	io.Writer
	before func()
}

func (h hook) Write(p []byte) (int, error) {
	h.before()
	return h.Writer.Write(p)
}

// settled waits until no more round trips are made, and returns their number.
func (w *wire) settled() int64 {
	for last := int64(-1); ; {
		now := w.trips.Load()
		if now == last {
			return now
		}
		last = now
		pause(100 * time.Millisecond)
	}
}

// RoundTrips counts what one acquire and release cost.
func RoundTrips(t *testing.T, a Adapter) {
	w := newWire(t, a.url(t))
	shared, _ := a.open(t, Options{Server: w.url})
	once := func() {
		release, _, err := shared.Acquire(t.Context(), "Tickets")
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	once() // which connects, and loads scripts
	before := w.settled()
	const times = 10
	for range times {
		once()
		w.settled() // or the release would travel with the next acquire
	}
	trips := w.settled() - before
	t.Logf("%d acquires and releases, one after another: %d round trips", times, trips)
	if trips > times*a.RoundTrips {
		t.Errorf("an acquire and a release take %d round trips, not %d", trips/times, a.RoundTrips)
	}
}

// log is where a test's records go.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), text)
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// Down takes the server away from a process that has no fallback.
func Down(t *testing.T, a Adapter) {
	w := newWire(t, a.url(t))
	var records log
	shared, stats := a.open(t, Options{Server: w.url, Logger: records.logger()})
	release, held, err := shared.Acquire(t.Context(), "Tickets")
	if err != nil {
		t.Fatal(err)
	}
	w.set(true)
	for name, call := range map[string]func() error{
		"Acquire":  func() error { _, _, err := shared.Acquire(t.Context(), "Companies"); return err },
		"Lock":     func() error { _, _, err := shared.Lock(t.Context(), "a key"); return err },
		"Spend":    func() error { _, err := shared.Spend(t.Context(), 1, 0); return err },
		"Refresh":  func() error { return shared.Refresh(t.Context(), time.Minute, nil) },
		"Remember": func() error { return shared.Remember(t.Context(), "a key", []byte("x"), time.Minute) },
		"Recall":   func() error { _, _, err := shared.Recall(t.Context(), "a key"); return err },
		"Forget":   func() error { _, err := shared.Forget(t.Context(), "a key", []byte("x")); return err },
	} {
		if err := call(); !errors.Is(err, a.Down) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s without a server: %v", name, err)
		}
	}
	if stats().Failures < 7 || stats().Fallbacks != 0 {
		t.Errorf("counted: %+v", stats())
	}
	if !records.has("level=WARN") {
		t.Error("there is no record of it")
	}
	w.set(false)
	eventually(t, "it works again", func() bool { _, err := shared.Spend(t.Context(), 1, 0); return err == nil })
	if !records.has("level=INFO") {
		t.Error("there is no record of its end")
	}
	pause(4 * time.Second) // longer than until the next renewal
	if held.Err() != nil {
		t.Errorf("a place that was held all the time: %v", context.Cause(held))
	}
	release()
}

// Fallback takes the server away from a process that may go on for a while.
func Fallback(t *testing.T, a Adapter) {
	const fallback = 4 * time.Second
	w := newWire(t, a.url(t))
	var records log
	shared, stats := a.open(t, Options{Server: w.url, Logger: records.logger(), Places: 2, Fallback: fallback})
	if err := shared.Refresh(t.Context(), time.Minute, Reads(1000, 10)); err != nil {
		t.Fatal(err)
	}
	if _, err := shared.Spend(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	w.set(true)
	began := time.Now()
	first, _, err := shared.Acquire(t.Context(), "Tickets")
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := shared.Acquire(t.Context(), "Tickets")
	if err != nil {
		t.Fatal(err)
	}
	third := make(chan error, 1)
	go func() {
		release, _, err := shared.Acquire(t.Context(), "Tickets")
		if err == nil {
			release()
		}
		third <- err
	}()
	select {
	case err := <-third:
		t.Errorf("a third got one of two places: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	first()
	if err := <-third; err != nil {
		t.Errorf("the third, when a place was free: %v", err)
	}
	second()
	s, err := shared.Spend(t.Context(), 1, 0)
	if err != nil || s.Used != 10 {
		t.Errorf("the hour: %+v, %v", s, err)
	}
	if _, _, err = shared.Recall(t.Context(), "a key"); err != nil {
		t.Errorf("the memory: %v", err)
	}
	if !records.has("level=WARN") || stats().Fallbacks < 4 {
		t.Errorf("it goes on silently: %+v", stats())
	}
	pause(time.Until(began.Add(fallback + 500*time.Millisecond)))
	if _, _, err := shared.Acquire(t.Context(), "Tickets"); !errors.Is(err, a.Down) {
		t.Errorf("after the time of the fallback: %v", err)
	}
	w.set(false)
	eventually(t, "it works again", func() bool {
		release, _, err := shared.Acquire(t.Context(), "Tickets")
		if err == nil {
			release()
		}
		return err == nil
	})
}

// Wiped makes the server forget everything while a place is held: it is still held,
// and nobody gets one too many.
func Wiped(t *testing.T, a Adapter) {
	o := Options{Server: a.url(t), Tenant: tenant(t), Places: 1}
	holder, stats := a.open(t, o)
	other, _ := a.open(t, o)
	release, held, err := holder.Acquire(t.Context(), "Tickets")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Wipe(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	pause(3500 * time.Millisecond) // until the next renewal
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, _, err := other.Acquire(ctx, "Tickets"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("another, while the place is held: %v", err)
	}
	if held.Err() != nil || stats().Lost != 0 {
		t.Errorf("the holder: %v, %+v", context.Cause(held), stats())
	}

	// Another is faster than the renewal: then the place is lost.
	if err := a.Wipe(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	taken, _, err := other.Acquire(t.Context(), "Tickets")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-held.Done():
	case <-time.After(leaseTime):
	}
	if context.Cause(held) != a.Lost || stats().Lost != 1 { //nolint:errorlint // it is not wrapped
		t.Errorf("the holder whose place was given away: %v, %+v", context.Cause(held), stats())
	}
	taken()
	release()
}

// Reads returns a reading of a tenant whose hour is as given.
func Reads(limit, used int64) func(context.Context) (*autotask.Threshold, error) {
	return func(context.Context) (*autotask.Threshold, error) {
		return &autotask.Threshold{Limit: limit, Window: time.Hour, Used: used}, nil
	}
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); pause(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

// SetBack sets the server's clock back while a process that has died holds a place and
// waits for another: neither keeps others waiting for longer than it would have.
func SetBack(t *testing.T, a Adapter) {
	w := newWire(t, a.url(t))
	o := Options{Server: w.url, Tenant: tenant(t), Places: 1, Logger: slog.New(slog.DiscardHandler)}
	dead, _ := a.open(t, o)
	if _, _, err := dead.Acquire(t.Context(), "Tickets"); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() { _, _, err := dead.Acquire(t.Context(), "Tickets"); waited <- err }()
	pause(100 * time.Millisecond)
	w.set(true)
	if err := <-waited; !errors.Is(err, a.Down) {
		t.Errorf("who waited: %v", err)
	}
	if err := a.Ahead(t.Context(), Options{Server: a.url(t), Tenant: o.Tenant}); err != nil {
		t.Fatal(err)
	}
	living, _ := a.open(t, Options{Tenant: o.Tenant, Places: 1})
	ctx, cancel := context.WithTimeout(t.Context(), leaseTime+slack)
	defer cancel()
	release, _, err := living.Acquire(ctx, "Tickets")
	if err != nil {
		t.Fatalf("a dead process keeps its place: %v", err)
	}
	release()
}
