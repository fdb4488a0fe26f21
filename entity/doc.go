// Package entity has a type for every entity of the Autotask REST API except the
// three of package autotask: Ticket, TicketNote and TimeEntry.
//
// It has only types. The functions of package autotask read and write them:
//
//	company, err := autotask.Get[entity.Company](ctx, client, 0)
//	acme, err := autotask.One[entity.Company](ctx, client, q)
//	for contact, err := range autotask.All[entity.Contact](ctx, client, q) { … }
//	id, err := autotask.Create(ctx, client, &entity.Contact{
//		CompanyID: autotask.Int(0), FirstName: autotask.Value("Ada"), …
//	})
//
// Each type has a method for everything that the API can do with it: CanGet,
// CanQuery, CanCreate, CanUpdate, CanPatch, CanDelete, and CanList if rows can only
// be read through their parent. A function accepts the types that have its method, so
// a call without a route does not compile.
//
// Attachments also have CanAttach: autotask.Upload and autotask.Download transfer
// their files.
//
// A type with a method Parent is written through the path of its parent, whose id
// must be set: a Contact through its company, POST Companies/{id}/Contacts. It is
// queried in its own collection, like all others.
//
// Every field is an autotask.Optional and is not sent if absent; the exceptions are
// the ID and the user-defined fields. Fields and their names are the vendor's, from
// the API's own description. That description does not say which fields are required,
// read-only or picklists; the comments do if it is known from elsewhere.
// Client.Metadata and Client.Picklists return what applies in a tenant, with its
// categories and settings.
//
// A field that holds a day, as its comment says, accepts autotask.Day and
// autotask.DayOf; any other time of day is ErrInvalid. Creating a type with a method
// NoID returns no id: Create returns 0.
//
// For a field or an entity that the vendor has added since, define a type of your
// own; see autotask.Entity.
package entity
