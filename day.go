package autotask

import "time"

// Day returns a calendar day for fields without a time of day, such as
// Contract.EndDate, and filters on them: midnight UTC (docs/api-notes.md,
// section 12.3). Another time of day there is [ErrInvalid].
func Day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// DayOf returns the [Day] of t in its location: DayOf(time.Now()) is today.
func DayOf(t time.Time) time.Time { return Day(t.Date()) }
