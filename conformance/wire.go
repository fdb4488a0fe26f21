package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
)

const (
	maxBody     = 32 << 20
	maxAttempts = 3
	// spare is how many requests may be repeated in one run.
	spare = 30
)

// wire sends requests to one origin, one at a time. It knows no more of the API
// than how one logs in.
type wire struct {
	base   *url.URL // .../ATServicesRest/V1.0
	creds  autotask.Credentials
	client *http.Client
	max    int // requests at most; 0 is no limit yet
	sent   int

	headers map[string]bool // names that answers had, of those that matter
	skews   []time.Duration // of the Date header, as far as it can tell
	undated int             // answers without one
	library []string        // what the library has sent, such as "PUT Tickets"
}

// request is what one check sends.
type request struct {
	method string
	path   string // below the base URL, or absolute and at the same origin
	body   any    // []byte is sent as it is, all else as JSON
	header http.Header

	anonymous bool // without credentials
	loose     bool // a 401 is an answer like any other, not a refused login
	write     bool
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
	data   map[string]any // nil if the body is no JSON object; numbers are json.Number
}

// Kinds of errors of a check. None of them quotes what a tenant sent.
type (
	mismatch string // the answer is not what must come back
	skip     string // it cannot be asked, and why
	noAnswer string // nothing usable came back, after retries
	lost     string // the same of a write, which may still be carried out
	unsent   string // it was not sent, because it must not or cannot be
)

func (m mismatch) Error() string { return string(m) }
func (s skip) Error() string     { return string(s) }
func (n noAnswer) Error() string { return string(n) }
func (l lost) Error() string     { return string(l) }
func (u unsent) Error() string   { return string(u) }

func failf(format string, args ...any) error { return mismatch(fmt.Sprintf(format, args...)) }
func skipf(format string, args ...any) error { return skip(fmt.Sprintf(format, args...)) }

const errSpent = unsent("the run has sent as many requests as it may")

func (w *wire) do(ctx context.Context, q request) (*answer, error) {
	for attempt := 1; ; attempt++ {
		a, err := w.once(ctx, q)
		wait, again := retry(q, a, err, attempt)
		if !again {
			return settle(ctx, q, a, err)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// retry says whether a request may be sent again. A 429 was not carried out; all
// else is repeated only if it is a read.
func retry(q request, a *answer, err error, attempt int) (time.Duration, bool) {
	wait := time.Duration(attempt) * 5 * time.Second
	var not unsent
	switch {
	case attempt == maxAttempts, errors.As(err, &not):
		return 0, false
	case a != nil && a.status == http.StatusTooManyRequests:
		if s, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && s > 0 {
			wait = time.Duration(min(s, 60)) * time.Second
		}
		return wait, true
	case q.write:
		return 0, false
	}
	return wait, err != nil || isGateway(a.status)
}

func isGateway(status int) bool { return status >= 502 && status <= 504 }

// settle turns the last attempt into what a check is told.
func settle(ctx context.Context, q request, a *answer, err error) (*answer, error) {
	var not unsent
	switch {
	case errors.As(err, &not):
		return nil, skip(not)
	case err != nil && ctx.Err() != nil && q.write:
		return nil, lost("the run was interrupted while a write was in flight")
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && q.write:
		return nil, lost("the answer of a write was lost: " + err.Error())
	case err != nil:
		return nil, noAnswer("no answer: " + err.Error())
	case a.status == http.StatusTooManyRequests:
		return nil, skip("the tenant refused it for its limits (429)")
	case q.write && (isGateway(a.status) || a.status == http.StatusInternalServerError && len(a.errors()) == 0):
		return nil, lost(fmt.Sprintf("the answer of a write was lost: status %d without a reason", a.status))
	case q.write && a.status < 300 && a.data == nil:
		return nil, lost(fmt.Sprintf("the answer of a write was lost: %s", a.describe()))
	case isGateway(a.status):
		return nil, noAnswer(fmt.Sprintf("no answer: status %d", a.status))
	}
	return a, nil
}

func (w *wire) once(ctx context.Context, q request) (*answer, error) {
	if w.max > 0 && w.sent >= w.max {
		return nil, errSpent
	}
	req, err := w.build(ctx, q)
	if err != nil {
		return nil, err
	}
	w.sent++
	sent := time.Now()
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, plain(err)
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header, took: time.Since(sent)}
	w.note(a, sent)
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, plain(err)
	case len(a.body) > maxBody:
		return nil, fmt.Errorf("the body has more than %d bytes", maxBody)
	}
	a.data = object(a.body)
	return a, nil
}

// build refuses what this package never sends, whatever a check says.
func (w *wire) build(ctx context.Context, q request) (*http.Request, error) {
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut}, q.method) {
		return nil, unsent(q.method + " is never sent")
	}
	address, err := w.address(q.path)
	if err != nil {
		return nil, err
	}
	body, err := encode(q.body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, q.method, address.String(), bytes.NewReader(body))
	if err != nil {
		return nil, unsent("the request cannot be made")
	}
	req.GetBody = nil // net/http must not repeat a write
	if len(body) == 0 {
		req.Body = nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, values := range q.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", userAgent)
	if !q.anonymous {
		req.Header.Set("UserName", w.creds.UserName)
		req.Header.Set("Secret", w.creds.Secret)
		req.Header.Set("ApiIntegrationCode", w.creds.IntegrationCode)
	}
	return req, nil
}

// address resolves a path below the base URL. An absolute address must have the
// origin of the base URL: credentials go nowhere else.
func (w *wire) address(path string) (*url.URL, error) {
	if !strings.Contains(path, "://") {
		path = w.base.String() + "/" + path
	}
	u, err := url.Parse(path)
	if err != nil || u.Scheme != w.base.Scheme || !strings.EqualFold(u.Host, w.base.Host) || u.User != nil {
		return nil, unsent("the address is not at the tenant's origin")
	}
	return u, nil
}

// beside returns an address at the same origin: the base URL's path with its
// service and version replaced.
func (w *wire) beside(rest string) string {
	u := *w.base
	u.Path = strings.TrimSuffix(u.Path, servicePath) + rest
	return u.String()
}

const servicePath = "/ATServicesRest/V1.0"

func encode(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return b, nil
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, unsent("a value cannot be encoded as JSON")
	}
	return b, nil
}

// plain says what kind of failure it was. The error itself may quote the address,
// with the user's name in it, or what a proxy said.
func plain(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("it was interrupted")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("time-out")
	}
	return errors.New("the connection failed")
}

// note keeps what answers tell beside their bodies.
func (w *wire) note(a *answer, sent time.Time) {
	for _, name := range []string{"Retry-After", "ETag"} {
		if a.header.Get(name) != "" {
			w.headers[name] = true
		}
	}
	for name := range a.header {
		if strings.Contains(strings.ToLower(name), "ratelimit") {
			w.headers["a rate limit"] = true
		}
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		w.undated++
		return
	}
	w.skews = append(w.skews, date.Sub(sent.Add(a.took/2)))
}

// object decodes a JSON object; nil if it is none.
func object(body []byte) map[string]any {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v map[string]any
	if dec.Decode(&v) != nil {
		return nil
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return v
}

// errors returns the texts of {"errors":["…"]}; none if the answer has another form.
func (a *answer) errors() []string {
	list, _ := a.data["errors"].([]any)
	var texts []string
	for _, e := range list {
		s, ok := e.(string)
		if !ok || strings.TrimSpace(s) == "" {
			return nil
		}
		texts = append(texts, s)
	}
	return texts
}

// denied reports whether this user may not do it.
func (a *answer) denied() bool {
	return a.status == http.StatusForbidden ||
		a.status == http.StatusInternalServerError && a.says("adequate permission")
}

func (a *answer) says(part string) bool {
	return slices.ContainsFunc(a.errors(), func(s string) bool { return strings.Contains(strings.ToLower(s), part) })
}

// describe says what came back without quoting it.
func (a *answer) describe() string {
	switch {
	case a.denied():
		return fmt.Sprintf("status %d, saying that this user may not", a.status)
	case len(a.errors()) > 0:
		return fmt.Sprintf("status %d with errors", a.status)
	case a.data != nil:
		return fmt.Sprintf("status %d with a JSON object", a.status)
	case len(a.body) == 0:
		return fmt.Sprintf("status %d without a body", a.status)
	}
	return fmt.Sprintf("status %d with a body that is no JSON object", a.status)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
