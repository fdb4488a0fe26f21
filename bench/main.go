// Command bench measures this library beside the same requests written by hand,
// on the same bytes, in one run. See README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"runtime/pprof"
)

func main() {
	var r run
	server := flag.Bool("serve", false, "be the server (the command starts it itself)")
	flag.BoolVar(&r.quick, "quick", false, "measure for a few seconds only, to see that it works")
	flag.IntVar(&r.runs, "runs", 3, "measure everything so many times: the figures are the medians (1 with -quick)")
	flag.StringVar(&r.only, "run", "", "measure only the operations that match, such as ^get/canned")
	asJSON := flag.Bool("json", false, "print JSON")
	asMarkdown := flag.Bool("markdown", false, "print a Markdown table")
	asSVG := flag.Bool("svg", false, "print a bar chart")
	cpuProfile := flag.String("cpuprofile", "", "write a CPU profile to this file")
	memProfile := flag.String("memprofile", "", "write a profile of allocations to this file")
	only := flag.String("contender", "", "leave out all contenders but this and plain")
	flag.Parse()
	r.standard = *asJSON
	if *server {
		exitOn(serve(context.Background()))
		return
	}
	for name := range contenders {
		if *only != "" && name != *only && name != plain || r.standard && name != ours && name != plain && name != floor {
			delete(contenders, name)
		}
	}
	if *memProfile != "" {
		runtime.MemProfileRate = 4096
	}
	if *cpuProfile != "" {
		f, err := os.Create(*cpuProfile)
		exitOn(err)
		exitOn(pprof.StartCPUProfile(f))
	}
	report, err := r.all(context.Background())
	pprof.StopCPUProfile()
	exitOn(err)
	if *memProfile != "" {
		f, err := os.Create(*memProfile)
		exitOn(err)
		exitOn(pprof.Lookup("allocs").WriteTo(f, 0))
		exitOn(f.Close())
	}
	switch {
	case *asJSON:
		exitOn(report.json(os.Stdout))
	case *asMarkdown:
		report.markdown(os.Stdout)
	case *asSVG:
		report.svg(os.Stdout)
	default:
		report.text(os.Stdout)
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is what to measure.
type run struct {
	quick    bool
	runs     int
	only     string
	standard bool // what -json has, and nothing else
}

// all measures everything several times and returns the medians.
func (r run) all(ctx context.Context) (report, error) {
	matching, err := regexp.Compile(r.only)
	if err != nil {
		return report{}, err
	}
	if r.quick {
		r.runs = 1
	}
	host, stop, err := startServer(ctx)
	if err != nil {
		return report{}, err
	}
	defer stop()
	var reports []report
	for range max(1, r.runs) {
		rep, err := r.once(ctx, matching, host)
		if err != nil {
			return report{}, err
		}
		reports = append(reports, rep)
	}
	return median(reports), nil
}

func (r run) once(ctx context.Context, matching *regexp.Regexp, host string) (report, error) {
	loopback := func(s sample) service {
		return service{host + string(s) + basePath, &http.Transport{MaxIdleConnsPerHost: 4}}
	}
	canned := func(s sample) service {
		const host = "https://webservices.example.com"
		return service{host + string(s) + basePath, newTenant(host, s)}
	}
	var rep report
	if matching.MatchString("heap") {
		for _, name := range names() {
			h, err := peakHeap(ctx, name, loopback(full))
			if err != nil {
				return rep, fmt.Errorf("heap, %s: %w", name, err)
			}
			rep.heaps = append(rep.heaps, h)
		}
	}
	e := thorough
	if r.quick {
		e = quick
	}
	// One thread that runs Go code: the collector's helpers do not spin then,
	// and the server has the rest of the machine.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, t := range []struct {
		name string
		open func(sample) service
	}{{"canned", canned}, {"loopback", loopback}} {
		for _, op := range allOperations {
			if !matching.MatchString(op.name+"/"+t.name) || r.standard && !op.standard() {
				continue
			}
			results, err := e.measure(ctx, op, t.name, t.open(op.sample))
			if err != nil {
				return rep, err
			}
			rep.results = append(rep.results, results...)
		}
	}
	return rep, nil
}
