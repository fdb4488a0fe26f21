package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// everyCommand is how each command is shown on the fake tenant. A command without an
// entry fails TestGolden.
var everyCommand = map[string][]string{
	"doctor":          {"doctor"},
	"get":             {"get", "Tickets", "T20261001.0002"},
	"query":           {"query", "Tickets", "status", "eq", "New", "-limit", "6"},
	"query-csv":       {"query", "Companies", "-fields", "companyName,phone", "-csv"},
	"query-json":      {"query", "Tickets", "status", "eq", "New", "-limit", "3", "-fields", "title,status", "-json", "-labels"},
	"count":           {"count", "Tickets", "status", "in", "New,Complete"},
	"fields":          {"fields", "TicketNotes"},
	"fields-udf":      {"fields", "Tickets", "-udf"},
	"picklist":        {"picklist", "Tickets", "subIssueType"},
	"statuses":        {"statuses"},
	"open":            {"open", "29684009"},
	"resolve":         {"resolve", "29684009", "-text", "It works.", "-note", "No errors.", "-note-title", "Checked", "-note-type", "1", "-publish", "1"},
	"resolve-dry":     {"resolve", "29684009", "-text", "It works.", "-note", "No errors.", "-note-title", "Checked", "-note-type", "1", "-publish", "1", "-dry-run"},
	"resolve-all":     {"resolve-all"},
	"resolve-all-dry": {"resolve-all", "-dry-run"},
	"alert": {
		"alert", "-company", "Acme Bakery", "-key", "backup/MAIL-02", "-event", "run-4711", "-title", "Backup failed", "-set", "priority=High",
		"-note-type", "1", "-publish", "1",
	},
	"alert-dry": {
		"alert", "-company-id", "175", "-key", "backup/MAIL-02", "-event", "run-4711", "-title", "Backup failed", "-set", "priority=High",
		"-note-type", "1", "-publish", "1", "-dry-run",
	},
	"clear":         {"clear", "-company-id", "0", "-key", "backup/MAIL-02"},
	"changes":       {"changes", "-to", "jsonl", "-collections", "Roles"},
	"verify":        {"verify"},
	"help":          {"help"},
	"help-query":    {"help", "query"},
	"exit-codes":    {"help", "exit-codes"},
	"wrong-command": {"qurey"},
	"wrong-flag":    {"query", "Tickets", "-limitt", "3"},
	"wrong-label":   {"query", "Tickets", "status", "eq", "Nwe"},
	"not-found":     {"get", "Tickets", "T20990101.0001"},
}

// withoutGolden are the commands that another test runs.
var withoutGolden = map[string]string{
	"fake":       "TestFake: it runs until a signal",
	"completion": "TestCompletion: its text is cobra's",
	"help":       "",
}

func TestEveryCommandHasAGolden(t *testing.T) {
	t.Parallel()
	shown := make(map[string]bool)
	for _, args := range everyCommand {
		shown[args[0]] = true
	}
	for _, c := range (&app{world: &world{}}).root().Commands() {
		if _, other := withoutGolden[c.Name()]; !other && c.Runnable() {
			assert.True(t, shown[c.Name()], c.Name())
		}
	}
}

// volatile is what differs from run to run.
var volatile = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`in [\d.]+(µs|ms|s)`), "in TIME"},
	{regexp.MustCompile(`within [\d.]+m?s`), "within TIME"},
}

func (r result) golden(code bool) string {
	text := r.stdout
	if r.stderr != "" {
		text += "--- stderr\n" + r.stderr
	}
	if code {
		text += fmt.Sprintf("--- exit code %d\n", r.code)
	}
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.with)
	}
	return text
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, args := range everyCommand {
		for _, columns := range []int{80, 40, 0} {
			where := fmt.Sprint(columns)
			if columns == 0 {
				where = "pipe"
			}
			t.Run(name+"-"+where, func(t *testing.T) {
				t.Parallel()
				r := setting{columns: columns}.run(t.Context(), append([]string{"-demo"}, args...)...)
				assertFits(t, r, columns, args)
				if name == "verify" { // its report has a test of its own
					require.Equal(t, exitOK, r.code, r.stderr)
					return
				}
				path := filepath.Join("testdata", name+"-"+where+".golden")
				if *update {
					require.NoError(t, os.WriteFile(path, []byte(r.golden(true)), 0o600))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.Equal(t, string(want), r.golden(true))
			})
		}
	}
}

// assertFits checks what holds of all output: no control characters, and no line that
// is longer than the terminal, but for what a program or a person copies whole.
func assertFits(t *testing.T, r result, columns int, args []string) {
	t.Helper()
	assert.NotRegexp(t, `[\x00-\x09\x0b-\x1f\x7f]`, r.stdout)
	copied := args[0] == "open" || strings.Contains(strings.Join(args, " "), "-json") || strings.Contains(strings.Join(args, " "), "-csv") || args[0] == "changes"
	lines := strings.Split(r.stderr, "\n")
	for i, l := range lines { // progress rewrites its line
		lines[i] = l[strings.LastIndex(l, "\r")+1:]
	}
	if !copied {
		lines = append(lines, strings.Split(r.stdout, "\n")...)
	}
	for _, line := range lines {
		assert.True(t, utf8.ValidString(line))
		if columns > 0 {
			assert.LessOrEqual(t, widthOf(line), columns, "%q", line)
		}
	}
}

// Through a pipe a table has its full width, and each column begins at one place.
func TestPipedTableIsWhole(t *testing.T) {
	t.Parallel()
	r := setting{}.want(t, exitOK, "-demo", "query", "Tickets", "-fields", "id,title,status")
	lines := strings.Split(strings.TrimRight(r.stdout, "\n"), "\n")
	require.Len(t, lines, demoTickets+1)
	at := strings.Index(lines[0], "status")
	assert.NotContains(t, r.stdout, "…")
	for _, line := range lines[1:] {
		assert.Contains(t, "NCWI", string([]rune(line)[runesBefore(line, at)]), line)
	}
}

func runesBefore(line string, columns int) (n int) {
	for _, r := range line {
		if columns <= 0 {
			return n
		}
		columns -= widthOfRune(r)
		n++
	}
	return n
}
