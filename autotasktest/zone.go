package autotasktest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Where the API lies on every host. The casing of the first part counts
// (docs/api-notes.md, section 1.1).
const (
	apiPath     = "/ATServicesRest/"
	versionPath = apiPath + "V1.0/"
)

// openZone starts one more host; the tenant lives there from now on.
func (s *Server) openZone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	zone := len(s.zones)
	if s.unlisted {
		s.zones = append(s.zones, inventedZone(zone))
		return
	}
	listen := s.life.listen
	if s.http2 {
		listen = s.life.listenHTTP2
	}
	s.zones = append(s.zones, listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, zone)
	})))
}

// inventedZone is the origin of a zone without a listener: a name that no
// network ever resolves.
func inventedZone(zone int) string {
	if zone == 0 {
		return "https://webservices.autotask.test"
	}
	return fmt.Sprintf("https://webservices%d.autotask.test", zone+1)
}

// MoveZone moves the tenant to another host, as the vendor does now and then.
// The old one refuses every signed request with 401 from then on; zone
// discovery, on whichever host, names the new one.
func (s *Server) MoveZone() { s.openZone() }

// BaseURL returns the API's address in the tenant's zone,
// http://127.0.0.1:port/ATServicesRest/V1.0; of a tenant of NewInProcess
// https://webservices.autotask.test/ATServicesRest/V1.0. It is another one
// after MoveZone.
func (s *Server) BaseURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.zoneOrigin() + versionPath[:len(versionPath)-1]
}

// ZoneURL returns where zone discovery asks. It stays the same after MoveZone.
func (s *Server) ZoneURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.zones[0] + versionPath + "zoneInformation"
}

func (s *Server) zoneOrigin() string { return s.zones[len(s.zones)-1] }

// zoneOf returns which of the tenant's hosts a client asks, -1 for none.
func (s *Server) zoneOf(u *url.URL) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Index(s.zones, strings.ToLower(u.Scheme+"://"+u.Host))
}

// originOf is the origin that a request was sent to, by the name that its
// client has for the host.
func (s *Server) originOf(c *call) string {
	scheme, _, _ := strings.Cut(s.zones[c.zone], "://")
	return scheme + "://" + c.request.Host
}

// zoneInformation answers everybody: it takes no credentials.
func (s *Server) zoneInformation(query url.Values) answer {
	if query.Get("user") != userName {
		return refuse(unknownUser)
	}
	number := len(s.zones)
	return ok(object{
		{"zoneName", encode("Fake zone " + strconv.Itoa(number))},
		{"url", encode(s.zoneOrigin() + apiPath)},
		{"webUrl", encode(s.zoneOrigin() + "/")},
		{"ci", integer(int64(number))},
	}.text())
}
