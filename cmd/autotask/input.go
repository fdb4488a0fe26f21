package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// row is one ticket of the file that resolve-all reads.
type row struct {
	line                      int
	number, text, title, note string
}

const (
	maxText = 32000 // characters of a resolution, and of a note
	maxBad  = 20    // lines that are reported
)

var columns = []string{"number", "text", "title", "note"}

// standardInput is the file name that means standard input.
const standardInput = "-"

// isStandardInput reports whether a path means the standard input.
func isStandardInput(path string) bool {
	return path == standardInput || path == "/dev/stdin" || path == "/dev/fd/0" || path == "/proc/self/fd/0"
}

// readFile reads all tickets of a file before anything is sent.
func (a *app) readFile(o bulk) ([]row, error) {
	var data []byte
	var err error
	if o.in == standardInput {
		var from io.Reader
		if from, err = a.readStdin("the file of tickets"); err == nil {
			data, err = io.ReadAll(from)
		}
	} else {
		data, err = os.ReadFile(o.in)
	}
	if err != nil {
		return nil, usagef("%w", err)
	}
	rows, bad := readRows(data, o)
	switch {
	case len(bad) > maxBad:
		bad = append(bad[:maxBad], fmt.Sprintf("and %d more", len(bad)-maxBad))
		fallthrough
	case len(bad) > 0:
		return nil, usagef("%s: nothing was sent:\n  %s", o.in, strings.Join(bad, "\n  "))
	case len(rows) == 0:
		return nil, usagef("%s has no tickets", o.in)
	}
	return rows, nil
}

// readRows returns the rows, and the problems by line.
func readRows(data []byte, o bulk) (rows []row, bad []string) {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil, []string{"it is UTF-16: save it as CSV in UTF-8"}
	}
	if bytes.ContainsRune(data, '\r') && !bytes.ContainsRune(data, '\n') {
		return nil, []string{"its lines end with CR alone, as on old Macs: save it as CSV in UTF-8"}
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\uFEFF"))))
	r.Comma, r.FieldsPerRecord = o.separator, -1
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
			bad = append(bad, fmt.Sprintf("line %d: %d columns; expected %s, separated by %q (see -separator)", line, len(record), strings.Join(names, ", "), o.separator))
			continue
		}
		cells := map[string]string{}
		for i, cell := range record {
			cells[names[i]] = strings.TrimSpace(cell)
		}
		one := row{line: line, number: cells["number"], text: cells["text"], title: cells["title"], note: cells["note"]}
		if one.note != "" && one.title == "" {
			one.title = o.title
		}
		problem := one.problem(o)
		if before, again := lineOf[one.key()]; again && problem == "" {
			problem = fmt.Sprintf("ticket %s is already in line %d", one.number, before)
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
func (r row) problem(o bulk) string {
	for _, cell := range []string{r.number, r.text, r.title, r.note} {
		if !utf8.ValidString(cell) {
			return "it is not UTF-8: save the file as CSV in UTF-8"
		}
	}
	switch {
	case r.number == "":
		return "the ticket number is empty"
	case !hasDigit(r.number), strings.ContainsFunc(r.number, unicode.IsControl):
		return fmt.Sprintf("%q is not a ticket number", r.number)
	case r.text == "":
		return "the text is empty: a resolution is never invented"
	case utf8.RuneCountInString(r.text) > maxText:
		return fmt.Sprintf("the text has more than %d characters", maxText)
	case utf8.RuneCountInString(r.note) > maxText:
		return fmt.Sprintf("the note has more than %d characters", maxText)
	case r.note == "" && r.title != "":
		return "the title has no note"
	case r.note != "" && r.title == "":
		return "the note has no title: add the column title, or -note-title for all"
	case r.note != "" && (o.noteType == "" || o.publish == ""):
		return "the note needs -note-type and -publish, which set its type and who sees it"
	}
	return ""
}

// key identifies the ticket, however its number is written.
func (r row) key() string { return strings.ToLower(r.number) }
