package autotasktest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
)

// Where the API lies on every host. The casing of the first part counts
// (contract, section 0).
const (
	apiPath     = "/ATServicesRest/"
	versionPath = apiPath + "V1.0/"
)

// openZone starts one more host; the tenant lives there from now on.
func (s *Server) openZone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	zone := len(s.zones)
	s.zones = append(s.zones, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, zone)
	})))
}

// MoveZone moves the tenant to another host, as the vendor does now and then.
// The old one refuses every signed request with 401 from then on; zone
// discovery, on whichever host, names the new one.
func (s *Server) MoveZone() { s.openZone() }

// BaseURL returns the API's address in the tenant's zone,
// http://127.0.0.1:port/ATServicesRest/V1.0. It is another one after MoveZone.
func (s *Server) BaseURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.zoneHost() + versionPath[:len(versionPath)-1]
}

// ZoneURL returns where zone discovery asks. It stays the same after MoveZone.
func (s *Server) ZoneURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.zones[0].URL + versionPath + "zoneInformation"
}

func (s *Server) zoneHost() string { return s.zones[len(s.zones)-1].URL }

// zoneInformation answers everybody: it takes no credentials.
func (s *Server) zoneInformation(query url.Values) answer {
	if query.Get("user") != userName {
		return refuse(unknownUser)
	}
	number := len(s.zones)
	return ok(object{
		{"zoneName", encode("Fake zone " + strconv.Itoa(number))},
		{"url", encode(s.zoneHost() + apiPath)},
		{"webUrl", encode(s.zoneHost() + "/")},
		{"ci", integer(int64(number))},
	}.text())
}
