// Package autotasktest is a fake Autotask tenant for tests: an HTTP server with
// the REST API's routes, its rows in memory, and its habits.
//
// # What it does
//
// Every collection of the API is there with the verbs, fields, lengths,
// read-only and required fields that the API has. What is written can be read,
// queried and counted. On top lie the rules by which the real API surprises:
//
//   - GET of an id that does not exist is 200 with "item": null. Nearly
//     everything that is refused is 500 with an "errors" array; a route that
//     nobody serves is a web page with 404.
//   - A PUT replaces: a field that it leaves out becomes null. A PUT of a ticket
//     without one of the stabilising fields is refused; one of these fields and
//     the resolution is accepted. There is no PATCH of tickets, and no POST of
//     TicketNotes but through the ticket.
//   - A boolean that a PUT leaves out becomes false. It cannot be null, and a
//     client that relied on its staying as it was would lose it wherever the
//     vendor's "all omitted fields are reset" holds.
//   - Status 5 sets completedDate and resolvedDateTime of a ticket. No other
//     status does, least of all 8, which is labelled "Completed".
//   - A condition whose operator is unknown is dropped from a query, so that it
//     finds too much; an empty filter finds nothing. The next page wants the
//     same body again; the last page may be empty.
//   - A wrong user name is 500, a wrong secret 401. Acting for another resource
//     is refused on reads. The fourth request at one time on one endpoint is
//     refused, and so is every request above the hourly threshold.
//   - The content of an attachment is served with the attachment alone, never in
//     a list. A file has at most 6,000,000 bytes, and all of five minutes
//     10,000,000; more of them, and five minutes pass before the next.
//     Attachments are found by what they hang on; the history of a ticket by its
//     ticket and nothing else. Some fields cannot be queried.
//   - Names in paths may have any casing below ATServicesRest, whose own casing
//     counts. JSON is read as by .NET: with trailing commas, bare names, comments
//     and single quotes. A body with a Content-Encoding is refused.
//   - A contact, location or contract of a ticket belongs to its company or the
//     parent of that, and an inactive contact makes every PUT of the ticket fail,
//     as does a text that is longer than its field. Lengths count UTF-16 units.
//     A resource is assigned together with a role that it has. Time is spent on
//     a ticket, a task or internally, for more than 0 and at most 24 hours, by
//     somebody else than the API user; on a ticket in a role and with a summary.
//   - A day loses its time of day, and stays the day that was written in whatever
//     zone. Some writes are answered with "itemId": null.
//
// A new tenant holds two people ([APIUserID], and [TechnicianID], who works in the
// role [TechnicianRoleID]), two companies ([OwnCompanyID], whose id is 0, and
// [CustomerID]) and the picklists of tickets, notes and time entries.
//
// # Starting it
//
// In a test it ends with the test:
//
//	srv := autotasktest.NewServer(t)
//	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed"})
//	ticket, err := srv.Client().Tickets.Get(t.Context(), id)
//
// In a program it is closed:
//
//	srv := autotasktest.Start()
//	defer srv.Close()
//
// Seed fills the fields that nobody gave, and refuses values of the wrong kind;
// SeedRaw takes a recorded item as it is. Neither is held to the rules of writes.
// Get, Rows and Raw look at what is stored, Requests at what was asked for:
//
//	for _, r := range srv.Requests() {
//		fmt.Println(r.Op, r.Status) // POST Tickets/Notes 200
//	}
//
// Any HTTP client will do in place of Client, with BaseURL and Credentials.
// Snapshot returns the whole tenant as it is stored, to be compared with what
// it was before.
//
// # Without a socket
//
// NewInProcess makes a tenant that has no listener. It takes a hundredth of a
// millisecond, so that a test can make one for each of thousands of cases. Its
// requests are carried on the goroutine of the caller, and all that waits, waits
// on timers and contexts: made inside a bubble of [testing/synctest], it lives by
// the bubble's time.
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := autotasktest.NewInProcess(t)
//		srv.Inject(autotasktest.Fault{Op: "GET Tickets", Delay: time.Hour}) // passes at once
//		ticket, err := srv.Client().Tickets.Get(t.Context(), srv.Seed("Tickets", nil))
//	})
//
// Transport carries requests to any tenant like that, for a client of one's own:
//
//	autotask.WithHTTPClient(&http.Client{Transport: srv.Transport()})
//
// # HTTP/2
//
// NewHTTP2 makes a tenant that speaks HTTP/2 over TLS. Fault.ResetStream resets
// streams there: net/http answers some resets by sending a write again, which a
// server that has carried it out gets twice. HTTPClient is a plain client of any
// tenant, one that trusts its certificate included.
//
// # Webhooks
//
// A webhook is a row like any other: POST TicketWebhooks, then its Fields, whose
// ids are in a picklist of TicketWebhookFields. From then on, what the API
// creates, updates and deletes queues signed calls, and DeliverWebhooks makes
// them:
//
//	_, err = client.Tickets.Create(ctx, ticket)
//	err = srv.DeliverWebhooks(ctx) // calls back until nothing is left to tell
//
// Only loopback addresses are called. SetWebhookHandler takes the calls in process
// instead, whatever their address. What Seed does is no event; FireWebhooks tells
// of seeded rows. SetWebhookSigning signs in the other ways that are reported.
//
// # Settings of a tenant
//
// SetPicklist and SetUDFs give it other picklists, of any field, and user-defined
// fields. SetOverlongTexts, SetStartAndStopTimes and SetDuplicateTickets are for
// what differs from tenant to tenant.
// SetAttachmentShape serves attachments in the other forms that are reported.
// SetTextFilter changes texts as they are stored, SetQueryLag keeps new rows
// from queries for a while.
//
// SetClock sets its clock, SetDatabaseClock another one for the stamps of rows;
// SetDateHeader leaves out the header by which a client learns of either. The stamps
// tick in 1/300 of a second. SetLatency makes pages slower than any of that.
//
// # Other people
//
// Change changes a row as a person does in the web interface:
//
//	srv.Change("Tickets", id, map[string]any{"status": 10}) // reopened
//
// Remove deletes one, with its row in DeletedTicketLogs and the like. Merge merges
// two tickets: the source becomes complete and stays. ChangeLate makes a change that
// shows later than its stamps say. All of them queue calls of webhooks.
//
// SetReadAccess takes the right to read a collection away.
//
// Changes of a ticket, by whomever, make rows of TicketHistory: "Status changed
// from New to Complete". Other fields are worded by analogy; empty values are
// "nothing", long ones are cut.
//
// # Many rows
//
// A tenant may hold a hundred thousand tickets: what it costs to read one, or to
// query by an id, a ticket's id or its number, does not depend on how many there
// are. Every request is kept for Requests; a program that makes millions of them
// calls ResetRequests now and then.
//
// # Faults
//
// Inject makes chosen requests go wrong. Here the note is created, but the
// client never hears of it:
//
//	srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropResponse: true})
//
// And here somebody else edits the ticket between a client's read and its write:
//
//	srv.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(row map[string]any) {
//		row["priority"] = 1
//	}})
//
// Fault has them all:
//
//   - The request does not come through: Refuse, DropRequest, Hang, Delay.
//   - Something else answers: Status, Redirect, Garbage, HTML.
//   - The answer does not come through: DropResponse, Truncate, SlowBody, Oversize,
//     GzipBomb, and Hang with one of the first two; ResetStream over HTTP/2.
//   - The request outlives its client: Lands, after a time, and ApplyAfter, after a
//     number of requests; with Hang or Status, too.
//   - The answer is whole and wrong: IgnoreWrite, RepeatNextPage,
//     ForeignNextPage.
//   - The tenant does not stand still: Revert, Edit, HideFromQueries, Lag.
//
// A fault happens once unless Times says otherwise, and at the k-th request of
// all with Skip: k-1. PendingFaults tells whether all of them did, and
// ReportUnstruck makes the test fail if one did not. Inject refuses faults that
// cannot happen, in whole or in part. SetLatency,
// SetThreadLimit, SetThreshold, MoveZone and SetZonelessDates make the tenant
// slow, narrow, exhausted, moved or old.
//
// # What it does not imitate
//
//   - People: no permissions but those of SetReadAccess, no security levels, modules
//     or licences, and no account is locked after wrong passwords. Every active resource but the API
//     user can be impersonated, on the entities of the vendor's list.
//   - Rules of business beyond those above: other references need not exist,
//     categories require nothing, and a picklist entry is accepted although it is
//     inactive or belongs to another parent entry.
//   - Consequences: no workflow rules but Fault.Revert, and no e-mails. What
//     belongs to a deleted row stays. Of a ticket with a new note or time entry
//     lastActivityDate moves, and nothing else. Fields that Autotask calculates
//     (due dates of service levels, hoursToBill, amounts) stay null. Rich text is
//     not lost, because there is none.
//   - User-defined fields: their values are text, whatever the type of their
//     definition. An entity that SetUDFs was not called for has those that its
//     rows carry, and takes any.
//   - Webhooks: no call is repeated, a webhook that fails is not switched off,
//     and neither WebhookEventErrorLogs nor deactivationUrl hear of it. Nobody is
//     told of Fault.Edit. Their addresses need not be https.
//   - Attachments: AttachmentInfo does not list them.
//   - Services: the token of Authenticate opens nothing; the files of an invoice
//     are not its contents; approving a time-off request leaves the number of its
//     status alone, and rejecting one only keeps the reason.
//   - The limits on time: no answer slows down as the threshold comes nearer, and
//     no request is ended after five minutes.
//   - TLS, but for NewHTTP2.
//
// Some details of the API are not published, and were chosen to be the harder
// ones for a client: operators are case-sensitive; a null field matches no
// comparison, noteq and notIn included; children count toward the thread limit
// of their parent's endpoint; a query without id among its IncludeFields gets its
// first page, and is refused the next; a call of a webhook names fields as the
// API does, tells of the changed ones among those it subscribes to and of those
// it always shows, of none after a delete, and not at all of an update of others;
// a webhook is ready once it has a field; a FILE_ATTACHMENT needs data, and a
// link has none; a pause of attachments begins with the one that was too much.
// An update of a row with an overlong text is refused whichever fields it
// changes, PATCH included. The numbers of typeID in deletion logs, the action of
// history rows and the text of the hourly threshold's refusal are invented, as are
// most texts of pages and framework errors. Match none of them.
package autotasktest
