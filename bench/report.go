package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what was measured.
type report struct {
	results []result
	heaps   []heap
}

// median is the report of several runs: of each figure, its median.
func median(reports []report) report {
	of := reports[0]
	for i := range of.results {
		var costs, ratios []cost
		for _, r := range reports {
			costs = append(costs, r.results[i].cost)
			ratios = append(ratios, r.results[i].toPlain)
		}
		of.results[i].cost, of.results[i].toPlain = medians(costs), medians(ratios)
	}
	for i := range of.heaps {
		var costs []cost
		for _, r := range reports {
			costs = append(costs, cost{Bytes: float64(r.heaps[i].alloc), Wall: float64(r.heaps[i].inUse)})
		}
		m := medians(costs)
		of.heaps[i].alloc, of.heaps[i].inUse = uint64(m.Bytes), uint64(m.Wall)
	}
	return of
}

func machine() string {
	return fmt.Sprintf("%s, %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func (r report) text(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s; per operation, and in proportion to %s\n", machine(), plain)
	fmt.Fprintln(w, "operation\ttransport\tcontender\tCPU\t\twall\t\tbytes\t\tallocs\t\t")
	for _, m := range r.results {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.2f\t%s\t%.2f\t%.0f\t%.2f\t%.0f\t%.2f\t\n",
			m.operation.name, m.transport, m.contender,
			duration(m.cost.CPU), m.toPlain.CPU, duration(m.cost.Wall), m.toPlain.Wall,
			m.cost.Bytes, m.toPlain.Bytes, m.cost.Allocs, m.toPlain.Allocs)
	}
	_ = w.Flush() // there is nobody to tell when the output is gone
	for _, h := range r.heaps {
		fmt.Fprintf(out, "All, 20 pages of 500, loopback, %s: the heap grows by at most %s (HeapAlloc), %s (HeapInuse)\n",
			h.contender, mega(h.alloc), mega(h.inUse))
	}
}

func (r report) markdown(out io.Writer) {
	row := func(first string, cells ...string) {
		fmt.Fprintf(out, "| %s | %s |\n", first, strings.Join(cells, " | "))
	}
	row(machine(), "CPU", "wall time", "bytes", "allocations")
	row("---", "--:", "--:", "--:", "--:")
	for _, transport := range []string{"canned", "loopback"} {
		for _, m := range r.results {
			if m.transport == transport && m.contender == ours {
				c := m.toPlain
				row(m.operation.title+", "+transport, ratio(c.CPU), ratio(c.Wall), ratio(c.Bytes), ratio(c.Allocs))
			}
		}
	}
	fmt.Fprintln(out)
	r.others(row)
	for _, h := range r.heaps {
		if h.contender == ours {
			fmt.Fprintf(out, "\nReading 10,000 tickets with All takes at most %s of heap, garbage included.\n", mega(h.alloc))
		}
	}
}

// others prints the contenders beside each other, CPU time and allocations, the
// canned transport's.
func (r report) others(row func(first string, cells ...string)) {
	all := slices.DeleteFunc(names(), func(name string) bool { return name == plain || name == floor })
	row("CPU / allocations, canned", all...)
	row("---", slices.Repeat([]string{"--:"}, len(all))...)
	for _, op := range allOperations {
		var cells []string
		for _, m := range r.results {
			if m.operation.name == op.name && m.transport == "canned" && slices.Contains(all, m.contender) {
				cells = append(cells, ratio(m.toPlain.CPU)+" / "+ratio(m.toPlain.Allocs))
			}
		}
		if len(cells) > 0 {
			row(op.title, cells...)
		}
	}
}

func ratio(x float64) string { return fmt.Sprintf("%.2f", x) }

// line is an operation of this library in JSON.
type line struct {
	Operation      string  `json:"operation"`
	Transport      string  `json:"transport"`
	CPUToPlain     float64 `json:"cpu_to_plain"`
	WallToPlain    float64 `json:"wall_to_plain"`
	BytesToPlain   float64 `json:"bytes_to_plain"`
	AllocsToPlain  float64 `json:"allocs_to_plain"`
	FloorToPlain   float64 `json:"floor_cpu_to_plain,omitempty"`
	CPU            float64 `json:"cpu_ns"`
	Wall           float64 `json:"wall_ns"`
	Bytes          float64 `json:"bytes"`
	Allocs         float64 `json:"allocs"`
	PeakHeapGrowth uint64  `json:"peak_heap_growth_bytes,omitempty"`
}

// json prints one object for each operation and transport: this library's.
func (r report) json(out io.Writer) error {
	floors := map[string]float64{}
	for _, m := range r.results {
		if m.contender == floor {
			floors[m.operation.name+m.transport] = m.toPlain.CPU
		}
	}
	lines := []line{}
	for _, m := range r.results {
		if m.contender != ours {
			continue
		}
		l := line{
			Operation: m.operation.name, Transport: m.transport,
			CPUToPlain: m.toPlain.CPU, WallToPlain: m.toPlain.Wall, BytesToPlain: m.toPlain.Bytes, AllocsToPlain: m.toPlain.Allocs,
			FloorToPlain: floors[m.operation.name+m.transport],
			CPU:          m.cost.CPU, Wall: m.cost.Wall, Bytes: m.cost.Bytes, Allocs: m.cost.Allocs,
		}
		if m.operation.name == "all20x500" && m.transport == "loopback" {
			for _, h := range r.heaps {
				if h.contender == ours {
					l.PeakHeapGrowth = h.alloc
				}
			}
		}
		lines = append(lines, l)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(lines)
}

func duration(ns float64) string {
	d := time.Duration(ns)
	switch {
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	default:
		return d.Round(10 * time.Nanosecond).String()
	}
}

func mega(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
