// Package entity holds a type for every entity of the Autotask REST API but the
// three of package autotask: Ticket, TicketNote and TimeEntry.
//
// There are types only. The functions of package autotask read and write them:
//
//	company, err := autotask.Get[entity.Company](ctx, client, 0)
//	acme, err := autotask.One[entity.Company](ctx, client, q)
//	for contact, err := range autotask.All[entity.Contact](ctx, client, q) { … }
//	id, err := autotask.Create(ctx, client, &entity.Contact{
//		CompanyID: autotask.Int(0), FirstName: autotask.Value("Ada"), …
//	})
//
// Each type has a method for everything that the API can do with it: CanGet,
// CanQuery, CanCreate, CanUpdate, CanPatch, CanDelete, and CanList where rows
// are read through their parent only. A function takes the types that have its
// method, so that a call for which there is no route does not compile.
//
// The attachments have CanAttach, too: autotask.Upload and autotask.Download
// carry their files.
//
// A type with a method Parent is written through the path of another one, whose
// id must be in it: a Contact through its company, POST Companies/{id}/Contacts.
// It is queried in its own collection, like all others.
//
// Every field is an autotask.Optional and left out where it is absent, but for
// the ID and the user-defined fields. Fields and their names are the vendor's,
// from the description that the API publishes of itself. That description does
// not say which fields are required, read-only or picklists: the comments do
// where it is known from elsewhere. What holds in a tenant, with its categories
// and settings, Client.Picklists tells.
//
// A field that holds a day, as its comment says, takes autotask.Day and
// autotask.DayOf; any other time of day in it is ErrInvalid. A type with a
// method NoID is answered with no id when it is created: Create returns 0.
//
// A field or an entity that the vendor added since takes a type of one's own;
// see autotask.Entity.
package entity
