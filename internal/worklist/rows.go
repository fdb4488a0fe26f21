// Package worklist resolves the tickets of a CSV file, and keeps a result file from
// which a later run resumes. It is what cmd/autotask and examples/resolveall share.
package worklist

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Row is one ticket of the file.
type Row struct {
	Line                      int
	Number, Text, Title, Note string
}

const (
	maxText = 32000 // characters of a resolution, and of a note
	maxBad  = 20    // lines that are reported
)

var columns = []string{"number", "text", "title", "note"}

// StandardInput is the file name that means standard input.
const StandardInput = "-"

// IsStandardInput reports whether a path means the standard input.
func IsStandardInput(path string) bool {
	return path == StandardInput || path == "/dev/stdin" || path == "/dev/fd/0" || path == "/proc/self/fd/0"
}

// Form says how a file is read.
type Form struct {
	Separator rune
	Title     string // of notes without one
	TitleFlag string // the program's flag for Title, for messages
	Notes     bool   // notes may occur: their type and who sees them are known
}

// Separator returns the character that the flag -separator gives.
func Separator(given string) (rune, error) {
	characters := []rune(given)
	if len(characters) != 1 || strings.ContainsAny(given, "\"\r\n\uFFFD") {
		return 0, fmt.Errorf("-separator %q is not valid: give one character, such as ;", given)
	}
	return characters[0], nil
}

// ResultPath returns the path of the result file: out, or a name derived from the file
// of tickets if out is "".
func ResultPath(in, out string) (string, error) {
	if out == "" {
		out = strings.TrimSuffix(in, filepath.Ext(in)) + ".results.csv"
	}
	if filepath.Clean(out) == filepath.Clean(in) {
		return "", fmt.Errorf("-out must be a different file from %s", in)
	}
	return out, nil
}

// Read reads all tickets of a file, before anything is sent. It calls stdin if path is
// StandardInput. Its error names every line that is wrong, up to a limit.
func Read(path string, stdin func() (io.Reader, error), f Form) ([]Row, error) {
	data, err := readAll(path, stdin)
	if err != nil {
		return nil, err
	}
	rows, bad := parse(data, f)
	switch {
	case len(bad) > maxBad:
		bad = append(bad[:maxBad], fmt.Sprintf("and %d more", len(bad)-maxBad))
		fallthrough
	case len(bad) > 0:
		return nil, fmt.Errorf("%s: nothing was sent:\n  %s", path, strings.Join(bad, "\n  "))
	case len(rows) == 0:
		return nil, fmt.Errorf("%s has no tickets", path)
	}
	return rows, nil
}

func readAll(path string, stdin func() (io.Reader, error)) ([]byte, error) {
	if path != StandardInput {
		return os.ReadFile(path) //nolint:gosec // the user names it
	}
	from, err := stdin()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(from)
}

// parse returns the rows, and the problems by line.
func parse(data []byte, f Form) (rows []Row, bad []string) {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil, []string{"it is UTF-16: save it as CSV in UTF-8"}
	}
	if bytes.ContainsRune(data, '\r') && !bytes.ContainsRune(data, '\n') {
		return nil, []string{"its lines end with CR alone, as on old Macs: save it as CSV in UTF-8"}
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\uFEFF"))))
	r.Comma, r.FieldsPerRecord = f.Separator, -1
	names, isHeader := columns, false
	lineOf := map[string]int{}
	for first := true; ; {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, bad
		}
		if err != nil { // the rest cannot be split into lines any more
			return nil, append(bad, err.Error())
		}
		line, _ := r.FieldPos(0)
		if !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			continue // spreadsheets leave such lines at the end
		}
		if first {
			first = false
			var problem string
			if names, isHeader, problem = header(record); problem != "" {
				return nil, []string{fmt.Sprintf("line %d: %s", line, problem)}
			}
			if isHeader {
				continue
			}
		}
		if len(record) < 2 || len(record) > len(names) || isHeader && len(record) != len(names) {
			bad = append(bad, fmt.Sprintf("line %d: %d columns; expected %s, separated by %q (see -separator)", line, len(record), strings.Join(names, ", "), f.Separator))
			continue
		}
		cells := map[string]string{}
		for i, cell := range record {
			cells[names[i]] = strings.TrimSpace(cell)
		}
		one := Row{Line: line, Number: cells["number"], Text: cells["text"], Title: cells["title"], Note: cells["note"]}
		if one.Note != "" && one.Title == "" {
			one.Title = f.Title
		}
		problem := one.problem(f)
		if before, again := lineOf[one.key()]; again && problem == "" {
			problem = fmt.Sprintf("ticket %s is already in line %d", one.Number, before)
		}
		if problem != "" {
			bad = append(bad, fmt.Sprintf("line %d: %s", line, problem))
			continue
		}
		lineOf[one.key()] = line
		rows = append(rows, one)
	}
}

// header returns the columns, if the first line names them.
func header(record []string) (names []string, isHeader bool, problem string) {
	for _, cell := range record {
		names = append(names, strings.ToLower(strings.TrimSpace(cell)))
	}
	if !namesColumns(names) {
		return columns, false, ""
	}
	for i, name := range names {
		switch {
		case !slices.Contains(columns, name):
			return nil, true, fmt.Sprintf("there is no column %q; the columns are %s", name, strings.Join(columns, ", "))
		case slices.Contains(names[:i], name):
			return nil, true, fmt.Sprintf("the column %q occurs twice", name)
		}
	}
	for _, name := range []string{"number", "text"} {
		if !slices.Contains(names, name) {
			return nil, true, fmt.Sprintf("the column %q is missing", name)
		}
	}
	return names, true, ""
}

// usualNumber matches Autotask's ticket numbers.
var usualNumber = regexp.MustCompile(`^t\d{8}\.\d{4}`)

// namesColumns reports whether a line is a header, even one with wrong names: a
// ticket number has digits, and a text is hardly the name of a column.
func namesColumns(cells []string) bool {
	if len(cells) < 2 || usualNumber.MatchString(cells[0]) {
		return false // a single cell may be a whole line with another separator
	}
	return !hasDigit(cells[0]) || slices.ContainsFunc(cells, func(cell string) bool { return slices.Contains(columns, cell) })
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }

// problem returns what is wrong with a row, "" if nothing is.
func (r Row) problem(f Form) string {
	for _, cell := range []string{r.Number, r.Text, r.Title, r.Note} {
		if !utf8.ValidString(cell) {
			return "it is not UTF-8: save the file as CSV in UTF-8"
		}
	}
	switch {
	case r.Number == "":
		return "the ticket number is empty"
	case !hasDigit(r.Number), strings.ContainsFunc(r.Number, unicode.IsControl):
		return fmt.Sprintf("%q is not a ticket number", r.Number)
	case r.Text == "":
		return "the text is empty: a resolution is never invented"
	case utf8.RuneCountInString(r.Text) > maxText:
		return fmt.Sprintf("the text has more than %d characters", maxText)
	case utf8.RuneCountInString(r.Note) > maxText:
		return fmt.Sprintf("the note has more than %d characters", maxText)
	case r.Note == "" && r.Title != "":
		return "the title has no note"
	case r.Note != "" && r.Title == "":
		return fmt.Sprintf("the note has no title: add the column title, or %s for all", f.TitleFlag)
	case r.Note != "" && !f.Notes:
		return "the note needs -note-type and -publish, which set its type and who sees it"
	}
	return ""
}

// key identifies the ticket, however its number is written.
func (r Row) key() string { return strings.ToLower(r.Number) }
