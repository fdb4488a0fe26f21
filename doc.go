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
//		Text:   "The backup ran through at the second try.",
//		Status: autotask.StatusComplete,
//		StartedAt:  job.CreatedAt,
//	})
//
// # Authentication
//
// Every request carries the headers UserName, Secret and ApiIntegrationCode,
// and goes to one origin only: redirects are not followed, and a next page on
// another host is an error. Only https is spoken, but for loopback addresses.
// Credentials, clients and errors print, log and encode without secrets.
// [Client.As] makes a client that acts on behalf of a resource, which is what
// Autotask calls a person; only its writes say so.
//
// # Zones
//
// A tenant lives in a zone, a server of its own. The first call finds it out
// from the user's name, unless [WithBaseURL] names it. If the tenant has moved,
// which shows as a 401, the zone is asked for once more.
//
// # Reading
//
// Tickets, ticket notes, time entries and picklists have services on the
// [Client]. The generic functions [Get], [List], [All], [Pages], [Scan], [Count]
// and [GetMany] read them too, and every other entity of the API, whose types
// are in package entity, or that a program describes with a type of its own (see
// [Entity]):
//
//	entry, err := autotask.Get[autotask.TimeEntry](ctx, client, 4711)
//	for t, err := range client.Tickets.All(ctx, autotask.Query{
//		Filter: autotask.And(autotask.Eq("companyID", 0), autotask.NotEq("status", autotask.StatusComplete)),
//	}) {
//		…
//	}
//
// Autotask gives 500 items in a page and takes 500 OR conditions in a query.
// Pages are read as they are reached, with Prefetch one ahead; an [In] of more
// values is sent in parts, whose results come as one, in the order of their ids.
// [Scan] reads a large result by several workers at once.
// [Pages] gives with each page the position from which a later run goes on, and
// [Since] asks for what has changed: together, a sync that survives a restart.
// What Autotask would refuse, or worse, ignore, is [ErrInvalid] before anything
// is sent.
//
// A missing item is always [ErrNotFound]. A number such as T20261123.0001 is
// for display; [TicketsService.IDByNumber] finds the id that stands for it.
//
// # Writing
//
//	verb    what is sent                                             for
//	Create  POST of the fields that are set                          entities that can be created
//	Update  GET; the whole item with the change, by PUT; GET         Ticket
//	Update  GET; the id and the changed fields, by PATCH; GET        every other entity
//	Patch   the id and the fields that are set, by PATCH; no read    every other entity
//	Delete  DELETE                                                   entities that can be deleted
//
// What the API cannot do with an entity does not compile: Delete[Ticket],
// Patch[Ticket]. Child entities, such as notes, are written through their
// parent's path.
//
// Autotask sets fields that a PUT leaves out to null. So a ticket is only ever
// written whole, as it was read a moment before, and what the library does not
// know of it goes back byte for byte. It answers 200 to writes that it ignores;
// so [Update] reads back, and says [ErrNotApplied]. It has no version check:
// what somebody else writes between the read and the write is overwritten.
//
// [Client.Resolve] is what a ticket's resolution takes: note, text, the check for
// time entries and the status that depends on it. [Client.ResolveAll] does that
// for many tickets, several at a time.
//
// # Attachments
//
// [Upload] makes an attachment from an io.Reader, [Download] writes one to an
// io.Writer. A file has up to 6,000,000 bytes, and all files of a client together
// 10,000,000 in five minutes; what is more is refused before it is sent.
//
// # Optional fields
//
// An [Optional] field is absent, null or holds a value. Absent fields are not
// sent, null clears, and zero values are values: company 0 is the tenant's own.
//
// # Retries
//
// Reads are GET and POST to …/query and …/query/count; the rest are writes.
//
//	what happened                                     read             write
//	never sent (dial, DNS, refused, TLS)              again            again
//	429, or a thread-limit text under any status      again            again
//	connection lost, time-out, unreadable answer      again            ErrOutcomeUnknown
//	502, 503, 504, 500 without a text in errors       again            ErrOutcomeUnknown
//	500 with a text in errors, 4xx                    error at once    error at once
//	401                                               error at once    error at once
//
// "Again" is up to [WithMaxRetries] times, 4 by default, after 0.5 s, 1 s, 2 s,
// 4 s … times a random factor between 0 and 1, and not before a Retry-After of
// up to a minute is over; a longer one is [ErrRateLimited] with the duration.
//
// # Unanswered writes
//
// A write goes out once; if its answer is lost, the client looks, and if the
// write does not show, the error is [ErrOutcomeUnknown] with the time until it
// cannot be carried out any more. Until then the client looks first and writes
// nothing else to that item.
//
// Two processes do not see each other's lost writes: let only one of them work on
// a ticket at a time, and let the next one wait for RetryAfter. [SafeToRetry]
// reports whether a failed call changed nothing and will not.
//
// [Resolution] has three ways to make a repeat find the note of an earlier run,
// and [NotesService.Ensure] and [EnsureAttachment] are for work of other kinds.
// docs/reliability.md has the exact rules, what they cannot promise, and how they
// are proved.
//
// # Limits
//
// Autotask allows an integration code three requests at a time on one endpoint,
// and a tenant 10,000 requests an hour, all its integrations together. The
// client keeps to the first by itself, however many goroutines use it; to the
// second with [WithHourlyReserve], which leaves a share of it to others.
// [Client.Threshold] tells how much is used up. [WithLimiter] shares limits
// between processes. After three refused logins in a row (401) nothing is sent
// for five minutes, since Autotask locks accounts for that.
//
// # Errors
//
// Failing calls return an [*Error], or an [*AmbiguousError]. errors.Is tells its
// kind ([ErrNotFound], [ErrPermission], …), errors.As its details. Bad input is
// refused before anything is sent, with [ErrInvalid] and StatusCode 0.
//
// # Webhooks
//
// Package webhook receives what Autotask tells of changes, and sets that up.
//
// # Testing
//
// Package autotasktest is a fake tenant for the tests of programs that use this
// package: it keeps to the same rules as Autotask, and fails in the same ways
// when told to.
package autotask
