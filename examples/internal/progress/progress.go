// Package progress shows how far a long piece of work is: on a terminal by a
// line that is written anew, elsewhere by plain lines.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Line is the place where progress is shown.
type Line struct {
	Terminal bool

	w     io.Writer
	width int // of what stands on the terminal's line
}

// New returns the line of a writer, which is a terminal if it is a device (the
// null device is one, too, and does not mind).
func New(w io.Writer) *Line {
	f, isFile := w.(*os.File)
	if !isFile {
		return &Line{w: w}
	}
	info, err := f.Stat()
	return &Line{w: w, Terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// Show writes a text: over the one before on a terminal, below it elsewhere.
func (l *Line) Show(text string) {
	if !l.Terminal {
		fmt.Fprintln(l.w, text)
		return
	}
	fmt.Fprintf(l.w, "\r%-*s", l.width, text)
	l.width = len(text)
}

// Clear takes the text off the terminal, for others to write there.
func (l *Line) Clear() {
	if l.width > 0 {
		fmt.Fprintf(l.w, "\r%s\r", strings.Repeat(" ", l.width))
		l.width = 0
	}
}

// Thousands writes a number that is not negative in groups of three digits.
func Thousands[N int | int64](n N) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", Thousands(n/1000), n%1000)
}
