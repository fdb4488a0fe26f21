package autotask

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/paging"
	"github.com/autotask-go/autotask/internal/spell"
	"github.com/autotask-go/autotask/internal/wire"
)

// The limit on the conditions of a query.
const (
	maxConditions = 500 // "OR" conditions, values of In among them
)

// Query says which items to read; the zero Query reads all. For fields that the
// type lacks, use [Client.Collection] or a type of your own.
type Query struct {
	Filter   Filter          // the condition; the zero Filter matches every item
	Fields   []string        // wire names of the fields to read beside the id, such as "title"; none reads all. The rest are absent, "" or 0
	Limit    int             // the number of items in all; 0 is no limit
	After    Optional[int64] // reads only items with a greater id, such as those after a Page; absent and null read from the beginning
	Prefetch bool            // reads a page ahead while the caller works on the one before; a wasted request if the loop is left early
}

// Filter is a condition on items, made by the functions of this package:
// Autotask ignores operators that it does not know. Strings match in any case.
type Filter struct {
	op    string
	field string
	value any
	items []Filter
	udf   bool
	err   error
}

// Eq matches items whose field equals value: a string, number, bool, time.Time,
// json.Number, a type based on one, or an Optional that holds one.
func Eq(field string, value any) Filter { return compare("eq", field, value) }

// NotEq matches items whose field differs from value.
func NotEq(field string, value any) Filter { return compare("noteq", field, value) }

// Gt matches items whose field is greater, or later, than value.
func Gt(field string, value any) Filter { return compare("gt", field, value) }

// Gte matches items whose field is value, greater or later.
func Gte(field string, value any) Filter { return compare("gte", field, value) }

// Lt matches items whose field is less, or earlier, than value.
func Lt(field string, value any) Filter { return compare("lt", field, value) }

// Lte matches items whose field is value, less or earlier.
func Lte(field string, value any) Filter { return compare("lte", field, value) }

// BeginsWith matches items whose string field begins with prefix.
func BeginsWith(field, prefix string) Filter { return compare("beginsWith", field, prefix) }

// EndsWith matches items whose string field ends with suffix.
func EndsWith(field, suffix string) Filter { return compare("endsWith", field, suffix) }

// Contains matches items whose string field contains part.
func Contains(field, part string) Filter { return compare("contains", field, part) }

// Exist matches items whose field has a value.
func Exist(field string) Filter { return condition("exist", field) }

// NotExist matches items whose field has no value.
func NotExist(field string) Filter { return condition("notExist", field) }

// Since matches items whose time field is t or later: lastActivityDate for a sync
// of Tickets; docs/details.md has more. Deletions do not show.
func Since(field string, t time.Time) Filter { return compare("gte", field, t) }

// In matches items whose field equals one of the values: In("id", 7, 8) or
// In("id", ids). A query may have 500 values and alternatives (of In, NotIn and
// Or); beyond that, the longest In is sent in parts that are merged by id.
func In[V any](field string, values ...V) Filter { return list("in", field, values) }

// NotIn matches items whose field equals none of the values, at most 500.
func NotIn[V any](field string, values ...V) Filter { return list("notIn", field, values) }

// And matches items that match all of the conditions.
func And(conditions ...Filter) Filter { return group("and", conditions) }

// Or matches items that match at least one of the conditions.
func Or(conditions ...Filter) Filter { return group("or", conditions) }

// UDF applies one condition to a user-defined field: UDF(Eq("Plan", "Gold")).
func UDF(f Filter) Filter {
	if f.items != nil || f.op == "" {
		f.err = errors.Join(f.err, errors.New("UDF accepts a single condition, such as UDF(Eq(name, value))"))
	}
	f.udf = true
	return f
}

func condition(op, field string) Filter {
	f := Filter{op: op, field: field}
	switch {
	case strings.TrimSpace(field) == "":
		f.err = fmt.Errorf("%s: the name of the field is empty", op)
	case !utf8.ValidString(field):
		f.err = fmt.Errorf("%s: the name of the field is invalid UTF-8", op)
	}
	return f
}

func compare(op, field string, value any) Filter {
	f := condition(op, field)
	v, err := scalar(value)
	if err != nil {
		f.err = errors.Join(f.err, fmt.Errorf("%s on %s: %w", op, field, err))
	}
	f.value = v
	return f
}

func list[V any](op, field string, values []V) Filter {
	f := condition(op, field)
	all := make([]any, 0, len(values))
	for _, value := range values {
		all = append(all, value)
	}
	if len(all) == 1 {
		all = wire.Elements(all[0])
	}
	converted := make([]any, 0, len(all))
	seen := make(map[any]bool, len(all))
	for _, value := range all {
		v, err := scalar(value)
		if err != nil {
			f.err = errors.Join(f.err, fmt.Errorf("%s on %s: %w", op, field, err))
			break
		}
		if key := wire.Sameness(v); !seen[key] {
			seen[key] = true
			converted = append(converted, v)
		}
	}
	if len(all) == 0 {
		f.err = errors.Join(f.err, fmt.Errorf("%s on %s: no values given", op, field))
	}
	f.value = converted
	return f
}

// scalar gives a value the form that it has in a filter.
func scalar(value any) (any, error) {
	v := reflect.ValueOf(value)
	if o, ok := value.(interface{ held() (any, bool) }); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) { // an Optional
		if value, ok = o.held(); !ok {
			return nil, fmt.Errorf("the %s holds no value: use NotExist for items without one, or leave the condition out", v.Type())
		}
	}
	return wire.Scalar(value)
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

// tally counts what Autotask limits in a whole filter.
type tally struct {
	udfs                    int
	in, notIn, alternatives int     // the OR conditions
	longest                 *Filter // of the Ins, the first of those with the most values
	beneathOr               bool    // an Or lies above the longest
}

func (t *tally) ors() int { return t.in + t.notIn + t.alternatives }

// others are the OR conditions without the longest In.
func (t *tally) others() int {
	if t.longest == nil {
		return t.ors()
	}
	return t.ors() - len(t.longest.values())
}

// check says what to do about OR conditions that cannot be brought down to the
// limit.
func (t *tally) check() error {
	if t.ors() <= maxConditions || t.longest != nil && t.others() < maxConditions {
		return nil
	}
	advice := "only one In is sent in parts; query once for each part of the other"
	switch otherIns := t.others() - t.notIn - t.alternatives; max(otherIns, t.notIn, t.alternatives) {
	case t.notIn:
		advice = "a NotIn cannot be sent in parts; read without it, and leave those items out in the program"
	case t.alternatives:
		advice = "an Or cannot be sent in parts; use In for alternatives of one field, or query once for each part of the Or"
	}
	return fmt.Errorf("the filter has %d values and alternatives; Autotask accepts %d: %s", t.ors(), maxConditions, advice)
}

// values are those of In and NotIn.
func (f *Filter) values() []any {
	values, _ := f.value.([]any)
	return values
}

// check walks the filter, counts, and joins what is wrong in it.
func (f *Filter) check(t *tally, beneathOr bool) error {
	problems := []error{f.err}
	if f.udf {
		t.udfs++
	}
	switch n := len(f.values()); f.op {
	case "in":
		t.in += n
		if t.longest == nil || n > len(t.longest.values()) {
			t.longest, t.beneathOr = f, beneathOr
		}
	case "notIn":
		t.notIn += n
	case "or":
		t.alternatives += len(f.items)
		beneathOr = true
	}
	for i := range f.items {
		problems = append(problems, f.items[i].check(t, beneathOr))
	}
	return errors.Join(problems...)
}

// with is the filter with other values for one of its Ins. An In that belongs
// to a group that is used in several places changes in all of them.
func (f *Filter) with(in *Filter, values []any) Filter {
	changed := *f
	if f == in {
		changed.value = values
		return changed
	}
	changed.items = nil
	for i := range f.items {
		changed.items = append(changed.items, f.items[i].with(in, values))
	}
	return changed
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

// check finds what Autotask would reject or, worse, ignore.
func (q *Query) check(t *tally) error {
	problems := []error{q.Filter.check(t, false)}
	if t.udfs > 1 {
		problems = append(problems, fmt.Errorf("the filter has conditions on %d user-defined fields; Autotask accepts one", t.udfs))
	}
	problems = append(problems, t.check())
	if q.Limit < 0 {
		problems = append(problems, fmt.Errorf("a Limit of %d; use 0 for no limit", q.Limit))
	}
	for _, name := range q.Fields {
		switch {
		case strings.TrimSpace(name) == "":
			problems = append(problems, errors.New("an empty name in Fields"))
		case !utf8.ValidString(name):
			problems = append(problems, errors.New("a name in Fields is invalid UTF-8"))
		}
	}
	return errors.Join(problems...)
}

// body is the query as it is POSTed, to the first page and to every next one.
func (q Query) body() ([]byte, error) {
	var filter []wireFilter
	if q.Filter.op != "" {
		filter = append(filter, q.Filter.wire())
	}
	if after, ok := q.After.Get(); ok {
		filter = append(filter, Gt("id", after).wire())
	}
	if filter == nil {
		filter = append(filter, Exist("id").wire()) // an empty array would match nothing
	}
	body := struct {
		MaxRecords    int          `json:"MaxRecords,omitzero"`
		IncludeFields []string     `json:"IncludeFields,omitempty"`
		Filter        []wireFilter `json:"filter"`
	}{IncludeFields: withID(q.Fields), Filter: filter}
	if q.Limit > 0 && q.Limit < paging.PageSize {
		body.MaxRecords = q.Limit
	}
	return json.Marshal(body)
}

// withID adds the id, by which Autotask pages, and leaves out duplicate names,
// in whichever casing.
func withID(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	var all []string
	for _, name := range names {
		if !containsFold(all, name) {
			all = append(all, name)
		}
	}
	if containsFold(all, "id") {
		return all
	}
	return append([]string{"id"}, all...)
}

func containsFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// part is a query as it is sent, of the one or several that a Query is.
type part struct {
	Query
	ids         int   // how many ids it names, if the parts are in order
	first, last int64 // their span
}

// parts are what a Query is sent as.
type parts struct {
	all      []part
	inOrder  bool // the ids of each lie above those of the one before
	disjoint bool // no item is in two of them
}

// split checks a query and, if it has more OR conditions than Autotask accepts,
// divides the values of its longest In among several.
//
// The items of the parts are, together, exactly those of the whole, however the
// In is nested: there is no negation above it. An item that the In matches is
// matched by the In of some part, and judged there as in the whole; one that it
// does not match is judged alike everywhere; and no part matches what the whole
// does not, since And and Or turn no more true into false. (A NotIn divided
// that way would match everything.)
func (q Query) split() (parts, error) {
	var t tally
	if err := q.check(&t); err != nil {
		return parts{}, err
	}
	if t.ors() <= maxConditions {
		return parts{all: []part{{Query: q}}, disjoint: true}, nil
	}
	// One value is one part's only if values that differ are never the same to
	// Autotask, as texts may be; and an Or may let an item into every part.
	in, values := t.longest, t.longest.values()
	whole := !slices.ContainsFunc(values, func(v any) bool { _, ok := v.(int64); return !ok })
	p := parts{disjoint: whole && !in.udf && !t.beneathOr}
	if p.inOrder = p.disjoint && strings.EqualFold(in.field, "id"); p.inOrder {
		values = slices.SortedFunc(slices.Values(values), func(a, b any) int { return cmp.Compare(a.(int64), b.(int64)) })
	}
	for values := range slices.Chunk(values, maxConditions-t.others()) {
		next := part{Query: q}
		next.Filter = q.Filter.with(in, values)
		if p.inOrder {
			next.ids, next.first, next.last = len(values), values[0].(int64), values[len(values)-1].(int64)
			if after, ok := q.After.Get(); ok && next.last <= after {
				continue
			}
		}
		p.all = append(p.all, next)
	}
	return p, nil
}

// onlyCondition names the field by which alone a collection can be searched: one
// condition, equal to one value, and no other beside it. "" is any other
// collection.
//
// The history of tickets is read for one ticket at a time (the vendor's page on
// TicketHistory, and seen so on a live tenant).
func onlyCondition(collection string) string {
	if strings.EqualFold(collection, "TicketHistory") {
		return "ticketID"
	}
	return ""
}

func (k *kind) single() bool { return onlyCondition(k.collection) != "" }

// checkSingle refuses what a collection with a single condition does not take.
func (k *kind) checkSingle(q *Query) error {
	only := onlyCondition(k.collection)
	if f := q.Filter.bare(); only == "" || f.op == "eq" && !f.udf && strings.EqualFold(f.field, only) {
		return nil
	}
	return fmt.Errorf("%s can be searched by one condition only: Eq(%q, id)", k.collection, only)
}

// body is the query as this collection accepts it. Where there can be no other
// condition, that on the position is left out; see route.after.
func (k *kind) body(q Query) ([]byte, error) {
	if k.single() {
		q.Filter, q.After = q.Filter.bare(), Optional[int64]{}
	}
	return q.body()
}

// bare is a filter without what makes no difference: groups of one, and lists
// of one.
func (f Filter) bare() Filter {
	for len(f.items) == 1 {
		f = f.items[0]
	}
	if values := f.values(); f.op == "in" && len(values) == 1 {
		f.op, f.value = "eq", values[0]
	}
	return f
}

// checkFields checks the names and values of a query against the fields of its type.
// Autotask answers a wrong one with 500 and, at best, half a sentence. Names are
// compared without case, as Autotask compares them. User-defined fields belong
// to a tenant, and pass.
func (k *kind) checkFields(q *Query) error {
	if k.typ == nil || !k.exists {
		return nil
	}
	known, collection := fields.Of(k.typ), k.collection
	problems := []error{checkFilter(known, collection, &q.Filter)}
	for _, name := range q.Fields {
		if known.Find(name) == nil && (known.Lookup(merge.UDFs) == nil || len(namesLike(known, name)) > 0) {
			problems = append(problems, unknownField(known, collection, name))
		}
	}
	return errors.Join(problems...)
}

func namesLike(known *fields.Table, name string) []string {
	names := make([]string, len(known.All))
	for i, f := range known.All {
		names[i] = f.Name
	}
	slices.Sort(names)
	return spell.Nearest(name, names, func(name string) string { return name })
}

func unknownField(known *fields.Table, collection, name string) error {
	suggestion := oneOf("; did you mean ", namesLike(known, name))
	if suggestion == "" {
		suggestion = "; for one that this library does not know, use Client.Collection or a type of your own"
	}
	return fmt.Errorf("%s has no field %q%s", collection, excerpt(name), suggestion)
}

func checkFilter(known *fields.Table, collection string, f *Filter) error {
	var problems []error
	for i := range f.items {
		problems = append(problems, checkFilter(known, collection, &f.items[i]))
	}
	if f.field == "" || f.udf {
		return errors.Join(problems...)
	}
	field := known.Find(f.field)
	if field == nil {
		return unknownField(known, collection, f.field)
	}
	values := f.values()
	if values == nil && f.value != nil {
		values = []any{f.value}
	}
	for _, v := range values {
		if wrong := field.Mismatch(v); wrong != "" {
			return fmt.Errorf("%s.%s %s", collection, field.Name, wrong)
		}
		if err := field.CheckDayIn(v); err != nil {
			return fmt.Errorf("%s.%w", collection, err)
		}
	}
	return nil
}
