package autotask

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
)

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
	known := columnsOf(item.Type())
	if c := known.find(f.Name); c != nil && !f.userDefined {
		return setValue(item.Field(c.index), value)
	}
	c := known.find(merge.UDFs)
	if c == nil || !f.userDefined {
		return false
	}
	udfs, ok := item.Field(c.index).Interface().(UDFs)
	if ok {
		udfs = slices.Clone(udfs) // the item's own stay as they are if another label fails
		udfs.Set(f.Name, Value(value.Value))
		item.Field(c.index).Set(reflect.ValueOf(udfs))
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
			values[strings.ToLower(name)] = fields.Text(v)
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
