// Budget measures what the library costs the programs that import it, and how long
// the root package's documentation is, and fails if it is too much:
//
//	go run .ci/budget/main.go
//
// It runs in the module root. For each of scan, list and update it builds a
// program for one entity and one for eleven; the difference is what ten further
// entities cost a stripped binary. It compares a program that reads one ticket with
// one that does the same with net/http and encoding/json. And it compiles package
// entity, with a program that uses one of its types, and compares the CPU time with
// that of compiling net/http, since seconds differ from one machine to the next.
// Nothing is written into the module: the programs are an overlay, and so is a line
// by which each build differs from the one before, without which the build cache
// would have nothing to do.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The limits.
const (
	maxCompile  = 1.0       // CPU for entity and its program, to that for net/http
	maxHello    = 1_400_000 // bytes, stripped, over a program without the library
	maxDocLines = 1300      // of "go doc -all ."
)

// maxSlope is what a further entity may cost a stripped binary, in bytes.
var maxSlope = map[string]int64{"Scan": 22_000, "List": 20_000, "Update": 37_000}

// rounds are measured; the best one counts, since other work on the machine
// only ever adds to a time.
const rounds = 2

const (
	module    = "github.com/autotask-go/autotask"
	entity    = module + "/entity"
	yardstick = "net/http"
	wrapper   = "tool" // the argument by which this program is a -toolexec
	logEnv    = "BUDGET_LOG"
)

// entities have all three verbs.
var entities = []string{
	"Company", "Appointment", "Contact", "ConfigurationItem", "Contract", "Invoice",
	"Opportunity", "Product", "Project", "PurchaseOrder", "Quote",
}

// uses are the statements by which a program uses an entity, by verb.
var uses = map[string]string{
	"Scan": `	for page, err := range autotask.Scan[entity.%[1]s](ctx, client, q, autotask.ScanOptions{}) {
		fmt.Println(page, err)
	}
`,
	"List": `	fmt.Println(autotask.List[entity.%[1]s](ctx, client, q))
`,
	"Update": `	fmt.Println(autotask.Update(ctx, client, 1, func(v *entity.%[1]s) error { fmt.Println(v); return nil }))
`,
}

const helloProgram = `package main

import (
	"context"
	"fmt"

	"github.com/autotask-go/autotask"
)

func main() {
	client, err := autotask.NewClient(autotask.Credentials{UserName: "x", Secret: "y", IntegrationCode: "z"})
	if err != nil {
		panic(err)
	}
	t, err := client.Tickets.Get(context.Background(), 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(t.Title)
}
`

const plainProgram = `package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

func main() {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://example.com/ATServicesRest/V1.0/Tickets/1", nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("UserName", "x")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	var ticket struct{ Item struct{ Title string } }
	if err := json.NewDecoder(answer.Body).Decode(&ticket); err != nil {
		panic(err)
	}
	fmt.Println(ticket.Item.Title)
}
`

// using returns a program that uses the first n entities by a verb.
func using(verb string, n int) string {
	text := "package main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\n\t\"" + module + "\"\n\t\"" + entity + "\"\n)\n\nfunc main() {\n" +
		"\tctx, q := context.Background(), autotask.Query{}\n" +
		"\tclient, err := autotask.NewClient(autotask.Credentials{})\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\t_ = q\n"
	for _, e := range entities[:n] {
		text += fmt.Sprintf(uses[verb], e)
	}
	return text + "}\n"
}

// programs returns all programs, by their directories.
func programs() map[string]string {
	all := map[string]string{"internal/budgethello": helloProgram, "internal/budgetplain": plainProgram}
	for verb := range uses {
		for _, n := range []int{1, len(entities)} {
			all[directory(verb, n)] = using(verb, n)
		}
	}
	return all
}

func directory(verb string, n int) string {
	return fmt.Sprintf("internal/budget%s%d", strings.ToLower(verb), n)
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == wrapper {
		os.Exit(timed(os.Args[2:]))
	}
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "budget:", err)
		os.Exit(1)
	}
}

// timed runs a tool of the build and notes its CPU time.
func timed(command []string) int {
	tool := exec.Command(command[0], command[1:]...)
	tool.Stdin, tool.Stdout, tool.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := tool.Run()
	if tool.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "budget:", err)
		return 1
	}
	if pkg := os.Getenv("TOOLEXEC_IMPORTPATH"); pkg != "" && err == nil {
		cpu := tool.ProcessState.UserTime() + tool.ProcessState.SystemTime()
		err = note(spent{Package: pkg, Tool: strings.TrimSuffix(filepath.Base(command[0]), ".exe"), CPU: cpu})
	}
	if err != nil && tool.ProcessState.Success() {
		fmt.Fprintln(os.Stderr, "budget:", err)
		return 1
	}
	return tool.ProcessState.ExitCode()
}

// spent is a line of the log.
type spent struct {
	Package, Tool string
	CPU           time.Duration
}

// note appends in one write, as builds run several tools at a time.
func note(s spent) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(os.Getenv(logEnv), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = log.Write(append(line, '\n'))
	return errors.Join(err, log.Close())
}

func measure() error {
	dir, err := os.MkdirTemp("", "budget")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	sizes, err := measureSizes(dir)
	if err != nil {
		return err
	}
	ratio, err := measureCompiler(dir)
	if err != nil {
		return err
	}
	short, err := docLines()
	if err != nil {
		return err
	}
	all, err := docLines("-all")
	if err != nil {
		return err
	}
	fmt.Printf("documentation of the root package: go doc %d lines, go doc -all %d lines (limit %d)\n", short, all, maxDocLines)
	over := []error{sizes.check()}
	if ratio >= maxCompile {
		over = append(over, errors.New("entity takes too long to compile"))
	}
	if all > maxDocLines {
		over = append(over, errors.New("the root package has too much documentation to be read"))
	}
	return errors.Join(over...)
}

// sizes are those of stripped binaries, by the directory of the program.
type sizes map[string]int64

func measureSizes(dir string) (sizes, error) {
	overlay, err := writeOverlay(filepath.Join(dir, "sizes"))
	if err != nil {
		return nil, err
	}
	all := sizes{}
	for path := range programs() {
		if _, all[path], err = build(overlay, path); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s sizes) check() error {
	var over []error
	for _, verb := range []string{"Scan", "List", "Update"} {
		further := int64(len(entities) - 1)
		slope := (s[directory(verb, len(entities))] - s[directory(verb, 1)]) / further
		fmt.Printf("binary: %s, %d bytes for each of %d further entities (limit %d)\n", verb, slope, further, maxSlope[verb])
		if slope > maxSlope[verb] {
			over = append(over, fmt.Errorf("a further entity makes programs that %s it too large", strings.ToLower(verb)))
		}
	}
	hello := s["internal/budgethello"] - s["internal/budgetplain"]
	fmt.Printf("binary: reading one ticket, %d bytes more than with net/http and encoding/json (limit %d)\n", hello, maxHello)
	if hello > maxHello {
		over = append(over, errors.New("the library makes programs too large"))
	}
	return errors.Join(over...)
}

// measureCompiler returns the CPU time of compiling entity and a program that uses
// one of its types, to that of compiling net/http: the best of several rounds each.
func measureCompiler(dir string) (float64, error) {
	path := directory("Update", 1)
	best := map[string]time.Duration{}
	for i := range rounds + 1 { // the first round fills the build cache with what is not ours
		overlay, err := writeOverlay(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return 0, err
		}
		log, _, err := build(overlay, path)
		if err != nil {
			return 0, err
		}
		round := map[string]time.Duration{}
		for _, s := range log {
			if s.Tool == "compile" {
				round[s.Package] += s.CPU
			}
		}
		for _, pkg := range []string{module, entity, module + "/" + path, yardstick} {
			switch took := round[pkg]; {
			case took == 0:
				return 0, fmt.Errorf("round %d: no compiling of %s was seen, so nothing is known of it", i, pkg)
			case best[pkg] == 0 || took < best[pkg]:
				best[pkg] = took
			}
		}
	}
	ours := best[entity] + best[module+"/"+path]
	ratio := float64(ours) / float64(best[yardstick])
	fmt.Printf("CPU to compile: root %s, entity %s, its program %s, %s %s: entity and program %.2f of %s (limit %.2f)\n",
		seconds(best[module]), seconds(best[entity]), seconds(best[module+"/"+path]), yardstick, seconds(best[yardstick]), ratio, yardstick, maxCompile)
	return ratio, nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// writeOverlay writes the programs, and the root package, entity and net/http with
// a comment that no build has seen before.
func writeOverlay(dir string) (overlay string, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	files := make(map[string]string)
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for path, text := range programs() {
		files[filepath.Join(root, path, "main.go")] = text
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	for _, path := range []string{
		filepath.Join(root, "doc.go"), filepath.Join(root, "entity", "doc.go"),
		filepath.Join(strings.TrimSpace(string(goroot)), "src", "net", "http", "doc.go"),
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		files[path] = string(text)
	}
	replace := make(map[string]string)
	for path, text := range files {
		copied := filepath.Join(dir, fmt.Sprint(len(replace), ".go"))
		if err := os.WriteFile(copied, fmt.Appendf(nil, "%s\n// %s %d\n", text, dir, time.Now().UnixNano()), 0o600); err != nil {
			return "", err
		}
		replace[path] = copied
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// build builds one program, and returns what its tools took and its size.
func build(overlay, path string) (log []spent, size int64, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, 0, err
	}
	base := filepath.Join(filepath.Dir(overlay), filepath.Base(path))
	logFile, binary := base+".log", base+".exe"
	command := exec.Command("go", "build", "-toolexec="+quoted(self)+" "+wrapper, "-overlay="+overlay, "-ldflags=-s -w", "-o", binary, "./"+path)
	command.Env = append(os.Environ(), logEnv+"="+logFile, "GOWORK=off")
	if output, err := command.CombinedOutput(); err != nil {
		return nil, 0, fmt.Errorf("building %s: %w\n%s", path, err, output)
	}
	text, err := os.ReadFile(logFile)
	if err != nil {
		return nil, 0, err
	}
	for line := range bytes.Lines(text) {
		var s spent
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", logFile, err)
		}
		log = append(log, s)
	}
	info, err := os.Stat(binary)
	if err != nil {
		return nil, 0, err
	}
	return log, info.Size(), nil
}

// quoted keeps a path with spaces in one piece: the go command splits the
// value of -toolexec.
func quoted(path string) string { return `"` + path + `"` }

func docLines(flags ...string) (int, error) {
	output, err := exec.Command("go", append(append([]string{"doc"}, flags...), ".")...).Output()
	if err != nil {
		return 0, fmt.Errorf("go doc: %w", err)
	}
	return bytes.Count(output, []byte("\n")), nil
}
