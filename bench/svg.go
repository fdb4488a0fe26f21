package main

import (
	"fmt"
	"io"
)

// svg draws the CPU time and the allocations of this library, the canned
// transport's, as bars beside a line that is plain.
func (r report) svg(out io.Writer) {
	const (
		left, scale = 190, 260 // pixels; scale is the length of 1
		bar, gap    = 14, 10
		width       = left + 2*scale
	)
	y := 54
	var body string
	add := func(format string, a ...any) { body += fmt.Sprintf(format, a...) + "\n" }
	for _, m := range r.results {
		if m.transport != "canned" || m.contender != ours || !m.operation.standard() {
			continue
		}
		name := m.operation.title
		add(`<text x="%d" y="%d" text-anchor="end">%s</text>`, left-8, y+bar+4, name)
		for i, v := range []float64{m.toPlain.CPU, m.toPlain.Allocs} {
			class := []string{"cpu", "allocs"}[i]
			at := y + i*bar
			add(`<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"/>`, class, left, at, min(v, 1.7)*scale, bar-2)
			add(`<text x="%.1f" y="%d">%.2f</text>`, left+min(v, 1.7)*scale+6, at+bar-4, v)
		}
		y += 2*bar + gap
	}
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img" aria-label="CPU time and allocations of this library in proportion to net/http with encoding/json">
<style>text{fill:#57606a}.cpu{fill:#1f6feb}.allocs{fill:#8ab4f8}line{stroke:#57606a;stroke-dasharray:3 3}</style>
<rect class="cpu" x="%d" y="10" width="12" height="12"/><text x="%d" y="20">CPU time</text>
<rect class="allocs" x="%d" y="10" width="12" height="12"/><text x="%d" y="20">allocations</text>
<text x="%d" y="40" text-anchor="middle">1.00: net/http and encoding/json by hand</text>
<line x1="%d" x2="%d" y1="46" y2="%d"/>
%s</svg>
`, width, y, left, left+18, left+100, left+118, left+scale, left+scale, left+scale, y-gap, body)
}
