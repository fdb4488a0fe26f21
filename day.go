package autotask

import "time"

// Day returns a calendar day as the fields take it that hold a day and no time
// of day, such as Contract.EndDate and TimeEntry.DateWorked, and as filters on
// them take it: midnight UTC, which stands for the day in every time zone.
//
//	contract.EndDate.Set(autotask.Day(2026, 12, 31))
//	autotask.Lte("endDate", autotask.Day(2026, time.December, 31))
//
// Autotask keeps the date of such a field as it is written and converts
// nothing (docs/api-notes.md, dates). A midnight of another zone would be the
// day before or after, so any other time of day there is ErrInvalid. A day of
// the month that does not exist is carried over, as in time.Date.
func Day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// DayOf returns the day of t in its own location, as Day does:
// DayOf(time.Now()) is today where the program runs, and DayOf(t.In(zone)) the
// day of t elsewhere. A day that was read from Autotask is one already.
func DayOf(t time.Time) time.Time { return Day(t.Date()) }
