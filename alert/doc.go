// Package alert keeps one open ticket per alert, however often and from wherever it
// is reported.
//
// # Guarantees
//
//   - A key of a company has one open ticket. Two keys never share one, except on a
//     storm ticket.
//   - Every event is on it once, as what created it or as a note, unless the policy
//     suppresses it. A repeat of a call with the same Event, by this process or
//     another, changes nothing more. It does not open another ticket if the ticket
//     was closed meanwhile.
//   - With a Locker that all workers share, no second ticket is created, so no
//     workflow rule sends a second mail. Without one, two workers may each create a
//     ticket at the same moment. Both look again, the ticket with the lowest id
//     stays, and the other is closed as its duplicate. If a query did not show the
//     last write, the next occurrence does that.
//   - Nothing is written twice because an answer was lost: a new ticket is found by
//     its externalID, a note by its event, both by the rules of unanswered writes
//     (see package autotask). The RetryAfter of autotask.ErrOutcomeUnknown says how
//     long to wait.
//   - A ticket on which a person has booked time is never closed.
//   - Whether a ticket is open is decided by status 5 and by timestamps, never by a
//     label.
//
// The lock, closing duplicates and looking again are all needed: none of them is
// enough alone. Two cases are beyond this package. A process that was killed may have
// sent a write that lands up to five minutes later, after another process has looked
// and written the same. The next occurrence closes a second ticket, but a second note
// stays. And if a person closes the ticket between a search and a note, that is not
// noticed until the next occurrence.
//
// # How a ticket is found
//
// The externalID of a ticket is "alert:" and the key, or a digest of the key if it is
// longer than 44 characters or has characters that Autotask might change. The
// company's tickets are searched for it; if a person has moved a ticket to another
// company, it belongs to that company. The description ends in the key and the event,
// the title of a note in the event.
//
// # Policies
//
//	alert.Policy{
//		NoteEvery:    time.Hour,                               // at most one note an hour
//		Reopen:       4 * time.Hour,                           // instead of a new ticket
//		ReopenStatus: 10,                                      // an id of the tenant
//		OnlyOurs:     true,                                    // not what a person completed
//		Storm:        alert.Storm{Keys: 10, Within: time.Hour}, // then one ticket for all
//		Locker:       locker,                                  // shared by all workers
//	}
//
// A ticket that was merged into another is never reopened. No field shows a merge, so
// the package looks for a note from the time of completion that mentions one, in the
// languages of the web interface.
//
// The Locker gets two kinds of keys, "autotask/alert/175/alert:backup/MAIL-02" and
// "autotask/alert/175"; the second only if there is a Storm. A process that serves
// several tenants needs a Locker that tells them apart.
//
// # What it costs
//
// A new ticket costs three requests. It costs four if the search after it does not
// show it, for example when the tenant's Duplicate Ticket Handling has answered, or
// if it follows another new ticket under a Policy with a Storm.
//
// A further occurrence costs two. It costs one more if the ticket was active since
// shortly before the event and this process does not know why; also for a first
// occurrence in a process that has not yet seen whether a note changes its ticket's
// lastActivityDate, which is not documented, unless the process made the ticket within
// the last minute. In that minute, in a tenant where notes do not change it, an event
// that another process has already noted is noted twice.
//
// A suppressed occurrence costs one request or none. Clear costs one, and those of
// client.Resolve. If a ticket with a status other than 5 has timestamps, the client
// calls TicketsService.StatusSemantics, once an hour.
//
// What saves requests is remembered per client, so keep the client. Nothing else
// depends on it.
package alert
