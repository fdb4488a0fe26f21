package autotask

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotask-go/autotask/internal/transport"
)

// picklistLifetime is how long field information is kept: long enough for a
// night's run, short enough that a new status shows up the same day.
const picklistLifetime = time.Hour

// PicklistsService tells what the fields of an entity are in this tenant, and
// which values its picklists have. Answers are kept for an hour, per client.
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
	path := entity + "/entityInformation/fields"
	if !isCollectionName(entity) {
		return nil, invalid(http.MethodGet, path, "%q is not the name of a collection, such as Tickets", entity)
	}
	all, err := s.client.core.fields.Get(ctx, entity, func(ctx context.Context) ([]Field, error) {
		return s.fetch(ctx, path)
	})
	if err != nil {
		return nil, asError(http.MethodGet, path, err)
	}
	// The cache's own slices stay with the cache.
	all = slices.Clone(all)
	for i := range all {
		all[i].PicklistValues = slices.Clone(all[i].PicklistValues)
	}
	return all, nil
}

// Values lists the values of a picklist field, inactive ones included, in the
// tenant's order. The field's name is compared without case. A field that the
// entity does not have is ErrNotFound; one that is no picklist is ErrInvalid.
func (s *PicklistsService) Values(ctx context.Context, entity, field string) (Picklist, error) {
	all, err := s.Fields(ctx, entity)
	if err != nil {
		return Picklist{}, err
	}
	path := entity + "/entityInformation/fields"
	for _, f := range all {
		if !strings.EqualFold(f.Name, field) {
			continue
		}
		if !f.IsPicklist {
			return Picklist{}, invalid(http.MethodGet, path, "%s.%s is not a picklist", entity, f.Name)
		}
		return Picklist{Entity: entity, Field: f.Name, ParentField: f.PicklistParentField, Values: f.PicklistValues}, nil
	}
	return Picklist{}, notFound(http.MethodGet, path, fmt.Sprintf("%s has no field %q", entity, field))
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
	matches := p.matching(func(v PicklistValue) bool {
		return strings.EqualFold(strings.TrimSpace(v.Label), strings.TrimSpace(label))
	})
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
		return 0, notFound(http.MethodGet, p.Entity+"/entityInformation/fields", fmt.Sprintf("picklist %s has no value %q", name, label))
	case len(matches) > 1:
		e := &AmbiguousError{Kind: name, Name: label}
		for _, v := range matches {
			e.Candidates = append(e.Candidates, Candidate{ID: v.ID, Label: v.Label})
		}
		slices.SortFunc(e.Candidates, func(a, b Candidate) int { return int(a.ID - b.ID) })
		return 0, e
	case !matches[0].numeric():
		return 0, invalid(http.MethodGet, p.Entity+"/entityInformation/fields", "the values of picklist %s are texts; %q stands for %q", name, label, matches[0].Value)
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

func (p Picklist) matching(keep func(PicklistValue) bool) []PicklistValue {
	var kept []PicklistValue
	for _, v := range p.Values {
		if keep(v) {
			kept = append(kept, v)
		}
	}
	return kept
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

// wireField is a Field as it is sent. Picklist values are texts on the wire
// although the fields themselves hold numbers; now and then a number is seen.
type wireField struct {
	Name                     Optional[string] `json:"name"`
	DataType                 Optional[string] `json:"dataType"`
	Length                   Optional[int64]  `json:"length"`
	IsRequired               Optional[bool]   `json:"isRequired"`
	IsReadOnly               Optional[bool]   `json:"isReadOnly"`
	IsQueryable              Optional[bool]   `json:"isQueryable"`
	IsReference              Optional[bool]   `json:"isReference"`
	ReferenceEntityType      Optional[string] `json:"referenceEntityType"`
	IsPickList               Optional[bool]   `json:"isPickList"`
	PicklistParentValueField Optional[string] `json:"picklistParentValueField"`
	PicklistValues           []struct {
		Value          Optional[string] `json:"value"`
		Label          Optional[string] `json:"label"`
		IsDefaultValue Optional[bool]   `json:"isDefaultValue"`
		SortOrder      Optional[int64]  `json:"sortOrder"`
		ParentValue    Optional[string] `json:"parentValue"`
		IsActive       Optional[bool]   `json:"isActive"`
		IsSystem       Optional[bool]   `json:"isSystem"`
	} `json:"picklistValues"`
}

func (s *PicklistsService) fetch(ctx context.Context, path string) ([]Field, error) {
	var answer struct {
		Fields []wireField `json:"fields"`
	}
	err := s.client.send(ctx, call{method: http.MethodGet, path: path, decode: func(b []byte) error {
		answer.Fields = nil
		if err := decode(b, &answer); err != nil {
			return err
		}
		if answer.Fields == nil {
			return fmt.Errorf("%w: it has no fields", transport.ErrUnreadable)
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	all := make([]Field, len(answer.Fields))
	for i := range answer.Fields {
		all[i] = answer.Fields[i].field()
	}
	return all, nil
}

func (w *wireField) field() Field {
	f := Field{
		Name:                w.Name.Or(""),
		DataType:            w.DataType.Or(""),
		Length:              w.Length.Or(0),
		Required:            w.IsRequired.Or(false),
		ReadOnly:            w.IsReadOnly.Or(false),
		Queryable:           w.IsQueryable.Or(false),
		Reference:           w.IsReference.Or(false),
		ReferenceEntityType: w.ReferenceEntityType.Or(""),
		IsPicklist:          w.IsPickList.Or(false),
		PicklistParentField: w.PicklistParentValueField.Or(""),
	}
	for _, v := range w.PicklistValues {
		value := PicklistValue{
			Value:     v.Value.Or(""),
			Label:     v.Label.Or(""),
			Active:    v.IsActive.Or(true),
			Default:   v.IsDefaultValue.Or(false),
			System:    v.IsSystem.Or(false),
			SortOrder: v.SortOrder.Or(0),
		}
		value.ID, _ = strconv.ParseInt(value.Value, 10, 64)
		if parent, err := strconv.ParseInt(v.ParentValue.Or(""), 10, 64); err == nil {
			value.Parent = Int(parent)
		}
		f.PicklistValues = append(f.PicklistValues, value)
	}
	return f
}
