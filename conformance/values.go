package conformance

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// obj is a JSON object.
type obj = map[string]any

// whole reads an integer, as a number or as a text.
func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := strconv.ParseInt(v.String(), 10, 64)
		return n, err == nil
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	case int64:
		return v, true
	}
	return 0, false
}

// isNumber reports whether a value is an integer that is not a text.
func isNumber(v any) bool {
	_, number := v.(json.Number)
	_, ok := whole(v)
	return number && ok
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func isTrue(v any) bool {
	b, _ := v.(bool)
	return b
}

// empty reports whether a field has no value: null and "" both mean that.
func empty(v any) bool { return v == nil || v == "" }

func objects(v any) ([]obj, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	all := make([]obj, 0, len(list))
	for _, e := range list {
		o, ok := e.(obj)
		if !ok {
			return nil, false
		}
		all = append(all, o)
	}
	return all, true
}

// missing returns the names that an object does not have. A null is there.
func missing(o obj, names ...string) []string {
	var all []string
	for _, name := range names {
		if _, ok := o[name]; !ok {
			all = append(all, name)
		}
	}
	return all
}

// same compares two values of a field of the own ticket: numbers as numbers,
// dates as instants, texts with white space evened out.
func same(a, b any) bool {
	if empty(a) || empty(b) {
		return empty(a) && empty(b)
	}
	x, okX := whole(a)
	y, okY := whole(b)
	if okX && okY {
		return x == y
	}
	s, t := text(a), text(b)
	if u, ok := instant(s); ok {
		v, ok := instant(t)
		return ok && u.Equal(v)
	}
	if s == "" && t == "" {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return string(x) == string(y)
	}
	return strings.Join(strings.Fields(s), " ") == strings.Join(strings.Fields(t), " ")
}

// changed returns the fields that differ, in order.
func changed(before, after obj, names []string) []string {
	var all []string
	for _, name := range names {
		if !same(before[name], after[name]) {
			all = append(all, name)
		}
	}
	return all
}

func ids(rows []obj) []int64 {
	all := make([]int64, 0, len(rows))
	for _, row := range rows {
		all = append(all, idOf(row))
	}
	return all
}

// pick copies the named members that an object has.
func pick(o obj, names []string) obj {
	some := obj{}
	for _, name := range names {
		if v, ok := o[name]; ok {
			some[name] = v
		}
	}
	return some
}

var wireTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?$`)

// tooBig is an id that no row has: the largest of 32 bits.
const tooBig = 2147483647

func condition(op, field string, value any) obj {
	c := obj{"op": op, "field": field}
	if value != nil {
		c["value"] = value
	}
	return c
}

func filter(conditions ...obj) obj { return obj{"filter": conditions} }

// with adds members to a query.
func with(query obj, members obj) obj {
	maps.Copy(query, members)
	return query
}

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// idOf is the id of a row; 0 if it has none.
func idOf(row obj) int64 {
	id, _ := whole(row["id"])
	return id
}

// sorted has ids in ascending order. That rows come so is a check of its own.
func sorted(all []int64) []int64 { return slices.Sorted(slices.Values(all)) }
