package webhook

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/entity"
)

// FailedCall is an event that Autotask failed to deliver and has given up on.
type FailedCall struct {
	// ID is the id of the entity.WebhookEventErrorLog.
	ID int64
	// At is when the error occurred, in UTC; zero if Autotask does not say.
	At time.Time
	// Message is the answer to the call.
	Message string
	// SequenceNumber is the number of the event; 0 if Autotask does not say.
	SequenceNumber int64
	// Payload is the body of the call. The log keeps at most 8,000 characters.
	Payload []byte
}

// Event parses the payload. It returns ErrInvalid if the log has cut the payload
// short, or if ParseEvent refuses it.
func (f *FailedCall) Event() (*Event, error) {
	e, err := ParseEvent(f.Payload)
	if err != nil {
		return nil, fmt.Errorf("entry %d of the error log: %w", f.ID, err)
	}
	return e, nil
}

// ErrorLog iterates over the events that Autotask gave up delivering at or after
// since, in the order of their ids (POST /WebhookEventErrorLogs/query). The zero time
// means all events.
//
//	for call, err := range webhook.ErrorLog(ctx, client, lastRun.Add(-10*time.Minute)) {
//		if err != nil {
//			return err
//		}
//		e, err := call.Event()
//		…
//	}
//
// Autotask keeps an entry for 30 days, and shows the entries of a webhook only to its
// owner. Start a few minutes before the last run, since Autotask's clock and ours
// differ, and expect to see some entries again. Or delete each entry after handling
// it, as Autotask recommends: autotask.Delete[entity.WebhookEventErrorLog](ctx,
// client, call.ID). A failure ends the loop with a nil call and the error.
func ErrorLog(ctx context.Context, client *autotask.Client, since time.Time) iter.Seq2[*FailedCall, error] {
	q := autotask.Query{}
	if !since.IsZero() {
		q.Filter = autotask.Gte("createDateTime", since)
	}
	return func(yield func(*FailedCall, error) bool) {
		for entry, err := range autotask.All[entity.WebhookEventErrorLog](ctx, client, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(failedCall(entry), nil) {
				return
			}
		}
	}
}

func failedCall(entry *entity.WebhookEventErrorLog) *FailedCall {
	return &FailedCall{
		ID:             entry.ID,
		At:             entry.CreateDateTime.Or(time.Time{}),
		Message:        entry.ErrorMessage.Or(""),
		SequenceNumber: entry.SequenceNumber.Or(0),
		Payload:        []byte(entry.Payload.Or("")),
	}
}
