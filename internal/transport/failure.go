package transport

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/limit"
)

// Kind is a set of ways in which a call can fail.
type Kind uint32

// The kinds. One failure may have several.
const (
	NotFound Kind = 1 << iota
	Unauthorized
	Permission
	Invalid
	RateLimited
	ThreadLimit
	Server
	OutcomeUnknown
	Unsupported
	MissingField
	NotApplied
	Ambiguous
	ReadOnly
	NotStarted
	Stale
)

// Failure describes how a call failed.
type Failure struct {
	StatusCode   int // 0 if there was no answer
	Method, Path string
	Messages     []string // what the server said, or what was wrong before sending
	Attempts     int
	RetryAfter   time.Duration
	Kind         Kind
	// Sent is when the last attempt had been written or, if that is not known, when
	// it ended, by our clock; zero if it was not sent. A write may be carried out for
	// some minutes after it.
	Sent time.Time
	// NoConnection: no connection was made for the last attempt, and nothing was
	// sent.
	NoConnection bool
	Cause        error // the underlying error, without URLs or credentials
}

func (f *Failure) Error() string {
	text := f.Method + " " + f.Path
	for _, m := range f.Messages {
		text += ": " + m
	}
	if f.Cause != nil {
		text += ": " + f.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// adopt copies the failure that kept a request from being sent, if there was one.
func (f *Failure) adopt(err error) {
	var refused *limit.Refusal
	if errors.As(err, &refused) {
		f.Kind, f.Messages, f.RetryAfter, f.Cause = RateLimited, []string{refused.Message}, refused.RetryAfter, nil
		if refused.Login {
			f.Kind = Unauthorized
		}
	}
	var reason *Failure
	if errors.As(err, &reason) {
		f.StatusCode, f.Kind, f.Messages, f.RetryAfter, f.Cause = reason.StatusCode, reason.Kind, reason.Messages, reason.RetryAfter, reason.Cause
	}
}

// retryableLimit reports whether a limit is worth a retry. A thread limit clears in a
// moment. An hourly limit under a status other than 429 is known only by its text,
// and does not.
func (f *Failure) retryableLimit() bool {
	return f.StatusCode == http.StatusTooManyRequests || f.Kind&ThreadLimit != 0
}

// reply is an error body, read tolerantly.
type reply struct {
	messages      []string
	isApplication bool // it has a text in errors: Autotask examined the request and refused it
	isHTML        bool // it comes from the web server, not from the API
	isRaw         bool // the message is the unparsed body: quotes in it belong to the format
	isCut         bool // only part of the body was read: the last message may end early
}

const (
	// maxErrorBody is how much of an error's body is read, maxErrorLevels how deep:
	// errors may hold objects with errors of their own.
	maxErrorBody   = 64 << 10
	maxErrorLevels = 2
	// maxMessages and maxMessage limit what is kept of it.
	maxMessages = 100
	maxMessage  = 2000
	// maxSecret is longer than any credential.
	maxSecret = 512
)

var tolerant = json.JoinOptions(
	json.MatchCaseInsensitiveNames(true), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// readReply parses the bodies that Autotask, its framework and its web server are
// known to send: {"errors":[…]}, {"Message":…}, HTML and plain text.
func readReply(body []byte) reply {
	cut := len(body) >= maxErrorBody
	if cut {
		body = body[:maxErrorBody]
	}
	body = bytes.TrimSpace(body)
	var r reply
	switch {
	case len(body) == 0:
	case body[0] == '<':
		r = reply{messages: texts(htmlTitle(string(body))), isHTML: true}
	case body[0] != '{':
		r = reply{messages: texts(string(body)), isRaw: true}
	case cut:
		r = readObject(mended(body), 0)
	default:
		r = readObject(body, 0)
	}
	r.isCut = cut
	return r
}

// readObject reads an object on the given level of errors within errors.
func readObject(body []byte, level int) reply {
	// Raw values, since a member of an unforeseen type must not hide the others.
	var b struct{ Errors, Message, MessageDetail, ExceptionMessage, Title, Detail, Code jsontext.Value }
	err := json.Unmarshal(body, &b, tolerant)
	r := reply{messages: errorTexts(b.Errors, level)}
	r.isApplication = len(r.messages) > 0
	if len(r.messages) == 0 {
		for _, v := range []jsontext.Value{b.Message, b.MessageDetail, b.ExceptionMessage, b.Title, b.Detail, b.Code} {
			if v.Kind() == '"' {
				r.messages = append(r.messages, errorTexts(v, level)...)
			}
		}
	}
	if len(r.messages) == 0 || err != nil && !r.isApplication {
		r.messages, r.isRaw = texts(plainly(body)), true
	}
	return r
}

// mended completes JSON that was cut off: it closes the string in which the cut fell
// and everything around it.
func mended(cut []byte) []byte {
	d := jsontext.NewDecoder(bytes.NewReader(cut), tolerant)
	var err error
	for err == nil {
		_, err = d.ReadToken()
	}
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return cut // it is complete
	}
	whole := cut[:d.InputOffset()]
	rest := bytes.TrimLeft(cut[len(whole):], " \t\r\n,:")
	kind, members := d.StackIndex(d.StackDepth())
	end := bytes.Clone(whole)
	if text, ok := closed(rest); ok {
		end = append(bytes.Clone(cut[:len(cut)-len(rest)]), text...)
		members++
	}
	if kind == '{' && members%2 == 1 { // a name without its value
		end = append(end, ":null"...)
	}
	for i := d.StackDepth(); i > 0; i-- {
		closing := byte(']')
		if kind, _ := d.StackIndex(i); kind == '{' {
			closing = '}'
		}
		end = append(end, closing)
	}
	return end
}

// closed completes a string that was cut off, perhaps within an escape, which has at
// most twelve bytes.
func closed(text []byte) (string, bool) {
	for dropped := range 12 {
		if len(text) <= dropped || text[0] != '"' {
			return "", false
		}
		s := string(text[:len(text)-dropped]) + `"`
		if jsontext.Value(s).IsValid(tolerant) {
			return s, true
		}
	}
	return "", false
}

// plainly rewrites JSON with as few escapes as possible: a credential that is echoed
// in another spelling would not be recognised.
func plainly(body []byte) string {
	v := jsontext.Value(body).Clone()
	if err := v.Format(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return string(body)
	}
	return string(v)
}

// errorTexts reads the errors member: an array of strings or of objects, or one
// string.
func errorTexts(v jsontext.Value, level int) []string {
	switch v.Kind() {
	case '"':
		var s string
		if json.Unmarshal(v, &s, tolerant) == nil {
			return texts(s)
		}
	case '[':
		var elements []jsontext.Value
		if json.Unmarshal(v, &elements, tolerant) != nil {
			return nil
		}
		var all []string
		for _, e := range elements {
			switch kind := e.Kind(); {
			case kind == '"':
				all = append(all, errorTexts(e, level)...)
			case level == maxErrorLevels: // deeper levels are not read
			case kind == '[':
				all = append(all, errorTexts(e, level+1)...)
			case kind == '{':
				if r := readObject(e, level+1); !r.isRaw {
					all = append(all, r.messages...)
				}
			}
		}
		return all
	}
	return nil
}

// texts drops the empty ones and tidies the rest.
func texts(all ...string) []string {
	var kept []string
	for _, s := range all {
		if s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD")); s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

// shown returns the messages as they may be kept: without credentials, and bounded.
func (r reply) shown(scrub func(string) string) []string {
	var kept []string
	for i, m := range r.messages {
		if i == maxMessages {
			return append(kept, fmt.Sprintf("and %d more messages", len(r.messages)-i))
		}
		m = scrub(m)
		if r.isCut && i == len(r.messages)-1 {
			m = cutAt(m, max(0, len(m)-maxSecret)) + "…" // the end may be half a credential
		}
		kept = append(kept, bounded(m))
	}
	return kept
}

// bounded cuts a message. It must be scrubbed already: half a secret would not be
// recognised.
func bounded(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return cutAt(s, maxMessage) + "…"
}

// cutAt cuts a string that is longer than n bytes to at most n, without splitting a
// character.
func cutAt(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func htmlTitle(page string) string {
	lower := asciiLower(page) // strings.ToLower may change the length
	start := strings.Index(lower, "<title>")
	end := strings.Index(lower, "</title>")
	if start < 0 || end < start {
		return "an HTML page without a title"
	}
	return html.UnescapeString(page[start+len("<title>") : end])
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// Classify returns the kinds for a status and the messages alone, of which it reads
// as much as of an error's body.
func Classify(method string, status int, messages []string) Kind {
	left := maxErrorBody
	for i, m := range messages {
		if left -= len(m); left < 0 {
			messages = append(messages[:i:i], cutAt(m, len(m)+left))
			break
		}
	}
	return classify(method, status, reply{messages: messages, isApplication: status == http.StatusInternalServerError && len(messages) > 0})
}

// classify returns the kinds of an unsuccessful answer. Autotask answers nearly
// everything with 500, so the text decides. Texts vary between versions, so each is
// recognised by a part that all wordings share.
func classify(method string, status int, r reply) Kind {
	text := strings.Join(r.messages, "\n")
	if !r.isRaw {
		text = withoutNames(text)
	}
	kind := kindOfText(strings.ToLower(text))
	if status < 400 || status > 500 || status == 500 && !r.isApplication {
		// Not Autotask's own words, or not its last: only a limit counts.
		kind &= ThreadLimit | RateLimited
	}
	switch {
	case status == http.StatusUnauthorized:
		kind |= Unauthorized
	case status == http.StatusForbidden:
		kind |= Permission
	case status == http.StatusNotFound && r.isHTML:
		// The web server has no such route. For a single item it may also be
		// its way of saying that the item is not there.
		kind |= Unsupported
		if method == http.MethodGet {
			kind |= NotFound
		}
	case status == http.StatusNotFound:
		kind |= NotFound
	case status == http.StatusMethodNotAllowed:
		kind |= Unsupported
	case status == http.StatusTooManyRequests:
		kind |= RateLimited
	case status >= 500 && (status != 500 || !r.isApplication) && kind == 0:
		kind |= Server
	case status >= 400 && kind == 0:
		kind |= Invalid
	}
	return kind
}

// knownTexts maps parts of messages, in lower case, to their kinds.
var knownTexts = []struct {
	part string
	kind Kind
}{
	{"thread threshold", ThreadLimit | RateLimited},
	{"itgenatr005", ThreadLimit | RateLimited},
	{"threads has been exceeded", ThreadLimit | RateLimited},
	{"request threshold", RateLimited},
	{"integrationcode is invalid", Unauthorized},
	{"zone information could not be determined", Unauthorized},
	{"account has been locked", Unauthorized},
	{"adequate permissions", Permission},
	{"do not have permission to", Permission},
	{"not authorized to", Permission},
	{"no matching records found", NotFound},
	{"an unexpected error has occurred", Server | Invalid},
}

// withoutNames removes what a message quotes, in "…" or […]: names and values that
// people chose, which may say anything.
func withoutNames(s string) string { return quoted.ReplaceAllString(s, "") }

var quoted = regexp.MustCompile(`"[^"]*"|\[[^\]]*\]`)

func kindOfText(lower string) Kind {
	var kind Kind
	for _, known := range knownTexts {
		if strings.Contains(lower, known.part) {
			kind |= known.kind
		}
	}
	return kind
}
