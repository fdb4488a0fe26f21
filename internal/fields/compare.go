package fields

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/autotask-go/autotask/internal/wire"
)

// Mismatch says why a value of a filter cannot be compared with the field, or
// returns "". Autotask accepts strings for numbers and booleans, as long as they
// read as such.
func (f *Field) Mismatch(value any) string {
	shown := fmt.Sprintf("%v", value)
	text, isText := value.(string)
	if isText {
		shown = fmt.Sprintf("%.60q", text)
	}
	_, isTime := value.(wire.Stamp)
	_, isBool := value.(bool)
	switch f.Type.Kind() {
	case reflect.Int64, reflect.Float64:
		switch {
		case isText && !wire.IsNumber(text):
			return "holds numbers, not the string " + shown + "; Picklists.IDs finds the value of a label"
		case isBool:
			return "holds numbers, not " + shown + "; use 1 or 0"
		case isTime:
			return "holds numbers, not the time " + shown
		}
	case reflect.Bool:
		if isTime || !isBool && !slices.Contains([]string{"0", "1", "true", "false"}, strings.ToLower(strings.Trim(shown, `"`))) {
			return "holds true or false, not " + shown
		}
	case reflect.Struct:
		if f.Type == reflect.TypeFor[time.Time]() && !isTime && !(isText && (text == "" || strings.ContainsAny(text, "0123456789"))) {
			return "holds times, not " + shown + "; use a time.Time"
		}
	default: // strings, which may hold any value
	}
	return ""
}

// CheckDayIn is CheckDay for a value of a filter.
func (f *Field) CheckDayIn(value any) error {
	switch v := value.(type) {
	case wire.Stamp:
		return f.CheckDay(v.Time)
	case string:
		if t, err := wire.ParseTime(v); err == nil {
			return f.CheckDay(t)
		}
	}
	return nil
}
