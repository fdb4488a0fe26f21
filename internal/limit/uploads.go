package limit

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Autotask's limit for attachments.
const (
	MaxUploads    = 10_000_000 // bytes of all files in the window
	UploadsWindow = 5 * time.Minute
)

// Uploads counts the bytes that a client attached in the last five minutes.
type Uploads struct {
	mu       sync.Mutex
	inFlight int64
	made     []upload // in order of time
}

// upload is a file that was attached, or may have been.
type upload struct {
	at   time.Time // when its request was over: Autotask has counted it before
	size int64
}

// Reserve sets bytes aside for a file that is about to be sent. settle must be called
// when that is over: what never ran gives its bytes back.
func (u *Uploads) Reserve(size int64) (settle func(ran bool), err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if wait := u.wait(time.Now(), size); wait > 0 {
		return nil, &Refusal{RetryAfter: wait, Message: fmt.Sprintf(
			"Autotask accepts %d bytes of attachments in %v, and this client has no room left for %d more: nothing was sent", MaxUploads, UploadsWindow, size)}
	}
	u.inFlight += size
	return func(ran bool) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.inFlight -= size
		if ran && size > 0 {
			u.made = append(u.made, upload{time.Now(), size})
		}
	}, nil
}

// wait returns how long it takes until there is room for so many bytes; 0 if there is.
// It is not known when the files in flight will have left the window; they count as
// made just now.
func (u *Uploads) wait(now time.Time, size int64) time.Duration {
	u.made = slices.DeleteFunc(u.made, func(m upload) bool { return now.Sub(m.at) >= UploadsWindow })
	excess := u.inFlight + size - MaxUploads
	for _, m := range u.made {
		excess += m.size
	}
	if size == 0 || excess <= 0 {
		return 0
	}
	for _, m := range u.made {
		if excess -= m.size; excess <= 0 {
			return UploadsWindow - now.Sub(m.at)
		}
	}
	return UploadsWindow
}
