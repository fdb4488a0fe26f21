package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/autotask-go/autotask"
)

// tracing prints every request when it is answered: method, path, status, time.
func tracing(w io.Writer) autotask.Option {
	var mu sync.Mutex
	return autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			began := time.Now()
			resp, err := next.RoundTrip(req)
			status := "no answer"
			if err == nil {
				status = resp.Status
			}
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(w, "  %-5s %-28s %-8s %6.1f ms\n", req.Method, shortPath(req), status, float64(time.Since(began).Microseconds())/1000)
			return resp, err
		})
	})
}

// shortPath leaves out what all requests share, and the query, which may hold names.
func shortPath(req *http.Request) string {
	path := req.URL.Path
	if _, below, ok := strings.Cut(path, "/V1.0"); ok {
		return below
	}
	return path
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// marks make the states of steps easy to find in a long log.
var marks = map[autotask.StepState]string{
	autotask.StateDone:        "+",
	autotask.StateAlreadyDone: "=",
	autotask.StateSkipped:     "-",
	autotask.StateFailed:      "!",
}

// report prints an outcome, complete or not.
func report(w io.Writer, number string, o *autotask.Outcome) {
	fmt.Fprintf(w, "\n  Ticket %s (id %d): %s\n", number, o.TicketID, headline(o))
	for _, s := range o.Steps {
		fmt.Fprintf(w, "    %s %-13s %-13s %s\n", cmp.Or(marks[s.State], "?"), s.Name, s.State, s.Reason)
	}
	if o.Ticket == nil {
		return
	}
	fmt.Fprintf(w, "    status %d, completed %s, resolved %s\n", o.Ticket.Status, instant(o.Ticket.CompletedDate), instant(o.Ticket.ResolvedDateTime))
}

func headline(o *autotask.Outcome) string {
	for _, s := range o.Steps {
		if s.State == autotask.StateFailed {
			return "FAILED in step " + string(s.Name)
		}
	}
	switch {
	case o.Resolved:
		return "resolved"
	case o.HasTimeEntries:
		return "left open, because time is booked on it"
	}
	return "left open"
}

func instant(o autotask.Optional[time.Time]) string {
	if t, ok := o.Get(); ok {
		return t.Format(time.DateTime) + " UTC"
	}
	return "never"
}

// indented makes a request body readable.
func indented(body []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "      ", "  "); err != nil {
		return string(body)
	}
	return b.String()
}
