package autotask

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/autotask-go/autotask/internal/transport"
)

// Resolve finds the ids that labels stand for, in several picklist fields of an
// entity at once: {"status": "In Progress", "queueID": "Service Desk"}. The
// result has the keys that were given, as they were given. Fields and labels
// are compared without case, labels without outer white space as well.
//
// Only active values count, since inactive ones cannot be set; to find those
// too, use Values and Picklist.ID. If the field that another one depends on is
// given as well, as issueType is with subIssueType, the dependent label is
// looked up among the values under it: labels repeat between parents.
//
// If any of the labels has no single answer there is no result, and one *Error
// has a message for each. It matches ErrNotFound if a field or a label does not
// exist, and names those like it; ErrAmbiguous if a label stands for several
// values, and names them and what they are under (errors.As finds the first as
// an *AmbiguousError); ErrInvalid if a value is inactive or a text, or a field
// is no picklist or is given twice.
func (s *PicklistsService) Resolve(ctx context.Context, entity string, labels map[string]string) (map[string]int64, error) {
	all, err := s.Fields(ctx, entity)
	if err != nil {
		return nil, err
	}
	l := labelled{entity: entity, fields: all, labels: labels, keys: map[string]string{}, ids: map[string]int64{}, done: map[string]bool{}}
	keys := slices.Sorted(maps.Keys(labels))
	for _, key := range keys {
		field := strings.ToLower(key)
		if other, twice := l.keys[field]; twice {
			l.fail(invalid(http.MethodGet, entity+fieldsRoute, "%q and %q are the same field", other, key))
		}
		l.keys[field] = key
	}
	for _, key := range keys {
		l.resolve(key)
	}
	if l.failure != nil {
		return nil, l.failure
	}
	return l.ids, nil
}

// labelled is a set of labels of one entity while they are resolved.
type labelled struct {
	entity  string
	fields  []Field
	labels  map[string]string // by the field, as the caller spells it
	keys    map[string]string // these spellings, by the field in lower case
	ids     map[string]int64  // by these spellings, as far as they are known
	done    map[string]bool   // false while a field is under way
	failure *Error            // all that failed
}

// resolve finds the id for one of the labels, after that of its parent.
func (l *labelled) resolve(key string) (id int64, ok bool) {
	if _, begun := l.done[key]; !begun {
		l.done[key] = false
		f, err := picklistField(l.entity, key, l.fields)
		if err == nil {
			id, ok, err = l.find(f, l.labels[key])
		}
		if err != nil {
			l.fail(err)
		}
		if ok {
			l.ids[key] = id
		}
		l.done[key] = true
	}
	id, ok = l.ids[key]
	return id, ok
}

// parentKey tells how the caller spells the field that f depends on, if it is
// among those given. Fields that depend on each other in a ring have no parent.
func (l *labelled) parentKey(f Field) (string, bool) {
	key, given := l.keys[strings.ToLower(f.PicklistParentField)]
	done, begun := l.done[key]
	return key, given && f.PicklistParentField != "" && (done || !begun)
}

// find returns neither an id nor an error if all that is wrong is the parent.
func (l *labelled) find(f Field, label string) (id int64, ok bool, err error) {
	within, under, parentFailed := f.picklist(l.entity), "", false
	if key, given := l.parentKey(f); given {
		parent, known := l.resolve(key)
		if parentFailed = !known; known {
			within, under = within.Under(parent), " under "+l.parent(f, parent)
		}
	}
	id, err = within.active().ID(label)
	var ambiguous *AmbiguousError
	switch {
	case err == nil:
		return id, !parentFailed, nil
	case errors.As(err, &ambiguous):
		if parentFailed {
			return 0, false, nil
		}
		l.nameParents(f, ambiguous)
	case errors.Is(err, ErrNotFound):
		err = l.explain(f, within, label, under)
	}
	return 0, false, err
}

// explain says why none of the active values of within has the label.
func (l *labelled) explain(f Field, within Picklist, label, under string) error {
	path := l.entity + fieldsRoute
	name := fmt.Sprintf("%s.%s", l.entity, f.Name)
	like := nearest(label, within.active().Values, func(v PicklistValue) string { return v.Label })
	suggestion := oneOf("; did you mean ", quotedAll(like))
	inactive := within.matching(func(v PicklistValue) bool { return !v.Active && v.isLabelled(label) })
	if len(inactive) > 0 {
		return invalid(http.MethodGet, path, "%s: %s is inactive and cannot be set%s", name, inactive[0].quoted(), suggestion)
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
	return refusal(transport.NotFound, http.MethodGet, path, fmt.Sprintf("%s has no value %q%s%s", name, excerpt(label), under, suggestion))
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

// nameParents tells values of the same label apart by what they are under.
func (l *labelled) nameParents(f Field, e *AmbiguousError) {
	p := f.picklist(l.entity)
	for i, c := range e.Candidates {
		v, _ := p.Value(c.ID)
		if parent, ok := v.Parent.Get(); ok {
			e.Candidates[i].Label += " under " + l.parent(f, parent)
		}
	}
}

// fail adds an error to what failed so far.
func (l *labelled) fail(err error) {
	if l.failure == nil {
		l.failure = refusal(0, http.MethodGet, l.entity+fieldsRoute)
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

// nearest returns those whose names a misspelt one may stand for, at most
// three: a few letters differ, or one is part of the other.
func nearest[T any](name string, all []T, nameOf func(T) string) []T {
	const most, longest, shortestPart = 3, 200, 3
	type ranked struct {
		item T
		rank int
	}
	var near []ranked
	want := []rune(strings.ToLower(oneLine(name)))
	for _, item := range all {
		have := []rune(strings.ToLower(oneLine(nameOf(item))))
		shorter, longer := want, have
		if len(shorter) > len(longer) {
			shorter, longer = longer, shorter
		}
		apart := len(longer) - len(shorter)
		allowed := 1 + len(want)/4
		switch {
		case len(longer) > longest || len(shorter) == 0:
		case apart <= allowed && editDistance(want, have) <= allowed:
			near = append(near, ranked{item, editDistance(want, have)})
		case len(shorter) >= shortestPart && strings.Contains(string(longer), string(shorter)):
			near = append(near, ranked{item, longest + apart})
		}
	}
	slices.SortStableFunc(near, func(a, b ranked) int { return a.rank - b.rank })
	items := make([]T, 0, most)
	for _, n := range near[:min(most, len(near))] {
		items = append(items, n.item)
	}
	return items
}

// editDistance counts the letters to add, drop or replace to make a into b.
func editDistance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			replaced := diagonal
			if x != y {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
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
