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

// Each test file of the root package stands beside the file that it tests, but
// for the examples and what all of them share.
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
		_, err := os.Stat(strings.TrimSuffix(test, "_test.go") + ".go")
		assert.NoError(t, err, "%s has no file beside it; a test of several belongs in internal/proof", name)
	}
}
