package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const mit = `MIT License

Copyright (c) 2026 A. Person

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`

func TestLicencesOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		module string
		files  map[string]string
		want   []string
		err    string
	}{
		"one":                       {files: map[string]string{"LICENSE": mit}, want: []string{"MIT"}},
		"in British spelling":       {files: map[string]string{"licence.md": mit}, want: []string{"MIT"}},
		"none":                      {files: map[string]string{"README.md": mit}, err: "cannot be told"},
		"words of one's own":        {files: map[string]string{"LICENSE": "Ask me nicely."}, err: "cannot be told"},
		"one known, one not":        {files: map[string]string{"LICENSE": mit, "LICENSE-FONTS": "Ask me nicely."}, want: []string{"MIT"}, err: "LICENSE-FONTS"},
		"a program":                 {files: map[string]string{"LICENSE": mit, "license.go": "package license"}, want: []string{"MIT"}},
		"read by a person, changed": {module: "modernc.org/memory", files: map[string]string{"LICENSE": mit, "LICENSE-LOGO": "All rights reserved."}, want: []string{"MIT"}, err: "read it again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range test.files {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
			}
			names, err := licencesOf(dependency{test.module, "v1.0.0", dir})
			assert.Equal(t, test.want, names)
			if test.err == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.err)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	require.NoError(t, judge("mirror", []string{"MIT", "BSD-3-Clause"}))
	require.NoError(t, judge("tools", []string{"GPL-3.0"}), "nobody links the linters")
	require.ErrorContains(t, judge("mirror", []string{"MIT", "GPL-3.0"}), "GPL-3.0 is not on the list")
	require.ErrorContains(t, judge("cmd/tools", []string{"GPL-3.0"}), "GPL-3.0")
}

func TestDependenciesOfThisModule(t *testing.T) {
	t.Parallel()
	found, err := dependencies(t.Context(), "..")
	require.NoError(t, err)
	var paths []string
	for _, d := range found {
		paths = append(paths, d.path)
		assert.DirExists(t, d.dir)
	}
	assert.Contains(t, paths, "github.com/google/licensecheck", "of the program")
	assert.Contains(t, paths, "github.com/stretchr/testify", "of a test")
	assert.Contains(t, paths, "golang.org/x/vuln", "of a tool")
	_, err = dependencies(t.Context(), t.TempDir())
	require.Error(t, err)
	require.ErrorContains(t, run(t.Context(), nil), "use:")
}
