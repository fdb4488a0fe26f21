// Package changes follows what changes in Autotask: which rows are new or other,
// and which are gone, since a position that the program has saved. It is for
// programs that keep a copy, to report on, to bill from or to join with other
// data.
//
// # Guarantees
//
//   - Nothing is lost. Every change comes at least once, with the row as Autotask
//     sent it, if it moves one of the fields by which Autotask shows changes,
//     and if it shows within Options.Overlap of its stamp. Some rows come again.
//   - Nothing is invented. A row is Gone only after it was not found twice, by
//     different requests, and a count afterwards showed the other rows.
//   - A lost permission is an error, ErrMissing, and never a deletion of
//     everything. The position stays where it was until the right is back: it moves
//     only if the last page showed a row, which every request asks for one of, and
//     after a count. With Never, and of rows that Log only rechecks, it is not
//     noticed while changes are read. A tenth of the rows, or ten, may go at once.
//   - A program may be killed at any moment. If rows and state are saved in one
//     transaction, it goes on with the page after the last one saved.
//   - A run makes no more requests than its budget, but for one where an entity
//     turns out to have no user-defined fields.
//   - A State holds ids, hashes and times, the names of fields and of picklist
//     values, and nothing of what rows hold.
//
// # Use
//
//	feed, err := changes.Open(client, changes.Options{
//		Collections: []string{"Tickets", "TicketNotes", "TimeEntries"},
//		State:       saved,
//	})
//	…
//	for batch, err := range feed.Run(ctx) {
//		if err != nil {
//			return err
//		}
//		tx := db.Begin()
//		apply(tx, batch.Changes)
//		save(tx, batch.State) // as JSON
//		tx.Commit()
//	}
//
// A Feed is for one tenant and, at a time, one process.
//
// Module github.com/autotask-go/autotask/mirror does all that for SQLite and
// Postgres.
//
// # How changes are found
//
// Most collections have cursors: fields with the time of the last change, and the
// time of the creation. A run asks for the rows of which any cursor is at or after
// a time, by ascending id, up to 500 in a request. That time is where Autotask's
// clock was, by its Date header, before the first page of the last run was read,
// less the Overlap. Watermarks of other kinds lose changes: the newest stamp seen
// loses what changes while pages are read, the program's clock loses the difference
// to Autotask's, and without an overlap whatever shows late is lost. If Autotask
// sends no Date header, every run reads everything.
//
// A run checks, against the tenant's description of the fields, which of the
// cursors can be queried. What moves them is Autotask's affair: a change that
// moves none is found by Options.Verify, by chance, and by nothing else.
//
// Collections without cursors, such as BillingCodes, are read as a whole every
// Options.ReadEvery. Rows in blocks of ids whose hash is the one of the last
// reading are not told of. In between, a run asks for rows with new ids.
//
// Attachments and TicketHistory can only be asked for below a parent. They cannot
// be followed.
//
// # How deletions are found
//
// Up to the greatest id known, rows can only vanish. One count proves that none
// did. Otherwise the range of ids is halved until the pages are found in which
// known rows and counted ones differ: 13 requests for one row of 100,000. Where
// that takes longer than to read all ids, all ids are read. Each missing row is
// read by its id; more than 25 are searched for by their ids. Every
// Options.SweepEvery all ids are compared in any case.
//
// A merged ticket is not deleted: it is complete, and comes as Upserted.
//
// A row that comes back as it was, with its old stamps, is found by the same count
// or by the next sweep, if the feed had told that it was gone. One that changed,
// went and came back between two runs is as it was to every cursor: that change
// shows later than the Overlap allows.
//
// Options.Deletions has other ways. Autotask's deletion logs take the rights of an
// administrator, and their retention is not published.
//
// # Webhooks
//
// Events are hints. Feed.Event and Feed.Dirty make the next run read rows by their
// ids; Feed.Due says when numbers are missing among the events.
package changes
