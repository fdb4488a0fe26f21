package mirror

import (
	"context"
	"fmt"
	"math"

	"github.com/autotask-go/autotask"
)

// Difference is how the rows of a collection differ on the two sides.
type Difference struct {
	Collection string
	Rows       int     // in Autotask
	Missing    []int64 // ids of rows that are not in the mirror
	Extra      []int64 // of rows that exist in the mirror only
	Other      []int64 // of rows that are not the same
}

// Equal reports whether there is none.
func (d *Difference) Equal() bool { return len(d.Missing)+len(d.Extra)+len(d.Other) == 0 }

// String returns a line for people.
func (d *Difference) String() string {
	if d.Equal() {
		return fmt.Sprintf("%s: %d rows, the same on both sides", d.Collection, d.Rows)
	}
	return fmt.Sprintf("%s: %d rows, %d not in the mirror, %d in the mirror only, %d not the same",
		d.Collection, d.Rows, len(d.Missing), len(d.Extra), len(d.Other))
}

// Compare reads all rows of a collection, one request for each 500 of them, and
// compares them byte for byte with those of the mirror. What changed since the last
// Run is a difference, too.
func (m *Mirror) Compare(ctx context.Context, client *autotask.Client, collection string) (*Difference, error) {
	d := &Difference{Collection: collection}
	after := int64(math.MinInt64)
	for page, err := range client.Collection(collection).Pages(ctx, autotask.Query{}) {
		if err != nil {
			return nil, err
		}
		if len(page.Items) == 0 {
			continue
		}
		last := page.Items[len(page.Items)-1].ID
		if err := m.comparePage(ctx, d, page.Items, after, last); err != nil {
			return nil, fmt.Errorf("mirror: %w", err)
		}
		after = last
	}
	if err := m.comparePage(ctx, d, nil, after, math.MaxInt64); err != nil {
		return nil, fmt.Errorf("mirror: %w", err)
	}
	return d, nil
}

func (m *Mirror) comparePage(ctx context.Context, d *Difference, rows []*autotask.Row, after, last int64) error {
	d.Rows += len(rows)
	i := 0
	missing := func(before int64) {
		for ; i < len(rows) && rows[i].ID < before; i++ {
			d.Missing = append(d.Missing, rows[i].ID)
		}
	}
	if m.table(d.Collection).isThere() {
		err := m.eachJSON(ctx, d.Collection, "id > ? AND id <= ?", []any{after, last}, func(id int64, row string) error {
			missing(id)
			switch {
			case i == len(rows) || rows[i].ID != id:
				d.Extra = append(d.Extra, id)
				return nil
			case m.dialect.text(string(rows[i].JSON)) != row:
				d.Other = append(d.Other, id)
			}
			i++
			return nil
		})
		if err != nil {
			return err
		}
	}
	missing(math.MaxInt64)
	return nil
}
