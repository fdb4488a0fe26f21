// Package autotask is an Autotask PSA REST API client that never breaks a ticket.
//
//	client, err := autotask.NewClient(autotask.Credentials{UserName: user, Secret: secret, IntegrationCode: code})
//	…
//	id, err := client.Tickets.IDByNumber(ctx, "T20261123.0001")
//	…
//	outcome, err := client.Resolve(ctx, id, autotask.Resolution{
//		Text:      "The backup succeeded on the second attempt.",
//		Status:    autotask.StatusComplete,
//		StartedAt: job.CreatedAt,
//	})
//
// # Authentication and zones
//
// Every request carries the headers UserName, Secret and ApiIntegrationCode, to
// one origin only and by HTTPS, except for loopback addresses. Redirects are not
// followed. Credentials, clients and errors print, log and encode without secrets.
// [Client.As] writes on behalf of a resource, Autotask's word for a person. Each
// tenant lives in a zone, one of Autotask's servers. It is looked up by the user's
// name, unless [WithBaseURL] names it, and again after a 401, as it may have moved.
//
// # Reading
//
// The services of a [Client] read tickets, notes, time entries and picklists.
// [Get], [List], [All], [Pages], [Scan], [Count] and [GetMany] read those and
// every other entity: the types in package entity, or your own (see [Entity]).
// A missing item is always [ErrNotFound]. What Autotask would refuse or, worse,
// ignore is [ErrInvalid] before a request is sent.
//
// # Writing
//
//	Create  POST of the fields that are set
//	Update  of a Ticket: GET; PUT of the whole item with the change; GET
//	Update  of other entities: GET; PATCH of the id and the changed fields; GET
//	Patch   of other entities: PATCH of the id and the fields that are set
//	Delete  DELETE
//
// A verb that the API lacks does not compile: Delete[Ticket]. A PUT nulls the
// fields that it leaves out, so a ticket is only written whole, as just read, with
// unknown fields byte for byte. Autotask answers 200 to writes that it ignores, so
// [Update] reads back and may return [ErrNotApplied]. There is no version check:
// what somebody else writes between the read and the write is overwritten.
//
// # Failures
//
// Failing calls return an [*Error] or an [*AmbiguousError]; errors.Is tests its
// kind. Requests that were never sent, or were turned away by a 429 or the thread
// limit, are retried up to [WithMaxRetries] times, with back-off and after a
// Retry-After of at most a minute. So are reads after a lost connection, time-out,
// unreadable answer, 502, 503, 504, or 500 without a text. All else fails at once.
//
// A write whose answer was lost is not sent again. The client looks for it, and
// if it does not show, the error is [ErrOutcomeUnknown]; until RetryAfter is over,
// the client writes nothing else to that item. Without [WithUnanswered], other
// processes do not know of it: let only one at a time work on a ticket.
// [Resolution], [NotesService.Ensure] and [EnsureAttachment] make work repeatable.
// The exact rules are in docs/reliability.md, the rest in docs/details.md.
//
// # Limits
//
// Autotask allows an integration code three concurrent requests on one endpoint,
// which the client keeps by itself, and a tenant 10,000 requests an hour, all its
// integrations together: see [WithHourlyReserve]. After three refused logins in a
// row (401) nothing is sent for five minutes, since Autotask locks such accounts.
//
// # Other packages
//
// webhook receives reports of changes, changes finds them without, alert keeps one
// ticket per alert, autotasktest is a fake tenant, conformance checks a real one.
package autotask
