package autotasktest

import "github.com/autotask-go/autotask"

// Client returns a client of the tenant, ready to use. It has the tenant's
// credentials and base URL; the options given come after these.
func (s *Server) Client(opts ...autotask.Option) *autotask.Client {
	s.helper()
	all := append([]autotask.Option{autotask.WithBaseURL(s.BaseURL())}, opts...)
	c, err := autotask.NewClient(s.Credentials(), all...)
	if err != nil {
		s.fail("Client: %v", err)
	}
	return c
}
