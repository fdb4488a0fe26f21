package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/autotask-go/autotask"
)

// notSentText is the answer to a write that was held back. It has the form of a
// refusal by Autotask, so it ends the call at once.
const notSentText = "dry run: not sent"

// heldBack is a write that a dry run did not send.
type heldBack struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body"`
}

// holdBack answers writes in place of Autotask, and hands them to show.
func holdBack(show func(heldBack) error) autotask.Option {
	return autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			if isRead(req) {
				return next.RoundTrip(req)
			}
			var body []byte
			if req.Body != nil {
				var err error
				if body, err = io.ReadAll(req.Body); err != nil {
					return nil, err
				}
			}
			if err := show(heldBack{req.Method, shortPath(req), body}); err != nil {
				return nil, err
			}
			return &http.Response{
				Status:     notSentText,
				StatusCode: http.StatusInternalServerError,
				Header:     http.Header{},
				Body:       io.NopCloser(strings.NewReader(`{"errors":["` + notSentText + `"]}`)),
				Request:    req,
			}, nil
		})
	})
}

func isRead(req *http.Request) bool {
	path := strings.ToLower(req.URL.Path)
	query := slices.ContainsFunc([]string{"/query", "/query/count", "/query/next", "/query/prev"}, func(route string) bool { return strings.HasSuffix(path, route) })
	return req.Method == http.MethodGet || req.Method == http.MethodPost && query
}

// shortPath leaves out what all requests share, and the query, which may hold names.
func shortPath(req *http.Request) string {
	if _, below, ok := strings.Cut(req.URL.Path, "/V1.0"); ok {
		return below
	}
	return req.URL.Path
}

// wouldBeSent reports whether err is the refusal of holdBack: the call would have sent
// a write.
func wouldBeSent(err error) bool {
	var e *autotask.Error
	return errors.As(err, &e) && len(e.Messages) == 1 && e.Messages[0] == notSentText
}

// ignoreHeldBack ignores the refusal of holdBack. A call without an error found nothing
// to write.
func ignoreHeldBack[T any](_ T, err error) error {
	if wouldBeSent(err) {
		return nil
	}
	return err
}

// showHeldBack prints a write that was held back.
func (a *app) showHeldBack(h heldBack) error {
	if a.json {
		if !json.Valid(h.Body) {
			h.Body = nil
		}
		return a.object(struct {
			WouldSend heldBack `json:"wouldSend"`
		}{h})
	}
	var b bytes.Buffer
	if err := json.Indent(&b, h.Body, "  ", "  "); err != nil {
		b.Reset()
		b.Write(h.Body)
	}
	if err := a.printf("Would send %s %s\n", h.Method, h.Path); err != nil {
		return err
	}
	for line := range strings.SplitSeq("  "+b.String(), "\n") {
		for _, part := range wrap(line, a.columns()) {
			if err := a.printf("%s\n", part); err != nil {
				return err
			}
		}
	}
	return nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// dryClient returns a client that sends reads only, and prints what it would write.
func (a *app) dryClient() (*autotask.Client, error) {
	a.say("Dry run: only reads are sent.")
	return a.client(holdBack(a.showHeldBack))
}
