// Package conformance holds an Autotask tenant to what is known of the API:
// the contract, section by section, and the facts of docs/api-notes.md that a
// client can see. The same checks run on the fake tenant of package
// autotasktest and on a sandbox of your own, so they show where the two differ.
//
//	report, err := conformance.Run(ctx, conformance.Tenant{Credentials: creds, BaseURL: base}, conformance.Options{})
//	…
//	err = report.WriteMarkdown(os.Stdout)
//
// # What it sends
//
// By default it sends reads only: GET, and POST of queries and counts, some of
// which are wrong on purpose. Requests go out one at a time, to the origin of
// the base URL and nowhere else, and redirects are not followed. Run reads the
// use of the hourly limit first, and sends nothing more if too little is left.
//
// With Options.Write it makes one ticket of its own for the company
// Options.CompanyID, changes it, posts notes on it and resolves it. It writes no
// other row. It never sends a PATCH or a DELETE. A write whose answer is lost is
// not repeated, and nothing is written after it.
//
// # What it reports
//
// A check has passed or failed. A question, on which nothing certain is known,
// is answered and not judged. What could not be asked says why.
//
// A report can be published: it has no credentials, no address but that of a
// zone of Autotask, and no names, texts or ids of rows, except the id of the
// ticket that Run made. Details name only fields that every tenant has.
package conformance
