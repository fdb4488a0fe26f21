package autotask

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/autotask-go/autotask/internal/transport"
	"github.com/autotask-go/autotask/internal/zone"
)

// Option configures a Client.
type Option func(*settings) error

type settings struct {
	transport.Config
	baseURL     string
	zoneURL     string
	application string
	reserve     *float64
	budget      Budget
	unanswered  Unanswered
}

// WithBaseURL sets the zone's address, instead of discovery, such as
// "https://webservices19.autotask.net/ATServicesRest/V1.0", in this casing.
func WithBaseURL(baseURL string) Option {
	return func(s *settings) (err error) {
		s.baseURL, err = zone.CheckBase(baseURL)
		return err
	}
}

// WithHTTPClient makes the client use hc's Transport, Jar and Timeout (two minutes
// by default) for each attempt. The Transport sees the credentials and must not
// repeat requests. Wrap an *http.Transport by [WithMiddleware].
func WithHTTPClient(hc *http.Client) Option {
	return func(s *settings) error {
		if hc == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		if _, repeats := hc.Transport.(*retryablehttp.RoundTripper); repeats {
			return errors.New("WithHTTPClient: the transport is one of go-retryablehttp, which repeats writes whose answers were lost; the client retries by itself, see WithMaxRetries")
		}
		s.HTTPClient = hc
		return nil
	}
}

// WithReadOnly makes every write fail with [ErrReadOnly] before it is sent.
func WithReadOnly() Option {
	return func(s *settings) error {
		s.ReadOnly = true
		return nil
	}
}

// WithMiddleware wraps the HTTP transport, the last outermost. It sees each attempt
// without credentials, and must send through what it wraps.
func WithMiddleware(wrap func(http.RoundTripper) http.RoundTripper) Option {
	return func(s *settings) error {
		if wrap == nil {
			return errors.New("WithMiddleware: the function is nil")
		}
		s.Wrap = append(s.Wrap, wrap)
		return nil
	}
}

// WithLogger logs each attempt (Debug, or Warn on failure), never its content.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) error {
		if l == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		s.Logger = l
		return nil
	}
}

// WithApplication puts "name/version" of the program first in the User-Agent.
func WithApplication(name, version string) Option {
	return func(s *settings) error {
		product := name
		if version != "" {
			product += "/" + version
		}
		if name == "" || strings.ContainsFunc(product, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return fmt.Errorf("WithApplication: %q is not a User-Agent product: use visible ASCII without spaces", product)
		}
		s.application = product
		return nil
	}
}

// WithMaxRetries sets the maximum number of retries per request, by default 4.
func WithMaxRetries(n int) Option {
	return func(s *settings) error {
		if n < 0 {
			return fmt.Errorf("WithMaxRetries: %d is negative", n)
		}
		s.MaxRetries = n
		return nil
	}
}

// WithMaxConcurrency sets how many requests run concurrently on one endpoint:
// by default 3, Autotask's limit. Divide that among processes.
func WithMaxConcurrency(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithMaxConcurrency: %d is less than one", n)
		}
		s.MaxConcurrency = n
		return nil
	}
}

// WithHourlyReserve leaves a share of the tenant's hourly requests, 0 to below
// 1, to others: with 0.25 the client slows down as three quarters are used, then
// fails with [ErrRateLimited]. It calls [Client.Threshold] now and then.
func WithHourlyReserve(share float64) Option {
	return func(s *settings) error {
		if !(share >= 0 && share < 1) {
			return fmt.Errorf("WithHourlyReserve: %v is not a share between 0 and 1", share)
		}
		s.reserve = &share
		return nil
	}
}

// WithMaxResponseBytes bounds a decompressed answer; by default 32 MiB.
func WithMaxResponseBytes(n int64) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithMaxResponseBytes: %d is less than one", n)
		}
		s.MaxResponseBytes = n
		return nil
	}
}

// WithZoneURL sets the address of zone discovery, ".../zoneInformation".
func WithZoneURL(zoneURL string) Option {
	return func(s *settings) (err error) {
		s.zoneURL, err = zone.CheckDiscovery(zoneURL)
		return err
	}
}

// WatchServerTime returns a context whose first answered call notes Autotask's
// clock, and a function that returns a time it had reached before, or zero.
func WatchServerTime(ctx context.Context) (watched context.Context, earliest func() time.Time) {
	w := new(serverTime)
	return context.WithValue(ctx, serverTimeKey{}, w), w.get
}

type serverTimeKey struct{}

type serverTime struct {
	mu       sync.Mutex
	answered bool
	earliest time.Time
}

func (w *serverTime) get() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.earliest
}

// noteServerTime notes an answer to a call that began at a time of our
// clock, for whoever watches.
func noteServerTime(ctx context.Context, began time.Time, answer transport.Answer) {
	w, ok := ctx.Value(serverTimeKey{}).(*serverTime)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answered {
		return
	}
	w.answered = true
	if !answer.Date.IsZero() {
		w.earliest = answer.Date.Add(-answer.Received.Sub(began)).Truncate(time.Second).UTC()
	}
}
