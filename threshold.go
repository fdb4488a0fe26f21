package autotask

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/autotask-go/autotask/internal/transport"
)

// Threshold is the use of the tenant's request limit by all its integrations.
type Threshold struct {
	Limit  int64         // requests in a window, usually 10,000
	Window time.Duration // usually an hour
	Used   int64         // requests in the window that ends now
}

// Fraction returns Used/Limit. From 0.5 on Autotask delays every request.
func (t *Threshold) Fraction() float64 {
	if t.Limit <= 0 {
		return 0
	}
	return float64(t.Used) / float64(t.Limit)
}

// Threshold reads the use of the limit by one request, which itself counts.
func (c *Client) Threshold(ctx context.Context) (*Threshold, error) {
	type wireThreshold struct {
		Limit  Optional[int64] `json:"externalRequestThreshold"`
		Window Optional[int64] `json:"requestThresholdTimeframe"` // minutes
		Used   Optional[int64] `json:"currentTimeframeRequestCount"`
	}
	var body wireThreshold
	err := c.send(ctx, call{method: http.MethodGet, path: thresholdPath, decode: func(b []byte) error {
		body = wireThreshold{} // nothing of an earlier attempt
		if err := decode(b, &body); err != nil {
			return err
		}
		for name, part := range map[string]Optional[int64]{
			"externalRequestThreshold": body.Limit, "requestThresholdTimeframe": body.Window, "currentTimeframeRequestCount": body.Used,
		} {
			if _, ok := part.Get(); !ok {
				return fmt.Errorf("%w: it has no %s", transport.ErrUnreadable, name)
			}
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return &Threshold{
		Limit:  body.Limit.Or(0),
		Window: time.Duration(body.Window.Or(0)) * time.Minute,
		Used:   body.Used.Or(0),
	}, nil
}

const thresholdPath = "ThresholdInformation"

// requestsLeft is how many requests the client may still make in the window, as far
// as WithHourlyReserve knows.
func (c *core) requestsLeft() Optional[int64] {
	if c.hourLeft == nil {
		return Optional[int64]{}
	}
	n, known := c.hourLeft()
	if !known {
		return Optional[int64]{}
	}
	return Value(n)
}
