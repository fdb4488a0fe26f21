package transport

import (
	"bytes"
	"errors"
	"html"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Kind is a set of the ways in which a call can fail.
type Kind uint32

// The kinds. One failure may be of several.
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
	NotStarted
)

// Failure tells how a call failed.
type Failure struct {
	StatusCode   int // 0 if there was no answer
	Method, Path string
	Messages     []string // what the server said, or what was wrong before sending
	Attempts     int
	RetryAfter   time.Duration
	Kind         Kind
	// Sent is when the last attempt was on the wire, by our clock; zero if none
	// was. A write may be carried out for some minutes after it.
	Sent  time.Time
	Cause error // what lies beneath, without URLs or credentials
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

// adopt takes over what kept a request from being sent, if that was a failure.
func (f *Failure) adopt(err error) {
	var reason *Failure
	if errors.As(err, &reason) {
		f.StatusCode, f.Kind, f.Messages, f.RetryAfter, f.Cause = reason.StatusCode, reason.Kind, reason.Messages, reason.RetryAfter, reason.Cause
	}
}

// retryableLimit: the limit of threads passes in a moment; a limit of the hour
// under another status than 429 is known by its text only and does not.
func (f *Failure) retryableLimit() bool {
	return f.StatusCode == http.StatusTooManyRequests || f.Kind&ThreadLimit != 0
}

// reply is an error body, read tolerantly.
type reply struct {
	messages      []string
	isApplication bool // it has an errors array: Autotask looked at the request and refused it
	isHTML        bool // it comes from the web server, not from the API
	isRaw         bool // the message is the body as it came: quotes in it are the format's
}

// maxMessage bounds one message; error pages can be long.
const maxMessage = 2000

var tolerant = json.JoinOptions(
	json.MatchCaseInsensitiveNames(true), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// readReply understands the bodies that Autotask, its framework and its web
// server are known to send: {"errors":[…]}, {"Message":…}, HTML and plain text.
func readReply(body []byte) reply {
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return reply{}
	case body[0] == '<':
		return reply{messages: texts(htmlTitle(string(body))), isHTML: true}
	case body[0] != '{':
		return reply{messages: texts(string(body)), isRaw: true}
	}
	// Raw values, since a member of an unforeseen type must not hide the others.
	var b struct{ Errors, Message, MessageDetail, ExceptionMessage, Title, Detail, Code jsontext.Value }
	err := json.Unmarshal(body, &b, tolerant)
	r := reply{messages: errorTexts(b.Errors)}
	r.isApplication = len(r.messages) > 0 || b.Errors.Kind() == '['
	if len(r.messages) == 0 {
		for _, v := range []jsontext.Value{b.Message, b.MessageDetail, b.ExceptionMessage, b.Title, b.Detail, b.Code} {
			if v.Kind() == '"' {
				r.messages = append(r.messages, errorTexts(v)...)
			}
		}
	}
	if len(r.messages) == 0 || err != nil && !r.isApplication {
		r.messages, r.isRaw = texts(plainly(body)), true
	}
	return r
}

// plainly writes JSON with no more characters escaped than must be: a
// credential that is echoed in another spelling is not known for one.
func plainly(body []byte) string {
	v := jsontext.Value(body).Clone()
	if err := v.Format(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return string(body)
	}
	return string(v)
}

// errorTexts reads the errors member: an array of texts or of objects, or one text.
func errorTexts(v jsontext.Value) []string {
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
			if e.Kind() == '{' {
				all = append(all, readReply(e).messages...)
			} else {
				all = append(all, errorTexts(e)...)
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

// bounded cuts a message. It must have been scrubbed before: half a secret is
// not recognised any more.
func bounded(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	cut := maxMessage
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
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

// Classify derives the kinds from a status and the messages alone.
func Classify(method string, status int, messages []string) Kind {
	return classify(method, status, reply{messages: messages, isApplication: status == http.StatusInternalServerError && len(messages) > 0})
}

// classify names the kinds of an answer that is not a success. Autotask
// answers nearly everything with 500, so that the text decides; texts vary
// between versions, so that each is known by a part that all wordings share.
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

// knownTexts are parts of messages, in lower case, and what they mean.
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

// withoutNames takes out what a message quotes, in "…" or […]: names and values
// that people chose, which may read like anything.
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
