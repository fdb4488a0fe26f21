package autotask

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/transport"
)

// write sends a write and returns the id that Autotask answers with.
func (c *Client) write(ctx context.Context, method, path string, body []byte) (int64, error) {
	return c.writeItem(ctx, nil, method, path, body)
}

// writeItem is write for an item, or a nil pointer of its type. The entities
// with a method NoID are answered with {"itemId":null}, for which it returns 0;
// a repeat because of a missing id would bill an adjustment twice. For all
// others, an answer without an id is unreadable.
func (c *Client) writeItem(ctx context.Context, item any, method, path string, body []byte) (int64, error) {
	_, noID := item.(interface{ NoID() })
	var id int64
	err := c.send(ctx, call{method: method, path: path, body: body, decode: func(b []byte) error {
		if n, ok := quickID(b); ok {
			id = n
			return nil
		}
		var answer struct {
			ItemID Optional[int64]  `json:"itemId"`
			Errors []jsontext.Value `json:"errors"`
		}
		if err := decode(b, &answer); err != nil {
			return err
		}
		var ok bool
		if id, ok = answer.ItemID.Get(); !ok && !(noID && answer.ItemID.IsNull()) {
			return fmt.Errorf("%w: it has no itemId", transport.ErrUnreadable)
		}
		if method == http.MethodPost && ok && id <= 0 || len(answer.Errors) > 0 {
			return fmt.Errorf("%w: it has the itemId %d, and %d errors", transport.ErrUnreadable, id, len(answer.Errors))
		}
		return nil
	}})
	return id, err
}

// quickID reads {"itemId":123}, as nearly all writes are answered.
func quickID(b []byte) (int64, bool) {
	rest, ok := bytes.CutPrefix(b, []byte(`{"itemId":`))
	rest, closed := bytes.CutSuffix(rest, []byte("}"))
	if !ok || !closed || len(rest) == 0 || rest[0] < '1' || rest[0] > '9' {
		return 0, false
	}
	return digits(rest)
}

// patchOf checks the fields that are set in v, a pointer to an item, and returns
// them, and the body of the PATCH. own is what its type says of its fields, rules
// what its collection demands of them.
func patchOf(v any, own, rules *fields.Table, path string, id int64) (changes []merge.Change, body []byte, err error) {
	sparse, err := json.Marshal(v)
	if err != nil {
		return nil, nil, invalid(http.MethodPatch, path, "%v", err)
	}
	if changes, err = setFields(own, sparse); err != nil {
		return nil, nil, invalid(http.MethodPatch, path, "%v", err)
	}
	if len(changes) == 0 {
		return nil, nil, invalid(http.MethodPatch, path, "no field is set")
	}
	if err := checkPatch(rules, path, changes); err != nil {
		return nil, nil, err
	}
	all := append([]merge.Change{{Name: "id", New: jsontext.Value(strconv.FormatInt(id, 10))}}, changes...)
	if body, err = merge.Sparse(all); err != nil {
		return nil, nil, invalid(http.MethodPatch, path, "%v", err)
	}
	return changes, body, nil
}

// setFields lists the fields of an encoded item that are set. Those without
// states are if they are not zero.
func setFields(table *fields.Table, item []byte) (set []merge.Change, err error) {
	err = merge.Each(item, func(name string, value jsontext.Value) {
		f := table.Lookup(name)
		switch {
		case name == "id", f != nil && f.Plain && fields.IsZero(value):
		case f != nil && f.Parent && f.ReadOnly: // the path says it
		default:
			set = append(set, merge.Change{Name: name, New: value, Unread: true})
		}
	})
	return set, err
}
