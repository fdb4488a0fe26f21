// Package progress shows the progress of long work: on a terminal in one line that is
// rewritten, elsewhere in plain lines.
package progress

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Line is where progress is shown.
type Line struct {
	Terminal bool
	// Columns returns the current width of the terminal.
	Columns func() int

	w     io.Writer
	width int // of the text on the terminal's line
}

// New returns the line of a writer, which is a terminal if it is a character device.
// The null device is one too, which does no harm.
func New(w io.Writer) *Line {
	l := &Line{w: w, Columns: func() int { return narrowest(os.Getenv("COLUMNS"), 0) }}
	f, isFile := w.(*os.File)
	if !isFile {
		return l
	}
	info, err := f.Stat()
	l.Terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	l.Columns = func() int { return narrowest(os.Getenv("COLUMNS"), columnsOf(f)) }
	return l
}

const usualColumns = 80

// narrowest returns the smaller of the known widths. A line that is too short is
// harmless, but one that is too long wraps.
func narrowest(variable string, device int) int {
	n, err := strconv.Atoi(variable)
	switch {
	case err != nil || n <= 0:
		n = device
	case device > 0:
		n = min(n, device)
	}
	if n <= 0 {
		return usualColumns
	}
	return n
}

// Show writes a text: over the previous one on a terminal, below it elsewhere. Of
// several versions, from long to short, a terminal shows the first that fits its
// width; the last one is cut if necessary. Elsewhere the first is shown.
func (l *Line) Show(versions ...string) {
	if !l.Terminal {
		fmt.Fprintln(l.w, versions[0])
		return
	}
	room := l.room()
	text := versions[0]
	for _, text = range versions {
		if utf8.RuneCountInString(text) <= room {
			break
		}
	}
	text = cut(text, room)
	fmt.Fprintf(l.w, "\r%-*s", min(l.width, room), text)
	l.width = utf8.RuneCountInString(text)
}

// Clear removes the text from the terminal, so that others can write there.
func (l *Line) Clear() {
	if l.width > 0 {
		fmt.Fprintf(l.w, "\r%s\r", strings.Repeat(" ", min(l.width, l.room())))
		l.width = 0
	}
}

// room is how many characters a line may have. The last column stays free, because
// some terminals wrap as soon as it is written.
func (l *Line) room() int { return max(l.Columns()-1, 1) }

func cut(text string, room int) string {
	if utf8.RuneCountInString(text) <= room {
		return text
	}
	return string([]rune(text)[:room-1]) + "…"
}
