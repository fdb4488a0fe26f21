package fields

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// CheckDay reports a time of day in a field that holds a day. Other fields take
// any time.
//
// A date in another zone than UTC falls on the day before or after in UTC, which
// is the day that Autotask would keep (docs/api-notes.md, dates).
func (f *Field) CheckDay(t time.Time) error {
	if !f.Day || isMidnight(t) {
		return nil
	}
	day := "year, month, day" // which one was meant, a moment in UTC does not tell
	if t.Location() != time.UTC {
		day = t.Format("2006, 1, 2")
	}
	return fmt.Errorf("%s is a day and has no time of day, so %s is refused: use autotask.Day(%s) or autotask.DayOf(t)",
		f.Name, t.Format(time.RFC3339Nano), day)
}

// NotADay is CheckDay for a value on its way to the wire, "" if there is nothing
// to refuse.
func (f *Field) NotADay(v jsontext.Value) string {
	if !f.Day || v.Kind() != '"' {
		return ""
	}
	t, err := ParseTime(unquote(v))
	if err != nil {
		return ""
	}
	if err := f.CheckDay(t); err != nil {
		return err.Error()
	}
	return ""
}

func isMidnight(t time.Time) bool { return t.Equal(t.UTC().Truncate(24 * time.Hour)) }

// sameDay compares days as they are written. Whatever the time and the zone
// beside it, the server converts neither.
func sameDay(want, got string) bool {
	return len(want) >= len(time.DateOnly) && len(got) >= len(time.DateOnly) &&
		want[:len(time.DateOnly)] == got[:len(time.DateOnly)]
}
