package autotask

import (
	"reflect"

	"github.com/autotask-go/autotask/internal/fields"
)

// What Autotask accepts of attachments. [Upload] and [Create] keep to it.
const (
	MaxFileBytes  = maxFile       // of one file
	MaxFilesBytes = maxFiles      // of all files in FilesWindow
	FilesWindow   = filesInWindow // after more than that, Autotask takes none for as long
)

// ID returns the id of an item; 0 for nil, and also the tenant's own company.
func ID(item Entity) int64 { return idIn(item) }

// idOf is ID where the type is known, and need not be an entity.
func idOf[T any](v *T) int64 { return idIn(v) }

func idIn(item any) int64 {
	switch v := item.(type) { // the quick ones
	case *Ticket:
		if v != nil {
			return v.ID
		}
	case *TicketNote:
		if v != nil {
			return v.ID
		}
	case *TimeEntry:
		if v != nil {
			return v.ID
		}
	}
	if f := fieldOf(reflect.ValueOf(item), "ID"); f.IsValid() && f.CanInt() {
		return f.Int()
	}
	return 0
}

// UDFsOf returns the user-defined fields of an item, nil if it has none.
func UDFsOf(item Entity) *UDFs {
	f := fieldOf(reflect.ValueOf(item), "UserDefinedFields")
	if !f.IsValid() || f.Type() != reflect.TypeFor[UDFs]() {
		return nil
	}
	if f.CanAddr() {
		return f.Addr().Interface().(*UDFs)
	}
	udfs := f.Interface().(UDFs)
	return &udfs
}

// fieldOf returns the field of a struct or of what pointers to it lead to,
// invalid if there is none.
func fieldOf(v reflect.Value, name string) reflect.Value {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return v.FieldByName(name)
}

// MaxLength returns the maximum length of a field ("title"), or 0 if unknown.
// Autotask counts UTF-16 code units: an emoji is two.
func MaxLength(item Entity, field string) int {
	t := reflect.TypeOf(item)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return 0
	}
	if f := fields.Of(t).Find(field); f != nil {
		return f.MaxLength
	}
	return 0
}
