// Package autotask is a client for the Autotask PSA REST API that never breaks
// a ticket.
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
// A missing item is always [ErrNotFound]. Anything that Autotask would refuse or,
// worse, ignore is reported as [ErrInvalid] before a request is sent. [Pages] and
// [Since] make a sync that survives a restart.
//
// # Writing
//
//	Create  POST of the fields that are set
//	Update  of a Ticket: GET; PUT of the whole item with the change; GET
//	Update  of other entities: GET; PATCH of the id and the changed fields; GET
//	Patch   of other entities: PATCH of the id and the fields that are set
//	Delete  DELETE
//
// A verb that the API lacks for an entity does not compile: Delete[Ticket].
// Autotask sets the fields that a PUT leaves out to null, so a ticket is only
// written whole, as just read, with what the library does not know byte for byte.
// It answers 200 to writes that it ignores, so [Update] reads back and may return
// [ErrNotApplied]. It has no version check: what somebody else writes between the
// read and the write is overwritten.
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
// if it does not show, the error is [ErrOutcomeUnknown], with the time until it
// cannot be carried out any more. Until then the client writes nothing else to
// that item. Two processes do not see each other's lost writes: let only one at a
// time work on a ticket, and the next one wait for RetryAfter. [Resolution],
// [NotesService.Ensure] and [EnsureAttachment] make work repeatable.
// docs/reliability.md has the exact rules, and what they cannot promise;
// docs/details.md has what the comments here leave out.
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
// Package webhook receives Autotask's reports of changes, package changes finds
// them without, and package alert keeps one open ticket per alert. Package
// autotasktest is a fake tenant for tests, which fails when told to.
package autotask
