package conformance_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/conformance"
)

var update = flag.Bool("update", false, "write the table of docs/conformance.md")

const tableMark = "-run TestDocs -update -->\n\n"

// TestDocs holds docs/conformance.md to the code.
func TestDocs(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "docs", "conformance.md")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	head, table, ok := strings.Cut(string(b), tableMark)
	require.True(t, ok)
	if *update {
		head = regexp.MustCompile(`At most \S+ requests for reads only, at most \S+ with`).ReplaceAllLiteralString(head,
			fmt.Sprintf("At most %d requests for reads only, at most %d with", most(t, false), most(t, true)))
		require.NoError(t, os.WriteFile(path, []byte(head+tableMark+checkTable()), 0o644))
		return
	}
	assert.Equal(t, checkTable(), table, "run go test ./conformance -run TestDocs -update")
	assert.Contains(t, head, fmt.Sprintf("At most %d requests for reads only, at most %d with", most(t, false), most(t, true)))
}

func checkTable() string {
	var b strings.Builder
	b.WriteString("| check | | what holds, or is asked | what is sent | what must come back | the fake | evidence |\n|---|---|---|---|---|---|---|\n")
	for _, c := range conformance.Checks() {
		mark := ""
		if c.Writes {
			mark = "W"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", c.ID, mark, c.Title, c.Asks, c.Expects, c.Fake, c.Evidence)
	}
	return b.String()
}

// most is what the plan says.
func most(t *testing.T, write bool) int {
	t.Helper()
	srv := autotasktest.NewInProcess(t)
	n := 0
	o := conformance.Options{Write: write, CompanyID: autotasktest.CustomerID, Plan: func(plan string) {
		if _, after, ok := strings.Cut(plan, "at most "); ok && n == 0 {
			_, err := fmt.Sscanf(after, "%d requests", &n)
			require.NoError(t, err)
		}
	}}
	_, err := conformance.Run(t.Context(), tenant(srv), o)
	require.NoError(t, err)
	return n
}

// TestSections demands that every section of the notes that a check cites exists.
func TestSections(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "docs", "api-notes.md"))
	require.NoError(t, err)
	cited := regexp.MustCompile(`\d+(\.\d+)?`)
	for _, c := range conformance.Checks() {
		number, ok := strings.CutPrefix(c.Section, "notes ")
		if !ok {
			assert.Regexp(t, `^contract (10|\d(\.\d)?)$`, c.Section, c.ID)
			continue
		}
		for _, n := range cited.FindAllString(number, -1) {
			assert.Regexp(t, `(?m)^##+ `+regexp.QuoteMeta(n)+`[. ]`, string(b), c.ID)
		}
	}
}
