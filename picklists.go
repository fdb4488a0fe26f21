package autotask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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

// IDs returns the ids of active values by field and label ({"status": "New"}), in
// any case, dependent ones under their parent's. One [*Error] has all failures.
func (s *PicklistsService) IDs(ctx context.Context, entity string, labels map[string]string) (map[string]int64, error) {
	l, err := s.resolveLabels(ctx, entity, labels, nil)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		v := l.values[key]
		if !v.numeric() {
			l.fail(wrong("the values of %s.%s are strings; %q is %q", entity, key, labels[key], v.Value))
		}
		ids[key] = v.ID
	}
	if l.failure != nil {
		return nil, l.failure
	}
	return ids, nil
}

// resolveLabels finds the active values of labels. present are the
// values of fields whose labels are not given, by their names in lower case.
func (s *PicklistsService) resolveLabels(ctx context.Context, entity string, labels, present map[string]string) (*labelled, error) {
	keys := slices.Sorted(maps.Keys(labels))
	all, err := s.described(ctx, entity, keys...)
	if err != nil {
		return nil, err
	}
	l := &labelled{entity: entity, fields: all, labels: labels, present: present, keys: map[string]string{}, values: map[string]PicklistValue{}, done: map[string]bool{}}
	for _, key := range keys {
		field := strings.ToLower(key)
		if other, twice := l.keys[field]; twice {
			l.fail(wrong("%q and %q are the same field", other, key))
		}
		l.keys[field] = key
	}
	for _, key := range keys {
		l.resolve(key)
	}
	if l.failure != nil {
		return nil, l.failure
	}
	return l, nil
}

// labelled is a set of labels of one entity while they are resolved.
type labelled struct {
	entity  string
	fields  []Field
	labels  map[string]string        // by the field, as the caller spells it
	present map[string]string        // values of other fields, by the field in lower case
	keys    map[string]string        // these spellings, by the field in lower case
	values  map[string]PicklistValue // by these spellings, as far as they are known
	done    map[string]bool          // false while a field is being resolved
	failure *Error                   // all that failed
}

// resolve finds the value for one of the labels, after that of its parent.
func (l *labelled) resolve(key string) (v PicklistValue, ok bool) {
	if _, begun := l.done[key]; !begun {
		l.done[key] = false
		f, err := picklistField(l.entity, key, l.fields)
		if err == nil {
			v, ok, err = l.find(f, l.labels[key])
		}
		if err != nil {
			l.fail(err)
		}
		if ok {
			l.values[key] = v
		}
		l.done[key] = true
	}
	v, ok = l.values[key]
	return v, ok
}

// parentKey returns how the caller spells the field that f depends on, if it is
// among those given. Fields that depend on each other in a ring have no parent.
func (l *labelled) parentKey(f Field) (string, bool) {
	key, given := l.keys[strings.ToLower(f.PicklistParentField)]
	done, begun := l.done[key]
	return key, given && f.PicklistParentField != "" && (done || !begun)
}

// parentOf returns the value of the field that f depends on, where there is one:
// that of its label, or else the one that is there. ok is false if its label has
// failed.
func (l *labelled) parentOf(f Field) (parent Optional[int64], ok bool) {
	if key, given := l.parentKey(f); given {
		v, known := l.resolve(key)
		if !known {
			return parent, false
		}
		return Value(v.ID), true
	}
	name := strings.ToLower(f.PicklistParentField)
	_, given := l.keys[name]
	id, err := strconv.ParseInt(l.present[name], 10, 64)
	for _, other := range l.fields {
		// A 0 may be there only because the field has no way to be absent.
		if _, ok := other.picklist(l.entity).Value(id); ok && err == nil && !given && strings.EqualFold(other.Name, name) {
			parent = Value(id)
		}
	}
	return parent, true
}

// find returns neither a value nor an error if all that is wrong is the parent.
func (l *labelled) find(f Field, label string) (v PicklistValue, ok bool, err error) {
	within, under := f.picklist(l.entity), ""
	parent, parentOK := l.parentOf(f)
	if id, known := parent.Get(); known {
		within, under = within.Under(id), " under "+l.parent(f, id)
	}
	v, err = within.active().Find(label)
	var ambiguous *AmbiguousError
	switch {
	case err == nil:
		return v, parentOK, nil
	case !errors.As(err, &ambiguous):
		err = l.explain(f, within, label, under)
	case !parentOK:
		return PicklistValue{}, false, nil
	default:
		l.nameParents(f, ambiguous)
	}
	return PicklistValue{}, false, err
}

// explain says why none of the active values of within has the label.
func (l *labelled) explain(f Field, within Picklist, label, under string) error {
	name := fmt.Sprintf("%s.%s", l.entity, f.Name)
	like := spell.Nearest(label, within.active().Values, func(v PicklistValue) string { return v.Label })
	suggestion := oneOf("; did you mean ", quotedAll(like))
	inactive := within.matching(func(v PicklistValue) bool { return !v.Active && v.isLabelled(label) })
	if len(inactive) > 0 {
		return wrong("%s: %s is inactive and cannot be set%s", name, inactive[0].quoted(), suggestion)
	}
	var elsewhere []string
	for _, v := range f.picklist(l.entity).active().Values {
		if parent, ok := v.Parent.Get(); ok && v.isLabelled(label) {
			elsewhere = append(elsewhere, l.parent(f, parent))
		}
	}
	if len(elsewhere) > 0 {
		suggestion = oneOf("; there is one under ", elsewhere)
	}
	return wrong("%s has no value %q%s%s", name, excerpt(label), under, suggestion)
}

// parent describes a value of the field that f depends on.
func (l *labelled) parent(f Field, id int64) string {
	value := strconv.FormatInt(id, 10)
	for _, other := range l.fields {
		if !strings.EqualFold(other.Name, f.PicklistParentField) {
			continue
		}
		if v, ok := other.picklist(l.entity).Value(id); ok {
			value = v.quoted()
		}
	}
	return f.PicklistParentField + " " + value
}

// nameParents distinguishes values of the same label by what they are under.
func (l *labelled) nameParents(f Field, e *AmbiguousError) {
	for i, c := range e.Candidates {
		var parents []string
		for _, v := range f.PicklistValues {
			if parent, ok := v.Parent.Get(); ok && v.ID == c.ID && v.numeric() {
				parents = append(parents, l.parent(f, parent))
			}
		}
		e.Candidates[i].Label += oneOf(" under ", parents)
	}
}

// field is the one that a key names.
func (l *labelled) field(key string) Field {
	i := slices.IndexFunc(l.fields, func(f Field) bool { return strings.EqualFold(f.Name, key) })
	return l.fields[i]
}

// fail adds an error to what failed so far.
func (l *labelled) fail(err error) {
	if l.failure == nil {
		l.failure = refusal(0, "", "")
	}
	var ambiguous *AmbiguousError
	var e *Error
	switch {
	case errors.As(err, &ambiguous):
		l.failure.kind |= transport.Ambiguous
		l.failure.Messages = append(l.failure.Messages, ambiguous.message())
		if l.failure.cause == nil {
			l.failure.cause = ambiguous
		}
	case errors.As(err, &e):
		l.failure.kind |= e.kind
		l.failure.Messages = append(l.failure.Messages, e.Messages...)
	}
}

// oneOf lists choices after some words; it is empty if there are none.
func oneOf(words string, choices []string) string {
	if len(choices) == 0 {
		return ""
	}
	return words + strings.Join(choices, " or ")
}

func quotedAll(values []PicklistValue) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = v.quoted()
	}
	return all
}
