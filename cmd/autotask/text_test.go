package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "a\tb\r\nc": "a b c", "\x1b[31mred\x1b[0m": "[31mred[0m", "a\u202eb": "ab", "x\u009by": "xy", "\n\nz\n": "z",
		"日本": "日本", "a\u2028b": "a b",
	} {
		assert.Equal(t, want, clean(in), "%q", in)
	}
}

// A wrapped text keeps its words, and no line is longer than the terminal.
func TestWrap(t *testing.T) {
	t.Parallel()
	texts := []string{
		"a short one", strings.Repeat("word ", 40), strings.Repeat("x", 200), "日本語のフォントが表示されない 日本語のフォントが表示されない", "  indented text that goes on",
		"", "a " + strings.Repeat("y", 90) + " b",
	}
	for columns := 12; columns < 100; columns++ {
		for _, text := range texts {
			lines := wrap(text, columns)
			for _, line := range lines {
				require.LessOrEqual(t, widthOf(line), columns, "%q", line)
			}
			require.Equal(t, strings.Join(strings.Fields(text), ""), strings.Join(strings.Fields(strings.Join(lines, " ")), ""))
		}
	}
	assert.Equal(t, []string{strings.Repeat("word ", 40)}, wrap(strings.Repeat("word ", 40), 0))
}

// A table fits every terminal, and never shortens an id.
func TestTableFits(t *testing.T) {
	t.Parallel()
	tab := newTable("id", "title", "description", "status", "companyID")
	tab.add("29684001", strings.Repeat("long title ", 5), strings.Repeat("日本", 30), "New", "175")
	tab.add("1", "short", "", "In Progress", "29684002")
	for columns := 20; columns < 200; columns++ {
		var b bytes.Buffer
		require.NoError(t, tab.write(&b, columns))
		for line := range strings.Lines(b.String()) {
			require.LessOrEqual(t, widthOf(strings.TrimRight(line, "\n")), columns)
		}
		require.Contains(t, b.String(), "29684001")
		require.Contains(t, b.String(), "29684002")
	}
}
