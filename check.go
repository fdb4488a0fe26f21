package autotask

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/transport"
)

// checkNew holds a new item to what is known of its fields, and names
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
				problems = append(problems, "the ID must be 0: Autotask gives it")
			}
		case f == nil:
		case f.ReadOnly && !f.Parent:
			problems = append(problems, name+" is set by Autotask: leave it absent")
		default:
			problems = appendText(problems, f.TooLong(v))
			problems = appendText(problems, f.NotADay(v))
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

// checkChanges holds the changes of an item to what is known of its fields.
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
			problems = append(problems, ch.Name+" was made absent: use SetNull to clear it")
		case f != nil && f.Required && f.Missing(ch.New):
			problems = append(problems, ch.Name+" is required and cannot be cleared")
		case f != nil:
			problems = appendText(problems, f.TooLong(ch.New))
			problems = appendText(problems, f.NotADay(ch.New))
		}
	}
	if len(problems) > 0 {
		return refusal(transport.Invalid, method, path, problems...)
	}
	return nil
}

func appendText(all []string, s string) []string {
	if s == "" {
		return all
	}
	return append(all, s)
}
