package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
)

// shape is what a tenant says about the fields of a collection.
type shape struct {
	collection string
	fields     []autotask.Field
	udfs       []autotask.UDFDefinition // read if they are needed
	now        time.Time
}

// shapeOf reads the fields of a collection, whose name may be in any casing and in the
// singular.
func (a *app) shapeOf(ctx context.Context, client *autotask.Client, collection string) (*shape, error) {
	collection = collectionName(collection)
	fields, err := client.Metadata.Fields(ctx, collection)
	if err != nil {
		return nil, err
	}
	return &shape{collection: collection, fields: fields, now: a.now()}, nil
}

const udfPrefix = "udf:"

// readUDFs reads the user-defined fields, if any of the names is one.
func (s *shape) readUDFs(ctx context.Context, client *autotask.Client, names []string) (err error) {
	if s.udfs == nil && slices.ContainsFunc(names, isUDF) {
		s.udfs, err = client.Metadata.UDFs(ctx, s.collection)
	}
	return err
}

func isUDF(name string) bool {
	return len(name) > len(udfPrefix) && strings.EqualFold(name[:len(udfPrefix)], udfPrefix)
}

// field returns a field by its name in any casing, or "udf:" and the name of a
// user-defined one.
func (s *shape) field(name string) (*autotask.Field, error) {
	if isUDF(name) {
		for i := range s.udfs {
			if strings.EqualFold(s.udfs[i].Name, name[len(udfPrefix):]) {
				return &s.udfs[i].Field, nil
			}
		}
		return nil, hintError{
			usagef("%s has no user-defined field %q", s.collection, name[len(udfPrefix):]),
			"They are listed by: autotask fields " + s.collection + " -udf",
		}
	}
	for i := range s.fields {
		if strings.EqualFold(s.fields[i].Name, name) {
			return &s.fields[i], nil
		}
	}
	text := fmt.Sprintf("%s has no field %q", s.collection, name)
	var similar []string
	for _, f := range s.fields {
		if strings.Contains(strings.ToLower(f.Name), strings.ToLower(name)) || strings.Contains(strings.ToLower(name), strings.ToLower(f.Name)) && f.Name != "id" {
			similar = append(similar, f.Name)
		}
	}
	if len(similar) > 0 {
		text += "; did you mean " + strings.Join(similar[:min(len(similar), 4)], " or ") + "?"
	}
	return nil, hintError{usagef("%s", text), "The fields are listed by: autotask fields " + s.collection}
}

// argument returns how a field is named in a shell.
func (s *shape) argument(f *autotask.Field) string {
	for i := range s.udfs {
		if f == &s.udfs[i].Field {
			return shellQuoted(udfPrefix + f.Name)
		}
	}
	return f.Name
}

// operator is how a filter is written and made.
type operator struct {
	names []string
	values
	make func(field string, v []any) autotask.Filter
}

// values is how many values an operator takes.
type values int

const (
	one values = iota
	none
	list // with commas between them
	text // one, of which a part is compared: no label
)

var operators = []operator{
	// A label may stand for several values: those of different parents.
	{[]string{"eq", "="}, one, func(f string, v []any) autotask.Filter {
		if len(v) == 1 {
			return autotask.Eq(f, v[0])
		}
		return autotask.In(f, v...)
	}},
	{[]string{"noteq", "!=", "ne"}, one, func(f string, v []any) autotask.Filter {
		if len(v) == 1 {
			return autotask.NotEq(f, v[0])
		}
		return autotask.NotIn(f, v...)
	}},
	{[]string{"gt", ">"}, one, func(f string, v []any) autotask.Filter { return autotask.Gt(f, v[0]) }},
	{[]string{"gte", ">="}, one, func(f string, v []any) autotask.Filter { return autotask.Gte(f, v[0]) }},
	{[]string{"lt", "<"}, one, func(f string, v []any) autotask.Filter { return autotask.Lt(f, v[0]) }},
	{[]string{"lte", "<="}, one, func(f string, v []any) autotask.Filter { return autotask.Lte(f, v[0]) }},
	{[]string{"beginsWith"}, text, func(f string, v []any) autotask.Filter { return autotask.BeginsWith(f, fmt.Sprint(v[0])) }},
	{[]string{"endsWith"}, text, func(f string, v []any) autotask.Filter { return autotask.EndsWith(f, fmt.Sprint(v[0])) }},
	{[]string{"contains"}, text, func(f string, v []any) autotask.Filter { return autotask.Contains(f, fmt.Sprint(v[0])) }},
	{[]string{"exist"}, none, func(f string, _ []any) autotask.Filter { return autotask.Exist(f) }},
	{[]string{"notExist"}, none, func(f string, _ []any) autotask.Filter { return autotask.NotExist(f) }},
	{[]string{"in"}, list, func(f string, v []any) autotask.Filter { return autotask.In(f, v...) }},
	{[]string{"notIn"}, list, func(f string, v []any) autotask.Filter { return autotask.NotIn(f, v...) }},
}

// operatorNames are the operators as the help lists them.
func operatorNames() string {
	var names []string
	for _, o := range operators {
		names = append(names, o.names[0])
	}
	return strings.Join(names, ", ")
}

func operatorOf(name string) (operator, error) {
	for _, o := range operators {
		if slices.ContainsFunc(o.names, func(n string) bool { return strings.EqualFold(n, name) }) {
			return o, nil
		}
	}
	return operator{}, usagef("%q is not an operator: use one of %s", name, operatorNames())
}

// filter makes a filter of arguments: field op value, field op value …, all of which
// must hold. An "or" between them begins an alternative.
func (s *shape) filter(args []string) (autotask.Filter, error) {
	args = split(args)
	var alternatives, all []autotask.Filter
	ended := false // by an "and" or "or" with nothing behind it
	for i := 0; i < len(args); {
		switch word := strings.ToLower(args[i]); {
		case len(all) > 0 && word == "and":
			ended = true
			i++
			continue
		case len(all) > 0 && word == "or":
			alternatives, all = append(alternatives, allOf(all)), nil
			ended = true
			i++
			continue
		}
		f, used, err := s.condition(args[i:])
		if err != nil {
			return autotask.Filter{}, err
		}
		all, ended = append(all, f), false
		i += used
	}
	switch {
	case ended:
		return autotask.Filter{}, usagef("a condition is missing after %q", args[len(args)-1])
	case len(all) == 0:
		return autotask.Filter{}, nil
	case len(alternatives) == 0:
		return allOf(all), nil
	}
	return autotask.Or(append(alternatives, allOf(all))...), nil
}

func allOf(conditions []autotask.Filter) autotask.Filter {
	if len(conditions) == 1 {
		return conditions[0]
	}
	return autotask.And(conditions...)
}

// wholeCondition matches a condition in one argument: 'status eq New'.
var wholeCondition = regexp.MustCompile(`^(\S+)\s+(\S+)(?:\s+(.*\S))?\s*$`)

// split takes apart a condition that is given in one argument, where a field is
// expected.
func split(args []string) []string {
	var out []string
	for i := 0; i < len(args); {
		word := args[i]
		m := wholeCondition.FindStringSubmatch(word)
		if m != nil && !isUDF(word) {
			if _, err := operatorOf(m[2]); err == nil {
				out = append(out, m[1], m[2])
				if m[3] != "" {
					out = append(out, m[3])
				}
				i++
				continue
			}
		}
		n := 1
		if lower := strings.ToLower(word); lower != "and" && lower != "or" {
			n = 3
			if i+1 < len(args) {
				if o, err := operatorOf(args[i+1]); err == nil && o.values == none {
					n = 2
				}
			}
		}
		n = min(n, len(args)-i)
		out = append(out, args[i:i+n]...)
		i += n
	}
	return out
}

func (s *shape) condition(args []string) (f autotask.Filter, used int, err error) {
	field, err := s.field(args[0])
	if err != nil {
		return f, 0, err
	}
	if len(args) < 2 {
		return f, 0, usagef("an operator is missing after %q: write field op value, such as status eq New", args[0])
	}
	o, err := operatorOf(args[1])
	if err != nil {
		return f, 0, err
	}
	used = 2
	var given []any
	if o.values != none {
		if len(args) < 3 {
			return f, 0, usagef("a value is missing after %q", args[0]+" "+args[1])
		}
		used = 3
		texts := []string{args[2]}
		if o.values == list {
			texts = strings.Split(args[2], ",")
		}
		for _, t := range texts {
			if o.values == text {
				given = append(given, t)
				continue
			}
			v, err := s.values(field, strings.TrimSpace(t))
			if err != nil {
				return f, 0, err
			}
			given = append(given, v...)
		}
		if len(given) > 1 && !slices.Contains([]string{"eq", "noteq", "in", "notIn"}, o.names[0]) {
			return f, 0, usagef("%s: several values have the label %q: give one of %v", field.Name, args[2], given)
		}
	}
	if f = o.make(field.Name, given); isUDF(args[0]) {
		f = autotask.UDF(f)
	}
	return f, used, nil
}

// values reads a value of a field; of a picklist, the values that a label has.
func (s *shape) values(f *autotask.Field, given string) ([]any, error) {
	if !f.Picklist {
		v, err := s.value(f, given)
		return []any{v}, err
	}
	var found []any
	for _, v := range f.PicklistValues {
		if v.Value == given {
			return []any{picklistValue(f, v.Value)}, nil
		}
		if strings.EqualFold(strings.TrimSpace(v.Label), given) {
			found = append(found, picklistValue(f, v.Value))
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	if _, err := strconv.ParseInt(given, 10, 64); err == nil && isInteger(f) {
		return []any{picklistValue(f, given)}, nil // a value that the list has lost may be on old rows
	}
	return nil, hintError{
		usagef("%s.%s has no value with the label %q", s.collection, f.Name, given),
		fmt.Sprintf("Its values are listed by: autotask picklist %s %s", s.collection, s.argument(f)),
	}
}

func picklistValue(f *autotask.Field, value string) any {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && isInteger(f) {
		return n
	}
	return value
}

func isInteger(f *autotask.Field) bool {
	switch strings.ToLower(f.DataType) {
	case "integer", "int", "long", "short", "byte":
		return true
	}
	return false
}

// value reads a value of a field that is no picklist.
func (s *shape) value(f *autotask.Field, given string) (any, error) {
	switch kind := strings.ToLower(f.DataType); {
	case isInteger(f):
		n, err := strconv.ParseInt(given, 10, 64)
		if err != nil {
			return nil, usagef("%s is a whole number, not %q", f.Name, given)
		}
		return n, nil
	case kind == "decimal" || kind == "double" || kind == "float" || kind == "money":
		if !decimal.MatchString(given) {
			return nil, usagef("%s is a number, not %q", f.Name, given)
		}
		return json.Number(given), nil
	case kind == "boolean" || kind == "bool":
		switch strings.ToLower(given) {
		case "true", "yes":
			return true, nil
		case "false", "no":
			return false, nil
		}
		return nil, usagef("%s is true or false, not %q", f.Name, given)
	case kind == "datetime" || kind == "date":
		return timeOf(f.Name, given, s.now)
	}
	return given, nil
}

var (
	decimal = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?$`)
	ago     = regexp.MustCompile(`^-(\d{1,6})([smhd])$`)
)

// timeOf reads a time: with a zone, or in UTC as Autotask's own, or a day, or how long
// ago it is.
func timeOf(name, given string, now time.Time) (time.Time, error) {
	if m := ago.FindStringSubmatch(given); m != nil {
		n, _ := strconv.Atoi(m[1]) // six digits
		unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
		if time.Duration(n) > math.MaxInt64/unit {
			return time.Time{}, usagef("%s: %q is too long ago", cmp.Or(name, "the time"), given)
		}
		return now.UTC().Truncate(time.Second).Add(-time.Duration(n) * unit), nil
	}
	if strings.EqualFold(given, "now") {
		return now.UTC().Truncate(time.Second), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, given); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usagef("%s is a time, not %q: write 2026-11-27, 2026-11-27T08:00:00Z, or -24h and -7d for a time ago", cmp.Or(name, "it"), given)
}
