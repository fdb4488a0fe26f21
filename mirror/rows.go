package mirror

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/changes"
)

// writer writes one batch.
type writer struct {
	*Mirror

	tx               *sql.Tx
	now              time.Time
	written, deleted int
}

func (w *writer) exec(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	return w.tx.ExecContext(ctx, w.dialect.bind(statement), args...)
}

// apply writes changes in their order; those of one kind and one collection that
// follow one another at once.
func (w *writer) apply(ctx context.Context, all []changes.Change) error {
	for begin := 0; begin < len(all); {
		end := begin + 1
		for end < len(all) && all[end].Kind == all[begin].Kind && all[end].Collection == all[begin].Collection {
			end++
		}
		if err := w.applySame(ctx, all[begin:end]); err != nil {
			return fmt.Errorf("%s: %w", all[begin].Collection, err)
		}
		begin = end
	}
	return nil
}

func (w *writer) applySame(ctx context.Context, same []changes.Change) error {
	collection := same[0].Collection
	if err := w.create(ctx, collection); err != nil {
		return err
	}
	switch same[0].Kind {
	case changes.Upserted:
		return w.upsert(ctx, w.table(collection), same)
	case changes.Gone:
		ids := make([]int64, len(same))
		for i, c := range same {
			ids[i] = c.ID
		}
		return w.markDeleted(ctx, w.table(collection), ids)
	case changes.SchemaChanged:
		for _, c := range same {
			if err := w.changeSchema(ctx, c); err != nil {
				return err
			}
		}
	case changes.Recheck:
		for _, c := range same {
			if err := w.recheck(ctx, w.table(collection), c); err != nil {
				return err
			}
		}
	}
	return nil
}

// upsert writes rows. Of a row that comes twice, the last one counts. One that is there
// as it comes, which a feed that looks back brings often, is not written again.
func (w *writer) upsert(ctx context.Context, t *table, all []changes.Change) error {
	last := make(map[int64]int, len(all))
	for i, c := range all {
		last[c.ID] = i
	}
	s := newStatement(t)
	size := max(w.dialect.parameters/len(s.names), 1)
	var args []any
	n := 0
	flush := func() error {
		if n == 0 {
			return nil
		}
		prepared, err := s.prepared(ctx, w, n)
		if err != nil {
			return err
		}
		result, err := prepared.ExecContext(ctx, args...)
		if err != nil {
			return err
		}
		written, err := result.RowsAffected()
		w.written += int(written)
		args, n = args[:0], 0
		return err
	}
	defer s.close()
	for i, c := range all {
		if last[c.ID] != i {
			continue
		}
		values, err := w.values(t, c)
		if err != nil {
			return err
		}
		for _, column := range s.columns {
			args = append(args, values[column])
		}
		args = append(args, w.dialect.text(string(c.JSON)), w.dialect.date(w.now), nil)
		if n++; n == size {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// statement writes rows of a table.
type statement struct {
	table   *table
	columns []int // of the table, without those of labels
	names   []string
	by      map[int]*sql.Stmt // the number of rows
}

func newStatement(t *table) *statement {
	s := &statement{table: t, by: make(map[int]*sql.Stmt)}
	for i, c := range t.columns {
		if !strings.HasPrefix(c.source, labelMark) {
			s.columns = append(s.columns, i)
			s.names = append(s.names, quote(c.name))
		}
	}
	s.names = append(s.names, "_json", "_changed", "_deleted")
	return s
}

func (s *statement) prepared(ctx context.Context, w *writer, rows int) (*sql.Stmt, error) {
	if p := s.by[rows]; p != nil {
		return p, nil
	}
	row := "(?" + strings.Repeat(", ?", len(s.names)-1) + ")"
	var set, differs []string
	for _, name := range s.names[1:] { // the first is the id
		set = append(set, name+" = excluded."+name)
		before, now := s.table.name+"."+name, "excluded."+name
		switch name {
		case "_changed":
			continue
		case "_json": // which Postgres does not compare
			before, now = "CAST("+before+" AS TEXT)", "CAST("+now+" AS TEXT)"
		}
		differs = append(differs, before+" IS DISTINCT FROM "+now)
	}
	p, err := w.tx.PrepareContext(ctx, w.dialect.bind(fmt.Sprintf("INSERT INTO %s (%s) VALUES %s ON CONFLICT (id) DO UPDATE SET %s WHERE %s",
		s.table.name, strings.Join(s.names, ", "), row+strings.Repeat(", "+row, rows-1), strings.Join(set, ", "), strings.Join(differs, " OR "))))
	if err == nil {
		s.by[rows] = p
	}
	return p, err
}

func (s *statement) close() {
	for _, p := range s.by {
		_ = p.Close()
	}
}

// values returns what a row has for the columns of its table.
func (w *writer) values(t *table, c changes.Change) ([]any, error) {
	values := make([]any, len(t.columns))
	d := jsontext.NewDecoder(bytes.NewReader(c.JSON), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		value, err := d.ReadValue()
		if err == nil && name == "userDefinedFields" {
			err = w.udfValues(t, value, values)
		}
		if err != nil {
			return nil, err
		}
		if i, has := t.members[strings.ToLower(name)]; has {
			values[i] = w.value(value, t.columns[i].typ)
		}
	}
	values[0] = c.ID
	return values, nil
}

func (w *writer) udfValues(t *table, value jsontext.Value, values []any) error {
	var udfs []struct {
		Name  string         `json:"name"`
		Value jsontext.Value `json:"value"`
	}
	if err := json.Unmarshal(value, &udfs, jsontext.AllowInvalidUTF8(true)); err != nil {
		return err
	}
	for _, udf := range udfs {
		if i, has := t.udfs[udf.Name]; has && len(udf.Value) > 0 {
			values[i] = w.value(udf.Value, t.columns[i].typ)
		}
	}
	return nil
}

// value is a JSON value for a column of a type; nil for one that does not fit.
func (w *writer) value(v jsontext.Value, t columnType) any {
	if v.Kind() == 'n' {
		return nil
	}
	s := string(v)
	if v.Kind() == '"' {
		b, err := jsontext.AppendUnquote(nil, v)
		if s = string(b); err != nil {
			s = strings.ToValidUTF8(s, "\uFFFD")
		}
	}
	switch t {
	case wholeNumber:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	case decimal:
		// Neither NaN nor infinity, and none of the other ways in which Go writes numbers.
		if n, err := strconv.ParseFloat(s, 64); err == nil && n-n == 0 && !strings.ContainsAny(s, "xX_") {
			if w.dialect.postgres {
				return s // as exact as it was sent
			}
			return n
		}
	case boolean:
		if b, err := strconv.ParseBool(s); err == nil {
			return b
		}
	case date:
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
			if at, err := time.Parse(layout, s); err == nil {
				return w.dialect.date(at)
			}
		}
	case text:
		return w.dialect.text(s)
	}
	return nil
}

// markDeleted says of rows that they are gone.
func (w *writer) markDeleted(ctx context.Context, t *table, ids []int64) error {
	for part := range slices.Chunk(ids, 500) {
		args := []any{w.dialect.date(w.now)}
		for _, id := range part {
			args = append(args, id)
		}
		result, err := w.exec(ctx, fmt.Sprintf("UPDATE %s SET _deleted = ? WHERE _deleted IS NULL AND id IN (?%s)",
			t.name, strings.Repeat(", ?", len(part)-1)), args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		w.deleted += int(n)
	}
	return nil
}

// recheck marks the rows of a parent that are not among those that are left.
func (w *writer) recheck(ctx context.Context, t *table, c changes.Change) error {
	i, has := t.members[strings.ToLower(c.Parent)]
	if !has {
		return nil // no row has one
	}
	ids, err := idsOf(w.tx.QueryContext(ctx, w.dialect.bind(fmt.Sprintf("SELECT id FROM %s WHERE _deleted IS NULL AND %s = ? ORDER BY id",
		t.name, quote(t.columns[i].name))), c.ID))
	if err != nil {
		return err
	}
	return w.markDeleted(ctx, t, slices.DeleteFunc(ids, func(id int64) bool { return slices.Contains(c.IDs, id) }))
}

// idsOf reads a column of ids.
func idsOf(rows *sql.Rows, err error) ([]int64, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
