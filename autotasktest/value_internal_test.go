package autotasktest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Dates written by hand are those of package time.
func TestFormatDate(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		{}, time.Unix(0, 0), time.Date(2026, 11, 23, 12, 0, 0, 120_000_000, time.UTC), time.Date(2026, 1, 2, 3, 4, 5, 6_999_999, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 12, 31, 23, 0, 0, 100_000_000, time.FixedZone("west", -5*3600)), time.Date(7, 1, 10, 20, 30, 40, 10_000_000, time.UTC),
	} {
		assert.Equal(t, at.UTC().Format(dateLayout), string(formatDate(at)))
	}
}
