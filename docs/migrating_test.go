package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every name of ours that the guide for migrating tells people to use exists. The left
// columns, and the sentences about the others, name what is not ours.
func TestNamesInMigrating(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("migrating.md")
	require.NoError(t, err)
	packages := map[string]map[string]bool{
		"autotask": exported(t, ".."), "entity": exported(t, "../entity"), "webhook": exported(t, "../webhook"),
	}
	name := regexp.MustCompile(`\b(autotask|entity|webhook)\.([A-Z]\w*)`)
	method := regexp.MustCompile(`\bclient\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)
	seen := 0
	for line := range strings.Lines(string(text)) {
		if _, right, isRow := strings.Cut(strings.TrimPrefix(line, "|"), "|"); isRow && strings.HasPrefix(line, "|") {
			line = right
		}
		for _, m := range name.FindAllStringSubmatch(line, -1) {
			seen++
			assert.True(t, packages[m[1]][m[2]], "%s.%s does not exist", m[1], m[2])
		}
		for _, m := range method.FindAllStringSubmatch(line, -1) {
			for _, part := range m[1:] {
				assert.True(t, part == "" || packages["autotask"][part], "client.%s.%s does not exist", m[1], m[2])
			}
		}
	}
	assert.Greater(t, seen, 50)
}

// exported returns the exported names of a package: functions, types, methods, fields,
// constants and variables.
func exported(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	names := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				names[n.Name.Name] = true
				return false
			case *ast.TypeSpec:
				names[n.Name.Name] = true
			case *ast.Field:
				for _, name := range n.Names {
					names[name.Name] = true
				}
			case *ast.ValueSpec:
				for _, name := range n.Names {
					names[name.Name] = true
				}
			}
			return true
		})
	}
	return names
}
