// Package autotask is a client for the Autotask PSA REST API that never breaks
// a ticket.
//
//	client, err := autotask.NewClient(autotask.Credentials{
//		UserName:        os.Getenv("AUTOTASK_USERNAME"),
//		Secret:          os.Getenv("AUTOTASK_SECRET"),
//		IntegrationCode: os.Getenv("AUTOTASK_INTEGRATION_CODE"),
//	})
//	…
//	id, err := client.Tickets.ResolveNumber(ctx, "T20261123.0001")
//	…
//	outcome, err := client.Resolve(ctx, id, autotask.Resolution{
//		Text:   "The backup ran through at the second try.",
//		Status: autotask.StatusComplete,
//		Begun:  job.CreatedAt,
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
// [Client]; the generic functions [Get], [List], [All], [Count] and [GetMany]
// read them too, and any other entity that a program describes with a type of
// its own (see [Entity]):
//
//	entry, err := autotask.Get[autotask.TimeEntry](ctx, client, 4711)
//	for t, err := range client.Tickets.All(ctx, autotask.Query{
//		Filter: autotask.And(autotask.Eq("companyID", 0), autotask.NotEq("status", autotask.StatusComplete)),
//	}) {
//		…
//	}
//
// A missing item is always [ErrNotFound]. A number such as T20261123.0001 is
// for display; [TicketsService.ResolveNumber] finds the id that stands for it.
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
// [Client.Resolve] resolves a ticket, with a note, a text and a status, in
// steps that are safe to repeat; [Client.ResolveAll] does so with many tickets
// at a time.
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
//	502, 503, 504, 500 without an errors array        again            ErrOutcomeUnknown
//	500 with an errors array, 4xx                     error at once    error at once
//	401                                               error at once    error at once
//
// "Again" is up to [WithMaxRetries] times, 4 by default, after 0.5 s, 1 s, 2 s,
// 4 s … times a random factor between 0 and 1, and not before a Retry-After of
// up to a minute is over; a longer one is [ErrRateLimited] with the duration.
// [Update] and [Delete] find out about an unknown outcome by reading, and start
// anew if nothing was done; [Create] searches for a ticket note, or for a ticket
// with an external id. Where that does not settle it, the error is
// [ErrOutcomeUnknown]; that of a create carries what was sent. The numbers may change between
// versions; that a write is repeated only if it provably never ran, or was seen
// not to have, will not.
//
// # Limits
//
// Autotask allows an integration code three requests at a time on one endpoint,
// and a tenant 10,000 requests an hour, all its integrations together. The
// client keeps to the first by itself, however many goroutines use it; to the
// second with [WithReserve], which leaves a share of it to others.
// [Client.Threshold] tells how much is used up. [WithLimiter] shares limits
// between processes. After three refused logins in a row (401) nothing is sent
// for five minutes, since Autotask locks accounts for that.
//
// # Errors
//
// Failing calls return an [*Error], or an [*AmbiguousError]. errors.Is tells its kind ([ErrNotFound],
// [ErrPermission], …), errors.As its details. Bad input is refused before
// anything is sent, with [ErrInvalid] and StatusCode 0.
//
// # Testing
//
// Package autotasktest is a fake tenant for the tests of programs that use this
// package: it keeps to the same rules as Autotask, and fails in the same ways
// when told to.
package autotask
