package main

import (
	"fmt"
	"slices"
)

// review is what a person found in a file whose licences the program cannot tell.
type review struct {
	module, file string   // "" is a module without such a file
	state        string   // the start of the file's SHA-256, or the module's version
	licences     []string // none, if the file grants none
}

// reviews must be done again when a file changes.
var reviews = []review{
	// Lists what the module is made of: Go (BSD), musl (MIT, parts BSD), go-netdb and nixpkgs (MIT).
	{"modernc.org/libc", "LICENSE-3RD-PARTY.md", "f597097efe3d9702", []string{"BSD-3-Clause", "BSD-2-Clause", "MIT"}},
	// The address of the picture that the documentation shows.
	{"modernc.org/memory", "LICENSE-LOGO", "5ae5bee3072a8413", nil},
	// What is linked: SQLite, which is in the public domain, and modules that are read by themselves.
	{"modernc.org/sqlite", "LICENSE-3RD-PARTY.md", "f4a00ade8f4057ab", []string{"BSD-3-Clause", "MIT"}},
	// SQLite is in the public domain.
	{"modernc.org/sqlite", "LICENSE-SQLITE", "8438c9c89b849131", nil},
	// "dual-licensed under the Unlicense and MIT licenses"; both are there.
	{"github.com/alecthomas/go-check-sumtype", "COPYING", "01c266bced4a434d", []string{"MIT", "Unlicense"}},
	// A copy of gofmt. Its files name Go's own licence.
	{"github.com/golangci/gofmt", "", "v0.0.0-20260820135601-e84e05053792", []string{"BSD-3-Clause"}},
}

// reviewed returns what a person found in that state of a file.
func reviewed(m dependency, file, state string) ([]string, error) {
	i := slices.IndexFunc(reviews, func(r review) bool { return r.module == m.path && r.file == file })
	if i < 0 {
		return nil, errUnknown
	}
	if reviews[i].state != state {
		return nil, fmt.Errorf("it has changed since somebody read it: read it again, and write %q to tools/trust/licenses/reviewed.go", state)
	}
	return reviews[i].licences, nil
}
