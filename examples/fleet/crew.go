package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// crew is some worker processes, each of which is replaced when it dies.
type crew struct {
	settings []byte // a line of JSON
	stderr   io.Writer

	mu       sync.Mutex
	members  []*member // one for each place
	stopping bool
	crashes  int
	failure  error
	failed   chan struct{} // closed with failure
	cpu      time.Duration // of those that have ended
	waiting  sync.WaitGroup
}

// member is one process.
type member struct {
	place  int
	cmd    *exec.Cmd
	stdin  io.Closer
	errors *tail
	killed bool // by the crew
}

// maxCrashes is how many workers may die by themselves.
const maxCrashes = 5

// hire starts a crew of n. With verbose, what the workers log is shown.
func hire(n int, s settings, verbose bool, stderr io.Writer) (*crew, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	c := &crew{settings: append(text, '\n'), members: make([]*member, n), failed: make(chan struct{})}
	if verbose {
		c.stderr = stderr
	}
	for i := range n {
		if err := c.start(i); err != nil {
			c.dismiss()
			return nil, err
		}
	}
	return c, nil
}

// start starts the process of a place.
func (c *crew) start(place int) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	m := &member{place: place, cmd: exec.Command(exe), errors: &tail{}} //nolint:gosec,noctx // the program itself; it ends with its standard input
	m.cmd.Env = append(os.Environ(), workerVariable+"=1")
	m.cmd.Stderr = m.errors
	if c.stderr != nil {
		m.cmd.Stderr = io.MultiWriter(m.errors, c.stderr)
	}
	stdin, err := m.cmd.StdinPipe()
	if err != nil {
		return err
	}
	m.stdin = stdin
	if err := m.cmd.Start(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members[place] = m
	c.waiting.Go(func() { c.wait(m) })
	if c.stopping {
		_ = stdin.Close()
		return nil
	}
	_, _ = stdin.Write(c.settings) // if it fails, the process has died, and wait says why
	return nil
}

// wait waits for the end of a process, and fills its place again.
func (c *crew) wait(m *member) {
	err := m.cmd.Wait()
	c.mu.Lock()
	c.cpu += m.cmd.ProcessState.UserTime() + m.cmd.ProcessState.SystemTime()
	if !m.killed && !c.stopping {
		c.crashes++
	}
	hopeless := c.crashes > maxCrashes
	if hopeless && c.failure == nil {
		c.failure = fmt.Errorf("the workers die by themselves; the last one ended with %v: %s", err, m.errors) //nolint:errorlint // nil if it ended well
		close(c.failed)
	}
	replace := !c.stopping && !hopeless
	c.mu.Unlock()
	if !replace {
		return
	}
	if err := c.start(m.place); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.failure == nil {
			c.failure = err
			close(c.failed)
		}
	}
}

// kill ends a process at once, as a machine that loses its power would, and returns
// its process id. It does nothing if the process has just ended.
func (c *crew) kill(place int) (pid int, killed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.members[place]
	if m.killed || m.cmd.Process.Kill() != nil {
		return 0, false
	}
	m.killed = true
	return m.cmd.Process.Pid, true
}

// dismiss lets the workers end what they have in hand, kills those that do not, and
// returns the CPU time that all of the crew have used.
func (c *crew) dismiss() time.Duration {
	c.mu.Lock()
	c.stopping = true
	for _, m := range c.members {
		if m != nil {
			_ = m.stdin.Close()
		}
	}
	c.mu.Unlock()
	late := time.AfterFunc(2*stopWithin, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, m := range c.members {
			if m != nil {
				_ = m.cmd.Process.Kill()
			}
		}
	})
	c.waiting.Wait()
	late.Stop()
	return c.cpu
}

// tail keeps the last of what a process writes.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 2000

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if n := len(t.text) - maxTail; n > 0 {
		t.text = append([]byte(nil), t.text[n:]...)
	}
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
