package autotasktest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// maxORs is the maximum number of alternatives in a query, including the values of
// lists.
const maxORs = 500

// predicate reports whether a row matches. Nil stands for a condition that was
// dropped.
type predicate func(*row) bool

// filter is a query's filter while it is read.
type filter struct {
	server *Server
	entity *schema.Entity
	ors    int // alternatives so far
	udfs   int // conditions on user-defined fields so far

	inOrs     int // groups of alternatives around the condition at hand
	narrowing narrowing
}

// condition is one element of a filter: a comparison, or a group of elements.
type condition struct {
	op    string
	field string
	value json.RawMessage
	udf   bool
	items json.RawMessage
}

// parseFilter reads the array at the top of a query. Its elements must all
// hold; an empty array matches nothing.
func (s *Server) parseFilter(e *schema.Entity, v json.RawMessage) (predicate, narrowing, error) {
	elements, err := parseConditions(v)
	if err != nil {
		return nil, narrowing{}, err
	}
	if err := checkConditions(e, elements); err != nil {
		return nil, narrowing{}, err
	}
	if len(elements) == 0 {
		return func(*row) bool { return false }, narrowing{}, nil
	}
	f := &filter{server: s, entity: e}
	all, err := f.all(elements, false)
	if err != nil {
		return nil, narrowing{}, err
	}
	if f.ors > maxORs {
		return nil, narrowing{}, complain("Invalid query syntax. Queries are limited to %d or fewer 'OR' conditions.", maxORs)
	}
	if f.udfs > 1 {
		return nil, narrowing{}, complain("You can only query by one user-defined field at a time.")
	}
	return and(all), f.narrowing, nil
}

func parseConditions(v json.RawMessage) ([]condition, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(v, &elements); err != nil || isNull(v) {
		return nil, complain("The filter must be an array of conditions.")
	}
	conditions := make([]condition, len(elements))
	for i, e := range elements {
		o, err := parseObject(e)
		if err != nil {
			return nil, complain("A condition of the filter must be an object.")
		}
		conditions[i] = condition{
			op:    textOf(o.get("op")),
			field: textOf(o.get("field")),
			value: o.get("value"),
			udf:   textOf(o.get("udf")) == "true",
			items: o.get("items"),
		}
	}
	return conditions, nil
}

// all parses the elements of a group; inOr says whether it is an "or". Dropped
// conditions are left out.
func (f *filter) all(conditions []condition, inOr bool) ([]predicate, error) {
	var kept []predicate
	for _, c := range conditions {
		p, err := f.one(c, inOr)
		if err != nil {
			return nil, err
		}
		if p != nil {
			kept = append(kept, p)
		}
	}
	return kept, nil
}

func (f *filter) one(c condition, inOr bool) (predicate, error) {
	if c.op == "and" || c.op == "or" {
		return f.group(c)
	}
	test, known := operators[c.op]
	if !known {
		return nil, nil
	}
	of, err := f.operand(c)
	if err != nil {
		return nil, err
	}
	if of.flag {
		c.value = numberOfBoolean(c.value)
	}
	wanted, err := c.wanted(of.class)
	if err != nil {
		return nil, err
	}
	if c.isList() {
		f.ors += len(wanted)
	} else if inOr {
		f.ors++
	}
	if f.inOrs == 0 {
		f.narrow(c, of, wanted)
	}
	return func(r *row) bool { return test(of.read(r), wanted) }, nil
}

func (f *filter) group(c condition) (predicate, error) {
	conditions, err := parseConditions(c.items)
	if err != nil {
		return nil, err
	}
	if c.op == "or" {
		f.inOrs++
		defer func() { f.inOrs-- }()
	}
	kept, err := f.all(conditions, c.op == "or")
	switch {
	case err != nil:
		return nil, err
	case len(kept) == 0:
		return nil, nil
	case c.op == "or":
		return or(kept), nil
	}
	return and(kept), nil
}

func and(all []predicate) predicate {
	return func(r *row) bool {
		return !slices.ContainsFunc(all, func(p predicate) bool { return !p(r) })
	}
}

func or(all []predicate) predicate {
	return func(r *row) bool {
		return slices.ContainsFunc(all, func(p predicate) bool { return p(r) })
	}
}

func (c condition) isList() bool { return c.op == "in" || c.op == "notIn" }

// operand is what a condition compares: how it reads a row, and as what.
type operand struct {
	class class
	read  func(*row) scalar
	flag  bool // a boolean will do: the field is one, though an integer
}

func (f *filter) operand(c condition) (operand, error) {
	if c.udf {
		return f.udfOperand(c.field)
	}
	field := f.entity.Field(c.field)
	if field == nil {
		return operand{}, unknownField(c.field, f.entity)
	}
	if !isQueryable(f.entity, field) {
		return operand{}, complain("The field %s of the %s Entity cannot be queried.", field.Name, f.entity.Name)
	}
	class := classOf(field.Kind)
	flag := field.Kind == schema.Integer && strings.HasPrefix(field.Name, "is")
	return operand{class, func(r *row) scalar { return stored(class, r.fields.get(field.Name)) }, flag}, nil
}

func (f *filter) udfOperand(name string) (operand, error) {
	f.udfs++
	defs := f.server.definitions(f.entity)
	i := slices.IndexFunc(defs, func(d UDFDefinition) bool { return strings.EqualFold(d.Name, name) })
	if i < 0 {
		return operand{}, unknownField(name, f.entity)
	}
	class := defs[i].class()
	return operand{class: class, read: func(r *row) scalar { return stored(class, udfOf(r, name)) }}, nil
}

// numberOfBoolean converts a boolean to its number: the vendor's own samples query
// contacts whose isActive, an integer, is true.
func numberOfBoolean(v json.RawMessage) json.RawMessage {
	switch strings.ToLower(textOf(v)) {
	case "true":
		return integer(1)
	case "false":
		return integer(0)
	}
	return v
}

// wanted reads the values that a condition compares with.
func (c condition) wanted(class class) ([]scalar, error) {
	if c.op == "exist" || c.op == "notExist" {
		return nil, nil
	}
	values := []json.RawMessage{c.value}
	if c.isList() {
		if err := json.Unmarshal(c.value, &values); err != nil {
			return nil, complain("The value of %s must be an array.", c.op)
		}
	}
	scalars := make([]scalar, len(values))
	for i, v := range values {
		var err error
		if scalars[i], err = class.parse(v); err != nil {
			return nil, err
		}
	}
	return scalars, nil
}
