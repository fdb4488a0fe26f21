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

// Sentinel errors, to be tested with errors.Is. One error may match several.
var (
	// ErrNotFound means there is no such item, or this user may not see it.
	ErrNotFound = errors.New("autotask: not found")
	// ErrUnauthorized means the credentials were refused. Do not repeat the call: Autotask locks accounts.
	ErrUnauthorized = errors.New("autotask: credentials refused")
	// ErrPermission means this user may not do that.
	ErrPermission = errors.New("autotask: permission denied")
	// ErrInvalid means the request was wrong; with StatusCode 0, nothing was sent.
	ErrInvalid = errors.New("autotask: invalid request")
	// ErrRateLimited means a limit was reached and did not clear while the client waited.
	ErrRateLimited = errors.New("autotask: rate limited")
	// ErrThreadLimit means too many requests were in flight on one endpoint. It always comes with ErrRateLimited.
	ErrThreadLimit = errors.New("autotask: thread limit exceeded")
	// ErrServer means Autotask, or a proxy in front of it, failed, could not be reached or answered nonsense. A write that does not match ErrOutcomeUnknown too was not carried out.
	ErrServer = errors.New("autotask: server error")
	// ErrOutcomeUnknown means the answer to a write was lost. It may have been carried out, or may yet be until RetryAfter is over: look first.
	ErrOutcomeUnknown = errors.New("autotask: outcome unknown")
	// ErrUnsupported means the API does not offer that. Such an error also matches errors.ErrUnsupported.
	ErrUnsupported = errors.New("autotask: not supported by the API")
	// ErrMissingField means a field that the write needs is not there.
	ErrMissingField = errors.New("autotask: missing field")
	// ErrNotApplied means Autotask accepted a write, but reading it back shows another value.
	ErrNotApplied = errors.New("autotask: write not applied")
	// ErrAmbiguous means a name matches several items. See AmbiguousError.
	ErrAmbiguous = errors.New("autotask: ambiguous")
	// ErrNotStarted means ResolveAll read the item and never began it.
	ErrNotStarted = errors.New("autotask: not started")
	// ErrReadOnly means the call would write through a client made WithReadOnly. The write was not sent.
	ErrReadOnly = errors.New("autotask: client is read only")
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
	{ErrReadOnly, transport.ReadOnly},
}

// Error is what failing calls return, unless it is an [*AmbiguousError] or the
// caller's own error. Only Sent holds any of the request's content.
type Error struct {
	StatusCode   int           // HTTP status of the last answer; 0 if there was none
	Method, Path string        // of the call; Path is relative to the base URL
	Messages     []string      // Autotask's own, or what was wrong before sending
	Attempts     int           // how often the request was tried
	RetryAfter   time.Duration // how long to wait, 0 if unknown; with ErrOutcomeUnknown, how long the write may still be carried out
	Sent         []byte        // the body of a create whose outcome is unknown, to look for the item; without an attachment's file

	kind  transport.Kind
	cause error
	// sent is when the last attempt of the request had been written, or else
	// ended; zero if it never was sent.
	sent time.Time
	// changed: an earlier step of the same call has changed something.
	changed bool
	// noConnection: there was none, and nothing was sent.
	noConnection bool
}

// The bounds of what an error shows of itself; Messages keep more.
const (
	maxErrorText     = 500
	maxShownMessages = 10
	maxShownBytes    = 2000 // of all messages together
	maxShownPath     = 200
)

// Error returns one line of at most about 500 bytes.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("autotask:")
	if e.Method != "" || e.Path != "" {
		fmt.Fprintf(&b, " %s:", strings.TrimSpace(shorten(e.Method, maxShownPath)+" "+shorten(e.Path, maxShownPath)))
	}
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, " %d:", e.StatusCode)
	}
	if kinds := e.kindNames(); len(kinds) > 0 {
		fmt.Fprintf(&b, " %s:", strings.Join(kinds, ", "))
	}
	if messages := e.shownMessages(); len(messages) > 0 {
		fmt.Fprintf(&b, " %s:", strings.Join(messages, "; "))
	}
	if cause := e.shownCause(); cause != "" && e.kind&transport.Ambiguous == 0 { // that is among the messages already
		fmt.Fprintf(&b, " %s:", cause)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, " retry after %v:", e.RetryAfter)
	}
	return shorten(oneLine(strings.TrimSuffix(b.String(), ":")), maxErrorText)
}

// shownMessages are as many messages, and as much of each, as logs should hold.
func (e *Error) shownMessages() []string {
	var shown []string
	left := maxShownBytes
	for i, m := range e.Messages {
		if i == maxShownMessages || left <= 0 {
			return append(shown, fmt.Sprintf("and %d more messages", len(e.Messages)-i))
		}
		m = shorten(m, min(left, maxErrorText))
		left -= len(m)
		shown = append(shown, m)
	}
	return shown
}

func (e *Error) shownCause() string {
	if e.cause == nil {
		return ""
	}
	return shorten(e.cause.Error(), maxErrorText)
}

// Format prints the text of Error, whatever the verb; never what was sent.
func (e *Error) Format(s fmt.State, verb rune) { formatText(s, verb, e.Error()) }

func formatText(s fmt.State, verb rune, text string) {
	if !strings.ContainsRune("sqxX", verb) {
		verb = 's'
	}
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), text)
}

// Unwrap returns the cause, such as context.Canceled, if any.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is one of the Err variables that describe e.
func (e *Error) Is(target error) bool {
	if target == errors.ErrUnsupported {
		target = ErrUnsupported
	}
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
	kinds := e.kinds()
	for _, s := range sentinels {
		switch {
		case kinds&s.kind == 0:
		case s.kind == transport.Server && e.noConnection:
			names = append(names, "no connection could be made, nothing was sent")
		default:
			names = append(names, strings.TrimPrefix(s.err.Error(), "autotask: "))
		}
	}
	return names
}

// LogValue returns what Error shows, as a group.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("method", shorten(e.Method, maxShownPath)), slog.String("path", shorten(e.Path, maxShownPath))}
	if e.StatusCode != 0 {
		attrs = append(attrs, slog.Int("status", e.StatusCode))
	}
	attrs = append(attrs, slog.Any("kinds", e.kindNames()), slog.Any("messages", e.shownMessages()), slog.Int("attempts", e.Attempts))
	if cause := e.shownCause(); cause != "" {
		attrs = append(attrs, slog.String("cause", cause))
	}
	return slog.GroupValue(attrs...)
}

// MarshalJSON returns what Error shows, as an object of a few KiB at most.
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
	}{e.Error(), shorten(e.Method, maxShownPath), shorten(e.Path, maxShownPath), e.StatusCode, e.kindNames(), e.shownMessages(), e.Attempts, e.RetryAfter.Seconds()},
		jsontext.AllowInvalidUTF8(true)) // what Autotask sent may be anything
}

// AmbiguousError reports a name that matches several items ([ErrAmbiguous]).
type AmbiguousError struct {
	What       string      // what was looked for: "ticket number", "Tickets.status"
	Name       string      // the name that was given
	Candidates []Candidate // in order of their ids

	changed bool // an earlier step of the same call has changed something
}

// Candidate is one item that a name may mean.
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

// Error names at most ten of the candidates.
func (e *AmbiguousError) Error() string { return "autotask: ambiguous: " + e.message() }

const maxShownCandidates = 10

func (e *AmbiguousError) message() string {
	var parts []string
	for _, c := range e.shownCandidates() {
		parts = append(parts, fmt.Sprintf("%d (%s)", c.ID, c.Label))
	}
	if more := len(e.Candidates) - maxShownCandidates; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s %q may be %s", oneLine(excerpt(e.What)), excerpt(e.Name), strings.Join(parts, ", "))
}

func (e *AmbiguousError) shownCandidates() []Candidate {
	shown := make([]Candidate, min(len(e.Candidates), maxShownCandidates))
	for i := range shown {
		shown[i] = Candidate{e.Candidates[i].ID, oneLine(excerpt(e.Candidates[i].Label))}
	}
	return shown
}

// Format prints the text of Error, whatever the verb.
func (e *AmbiguousError) Format(s fmt.State, verb rune) { formatText(s, verb, e.Error()) }

// LogValue returns the name, and the ids that Error names, as a group.
func (e *AmbiguousError) LogValue() slog.Value {
	shown := e.shownCandidates()
	ids := make([]int64, len(shown))
	for i, c := range shown {
		ids[i] = c.ID
	}
	return slog.GroupValue(
		slog.String("error", e.Error()), slog.String("kind", excerpt(e.What)), slog.String("name", excerpt(e.Name)),
		slog.Int("candidates", len(e.Candidates)), slog.Any("ids", ids))
}

// MarshalJSON returns the name, and the candidates that Error names.
func (e *AmbiguousError) MarshalJSON() ([]byte, error) {
	type candidate struct {
		ID    int64  `json:"id"`
		Label string `json:"label"`
	}
	candidates := []candidate{}
	for _, c := range e.shownCandidates() {
		candidates = append(candidates, candidate(c))
	}
	return json.Marshal(struct {
		Error      string      `json:"error"`
		Kind       string      `json:"kind"`
		Name       string      `json:"name"`
		Candidates []candidate `json:"candidates"`
		More       int         `json:"more,omitzero"`
	}{e.Error(), excerpt(e.What), excerpt(e.Name), candidates, len(e.Candidates) - len(candidates)}, jsontext.AllowInvalidUTF8(true))
}

// Is reports whether target is ErrAmbiguous.
func (e *AmbiguousError) Is(target error) bool { return target == ErrAmbiguous }

// fromFailure gives a failure of the transport its public form.
func fromFailure(err error) error {
	f, ok := errors.AsType[*transport.Failure](err)
	if !ok {
		return err
	}
	kind := f.Kind
	if f.Attempts > 0 && kind&^transport.OutcomeUnknown == 0 && !endedByCaller(f.Cause) {
		kind |= transport.Server // no answer, or none that makes sense
	}
	e := &Error{
		StatusCode:   f.StatusCode,
		Method:       f.Method,
		Path:         f.Path,
		Messages:     f.Messages,
		Attempts:     f.Attempts,
		RetryAfter:   f.RetryAfter,
		kind:         kind,
		cause:        f.Cause,
		sent:         f.Sent,
		noConnection: f.NoConnection,
	}
	if kind&transport.OutcomeUnknown != 0 {
		e.RetryAfter = max(e.RetryAfter, landsWithin(f.Sent))
	}
	return e
}

// landsWithin returns how much longer a write that was sent then may be carried
// out, in whole seconds and at least one.
func landsWithin(sent time.Time) time.Duration {
	left := landing
	if !sent.IsZero() {
		left -= time.Since(sent)
	}
	return max(time.Second, (left + time.Second - 1).Truncate(time.Second))
}

// endedByCaller distinguishes the end of the caller's context from our own
// time-out, which wraps the same error.
func endedByCaller(cause error) bool {
	return cause == context.Canceled || cause == context.DeadlineExceeded //nolint:errorlint // see above
}

// asError gives an error that arose outside a request, such as a context that
// ends while another caller's request is awaited, the form of all others.
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

// excerpt is a value as an error shows it: short.
func excerpt(s string) string { return shorten(s, 60) }

// shorten cuts a text to at most n bytes, and marks the cut.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return cutAt(s, n) + "…"
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

// SafeToRetry reports whether the call that failed with err certainly changed
// nothing in Autotask and will not. It is false for nil, a call that changed
// something in an earlier step, and errors of other packages.
func SafeToRetry(err error) bool {
	if errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrNotApplied) {
		return false
	}
	ours, unsafe := retrySafety(err)
	return ours > 0 && unsafe == 0
}

// retrySafety counts the errors of the library in a tree, and those of them
// that may have changed something.
func retrySafety(err error) (ours, unsafe int) {
	var below []error
	changed := false
	switch e := err.(type) { //nolint:errorlint // the whole tree is walked
	case *Error:
		ours, below, changed = 1, []error{e.cause}, e.changed || e.isLostWrite()
	case *AmbiguousError:
		ours, changed = 1, e.changed
	case interface{ Unwrap() error }:
		below = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		below = e.Unwrap()
	}
	if changed {
		unsafe = 1
	}
	for _, b := range below {
		o, u := retrySafety(b)
		ours, unsafe = ours+o, unsafe+u
	}
	return ours, unsafe
}

// afterChange marks what is ours in the tree of an error whose call had changed
// something before it failed.
func afterChange(err error) error {
	var below []error
	switch e := err.(type) { //nolint:errorlint // the whole tree is walked
	case *Error:
		e.changed = true
	case *AmbiguousError:
		e.changed = true
	case interface{ Unwrap() error }:
		below = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		below = e.Unwrap()
	}
	for _, b := range below {
		_ = afterChange(b)
	}
	return err
}

// isLostWrite is true of an Error made by hand, as a test may do, that shows the
// failed answer to a write.
func (e *Error) isLostWrite() bool {
	return e.kind == 0 && e.StatusCode >= http.StatusInternalServerError && e.kinds()&transport.Server != 0 &&
		transport.ClassOf(e.Method, e.Path) == transport.Write
}

// interrupted adds the end of the caller's context to an error, if that ended
// the wait in which it could have been resolved. err is an *Error.
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
