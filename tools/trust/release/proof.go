package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// proof uses a release as a stranger would.
type proof struct {
	*release

	work string
	env  []string
}

func (p *proof) all(ctx context.Context) error {
	if err := p.environment(ctx); err != nil {
		return err
	}
	for _, m := range p.modules {
		if err := p.module(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
	}
	return os.RemoveAll(p.work)
}

// environment makes an empty module cache. The modules of others may come from the
// machine's cache, which is laid out as a proxy is: nothing of ours is taken from it,
// since the first proxy has it.
func (p *proof) environment(ctx context.Context) error {
	settings, err := output(ctx, p.root, nil, "go", "env", "GOMODCACHE", "GOPROXY")
	if err != nil {
		return err
	}
	cache, machine, _ := strings.Cut(settings, "\n")
	proxies := []string{fileURL(p.proxy), fileURL(filepath.Join(strings.TrimSpace(cache), "cache", "download"))}
	for _, other := range strings.FieldsFunc(machine, func(r rune) bool { return r == ',' || r == '|' || r == '\n' || r == '\r' }) {
		if other != "direct" && other != "off" { // a repository of ours must not be asked
			proxies = append(proxies, other)
		}
	}
	for _, dir := range []string{"cache", "bin"} {
		if err := os.MkdirAll(filepath.Join(p.work, dir), 0o755); err != nil { //nolint:gosec // nothing in it is secret
			return err
		}
	}
	for _, setting := range os.Environ() {
		name, _, _ := strings.Cut(setting, "=")
		if !strings.HasPrefix(name, "AUTOTASK_") && !slices.Contains([]string{"GOFLAGS", "GOPRIVATE", "GONOPROXY", "GOBIN"}, name) {
			p.env = append(p.env, setting)
		}
	}
	p.env = append(p.env,
		"GOMODCACHE="+filepath.Join(p.work, "cache"), "GOBIN="+filepath.Join(p.work, "bin"), "GOPROXY="+strings.Join(proxies, ","),
		"GOWORK=off", "GONOSUMDB="+p.path+","+p.path+"/*", "GOPRIVATE=", "GONOPROXY=",
		// Without paths in them, the build cache serves the next run, too.
		"GOFLAGS=-mod=mod -modcacherw -trimpath -buildvcs=false",
	)
	return nil
}

func fileURL(dir string) string {
	dir = filepath.ToSlash(dir)
	if !strings.HasPrefix(dir, "/") {
		dir = "/" + dir // file:///C:/…
	}
	return "file://" + dir
}

func (p *proof) run(ctx context.Context, dir, name string, args ...string) (string, error) {
	return output(ctx, dir, p.env, name, args...)
}

// module gets one module, imports its packages, and installs its commands.
func (p *proof) module(ctx context.Context, m *mod) error {
	libraries, commands, err := p.packages(ctx, m)
	if err != nil {
		return err
	}
	dir := filepath.Join(p.work, strings.ReplaceAll(m.dir, "/", "-"))
	if m.dir == "." {
		dir = filepath.Join(p.work, "root")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // nothing in it is secret
		return err
	}
	if _, err := p.run(ctx, dir, "go", "mod", "init", "example.com/scratch"); err != nil {
		return err
	}
	if _, err := p.run(ctx, dir, "go", "get", m.path+"@"+p.version); err != nil {
		return err
	}
	if len(libraries) > 0 {
		if err := p.imports(ctx, dir, m, libraries); err != nil {
			return err
		}
	}
	for _, command := range commands {
		if _, err := p.run(ctx, p.work, "go", "install", command+"@"+p.version); err != nil {
			return err
		}
	}
	if m.dir == "cmd/autotask" {
		if err := p.doctor(ctx); err != nil {
			return err
		}
	}
	say("%s@%s: go get, %d packages imported, %d commands installed", m.path, p.version, len(libraries), len(commands))
	return nil
}

// packages lists what a stranger may import and install. It reads the copy, with the
// go.sum that was made for it: a line that lacks is an error here.
func (p *proof) packages(ctx context.Context, m *mod) (libraries, commands []string, err error) {
	list, err := p.run(ctx, filepath.Join(p.src, m.dir), "go", "list", "-mod=readonly", "-test", "-deps",
		"-f", `{{if and .Module (eq .Module.Path "`+m.path+`") (not .ForTest) .GoFiles}}{{.Name}} {{.ImportPath}}{{end}}`, "./...")
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(list) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case path == "" || strings.HasSuffix(path, ".test") || strings.Contains(path+"/", "/internal/"):
		case name == "main":
			commands = append(commands, path)
		default:
			libraries = append(libraries, path)
		}
	}
	if len(libraries)+len(commands) == 0 {
		return nil, nil, errors.New("it has no package for others")
	}
	return libraries, commands, nil
}

// library is the module that a program does something with; the others are imported.
const library = "github.com/autotask-go/autotask"

// uses is that program.
const uses = `package main

import (
	"context"
	"fmt"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func main() {
	srv := autotasktest.Start()
	defer srv.Close()
	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed", "status": 1})
	outcome, err := srv.Client().Resolve(context.Background(), id, autotask.Resolution{Text: "It works again.", Status: autotask.StatusComplete})
	fmt.Println(err, outcome.Resolved)
}
`

// imports builds and runs a program that imports all packages.
func (p *proof) imports(ctx context.Context, dir string, m *mod, libraries []string) error {
	program := "package main\n\nfunc main() {}\n"
	if m.path == library {
		program = uses
	}
	blank := "package main\n\nimport (\n"
	for _, path := range libraries {
		blank += "\t_ \"" + path + "\"\n"
	}
	for name, text := range map[string]string{"main.go": program, "imports.go": blank + ")\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { //nolint:gosec // a program of six lines
			return err
		}
	}
	printed, err := p.run(ctx, dir, "go", "run", ".")
	if err == nil && m.path == library && printed != "<nil> true" {
		err = fmt.Errorf("the program that resolves a ticket printed %q", printed)
	}
	return err
}

// doctor runs the command as the README says.
func (p *proof) doctor(ctx context.Context) error {
	binary := filepath.Join(p.work, "bin", "autotask")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	printed, err := p.run(ctx, p.work, binary, "-demo", "doctor")
	if err == nil {
		_, _ = fmt.Fprintln(os.Stdout, printed)
	}
	return err
}
