// Package docs_test holds the documents to what cites them.
package docs_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sections returns the numbers of the sections of the notes.
func sections(notes string) map[string]bool {
	numbers := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^##+ ([0-9.]*[0-9])\.? `).FindAllStringSubmatch(notes, -1) {
		numbers[m[1]] = true
	}
	return numbers
}

func notes(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("api-notes.md")
	require.NoError(t, err)
	return string(b)
}

// Comments and documents cite sections that are there. A citation may be wrapped
// over two lines of a comment.
func TestCitationsOfTheNotes(t *testing.T) {
	t.Parallel()
	there := sections(notes(t))
	breaks := regexp.MustCompile("\n[\t ]*(//)?[\t ]*")
	citation := regexp.MustCompile(`api-notes\.md,? sections? ([0-9.]*[0-9](?:(?:, | and )[0-9.]*[0-9])*)`)
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".md") {
			return err
		}
		b, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		for _, m := range citation.FindAllStringSubmatch(breaks.ReplaceAllString(string(b), " "), -1) {
			for _, n := range regexp.MustCompile(`[0-9.]*[0-9]`).FindAllString(m[1], -1) {
				assert.True(t, there[n], "%s cites section %s of api-notes.md, which does not exist", path, n)
			}
		}
		return nil
	})
	require.NoError(t, err)
}

// The notes refer to sections of their own that are there, and every fact says
// how it is known.
func TestNotesAreConsistent(t *testing.T) {
	t.Parallel()
	text := notes(t)
	there := sections(text)
	for _, n := range []string{"1", "7.4", "18"} {
		require.True(t, there[n], n)
	}
	for _, m := range regexp.MustCompile(`\(([0-9]+(?:\.[0-9]+)?)\)|see ([0-9]+\.[0-9]+)`).FindAllStringSubmatch(text, -1) {
		assert.True(t, there[m[1]+m[2]], "section %s does not exist", m[1]+m[2])
	}
	for _, m := range regexp.MustCompile(`\]\(#([0-9]+)-`).FindAllStringSubmatch(text, -1) {
		assert.True(t, there[m[1]], "section %s does not exist", m[1])
	}

	_, facts, found := strings.Cut(text, "\n## 1. ")
	require.True(t, found)
	facts, _, found = strings.Cut(facts, "\n## 18. ")
	require.True(t, found)
	source := regexp.MustCompile(`\[[^\]]*(CONTRACT|LIVE|DOC|SWAGGER|META|PEER|INFER)|\([0-9]+(\.[0-9]+)?\)|see [0-9]|See [0-9]`)
	for _, fact := range strings.Split(facts, "\n- ")[1:] {
		fact, _, _ = strings.Cut(fact, "\n\n")
		assert.Regexp(t, source, fact, "how is this known?")
	}
}
