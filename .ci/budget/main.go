// Budget measures what package entity costs the programs that import it, and
// how long the root package's documentation is, and fails if it is too much:
//
//	go run .ci/budget/main.go
//
// It runs in the module root. It builds a program that uses the root package
// only, and the same with one entity, and adds up the CPU time of the compiler
// and the linker for what is ours. Nothing is written into the module: the
// programs are an overlay, and so is a line by which each build differs from the
// one before, without which the build cache would have nothing to do.
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
	maxCompile  = 2 * time.Second // CPU, for entity and the program that uses it
	maxGrowth   = 150             // KB of binary
	maxDocLines = 1000            // of "go doc ."
)

// rounds are measured; the best one counts, since other work on the machine
// only ever adds to a time.
const rounds = 3

const (
	module   = "github.com/autotask-go/autotask"
	entity   = module + "/entity"
	rootOnly = "internal/budgetroot"
	withOne  = "internal/budgetentity"
	wrapper  = "tool" // the argument by which this program is a -toolexec
	logEnv   = "BUDGET_LOG"
)

const rootProgram = `
func tickets(ctx context.Context, client *autotask.Client) error {
	t, err := autotask.Get[autotask.Ticket](ctx, client, 1)
	if err != nil {
		return err
	}
	if _, err := autotask.List[autotask.Ticket](ctx, client, autotask.Query{Filter: autotask.Eq("companyID", t.CompanyID)}); err != nil {
		return err
	}
	if _, err := autotask.Create(ctx, client, &autotask.Ticket{Title: t.Title}); err != nil {
		return err
	}
	_, err = autotask.Update(ctx, client, 1, func(t *autotask.Ticket) error { t.Title = "x"; return nil })
	return err
}
`

const entityProgram = `
func companies(ctx context.Context, client *autotask.Client) error {
	c, err := autotask.Get[entity.Company](ctx, client, 1)
	if err != nil {
		return err
	}
	if _, err := autotask.List[entity.Company](ctx, client, autotask.Query{Filter: autotask.Eq("id", c.ID)}); err != nil {
		return err
	}
	if _, err := autotask.Create(ctx, client, &entity.Company{CompanyName: c.CompanyName}); err != nil {
		return err
	}
	_, err = autotask.Update(ctx, client, 1, func(c *entity.Company) error { c.Phone.Set("x"); return nil })
	return err
}
`

// program returns a main package that runs the given functions.
func program(imports, functions string, calls ...string) string {
	text := "package main\n\nimport (\n\t\"context\"\n\n\t\"" + module + "\"\n" + imports + ")\n\nfunc main() {\n" +
		"\tclient, err := autotask.NewClient(autotask.Credentials{})\n\tif err != nil {\n\t\tpanic(err)\n\t}\n"
	for _, call := range calls {
		text += "\tif err := " + call + "(context.Background(), client); err != nil {\n\t\tpanic(err)\n\t}\n"
	}
	return text + "}\n" + functions
}

var programs = map[string]string{
	rootOnly: program("", rootProgram, "tickets"),
	withOne:  program("\t\""+entity+"\"\n", rootProgram+entityProgram, "tickets", "companies"),
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

// figures are CPU times and sizes of one round.
type figures struct {
	root, entity, mainRoot, mainEntity, linkRoot, linkEntity time.Duration
	sizeRoot, sizeEntity                                     int64
}

func (f figures) compile() time.Duration { return f.entity + f.mainEntity }

func measure() error {
	dir, err := os.MkdirTemp("", "budget")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// The first round fills the build cache with what is not ours.
	if _, err := round(dir, 0); err != nil {
		return err
	}
	var best figures
	for i := 1; i <= rounds; i++ {
		f, err := round(dir, i)
		if err != nil {
			return err
		}
		if i == 1 || f.compile() < best.compile() {
			best = f
		}
	}
	short, err := docLines()
	if err != nil {
		return err
	}
	all, err := docLines("-all")
	if err != nil {
		return err
	}
	growth := float64(best.sizeEntity-best.sizeRoot) / 1000
	fmt.Printf("CPU to compile: root %s, entity %s, main %s (%s without the entity); to link: %s (%s)\n",
		seconds(best.root), seconds(best.entity), seconds(best.mainEntity), seconds(best.mainRoot), seconds(best.linkEntity), seconds(best.linkRoot))
	fmt.Printf("binary: %d KB (%d KB without the entity)\n", best.sizeEntity/1000, best.sizeRoot/1000)
	fmt.Printf("documentation of the root package: go doc %d lines, go doc -all %d lines\n", short, all)
	fmt.Printf("budget: entity+main compile %s CPU (limit %s), growth %.0f KB (limit %d), go doc %d lines (limit %d)\n",
		seconds(best.compile()), seconds(maxCompile), growth, maxGrowth, short, maxDocLines)
	var over []error
	if best.compile() >= maxCompile {
		over = append(over, errors.New("entity takes too long to compile"))
	}
	if growth >= maxGrowth {
		over = append(over, errors.New("entity makes programs too large"))
	}
	if short >= maxDocLines {
		over = append(over, errors.New("the root package has too much documentation to be read"))
	}
	return errors.Join(over...)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// round builds both programs anew and says what that took.
func round(dir string, number int) (figures, error) {
	var f figures
	overlay, err := writeOverlay(filepath.Join(dir, fmt.Sprint(number)))
	if err != nil {
		return f, err
	}
	// The root package is compiled for the first program, and is in the cache
	// for the second.
	withoutEntity, size, err := build(overlay, rootOnly)
	if err != nil {
		return f, err
	}
	f.sizeRoot = size
	withEntity, size, err := build(overlay, withOne)
	if err != nil {
		return f, err
	}
	f.sizeEntity = size
	for _, figure := range []struct {
		into *time.Duration
		from []spent
		pkg  string
		tool string
	}{
		{&f.root, withoutEntity, module, "compile"},
		{&f.mainRoot, withoutEntity, module + "/" + rootOnly, "compile"},
		{&f.linkRoot, withoutEntity, module + "/" + rootOnly, "link"},
		{&f.entity, withEntity, entity, "compile"},
		{&f.mainEntity, withEntity, module + "/" + withOne, "compile"},
		{&f.linkEntity, withEntity, module + "/" + withOne, "link"},
	} {
		for _, s := range figure.from {
			if s.Package == figure.pkg && s.Tool == figure.tool {
				*figure.into += s.CPU
			}
		}
		if *figure.into == 0 {
			return f, fmt.Errorf("round %d: no %s of %s was seen, so nothing is known of it", number, figure.tool, figure.pkg)
		}
	}
	return f, nil
}

// writeOverlay writes the programs, and the root package and entity with a
// comment that no build has seen before.
func writeOverlay(dir string) (overlay string, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	files := make(map[string]string)
	for path, text := range programs {
		files[filepath.Join(path, "main.go")] = text
	}
	for _, path := range []string{"doc.go", filepath.Join("entity", "doc.go")} {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		files[path] = string(text)
	}
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	replace := make(map[string]string)
	for path, text := range files {
		copied := filepath.Join(dir, fmt.Sprint(len(replace), ".go"))
		if err := os.WriteFile(copied, fmt.Appendf(nil, "%s\n// %s %d\n", text, dir, time.Now().UnixNano()), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, path)] = copied
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
	command := exec.Command("go", "build", "-toolexec="+quoted(self)+" "+wrapper, "-overlay="+overlay, "-o", binary, "./"+path)
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
