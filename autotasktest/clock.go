package autotasktest

import "time"

// SetClock sets the tenant's clock: that of the Date header, of createDateTime and
// all other dates it sets, of the hourly threshold and of late requests. Nil is
// time.Now. The function must not call the Server.
func (s *Server) SetClock(now func() time.Time) {
	if now == nil {
		now = time.Now
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

// SetDatabaseClock sets the clock of the tenant's database, which stamps rows; the
// Date header keeps the clock of SetClock. Nil uses that clock for both. The function
// must not call the Server.
func (s *Server) SetDatabaseClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.databaseClock = now
}

// SetDateHeader sets whether answers have a Date header. By default they do.
func (s *Server) SetDateHeader(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dateless = !on
}

// now returns the time by the web server's clock. While a late request is carried
// out, it is the time when that was due.
func (s *Server) now() time.Time { return s.clock().Add(-s.ago) }

// stamp is the time by the database's clock, in the form of a row's dates.
func (s *Server) stamp() []byte { return formatDate(tick(s.databaseNow())) }

// tick rounds a time to the nearest 1/300 of a second, as the database does
// (docs/api-notes.md, section 12.1): the milliseconds of its stamps end in 0, 3 or 7.
func tick(t time.Time) time.Time {
	const ticks = 300
	n := (int64(t.Nanosecond())*ticks + int64(time.Second)/2) / int64(time.Second)
	return t.Truncate(time.Second).Add(time.Duration((n*10+1)/3) * time.Millisecond)
}

func (s *Server) databaseNow() time.Time {
	if s.databaseClock == nil {
		return s.now()
	}
	return s.databaseClock().Add(-s.ago)
}
