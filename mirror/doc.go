// Package mirror keeps the rows of Autotask as tables of an SQL database: SQLite,
// which needs no server, or Postgres.
//
//	m, err := mirror.Open(ctx, "sqlite:autotask.db") // or "postgres://user@host/database"
//	…
//	defer m.Close()
//	err = m.Run(ctx, client, mirror.Options{Feed: changes.Options{Collections: []string{"Tickets", "TicketNotes"}}})
//
// Run reads what has changed since the last Run, by package changes: the first time
// everything. Rows and the position of the feed are saved in one transaction, page
// by page, so that a program may be killed at any moment and goes on behind the last
// page that was saved.
//
// # Tables
//
// Each collection has a table of its name, with a column for each field that the
// tenant describes, and one for each user-defined field: "Backup Plan" is
// udf_Backup_Plan. Whole numbers, decimals, booleans, dates and texts have columns
// of their type. SQLite keeps dates as UTC texts such as 2026-11-27T08:00:00.000Z,
// which its date functions read. A value that does not fit the type of its column
// is NULL there. Besides, every table has
//
//   - _json, the row as Autotask sent it,
//   - _changed, when the row was last written here, by this machine's clock,
//   - _deleted, when it was seen to be gone; NULL while it exists.
//
// Deleted rows stay. The view Tickets_view has the rows of Tickets that exist, and
// beside each picklist field its label: status, status_label. In Postgres all names
// are in lower case, so that they need no quotes in either.
//
// Fields that a tenant adds become columns when they are first seen. Columns are
// never removed, and keep their type.
//
// The tables mirror_state, mirror_columns and mirror_picklists are the mirror's own.
package mirror
