package mirror

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/changes"
)

// WriteJSONLines writes changes as JSON, one in a line: kind, collection, id, how,
// and the row as Autotask sent it.
func WriteJSONLines(w io.Writer, all []changes.Change) error {
	for _, c := range all {
		line, err := json.Marshal(struct {
			Kind       changes.Kind   `json:"kind"`
			Collection string         `json:"collection"`
			ID         int64          `json:"id"`
			How        changes.How    `json:"how"`
			Fields     []string       `json:"fields,omitempty"`
			Parent     string         `json:"parent,omitzero"`
			IDs        []int64        `json:"ids,omitempty"`
			Row        jsontext.Value `json:"row,omitzero"`
		}{c.Kind, c.Collection, c.ID, c.How, c.Fields, c.Parent, c.IDs, c.JSON}, jsontext.AllowInvalidUTF8(true))
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// WriteCSV writes the rows of a collection that exist, with labels beside picklist
// fields, by id. The first line has the names of the columns; NULL is empty.
func (m *Mirror) WriteCSV(ctx context.Context, w io.Writer, collection string) error {
	if t := m.tables[collection]; t == nil || !t.isThere() {
		return fmt.Errorf("mirror: there are no rows of %s", collection)
	}
	rows, err := m.db.QueryContext(ctx, "SELECT * FROM "+quote(m.dialect.name(collection+"_view"))+" ORDER BY id") //nolint:gosec // the name is quoted
	if err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	out := csv.NewWriter(w)
	if err := out.Write(names); err != nil {
		return err
	}
	values, into, record := make([]any, len(names)), make([]any, len(names)), make([]string, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("mirror: %w", err)
		}
		for i, v := range values {
			record[i] = cell(v)
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	out.Flush()
	return out.Error()
}

func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return v.UTC().Format(sqliteDate)
	default:
		return fmt.Sprint(v)
	}
}
