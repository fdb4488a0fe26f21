package autotasktest

import "net/http"

// The credentials that the tenant accepts. They are invented.
const (
	userName        = "api.user@fake-tenant.example"
	secret          = "correct horse battery staple"
	integrationCode = "FAKEINTEGRATIONCODE"
)

// The people in the tenant. Autotask calls a person a resource.
const (
	// APIUserID is the resource that the credentials belong to.
	APIUserID int64 = 29683001
	// TechnicianID is a resource that can be impersonated, and the other user who
	// edits a row in a Fault.
	TechnicianID int64 = 29683002
	// TechnicianRoleID is the role of TechnicianID. The API user has none, and cannot
	// own time.
	TechnicianRoleID int64 = 29683003
)

const unknownUser = "Zone information could not be determined"

// authenticate checks the credentials. The statuses are Autotask's: only a
// wrong secret is 401.
func (s *Server) authenticate(c *call) (answer, bool) {
	h := c.request.Header
	switch {
	case c.zone != len(s.zones)-1, h.Get(headerUserName) == "", h.Get(headerSecret) == "":
		return answer{status: http.StatusUnauthorized}, false
	case h.Get(headerUserName) != userName:
		return refuse(unknownUser), false
	case h.Get(headerSecret) != secret:
		return answer{status: http.StatusUnauthorized}, false
	case h.Get(headerIntegrationCode) != integrationCode:
		return refuse("IntegrationCode is invalid"), false
	}
	return answer{}, true
}
