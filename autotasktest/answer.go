package autotasktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// answer is what is sent to the client, and how much of it arrives.
type answer struct {
	status int
	header http.Header
	body   []byte

	delivery   delivery
	reset      StreamReset // with which code there is no answer, over HTTP/2
	oversize   int64       // bytes that the body is swollen to; 0 leaves it as it is
	compressed bool
	drip       time.Duration
	stalls     bool // falls silent where half of it should break off
}

// delivery is what happens to an answer in transit.
type delivery int

const (
	whole delivery = iota
	half           // half of the body, then the connection is cut
	none           // the connection is cut before an answer
)

const (
	jsonType = "application/json; charset=utf-8"
	htmlType = "text/html"
)

var lost = answer{delivery: none}

func reply(status int, contentType string, body []byte) answer {
	return answer{status: status, header: http.Header{"Content-Type": {contentType}}, body: body}
}

// ok answers a JSON text.
func ok(body []byte) answer { return reply(http.StatusOK, jsonType, body) }

// okWith answers one member of that name.
func okWith(name string, value json.RawMessage) answer {
	return ok(object{{name, value}}.text())
}

// written is the answer to every successful write: the id and nothing else.
func written(id int64) answer { return okWith("itemId", integer(id)) }

// refuse answers 500, as Autotask does for nearly every refusal.
func refuse(messages ...string) answer { return refuseAs(http.StatusInternalServerError, messages...) }

func refuseAs(status int, messages ...string) answer {
	return reply(status, jsonType, encode(map[string][]string{"errors": messages}))
}

// complaint is an error in the words of the API.
type complaint string

func (c complaint) Error() string { return string(c) }

func complain(format string, args ...any) error { return complaint(fmt.Sprintf(format, args...)) }

func refuseError(err error) answer { return refuse(err.Error()) }

// methodNotAllowed answers as the web framework does, not the API.
func methodNotAllowed(method string) answer {
	return frameworkError(http.StatusMethodNotAllowed,
		fmt.Sprintf("The requested resource does not support http method '%s'.", method))
}

func frameworkError(status int, message string) answer {
	return reply(status, jsonType, encode(map[string]string{"Message": message}))
}

// notFound answers as the web server does for a route that does not exist.
func notFound() answer {
	return reply(http.StatusNotFound, htmlType, htmlPage("404 - Not found", "There is nothing at this address."))
}

func htmlPage(title, text string) []byte {
	return fmt.Appendf(nil, "<!DOCTYPE html>\n<html><head><title>%s</title></head><body><h2>%s</h2><p>%s</p></body></html>\n",
		title, title, text)
}

// complete adds the headers that every answer has, and removes the body from those
// that cannot have one.
func (a *answer) complete(method string) {
	if a.header == nil {
		a.header = make(http.Header)
	}
	switch {
	case method == http.MethodHead, a.status == http.StatusNoContent, a.status == http.StatusNotModified:
		a.body, a.oversize = nil, 0
	case a.length() >= 0:
		a.header.Set("Content-Length", strconv.FormatInt(a.length(), 10))
	}
	if a.compressed {
		a.header.Set("Content-Encoding", "gzip")
	}
}

// date gives an answer its Date header; nil keeps net/http from adding one.
func (s *Server) date(a *answer) {
	switch {
	case a.header.Get("Date") != "":
	case s.dateless:
		a.header["Date"] = nil
	default:
		a.header.Set("Date", s.now().UTC().Format(http.TimeFormat))
	}
}

// send writes the answer to a socket, or cuts the connection if the answer is to be
// lost.
func (s *Server) send(w http.ResponseWriter, c *call, a answer) {
	if a.delivery == none {
		a.cut(w, c.request)
		return
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	out := pieces{w, http.NewResponseController(w), a.comesInPieces()}
	out.flush()
	body := s.stream(c, a)
	defer func() { _ = body.Close() }()
	if _, err := io.Copy(out, body); err != nil {
		a.abort(c.request)
	}
}

// comesInPieces reports whether a client sees a part of the answer before the rest.
func (a answer) comesInPieces() bool { return a.delivery == half || a.oversize > 0 || a.drip > 0 }

// pieces writes to a connection, each piece at once if they are wanted so.
type pieces struct {
	http.ResponseWriter

	controller *http.ResponseController
	atOnce     bool
}

func (p pieces) Write(piece []byte) (int, error) {
	n, err := p.ResponseWriter.Write(piece)
	p.flush()
	return n, err
}

func (p pieces) flush() {
	if p.atOnce {
		_ = p.controller.Flush() // a client that has gone away needs nothing more
	}
}

// cut closes the connection after the status line, so that the client reads an
// unexpected EOF. Closing it before the first byte would not do: net/http then
// repeats a GET by itself when the connection had been used before, and the
// client never sees the loss. Over HTTP/2 it resets the stream if the answer
// says so.
func (a answer) cut(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 2 {
		a.abort(r)
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = buffered.WriteString("HTTP/1.1 200 OK\r\n")
	_ = buffered.Flush()
	_ = conn.Close()
}

// abort ends a handler in the middle of its answer. Over HTTP/2 net/http would
// reset the stream alone.
func (a answer) abort(r *http.Request) {
	if c := connOf(r); c != nil && r.ProtoMajor == 2 {
		if a.reset == 0 {
			_ = c.Close()
		} else {
			c.resetWith(r.Context(), a.reset)
		}
	}
	panic(http.ErrAbortHandler)
}
