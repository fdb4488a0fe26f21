package main

import (
	"fmt"
	"io"

	"github.com/autotask-go/autotask/examples/internal/progress"
	"github.com/autotask-go/autotask/internal/english"
)

// step is the number of companies between two progress updates: one page.
const step = 500

// reading shows how much of a long list has been read.
type reading struct {
	*progress.Line
	total int64
}

func newReading(w io.Writer) *reading { return &reading{Line: progress.New(w)} }

// begin shows the first line, if the list is long enough for one.
func (r *reading) begin(total int64) {
	r.total = total
	r.show(0)
}

// show shows how many have been read. Companies may be added meanwhile.
func (r *reading) show(read int64) {
	r.total = max(r.total, read)
	if r.total > step {
		r.Show(fmt.Sprintf("companies: %s of %s", english.Thousands(read), english.Thousands(r.total)))
	}
}
