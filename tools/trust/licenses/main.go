// Licenses reads the licences of all modules that the modules of this repository build
// on, and fails if one is not on the list, or cannot be told:
//
//	.ci/licenses
//
// It asks the go command which modules hold a package that is compiled into something,
// tests included, on Linux, macOS or Windows, and reads the licence files in the module
// cache. It needs no network if the modules are there.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, ".ci/licenses:", err)
		os.Exit(1)
	}
}

// allowed are the licences that a user's program may link.
var allowed = []string{"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "MPL-2.0"}

// ours are programs that only developers run. What they are made of is in nobody's
// program.
var ours = map[string][]string{
	"tools": {"GPL-3.0", "GPL-3.0-or-later", "OFL-1.1", "Unlicense"},
}

// least is the part of a licence file that must be the text of known licences.
const least = 75.0

func run(ctx context.Context, dirs []string) error {
	if len(dirs) == 0 {
		return errors.New("use: DIRECTORY OF A MODULE…")
	}
	var problems []error
	for _, dir := range dirs {
		found, err := dependencies(ctx, dir)
		if err != nil {
			return err
		}
		count := map[string]int{}
		for _, m := range found {
			names, err := licencesOf(m)
			if err = errors.Join(err, judge(dir, names)); err != nil {
				problems = append(problems, fmt.Errorf("%s needs %s %s: %w", dir, m.path, m.version, err))
			}
			count[strings.Join(names, " and ")]++
		}
		_, _ = fmt.Fprintf(os.Stdout, "%-18s %3d modules: %s\n", dir, len(found), summary(count))
	}
	return errors.Join(problems...)
}

// judge wants every licence on the list of a module of this repository.
func judge(dir string, names []string) (err error) {
	for _, name := range names {
		if !slices.Contains(allowed, name) && !slices.Contains(ours[filepath.ToSlash(dir)], name) {
			err = errors.Join(err, fmt.Errorf("%s is not on the list of licences", name))
		}
	}
	return err
}

func summary(count map[string]int) string {
	var names []string
	for name := range count {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(count[b]-count[a], strings.Compare(a, b)) })
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%d %s", count[name], cmp.Or(name, "unknown")))
	}
	return strings.Join(parts, ", ")
}

// dependency is a module of somebody else.
type dependency struct{ path, version, dir string }

// dependencies lists the modules that hold packages of a module's build.
func dependencies(ctx context.Context, dir string) ([]dependency, error) {
	var all []dependency
	for _, system := range []string{"linux", "darwin", "windows"} {
		command := exec.CommandContext(ctx, "go", "list", "-deps", "-test", "-f",
			"{{with .Module}}{{if not .Main}}{{if .Replace}}{{if .Replace.Version}}{{.Replace.Path}}\t{{.Replace.Version}}\t{{.Replace.Dir}}{{end}}{{else}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}{{end}}",
			"./...", "tool")
		command.Dir = dir
		command.Env = append(os.Environ(), "GOOS="+system, "GOWORK=off", "CGO_ENABLED=0")
		var stderr strings.Builder
		command.Stderr = &stderr
		list, err := command.Output()
		if err != nil {
			return nil, fmt.Errorf("go list in %s for %s: %w\n%s", dir, system, err, stderr.String())
		}
		for line := range strings.Lines(string(list)) {
			if parts := strings.Split(strings.TrimSpace(line), "\t"); len(parts) == 3 {
				all = append(all, dependency{parts[0], parts[1], parts[2]})
			}
		}
	}
	slices.SortFunc(all, func(a, b dependency) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.version, b.version))
	})
	return slices.Compact(all), nil
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)([-._].*)?$`)

var errUnknown = errors.New("its licence cannot be told")

// licencesOf returns the names of a module's licences, sorted. All count: which of
// several applies, nobody can tell from the files.
func licencesOf(m dependency) (names []string, err error) {
	files, err := os.ReadDir(m.dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if !licenceFile.MatchString(f.Name()) || f.Type()&fs.ModeType != 0 || strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		text, readErr := os.ReadFile(filepath.Join(m.dir, f.Name()))
		if readErr != nil {
			return nil, readErr
		}
		found, unknown := licencesIn(text)
		if unknown != nil {
			if found, unknown = reviewed(m, f.Name(), digest(text)); unknown != nil {
				err = errors.Join(err, fmt.Errorf("%s: %w", f.Name(), unknown))
			}
		}
		names = append(names, found...)
	}
	if len(names) == 0 && err == nil {
		names, err = reviewed(m, "", m.version)
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

func digest(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text))[:16] }

// licencesIn names the licences of a text.
func licencesIn(text []byte) ([]string, error) {
	cover := licensecheck.Scan(text)
	var names []string
	for _, m := range cover.Match {
		if !m.IsURL {
			names = append(names, m.ID)
		}
	}
	if len(names) == 0 || cover.Percent < least {
		return names, fmt.Errorf("%w: %.0f %% of the text are known", errUnknown, cover.Percent)
	}
	return names, nil
}
