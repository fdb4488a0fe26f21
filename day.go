package autotask

import "time"

// Day returns a calendar day for fields that hold no time of day, such as
// Contract.EndDate and TimeEntry.DateWorked, and for filters on them: midnight
// UTC, since Autotask does not convert their date (docs/api-notes.md, section
// 12.3). Any other time of day there is [ErrInvalid]. Days outside the month
// are normalized, as by time.Date.
func Day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// DayOf returns the [Day] of t in its location: DayOf(time.Now()) is today.
func DayOf(t time.Time) time.Time { return Day(t.Date()) }
