package fields

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/wire"
)

// CheckDay returns an error for a time of day in a field that holds a day. Other
// fields accept any time.
//
// At midnight in another zone than UTC, the day in UTC, which Autotask would keep,
// can be the one before or after (docs/api-notes.md, dates).
func (f *Field) CheckDay(t time.Time) error {
	if !f.Day || isMidnight(t) {
		return nil
	}
	day := "year, month, day" // a moment in UTC does not show which one was meant
	if t.Location() != time.UTC {
		day = t.Format("2006, 1, 2")
	}
	return fmt.Errorf("%s is a day and has no time of day, so %s is refused: use autotask.Day(%s) or autotask.DayOf(t)",
		f.Name, t.Format(time.RFC3339Nano), day)
}

// NotADay is CheckDay for a value in its wire form; it returns "" if the value is
// accepted.
func (f *Field) NotADay(v jsontext.Value) string {
	if !f.Day || v.Kind() != '"' {
		return ""
	}
	t, err := wire.ParseTime(unquote(v))
	if err != nil {
		return ""
	}
	if err := f.CheckDay(t); err != nil {
		return err.Error()
	}
	return ""
}

func isMidnight(t time.Time) bool { return t.Equal(t.UTC().Truncate(24 * time.Hour)) }

// sameDay compares days as written. Whatever the time and the zone, the server
// converts neither.
func sameDay(want, got string) bool {
	return len(want) >= len(time.DateOnly) && len(got) >= len(time.DateOnly) &&
		want[:len(time.DateOnly)] == got[:len(time.DateOnly)]
}
