package progress_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/examples/internal/progress"
)

func TestPlainLinesElsewhere(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	l := progress.New(&w)
	assert.False(t, l.Terminal)
	l.Show("one")
	l.Show("two")
	l.Clear()
	assert.Equal(t, "one\ntwo\n", w.String())
}

func TestOneLineOnATerminal(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	l := progress.New(&w)
	l.Terminal, l.Columns = true, func() int { return 80 }
	l.Show("three")
	l.Show("four")
	l.Clear()
	l.Clear()
	assert.Equal(t, "\rthree\rfour \r    \r", w.String())
}

// Whatever the width and the text, a terminal's line is never full, so that it
// neither wraps nor scrolls, and nothing of the text before is left.
func TestOneLineFitsAnyWidth(t *testing.T) {
	t.Parallel()
	texts := []string{strings.Repeat("a", 200), "short", strings.Repeat("é", 79), "", strings.Repeat("b", 40), "x"}
	for columns := 1; columns <= 250; columns++ {
		var w bytes.Buffer
		l := progress.New(&w)
		l.Terminal, l.Columns = true, func() int { return columns }
		for _, text := range texts {
			w.Reset()
			l.Show(text)
			line, found := strings.CutPrefix(w.String(), "\r")
			require.True(t, found)
			require.LessOrEqual(t, utf8.RuneCountInString(line), max(columns-1, 1), "%d columns", columns)
			require.NotContains(t, line, "\n")
			if columns > utf8.RuneCountInString(text) {
				require.Equal(t, text, strings.TrimRight(line, " "))
			}
		}
		w.Reset()
		l.Clear()
		require.LessOrEqual(t, len(strings.Trim(w.String(), "\r")), max(columns-1, 1))
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for columns, want := range map[int]string{80: "a long text", 12: "a long text", 11: "a text", 7: "a text", 6: "text", 5: "text", 4: "te…", 1: "…"} {
		var w bytes.Buffer
		l := progress.New(&w)
		l.Terminal, l.Columns = true, func() int { return columns }
		l.Show("a long text", "a text", "text")
		assert.Equal(t, "\r"+want, w.String(), "%d columns", columns)
	}
	var w bytes.Buffer
	l := progress.New(&w)
	l.Show("a long text", "a text", "text")
	assert.Equal(t, "a long text\n", w.String(), "through a pipe")
}

// A terminal that becomes narrower is asked again.
func TestWidthIsThatOfTheMoment(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	l := progress.New(&w)
	columns := 80
	l.Terminal, l.Columns = true, func() int { return columns }
	l.Show(strings.Repeat("a", 60))
	w.Reset()
	columns = 40
	l.Show("b")
	assert.Equal(t, "\rb"+strings.Repeat(" ", 38), w.String())
}

//nolint:paralleltest // it sets a variable
func TestColumnsVariable(t *testing.T) {
	device, err := os.Open(os.DevNull) // a device that is no terminal has no width
	require.NoError(t, err)
	defer func() { _ = device.Close() }()
	for value, want := range map[string]int{"": 80, "40": 40, "132": 132, "0": 80, "-5": 80, "wide": 80} {
		t.Setenv("COLUMNS", value)
		assert.Equal(t, want, progress.New(device).Columns(), value)
		assert.Equal(t, want, progress.New(&bytes.Buffer{}).Columns(), value)
	}
}

func TestDevicesAreTerminalsAndFilesAreNot(t *testing.T) {
	t.Parallel()
	device, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer func() { _ = device.Close() }()
	assert.True(t, progress.New(device).Terminal)
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	assert.False(t, progress.New(file).Terminal)
}
