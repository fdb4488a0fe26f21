package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// object prints a value as JSON in one line.
func (a *app) object(v any) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = a.out.Write(append(b, '\n'))
	return err
}

func (a *app) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(a.out, format, args...)
	return err
}

// paragraph prints a text, wrapped to the terminal.
func (a *app) paragraph(format string, args ...any) error {
	for _, line := range wrap(clean(fmt.Sprintf(format, args...)), a.columns()) {
		if err := a.printf("%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// print prints a table.
func (a *app) print(t *table) error { return t.write(a.out, a.columns()) }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// progress is a line on a terminal that shows how far the work has come.
type progress struct {
	*app

	last  time.Time
	shown int
}

func (a *app) newProgress() *progress { return &progress{app: a} }

// show replaces the line, ten times a second at most.
func (p *progress) show(format string, args ...any) {
	if !p.progress || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	line := cut(clean(fmt.Sprintf(format, args...)), max(p.errColumns(), leastColumns)-1)
	fmt.Fprintf(p.stderr, "\r%s", pad(line, p.shown))
	p.last, p.shown = time.Now(), widthOf(line)
}

// clear removes the line, so that others can write there.
func (p *progress) clear() {
	if p.shown > 0 {
		fmt.Fprintf(p.stderr, "\r%s\r", strings.Repeat(" ", p.shown))
	}
	p.shown, p.last = 0, time.Time{}
}
