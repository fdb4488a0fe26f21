package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// errSentOnce means that a write is not sent a second time.
var errSentOnce = errors.New("the request was sent once and may have been carried out: it is not sent again")

// single ensures that a write reaches the network once per attempt, whoever sends it
// again: net/http, which repeats requests over HTTP/2 after some resets and over
// HTTP/1 if a header calls them idempotent, or middleware. It also records how far
// the write got. It is the context of the attempt.
type single struct {
	context.Context

	cancel context.CancelFunc // ends the attempt

	mu      sync.Mutex
	stopped bool // it was about to be sent again
	over    bool // the attempt has ended
	running bool // a signer waits for the network
	entered bool
	maybe   bool      // the write may have reached Autotask
	partly  bool      // only a part of it was sent, which is not a request
	sent    time.Time // when it was written, or else given up
	status  int       // of the network's answer; 0 if there was none
	release func()    // called once that answer has been read
}

type onceKey struct{}

func onceOf(ctx context.Context) *single {
	o, _ := ctx.Value(onceKey{}).(*single)
	return o
}

// sendOnce guards a write's attempt, whose context cancel ends.
func sendOnce(ctx context.Context, cancel context.CancelFunc) *single {
	return &single{Context: ctx, cancel: cancel}
}

// Value returns the single itself to callers that have the attempt's context.
func (o *single) Value(key any) any {
	if key == (onceKey{}) {
		return o
	}
	return o.Context.Value(key)
}

// String lets a context be printed while it changes.
func (o *single) String() string { return "transport.single" }

// stop ends an attempt that was about to be sent again, unless it has ended already.
func (o *single) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopped = o.stopped || o.Err() == nil
	o.cancel()
}

func (o *single) wasStopped() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stopped
}

// begin refuses a second handover while the first is in progress or may have reached
// Autotask.
func (o *single) begin() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over || o.running || o.maybe {
		return errSentOnce
	}
	o.running, o.entered = true, true
	return nil
}

// keepBack ends a handover that was begun, before the network knows of it.
func (o *single) keepBack(h *handover) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running = false
	h.cancel()
}

// end records how the handover ended, unless the attempt has already ended and been
// judged.
func (o *single) end(h *handover, status int, err error) {
	maybe, partly, sent := h.judge(err)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil || o.over {
		h.cancel()
	}
	if o.over {
		return
	}
	o.release = h.cancel
	o.running, o.maybe, o.partly, o.status = false, maybe, partly, status
	if maybe {
		o.sent = sent
	}
}

// close ends the attempt. A signer that still waits for the network, because
// middleware gave up before it, may still get through.
func (o *single) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	if o.running {
		o.maybe, o.sent = true, time.Now()
	}
	if o.release != nil {
		o.release()
	}
	o.cancel()
}

// errMadeUp: a write that may have run must be judged by Autotask's answer.
var errMadeUp = errors.New("a middleware answered instead of the network: the write may have been carried out")

// believes reports whether an answer with this status is the network's own.
func (o *single) believes(status int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.maybe || o.status == status
}

// handover is one handover of a write to the network layer. It is the context of the
// request, so that net/http reports to it.
type handover struct {
	context.Context

	of *single
	// cancel ends the request if the end of the attempt may not.
	cancel context.CancelFunc
	// native: the network layer is net/http's own, whose rules are known.
	native, clearHTTP2 bool

	mu          sync.Mutex
	wanted, got bool // a connection
	http1       bool // what it speaks, if native
	wrote       bool // the header at least
	written     time.Time
	hasBody     bool
	whole       bool // all of the body was handed out
	ended       bool
	body        countedBody
	trace       *httptrace.ClientTrace // made when it is first asked for
}

func newHandover(ctx context.Context, o *single, network http.RoundTripper) *handover {
	h := &handover{Context: ctx, of: o, cancel: func() {}}
	if ctx != o && ctx.Done() != o.Done() { // middleware has put a context of its own between, or instead
		h.Context, h.cancel = context.WithCancel(ctx)
	}
	if t, ok := network.(*http.Transport); ok {
		h.native = true
		h.clearHTTP2 = t.Protocols != nil && t.Protocols.UnencryptedHTTP2()
	}
	return h
}

// guard changes the request so that it cannot be sent again.
func (h *handover) guard(req *http.Request) {
	req.Header = withoutIdempotency(req.Header)
	switch {
	case req.Body != nil && req.Body != http.NoBody:
		h.hasBody = true
		h.body = h.counted(req.Body, req.ContentLength)
		req.Body = &h.body
		if rewind := req.GetBody; rewind != nil {
			req.GetBody = func() (io.ReadCloser, error) { return h.rewind(rewind, req.ContentLength) }
		}
	case req.Method == http.MethodGet:
		// net/http repeats any GET, unless it has a body that cannot be read again.
		req.Body, req.GetBody, req.ContentLength = io.NopCloser(eof{}), nil, -1
	}
}

// withoutIdempotency respells the headers that make net/http repeat a write, so that
// it does not find them. Autotask has no idempotency keys.
func withoutIdempotency(header http.Header) http.Header {
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		if v, ok := header[name]; ok {
			header = maps.Clone(header)
			delete(header, name)
			header[asciiLower(name)] = v
		}
	}
	return header
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// Value returns the hooks by which net/http reports how far it got.
func (h *handover) Value(key any) any {
	if key == traceKey {
		return h.hooks()
	}
	return h.Context.Value(key)
}

func (h *handover) String() string { return "transport.handover" }

// hooks returns our own hooks, which then call those of a caller's trace. They are not
// combined by httptrace.WithClientTrace, since that uses reflection, which would add
// 35 KB to every program.
func (h *handover) hooks() *httptrace.ClientTrace {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trace != nil {
		return h.trace
	}
	var outer httptrace.ClientTrace
	if blind := blindTrace(h.Context); blind != nil {
		outer = *blind
	}
	all := outer
	all.GetConn = func(address string) {
		h.wantConn()
		if outer.GetConn != nil {
			outer.GetConn(address)
		}
	}
	all.GotConn = func(info httptrace.GotConnInfo) {
		h.gotConn(info)
		if outer.GotConn != nil {
			outer.GotConn(info)
		}
	}
	all.WroteHeaders = func() {
		h.wroteSome(false)
		if outer.WroteHeaders != nil {
			outer.WroteHeaders()
		}
	}
	all.WroteRequest = func(info httptrace.WroteRequestInfo) {
		h.wroteSome(info.Err == nil)
		if outer.WroteRequest != nil {
			outer.WroteRequest(info)
		}
	}
	h.trace = &all
	return h.trace
}

func (h *handover) wroteSome(all bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrote = true
	if all {
		h.written = time.Now()
	}
}

// wantConn is called before each connection. A second call means a repetition; for a
// request without a body that is the only sign of it.
func (h *handover) wantConn() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.startOver()
	h.wanted = true
}

func (h *handover) gotConn(info httptrace.GotConnInfo) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.startOver()
	h.got = true
	secure, ok := info.Conn.(*tls.Conn)
	h.http1 = !ok && !h.clearHTTP2 || ok && secure.ConnectionState().NegotiatedProtocol != "h2"
}

// startOver forgets the request's connection, or ends the attempt if the request may
// have been sent over it. HTTP/2 in net/http checks the context before it writes.
func (h *handover) startOver() {
	switch {
	case !h.got:
	case h.repeatable():
		h.got, h.wrote, h.whole, h.written = false, false, false, time.Time{}
	default:
		h.of.stop()
		h.cancel()
	}
}

// repeatable reports whether the request provably was not sent whole. Over HTTP/1
// net/http itself tries again only if it has written nothing at all; it reports a
// small request as written before it is.
func (h *handover) repeatable() bool {
	return h.native && h.got && h.http1 || !h.wrote && !h.whole
}

// rewind returns the body again.
func (h *handover) rewind(body func() (io.ReadCloser, error), length int64) (io.ReadCloser, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.repeatable() {
		return nil, errSentOnce
	}
	h.startOver()
	b, err := body()
	if err != nil {
		return nil, err
	}
	again := h.counted(b, length)
	return &again, nil
}

func (h *handover) counted(body io.ReadCloser, length int64) countedBody {
	return countedBody{ReadCloser: body, of: h, left: length, known: length > 0}
}

// judge reports whether the request may have reached Autotask, and when; or if not,
// whether a part of it did. Once the network layer has failed, no more of the body is
// handed out.
func (h *handover) judge(err error) (maybe, partly bool, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = err != nil
	switch {
	case err == nil:
	case !h.got && !h.native && h.wrote: // over an earlier connection, which was not the last
	case !h.got:
		return !h.wanted && !noConnection(err), false, h.at()
	case h.native && h.hasBody && !h.whole:
		return false, true, h.at() // with only a part of its body it is not a request
	}
	return true, false, h.at()
}

// at returns when the request had been written, or else now.
func (h *handover) at() time.Time {
	if h.written.IsZero() {
		return time.Now()
	}
	return h.written
}

// countedBody is a body that records when all of it has been read.
type countedBody struct {
	io.ReadCloser
	of    *handover
	left  int64
	known bool // whether left is known
}

var errEnded = errors.New("the attempt has ended")

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.of.mu.Lock()
	defer b.of.mu.Unlock()
	if b.of.ended && !b.of.whole {
		return 0, errEnded
	}
	b.left -= int64(n)
	if errors.Is(err, io.EOF) || b.known && b.left <= 0 {
		b.of.whole = true
	}
	return n, err
}
