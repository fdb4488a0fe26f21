package autotask

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/autotask-go/autotask/internal/spell"
	"github.com/autotask-go/autotask/internal/transport"
)

// PicklistsService reads this tenant's picklists; see [MetadataService].
type PicklistsService struct{ client *Client }

// Picklist is the list of values of one field.
type Picklist struct {
	Entity      string // "Tickets"
	Field       string // "subIssueType"
	ParentField string // "issueType"; "" if the values depend on nothing
	Values      []PicklistValue
}

// Values returns the values of a picklist field; [ErrInvalid] if it is not one.
func (s *PicklistsService) Values(ctx context.Context, entity, field string) (Picklist, error) {
	all, err := s.described(ctx, entity, field)
	if err != nil {
		return Picklist{}, err
	}
	f, err := picklistField(entity, field, all)
	if err != nil {
		return Picklist{}, err
	}
	return f.picklist(entity), nil
}

// described lists the fields of an entity, followed by the user-defined ones if
// one of the names is not among the others.
func (s *PicklistsService) described(ctx context.Context, entity string, names ...string) ([]Field, error) {
	all, err := s.client.Metadata.Fields(ctx, entity)
	if err != nil || !slices.ContainsFunc(names, func(name string) bool { return !hasField(all, name) }) {
		return all, err
	}
	udfs, err := s.client.Metadata.UDFs(ctx, entity)
	for _, udf := range udfs {
		udf.userDefined = true
		all = append(all, udf.Field)
	}
	return all, err
}

func hasField(all []Field, name string) bool {
	return slices.ContainsFunc(all, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// picklistField finds the picklist that a caller means.
func picklistField(entity, name string, all []Field) (Field, error) {
	for _, f := range all {
		switch {
		case !strings.EqualFold(f.Name, name):
		case f.Picklist:
			return f, nil
		case f.ReferenceEntityType != "":
			return Field{}, wrong("%s.%s is not a picklist; it holds the id of a %s", entity, f.Name, f.ReferenceEntityType)
		default:
			return Field{}, wrong("%s.%s is not a picklist", entity, f.Name)
		}
	}
	var near []string
	for _, f := range spell.Nearest(name, all, func(f Field) string { return f.Name }) {
		near = append(near, f.Name)
	}
	return Field{}, wrong("%s has no field %q%s", entity, excerpt(name), oneOf("; did you mean ", near))
}

// wrong returns the error of a name that does not exist. It begins with the
// name and not with a route: the answer was as it should be.
func wrong(format string, args ...any) *Error {
	return refusal(transport.Invalid, "", "", fmt.Sprintf(format, args...))
}

func (f Field) picklist(entity string) Picklist {
	return Picklist{Entity: entity, Field: f.Name, ParentField: f.PicklistParentField, Values: f.PicklistValues}
}

// Label returns the label of a value, and whether the picklist has the value.
func (p Picklist) Label(id int64) (string, bool) {
	v, ok := p.Value(id)
	return v.Label, ok
}

// Value returns a value by its id, and whether the picklist has it.
func (p Picklist) Value(id int64) (PicklistValue, bool) {
	for _, v := range p.Values {
		if v.ID == id && v.numeric() {
			return v, true
		}
	}
	return PicklistValue{}, false
}

// ID returns the value with a label, in any case; an exact match or the only
// active one win. It returns [ErrInvalid] or an [*AmbiguousError].
func (p Picklist) ID(label string) (int64, error) {
	v, err := p.Find(label)
	if err == nil && !v.numeric() {
		err = wrong("the values of picklist %s are strings; %q is %q", p.name(), label, v.Value)
	}
	if err != nil {
		return 0, err
	}
	return v.ID, nil
}

// Find is [Picklist.ID] for values that are strings, as in user-defined fields.
func (p Picklist) Find(label string) (PicklistValue, error) {
	matches := p.matching(func(v PicklistValue) bool { return v.isLabelled(label) })
	for _, prefer := range []func(PicklistValue) bool{
		func(v PicklistValue) bool { return v.Label == label },
		func(v PicklistValue) bool { return v.Active },
	} {
		if better := (Picklist{Values: matches}).matching(prefer); len(better) > 0 {
			matches = better
		}
	}
	if len(matches) == 0 {
		return PicklistValue{}, wrong("picklist %s has no value %q", p.name(), label)
	}
	// One value can be in the list several times, each time under another parent.
	slices.SortStableFunc(matches, func(a, b PicklistValue) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Value, b.Value)) })
	distinct := slices.CompactFunc(slices.Clone(matches), func(a, b PicklistValue) bool { return a.Value == b.Value })
	if len(distinct) == 1 {
		return distinct[0], nil
	}
	e := &AmbiguousError{What: p.name(), Name: label}
	for _, v := range distinct {
		e.Candidates = append(e.Candidates, Candidate{ID: v.ID, Label: v.Label})
	}
	return PicklistValue{}, e
}

func (p Picklist) name() string { return p.Entity + "." + p.Field }

// Under returns the values that apply under a value of the parent field.
func (p Picklist) Under(parent int64) Picklist {
	p.Values = p.matching(func(v PicklistValue) bool {
		under, ok := v.Parent.Get()
		return !ok || under == parent
	})
	return p
}

func (p Picklist) active() Picklist {
	p.Values = p.matching(func(v PicklistValue) bool { return v.Active })
	return p
}

func (p Picklist) matching(keep func(PicklistValue) bool) []PicklistValue {
	var kept []PicklistValue
	for _, v := range p.Values {
		if keep(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

func (v PicklistValue) isLabelled(label string) bool {
	return strings.EqualFold(strings.TrimSpace(v.Label), strings.TrimSpace(label))
}

// quoted is a value as a message shows it.
func (v PicklistValue) quoted() string {
	return fmt.Sprintf("%q (%s)", excerpt(v.Label), excerpt(v.Value))
}

func (v PicklistValue) numeric() bool {
	_, err := strconv.ParseInt(v.Value, 10, 64)
	return err == nil
}
