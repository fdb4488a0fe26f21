package proof_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/proof/kit"
)

// Each test file of the root package stands beside the file that it tests: x_test.go
// and x_part_test.go beside x.go. Only the examples, and what all of them share,
// stand alone.
func TestLayout_RootTestsStandBesideTheirSources(t *testing.T) {
	t.Parallel()
	tests, err := filepath.Glob(filepath.Join(kit.Root(t), "*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, tests)
	for _, test := range tests {
		name := filepath.Base(test)
		if name == "example_test.go" || name == "helpers_test.go" {
			continue
		}
		part := strings.TrimSuffix(test, "_test.go")
		_, err := os.Stat(part + ".go")
		if i := strings.LastIndex(filepath.Base(part), "_"); err != nil && i > 0 {
			_, err = os.Stat(filepath.Join(filepath.Dir(part), filepath.Base(part)[:i]+".go"))
		}
		assert.NoError(t, err, "%s has no file beside it; a test of several belongs in internal/proof", name)
	}
}

// The root stays small enough to be read: at most 20 source files, none of more than
// 520 lines.
func TestLayout_RootIsCalm(t *testing.T) {
	t.Parallel()
	all, err := filepath.Glob(filepath.Join(kit.Root(t), "*.go"))
	require.NoError(t, err)
	var sources int
	for _, name := range all {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		sources++
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.LessOrEqual(t, strings.Count(string(content), "\n"), 520, name)
	}
	assert.LessOrEqual(t, sources, 20)
}
