package entity_test

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/schema"
)

// swaggerVariable names the vendor's Swagger file, which is not part of this
// module. With it, the types and their routes are held to it, too.
const swaggerVariable = "AUTOTASK_SWAGGER"

// swagger is the part of the vendor's description that is compared with.
type swagger struct {
	Paths       map[string]map[string]json.RawMessage `json:"paths"`
	Definitions map[string]json.RawMessage            `json:"definitions"`
}

type swaggerModel struct {
	Properties map[string]swaggerProperty `json:"properties"`
}

type swaggerProperty struct {
	Type   string `json:"type"`
	Format string `json:"format"`
}

// vendorSwagger returns nil if none is given.
func vendorSwagger(t *testing.T) *swagger {
	path := os.Getenv(swaggerVariable)
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	s := new(swagger)
	require.NoError(t, json.Unmarshal(text, s))
	return s
}

// routes are those of collections: all but the services, and PATCH of tickets,
// which the Swagger lists and Autotask does not support.
func (s *swagger) routes() map[string]bool {
	routes := make(map[string]bool)
	for path, methods := range s.Paths {
		for method := range methods {
			routes[routeOf(strings.ToUpper(method), path)] = true
		}
	}
	for _, service := range schema.Services() {
		delete(routes, routeOf(service.Method, "/V1.0/"+service.Path))
		delete(routes, routeOf(service.Method, "/"+service.Path))
	}
	delete(routes, "PATCH Tickets")
	return routes
}

// rowModels are the models with an id that routes name, by entity, with the
// kinds of their properties.
func (s *swagger) rowModels(t *testing.T) map[string]map[string]string {
	models := make(map[string]map[string]string)
	named := s.namedByRoutes()
	delete(named, "FileQueryResultModel") // what the invoice services answer with
	for name := range named {
		entity, isModel := strings.CutSuffix(name, "Model")
		if !isModel {
			continue
		}
		var model swaggerModel
		require.NoError(t, json.Unmarshal(s.Definitions[name], &model))
		if _, hasID := model.Properties["id"]; !hasID {
			continue
		}
		kinds := make(map[string]string)
		for property, p := range model.Properties {
			if property != "soapParentPropertyId" { // leaked from the vendor's own code
				kinds[property] = p.kind()
			}
		}
		models[entity] = kinds
	}
	return models
}

// namedByRoutes are the definitions that can be arrived at from a route.
func (s *swagger) namedByRoutes() map[string]bool {
	text, _ := json.Marshal(s.Paths)
	named := make(map[string]bool)
	pending := referencesIn(string(text))
	for len(pending) > 0 {
		next := make(map[string]bool)
		for name := range pending {
			if !named[name] {
				named[name] = true
				maps.Copy(next, referencesIn(string(s.Definitions[name])))
			}
		}
		pending = next
	}
	return named
}

func referencesIn(text string) map[string]bool {
	names := make(map[string]bool)
	for _, part := range strings.Split(text, `"#/definitions/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		names[name] = true
	}
	return names
}

func (p swaggerProperty) kind() string {
	switch {
	case p.Type == "array":
		return schema.UDFs.String()
	case p.Format == "date-time":
		return schema.DateTime.String()
	case p.Format == "byte":
		return schema.Bytes.String()
	case p.Type == "object", p.Type == "":
		return schema.Any.String()
	}
	return p.Type
}
