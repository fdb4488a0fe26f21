package autotask

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/autotask-go/autotask/internal/transport"
	"github.com/autotask-go/autotask/internal/zone"
)

// Limiter shares Autotask's limits with whatever else uses the same
// integration code: other processes, for instance. Acquire is called before
// each attempt of a request, after the client's own gate has let it through,
// with the first segment of its path ("Tickets"); it blocks until the request
// may go or the context ends. The release it returns, if not nil, is called
// once the answer has been read.
type Limiter interface {
	Acquire(ctx context.Context, endpoint string) (release func(), err error)
}

// Option configures a Client.
type Option func(*settings) error

type settings struct {
	transport.Config
	baseURL     string
	zoneURL     string
	application string
	reserve     *float64
}

// WithBaseURL names the zone's address, such as
// "https://webservices19.autotask.net/ATServicesRest/V1.0", and so skips zone
// discovery. ATServicesRest is case-sensitive (docs/api-notes.md, section 1.1): any other
// spelling is refused. https only, but for loopback addresses.
func WithBaseURL(baseURL string) Option {
	return func(s *settings) (err error) {
		s.baseURL, err = zone.CheckBase(baseURL)
		return err
	}
}

// WithHTTPClient makes the client use hc's Transport, Jar and Timeout. The
// Timeout, two minutes if it is 0, bounds a single attempt and does not count
// the time spent waiting for a limit. hc is copied; its CheckRedirect is not
// used, since redirects are never followed. Its Transport does see the
// credentials: it is what puts them on the wire.
//
// The Transport must not repeat requests: a write whose answer was lost would be
// carried out twice. One of go-retryablehttp is refused. An *http.Transport is
// best, and anything around it belongs into WithMiddleware: of it alone the client
// knows when a write that failed cannot have been carried out.
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

// WithReadOnly makes a client for reading only: a write fails with ErrReadOnly
// before it is sent, by any door of the library and whatever a wrapped transport
// does. A call of several steps, such as Resolve, may have read by then.
func WithReadOnly() Option {
	return func(s *settings) error {
		s.ReadOnly = true
		return nil
	}
}

// WithMiddleware wraps the HTTP transport, for tracing and metrics. It sees
// every attempt of every request, without the credentials: they are added
// beneath it. It must send by the transport that it wraps. A write that may have
// been sent is not sent by that again, and an answer that it did not give does
// not settle one: the outcome is unknown then. Of several, the last one is the
// outermost.
func WithMiddleware(wrap func(http.RoundTripper) http.RoundTripper) Option {
	return func(s *settings) error {
		if wrap == nil {
			return errors.New("WithMiddleware: the function is nil")
		}
		s.Wrap = append(s.Wrap, wrap)
		return nil
	}
}

// WithLogger makes the client log one record an attempt: operation, status,
// attempt, duration, time waited. At level Debug for successes, Warn for
// failures. Headers, query strings and bodies are never logged.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) error {
		if l == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		s.Logger = l
		return nil
	}
}

// WithApplication names the program that uses the library. "name/version"
// leads the User-Agent.
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

// WithMaxRetries sets how often a request is repeated at the most, 4 by
// default; 0 turns repeating off. What is repeated when is in the package
// documentation.
func WithMaxRetries(n int) Option {
	return func(s *settings) error {
		if n < 0 {
			return fmt.Errorf("WithMaxRetries: %d is negative", n)
		}
		s.MaxRetries = n
		return nil
	}
}

// WithMaxConcurrency sets how many requests run at a time on one endpoint, 3
// by default, which is Autotask's limit for an integration code. Set it lower
// where several processes share the code.
func WithMaxConcurrency(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithMaxConcurrency: %d is less than one", n)
		}
		s.MaxConcurrency = n
		return nil
	}
}

// WithLimiter adds a limit that is shared beyond this client.
func WithLimiter(l Limiter) Option {
	return func(s *settings) error {
		if l == nil {
			return errors.New("WithLimiter: the limiter is nil")
		}
		s.Limiter = l
		return nil
	}
}

// WithHourlyReserve keeps a share of the tenant's request limit, between 0 and 1, for
// its other integrations. Autotask allows a tenant, with all its integrations
// together, 10,000 requests in an hour, and turns everybody away beyond that.
// With WithHourlyReserve(0.25) the client slows down as the tenant's use nears three
// quarters of the limit, and at three quarters its calls fail with
// ErrRateLimited before they are sent.
//
// The client reads the state of the limit sparsely (GET ThresholdInformation,
// which itself counts): at the first call, after every 5 % of the limit spent by
// itself, and after five minutes; in between it counts its own requests.
func WithHourlyReserve(share float64) Option {
	return func(s *settings) error {
		if !(share >= 0 && share < 1) {
			return fmt.Errorf("WithHourlyReserve: %v is not a share between 0 and 1", share)
		}
		s.reserve = &share
		return nil
	}
}

// WithMaxResponseBytes bounds the body of an answer, after decompression;
// 32 MiB by default.
func WithMaxResponseBytes(n int64) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithMaxResponseBytes: %d is less than one", n)
		}
		s.MaxResponseBytes = n
		return nil
	}
}

// WithZoneURL changes where zone discovery asks, by default
// "https://webservices.autotask.net/ATServicesRest/V1.0/zoneInformation". A
// URL that ends before "/zoneInformation" is completed.
func WithZoneURL(zoneURL string) Option {
	return func(s *settings) (err error) {
		s.zoneURL, err = zone.CheckDiscovery(zoneURL)
		return err
	}
}
