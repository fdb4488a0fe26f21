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

// WebhookSigning is the form of a webhook call's body that the signature covers. The
// body is always sent as it is.
type WebhookSigning int

// The forms that have been reported.
const (
	// SignBody signs the body as it is sent, as the vendor documents.
	SignBody WebhookSigning = iota
	// SignEscapedUpper signs the body as it would be with & < > ' " \ ` + and all
	// non-ASCII characters escaped in its strings, as \u00FC.
	SignEscapedUpper
	// SignEscapedLower is SignEscapedUpper with \u00fc.
	SignEscapedLower
)

// webhookState is what the tenant knows about webhooks besides their rows.
type webhookState struct {
	queue    []webhookCall
	sequence map[int64]int64 // of the last call, by webhook
	signing  WebhookSigning
	handler  http.Handler
}

// webhookCall is a queued call.
type webhookCall struct {
	webhook   int64
	url       string
	body      []byte
	signature string
}

// SetWebhookSigning sets how webhook calls are signed; the default is SignBody.
func (s *Server) SetWebhookSigning(form WebhookSigning) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhooks.signing = form
}

// SetWebhookHandler makes DeliverWebhooks call a handler in process, on its own
// goroutine, whatever address a webhook has. Nil restores the network, over which
// only loopback addresses are called, whoever signed their certificates.
func (s *Server) SetWebhookHandler(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhooks.handler = h
}

// PendingWebhooks returns the number of webhook calls queued for DeliverWebhooks.
func (s *Server) PendingWebhooks() int {
	s.look()
	defer s.mu.Unlock()
	return len(s.webhooks.queue)
}

// FireWebhooks queues the webhook calls for a row as if it had just been written
// through the API: the action is "Create", "Update" (of all its fields) or "Delete".
// It is for rows that were seeded. It returns the number of calls.
func (s *Server) FireWebhooks(action, collection string, id int64) int {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return 0
	}
	h := webhookKindOf(e)
	if h == nil || webhookEvents[action] == "" {
		s.fail("FireWebhooks: there are no webhooks for %q of %s", action, e.Name)
		return 0
	}
	s.mu.Lock()
	r := s.table(e).rows[id]
	before := len(s.webhooks.queue)
	if r != nil {
		s.queueCalls(h, webhookEvent{action: action, id: id, actor: APIUserID, now: r, all: true})
	}
	queued := len(s.webhooks.queue) - before
	s.mu.Unlock()
	if r == nil {
		s.fail("FireWebhooks: there is no %s %d", e.Name, id)
	}
	return queued
}

// DeliverWebhooks sends the calls queued by writes through the API, one after the
// other and in order, until none is left, including those that the called programs
// cause. Nothing is sent before, so a test decides when.
//
// The error joins the calls that were not answered with 2xx or could not be sent;
// they are not repeated. When the context ends, the remaining calls stay queued.
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
		call, handler, ok := s.nextWebhookCall()
		if !ok {
			return errors.Join(failures...)
		}
		if err := call.deliver(ctx, client, handler); err != nil {
			failures = append(failures, fmt.Errorf("autotasktest: webhook %d: %w", call.webhook, err))
		}
	}
	return errors.Join(append(failures, context.Cause(ctx))...)
}

func (s *Server) nextWebhookCall() (webhookCall, http.Handler, bool) {
	s.look()
	defer s.mu.Unlock()
	if len(s.webhooks.queue) == 0 {
		return webhookCall{}, nil, false
	}
	call := s.webhooks.queue[0]
	s.webhooks.queue = s.webhooks.queue[1:]
	return call, s.webhooks.handler, true
}

func (h webhookCall) deliver(ctx context.Context, client *http.Client, handler http.Handler) error {
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
		return fmt.Errorf("%s is not a loopback address, and others are never called; SetWebhookHandler receives the calls instead", h.url)
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // its content does not matter
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

// webhookEvent is something that webhooks report.
type webhookEvent struct {
	action      string
	id          int64
	actor       int64
	before, now *row // before is nil for a create, now for a delete
	all         bool // counts every field as changed
}

// webhookEvents maps the actions to the members of a webhook that subscribe to them.
var webhookEvents = map[string]string{
	"Create": "isSubscribedToCreateEvents",
	"Update": "isSubscribedToUpdateEvents",
	"Delete": "isSubscribedToDeleteEvents",
}

// announce queues the calls that report a write.
func (s *Server) announce(c *call) {
	if !c.wrote || c.fault.IgnoreWrite {
		return
	}
	written := c.table.rows[c.rowID]
	s.settleReady(c.table.entity, cmp.Or(written, c.before))
	h := webhookKindOf(c.table.entity)
	if h == nil {
		return
	}
	e := webhookEvent{action: "Update", id: c.rowID, actor: c.actor, before: c.before, now: written}
	switch {
	case e.before == nil && e.now == nil: // created, and undone at once
		return
	case e.before == nil:
		e.action = "Create"
	case e.now == nil:
		e.action = "Delete"
	}
	s.queueCalls(h, e)
}

func (s *Server) queueCalls(h *webhookKind, e webhookEvent) {
	for _, r := range s.table(h.webhooks).all() {
		if !isTrue(r.fields.get("isActive")) || !isTrue(r.fields.get("isReady")) || !isTrue(r.fields.get(webhookEvents[e.action])) || s.isExcluded(h, r.id, e.actor) {
			continue
		}
		if fields, tells := s.fieldsOfCall(h, r.id, e); tells {
			s.queueCall(h, r, e, fields)
		}
	}
}

func (s *Server) isExcluded(h *webhookKind, webhook, actor int64) bool {
	for _, r := range s.childrenOf(h.excluded, webhook) {
		if id, ok := toInt64(r.fields.get("resourceID")); ok && id == actor {
			return true
		}
	}
	return false
}

// fieldsOfCall returns the fields in a call: after a create those that the webhook
// subscribes to, after an update the changed ones of them, after both the ones that
// it always shows, after a delete none. It reports false for an update of other
// fields.
func (s *Server) fieldsOfCall(h *webhookKind, webhook int64, e webhookEvent) (fields object, tells bool) {
	fields = object{}
	if e.action == "Delete" {
		return fields, true
	}
	tells = e.action == "Create" || e.all
	for _, f := range s.fieldsOfWebhook(h, webhook) {
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

func (s *Server) queueCall(h *webhookKind, webhook *row, e webhookEvent, fields object) {
	if s.webhooks.sequence == nil {
		s.webhooks.sequence = make(map[int64]int64)
	}
	s.webhooks.sequence[webhook.id]++
	body := object{
		{"Action", encode(e.action)},
		{"Guid", webhook.fields.get("webhookGUID")},
		{"EntityType", encode(h.legacy)},
		{"Id", integer(e.id)},
		{"Fields", fields.text()},
		{"EventTime", formatDate(s.now())},
		{"SequenceNumber", integer(s.webhooks.sequence[webhook.id])},
		{"PersonID", integer(e.actor)},
	}.text()
	s.webhooks.queue = append(s.webhooks.queue, webhookCall{
		webhook:   webhook.id,
		url:       textOf(webhook.fields.get("webhookUrl")),
		body:      body,
		signature: s.webhooks.signing.sign(webhook.fields.get("secretKey"), body),
	})
}

// sign returns the signature header of a call; a webhook without a key signs nothing.
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

// escapeStrings escapes more characters in the strings of JSON. The quotes around
// them stay, as do existing escapes except \" and \\. It repeats on purpose what
// package webhook does: a fake must not share the code that is tested with it.
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
