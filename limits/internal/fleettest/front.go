//go:build unix

package fleettest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autotask-go/autotask/autotasktest"
)

// Headers by which a process tells of itself.
const (
	processHeader = "X-Process"
	waitedHeader  = "X-Waited" // nanoseconds until it had a place
	sentHeader    = "X-Sent"   // when it had it: nanoseconds of the clock that all processes share
)

// arrival is a request at the front.
type arrival struct {
	process int
	at      time.Time
	sent    time.Time
	waited  time.Duration
	path    string
}

// front stands before the fake tenant. It counts requests from their arrival until
// the moment before the last of the answer leaves: then the client may have it, and
// the next one its place.
type front struct {
	*httptest.Server
	tenant  *autotasktest.Server
	latency time.Duration
	window  string // minutes of the hour, "" as it is
	// arrives is called for each request, with how many each process has in flight, this
	// one included. It returns false for a request that is not to be counted, nor
	// answered.
	arrives func(a arrival, inFlight map[int]int) bool

	mu       sync.Mutex
	inFlight map[int]int // by process
	highest  int
	requests int
	fullAt   []time.Time // when all three places were in use
}

func newFront(t testing.TB, tenant *autotasktest.Server) *front {
	f := &front{tenant: tenant, inFlight: make(map[int]int)}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *front) base() string {
	u, _ := url.Parse(f.tenant.BaseURL())
	return f.URL + u.Path
}

// ServeHTTP passes a request on.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := arrivalOf(r)
	if !f.enter(a) {
		<-r.Context().Done()
		return
	}
	answer, err := f.forward(r)
	if err == nil && f.latency > 0 {
		<-time.After(f.latency)
	}
	f.leave(a)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(answer.body)))
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body)
}

func arrivalOf(r *http.Request) arrival {
	number, _ := strconv.Atoi(r.Header.Get(processHeader))
	waited, _ := strconv.ParseInt(r.Header.Get(waitedHeader), 10, 64)
	sent, _ := strconv.ParseInt(r.Header.Get(sentHeader), 10, 64)
	return arrival{process: number, at: time.Now(), sent: time.Unix(0, sent), waited: time.Duration(waited), path: r.URL.Path}
}

// enter reports whether the request counts.
func (f *front) enter(a arrival) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inFlight[a.process]++
	if f.arrives != nil && !f.arrives(a, f.inFlight) {
		f.inFlight[a.process]--
		return false
	}
	f.requests++
	n := f.total()
	f.highest = max(f.highest, n)
	if n == 3 {
		f.fullAt = append(f.fullAt, a.at)
	}
	return true
}

// most returns how many were in flight at one time.
func (f *front) most() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.highest
}

func (f *front) leave(a arrival) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inFlight[a.process]--
}

// total is called with the lock held.
func (f *front) total() (n int) {
	for _, some := range f.inFlight {
		n += some
	}
	return n
}

// forwarded is an answer of the tenant.
type forwarded struct {
	status int
	header http.Header
	body   []byte
}

func (f *front) forward(r *http.Request) (forwarded, error) {
	target, err := url.Parse(f.tenant.BaseURL())
	if err != nil {
		return forwarded{}, err
	}
	out := r.Clone(context.WithoutCancel(r.Context())) // what arrived is carried out, whoever is gone
	out.URL.Scheme, out.URL.Host, out.Host, out.RequestURI = target.Scheme, target.Host, "", ""
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		return forwarded{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if strings.HasSuffix(r.URL.Path, "/ThresholdInformation") && f.window != "" && err == nil {
		var threshold map[string]json.RawMessage
		if err = json.Unmarshal(body, &threshold); err == nil {
			threshold["requestThresholdTimeframe"] = json.RawMessage(f.window)
			body, err = json.Marshal(threshold)
		}
	}
	return forwarded{resp.StatusCode, resp.Header, bytes.TrimSpace(body)}, err
}
