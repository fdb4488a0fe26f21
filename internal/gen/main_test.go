package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// call runs the command and returns its exit code and what it printed.
func call(args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = run(args, &out, &errOut)
	return code, out.String(), errOut.String()
}

// miniRoot is a module root with the facts of the mini Swagger and nothing
// generated yet.
func miniRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, path := range []string{factsPath, tablePath} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755))
	}
	put(t, filepath.Join(root, factsPath), miniFacts(t))
	return root
}

func put(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func TestReduceCommand(t *testing.T) {
	t.Parallel()
	root := miniRoot(t)
	code, stdout, stderr := call("reduce", "-root", root, "-swagger", "testdata/mini.swagger.json")
	assert.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "wrote internal/schema/table.txt (")
	assert.Equal(t, read(t, "testdata/mini.table.txt"), read(t, filepath.Join(root, tablePath)))
}

func TestReduceCommandFails(t *testing.T) {
	t.Parallel()
	root := miniRoot(t)
	broken := filepath.Join(root, "broken.json")
	put(t, broken, "{")

	code, _, stderr := call("reduce", "-root", root, "-swagger", broken)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "broken.json: ")
	assert.NotContains(t, stderr, "usage")

	put(t, filepath.Join(root, factsPath), "entity Ship")
	code, _, stderr = call("reduce", "-root", root, "-swagger", "testdata/mini.swagger.json")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "no place in the table")
	assert.NoFileExists(t, filepath.Join(root, tablePath))
}

func TestGenerateCommand(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	models := filepath.Join(root, modelsPath)

	code, _, stderr := call("generate", "-check", "-root", root)
	assert.Equal(t, exitFailed, code, "a missing file differs")
	assert.Contains(t, stderr, modelsPath)
	assert.NoFileExists(t, models)

	code, stdout, stderr := call("generate", "-root", root)
	assert.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "wrote models_gen.go (")
	assert.Equal(t, read(t, filepath.Join(moduleRoot, modelsPath)), read(t, models))

	code, stdout, stderr = call("generate", "-check", "-root", root)
	assert.Equal(t, exitOK, code, stderr)
	assert.Empty(t, stdout)

	edited := strings.Replace(read(t, models), "Title ", "Heading ", 1)
	put(t, models, edited)
	code, _, stderr = call("generate", "-check", "-root", root)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, modelsPath)
	assert.Equal(t, edited, read(t, models), "a check writes nothing")
}

func TestCheckNamesEveryDifferingFile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put(t, filepath.Join(root, "a.go"), "same")
	put(t, filepath.Join(root, "b.go"), "old")
	files := []file{{"a.go", []byte("same")}, {"b.go", []byte("new")}, {"c.go", nil}}
	err := checkFiles(root, files, []string{"z.go"})
	require.ErrorContains(t, err, ": z.go, b.go, c.go")
	require.NotContains(t, err.Error(), "a.go")
}

func TestCheckReportsUnreadableFile(t *testing.T) {
	t.Parallel()
	err := checkFiles(t.TempDir(), []file{{".", nil}}, nil)
	require.ErrorContains(t, err, "checking: ")
}

func TestGenerateRemovesWhatIsNoLongerGenerated(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	code, _, stderr := call("generate", "-root", root)
	require.Equal(t, exitOK, code, stderr)
	stale := filepath.Join(root, entityPackage, "kite.go")
	byHand := filepath.Join(root, entityPackage, "doc.go")
	put(t, stale, header+"\npackage entity\n\ntype Kite struct{}\n")
	put(t, byHand, "// Package entity holds types.\n//\n"+header+"package entity\n")

	code, stdout, stderr := call("generate", "-check", "-root", root)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, ": entity/kite.go\n", "the only file that is named")
	assert.Empty(t, stdout)
	assert.FileExists(t, stale, "a check removes nothing")

	code, stdout, stderr = call("generate", "-root", root)
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "removed entity/kite.go\n")
	assert.Equal(t, 1, strings.Count(stdout, "removed "))
	assert.NoFileExists(t, stale)
	assert.FileExists(t, byHand, "only what begins with the header was generated")

	code, _, stderr = call("generate", "-check", "-root", root)
	assert.Equal(t, exitOK, code, stderr)
}

func TestStaleFilesReportsUnreadableFile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, entityPackage, "directory.go"), 0o755))
	for _, args := range [][]string{{"generate"}, {"generate", "-check"}} {
		code, stdout, stderr := call(append(args, "-root", root)...)
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, stderr, "looking for generated files: ")
		assert.Empty(t, stdout)
	}
}

func TestRemoveReportsFailure(t *testing.T) {
	t.Parallel()
	err := remove(t.TempDir(), "kite.go", &bytes.Buffer{})
	require.ErrorContains(t, err, "removing kite.go, which is no longer generated: ")
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	root := miniRoot(t)
	tests := map[string]struct {
		args []string
		want string
	}{
		"no command":        {nil, "no command"},
		"unknown command":   {[]string{"produce"}, `unknown command "produce"`},
		"unknown flag":      {[]string{"generate", "-fast"}, "generate: flag provided but not defined: -fast"},
		"unknown flag, too": {[]string{"reduce", "-fast"}, "reduce: flag provided but not defined: -fast"},
		"argument too many": {[]string{"generate", "all"}, `generate: unexpected "all"`},
		"no swagger":        {[]string{"reduce"}, "reduce needs -swagger"},
		"swagger not there": {[]string{"reduce", "-root", root, "-swagger", "nowhere.json"}, "nowhere.json"},
		"facts not there":   {[]string{"reduce", "-root", "nowhere", "-swagger", "testdata/mini.swagger.json"}, "facts.txt"},
		"root not there":    {[]string{"generate", "-root", "nowhere"}, "writing models_gen.go: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := call(tt.args...)
			assert.Equal(t, exitUsage, code)
			assert.Contains(t, stderr, tt.want)
			assert.Empty(t, stdout)
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"help"}, {"-h"}, {"reduce", "-h"}, {"generate", "-help"}} {
		code, stdout, stderr := call(args...)
		assert.Equal(t, exitOK, code, args)
		assert.Equal(t, usage, stdout)
		assert.Empty(t, stderr)
	}
}

func TestWriteReportsFailure(t *testing.T) {
	t.Parallel()
	err := write(t.TempDir(), ".", nil, &bytes.Buffer{})
	require.ErrorContains(t, err, "writing .: ")
	assert.NotErrorIs(t, err, os.ErrNotExist)
}

// swaggerEnv names the vendor's Swagger. It is no part of the repository, so
// that the test of the real table against it exists only where somebody has it.
const swaggerEnv = "AUTOTASK_SWAGGER"

func TestTableComesFromTheSwagger(t *testing.T) {
	t.Parallel()
	facts := filepath.Join(moduleRoot, factsPath)
	_, err := parseFacts(read(t, facts))
	require.NoError(t, err)
	if path := os.Getenv(swaggerEnv); path != "" {
		t.Run("reduced anew", func(t *testing.T) {
			t.Parallel()
			table, err := reduceFiles(path, facts)
			require.NoError(t, err)
			assert.Equal(t, read(t, filepath.Join(moduleRoot, tablePath)), table)
		})
	}
}
