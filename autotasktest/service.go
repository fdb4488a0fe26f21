package autotasktest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// service is a request that belongs to no collection.
type service struct {
	open bool // needs no credentials
	run  func(*Server, *call) answer
}

// services are keyed by their paths in lower case: their casing differs from
// source to source, and all of them work.
var services = map[string]*service{
	"zoneinformation":      {open: true, run: func(s *Server, c *call) answer { return s.zoneInformation(c.request.URL.Query()) }},
	"versioninformation":   {open: true, run: (*Server).versionInformation},
	"authenticate":         {run: (*Server).authToken},
	"version":              {run: (*Server).version},
	"modules":              {run: (*Server).modules},
	"thresholdinformation": {run: func(s *Server, _ *call) answer { return s.thresholdInformation() }},
	"entityinformation":    {run: (*Server).globalEntityInformation},
}

// serviceOf returns the service of a request, nil for none. Version information is
// next to V1.0, not below it.
func serviceOf(c *call) *service {
	if c.inAPI {
		return services[strings.ToLower(c.path)]
	}
	if beside, ok := strings.CutPrefix(c.path, apiPath); ok && strings.EqualFold(beside, "versioninformation") {
		return services["versioninformation"]
	}
	return nil
}

func (s *Server) serveService(c *call, service *service) answer {
	if c.request.Method != http.MethodGet {
		return methodNotAllowed(c.request.Method)
	}
	if !service.open {
		c.isRead = true
		if refusal, ok := s.admit(c); !ok {
			return refusal
		}
	}
	return service.run(s, c)
}

func (s *Server) versionInformation(*call) answer {
	return okWith("apiVersions", encode([]string{"v1.0"}))
}

func (s *Server) version(*call) answer {
	return ok(object{
		{"majorVersion", encode("2026")},
		{"minorVersion", encode("1")},
		{"build", encode("0")},
		{"customerType", encode("Fake")},
	}.text())
}

func (s *Server) modules(*call) answer {
	return okWith("modules", json.RawMessage(`[{"key":24,"value":true},{"key":36,"value":true}]`))
}

func (s *Server) globalEntityInformation(*call) answer {
	var all []json.RawMessage
	for _, e := range schema.Entities() {
		all = append(all, object{{"info", entityInfo(e)}}.text())
	}
	return okWith("entityDescriptions", textOfArray(all))
}
