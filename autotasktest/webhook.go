package autotasktest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor signs with it
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// WebhookSigning says which form of a webhook call's body the signature is of.
// The body is sent as it is in all of them.
type WebhookSigning int

// The forms that are reported of the API.
const (
	// SignBody signs the body as it is sent: what the vendor documents.
	SignBody WebhookSigning = iota
	// SignEscapedUpper signs the body as it would be with & < > ' " \ ` + and
	// all that is not ASCII escaped in its strings, as \u00FC.
	SignEscapedUpper
	// SignEscapedLower is SignEscapedUpper with \u00fc.
	SignEscapedLower
)

// hooks is what the tenant knows of webhooks beside their rows.
type hooks struct {
	queue    []hookCall
	sequence map[int64]int64 // of the last call, by webhook
	signing  WebhookSigning
	handler  http.Handler
}

// hookCall is a call that is to be made.
type hookCall struct {
	webhook   int64
	url       string
	body      []byte
	signature string
}

// SetWebhookSigning sets how calls of webhooks are signed; SignBody at first.
func (s *Server) SetWebhookSigning(form WebhookSigning) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.signing = form
}

// SetWebhookHandler makes DeliverWebhooks call a handler, in process and on its own
// goroutine, whatever address a webhook has. Nil is the network again, of which
// only loopback addresses are called, whoever signed their certificates.
func (s *Server) SetWebhookHandler(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.handler = h
}

// PendingWebhooks returns how many calls of webhooks wait for DeliverWebhooks.
func (s *Server) PendingWebhooks() int {
	s.look()
	defer s.mu.Unlock()
	return len(s.hooks.queue)
}

// FireWebhooks queues the calls that tell of a row as if it had just been
// written through the API: the action is "Create", "Update" (of all its fields)
// or "Delete". It is for rows that were seeded. It returns how many there are.
func (s *Server) FireWebhooks(action, collection string, id int64) int {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return 0
	}
	h := hookOf(e)
	if h == nil || hookEvents[action] == "" {
		s.fail("FireWebhooks: there are no webhooks for %q of %s", action, e.Name)
		return 0
	}
	s.mu.Lock()
	r := s.table(e).rows[id]
	before := len(s.hooks.queue)
	if r != nil {
		s.queueCalls(h, hookEvent{action: action, id: id, actor: APIUserID, now: r, all: true})
	}
	queued := len(s.hooks.queue) - before
	s.mu.Unlock()
	if r == nil {
		s.fail("FireWebhooks: there is no %s %d", e.Name, id)
	}
	return queued
}

// DeliverWebhooks makes the calls that writes through the API have queued, one
// after the other and in their order, until none is left: also those that the
// called programs cause. Nothing is called before, so that a test decides when.
// What was not taken with 2xx, or could not be called, is in the error, and is
// not called again. The end of the context ends it; what was not called by then
// stays.
func (s *Server) DeliverWebhooks(ctx context.Context) error {
	transport := &http.Transport{ // without a proxy
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a test's server, on this machine, signs for itself
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport:     transport,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var failures []error
	for ctx.Err() == nil {
		call, handler, ok := s.nextHookCall()
		if !ok {
			return errors.Join(failures...)
		}
		if err := call.deliver(ctx, client, handler); err != nil {
			failures = append(failures, fmt.Errorf("autotasktest: webhook %d: %w", call.webhook, err))
		}
	}
	return errors.Join(append(failures, context.Cause(ctx))...)
}

func (s *Server) nextHookCall() (hookCall, http.Handler, bool) {
	s.look()
	defer s.mu.Unlock()
	if len(s.hooks.queue) == 0 {
		return hookCall{}, nil, false
	}
	call := s.hooks.queue[0]
	s.hooks.queue = s.hooks.queue[1:]
	return call, s.hooks.handler, true
}

func (h hookCall) deliver(ctx context.Context, client *http.Client, handler http.Handler) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(h.body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", jsonType)
	if h.signature != "" {
		r.Header.Set("X-Hook-Signature", h.signature)
	}
	if handler != nil {
		w := httptest.NewRecorder()
		r.RequestURI, r.RemoteAddr, r.Host = r.URL.RequestURI(), "127.0.0.1:0", r.URL.Host
		handler.ServeHTTP(w, r)
		return taken(w.Code)
	}
	if !isLoopback(r.URL) {
		return fmt.Errorf("%s is no loopback address, and others are never called; SetWebhookHandler takes the calls instead", h.url)
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // what it says does not matter
	return taken(resp.StatusCode)
}

func taken(status int) error {
	if status/100 != 2 {
		return fmt.Errorf("the call was answered with %d", status)
	}
	return nil
}

func isLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// hookEvent is something that webhooks tell of.
type hookEvent struct {
	action      string
	id          int64
	actor       int64
	before, now *row // before is nil for a create, now for a delete
	all         bool // counts every field as changed
}

// hookEvents are the actions, and the members of a webhook that subscribe it to
// them.
var hookEvents = map[string]string{
	"Create": "isSubscribedToCreateEvents",
	"Update": "isSubscribedToUpdateEvents",
	"Delete": "isSubscribedToDeleteEvents",
}

// announce queues the calls that tell of a write.
func (s *Server) announce(c *call) {
	if !c.wrote || c.fault.IgnoreWrite {
		return
	}
	written := c.table.rows[c.rowID]
	s.settleReady(c.table.entity, cmp.Or(written, c.before))
	h := hookOf(c.table.entity)
	if h == nil {
		return
	}
	e := hookEvent{action: "Update", id: c.rowID, actor: c.actor, before: c.before, now: written}
	switch {
	case e.before == nil && e.now == nil: // created, and taken back at once
		return
	case e.before == nil:
		e.action = "Create"
	case e.now == nil:
		e.action = "Delete"
	}
	s.queueCalls(h, e)
}

func (s *Server) queueCalls(h *hook, e hookEvent) {
	for _, r := range s.table(h.webhooks).all() {
		if !isTrue(r.fields.get("isActive")) || !isTrue(r.fields.get("isReady")) || !isTrue(r.fields.get(hookEvents[e.action])) || s.isExcluded(h, r.id, e.actor) {
			continue
		}
		if fields, tells := s.fieldsOfCall(h, r.id, e); tells {
			s.queueCall(h, r, e, fields)
		}
	}
}

func (s *Server) isExcluded(h *hook, webhook, actor int64) bool {
	for _, r := range s.childrenOf(h.excluded, webhook) {
		if id, ok := toInt64(r.fields.get("resourceID")); ok && id == actor {
			return true
		}
	}
	return false
}

// fieldsOfCall returns the fields that a call tells of: after a create the ones
// that the webhook subscribes to, after an update those of them that changed,
// after both the ones that it always shows, after a delete none. An update of
// none of the fields that it subscribes to is none of its business.
func (s *Server) fieldsOfCall(h *hook, webhook int64, e hookEvent) (fields object, tells bool) {
	fields = object{}
	if e.action == "Delete" {
		return fields, true
	}
	tells = e.action == "Create" || e.all
	for _, f := range s.fieldsOfHook(h, webhook) {
		value := f.valueIn(e.now)
		changed := e.action == "Create" || e.all || textOf(value) != textOf(f.valueIn(e.before))
		if f.subscribed && changed {
			tells = true
		}
		if f.subscribed && changed || f.displayAlways {
			fields.set(f.name, value)
		}
	}
	return fields, tells
}

func (s *Server) queueCall(h *hook, webhook *row, e hookEvent, fields object) {
	if s.hooks.sequence == nil {
		s.hooks.sequence = make(map[int64]int64)
	}
	s.hooks.sequence[webhook.id]++
	body := object{
		{"Action", encode(e.action)},
		{"Guid", webhook.fields.get("webhookGUID")},
		{"EntityType", encode(h.legacy)},
		{"Id", integer(e.id)},
		{"Fields", fields.text()},
		{"EventTime", formatDate(s.now())},
		{"SequenceNumber", integer(s.hooks.sequence[webhook.id])},
		{"PersonID", integer(e.actor)},
	}.text()
	s.hooks.queue = append(s.hooks.queue, hookCall{
		webhook:   webhook.id,
		url:       textOf(webhook.fields.get("webhookUrl")),
		body:      body,
		signature: s.hooks.signing.sign(webhook.fields.get("secretKey"), body),
	})
}

// sign returns the header of a call; a webhook without a key signs nothing.
func (f WebhookSigning) sign(secretKey json.RawMessage, body []byte) string {
	if isNull(secretKey) || textOf(secretKey) == "" {
		return ""
	}
	mac := hmac.New(sha1.New, []byte(textOf(secretKey)))
	switch f {
	case SignEscapedUpper:
		body = escapeStrings(body, `\u%04X`)
	case SignEscapedLower:
		body = escapeStrings(body, `\u%04x`)
	default:
	}
	_, _ = mac.Write(body) // never fails
	return "sha1=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// escapeStrings is JSON with more characters escaped in its strings. The quotes
// around them stay, as do escapes that are there but for those of \" and \\. It
// repeats on purpose what package webhook does: a fake must not share the code
// that is tested with it.
func escapeStrings(body []byte, escape string) []byte {
	var out bytes.Buffer
	inString := false
	for i := 0; i < len(body); {
		r, size := utf8.DecodeRune(body[i:])
		next := i + size
		switch {
		case r == '"':
			inString = !inString
			out.WriteByte('"')
		case !inString:
			out.Write(body[i:next])
		case r == '\\':
			next = i + 2 // a backslash is never the last byte of a string
			if body[i+1] == '"' || body[i+1] == '\\' {
				fmt.Fprintf(&out, escape, body[i+1])
			} else {
				out.Write(body[i:next])
			}
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, escape+escape, high, low)
		case r > 0x7E || strings.ContainsRune("&<>'`+", r):
			fmt.Fprintf(&out, escape, r)
		default:
			out.WriteRune(r)
		}
		i = next
	}
	return out.Bytes()
}
