package autotask

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/autotask-go/autotask/internal/fields"
)

// Autotask's limits for a query.
const (
	maxPageSize   = 500
	maxConditions = 500 // "OR" conditions, values of In among them
)

// Query says which items of a collection to read. The zero Query reads all.
type Query struct {
	// Filter is the condition; the zero Filter lets every item through.
	Filter Filter
	// Fields are the wire names of the fields to read, such as "title"; empty
	// reads all. The id always comes along. Fields left out are absent; those of
	// Ticket and TicketNote that are not Optional are then "" or 0.
	Fields []string
	// Limit is the number of items in all; 0 is no limit.
	Limit int
}

// Filter is a condition on items, made by Eq, And and the other functions of
// this package and by nothing else: Autotask silently drops an operator it does
// not know and answers with everything. Comparisons of text ignore case.
type Filter struct {
	op    string
	field string
	value any
	items []Filter
	udf   bool
	err   error
}

// Eq is true of items whose field equals value: a text, number, boolean or
// time.Time. For "has no value" use NotExist.
func Eq(field string, value any) Filter { return compare("eq", field, value) }

// NotEq is true of items whose field differs from value.
func NotEq(field string, value any) Filter { return compare("noteq", field, value) }

// Gt is true of items whose field is greater, or later, than value.
func Gt(field string, value any) Filter { return compare("gt", field, value) }

// Gte is true of items whose field is value or greater.
func Gte(field string, value any) Filter { return compare("gte", field, value) }

// Lt is true of items whose field is less, or earlier, than value.
func Lt(field string, value any) Filter { return compare("lt", field, value) }

// Lte is true of items whose field is value or less.
func Lte(field string, value any) Filter { return compare("lte", field, value) }

// BeginsWith is true of items whose text field begins with prefix.
func BeginsWith(field, prefix string) Filter { return compare("beginsWith", field, prefix) }

// EndsWith is true of items whose text field ends with suffix.
func EndsWith(field, suffix string) Filter { return compare("endsWith", field, suffix) }

// Contains is true of items whose text field contains part.
func Contains(field, part string) Filter { return compare("contains", field, part) }

// Exist is true of items whose field has a value.
func Exist(field string) Filter { return condition("exist", field) }

// NotExist is true of items whose field has no value.
func NotExist(field string) Filter { return condition("notExist", field) }

// In is true of items whose field equals one of the values, of which Autotask
// takes up to 500.
func In[V any](field string, values ...V) Filter { return list("in", field, values) }

// NotIn is true of items whose field equals none of the values.
func NotIn[V any](field string, values ...V) Filter { return list("notIn", field, values) }

// And is true where all of the conditions are.
func And(conditions ...Filter) Filter { return group("and", conditions) }

// Or is true where one of the conditions is.
func Or(conditions ...Filter) Filter { return group("or", conditions) }

// UDF applies a condition to the user-defined field of that name instead of a
// field of the entity: UDF(Eq("Backup Plan", "Gold")). Autotask takes one such
// condition in a query.
func UDF(f Filter) Filter {
	if f.items != nil || f.op == "" {
		f.err = errors.Join(f.err, errors.New("UDF takes a single condition, such as UDF(Eq(name, value))"))
	}
	f.udf = true
	return f
}

func condition(op, field string) Filter {
	f := Filter{op: op, field: field}
	if strings.TrimSpace(field) == "" {
		f.err = fmt.Errorf("%s: the name of the field is empty", op)
	}
	return f
}

func compare(op, field string, value any) Filter {
	f := condition(op, field)
	v, err := filterValue(value)
	if err != nil {
		f.err = errors.Join(f.err, fmt.Errorf("%s on %s: %w", op, field, err))
	}
	f.value = v
	return f
}

func list[V any](op, field string, values []V) Filter {
	f := condition(op, field)
	converted := make([]any, 0, len(values))
	for _, value := range values {
		v, err := filterValue(value)
		if err != nil {
			f.err = errors.Join(f.err, fmt.Errorf("%s on %s: %w", op, field, err))
			break
		}
		converted = append(converted, v)
	}
	if len(values) == 0 {
		f.err = errors.Join(f.err, fmt.Errorf("%s on %s: no values given", op, field))
	}
	f.value = converted
	return f
}

func group(op string, conditions []Filter) Filter {
	f := Filter{op: op, items: slices.Clone(conditions)}
	if len(conditions) == 0 {
		f.err = fmt.Errorf("%s without conditions; the zero Filter reads everything", op)
	}
	for _, c := range conditions {
		if c.op == "" {
			f.err = errors.Join(f.err, fmt.Errorf("%s holds an empty condition", op))
		}
	}
	return f
}

// filterValue gives a value the form it has on the wire.
func filterValue(value any) (any, error) {
	if t, ok := value.(time.Time); ok {
		return fields.FormatTime(t), nil
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Invalid:
		return nil, errors.New("nil matches nothing in Autotask: use NotExist or Exist")
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint(), nil
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
		return nil, errors.New("NaN and infinity cannot be compared with")
	}
	return nil, fmt.Errorf("a %T cannot be compared with: use a text, number, boolean or time.Time", value)
}

// tally counts what Autotask limits in a whole filter.
type tally struct{ udfs, ors int }

// check walks the filter and joins what is wrong in it.
func (f Filter) check(t *tally) error {
	problems := []error{f.err}
	if f.udf {
		t.udfs++
	}
	if values, ok := f.value.([]any); ok {
		t.ors += len(values)
	}
	if f.op == "or" {
		t.ors += len(f.items)
	}
	for _, item := range f.items {
		problems = append(problems, item.check(t))
	}
	return errors.Join(problems...)
}

// wireFilter is a Filter as it is sent.
type wireFilter struct {
	Op    string       `json:"op"`
	Field string       `json:"field,omitzero"`
	UDF   bool         `json:"udf,omitzero"`
	Value any          `json:"value,omitzero"`
	Items []wireFilter `json:"items,omitzero"`
}

func (f Filter) wire() wireFilter {
	w := wireFilter{Op: f.op, Field: f.field, UDF: f.udf, Value: f.value}
	for _, item := range f.items {
		w.Items = append(w.Items, item.wire())
	}
	return w
}

// check finds what Autotask would reject, or worse, ignore.
func (q Query) check() error {
	var t tally
	problems := []error{q.Filter.check(&t)}
	if t.udfs > 1 {
		problems = append(problems, fmt.Errorf("the filter has conditions on %d user-defined fields; Autotask takes one", t.udfs))
	}
	if t.ors > maxConditions {
		problems = append(problems, fmt.Errorf("the filter has %d values and alternatives; Autotask takes %d: split it", t.ors, maxConditions))
	}
	if q.Limit < 0 {
		problems = append(problems, fmt.Errorf("a Limit of %d; use 0 for no limit", q.Limit))
	}
	for _, name := range q.Fields {
		if strings.TrimSpace(name) == "" {
			problems = append(problems, errors.New("an empty name in Fields"))
		}
	}
	return errors.Join(problems...)
}

// body is the query as it is POSTed, to the first page and to every next one.
func (q Query) body() ([]byte, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	filter := q.Filter
	if filter.op == "" {
		filter = Exist("id") // an empty array would match nothing
	}
	body := struct {
		MaxRecords    int          `json:"MaxRecords,omitzero"`
		IncludeFields []string     `json:"IncludeFields,omitempty"`
		Filter        []wireFilter `json:"filter"`
	}{IncludeFields: withID(q.Fields), Filter: []wireFilter{filter.wire()}}
	if q.Limit > 0 && q.Limit < maxPageSize {
		body.MaxRecords = q.Limit
	}
	return json.Marshal(body)
}

// withID adds the id, by which Autotask pages.
func withID(names []string) []string {
	if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, "id") }) {
		return names
	}
	return append([]string{"id"}, names...)
}
