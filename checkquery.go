package autotask

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/spell"
)

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

// isOurs is true of the entity types of this module, which have all the fields
// of their collections. A caller's own type may have a few of them, or others.
func isOurs[T any]() bool {
	root := reflect.TypeFor[Ticket]().PkgPath()
	t := reflect.TypeFor[T]()
	return t.Kind() == reflect.Struct && (t.PkgPath() == root || t.PkgPath() == root+"/entity")
}

// checkFields checks the names and values of a query against the fields of its type.
// Autotask answers a wrong one with 500 and, at best, half a sentence. Names are
// compared without case, as Autotask compares them. User-defined fields belong
// to a tenant, and pass.
func checkFields[T Entity](q *Query) error {
	if !isOurs[T]() {
		return nil
	}
	known := columnsOf(reflect.TypeFor[T]())
	collection := collection[T]()
	problems := []error{known.checkFilter(collection, &q.Filter)}
	for _, name := range q.Fields {
		if known.find(name) == nil && (!known.udfs || len(known.like(name)) > 0) {
			problems = append(problems, known.unknown(collection, name))
		}
	}
	return errors.Join(problems...)
}

// columns are the fields of a type, by their names in lower case.
type columns struct {
	byName map[string]*column
	udfs   bool // the entity has user-defined ones as well
}

type column struct {
	index int           // in the struct
	name  string        // on the wire
	holds reflect.Type  // without Optional
	rules *fields.Field // what is known beyond that
}

var allColumns sync.Map // reflect.Type -> *columns

func columnsOf(t reflect.Type) *columns {
	if t.Kind() != reflect.Struct { // which is refused elsewhere
		return &columns{}
	}
	if known, ok := allColumns.Load(t); ok {
		return known.(*columns)
	}
	c := &columns{byName: make(map[string]*column, t.NumField())}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		holds := f.Type
		if _, optional := reflect.Zero(holds).Interface().(interface{ held() (any, bool) }); optional {
			holds = holds.Field(0).Type
		}
		c.udfs = c.udfs || holds == reflect.TypeFor[UDFs]()
		c.byName[strings.ToLower(name)] = &column{i, name, holds, fields.Of(t).Lookup(name)}
	}
	known, _ := allColumns.LoadOrStore(t, c)
	return known.(*columns)
}

func (c *columns) find(name string) *column { return c.byName[strings.ToLower(name)] }

func (c *columns) like(name string) []string {
	return spell.Nearest(name, slices.Sorted(maps.Keys(c.byName)), func(key string) string { return c.byName[key].name })
}

func (c *columns) unknown(collection, name string) error {
	like := c.like(name)
	for i, key := range like {
		like[i] = c.byName[key].name
	}
	suggestion := oneOf("; did you mean ", like)
	if len(like) == 0 {
		suggestion = "; for one that this library does not know, use Client.Collection or a type of your own"
	}
	return fmt.Errorf("%s has no field %q%s", collection, excerpt(name), suggestion)
}

func (c *columns) checkFilter(collection string, f *Filter) error {
	var problems []error
	for i := range f.items {
		problems = append(problems, c.checkFilter(collection, &f.items[i]))
	}
	if f.field == "" || f.udf {
		return errors.Join(problems...)
	}
	known := c.find(f.field)
	if known == nil {
		return c.unknown(collection, f.field)
	}
	values := f.values()
	if values == nil && f.value != nil {
		values = []any{f.value}
	}
	for _, v := range values {
		if wrong := known.mismatch(v); wrong != "" {
			return fmt.Errorf("%s.%s %s", collection, known.name, wrong)
		}
		if err := known.checkDay(v); err != nil {
			return fmt.Errorf("%s.%w", collection, err)
		}
	}
	return nil
}

// mismatch says why a value cannot be compared with a field, or returns "".
// Autotask accepts strings for numbers and booleans, as long as they read as such.
func (c *column) mismatch(value any) string {
	shown := fmt.Sprintf("%v", value)
	text, isText := value.(string)
	if isText {
		shown = strconv.Quote(excerpt(text))
	}
	_, isTime := value.(stamp)
	_, isBool := value.(bool)
	switch c.holds.Kind() {
	case reflect.Int64, reflect.Float64:
		switch {
		case isText && !isNumber(text):
			return "holds numbers, not the string " + shown + "; Picklists.IDs finds the value of a label"
		case isBool:
			return "holds numbers, not " + shown + "; use 1 or 0"
		case isTime:
			return "holds numbers, not the time " + shown
		}
	case reflect.Bool:
		if isTime || !isBool && !slices.Contains([]string{"0", "1", "true", "false"}, strings.ToLower(strings.Trim(shown, `"`))) {
			return "holds true or false, not " + shown
		}
	case reflect.Struct:
		if c.holds == reflect.TypeFor[time.Time]() && !isTime && !(isText && (text == "" || strings.ContainsAny(text, "0123456789"))) {
			return "holds times, not " + shown + "; use a time.Time"
		}
	default: // strings, which may hold any value
	}
	return ""
}

// checkDay refuses a time of day where the field holds none.
func (c *column) checkDay(value any) error {
	switch v := value.(type) {
	case stamp:
		return c.rules.CheckDay(v.Time)
	case string:
		if t, err := fields.ParseTime(v); err == nil {
			return c.rules.CheckDay(t)
		}
	}
	return nil
}

// stamp is a time as a value of a filter.
type stamp struct{ time.Time }

// String is the time as it is sent.
func (s stamp) String() string { return fields.FormatTime(s.Time) }

// MarshalJSONTo writes the time as it is sent.
func (s stamp) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteToken(jsontext.String(s.String()))
}

func isNumber(text string) bool {
	text = strings.TrimSpace(text)
	_, err := strconv.ParseFloat(text, 64)
	return err == nil || jsontext.Value(text).Kind() == '0' && jsontext.Value(text).IsValid()
}
