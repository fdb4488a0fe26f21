package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// renderWalk returns the test file that names every entity with all its verbs, so
// that a test can walk them: what does not compile there is a verb that the types
// lack.
func renderWalk(all []*schema.Entity) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "import (\n%q\n%q\n)\n\n", rootImport, entityImport)
	b.WriteString("// walk is every entity, with the verbs that its type has.\n")
	b.WriteString("var walk = []walked{\n")
	for _, e := range all {
		b.WriteString(walkLine(e))
	}
	b.WriteString("}\n")
	return formatFile(entityPackage+"_test", b.String())
}

func walkLine(e *schema.Entity) string {
	goType := entityPackage + "." + e.Name
	if slices.Contains(rootEntities, e.Name) {
		goType = rootPackage + "." + e.Name
	}
	routes := newRoutes(e)
	line := fmt.Sprintf("\tof[%s](%q", goType, e.Name)
	for _, verb := range names(append(routes.readVerbs(), routes.writingVerbs()...), true) {
		line += fmt.Sprintf(", %s[%s]", "can"+verb, goType)
	}
	return line + "),\n"
}
