package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// release is one version of all modules.
type release struct {
	version    string
	root       string // the repository
	src, proxy string // the copy and what is made of it
	path       string // of the root module
	modules    []*mod // published ones; what a module needs comes before it
	stamp      time.Time
}

// mod is a module of the repository.
type mod struct {
	dir   string // with slashes; "." is the root
	path  string
	file  *modfile.File
	files []string // below dir
}

func (m *mod) tag(version string) string {
	if m.dir == "." {
		return version
	}
	return m.dir + "/" + version
}

// prepare makes the copy and the proxy.
func (r *release) prepare(ctx context.Context) error {
	files, err := r.copy(ctx)
	if err != nil {
		return err
	}
	if err := r.read(files); err != nil {
		return err
	}
	if err := r.order(); err != nil {
		return err
	}
	if err := r.date(); err != nil {
		return err
	}
	var sums []string // lines for go.sum, of the modules that are ready
	for _, m := range r.modules {
		if err := r.pin(m, sums); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		added, err := r.publish(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		sums = append(sums, added...)
		say("%s %s is ready: %d files", m.path, r.version, len(m.files))
	}
	return nil
}

// date writes the day of the release to the copy's CHANGELOG.md, which says
// "unreleased" until then.
func (r *release) date() error {
	if semver.Prerelease(r.version) != "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(r.src, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	heading := "## [" + strings.TrimPrefix(r.version, "v") + "] - "
	return r.write("CHANGELOG.md", bytes.Replace(text, []byte(heading+"unreleased"), []byte(heading+time.Now().UTC().Format(time.DateOnly)), 1))
}

// copy copies the files that git knows, or would add, and returns their names.
func (r *release) copy(ctx context.Context) ([]string, error) {
	list, err := git(ctx, r.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	stamp, err := git(ctx, r.root, "log", "-1", "--format=%cI")
	if err != nil {
		return nil, err
	}
	if r.stamp, err = time.Parse(time.RFC3339, stamp); err != nil {
		return nil, err
	}
	var files []string
	for name := range strings.SplitSeq(strings.TrimRight(list, "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(r.root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no regular file: no module can hold it", name)
		}
		if err := copyFile(filepath.Join(r.root, name), filepath.Join(r.src, name), info.Mode()); err != nil {
			return nil, err
		}
		files = append(files, filepath.ToSlash(name))
	}
	return files, nil
}

func copyFile(from, to string, mode fs.FileMode) error {
	text, err := os.ReadFile(from) //nolint:gosec // a file of the repository
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // source code for everyone to read
		return err
	}
	return os.WriteFile(to, text, mode.Perm()) //nolint:gosec // a file of the copy
}

// read finds the modules, and gives each file to the innermost one.
func (r *release) read(files []string) error {
	all := map[string]*mod{}
	for _, name := range files {
		if path.Base(name) != "go.mod" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(r.src, name)) //nolint:gosec // a file of the copy
		if err != nil {
			return err
		}
		file, err := modfile.Parse(name, text, nil)
		if err != nil {
			return err
		}
		m := &mod{dir: path.Dir(name), path: file.Module.Mod.Path, file: file}
		all[m.dir] = m
	}
	if all["."] == nil {
		return errors.New("there is no go.mod in the repository's root")
	}
	r.path = all["."].path
	for _, name := range files {
		dir := path.Dir(name)
		for all[dir] == nil {
			dir = path.Dir(dir)
		}
		all[dir].files = append(all[dir].files, name)
	}
	for _, dir := range expected {
		if all[dir] == nil {
			say("SKIPPED: there is no module in %s yet", dir)
		}
	}
	for _, m := range all {
		if why, ok := unpublished[m.dir]; ok {
			say("not published: %s, which %s", m.dir, why)
			continue
		}
		if want := path.Join(r.path, m.dir); m.path != want {
			return fmt.Errorf("%s/go.mod names %s, and not %s", m.dir, m.path, want)
		}
		r.modules = append(r.modules, m)
	}
	return nil
}

// ours reports whether a module belongs to the repository.
func (r *release) ours(p string) bool { return p == r.path || strings.HasPrefix(p, r.path+"/") }

// order sorts the modules by what they need.
func (r *release) order() error {
	slices.SortFunc(r.modules, func(a, b *mod) int { return strings.Compare(a.dir, b.dir) })
	byPath := map[string]*mod{}
	for _, m := range r.modules {
		byPath[m.path] = m
	}
	var sorted []*mod
	visited := map[*mod]int{} // 1 while its needs are visited, 2 afterwards
	var visit func(m *mod) error
	visit = func(m *mod) error {
		switch visited[m] {
		case 1:
			return fmt.Errorf("%s needs itself", m.path)
		case 2:
			return nil
		}
		visited[m] = 1
		for _, need := range m.file.Require {
			if !r.ours(need.Mod.Path) {
				continue
			}
			other := byPath[need.Mod.Path]
			if other == nil {
				return fmt.Errorf("%s needs %s, which is not published", m.path, need.Mod.Path)
			}
			if err := visit(other); err != nil {
				return err
			}
		}
		visited[m] = 2
		sorted = append(sorted, m)
		return nil
	}
	for _, m := range r.modules {
		if err := visit(m); err != nil {
			return err
		}
	}
	r.modules = sorted
	return nil
}

// pin writes the module's go.mod and go.sum for the version.
func (r *release) pin(m *mod, sums []string) error {
	for _, old := range slices.Clone(m.file.Replace) {
		if !r.ours(old.Old.Path) {
			return fmt.Errorf("go.mod replaces %s: those who import the module would not get that", old.Old.Path)
		}
		if err := m.file.DropReplace(old.Old.Path, old.Old.Version); err != nil {
			return err
		}
	}
	if len(m.file.Exclude) > 0 {
		return errors.New("go.mod excludes a version: go install refuses that")
	}
	needs := false
	for _, need := range m.file.Require {
		if r.ours(need.Mod.Path) {
			needs = true
			// Not AddRequire, which would drop the comment "indirect".
			need.Mod.Version = r.version
			need.Syntax.Token[len(need.Syntax.Token)-1] = r.version
		}
	}
	m.file.Cleanup()
	text, err := m.file.Format()
	if err != nil {
		return err
	}
	if err := r.write(path.Join(m.dir, "go.mod"), text); err != nil || !needs {
		return err
	}
	return r.addSums(m, sums)
}

func (r *release) write(name string, text []byte) error {
	return os.WriteFile(filepath.Join(r.src, name), text, 0o644) //nolint:gosec // source code for everyone to read
}

// addSums adds the checksums of our own modules, of all that are ready: a line too
// many does no harm.
func (r *release) addSums(m *mod, sums []string) error {
	name := path.Join(m.dir, "go.sum")
	text, err := os.ReadFile(filepath.Join(r.src, name)) //nolint:gosec // a file of the copy
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		m.files = append(m.files, name)
	}
	lines := append(strings.Split(strings.TrimSpace(string(text)), "\n"), sums...)
	slices.Sort(lines)
	return r.write(name, []byte(strings.TrimSpace(strings.Join(lines, "\n"))+"\n"))
}

// publish adds the module to the proxy, and returns its lines for go.sum.
func (r *release) publish(m *mod) ([]string, error) {
	escaped, err := module.EscapePath(m.path)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // source code for everyone to read
		return nil, err
	}
	gomod, err := os.ReadFile(filepath.Join(r.src, m.dir, "go.mod"))
	if err != nil {
		return nil, err
	}
	info, err := json.Marshal(map[string]any{"Version": r.version, "Time": r.stamp.UTC()})
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, module.Version{Path: m.path, Version: r.version}, r.content(m)); err != nil {
		return nil, err
	}
	for name, text := range map[string][]byte{
		r.version + ".mod": gomod, r.version + ".info": info, r.version + ".zip": archive.Bytes(), "list": []byte(r.version + "\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil { //nolint:gosec // as above
			return nil, err
		}
	}
	ofZip, err := dirhash.HashZip(filepath.Join(dir, r.version+".zip"), dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	ofMod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(gomod)), nil })
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("%s %s %s", m.path, r.version, ofZip),
		fmt.Sprintf("%s %s/go.mod %s", m.path, r.version, ofMod),
	}, nil
}

// content lists a module's files. Like the go command, it adds the repository's
// licence to a module that has none of its own.
func (r *release) content(m *mod) []zip.File {
	const licence = "LICENSE"
	all := make([]zip.File, 0, len(m.files)+1)
	has := false
	for _, name := range m.files {
		below := name
		if m.dir != "." {
			below = strings.TrimPrefix(name, m.dir+"/")
		}
		has = has || below == licence
		all = append(all, packed{below, filepath.Join(r.src, name)})
	}
	if !has {
		all = append(all, packed{licence, filepath.Join(r.src, licence)})
	}
	return all
}

// packed is a file in a module's archive.
type packed struct{ name, from string }

func (p packed) Path() string                 { return p.name }
func (p packed) Lstat() (os.FileInfo, error)  { return os.Lstat(p.from) }
func (p packed) Open() (io.ReadCloser, error) { return os.Open(p.from) }
