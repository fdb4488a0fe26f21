// Package autotasktest is a fake Autotask tenant for tests: an HTTP server with
// the REST API's routes, its rows in memory, and its habits.
//
// # What it does
//
// Every collection of the API has the verbs, fields, lengths, read-only and required
// fields of the real one. What is written can be read, queried and counted. It also
// imitates the real API's surprises:
//
//   - GET of an id that does not exist is 200 with "item": null. Nearly every refusal
//     is 500 with an "errors" array; a route that does not exist is a web page with
//     404.
//   - A PUT replaces: a field that it leaves out becomes null. A PUT of a ticket
//     without one of the stabilising fields is refused; a PUT of just these fields
//     and the resolution is accepted. There is no PATCH of tickets, and TicketNotes
//     can be POSTed only through the ticket.
//   - A boolean that a PUT leaves out becomes false. It cannot be null, and a client
//     that relied on its staying unchanged would lose it wherever the vendor's "all
//     omitted fields are reset" holds.
//   - Status 5 sets completedDate and resolvedDateTime of a ticket. No other status
//     does, not even 8, which is labelled "Completed".
//   - A condition whose operator is unknown is dropped from a query, which then finds
//     too much; an empty filter finds nothing. The next page needs the same body
//     again; the last page may be empty.
//   - A wrong user name is 500, a wrong secret 401. Impersonation is refused on
//     reads. The fourth request in flight on one endpoint is refused, and so is every
//     request above the hourly threshold.
//   - The content of an attachment is served only with the attachment itself, never
//     in a list. A file may have at most 6,000,000 bytes, and all files together
//     10,000,000 in five minutes; after more, attachments are refused for five
//     minutes. Attachments are queried by their parent, the history of a ticket only
//     by its ticket. Some fields cannot be queried.
//   - Names in paths may have any casing below ATServicesRest, which is
//     case-sensitive. JSON is read as by .NET: with trailing commas, bare names,
//     comments and single quotes. A body with a Content-Encoding is refused.
//   - A contact, location or contract of a ticket must belong to its company or that
//     company's parent. An inactive contact makes every PUT of the ticket fail, as
//     does a text that is longer than its field. Lengths count UTF-16 units. A
//     resource is assigned together with one of its roles. Time is booked on a
//     ticket, a task or internally, for more than 0 and at most 24 hours, by a
//     resource other than the API user; on a ticket it needs a role and a summary.
//   - A day loses its time of day, and stays the day that was sent, whatever the
//     zone. Some writes are answered with "itemId": null.
//
// A new tenant has two people ([APIUserID], and [TechnicianID], who works in the role
// [TechnicianRoleID]), two companies ([OwnCompanyID], whose id is 0, and
// [CustomerID]) and the picklists of tickets, notes and time entries.
//
// # Starting it
//
// In a test it closes itself:
//
//	srv := autotasktest.NewServer(t)
//	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed"})
//	ticket, err := srv.Client().Tickets.Get(t.Context(), id)
//
// In a program, close it:
//
//	srv := autotasktest.Start()
//	defer srv.Close()
//
// Seed fills the fields that were not given, and refuses values of the wrong kind;
// SeedRaw stores a recorded item as it is. Neither checks the rules for writes. Get,
// Rows and Raw return what is stored, Requests what was sent:
//
//	for _, r := range srv.Requests() {
//		fmt.Println(r.Op, r.Status) // POST Tickets/Notes 200
//	}
//
// Any HTTP client can be used in place of Client, with BaseURL and Credentials.
// Snapshot returns the whole tenant as it is stored, to compare it before and after.
//
// # Without a socket
//
// NewInProcess creates a tenant without a listener. That takes a hundredth of a
// millisecond, so a test can create one for each of thousands of cases. Its requests
// run on the goroutine of the caller, and everything that waits uses timers and
// contexts: created inside a bubble of [testing/synctest], it uses the bubble's time.
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := autotasktest.NewInProcess(t)
//		srv.Inject(autotasktest.Fault{Op: "GET Tickets", Delay: time.Hour}) // passes at once
//		ticket, err := srv.Client().Tickets.Get(t.Context(), srv.Seed("Tickets", nil))
//	})
//
// Transport does the same for any tenant, for a client of your own:
//
//	autotask.WithHTTPClient(&http.Client{Transport: srv.Transport()})
//
// # HTTP/2
//
// NewHTTP2 creates a tenant that serves HTTP/2 over TLS. Fault.ResetStream resets
// streams there: net/http reacts to some resets by sending a write again, so a server
// that has carried it out gets it twice. HTTPClient returns a plain client of any
// tenant, which trusts the certificate of this one, too.
//
// # Webhooks
//
// A webhook is a row like any other: POST TicketWebhooks, then its Fields, whose ids
// are in a picklist of TicketWebhookFields. From then on, creates, updates and
// deletes through the API queue signed calls, and DeliverWebhooks sends them:
//
//	_, err = client.Tickets.Create(ctx, ticket)
//	err = srv.DeliverWebhooks(ctx) // until no call is queued
//
// Only loopback addresses are called. SetWebhookHandler receives the calls in process
// instead, whatever their address. Seed triggers no event; FireWebhooks triggers
// those of seeded rows. SetWebhookSigning signs in the other ways that have been
// reported.
//
// # Settings of a tenant
//
// SetPicklist and SetUDFs set the picklist of any field, and user-defined fields.
// SetOverlongTexts, SetStartAndStopTimes and SetDuplicateTickets set what differs
// between tenants. SetAttachmentShape serves attachments in the other forms that have
// been reported. SetTextFilter changes texts as they are stored, SetQueryLag hides
// new rows from queries for a while.
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
// Every change of a ticket, whoever makes it, adds rows to TicketHistory: "Status
// changed from New to Complete". The wording for other fields is by analogy; empty
// values are "nothing", long ones are cut.
//
// # Many rows
//
// A tenant may hold a hundred thousand tickets: the cost of reading one, or of a
// query by id, by ticket id or by number, does not depend on how many there are.
// Every request is kept for Requests; a program that sends millions of them should
// call ResetRequests now and then.
//
// # Faults
//
// Inject makes chosen requests fail. Here the note is created, but the client gets no
// answer:
//
//	srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropResponse: true})
//
// And here somebody else edits the ticket between a client's read and its write:
//
//	srv.Inject(autotasktest.Fault{Op: "GET Tickets", Edit: func(row map[string]any) {
//		row["priority"] = 1
//	}})
//
// Fault lists them all:
//
//   - The request does not arrive: Refuse, DropRequest, Hang, Delay.
//   - Something else answers: Status, Redirect, Garbage, HTML.
//   - The answer does not arrive: DropResponse, Truncate, SlowBody, Oversize,
//     GzipBomb, and Hang with one of the first two; ResetStream over HTTP/2.
//   - The request is carried out late: Lands, after a time, and ApplyAfter, after a
//     number of requests; both also with Hang or Status.
//   - The answer is complete but wrong: IgnoreWrite, RepeatNextPage, ForeignNextPage.
//   - The tenant changes meanwhile: Revert, Edit, HideFromQueries, Lag.
//
// A fault happens once unless Times says otherwise, and at the k-th request with
// Skip: k-1. PendingFaults returns how many have not happened yet, and ReportUnstruck
// makes the test fail if one did not. Inject refuses faults that cannot happen,
// completely or in part.
//
// SetLatency, SetThreadLimit, SetThreshold, MoveZone and SetZonelessDates make the
// tenant slow, restrict it, exhaust its limit, move it, or make it write dates as
// older zones do.
//
// # What it does not imitate
//
//   - People: no permissions but those of SetReadAccess, no security levels, modules
//     or licences, and no account is locked after wrong passwords. Every active resource but the API
//     user can be impersonated, on the entities of the vendor's list.
//   - Business rules beyond those above: other references need not exist, categories
//     require nothing, and a picklist value is accepted even if it is inactive or
//     belongs to another parent value.
//   - Consequences: there are no workflow rules except Fault.Revert, and no e-mails.
//     The children of a deleted row stay. A new note or time entry updates only
//     lastActivityDate of its ticket. Fields that Autotask calculates (due dates of
//     service levels, hoursToBill, amounts) stay null. Rich text is not lost, because
//     there is none.
//   - User-defined fields: their values are strings, whatever the type of their
//     definition. An entity without SetUDFs has the fields that its rows have, and
//     accepts any.
//   - Webhooks: no call is repeated, a failing webhook is not switched off, nothing
//     is added to WebhookEventErrorLogs, and the deactivationUrl is not called.
//     Fault.Edit triggers no event. Addresses need not be https.
//   - Attachments: AttachmentInfo does not list them.
//   - Services: the token of Authenticate grants nothing; the files of an invoice are
//     not its contents; approving a time-off request does not change its status, and
//     rejecting one only stores the reason.
//   - Time limits: answers do not slow down as the threshold comes nearer, and no
//     request is ended after five minutes.
//   - TLS, except with NewHTTP2.
//
// Some details of the API are not published. Where they are not, the package does
// what is harder for a client: operators are case-sensitive; a null field matches no
// comparison, not even noteq and notIn; children count toward the thread limit of
// their parent's endpoint; a query without id among its IncludeFields gets its first
// page, and is refused the next; a webhook is ready once it has a field; a
// FILE_ATTACHMENT needs data, and a link has none; a pause of attachments begins with
// the one that exceeded the limit.
//
// A webhook call names fields as the API does. It has the changed fields that the
// webhook subscribes to, and the fields that it always shows; after a delete it has
// none. An update of other fields triggers no call.
//
// An update of a row with an overlong text is refused whichever fields it changes,
// even a PATCH. The numbers of typeID in deletion logs, the action of history rows
// and the text of the hourly threshold's refusal are invented, as are most texts of
// pages and framework errors. Match none of them.
package autotasktest
