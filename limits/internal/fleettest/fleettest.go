//go:build unix

// Package fleettest holds the tests that every adapter of shared limits must pass, on
// a real server: with processes that are killed and stopped, over a network that is
// counted and cut. The test binary of the adapter is also the program of the processes.
package fleettest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// Shared is what an adapter's Limits implement.
type Shared interface {
	autotask.Limiter
	autotask.Locker
	autotask.Budget
	autotask.Unanswered
	Close(ctx context.Context) error
}

// Options are those of an adapter's Config that tests choose.
type Options struct {
	Server   string // its address, as the environment variable has it, or that of a proxy
	Tenant   string
	Places   int
	Fallback time.Duration
	Logger   *slog.Logger
}

// Stats are an adapter's.
type Stats struct{ Failures, Fallbacks, Lost int64 }

// Adapter is what is tested.
type Adapter struct {
	// Variable is the environment variable that holds the server's URL.
	Variable string
	// Help says how to get one.
	Help string
	// Open connects to the server.
	Open func(ctx context.Context, o Options) (Shared, func() Stats, error)
	// RoundTrips is how many one acquire and release may take.
	RoundTrips int64
	// Wipe makes the server forget all of a tenant, as a restart may.
	Wipe func(ctx context.Context, o Options) error
	// Ahead moves the stamps of a tenant's leases and waiters an hour ahead, as if the
	// server's clock had been set back since.
	Ahead func(ctx context.Context, o Options) error
	// Lost is the cause of the end of a context whose lease was lost, Down the error
	// without a server.
	Lost, Down error
}

// url returns the server's address, or ends the test.
func (a Adapter) url(t testing.TB) string {
	t.Helper()
	server := os.Getenv(a.Variable)
	if server == "" {
		t.Fatalf("%s names no server: %s", a.Variable, a.Help)
	}
	return server
}

// open connects to the server for one test, whose name and process keep its keys apart
// from those of others.
func (a Adapter) open(t testing.TB, o Options) (Shared, func() Stats) {
	t.Helper()
	if o.Server == "" {
		o.Server = a.url(t)
	}
	if o.Tenant == "" {
		o.Tenant = tenant(t)
	}
	s, stats, err := a.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s, stats
}

func tenant(t testing.TB) string {
	return strings.ReplaceAll(t.Name(), "/", ".") + "." + strconv.Itoa(os.Getpid())
}

// The environment of a process.
const (
	roleVariable   = "FLEETTEST_ROLE"
	tenantVariable = "FLEETTEST_TENANT"
	baseVariable   = "FLEETTEST_BASE"
	numberVariable = "FLEETTEST_NUMBER"
)

// roles are the programs of the processes.
var roles = map[string]func(ctx context.Context, p self) error{
	"clients": beClients,
	"hour":    beHour,
	"writer":  beWriter,
	"lock":    beLock,
	"held":    beHeld,
}

// self is a process, seen from within.
type self struct {
	shared Shared
	number int
	creds  autotask.Credentials // of every fake tenant
	base   string
	lost   error
}

// client returns a client that sends to the tenant of the test.
func (p self) client(options ...autotask.Option) (*autotask.Client, error) {
	return autotask.NewClient(p.creds, append([]autotask.Option{autotask.WithBaseURL(p.base)}, options...)...)
}

// Main is TestMain. In a process that a test has started it plays a role instead.
func Main(m *testing.M, a Adapter) {
	role, ok := os.LookupEnv(roleVariable)
	if !ok {
		os.Exit(m.Run())
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // the process ends with the test, whatever happens to that
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	err := play(ctx, a, role)
	if err != nil {
		say("error: %v", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func play(ctx context.Context, a Adapter, role string) error {
	shared, _, err := a.Open(ctx, Options{Server: os.Getenv(a.Variable), Tenant: os.Getenv(tenantVariable)})
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(os.Getenv(numberVariable))
	if err != nil {
		return err
	}
	tenant := autotasktest.Start()
	tenant.Close()
	return roles[role](ctx, self{creds: tenant.Credentials(), shared: shared, number: number, base: os.Getenv(baseVariable), lost: a.Lost})
}

// process is one that a test has started.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines chan string // of its output; closed at its end
}

// start starts a process.
func (a Adapter) start(t testing.TB, role string, number int, base string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0]), lines: make(chan string, 1000)} //nolint:gosec,noctx // the test binary; it ends with its input
	p.cmd.Env = append(os.Environ(), a.Variable+"="+a.url(t),
		roleVariable+"="+role, tenantVariable+"="+tenant(t), baseVariable+"="+base, numberVariable+"="+strconv.Itoa(number))
	p.cmd.Stderr = os.Stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			p.lines <- lines.Text()
		}
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		for range p.lines { // until it has ended
		}
	})
	return p
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// end ends a process through its input, and returns what it still has to say.
func (p *process) end(t testing.TB) []string {
	t.Helper()
	_ = p.stdin.Close()
	return p.rest(t)
}

// rest returns the lines of a process until its end.
func (p *process) rest(t testing.TB) (all []string) {
	t.Helper()
	for {
		line, ok := p.line(t)
		if !ok {
			return all
		}
		all = append(all, line)
	}
}

// line returns the next line, if there is one.
func (p *process) line(t testing.TB) (string, bool) {
	t.Helper()
	select {
	case line, ok := <-p.lines:
		return line, ok
	case <-time.After(2 * time.Minute):
		t.Fatal("a process says nothing for two minutes")
		return "", false
	}
}

// printer writes whole lines.
var printer sync.Mutex

func say(format string, args ...any) {
	printer.Lock()
	defer printer.Unlock()
	_, _ = fmt.Fprintf(os.Stdout, format+"\n", args...)
}

// Server returns the URL of the server, or ends the test.
func Server(t testing.TB, a Adapter) string {
	t.Helper()
	return a.url(t)
}
