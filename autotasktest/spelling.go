package autotasktest

import (
	"strings"
	"sync"

	"github.com/autotask-go/autotask/internal/schema"
)

// spelling maps the names in paths, in lower case, to the API's spelling. Everything
// but ATServicesRest is accepted in any casing.
type spelling struct {
	first map[string]string // of collections and services: first below V1.0
	child map[string]string // what follows an id
	tail  map[string]string // all others
}

// serviceNames are the services as they are mostly spelt.
var serviceNames = []string{"Authenticate", "EntityInformation", "Modules", "ThresholdInformation", "Version", "VersionInformation", "zoneInformation"}

var spellings = sync.OnceValue(func() *spelling {
	s := &spelling{first: make(map[string]string), child: make(map[string]string), tail: make(map[string]string)}
	for _, name := range serviceNames {
		s.add("", name)
	}
	for _, c := range schema.All() {
		s.add("", strings.Replace(c.Path, "/", "/{}/", 1))
	}
	for _, o := range operations {
		s.add("{}/-/", o.tail)
	}
	for _, e := range endpoints {
		s.add("", e.path)
	}
	return s
})

// add takes in the names of a path that stands below another.
func (s *spelling) add(below, path string) {
	s.each(below+path, func(names map[string]string, name string) string {
		if name != "" && name != "-" {
			names[strings.ToLower(name)] = name
		}
		return name
	})
}

// each calls do for every name in a path, with those that may stand there, and
// returns the path with what do returns in their places.
func (s *spelling) each(path string, do func(names map[string]string, name string) string) string {
	segments := strings.Split(path, "/")
	names := s.first
	for i, segment := range segments {
		if segment == "{}" || isID(segment) {
			names = s.child
			continue
		}
		segments[i] = do(names, segment)
		names = s.tail
	}
	return strings.Join(segments, "/")
}

// canonical is a path below V1.0 as the API spells it. Names that it does not
// have stay as they are.
func canonical(path string) string {
	return spellings().each(path, func(names map[string]string, name string) string {
		if known, ok := names[strings.ToLower(name)]; ok {
			return known
		}
		return name
	})
}

// belowVersion returns the path below ATServicesRest/V1.0, and whether there is
// one. ATServicesRest is case-sensitive, V1.0 is not.
func belowVersion(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, apiPath)
	if !ok || len(rest) < len("V1.0/") || !strings.EqualFold(rest[:len("V1.0/")], "V1.0/") {
		return path, false
	}
	return canonical(rest[len("V1.0/"):]), true
}
