package conformance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

type obj = map[string]any

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// request is a request as a fault sees it.
type request struct {
	*http.Request
	op   string // such as "POST Tickets/query", ids as {id}
	body obj    // nil if it is no object
}

var idPart = regexp.MustCompile(`/\d+`)

func (r *request) set(t *testing.T) {
	if r.body == nil {
		return
	}
	b, err := json.Marshal(r.body)
	require.NoError(t, err)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
}

// tamper makes a transport that may change a request, or answer it itself, and may
// change the answer.
func tamper(t *testing.T, next http.RoundTripper, before func(*request) *http.Response, after func(*request, obj, *http.Response)) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		r := &request{Request: req}
		_, path, _ := strings.Cut(req.URL.Path, "/V1.0/")
		r.op = req.Method + " " + idPart.ReplaceAllString(path, "/{id}")
		if req.Body != nil {
			b, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			req.Body = io.NopCloser(bytes.NewReader(b))
			r.body = decode(b)
		}
		if before != nil {
			if resp := before(r); resp != nil {
				return resp, nil
			}
			r.set(t)
		}
		resp, err := next.RoundTrip(r.Request)
		if err != nil || after == nil {
			return resp, err
		}
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		if o := decode(b); o != nil {
			after(r, o, resp)
			b, err = json.Marshal(o)
			require.NoError(t, err)
		}
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		resp.Header.Del("Content-Length")
		return resp, nil
	})
}

func decode(b []byte) obj {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var o obj
	if dec.Decode(&o) != nil {
		return nil
	}
	return o
}

func reply(r *request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r.Request,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

type wrapper = func(*testing.T, *autotasktest.Server, http.RoundTripper) http.RoundTripper

// asking changes the bodies of requests.
func asking(change func(r *request)) wrapper {
	return func(t *testing.T, _ *autotasktest.Server, next http.RoundTripper) http.RoundTripper {
		return tamper(t, next, func(r *request) *http.Response { change(r); return nil }, nil)
	}
}

// answering answers some requests itself.
func answering(answer func(r *request) *http.Response) wrapper {
	return func(t *testing.T, _ *autotasktest.Server, next http.RoundTripper) http.RoundTripper {
		return tamper(t, next, answer, nil)
	}
}

// editing changes answers.
func editing(edit func(r *request, o obj, resp *http.Response)) wrapper {
	return func(t *testing.T, _ *autotasktest.Server, next http.RoundTripper) http.RoundTripper {
		return tamper(t, next, nil, edit)
	}
}

// tickets applies an edit to every ticket of an answer.
func tickets(edit func(ticket obj)) wrapper {
	return editing(func(r *request, o obj, _ *http.Response) {
		if item, ok := o["item"].(obj); ok && r.op == "GET Tickets/{id}" {
			edit(item)
		}
		if !strings.HasSuffix(r.op, " Tickets/query") {
			return
		}
		items, _ := o["items"].([]any)
		for _, item := range items {
			edit(item.(obj))
		}
	})
}

// field applies an edit to the metadata of one field of tickets.
func field(name string, edit func(f obj)) wrapper {
	return editing(func(r *request, o obj, _ *http.Response) {
		if r.op != "GET Tickets/entityInformation/fields" {
			return
		}
		for _, f := range o["fields"].([]any) {
			if f.(obj)["name"] == name {
				edit(f.(obj))
			}
		}
	})
}

// conditions replaces the conditions of a query's filter.
func conditions(op string, change func(c obj) any) wrapper {
	return asking(func(r *request) {
		if r.op != op || r.body == nil {
			return
		}
		list, ok := r.body["filter"].([]any)
		if !ok {
			return
		}
		var kept []any
		for _, c := range list {
			if n := change(c.(obj)); n != nil {
				kept = append(kept, n)
			}
		}
		if len(kept) == 0 {
			kept = []any{obj{"op": "exist", "field": "id"}}
		}
		r.body["filter"] = kept
	})
}

// merging makes a PUT keep what it leaves out.
func merging(t *testing.T, srv *autotasktest.Server, next http.RoundTripper) http.RoundTripper {
	return tamper(t, next, func(r *request) *http.Response {
		if r.op != "PUT Tickets" {
			return nil
		}
		id, err := r.body["id"].(json.Number).Int64()
		require.NoError(t, err)
		for name, v := range srv.Get("Tickets", id) {
			if _, given := r.body[name]; !given {
				r.body[name] = v
			}
		}
		return nil
	}, nil)
}

func isPut(r *request) bool { return r.op == "PUT Tickets" }
