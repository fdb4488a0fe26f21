package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

const version = "v0.0.0-test.1"

// files is a repository of three modules that need each other.
func files() map[string]string {
	return map[string]string{
		"LICENSE":           "Everybody may.\n",
		"go.mod":            "module example.com/m\n\ngo 1.26.0\n",
		"m.go":              "package m\n\nimport \"example.com/m/internal/one\"\n\n// Two is two.\nconst Two = one.One + 1\n",
		"internal/one/o.go": "package one\n\n// One is one.\nconst One = 1\n",
		"m_test.go":         "package m\n",
		"docs/d_test.go":    "package docs_test\n",
		"part/go.mod":       "module example.com/m/part\n\ngo 1.26.0\n\nrequire example.com/m v0.0.0\n\nreplace example.com/m => ../\n",
		"part/p.go":         "package part\n\nimport \"example.com/m\"\n\n// Two is two.\nconst Two = m.Two\n",
		"cmd/say/go.mod":    "module example.com/m/cmd/say\n\ngo 1.26.0\n\nrequire example.com/m/part v0.0.0\n\nrequire example.com/m v0.0.0 // indirect\n\nreplace (\n\texample.com/m => ../..\n\texample.com/m/part => ../../part\n)\n",
		"cmd/say/main.go":   "package main\n\nimport \"example.com/m/part\"\n\nfunc main() { println(part.Two) }\n",
		"bench/go.mod":      "module example.com/m/bench\n\ngo 1.26.0\n",
		"ignored/.gitkeep":  "",
	}
}

func newRelease(t *testing.T, files map[string]string) *release {
	t.Helper()
	root, out := t.TempDir(), t.TempDir()
	for name, text := range files {
		name = filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o750))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	commit(t, root)
	return &release{version: version, root: root, src: filepath.Join(out, "src"), proxy: filepath.Join(out, "proxy")}
}

func commit(t *testing.T, dir string) {
	t.Helper()
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "-A"},
		{"-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "x"},
	} {
		_, err := git(t.Context(), dir, args...)
		require.NoError(t, err)
	}
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	r := newRelease(t, files())
	require.NoError(t, r.prepare(t.Context()))
	var order []string
	for _, m := range r.modules {
		order = append(order, m.path)
	}
	assert.Equal(t, []string{"example.com/m", "example.com/m/part", "example.com/m/cmd/say"}, order, "what is needed comes first; bench is not published")
	text, err := os.ReadFile(filepath.Join(r.src, "cmd/say/go.mod"))
	require.NoError(t, err)
	assert.Equal(t, "module example.com/m/cmd/say\n\ngo 1.26.0\n\nrequire example.com/m/part "+version+"\n\nrequire example.com/m "+version+" // indirect\n", string(text))
	original, err := os.ReadFile(filepath.Join(r.root, "cmd/say/go.mod"))
	require.NoError(t, err)
	assert.Contains(t, string(original), "replace", "the repository itself is left alone")
	sums, err := os.ReadFile(filepath.Join(r.src, "cmd/say/go.sum"))
	require.NoError(t, err)
	assert.Len(t, strings.Split(strings.TrimSpace(string(sums)), "\n"), 4)
}

func TestDateOfTheRelease(t *testing.T) {
	t.Parallel()
	all := files()
	all["CHANGELOG.md"] = "# Changelog\n\n## [0.2.0] - unreleased\n\n## [0.1.0] - 2026-01-01\n"
	for version, want := range map[string]string{"v0.2.0": "## [0.2.0] - 20", "v0.2.0-rc.1": "## [0.2.0] - unreleased"} {
		r := newRelease(t, all)
		r.version = version
		require.NoError(t, r.prepare(t.Context()))
		text, err := os.ReadFile(filepath.Join(r.src, "CHANGELOG.md"))
		require.NoError(t, err)
		assert.Contains(t, string(text), want)
		assert.Contains(t, string(text), "## [0.1.0] - 2026-01-01")
	}
}

// What a proxy makes of the tagged commit has the checksums that the go.sum files hold.
func TestArchivesAreThoseOfTheCommit(t *testing.T) {
	t.Parallel()
	r := newRelease(t, files())
	require.NoError(t, r.prepare(t.Context()))
	commit(t, r.src)
	sums, err := os.ReadFile(filepath.Join(r.src, "cmd/say/go.sum"))
	require.NoError(t, err)
	for _, m := range r.modules {
		name := filepath.Join(t.TempDir(), "x.zip")
		archive, err := os.Create(name)
		require.NoError(t, err)
		dir := strings.TrimPrefix(m.dir, ".")
		require.NoError(t, zip.CreateFromVCS(archive, module.Version{Path: m.path, Version: version}, r.src, "HEAD", dir))
		require.NoError(t, archive.Close())
		want, err := dirhash.HashZip(name, dirhash.Hash1)
		require.NoError(t, err)
		got, err := dirhash.HashZip(filepath.Join(r.proxy, filepath.FromSlash(m.path), "@v", version+".zip"), dirhash.Hash1)
		require.NoError(t, err)
		assert.Equal(t, want, got, m.path)
		if m.dir != "cmd/say" {
			assert.Contains(t, string(sums), m.path+" "+version+" "+want+"\n")
		}
	}
}

func TestProof(t *testing.T) {
	t.Parallel()
	r := newRelease(t, files())
	require.NoError(t, r.prepare(t.Context()))
	p := &proof{release: r, work: filepath.Join(t.TempDir(), "proof")}
	require.NoError(t, p.all(t.Context()))
	assert.NoDirExists(t, p.work)
}

// A module that only works where it is developed is found out.
func TestProofFails(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct{ file, text, err string }{
		"a file that git ignores":                    {".gitignore", "o.go\n", "internal/one"},
		"a package that does not compile for others": {"part/q.go", "package part\n\nimport _ \"example.com/m/docs\"\n", "docs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := files()
			all[change.file] = change.text
			r := newRelease(t, all)
			require.NoError(t, r.prepare(t.Context()))
			p := &proof{release: r, work: filepath.Join(t.TempDir(), "proof")}
			require.ErrorContains(t, p.all(t.Context()), change.err)
		})
	}
}

func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct{ file, text, err string }{
		"a replacement of others": {"go.mod", "module example.com/m\n\ngo 1.26.0\n\nreplace example.com/other => ./other\n", "go.mod replaces example.com/other"},
		"an exclusion":            {"go.mod", "module example.com/m\n\ngo 1.26.0\n\nexclude example.com/other v1.0.0\n", "excludes"},
		"a wrong path":            {"part/go.mod", "module example.com/part\n\ngo 1.26.0\n", "names example.com/part"},
		"a need that is not published": {
			"part/go.mod", "module example.com/m/part\n\ngo 1.26.0\n\nrequire example.com/m/bench v0.0.0\n", "which is not published",
		},
		"a circle": {"go.mod", "module example.com/m\n\ngo 1.26.0\n\nrequire example.com/m/part v0.0.0\n", "needs itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := files()
			all[change.file] = change.text
			require.ErrorContains(t, newRelease(t, all).prepare(t.Context()), change.err)
		})
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "0.1.0", "v1", "latest", "v0.1.0+x"} {
		require.ErrorContains(t, run(t.Context(), []string{version}), "is not a version", version)
	}
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "internal/version"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(root, "CHANGELOG.md"), []byte("# Changelog\n\n## [0.2.0] - unreleased\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "internal/version/version.go"), []byte("const Version = \"0.2.0\"\n"), 0o600))
	require.NoError(t, checkVersion(root, "v0.2.0"))
	require.NoError(t, checkVersion(root, "v0.0.0-ci.1"))
	require.Error(t, checkVersion(root, "v0.2.1"))
	require.ErrorContains(t, run(t.Context(), nil), "use:")
	_, _, err := outDir([]string{root})
	require.ErrorContains(t, err, "is not empty")
}
