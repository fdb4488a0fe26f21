package worklist

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noStdin is the standard input of a file that is not the standard input.
func noStdin() (io.Reader, error) { return nil, errors.New("the standard input is not to be read") }

// tickets writes a file of tickets, and returns its path.
func tickets(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tickets.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// notes are what a program that may post notes reads.
var notes = Form{Separator: ',', TitleFlag: "-title", Notes: true}

func TestBadLinesAreNamed(t *testing.T) {
	t.Parallel()
	plain := Form{Separator: ','}
	for name, test := range map[string]struct {
		text string
		form Form
		says []string
	}{
		"all of them": {"number,text\nT1,ok\n,x\nT2,\nT3\nT1,again\nt1,in lower case\nT4,\xe9\n", plain, []string{
			"line 3: the ticket number is empty", "line 4: the text is empty", "line 5: 1 columns; expected number, text",
			"line 6: ticket T1 is already in line 2", "line 7: ticket t1 is already in line 2", "line 8: it is not UTF-8",
		}},
		"unknown column":     {"number,text,notes\nT1,x,y\n", plain, []string{`line 1: there is no column "notes"`}},
		"wrong header":       {"Ticket Number,Resolution\nT1,x\n", plain, []string{`line 1: there is no column "ticket number"; the columns are number, text, title, note`}},
		"one wrong name":     {"ticket,text\nT1,x\n", plain, []string{`line 1: there is no column "ticket"; the columns are number, text, title, note`}},
		"name with a digit":  {"field1,text\nT1,x\n", plain, []string{`line 1: there is no column "field1"`}},
		"no number column":   {"text,title\nT1,x\n", plain, []string{`line 1: the column "number" is missing`}},
		"header after blank": {",,\nTicket,Solution\nT1,x\n", plain, []string{`line 2: there is no column "ticket"`}},
		"header in between":  {"T1,x\nnumber,text\nT2,y\n", plain, []string{`line 2: "number" is not a ticket number`}},
		"column twice":       {"number,text,text\nT1,x,y\n", plain, []string{`line 1: the column "text" occurs twice`}},
		"no text column":     {"number,title\nT1,x\n", plain, []string{`line 1: the column "text" is missing`}},
		"quotes":             {"number,text\nT1,\"x\n", plain, []string{"extraneous or missing"}},
		"other separator":    {"number;text\nT1;x\n", plain, []string{"line 1: 1 columns", "-separator"}},
		"UTF-16":             {"\xff\xfen\x00", plain, []string{"UTF-16"}},
		"CR alone":           {"T1,x\rT2,y\r", plain, []string{"CR alone"}},
		"empty":              {"number,text\n", plain, []string{"has no tickets"}},
		"too long":           {"T1," + strings.Repeat("x", 32001), plain, []string{"line 1: the text has more than 32000"}},
		"note too long":      {"T1,x,t," + strings.Repeat("x", 32001), plain, []string{"line 1: the note has more than 32000"}},
		"control character":  {"\"T\n1\",x\n", plain, []string{"is not a ticket number"}},
		"title, no note":     {"T1,x,y,\n", plain, []string{"line 1: the title has no note"}},
		"note, no title":     {"T1,x,,y\n", notes, []string{"line 1: the note has no title: add the column title, or -title for all"}},
		"note, no audience":  {"T1,x,y,z\n", plain, []string{"-note-type and -publish"}},
		"very many":          {strings.Repeat("T1,\n", 30), plain, []string{"line 20:", "and 10 more"}},
	} {
		rows, err := Read(tickets(t, test.text), noStdin, test.form)
		require.Error(t, err, name)
		assert.Empty(t, rows, name)
		for _, says := range test.says {
			assert.Contains(t, err.Error(), says, name)
		}
	}
	_, err := Read("no/such/file.csv", noStdin, plain)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestFormsOfTheFile(t *testing.T) {
	t.Parallel()
	want := []Row{{Line: 1, Number: "T1", Text: "x", Title: "t", Note: "n"}}
	for name, text := range map[string]string{
		"plain":             "T1,x,t,n\n",
		"header":            "text , NUMBER,note,title\nx,T1,n,t\n",
		"BOM and CRLF":      "\uFEFFT1,x,t,n\r\n",
		"semicolons":        "T1;x;t;n\n",
		"without a last \n": "T1,x,t,n",
		"empty lines":       "\nT1, x ,t,n\n,,,\n\n",
		"default title":     "number,text,note\nT1,x,n\n",
		"blank, header":     ",,,\nnumber,text,note\nT1,x,n\n",
	} {
		form := notes
		form.Title = "t"
		if name == "semicolons" {
			form.Separator = ';'
		}
		rows, err := Read(tickets(t, text), noStdin, form)
		require.NoError(t, err, name)
		require.Len(t, rows, 1, name)
		rows[0].Line = 1
		assert.Equal(t, want, rows, name)
	}
}

func TestReadFromTheStandardInput(t *testing.T) {
	t.Parallel()
	rows, err := Read(StandardInput, func() (io.Reader, error) { return strings.NewReader("T1,x\n"), nil }, notes)
	require.NoError(t, err)
	assert.Equal(t, []Row{{Line: 1, Number: "T1", Text: "x"}}, rows)
	_, err = Read(StandardInput, noStdin, notes)
	require.ErrorContains(t, err, "is not to be read")
	for path, want := range map[string]bool{"-": true, "/dev/stdin": true, "/dev/fd/0": true, "/proc/self/fd/0": true, "stdin": false, "": false} {
		assert.Equal(t, want, IsStandardInput(path), path)
	}
}

func TestSeparator(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "ab", "\"", "\n", "\r", "\xff"} {
		_, err := Separator(wrong)
		require.ErrorContains(t, err, "is not valid", "%q", wrong)
	}
	for _, given := range []string{",", ";", "\t", "¦"} {
		r, err := Separator(given)
		require.NoError(t, err)
		assert.Equal(t, given, string(r))
	}
}

func TestResultPath(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, out, want string }{
		{"a/tickets.csv", "", "a/tickets.results.csv"}, {"tickets", "", "tickets.results.csv"}, {"tickets.csv", "b.csv", "b.csv"},
	} {
		got, err := ResultPath(test.in, test.out)
		require.NoError(t, err)
		assert.Equal(t, test.want, got)
	}
	_, err := ResultPath("tickets.csv", "./tickets.csv")
	require.ErrorContains(t, err, "-out must be a different file from tickets.csv")
}
