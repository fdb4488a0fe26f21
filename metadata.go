package autotask

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/autotask-go/autotask/internal/cache"
	"github.com/autotask-go/autotask/internal/spell"
	"github.com/autotask-go/autotask/internal/transport"
)

// metadataLifetime is how long what is known of an entity is kept: long enough
// for a night's run, short enough that a new status shows up the same day.
const metadataLifetime = time.Hour

// Where an entity describes itself, below its collection.
const (
	infoRoute   = "/entityInformation"
	fieldsRoute = "/entityInformation/fields"
	udfsRoute   = "/entityInformation/userDefinedFields"
)

// MetadataService describes a tenant's collections ("Tickets"), as the API user
// may see them; [ErrInvalid] suggests names. Answers are kept for an hour.
type MetadataService struct{ client *Client }

// Field describes a field of a collection in this tenant.
type Field struct {
	Name                string
	DataType            string // "string", "integer", "long", "datetime", "boolean", "decimal", …
	MaxLength           int64  // of texts, in characters
	Required            bool   // to create an item; categories and settings may require more
	ReadOnly            bool
	Queryable           bool
	ReferenceEntityType string
	Picklist            bool
	PicklistValues      []PicklistValue // in the tenant's order
	PicklistParentField string          // the field whose value decides which of the values apply

	userDefined bool
}

// PicklistValue is a value of a picklist field. Inactive ones cannot be set.
type PicklistValue struct {
	Value     string // as Autotask names it: a number, but text in a few picklists and in user-defined fields
	ID        int64  // that number, or 0
	Label     string
	Active    bool
	Default   bool
	System    bool
	SortOrder int64
	Parent    Optional[int64] // the value of the parent field under which it applies; absent if always
}

// EntityInfo is what Autotask says this user can do; it ignores routes.
type EntityInfo struct {
	Name                    string // of the entity, not of its collection: "Ticket"
	CanCreate               bool
	CanDelete               bool
	CanQuery                bool
	CanUpdate               bool
	HasUserDefinedFields    bool
	SupportsWebhookCallouts bool
}

// UDFDefinition describes a user-defined field. List fields hold a Value.
type UDFDefinition struct {
	Field
	Label       string
	Description string
	Default     Optional[string] // null if there is none, or if it is empty
}

// Entity returns what can be done (GET /{collection}/entityInformation).
func (s *MetadataService) Entity(ctx context.Context, entity string) (*EntityInfo, error) {
	info, err := metadata(ctx, &s.client.core.infos, entity, infoRoute, s.fetchInfo)
	if err != nil {
		return nil, err
	}
	return &info, nil
}

// Fields returns the fields (GET /{collection}/entityInformation/fields).
func (s *MetadataService) Fields(ctx context.Context, entity string) ([]Field, error) {
	all, err := metadata(ctx, &s.client.core.fields, entity, fieldsRoute, s.fetchFields)
	return cloneFields(all), err
}

// cloneFields: the cache's own slices stay with the cache.
func cloneFields(all []Field) []Field {
	all = slices.Clone(all)
	for i := range all {
		all[i].PicklistValues = slices.Clone(all[i].PicklistValues)
	}
	return all
}

// UDFs returns the user-defined fields, none if the entity cannot have any.
func (s *MetadataService) UDFs(ctx context.Context, entity string) ([]UDFDefinition, error) {
	all, err := metadata(ctx, &s.client.core.udfs, entity, udfsRoute, func(ctx context.Context, path string) ([]UDFDefinition, error) {
		udfs, err := s.fetchUDFs(ctx, path)
		if isStatus(err, http.StatusNotFound) {
			_, err = s.Fields(ctx, entity)
		}
		return udfs, err
	})
	all = slices.Clone(all)
	for i := range all {
		all[i].PicklistValues = slices.Clone(all[i].PicklistValues)
	}
	return all, err
}

// metadata returns one kind of an entity's description of itself, from the
// cache if it is there.
func metadata[T any](ctx context.Context, kept *cache.Cache[T], entity, route string, fetch func(ctx context.Context, path string) (T, error)) (T, error) {
	path := entity + route
	if !isCollectionName(entity) {
		var none T
		return none, invalid(http.MethodGet, path, "%v", notACollection(entity))
	}
	v, err := kept.Get(ctx, entity, func(ctx context.Context) (T, error) { return fetch(ctx, path) })
	switch {
	case !isStatus(err, http.StatusNotFound):
	case spell.IsCollection(entity):
		err = refusal(transport.Unsupported|transport.Invalid, "", "", fmt.Sprintf("%s has no description that this user may see: Autotask answers %s with 404", entity, path))
	default:
		err = noCollection(entity)
	}
	return v, asError(http.MethodGet, path, err)
}

func (s *MetadataService) fetchInfo(ctx context.Context, path string) (EntityInfo, error) {
	var info EntityInfo
	err := s.client.send(ctx, call{method: http.MethodGet, path: path, decode: func(b []byte) error {
		var answer struct {
			Info *wireInfo `json:"info"`
		}
		if err := decode(b, &answer); err != nil {
			return err
		}
		// Without these, a wrong answer would read as "nothing can be done".
		if answer.Info == nil || answer.Info.Name.Or("") == "" {
			return fmt.Errorf("%w: it has no info with a name", transport.ErrUnreadable)
		}
		info = answer.Info.info()
		return nil
	}})
	return info, err
}

func (s *MetadataService) fetchFields(ctx context.Context, path string) ([]Field, error) {
	return fetchFields(ctx, s, path, (*wireField).field)
}

func (s *MetadataService) fetchUDFs(ctx context.Context, path string) ([]UDFDefinition, error) {
	return fetchFields(ctx, s, path, (*wireField).udf)
}

func fetchFields[T any](ctx context.Context, s *MetadataService, path string, read func(*wireField) T) ([]T, error) {
	var all []T
	err := s.client.send(ctx, call{method: http.MethodGet, path: path, decode: func(b []byte) error {
		var answer struct {
			Fields []wireField `json:"fields"`
		}
		if err := decode(b, &answer); err != nil {
			return err
		}
		if answer.Fields == nil {
			return fmt.Errorf("%w: it has no fields", transport.ErrUnreadable)
		}
		all = make([]T, len(answer.Fields))
		for i := range answer.Fields {
			all[i] = read(&answer.Fields[i])
		}
		return nil
	}})
	return all, err
}

// wireInfo is an EntityInfo as it is sent. An access level is a number; the
// vendor's description leaves its type open.
type wireInfo struct {
	Name                    Optional[string] `json:"name"`
	CanCreate               Optional[bool]   `json:"canCreate"`
	CanDelete               Optional[bool]   `json:"canDelete"`
	CanQuery                Optional[bool]   `json:"canQuery"`
	CanUpdate               Optional[bool]   `json:"canUpdate"`
	HasUserDefinedFields    Optional[bool]   `json:"hasUserDefinedFields"`
	SupportsWebhookCallouts Optional[bool]   `json:"supportsWebhookCallouts"`
}

func (w *wireInfo) info() EntityInfo {
	return EntityInfo{
		Name:                    w.Name.Or(""),
		CanCreate:               w.CanCreate.Or(false),
		CanDelete:               w.CanDelete.Or(false),
		CanQuery:                w.CanQuery.Or(false),
		CanUpdate:               w.CanUpdate.Or(false),
		HasUserDefinedFields:    w.HasUserDefinedFields.Or(false),
		SupportsWebhookCallouts: w.SupportsWebhookCallouts.Or(false),
	}
}

// wireField is a Field or a UDFDefinition as it is sent: they differ in the
// name of the data type, and the last three members are of the latter alone.
// Picklist values are texts on the wire although the fields themselves hold
// numbers; now and then a number is seen.
type wireField struct {
	Name                     Optional[string] `json:"name"`
	DataType                 Optional[string] `json:"dataType"`
	Type                     Optional[string] `json:"type"`
	Length                   Optional[int64]  `json:"length"`
	IsRequired               Optional[bool]   `json:"isRequired"`
	IsReadOnly               Optional[bool]   `json:"isReadOnly"`
	IsQueryable              Optional[bool]   `json:"isQueryable"`
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
	Label        Optional[string] `json:"label"`
	Description  Optional[string] `json:"description"`
	DefaultValue Optional[string] `json:"defaultValue"`
}

func (w *wireField) udf() UDFDefinition {
	d := UDFDefinition{Field: w.field(), Label: w.Label.Or(""), Description: w.Description.Or(""), Default: w.DefaultValue}
	if d.Default.Or("") == "" {
		d.Default.SetNull()
	}
	return d
}

func (w *wireField) field() Field {
	f := Field{
		Name:                w.Name.Or(""),
		DataType:            w.DataType.Or(w.Type.Or("")),
		MaxLength:           w.Length.Or(0),
		Required:            w.IsRequired.Or(false),
		ReadOnly:            w.IsReadOnly.Or(false),
		Queryable:           w.IsQueryable.Or(false),
		ReferenceEntityType: w.ReferenceEntityType.Or(""),
		Picklist:            w.IsPickList.Or(false),
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
		if id, err := strconv.ParseInt(value.Value, 10, 64); err == nil {
			value.ID = id
		}
		if parent, err := strconv.ParseInt(v.ParentValue.Or(""), 10, 64); err == nil {
			value.Parent = Int(parent)
		}
		f.PicklistValues = append(f.PicklistValues, value)
	}
	return f
}

// noCollection is the error of a collection that Autotask does not know: the
// 404 says no more.
func noCollection(name string) *Error {
	return wrong("%q is not a collection of the API%s", excerpt(name), oneOf("; did you mean ", spell.CollectionsLike(name)))
}

func notACollection(name string) error {
	return fmt.Errorf("%q is not the name of a collection, such as Tickets", name)
}

func isCollectionName(s string) bool {
	for _, c := range s {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
