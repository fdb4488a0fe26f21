package autotask

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/transport"
)

// The ways in which a call can fail, for errors.Is. One error may match
// several of them.
var (
	// ErrNotFound: there is no such item, or this user may not see it.
	ErrNotFound = errors.New("autotask: not found")
	// ErrUnauthorized: the credentials were refused. Never repeat such a call
	// as it is: Autotask locks an account after several.
	ErrUnauthorized = errors.New("autotask: credentials refused")
	// ErrPermission: this user may not do that.
	ErrPermission = errors.New("autotask: permission denied")
	// ErrInvalid: the request was wrong, by the library's own checks before
	// anything was sent (StatusCode 0) or by Autotask's.
	ErrInvalid = errors.New("autotask: invalid request")
	// ErrRateLimited: a limit was hit and stayed hit while the client waited.
	ErrRateLimited = errors.New("autotask: rate limited")
	// ErrThreadLimit: the limit was that of requests at one time on one endpoint.
	ErrThreadLimit = errors.New("autotask: thread limit exceeded")
	// ErrServer: Autotask, or something before it, failed, gave no answer or one
	// that makes no sense. A write that does not match ErrOutcomeUnknown at the
	// same time was not carried out.
	ErrServer = errors.New("autotask: server error")
	// ErrOutcomeUnknown: the answer to a write was lost. It may have been
	// carried out or not; look before repeating it.
	ErrOutcomeUnknown = errors.New("autotask: outcome unknown")
	// ErrUnsupported: the API does not offer that.
	ErrUnsupported = errors.New("autotask: not supported by the API")
	// ErrMissingField: a field that the write needs is not there.
	ErrMissingField = errors.New("autotask: missing field")
	// ErrNotApplied: Autotask accepted a write, but reading it back shows
	// another value.
	ErrNotApplied = errors.New("autotask: write not applied")
	// ErrAmbiguous: a name stands for several items. See AmbiguousError.
	ErrAmbiguous = errors.New("autotask: ambiguous")
	// ErrNotStarted: ResolveAll took the work and never began it.
	ErrNotStarted = errors.New("autotask: not started")
)

// sentinels in the order in which kindNames lists them.
var sentinels = []struct {
	err  error
	kind transport.Kind
}{
	{ErrOutcomeUnknown, transport.OutcomeUnknown},
	{ErrNotApplied, transport.NotApplied},
	{ErrMissingField, transport.MissingField},
	{ErrThreadLimit, transport.ThreadLimit},
	{ErrRateLimited, transport.RateLimited},
	{ErrUnauthorized, transport.Unauthorized},
	{ErrPermission, transport.Permission},
	{ErrNotFound, transport.NotFound},
	{ErrUnsupported, transport.Unsupported},
	{ErrInvalid, transport.Invalid},
	{ErrServer, transport.Server},
	{ErrAmbiguous, transport.Ambiguous},
	{ErrNotStarted, transport.NotStarted},
}

// Error is what a failing call returns; the exceptions are an *AmbiguousError
// and the errors of the caller's own functions. Use errors.Is with the Err
// variables for the kind, and errors.As for the details. It carries no
// credentials, headers or query strings.
type Error struct {
	// StatusCode is the HTTP status of the last answer, 0 if there was none.
	StatusCode int
	// Method and Path name the call; Path is relative to the base URL.
	Method, Path string
	// Messages are Autotask's own, or say what was wrong before sending.
	Messages []string
	// Attempts is how often the request was tried; 0 if it never was.
	Attempts int
	// RetryAfter is how long the server asked to wait, or until a limit that the
	// client keeps has room again; 0 if neither is known.
	RetryAfter time.Duration
	// Sent is the body of a create whose outcome is unknown, so that a caller
	// can look for what it may have made; nil otherwise. The file of an
	// attachment is not in it. It is the only part that holds what the request
	// held; Error, LogValue and MarshalJSON leave it out.
	Sent []byte

	kind  transport.Kind
	cause error
}

// maxErrorText bounds Error's text; Messages keep more.
const maxErrorText = 500

// Error returns one line: the call, the status, the kind and the messages.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("autotask:")
	if e.Method != "" || e.Path != "" {
		fmt.Fprintf(&b, " %s:", strings.TrimSpace(e.Method+" "+e.Path))
	}
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, " %d:", e.StatusCode)
	}
	if kinds := e.kindNames(); len(kinds) > 0 {
		fmt.Fprintf(&b, " %s:", strings.Join(kinds, ", "))
	}
	if len(e.Messages) > 0 {
		fmt.Fprintf(&b, " %s:", strings.Join(e.Messages, "; "))
	}
	if e.cause != nil && e.kind&transport.Ambiguous == 0 { // that is among the messages already
		fmt.Fprintf(&b, " %s:", e.cause)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, " retry after %v:", e.RetryAfter)
	}
	text := oneLine(strings.TrimSuffix(b.String(), ":"))
	if len(text) > maxErrorText {
		text = cutAt(text, maxErrorText) + "…"
	}
	return text
}

// GoString is Error: what was sent is for the caller to look at, not for %#v.
func (e *Error) GoString() string { return e.Error() }

// Unwrap returns the cause, such as context.Canceled, if there is one.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is one of the Err variables that describe e.
func (e *Error) Is(target error) bool {
	for _, s := range sentinels {
		if s.err == target {
			return e.kinds()&s.kind != 0
		}
	}
	return false
}

// kinds are those found when the error arose. An Error made by hand, as a test
// may do, is judged by what it shows.
func (e *Error) kinds() transport.Kind {
	if e.kind == 0 && e.StatusCode != 0 {
		return transport.Classify(e.Method, e.StatusCode, e.Messages)
	}
	return e.kind
}

func (e *Error) kindNames() []string {
	var names []string
	for _, s := range sentinels {
		if e.kinds()&s.kind != 0 {
			names = append(names, strings.TrimPrefix(s.err.Error(), "autotask: "))
		}
	}
	return names
}

// LogValue gives slog the parts of the error as a group.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("method", e.Method), slog.String("path", e.Path)}
	if e.StatusCode != 0 {
		attrs = append(attrs, slog.Int("status", e.StatusCode))
	}
	attrs = append(attrs, slog.Any("kinds", e.kindNames()), slog.Any("messages", e.Messages), slog.Int("attempts", e.Attempts))
	if e.cause != nil {
		attrs = append(attrs, slog.String("cause", e.cause.Error()))
	}
	return slog.GroupValue(attrs...)
}

// MarshalJSON gives the parts of the error as an object, for logs that are JSON.
func (e *Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Error      string   `json:"error"`
		Method     string   `json:"method"`
		Path       string   `json:"path"`
		StatusCode int      `json:"statusCode,omitzero"`
		Kinds      []string `json:"kinds"`
		Messages   []string `json:"messages"`
		Attempts   int      `json:"attempts"`
		RetryAfter float64  `json:"retryAfterSeconds,omitzero"`
	}{e.Error(), e.Method, e.Path, e.StatusCode, e.kindNames(), e.Messages, e.Attempts, e.RetryAfter.Seconds()},
		jsontext.AllowInvalidUTF8(true)) // what Autotask sent may be anything
}

// AmbiguousError tells that a name does not say which item is meant. It
// matches ErrAmbiguous.
type AmbiguousError struct {
	Kind       string      // what was looked for: "ticket number", "Tickets.status"
	Name       string      // the name that was given
	Candidates []Candidate // in order of their ids
}

// Candidate is one item that a name may stand for.
type Candidate struct {
	ID    int64
	Label string
}

// IDs returns the ids of the candidates.
func (e *AmbiguousError) IDs() []int64 {
	ids := make([]int64, len(e.Candidates))
	for i, c := range e.Candidates {
		ids[i] = c.ID
	}
	return ids
}

// Error names the candidates, at most ten of them.
func (e *AmbiguousError) Error() string { return "autotask: ambiguous: " + e.message() }

func (e *AmbiguousError) message() string {
	const most = 10
	var parts []string
	for i, c := range e.Candidates {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(e.Candidates)-most))
			break
		}
		parts = append(parts, fmt.Sprintf("%d (%s)", c.ID, oneLine(excerpt(c.Label))))
	}
	return fmt.Sprintf("%s %q may be %s", e.Kind, excerpt(e.Name), strings.Join(parts, ", "))
}

// Is reports whether target is ErrAmbiguous.
func (e *AmbiguousError) Is(target error) bool { return target == ErrAmbiguous }

// fromFailure gives a failure of the transport its public form.
func fromFailure(err error) error {
	var f *transport.Failure
	if !errors.As(err, &f) {
		return err
	}
	kind := f.Kind
	if f.Attempts > 0 && kind&^transport.OutcomeUnknown == 0 && !endedByCaller(f.Cause) {
		kind |= transport.Server // no answer, or none that makes sense
	}
	wait := f.RetryAfter
	if kind&transport.OutcomeUnknown != 0 {
		wait = max(wait, landing-time.Since(f.Sent), time.Second)
	}
	return &Error{
		StatusCode: f.StatusCode,
		Method:     f.Method,
		Path:       f.Path,
		Messages:   f.Messages,
		Attempts:   f.Attempts,
		RetryAfter: wait,
		kind:       kind,
		cause:      f.Cause,
	}
}

// endedByCaller tells the end of the caller's context from our own time-out,
// which wraps the same error.
func endedByCaller(cause error) bool {
	return cause == context.Canceled || cause == context.DeadlineExceeded //nolint:errorlint // see above
}

// asError gives an error that arose beside a request, as when a context ends
// while somebody else's request is waited for, the form of all others.
func asError(method, path string, err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return &Error{Method: method, Path: path, cause: err}
}

// refusal is an error that was found by the library itself.
func refusal(kind transport.Kind, method, path string, messages ...string) *Error {
	return &Error{Method: method, Path: path, Messages: messages, kind: kind}
}

// invalid is a refusal of bad input. Joined errors become a message each.
func invalid(method, path, format string, args ...any) *Error {
	return refusal(transport.Invalid, method, path, strings.Split(fmt.Sprintf(format, args...), "\n")...)
}

// nonsense is a refusal of an answer to a query that does not fit the question.
func nonsense(path, format string, args ...any) *Error {
	return refusal(transport.Server, http.MethodPost, path, fmt.Sprintf(format, args...))
}

// excerpt is a value as an error shows it: short, on one line.
func excerpt(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return cutAt(s, most) + "…"
}

// oneLine makes every run of line breaks and other white space one space:
// Autotask's messages and people's titles hold any.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// cutAt cuts a text to at most n bytes and leaves no half character.
func cutAt(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// interrupted adds to an error the end of the caller's context, if that ended
// the wait in which it could have been mended. err is an *Error.
func interrupted(ctx context.Context, err error) error {
	var e *Error
	if ended := ctx.Err(); ended != nil && errors.As(err, &e) && !errors.Is(err, ended) {
		if e.cause != nil {
			ended = fmt.Errorf("%w, after %w", ended, e.cause)
		}
		e.cause = ended
	}
	return err
}
