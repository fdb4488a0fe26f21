package entity_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/schema"
)

// TestRoutes calls every verb of every entity on the fake tenant. Each must
// arrive at a route of the table, and with the vendor's Swagger given, of that;
// and every route there is must be arrived at, or another one that does the
// same.
func TestRoutes(t *testing.T) {
	t.Parallel()
	existing := tableRoutes()
	if s := vendorSwagger(t); s != nil {
		assert.ElementsMatch(t, slices.Collect(maps.Keys(s.routes())), slices.Collect(maps.Keys(existing)),
			"the table and the Swagger have the same routes")
	}
	reached := make(map[string]bool)
	verbs, astray := 0, 0
	for _, entry := range walk {
		for _, v := range entry.verbs {
			verbs++
			w := newWalker(t, entityCalled(t, entry.name))
			if err := v.call(w); err != nil {
				t.Errorf("%s %s: %v", entry.name, v.name, err)
			}
			requests := w.srv.Requests()
			assert.NotEmpty(t, requests, "%s %s sent nothing", entry.name, v.name)
			astray += walkedTo(t, requests, existing, reached)
		}
	}
	astray += walkedTo(t, askForMetadata(t), existing, reached)

	unreachable := 0
	for route := range existing {
		if !reached[route] && !slices.ContainsFunc(sameAs(route), func(other string) bool { return reached[other] }) {
			unreachable++
			t.Errorf("nothing arrives at %s, nor at %v", route, sameAs(route))
		}
	}
	assert.Zero(t, astray, "verbs without a route")
	_, _ = fmt.Fprintf(os.Stdout, "routes: %d entities, %d verbs, %d without a route, %d unreachable\n", len(walk), verbs, astray, unreachable)
}

// walkedTo notes the routes of requests as reached, and counts those that do
// not exist.
func walkedTo(t *testing.T, requests []autotasktest.Request, existing, reached map[string]bool) (astray int) {
	for _, r := range requests {
		route := routeOf(r.Method, r.Path)
		if !existing[route] {
			t.Errorf("%s does not exist", route)
			astray++
		}
		reached[route] = true
	}
	return astray
}

// askForMetadata reads what every collection says of itself.
func askForMetadata(t *testing.T) []autotasktest.Request {
	srv := autotasktest.NewInProcess(t)
	about := srv.Client().Metadata
	for _, c := range schema.All() {
		if c.Parent != "" {
			continue
		}
		_, err := about.Entity(t.Context(), c.Path)
		require.NoError(t, err, c.Path)
		_, err = about.Fields(t.Context(), c.Path)
		require.NoError(t, err, c.Path)
		if c.Verbs.Has(schema.UDFInfo) {
			_, err = about.UDFs(t.Context(), c.Path)
			require.NoError(t, err, c.Path)
		}
	}
	return srv.Requests()
}

var idSegment = regexp.MustCompile(`/(\d+|\{\w+\})`)

// routeOf names a route, with {id} for whatever is an id in the path.
func routeOf(method, path string) string {
	_, below, _ := strings.Cut(path, "/V1.0/")
	return method + " " + idSegment.ReplaceAllString(below, "/{id}")
}

// requests are the methods and the ends of paths behind each verb of a
// collection.
var requests = map[schema.Verb][]string{
	schema.Query:     {"GET /query", "POST /query"},
	schema.Count:     {"GET /query/count", "POST /query/count"},
	schema.Get:       {"GET /{id}"},
	schema.List:      {"GET "},
	schema.Create:    {"POST "},
	schema.Put:       {"PUT "},
	schema.Patch:     {"PATCH "},
	schema.Delete:    {"DELETE /{id}"},
	schema.Info:      {"GET /entityInformation"},
	schema.FieldInfo: {"GET /entityInformation/fields"},
	schema.UDFInfo:   {"GET /entityInformation/userDefinedFields"},
}

// tableRoutes are the routes of all collections of the table.
func tableRoutes() map[string]bool {
	routes := make(map[string]bool)
	for _, c := range schema.All() {
		for verb, ends := range requests {
			for _, end := range ends {
				if c.Verbs.Has(verb) {
					method, tail, _ := strings.Cut(end, " ")
					routes[method+" "+fullPath(c)+tail] = true
				}
			}
		}
	}
	return routes
}

func fullPath(c *schema.Collection) string {
	if c.Parent == "" {
		return c.Path
	}
	return c.Parent + "/{id}/" + c.Segment
}

// sameAs names the routes that do what a route does and are taken in its place.
func sameAs(route string) []string {
	method, path, _ := strings.Cut(route, " ")
	c, tail := collectionOf(path)
	var same []string
	switch {
	case method == http.MethodGet && strings.HasPrefix(tail, "/query"):
		same = append(same, "POST "+path) // whose filter has no limit of length
	case method == http.MethodPut:
		same = append(same, "PATCH "+path) // of the fields that changed
	}
	if c.Parent == "" {
		return same
	}
	root := cmp.Or(c.Root(), schema.Lookup(metadataTwins[c.Path]))
	switch {
	case root == nil:
	case method == http.MethodGet && tail == "":
		same = append(same, "POST "+root.Path+"/query") // with a filter by the parent's id
	case method == http.MethodPut:
		same = append(same, "PATCH "+root.Path)
	default:
		same = append(same, method+" "+root.Path+tail)
	}
	return same
}

// metadataTwins are roots of children that hold no rows of their own.
var metadataTwins = map[string]string{"TimeOffRequests/Approve": "TimeOffRequestsApprove"}

func collectionOf(path string) (c *schema.Collection, tail string) {
	for _, candidate := range schema.All() {
		full := fullPath(candidate)
		if path == full || strings.HasPrefix(path, full+"/") && (c == nil || len(full) > len(fullPath(c))) {
			c, tail = candidate, strings.TrimPrefix(path, full)
		}
	}
	return c, tail
}
