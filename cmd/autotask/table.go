package main

import (
	"io"
	"strings"
)

// column is a column of a table.
type column struct {
	name  string
	whole bool // never shortened: half an id is worth nothing
	wraps bool // of the last column: it goes on below instead of being shortened
}

// table is printed for people: as a table that is as wide as the terminal, as one
// field in a line where that would cut too much, and in full through a pipe.
type table struct {
	columns []column
	rows    [][]string
}

func newTable(names ...string) *table {
	t := &table{}
	for _, name := range names {
		t.columns = append(t.columns, column{name: name, whole: isWhole(name)})
	}
	return t
}

// isWhole reports whether the values of a field make sense only in full.
func isWhole(name string) bool {
	return name == "id" || strings.HasSuffix(name, "ID") || strings.HasSuffix(name, "Number") || name == "value"
}

func (t *table) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = clean(cell)
	}
	t.rows = append(t.rows, cells)
}

const (
	gap        = 2  // blanks between columns
	leastWidth = 10 // of a column that is shortened
)

// write prints the table. columns is the width of the terminal, 0 if it is none.
func (t *table) write(w io.Writer, columns int) error {
	widths, fits := t.widths(columns)
	if !fits {
		return t.writeRecords(w, columns)
	}
	head := make([]string, len(t.columns))
	for i, c := range t.columns {
		head[i] = c.name
	}
	if err := writeLine(w, head, widths); err != nil {
		return err
	}
	for _, row := range t.rows {
		for _, line := range t.lines(row, widths) {
			if err := writeLine(w, line, widths); err != nil {
				return err
			}
		}
	}
	return nil
}

// lines returns the lines of a row: one, unless its last column wraps.
func (t *table) lines(row []string, widths []int) [][]string {
	last := len(row) - 1
	if !t.columns[last].wraps {
		return [][]string{row}
	}
	var lines [][]string
	for i, part := range wrapAfter("", "", strings.Fields(row[last]), widths[last]) {
		line := make([]string, len(row))
		if i == 0 {
			copy(line, row)
		}
		line[last] = part
		lines = append(lines, line)
	}
	return lines
}

func writeLine(w io.Writer, cells []string, widths []int) error {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		b.WriteString(pad(cut(cell, widths[i]), widths[i]))
	}
	_, err := io.WriteString(w, strings.TrimRight(b.String(), " ")+"\n")
	return err
}

// widths returns the widths of the columns, and whether they fit the terminal.
func (t *table) widths(columns int) (widths []int, fit bool) {
	widths = make([]int, len(t.columns))
	least := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = widthOf(c.name)
		for _, row := range t.rows {
			widths[i] = max(widths[i], widthOf(row[i]))
		}
		if least[i] = widths[i]; !c.whole {
			least[i] = min(widths[i], leastWidth)
		}
	}
	if columns <= 0 {
		return widths, true
	}
	for sum(widths) > columns {
		widest := -1
		for i := range widths {
			if widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return nil, false
		}
		widths[widest]--
	}
	return widths, true
}

func sum(widths []int) int {
	all := gap * (len(widths) - 1)
	for _, n := range widths {
		all += n
	}
	return all
}

// writeRecords prints one field in a line, and a blank line between rows.
func (t *table) writeRecords(w io.Writer, columns int) error {
	for i, row := range t.rows {
		var fields [][2]string
		for k, cell := range row {
			if cell != "" {
				fields = append(fields, [2]string{t.columns[k].name, cell})
			}
		}
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if err := writeFields(w, fields, columns); err != nil {
			return err
		}
	}
	return nil
}

// writeFields prints names and values, the values wrapped below each other.
func writeFields(w io.Writer, fields [][2]string, columns int) error {
	names := 0
	for _, f := range fields {
		names = max(names, widthOf(f[0]))
	}
	if columns > 0 {
		names = min(names, columns/2-gap)
	}
	indent := strings.Repeat(" ", names+gap)
	for _, f := range fields {
		name := cut(f[0], names)
		lines := []string{strings.TrimRight(pad(name, names+gap)+clean(f[1]), " ")}
		if columns > 0 {
			lines = wrapAfter(pad(name, names+gap), indent, strings.Fields(clean(f[1])), columns)
		}
		for _, line := range lines {
			if _, err := io.WriteString(w, strings.TrimRight(line, " ")+"\n"); err != nil {
				return err
			}
		}
	}
	return nil
}
