package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/autotask-go/autotask/internal/limit"
)

// attempts runs single attempts: through the gates, within a time limit, and with the
// whole body read before the gates are left.
type attempts struct {
	next    http.RoundTripper // the wrappers, or the signer if there are none
	signer  *signer           // nil if there are wrappers
	gates   []limit.Gate      // in the order in which an attempt passes them
	timeout time.Duration
	late    error // the error when the timeout has passed
	max     int64
	log     Log // or nil
}

func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	x.begin()
	var began time.Time
	if a.log != nil {
		began = time.Now()
	}
	leave, held, err := limit.Enter(req.Context(), a.gates, Endpoint(x.request.Path))
	if err != nil {
		closeBody(req)
		return nil, err
	}
	defer leave()
	x.held = held
	if err := x.checkAge(); err != nil {
		closeBody(req)
		return nil, err
	}

	x.attempt++
	x.started = time.Now()
	resp, err := a.exchange(req, x)
	x.received = time.Now()
	if a.log != nil {
		a.log(x, resp, err, x.started.Sub(began))
	}
	return resp, err
}

func (a *attempts) exchange(req *http.Request, x *exchange) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), a.timeout, a.late) //nolint:contextcheck // a single is made of it
	defer cancel()
	ctx, letGo := x.whileHeld(ctx)
	defer letGo()
	x.onWire = true
	if x.class == Write {
		x.once = sendOnce(ctx, cancel)
		defer x.once.close()
		ctx = x.once
	}
	resp, err := a.send(ctx, x, req)
	x.answered = time.Now()
	if err != nil {
		return nil, x.ranOut(ctx, req, err)
	}
	if resp == nil {
		return nil, errors.New("the HTTP transport returned neither an answer nor an error")
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	defer resp.Body.Close()
	if x.once != nil && !x.once.believes(resp.StatusCode) {
		return nil, fmt.Errorf("%w (status %d)", errMadeUp, resp.StatusCode)
	}
	if err := x.readBody(resp, a.max); err != nil {
		if resp.StatusCode/100 != 4 || req.Context().Err() != nil {
			return nil, x.ranOut(ctx, req, err)
		}
		// Such a status needs no body; a 401 in particular must not be mistaken for a
		// lost answer and repeated.
		x.body.Reset()
	}
	x.date = resp.Header.Get("Date")
	resp.Body = http.NoBody
	return resp, nil
}

// send passes a request to the wrappers. Without any, it calls the signer directly,
// which saves a copy.
func (a *attempts) send(ctx context.Context, x *exchange, req *http.Request) (*http.Response, error) {
	if a.signer != nil {
		return a.signer.send(ctx, x, req, x.once)
	}
	req = req.WithContext(ctx)
	values := headerValues{free: make([]string, 4)}
	req.Header = x.header(req.Header, &values)
	return a.next.RoundTrip(req)
}

// errPlaceLost ends an attempt whose place another process may have by now.
var errPlaceLost = errors.New("the place that the limiter gave was lost before the answer was read")

// whileHeld ends an attempt when its place is lost.
func (x *exchange) whileHeld(ctx context.Context) (held context.Context, letGo func()) {
	if x.held == nil {
		return ctx, func() {}
	}
	ctx, lose := context.WithCancelCause(ctx)
	place := x.held // the function may run when the next attempt has another one
	stop := context.AfterFunc(place, func() { lose(x.lost(place)) })
	return ctx, func() {
		stop()
		lose(nil)
	}
}

// placeLost is the error of an attempt without its place, nil as long as it has it. It
// hides a context.Canceled, which would look like the caller's.
func (x *exchange) placeLost() error { return x.lost(x.held) }

func (x *exchange) lost(place context.Context) error {
	if isLost := place != nil && place.Err() != nil && x.Err() == nil; !isLost {
		return nil
	}
	return fmt.Errorf("%w: %v", errPlaceLost, context.Cause(place)) //nolint:errorlint // see above
}

// header returns the given headers and up to four others, all but the credentials. They
// come this late since net/http copies those that a request has before, in case of a
// redirect.
func (x *exchange) header(given http.Header, values *headerValues) http.Header {
	h := make(http.Header, max(8, len(given)+7))
	maps.Copy(h, given)
	values.set(h, "Accept", "application/json")
	values.set(h, "User-Agent", x.of.config.UserAgent)
	if x.request.Body != nil {
		values.set(h, "Content-Type", "application/json")
	}
	if id := x.request.ImpersonateID; id != 0 && x.class == Write {
		values.set(h, "Impersonationresourceid", strconv.FormatInt(id, 10))
	}
	return h
}

// ranOut reports what ended the attempt before the caller's context did: our own time
// limit, the loss of its place, or a write that was about to be sent again.
func (x *exchange) ranOut(ctx context.Context, req *http.Request, err error) error {
	switch {
	case ctx.Err() == nil || req.Context().Err() != nil:
		return err
	case x.once != nil && x.once.wasStopped():
		return errSentOnce
	}
	return context.Cause(ctx)
}

// Buffers are reused between answers; very large ones are left to the collector. A
// program that reads page after page gets the spare one every time. A sync.Pool has
// one per processor, and frees them at every second collection, which together
// doubles the cost of reading.
var (
	spare   atomic.Pointer[bytes.Buffer]
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

const maxPooledBuffer = 4 << 20

// readBody reads a successful answer completely, and the beginning of any other, up
// to limit bytes.
func (x *exchange) readBody(resp *http.Response, limit int64) error {
	if resp.StatusCode/100 != 2 && limit >= maxErrorBody {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxErrorBody), resp.Body}
		resp.ContentLength = min(resp.ContentLength, maxErrorBody)
	}
	if x.body = spare.Swap(nil); x.body == nil {
		x.body = buffers.Get().(*bytes.Buffer)
	}
	x.body.Reset()
	if n := resp.ContentLength; n > 0 && n <= limit {
		x.body.Grow(int(min(n, maxPooledBuffer)) + bytes.MinRead)
	}
	n, err := x.body.ReadFrom(io.LimitReader(resp.Body, min(limit+1, maxPooledBuffer)))
	var rest [][]byte
	if err == nil && n == maxPooledBuffer {
		var more int64
		rest, more, err = readChunks(resp.Body, limit+1-n)
		n += more
	}
	if err != nil {
		return fmt.Errorf("the answer broke off after %d bytes: %w", n, err)
	}
	if n > limit {
		return fmt.Errorf("%w of %d bytes", errTooLarge, limit)
	}
	if len(rest) > 0 {
		x.body.Grow(int(n) - x.body.Len())
	}
	for _, chunk := range rest {
		x.body.Write(chunk)
	}
	return nil
}

// readChunks reads up to most bytes in pieces. A doubling buffer could hold up to
// three times the limit before it is clear that an answer is too large.
func readChunks(r io.Reader, most int64) (chunks [][]byte, n int64, err error) {
	const size = 1 << 20
	for n < most && err == nil {
		chunk := make([]byte, min(size, most-n))
		filled := 0
		for filled < len(chunk) && err == nil {
			var got int
			got, err = r.Read(chunk[filled:])
			filled += got
		}
		n += int64(filled)
		chunks = append(chunks, chunk[:filled])
	}
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return chunks, n, err
}

var errTooLarge = errors.New("the answer is larger than the limit")

func (x *exchange) releaseBody() {
	if x.body != nil && x.body.Cap() <= maxPooledBuffer && !spare.CompareAndSwap(nil, x.body) {
		buffers.Put(x.body)
	}
	x.body = nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
