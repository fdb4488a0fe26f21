//go:build !windows

// Package scripts_test runs the scripts of .ci in small repositories.
package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// repository is a git repository that has a script of this one and what it needs.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T, script string) *repository {
	t.Helper()
	r := &repository{t, t.TempDir()}
	for _, name := range []string{".ci/" + script, "tools/trust/go.mod", "tools/trust/go.sum"} {
		text, err := os.ReadFile(filepath.Join("../../..", name))
		require.NoError(t, err)
		r.write(name, string(text))
	}
	require.NoError(t, os.Chmod(filepath.Join(r.dir, ".ci", script), 0o700)) //nolint:gosec // a program
	r.write("go.mod", "module example.com/m\n\ngo 1.26.0\n")
	r.write("m.go", "package m\n\n// F is exported.\nfunc F() {}\n")
	r.write("CHANGELOG.md", "# Changelog\n\n## [0.1.0] - unreleased\n")
	r.git("init", "-q")
	r.commit()
	return r
}

func (r *repository) write(name, text string) {
	r.t.Helper()
	name = filepath.Join(r.dir, filepath.FromSlash(name))
	require.NoError(r.t, os.MkdirAll(filepath.Dir(name), 0o750))
	require.NoError(r.t, os.WriteFile(name, []byte(text), 0o600))
}

func (r *repository) git(args ...string) {
	r.t.Helper()
	text, err := r.run("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	require.NoError(r.t, err, text)
}

func (r *repository) commit() {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-q", "-m", "x")
}

func (r *repository) run(name string, args ...string) (string, error) {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), name, args...) //nolint:gosec // git and the script
	command.Dir = r.dir
	text, err := command.CombinedOutput()
	return string(text), err
}

func TestAPIDiff(t *testing.T) {
	t.Parallel()
	r := newRepository(t, "apidiff")
	text, err := r.run(".ci/apidiff")
	require.NoError(t, err, text)
	assert.Contains(t, text, "no version is tagged yet")

	// A release is a commit beside main, whose modules require each other in its version,
	// which nobody may have published.
	r.write("other/go.mod", "module example.com/m/other\n\ngo 1.26.0\n\nrequire example.com/m v0.1.0\n")
	r.write("other/other.go", "package other\n\nimport \"example.com/m\"\n\n// H is exported.\nvar H = m.F\n")
	r.git("checkout", "-q", "--detach")
	r.commit()
	r.git("tag", "v0.1.0")
	r.git("tag", "v0.2.0-rc.1")
	r.git("checkout", "-q", "-")
	r.write("other/go.mod", "module example.com/m/other\n\ngo 1.26.0\n\nrequire example.com/m v0.0.0\n\nreplace example.com/m => ../\n")
	r.write("other/other.go", "package other\n\nimport \"example.com/m\"\n\n// H is exported.\nvar H = m.F\n")
	r.write("m.go", "package m\n\n// F is exported.\nfunc F() {}\n\n// G is new.\nfunc G() {}\n")
	r.write("part/go.mod", "module example.com/m/part\n\ngo 1.26.0\n")
	r.write("part/part.go", "package part\n")
	r.commit()
	text, err = r.run(".ci/apidiff")
	require.NoError(t, err, text)
	assert.Contains(t, text, "apidiff: v0.1.0, and what may become v0.1.0")
	assert.Contains(t, text, "G: added")
	assert.Contains(t, text, "apidiff: example.com/m/other\n")
	assert.Contains(t, text, "everything that compiled still does")
	assert.Contains(t, text, "example.com/m/part is new")

	r.write("m.go", "package m\n\n// F is exported.\nfunc F(int) {}\n")
	text, err = r.run(".ci/apidiff")
	require.Error(t, err, text)
	assert.Contains(t, text, "F: changed from func() to func(int)")
	assert.Contains(t, text, "v0.1.0 must not break what compiles with v0.1.0")

	r.write("CHANGELOG.md", "# Changelog\n\n## [0.2.0] - unreleased\n\n## [0.1.0]\n")
	text, err = r.run(".ci/apidiff")
	require.NoError(t, err, text)
	assert.Contains(t, text, "v0.2.0 may break")

	// From v1 on, a minor version may not.
	r.git("tag", "v1.2.0")
	r.write("m.go", "package m\n\n// F is exported.\nfunc F() {}\n")
	r.write("CHANGELOG.md", "# Changelog\n\n## [1.3.0] - unreleased\n")
	r.git("commit", "-q", "-am", "y")
	r.git("tag", "-f", "v1.2.0")
	r.write("m.go", "package m\n")
	text, err = r.run(".ci/apidiff")
	require.Error(t, err, text)
	assert.Contains(t, text, "F: removed")
}

// A tag can be moved to other code, the SHA of a commit cannot.
func TestActionsArePinned(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	pinned := regexp.MustCompile(`^- uses: [\w./-]+@[0-9a-f]{40} # v[0-9.]+$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		uses := 0
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); strings.Contains(line, "uses:") {
				uses++
				assert.Regexp(t, pinned, line, file)
			}
		}
		assert.Positive(t, uses, file)
		assert.Contains(t, string(text), "\npermissions:\n  contents: read\n", file)
		assert.NotContains(t, string(text), "secrets.", file)
	}
}

const entry = `{"schema_version":"1.3.1","id":"GO-2026-0001","modified":"2026-01-01T00:00:00Z","published":"2026-01-01T00:00:00Z","summary":"An invented one","details":"x",
"affected":[{"package":{"name":"stdlib","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
"ecosystem_specific":{"imports":[{"path":"strings","symbols":["ToUpper"]}]}}],"database_specific":{"url":"https://example.com","review_status":"REVIEWED"}}`

func TestVuln(t *testing.T) {
	t.Parallel()
	r := newRepository(t, "vuln")
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, "m.go")))
	r.write("main.go", "package main\n\nimport \"strings\"\n\nfunc main() { println(strings.ToUpper(\"x\")) }\n")
	r.write("tools/trust/trust.go", "package trust\n")
	r.write("db/index/db.json", `{"modified":"2026-01-01T00:00:00Z"}`)
	r.write("db/index/modules.json", `[]`)
	r.commit()
	check := func(database string) (string, int) {
		command := exec.CommandContext(t.Context(), ".ci/vuln")
		command.Dir = r.dir
		command.Env = append(os.Environ(), "GOVULNDB="+database)
		text, err := command.CombinedOutput()
		if err != nil {
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
		}
		return string(text), command.ProcessState.ExitCode()
	}
	text, code := check("file://" + filepath.Join(r.dir, "db"))
	assert.Equal(t, 0, code, text)
	assert.Contains(t, text, "no known vulnerability")

	r.write("db/index/modules.json", `[{"path":"stdlib","vulns":[{"id":"GO-2026-0001","modified":"2026-01-01T00:00:00Z"}]}]`)
	r.write("db/ID/GO-2026-0001.json", entry)
	text, code = check("file://" + filepath.Join(r.dir, "db"))
	assert.Equal(t, 3, code, text)
	assert.Contains(t, text, "GO-2026-0001")

	// Nothing listens there.
	text, code = check("http://127.0.0.1:1")
	assert.Equal(t, 75, code, text)
	assert.Contains(t, text, "NOT CHECKED")

	r.write("main.go", "package main\n\nfunc main() { nonsense }\n")
	text, code = check("file://" + filepath.Join(r.dir, "db"))
	assert.Equal(t, 1, code, text)
	assert.NotContains(t, text, "NOT CHECKED")
}
