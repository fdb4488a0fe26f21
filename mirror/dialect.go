package mirror

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"           // the driver "sqlite"

	"github.com/jackc/pgx/v5"
)

// dialect is what differs between the databases.
type dialect struct {
	postgres bool
	// parameters is how many one statement may have: it writes as many rows as fit.
	// With 0 it writes one row, which costs no round trip in SQLite.
	parameters int
}

func open(name, schema string) (*sql.DB, dialect, error) {
	scheme, rest, found := strings.Cut(name, ":")
	switch {
	case found && scheme == "sqlite" && schema != "":
		return nil, dialect{}, errors.New("SQLite has no schemas")
	case found && scheme == "sqlite" && rest != "":
		// What is in it is nobody else's business.
		f, err := os.OpenFile(rest, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller names the file
		if err != nil {
			return nil, dialect{}, err
		}
		if err := f.Close(); err != nil {
			return nil, dialect{}, err
		}
		db, err := sql.Open("sqlite", sqliteName(rest))
		if err != nil {
			return nil, dialect{}, err
		}
		db.SetMaxOpenConns(1) // it has one writer in any case
		return db, dialect{}, nil
	case found && (scheme == "postgres" || scheme == "postgresql") && rest != "":
		if strings.HasPrefix(rest, "//") {
			rest = name
		}
		config, err := pgx.ParseConfig(rest) // its errors have no password
		if err != nil {
			return nil, dialect{}, err
		}
		if schema != "" {
			config.RuntimeParams["search_path"] = quote(schema)
		}
		return stdlib.OpenDB(*config), dialect{postgres: true, parameters: 30_000}, nil
	}
	return nil, dialect{}, errors.New("the database is named sqlite:FILE or postgres://…")
}

// sqliteName is the URI of a file. A transaction takes the lock to write when it
// begins, and waits for it; a reader of the file is kept waiting by nobody.
func sqliteName(file string) string {
	path := filepath.ToSlash(file)
	if filepath.VolumeName(file) != "" {
		path = "/" + path
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate"
}

// bind numbers the parameters of a statement, where the database wants that.
func (d dialect) bind(statement string) string {
	if !d.postgres {
		return statement
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(statement, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// name is a name as the database shall have it. Postgres makes names without quotes
// lower case, and SQLite does not care.
func (d dialect) name(s string) string {
	if d.postgres {
		return strings.ToLower(s)
	}
	return s
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// columnType is what a column holds.
type columnType string

const (
	wholeNumber columnType = "integer"
	decimal     columnType = "decimal"
	boolean     columnType = "boolean"
	date        columnType = "datetime"
	text        columnType = "text"
)

// typeOf is the type of a column for a field, by the name that Autotask has for its
// type.
func typeOf(dataType string) columnType {
	switch strings.ToLower(dataType) {
	case "integer", "int", "long", "short", "byte":
		return wholeNumber
	case "decimal", "double", "float", "number", "money":
		return decimal
	case "boolean", "bool":
		return boolean
	case "datetime", "date":
		return date
	default:
		return text
	}
}

// sql is the type in the database. The names of SQLite only say which of its ways to
// store a value is preferred.
func (d dialect) sql(t columnType) string {
	switch t {
	case wholeNumber:
		return "BIGINT"
	case decimal:
		return "NUMERIC"
	case boolean:
		return "BOOLEAN"
	case date:
		if d.postgres {
			return "TIMESTAMPTZ"
		}
		return "TEXT"
	case text:
	}
	return "TEXT"
}

const sqliteDate = "2006-01-02T15:04:05.000Z"

func (d dialect) date(t time.Time) any {
	if d.postgres {
		return t
	}
	return t.UTC().Format(sqliteDate)
}

// text is a text as the database can hold it.
func (d dialect) text(s string) string {
	if d.postgres {
		return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	}
	return s
}
