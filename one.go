package autotask

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
)

// maxCandidates is how many matches One reads, and names.
const maxCandidates = 10

// One returns the only item that matches q, ignoring q.Limit. It returns
// [ErrNotFound], or an [*AmbiguousError] that names the first ten.
func One[T Queryable](ctx context.Context, c *Client, q Query) (*T, error) {
	q.Limit, q.Prefetch = maxCandidates, false
	found, err := List[T](ctx, c, q)
	if err != nil {
		return nil, err
	}
	if len(found) == 1 {
		return found[0], nil
	}
	labels := make([]Candidate, len(found))
	for i, item := range found {
		labels[i] = Candidate{ID: idOf(item), Label: labelOf(item)}
	}
	return nil, notOne(collection[T](), q.Filter, labels)
}

func notOne(collection string, f Filter, found []Candidate) error {
	if len(found) == 0 {
		return notFound(http.MethodPost, collection+"/query", "no item has "+f.describe())
	}
	return &AmbiguousError{What: collection, Name: f.describe(), Candidates: found}
}

// describe is a filter for a reader.
func (f Filter) describe() string {
	switch {
	case f.items != nil:
		parts := make([]string, len(f.items))
		for i, item := range f.items {
			parts[i] = item.describe()
		}
		return "(" + strings.Join(parts, " "+f.op+" ") + ")"
	case f.op == "":
		return "any value"
	case f.value == nil:
		return f.field + " " + f.op
	}
	value, err := json.Marshal(f.value)
	if err != nil {
		return f.field + " " + f.op
	}
	return f.field + " " + f.op + " " + excerpt(string(value))
}

// labelOf is what an item of any entity is called, as far as its fields tell:
// its title, number or names.
func labelOf(item any) string {
	v := reflect.Indirect(reflect.ValueOf(item))
	var parts []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if name != "Title" && name != "TicketNumber" && !strings.HasSuffix(name, "Name") {
			continue
		}
		if text := textIn(v.Field(i)); text != "" && len(parts) < 2 {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

// textIn is the text that a field holds, "" if it holds none.
func textIn(f reflect.Value) string {
	switch v := f.Interface().(type) {
	case string:
		return v
	case Optional[string]:
		return v.Or("")
	}
	return ""
}
