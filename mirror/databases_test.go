package mirror_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/mirror"
)

// databases make an empty database for a test, and return its name and the schema.
// With the build tag postgres there are two.
var databases = map[string]func(t *testing.T) (name, schema string){
	"sqlite": func(t *testing.T) (name, schema string) {
		t.Helper()
		return "sqlite:" + filepath.Join(t.TempDir(), "a b%c?#.db"), ""
	},
}

// inEach runs a test on each database. It gets a function that opens it, as often as
// it likes.
func inEach(t *testing.T, test func(t *testing.T, open func() *mirror.Mirror)) {
	t.Helper()
	for kind, database := range databases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			name, schema := database(t)
			test(t, func() *mirror.Mirror {
				t.Helper()
				m, err := mirror.OpenSchema(t.Context(), name, schema, false)
				require.NoError(t, err)
				t.Cleanup(func() { _ = m.Close() })
				return m
			})
		})
	}
}
