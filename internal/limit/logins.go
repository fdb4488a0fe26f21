package limit

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	lockoutAfter = 3
	lockoutFor   = 5 * time.Minute
)

// Logins keeps a client with bad credentials from locking the account, which the
// tenant's other integrations may share: after a few refused logins in a row, requests
// fail for a while without being sent.
type Logins struct {
	// Open is the endpoint that needs no login.
	Open string

	mu     sync.Mutex
	inARow int
	last   time.Time
}

// Enter does not wait. Once the time is over it lets a single request through, on
// whose outcome the others depend.
func (l *Logins) Enter(_ context.Context, endpoint string) (leave func(), held context.Context, err error) {
	if endpoint == l.Open {
		return nil, nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inARow < lockoutAfter {
		return nil, nil, nil
	}
	left := lockoutFor - time.Since(l.last)
	if left <= 0 {
		l.last = time.Now()
		return nil, nil, nil
	}
	return nil, nil, &Refusal{Login: true, Message: fmt.Sprintf(
		"not sent: the credentials were refused %d times in a row, and Autotask locks accounts for that; the next try is in %v",
		l.inARow, left.Round(time.Second))}
}

// Refused notes that Autotask refused a login.
func (l *Logins) Refused() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inARow++
	l.last = time.Now()
}

// Accepted notes that Autotask accepted a login.
func (l *Logins) Accepted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inARow = 0
}
