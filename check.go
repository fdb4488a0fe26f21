package autotask

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/transport"
)

// checkNew checks a new item against what is known of its fields, and names
// everything that is wrong at once.
func checkNew(table *fields.Table, path string, body []byte) error {
	given := map[string]jsontext.Value{}
	var problems []string
	err := merge.Each(body, func(name string, v jsontext.Value) {
		f := table.Lookup(name)
		if f != nil && f.Required {
			given[name] = v
		}
		switch {
		case name == "id":
			if string(v) != "0" {
				problems = append(problems, "the ID must be 0: Autotask assigns it")
			}
		case f == nil:
		case f.ReadOnly && !f.Parent:
			problems = append(problems, name+" is set by Autotask: leave it absent")
		default:
			problems = appendText(problems, f.TooLong(v))
			problems = appendText(problems, f.NotADay(v))
			problems = appendText(problems, f.Dropped(v))
		}
	})
	if err != nil {
		return invalid(http.MethodPost, path, "%v", err)
	}
	kind := transport.Invalid
	for _, f := range table.All {
		if f.Required && f.Missing(given[f.Name]) {
			problems = append(problems, f.Name+" is required")
			kind |= transport.MissingField
		}
	}
	if len(problems) > 0 {
		return refusal(kind, http.MethodPost, path, problems...)
	}
	return nil
}

// checkChanges checks the changes of an item against what is known of its fields.
func checkChanges(table *fields.Table, method, path string, changes []merge.Change) error {
	var problems []string
	for _, ch := range changes {
		f := table.Lookup(ch.Name)
		switch {
		case ch.Name == "id":
			problems = append(problems, "the ID cannot be changed")
		case f != nil && f.ReadOnly:
			problems = append(problems, ch.Name+" is set by Autotask and cannot be changed")
		case ch.New == nil:
			problems = append(problems, ch.Name+" was unset: use SetNull to clear it")
		case f != nil && f.Required && f.Missing(ch.New):
			problems = append(problems, ch.Name+" is required and cannot be cleared")
		case f != nil:
			problems = appendText(problems, f.TooLong(ch.New))
			problems = appendText(problems, f.NotADay(ch.New))
			problems = appendText(problems, f.Dropped(ch.New))
		}
	}
	if len(problems) > 0 {
		return refusal(transport.Invalid, method, path, problems...)
	}
	return nil
}

// checkPatch is checkChanges for the fields of a PATCH that nothing was read
// for. What every PATCH of the entity repeats must be among them.
func checkPatch(table *fields.Table, path string, changes []merge.Change) error {
	if err := checkChanges(table, http.MethodPatch, path, changes); err != nil {
		return err
	}
	var problems []string
	for _, f := range table.All {
		given := slices.ContainsFunc(changes, func(ch merge.Change) bool { return ch.Name == f.Name })
		if f.Always && !given {
			problems = append(problems, "every PATCH repeats "+f.Name+": set it to what it is, or use Update, which reads it")
		}
	}
	if len(problems) > 0 {
		return refusal(transport.MissingField|transport.Invalid, http.MethodPatch, path, problems...)
	}
	return nil
}

func appendText(all []string, s string) []string {
	if s == "" {
		return all
	}
	return append(all, s)
}

// collection is the collection of a type. Of a type that is no entity, although
// it passes for one, it is the name to call it by in the error.
func collection[T Entity]() string {
	switch t := reflect.TypeFor[T](); t.Kind() {
	case reflect.Pointer, reflect.Interface:
		return collectionBehind(t)
	default:
		return (*new(T)).Collection()
	}
}

func collectionBehind(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		if item, ok := reflect.New(t.Elem()).Interface().(Entity); ok {
			return item.Collection()
		}
	}
	return t.String()
}

// checkCollection refuses types that are no entity and pass for one: a pointer
// has the methods of what it points to, and the interfaces of this package have
// them anyway. It keeps an entity of a caller's own to the form of a collection,
// so that no other route can be meant.
func checkCollection[T Entity]() error {
	switch t := reflect.TypeFor[T](); t.Kind() {
	case reflect.Pointer:
		return fmt.Errorf("%v is a pointer: write [%v] for [%v]; items come as pointers to it anyway", t, t.Elem(), t)
	case reflect.Interface:
		return fmt.Errorf("%v is an interface: write the struct of one entity, such as [autotask.Ticket]", t)
	default:
	}
	if name := collection[T](); !isCollectionName(name) {
		return notACollection(name)
	}
	return nil
}
