// Package vcr records what a client and an Autotask tenant say to each other, and
// plays it back. A recording, called a cassette, is a YAML file of go-vcr. It
// holds no credentials, since a middleware never sees them, and no personal data: see
// [Redactor].
//
//	recorder, err := vcr.Record("testdata/tickets.yaml")
//	client, err := autotask.NewClient(creds, autotask.WithReadOnly(), autotask.WithMiddleware(recorder.Middleware))
//	… // use the client
//	err = recorder.Save()
//
// In a test, the same calls get the same answers, without a network:
//
//	player, err := vcr.Replay("testdata/tickets.yaml")
//	client, err := player.Client()
package vcr

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"gopkg.in/dnaeon/go-vcr.v4/pkg/cassette"
	"gopkg.in/dnaeon/go-vcr.v4/pkg/recorder"

	"github.com/autotask-go/autotask"
)

// Host stands in for the tenant's server in every cassette, BaseURL for its API.
const (
	Host    = "webservices.autotask.example"
	BaseURL = "https://" + Host + "/ATServicesRest/V1.0"
)

// Recorder records the requests of one client.
type Recorder struct {
	*Redactor

	name string
	next http.RoundTripper
	rec  *recorder.Recorder
}

// Record returns a Recorder that writes the cassette to a file, which ends in ".yaml".
// Nothing is written before Save.
func Record(file string) (*Recorder, error) {
	name, err := nameOf(file)
	if err != nil {
		return nil, err
	}
	r := &Recorder{Redactor: NewRedactor(), name: name}
	r.rec, err = recorder.New(name,
		recorder.WithMode(recorder.ModeRecordOnly),
		recorder.WithRealTransport(roundTripper(func(req *http.Request) (*http.Response, error) { return r.next.RoundTrip(req) })),
		// The first time, to learn the names of all user-defined fields; the answer goes
		// on to the client as it came.
		recorder.WithHook(func(i *cassette.Interaction) error { _, err := r.redacted(i); return err }, recorder.AfterCaptureHook),
		recorder.WithHook(r.redact, recorder.BeforeSaveHook),
		recorder.WithDebugWriter(silence{}),
	)
	return r, err
}

// silence is not io.Discard, for which go-vcr writes whole requests to the standard
// error output if VCR_DEBUG is set.
type silence struct{}

func (silence) Write(p []byte) (int, error) { return len(p), nil }

// go-vcr adds the extension itself.
func nameOf(file string) (string, error) {
	name, ok := strings.CutSuffix(file, ".yaml")
	if !ok || name == "" {
		return "", fmt.Errorf("%q: the name of a cassette ends in .yaml", file)
	}
	return name, nil
}

// Middleware is for [autotask.WithMiddleware], of one client.
func (r *Recorder) Middleware(next http.RoundTripper) http.RoundTripper {
	r.next = next
	return r.rec
}

// Save writes the cassette. It must be called last, and once: what it holds then is
// redacted.
func (r *Recorder) Save() error { return r.rec.Stop() }

// redact replaces all of an interaction. It makes new headers: those that go-vcr
// recorded are the request's own.
func (r *Recorder) redact(i *cassette.Interaction) error {
	clean, err := r.redacted(i)
	if err == nil {
		i.Request, i.Response = clean.Request, clean.Response
	}
	return err
}

func (r *Recorder) redacted(i *cassette.Interaction) (*cassette.Interaction, error) {
	u, err := url.Parse(i.Request.URL)
	if err != nil {
		return nil, errors.New("vcr: a request's URL cannot be read") // the cause quotes it
	}
	host := r.home(u)
	request, answer := r.Request(u, []byte(i.Request.Body)), r.Answer(u, i.Response.Code, []byte(i.Response.Body))
	return &cassette.Interaction{
		Request: cassette.Request{
			Proto: i.Request.Proto, ProtoMajor: i.Request.ProtoMajor, ProtoMinor: i.Request.ProtoMinor,
			Method: i.Request.Method, URL: r.URL(i.Request.URL), Host: host,
			Headers: harmlessHeader(i.Request.Headers), Body: string(request), ContentLength: int64(len(request)),
		},
		Response: cassette.Response{
			Proto: i.Response.Proto, ProtoMajor: i.Response.ProtoMajor, ProtoMinor: i.Response.ProtoMinor,
			Code: i.Response.Code, Status: fmt.Sprintf("%d %s", i.Response.Code, http.StatusText(i.Response.Code)),
			Headers: harmlessHeader(i.Response.Headers), Body: string(answer), ContentLength: int64(len(answer)),
		},
	}, nil
}

// harmlessHeader keeps the headers that a client reads, in forms that hold nothing else.
func harmlessHeader(h http.Header) http.Header {
	kept := http.Header{}
	if strings.HasPrefix(h.Get("Content-Type"), "application/json") {
		kept.Set("Content-Type", "application/json; charset=utf-8")
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		kept.Set("Date", date.UTC().Format(http.TimeFormat))
	}
	if after := h.Get("Retry-After"); integer.MatchString(after) {
		kept.Set("Retry-After", after)
	}
	return kept
}

// Player plays a cassette back.
type Player struct{ rec *recorder.Recorder }

// Replay returns a Player of the cassette in a file.
func Replay(file string) (*Player, error) {
	name, err := nameOf(file)
	if err != nil {
		return nil, err
	}
	rec, err := recorder.New(name,
		recorder.WithMode(recorder.ModeReplayOnly),
		recorder.WithMatcher(matches),
		recorder.WithSkipRequestLatency(true),
		recorder.WithDebugWriter(silence{}),
	)
	if err != nil {
		return nil, err
	}
	return &Player{rec}, nil
}

// Client returns a client that gets its answers from the cassette. A request that is
// not in it, or was answered as often as it is in it, fails as a refused request does.
func (p *Player) Client(opts ...autotask.Option) (*autotask.Client, error) {
	nobody := autotask.Credentials{UserName: "nobody", Secret: "none", IntegrationCode: "none"}
	return autotask.NewClient(nobody, append([]autotask.Option{
		autotask.WithBaseURL(BaseURL),
		autotask.WithMiddleware(p.Middleware),
	}, opts...)...)
}

// Middleware is for [autotask.WithMiddleware]. Nothing reaches what it wraps.
func (p *Player) Middleware(http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		answer, err := p.rec.RoundTrip(req)
		if errors.Is(err, cassette.ErrInteractionNotFound) {
			return missing(req), nil
		}
		return answer, err
	})
}

// missing is an answer, because a client repeats a read that got none.
func missing(req *http.Request) *http.Response {
	text, err := jsontext.AppendQuote(nil, "the cassette has no answer, or no further one, to "+req.Method+" "+req.URL.Path)
	if err != nil {
		text = []byte(`"the cassette has no answer"`)
	}
	return &http.Response{
		StatusCode: http.StatusBadRequest, Status: "400 Bad Request",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		Body:   io.NopCloser(strings.NewReader(`{"errors":[` + string(text) + `]}`)),
	}
}

// matches compares method, URL and body. Parameters may be in another order, and so may
// the members of the body.
func matches(req *http.Request, recorded cassette.Request) bool {
	u, err := url.Parse(recorded.URL)
	if err != nil || req.Method != recorded.Method || req.URL.Host != u.Host || req.URL.Path != u.Path ||
		req.URL.Query().Encode() != u.Query().Encode() {
		return false
	}
	var body []byte
	if req.Body != nil {
		if body, err = io.ReadAll(req.Body); err != nil {
			return false
		}
		req.Body = io.NopCloser(strings.NewReader(string(body))) // for the next comparison
	}
	return canonical(string(body)) == canonical(recorded.Body)
}

func canonical(body string) string {
	v := jsontext.Value(body)
	if v.Canonicalize(jsontext.AllowDuplicateNames(true)) != nil {
		return body
	}
	return string(v)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
