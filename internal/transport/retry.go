package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	backoffBase = 500 * time.Millisecond
	backoffMax  = 20 * time.Second
	// maxRetryAfter is the longest wait that a server may ask for. A longer one is
	// returned to the caller, who can decide whether to wait.
	maxRetryAfter = time.Minute
)

// exchange is the state of one Do, and the context of its request: a CheckRetry of
// go-retryablehttp has no request when the transport failed.
type exchange struct {
	context.Context // the caller's

	request *Request
	class   Class
	of      *Transport

	held              context.Context // ends when the limiter's place is lost; nil if it cannot be
	attempt           int
	onWire            bool    // the attempt reached the layers below
	once              *single // of a write's attempt that did
	body              *bytes.Buffer
	date              string
	started, received time.Time // of the last attempt
	answered          time.Time // when the headers arrived
	decodeErr         error
	judged            bool
	again             bool
	failure           *Failure
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Value returns the exchange itself to callers that have the request's context. It hides
// the single of another exchange, in which middleware may have made this one.
func (x *exchange) Value(key any) any {
	switch key {
	case exchangeKey{}:
		return x
	case onceKey{}:
		return nil
	}
	return x.Context.Value(key)
}

// begin resets what an earlier attempt set.
func (x *exchange) begin() {
	x.releaseBody()
	x.onWire, x.once, x.judged, x.decodeErr, x.date, x.held = false, nil, false, nil, "", nil
}

// refuse returns the failure of a request that must never be sent, whatever the
// caller asked.
func (x *exchange) refuse() error {
	switch {
	case x.of.config.ReadOnly && x.class == Write:
		return x.readOnlyRefusal()
	case patchesTicket(x.request.Method, x.request.Path):
		return x.patchRefusal()
	}
	return nil
}

// refuseChanged does the same for the request that is about to be sent, since
// middleware may have changed it.
func (x *exchange) refuseChanged(req *http.Request) error {
	below := belowVersion(req.URL.Path)
	class := ClassOf(req.Method, below)
	switch {
	case x.of.config.ReadOnly && class == Write:
		return x.readOnlyRefusal()
	case patchesTicket(req.Method, below):
		return x.patchRefusal()
	case x.class == Read && class == Write:
		f := x.fail(Invalid, nil)
		f.Messages = []string{"a middleware turned a read into a write; it was not sent, because reads are retried"}
		return f
	}
	return nil
}

// checkAge refuses a request that has waited for too long.
func (x *exchange) checkAge() error {
	if x.request.NotAfter.IsZero() || !time.Now().After(x.request.NotAfter) {
		return nil
	}
	f := x.fail(Stale|RateLimited, nil)
	f.Messages = []string{"the request waited for too long, for limits or to be repeated, and was not sent"}
	return f
}

func (x *exchange) patchRefusal() *Failure {
	f := x.fail(Unsupported, nil)
	f.Messages = []string{"Tickets cannot be PATCHed: Autotask rejects it or ignores it; update the whole ticket instead"}
	return f
}

func (x *exchange) readOnlyRefusal() *Failure {
	f := x.fail(ReadOnly, nil)
	f.Messages = []string{"the client is read-only: this write was not sent"}
	return f
}

// decode is the response handler. It runs inside the retries, so an answer that
// arrived damaged is requested again.
func (x *exchange) decode(resp *http.Response) error {
	if resp.StatusCode/100 != 2 || x.request.Decode == nil {
		return nil
	}
	if err := x.request.Decode(x.body.Bytes()); err != nil {
		x.decodeErr, x.judged = err, false
		return err
	}
	return nil
}

func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	x := exchangeOf(ctx)
	if x.judged {
		return x.again, nil
	}
	x.judged = true
	x.failure, x.again = nil, false
	switch {
	case x.decodeErr != nil:
		x.judgeUnreadable(resp, x.decodeErr)
	case err != nil:
		x.judgeError(withoutURL(err))
	case resp.StatusCode/100 != 2:
		x.judgeStatus(resp)
	}
	return x.again, nil
}

// judgeError decides after an attempt without an answer.
func (x *exchange) judgeError(err error) {
	switch {
	case x.neverSent(err):
		if ended := x.Err(); ended != nil && (x.onWire || !errors.Is(err, ended)) {
			err = ended // the network layer may word it differently
		}
		if x.once != nil && x.once.partly {
			err = fmt.Errorf("the request broke off before all of it was sent, and was not carried out: %w", err)
		}
		x.failure = x.fail(0, err)
		x.failure.NoConnection = x.reachedNetwork() && !keptBack(err) && x.Err() == nil && !(x.once != nil && x.once.partly)
		x.failure.adopt(err)
		x.again = x.Err() == nil && x.reachedNetwork() && !keptBack(err)
	case x.Err() != nil:
		x.failure = x.fail(x.unknownIfWrite(), x.Err())
	case errors.Is(err, errTooLarge):
		x.failure = x.fail(x.unknownIfWrite(), err)
	default:
		x.failure = x.fail(x.unknownIfWrite(), err)
		x.again = x.class == Read
	}
}

// judgeUnreadable decides after a successful status with a body that could not be
// read. If the body is valid JSON of another shape, a retry would not help.
func (x *exchange) judgeUnreadable(resp *http.Response, err error) {
	x.failure = x.fail(x.unknownIfWrite(), fmt.Errorf("the answer could not be read: %w", err))
	x.failure.StatusCode = resp.StatusCode
	x.again = x.class == Read && damaged(err)
	if reply := readReply(x.body.Bytes()); reply.isApplication {
		if limit := classify(x.request.Method, resp.StatusCode, reply) & (ThreadLimit | RateLimited); limit&ThreadLimit != 0 {
			x.failure.Kind, x.again = limit, true // rejected before it ran, whatever the status says
		}
	}
}

// judgeStatus decides after an unsuccessful answer.
func (x *exchange) judgeStatus(resp *http.Response) {
	f := x.fail(0, nil)
	f.StatusCode = resp.StatusCode
	f.RetryAfter = retryAfter(resp.Header, time.Now())
	reply := readReply(x.body.Bytes())
	f.Messages = reply.shown(x.of.scrub)
	f.Kind = classify(x.request.Method, resp.StatusCode, reply)
	x.failure = f
	switch {
	case f.Kind&RateLimited != 0:
		// Rejected before it ran.
		x.again = f.RetryAfter <= maxRetryAfter && f.retryableLimit()
	case resp.StatusCode/100 == 3:
		f.Messages = append(f.Messages, "the answer is a redirect"+redirectHost(resp)+"; it is not followed, so that no credential leaves the configured origin")
		f.Kind |= Server | x.unknownIfWrite()
	case gaveUp(resp.StatusCode), resp.StatusCode >= 500 && (resp.StatusCode != 500 || !reply.isApplication):
		f.Kind |= x.unknownIfWrite()
		x.again = x.class == Read && f.RetryAfter <= maxRetryAfter
	}
	// A write that may have run must not count as one that was rejected.
	if resp.StatusCode >= 500 && f.RetryAfter > maxRetryAfter && f.Kind&OutcomeUnknown == 0 {
		f.Kind |= RateLimited
	}
}

// gaveUp reports whether a gateway timed out or lost its client: 408, and 460 and
// 499, which load balancers and proxies invented. What it had forwarded may still be
// carried out.
func gaveUp(status int) bool {
	return status == http.StatusRequestTimeout || status == 460 || status == 499
}

func redirectHost(resp *http.Response) string {
	if to, err := resp.Location(); err == nil && to.Host != "" {
		return " to " + to.Host
	}
	return ""
}

func (x *exchange) unknownIfWrite() Kind {
	if x.class == Write {
		return OutcomeUnknown
	}
	return 0
}

func (x *exchange) fail(kind Kind, cause error) *Failure {
	if cause != nil {
		if text := cause.Error(); x.scrubCause(text) != text {
			cause = scrubbed{cause, x.scrubCause(text)}
		}
	}
	return &Failure{
		Method:   x.request.Method,
		Path:     x.request.Path,
		Attempts: x.attempt,
		Sent:     x.sent(),
		Kind:     kind,
		Cause:    cause,
	}
}

// scrubCause removes credentials from an error's text: ours, and those of a proxy,
// whose address may be in an error of the network layer.
func (x *exchange) scrubCause(text string) string {
	if text = x.of.scrub(text); strings.Contains(text, "@") {
		text = userInfo.ReplaceAllString(text, "REDACTED@")
	}
	return text
}

var userInfo = regexp.MustCompile(`[^\s"'@]+:[^\s"']*@`)

// scrubbed is a cause whose text held a credential, which a server that echoes
// requests can cause. errors.Is works on the cause, but it cannot be unwrapped.
type scrubbed struct {
	cause error
	text  string
}

func (s scrubbed) Error() string        { return s.text }
func (s scrubbed) GoString() string     { return s.text }
func (s scrubbed) Is(target error) bool { return errors.Is(s.cause, target) }

// neverSent reports whether the request provably did not reach the server whole:
// either we held it back, or no connection was made for it.
func (x *exchange) neverSent(err error) bool {
	if x.once != nil {
		return !x.once.maybe
	}
	return !x.onWire || keptBack(err) || noConnection(err)
}

// reachedNetwork reports whether the layer above the network was called at all.
func (x *exchange) reachedNetwork() bool {
	return x.onWire && (x.once == nil || x.once.entered)
}

// sent returns when the last attempt was on the wire, zero if it provably never was.
func (x *exchange) sent() time.Time {
	switch {
	case x.once == nil && x.onWire:
		return x.received
	case x.once != nil && x.once.maybe:
		return x.once.sent
	}
	return time.Time{}
}

// noConnection reports whether an error means that no connection was made.
func noConnection(err error) bool {
	var (
		op        *net.OpError
		dns       *net.DNSError
		record    tls.RecordHeaderError
		certTrust *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
	)
	if errors.As(err, &op) {
		return op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect"
	}
	return errors.Is(err, errProxy) || errors.As(err, &dns) || errors.As(err, &record) || errors.As(err, &certTrust) ||
		errors.As(err, &authority) || errors.As(err, &hostname)
}

// keptBack reports whether we refused to put the request on the wire.
func keptBack(err error) bool {
	var refusal *Failure
	return errors.Is(err, errOrigin) || errors.As(err, &refusal)
}

// ErrUnreadable marks a Decode error as damage in transit, like a JSON syntax error:
// another attempt may be readable.
var ErrUnreadable = errors.New("unreadable answer")

func damaged(err error) bool {
	var syntax *jsontext.SyntacticError
	return errors.As(err, &syntax) || errors.Is(err, ErrUnreadable)
}

// backoff returns an exponentially growing wait with full jitter, and at least the
// wait that the server asked for.
func backoff(base, limit time.Duration, attempt int, resp *http.Response) time.Duration {
	ceiling := limit
	if attempt < 16 {
		ceiling = min(limit, base<<attempt)
	}
	wait := time.Millisecond + rand.N(ceiling) //nolint:gosec // jitter needs no secrecy
	if resp != nil {
		wait += min(retryAfter(resp.Header, time.Now()), maxRetryAfter)
	}
	return wait
}

// Pause waits before the n-th retry of a whole call, counted from 0, as long as
// before a retried request. It returns false, and there must be no retry, if that
// would exceed the configured retries, if the server asked for a longer wait than is
// honoured, or if the context ended.
func (t *Transport) Pause(ctx context.Context, n int, asked time.Duration) bool {
	if n >= t.config.MaxRetries || asked > maxRetryAfter {
		return false
	}
	timer := time.NewTimer(asked + backoff(backoffBase, backoffMax, n, nil))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// retryAfter reads both forms of the header; it returns 0 if there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(v, 10, 31); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	// The date is by the server's clock, which its own Date header shows.
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now))
}

// withoutURL removes the wrapper of net/http, whose text shows the whole URL,
// including user names in query strings.
func withoutURL(err error) error {
	var e *url.Error
	for errors.As(err, &e) {
		err = e.Err
	}
	return err
}
