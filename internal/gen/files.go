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

// checkFiles fails, naming them, if files on disk are not what they should be.
func checkFiles(root string, files []file) error {
	var differing []string
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
