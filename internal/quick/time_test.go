package quick

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// step is 1 for three whole cycles of the calendar, and elsewhere such that every day of
// the year and every year have their turn.
func step(year int) int {
	if year < 400 || 1600 <= year && year < 2400 || year >= 9996 {
		return 1
	}
	return 17
}

// The days of all years that four digits can name, and days that do not exist.
func TestParseTime_Days(t *testing.T) {
	t.Parallel()
	last := time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	for day := time.Date(0, 1, 1, 23, 59, 58, 0, time.UTC); day.Before(last); day = day.AddDate(0, 0, step(day.Year())) {
		got, ok := parseTime([]byte(day.Format("2006-01-02T15:04:05.000Z")))
		if !ok || !got.Equal(day) || got.Location() != time.UTC {
			require.Failf(t, "it is read differently", "%v as %v", day, got)
		}
	}
	for _, none := range []string{
		"2026-00-10", "2026-13-10", "2026-01-00", "2026-01-32", "2026-04-31", "2026-06-31", "2026-09-31", "2026-11-31",
		"2026-02-29", "2024-02-30", "1900-02-29", "2000-02-30", "0000-02-30", "2026-08-32", "2026-12-32",
	} {
		_, ok := parseTime([]byte(none + "T00:00:00Z"))
		assert.False(t, ok, none)
	}
}
