package autotask

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/cache"
	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/spell"
	"github.com/autotask-go/autotask/internal/transport"
	"github.com/autotask-go/autotask/internal/wire"
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

// Fill sets picklist fields of an item, such as a *Ticket, by labels as in IDs,
// also user-defined ones. If any label fails, nothing is set.
func (s *PicklistsService) Fill(ctx context.Context, item any, labels map[string]string) error {
	v := reflect.ValueOf(item)
	e, isEntity := item.(Entity)
	if !isEntity || v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return wrong("Fill sets fields of an entity: give it a pointer to one, such as a *Ticket, not a %T", item)
	}
	present, err := scalarsOf(item)
	if err != nil {
		return wrong("%v", err)
	}
	l, err := s.resolveLabels(ctx, e.Collection(), labels, present)
	if err != nil {
		return err
	}
	filled := reflect.New(v.Elem().Type()).Elem()
	filled.Set(v.Elem())
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if !setPicklist(filled, l.field(key), l.values[key]) {
			l.fail(wrong("%s.%s: a %s has no field that could hold %s", l.entity, key, v.Elem().Type(), l.values[key].quoted()))
		}
	}
	if l.failure != nil {
		return l.failure
	}
	v.Elem().Set(filled)
	return nil
}

// setPicklist sets a field of a struct, or else one of its user-defined fields.
func setPicklist(item reflect.Value, f Field, value PicklistValue) bool {
	known := fields.Of(item.Type())
	if c := known.Find(f.Name); c != nil && !f.userDefined {
		return setValue(item.Field(c.Index), value)
	}
	c := known.Find(merge.UDFs)
	if c == nil || !f.userDefined {
		return false
	}
	udfs, ok := item.Field(c.Index).Interface().(UDFs)
	if ok {
		udfs = slices.Clone(udfs) // the item's own stay as they are if another label fails
		udfs.Set(f.Name, Value(value.Value))
		item.Field(c.Index).Set(reflect.ValueOf(udfs))
	}
	return ok
}

func setValue(field reflect.Value, value PicklistValue) bool {
	var optional reflect.Value
	switch field.Interface().(type) {
	case Optional[int64]:
		optional = reflect.ValueOf(Value(value.ID))
	case Optional[string]:
		field.Set(reflect.ValueOf(Value(value.Value)))
		return true
	}
	switch {
	case field.Kind() == reflect.String:
		field.SetString(value.Value)
	case !value.numeric():
		return false
	case optional.IsValid():
		field.Set(optional)
	case field.CanInt() && !field.OverflowInt(value.ID):
		field.SetInt(value.ID)
	default:
		return false
	}
	return true
}

// scalarsOf returns the values of an item's fields that hold one, as Autotask
// writes them, by their names in lower case; user-defined ones among them.
func scalarsOf(item any) (map[string]string, error) {
	object, isRow := rowJSON(item)
	if !isRow {
		var err error
		if object, err = json.Marshal(item, jsontext.AllowInvalidUTF8(true)); err != nil {
			return nil, err
		}
	}
	values := map[string]string{}
	err := merge.Each(object, func(name string, v jsontext.Value) {
		switch {
		case strings.EqualFold(name, merge.UDFs):
			var udfs UDFs
			_ = decode(v, &udfs) // what is no list of fields has none
			for _, udf := range udfs {
				key := strings.ToLower(udf.Name)
				if text, ok := udf.Value.Get(); ok && values[key] == "" {
					values[key] = text
				}
			}
		case v.Kind() == '"' || v.Kind() == '0':
			values[strings.ToLower(name)] = wire.Text(v)
		}
	})
	return values, err
}

func rowJSON(item any) (jsontext.Value, bool) {
	switch r := item.(type) {
	case Row:
		return r.JSON, true
	case *Row:
		if r != nil {
			return r.JSON, true
		}
	}
	return nil, false
}

// Labels are the labels of all picklist fields of a collection.
type Labels struct {
	fields map[string]map[string]string // by the field in lower case, and the value
	names  map[string]string            // of the fields, as Autotask spells them
}

// Labels reads the labels of all picklist fields, inactive ones included.
func (s *PicklistsService) Labels(ctx context.Context, entity string) (*Labels, error) {
	all, err := s.client.Metadata.Fields(ctx, entity)
	if err != nil {
		return nil, err
	}
	udfs, err := s.client.Metadata.UDFs(ctx, entity)
	if err != nil {
		return nil, err
	}
	for _, udf := range udfs {
		all = append(all, udf.Field)
	}
	l := &Labels{map[string]map[string]string{}, map[string]string{}}
	for _, f := range all {
		key := strings.ToLower(f.Name)
		if _, there := l.fields[key]; there || !f.Picklist {
			continue
		}
		l.names[key], l.fields[key] = f.Name, map[string]string{}
		for _, v := range f.PicklistValues {
			if _, there := l.fields[key][v.Value]; !there { // the same value under another parent
				l.fields[key][v.Value] = v.Label
			}
		}
	}
	return l, nil
}

// Label returns the label of a value of a field, and whether it has one.
func (l *Labels) Label(field string, id int64) (string, bool) {
	return l.ValueLabel(field, strconv.FormatInt(id, 10))
}

// ValueLabel is Label for values that are strings, as in user-defined fields.
func (l *Labels) ValueLabel(field, value string) (string, bool) {
	label, ok := l.fields[strings.ToLower(field)][value]
	return label, ok
}

// Of returns the labels of an entity's or a [Row]'s picklist values, by field.
func (l *Labels) Of(item any) (map[string]string, error) {
	values, err := scalarsOf(item)
	if err != nil {
		return nil, wrong("a %T has no fields: %v", item, err)
	}
	labels := map[string]string{}
	for key, byValue := range l.fields {
		if value, held := values[key]; held {
			if label, ok := byValue[value]; ok {
				labels[l.names[key]] = label
			}
		}
	}
	return labels, nil
}
