package autotasktest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	threadLimit = 3
	hourlyLimit = 10000
	timeframe   = time.Hour
)

// threads counts the requests in flight on each endpoint: the first segment of the
// path. Autotask counts per integration code as well; the tenant has one.
type threads struct {
	limit        int
	now, highest map[string]int
}

func newThreads() threads {
	return threads{limit: threadLimit, now: make(map[string]int), highest: make(map[string]int)}
}

// enter counts a request in, and reports whether there is room for it.
func (t *threads) enter(endpoint string) bool {
	t.now[endpoint]++
	t.highest[endpoint] = max(t.highest[endpoint], t.now[endpoint])
	return t.limit == 0 || t.now[endpoint] <= t.limit
}

func (t *threads) leave(endpoint string) { t.now[endpoint]-- }

func (t *threads) forgetHighest() { clear(t.highest) }

func (t *threads) refusal() answer {
	return refuseAs(http.StatusTooManyRequests,
		fmt.Sprintf("The Autotask API thread threshold of %d threads has been exceeded.", t.limit))
}

// SetThreadLimit sets how many requests may be in flight on one endpoint, the first
// segment of the path; the default is 3. 0 is no limit.
func (s *Server) SetThreadLimit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.threads.limit = n
}

// MaxInFlight returns the highest number of requests that were in flight at once on
// an endpoint such as "Tickets", including refused ones, since the start or the last
// ResetRequests. A request is in flight until the last piece of its answer is sent:
// over a socket when it is written, in process when the client reads it.
func (s *Server) MaxInFlight(endpoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.threads.highest[endpoint]
}

// threshold counts the requests of the last hour.
type threshold struct {
	limit int
	used  []usage
}

type usage struct {
	at       time.Time
	requests int
}

// SetThreshold sets how many requests an hour the tenant allows, 10,000 by default,
// and how many of them have just been used.
func (s *Server) SetThreshold(limit, used int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.threshold = threshold{limit: limit, used: []usage{{s.now(), used}}}
}

// take counts one request, and reports whether the limit allows it. A refused
// one does not count.
func (t *threshold) take(now time.Time) bool {
	if t.count(now) >= t.limit {
		return false
	}
	// Requests of one second share an entry, so that counting stays cheap.
	if last := len(t.used) - 1; last >= 0 && now.Sub(t.used[last].at) < time.Second {
		t.used[last].requests++
		return true
	}
	t.used = append(t.used, usage{now, 1})
	return true
}

// count forgets what is older than the timeframe and adds up the rest.
func (t *threshold) count(now time.Time) int {
	t.used = slices.DeleteFunc(t.used, func(u usage) bool { return now.Sub(u.at) >= timeframe })
	sum := 0
	for _, u := range t.used {
		sum += u.requests
	}
	return sum
}

// refusal is an error whose text is a guess: the vendor has never published the
// answer above the threshold.
func (t *threshold) refusal() answer {
	return refuseAs(http.StatusTooManyRequests,
		fmt.Sprintf("The external request threshold of %d requests in %.0f minutes has been exceeded.", t.limit, timeframe.Minutes()))
}

func (s *Server) thresholdInformation() answer {
	return ok(object{
		{"externalRequestThreshold", integer(int64(s.threshold.limit))},
		{"requestThresholdTimeframe", integer(int64(timeframe.Minutes()))},
		{"currentTimeframeRequestCount", integer(int64(s.threshold.count(s.now())))},
	}.text())
}
