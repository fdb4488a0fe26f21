package autotask

import "time"

// Day returns midnight UTC, which fields without a time of day take, such as
// Contract.EndDate, and filters on them; other times there are [ErrInvalid].
func Day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// DayOf returns the [Day] of t in its location: DayOf(time.Now()) is today.
func DayOf(t time.Time) time.Time { return Day(t.Date()) }
