package autotasktest

import (
	"net/http"

	"github.com/autotask-go/autotask"
)

// Client returns a client of the tenant, ready to use. It has the tenant's
// credentials and base URL, then opts. For a tenant without a socket it returns
// InProcessClient.
func (s *Server) Client(opts ...autotask.Option) *autotask.Client {
	s.t.Helper()
	if s.unlisted {
		return s.InProcessClient(opts...)
	}
	if s.http2 {
		return s.newClient(autotask.WithHTTPClient(s.HTTPClient()), opts)
	}
	return s.newClient(autotask.WithMiddleware(s.Wrap), opts)
}

// InProcessClient is like Client, but without a socket: its requests go through
// Transport. An [autotask.WithHTTPClient] in opts sends them over the network again,
// unless it has that transport, too.
func (s *Server) InProcessClient(opts ...autotask.Option) *autotask.Client {
	s.t.Helper()
	return s.newClient(autotask.WithHTTPClient(&http.Client{Transport: s.Transport()}), opts)
}

func (s *Server) newClient(transport autotask.Option, opts []autotask.Option) *autotask.Client {
	s.t.Helper()
	all := append([]autotask.Option{autotask.WithBaseURL(s.BaseURL()), transport}, opts...)
	c, err := autotask.NewClient(s.Credentials(), all...)
	if err != nil {
		s.fail("Client: %v", err)
	}
	return c
}
