//go:build unix

package fleettest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autotask-go/autotask"
)

// Order lets waiters of two processes come one after another: they are served in that
// order, but for one that gives up.
func Order(t *testing.T, a Adapter) {
	o := Options{Tenant: tenant(t), Places: 1}
	one, _ := a.open(t, o)
	two, _ := a.open(t, o)
	first, _, err := one.Acquire(t.Context(), "Tickets")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var served []int
	var all sync.WaitGroup
	patient := t.Context()
	impatient, giveUp := context.WithCancel(patient)
	for i := range 9 {
		all.Go(func() {
			shared, ctx := one, patient
			if i%2 == 1 {
				shared = two
			}
			if i == 3 {
				ctx = impatient
			}
			release, _, err := shared.Acquire(ctx, "Tickets")
			if i == 3 {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("who gave up: %v", err)
				}
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			served = append(served, i)
			release()
		})
		pause(100 * time.Millisecond) // so that they come in this order
	}
	giveUp()
	pause(100 * time.Millisecond)
	// Another endpoint does not wait, nor does a lock of the same name.
	for _, call := range []func() (func(), context.Context, error){
		func() (func(), context.Context, error) { return two.Acquire(t.Context(), "Companies") },
		func() (func(), context.Context, error) { return two.Lock(t.Context(), "Tickets") },
	} {
		release, _, err := call()
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	began := time.Now()
	first()
	first()
	all.Wait()
	if want := []int{0, 1, 2, 4, 5, 6, 7, 8}; !slices.Equal(served, want) {
		t.Errorf("served: %v, not %v", served, want)
	}
	t.Logf("eight handovers between two processes took %v", time.Since(began).Round(time.Millisecond))
	for _, shared := range []Shared{one, two} {
		if err := shared.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if _, _, err := shared.Acquire(t.Context(), "Tickets"); err == nil {
			t.Error("it lets somebody in after Close")
		}
	}
	// What was given back is free at once.
	three, _ := a.open(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), slack)
	defer cancel()
	if _, _, err := three.Acquire(ctx, "Tickets"); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

// Budget plays a reading with requests before, during and after it.
func Budget(t *testing.T, a Adapter) {
	o := Options{Tenant: tenant(t)}
	one, _ := a.open(t, o)
	two, _ := a.open(t, o)
	spend := func(s Shared, begun, ended int64) autotask.Spent {
		t.Helper()
		spent, err := s.Spend(t.Context(), begun, ended)
		if err != nil {
			t.Fatal(err)
		}
		return spent
	}
	refresh := func(s Shared, read func(context.Context) (*autotask.Threshold, error)) {
		t.Helper()
		if err := s.Refresh(t.Context(), time.Minute, read); err != nil {
			t.Fatal(err)
		}
	}
	never := func(ctx context.Context) (*autotask.Threshold, error) {
		t.Error("a second reading")
		return Reads(0, 0)(ctx)
	}
	if s := spend(one, 1, 0); s.Limit != 0 || s.Since != 1 {
		t.Errorf("before the first reading: %+v", s)
	}
	spend(two, 5, 0)
	spend(two, 0, 3) // of six, three have ended
	refresh(one, func(ctx context.Context) (*autotask.Threshold, error) {
		refresh(two, never) // one reads
		spend(two, 1, 0)
		return Reads(1000, 40)(ctx)
	})
	refresh(two, never) // it is young
	if s := spend(two, 0, 0); s.Limit != 1000 || s.Window != time.Hour || s.Used != 40 || s.Age > slack || s.Since != 4 {
		t.Errorf("three that had not ended, and one that came later: %+v", s)
	}
	if s := spend(one, 2, 4); s.Since != 6 {
		t.Errorf("what ends after the reading may not be in it: %+v", s)
	}
	if s := spend(one, -1, 0); s.Since != 5 {
		t.Errorf("one that was not made: %+v", s)
	}

	// A reading that fails leaves the earlier one. It is somebody else's turn later.
	failure := errors.New("no")
	if err := one.Refresh(t.Context(), 0, func(context.Context) (*autotask.Threshold, error) { return nil, failure }); !errors.Is(err, failure) {
		t.Errorf("a reading that failed: %v", err)
	}
	if s := spend(one, 0, 0); s.Used != 40 {
		t.Errorf("after it: %+v", s)
	}
}

// Memory remembers, recalls and forgets.
func Memory(t *testing.T, a Adapter) {
	o := Options{Tenant: tenant(t)}
	one, _ := a.open(t, o)
	two, _ := a.open(t, o)
	key, value := "tickets/5 {\"ü\"}", []byte("\x00\xff value")
	recall := func(s Shared, key string) ([]byte, time.Duration) {
		t.Helper()
		v, left, err := s.Recall(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return v, left
	}
	forget := func(s Shared, value []byte, want bool) {
		t.Helper()
		was, err := s.Forget(t.Context(), key, value)
		if err != nil || was != want {
			t.Errorf("Forget: %v, %v", was, err)
		}
	}
	if v, _ := recall(one, key); v != nil {
		t.Errorf("before: %q", v)
	}
	forget(one, value, false)
	for _, ttl := range []time.Duration{time.Hour, time.Minute} {
		if err := one.Remember(t.Context(), key, value, ttl); err != nil {
			t.Fatal(err)
		}
		if v, left := recall(two, key); string(v) != string(value) || left > ttl || left < ttl-10*time.Second {
			t.Errorf("another process recalls %q for %v", v, left)
		}
	}
	if v, _ := recall(two, strings.ToUpper(key)); v != nil {
		t.Errorf("another key: %q", v)
	}
	forget(two, []byte("an earlier value"), false)
	forget(two, value, true)
	forget(one, value, false)
	if v, left := recall(one, key); v == nil || len(v) != 0 || left < 30*time.Second {
		t.Errorf("what was forgotten: %q for %v", v, left)
	}
	if err := one.Remember(t.Context(), key, value, 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is over", func() bool { v, _ := recall(two, key); return v == nil })
	stranger, _ := a.open(t, Options{Tenant: tenant(t) + ".another"})
	if err := one.Remember(t.Context(), key, value, time.Minute); err != nil {
		t.Fatal(err)
	}
	if v, _ := recall(stranger, key); v != nil {
		t.Errorf("another tenant: %q", v)
	}
}
