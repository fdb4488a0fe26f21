package mirror

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"

	"github.com/autotask-go/autotask/changes"
)

// table is what is known of the table of a collection.
type table struct {
	name    string
	columns []column // in the order in which they were added, those of labels included
	members map[string]int
	udfs    map[string]int
}

// column is a column for a field, or in the view for the label of one.
type column struct {
	source string // the field, udf: and the field, or label: and the source of another column
	typ    columnType
	name   string
}

const (
	udfMark   = "udf:"
	labelMark = "label:"
)

// ownColumns are in every table.
var ownColumns = []string{"id", "_json", "_changed", "_deleted"}

func (m *Mirror) loadTables(ctx context.Context) error {
	clear(m.tables)
	rows, err := m.db.QueryContext(ctx, "SELECT collection, source, type, name FROM mirror_columns ORDER BY collection, position")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var collection string
		var c column
		if err := rows.Scan(&collection, &c.source, &c.typ, &c.name); err != nil {
			return err
		}
		m.table(collection).add(c)
	}
	return rows.Err()
}

// table returns the table of a collection. It may not be in the database yet, in
// which case it has no columns.
func (m *Mirror) table(collection string) *table {
	t := m.tables[collection]
	if t == nil {
		t = &table{name: quote(m.dialect.name(collection)), members: make(map[string]int), udfs: make(map[string]int)}
		m.tables[collection] = t
	}
	return t
}

func (t *table) add(c column) {
	if name, udf := strings.CutPrefix(c.source, udfMark); udf {
		t.udfs[name] = len(t.columns)
	} else if !strings.HasPrefix(c.source, labelMark) {
		t.members[strings.ToLower(c.source)] = len(t.columns)
	}
	t.columns = append(t.columns, c)
}

func (t *table) has(source string) bool {
	return slices.ContainsFunc(t.columns, func(c column) bool { return strings.EqualFold(c.source, source) })
}

func (t *table) isThere() bool { return len(t.columns) > 0 }

// create creates a table that is not there yet.
func (w *writer) create(ctx context.Context, collection string) error {
	t := w.table(collection)
	if t.isThere() {
		return nil
	}
	d := w.dialect
	_, err := w.exec(ctx, fmt.Sprintf("CREATE TABLE %s (id %s PRIMARY KEY, _json %s NOT NULL, _changed %s NOT NULL, _deleted %s)",
		t.name, w.idType(), w.jsonType(), d.sql(date), d.sql(date)))
	if err != nil {
		return err
	}
	// Known rows are counted by this, without a look at the rows.
	index := quote(d.name(collection + "_existing"))
	if _, err := w.exec(ctx, fmt.Sprintf("CREATE INDEX %s ON %s (id) WHERE _deleted IS NULL", index, t.name)); err != nil {
		return err
	}
	return w.note(ctx, collection, column{"id", wholeNumber, "id"})
}

func (w *writer) idType() string {
	if w.dialect.postgres {
		return "BIGINT"
	}
	return "INTEGER" // which makes it the row's own number
}

func (w *writer) jsonType() string {
	if w.dialect.postgres {
		return "JSON"
	}
	return "TEXT"
}

// note remembers a column.
func (w *writer) note(ctx context.Context, collection string, c column) error {
	t := w.table(collection)
	_, err := w.exec(ctx, "INSERT INTO mirror_columns (collection, position, source, type, name) VALUES (?, ?, ?, ?, ?)",
		collection, len(t.columns), c.source, string(c.typ), c.name)
	t.add(c)
	return err
}

// changeSchema adds what is new to a table, its view and the labels.
func (w *writer) changeSchema(ctx context.Context, c changes.Change) error {
	var s changes.SchemaChange
	if err := json.Unmarshal(c.JSON, &s); err != nil {
		return err
	}
	before := len(w.table(c.Collection).columns)
	for _, i := range slices.Concat(s.Added, s.Changed) {
		if err := w.addItem(ctx, c.Collection, i); err != nil {
			return err
		}
	}
	if len(w.table(c.Collection).columns) == before {
		return nil
	}
	return w.createView(ctx, c.Collection)
}

func (w *writer) addItem(ctx context.Context, collection string, i changes.SchemaItem) error {
	source := i.Field
	if i.UDF {
		source = udfMark + source
	}
	if err := w.addColumn(ctx, collection, source, i); err != nil || i.Value == "" {
		return err
	}
	_, err := w.exec(ctx, `INSERT INTO mirror_picklists (collection, field, value, label) VALUES (?, ?, ?, ?)
		ON CONFLICT (collection, field, value) DO UPDATE SET label = excluded.label`,
		collection, strings.ToLower(source), w.dialect.text(i.Value), w.dialect.text(i.Label))
	if t := w.table(collection); err != nil || t.has(labelMark+source) {
		return err
	}
	return w.note(ctx, collection, column{labelMark + source, text, w.freeName(collection, w.columnOf(collection, source)+"_label")})
}

// addColumn adds the column of a field, if it is not there.
func (w *writer) addColumn(ctx context.Context, collection, source string, i changes.SchemaItem) error {
	t := w.table(collection)
	if t.has(source) {
		return nil
	}
	name := i.Field
	if i.UDF {
		name = "udf_" + name
	}
	c := column{source, typeOf(i.DataType), w.freeName(collection, name)}
	if _, err := w.exec(ctx, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", t.name, quote(c.name), w.dialect.sql(c.typ))); err != nil {
		return err
	}
	return w.note(ctx, collection, c)
}

func (w *writer) columnOf(collection, source string) string {
	for _, c := range w.table(collection).columns {
		if strings.EqualFold(c.source, source) {
			return c.name
		}
	}
	return source
}

// longestName leaves room for a number, in the 63 bytes that Postgres has.
const longestName = 56

// freeName is a name of letters, digits and underscores that no column has, in no
// casing.
func (w *writer) freeName(collection, wanted string) string {
	base := strings.Map(func(r rune) rune {
		if r == '_' || r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, wanted)
	base = w.dialect.name(base[:min(len(base), longestName)])
	name := base
	for n := 2; w.isTaken(collection, name); n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	return name
}

func (w *writer) isTaken(collection, name string) bool {
	is := func(other string) bool { return strings.EqualFold(other, name) }
	return slices.ContainsFunc(ownColumns, is) ||
		slices.ContainsFunc(w.table(collection).columns, func(c column) bool { return is(c.name) })
}

// createView makes the view of a table anew. Its columns are only ever added at the
// end, as Postgres wants it: views may be built on it.
func (w *writer) createView(ctx context.Context, collection string) error {
	t := w.table(collection)
	var b strings.Builder
	view := quote(w.dialect.name(collection + "_view"))
	create := "CREATE OR REPLACE VIEW"
	if !w.dialect.postgres {
		create = "CREATE VIEW"
		if _, err := w.exec(ctx, "DROP VIEW IF EXISTS "+view); err != nil {
			return err
		}
	}
	fmt.Fprintf(&b, "%s %s AS SELECT ", create, view)
	for i, c := range t.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		source, label := strings.CutPrefix(c.source, labelMark)
		if !label {
			b.WriteString("t." + quote(c.name))
			continue
		}
		fmt.Fprintf(&b, "(SELECT p.label FROM mirror_picklists p WHERE p.collection = %s AND p.field = %s AND p.value = CAST(t.%s AS TEXT)) AS %s",
			literal(collection), literal(strings.ToLower(source)), quote(w.columnOf(collection, source)), quote(c.name))
	}
	fmt.Fprintf(&b, " FROM %s t WHERE t._deleted IS NULL", t.name)
	_, err := w.tx.ExecContext(ctx, b.String()) // a question mark in a name is none of a parameter
	return err
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
