// Package autotask is a client for the Autotask PSA REST API that never breaks
// a ticket.
//
//	client, err := autotask.NewClient(autotask.Credentials{
//		UserName:        os.Getenv("AUTOTASK_USERNAME"),
//		Secret:          os.Getenv("AUTOTASK_SECRET"),
//		IntegrationCode: os.Getenv("AUTOTASK_INTEGRATION_CODE"),
//	})
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
// one origin only and by HTTPS, except for loopback addresses; redirects are not
// followed. Credentials, clients and errors print, log and encode without
// secrets. [Client.As] writes on behalf of a resource, Autotask's word for a
// person. Each tenant lives in a zone, one of Autotask's servers; the first call
// looks it up by the user's name, unless [WithBaseURL] names it, and so does a
// 401, since the tenant may have moved.
//
// # Reading
//
// The services of a [Client] read tickets, ticket notes, time entries and
// picklists. [Get], [List], [All], [Pages], [Scan], [Count] and [GetMany] read
// those and every other entity: the types in package entity, or a type of your
// own (see [Entity]). A missing item is always [ErrNotFound].
//
//	for t, err := range client.Tickets.All(ctx, autotask.Query{
//		Filter: autotask.And(autotask.Eq("companyID", 0), autotask.NotEq("status", autotask.StatusComplete)),
//	}) {
//
// Anything Autotask would refuse or, worse, ignore is reported as [ErrInvalid]
// before a request is sent. [Pages] and [Since] make a sync that survives a
// restart.
//
// # Writing
//
//	Create  POST of the fields that are set
//	Update  of a Ticket: GET; PUT of the whole item with the change; GET
//	Update  of other entities: GET; PATCH of the id and the changed fields; GET
//	Patch   PATCH of the id and the fields that are set; no read; not a Ticket
//	Delete  DELETE
//
// A verb that the API lacks for an entity does not compile: Delete[Ticket].
//
// Autotask sets the fields that a PUT leaves out to null, so a ticket is only
// written whole, as just read, with what the library does not know byte for byte.
// It answers 200 to writes that it ignores, so [Update] reads back and returns
// [ErrNotApplied]. It has no version check: what somebody else writes between
// the read and the write is overwritten. [Client.Resolve] does everything needed
// to resolve a ticket, [Client.ResolveAll] for many. [Upload] and [Download] carry
// attachments.
//
// # Failures
//
// Failing calls return an [*Error] or an [*AmbiguousError]; test its kind with
// errors.Is. A read is retried after a lost connection, a time-out, an unreadable
// answer, a 502, 503, 504 or a 500 without a text; a read or a write if it was
// never sent, or was turned away by a 429 or the thread limit. 4xx and other 500s
// are errors at once. There are up to [WithMaxRetries] retries, after 0.5 s, 1 s,
// 2 s … times a random factor below 1, and after a Retry-After of up to a minute;
// a longer one is [ErrRateLimited].
//
// A write whose answer was lost is not sent again. The client looks for it, and
// if it does not show, the error is [ErrOutcomeUnknown], with the time until it
// cannot be carried out any more. Until then the client writes nothing else to
// that item. Two processes do not see each other's lost writes: let only one at a
// time work on a ticket, and the next one wait for RetryAfter. [SafeToRetry]
// reports whether a failed call changed nothing. [Resolution], [NotesService.Ensure]
// and [EnsureAttachment] make work repeatable. docs/reliability.md has the exact
// rules, what they cannot promise, and how they are proved.
//
// # Limits
//
// Autotask allows an integration code three concurrent requests on one endpoint,
// which the client keeps by itself, and a tenant 10,000 requests an hour, all its
// integrations together: see [WithHourlyReserve] and [Client.Threshold].
// [WithLimiter] shares limits between processes. After three refused logins in a
// row (401) nothing is sent for five minutes, since Autotask locks such accounts.
//
// # Other packages
//
// Package webhook receives Autotask's reports of changes. Package autotasktest is
// a fake tenant for tests that keeps the same rules, and fails when told to.
package autotask
