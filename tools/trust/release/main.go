// Release makes the modules of this repository ready for a version, in a copy, and
// proves that they can be used:
//
//	.ci/release VERSION [OUTDIR]
//
// The modules need each other. While they are developed, each go.mod has a replace
// directive for the others; "go install path@version" refuses such a go.mod. In the
// copy, OUTDIR/src, no replace is left, every module requires the others in that
// version, and the go.sum files hold their checksums. OUTDIR/proxy is a module
// proxy in the file system that serves them.
//
// The proof uses that proxy and an empty module cache: "go get" of each module into a
// new module, a program that imports all its packages, and "go install" of all its
// commands. Everything else comes from the machine's own module cache or proxy.
//
// Without OUTDIR, all of it is removed at the end.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, ".ci/release:", err)
		os.Exit(1)
	}
}

// unpublished are the modules that nobody imports, and why.
var unpublished = map[string]string{
	"bench":       "measures the library",
	"tools":       "pins the linters",
	"tools/trust": "checks and releases this repository",
}

// expected are the modules that a release must not lack without saying so.
var expected = []string{".", "mirror", "cmd/autotask", "limits/redis", "limits/postgres"}

func run(ctx context.Context, args []string) (err error) {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("use: VERSION [OUTDIR]")
	}
	version := args[0]
	if !semver.IsValid(version) || semver.Canonical(version) != version {
		return fmt.Errorf("%q is not a version such as v0.1.0", version)
	}
	root, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	if err := checkVersion(root, version); err != nil {
		return err
	}
	out, end, err := outDir(args[1:])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	r := &release{version: version, root: root, src: filepath.Join(out, "src"), proxy: filepath.Join(out, "proxy")}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	p := &proof{release: r, work: filepath.Join(out, "proof")}
	if err := p.all(ctx); err != nil {
		return err
	}
	r.sayHow(len(args) == 2)
	return nil
}

// outDir returns a directory that is empty, and what to do with it at the end.
func outDir(args []string) (dir string, end func() error, err error) {
	if len(args) == 0 {
		dir, err = os.MkdirTemp("", "autotask-release-")
		return dir, func() error { return os.RemoveAll(dir) }, err //nolint:gosec // it was just made
	}
	if dir, err = filepath.Abs(args[0]); err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // it holds source code for everyone to read
		return "", nil, err
	}
	found, err := os.ReadDir(dir)
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("%s is not empty", dir)
	}
	return dir, func() error { return nil }, err
}

// checkVersion refuses a version that the repository does not speak of. One with a
// suffix, such as v0.0.0-ci.1, is for trying.
func checkVersion(root, version string) error {
	if semver.Prerelease(version) != "" {
		return nil
	}
	number := strings.TrimPrefix(version, "v")
	for file, line := range map[string]string{
		"CHANGELOG.md":                "\n## [" + number + "]",
		"internal/version/version.go": `const Version = "` + number + `"`,
	} {
		text, err := os.ReadFile(filepath.Join(root, file)) //nolint:gosec // a file of this repository
		if err != nil {
			return err
		}
		if !strings.Contains(string(text), line) {
			return fmt.Errorf("%s does not name %s", file, number)
		}
	}
	return nil
}

// sayHow prints what is left to do by hand.
func (r *release) sayHow(kept bool) {
	say("%d modules can be used in version %s", len(r.modules), r.version)
	if !kept || semver.Prerelease(r.version) != "" {
		return
	}
	tags := make([]string, 0, len(r.modules))
	for _, m := range r.modules {
		tags = append(tags, m.tag(r.version))
	}
	_, _ = fmt.Fprintf(os.Stdout, `
To release, commit %[1]s beside main, tag that commit, and push the tags:

  git switch --detach
  git --work-tree=%[1]s add -A && git commit -m 'Release %[2]s'
  for tag in %[3]s; do git tag -a -m 'Release %[2]s' $tag; done
  git switch --force -
  git push origin %[3]s
`, r.src, r.version, strings.Join(tags, " "))
}

var began = time.Now()

func say(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stdout, "[%4.0fs] %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	return output(ctx, dir, nil, "git", args...)
}

// output runs a command and returns what it prints; an error has what it complained
// about.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...) //nolint:gosec // go, git and what was just built
	command.Dir = dir
	command.Env = env
	var stderr strings.Builder
	command.Stderr = &stderr
	text, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s in %s: %w\n%s%s", name, strings.Join(args, " "), dir, err, text, stderr.String())
	}
	return strings.TrimSpace(string(text)), nil
}
