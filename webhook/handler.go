package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor signs with it; as an HMAC it is still sound
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/fields"
)

// SignatureHeader is the header that holds the signature of a call.
const SignatureHeader = "X-Hook-Signature"

const (
	defaultMaxBodyBytes = 1 << 20
	maxSecretLength     = 64
)

// Handler is an http.Handler that receives webhook calls. See [NewHandler].
type Handler struct {
	handle       func(context.Context, *Event) error
	keyed        []func() hash.Hash // not the secrets: a Handler that is printed must not show them
	forms        []form
	maxBodyBytes int64
}

// Option changes what a [Handler] accepts. NewHandler refuses a nil one.
type Option func(*Handler) error

// WithPreviousSecret also accepts calls signed with another secret, while the secret
// of a webhook is being changed. It may be given several times.
func WithPreviousSecret(secret string) Option {
	return func(h *Handler) error { return h.addSecret("the previous secret", secret) }
}

// WithEscapedSignatures also accepts signatures of the body's escaped forms, if the
// signature of the body itself does not match. The vendor documents only the body
// itself. There is a live report of calls, with non-ASCII letters or characters such
// as & and <, whose signature matches only after these are written as \uXXXX. Use the
// option if such calls, and only they, are answered with 401.
//
// It costs time: a wrongly signed call, which anybody can send, is hashed five times
// instead of once, four of them at up to six times its length. That is a few
// hundredths of a second for 1 MiB; no further memory is needed. WithMaxBodyBytes
// bounds both.
func WithEscapedSignatures() Option {
	return func(h *Handler) error {
		h.forms = escapedForms
		return nil
	}
}

// WithMaxBodyBytes sets the maximum size of a call's body; the default is 1 MiB.
func WithMaxBodyBytes(n int64) Option {
	return func(h *Handler) error {
		if h.maxBodyBytes = n; n <= 0 {
			return errors.New("WithMaxBodyBytes must allow at least one byte")
		}
		return nil
	}
}

// NewHandler returns a handler that verifies that a call is signed with the secret
// and passes its event to handle. Several webhooks may share a secret and a handler.
// It returns ErrInvalid if the secret is empty, has control characters or is longer
// than the 64 characters that Autotask keeps.
//
// A call is a POST with the header
//
//	X-Hook-Signature: sha1=<base64 of the HMAC-SHA1 of the body, keyed with the secret>
//
// (help page "Secret Key Payload Verification"). The handler answers
//
//	200  handle returned nil
//	400  the body is signed correctly but is not an event, or was cut off
//	401  the signature is missing, malformed or wrong, or there are several
//	405  the method is not POST
//	413  the body is longer than WithMaxBodyBytes allows
//	500  handle returned an error; its text is not sent
//
// For 400 to 413, handle is not called. Nothing of the body is decoded before its
// signature has been verified. A panic in handle is left to net/http, which logs it
// and closes the connection, so the call counts as failed.
//
// Autotask waits ten seconds for an answer, and treats any status other than 2xx as a
// failure (help page "Webhooks error handling"). It then calls again after 30
// seconds, five times in all within two minutes, and drops the event, which stays in
// the [ErrorLog] for 30 days. Meanwhile later events of the same webhook and action
// wait. After 25 failures, for different events, it switches the webhook off. A wrong
// secret switches the webhook off in the same way.
//
// So handle should return an error only if a retry within a minute may succeed. Log
// an event that it will never accept, and return nil.
//
// The context of handle ends when Autotask closes the connection.
func NewHandler(secret string, handle func(ctx context.Context, e *Event) error, opts ...Option) (*Handler, error) {
	h := &Handler{handle: handle, maxBodyBytes: defaultMaxBodyBytes}
	var problems []string
	check := func(err error) {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	check(h.addSecret("the secret", secret))
	if handle == nil {
		problems = append(problems, "the function that handles events is nil")
	}
	for _, opt := range opts {
		if opt == nil {
			problems = append(problems, "an Option is nil: leave it out")
			continue
		}
		check(opt(h))
	}
	if err := invalid(problems); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *Handler) addSecret(name, secret string) error {
	if problem := checkSecret(secret); problem != "" {
		return errors.New(name + " " + problem)
	}
	h.keyed = append(h.keyed, func() hash.Hash { return hmac.New(sha1.New, []byte(secret)) })
	return nil
}

// checkSecret returns what is wrong with a secret, without showing it; "" if nothing
// is.
func checkSecret(secret string) string {
	switch n := fields.Length(secret); {
	case strings.TrimSpace(secret) == "":
		return "is empty"
	case n > maxSecretLength:
		return fmt.Sprintf("has %d characters, the limit is %d", n, maxSecretLength)
	case strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "contains a control character, such as a newline; was it read from a file?"
	}
	return ""
}

// invalid returns an ErrInvalid that lists the problems; nil if there are none.
func invalid(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("%w: webhook: %s", autotask.ErrInvalid, strings.Join(problems, "; "))
}

// ServeHTTP handles one call. It sets no time limit for reading it: set ReadTimeout,
// or ReadHeaderTimeout, of the http.Server.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "the method must be POST", http.StatusMethodNotAllowed)
		return
	}
	signature, ok := signatureOf(r.Header)
	if !ok {
		http.Error(w, "there must be one "+SignatureHeader+": sha1=…", http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.maxBodyBytes))
	if err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			http.Error(w, "the body is too long", http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(w, "the body was cut off", http.StatusBadRequest)
		return
	}
	if !h.isSigned(body, signature) {
		http.Error(w, "the signature does not match the body", http.StatusUnauthorized)
		return
	}
	event, err := ParseEvent(body)
	if err != nil {
		http.Error(w, "the body is not a webhook event", http.StatusBadRequest)
		return
	}
	if err := h.handle(r.Context(), event); err != nil {
		http.Error(w, "the event could not be handled", http.StatusInternalServerError)
	}
}

// Sign returns the value of [SignatureHeader] with which Autotask signs a body:
//
//	r.Header.Set(webhook.SignatureHeader, webhook.Sign(secret, body))
//
// It is for tests of a program that receives webhooks, and for programs that forward
// queued bodies to another handler.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha1.New, []byte(secret))
	_, _ = mac.Write(body) // never fails
	return "sha1=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signatureOf reads the signature from the header. It reports false if there are two,
// since nobody knows which one counts.
func signatureOf(header http.Header) ([]byte, bool) {
	values := header.Values(SignatureHeader)
	if len(values) != 1 {
		return nil, false
	}
	algorithm, text, _ := strings.Cut(values[0], "=")
	signature, err := base64.StdEncoding.Strict().DecodeString(text)
	return signature, err == nil && strings.EqualFold(algorithm, "sha1") && len(signature) == sha1.Size
}

// isSigned reports whether one of the secrets makes the signature of the body, or of
// one of its accepted forms.
func (h *Handler) isSigned(body, signature []byte) bool {
	if h.fits(signature, func(w io.Writer) { _, _ = w.Write(body) }) { // never fails
		return true
	}
	if len(h.forms) == 0 || !mayEscape(body) {
		return false
	}
	return slices.ContainsFunc(h.forms, func(f form) bool {
		return h.fits(signature, func(w io.Writer) { f.write(w, body) })
	})
}

// fits calls write once and reports whether the signature matches for any of the
// secrets.
func (h *Handler) fits(signature []byte, write func(io.Writer)) bool {
	var macs []hash.Hash
	var all []io.Writer
	for _, keyed := range h.keyed {
		mac := keyed()
		macs, all = append(macs, mac), append(all, mac)
	}
	write(io.MultiWriter(all...))
	return slices.ContainsFunc(macs, func(mac hash.Hash) bool { return hmac.Equal(mac.Sum(nil), signature) })
}
