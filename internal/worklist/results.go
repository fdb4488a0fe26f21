package worklist

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
)

// resultColumns is the first line of a result file. Lines are only ever appended: one
// with the state "begun" before the work on a ticket, and one with the result after
// it. No cell has a line break, so a line that was cut short by the end of the
// process can be recognised by its missing one.
var resultColumns = []string{"time", "number", "work", "state", "ticket id", "note id", "requests", "message"}

// Results is the result file. Only one process may use it at once.
type Results struct {
	file *os.File
	seen map[string]*seen // by the work
}

// seen is what the file says about one piece of work.
type seen struct {
	begun time.Time
	done  bool
}

// Open opens a result file, or creates it. It refuses a file that it did not write, and
// does not change it.
func Open(path string) (*Results, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	r := &Results{file: file, seen: make(map[string]*seen)}
	if err := r.read(); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// read reads what an earlier run has written, and cuts off an incomplete last line.
func (r *Results) read() error {
	data, err := io.ReadAll(r.file)
	if err != nil {
		return err
	}
	head := csvLine(resultColumns)
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	switch {
	case len(whole) == 0 && strings.HasPrefix(head, string(data)):
		if err := r.cutAt(0); err != nil {
			return err
		}
		return r.add(head)
	case !bytes.HasPrefix(whole, []byte(head)):
		return errors.New("it is not a result file of this program, and was not changed: name another one with -out")
	}
	c := csv.NewReader(bytes.NewReader(whole))
	c.FieldsPerRecord = len(resultColumns)
	lines, err := c.ReadAll()
	if err != nil {
		return err
	}
	for i, cells := range lines[1:] {
		at, err := time.Parse(time.RFC3339, cells[0])
		if err != nil {
			return fmt.Errorf("line %d: %q is not a time", i+2, cells[0])
		}
		s := r.of(cells[2])
		switch cells[3] {
		case stateBegun:
			s.begun = at
		case stateFailed:
		default:
			s.done = true
		}
	}
	return r.cutAt(int64(len(whole)))
}

func (r *Results) cutAt(size int64) error {
	if err := r.file.Truncate(size); err != nil {
		return err
	}
	_, err := r.file.Seek(size, io.SeekStart)
	return err
}

func (r *Results) of(work string) *seen {
	if r.seen[work] == nil {
		r.seen[work] = new(seen)
	}
	return r.seen[work]
}

// Pending returns the rows that are not done.
func (r *Results) Pending(rows []Row) []Row {
	return slices.DeleteFunc(slices.Clone(rows), func(one Row) bool { return r.of(one.work()).done })
}

// begin records when the work on rows began, unless an earlier run has. That must be
// on disk before anything is sent, since a later run uses it to recognise its notes.
func (r *Results) begin(rows []Row) error {
	now := time.Now().UTC().Truncate(time.Second)
	var lines strings.Builder
	for _, one := range rows {
		if s := r.of(one.work()); s.begun.IsZero() {
			s.begun = now
			lines.WriteString(csvLine([]string{now.Format(time.RFC3339), one.Number, one.work(), stateBegun, "", "", "", ""}))
		}
	}
	if lines.Len() == 0 {
		return nil
	}
	return r.add(lines.String())
}

func (r *Results) begun(one Row) time.Time { return r.of(one.work()).begun }

// end records the result of a row.
func (r *Results) end(one Row, state string, o *autotask.Outcome, err error) error {
	message := ""
	if err != nil {
		message = err.Error()
	}
	return r.add(csvLine([]string{
		time.Now().UTC().Format(time.RFC3339), one.Number, one.work(), state,
		idText(o.TicketID), idText(o.NoteID), strconv.Itoa(o.Requests), message,
	}))
}

func idText(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// add writes lines, and syncs them to disk.
func (r *Results) add(lines string) error {
	_, err := r.file.WriteString(lines)
	return cmp.Or(err, r.file.Sync())
}

// Close closes the file. Each line is on the disk already.
func (r *Results) Close() error { return r.file.Close() }

func csvLine(cells []string) string {
	cells = slices.Clone(cells)
	for i, cell := range cells {
		cells[i] = strings.Join(strings.Fields(cell), " ")
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(cells) // a Builder never fails
	w.Flush()
	return b.String()
}

// work identifies what a row is to do: the same ticket with another text is another
// piece of work.
func (r Row) work() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{r.key(), r.Text, r.Title, r.Note}, "\x00")))
	return fmt.Sprintf("%x", sum[:8])
}
