package autotask

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/autotask-go/autotask/internal/transport"
)

// PicklistsService tells what the fields of an entity are in this tenant, and
// which values its picklists have. An entity is named by its root collection:
// "Tickets", "TicketNotes". Answers are kept for an hour, and shared with the
// clients made by As; what they show is what the API user may see.
type PicklistsService struct{ client *Client }

// Field describes a field of an entity in this tenant.
type Field struct {
	Name                string
	DataType            string // "string", "integer", "long", "datetime", "boolean", "decimal", …
	Length              int64  // of texts, in characters
	Required            bool   // to create an item; categories and settings may require more
	ReadOnly            bool
	Queryable           bool
	Reference           bool
	ReferenceEntityType string
	IsPicklist          bool
	PicklistValues      []PicklistValue // in the tenant's order
	PicklistParentField string          // the field whose value decides which of the values apply
}

// PicklistValue is one value that a picklist field can have. Inactive values
// stand on old items, but cannot be set.
type PicklistValue struct {
	// Value is the value as Autotask names it. For nearly all picklists it is
	// a number, and ID is that number; a few, such as a resource's date
	// format, have texts, and ID is 0.
	Value     string
	ID        int64
	Label     string
	Active    bool
	Default   bool
	System    bool
	SortOrder int64
	// Parent is the value of the parent field under which this value applies;
	// absent if it always does.
	Parent Optional[int64]
}

// Picklist is the list of values of one field.
type Picklist struct {
	Entity      string // "Tickets"
	Field       string // "subIssueType"
	ParentField string // "issueType"; "" if the values depend on nothing
	Values      []PicklistValue
}

// Fields lists the fields of an entity, named by its collection, such as
// "Tickets" (GET /{entity}/entityInformation/fields; contract, section 3).
func (s *PicklistsService) Fields(ctx context.Context, entity string) ([]Field, error) {
	all, err := metadata(ctx, &s.client.core.fields, entity, fieldsRoute, s.fetchFields)
	return cloneFields(all), err
}

// Values lists the values of a picklist field, inactive ones included, in the
// tenant's order. The field's name is compared without case. A field that the
// entity does not have is ErrNotFound; one that is no picklist is ErrInvalid.
func (s *PicklistsService) Values(ctx context.Context, entity, field string) (Picklist, error) {
	all, err := s.Fields(ctx, entity)
	if err != nil {
		return Picklist{}, err
	}
	f, err := picklistField(entity, field, all)
	if err != nil {
		return Picklist{}, err
	}
	return f.picklist(entity), nil
}

// picklistField finds the picklist that a caller means.
func picklistField(entity, name string, all []Field) (Field, error) {
	path := entity + fieldsRoute
	for _, f := range all {
		switch {
		case !strings.EqualFold(f.Name, name):
		case f.IsPicklist:
			return f, nil
		case f.ReferenceEntityType != "":
			return Field{}, invalid(http.MethodGet, path, "%s.%s is not a picklist; it holds the id of a %s", entity, f.Name, f.ReferenceEntityType)
		default:
			return Field{}, invalid(http.MethodGet, path, "%s.%s is not a picklist", entity, f.Name)
		}
	}
	var near []string
	for _, f := range nearest(name, all, func(f Field) string { return f.Name }) {
		near = append(near, f.Name)
	}
	return Field{}, refusal(transport.NotFound, http.MethodGet, path, fmt.Sprintf("%s has no field %q%s", entity, excerpt(name), oneOf("; did you mean ", near)))
}

// cloneFields: the cache's own slices stay with the cache.
func cloneFields(all []Field) []Field {
	all = slices.Clone(all)
	for i := range all {
		all[i].PicklistValues = slices.Clone(all[i].PicklistValues)
	}
	return all
}

func (f Field) picklist(entity string) Picklist {
	return Picklist{Entity: entity, Field: f.Name, ParentField: f.PicklistParentField, Values: f.PicklistValues}
}

// Label returns the label of a value, and whether the picklist has the value.
func (p Picklist) Label(id int64) (string, bool) {
	v, ok := p.Value(id)
	return v.Label, ok
}

// Value returns what is known of a value, and whether the picklist has it.
func (p Picklist) Value(id int64) (PicklistValue, bool) {
	for _, v := range p.Values {
		if v.ID == id && v.numeric() {
			return v, true
		}
	}
	return PicklistValue{}, false
}

// ID finds the value that a label stands for. Labels are compared without case
// and outer white space; where that fits several values, an exact match and
// then the only active one win. None is ErrNotFound; several that are left are
// an *AmbiguousError naming them. The value may be an inactive one: look at
// what Value says of it before setting it.
func (p Picklist) ID(label string) (int64, error) {
	matches := p.matching(func(v PicklistValue) bool { return v.isLabelled(label) })
	for _, prefer := range []func(PicklistValue) bool{
		func(v PicklistValue) bool { return v.Label == label },
		func(v PicklistValue) bool { return v.Active },
	} {
		if better := (Picklist{Values: matches}).matching(prefer); len(matches) > 1 && len(better) > 0 {
			matches = better
		}
	}
	name := p.Entity + "." + p.Field
	switch {
	case len(matches) == 0:
		return 0, refusal(transport.NotFound, http.MethodGet, p.Entity+fieldsRoute, fmt.Sprintf("picklist %s has no value %q", name, label))
	case len(matches) > 1:
		e := &AmbiguousError{Kind: name, Name: label}
		for _, v := range matches {
			e.Candidates = append(e.Candidates, Candidate{ID: v.ID, Label: v.Label})
		}
		slices.SortFunc(e.Candidates, func(a, b Candidate) int { return cmp.Compare(a.ID, b.ID) })
		return 0, e
	case !matches[0].numeric():
		return 0, invalid(http.MethodGet, p.Entity+fieldsRoute, "the values of picklist %s are texts; %q stands for %q", name, label, matches[0].Value)
	}
	return matches[0].ID, nil
}

// Under returns the values that apply where the parent field has the value
// parent: the subIssueTypes of an issueType.
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

func isCollectionName(s string) bool {
	for _, c := range s {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
