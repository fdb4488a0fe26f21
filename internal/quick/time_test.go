package quick

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every day of all years that four digits can name, and the days that there are not.
func TestParseTime_EveryDay(t *testing.T) {
	t.Parallel()
	last := time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	for day := time.Date(0, 1, 1, 23, 59, 58, 0, time.UTC); day.Before(last); day = day.AddDate(0, 0, 1) {
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
