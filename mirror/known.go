package mirror

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// known tells a feed which rows there are, from the tables.
type known struct{ *Mirror }

func (k known) query(collection, what, rest string) (string, bool) {
	t := k.tables[collection]
	if t == nil || !t.isThere() {
		return "", false
	}
	return k.dialect.bind(fmt.Sprintf("SELECT %s FROM %s WHERE _deleted IS NULL AND id > ? %s", what, t.name, rest)), true
}

func (k known) Count(ctx context.Context, collection string, after, last int64) (n int, err error) {
	if q, there := k.query(collection, "count(*)", "AND id <= ?"); there {
		err = k.db.QueryRowContext(ctx, q, after, last).Scan(&n)
	}
	return n, err
}

func (k known) Nth(ctx context.Context, collection string, after int64, n int) (id int64, err error) {
	q, there := k.query(collection, "id", "ORDER BY id LIMIT 1 OFFSET ?")
	if !there {
		return 0, fmt.Errorf("mirror: there are no rows of %s", collection)
	}
	err = k.db.QueryRowContext(ctx, q, after, n).Scan(&id)
	return id, err
}

func (k known) IDs(ctx context.Context, collection string, after, last int64, limit int) ([]int64, error) {
	q, there := k.query(collection, "id", "AND id <= ? ORDER BY id LIMIT ?")
	if !there {
		return nil, nil
	}
	return idsOf(k.db.QueryContext(ctx, q, after, last, limit))
}

// stored returns rows as they were sent.
func (m *Mirror) stored(ctx context.Context, collection string, ids []int64) (map[int64]jsontext.Value, error) {
	all := make(map[int64]jsontext.Value, len(ids))
	if len(ids) == 0 || !m.table(collection).isThere() {
		return all, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return all, m.eachJSON(ctx, collection, "id IN (?"+strings.Repeat(", ?", len(ids)-1)+")", args, func(id int64, row string) error {
		all[id] = jsontext.Value(row)
		return nil
	})
}

// eachJSON calls do with the rows that exist and match, by id.
func (m *Mirror) eachJSON(ctx context.Context, collection, where string, args []any, do func(id int64, row string) error) error {
	rows, err := m.db.QueryContext(ctx, m.dialect.bind(fmt.Sprintf("SELECT id, _json FROM %s WHERE _deleted IS NULL AND %s ORDER BY id",
		m.table(collection).name, where)), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var row string
		if err := rows.Scan(&id, &row); err != nil {
			return err
		}
		if err := do(id, row); err != nil {
			return err
		}
	}
	return rows.Err()
}
