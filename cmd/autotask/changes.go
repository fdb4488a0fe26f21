package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/changes"
	"github.com/autotask-go/autotask/internal/english"
	"github.com/autotask-go/autotask/mirror"
)

const databaseVariable = "DATABASE_URL"

// following is what the flags of changes say.
type following struct {
	to          string
	state       string
	collections []string
	watch       time.Duration
	budget      int
	compare     bool
}

func (a *app) changesCommand() *cobra.Command {
	var o following
	cmd := &cobra.Command{
		Use:   "changes",
		Short: "Copy what changed since the last run, deletions included",
		Long: "changes copies collections, and keeps the copy up to date: the first run reads everything, every further one what has changed or was deleted since. It reads only. -to is one of\n\n" +
			"  sqlite:FILE    tables and views in an SQLite file\n" +
			"  postgres:URL   the same in Postgres; postgres alone takes the URL from " + databaseVariable + "\n" +
			"  jsonl          changes as JSON on the standard output, one in a line\n" +
			"  jsonl:FILE     the same, appended to a file\n" +
			"  csv            the rows of one collection as CSV on the standard output\n" +
			"  csv:DIRECTORY  a CSV file for each collection, replaced as a whole\n\n" +
			"The position is kept in the database, beside FILE, or in DIRECTORY; on the standard output it is kept in -state FILE, and without it every run begins anew. " +
			"A run that was killed goes on where it was, and nothing is written twice: what a run finds again as it was is left out. " +
			"On the standard output alone, rows of a run that was killed between printing and saving its position come again.\n\n" +
			"A URL with a password is refused, since others can see arguments: use PGPASSWORD, PGPASSFILE, a service file or " + databaseVariable + ".",
		Example: "autotask changes -to sqlite:autotask.db -watch 5m\n" +
			"autotask changes -to jsonl -state tickets.state -collections Tickets | jq .row.title\n" +
			"PGPASSFILE=~/.pgpass autotask changes -to postgres://reports@db.example/autotask",
		Args: exactly(0, "no arguments, only flags"),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.to, "to", "", "`where` the copy goes: sqlite:FILE, postgres:URL, jsonl, jsonl:FILE, csv or csv:DIRECTORY")
	flags.StringVar(&o.state, "state", "", "keep the position of jsonl and csv on the standard output in `FILE`")
	flags.StringSliceVar(&o.collections, "collections", []string{"Companies", "Contacts", "Resources", "Tickets", "TicketNotes", "TimeEntries"}, "the `names` of the collections, with commas between them")
	flags.DurationVar(&o.watch, "watch", 0, "go on until Ctrl-C, with this `time` between two runs")
	flags.IntVar(&o.budget, "budget", 0, "the most `requests` of a run; the next one goes on there; 0 is no limit")
	flags.BoolVar(&o.compare, "compare", false, "for databases: read all rows again in the end, and compare them")
	flags.Lookup("collections").DefValue = strings.Join(o.collections, ",")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.changes(cmd.Context(), o) }
	return cmd
}

func (a *app) changes(ctx context.Context, o following) error {
	kind, place, err := o.check(a.getenv)
	if err != nil {
		return err
	}
	requests := &counter{}
	client, err := a.client(autotask.WithReadOnly(), autotask.WithMiddleware(requests.wrap))
	if err != nil {
		return err
	}
	f := &follower{app: a, following: o, client: client, requests: requests, progress: a.newProgress()}
	defer f.progress.clear()
	switch kind {
	case "jsonl":
		return f.lines(ctx, place)
	case "csv":
		return f.files(ctx, place)
	}
	return f.database(ctx, place)
}

// check returns the kind and the place of -to. Nothing that it says has a part of a
// URL in it.
func (o *following) check(getenv func(string) string) (kind, place string, err error) {
	kind, place, _ = strings.Cut(o.to, ":")
	switch kind {
	case "":
		return "", "", usagef("-to is missing: sqlite:FILE, postgres:URL, jsonl, jsonl:FILE, csv or csv:DIRECTORY")
	case "sqlite":
		if place == "" {
			return "", "", usagef("-to sqlite:FILE needs a file")
		}
		place = o.to
	case "postgres", "postgresql":
		if place == "" {
			if place = getenv(databaseVariable); place == "" {
				return "", "", usagef("-to postgres without a URL needs %s", databaseVariable)
			}
			if !strings.HasPrefix(place, "postgres") {
				return "", "", usagef("%s is not a postgres URL", databaseVariable)
			}
		} else if place = o.to; hasPassword(place) {
			return "", "", hintError{
				usagef("-to: the URL has a password in it, and others can see arguments"),
				"Leave it out, and use PGPASSWORD, PGPASSFILE or a service file; or set " + databaseVariable + " and give -to postgres.",
			}
		}
	case "jsonl", "csv":
	default:
		return "", "", usagef("-to: the kind before the colon is not known: give sqlite:FILE, postgres:URL, jsonl, jsonl:FILE, csv or csv:DIRECTORY")
	}
	switch onStdout := (kind == "jsonl" || kind == "csv") && place == ""; {
	case o.state != "" && !onStdout:
		return "", "", usagef("-state is for jsonl and csv on the standard output")
	case kind == "csv" && onStdout && len(o.collections) != 1:
		return "", "", usagef("csv on the standard output has room for one collection: name it by -collections, or a directory by -to csv:DIRECTORY")
	case kind == "csv" && onStdout && o.watch > 0:
		return "", "", usagef("-watch needs a directory, -to csv:DIRECTORY")
	case o.compare && (kind == "jsonl" || kind == "csv"):
		return "", "", usagef("-compare is for databases")
	case o.watch < 0 || o.budget < 0:
		return "", "", usagef("-watch and -budget must not be negative")
	}
	for i, name := range o.collections {
		o.collections[i] = collectionName(strings.TrimSpace(name))
	}
	return kind, place, nil
}

// follower is the command at work.
type follower struct {
	*app
	following

	client   *autotask.Client
	requests *counter
	progress *progress
}

// sum is what a run did, as it is printed.
type sumLine struct {
	Written  int     `json:"written"`
	Deleted  int     `json:"deleted"`
	Requests int64   `json:"requests"`
	Seconds  float64 `json:"seconds"`
}

func (l sumLine) String() string {
	return fmt.Sprintf("%s written, %s deleted, %s in %v", english.Plural(l.Written, "row", "rows"), english.Thousands(l.Deleted),
		english.Plural(l.Requests, "request", "requests"), time.Duration(l.Seconds*float64(time.Second)).Round(time.Millisecond))
}

// database mirrors into a database, and prints what each run did.
func (f *follower) database(ctx context.Context, place string) error {
	m, err := f.openMirror(ctx, place)
	if errors.Is(err, autotask.ErrInvalid) {
		return usagef("-to: %w", err)
	} else if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	report := func(l sumLine) error {
		if f.json {
			err = f.object(l)
		} else {
			err = f.paragraph("%s", l)
		}
		if err != nil {
			return err
		}
		return f.out.Flush()
	}
	if err := f.mirror(ctx, m, report); err != nil || !f.compare {
		return err
	}
	return f.compareAll(ctx, m)
}

// fakeSchema is where the fake tenant of -demo is mirrored in Postgres.
const fakeSchema = "autotask_fake"

// openMirror opens a mirror. The fake tenant of -demo is another one in each run, so it
// is kept away from the copy of another tenant.
func (f *follower) openMirror(ctx context.Context, place string) (*mirror.Mirror, error) {
	file, isFile := strings.CutPrefix(place, "sqlite:")
	switch {
	case !f.demo:
		return mirror.Open(ctx, place)
	case !isFile:
		return mirror.OpenSchema(ctx, place, fakeSchema, true)
	case exists(file):
		return nil, notOverDemo(file)
	}
	return mirror.Open(ctx, place)
}

func notOverDemo(file string) error {
	return usagef("%s is there, and the fake tenant of -demo is not mixed with it: name another file", file)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// mirror runs a mirror, and reports each run.
func (f *follower) mirror(ctx context.Context, m *mirror.Mirror, report func(sumLine) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	began, requests, before, last := f.now(), f.requests.n.Load(), mirror.Progress{}, mirror.Progress{}
	end := func(p mirror.Progress) {
		f.progress.clear()
		l := sumLine{p.Written - before.Written, p.Deleted - before.Deleted, f.requests.n.Load() - requests, max(f.now().Sub(began), 0).Seconds()}
		if err := report(l); err != nil {
			stop(err)
		}
		began, requests, before = f.now().Add(f.watch), f.requests.n.Load(), p
	}
	ended := false
	err := m.Run(ctx, f.client, mirror.Options{
		Feed:  changes.Options{Collections: f.collections, Budget: f.budget},
		Watch: f.watch,
		Progress: func(p mirror.Progress) {
			last, ended = p, p.CaughtUp || p.Err != nil
			switch {
			case p.Err != nil:
				end(p)
				f.say("%v", p.Err)
			case p.CaughtUp:
				end(p)
			default:
				f.progress.show("%s: %s written", p.Collection, english.Plural(p.Written, "row", "rows"))
			}
		},
	})
	f.progress.clear()
	if cause := context.Cause(ctx); cause != nil && err != nil {
		err = hintError{cause, "The next run goes on behind the last page that was saved."}
	}
	if err == nil && !ended { // the budget is spent
		end(last)
		f.say("The budget of %s is spent; the next run goes on there.", english.Plural(f.budget, "request", "requests"))
	}
	return err
}

// compareAll reads everything again, and fails if the two sides differ.
func (f *follower) compareAll(ctx context.Context, m *mirror.Mirror) error {
	equal := true
	for _, name := range f.collections {
		d, err := m.Compare(ctx, f.client, name)
		if err != nil {
			return err
		}
		equal = equal && d.Equal()
		if f.json {
			err = f.object(struct {
				Collection string  `json:"collection"`
				Rows       int     `json:"rows"`
				Missing    []int64 `json:"missing,omitempty"`
				Extra      []int64 `json:"extra,omitempty"`
				Other      []int64 `json:"other,omitempty"`
				Equal      bool    `json:"equal"`
			}{name, d.Rows, d.Missing, d.Extra, d.Other, d.Equal()})
		} else {
			err = f.paragraph("%s", d)
		}
		if err != nil {
			return err
		}
	}
	if !equal {
		return fmt.Errorf("the copy differs from the tenant")
	}
	return nil
}

// files mirrors into an SQLite file, and writes its rows as CSV.
func (f *follower) files(ctx context.Context, directory string) error {
	database := filepath.Join(directory, "autotask-csv.db")
	switch {
	case directory != "":
		if err := os.MkdirAll(directory, 0o700); err != nil {
			return usagef("-to: %w", err)
		}
	case f.state != "":
		database = f.state
	default:
		temporary, err := os.MkdirTemp("", "autotask")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(temporary) }()
		database = filepath.Join(temporary, "autotask-csv.db")
	}
	m, err := f.openMirror(ctx, "sqlite:"+database)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	return f.mirror(ctx, m, func(l sumLine) error {
		f.say("%s", l)
		if directory == "" {
			return m.WriteCSV(ctx, f.out, f.collections[0])
		}
		for _, name := range f.collections {
			if err := replace(filepath.Join(directory, name+".csv"), func(w io.Writer) error { return m.WriteCSV(ctx, w, name) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// replace writes a file beside the old one, and puts it in its place as a whole.
func replace(path string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // it has another name by then if all went well
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// counter counts requests.
type counter struct{ n atomic.Int64 }

func (c *counter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		c.n.Add(1)
		return next.RoundTrip(r)
	})
}

// hasPassword reports whether a Postgres URL or keyword string has a password in it,
// or may have one in a form that is not understood.
func hasPassword(place string) bool {
	lower := strings.ToLower(place)
	if slices.ContainsFunc([]string{"password", "passw%", "pass%77"}, func(s string) bool { return strings.Contains(lower, s) }) {
		return true
	}
	_, rest, isURL := strings.Cut(place, "://")
	if !isURL { // host=… user=…; or a URL that lacks its slashes
		_, rest, _ = strings.Cut(place, ":")
		return strings.Contains(rest, "@") && strings.Contains(rest, ":") || strings.Contains(unescaped(lower), "password")
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		if strings.Contains(unescaped(lower), "password") {
			return true
		}
		if strings.ContainsAny(rest[:end], "@/") { // or else it may be a part of a password
			rest = rest[:end]
		}
	}
	at := strings.LastIndexByte(rest, '@')
	return at >= 0 && strings.Contains(rest[:at], ":")
}
