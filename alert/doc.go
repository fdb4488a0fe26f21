// Package alert keeps one open ticket per alert, however often and from wherever it
// is reported.
//
// # Guarantees
//
//   - A key of a company has one open ticket. Two keys never share one, except on a
//     storm ticket.
//   - Every event is on one of the key's tickets once, as what created it or as a note,
//     unless the policy suppresses it. A repeat of a call with the same Event, by this
//     process or another, changes nothing more. It does not open another ticket if the
//     ticket was closed meanwhile.
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
// enough alone. This is beyond the package:
//
//   - A process that was killed may have sent a write that lands up to five minutes
//     later, after another process has looked and written the same. The next
//     occurrence closes a second ticket, but a second note stays. Two processes that
//     report the same Event at the same moment without a shared Locker may both note
//     it, and so may two between which a query does not show the last write, or two
//     that have not yet seen each other's notes.
//   - If a person closes the ticket between a search and a note, that is not noticed
//     until the next occurrence.
//   - For a minute after a process has seen a ticket open, it suppresses without looking,
//     whoever closes the ticket meanwhile.
//   - An occurrence that was suppressed leaves no trace. If its call is repeated after
//     the ticket was closed, it counts as a new one.
//   - If a person changes the externalID of a ticket, or removes the last line of its
//     description, it is no longer known what the ticket is about. If a workflow rule
//     changes the externalID of a new ticket, the error is ErrNotApplied, and this
//     process creates no other for the key while that one is open.
//   - The observer's clock and that of this process may be up to five minutes ahead of
//     Autotask's. An event is looked for on tickets that were closed up to 30 days ago.
//
// # How a ticket is found
//
// The externalID of a ticket is "alert:" and the key, or a digest of the key if it is
// longer than 44 characters or has characters that Autotask might change. The
// company's tickets are searched for it; if a person has moved a ticket to another
// company, it belongs to that company. The description ends in the key and the event,
// the title of a note in the event; of a storm ticket's note, in the event and a digest
// of the key.
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
// the package looks for a note since the time of completion that mentions one, in the
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
// if it follows another new ticket under a Policy with a Storm; also if a ticket of the
// key was closed less than five minutes before the event, or within 30 days of an event
// without a time.
//
// A further occurrence costs three: a search for the ticket, one for the event among
// the notes, and the note. It costs two if the event cannot be among them, in either of
// these cases:
//
//   - The ticket has had no activity since five minutes before the event, and this
//     process has seen that a note with this NoteType and Publish updates
//     lastActivityDate. Whether notes do is not documented.
//   - No other process notes events, this one created the ticket or has read its notes,
//     and nothing but its own notes has changed the ticket since. The package assumes
//     other processes if the policy has a Locker, or once it finds a ticket or a note
//     that another one created after this one started. Notes read in a process's first
//     five minutes do not count, since the last write of a previous process may still
//     land.
//
// A repeat costs two, or one in the process that has noted it.
//
// A suppressed occurrence costs one request or none. Clear costs one, and those of
// client.Resolve. If a ticket with a status other than 5 has timestamps, the client
// calls TicketsService.StatusSemantics, once an hour.
//
// What saves requests is remembered per client, so keep the client. Nothing else
// depends on it.
package alert
