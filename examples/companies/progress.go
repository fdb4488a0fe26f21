package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// step is how many companies there are between two lines of progress: a page.
const step = 500

// progress tells how far a long list is: on a terminal by a line that is
// written anew, elsewhere by a line each time.
type progress struct {
	w        io.Writer
	terminal bool
	total    int64
	width    int // of what stands on the terminal's line
}

func newProgress(w io.Writer) *progress { return &progress{w: w, terminal: isTerminal(w)} }

// isTerminal is true of devices, the null device among them, which does not mind.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// begin shows the first line, if the list is long enough for one.
func (p *progress) begin(total int64) {
	p.total = total
	p.show(0)
}

// show says how many have been read. Companies may be added meanwhile.
func (p *progress) show(read int64) {
	p.total = max(p.total, read)
	if p.total <= step {
		return
	}
	line := fmt.Sprintf("companies: %s of %s", thousands(read), thousands(p.total))
	if !p.terminal {
		fmt.Fprintln(p.w, line)
		return
	}
	p.clear()
	fmt.Fprint(p.w, line)
	p.width = len(line)
}

// clear takes the line off the terminal, for others to write there.
func (p *progress) clear() {
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
		p.width = 0
	}
}

func thousands(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
