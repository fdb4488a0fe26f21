package transport

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		r    *Request
		body bool
	}{
		{"GET", get(fakeBase), false},
		{"DELETE", request(fakeBase, http.MethodDelete, "TimeEntries/5"), false},
		{"POST", create(fakeBase), true},
	} {
		network := scripted(gives(200, good))
		_, err := quick(config(network)).Do(t.Context(), c.r)
		require.NoError(t, err)
		h := network.requests()[0].Header
		assert.Equal(t, integrationCode, h.Get("ApiIntegrationCode"), c.name)
		assert.Equal(t, userName, h.Get("UserName"), c.name)
		assert.Equal(t, secret, h.Get("Secret"), c.name)
		assert.Equal(t, "application/json", h.Get("Accept"), c.name)
		assert.Equal(t, "test/1", h.Get("User-Agent"), c.name)
		assert.NotContains(t, h, "Impersonationresourceid", c.name)
		want := ""
		if c.body {
			want = "application/json"
		}
		assert.Equal(t, want, h.Get("Content-Type"), c.name)
	}
}

func TestImpersonationIsForWritesOnly(t *testing.T) {
	t.Parallel()
	send := func(r *Request) http.Header {
		impersonating := *r
		impersonating.ImpersonateID = 4711
		network := scripted(gives(200, good))
		_, err := quick(config(network)).Do(t.Context(), &impersonating)
		require.NoError(t, err)
		return network.requests()[0].Header
	}
	for name, r := range writers {
		assert.Equal(t, "4711", send(r).Get("ImpersonationResourceId"), name)
	}
	for name, r := range readers {
		assert.NotContains(t, send(r), "Impersonationresourceid", name)
	}
}

func TestRequestWithoutAnOriginIsNotSigned(t *testing.T) {
	t.Parallel()
	network := scripted(gives(200, good))
	r := get(fakeBase)
	r.Origin = ""
	_, err := quick(config(network)).Do(t.Context(), r)
	require.NoError(t, err)
	h := network.requests()[0].Header
	for _, name := range []string{"Apiintegrationcode", "Username", "Secret"} {
		assert.NotContains(t, h, name)
	}
}

func TestRequestOfAnotherMakerIsNotSigned(t *testing.T) {
	t.Parallel()
	// A wrapper that sends requests of its own through the next layer, or
	// drops the context of ours, gets no signature.
	network := scripted(gives(200, good))
	s := &signer{next: network, credentials: config(nil).Credentials}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fakeBase, nil)
	require.NoError(t, err)
	_, err = s.RoundTrip(req) //nolint:bodyclose // it is no real one
	require.NoError(t, err)
	assert.NotContains(t, network.requests()[0].Header, "Secret")
}

func TestOriginIsSchemeHostAndPort(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"http://zone.example/x",
		"https://zone.example:8443/x",
		"https://zone.example.evil.example/x",
		"https://zone.example@evil.example/x",
		"https://evil.example/zone.example",
	} {
		network := scripted(gives(200, good))
		r := get(fakeBase)
		r.URL = url
		f := fail(t, quick(config(network)), r)
		require.ErrorIs(t, f, errOrigin, url)
		assert.Empty(t, network.requests(), "%s was sent", url)
	}
}

func TestSignerLeavesTheRequestAsItWas(t *testing.T) {
	t.Parallel()
	var inner, outer *http.Request
	c := config(roundTrip(func(req *http.Request) (*http.Response, error) {
		inner = req
		return answer(200, good), nil
	}))
	c.Wrap = []func(http.RoundTripper) http.RoundTripper{func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			outer = req
			return next.RoundTrip(req)
		})
	}}
	_, err := quick(c).Do(t.Context(), get(fakeBase))
	require.NoError(t, err)
	assert.NotSame(t, outer, inner)
	assert.NotContains(t, outer.Header, "Secret")
	assert.Contains(t, inner.Header, "Secret")
	assert.Equal(t, outer.URL, inner.URL)
}

func TestWrappersSeeEveryAttemptAndTheLastIsTheOutermost(t *testing.T) {
	t.Parallel()
	var order []string
	wrap := func(name string) func(http.RoundTripper) http.RoundTripper {
		return func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				order = append(order, name)
				return next.RoundTrip(req)
			})
		}
	}
	c := config(scripted(gives(503, ""), gives(200, good)))
	c.Wrap = []func(http.RoundTripper) http.RoundTripper{wrap("first"), wrap("last")}
	_, err := quick(c).Do(t.Context(), get(fakeBase))
	require.NoError(t, err)
	assert.Equal(t, []string{"last", "first", "last", "first"}, order)
}

func TestEchoedCredentialsAreScrubbed(t *testing.T) {
	t.Parallel()
	echo := "You sent " + secret + " and " + integrationCode + " for " + userName
	escaped := strings.ReplaceAll(userName, "@", "%40")
	const scrubbedEcho = "You sent REDACTED and REDACTED for REDACTED"
	for name, c := range map[string]struct {
		body, want string
	}{
		"errors":   {`{"errors":["` + echo + `"]}`, scrubbedEcho},
		"Message":  {`{"Message":"` + echo + `"}`, scrubbedEcho},
		"HTML":     {`<html><title>` + echo + `</title>`, scrubbedEcho},
		"text":     {echo, scrubbedEcho},
		"a URL":    {`{"errors":["no /zoneInformation?user=` + escaped + `"]}`, "no /zoneInformation?user=REDACTED"},
		"the edge": {strings.Repeat("x", maxMessage-4) + secret, strings.Repeat("x", maxMessage-4) + "REDA…"},
	} {
		f := fail(t, quick(config(scripted(gives(400, c.body)))), get(fakeBase))
		assert.Equal(t, []string{c.want}, f.Messages, name)
	}
}

// A server may echo a credential in another spelling than it was sent in.
func TestEscapedCredentialsAreScrubbed(t *testing.T) {
	t.Parallel()
	const odd = `pass "w<or>d\&+`
	for name, c := range map[string]struct {
		body, want string
	}{
		"HTML":            {`<html><title>no ` + html.EscapeString(odd) + `</title>`, `no REDACTED`},
		"JSON":            {`{"errors":["no pass \u0022w\u003Cor\u003ed\u005C\u0026\u002B"]}`, `no REDACTED`},
		"unforeseen":      {`{"headers":{"Secret":"pass \u0022w\u003Cor\u003ed\u005C\u0026\u002B"}}`, `{"headers":{"Secret":"REDACTED"}}`},
		"as it is quoted": {`{"headers":{"Secret":"pass \"w<or>d\\&+"}}`, `{"headers":{"Secret":"REDACTED"}}`},
	} {
		config := config(scripted(gives(400, c.body)))
		config.Credentials = func() Credentials {
			return Credentials{UserName: userName, Secret: odd, IntegrationCode: integrationCode}
		}
		f := fail(t, quick(config), get(fakeBase))
		assert.Equal(t, []string{c.want}, f.Messages, name)
	}
}

func TestCredentialsInACauseAreScrubbed(t *testing.T) {
	t.Parallel()
	server := serve(t, hijack("HTTP/1.1 "+secret+"\r\n\r\n"))
	for _, r := range []*Request{get(server.base), create(server.base)} {
		c := config(ownPool(t))
		c.MaxRetries = 0
		f := fail(t, quick(c), r)
		assert.Contains(t, f.Error(), "REDACTED", "the network did quote the server")
		assert.NotContains(t, f.Error(), secret)
	}
	// The cause itself, which still holds it, is not handed out.
	r := get(fakeBase)
	r.Decode = func([]byte) error { return &quoting{secret} }
	f := fail(t, quick(config(scripted(gives(200, good)))), r)
	var q *quoting
	require.NotErrorAs(t, f, &q)
	assert.Equal(t, "GET Tickets/5: the answer could not be read: found REDACTED", f.Error())
}

type quoting struct{ what string }

func (q *quoting) Error() string { return "found " + q.what }

func TestShortCredentialsAreNotTornOutOfWords(t *testing.T) {
	t.Parallel()
	c := config(scripted(gives(400, `{"errors":["a catalogue"]}`)))
	c.Credentials = func() Credentials { return Credentials{UserName: "cat", Secret: "log", IntegrationCode: "a"} }
	f := fail(t, quick(c), get(fakeBase))
	assert.Equal(t, []string{"a catalogue"}, f.Messages)

	c.Credentials = func() Credentials { return Credentials{UserName: "cata", Secret: "log", IntegrationCode: "a"} }
	f = fail(t, quick(c), get(fakeBase))
	assert.Equal(t, []string{"a REDACTEDlogue"}, f.Messages, "four letters are a credential")
}

func TestPathBelowTheVersion(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/ATServicesRest/V1.0/Tickets/5": "Tickets/5",
		"/V1.0/Tickets":                  "Tickets",
		"/v1.0/V1.0/Tickets":             "Tickets",
		"/Tickets":                       "/Tickets",
	} {
		assert.Equal(t, want, belowVersion(path), path)
	}
}

func TestReadOnlySendsReadsAlone(t *testing.T) {
	t.Parallel()
	network := scripted(gives(200, good))
	c := config(network)
	c.ReadOnly = true
	for method, r := range readers {
		_, err := quick(c).Do(t.Context(), r)
		require.NoError(t, err, method)
	}
	assert.Len(t, network.requests(), len(readers))
	network.seen = nil
	for method, r := range writers {
		assert.Equal(t, ReadOnly, fail(t, quick(c), r).Kind, method)
	}
	deletes := wrapped(network, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.Method = http.MethodDelete
		return next.RoundTrip(req)
	})
	deletes.ReadOnly = true
	assert.Equal(t, ReadOnly, fail(t, quick(deletes), get(fakeBase)).Kind, "a middleware made a write of it")
	assert.Empty(t, network.requests())
}

func TestOriginHasOneSpelling(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://zone.example/x?y#z":       "https://zone.example",
		"HTTPS://Zone.EXAMPLE":             "https://zone.example",
		"https://zone.example:443/":        "https://zone.example",
		"http://zone.example:80":           "http://zone.example",
		"https://zone.example:80":          "https://zone.example:80",
		"http://zone.example:443":          "http://zone.example:443",
		"https://zone.example:8443":        "https://zone.example:8443",
		"https://[::1]:443/":               "https://[::1]",
		"https://robot:pw@zone.example/":   "",
		"https://zone.example@evil.test/x": "",
		"//zone.example/x":                 "",
		"https:///x":                       "",
		"zone.example":                     "",
		"":                                 "",
	} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		assert.Equal(t, want, Origin(u), address)
		if want != "" {
			assert.True(t, hasOrigin(u, want), address)
		}
		for _, other := range []string{"", "https://", "://", "zone.example", "https://evil.test", "http://zone.example:8443", "https://zone.example.evil.test"} {
			assert.Equal(t, other != "" && other == want, hasOrigin(u, other), "%s and %q", address, other)
		}
	}
}

func TestNeitherWrapperNorURLCanPatchATicket(t *testing.T) {
	t.Parallel()
	turn := func(method, path string) func(http.RoundTripper) http.RoundTripper {
		return func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				req = req.Clone(req.Context())
				req.Method, req.URL.Path = method, path
				return next.RoundTrip(req)
			})
		}
	}
	for path, refused := range map[string]bool{
		"/ATServicesRest/V1.0/Tickets":                             true,
		"/atservicesrest/v1.0/tickets/5":                           true,
		"/ATServicesRest/V1.0/Companies/../Tickets":                true,
		"/ATServicesRest/V1.0/V1.0/Tickets":                        true,
		"/Tickets":                                                 true,
		"/ATServicesRest/V1.0/Tickets/5/Notes":                     false,
		"/ATServicesRest/V1.0/Companies":                           false,
		"/" + strings.Repeat("\u0250", 30) + "/V1.0/Tickets":       true, // longer in capitals
		"/" + strings.Repeat("\u0250", 30) + "/V1.0/Companies":     false,
		"/" + strings.Repeat("\u0250", 30) + "/V1.0/":              false,
		"/ATServicesRest/V1.0/" + strings.Repeat("\u0250", 3) + "": false,
	} {
		network := scripted(gives(200, good))
		c := config(network)
		c.Wrap = []func(http.RoundTripper) http.RoundTripper{turn("PATCH", path)}
		_, err := quick(c).Do(t.Context(), request(fakeBase, http.MethodPut, "Tickets"))
		if !refused {
			require.NoError(t, err, path)
			continue
		}
		var f *Failure
		require.ErrorAs(t, err, &f, path)
		assert.Equal(t, Unsupported, f.Kind, path)
		assert.Equal(t, 1, f.Attempts, "%s: it would be refused again", path)
		assert.Empty(t, network.requests(), path)
	}
}

func TestScrubbedCauseIsStillKnownButNotShown(t *testing.T) {
	t.Parallel()
	known := errors.New("known")
	network := scripted(fails(fmt.Errorf("%s: %w", secret, known)))
	c := config(network)
	c.MaxRetries = 0
	f := fail(t, quick(c), get(fakeBase))
	require.ErrorIs(t, f, known)
	require.NotErrorIs(t, f, errors.New("known"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		assert.NotContains(t, fmt.Sprintf(verb, f.Cause), secret, verb)
		assert.Contains(t, fmt.Sprintf(verb, f.Cause), "REDACTED: known", verb)
	}
}

// Twice each, as the second one may be parsed faster.
func TestURLsAreParsedAsByNetURL(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"https://zone.example/ATServicesRest/V1.0/Tickets/5", "HTTPS://Zone.example:443/a", "http://127.0.0.1:8080/a/b-c_d.e", "http://[::1]:80/a",
		"https://zone.example/", "https://zone.example", "https://zone.example//a//", "https://zone.example/a/../b", "https://zone.example:/a",
		"https://zone.example/a?b=c", "https://zone.example/a?", "https://zone.example/a#b", "https://zone.example/a%2Fb", "https://zone.example/a b",
		"https://zone.example/é", "https://zone.example/a;b", "https://zone.example/a:b", "https://zone.example/a*b", "https://zone.example/%zz",
		"https://user:pass@zone.example/a", "https://zone.example@evil.example/a", "https://zone.example.evil/a", "https://zone.examplea/b",
		"https://zone.example/\x7f", "https://zone.example/\\a", "/a", "", "zone.example/a", "mailto:a@zone.example", "https:///a",
	} {
		tr := quick(config(nil))
		_, _ = tr.parse("https://zone.example/x")
		for range 2 {
			got, err := tr.parse(raw)
			want, wantErr := http.NewRequestWithContext(t.Context(), http.MethodGet, raw, nil)
			if wantErr != nil {
				require.Error(t, err, raw)
				continue
			}
			require.NoError(t, err, raw)
			assert.Equal(t, want.URL, got, raw)
			assert.Equal(t, want.Host, got.Host, raw)
		}
	}
}
