// Command gen turns the vendor's Swagger into the table of the API and the
// table into Go types.
//
//	go run ./internal/gen reduce -swagger FILE   writes internal/schema/table.txt
//	go run ./internal/gen generate [-check]      writes models_gen.go and entity/
//
// Both run in the module root, or anywhere with -root. The Swagger knows neither
// lengths nor which fields are required, read-only or picklists, and its list of
// routes is not always right: facts.txt adds and corrects. After reduce, run generate
// separately, because the table is embedded.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Paths below the module root.
const (
	factsPath  = "internal/gen/facts.txt"
	tablePath  = "internal/schema/table.txt"
	modelsPath = "models_gen.go"
	walkPath   = "entity/walk_test.go"
)

const usage = `usage:
  gen reduce -swagger FILE [-root DIR]
  gen generate [-check] [-root DIR]
`

// Exit codes. A caller can tell a wrong call from a failure.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

// errUsage marks an error whose message should be followed by the usage.
var errUsage = errors.New("wrong use")

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	err := dispatch(args, stdout)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		say(stdout, usage)
		return exitOK
	}
	say(stderr, "gen: %v\n", err)
	switch {
	case errors.Is(err, errUsage):
		say(stderr, usage)
		return exitUsage
	case errors.Is(err, fs.ErrNotExist):
		return exitUsage
	}
	return exitFailed
}

func dispatch(args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: no command", errUsage)
	}
	switch command, rest := args[0], args[1:]; command {
	case "reduce":
		return reduceCommand(rest, stdout)
	case "generate":
		return generateCommand(rest, stdout)
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	default:
		return fmt.Errorf("%w: unknown command %q", errUsage, command)
	}
}

func reduceCommand(args []string, stdout io.Writer) error {
	flags := newFlags("reduce")
	root := flags.String("root", ".", "module root")
	swagger := flags.String("swagger", "", "the vendor's Swagger 2.0 file")
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if *swagger == "" {
		return fmt.Errorf("%w: reduce needs -swagger", errUsage)
	}
	table, err := reduceFiles(*swagger, filepath.Join(*root, factsPath))
	if err != nil {
		return err
	}
	return write(*root, tablePath, []byte(table), stdout)
}

func generateCommand(args []string, stdout io.Writer) error {
	flags := newFlags("generate")
	root := flags.String("root", ".", "module root")
	check := flags.Bool("check", false, "write nothing; fail if a file differs from what would be written")
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	files, err := generate()
	if err != nil {
		return err
	}
	stale, err := staleFiles(*root, files)
	if err != nil {
		return err
	}
	if *check {
		return checkFiles(*root, files, stale)
	}
	for _, path := range stale {
		if err := remove(*root, path, stdout); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := write(*root, f.path, f.content, stdout); err != nil {
			return err
		}
	}
	return nil
}

// newFlags returns a flag set that leaves all printing to run.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

func parseFlags(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w: %s: %w", errUsage, flags.Name(), err)
	case flags.NArg() > 0:
		return fmt.Errorf("%w: %s: unexpected %q", errUsage, flags.Name(), flags.Arg(0))
	}
	return nil
}

// write creates the directories of path, but not the root, so that a misspelt root is
// an error.
func write(root, path string, content []byte, stdout io.Writer) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() { _ = dir.Close() }()
	if err := dir.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := dir.WriteFile(path, content, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	say(stdout, "wrote %s (%d bytes)\n", path, len(content))
	return nil
}

func remove(root, path string, stdout io.Writer) error {
	if err := os.Remove(filepath.Join(root, path)); err != nil {
		return fmt.Errorf("removing %s, which is no longer generated: %w", path, err)
	}
	say(stdout, "removed %s\n", path)
	return nil
}

// say prints. A failure to print is ignored, since it cannot be reported.
func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format, args...)
}
