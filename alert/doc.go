// Package alert keeps one open ticket for an alert, however often and from
// wherever it is reported.
//
// # What holds
//
//   - A key of a company has one open ticket. Two keys never share one, but for
//     that of a storm.
//   - Every event is on it once, as what made it or as a note, unless the policy
//     suppresses it. A repeat of a call with the same Event, by this process or
//     another, changes nothing more. It opens nothing when the ticket was closed
//     meanwhile.
//   - With a Locker that all workers share, no second ticket is made, and hence no
//     second mail goes out by a workflow rule. Without one, two workers may each
//     make a ticket at the same moment: both look again, the lowest id stays, and
//     the other is closed as its duplicate. If a query did not show the last write,
//     the next occurrence does that.
//   - Nothing is written twice because an answer was lost: a new ticket is found by
//     its externalID, a note by its event, both by the rules of unanswered writes
//     (see package autotask). autotask.ErrOutcomeUnknown says how long to wait.
//   - What a person has booked time on is never closed.
//   - What is open is decided by status 5 and by timestamps, never by a label.
//
// Lock, closing and looking again are all needed: none of them is enough alone.
// Two things are beyond this package. A process that was killed may have sent a
// write that lands up to five minutes later, when another one has looked and
// written the same; the next occurrence closes a second ticket, but a note stays
// twice. And a person who closes the ticket between a search and a note is not
// seen until the next occurrence.
//
// # How it is found
//
// The externalID of a ticket is "alert:" and the key, or a digest of the key if
// it is longer than 44 characters or holds what Autotask might not give back as it
// was. The company's tickets are searched for it; one that a person has moved to
// another company is that company's. The description ends in the key and the
// event, the title of a note in the event.
//
// # Policies
//
//	alert.Policy{
//		NoteEvery:    time.Hour,                               // no note sooner
//		Reopen:       4 * time.Hour,                           // rather than a new ticket
//		ReopenStatus: 10,                                      // an id of the tenant
//		OnlyOurs:     true,                                    // not what a person completed
//		Storm:        alert.Storm{Keys: 10, Within: time.Hour}, // then one ticket for all
//		Locker:       locker,                                  // of all workers
//	}
//
// A ticket that was merged into another is never reopened. No field tells of that:
// a note of the time of its completion that says so does, in the languages of the
// web interface.
//
// The Locker gets two kinds of keys, "autotask/alert/175/alert:backup/MAIL-02" and
// "autotask/alert/175", the second only where there is a Storm. A process that
// serves several tenants needs a Locker that tells them apart.
//
// # What it costs
//
// In requests: three for a new ticket, four if the search after it does not show
// it, as where the tenant's Duplicate Ticket Handling has answered, or if it comes
// after another one in a Policy with a Storm; two for a further occurrence, and
// one more if the ticket was active since shortly before the event and this
// process does not know why, or for a first occurrence in a process that has not
// seen yet whether a note moves its ticket's lastActivityDate, which is not
// documented; one or none for a suppressed one; one and those of client.Resolve
// for Clear. A ticket of a status other than 5 that holds timestamps makes the
// client ask for TicketsService.StatusSemantics, once an hour.
//
// What saves requests is remembered by client: keep the client. Nothing else
// depends on it.
package alert
