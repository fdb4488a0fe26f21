package autotasktest

import (
	"fmt"
	"log"
	"sync"
	"testing"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/schema"
)

// Server is a fake Autotask tenant. Its methods are safe for concurrent use, even
// while requests are in flight.
type Server struct {
	t        owner
	life     *life
	http2    bool // speaks HTTP/2 over TLS
	unlisted bool // has no listener, so it can only be reached in process

	// mu guards everything below. A request holds it from its first look at a row to
	// its last change.
	mu               sync.Mutex
	zones            []string // origins of its hosts; the tenant lives on the last one
	tables           map[*schema.Entity]*table
	lastID           int64
	ticketsOfDay     map[string]int
	picklists        map[*schema.Field][]PicklistValue
	blanks           map[*schema.Entity]*blank // of what Seed makes
	udfs             map[*schema.Entity][]UDFDefinition
	attachments      attachments
	webhooks         webhookState
	invoicing        map[int64]object // the invoice settings of companies
	lingering        []*lingering
	access           map[*schema.Entity]ReadAccess // to read; nil: to everything
	seeding          []*schema.Entity              // of which a row is being made for another to refer to
	clock            func() time.Time
	databaseClock    func() time.Time // nil: the same
	ago              time.Duration    // how long before now what is carried out counts as carried out
	dateless         bool             // answers have no Date header
	zonelessDates    bool
	latency          time.Duration
	queryLag         time.Duration
	textFilter       func(string) string
	duplicateTickets bool // are not created
	overlongTexts    bool // may stay where they are
	startAndStop     bool // are required of time on tickets
	threads          threads
	threshold        threshold
	faults           []*armed
	requests         []*Request
}

// NewServer starts a tenant that closes with the test. Wrong use of its methods fails
// the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := newServer(t)
	t.Cleanup(s.life.end)
	s.openZone()
	return s
}

// NewInProcess starts a tenant without a socket that closes with the test. It has an
// invented address, which only Client and Transport reach. It is cheap, and works
// inside a bubble of [testing/synctest] if it is created there.
func NewInProcess(t testing.TB) *Server {
	t.Helper()
	s := newServer(t)
	t.Cleanup(s.life.end)
	s.unlisted = true
	s.openZone()
	return s
}

// Start starts a tenant for use outside tests. The caller must Close it. Wrong use of
// its methods panics.
func Start() *Server {
	s := newServer(program{})
	s.openZone()
	return s
}

func newServer(t owner) *Server {
	s := &Server{
		t:            t,
		life:         newLife(),
		lastID:       firstID,
		ticketsOfDay: make(map[string]int),
		clock:        time.Now,
		threads:      newThreads(),
		threshold:    threshold{limit: hourlyLimit},
	}
	s.furnish()
	return s
}

// Close closes the tenant. Requests still in flight end without an answer, or without
// the rest of it. A second Close does nothing.
func (s *Server) Close() { s.life.end() }

// Credentials returns the credentials that the tenant accepts. They are invented.
func (s *Server) Credentials() autotask.Credentials {
	return autotask.Credentials{UserName: userName, Secret: secret, IntegrationCode: integrationCode}
}

// SetZonelessDates makes the tenant write dates without the zone designator Z, as
// older zones do. They are still UTC.
func (s *Server) SetZonelessDates(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zonelessDates = on
}

// SetLatency delays every request by d.
func (s *Server) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = d
}

// owner is the test, or program, that a tenant belongs to.
type owner interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// program owns a tenant outside a test.
type program struct{}

func (program) Helper() {}

func (program) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (program) Errorf(format string, args ...any) {
	log.Printf(format, args...) //nolint:gosec // the requests are those of the program itself
}

// fail ends a test, or a program, that uses the Server incorrectly.
func (s *Server) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("autotasktest: "+format, args...)
}

// report reports trouble in a handler. A handler may run on its own goroutine, from
// which a test must not be ended.
func (s *Server) report(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("autotasktest: "+format, args...)
}
