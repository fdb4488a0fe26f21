package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// file is one generated file, its path relative to the module root.
type file struct {
	path    string
	content []byte
}

// staleFiles returns the files of the entity package that were generated once and no
// longer are.
func staleFiles(root string, files []file) ([]string, error) {
	current := make(map[string]bool, len(files))
	for _, f := range files {
		current[f.path] = true
	}
	found, err := fs.Glob(os.DirFS(root), entityPackage+"/*.go")
	if err != nil {
		return nil, fmt.Errorf("looking for generated files: %w", err)
	}
	var stale []string
	for _, path := range found {
		content, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return nil, fmt.Errorf("looking for generated files: %w", err)
		}
		if !current[path] && bytes.HasPrefix(content, []byte(header)) {
			stale = append(stale, path)
		}
	}
	return stale, nil
}

// checkFiles returns an error that names the files on disk that are not as they
// should be: those given with other content, and stale ones that still exist.
func checkFiles(root string, files []file, stale []string) error {
	differing := stale
	for _, f := range files {
		same, err := holds(filepath.Join(root, f.path), f.content)
		if err != nil {
			return err
		}
		if !same {
			differing = append(differing, f.path)
		}
	}
	if len(differing) > 0 {
		return fmt.Errorf("out of date, run \"go run ./internal/gen generate\": %s", strings.Join(differing, ", "))
	}
	return nil
}

func holds(path string, content []byte) (bool, error) {
	found, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("checking: %w", err)
	}
	return bytes.Equal(found, content), nil
}
